"""Tables of the field, beside what this project's own models reach by the same protocol."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from sklearn.neighbors import KNeighborsClassifier

from autoencoders.commands.copies import kept_copy, run_pipeline, run_python
from autoencoders.commands.score import Task, hash_of_inputs
from autoencoders.commands.table_page import write_page
from autoencoders.commands.tables import Table, read_table
from autoencoders.errors import UserError
from autoencoders.io.arrays import CODES, LABELS, read_arrays
from autoencoders.io.files import read_json, write_json
from autoencoders.measures.abstraction import NEIGHBOURS
from autoencoders.params import PARAMS_FILE, read_params
from autoencoders.runner.process import RUNS
from autoencoders.trained import load_model

TABLES, PAGES, COPIES = Path("published"), Path("docs/published"), Path(".published")
RESULTS, CHANGES, BEGAN = Path("results.json"), Path("changes.yaml"), Path("began.json")


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
        logged = _lines_before(folder, seed)
        run_pipeline(folder, jobs, _targets(table))
        fresh, known = _log(folder)[logged:], results.get(seed, {})
        results[seed] = {
            item: {
                "values": column_values(folder, item, table),
                "seconds": _seconds(fresh, item) or known.get(item, {}).get("seconds"),
                "inputs": hash_of_inputs(_task(folder, item).inputs) if table.test_sets else None,
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
    """The stages that write what its columns are read from."""
    files = {column.file for column in table.columns.values()}
    stages = (["evaluate"] if None in files else []) + (["embed"] if "restored" in files else [])
    items = [f"{stage}@{item}" for item in table.items() for stage in stages]
    return (["baselines"] if "baselines" in files else []) + items


def column_values(folder: Path, item: str, table: Table) -> dict[str, float | None]:
    """What each column says of an item; None where there is no such number."""
    sources: dict[str | None, Any] = {}
    found: dict[str, float | None] = {}
    for name, column in table.columns.items():
        if column.file not in sources:
            sources[column.file] = _measures(folder, item, column.file)
        value = sources[column.file]
        for key in column.path.format(corruption=_corruption(item)).split("."):
            value = value.get(key) if isinstance(value, dict) else None
        found[name] = value
    return found


def _measures(folder: Path, item: str, file: str | None) -> dict[str, Any]:
    if file != "restored":
        return read_json(folder / f"metrics/{file or item}.json")
    task = _task(folder, item)
    model = load_model(folder / "models" / item)
    measures = task.measures(model.reconstruct(task.inputs).numpy())
    return measures | {"knn_accuracy": _knn_accuracy(folder / "data/embeddings" / item)}


def _knn_accuracy(codes: Path) -> float:
    """As metrics/ITEM.json has it, which takes far longer to measure all that it holds."""
    train, test = (
        read_arrays(codes / f"{split}.safetensors", mean=CODES, labels=LABELS)
        for split in ("train", "test")
    )
    neighbours = KNeighborsClassifier(NEIGHBOURS).fit(train["mean"], train["labels"])
    return float(neighbours.score(test["mean"], test["labels"]))


def _task(folder: Path, item: str) -> Task:
    return Task.read(_corruption(item), read_params(folder / PARAMS_FILE), folder)


def _corruption(item: str) -> str:
    return item.partition("-")[2]


def _check_columns(table: Table, measured: Mapping[str, Any], name: str) -> None:
    for label, column in table.columns.items():
        if all(of_item["values"][label] is None for of_item in measured.values()):
            raise UserError(
                f"{TABLES / name}.yaml: columns.{label}.path is {column.path!r}, which no row's "
                "metrics have (docs/metrics.md)"
            )


def _lines_before(folder: Path, seed: str) -> int:
    """Lines of the log of runs before the seed's own began, perhaps in an interrupted call."""
    path = folder / BEGAN
    began: dict[str, Any] = read_json(path) if path.exists() else {}
    if began.get("seed") != seed:
        began = {"seed": seed, "lines": len(_log(folder))}
        write_json(path, began)
    return int(began["lines"])


def _log(folder: Path) -> list[dict[str, Any]]:
    path = folder / RUNS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _seconds(log: Sequence[dict[str, Any]], item: str) -> float | None:
    """Of the item's training in what was logged; None where it was not trained."""
    return sum(line["seconds"] for line in log if line["run"] == f"train-{item}") or None
