"""What the report's page holds: numbers, pictures as PNG, and codes.

Everything is JSON; arrays are base64 of little-endian float16, which halves a decoder's size and
moves a pixel by less than a grey level.
"""

import base64
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

MAX_LEVELS = 1 << 24
"""Grey levels in the page's pictures, which keeps it below a hundred megabytes."""
SHEET_COLUMNS = 25
"""Images side by side in a picture of many."""


def packed(array: np.ndarray) -> str:
    """An array as base64 of float16, row by row."""
    return base64.b64encode(np.ascontiguousarray(array, "<f2").tobytes()).decode()


def picture(images: np.ndarray, columns: int) -> str:
    """uint8 images (N, C, H, W) side by side in rows of so many, as the URL of a PNG."""
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, channels, height, width), np.uint8)
    sheet[:count] = images
    sheet = sheet.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    file = io.BytesIO()
    Image.fromarray(sheet.squeeze(2) if channels == 1 else sheet).save(file, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def plane_of(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The plane of most variance through codes (N, L): its points (N, 2), origin (L,), axes (2, L).

    The axes are orthonormal, so that each point of the plane is a code.
    """
    origin = codes.mean(axis=0)
    centred = codes - origin
    _, _, axes = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    axes = axes[:2]
    if len(axes) < 2:  # codes of one number
        axes = np.vstack([axes, np.zeros_like(axes)])
    # The sign of a component is arbitrary; its largest number is made positive.
    largest = np.abs(axes).argmax(axis=1)
    signs = np.where(axes[np.arange(2), largest] < 0, -1, 1)
    axes = axes * signs[:, np.newaxis]
    return centred @ axes.T, origin, axes


def rounded(rows: Sequence[Sequence[float]], digits: int = 4) -> list[list[float]]:
    """Numbers short enough to be written out."""
    return [[round(float(value), digits) for value in row] for row in rows]


def most_explored(points: int, image_shape: Sequence[int], corruptions: int) -> int:
    """As many images as were asked for, or as many as the page has room for, which it says.

    The page holds each image of the shape (C, H, W), and what each corruption makes of it.
    """
    room = MAX_LEVELS // (math.prod(image_shape) * (1 + corruptions))
    if room < points:
        print(f"report.points is {points}: the page shows {room} of these large images")
    return min(points, max(room, 2))


def first_blend(blends: Sequence[Sequence[str]], classes: Sequence[str]) -> list[int]:
    """The up to three classes whose blend the page opens with."""
    names = max(blends, key=lambda names: len(names[:3])) if blends else classes[:2]
    return [classes.index(name) for name in names[:3]]


def data_url(path: Path) -> str | None:
    """A PNG file as a URL that holds it; None where there is none."""
    if not path.is_file():
        return None
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
