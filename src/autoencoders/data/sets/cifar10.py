"""CIFAR-10 (Krizhevsky, 2009) from its binary version."""

import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoencoders.data.base import Content, Split
from autoencoders.data.fetch import fetch_verified
from autoencoders.errors import UserError

# Listed at https://www.cs.toronto.edu/~kriz/cifar.html
SOURCE = "https://www.cs.toronto.edu/~kriz"
ARCHIVE = "cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
MEMBERS = {
    "train": [f"cifar-10-batches-bin/data_batch_{n}.bin" for n in range(1, 6)],
    "test": ["cifar-10-batches-bin/test_batch.bin"],
}
IMAGES_PER_MEMBER = 10_000


@dataclass(frozen=True)
class Cifar10:
    """50,000 + 10,000 colour images of 32x32 pixels.

    torchvision takes the Python version of the archive, which is pickled: reading it can run any
    code. The binary version on the same page holds the same images as plain bytes.
    """

    classes: Sequence[str] = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )
    blends: Sequence[Sequence[str]] = (("cat", "dog"), ("automobile", "truck", "ship"))
    image_shape: tuple[int, ...] = (3, 32, 32)

    def fetch(self, folder: Path, mirror: str | None) -> None:
        fetch_verified("cifar10", ARCHIVE, MD5, [SOURCE], mirror, folder)

    def read(self, folder: Path) -> Content:
        path = folder / ARCHIVE
        try:
            with tarfile.open(path, "r:gz") as archive:
                splits = {
                    split: self._records(b"".join(_member(archive, name) for name in names))
                    for split, names in MEMBERS.items()
                }
        except FileNotFoundError as error:
            raise UserError(f"{path}: not found; run the download stage (dvc repro)") from error
        except (OSError, EOFError, KeyError, ValueError, tarfile.TarError, zlib.error) as error:
            raise UserError(f"{path}: not a readable archive of CIFAR-10 ({error})") from error
        return Content(splits, self.classes)

    def _records(self, content: bytes) -> Split:
        """Each record is a byte of label, then the pixels, channel by channel, row by row."""
        records = np.frombuffer(content, np.uint8).reshape(-1, 1 + np.prod(self.image_shape))
        labels = records[:, 0].astype(np.int64)
        if labels.max() >= len(self.classes):
            raise ValueError(f"label {labels.max()}, expected 0 to {len(self.classes) - 1}")
        return Split(records[:, 1:].reshape(-1, *self.image_shape), labels)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    """A file's content, without unpacking it to the disk."""
    info = archive.getmember(name)
    expected = IMAGES_PER_MEMBER * (1 + 3 * 32 * 32)
    if not info.isfile() or info.size != expected:
        raise ValueError(f"{name} has {info.size} bytes, expected a file of {expected}")
    content = archive.extractfile(info)
    assert content is not None  # as it is a file
    return content.read()


DATASET = Cifar10()
