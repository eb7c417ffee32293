"""The loop: it learns, resumes to the same bytes, and rejects states that are not its own."""

import hashlib
import io
import math
import os
import pickle
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

import stages.train
from autoencoders.corruptions.registry import build_corruption
from autoencoders.errors import UserError
from autoencoders.io.streams import generator
from autoencoders.io.tensors import to_float
from autoencoders.models.registry import build_model
from autoencoders.nets.devices import prepare
from autoencoders.parts import kinds
from autoencoders.training import step
from autoencoders.training.checkpoint import DIGEST_BYTES, Checkpoint
from autoencoders.training.group import ALONE, Group
from autoencoders.training.loop import Schedule, Training, TrainingData
from autoencoders.training.schedule import learning_rate_factor
from tests.in_process import run, small_params
from tests.parts import OPTIMIZERS, built_of

NETWORK = {"network": {"kind": "conv", "channels": [4, 8]}, "latent_dim": 4}


def training(
    folder,
    kind="ae",
    epochs=3,
    rate=0.01,
    fingerprint="f" * 64,
    grid: int | None = 2,
    precision="float32",
    device="cpu",
    optimizer: dict[str, Any] | None = None,
) -> Training:
    undone = {"kind": "jigsaw", "grid": grid} if grid else None
    settings = NETWORK | {"align": undone}
    settings |= built_of(kind) | ({"cells": 2} if kind == "vqvae" else {})
    coarse = torch.rand(70, 1, 3, 3, generator=generator(0, "images"))
    images = torch.nn.functional.interpolate(coarse, (12, 12), mode="bilinear")
    images = images.mul(255).to(device, torch.uint8)
    torch.manual_seed(0)
    model = build_model(kind, (1, 12, 12), settings).to(device)
    corruption = build_corruption(undone or {"kind": "none"}, 12, 12, device)
    data = TrainingData(images[:50], images[50:], images[50:], images[50:53])
    optimizer = optimizer or {"kind": "adam", "learning_rate": rate}
    schedule = Schedule(epochs, 16, optimizer, 0.1, [2], precision)
    return Training(model, corruption, data, schedule, 0, Checkpoint(folder, "item", fingerprint))


def same(first, second) -> bool:
    """Whether two results of trainings are equal to the bit."""
    weights = first.best_weights.keys() == second.best_weights.keys() and all(
        torch.equal(tensor, second.best_weights[name])
        for name, tensor in first.best_weights.items()
    )
    snapshots = first.snapshots.keys() == second.snapshots.keys() and all(
        torch.equal(images, second.snapshots[epoch]) for epoch, images in first.snapshots.items()
    )
    return weights and snapshots and first.history == second.history


def test_lower_precision_learns_about_the_same(tmp_path):
    exact = training(tmp_path / "float32").run()
    lower = training(tmp_path / "bfloat16", precision="bfloat16").run()
    assert all(
        tensor.dtype == exact.best_weights[n].dtype for n, tensor in lower.best_weights.items()
    )
    assert lower.history != exact.history
    assert lower.history[-1]["validation_mse"] == pytest.approx(
        exact.history[-1]["validation_mse"], rel=0.1
    )


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that CUDA knows")


@needs_gpu
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("kind", kinds("model"))
def test_a_gpu_trains_as_a_cpu_does_and_repeats_itself(kind, optimizer, tmp_path):
    device = prepare("cuda")
    settings = {"kind": kind, "optimizer": optimizer}
    runs = [training(tmp_path / name, device=device, **settings) for name in ("a", "b")]
    first, second = (run.run() for run in runs)
    assert all(run.step.captured is not None for run in runs)
    assert same(first, second)
    if kind in ("ae", "rae"):  # the noise of others comes from the GPU's own generator
        losses = [row["train_loss"] for row in training(tmp_path / "c", **settings).run().history]
        assert [row["train_loss"] for row in first.history] == pytest.approx(losses, rel=0.01)


@needs_gpu
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("kind", ["vae", "vqvae"])
def test_a_captured_step_does_what_a_step_does(kind, optimizer, tmp_path, monkeypatch):
    device = prepare("cuda")
    settings = {"kind": kind, "optimizer": optimizer, "device": device}
    captured = training(tmp_path / "a", **settings)
    found = captured.run()
    assert captured.step.captured is not None
    monkeypatch.setattr(step, "REHEARSALS", 1000)
    assert same(found, training(tmp_path / "b", **settings).run())


@needs_gpu
def test_a_captured_training_resumes_to_the_same_bytes(tmp_path):
    device = prepare("cuda")
    settings = {"kind": "vae", "optimizer": OPTIMIZERS["muon"], "device": device}
    whole = training(tmp_path / "whole", **settings).run()
    stop_after(training(tmp_path / "parts", **settings), 2)
    assert same(training(tmp_path / "parts", **settings).run(), whole)


def test_what_is_captured_is_a_whole_batch_after_a_few_as_they_are(tmp_path, monkeypatch):
    """Stand-ins for a GPU's batches and graphs: 3 batches of 16 and one of 2 in an epoch."""
    told: list[tuple[str, int]] = []
    run = training(tmp_path).step
    monkeypatch.setattr(run, "_take", lambda batch, whole: told.append(("as it is", whole)))
    monkeypatch.setattr(run, "_rehearse", lambda batch, whole: count(whole))
    monkeypatch.setattr(step, "Captured", lambda take, batch: Graph(len(batch[0])))

    def count(whole: int) -> None:
        run.rehearsals += 1
        told.append(("rehearsed", whole))

    class Graph:
        def __init__(self, size: int) -> None:
            self.size = size
            told.append(("captured", size))

        def fits(self, batch) -> bool:
            return len(batch[0]) == self.size

        def __call__(self, batch) -> None:
            told.append(("replayed", len(batch[0])))

    class OnGpu:
        device = torch.device("cuda")

        def __init__(self, size: int) -> None:
            self.size, self.shape = size, torch.Size([size])

        def __len__(self) -> int:
            return self.size

    for size in (16, 16, 16, 2) * 2:
        call: Any = run.__call__
        call(*[OnGpu(size)] * 4, size)
    first, second = told[:4], told[4:]
    assert first == [("rehearsed", size) for size in (16, 16, 16, 2)]
    assert second == [("captured", 16), *[("replayed", 16)] * 3, ("as it is", 2)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_rates_in_tensors_follow_the_schedule_and_move_weights_alike(optimizer, tmp_path):
    """Which a captured step needs; the tensors are on the CPU here."""
    numbers, tensors = (training(tmp_path / n, optimizer=optimizer) for n in ("a", "b"))
    step.make_capturable(tensors.optimizers, torch.device("cpu"))
    groups = [group for one in tensors.optimizers for group in one.param_groups]
    for group in groups:
        group["capturable"] = False  # which optimisers refuse on a CPU
    rates = [group["lr"] for group in groups]
    expected, found = numbers.run(), tensors.run()
    for history in ("train_loss", "learning_rate"):
        assert [row[history] for row in found.history] == pytest.approx(
            [row[history] for row in expected.history], rel=1e-4
        )
    assert all(isinstance(rate, torch.Tensor) for rate in rates)
    assert [float(rate) for rate in rates] == [0.0] * len(rates)  # the cosine's end


def stop_after(run: Training, epoch: int) -> None:
    """Run until the state after `epoch` is saved, then stop as an interruption would."""
    save = run.checkpoint.save

    def save_and_stop(state):
        save(state)
        if state["progress"]["epoch"] == epoch:
            raise KeyboardInterrupt

    run.checkpoint.save = save_and_stop
    with pytest.raises(KeyboardInterrupt):
        run.run()
    run.checkpoint.lock.release()


@pytest.mark.parametrize("kind", ["ae", "vae"])
def test_it_learns_and_keeps_what_was_asked_for(kind: str, tmp_path):
    progress = training(tmp_path, kind, epochs=30, grid=None).run()
    losses = [row["validation_mse"] for row in progress.history]
    assert losses[-1] < 0.6 * losses[0]
    assert sorted(progress.snapshots) == [1, 2, 4, 8, 16, 30]
    assert progress.snapshots[1].shape == (3, 1, 12, 12)
    assert progress.best_loss == min(row["validation_loss"] for row in progress.history)
    assert all(math.isfinite(value) for row in progress.history for value in row.values())


def test_the_best_weights_are_those_of_the_best_epoch(tmp_path):
    run = training(tmp_path, epochs=12, rate=0.1)
    progress = run.run()
    run.model.load_state_dict(progress.best_weights)
    run.model.eval()
    with torch.inference_mode():
        inputs, targets = (
            to_float(run.data.validation_inputs),
            to_float(run.data.validation_targets),
        )
        mse = (run.model.reconstruct(inputs) - targets).square().mean().item()
    assert mse == pytest.approx(progress.best_loss, rel=1e-5)


@pytest.mark.parametrize("epoch", [1, 4])
def test_a_resumed_training_ends_with_the_same_bytes(epoch: int, tmp_path, capsys):
    resumes_to_the_same_bytes(tmp_path, capsys, epoch, kind="vae")


@pytest.mark.parametrize("kind", kinds("model"))
def test_every_flavour_resumes(kind: str, tmp_path, capsys):
    resumes_to_the_same_bytes(tmp_path, capsys, 2, kind=kind, optimizer=OPTIMIZERS["muon"])


def resumes_to_the_same_bytes(tmp_path, capsys, epoch: int, **settings) -> None:
    undisturbed = training(tmp_path / "a", epochs=5, **settings).run()
    stop_after(training(tmp_path / "b", epochs=5, **settings), epoch)
    resumed = training(tmp_path / "b", epochs=5, **settings)
    assert same(resumed.run(), undisturbed)
    assert f"resuming after epoch {epoch} of 5" in capsys.readouterr().out
    resumed.checkpoint.remove()
    assert list((tmp_path / "b").iterdir()) == []


class Bomb:
    def __init__(self, path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def signed(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest() + payload


def saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


STATES = {
    "empty": lambda good, _: b"",
    "truncated": lambda good, _: good[: len(good) // 2],
    "one bit flipped": lambda good, _: good[:-100] + bytes([good[-100] ^ 1]) + good[-99:],
    "zeros": lambda good, _: bytes(len(good)),
    "of another training": lambda good, _: signed(saved({"fingerprint": "0" * 64})),
    "signed, not of torch": lambda good, _: signed(b"words"),
    "signed, a list": lambda good, _: signed(saved([1, 2])),
    "signed, no content": lambda good, _: signed(saved({"fingerprint": "f" * 64})),
    "signed, half its content": lambda good, _: signed(
        saved({k: v for k, v in load(good).items() if k != "optimizers"})
    ),
    "signed, another model's": lambda good, _: signed(
        saved(load(good) | {"model": {"weight": torch.zeros(3)}})
    ),
    "a pickle": lambda good, path: pickle.dumps(Bomb(path)),
    "signed, a pickle": lambda good, path: signed(pickle.dumps(Bomb(path))),
    "signed, a pickle within torch's file": lambda good, path: signed(
        saved({"fingerprint": "f" * 64, "progress": Bomb(path)})
    ),
}


def load(good: bytes) -> dict:
    return torch.load(io.BytesIO(good[DIGEST_BYTES:]), weights_only=True)


@pytest.mark.parametrize("damage", STATES.values(), ids=STATES)
def test_a_damaged_or_foreign_state_is_reported_and_ignored(damage, tmp_path, capsys):
    undisturbed = training(tmp_path / "a").run()
    stop_after(training(tmp_path / "b"), 2)
    path = training(tmp_path / "c").checkpoint.path.name
    state, evidence = tmp_path / "b" / path, tmp_path / "executed"
    state.write_bytes(damage(state.read_bytes(), evidence))
    assert same(training(tmp_path / "b").run(), undisturbed)
    captured = capsys.readouterr()
    assert "ignored, starting afresh" in captured.err
    assert "resuming" not in captured.out
    assert not evidence.exists()


def test_another_fingerprint_starts_afresh(tmp_path, capsys):
    stop_after(training(tmp_path), 2)
    training(tmp_path, fingerprint="e" * 64).run()
    assert "resuming" not in capsys.readouterr().out


def test_of_two_equal_trainings_the_second_keeps_no_state(tmp_path, capsys):
    first = training(tmp_path)
    second = training(tmp_path)
    assert "in use by another run" in capsys.readouterr().err
    assert same(second.run(), first.run())
    second.checkpoint.remove()
    assert first.checkpoint.path.exists()


def test_a_loss_that_is_no_number_stops_the_training_and_keeps_the_last_state(tmp_path):
    run = training(tmp_path)
    learn = run._train

    def diverge(epoch, bar):
        return learn(epoch, bar) | ({"loss": math.nan} if epoch == 2 else {})

    run._train = diverge
    with pytest.raises(
        UserError, match=r"train_loss is nan in epoch 2.*smaller learning rate in train\.opt"
    ):
        run.run()
    assert load(run.checkpoint.path.read_bytes())["progress"]["epoch"] == 1


def test_the_learning_rate_warms_up_and_falls_to_zero():
    factors = [learning_rate_factor(step, 1000, 0.1) for step in range(1001)]
    assert factors[0] == pytest.approx(0.01)
    assert max(factors) == factors[100] == 1
    assert factors[550] == pytest.approx(0.5)
    assert factors[1000] == pytest.approx(0, abs=1e-12)
    assert all(later < earlier for earlier, later in pairwise(factors[100:]))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(UserError, match=r"train\.device is 'cuda', which is not available"):
        prepare("cuda")


def test_streams_depend_on_seed_purpose_and_index_alone():
    draws = {
        tuple(torch.randint(1000, (5,), generator=generator(*key)).tolist())
        for key in [(0, "a"), (0, "a", 1), (0, "b"), (1, "a"), (1, "a", 1)]
    }
    assert len(draws) == 5
    code = (
        "from autoencoders.io.streams import generator; print(generator(3, 'x', 2).initial_seed())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": "src", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(other.stdout) == generator(3, "x", 2).initial_seed()


def test_a_state_belongs_to_one_number_of_processes(tmp_path, monkeypatch):
    """The stage's key tells a group of two, on one machine or on two, from a process alone."""
    monkeypatch.chdir(tmp_path)
    params = small_params({"data.name": "digits", "train.batch_size": 64})
    for stage in ("download", "preprocess", "preprocess_corruptions"):
        run(stage, params)
    keys: list[str] = []

    def noted(folder: Path, item: str, key: str, leads: bool) -> None:
        keys.append(key)
        raise InterruptedError

    monkeypatch.setattr(stages.train, "Checkpoint", noted)
    for group in (ALONE, ALONE, Group(0, 2), Group(1, 2)):
        monkeypatch.setattr(stages.train, "join", lambda device, group=group: group)
        with pytest.raises(InterruptedError):
            run("train", params, "vae", "jigsaw")
    assert keys[0] == keys[1] != keys[2] == keys[3]
