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
GREY_RAW = {"RGBA": "LA;16B"}
"""What Pillow reads as colours though the file, a PNG of 16 bits, holds grey and opacity."""
FEW_BITS = {"L;2": 85, "L;4": 17}
"""By what Pillow multiplies a PNG's levels of 2 or 4 bits, but not the one that is transparent."""
DEEP_FORMATS = {"PNG", "TIFF", "PPM", "JPEG2000"}
"""Those whose levels of more than 8 bits are read by what the file says of them."""
PHOTOMETRIC, MIN_IS_WHITE = 262, 0
BLACK_LEVEL, WHITE_LEVEL, GDAL_METADATA, GDAL_NO_DATA = 50714, 50717, 42112, 42113
"""Tags of TIFF and DNG."""
BATCH = 1000
NAMED = 10
BYTE = 255


class ImageError(Exception):
    """An image file cannot be decoded; its text says why."""


def decode_image(path: Path, channels: int, size: int, white_level: int) -> np.ndarray:
    """The image as uint8 (C, size, size): upright, on white, cropped to its middle.

    Whole numbers of more than 8 bits are scaled so that `white_level` is white, or what the file
    says to be, floating-point numbers so that 1 is; in files that say so 0 is white instead.
    Colours are converted to sRGB where the file says what they are. Of several images in a file it
    is the first.

    Raises:
        ImageError: it cannot be decoded, has levels below 0 or above white, or says something of
            its levels that is not read.
    """
    from PIL import Image, ImageOps

    with opened(path) as image:
        if unread := unread_meaning(image):
            raise ImageError(unread)
        raw, inverted = _raw_mode(image), _is_inverted(image)
        white = own_white(image) or white_level
        upright = ImageOps.exif_transpose(image)
        if is_deep(upright.mode):
            upright = _of_bytes(upright, white, inverted=inverted)
        elif raw in FEW_BITS and "transparency" in upright.info:
            upright.info["transparency"] *= FEW_BITS[raw]
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
    """Whether an image, not decoded yet, has shades of grey alone, by its mode and palette."""
    if image.mode == "P":
        palette = np.asarray(image.getpalette("RGB") or [0]).reshape(-1, 3)
        seen = palette[_seen_entries(image, len(palette))]
        return bool((seen == seen[:, :1]).all())
    if image.mode in GREY_RAW and _raw_mode(image) == GREY_RAW[image.mode]:
        return True
    return image.mode in GREY_MODES or image.mode.startswith("I")


def _seen_entries(image: "Image.Image", count: int) -> np.ndarray:
    """Which of the palette's entries are not wholly transparent, booleans (count,)."""
    transparent = image.info.get("transparency")
    opacity = np.full(count, BYTE)
    if isinstance(transparent, bytes):
        opacity[: len(transparent)] = list(transparent[:count])
    elif transparent is not None:
        opacity[transparent : transparent + 1] = 0
    return opacity > 0


def highest_level(image: "Image.Image") -> int:
    """The highest level of an image of whole numbers whose white nobody knows, of others 0."""
    if own_white(image) or not image.mode.startswith("I"):
        return 0
    return int(np.asarray(image).max())


def own_white(image: "Image.Image") -> int | None:
    """The level that is white by what the file says, of more than 8 bits; else None.

    A PGM file names its white, and Pillow scales levels to 16 bits by that.
    """
    return (1 << 16) - 1 if image.format == "PPM" and image.mode == "I" else None


def unread_meaning(image: "Image.Image") -> str:
    """What a file says of its levels that is not read here, so that they might be wrong; or ""."""
    if image.format == "FITS":
        return "FITS, whose scale and offset (BSCALE, BZERO) Pillow does not read"
    if image.mode == "RGB" and "transparency" in image.info and ";16" in _raw_mode(image):
        return "a transparent colour of 16 bits each (tRNS), of which Pillow reads the upper 8"
    if not is_deep(image.mode):
        return ""
    if image.format not in DEEP_FORMATS:
        return f"more than 8 bits in {image.format}, of which it is not known what is white"
    if image.info.get("scale", 1) != 1:
        return f"a scale of {image.info['scale']:g}, expected 1"
    tags = getattr(image, "tag_v2", {})
    if named := [
        name
        for name, tag in (("BlackLevel", BLACK_LEVEL), ("WhiteLevel", WHITE_LEVEL))
        if tag in tags
    ]:
        return f"the tag {named[0]}, which is not read"
    metadata = str(tags.get(GDAL_METADATA, ""))
    if 'role="scale"' in metadata or 'role="offset"' in metadata:
        return "GDAL's scale or offset, which is not read"
    if GDAL_NO_DATA in tags:
        return f"GDAL's mark of missing data, {tags[GDAL_NO_DATA]}, which is not read"
    return ""


def _raw_mode(image: "Image.Image") -> str:
    """How the levels lie in the file, in Pillow's words, of an image that is not decoded yet."""
    tiles = getattr(image, "tile", [])
    arguments = tiles[0].args if tiles else ""
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _is_inverted(image: "Image.Image") -> bool:
    """Whether 0 is white, in a TIFF of more than 8 bits; Pillow turns those of fewer itself."""
    tags = getattr(image, "tag_v2", {})
    return is_deep(image.mode) and tags.get(PHOTOMETRIC) == MIN_IS_WHITE


def white_of(highest: int) -> int:
    """The level that is white where `highest` is the highest: that of the fewest bits, 8 or more.

    4,000 makes it 4,095, which is white in 12 bits.
    """
    return max(BYTE, (1 << highest.bit_length()) - 1)


def _of_bytes(image: "Image.Image", white_level: int, *, inverted: bool) -> "Image.Image":
    """Levels of more than 8 bits as bytes, with their opacity if one of them is transparent."""
    from PIL import Image

    levels = np.asarray(image)
    white = 1 if image.mode == "F" else white_level
    low, high = levels.min(), levels.max()
    if not (low >= 0 and high <= white):  # which NaN is neither
        cure = "" if image.mode == "F" else " (data.white_level)"
        raise ImageError(f"levels from {low:g} to {high:g}, expected 0 to {white}{cure}")
    bright = white - levels.astype(np.float64) if inverted else levels.astype(np.float64)
    scaled = np.round(bright * (BYTE / white)).astype(np.uint8)
    if (transparent := image.info.get("transparency")) is None:
        return Image.fromarray(scaled)
    opacity = np.where(levels == transparent, 0, BYTE).astype(np.uint8)
    return Image.fromarray(np.stack([scaled, opacity], axis=-1))


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
