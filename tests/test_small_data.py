"""Sets of few, equal, or oddly named images: told before the training, or gone through with."""

import json
from pathlib import Path

import numpy as np
import pytest

from autoencoders.errors import UserError
from tests.in_process import run, run_all, small_params, write_images

CHANCE = np.random.default_rng(0)


def noise(count: int, side: int = 28) -> list[np.ndarray]:
    return list(CHANCE.integers(0, 255, (count, side, side), np.uint8))


def of_classes(images: list[np.ndarray], *names: str) -> dict[str, np.ndarray]:
    return {f"{names[n % len(names)]}/{n}.png": image for n, image in enumerate(images)}


def loose(images: list[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{n}.png": image for n, image in enumerate(images)}


LARGER = {"data.validation_fraction": 0.3, "data.test_fraction": 0.3}
BLACK = [np.zeros((28, 28), np.uint8)] * 40
NEARLY_BLACK = [np.eye(1, 784, n, dtype=np.uint8).reshape(28, 28) for n in range(40)]
NEARLY_BLACK = [np.eye(1, 784, n, dtype=np.uint8).reshape(28, 28) for n in range(40)]
SETS = {
    "four": (loose(noise(4)), {}, ["the measures of generation: left out", "t-SNE: left out"]),
    "twelve": (loose(noise(12)), {}, ["trustworthiness: left out", "interpolations: left out"]),
    "thirty": (loose(noise(30)), {}, ["t-SNE: left out, it needs 4 validation codes"]),
    "ten of three": (of_classes(noise(30), *"abc"), {}, ["silhouette: left out"]),
    "five of two": (of_classes(noise(10), *"ab"), LARGER, []),
    "nearly black": (of_classes(NEARLY_BLACK, *"ab"), {}, []),
    "copies of few": (of_classes(noise(12) * 4, *"ab"), LARGER, ["36 images equal another"]),
    "one class": (of_classes(noise(30), "cat"), {}, []),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("images", "changes", "said"), SETS.values(), ids=SETS)
def test_what_a_set_does_not_allow_is_left_out_with_a_sentence(images, changes, said, capsys):
    write_images(images)
    run_all(small_params(changes))
    captured = capsys.readouterr()
    assert [words for words in said if words not in captured.err] == []
    metrics = json.loads(Path("metrics/vae-jigsaw.json").read_text())
    assert 0 <= metrics["validation"]["mse"] < 1
    metrics = metrics["test"]
    assert 0 <= metrics["reconstruction"]["mse"] < 1
    assert Path("plots/report.html").stat().st_size > 10_000
    latent, generation = metrics["latent"], metrics["generation"]["mixture_samples"]
    if "trustworthiness: left out" in captured.err:
        assert latent["trustworthiness"] is None
    if "silhouette: left out" in captured.err:
        assert latent["silhouette"] is None
    if "measures of generation: left out" in captured.err:
        assert generation["frechet"] is None


def test_one_class_is_no_classes(capsys):
    write_images(of_classes(noise(30), "cat"))
    params = small_params({})
    run("download", params)
    run("preprocess", params)
    assert "all images are of one class, 'cat'" in capsys.readouterr().out
    assert json.loads(Path("data/processed/dataset.json").read_text())["classes"] == []


def test_class_names_are_drawn_as_they_are_written(capsys):
    names = ["$a_$", "$5 or $10", "_bg_", "日本"]
    write_images(of_classes(noise(80), *names))
    run_all(small_params({"generate.blends": [["$a_$", "_bg_"], ["日本", "$5 or $10"]]}))
    said = capsys.readouterr().err
    assert said.count("figures show") == 1
    assert "日本: figures show" in said
    assert r"\u65e5\u672c" in said
    metrics = json.loads(Path("metrics/vae-jigsaw.json").read_text())
    assert set(metrics["test"]["ways"]) == {"$a_$ to _bg_", "日本 to $5 or $10"}
    assert "日本" in Path("plots/report.html").read_text(encoding="utf-8")


REFUSED = {
    "a class that is not there": (
        of_classes(noise(40), "cat", "dog"),
        {"generate.blends": [["cat", "dgo"]]},
        "generate.blends names 'dgo', expected of cat, dog",
    ),
    "blends without classes": (
        loose(noise(40)),
        {"generate.blends": [["cat", "dog"]]},
        "names 'cat', expected nothing, as the images have no classes",
    ),
    "images that are all the same": (loose(BLACK), {}, r"40 of 40 images \(1 that differ\)"),
    "a class of copies": (
        of_classes(noise(40), "cat") | {f"dog/{n}.png": image for n, image in enumerate(BLACK)},
        {},
        r"class 'dog' has 40 of 80 images \(1 that differ\)",
    ),
    "a class too rare": (
        of_classes(noise(40), "cat") | {f"dog/{n}.png": image for n, image in enumerate(noise(3))},
        {},
        "class 'dog' has 3 of 43 images",
    ),
}


@pytest.mark.parametrize(("images", "changes", "words"), REFUSED.values(), ids=REFUSED)
def test_what_would_fail_later_is_refused_before_any_training(images, changes, words):
    write_images(images)
    params = small_params(changes)
    run("download", params)
    with pytest.raises(UserError, match=words):
        run("preprocess", params)
    assert not Path("data/processed").exists()


@pytest.mark.parametrize("classes", [True, False])
def test_every_stage_works_on_colour_images_with_and_without_classes(classes, capsys):
    images = CHANCE.integers(0, 255, (60, 40, 50, 3), np.uint8)
    write_images(of_classes(list(images), "red", "blue") if classes else loose(list(images)))
    own = {"data.size": 33, "corruptions": {"jigsaw": {"kind": "jigsaw", "grid": 5}}}
    own["corruptions"]["rotate"] = {"kind": "rotate"}
    own["generate.blends"] = [["red", "blue"]] if classes else []
    own["models.vae.latent_dim"] = 2 if classes else 8
    run_all(small_params(own))
    said = capsys.readouterr().out
    assert ("has no classes: no class means and no blends" in said) == (not classes)
    metrics = json.loads(Path("metrics/vae-jigsaw.json").read_text())
    assert ("knn_accuracy" in metrics["validation"]) == classes
    metrics = metrics["test"]
    assert ("mse_per_class" in metrics["reconstruction"]) == classes
    assert ("knn_accuracy" in metrics["latent"]) == classes
    made = {"reconstructions", "training_reconstructions", "mixture_samples", "prior_samples"}
    assert set(metrics["generation"]) == made
    assert set(metrics["stress"]) == {"jigsaw", "rotate"}
    assert set(metrics["ways"]) == ({"red to blue"} if classes else set())
    figures = {path.name for path in Path("plots").rglob("*.png")}
    of_their_own = {"class-means.png", "blends.png", "class-distances.png", "ways.png"}
    assert figures >= {"pca.png", "tsne.png", "interpolations.png", "prior-samples.png"}
    assert figures >= {"mixture-samples.png", "mixture-nearest.png", "traversals.png"}
    assert figures >= {"reconstructions.png", "losses.png", "stress.png"}
    assert ("plane.png" in figures) == classes  # drawn where the latent space is one
    assert of_their_own <= figures if classes else not of_their_own & figures
    description = json.loads(Path("data/processed/dataset.json").read_text())
    assert description["image_shape"] == [3, 33, 33]
    assert description["classes"] == (["blue", "red"] if classes else [])


def test_many_classes_are_drawn_within_bounds():
    from matplotlib import image as pictures

    from autoencoders.figures.heatmaps import distance_heatmap
    from autoencoders.figures.scatter import scatter

    names = [f"class {n}" for n in range(200)]
    apart = np.abs(np.subtract.outer(np.arange(200.0), np.arange(200.0)))
    distance_heatmap(Path("heatmap.png"), "a title", apart, names)
    points = CHANCE.normal(size=(400, 2))
    scatter(Path("scatter.png"), "a title", points, np.arange(400) % 200, names, ("x", "y"))
    for name in ("heatmap.png", "scatter.png"):
        assert max(pictures.imread(name).shape) < 2500


def test_large_images_go_through_every_stage():
    images = CHANCE.integers(0, 255, (12, 300, 280, 3), np.uint8)
    write_images(of_classes(list(images), "red", "blue"))
    run_all(small_params(LARGER | {"data.size": 256, "report.points": 2, "generate.samples": 2}))
    description = json.loads(Path("data/processed/dataset.json").read_text())
    assert description["image_shape"] == [3, 256, 256]
    assert Path("plots/report.html").stat().st_size < 15_000_000


def test_a_model_of_classes_is_refused_where_there_are_none():
    write_images(loose(noise(30)))
    network = {"kind": "conv", "channels": [4, 8]}
    given = {"kind": "cvae", "network": network, "latent_dim": 8, "align": False}
    given |= {"likelihood": "gaussian", "beta": 1.0, "classification": 1.0}
    params = small_params({"models.given": given})
    for stage in ("download", "preprocess", "preprocess_corruptions"):
        run(stage, params)
    with pytest.raises(UserError, match=r"models\.given: kind is 'cvae', which needs images of"):
        run("train", params, "given", "jigsaw")
    assert not Path("models").exists()
