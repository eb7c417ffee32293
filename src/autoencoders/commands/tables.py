"""Tables of published/: what they say, and what was measured of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from autoencoders.problems import problems_of, read_mapping, refusal
from autoencoders.settings import Settings

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
    curve: list[str] | None = Field(
        None, min_length=2, max_length=2, description="columns to draw, the second over the first"
    )
    test_sets: bool = Field(False, description="tell the hash of each row's corrupted test images")

    @model_validator(mode="after")
    def _names_are_known(self) -> "Table":
        beside = {column: item for row in self.rows for column, item in row.beside.items()}
        drawn = {"figure": self.figure or [], "curve": self.curve or []}
        for key, names in (drawn | {"beside": beside}).items():
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
    content = content_of(path)
    try:
        return Table.model_validate(content)
    except ValidationError as error:
        raise refusal(path, problems_of(error)) from error


def content_of(path: Path) -> dict[str, Any]:
    """What a file of published/ says, with what it takes from the table that it is `like`.

    Its own keys replace those of the other, in `params` section by section.

    Raises:
        UserError: it, or the other one, is missing or not readable as YAML.
    """
    content = read_mapping(path)
    if name := content.pop("like", None):
        other = read_mapping(path.with_name(f"{name}.yaml"))
        both = [one.get("params", {}) for one in (other, content)]
        if all(isinstance(params, dict) for params in both):
            content["params"] = both[0] | both[1]
        return other | content
    return content


def values_of(table: Table, measured: Measured, row: Row, column: str) -> list[float]:
    """The numbers of a row's column, of each seed that has one."""
    item = table.item_of(row, column)
    found = (of_seed[item]["values"][column] for of_seed in measured.values()) if item else ()
    return [value for value in found if value is not None]


def mean_of(values: Sequence[float]) -> float | None:
    """The mean; None of no numbers."""
    return sum(values) / len(values) if values else None
