"""What image files say of themselves, without being decoded whole unless levels ask for it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autoencoders.data.images import (
    ImageError,
    highest_level,
    in_threads,
    is_deep,
    is_grey,
    opened,
)

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION = 0x0112  # EXIF's tag


@dataclass(frozen=True)
class Header:
    """What an image file says of itself."""

    width: int
    height: int
    mode: str
    grey: bool
    bits: int
    """Of each grey level or colour."""
    turned: bool
    """Whether EXIF says to turn or mirror it."""
    several: bool
    """Whether it holds several images, of which the first is read."""
    highest: int
    """The highest level, of whole numbers of more than 8 bits."""


def read_headers(paths: Sequence[Path]) -> dict[Path, Header]:
    """What each file says of itself that can be opened, in the order of the paths."""
    found: dict[Path, Header] = {}

    def look(path: Path) -> None:
        with suppress(ImageError), opened(path) as image:  # which decoding will tell
            found[path] = Header(
                *image.size,
                image.mode,
                is_grey(image),
                _bits(image),
                image.getexif().get(ORIENTATION, 1) != 1,
                getattr(image, "is_animated", False),
                highest_level(image),
            )

    in_threads(look, paths, "reading headers")
    return {path: found[path] for path in paths if path in found}


def deep_note(headers: Mapping[Path, Header], white_level: int) -> str:
    """How many files have levels of more than 8 bits, and what is white in them; else nothing."""
    highest = [header.highest for header in headers.values() if header.highest]
    if not highest:
        return ""
    return (
        f"{file_count(len(highest))} of more than 8 bits: the highest level is {max(highest)}, and "
        f"{white_level} is white"
    )


def _bits(image: "Image.Image") -> int:
    tiles = getattr(image, "tile", [])
    raw = str(tiles[0].args) if tiles else ""
    if is_deep(image.mode):
        return 16 if image.mode.startswith("I;16") else 32
    return 16 if ";16" in raw else 1 if image.mode == "1" else 8


def file_count(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
