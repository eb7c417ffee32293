"""Tables of the field, beside what this project's own models reach by the same protocol."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from autoencoders.commands.copies import kept_copy, run_pipeline, run_python
from autoencoders.commands.score import hash_of_inputs
from autoencoders.commands.tables import Table, read_table, write_page
from autoencoders.errors import UserError
from autoencoders.io.arrays import IMAGES, read_arrays
from autoencoders.io.files import read_json, write_json
from autoencoders.runner.process import RUNS

TABLES, PAGES, COPIES = Path("published"), Path("docs/published"), Path(".published")
RESULTS, CHANGES = Path("results.json"), Path("changes.yaml")


def published(name: str, *, seeds: Sequence[int], jobs: int, inputs: bool) -> None:
    """Train what published/NAME.yaml names, and write docs/published/NAME.md and its figure.

    All of it runs in the copy .published/NAME, of the current commit, with the DVC cache of this
    project: what is done is not done again, and what was interrupted goes on.

    Args:
        name: a file's name in published/, without its ending.
        seeds: for each of which all is trained; the table has means and ranges over them.
        jobs: stages at a time.
        inputs: make no more than the corrupted images, for other models to restore, of the first
            seed.

    Raises:
        UserError: there is no such table, or it is not valid; or a stage has failed, or a column
            has no number in any row.
    """
    table = read_table(TABLES / f"{name}.yaml")
    folder = kept_copy(COPIES / name)
    kept = folder / RESULTS
    results: dict[str, Any] = read_json(kept) if kept.exists() else {}
    if inputs:
        _take_params(folder, table, str(seeds[0]))
        run_pipeline(folder, jobs, ["preprocess-corruptions"])
        print(f"{folder}/data/corrupted: a folder for each corruption")
        return
    for seed in map(str, seeds):
        _take_params(folder, table, seed)
        logged = len(_log(folder))
        run_pipeline(folder, jobs, _targets(table))
        fresh, known = _log(folder)[logged:], results.get(seed, {})
        results[seed] = {
            item: {
                "values": _values(folder, item, table),
                "seconds": _seconds(fresh, item) or known.get(item, {}).get("seconds"),
                "inputs": _hash_of_inputs(folder, item),
            }
            for item in table.items()
        }
        write_json(kept, results)
        _check_columns(table, results[seed], name)
    write_page(table, name, {seed: results[seed] for seed in map(str, seeds)}, PAGES)
    print(f"{PAGES / name}.md: {len(table.rows)} rows, seeds {', '.join(map(str, seeds))}")


def _take_params(folder: Path, table: Table, seed: str) -> None:
    with (folder / CHANGES).open("w", encoding="utf-8") as file:
        YAML().dump({"seed": int(seed), **table.params}, file)
    run_python(folder, "-m", "autoencoders", "use", str(CHANGES))


def _targets(table: Table) -> list[str]:
    """The stages that write the metrics that its columns read."""
    others = ["baselines"] if any(column.file for column in table.columns.values()) else []
    return [*others, *(f"evaluate@{item}" for item in table.items())]


def _values(folder: Path, item: str, table: Table) -> dict[str, float | None]:
    """What each column says of an item; None where its metrics have no such number."""
    found: dict[str, float | None] = {}
    corruption = item.partition("-")[2]
    for name, column in table.columns.items():
        value: Any = read_json(folder / f"metrics/{column.file or item}.json")
        for key in column.path.format(corruption=corruption).split("."):
            value = value.get(key) if isinstance(value, dict) else None
        found[name] = value
    return found


def _hash_of_inputs(folder: Path, item: str) -> str:
    """SHA-256 of the item's corrupted test images, uint8 (N, C, H, W), as `score` prints it."""
    file = folder / f"data/corrupted/{item.partition('-')[2]}/test.safetensors"
    return hash_of_inputs(read_arrays(file, images=IMAGES)["images"])


def _check_columns(table: Table, measured: Mapping[str, Any], name: str) -> None:
    for label, column in table.columns.items():
        if all(of_item["values"][label] is None for of_item in measured.values()):
            raise UserError(
                f"{TABLES / name}.yaml: columns.{label}.path is {column.path!r}, which no row's "
                "metrics have (docs/metrics.md)"
            )


def _log(folder: Path) -> list[dict[str, Any]]:
    path = folder / RUNS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _seconds(log: Sequence[dict[str, Any]], item: str) -> float | None:
    """Of the item's training in what was logged; None where it was not trained."""
    return sum(line["seconds"] for line in log if line["run"] == f"train-{item}") or None
