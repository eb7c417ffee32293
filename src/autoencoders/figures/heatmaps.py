"""Matrices of numbers: the classes' distances, and every model's error on every corruption."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import NullLocator

from autoencoders.figures.style import STYLE, drawable, save
from autoencoders.figures.ticks import PlainLogLocator

DARK = 0.6  # the mean of red, green and blue below which letters are white

MOST_WRITTEN = 40  # rows or columns of a heatmap whose values are written out

MOST_TICKS = 60  # names beside a heatmap


def distance_heatmap(path: Path, title: str, distances: np.ndarray, names: Sequence[str]) -> None:
    """Draw the distances between named classes (K, K), the value written in each cell."""
    apart = np.ma.masked_where(np.eye(len(names), dtype=bool), distances)
    label = "Euclidean distance between class means (dark: close)"
    _heatmap(path, title, apart, names, names, label, "Blues_r", "{:.1f}")


def error_heatmap(
    path: Path, title: str, errors: np.ndarray, rows: Sequence[str], columns: Sequence[str]
) -> None:
    """Draw errors of named rows and columns (R, C) on a logarithmic scale, written in the cells.

    The scale is linear where an error is 0.
    """
    label = "mean squared error (dark: large)"
    scale = "log" if errors.all() else "linear"
    _heatmap(path, title, np.ma.asarray(errors), rows, columns, label, "Blues", "{:.4f}", scale)


def _heatmap(
    path: Path,
    title: str,
    values: np.ma.MaskedArray,
    rows: Sequence[str],
    columns: Sequence[str],
    label: str,
    colours: str,
    form: str,
    scale: str = "linear",
) -> None:
    most = max(values.shape)
    cell = 0.55 if most <= MOST_WRITTEN else 11 / most
    width, height = (max(6.2, cell * len(names)) for names in (columns, rows))
    every = -(-most // MOST_TICKS)
    size = (width + 1.4, height)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        image = axes.imshow(values, cmap=colours, norm=scale, aspect="auto")
        across, down = (
            (range(0, len(names), every), [drawable(name) for name in names[::every]])
            for names in (columns, rows)
        )
        axes.set_xticks(*across, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(*down)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        for (row, column), value in np.ma.ndenumerate(values) if most <= MOST_WRITTEN else ():
            shade = np.mean(image.cmap(image.norm(value))[:3])
            colour = "white" if shade < DARK else "black"
            axes.text(column, row, form.format(value), ha="center", va="center", color=colour)
        bar = figure.colorbar(image, label=label, shrink=0.8, format="%g")
        if scale == "log":
            bar.locator = PlainLogLocator()
        bar.minorlocator = NullLocator()
        bar.update_ticks()
        axes.set_title(title)
        save(figure, path)
