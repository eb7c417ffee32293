"""The data sets by name: each is the file of its name in sets/.

They are imported when they are asked for, so that a stage depends on the code of its own alone.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autoencoders.parts import kinds

if TYPE_CHECKING:
    from autoencoders.data.base import Dataset, Published

OWN = "folder"
"""The name of the data set that is a folder of the user's images."""

PUBLISHED = tuple(name for name in kinds("set") if name != OWN)
"""The data sets whose classes and image shape are known beforehand."""

NAMES = (*PUBLISHED, OWN)


def known(name: str) -> str:
    """The name itself, of a data set that there is.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in NAMES:
        raise ValueError(f"expected one of {', '.join(NAMES)}")
    return name


def published(name: str) -> "Published":
    """The data set of that name, one of PUBLISHED."""
    return import_module(f"autoencoders.data.sets.{name}").DATASET


def blends_of(name: str, chosen: str | Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """The sets of classes to blend: those that are chosen or, if that is "auto", the data set's."""
    if not isinstance(chosen, str):
        return chosen
    return () if name == OWN else published(name).blends


def build_dataset(name: str, settings: Mapping[str, Any]) -> "Dataset":
    """The data set of that name; `settings` are those of the user's own images."""
    if name == OWN:
        return import_module(f"autoencoders.data.sets.{OWN}").Folder.of(settings)
    return published(name)
