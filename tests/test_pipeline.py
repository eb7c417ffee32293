"""The whole pipeline, run by the real dvc on the embedded digits, and what a change reruns."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.project import MAKE_HERE, ROOT, Project, warm

ITEMS = ["ae-rotate", "ae-jigsaw", "vae-rotate", "vae-jigsaw"]
PER_ITEM = ["train", "embed", "plot-latent", "generate", "evaluate"]
SINGLE = {"code", "download", "preprocess", "preprocess-corruptions", "train-classifier"}
SINGLE |= {"baselines", "summary", "report"}
QUICK_PYTHON = ROOT / "tests" / "quick_python.py"


def stages_of(*items: str, names=PER_ITEM) -> set[str]:
    return {f"{name}@{item}" for name in names for item in items}


EVERYTHING = SINGLE | stages_of(*ITEMS)


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


def test_metrics_tell_models_from_baselines(ran: Project):
    summary = json.loads(ran.path("metrics/summary.json").read_text())
    baselines = json.loads(ran.path("metrics/baselines.json").read_text())
    assert set(summary) == set(RAN)
    assert set(baselines["mse"]) == {"mean_image", "pca_8", "copy"}
    assert set(baselines["latent"]) == {"pixels", "pca_8"}
    assert set(baselines["generation"]) == {
        "training_images",
        "test_images",
        "pca_8_gaussian_samples",
    }
    for item in RAN:
        metrics = json.loads(ran.path(f"metrics/{item}.json").read_text())
        chosen_by, training = metrics["validation"], metrics["training"]
        metrics = metrics["test"]
        errors = metrics["reconstruction"]
        headlines = summary[item]
        assert headlines["test"]["mse"] == errors["mse"] == metrics["stress"]["jigsaw"]["mse"]
        assert headlines["validation"]["mse"] == chosen_by["mse"] != errors["mse"]
        history = ran.path(f"plots/history/{item}.csv").read_text().splitlines()
        rows = [
            dict(zip(history[0].split(","), row.split(","), strict=True)) for row in history[1:]
        ]
        best = min(rows, key=lambda row: float(row["validation_loss"]))
        assert chosen_by["loss"] == float(best["validation_loss"])
        assert chosen_by["mse"] == pytest.approx(float(best["validation_mse"]), rel=1e-4)
        assert training["best_epoch"] == int(best["epoch"])
        assert 0 < errors["mse"] < baselines["mse"]["copy"]["jigsaw"]
        assert set(errors["mse_per_class"]) == set("0123456789")
        assert -1 <= errors["ssim"] <= 1
        assert set(metrics["stress"]["jigsaw"]) >= {"excess", "tile_accuracy"}
        assert set(metrics["latent"]) >= {"knn_accuracy", "trustworthiness", "nmi"}
        assert set(metrics["ways"]) == {"3 to 8", "4 to 7", "7 to 9"}
        assert metrics["generation"]["mixture_samples"]["frechet"] > 0
        assert ("likelihood" in metrics) == item.startswith("vae")
        if "likelihood" in metrics:
            parts = metrics["likelihood"]
            assert parts["negative_elbo"] == pytest.approx(parts["reconstruction"] + parts["kl"])
    shown = ran.run("dvc", "metrics", "show", "metrics/summary.json").stdout
    assert "ae-jigsaw.validation.mse" in shown
    assert "ae-jigsaw.test.mse" in shown


def test_figures_and_curves_are_registered_with_dvc(ran: Project):
    ran.run("dvc", "plots", "show", "--out", "page")
    page = ran.path("page/index.html").read_text()
    for item in RAN:
        assert f"plots/history/{item}.csv" in page or f"validation MSE of {item}" in page
        for figure in ("generated/{}/reconstructions", "latent/{}/tsne", "generated/{}/blends"):
            name = figure.format(item)
            assert ran.path(f"plots/{name}.png").read_bytes().startswith(b"\x89PNG")
            assert name.replace("/", "_") in page or name in page
    history = ran.path("plots/history/vae-jigsaw.csv").read_text().splitlines()
    assert len(history) == 3
    assert {"train_kl", "validation_mse"} < set(history[0].split(","))
    subprocess.run(["rm", "-r", "page"], cwd=ran.folder, check=True)


SMALL_MODEL = {
    "kind": "ae",
    "network": {"kind": "conv", "channels": [4]},
    "latent_dim": 2,
    "align": False,
}
GATHERED = {"summary", "report"}
REUSED = {
    "the jigsaw's grid": (
        {"corruptions.jigsaw.grid": 4},
        {"code", "preprocess-corruptions", "baselines", *GATHERED}
        | stages_of("ae-jigsaw", "vae-jigsaw")
        | stages_of(*ITEMS, names=["evaluate"]),
    ),
    "the VAE's code": (
        {"models.vae.latent_dim": 4},
        {"baselines", *GATHERED} | stages_of("vae-rotate", "vae-jigsaw"),
    ),
    "a figure's setting": (
        {"plot_latent.tsne_perplexity": 11.0},
        {"report"} | stages_of(*ITEMS, names=["plot-latent"]),
    ),
    "another figure's setting": (
        {"generate.interpolation_steps": 5},
        {"report"} | stages_of(*ITEMS, names=["generate"]),
    ),
    "a new model": (
        {"models.small": SMALL_MODEL},
        {"code", "baselines", *GATHERED} | stages_of("small-rotate", "small-jigsaw"),
    ),
    "a new corruption": (
        {"corruptions.mixed": {"kind": "jigsaw", "grid": 2}},
        {"code", "preprocess-corruptions", "baselines", *GATHERED}
        | stages_of("ae-mixed", "vae-mixed")
        | stages_of(*ITEMS, names=["evaluate"]),
    ),
    "a model less": ({"models.vae": None}, GATHERED),
    "the mixture": (
        {"mixture.components": 2},
        # The codes stay as they are, so their map does.
        GATHERED | stages_of(*ITEMS, names=["embed", "generate", "evaluate"]),
    ),
    "the samples of a bound": (
        {"evaluate.importance_samples": 3},
        GATHERED | stages_of(*ITEMS, names=["evaluate"]),
    ),
    "the report": ({"report.points": 50}, {"report"}),
    "the classifier": (
        {"classifier.epochs": 3},
        {"train-classifier", "baselines", *GATHERED}
        | stages_of(*ITEMS, names=["generate", "evaluate"]),
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
    project.quick = {"PATH": os.pathsep.join([str(folder / "bin"), warm()["PATH"]])}
    assert set(project.repro(**project.quick)) == EVERYTHING
    project.commit("Run")
    return project


@pytest.mark.parametrize(("changes", "expected"), REUSED.values(), ids=REUSED)
def test_a_change_reruns_what_it_affects_and_nothing_else(drawn: Project, changes, expected):
    with changed(drawn, changes):
        assert set(drawn.repro(**drawn.quick)) == expected


def test_a_changes_metrics_differ_where_it_was_evaluated_again(drawn: Project):
    with changed(drawn, {"models.vae.beta": 2.0}):
        ran = set(drawn.repro(**drawn.quick))
        assert ran == GATHERED | stages_of("vae-rotate", "vae-jigsaw")
        diff = drawn.run("dvc", "metrics", "diff", "--json", "HEAD").stdout
        touched = {item for item in ITEMS if f'metrics/{item}.json"' in diff}
        assert touched == {"vae-rotate", "vae-jigsaw"}


def edited(project: Project, name: str, old: str, new: str) -> None:
    path = project.path(name)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_edit_without_effect_runs_nothing_and_another_what_runs_it(drawn: Project):
    with changed(drawn, {}):
        edited(drawn, "src/autoencoders/corruptions/kinds/jigsaw.py", "grid is {", "it is {")
        edited(drawn, "src/autoencoders/figures/scatter.py", "20_000 / len", "10_000 / len")
        ran = set(drawn.repro(**drawn.quick))
        assert ran == {"code", "report"} | stages_of(*ITEMS, names=["plot-latent"])


def test_what_was_made_of_a_removed_entry_does_not_count(drawn: Project, tmp_path):
    """Removed, pushed, cloned, pulled: nothing runs, and dvc.lock stays."""
    with changed(drawn, {"models.ae": None, "corruptions.rotate": None}):
        said = drawn.run("python", "-m", "autoencoders", "stages", PYTHONPATH="src").stdout
        assert said.count("removed, as params.yaml has no such item") == 3
        drawn.repro(**drawn.quick)
        assert drawn.path("models/ae-rotate").exists()
        assert not drawn.path("metrics/ae-rotate.json").exists()
        drawn.run("git", "checkout", "--quiet", "-b", "less")
        drawn.commit("Remove entries")
        drawn.run(
            "dvc", "remote", "add", "--force", "--default", "folder", str(tmp_path / "remote")
        )
        drawn.run("dvc", "push")
        drawn.run("git", "clone", "--quiet", "--branch", "less", ".", str(tmp_path / "clone"))
        clone = Project.existing(tmp_path / "clone")
        clone.path(".dvc/config.local").write_text(drawn.path(".dvc/config").read_text())
        clone.run("dvc", "pull")
        assert clone.repro(**drawn.quick) == []
        assert clone.lock() == drawn.lock()
        drawn.run("git", "checkout", "--quiet", "--force", "main")


def test_a_seed_that_has_no_results_is_run_and_then_known(drawn: Project):
    command = [sys.executable, "-m", "autoencoders", "seeds", "0", "1"]
    said = drawn.run(*command, PYTHONPATH="src", **drawn.quick).stdout
    assert "Running stage 'summary'" in said
    assert "Running stage 'baselines'" in said
    assert "Running stage 'generate" not in said
    assert "Seeds 0, 1: mean (lowest to highest)" in said
    row = re.search(r"^\| ae-jigsaw \| (\S+) \((\S+) to (\S+)\) \|$", said, flags=re.MULTILINE)
    mean, lowest, highest = map(float, row.groups())
    assert lowest < mean < highest
    again = drawn.run(*command, PYTHONPATH="src", **drawn.quick).stdout
    assert again.startswith("Seeds 0, 1")
    # The spread is for the report, and for a commit of the user's.
    assert drawn.run("git", "status", "--porcelain").stdout == "?? seeds/metrics.json\n"
    kept = json.loads(drawn.path("seeds/metrics.json").read_text())
    assert any(name.startswith("ae-jigsaw.test.") for name in kept)
    assert all(list(values) == ["0", "1"] for values in kept.values())
    drawn.path("seeds/metrics.json").unlink()


def test_an_entry_that_dvc_yaml_does_not_name_is_told(drawn: Project):
    with changed(drawn, {}):
        path = drawn.path("params.yaml")
        params = yaml.safe_load(path.read_text())
        params["models"]["small"] = SMALL_MODEL
        path.write_text(yaml.safe_dump(params, sort_keys=False))
        failed = drawn.stage("report", check=False)
        assert failed.returncode == 1
        assert "dvc.yaml names other models and corruptions than params.yaml" in failed.stdout
        assert "make stages" in failed.stdout


def test_a_queued_experiment_runs_its_own_code(ran: Project):
    edited(
        ran,
        "src/autoencoders/measures/reconstruction.py",
        "return -10 * np.log10(",
        "return 1000 - 10 * np.log10(",
    )
    ran.run("dvc", "exp", "run", "--queue", "--name", "queued", "evaluate@ae-jigsaw")
    ran.run("git", "checkout", "--quiet", ".")
    ran.run("dvc", "exp", "run", "--run-all")
    queued = json.loads(shown_in_experiment(ran, "queued", "metrics/ae-jigsaw.json"))
    here = json.loads(ran.path("metrics/ae-jigsaw.json").read_text())
    queued, here = (metrics["test"]["reconstruction"] for metrics in (queued, here))
    assert queued["psnr"] == pytest.approx(here["psnr"] + 1000)
    assert queued["mse"] == here["mse"]


def shown_in_experiment(project: Project, name: str, path: str) -> str:
    refs = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout.split()
    ref = next(ref for ref in refs if ref.endswith(f"/{name}"))
    return project.run("git", "show", f"{ref}:{path}").stdout


def test_a_second_run_with_items_side_by_side_gives_the_same_bytes(ran: Project, tmp_path):
    again = Project(tmp_path / "again", {"corruptions.rotate": None})
    output = again.run("make", *MAKE_HERE, "repro", "JOBS=2", PYTHONPATH=str(again.path("src")))
    assert "up to date" not in output.stdout
    assert yaml.safe_load(again.lock()) == yaml.safe_load(ran.lock())
