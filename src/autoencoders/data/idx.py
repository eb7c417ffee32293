"""Data sets in MNIST's IDX format."""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoencoders.data.base import Content, Split
from autoencoders.data.fetch import fetch_verified
from autoencoders.errors import UserError

FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", 60_000),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 10_000),
}


@dataclass(frozen=True)
class IdxDataset:
    """60,000 + 10,000 grey images whose mirrors and MD5 sums torchvision lists."""

    name: str
    torchvision_class: str
    classes: Sequence[str]
    blends: Sequence[Sequence[str]]
    image_shape: tuple[int, ...] = (1, 28, 28)

    def fetch(self, folder: Path, mirror: str | None) -> None:
        # torchvision takes seconds to import, and only this function needs it.
        from torchvision import datasets

        listing = getattr(datasets, self.torchvision_class)
        for file, md5 in listing.resources:
            fetch_verified(self.name, file, md5, listing.mirrors, mirror, folder)

    def read(self, folder: Path) -> Content:
        splits = {}
        for split, (images_file, labels_file, count) in FILES.items():
            pixels = read_idx(folder / images_file, (count, *self.image_shape[1:]))
            labels = read_idx(folder / labels_file, (count,)).astype(np.int64)
            if labels.max() >= len(self.classes):
                raise UserError(
                    f"{folder / labels_file}: holds the label {labels.max()}, "
                    f"expected 0 to {len(self.classes) - 1}"
                )
            splits[split] = Split(pixels[:, np.newaxis], labels)
        return Content(splits, self.classes)


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Read a gzipped IDX file of unsigned bytes (format: http://yann.lecun.com/exdb/mnist).

    The header must claim exactly `shape`; this is checked before the data are read.

    Raises:
        UserError: the file is missing, damaged, truncated, or of another type or shape.
    """
    size = int(np.prod(shape))
    header = 4 + 4 * len(shape)
    try:
        with gzip.open(path) as file:
            start = file.read(header)
            expected = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
            if start != expected:
                raise UserError(
                    f"{path}: header is {start.hex()}, expected {expected.hex()} "
                    f"(unsigned bytes of shape {shape})"
                )
            content = file.read(size + 1)
    except FileNotFoundError as error:
        raise UserError(f"{path}: not found; run the download stage (dvc repro)") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: not a readable gzip file ({error})") from error
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content)}"
        raise UserError(f"{path}: holds {found} bytes of data, expected {size}")
    return np.frombuffer(content, np.uint8).reshape(shape)
