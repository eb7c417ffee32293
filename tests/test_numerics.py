"""Numbers keep their digits where float32, bfloat16 or several processes could cost them."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from torch import distributed, nn

from autoencoders.io.streams import generator
from autoencoders.models.posterior import kl_to_standard_normal
from autoencoders.models.registry import build_model, save_model
from autoencoders.nets import devices
from autoencoders.nets.parallel import BatchNorm2d
from autoencoders.trained import load_model
from autoencoders.training.step import Loss
from tests.project import ROOT

SHAPE = (1, 16, 16)
NETWORK = {"network": {"kind": "conv", "channels": [4, 8]}, "latent_dim": 64}


def model_of(kind: str, align: bool = False):
    own = {"likelihood": "gaussian", "beta": 1.0, "kl_warmup": 0.0} if kind == "vae" else {}
    own["align"] = {"kind": "jigsaw", "grid": 2} if align else None
    torch.manual_seed(0)
    return build_model(kind, SHAPE, NETWORK | own)


def images_of(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, *SHAPE), generator=generator(0, "i")).to(torch.uint8)


@pytest.fixture
def group(tmp_path) -> Iterator[None]:
    """A group of this process alone, in which batch normalisation goes the way of many."""
    distributed.init_process_group("gloo", f"file://{tmp_path}/meeting", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1000.0, 0.1), (-3e4, 1.0)])
def test_shared_batch_normalisation_is_that_of_one_process(group, mean, deviation):
    values = torch.randn(32, 3, 6, 6, generator=generator(0, "bn")) * deviation + mean
    shared, exact = BatchNorm2d(3), nn.BatchNorm2d(3).double()
    batches = values.requires_grad_(), values.detach().double().requires_grad_()
    outcomes = [norm(batch) for norm, batch in zip((shared, exact), batches, strict=True)]
    assert outcomes[0].isfinite().all()
    torch.testing.assert_close(outcomes[0].double(), outcomes[1], rtol=0.01, atol=0.01)
    torch.testing.assert_close(
        shared.running_mean.double(), exact.running_mean, rtol=1e-6, atol=1e-7
    )
    torch.testing.assert_close(shared.running_var.double(), exact.running_var, rtol=1e-2, atol=1e-3)
    wanted = torch.randn(values.shape, generator=generator(0, "gradient"))
    outcomes[0].backward(wanted)
    outcomes[1].backward(wanted.double())
    scale = float(batches[1].grad.abs().max())
    torch.testing.assert_close(
        batches[0].grad.double(), batches[1].grad, rtol=0.01, atol=0.01 * scale
    )


@pytest.mark.parametrize(("kind", "align"), [("ae", False), ("vae", False), ("vae", True)])
def test_losses_are_float32_under_bfloat16(kind, align):
    model, images = model_of(kind, align), images_of(24)
    noise = model.draw_noise(24, generator(0, "noise"))
    parts = Loss(model, torch.bfloat16)(images, images, noise)
    assert {name: part.dtype for name, part in parts.items()} == dict.fromkeys(parts, torch.float32)
    seen = {}
    model.encoder.register_forward_hook(lambda module, inputs, output: seen.update(made=output))
    parts = Loss(model, torch.bfloat16)(images, images, noise)
    assert seen["made"].dtype == torch.bfloat16
    if kind == "vae":
        mean, log_variance = seen["made"].double().chunk(2, dim=1)
        exact = kl_to_standard_normal(mean, log_variance).mean().item()
        assert parts["kl"].item() == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(("batch_size", "expected"), [(1500, [1500, 100]), (700, [700, 700, 200])])
def test_a_batch_is_as_large_as_was_asked_for(tmp_path, batch_size, expected):
    model = model_of("ae")
    settings = NETWORK | {"align": None}
    save_model(tmp_path / "m", "ae", SHAPE, settings, model.state_dict())
    trained = load_model(tmp_path / "m", batch_size=batch_size)
    seen: dict[str, list[int]] = {"encoder": [], "decoder": []}
    for name, sizes in seen.items():
        part = getattr(trained.network, name)
        part.register_forward_hook(lambda module, given, made, sizes=sizes: sizes.append(len(made)))
    codes = trained.encode(images_of(1600))
    trained.decode(codes)
    assert seen == {"encoder": expected, "decoder": expected}
    trained.reconstruct(images_of(1600))
    assert seen == {"encoder": 2 * expected, "decoder": 2 * expected}


def test_float32_on_a_gpu_is_no_tf32_and_a_state_knows_its_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU of {device}")
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda *flags, **more: None)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    device = devices.prepare("cuda")
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
    assert "GPU of cuda" in devices.rounding(device)


SUBNORMAL = """
import torch
from autoencoders.nets.devices import prepare
torch.set_num_threads(2)
prepare("cpu")
numbers = torch.full((1 << 20,), 1e-39)  # enough for torch to share them out
print(torch.get_num_threads(), int((numbers * 1.0).view(torch.int32).count_nonzero()))
"""


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this CPU cannot do it")
def test_every_thread_flushes_subnormal_numbers():
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "2"}
    found = subprocess.run(
        [sys.executable, "-c", SUBNORMAL], env=environment, capture_output=True, text=True
    )
    assert found.stdout == "2 0\n", found.stderr
