"""What data sets have in common: splits of images with labels, and how to make more of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from autoencoders.data.duplicates import first_of_equal
from autoencoders.errors import UserError
from autoencoders.io.room import taken


@dataclass(frozen=True)
class Split:
    """Images, uint8 of shape (N, C, H, W), and their labels, int64 of shape (N,)."""

    images: np.ndarray
    labels: np.ndarray

    def take(self, positions: np.ndarray) -> "Split":
        return Split(taken(self.images, positions), self.labels[positions])


@dataclass(frozen=True)
class Content:
    """What a data set holds."""

    splits: dict[str, Split]
    """At least "train"; "validation" and "test" where the data set has them by nature."""
    classes: Sequence[str]
    """The class names in the order of the labels; none where the images have no classes."""


class Dataset(Protocol):
    """What the preprocess stage needs to know of a data set."""

    def read(self, folder: Path) -> Content:
        """Read what `Published.fetch` has put into `folder`.

        Raises:
            UserError: a file is missing or damaged.
        """


class Published(Dataset, Protocol):
    """A data set that is known beforehand."""

    classes: Sequence[str]
    """The class names, in the order of the labels."""

    blends: Sequence[Sequence[str]]
    """Sets of classes that it may be of interest to blend; there may be none."""

    image_shape: tuple[int, ...]
    """(C, H, W) of every image."""

    def fetch(self, folder: Path, mirror: str | None) -> None:
        """Put the data set's files, verified, into an empty `folder`.

        Raises:
            UserError: no source has served them.
        """


def split_balanced(whole: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    """Split into the larger and the smaller part; `fraction` of each class goes to the latter.

    Both parts keep the order of `whole`. A class of few images may miss in one of them, which
    `check_classes` tells.

    Raises:
        ValueError: there are not enough images for a part to hold one of each class.
    """
    larger, smaller = _balanced_positions(whole.labels, fraction, seed)
    return whole.take(larger), whole.take(smaller)


def split_off(
    splits: dict[str, Split],
    name: str,
    fraction: float,
    seed: int,
    classes: Sequence[str],
    *,
    keep_equal_together: bool = False,
) -> None:
    """Move `fraction` of the images in "train", class-balanced, to the new split `name`.

    With `keep_equal_together` equal images stay in one split, which then holds about `fraction`.

    Raises:
        UserError: a class would not be in both, with what can be done about it.
    """
    train = splits["train"]
    own = np.arange(len(train.labels))
    first = first_of_equal(train.images) if keep_equal_together else own
    different = own[first == own]
    counts = np.bincount(train.labels[different], minlength=len(classes))
    try:
        _, chosen = _balanced_positions(train.labels[different], fraction, seed)
        moved = np.isin(first, different[chosen])
        parts = train.take(~moved), train.take(moved)
        lacking = [
            label for label in range(len(counts)) if any(label not in p.labels for p in parts)
        ]
    except ValueError:  # scikit-learn's, which names neither the class nor the key
        lacking = [int(counts.argmin())]
    if lacking:
        raise UserError(_impossible(name, fraction, train.labels, counts, lacking[0], classes))
    splits["train"], splits[name] = parts


def _balanced_positions(
    labels: np.ndarray, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import train_test_split

    larger, smaller = train_test_split(
        np.arange(len(labels)), test_size=fraction, random_state=seed, stratify=labels
    )
    return np.sort(larger), np.sort(smaller)


def _impossible(
    name: str,
    fraction: float,
    labels: np.ndarray,
    different: np.ndarray,
    label: int,
    classes: Sequence[str],
) -> str:
    what, cure = (
        (f"class {classes[label]!r}", ", merge the class into another, or leave it out")
        if classes
        else ("the set", "")
    )
    own = int((labels == label).sum())
    equal = f" ({different[label]} that differ)" if different[label] < own else ""
    return (
        f"data.{name}_fraction is {fraction}: {what} has {own} of {len(labels)} images{equal}, "
        f"of which a class-balanced split does not leave one for training and one for {name}; "
        f"change the fraction, add images{cure}"
    )
