"""What goes wrong with trainings quietly is told: each provoked, and silence where all is well."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from autoencoders.corruptions.registry import build_corruption
from autoencoders.data.sets.digits import Digits
from autoencoders.io.streams import generator
from autoencoders.models.base import Autoencoder
from autoencoders.models.registry import build_model
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.doctor import best_epoch, curve_findings, findings, model_findings
from autoencoders.training.loop import Schedule, Training, TrainingData
from tests.in_process import run_all, small_params, write_images
from tests.parts import OPTIMIZERS

SHAPE = (1, 28, 28)


def smooth_images(count: int) -> torch.Tensor:
    coarse = torch.rand(count, 1, 3, 3, generator=generator(0, "doctor"))
    return functional.interpolate(coarse, (12, 12), mode="bilinear").mul(255).to(torch.uint8)


def trained(
    folder: Path,
    *,
    kind: str = "vae",
    images: int = 60,
    epochs: int = 3,
    rate: float = 0.01,
    grid: int | None = None,
    change: Callable[[Autoencoder], object] = lambda model: None,
    **settings: float,
) -> tuple[Autoencoder, dict[str, list[float]]]:
    """A small model after a training, and its history by columns."""
    own = (
        {"likelihood": "gaussian", "beta": 1.0, "kl_warmup": 0.0} | settings
        if kind == "vae"
        else {}
    )
    own["align"] = {"kind": "jigsaw", "grid": grid} if grid else None
    torch.manual_seed(0)
    network = {"network": {"kind": "conv", "channels": [8, 16]}, "latent_dim": 4}
    model = build_model(kind, (1, 12, 12), network | own)
    change(model)
    corruption = build_corruption(own["align"] or {"kind": "none"}, 12, 12)
    train, validation = smooth_images(images + 40).split([images, 40])
    inputs, _ = corruption.draw_and_apply(validation, generator(0, "validation"))
    data = TrainingData(train, inputs, validation, inputs[:3])
    schedule = Schedule(epochs, 16, {"kind": "adam", "learning_rate": rate}, 0.1, [], "float32")
    rows = Training(model, corruption, data, schedule, 0, Checkpoint(folder, "item", "f")).run()
    return model, {name: [row[name] for row in rows.history] for name in rows.history[0]}


def drown(model: Autoencoder) -> None:
    """Log-variances that start far below their range."""
    with torch.no_grad():
        model.encoder.to_code.bias[model.latent_dim :] = -60


def spread(model: Autoencoder) -> None:
    """Codes that start far from the prior."""
    with torch.no_grad():
        model.encoder.to_code.weight[: model.latent_dim] *= 1000


def deafen(model: Autoencoder) -> None:
    """A decoder to which no number of the code comes through."""
    linear = model.decoder.from_code[0]
    torch.nn.init.zeros_(linear.weight)
    linear.weight.requires_grad_(False)


ILLS = {
    "posterior_collapse": ({"beta": 1e4}, "posterior collapse: "),
    "exploding_kl": ({"beta": 0.0, "change": spread}, "exploding KL: "),
    "saturated_variance": ({"change": drown}, "saturated log-variances: "),
    "deaf_decoder": ({"kind": "ae", "change": deafen}, "the decoder does not heed the code: "),
    "unfinished": ({"kind": "ae", "rate": 0.02, "epochs": 2, "images": 200}, "still falling: "),
    "overfitting_loss": (
        {"kind": "ae", "images": 8, "epochs": 300},
        "overfitting: the squared error is ",
    ),
    "overfitting_alignment": (
        {"kind": "ae", "images": 8, "epochs": 120, "grid": 2},
        "overfitting: the aligner's error is ",
    ),
}


@pytest.mark.parametrize("name", ILLS)
def test_an_ill_is_told_by_its_name_in_one_line(tmp_path, capsys, name):
    settings, words = ILLS[name]
    model, history = trained(tmp_path, **settings)
    said = [line for line in capsys.readouterr().err.splitlines() if words in line]
    assert len(said) == 1, "told once, whether during the training or after it"
    assert said[0].startswith(f"item: {words}")
    images = smooth_images(40)
    found = findings(history, len(history["epoch"]), model, images, images)
    assert words in found[name]


@pytest.mark.parametrize(("epochs", "seems"), [(4, "overfitting_loss"), (2, "deaf_decoder")])
def test_running_statistics_that_lag_are_not_taken_for_other_ills(tmp_path, capsys, epochs, seems):
    """40 or 20 steps of the default autoencoder on digits: nothing is wrong but their number."""
    Digits().fetch(tmp_path, None)
    images = torch.from_numpy(Digits().read(tmp_path).splits["train"].images)
    train, validation = images.split([1200, len(images) - 1200])
    torch.manual_seed(0)
    network = {"kind": "conv", "channels": [32, 64, 128]}
    model = build_model("ae", SHAPE, {"network": network, "latent_dim": 128, "align": None})
    data = TrainingData(train, validation, validation, validation[:3])
    rates = {"learning_rate": 0.02, "adam_learning_rate": 0.004, "weight_decay": 0.1}
    schedule = Schedule(epochs, 128, OPTIMIZERS["muon"] | rates, 0.05, [], "float32")
    none = build_corruption({"kind": "none"}, 28, 28)
    rows = Training(model, none, data, schedule, 0, Checkpoint(tmp_path, "item", "f")).run()
    history = {name: [row[name] for row in rows.history] for name in rows.history[0]}
    assert seems in curve_findings(history, epochs, 128) | model_findings(model, validation)
    found = findings(history, epochs, model, validation, validation)
    assert found.keys() <= {"lagging_statistics", "unfinished"}
    assert "lag behind the weights" in found["lagging_statistics"]
    said = capsys.readouterr().err
    assert "overfitting" not in said
    assert "heed" not in said
    assert said.count("lag behind the weights") == 1


def test_a_loss_that_has_risen_is_told_with_the_epoch_that_is_kept():
    losses = [3.0, 1.0, 1.05, 1.1, 1.2]
    history = {"validation_loss": losses, "validation_mse": losses, "train_loss": losses}
    assert "lowest after epoch 2" in curve_findings(history, 5, 8)["rising"]
    assert best_epoch(history) == 2
    barely = {name: [3.0, 1.0, 1.05, 1.05, 1.05] for name in history}
    assert curve_findings(barely, 5, 8) == {}
    just_now = {name: [3.0, 2.0, 1.0, 1.05, 1.2] for name in history}
    assert "rising" not in curve_findings(just_now, 5, 8)


def test_what_only_the_last_epoch_can_tell_is_not_told_before():
    errors = [0.4, 0.3, 0.2]
    history = {"validation_loss": errors, "validation_mse": errors, "train_loss": errors}
    assert curve_findings(history, 20, 8) == {}
    assert "fell by 33% in the last 1 of 3 epochs" in curve_findings(history, 3, 8)["unfinished"]


def test_a_training_in_order_is_left_alone(tmp_path, capsys):
    model, history = trained(tmp_path, images=600, epochs=25)
    assert model_findings(model, smooth_images(40)) == {}
    assert curve_findings(history, 25, 4) == {}
    assert capsys.readouterr().err == ""


def test_findings_are_kept_in_the_metrics_and_shown_in_the_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).integers(0, 255, (40, 28, 28), np.uint8)
    write_images({f"{n}.png": image for n, image in enumerate(noise)})
    run_all(small_params({"models.vae.beta": 1e6}))
    kept = json.loads(Path("metrics/vae-jigsaw.json").read_text())["training"]
    assert kept["best_epoch"] == 1
    assert "posterior collapse" in kept["findings"]["posterior_collapse"]
    assert kept["findings"]["posterior_collapse"] in Path("plots/report.html").read_text()
