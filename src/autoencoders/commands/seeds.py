"""The headline numbers over several seeds: what is the model's, and what is chance."""

import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations

import pandas as pd

from autoencoders.commands.compare import CHOSEN_BY, REPORTED, of_split, read_revision, with_range
from autoencoders.errors import UserError
from autoencoders.io.files import write_json
from autoencoders.report.spread import FEWEST, SEEDS

SPLITS = {CHOSEN_BY: "Validation images, to choose by", REPORTED: "Test images, to report"}


def seeds(seeds: Sequence[int], *, jobs: int) -> None:
    """Print mean, lowest and highest of each headline number over seeds, as Markdown.

    The commit's own seed is the commit's results; for each other seed N that has none yet, the
    experiment "seed-N" is run, up to the stages summary and baselines, so that no number of another
    seed is left in metrics/, `jobs` at a time. After the tables stand the items that cannot be told
    apart, as their ranges overlap. All numbers are written to seeds/metrics.json, from which the
    report takes the spread.

    Raises:
        UserError: there are less than two seeds, the commit has no results, or a run has failed.
    """
    if len(set(seeds)) < FEWEST:
        raise UserError(f"found the seeds {list(seeds)}, expected at least {FEWEST} different ones")
    own = read_revision("HEAD")[0]["seed"]
    names = {seed: "HEAD" if seed == own else f"seed-{seed}" for seed in dict.fromkeys(seeds)}
    missing = [seed for seed, name in names.items() if not _has_results(name)]
    for seed in missing:
        changed = ["--name", names[seed], "-S", f"seed={seed}"]
        _dvc("exp", "run", "--queue", *changed, "summary", "baselines")
    if missing:
        _dvc("exp", "run", "--run-all", "--jobs", str(jobs))
    results = pd.DataFrame({seed: read_revision(name)[1] for seed, name in names.items()})
    write_json(SEEDS, {str(name): row.dropna().to_dict() for name, row in results.iterrows()})
    print(f"Seeds {', '.join(map(str, names))}: mean (lowest to highest)")
    for split, title in SPLITS.items():
        rows = of_split(results, split)
        print(f"\n{title}:\n\n{table(rows)}\n\n{alike(rows)}")
    print(f"\n{SEEDS} has them: `dvc repro report` shows the spread, commit both")


def table(results: pd.DataFrame) -> str:
    """Rows ITEM.METRIC of a column for each seed, as Markdown: a row for each item."""
    cells: dict[str, dict[str, str]] = {}
    for name, values in results.iterrows():
        item, _, metric = str(name).rpartition(".")
        cells.setdefault(item, {})[metric] = with_range(values)
    whole = pd.DataFrame.from_dict(cells, orient="index").fillna("")
    lines = [["", *whole.columns], ["---"] * (1 + len(whole.columns))]
    lines += [[str(item), *row] for item, row in zip(whole.index, whole.values, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def alike(results: pd.DataFrame) -> str:
    """Which items' ranges overlap, metric by metric: differences no larger than the spread."""
    parts = results.index.str.rpartition(".")
    lines = []
    for metric in dict.fromkeys(parts.get_level_values(2)):
        rows = results[parts.get_level_values(2) == metric]
        ranges = {
            str(name).removesuffix(f".{metric}"): (row.min(), row.max())
            for name, row in rows.iterrows()
        }
        pairs = [
            f"{one} and {other}"
            for one, other in combinations(ranges, 2)
            if ranges[one][0] <= ranges[other][1] and ranges[other][0] <= ranges[one][1]
        ]
        if pairs:
            lines.append(f"- {metric}: {', '.join(pairs)}")
    if not lines:
        return "All differences between items are larger than the spread."
    return "\n".join(["Not told apart, as their ranges overlap:", "", *lines])


def _has_results(name: str) -> bool:
    try:
        read_revision(name)
    except UserError:
        return False
    return True


def _dvc(*arguments: str) -> None:
    if subprocess.run([sys.executable, "-m", "dvc", *arguments]).returncode:
        raise UserError(f"dvc {' '.join(arguments)} has failed (see above)")
