"""Tables of published/: what they say, and the page that is made of what was measured."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML, YAMLError

from autoencoders.errors import UserError
from autoencoders.io.files import read_text, whole_file
from autoencoders.problems import problems_of, refusal
from autoencoders.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SECONDS_OF_A_MINUTE = 60

Measured = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Seed -> item -> "values", a number or None for each column, the "seconds" of its training, and
as "inputs" the SHA-256 of its corrupted test images, where the table tells them."""


class Column(Settings):
    """A measure of every row."""

    path: str = Field(description="dotted keys of metrics/ITEM.json, with {corruption} of the item")
    digits: int = Field(ge=0, le=9, description="behind the point")
    file: Literal["baselines", "restored"] | None = Field(
        None, description="of metrics/baselines.json; or of the restored test images, as by `score`"
    )


class Row(Settings):
    """An item that is trained, and what others have reported of such a model."""

    name: str
    item: str
    beside: dict[str, str] = Field({}, description="columns that are of another item than that")
    published: dict[str, float] = Field({}, description="by its source, of the first column")


class Table(Settings):
    """A file of published/."""

    title: str
    source: str
    protocol: str
    params: dict[str, Any] = Field(description="sections of params.yaml, as `use` takes them")
    columns: dict[str, Column] = Field(min_length=1)
    rows: list[Row] = Field(min_length=1)
    figure: list[str] | None = Field(
        None, min_length=1, max_length=4, description="columns to draw, if not the first alone"
    )
    test_sets: bool = Field(False, description="tell the hash of each row's corrupted test images")

    @model_validator(mode="after")
    def _names_are_known(self) -> "Table":
        beside = {column: item for row in self.rows for column, item in row.beside.items()}
        for key, names in (("figure", self.figure or []), ("beside", beside)):
            for name in names:
                if name not in self.columns:
                    expected = ", ".join(self.columns)
                    raise ValueError(f"{key} names {name!r}, expected of {expected}")
        models, corruptions = (self.params.get(key, {}) for key in ("models", "corruptions"))
        items = [f"{model}-{corruption}" for model in models for corruption in corruptions]
        for item in self.items():
            if item not in items:
                raise ValueError(f"rows name the item {item!r}, expected of {', '.join(items)}")
        return self

    def items(self) -> list[str]:
        """All that is trained, in the order of the rows."""
        found = (item for row in self.rows for item in (row.item, *row.beside.values()))
        return list(dict.fromkeys(found))

    def item_of(self, row: Row, column: str) -> str | None:
        """Whose number stands in a column of a row; None where it is left empty."""
        others = any(column in one.beside for one in self.rows)
        return row.beside.get(column) if others else row.item

    def sources(self) -> list[str]:
        """Who has published a value, in the order of the rows."""
        return list(dict.fromkeys(source for row in self.rows for source in row.published))


def read_table(path: Path) -> Table:
    """Read a file of published/.

    Raises:
        UserError: it is missing or not such a table, with a line for each key that is wrong.
    """
    try:
        content = YAML(typ="safe").load(read_text(path))
        return Table.model_validate(content)
    except (YAMLError, ValueError) as error:
        if isinstance(error, ValidationError):
            raise refusal(path, problems_of(error)) from error
        raise UserError(f"{path}: not readable as YAML: {error}") from error


def write_page(table: Table, name: str, measured: Measured, pages: Path) -> None:
    """Write NAME.md and NAME.png into the folder of pages."""
    seeds = ", ".join(measured)
    counted = f"seed {seeds}" if len(measured) == 1 else f"seeds {seeds}, mean (lowest to highest)"
    parts = [
        f"# {table.title}",
        table.source,
        table.protocol,
        markdown(table, measured),
        f"![The same numbers as a figure]({name}.png)",
        f'`make published TABLE={name} SEEDS="{seeds.replace(",", "")}"` makes this page; of ours: '
        f"{counted}.",
        *([_test_sets(table, measured)] if table.test_sets else []),
    ]
    draw(table, measured, pages / f"{name}.png")
    with whole_file(pages / f"{name}.md") as unfinished:
        unfinished.write_text("\n\n".join(parts) + "\n", encoding="utf-8", newline="\n")


def markdown(table: Table, measured: Measured) -> str:
    """A row for each of the table's: what is published, ours, and by how much they differ."""
    sources = table.sources()
    differences = [f"difference from {source}" for source in sources]
    names = ["", *sources, *table.columns, *differences, "minutes of training"]
    first, main = next(iter(table.columns.items()))
    lines = [names, ["---"] * len(names)]
    for row in table.rows:
        values = {name: _values(table, measured, row, name) for name in table.columns}
        reported = [row.published.get(source) for source in sources]
        own = _mean(values[first])
        lines.append(
            [
                row.name,
                *(_number(value, main.digits) for value in reported),
                *(_range(values[name], column.digits) for name, column in table.columns.items()),
                *(
                    "" if value is None or own is None else f"{own - value:+.{main.digits}f}"
                    for value in reported
                ),
                _minutes([of_seed[row.item].get("seconds") for of_seed in measured.values()]),
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _test_sets(table: Table, measured: Measured) -> str:
    """The hash of each row's inputs, of the first seed, and how others enter theirs."""
    seed = next(iter(measured))
    rows = [(row.name, f"`{measured[seed][row.item]['inputs']}`") for row in table.rows]
    lines = [("", f"SHA-256 of the corrupted test images, seed {seed}"), ("---", "---"), *rows]
    return (
        "## Enter another model\n\nThe inputs are the same for everybody: restore them by any "
        "model, [as told here](../how-to/published.md#enter-another-model), and `autoencoders "
        "score` measures what came out as ours was measured, and prints the hash to compare.\n\n"
        + "\n".join(f"| {' | '.join(line)} |" for line in lines)
    )


def draw(table: Table, measured: Measured, path: Path) -> None:
    """What each row has in the table's columns to draw, beside what is published."""
    # It takes its time to import: not before there is something to draw.
    from matplotlib import pyplot as plt

    from autoencoders.figures.style import COLOURS, QUIET, STYLE, save
    from autoencoders.figures.ticks import plain_decades

    drawn = table.figure or [next(iter(table.columns))]
    places = range(len(table.rows))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 1.6 + 0.42 * len(table.rows)), layout="constrained")
        for number, source in enumerate(table.sources(), start=len(drawn)):
            reported = [row.published.get(source, math.nan) for row in table.rows]
            axes.plot(reported, places, "|", ms=16, mew=2, color=COLOURS[number], label=source)
        for number, column in enumerate(drawn):
            ours = [_values(table, measured, row, column) for row in table.rows]
            for place, values in zip(places, ours, strict=True):
                axes.plot(values, [place] * len(values), "-", color=QUIET, linewidth=1)
            means = [math.nan if (mean := _mean(values)) is None else mean for values in ours]
            label = f"ours: {column}" if table.sources() else column
            axes.plot(means, places, "o", color=COLOURS[number], label=label)
        if _spans_decades(axes):
            axes.set_xscale("log")
            plain_decades(axes.xaxis)
        axes.set_yticks(places, [row.name for row in table.rows])
        axes.set_ylim(len(places) - 0.5, -0.5)
        axes.set_xlabel(drawn[0])
        figure.legend(loc="outside upper center", ncols=3)
        save(figure, path)


def _spans_decades(axes: "Axes") -> bool:
    values = np.concatenate([np.asarray(line.get_xdata(), float) for line in axes.lines])
    values = values[values > 0]  # neither missing ones nor zeros
    return bool(len(values)) and 10 * values.min() < values.max()


def _values(table: Table, measured: Measured, row: Row, column: str) -> list[float]:
    item = table.item_of(row, column)
    found = (of_seed[item]["values"][column] for of_seed in measured.values()) if item else ()
    return [value for value in found if value is not None]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _range(values: Sequence[float], digits: int) -> str:
    if len(values) < 2:
        return _number(_mean(values), digits)
    low, high = (_number(value, digits) for value in (min(values), max(values)))
    return f"{_number(_mean(values), digits)} ({low} to {high})"


def _minutes(seconds: Sequence[float | None]) -> str:
    mean = _mean([value for value in seconds if value is not None])
    return "" if mean is None else f"{mean / SECONDS_OF_A_MINUTE:.1f}"
