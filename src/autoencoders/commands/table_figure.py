"""The figure of a table of published/."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autoencoders.commands.tables import Measured, Table, mean_of, values_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(table: Table, measured: Measured, path: Path) -> None:
    """What each row has in the table's columns to draw, beside what is published."""
    # It takes its time to import: not before there is something to draw.
    from matplotlib import pyplot as plt

    from autoencoders.figures.style import STYLE, save

    size = (7, 4.5) if table.curve else (8, 1.6 + 0.42 * len(table.rows))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        if table.curve:
            _curve(table, measured, axes)
        else:
            _rows(table, measured, axes)
            figure.legend(loc="outside upper center", ncols=3)
        save(figure, path)


def _rows(table: Table, measured: Measured, axes: "Axes") -> None:
    from autoencoders.figures.style import COLOURS, QUIET
    from autoencoders.figures.ticks import plain_log_ticks

    drawn = table.figure or [next(iter(table.columns))]
    places = range(len(table.rows))
    for number, source in enumerate(table.sources(), start=len(drawn)):
        reported = [row.published.get(source, math.nan) for row in table.rows]
        axes.plot(reported, places, "|", ms=16, mew=2, color=COLOURS[number], label=source)
    for number, column in enumerate(drawn):
        for place, row in enumerate(table.rows):
            values = values_of(table, measured, row, column)
            axes.plot(values, [place] * len(values), "-", color=QUIET, linewidth=1)
        means = _means(table, measured, column)
        label = f"ours: {column}" if table.sources() else column
        axes.plot(means, places, "o", color=COLOURS[number], label=label)
    if _spans_decades(line.get_xdata() for line in axes.lines):
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)
    axes.set_yticks(places, [row.name for row in table.rows])
    axes.set_ylim(len(places) - 0.5, -0.5)
    axes.set_xlabel(drawn[0])


def _curve(table: Table, measured: Measured, axes: "Axes") -> None:
    """A point for each row, with its name, and a line through all."""
    from autoencoders.figures.style import COLOURS
    from autoencoders.figures.ticks import plain_log_ticks

    assert table.curve
    across, up = (_means(table, measured, column) for column in table.curve)
    axes.plot(across, up, "o-", color=COLOURS[0])
    for row, x, y in zip(table.rows, across, up, strict=True):
        axes.annotate(row.name, (x, y), xytext=(8, 6), textcoords="offset points")
    for axis, scale, values in ((axes.xaxis, "x", across), (axes.yaxis, "y", up)):
        if _spans_decades([values]):
            axes.set(**{f"{scale}scale": "log"})
            plain_log_ticks(axis)
    axes.set(xlabel=table.curve[0], ylabel=table.curve[1])
    axes.margins(x=0.2)


def _means(table: Table, measured: Measured, column: str) -> list[float]:
    """The mean of each row's column, over the seeds; NaN where there is none."""
    found = [mean_of(values_of(table, measured, row, column)) for row in table.rows]
    return [math.nan if mean is None else mean for mean in found]


def _spans_decades(lines: Iterable[Any]) -> bool:
    values = np.concatenate([np.asarray(line, float) for line in lines])
    values = values[values > 0]  # neither missing ones nor zeros
    return bool(len(values)) and 10 * values.min() < values.max()
