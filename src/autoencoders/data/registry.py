"""The data sets by name: each is the file of its name in sets/.

They are imported when they are asked for, so that a stage depends on the code of its own alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autoencoders.data.base import Dataset, Published

OWN = "folder"
"""The name of the data set that is a folder of the user's images."""

PUBLISHED = ("fashion_mnist", "mnist", "kmnist", "cifar10", "digits")
"""The data sets whose classes and image shape are known beforehand."""

NAMES = (*PUBLISHED, OWN)


def published(name: str) -> "Published":
    """The data set of that name, one of PUBLISHED."""
    return import_module(f"autoencoders.data.sets.{name}").DATASET


def build_dataset(name: str, **own: str | int | bool) -> "Dataset":
    """The data set of that name; the other settings are those of the user's own images."""
    if name == OWN:
        return import_module(f"autoencoders.data.sets.{OWN}").Folder(**own)
    return published(name)
