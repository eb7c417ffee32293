"""The page of a table of published/: its words, what was measured, and its figure."""

from collections.abc import Sequence
from pathlib import Path

from autoencoders.commands.table_figure import draw
from autoencoders.commands.tables import Measured, Table, mean_of, values_of
from autoencoders.io.files import whole_file

SECONDS_OF_A_MINUTE = 60


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
        values = {name: values_of(table, measured, row, name) for name in table.columns}
        reported = [row.published.get(source) for source in sources]
        own = mean_of(values[first])
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


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _range(values: Sequence[float], digits: int) -> str:
    if len(values) < 2:
        return _number(mean_of(values), digits)
    low, high = (_number(value, digits) for value in (min(values), max(values)))
    return f"{_number(mean_of(values), digits)} ({low} to {high})"


def _minutes(seconds: Sequence[float | None]) -> str:
    mean = mean_of([value for value in seconds if value is not None])
    return "" if mean is None else f"{mean / SECONDS_OF_A_MINUTE:.1f}"
