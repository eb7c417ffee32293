"""The first training images, as a model will see them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoencoders.figures.grids import Row, image_grid

IN_A_ROW, MOST_ROWS = 10, 12


def contact_sheet(
    path: Path, name: str, images: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> None:
    """Draw the first of uint8 images (N, C, H, W), a row for each class, the first twelve.

    Images without classes fill five rows.
    """
    if classes:
        found = [(label, np.flatnonzero(labels == label)) for label in range(len(classes))]
        rows = [Row(classes[label], images[own[:IN_A_ROW]]) for label, own in found[:MOST_ROWS]]
    else:
        first = images[: 5 * IN_A_ROW]
        rows = [Row("", part) for part in np.split(first, range(IN_A_ROW, len(first), IN_A_ROW))]
    _, channels, height, width = images.shape
    colours = "grey" if channels == 1 else "RGB"
    of = f", {MOST_ROWS} of {len(classes)} classes" if len(classes) > MOST_ROWS else ""
    image_grid(
        path, f"{name}: {len(images):,} training images, {height}x{width}, {colours}{of}", rows
    )
