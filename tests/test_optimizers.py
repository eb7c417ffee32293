"""Optimisers: each parameter is moved by one of them, as its definition says."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from autoencoders.corruptions.registry import build_corruption
from autoencoders.models.registry import build_model
from autoencoders.parts import kinds
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.loop import Schedule, Training, TrainingData
from autoencoders.training.optimizer import build_optimizer
from autoencoders.training.optimizers import muon
from autoencoders.training.optimizers.muon import Orthogonal, hidden_matrices, orthogonal
from tests.parts import NETWORKS, OPTIMIZERS, built_of

JIGSAW = {"kind": "jigsaw", "grid": 2}


def model_of(kind: str = "ae", network: str = "conv", align: Any = None) -> Any:
    torch.manual_seed(0)
    settings = {"network": NETWORKS[network], "latent_dim": 8, "align": align}
    return build_model(kind, (1, 12, 12), settings | built_of(kind))


def test_there_are_settings_to_try_each_kind_with():
    assert kinds("optimizer") == sorted(OPTIMIZERS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("kind", ["ae", "vqvae"])
def test_each_parameter_is_moved_by_one_optimiser(kind, network, optimizer):
    model = model_of(kind, network, JIGSAW)
    built = build_optimizer(optimizer, model)
    moved = [id(p) for one in built for group in one.param_groups for p in group["params"]]
    assert sorted(moved) == sorted(map(id, model.parameters()))
    before = copy.deepcopy(dict(model.named_parameters()))
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    for one in built:
        one.step()
    same = [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    assert same == []


def test_the_ends_are_moved_as_matrices_where_that_is_asked_for():
    model = model_of("ae", "mlp")
    steps, adam = build_optimizer(OPTIMIZERS["muon_all"], model)
    names = {id(p): name for name, p in model.named_parameters()}
    moved = [
        {names[id(p)].split(".")[-1] for group in one.param_groups for p in group["params"]}
        for one in (steps, adam)
    ]
    assert isinstance(steps, Orthogonal)
    assert moved == [{"weight"}, {"bias"}]


def test_matrices_are_all_weights_but_of_the_ends_and_of_embeddings():
    model = model_of("vqvae", "conv", JIGSAW)
    chosen = {id(weights) for weights in hidden_matrices(model)}
    names = {name for name, p in model.named_parameters() if id(p) in chosen}
    assert "encoder.blocks.0.0.weight" not in names  # reads pixels
    assert "decoder.blocks.3.weight" not in names  # writes pixels
    assert {"encoder.blocks.1.0.weight", "encoder.to_code.weight"} <= names
    assert {"decoder.from_code.0.weight", "decoder.blocks.0.weight"} <= names
    assert "aligner.transformer.layers.0.self_attn.in_proj_weight" in names
    assert not {"next_code.embed.weight", "next_code.place"} & names
    assert all(p.dim() > 1 for p in hidden_matrices(model))


@pytest.mark.parametrize("shape", [(5, 40), (40, 5), (16, 16), (1, 9), (128, 2048)])
def test_directions_stay_and_their_lengths_become_alike(shape):
    torch.manual_seed(0)
    rank = min(shape)
    left, _ = torch.linalg.qr(torch.randn(shape[0], rank, dtype=torch.float64))
    right, _ = torch.linalg.qr(torch.randn(shape[1], rank, dtype=torch.float64))
    lengths = torch.linspace(1.0, 0.3, rank, dtype=torch.float64)
    found = orthogonal((left * lengths @ right.T).float()).double()
    inside = left.T @ found @ right
    assert inside.diagonal().min() > 0.3
    assert inside.diagonal().max() < 1.3
    assert (inside - inside.diagonal().diag()).abs().max() < 1e-5
    assert (left @ inside @ right.T - found).abs().max() < 1e-5  # and nothing outside


def test_it_is_the_polynomial_of_its_definition(monkeypatch):
    matrix = torch.randn(6, 20, dtype=torch.float64)
    expected = matrix / matrix.norm()
    a, b, c = muon.COEFFICIENTS
    for _ in range(muon.ITERATIONS):
        gram = expected @ expected.T
        expected = a * expected + (b * gram + c * gram @ gram) @ expected
    assert torch.allclose(orthogonal(matrix), expected, rtol=1e-6)
    assert torch.allclose(orthogonal(matrix.T), expected.T, rtol=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_a_large_matrix_is_taken_in_blocks_along_its_shorter_side(monkeypatch, turned):
    monkeypatch.setattr(muon, "BLOCK", 6)
    blocks = [torch.randn(rows, 20) for rows in (6, 6, 3)]
    found = orthogonal(torch.cat(blocks).T if turned else torch.cat(blocks))
    expected = torch.cat([orthogonal(block) for block in blocks])
    assert torch.equal(found, expected.T if turned else expected)


def test_steps_are_those_of_torch_but_for_its_rounding_to_bfloat16():
    start = torch.randn(12, 30)
    weights = [nn.Parameter(start.clone()) for _ in range(2)]
    theirs = torch.optim.Muon(
        [weights[0]], lr=0.1, momentum=0.9, weight_decay=0.05, ns_steps=muon.ITERATIONS
    )
    ours = Orthogonal([weights[1]], 0.1, 0.9, 0.05)
    for _ in range(4):
        gradient = torch.randn(12, 30)
        for one, optimizer in zip(weights, (theirs, ours), strict=True):
            one.grad = gradient.clone()
            optimizer.step()
    moved = [one.detach() - start for one in weights]
    assert (moved[0] - moved[1]).norm() < 0.02 * moved[0].norm()


def test_a_convolution_moves_as_the_matrix_of_its_outputs():
    weights = nn.Parameter(torch.randn(8, 3, 3, 3).contiguous(memory_format=torch.channels_last))
    flat = nn.Parameter(weights.detach().flatten(1).clone())
    gradient = torch.randn(8, 3, 3, 3)
    weights.grad, flat.grad = gradient, gradient.flatten(1)
    for one in (weights, flat):
        Orthogonal([one], 0.1, 0.9, 0.0).step()
    assert torch.equal(weights.flatten(1), flat)


class NoWaiting(TorchDispatchMode):
    """Refuses what makes a CPU wait for a device: a number, or a size, that depends on values."""

    WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal", "is_nonzero")

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.__name__.partition(".")[0]
        assert name not in self.WAITS, f"{name} waits for the device"
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("kind", kinds("model"))
def test_no_step_waits_for_the_device(kind, optimizer, tmp_path, monkeypatch):
    """On a GPU, steps are launched while the ones before still run, up to the epoch's end."""
    images = torch.randint(256, (40, 1, 12, 12), dtype=torch.uint8)
    corruption = build_corruption(JIGSAW, 12, 12)
    data = TrainingData(images, images[:8], images[:8], images[:2])
    schedule = Schedule(2, 16, optimizer, 0.1, [], "float32")
    run = Training(
        model_of(kind, align=JIGSAW), corruption, data, schedule, 0, Checkpoint(tmp_path, "x", "f")
    )
    step = run.step

    def watched(*batch):
        with NoWaiting():
            return step(*batch)

    run._train(1, Silent())  # type: ignore[arg-type]  # where optimisers make their state
    monkeypatch.setattr(run, "step", watched)
    run._train(2, Silent())  # type: ignore[arg-type]


class Silent:
    def update(self, count: int) -> None:
        pass


def test_what_watches_for_waiting_sees_it():
    with NoWaiting(), pytest.raises(AssertionError, match="waits for the device"):
        float(torch.ones(1).sum())
