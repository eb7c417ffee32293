"""Experiments in one table and one figure: the params that differ, and the headline metrics."""

import math
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd
from matplotlib import pyplot as plt

from autoencoders.commands import comparison, experiments
from autoencoders.commands.experiments import Revision, read_revision
from autoencoders.commands.output import check_new
from autoencoders.errors import UserError
from autoencoders.figures.style import STYLE, class_colour, save
from autoencoders.io.files import whole_folder

PANELS = 3
TABLE, FIGURE, PAGE = "comparison.csv", "comparison.png", "index.html"
HIGHER_IS_BETTER = {"knn_accuracy", "probe_accuracy", "class_accuracy", "ssim"}
SMALL = 100
"""Of numbers from here on, such as nats, four digits behind the point are too many."""
CHOSEN_BY, REPORTED = "validation", "test"
HEADINGS = {
    CHOSEN_BY: "Validation images, to choose by; * the best of a row",
    REPORTED: "Test images, to report of what was chosen",
}


def compare(names: Sequence[str], *, out: Path) -> None:
    """Print a table of experiments; write it as `out`/comparison.csv, with a figure and a page.

    An experiment is named by its name, by any Git revision, or as "workspace"; without names, all
    experiments on HEAD are compared with it. Rows are the params that differ and the metrics of
    metrics/summary.json: those of validation images, to choose by, the best of a row marked, and
    apart from them those of test images. Experiments that differ by their seed alone are one
    column, of the mean with lowest and highest, as long as there is another to compare them with.
    The page shows these, the curves of all experiments over each other, and the same images through
    all of them.

    Raises:
        UserError: a revision is unknown or has no metrics, there are less than two, or `out` exists
            and is not an earlier comparison.
    """
    check_new(out, own=(TABLE, FIGURE, PAGE))
    revisions = _read(names)
    settings = _differing(pd.DataFrame({name: one.params for name, one in revisions.items()}))
    results = pd.DataFrame({name: one.metrics for name, one in revisions.items()})
    groups = over_seeds(revisions)
    shown = {
        HEADINGS[split]: _words(of_split(results, split), groups, mark_best=split == CHOSEN_BY)
        for split in (CHOSEN_BY, REPORTED)
    }
    changed = _settings_of(settings, groups)
    with whole_folder(out) as folder:
        pd.concat([settings, results]).to_csv(folder / TABLE, index_label="name")
        units = _units(revisions.values())
        _draw(folder / FIGURE, of_split(results, CHOSEN_BY), groups, units)
        commits = {
            label: [revisions[name].commit for name in members] for label, members in groups.items()
        }
        comparison.write(folder / PAGE, changed, shown, folder / FIGURE, commits)
    print(_table(changed, *shown.values()))
    print(f"\n{out}/{PAGE} shows it, {out}/{TABLE} has every digit")


def _read(names: Sequence[str]) -> dict[str, Revision]:
    """What was run in each, but for those that have no results, which are told.

    Raises:
        UserError: a name stands for nothing, or less than two have results.
    """
    known = experiments.on_head()
    names = list(dict.fromkeys(names)) or ["HEAD", *known]
    commits = {name: experiments.resolve(name, known) for name in names}
    found, missing = {}, []
    for name, commit in commits.items():
        try:
            found[name] = read_revision(name, commit)
        except UserError as error:
            missing.append(str(error))
    if len(found) < 2:
        told = "".join(f"\n{sentence}" for sentence in missing)
        raise UserError(
            f"found results of {', '.join(found) or 'none'}, expected of two or more experiments; "
            f"run one: dvc exp run -S models.vae.beta=1.0{told}"
        )
    for revision in found.values():
        if stale := revision.stale():
            print(f"{revision.name}: its results are of other params: {stale}")
    for sentence in missing:
        print(f"left out: {sentence}")
    return found


def over_seeds(revisions: Mapping[str, Revision]) -> dict[str, list[str]]:
    """The experiments of each column, by their names together: those that differ by the seed alone.

    Each is by itself if all of them would be one.
    """
    columns: list[list[str]] = []
    for name, revision in revisions.items():
        for members in columns:
            if all(_differ_by_seed_alone(revision, revisions[other]) for other in members):
                members.append(name)
                break
        else:
            columns.append([name])
    if len(columns) == 1:
        columns = [[name] for name in revisions]
    return {", ".join(members): members for members in columns}


def _differ_by_seed_alone(one: Revision, other: Revision) -> bool:
    return one.is_like(other, "seed") and one.params.get("seed") != other.params.get("seed")


def _settings_of(settings: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The words of each group's settings, the seeds one after the other."""
    words = settings.map(lambda value: "" if value is None or value != value else str(value))
    return pd.DataFrame(
        {
            label: [", ".join(dict.fromkeys(row)) for row in words[members].itertuples(index=False)]
            for label, members in groups.items()
        },
        index=words.index,
    )


def _differing(params: pd.DataFrame) -> pd.DataFrame:
    differs = params.map(str).nunique(axis=1) > 1
    return params[differs]


def of_split(results: pd.DataFrame, split: str) -> pd.DataFrame:
    """The rows ITEM.SPLIT.METRIC of a split, named ITEM.METRIC."""
    rows = results[results.index.str.contains(f".{split}.", regex=False)]
    return rows.rename(index=lambda name: name.replace(f".{split}.", "."))


def _table(settings: pd.DataFrame, chosen_by: pd.DataFrame, reported: pd.DataFrame) -> str:
    # The digits of all rows stand below each other, with room for the mark.
    whole = pd.concat([settings.map("{} ".format), chosen_by, reported])
    width = max(80, shutil.get_terminal_size().columns)
    blocks = []
    for block in whole.to_string(line_width=width).split("\n\n"):
        head, *lines = [line.rstrip() for line in block.splitlines()]
        at = len(settings), len(settings) + len(chosen_by)
        blocks += [head, *lines[: at[0]], "validation images, to choose by; * the best of a row"]
        blocks += [*lines[at[0] : at[1]], "test images, to report of what was chosen"]
        blocks += [*lines[at[1] :], ""]
    return "\n".join(blocks[:-1])


def _words(
    results: pd.DataFrame, groups: Mapping[str, Sequence[str]], *, mark_best: bool = False
) -> pd.DataFrame:
    """The mean of each group in each row, with its range if it has more than one experiment."""
    shown = pd.DataFrame(index=results.index, columns=list(groups), dtype=object)
    for name, row in results.iterrows():
        means = pd.Series({label: row[members].mean() for label, members in groups.items()})
        best = means.max() if _higher_is_better(name) else means.min()
        for label, members in groups.items():
            is_best = mark_best and means[label] == best and means.nunique() > 1
            shown.loc[name, label] = _number(row[members]) + ("*" if is_best else " ")
    return shown


def _number(values: pd.Series) -> str:
    if math.isnan(mean := values.mean()):
        return ""
    if len(values) > 1:
        return with_range(values)
    return f"{mean:.{4 if abs(mean) < SMALL else 1}f}"


def with_range(values: pd.Series) -> str:
    """Mean, lowest and highest in words, of four significant digits each."""
    return f"{values.mean():#.4g} ({values.min():#.4g} to {values.max():#.4g})"


def _higher_is_better(row: object) -> bool:
    return str(row).rpartition(".")[2] in HIGHER_IS_BETTER


def panels(results: pd.DataFrame, units: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """The rows "ITEM.METRIC" of each panel of the figure, by its title: a metric in one unit.

    `units` are those of the items' losses, in which the loss of one may not stand beside another's.
    """
    found: dict[str, list[str]] = {}
    for row in map(str, results.index):
        item, _, metric = row.rpartition(".")
        title = metric.replace("_", " ")
        if metric == "loss" and (unit := units.get(item.partition("-")[0])):
            title = f"{title}, {unit}"
        found.setdefault(title, []).append(row)
    return {title: results.loc[rows] for title, rows in found.items()}


def _units(revisions: Iterable[Revision]) -> dict[str, str]:
    """The unit of each model's loss, as far as all revisions agree in it."""
    # It imports torch: not before the arguments are known to be good.
    from autoencoders.parts import find

    found: dict[str, set[str]] = {}
    for revision in revisions:
        for key, kind in revision.params.items():
            if match := re.fullmatch(r"models\.(\w+)\.kind", key):
                with suppress(ValueError):  # a kind that another commit has
                    found.setdefault(match[1], set()).add(find("model", kind).loss_unit)
    return {model: units.pop() for model, units in found.items() if len(units) == 1}


def _draw(
    path: Path,
    results: pd.DataFrame,
    groups: Mapping[str, Sequence[str]],
    units: Mapping[str, str],
) -> None:
    """Draw named metrics, the rows "ITEM.METRIC", of experiments, the columns: a panel each.

    Of several seeds the mean, on a line from the lowest to the highest. What is the same in all is
    left out, unless everything is.
    """
    shown = comparison.compared(results)
    drawn = panels(results[[str(row).partition(".")[0] in shown for row in results.index]], units)
    columns = min(PANELS, len(drawn))
    rows = -(-len(drawn) // columns)
    size = (1.6 + 3.2 * columns, 3.4 * rows)
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            rows, columns, figsize=size, layout="constrained", squeeze=False
        )
        for axes, (title, of_metric) in zip(grid.flat, drawn.items(), strict=False):
            for number, (label, members) in enumerate(groups.items()):
                shift = (number + 1) / (len(groups) + 1) - 0.5
                places = [place + 0.7 * shift for place in range(len(of_metric))]
                colour, values = class_colour(number, len(groups)), of_metric[members]
                axes.plot(places, values.mean(axis=1), "o", color=colour, label=label)
                axes.vlines(places, values.min(axis=1), values.max(axis=1), color=colour)
            items = [str(row).rpartition(".")[0] for row in of_metric.index]
            axes.set_xticks(
                range(len(items)), items, rotation=45, ha="right", rotation_mode="anchor"
            )
            better = "higher" if _higher_is_better(of_metric.index[0]) else "lower"
            axes.set(title=title, ylabel=f"validation, {better} is better")
            axes.grid(axis="y", alpha=0.3)
        for axes in grid.flat[len(drawn) :]:
            axes.axis("off")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside right center")
        save(figure, path)
