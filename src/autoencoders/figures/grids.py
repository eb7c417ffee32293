"""Grids of images with labels and captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from autoencoders.figures.style import QUIET, STYLE, drawable, save

# The measures of image grids, in inches.
TILE, GAP, MARGIN = 0.8, 0.05, 0.12

TITLE, CAPTION, LETTER = 0.35, 0.2, 0.085

CAPTION_LETTERS = 12


@dataclass(frozen=True)
class Row:
    """A row of an image grid."""

    label: str
    """Written at the left of the row."""
    images: np.ndarray
    """uint8 of shape (N, C, H, W), C being 1 (grey) or 3 (RGB)."""
    captions: Sequence[str] = ()
    """Written above the images: none, or one each."""
    strong: Sequence[int] = ()
    """The positions whose captions are bold."""


def image_grid(path: Path, title: str, rows: Sequence[Row]) -> None:
    """Draw rows of images, aligned at the left, each with its label and captions."""
    labels = [drawable(row.label) for row in rows]
    label_letters = max(len(line) for label in labels for line in label.split("\n"))
    left = MARGIN + (label_letters * LETTER + MARGIN if label_letters else 0)
    heights = [TILE + GAP + (CAPTION if row.captions else 0) for row in rows]
    width = left + max(len(row.images) for row in rows) * (TILE + GAP) + MARGIN
    width = max(width, len(title) * LETTER * 1.4)
    height = MARGIN + TITLE + sum(heights) + MARGIN
    with plt.rc_context(STYLE):
        # One canvas in inches: an axes for each image would take most of a stage's time.
        figure = plt.figure(figsize=(width, height))
        canvas = figure.add_axes((0, 0, 1, 1))
        canvas.axis("off")
        top = height - MARGIN
        canvas.text(MARGIN, top, title, weight="bold", size=12, va="top")
        top -= TITLE
        for row, label, row_height in zip(rows, labels, heights, strict=True):
            bottom = top - row_height + GAP
            canvas.text(
                left - MARGIN, bottom + TILE / 2, label, ha="right", va="center", color=QUIET
            )
            for column, image in enumerate(row.images):
                start = left + column * (TILE + GAP)
                canvas.imshow(
                    image.transpose(1, 2, 0),
                    extent=(start, start + TILE, bottom, bottom + TILE),
                    cmap="gray",
                    vmin=0,
                    vmax=255,
                    interpolation="nearest",
                )
            for column, caption in enumerate(row.captions):
                middle = left + column * (TILE + GAP) + TILE / 2
                weight = "bold" if column in row.strong else "normal"
                text = _shortened(caption)
                canvas.text(middle, bottom + TILE + GAP, text, size=8, weight=weight, ha="center")
            top -= row_height
        canvas.set(xlim=(0, width), ylim=(0, height), aspect="auto")
        save(figure, path)


def _shortened(caption: str) -> str:
    """What fits above an image."""
    caption = drawable(caption)
    return caption if len(caption) <= CAPTION_LETTERS else caption[: CAPTION_LETTERS - 1] + "…"
