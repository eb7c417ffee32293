"""What every data set, and what params.yaml says of its classes, is held to."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from autoencoders.errors import UserError

if TYPE_CHECKING:  # stages that check names alone do not depend on how images are split
    from autoencoders.data.base import Split


def check_classes(splits: Mapping[str, "Split"], classes: Sequence[str], where: str) -> None:
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
