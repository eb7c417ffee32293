"""Flavours, corruptions, networks, optimisers, data sets: each is the file of its name in a folder.

Nothing else names them: a new file there is a new kind. It ends with PART, the class that it
defines (of a data set with DATASET: see data/registry.py). It is imported when it is asked for, so
that a stage depends on the code of those parts alone that its item is made of.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDERS = {
    "model": "models/flavours",
    "corruption": "corruptions/kinds",
    "network": "nets/networks",
    "optimizer": "training/optimizers",
    "set": "data/sets",
}


def kinds(family: str) -> list[str]:
    """The kinds that there are of a family, which is one of FOLDERS."""
    return sorted(path.stem for path in (HERE / FOLDERS[family]).glob("[!_]*.py"))


def find(family: str, kind: str) -> Any:
    """The class of that kind.

    Raises:
        ValueError: there is none, with those that there are.
    """
    if kind not in kinds(family):
        raise ValueError(f"expected one of {', '.join(kinds(family))}")
    return import_module(f"autoencoders.{FOLDERS[family].replace('/', '.')}.{kind}").PART
