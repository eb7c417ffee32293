"""Which files in a folder are images, in the order of their paths, and what is passed over."""

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from autoencoders.errors import UserError

SYSTEM = {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}
SYSTEM |= {"thumbs.db", "desktop.ini"}
"""What systems put beside people's files, often with small copies of the images inside."""

NO_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
"""Formats that Pillow names but does not decode by itself."""

HIDDEN = "hidden or system files and folders"


class Passed(Counter[str]):
    """How many files were passed over, by why: HIDDEN, or their ending."""

    def __str__(self) -> str:
        parts = [
            f"{count} {what}" if what == HIDDEN else f"{count} ending in {what or 'nothing'}"
            for what, count in sorted(self.items())
        ]
        return ", ".join(parts)


@cache
def suffixes() -> frozenset[str]:
    """The endings, in lower case, of the image formats that Pillow can read here."""
    from PIL import Image

    endings = Image.registered_extensions().items()
    return frozenset(
        ending for ending, kind in endings if kind in Image.OPEN and kind not in NO_PICTURES
    )


def visible(folder: Path, passed: Passed | None = None) -> list[Path]:
    """What a folder holds, in the order of the names, without hidden and system files.

    Raises:
        UserError: something in it is a link or has a name that is not UTF-8.
    """
    found = []
    for path in sorted(folder.iterdir()):
        if _is_hidden(path.name):
            if passed is not None:
                passed[HIDDEN] += 1
        else:
            check_path(path)
            found.append(path)
    return found


def below(folder: Path, passed: Passed | None = None) -> Iterator[Path]:
    """The image files in a folder and in the folders inside it, in the order of their paths.

    Raises:
        UserError: as `visible`.
    """
    for path in visible(folder, passed):
        if path.is_dir():
            yield from below(path, passed)
        elif is_image(path):
            yield path
        elif passed is not None:
            passed[path.suffix.lower()] += 1


def is_image(path: Path) -> bool:
    """Whether it is a file, not hidden, whose name is that of an image that is read here."""
    named = path.suffix.lower() in suffixes() and not _is_hidden(path.name)
    return named and not path.is_dir()


def check_path(path: Path) -> None:
    """Hold a file or folder to what can be read here and is seen by DVC and JSON alike.

    Raises:
        UserError: it is a link or has a name that is not UTF-8.
    """
    if path.is_symlink():
        raise UserError(
            f"{path}: a link; DVC does not see when what is behind it changes, so images are "
            "read from real files and folders only: copy them here, or name the real folder"
        )
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"{os.fsencode(path)!r}: a name that is not UTF-8; rename it") from None


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.casefold() in SYSTEM
