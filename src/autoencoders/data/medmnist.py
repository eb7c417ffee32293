"""MedMNIST v2 in two dimensions (Yang et al., 2023, doi:10.1038/s41597-022-01721-8)."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoencoders.data.base import Content, Split
from autoencoders.data.fetch import fetch_verified
from autoencoders.errors import UserError

# The record that the package medmnist 2.1.0 lists, with the MD5 sums there.
SOURCE = "https://zenodo.org/records/6496656/files"
SPLITS = {"train": "train", "validation": "val", "test": "test"}
ORGANS = (
    "bladder",
    "femur-left",
    "femur-right",
    "heart",
    "kidney-left",
    "kidney-right",
    "liver",
    "lung-left",
    "lung-right",
    "pancreas",
    "spleen",
)
"""The classes of the three sets that look at organs from different sides."""
ORGANS_ALIKE = (("kidney-left", "kidney-right"), ("lung-left", "lung-right", "heart"))


@dataclass(frozen=True)
class MedMnist:
    """Images of 28x28 pixels, grey or in colour, with splits of their own and one label each."""

    name: str
    md5: str
    classes: Sequence[str]
    channels: int
    blends: Sequence[Sequence[str]] = ()

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (self.channels, 28, 28)

    def fetch(self, folder: Path, mirror: str | None) -> None:
        fetch_verified(self.name, f"{self.name}.npz", self.md5, [SOURCE], mirror, folder)

    def read(self, folder: Path) -> Content:
        path = folder / f"{self.name}.npz"
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                splits = {split: self._split(arrays, name) for split, name in SPLITS.items()}
        except FileNotFoundError as error:
            raise UserError(f"{path}: not found; run the download stage (dvc repro)") from error
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise UserError(f"{path}: not a readable file of MedMNIST ({error})") from error
        return Content(splits, self.classes)

    def _split(self, arrays: np.lib.npyio.NpzFile, name: str) -> Split:
        images, labels = arrays[f"{name}_images"], arrays[f"{name}_labels"]
        shape = (28, 28, 3) if self.channels == 3 else (28, 28)
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise ValueError(f"{name}_images is {images.dtype} of shape {images.shape}")
        if labels.shape != (len(images), 1) or labels.max() >= len(self.classes):
            raise ValueError(f"{name}_labels of shape {labels.shape} are up to {labels.max()}")
        images = images.reshape(-1, 28, 28, self.channels).transpose(0, 3, 1, 2)
        return Split(np.ascontiguousarray(images), labels[:, 0].astype(np.int64))
