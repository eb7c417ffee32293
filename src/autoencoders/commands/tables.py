"""Tables of published/: what they say, and the page that is made of what was measured."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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
"""Seed -> item -> "values", a number or None for each column, and the "seconds" of its training."""


class Column(Settings):
    """A measure of every row."""

    path: str = Field(description="dotted keys of metrics/FILE.json, with {corruption} of the item")
    digits: int = Field(ge=0, le=9, description="behind the point")
    file: Literal["baselines"] | None = Field(None, description="FILE, where it is not the item")


class Row(Settings):
    """An item that is trained, and what others have reported of such a model."""

    name: str
    item: str
    published: dict[str, float] = Field({}, description="by its source, of the first column")


class Figure(Settings):
    """Two columns to draw against each other."""

    x: str
    y: str


class Table(Settings):
    """A file of published/."""

    title: str
    source: str
    protocol: str
    params: dict[str, Any] = Field(description="sections of params.yaml, as `use` takes them")
    columns: dict[str, Column] = Field(min_length=1)
    rows: list[Row] = Field(min_length=1)
    figure: Figure | None = None

    @model_validator(mode="after")
    def _names_are_known(self) -> "Table":
        axes = [self.figure.x, self.figure.y] if self.figure else []
        for name in axes:
            if name not in self.columns:
                raise ValueError(f"figure names {name!r}, expected of {', '.join(self.columns)}")
        models, corruptions = (self.params.get(key, {}) for key in ("models", "corruptions"))
        items = [f"{model}-{corruption}" for model in models for corruption in corruptions]
        for row in self.rows:
            if row.item not in items:
                raise ValueError(f"rows name the item {row.item!r}, expected of {', '.join(items)}")
        return self

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
        values = {name: _values(measured, row.item, name) for name in table.columns}
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


def draw(table: Table, measured: Measured, path: Path) -> None:
    """The first column beside what is published, or the table's figure of two columns."""
    # It takes its time to import: not before there is something to draw.
    from matplotlib import pyplot as plt

    from autoencoders.figures.style import STYLE, save

    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 1.6 + 0.42 * len(table.rows)), layout="constrained")
        if table.figure:
            _against_each_other(axes, table, table.figure, measured)
        else:
            _beside_what_is_published(axes, table, measured)
            figure.legend(loc="outside upper center", ncols=1 + len(table.sources()))
        save(figure, path)


def _against_each_other(axes: "Axes", table: Table, figure: Figure, measured: Measured) -> None:
    from autoencoders.figures.style import COLOURS

    for row in table.rows:
        x, y = (_mean(_values(measured, row.item, name)) for name in (figure.x, figure.y))
        if x is not None and y is not None:
            axes.plot(x, y, "o", color=COLOURS[0])
            axes.annotate(row.name, (x, y), (6, 0), textcoords="offset points", va="center", size=8)
    axes.set(xlabel=figure.x, ylabel=figure.y)
    axes.margins(x=0.25)


def _beside_what_is_published(axes: "Axes", table: Table, measured: Measured) -> None:
    from autoencoders.figures.style import COLOURS, QUIET

    places = range(len(table.rows))
    first = next(iter(table.columns))
    for number, source in enumerate(table.sources(), start=1):
        reported = [row.published.get(source, math.nan) for row in table.rows]
        axes.plot(reported, places, "|", ms=16, mew=2, color=COLOURS[number], label=source)
    for place, row in zip(places, table.rows, strict=True):
        values = _values(measured, row.item, first)
        axes.plot(values, [place] * len(values), "-", color=QUIET, linewidth=1)
        mean = _mean(values)
        if mean is not None:
            axes.plot(mean, place, "o", color=COLOURS[0], label="ours" if place == 0 else None)
    axes.set_yticks(places, [row.name for row in table.rows])
    axes.set_ylim(len(places) - 0.5, -0.5)
    axes.set_xlabel(first)


def _values(measured: Measured, item: str, column: str) -> list[float]:
    found = (of_seed[item]["values"][column] for of_seed in measured.values())
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
