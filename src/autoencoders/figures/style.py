"""The figures that stages draw, in one restrained style."""

import sys
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from autoencoders.io.files import whole_file

FONT = "DejaVu Sans"  # comes with matplotlib: the same letters on every machine
STYLE: dict[Any, Any] = {
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
COLOURS = [matplotlib.colormaps["tab10"](label) for label in range(10)]
MANY_COLOURS = matplotlib.colormaps["turbo"]
QUIET = "#666666"


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


def class_colour(label: int, classes: int) -> tuple[float, ...]:
    """A distinct colour for each of up to ten classes, else one along a colour map."""
    if classes <= len(COLOURS):
        return COLOURS[label]
    return MANY_COLOURS(label / (classes - 1))


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all and without what changes from run to run."""
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format="png", metadata={"Software": None})
    plt.close(figure)
