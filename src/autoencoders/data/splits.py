"""The three splits of a data set: those that it has by nature, and those that are made."""

from collections.abc import Mapping, Sequence
from typing import Any

from autoencoders.data.base import Content, split_off
from autoencoders.data.checks import check_blends, check_classes


def make_splits(
    content: Content,
    settings: Mapping[str, Any],
    blends: Sequence[Sequence[str]],
    *,
    name: str,
    seed: int,
    keep_equal_together: bool,
) -> list[str]:
    """Split off what is missing of `content`, in place; its class names.

    Images of a single class have no classes.

    Args:
        content: a data set as it was read.
        settings: the fractions of the images, "test_fraction" and "validation_fraction".
        blends: sets of classes that params.yaml names.
        name: that of the data set, one of `data.name`.
        seed: of what is drawn.
        keep_equal_together: whether equal images must not be in different splits.

    Raises:
        UserError: a split would lack a class, or a blend names one that is not there.
    """
    classes = list(content.classes)
    if len(classes) == 1:
        print(f"all images are of one class, {classes[0]!r}, so they are taken to have none")
        classes = []
    check_blends(blends, classes, "generate.blends")
    splits = content.splits
    for split in ("test", "validation"):
        if split not in splits:
            fraction = settings[f"{split}_fraction"]
            split_off(
                splits, split, fraction, seed, classes, keep_equal_together=keep_equal_together
            )
    check_classes(splits, classes, name)
    return classes
