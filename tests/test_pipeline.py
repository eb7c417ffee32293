"""The whole pipeline, run by the real dvc on the embedded digits, and what a change reruns."""

import json
import subprocess
from contextlib import contextmanager

import pytest
import yaml

from tests.project import Project

ITEMS = ["ae-rotate", "ae-jigsaw", "vae-rotate", "vae-jigsaw"]
PER_ITEM = ["train", "plot-training", "embed", "plot-latent", "fit-mixture", "generate"]
PER_ITEM += ["evaluate", "evaluate-stress", "evaluate-latent"]
PER_ITEM += ["evaluate-generation", "evaluate-blends"]
OF_ALL = {"plot-stress", "report", "summarize"}


def stages_of(*items: str, names=PER_ITEM) -> set[str]:
    return {f"{name}@{item}" for name in names for item in items}


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Project:
    """A project whose pipeline has run, with all of it committed."""
    project = Project(tmp_path_factory.mktemp("pipeline") / "a project")
    project.first_run = project.repro()
    project.commit("Run")
    return project


@contextmanager
def changed(project: Project, changes: dict):
    """The project with changed params; afterwards as it was."""
    project.set(changes)
    try:
        yield
    finally:
        project.run("git", "checkout", "--quiet", ".")
        project.run("dvc", "checkout", "--force", "--quiet")


def test_every_stage_runs_once_and_then_nothing_is_left_to_do(ran: Project):
    single = {"download", "preprocess", "evaluate-pixels", "train-classifier"} | OF_ALL
    corruptions = {f"preprocess-corruptions@{name}" for name in ("rotate", "jigsaw")}
    models = {f"evaluate-pca@{name}" for name in ("ae", "vae")}
    assert set(ran.first_run) == single | corruptions | models | stages_of(*ITEMS)
    assert len(ran.first_run) == len(set(ran.first_run))
    assert ran.repro() == []
    assert "up to date" in ran.run("dvc", "status").stdout
    assert ran.run("git", "status", "--porcelain").stdout == ""
    assert ran.unfinished() == []


def test_metrics_tell_models_from_floors(ran: Project):
    summary = json.loads(ran.path("metrics/summary.json").read_text())
    assert set(summary) == set(ITEMS)
    for item in ITEMS:
        metrics = json.loads(ran.path(f"metrics/{item}.json").read_text())
        test, floors = metrics["test"], metrics["floor_mse"]
        assert summary[item]["mse"] == pytest.approx(test["mse"])
        assert 0 < test["mse"] < floors["copy_input"]
        assert set(floors) == {"mean_image", "pca", "copy_input"}
        assert set(test["mse_per_class"]) == set("0123456789")
        assert -1 <= test["ssim"] <= 1
        assert ("kl" in test) == item.startswith("vae")
        if "kl" in test:
            assert test["negative_elbo"] == pytest.approx(test["reconstruction"] + test["kl"])
    shown = ran.run("dvc", "metrics", "show", "metrics/summary.json").stdout
    assert "ae-jigsaw.mse" in shown


def test_figures_and_curves_are_registered_with_dvc(ran: Project):
    ran.run("dvc", "plots", "show", "--out", "page")
    page = ran.path("page/index.html").read_text()
    for item in ITEMS:
        assert f"plots/history/{item}.csv" in page or f"validation MSE of {item}" in page
        for figure in ("training/{}/reconstructions", "latent/{}/tsne", "generated/{}/blends"):
            name = figure.format(item)
            assert ran.path(f"plots/{name}.png").read_bytes().startswith(b"\x89PNG")
            assert name.replace("/", "_") in page or name in page
    history = ran.path("plots/history/vae-jigsaw.csv").read_text().splitlines()
    assert len(history) == 3
    assert {"train_kl", "validation_mse"} < set(history[0].split(","))
    subprocess.run(["rm", "-r", "page"], cwd=ran.folder, check=True)


REUSED = {
    "the jigsaw's grid": (
        {"corruptions.jigsaw.grid": 4},
        {"preprocess-corruptions@jigsaw"}
        | OF_ALL
        | stages_of("ae-jigsaw", "vae-jigsaw")
        | stages_of(*ITEMS, names=["evaluate-stress"]),
    ),
    "the VAE's beta": (
        {"models.vae.beta": 2.0},
        OF_ALL | stages_of("vae-rotate", "vae-jigsaw"),
    ),
    "a figure's setting": (
        {"plot_latent.tsne_perplexity": 11.0},
        stages_of(*ITEMS, names=["plot-latent"]),
    ),
    "a new model": (
        {
            "models.small": {
                "kind": "ae",
                "architecture": "conv",
                "channels": [4],
                "latent_dim": 2,
                "align": False,
            }
        },
        {"evaluate-pca@small"} | OF_ALL | stages_of("small-rotate", "small-jigsaw"),
    ),
    "the samples of a bound": (
        {"evaluate.importance_samples": 3},
        stages_of(*ITEMS, names=["evaluate"]),
    ),
    "the report": ({"report.points": 50}, {"report"}),
    "the classifier": (
        {"classifier.epochs": 3},
        {"train-classifier"} | stages_of(*ITEMS, names=["evaluate-generation", "evaluate-blends"]),
    ),
}


@pytest.mark.parametrize(("changes", "expected"), REUSED.values(), ids=REUSED)
def test_a_change_reruns_what_it_affects_and_nothing_else(ran: Project, changes, expected):
    with changed(ran, changes):
        # Where new results equal the old ones, DVC may rightly skip what depends on them alone.
        assert set(ran.repro()) | OF_ALL == expected | OF_ALL
        diff = ran.run("dvc", "metrics", "diff", "--json", "HEAD").stdout
        touched = {item for item in [*ITEMS, "small-rotate"] if f'metrics/{item}.json"' in diff}
        evaluated = {name.partition("@")[2] for name in expected if "evaluate@" in name}
        if "evaluate.importance_samples" in changes:  # which an AE's metrics do not depend on
            evaluated = {item for item in evaluated if item.startswith("vae")}
        assert touched == evaluated - {"small-jigsaw"}
    assert ran.repro() == []


def test_a_queued_experiment_runs_its_own_code(ran: Project):
    module = ran.path("src/autoencoders/metrics.py")
    own = module.read_text().replace("return -10 * np.log10(", "return 1000 - 10 * np.log10(")
    assert own != module.read_text()
    module.write_text(own)
    ran.run("dvc", "exp", "run", "--queue", "--name", "queued")
    ran.run("git", "checkout", "--quiet", ".")
    ran.run("dvc", "exp", "run", "--run-all")
    queued = json.loads(shown_in_experiment(ran, "queued", "metrics/ae-rotate.json"))
    here = json.loads(ran.path("metrics/ae-rotate.json").read_text())
    assert queued["test"]["psnr"] == pytest.approx(here["test"]["psnr"] + 1000)
    assert queued["test"]["mse"] == here["test"]["mse"]


def shown_in_experiment(project: Project, name: str, path: str) -> str:
    refs = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout.split()
    ref = next(ref for ref in refs if ref.endswith(f"/{name}"))
    return project.run("git", "show", f"{ref}:{path}").stdout


def test_a_second_run_with_items_side_by_side_gives_the_same_bytes(ran: Project, tmp_path):
    again = Project(tmp_path / "again", {"models.ae": None})
    output = again.run("make", "--assume-old", ".venv/installed", "repro", "JOBS=2").stdout
    assert "Data and pipelines are up to date" not in output
    first, second = (yaml.safe_load(project.lock())["stages"] for project in (ran, again))
    for name in OF_ALL:
        del second[name]  # of fewer models
    assert len(second) == 7 + len(PER_ITEM) * 2
    assert {name: first[name] for name in second} == second
