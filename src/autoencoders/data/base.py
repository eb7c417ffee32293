"""What data sets have in common: splits of images with labels, and how to make more of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from autoencoders.core.errors import UserError


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

    image_shape: tuple[int, int, int]
    """(C, H, W) of every image."""

    def fetch(self, folder: Path, mirror: str | None) -> None:
        """Put the data set's files, verified, into an empty `folder`.

        Raises:
            UserError: no source has served them.
        """


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
    return whole.take(np.sort(larger)), whole.take(np.sort(smaller))
