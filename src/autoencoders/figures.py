"""The figures that stages draw, in one restrained style."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np

matplotlib.use("agg")
from matplotlib import pyplot as plt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import LogLocator

from autoencoders.core.storage import whole_file

if TYPE_CHECKING:  # most figures do without, and it takes its time to import
    import pandas as pd

FONT = "DejaVu Sans"  # comes with matplotlib: the same letters on every machine
STYLE = {
    "savefig.dpi": 150,
    "font.family": FONT,
    "text.parse_math": False,  # names are written as they are, with their dollars and underscores
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
COLOURS = matplotlib.colormaps["tab10"].colors
MANY_COLOURS = matplotlib.colormaps["turbo"]
LEGEND_ROWS = 20
MOST_IN_LEGEND = 60  # classes; of more a legend would be wider than what it explains
MOST_WRITTEN = 40  # rows or columns of a heatmap whose values are written out
MOST_TICKS = 60  # names beside a heatmap
SHOWN_SHARE = 0.1  # a class that never gets so probable is not drawn
DARK = 0.6  # the mean of red, green and blue below which letters are white
QUIET = "#666666"
LOG_SCALE_FROM = 4  # curves whose values differ by this factor would be flat for most epochs

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


def drawable(text: str) -> str:
    """The text with what the figures' font has no sign for written as its code point, told once.

    Fonts of the machine at hand could help out, but then the same run would not give the same
    figure elsewhere.
    """
    missing = [sign for sign in text if not sign.isspace() and ord(sign) not in _signs()]
    if not missing:
        return text
    _tell("".join(missing))
    return "".join(ascii(sign)[1:-1] if sign in missing else sign for sign in text)


@cache
def _tell(missing: str) -> None:
    print(f"{missing}: figures show {missing!a}, as {FONT} lacks the signs", file=sys.stderr)


@cache
def _signs() -> frozenset[int]:
    """The code points that the font has in both of the weights that are used."""
    fonts = (FontProperties(family=FONT, weight=weight) for weight in ("normal", "bold"))
    return frozenset.intersection(
        *(frozenset(get_font(findfont(font)).get_charmap()) for font in fonts)
    )


def _shortened(caption: str) -> str:
    """What fits above an image."""
    caption = drawable(caption)
    return caption if len(caption) <= CAPTION_LETTERS else caption[: CAPTION_LETTERS - 1] + "…"


def scatter(
    path: Path,
    title: str,
    points: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    axis_names: Sequence[str],
) -> None:
    """Draw points (N, 2) coloured by class, with the class names in the legend.

    Without classes all points have one colour; of more than 60 classes a bar shows the colours.
    """
    size = np.clip(20_000 / len(points), 5, 30)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 5.6), layout="constrained")
        handles = []
        for label in range(max(1, len(classes))):
            colour = class_colour(label, len(classes))
            chosen = points[labels == label]
            handles.append(axes.scatter(*chosen.T, s=size, color=colour, alpha=0.6, linewidths=0))
        axes.set(title=title, xlabel=axis_names[0], ylabel=axis_names[1])
        axes.set_aspect("equal", adjustable="datalim")
        if len(classes) > MOST_IN_LEGEND:
            shades = ScalarMappable(Normalize(0, len(classes) - 1), MANY_COLOURS)
            figure.colorbar(shades, ax=axes, label="class, in the order of the names")
        elif classes:
            columns = -(-len(classes) // LEGEND_ROWS)
            legend = axes.legend(
                handles,
                [drawable(name) for name in classes],
                loc="center left",
                bbox_to_anchor=(1, 0.5),
                ncols=columns,
            )
            for handle in legend.legend_handles:
                handle.set(sizes=[40], alpha=1)
        save(figure, path)


def class_colour(label: int, classes: int) -> tuple[float, ...]:
    """A distinct colour for each of up to ten classes, else one along a colour map."""
    if classes <= len(COLOURS):
        return COLOURS[label]
    return MANY_COLOURS(label / (classes - 1))


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
        bar.ax.minorticks_off()
        if scale == "log":
            bar.locator = LogLocator(subs=(1, 2, 5))
            bar.update_ticks()
        axes.set_title(title)
        save(figure, path)


def loss_curves(path: Path, title: str, history: "pd.DataFrame", units: dict[str, str]) -> None:
    """Draw the training and validation curves of each loss that `units` names with its unit."""
    size = (1.2 + 3.9 * len(units), 3.6)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            1, len(units), figsize=size, layout="constrained", squeeze=False
        )
        for axes, (name, unit) in zip(panels[0], units.items(), strict=True):
            for split, colour in zip(("train", "validation"), COLOURS, strict=False):
                axes.plot(
                    "epoch", f"{split}_{name}", data=history, color=colour, label=split, marker="."
                )
            axes.set(title=f"{title}: {name}", xlabel="epoch", ylabel=unit)
            axes.xaxis.get_major_locator().set_params(integer=True)
            values = history[[f"train_{name}", f"validation_{name}"]].to_numpy()
            if values.min() > 0 and values.max() > LOG_SCALE_FROM * values.min():
                axes.set_yscale("log")
        panels[0, 0].legend()
        save(figure, path)


def class_shares(
    path: Path, title: str, shares: dict[str, np.ndarray], classes: Sequence[str]
) -> None:
    """Draw the classes' probabilities (S, K) along each named way, a panel for each.

    The legend names the classes that matter on any of them.
    """
    columns = min(len(shares), 3)
    rows = -(-len(shares) // columns)
    size = (1.8 + 3.6 * columns, 0.6 + 2.8 * rows)
    highest = np.max([share.max(axis=0) for share in shares.values()], axis=0)
    named = [label for label in range(len(classes)) if highest[label] >= SHOWN_SHARE]
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            rows, columns, figsize=size, layout="constrained", squeeze=False, sharey=True
        )
        for axes, (name, share) in zip(panels.flat, shares.items(), strict=False):
            way = np.linspace(0, 1, len(share))
            lines = [
                axes.plot(way, share[:, label], color=class_colour(label, len(classes)))[0]
                for label in named
            ]
            axes.set(title=drawable(name), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1))
            axes.set_xticklabels(["0 %", "50 %", "100 %"])
        for axes in panels.flat[len(shares) :]:
            axes.axis("off")
        for axes in panels[:, 0]:
            axes.set_ylabel("probability")
        names = [drawable(classes[label]) for label in named]
        figure.legend(lines, names, loc="outside right center")
        figure.suptitle(title, weight="bold")
        save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all and without what changes from run to run."""
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format="png", metadata={"Software": None})
    plt.close(figure)
