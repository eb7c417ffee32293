"""The whole pipeline, run by the real dvc on the embedded digits, and what a change reruns."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.project import ROOT, Project, environment

ITEMS = ["ae-rotate", "ae-jigsaw", "vae-rotate", "vae-jigsaw"]
PER_ITEM = ["train", "plot-training", "embed", "plot-latent", "fit-mixture", "generate"]
PER_ITEM += ["evaluate", "evaluate-stress", "evaluate-latent"]
PER_ITEM += ["evaluate-generation", "evaluate-blends"]
OF_ALL = {"plot-stress", "report", "summarize"}
SINGLE = {"download", "preprocess", "evaluate-pixels", "train-classifier"}
PER_CORRUPTION = {f"preprocess-corruptions@{name}" for name in ("rotate", "jigsaw")}
PER_MODEL = {f"evaluate-pca@{name}" for name in ("ae", "vae")}
QUICK_PYTHON = ROOT / "tests" / "quick_python.py"


def stages_of(*items: str, names=PER_ITEM) -> set[str]:
    return {f"{name}@{item}" for name in names for item in items}


EVERYTHING = SINGLE | PER_CORRUPTION | PER_MODEL | OF_ALL | stages_of(*ITEMS)


RAN = ["ae-jigsaw", "vae-jigsaw"]


@pytest.fixture(scope="module")
def ran(finished: Path, tmp_path_factory) -> Project:
    """A project whose pipeline has run on the jigsaw, with all of it committed."""
    folder = tmp_path_factory.mktemp("pipeline") / "a project"
    project = Project.copy(finished / "project", folder)
    project.first_run = (finished / "stages").read_text().splitlines()
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
    rotate = {name for name in EVERYTHING if name.endswith("rotate")}
    assert set(ran.first_run) == EVERYTHING - rotate
    assert len(ran.first_run) == len(set(ran.first_run))
    assert ran.repro() == []
    assert "up to date" in ran.run("dvc", "status").stdout
    assert ran.run("git", "status", "--porcelain").stdout == ""
    assert ran.unfinished() == []


def test_metrics_tell_models_from_floors(ran: Project):
    summary = json.loads(ran.path("metrics/summary.json").read_text())
    assert set(summary) == set(RAN)
    for item in RAN:
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
    for item in RAN:
        assert f"plots/history/{item}.csv" in page or f"validation MSE of {item}" in page
        for figure in ("training/{}/reconstructions", "latent/{}/tsne", "generated/{}/blends"):
            name = figure.format(item)
            assert ran.path(f"plots/{name}.png").read_bytes().startswith(b"\x89PNG")
            assert name.replace("/", "_") in page or name in page
    history = ran.path("plots/history/vae-jigsaw.csv").read_text().splitlines()
    assert len(history) == 3
    assert {"train_kl", "validation_mse"} < set(history[0].split(","))
    subprocess.run(["rm", "-r", "page"], cwd=ran.folder, check=True)


SUMS = {"summarize", "report"}
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
    "the mixture": (
        {"mixture.components": 2},
        SUMS | stages_of(*ITEMS, names=["fit-mixture", "generate", "evaluate-generation"]),
    ),
    "the samples of a bound": (
        {"evaluate.importance_samples": 3},
        SUMS | stages_of(*ITEMS, names=["evaluate"]),
    ),
    "the report": ({"report.points": 50}, {"report"}),
    "the classifier": (
        {"classifier.epochs": 3},
        {"train-classifier"}
        | SUMS
        | stages_of(*ITEMS, names=["evaluate-generation", "evaluate-blends"]),
    ),
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Project:
    """A project whose stages write digests of what they read, having run."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{QUICK_PYTHON}" "$@"\n')
    python.chmod(0o755)
    project = Project(folder / "project")
    project.quick = {"PATH": os.pathsep.join([str(folder / "bin"), environment()["PATH"]])}
    assert set(project.repro(**project.quick)) == EVERYTHING
    project.commit("Run")
    return project


@pytest.mark.parametrize(("changes", "expected"), REUSED.values(), ids=REUSED)
def test_a_change_reruns_what_it_affects_and_nothing_else(drawn: Project, changes, expected):
    with changed(drawn, changes):
        assert set(drawn.repro(**drawn.quick)) == expected
        diff = drawn.run("dvc", "metrics", "diff", "--json", "HEAD").stdout
        touched = {item for item in [*ITEMS, "small-rotate"] if f'metrics/{item}.json"' in diff}
        evaluated = {name.partition("@")[2] for name in expected if "evaluate@" in name}
        assert touched == evaluated - {"small-jigsaw"}


def test_a_queued_experiment_runs_its_own_code(ran: Project):
    module = ran.path("src/autoencoders/metrics.py")
    own = module.read_text().replace("return -10 * np.log10(", "return 1000 - 10 * np.log10(")
    assert own != module.read_text()
    module.write_text(own)
    ran.run("dvc", "exp", "run", "--queue", "--name", "queued")
    ran.run("git", "checkout", "--quiet", ".")
    ran.run("dvc", "exp", "run", "--run-all")
    queued = json.loads(shown_in_experiment(ran, "queued", "metrics/ae-jigsaw.json"))
    here = json.loads(ran.path("metrics/ae-jigsaw.json").read_text())
    assert queued["test"]["psnr"] == pytest.approx(here["test"]["psnr"] + 1000)
    assert queued["test"]["mse"] == here["test"]["mse"]


def shown_in_experiment(project: Project, name: str, path: str) -> str:
    refs = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout.split()
    ref = next(ref for ref in refs if ref.endswith(f"/{name}"))
    return project.run("git", "show", f"{ref}:{path}").stdout


def test_a_second_run_with_items_side_by_side_gives_the_same_bytes(ran: Project, tmp_path):
    again = Project(tmp_path / "again", {"corruptions.rotate": None})
    output = again.run("make", "--assume-old", ".venv/installed", "repro", "JOBS=2").stdout
    assert "Data and pipelines are up to date" not in output
    assert yaml.safe_load(again.lock()) == yaml.safe_load(ran.lock())
