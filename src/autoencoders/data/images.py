"""Image files of any size and mode, decoded to uint8 arrays of one shape."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"}
BATCH = 1000


def visible(folder: Path) -> list[Path]:
    """What a folder holds, in the order of the names, without hidden files."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def is_image(path: Path) -> bool:
    """Whether the name is that of an image that is read here."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def decode_image(path: Path, channels: int, size: int) -> np.ndarray | None:
    """The image as uint8 (C, size, size), or None if it is damaged."""
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
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError):
        return None
    except Image.DecompressionBombError:
        return None
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)


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
