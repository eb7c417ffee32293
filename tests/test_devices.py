"""What Apple's GPUs lack is not asked of a device: nobody here has one, so a mode stands for it."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from autoencoders.corruptions.registry import build_corruption
from autoencoders.io.streams import generator
from autoencoders.measures.suite import Suite
from autoencoders.models.inference import align, decode_codes, encode, reconstruct
from autoencoders.models.registry import build_model
from autoencoders.nets import devices
from autoencoders.nets.classifier import Classifier, accuracy, features, logits
from autoencoders.sampling.mixture import fit_mixture
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.classifier import fit_classifier
from autoencoders.training.doctor import model_findings
from autoencoders.training.loop import Schedule, Training, TrainingData
from tests.parts import CORRUPTIONS, OPTIMIZERS, built_of

MISSING = {"linalg_eigvals", "_linalg_eigvals", "linalg_eig", "linalg_lstsq", "_linalg_svd"}
"""Operations that MPS does not have."""
CHANCE = np.random.default_rng(0)
SHAPE = (1, 28, 28)


def tensors(values: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]


class AppleGpu:
    """Within it every tensor lies on such a GPU until `.cpu()` brings it here."""

    def __init__(self) -> None:
        here: Any = WeakIdKeyDictionary()

        class Watch(TorchFunctionMode):
            def __torch_function__(self, function, types, args=(), kwargs=None):
                result = function(*args, **(kwargs or {}))
                to_here = function is torch.Tensor.to and "cpu" in map(str, args)
                if function is torch.Tensor.cpu or to_here:
                    result = result.clone() if result is args[0] else result
                    here[result] = True
                return result

        class Refuse(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                result = function(*args, **(kwargs or {}))
                given = tensors((args, kwargs))
                if given and all(tensor in here for tensor in given):
                    for tensor in tensors(result):
                        here[tensor] = True
                    return result
                name = function.__name__.partition(".")[0]
                if name in MISSING:
                    raise NotImplementedError(f"MPS has no {name}")
                if any(tensor.dtype == torch.float64 for tensor in tensors(result)):
                    raise TypeError(f"MPS has no float64, asked for by {name}")
                return result

        self.modes = Watch(), Refuse()

    def __enter__(self) -> None:
        for mode in self.modes:
            mode.__enter__()

    def __exit__(self, *error: object) -> None:
        for mode in reversed(self.modes):
            mode.__exit__(*error)


def test_the_stand_in_refuses_what_the_device_lacks_and_nothing_else():
    values = torch.rand(3, 3)
    with AppleGpu():
        assert values.mean().cpu().double().item() == pytest.approx(values.mean().item())
        assert values.cpu().double().square().sum().dtype == torch.float64
        with pytest.raises(TypeError, match="float64"):
            values.double()
        with pytest.raises(NotImplementedError, match="eig"):
            torch.linalg.eigvals(values)


ON_IT = [
    ("ae", "rotate"),
    ("vae", "jigsaw 3"),
    ("iwae", "some noise"),
    ("rae", "blur"),
    ("wae", "downsample"),
    ("vqvae", "erase"),
    ("ae", "scramble 3"),
    ("ae", "salt"),
]


def images(count: int) -> np.ndarray:
    return CHANCE.integers(0, 256, (count, *SHAPE), np.uint8)


def model_of(kind: str, corruption: str) -> Any:
    undone = CORRUPTIONS[corruption]
    settings = {"network": {"kind": "conv", "channels": [4, 8]}, "latent_dim": 6, "align": undone}
    settings |= built_of(kind) | ({"cells": 3} if kind == "vqvae" else {})
    torch.manual_seed(0)
    return build_model(kind, SHAPE, settings)


@pytest.mark.parametrize(("kind", "corruption"), ON_IT)
def test_training_and_every_measure_of_a_model_fit_the_device(tmp_path, kind, corruption):
    model = model_of(kind, corruption)
    made = build_corruption(CORRUPTIONS[corruption], *SHAPE[1:])
    train, test = (torch.from_numpy(images(count)) for count in (40, 30))
    inputs, record = made.draw_and_apply(test, generator(0, "test"))
    classifier = Classifier(SHAPE, 3)
    labels = np.arange(30) % 3
    codes = CHANCE.normal(size=(60, 6)).astype(np.float32)
    mixture = fit_mixture(codes, 2, seed=0)
    data = TrainingData(train, inputs, test, inputs[:2])
    schedule = Schedule(2, 16, OPTIMIZERS["muon"], 0.1, [], "float32")
    checkpoint = Checkpoint(tmp_path, "item", "f" * 64)
    with AppleGpu():
        Training(model, made, data, schedule, 0, checkpoint).run()
        suite = Suite(model, classifier, torch.device("cpu"), 0)
        told = {name: values.numpy() for name, values in record.items()}
        arrays = {corruption: {"images": inputs.numpy(), **told}}
        suite.stress(test.numpy(), arrays, {corruption: made})
        pair = test.numpy(), inputs.numpy()
        suite.reconstruction(pair, labels, ["a", "b", "c"])
        suite.likelihood(pair, 3)
        seen = {
            name: features(classifier, i).cpu().numpy()
            for name, i in (("train", train), ("validation", test), ("test", test))
        }
        suite.validation(pair, mixture, seen["validation"], 20)
        suite.generation(inputs.numpy(), codes, mixture, seen, 20)
        model_findings(model, inputs)
        suite.classes(["a", "b", "c"], 20)
        suite.ways({"a to b": codes[:5]}, ["a", "b", "c"])
        for function in (align, encode, reconstruct):
            function(model, inputs)
        decode_codes(model, codes)


def test_the_classifier_fits_the_device():
    training, validation = (
        (torch.from_numpy(images(count)), torch.arange(count) % 3) for count in (40, 30)
    )
    model = Classifier(SHAPE, 3)
    with AppleGpu():
        fit_classifier(
            model, training, validation, epochs=1, batch_size=16, learning_rate=0.01, seed=0
        )
        assert 0 <= accuracy(model, *validation) <= 1
        assert logits(model, validation[0]).shape == (30, 3)


@pytest.mark.parametrize(("name", "raises"), [("mps", False), ("cuda", True)])
def test_what_has_no_deterministic_form_only_warns_on_apples_gpus(monkeypatch, name, raises):
    asked = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: name == "mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: name == "cuda")
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: None)
    monkeypatch.setattr(
        torch,
        "use_deterministic_algorithms",
        lambda mode, warn_only: asked.append((mode, warn_only)),
    )
    assert devices.prepare("auto").type == name
    assert asked == [(True, not raises)]
