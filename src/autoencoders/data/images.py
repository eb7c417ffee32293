"""Image files of any size and mode, decoded to uint8 arrays of one shape."""

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from autoencoders.io.room import blank

if TYPE_CHECKING:
    from PIL import Image

GREY_MODES = {"1", "L", "LA", "La", "F"}
BATCH = 1000
NAMED = 10
BYTE = 255


class ImageError(Exception):
    """An image file cannot be decoded; its text says why."""


def decode_image(path: Path, channels: int, size: int, white_level: int) -> np.ndarray:
    """The image as uint8 (C, size, size): upright, on white, cropped to its middle.

    Whole numbers of more than 8 bits are scaled so that `white_level` is white, floating-point
    numbers so that 1 is; colours are converted to sRGB where the file says what they are. Of
    several images in a file it is the first.

    Raises:
        ImageError: it cannot be decoded, or has levels below 0 or above white.
    """
    from PIL import Image, ImageOps

    with opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        if is_deep(upright.mode):
            upright = _of_bytes(upright, white_level)
        if upright.has_transparency_data:
            paper = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(paper, _in_srgb(upright).convert("RGBA"))
        upright = upright.convert("L") if channels == 1 else _in_srgb(upright).convert("RGB")
        pixels = np.asarray(ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS))
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)


@contextmanager
def opened(path: Path) -> "Iterator[Image.Image]":
    """The image in a file; what Pillow raises inside of the block is an ImageError."""
    from PIL import Image

    # It raises many kinds for a file that is not what it claims to be, and for huge ones.
    kinds = (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError)
    try:
        with Image.open(path) as image:
            yield image
    except (*kinds, Image.DecompressionBombError) as error:
        raise ImageError(_reason(path, error)) from error


def is_deep(mode: str) -> bool:
    """Whether images of that mode have grey levels that no byte holds."""
    return mode.startswith("I") or mode == "F"


def is_grey(image: "Image.Image") -> bool:
    """Whether an image has shades of grey alone, by its mode and palette."""
    if image.mode == "P":
        palette = np.asarray(image.getpalette("RGB") or [0]).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in GREY_MODES or image.mode.startswith("I")


def highest_level(image: "Image.Image") -> int:
    """The highest level of an image of whole numbers of more than 8 bits, of others 0."""
    return int(np.asarray(image).max()) if image.mode.startswith("I") else 0


def white_of(highest: int) -> int:
    """The level that is white where `highest` is the highest: that of the fewest bits, 8 or more.

    4,000 makes it 4,095, which is white in 12 bits.
    """
    return max(BYTE, (1 << highest.bit_length()) - 1)


def _of_bytes(image: "Image.Image", white_level: int) -> "Image.Image":
    from PIL import Image

    levels = np.asarray(image)
    white = 1 if image.mode == "F" else white_level
    low, high = levels.min(), levels.max()
    if not (low >= 0 and high <= white):  # which NaN is neither
        cure = "" if image.mode == "F" else " (data.white_level)"
        raise ImageError(f"levels from {low:g} to {high:g}, expected 0 to {white}{cure}")
    scaled = np.round(levels.astype(np.float64) * (BYTE / white))
    return Image.fromarray(scaled.astype(np.uint8))


def _in_srgb(image: "Image.Image") -> "Image.Image":
    """The image with its colours in sRGB, if it says in which others they are."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    try:
        if image.mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        elif profile and image.mode in ("RGB", "RGBA", "CMYK"):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" in ImageCms.getProfileDescription(source).lower():
                return image
        else:
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        wanted = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, wanted, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):  # a profile of nothing: the colours as they are
        return image
    assert converted is not None, "it is not converted in place"
    if mode == "RGBA":
        converted.putalpha(image.getchannel("A"))
    return converted


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
    paths: Sequence[Path], channels: int, size: int, white_level: int, what: str | None = None
) -> tuple[np.ndarray, np.ndarray, dict[Path, str]]:
    """Decode files on all cores: uint8 (N, channels, size, size), which are whole, and the rest.

    Returns the images, those of damaged files being zero; booleans (N,), False for damaged files;
    and why each of these cannot be decoded. `what` names the progress bar, if there is to be one.
    """
    images = blank((len(paths), channels, size, size))
    whole = np.ones(len(paths), bool)
    failed: dict[Path, str] = {}

    def decode(position: int) -> None:
        try:
            images[position] = decode_image(paths[position], channels, size, white_level)
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
