"""A search for settings: what is tried, what is kept, and what is refused."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autoencoders.commands import experiments
from autoencoders.commands import search as searching
from autoencoders.errors import UserError
from tests.project import ROOT, Project

BETA, WAY = "models.vae.beta", "train.precision"
SETTINGS = [f"{BETA}=0.1:10:log", f"{WAY}=float32,bfloat16"]


class Pipeline:
    """Stands for DVC: what is queued, and what each experiment gives, best at a beta of 1."""

    def __init__(self) -> None:
        self.queued: dict[str, dict[str, str]] = {}
        self.failing: set[str] = set()
        self.at_once: list[int] = []
        self.code = "0" * 64

    def run(self, wanted: dict, targets: list[str], *, jobs: int) -> list[str]:
        self.queued |= {
            name: dict(change.split("=") for change in changes) for name, changes in wanted.items()
        }
        self.at_once.append(len(self.queued))
        return [name for name in wanted if name in self.failing]

    def measured(self, experiment: str | None, item: str, metric: str) -> float | None:
        changes = self.queued.get(experiment or "")
        if changes is None or experiment in self.failing:
            return None
        return abs(float(changes[BETA]) - 1) + (changes[WAY] == "bfloat16")


@pytest.fixture
def pipeline(tmp_path, monkeypatch) -> Pipeline:
    made = Pipeline()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.setattr(experiments, "run", made.run)
    monkeypatch.setattr(experiments, "on_head", lambda: {name: name for name in made.queued})
    monkeypatch.setattr(experiments, "free_name", lambda name: name)
    monkeypatch.setattr(experiments, "check_committed", lambda: None)
    monkeypatch.setattr(experiments, "code_digest", lambda: made.code)
    monkeypatch.setattr(searching, "_measured", made.measured)
    return made


def run(**changes: Any) -> None:
    options = {"metric": "mse", "name": "beta", "trials": 24, "jobs": 4} | changes
    searching.search(options.pop("item", "vae-none"), options.pop("settings", SETTINGS), **options)


def test_the_search_finds_what_is_best(pipeline, capsys):
    run()
    table = pd.read_csv("search/beta.csv")
    assert len(table) == 24
    assert table[BETA].between(0.1, 10).all()
    assert set(table[WAY]) == {"float32", "bfloat16"}
    best = table.loc[table["value"].idxmin()]
    assert best["value"] < 0.2
    said = capsys.readouterr().out
    assert f"dvc exp apply beta-{best['number']} takes the best" in said
    assert Path("search/beta.png").stat().st_size > 10_000
    # It learns: the second half is better than the first.
    assert table["value"][12:].median() < table["value"][:12].median()


def test_as_many_run_at_a_time_as_are_asked_for(pipeline):
    run(trials=6)
    assert pipeline.at_once == [4, 6]


def test_a_search_goes_on_where_it_was_interrupted(pipeline, monkeypatch, capsys):
    def interrupt(*arguments: Any, **options: Any) -> None:
        pipeline.run(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(experiments, "run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(trials=8)
    run(trials=8)  # what had run meanwhile counts
    table = pd.read_csv("search/beta.csv")
    assert list(table["number"]) == list(range(8))
    assert (table["state"] == "COMPLETE").all()
    assert table[BETA].nunique() == 8


def test_a_failed_trial_does_not_count_and_does_not_stop(pipeline, capsys):
    pipeline.failing = {"beta-1", "beta-2"}
    run(trials=6)
    table = pd.read_csv("search/beta.csv")
    assert list(table["state"]).count("FAIL") == 2
    assert list(table["state"]).count("COMPLETE") == 6
    assert "The best of 6 by mse" in capsys.readouterr().out


def test_a_search_of_which_all_trials_fail_ends(pipeline):
    pipeline.failing = {f"beta-{number}" for number in range(100)}
    with pytest.raises(UserError, match="beta-0, beta-1, beta-2, beta-3: failed, and no other"):
        run(trials=6)


def test_a_search_is_of_one_code_and_of_one_set_of_other_params(pipeline):
    run(trials=2)
    pipeline.code = "1" * 64
    with pytest.raises(UserError, match=r"beta\.journal: is of .*expected the same, or another"):
        run(trials=4)
    pipeline.code = "0" * 64
    path = Path("params.yaml")
    path.write_text(path.read_text().replace("epochs: 8 ", "epochs: 9 "))
    with pytest.raises(UserError, match=r"beta\.journal: is of"):
        run(trials=4)
    path.write_text(path.read_text().replace("epochs: 9 ", "epochs: 8 "))
    run(trials=4)
    assert len(pd.read_csv("search/beta.csv")) == 4


def test_accuracies_are_the_better_the_higher(pipeline, capsys):
    run(metric="probe_accuracy", trials=4)
    table = pd.read_csv("search/beta.csv")
    best = table.loc[table["value"].idxmax(), "number"]
    assert f"dvc exp apply beta-{best} takes the best" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"beta\.journal: is of .*probe_accuracy"):
        run(metric="mse")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"jobs": 0}, "--jobs is 0, expected at least 1"),
        ({"trials": 0}, "--trials is 0, expected at least 1"),
        ({"item": "vae-nothing"}, "vae-nothing: expected an item of params.yaml: ae-none,"),
        ({"settings": ["models.vae.betta=1:2"]}, "models.vae.betta is no key of params.yaml"),
        ({"settings": ["models.vae.beta=1"]}, "expected KEY=LOW:HIGH"),
        ({"settings": ["models.vae.beta=2:1"]}, "expected KEY=LOW:HIGH"),
        ({"settings": ["models.vae.beta=0:1:log"]}, "expected KEY=LOW:HIGH"),
        ({"settings": ["models.vae.beta=a:b"]}, "expected KEY=LOW:HIGH"),
        ({"settings": ["models.vae.beta=0.0:inf"]}, "of which an end is not finite"),
        ({"settings": ["models.vae.beta=nan:1"]}, "of which an end is not finite"),
        ({"settings": ["models.vae.beta=-1:4"]}, "models.vae.beta=-1 is not valid:"),
        ({"settings": ["train.precision=float32,float8"]}, "train.precision=float8 is not valid:"),
    ],
)
def test_what_cannot_be_searched_is_refused(pipeline, changes, words):
    with pytest.raises(UserError, match=re.escape(words)):
        run(**changes)
    assert pipeline.queued == {}
    assert not Path("search").exists()


def test_trials_are_experiments_of_dvc(finished, tmp_path):
    project = Project.copy(finished / "project", tmp_path / "project")
    command = ["autoencoders", "search", "ae-jigsaw", "mixture.components=2:9"]
    command += ["--name", "mix", "--trials", "1"]
    done = project.run(*command, "--metric", "nothing", check=False)
    assert "nothing: expected a metric of metrics/ae-jigsaw.json, validation: loss," in done.stdout
    said = project.run(*command, "--metric", "frechet_of_mixture").stdout
    best = re.search(r"dvc exp apply (mix-\d) takes the best", said)[1]
    table = pd.read_csv(project.path("search/mix.csv"))
    assert table["value"].notna().all()
    assert re.findall(r"mix-\d", project.run("dvc", "exp", "list").stdout)
    project.run("dvc", "exp", "apply", best)
    wanted = int(table.loc[table["value"].idxmin(), "mixture.components"])
    assert f"components: {wanted}" in project.path("params.yaml").read_text()
