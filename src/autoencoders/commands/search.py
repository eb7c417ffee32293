"""Settings searched for by a sampler: each trial a DVC experiment, by its validation images."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from autoencoders.checks import check_parts
from autoencoders.commands import experiments
from autoencoders.commands.compare import CHOSEN_BY, HIGHER_IS_BETTER
from autoencoders.errors import UserError
from autoencoders.experiment import items_of
from autoencoders.io.files import read_json, whole_file
from autoencoders.params import Params, read_params
from autoencoders.problems import problems_of, refusal

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial

FOLDER = Path("search")
RANGE = re.compile(r"(?P<low>[^:]+):(?P<high>[^:]+?)(?P<log>:log)?")
MARGIN, SHOWN = 0.08, 5
LABEL = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}


def search(
    item: str, settings: Sequence[str], *, metric: str, name: str, trials: int, jobs: int
) -> None:
    """Try settings by Optuna's sampler, and print the best, with a table and a figure of all.

    Each trial is the DVC experiment NAME-NUMBER, run up to evaluate@ITEM, `jobs` at a time; the
    sampler (a tree-structured Parzen estimator: Bergstra et al., 2011) proposes the next by what
    the earlier ones gave. Trials are kept in search/NAME.journal: the same call goes on with it, as
    long as the other params and the code are the same.

    Args:
        item: MODEL-CORRUPTION, whose metrics count.
        settings: KEY=LOW:HIGH, KEY=LOW:HIGH:log, or KEY=VALUE,VALUE,..., of keys of params.yaml.
            A range between whole numbers is of whole numbers.
        metric: a key of the section `validation` of metrics/ITEM.json.
        name: of the search.
        trials: that come to their end, in all, with those of earlier calls.
        jobs: experiments at a time.

    Raises:
        UserError: a setting, the item or the metric is none, the earlier trials had other settings,
            params or code, optuna is not installed, or all trials of a round have failed.
    """
    params = read_params()
    items = ["-".join(one) for one in items_of(params)]
    if item not in items:
        raise UserError(f"{item}: expected an item of params.yaml: {', '.join(items)}")
    for option, count in (("trials", trials), ("jobs", jobs)):
        if count < 1:
            raise UserError(f"--{option} is {count}, expected at least 1")
    optuna = _optuna()
    ranges = dict(map(_range, settings))
    _check_ends(params, ranges)
    if (path := Path(f"metrics/{item}.json")).exists():
        _value(read_json(path), metric, f"{path}")  # before anything is run for it
    experiments.check_committed()
    base = _base(params, ranges)
    higher = metric in HIGHER_IS_BETTER
    FOLDER.mkdir(exist_ok=True)
    journal = optuna.storages.journal.JournalFileBackend(str(FOLDER / f"{name}.journal"))
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(journal),
        study_name=name,
        direction="maximize" if higher else "minimize",
        load_if_exists=True,
    )
    what = {"item": item, "metric": metric, "settings": list(settings), **base}
    if study.user_attrs not in ({}, what):
        raise UserError(
            f"{FOLDER}/{name}.journal: is of {study.user_attrs}, found {what}; expected the same, "
            "or another --name"
        )
    for key, value in what.items():
        study.set_user_attr(key, value)
    _finish(study, item, metric)
    while (left := trials - _finished(study)) > 0:
        # Seeded by what is there already, so that a call that goes on does not repeat itself.
        seed = read_params().seed + len(study.trials)
        study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        before, queued = _finished(study), {}
        for trial in [study.ask(ranges) for _ in range(min(jobs, left))]:
            experiment = experiments.free_name(f"{name}-{trial.number}")
            trial.set_user_attr("experiment", experiment)
            queued[experiment] = [f"{key}={value}" for key, value in trial.params.items()]
        experiments.run(queued, [f"evaluate@{item}"], jobs=jobs)
        _finish(study, item, metric)
        if _finished(study) == before:
            raise UserError(
                f"{', '.join(queued)}: failed, and no other trial with them; "
                f"dvc queue logs {next(iter(queued))} says why"
            )
    _report(study, name, higher)


def _finished(study: "Study") -> int:
    from optuna.trial import TrialState

    return len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))


def _base(params: Params, ranges: "Mapping[str, BaseDistribution]") -> dict[str, str]:
    """What trials have in common: digests of the params that are not searched, and of the code."""
    kept = {
        key: value
        for key, value in experiments.flat(params.model_dump(mode="json")).items()
        if key not in ranges
    }
    return {
        "params": hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16],
        "code": experiments.code_digest()[:16],
    }


def _check_ends(params: Params, ranges: "Mapping[str, BaseDistribution]") -> None:
    """Hold both ends of each range, or each choice, to what params.yaml may say.

    Raises:
        UserError: a value would be refused by the stages.
    """
    for key, distribution in ranges.items():
        choices = getattr(distribution, "choices", None)
        found = choices or (distribution.low, distribution.high)  # type: ignore[attr-defined]
        for value in found:
            content = params.model_dump()
            *parents, last = key.split(".")
            section = content
            for parent in parents:
                section = section[parent]
            section[last] = YAML(typ="safe").load(value) if isinstance(value, str) else value
            try:
                check_parts(Params.model_validate(content), Path(f"{key}={value}"))
            except ValidationError as error:
                raise refusal(f"{key}={value}", problems_of(error)) from error


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise UserError(
            "optuna is not installed: python -m pip install -c requirements-optional.txt optuna"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _range(setting: str) -> "tuple[str, BaseDistribution]":
    """KEY and what its values are drawn from."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    expected = "expected KEY=LOW:HIGH, KEY=LOW:HIGH:log or KEY=VALUE,VALUE"
    key, _, text = setting.partition("=")
    try:
        _value_of(key)
        if match := RANGE.fullmatch(text):
            low, high, log = match["low"], match["high"], bool(match["log"])
            if not all(math.isfinite(float(end)) for end in (low, high)):
                raise ValueError(f"found {text!r}, of which an end is not finite")
            if all(re.fullmatch(r"-?\d+", end) for end in (low, high)):
                return key, IntDistribution(int(low), int(high), log=log)
            return key, FloatDistribution(float(low), float(high), log=log)
        values = text.split(",")
        if len(values) < 2:
            raise ValueError(f"found {text!r}")
    except (ArithmeticError, ValueError, KeyError) as error:
        raise UserError(f"{setting}: {expected}: {error}") from error
    return key, CategoricalDistribution(values)


def _value_of(key: str) -> Any:
    """What params.yaml says under a dotted key, by which it is known to be one."""
    value: Any = read_params().model_dump()
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise KeyError(f"{key} is no key of params.yaml")
        value = value[part]
    return value


def _finish(study: "Study", item: str, metric: str) -> None:
    """Tell the study of the trials that have run, those of an interrupted call too."""
    from optuna.trial import TrialState

    known = experiments.on_head()
    for trial in study.get_trials(states=[TrialState.RUNNING]):
        # None where a call was interrupted before it had a name.
        experiment = trial.user_attrs.get("experiment", f"trial {trial.number}")
        value = _measured(known.get(experiment), item, metric)
        if value is None:
            print(f"{experiment}: failed or was interrupted, and does not count")
            study.tell(trial.number, state=TrialState.FAIL)
        else:
            print(f"{experiment}: {metric} {value:.4g} at {_words(trial)}", flush=True)
            study.tell(trial.number, value)


def _measured(commit: str | None, item: str, metric: str) -> float | None:
    """The metric of an experiment by its commit, None if it has not come to its end."""
    if commit is None:
        return None
    # They take their time to import: not before the arguments are known to be good.
    import dvc.api
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    path = f"metrics/{item}.json"
    try:
        found = dvc.api.metrics_show(path, rev=commit)
    except (DvcException, SCMError, OSError):
        return None
    return _value(found.get(path, found), metric, f"{path} of {commit[:7]}")


def _value(content: dict[str, Any], metric: str, source: str) -> float:
    """Of validation images: what is chosen by test images could not be reported of them."""
    known = content[CHOSEN_BY]
    if metric not in known:
        raise UserError(f"{metric}: expected a metric of {source}, {CHOSEN_BY}: {', '.join(known)}")
    return float(known[metric])


def _words(trial: "FrozenTrial") -> str:
    shown = (
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in trial.params.items()
    )
    return " ".join(shown)


def _report(study: "Study", name: str, higher: bool) -> None:
    from optuna.trial import TrialState

    metric = study.user_attrs["metric"]
    done = study.get_trials(states=[TrialState.COMPLETE])
    if not done:
        raise UserError("no trial has come to its end (dvc queue status)")
    best = sorted(done, key=lambda trial: trial.values[0], reverse=higher)
    with whole_file(FOLDER / f"{name}.csv") as unfinished:
        table = study.trials_dataframe(attrs=("number", "value", "params", "state"))
        table = table.rename(columns=lambda column: column.removeprefix("params_"))
        table.to_csv(unfinished, index=False, lineterminator="\n")
    draw(best, metric, FOLDER / f"{name}.png")
    print(f"\nThe best of {len(done)} by {metric} of validation images:\n")
    for trial in best[:SHOWN]:
        print(f"{trial.values[0]:<10.4g} {trial.user_attrs['experiment']}  {_words(trial)}")
    print(f"\n{FOLDER}/{name}.png shows all, {FOLDER}/{name}.csv has every digit")
    print(f"dvc exp apply {best[0].user_attrs['experiment']} takes the best")


def draw(best: "Sequence[FrozenTrial]", metric: str, path: Path) -> None:
    """Trials, the best first, as lines across an axis for each setting and one for the metric."""
    # It takes its time to import: not before there is something to draw.
    import matplotlib
    from matplotlib import pyplot as plt

    from autoencoders.figures.style import QUIET, STYLE, save

    names = [*best[0].params, metric]
    rows = [[*trial.params.values(), trial.values[0]] for trial in best]
    scales = [
        _Scale(best[0].distributions.get(n), [r[k] for r in rows]) for k, n in enumerate(names)
    ]
    colours = matplotlib.colormaps["viridis_r"]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(2 + 1.8 * len(names), 4.5), layout="constrained")
        for rank in reversed(range(len(rows))):  # the best on top
            heights = [scale.height(value) for scale, value in zip(scales, rows[rank], strict=True)]
            axes.plot(heights, color=colours(1 - rank / max(1, len(rows) - 1)), lw=1.5)
        for place, scale in enumerate(scales):
            axes.axvline(place, color=QUIET, linewidth=0.8)
            for height, label in scale.marks():
                label_at = (place - 0.02, height)
                axes.text(*label_at, label, ha="right", va="center", size=8, bbox=LABEL, zorder=5)
        axes.set_xticks(range(len(names)), [name.rpartition(".")[2] for name in names])
        axes.set_yticks([])
        axes.set_xlim(-0.4, len(names) - 0.9)
        axes.set_ylim(-MARGIN, 1 + MARGIN)
        axes.set_title(f"{len(best)} trials; the darker the line, the better its {names[-1]}")
        axes.spines[["left", "right", "top", "bottom"]].set_visible(False)
        save(figure, path)


class _Scale:
    """Where values stand on an axis that goes from 0 to 1."""

    def __init__(self, distribution: "BaseDistribution | None", values: Sequence[Any]) -> None:
        self.choices = list(getattr(distribution, "choices", ()))
        if not self.choices:
            self.on = math.log if getattr(distribution, "log", False) else float
            self.ends = (min(values), max(values))

    def height(self, value: Any) -> float:
        if self.choices:
            return self.choices.index(value) / max(1, len(self.choices) - 1)
        low, high = map(self.on, self.ends)
        return (self.on(value) - low) / (high - low) if high > low else 0.5

    def marks(self) -> list[tuple[float, str]]:
        shown = self.choices or dict.fromkeys(self.ends)
        return [(self.height(value), value if self.choices else f"{value:.3g}") for value in shown]
