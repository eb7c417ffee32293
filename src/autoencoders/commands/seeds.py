"""The headline numbers over several seeds: what is the model's, and what is chance."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd

from autoencoders.commands import experiments
from autoencoders.commands.compare import CHOSEN_BY, REPORTED, of_split, with_range
from autoencoders.commands.experiments import Revision, read_revision
from autoencoders.errors import UserError
from autoencoders.io.files import write_json
from autoencoders.report.spread import FEWEST, SEEDS

SPLITS = {CHOSEN_BY: "Validation images, to choose by", REPORTED: "Test images, to report"}
TARGETS = "summary", "baselines"
"""Up to these, so that no number of another seed is left in metrics/."""


def seeds(seeds: Sequence[int], *, jobs: int) -> None:
    """Print mean, lowest and highest of each headline number over seeds, as Markdown.

    The commit's own seed is the commit's results; for each other seed N its experiment "seed-N"
    counts if it started from this commit and has the same params, but for the seed, and the same
    code. Where there is none it is run, up to TARGETS, `jobs` at a time. After the tables stand the
    items that cannot be told apart, as their ranges overlap. All numbers are written to
    seeds/metrics.json, from which the report takes the spread.

    Raises:
        UserError: there are less than two seeds, the commit has no results of its params and its
            code, or a run has failed.
    """
    wanted = list(dict.fromkeys(seeds))
    if len(wanted) < FEWEST:
        raise UserError(f"found the seeds {list(seeds)}, expected at least {FEWEST} different ones")
    experiments.check_committed()
    head = read_revision("HEAD", "HEAD")
    if stale := head.stale():
        raise UserError(f"HEAD has results of other params: {stale}; dvc repro, and commit")
    found = {head.params["seed"]: head} | _run_before(wanted, head)
    if missing := [seed for seed in wanted if seed not in found]:
        experiments.check_code()
        found |= _run(missing, head, jobs)
    results = pd.DataFrame({seed: found[seed].metrics for seed in wanted})
    write_json(SEEDS, {str(name): row.dropna().to_dict() for name, row in results.iterrows()})
    print(f"Seeds {', '.join(map(str, wanted))}: mean (lowest to highest)")
    for split, title in SPLITS.items():
        rows = of_split(results, split)
        print(f"\n{title}:\n\n{table(rows)}\n\n{alike(rows)}")
    print(f"\n{SEEDS} has them: `dvc repro report` shows the spread, commit both")


def _run_before(seeds: Sequence[int], head: Revision) -> dict[int, Revision]:
    """The experiments of this commit that differ from it by one of those seeds alone."""
    found = {}
    for name, commit in experiments.on_head().items():
        seed = next((seed for seed in seeds if _is_named_for(name, seed)), None)
        if seed is None:
            continue
        try:
            revision = read_revision(name, commit)
        except UserError:  # it has not come to its end
            continue
        if revision.is_like(head, "seed") and revision.params["seed"] == seed:
            found[seed] = revision
        else:
            print(f"{name}: has other params or other code than HEAD, and does not count")
    return found


def _is_named_for(name: str, seed: int) -> bool:
    return name == f"seed-{seed}" or name.startswith(f"seed-{seed}-")


def _run(seeds: Sequence[int], head: Revision, jobs: int) -> Mapping[int, Revision]:
    """Run an experiment for each seed."""
    names = {experiments.free_name(f"seed-{seed}"): seed for seed in seeds}
    for name, seed in names.items():
        if name != f"seed-{seed}":
            print(f"seed-{seed}: another experiment, branch or tag has this name; run as {name}")
    changes = {name: [f"seed={seed}"] for name, seed in names.items()}
    if failed := experiments.run(changes, TARGETS, jobs=jobs):
        raise UserError(f"{', '.join(failed)}: failed (see above, or dvc queue logs {failed[0]})")
    commits = experiments.on_head()
    found = {seed: read_revision(name, commits[name]) for name, seed in names.items()}
    for revision in found.values():
        if not revision.is_like(head, "seed"):
            raise UserError(
                f"{revision.name}: ran with other params or code than HEAD's results are of; "
                "dvc repro, commit, and run the seeds again"
            )
    return found


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
