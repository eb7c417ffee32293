"""Image files of any size and mode: found in folders, decoded to uint8 arrays of one shape."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from autoencoders.errors import UserError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"}
GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B"}
BATCH = 1000
NAMED = 10


class ImageError(Exception):
    """An image file cannot be decoded; its text says why."""


def visible(folder: Path) -> list[Path]:
    """What a folder holds, in the order of the names, without hidden files.

    Raises:
        UserError: something in it is a link or has a name that is not UTF-8.
    """
    found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for path in found:
        check_path(path)
    return found


def below(folder: Path) -> Iterator[Path]:
    """The image files in a folder and in the folders inside it, in the order of their paths.

    Raises:
        UserError: as `visible`.
    """
    for path in visible(folder):
        if path.is_dir():
            yield from below(path)
        elif is_image(path):
            yield path


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


def is_image(path: Path) -> bool:
    """Whether it is a file, not hidden, whose name is that of an image that is read here."""
    named = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    return named and not path.is_dir()


def decode_image(path: Path, channels: int, size: int) -> np.ndarray:
    """The image as uint8 (C, size, size).

    Raises:
        ImageError: it cannot be decoded.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):  # 16 bits, which Pillow would clip at 255
                upright = Image.fromarray((np.asarray(upright) // 257).astype(np.uint8))
            if upright.has_transparency_data:
                paper = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(paper, upright.convert("RGBA"))
            upright = upright.convert("L" if channels == 1 else "RGB")
            pixels = np.asarray(ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS))
    # Pillow raises many kinds for a file that is not what it claims to be, and for huge ones.
    except (
        OSError,
        ValueError,
        SyntaxError,
        ArithmeticError,
        LookupError,
        TypeError,
        Image.DecompressionBombError,
    ) as error:
        raise ImageError(_reason(path, error)) from error
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)


def is_grey(path: Path) -> bool:
    """Whether an image that can be decoded has shades of grey alone.

    Raises:
        ImageError: its header cannot be read.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.mode in GREY_MODES
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(_reason(path, error)) from error


def _reason(path: Path, error: Exception) -> str:
    """Why a file cannot be decoded, in a few words."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, FileNotFoundError):
        return "not there any more"
    if isinstance(error, Image.DecompressionBombError):
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return f"more than {most:,} pixels, Pillow's limit against files made to exhaust memory"
    if isinstance(error, UnidentifiedImageError):
        return "empty" if not path.stat().st_size else "not an image that Pillow knows"
    return f"damaged ({error})"


def decode_images(
    paths: Sequence[Path], channels: int, size: int, what: str | None = None
) -> tuple[np.ndarray, np.ndarray, dict[Path, str]]:
    """Decode files on all cores: uint8 (N, channels, size, size), which are whole, and the rest.

    Returns the images, those of damaged files being zero; booleans (N,), False for damaged files;
    and why each of these cannot be decoded. `what` names the progress bar, if there is to be one.
    """
    images = np.zeros((len(paths), channels, size, size), np.uint8)
    whole = np.ones(len(paths), bool)
    failed: dict[Path, str] = {}

    def decode(position: int) -> None:
        try:
            images[position] = decode_image(paths[position], channels, size)
        except ImageError as error:
            whole[position] = False
            failed[paths[position]] = str(error)

    in_threads(decode, range(len(paths)), what)
    return images, whole, failed


def listed(failed: Mapping[Path, str]) -> str:
    """How many files cannot be decoded, and of the first their names and why."""
    names = "".join(f"\n  {path}: {failed[path]}" for path in sorted(failed)[:NAMED])
    more = f"\n  and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    files = "1 file" if len(failed) == 1 else f"{len(failed)} files"
    return f"{files} cannot be decoded:{names}{more}"


def in_threads(
    function: Callable[[Any], None], items: Sequence[Any], what: str | None = None
) -> None:
    """Call the function for each item on all cores (Pillow works without Python's lock).

    `what` names the progress bar, if there is to be one.
    """
    bar = tqdm(total=len(items), desc=what, unit=" images", disable=None if what else True)
    with bar, ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(items), BATCH):  # a million waiting calls would take a gigabyte
            for _ in pool.map(function, items[start : start + BATCH]):
                bar.update()
