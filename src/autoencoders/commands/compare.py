"""Experiments in one table and one figure: the params that differ, and the headline metrics."""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt

from autoencoders.commands import comparison
from autoencoders.commands.output import check_new
from autoencoders.errors import UserError
from autoencoders.figures.style import STYLE, class_colour, save
from autoencoders.io.files import whole_folder

SUMMARY, PARAMS = "metrics/summary.json", "params.yaml"
WORKSPACE = "workspace"
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


def compare(experiments: Sequence[str], *, out: Path) -> None:
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
    names = list(dict.fromkeys(experiments)) or ["HEAD", *_on_head()]
    if len(names) < 2:
        raise UserError(
            f"found {', '.join(names)} alone, expected two or more experiments to compare; "
            "run one: dvc exp run -S models.vae.beta=1.0"
        )
    params, metrics = {}, {}
    for name in names:
        params[name], metrics[name] = read_revision(name)
    settings = _differing(pd.DataFrame(params))
    results = pd.DataFrame(metrics)
    groups = over_seeds(params)
    shown = {
        HEADINGS[split]: _words(of_split(results, split), groups, mark_best=split == CHOSEN_BY)
        for split in (CHOSEN_BY, REPORTED)
    }
    changed = _settings_of(settings, groups)
    with whole_folder(out) as folder:
        pd.concat([settings, results]).to_csv(folder / TABLE, index_label="name")
        _draw(folder / FIGURE, of_split(results, CHOSEN_BY), groups)
        revisions = {
            label: [None if name == WORKSPACE else name for name in members]
            for label, members in groups.items()
        }
        comparison.write(folder / PAGE, changed, shown, folder / FIGURE, revisions)
    print(_table(changed, *shown.values()))
    print(f"\n{out}/{PAGE} shows it, {out}/{TABLE} has every digit")


def _on_head() -> list[str]:
    """The names of the experiments that started from the current commit."""
    from dvc.repo import Repo

    with Repo() as repo:
        found = repo.experiments.ls(rev="HEAD")
    return sorted(name for rows in found.values() for name, _ in rows)


def read_revision(name: str) -> tuple[dict[str, Any], dict[str, float]]:
    """The params and the headline metrics of an experiment, by dotted keys."""
    # They take their time to import: not before the arguments are known to be good.
    import dvc.api
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    revision = None if name == WORKSPACE else name
    try:
        if not name or ":" in name:
            raise SCMError("a file in a revision" if name else "no name")
        metrics = dvc.api.metrics_show(SUMMARY, rev=revision)
        params = dvc.api.params_show(PARAMS, rev=revision)
    except (DvcException, SCMError, OSError) as error:
        raise UserError(
            f"{name!r}: expected an experiment (dvc exp list), a Git revision or {WORKSPACE!r} "
            f"with {SUMMARY}: {error}"
        ) from error
    return _flat(params), _flat(metrics.get(SUMMARY, metrics))


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def over_seeds(params: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """The experiments of each column, by their names together: those that differ by the seed alone.

    Each is by itself if all of them would be one.
    """
    columns: list[list[str]] = []
    for name in params:
        for members in columns:
            if all(_differ_by_seed_alone(params[name], params[other]) for other in members):
                members.append(name)
                break
        else:
            columns.append([name])
    if len(columns) == 1:
        columns = [[name] for name in params]
    return {", ".join(members): members for members in columns}


def _differ_by_seed_alone(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return {key for key in {*one, *other} if one.get(key) != other.get(key)} == {"seed"}


def _settings_of(settings: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The words of each group's settings, the seeds one after the other."""
    words = settings.map(lambda value: "" if value is None or value != value else str(value))
    return pd.DataFrame(
        {
            label: words[members].apply(lambda row: ", ".join(dict.fromkeys(row)), axis=1)
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


def _draw(path: Path, results: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> None:
    """Draw named metrics, the rows "ITEM.METRIC", of experiments, the columns: a panel each.

    Of several seeds the mean, on a line from the lowest to the highest. What is the same in all is
    left out, unless everything is.
    """
    shown = comparison.compared(results)
    results = results[[str(row).partition(".")[0] in shown for row in results.index]]
    parts = results.index.str.rpartition(".")
    metrics = list(dict.fromkeys(parts.get_level_values(2)))
    columns = min(PANELS, len(metrics))
    rows = -(-len(metrics) // columns)
    size = (1.6 + 3.2 * columns, 3.4 * rows)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            rows, columns, figsize=size, layout="constrained", squeeze=False
        )
        for axes, metric in zip(panels.flat, metrics, strict=False):
            of_metric = results[parts.get_level_values(2) == metric]
            for number, (label, members) in enumerate(groups.items()):
                shift = (number + 1) / (len(groups) + 1) - 0.5
                places = [place + 0.7 * shift for place in range(len(of_metric))]
                colour, values = class_colour(number, len(groups)), of_metric[members]
                axes.plot(places, values.mean(axis=1), "o", color=colour, label=label)
                axes.vlines(places, values.min(axis=1), values.max(axis=1), color=colour)
            items = [row.removesuffix(f".{metric}") for row in of_metric.index]
            axes.set_xticks(
                range(len(items)), items, rotation=45, ha="right", rotation_mode="anchor"
            )
            better = "higher" if metric in HIGHER_IS_BETTER else "lower"
            axes.set(title=metric.replace("_", " "), ylabel=f"validation, {better} is better")
            axes.grid(axis="y", alpha=0.3)
        for axes in panels.flat[len(metrics) :]:
            axes.axis("off")
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside right center")
        save(figure, path)
