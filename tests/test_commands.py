"""What is done with trained models and experiments: load, reconstruct, export, compare, plots."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from autoencoders.__main__ import main
from autoencoders.commands import experiments
from autoencoders.commands.compare import panels
from autoencoders.commands.copies import fresh_copy, take_along
from autoencoders.commands.demo import SMALL, change_params, table
from autoencoders.commands.seeds import alike
from autoencoders.commands.seeds import table as table_of_seeds
from autoencoders.errors import UserError
from autoencoders.experiment import items_of
from autoencoders.io.arrays import read_arrays, write_arrays
from autoencoders.models.registry import build_model, save_model
from autoencoders.params import read_params
from autoencoders.trained import load_model
from tests.project import ROOT, Project

CHANCE = np.random.default_rng(0)
SHAPE = (1, 16, 16)


def save(folder: Path, kind: str = "ae", shape=SHAPE, corruption: str | None = "jigsaw") -> Path:
    """A model as a training would leave it."""
    torch.manual_seed(0)
    align = {"rotate": {"kind": "rotate"}, "jigsaw": {"kind": "jigsaw", "grid": 3}}.get(corruption)
    settings = {"network": {"kind": "conv", "channels": [4, 8]}, "latent_dim": 6, "align": align}
    settings |= {"likelihood": "gaussian", "beta": 1.0, "kl_warmup": 0.0} if kind == "vae" else {}
    model = build_model(kind, shape, settings)
    folder.mkdir(parents=True)
    save_model(folder, kind, shape, settings, model.state_dict())
    return folder


def photos(folder: Path, count: int = 12) -> Path:
    """Colour photographs in two folders, PNG and JPEG."""
    for number in range(count):
        suffix = "jpg" if number % 3 == 0 else "png"
        path = folder / f"{number % 2}" / f"{number}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(CHANCE.integers(0, 255, (40, 30, 3), np.uint8)).save(path)
    return folder


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def images_of(count: int, shape=SHAPE) -> np.ndarray:
    return CHANCE.integers(0, 256, (count, *shape), np.uint8)


@pytest.mark.parametrize("kind", ["ae", "vae"])
def test_batches_do_not_change_what_a_model_computes(tmp_path, kind):
    folder = save(tmp_path / "m", kind)
    images = images_of(23)
    whole, parts = load_model(folder), load_model(str(folder), batch_size=5)
    assert (whole.image_shape, whole.latent_dim) == (SHAPE, 6)
    codes = parts.encode(images)
    assert codes.shape == (23, 6)
    torch.testing.assert_close(codes, whole.encode(torch.from_numpy(images)))
    reconstructions = parts.reconstruct(images)
    assert reconstructions.shape == images.shape
    assert reconstructions.dtype == torch.float32
    assert 0 <= reconstructions.min() <= reconstructions.max() <= 1
    torch.testing.assert_close(reconstructions, whole.decode(codes))


def test_an_array_mapped_from_a_file_passes_through(tmp_path):
    images = images_of(20)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    model = load_model(save(tmp_path / "m"), batch_size=7)
    assert torch.equal(model.encode(mapped), model.encode(images))


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (np.zeros((2, 1, 16, 16), np.float32), "of type float32 and shape .*, expected uint8"),
        (np.zeros((0, 1, 16, 16), np.uint8), "N being 1 or more"),
        (np.zeros((2, 1, 8, 8), np.uint8), r"shape \(2, 1, 8, 8\), .* of shape \(N, 1, 16, 16\)"),
        (np.zeros((16, 16), np.uint8), r"shape \(16, 16\), .* of shape \(N, 1, 16, 16\)"),
        (np.zeros((1, 16, 16), np.uint8), r"; of a single one: images\[None\]"),
        (torch.zeros(1, 16, 16, dtype=torch.uint8), r"; of a single one: images\[None\]"),
    ],
)
def test_what_is_no_image_of_the_model_is_refused(tmp_path, images, expected):
    model = load_model(save(tmp_path / "m"))
    with pytest.raises(UserError, match=expected):
        model.encode(images)


def test_codes_of_any_floating_point_type_are_decoded(tmp_path):
    model = load_model(save(tmp_path / "m"))
    codes = CHANCE.normal(size=(3, 6)).astype(np.float32)
    images = model.decode(codes)
    assert torch.equal(model.decode(codes.astype(np.float64)), images)
    assert torch.equal(model.decode(torch.from_numpy(codes).double()), images)
    assert torch.equal(model.decode(codes.tolist()), images)
    torch.testing.assert_close(model.decode(codes.astype(np.float16)), images, atol=0.01, rtol=0)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (np.zeros(6, np.float32), r"shape \(6,\), .* of shape \(N, 6\).*one: codes\[None\]"),
        (np.zeros((2, 5), np.float32), r"shape \(2, 5\), .* of shape \(N, 6\), N being 1 or more$"),
        (np.zeros((2, 6), np.int64), "of type int64 .* expected floating-point numbers"),
        (np.zeros((0, 6), np.float32), "N being 1 or more"),
    ],
)
def test_what_is_no_code_of_the_model_is_refused(tmp_path, codes, expected):
    model = load_model(save(tmp_path / "m"))
    with pytest.raises(UserError, match=expected):
        model.decode(codes)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere: no such model"):
        load_model(tmp_path / "nowhere")


@pytest.mark.parametrize("codes", ["csv", "parquet"])
def test_image_files_are_reconstructed_with_their_codes(tmp_path, codes, capsys):
    model, own, out = save(tmp_path / "m"), photos(tmp_path / "own"), tmp_path / "out"
    command = [
        "reconstruct",
        str(model),
        str(own),
        "--out",
        str(out),
        "--corrupt",
        "jigsaw",
        "grid=3",
    ]
    assert main([*command, "--codes", codes, "--batch-size", "5"]) == 0
    assert "12 images reconstructed" in capsys.readouterr().out
    table = (pd.read_csv if codes == "csv" else pd.read_parquet)(out / f"codes.{codes}")
    assert list(table.columns) == ["file", "permutation", "mse", *(f"z{i}" for i in range(6))]
    assert sorted(table["file"]) == sorted(str(p) for p in own.rglob("*.*"))
    for kind in ("inputs", "reconstructions"):
        made = {path.relative_to(out / kind).as_posix() for path in (out / kind).rglob("*.png")}
        assert made == {
            path.relative_to(own).as_posix() + ("" if path.suffix == ".png" else ".png")
            for path in own.rglob("*.*")
        }
    # The codes are those of the written inputs, and decode to the written reconstructions.
    trained = load_model(model)
    for row in table.iloc[[0, 7, 11]].to_dict("records"):
        name = Path(row["file"]).relative_to(own).as_posix()
        name += "" if name.endswith(".png") else ".png"
        inputs = pixels(out / "inputs" / name)[np.newaxis, np.newaxis]
        codes = [row[f"z{i}"] for i in range(6)]
        np.testing.assert_allclose(trained.encode(inputs)[0], codes, atol=1e-4)
        again = trained.reconstruct(inputs)[0, 0].mul(255).round().numpy()
        assert np.abs(again - pixels(out / "reconstructions" / name)).max() <= 1
        assert sorted(row["permutation"].split()) == list("012345678")
    assert pixels(out / "overview.png").shape[1] > 500


def test_what_is_done_to_the_files_does_not_depend_on_batches_or_damage(tmp_path, capsys):
    model, own = str(save(tmp_path / "m", "vae", corruption=None)), photos(tmp_path / "own")
    command = ["reconstruct", model, str(own), "--corrupt", "rotate", "--out"]
    assert main([*command, str(tmp_path / "a"), "--batch-size", "3"]) == 0
    broken = own / "1" / "7.png"
    broken.write_bytes(broken.read_bytes()[:100])
    assert main([*command, str(tmp_path / "b")]) == 1
    assert "7.png" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()
    assert main([*command, str(tmp_path / "b"), "--skip-damaged"]) == 0
    assert "7.png" in capsys.readouterr().err
    first, second = (
        pd.read_csv(tmp_path / name / "codes.csv", index_col="file")["k"] for name in "ab"
    )
    assert set(first.index) - set(second.index) == {str(broken)}
    assert first[second.index].equals(second)
    assert first.nunique() > 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda own, out: [own / "none.png"], "none.png: expected an image"),
        (lambda own, out: [own.parent / "empty"], "empty: expected an image, or a folder"),
        (lambda own, out: [own, own], "both would be written as"),
        (lambda own, out: [own, "--corrupt", "jigsaw", "grid=40"], "grid is 40"),
        (lambda own, out: [own, "--corrupt", "jigsaw"], "grid: missing"),
        (lambda own, out: [own, "--corrupt", "swirl"], "expected one of blur, downsample"),
        (lambda own, out: [own, "--corrupt", "jigsaw", "grid=[1"], "--corrupt jigsaw grid=[1: "),
        (lambda own, out: [own, "--batch-size", "0"], "--batch-size is 0"),
        (lambda own, out: (out.mkdir(), [own])[1], "out: exists already"),
        (lambda own, out: [own, out.parent], "lies in"),
        (lambda own, out: ((own / "link.png").symlink_to("1.png"), [own])[1], "a link; DVC"),
    ],
)
def test_bad_requests_are_refused_before_any_work(tmp_path, capsys, change, message):
    model, own, out = save(tmp_path / "m"), photos(tmp_path / "own", 3), tmp_path / "out"
    (tmp_path / "empty").mkdir()
    extra = [str(argument) for argument in change(own, out)]
    assert main(["reconstruct", str(model), *extra, "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert not out.exists() or list(out.iterdir()) == []
    assert list(tmp_path.glob(".unfinished-*")) == []


@pytest.mark.parametrize(
    ("kind", "corruption"), [("ae", None), ("vae", "rotate"), ("ae", "jigsaw")]
)
def test_onnx_computes_what_torch_does(tmp_path, kind, corruption):
    folder = save(tmp_path / "m", kind, corruption=corruption)
    assert main(["export", str(folder), "--out", str(tmp_path / "onnx")]) == 0
    encoder, decoder = (
        onnxruntime.InferenceSession(tmp_path / "onnx" / f"{name}.onnx")
        for name in ("encoder", "decoder")
    )
    images, trained = images_of(9), load_model(folder)
    (codes,) = encoder.run(["codes"], {"images": images.astype(np.float32) / 255})
    np.testing.assert_allclose(codes, trained.encode(images), atol=1e-4)
    (decoded,) = decoder.run(["images"], {"codes": codes})
    np.testing.assert_allclose(decoded, trained.reconstruct(images), atol=1e-4)


def test_large_codes_are_exported_as_well(tmp_path, capsys):
    """Rounding grows with the numbers: what counts is the error relative to them."""
    folder = save(tmp_path / "m")
    path = folder / "weights.safetensors"
    arrays = {name: array.copy() for name, array in read_arrays(path).items()}
    for name in ("encoder.to_code.weight", "encoder.to_code.bias"):
        arrays[name] *= 20_000
    write_arrays(path, arrays)
    codes = load_model(folder).encode(images_of(9))
    assert codes.abs().max() > 1500
    assert main(["export", str(folder), "--out", str(tmp_path / "onnx")]) == 0


def test_a_negative_seed_or_a_missing_device_is_told(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["reconstruct", "m", "own", "--out", "out", "--seed", "-1"])
    assert "argument --seed: -1 is negative, expected 0 or more" in capsys.readouterr().err
    model, own = str(save(tmp_path / "m")), str(photos(tmp_path / "own", 3))
    command = ["reconstruct", model, own, "--out", str(tmp_path / "out"), "--device", "cuda"]
    if not torch.cuda.is_available():
        assert main(command) == 1
        assert "--device is 'cuda', which is not available here" in capsys.readouterr().err


def test_an_export_that_differs_from_torch_is_not_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("autoencoders.commands.export.TOLERANCE", -1.0)
    folder = save(tmp_path / "m")
    assert main(["export", str(folder), "--out", str(tmp_path / "onnx")]) == 1
    assert "differs from torch" in capsys.readouterr().err
    assert not (tmp_path / "onnx").exists()


def summary(mse: float, knn: float) -> str:
    """Test errors of which the best is another experiment's than that of validation errors."""
    items = {
        "ae-none": {
            "validation": {"mse": mse, "knn_accuracy": knn},
            "test": {"mse": 1 - mse, "knn_accuracy": knn},
        },
        "vae-none": {"validation": {"mse": 0.5}, "test": {"mse": 0.5}},
    }
    return json.dumps(items)


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> Project:
    """A project with two commits that differ in a param and in metrics."""
    project = Project(tmp_path_factory.mktemp("history") / "project")
    for components, content in ((3, summary(0.25, 0.5)), (4, summary(0.125, 0.25))):
        project.set({"mixture.components": components})
        project.path("metrics").mkdir(exist_ok=True)
        project.path("metrics/summary.json").write_text(content)
        project.commit(f"{components} components")
    return project


def test_experiments_stand_side_by_side_with_the_best_marked(history: Project, monkeypatch, capsys):
    monkeypatch.chdir(history.folder)
    assert main(["compare", "HEAD~1", "HEAD", "workspace"]) == 0
    parts = re.split(
        "^validation images.*|^test images.*", capsys.readouterr().out, flags=re.MULTILINE
    )
    changed, rows, reported = (
        {line.split()[0]: line.split()[1:] for line in part.splitlines() if line} for part in parts
    )
    assert reported["ae-none.mse"] == ["0.7500", "0.8750", "0.8750"]
    assert reported["ae-none.knn_accuracy"] == ["0.5000", "0.2500", "0.2500"]
    assert changed["mixture.components"] == ["3", "4", "4"]
    assert rows["ae-none.mse"] == ["0.2500", "0.1250*", "0.1250*"]
    assert rows["ae-none.knn_accuracy"] == ["0.5000*", "0.2500", "0.2500"]
    assert rows["vae-none.mse"] == ["0.5000"] * 3
    assert "models.ae.latent_dim" not in changed
    table = pd.read_csv("comparison/comparison.csv", index_col="name")
    assert float(table.loc["ae-none.validation.mse", "HEAD"]) == 0.125
    assert pixels(Path("comparison/comparison.png")).shape[1] > 500
    page = Path("comparison/index.html").read_text()
    assert '<th scope="rowgroup" colspan="4">ae-none</th>' in page
    assert "<strong>0.1250*</strong>" in page
    assert "The same in all: vae-none." in page
    assert page.count("Not in DVC's cache here") == 2  # curves, and images
    # An earlier comparison is replaced.
    assert main(["compare", "HEAD~1", "HEAD"]) == 0
    assert list(pd.read_csv("comparison/comparison.csv", index_col="name")) == ["HEAD~1", "HEAD"]


def test_seeds_of_an_experiment_are_one_column_with_their_spread(tmp_path, monkeypatch, capsys):
    project = Project(tmp_path / "project")
    project.path("metrics").mkdir(exist_ok=True)
    runs = {"one": (0, 3, 0.25), "two": (1, 3, 0.375), "three": (0, 4, 0.3), "four": (1, 4, 0.2)}
    for name, (seed, components, mse) in runs.items():
        project.set({"seed": seed, "mixture.components": components})
        project.path("metrics/summary.json").write_text(summary(mse, 0.5))
        project.commit(name)
        project.run("git", "tag", name)
    monkeypatch.chdir(project.folder)
    assert main(["compare", *runs]) == 0
    said = capsys.readouterr().out
    changed = re.search(r"^mixture.components +3 +4$", said, flags=re.MULTILINE)
    assert changed
    assert re.search("^seed +0, 1 +0, 1$", said, flags=re.MULTILINE)
    words = ["0.3125 (0.2500 to 0.3750)", r"0.2500 (0.2000 to 0.3000)*"]
    row = re.search(r"^ae-none.mse +(.*?\)) +(.*?)$", said, flags=re.MULTILINE)
    assert list(row.groups()) == words
    page = Path("comparison/index.html").read_text()
    assert f"<td>{words[0]}</td><td><strong>{words[1]}</strong></td>" in page
    assert '<th scope="col">one, two</th><th scope="col">three, four</th>' in page
    assert "<title>one, two / three, four</title>" in page
    assert list(pd.read_csv("comparison/comparison.csv", index_col="name")) == list(runs)
    # Where there is nothing else to compare them with, each seed is by itself.
    assert main(["compare", "one", "two"]) == 0
    assert re.search(
        "^ae-none.mse +0.2500[*] +0.3750$", capsys.readouterr().out, flags=re.MULTILINE
    )


def test_a_panel_has_one_unit():
    rows = ["ae-none.loss", "ae-none.mse", "vae-none.loss", "vae-none.mse", "vae-none.ssim"]
    results = pd.DataFrame({"HEAD": range(5), "other": range(5)}, index=rows)
    units = {"ae": "mean squared error", "vae": "nats per image"}
    found = {title: list(panel.index) for title, panel in panels(results, units).items()}
    assert found == {
        "loss, mean squared error": ["ae-none.loss"],
        "mse": ["ae-none.mse", "vae-none.mse"],
        "loss, nats per image": ["vae-none.loss"],
        "ssim": ["vae-none.ssim"],
    }


def test_a_spread_tells_what_differs_by_more_than_chance():
    rows = {
        "ae-none.mse": [0.0030, 0.0029, 0.0031],
        "vae-none.mse": [0.0062, 0.0060, 0.0061],
        "ae-none.knn_accuracy": [0.87, 0.86, 0.88],
        "vae-none.knn_accuracy": [0.88, 0.89, 0.885],
        "vae-none.negative_elbo": [-747.0, -746.0, -748.0],
    }
    results = pd.DataFrame.from_dict(rows, orient="index", columns=[0, 1, 2])
    lines = table_of_seeds(results).splitlines()
    assert lines[0] == "|  | mse | knn_accuracy | negative_elbo |"
    assert lines[2].startswith(
        "| ae-none | 0.003000 (0.002900 to 0.003100) | 0.8700 (0.8600 to 0.8800) |"
    )
    assert "-747.0 (-748.0 to -746.0)" in lines[3]
    assert alike(results).splitlines()[2:] == ["- knn_accuracy: ae-none and vae-none"]
    assert alike(results.iloc[:2]) == "All differences between items are larger than the spread."


def make_experiment(project: Project, name: str, changes: dict, content: str) -> None:
    """An experiment of the current commit, as DVC keeps one, with these headline metrics."""
    head = project.run("git", "rev-parse", "HEAD").stdout.strip()
    project.set(changes)
    project.path("metrics/summary.json").write_text(content)
    project.commit(name)
    project.run("git", "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", "HEAD")
    project.run("git", "reset", "--quiet", "--hard", head)


@pytest.fixture
def seeded(tmp_path, monkeypatch) -> Project:
    """A project with results of the seed 0, whose experiments are made without running anything."""
    project = Project(tmp_path / "project")
    project.path("metrics").mkdir(exist_ok=True)
    project.path("metrics/summary.json").write_text(summary(0.125, 0.25))
    project.commit("Results")
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(experiments, "check_code", lambda: None)

    def run(wanted: dict, targets: tuple, *, jobs: int) -> list[str]:
        assert targets == ("summary", "baselines")
        for name, changes in wanted.items():
            seed = int(changes[0].removeprefix("seed="))
            project.ran.append(name)
            make_experiment(project, name, {"seed": seed}, summary(0.25, 0.5))
        return []

    project.ran = []
    monkeypatch.setattr(experiments, "run", run)
    return project


def test_seeds_that_have_run_are_not_run_again(seeded: Project, capsys):
    make_experiment(seeded, "seed-7", {"seed": 7}, summary(0.25, 0.5))
    assert main(["seeds", "0", "7"]) == 0
    assert seeded.ran == []
    kept = json.loads(Path("seeds/metrics.json").read_text())
    assert kept["ae-none.test.mse"] == {"0": 0.875, "7": 0.75}
    said = capsys.readouterr().out
    assert said.startswith(
        "Seeds 0, 7: mean (lowest to highest)\n\nValidation images, to choose by:"
    )
    assert "| ae-none | 0.1875 (0.1250 to 0.2500) | 0.3750 (0.2500 to 0.5000) |" in said
    assert "| ae-none | 0.8125 (0.7500 to 0.8750) |" in said.split("Test images, to report:")[1]
    assert main(["seeds", "3", "3"]) == 1
    assert "found the seeds [3, 3], expected at least 2" in capsys.readouterr().err


def other_commit(project: Project) -> None:
    make_experiment(project, "seed-7", {"seed": 7}, summary(0.9, 0.5))
    project.path("notes.txt").write_text("x")
    project.commit("Go on")


OTHERS = {
    "a tag": (lambda p: p.run("git", "tag", "seed-7"), ""),
    "a branch": (lambda p: p.run("git", "branch", "seed-7"), ""),
    "an experiment of another commit": (other_commit, ""),
    "an experiment of other params": (
        lambda p: make_experiment(
            p, "seed-7", {"seed": 7, "mixture.components": 4}, summary(0.9, 0.5)
        ),
        "seed-7: has other params or other code than HEAD, and does not count",
    ),
}


@pytest.mark.parametrize(("other", "told"), OTHERS.values(), ids=OTHERS)
def test_only_experiments_of_this_commit_and_its_params_are_seeds(
    seeded: Project, capsys, other, told
):
    other(seeded)
    assert main(["seeds", "0", "7"]) == 0
    said = capsys.readouterr().out
    assert seeded.ran == ["seed-7-2"]
    assert "seed-7: another experiment, branch or tag has this name; run as seed-7-2" in said
    assert told in said
    kept = json.loads(Path("seeds/metrics.json").read_text())
    assert kept["ae-none.test.mse"] == {"0": 0.875, "7": 0.75}
    Path("seeds/metrics.json").unlink()
    assert main(["seeds", "0", "7"]) == 0
    assert seeded.ran == ["seed-7-2"], "which counts from then on"


def test_seeds_of_a_commit_that_does_not_have_its_own_results_are_refused(seeded: Project, capsys):
    lock = {"stages": {"train-classifier": {"params": {"params.yaml": {"classifier.epochs": 77}}}}}
    seeded.path("dvc.lock").write_text(yaml.safe_dump(lock))
    seeded.commit("Lock other params")
    assert main(["seeds", "0", "7"]) == 1
    assert "HEAD has results of other params: classifier.epochs is 77" in capsys.readouterr().err
    seeded.set({"mixture.components": 9})
    assert main(["seeds", "0", "7"]) == 1
    assert "params.yaml: not as in the current commit" in capsys.readouterr().err


def test_experiments_of_other_code_are_no_seeds_of_one_column(seeded: Project, capsys):
    for name, seed, code in (("a", 1, "1" * 32), ("b", 2, "2" * 32), ("c", 3, "2" * 32)):
        lock = {"stages": {"code": {"outs": [{"path": "data/code", "md5": code}]}}}
        seeded.path("dvc.lock").write_text(yaml.safe_dump(lock))
        make_experiment(seeded, name, {"seed": seed}, summary(0.25, 0.5))
    assert main(["compare", "a", "b", "c"]) == 0
    assert re.search("^seed +1 +2, 3$", capsys.readouterr().out, flags=re.MULTILINE)


def test_a_name_is_that_of_this_commits_experiment_first(seeded: Project, capsys):
    make_experiment(seeded, "same", {"seed": 1}, summary(0.25, 0.5))
    seeded.run("git", "tag", "same", "HEAD~1")
    assert main(["compare", "HEAD", "same"]) == 0
    said = capsys.readouterr().out
    assert "same: the experiment of this commit, not Git's revision of that name" in said
    assert re.search("^seed +0 +1$", said, flags=re.MULTILINE)
    seeded.path("notes.txt").write_text("x")
    seeded.commit("Go on")
    seeded.run("git", "tag", "--delete", "same")
    assert main(["compare", "HEAD", "same"]) == 0
    assert re.search(
        r"^same: an experiment of \w{7}, not of this commit$", capsys.readouterr().out, re.M
    )
    make_experiment(seeded, "elsewhere", {"seed": 2}, summary(0.25, 0.5))
    for _ in range(2):
        make_experiment(seeded, "often", {"seed": 2}, summary(0.25, 0.5))
        seeded.path("notes.txt").write_text(seeded.path("notes.txt").read_text() + "y")
        seeded.commit("Go on")
    assert main(["compare", "HEAD", "often"]) == 1
    assert "there are experiments of" in capsys.readouterr().err


def test_what_has_results_is_compared_and_the_rest_is_told(seeded: Project, capsys):
    seeded.run("git", "tag", "before", "HEAD~1")
    assert main(["compare", "HEAD", "before", "workspace"]) == 0, "params are equal"
    said = capsys.readouterr().out
    assert "left out: 'before': has no metrics/summary.json" in said
    assert "ae-none.mse" in said
    assert main(["compare", "HEAD", "before"]) == 1
    assert "found results of HEAD, expected of two or more" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["docs", ".", "..", "comparison", "link", "empty", "README.md"])
def test_no_command_replaces_what_it_has_not_made(history: Project, monkeypatch, capsys, out):
    monkeypatch.chdir(history.folder)
    own = {
        "docs": lambda path: None,
        "comparison": lambda path: (
            path.mkdir(exist_ok=True),
            (path / "comparison.csv").touch(),
            (path / "comparison.png").touch(),
            (path / "index.html").touch(),
            (path / "notes.txt").write_text("mine"),
        ),
        "link": lambda path: path.symlink_to("docs"),
        "empty": lambda path: path.mkdir(),
    }
    own.get(out, lambda path: None)(Path(out))
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    commands = [
        ["compare", "HEAD~1", "HEAD"],
        ["plots"],
        ["export", "models/none"],
        ["reconstruct", "models/none", "images"],
    ]
    for command in commands:
        assert main([*command, "--out", out]) == 1
        assert f"{out}: exists already" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in before if path.exists()} == before


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["HEAD", "nonsense"], "'nonsense': expected an experiment"),
        (["HEAD", "HEAD:params.yaml"], "'HEAD:params.yaml': expected an experiment"),
        ([], "expected of two or more"),
    ],
)
def test_what_cannot_be_compared_is_named(history: Project, monkeypatch, capsys, names, message):
    monkeypatch.chdir(history.folder)
    assert main(["compare", *names, "--out", "nothing"]) == 1
    assert message in capsys.readouterr().err
    assert not Path("nothing").exists()


def test_a_copy_takes_params_and_own_images_along(history: Project, monkeypatch, tmp_path):
    project = Project.copy(history.folder, tmp_path / "project")
    monkeypatch.chdir(project.folder)
    project.set({"data.name": "folder", "data.path": "mine/photos", "seed": 7})
    photos(project.path("mine/photos"), 3)
    folder = fresh_copy(".copy")
    assert read_params(folder / "params.yaml").seed == 0
    take_along(folder)
    assert read_params(folder / "params.yaml").seed == 7
    copied = {path.name for path in (folder / "mine/photos").rglob("*.*")}
    assert copied == {path.name for path in project.path("mine/photos").rglob("*.*")}
    (folder / "left-over").touch()
    assert not (fresh_copy(".copy") / "left-over").exists()
    with pytest.raises(UserError, match=r"mine: exists and is no copy of this project"):
        fresh_copy("mine")
    assert project.path("mine/photos").exists()


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_a_copy_needs_a_project_with_a_commit_and_leaves_nothing_without(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    expected = iter(
        [
            "has no dvc.yaml; go to the project's folder",
            r"has no \.dvc; dvc init",
            "expected a Git repository of its own, found none",
            "has no commit to make a copy of; git add --all && git commit",
            r"the current commit lacks dvc\.yaml or \.dvc/; git add --all",
        ]
    )

    def refused() -> None:
        with pytest.raises(UserError, match=next(expected)):
            fresh_copy(".copy")
        assert not Path(".copy").exists()

    refused()
    Path("dvc.yaml").write_text("stages: {}\n")
    refused()
    Path(".dvc").mkdir()
    Path(".dvc/config").touch()
    refused()
    git("init", "--quiet")
    refused()
    git("commit", "--quiet", "--allow-empty", "--message", "Nothing")
    refused()
    git("add", "--all")
    git("commit", "--quiet", "--message", "Start")
    assert (fresh_copy(".copy") / "dvc.yaml").is_file()


def test_a_copy_below_another_projects_folder_is_not_of_that(monkeypatch, tmp_path, capsys):
    """DVC would take the pipeline of the parent for it."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    folder = tmp_path / "inside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("dvc.yaml").write_text("stages: {}\n")
    Path("dvc.lock").write_text("{}")
    git("init", "--quiet")
    assert main(["reproduce"]) == 1
    assert "has no .dvc; dvc init" in capsys.readouterr().err


def test_what_cannot_be_compared_is_told_before_the_run(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce"]) == 1
    assert "dvc.lock: not here, so that there is nothing to compare with" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [["check", "photos"], ["kinds"], ["seeds"], ["demo"], ["use", "x"], ["compare"], ["push"]],
    ids=lambda words: words[0],
)
def test_ctrl_c_ends_a_command_in_one_line(monkeypatch, capsys, command):
    def interrupted(**options: object) -> None:
        raise KeyboardInterrupt

    module = importlib.import_module(f"autoencoders.commands.{command[0]}")
    monkeypatch.setattr(module, command[0], interrupted)
    assert main(command) == 130
    assert capsys.readouterr().err == f"{command[0]}: interrupted\n"


def test_a_path_that_dvc_cannot_write_is_told_before_anything_is_queued(monkeypatch, tmp_path):
    folder = tmp_path / "caf\u00e9"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(UserError, match=r"its path has '\u00e9', which DVC cannot write"):
        experiments.run({"a": ["seed=1"]}, ["summary"], jobs=1)


def test_an_experiment_that_fails_before_its_first_stage_ends_the_wait(
    tmp_path, monkeypatch, capfd
):
    """As below a path with such a letter, if one goes on all the same."""
    project = Project(tmp_path / "caf\u00e9" / "project")
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(experiments, "check_place", lambda: None)
    start = time.monotonic()
    assert experiments.run({"a": ["seed=1"]}, ["download"], jobs=1) == ["a"]
    assert time.monotonic() - start < 100


def test_the_demo_ends_with_a_table_of_results(finished: Path):
    lines = table(finished / "project/metrics").splitlines()
    assert lines[0].split()[:2] == ["validation", "MSE"]
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "ae-jigsaw",
        "vae-jigsaw",
        "the mean image",
        "the input, jigsaw",
    ]
    assert all(re.search(r"\d\.\d{4}", line) for line in lines[1:])


def test_the_demos_params_are_valid_and_keep_their_comments(tmp_path):
    path = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", path)
    change_params(path, SMALL)
    params = read_params(path)
    assert params.data.name == "digits"
    assert params.train.epochs == SMALL["train.epochs"]
    assert path.read_text().count("#") == (ROOT / "params.yaml").read_text().count("#")


@pytest.fixture
def experiment(tmp_path, monkeypatch) -> Path:
    """A folder with the project's own params and pipeline, as the current one."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "items"), [("family", 8), ("stress", 10)])
def test_a_ready_experiment_takes_the_place_of_its_sections_alone(experiment, name, items, capsys):
    before = read_params()
    comment = "# passes over the training images"
    assert comment in (experiment / "params.yaml").read_text()
    assert main(["use", str(ROOT / f"params/{name}.yaml")]) == 0
    after = read_params()
    assert len(items_of(after)) == items
    same = {"models", "corruptions"}
    assert after.model_dump(exclude=same) == before.model_dump(exclude=same)
    assert comment in (experiment / "params.yaml").read_text()
    pipeline = (experiment / "dvc.yaml").read_text()
    assert all(pipeline.count(f"- metrics/{m}-{c}.json\n") == 2 for m, c in items_of(after))
    assert "dvc repro runs it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: {x: {kind: gan}}", "models.x.kind: expected one of ae,"),
        ("corruptions: {x: {kind: jigsaw, grid: 1}}", "corruptions.x.grid:"),
        ("optimizer: {}", "expected sections of params.yaml: seed, data"),
        ("just words", "expected keys with values, found 'just words'"),
        ("a: [", "not readable as YAML"),
        ("# nothing but this\n", "expected keys with values, found None"),
        ("[" * 9000, "not readable as YAML"),
        ("a:\n\tb: 1\n", "not readable as YAML"),
    ],
)
def test_an_unfit_experiment_changes_nothing(experiment, text, message, capsys):
    before = (experiment / "params.yaml").read_bytes()
    (experiment / "other.yaml").write_text(text)
    assert main(["use", "other.yaml"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: other.yaml")
    assert message in error
    assert (experiment / "params.yaml").read_bytes() == before
    assert sorted(p.name for p in experiment.iterdir()) == ["dvc.yaml", "other.yaml", "params.yaml"]


@pytest.mark.parametrize("text", ["# nothing\n", "[" * 9000, "a:\n\tb: 1\n"])
def test_the_file_that_is_no_yaml_is_named(experiment, text, capsys):
    (experiment / "other.yaml").write_text("seed: 3\n")
    (experiment / "params.yaml").write_text(text)
    assert main(["use", "other.yaml"]) == 1
    assert capsys.readouterr().err.startswith("error: params.yaml: ")
    assert (experiment / "params.yaml").read_text() == text
