"""Street View House Numbers, cropped digits (Netzer et al., 2011)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoencoders.data.base import Content, Split
from autoencoders.data.fetch import fetch_verified
from autoencoders.errors import UserError


@dataclass(frozen=True)
class Svhn:
    """73,257 + 26,032 colour images of 32x32 pixels, whose source and MD5 sums torchvision lists.

    The "extra" images are left out, as they are easier. In the files the digit 0 has the label 10.
    """

    classes: Sequence[str] = tuple("0123456789")
    blends: Sequence[Sequence[str]] = (("3", "8"), ("4", "7", "9"))
    image_shape: tuple[int, ...] = (3, 32, 32)

    def fetch(self, folder: Path, mirror: str | None) -> None:
        from torchvision.datasets import SVHN

        for split in ("train", "test"):
            url, file, md5 = SVHN.split_list[split]
            fetch_verified("svhn", file, md5, [url.rpartition("/")[0]], mirror, folder)

    def read(self, folder: Path) -> Content:
        splits = {name: self._split(folder / f"{name}_32x32.mat") for name in ("train", "test")}
        return Content(splits, self.classes)

    def _split(self, path: Path) -> Split:
        from scipy.io import loadmat

        try:
            arrays = loadmat(path)
            images, labels = arrays["X"], arrays["y"].ravel().astype(np.int64)
            if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(labels)):
                raise ValueError(f"X is {images.dtype} of shape {images.shape}")
            if not 1 <= labels.min() <= labels.max() <= 10:
                raise ValueError(f"labels are {labels.min()} to {labels.max()}, expected 1 to 10")
        except FileNotFoundError as error:
            raise UserError(f"{path}: not found; run the download stage (dvc repro)") from error
        except Exception as error:  # scipy raises many kinds for a file that is not its own
            raise UserError(f"{path}: not a readable file of SVHN ({error})") from error
        return Split(np.ascontiguousarray(images.transpose(3, 2, 0, 1)), labels % 10)


DATASET = Svhn()
