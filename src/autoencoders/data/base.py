"""What data sets have in common: splits of images with labels, and how to make more of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from autoencoders.errors import UserError


@dataclass(frozen=True)
class Split:
    """Images, uint8 of shape (N, C, H, W), and their labels, int64 of shape (N,)."""

    images: np.ndarray
    labels: np.ndarray

    def take(self, positions: np.ndarray) -> "Split":
        return Split(self.images[positions], self.labels[positions])


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
    from sklearn.model_selection import train_test_split

    positions = np.arange(len(whole.labels))
    larger, smaller = train_test_split(
        positions, test_size=fraction, random_state=seed, stratify=whole.labels
    )
    return whole.take(np.sort(larger)), whole.take(np.sort(smaller))


def split_off(
    splits: dict[str, Split], name: str, fraction: float, seed: int, classes: Sequence[str]
) -> None:
    """Move `fraction` of the images in "train", class-balanced, to the new split `name`.

    Raises:
        UserError: a class would not be in both, with what can be done about it.
    """
    train = splits["train"]
    counts = np.bincount(train.labels, minlength=len(classes))
    try:
        parts = split_balanced(train, fraction, seed)
        lacking = [
            label for label in range(len(counts)) if any(label not in p.labels for p in parts)
        ]
    except ValueError:  # scikit-learn's, which names neither the class nor the key
        lacking = [int(counts.argmin())]
    if lacking:
        raise UserError(_impossible(name, fraction, counts, lacking[0], classes))
    splits["train"], splits[name] = parts


def _impossible(
    name: str, fraction: float, counts: np.ndarray, label: int, classes: Sequence[str]
) -> str:
    what, cure = (
        (f"class {classes[label]!r}", ", merge the class into another, or leave it out")
        if classes
        else ("the set", "")
    )
    return (
        f"data.{name}_fraction is {fraction}: {what} has {counts[label]} of {counts.sum()} images, "
        f"of which a class-balanced split does not leave one for training and one for {name}; "
        f"change the fraction, add images{cure}"
    )


def check_classes(splits: Mapping[str, Split], classes: Sequence[str], where: str) -> None:
    """Hold a data set to what all that follows relies on: each split has images of each class.

    Raises:
        UserError: a split lacks a class, or has no images; it begins with `where`.
    """
    for split, content in splits.items():
        for label, name in enumerate(classes or ["image"]):
            if label not in content.labels:
                raise UserError(
                    f"{where}: no readable {name!r} for {split}, expected at least one; add some, "
                    "merge the class into another, or leave it out"
                )


def check_blends(blends: Sequence[Sequence[str]], classes: Sequence[str], key: str) -> None:
    """Hold the sets of classes to blend, which params.yaml names under `key`, to the data set.

    Raises:
        UserError: a name is none of the classes.
    """
    for name in (name for names in blends for name in names):
        if name not in classes:
            expected = (
                f"of {', '.join(classes)}" if classes else "nothing, as the images have no classes"
            )
            raise UserError(f"{key} names {name!r}, expected {expected}")
