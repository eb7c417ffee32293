"""The data sets: name -> files, checksums, class names; verified download; reading; splitting."""

import gzip
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from autoencoders.core.errors import UserError
from autoencoders.core.storage import LABELS, read_arrays, write_arrays

TIMEOUT_SECONDS = 30
IDX_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}


@dataclass(frozen=True)
class Split:
    """Images, uint8 of shape (N, C, H, W), and their labels, int64 of shape (N,)."""

    images: np.ndarray
    labels: np.ndarray


class Dataset(Protocol):
    """What the download and the preprocess stage need to know of a data set."""

    classes: Sequence[str]
    """The class names, in the order of the labels."""

    image_shape: tuple[int, int, int]
    """(C, H, W) of every image."""

    def fetch(self, folder: Path, mirror: str | None) -> None:
        """Put the data set's files, verified, into an empty `folder`."""

    def read(self, folder: Path) -> dict[str, Split]:
        """Read the files into the splits "train" and "test"."""


@dataclass(frozen=True)
class IdxDataset:
    """A data set in MNIST's IDX format, whose mirrors and MD5 sums torchvision lists."""

    name: str
    torchvision_class: str
    classes: Sequence[str]
    image_shape: tuple[int, int, int] = (1, 28, 28)

    def fetch(self, folder: Path, mirror: str | None) -> None:
        # torchvision takes seconds to import, and only this function needs it.
        from torchvision import datasets

        listing = getattr(datasets, self.torchvision_class)
        sources = [source.rstrip("/") for source in listing.mirrors]
        if mirror:
            own = mirror.rstrip("/")
            sources = [f"{own}/{self.name.replace('_', '-')}", own, *sources]
        for file, md5 in listing.resources:
            _fetch_verified(self.name, file, md5, sources, folder)

    def read(self, folder: Path) -> dict[str, Split]:
        splits = {}
        for split, count in (("train", 60_000), ("test", 10_000)):
            images, labels = (folder / file for file in IDX_FILES[split])
            pixels = read_idx(images, (count, *self.image_shape[1:]))[:, np.newaxis]
            numbers = read_idx(labels, (count,)).astype(np.int64)
            if numbers.max() >= len(self.classes):
                raise UserError(
                    f"{labels}: holds the label {numbers.max()}, "
                    f"expected 0 to {len(self.classes) - 1}"
                )
            splits[split] = Split(pixels, numbers)
        return splits


@dataclass(frozen=True)
class Digits:
    """scikit-learn's embedded handwritten digits, 8x8 grey levels 0 to 16, no network needed.

    They are resized to 28x28 by bilinear interpolation and scaled to 0..255. The set has no
    customary test split: a fixed fifth of it, class-balanced, is the test set.
    """

    classes: Sequence[str] = tuple("0123456789")
    image_shape: tuple[int, int, int] = (1, 28, 28)

    def fetch(self, folder: Path, mirror: str | None) -> None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        arrays = {
            "images": digits.images.astype(np.uint8),
            "labels": digits.target.astype(np.int64),
        }
        write_arrays(folder / "digits.safetensors", arrays)

    def read(self, folder: Path) -> dict[str, Split]:
        from scipy.ndimage import zoom

        arrays = read_arrays(folder / "digits.safetensors", images=("uint8", 3), labels=LABELS)
        levels = arrays["images"].astype(np.float32) * (255 / 16)
        factors = np.divide((len(levels), *self.image_shape[1:]), levels.shape)
        resized = zoom(levels, factors, order=1, mode="nearest", grid_mode=True)
        images = np.round(resized).astype(np.uint8)[:, np.newaxis]
        whole = Split(images, arrays["labels"])
        train, test = split_balanced(whole, 0.2, seed=0)
        return {"train": train, "test": test}


FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

KMNIST_CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

DATASETS: dict[str, Dataset] = {
    "fashion_mnist": IdxDataset("fashion_mnist", "FashionMNIST", FASHION_CLASSES),
    "mnist": IdxDataset("mnist", "MNIST", tuple("0123456789")),
    "kmnist": IdxDataset("kmnist", "KMNIST", KMNIST_CLASSES),
    "digits": Digits(),
}


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
    except (OSError, EOFError, gzip.zlib.error) as error:
        raise UserError(f"{path}: not a readable gzip file ({error})") from error
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content)}"
        raise UserError(f"{path}: holds {found} bytes of data, expected {size}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def split_balanced(whole: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    """Split into the larger and the smaller part; `fraction` of each class goes to the latter.

    Both parts keep the order of `whole`.

    Raises:
        UserError: the fraction leaves less than an image per class on one side.
    """
    from sklearn.model_selection import train_test_split

    positions = np.arange(len(whole.labels))
    try:
        larger, smaller = train_test_split(
            positions, test_size=fraction, random_state=seed, stratify=whole.labels
        )
    except ValueError as error:
        raise UserError(
            f"a class-balanced split of {len(positions)} images by {fraction} fails: {error}"
        ) from error
    parts = (np.sort(larger), np.sort(smaller))
    first, second = (Split(whole.images[part], whole.labels[part]) for part in parts)
    return first, second


def _fetch_verified(name: str, file: str, md5: str, sources: list[str], folder: Path) -> None:
    """Take `file` from the first of the sources whose bytes have the checksum `md5`."""
    from pooch import file_hash

    failures = []
    for source in sources:
        target = folder / file
        try:
            _copy_or_download(source, file, target)
        except OSError as error:
            failures.append(f"{source}/{file}: {error}")
            continue
        found = file_hash(target, alg="md5")
        if found == md5:
            return
        size = target.stat().st_size
        failures.append(f"{source}/{file}: MD5 {found} of {size} bytes, expected {md5}")
        target.unlink()
    tried = "".join(f"\n  {failure}" for failure in failures)
    raise UserError(
        f"{name}: no source served {file}; tried{tried}\n"
        "Set DATA_MIRROR to a folder or a URL that holds the official files, "
        "or set data.name to digits, which needs no network."
    )


def _copy_or_download(source: str, file: str, target: Path) -> None:
    """Bring source/file to `target`; every failure is an OSError (requests' errors are)."""
    if "://" not in source:
        shutil.copyfile(Path(source) / file, target)
        return
    from pooch import HTTPDownloader

    download = HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT_SECONDS)
    download(f"{source}/{file}", target, None)
