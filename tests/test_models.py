"""Every flavour and architecture: shapes, gradients, learning, saving, and the VAE's formulas."""

import copy
import inspect
import json
import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from autoencoders.errors import UserError
from autoencoders.io.arrays import read_arrays, write_arrays
from autoencoders.io.streams import generator
from autoencoders.models.registry import MODELS, build_model, load_model, save_model
from autoencoders.models.vae import kl_to_standard_normal, sample_posterior
from autoencoders.nets.registry import ARCHITECTURES

EXTRA = {"vae": {"beta": 1.0, "kl_warmup": 0.0}}
"""Settings of flavours; what another one asks for is 0.5, so that a new kind needs no line here."""
CASES = [(kind, name) for kind in MODELS for name in ARCHITECTURES]
UNDONE = [None, {"kind": "none"}, {"kind": "rotate"}, {"kind": "jigsaw", "grid": 3}]
SHAPES = [(1, 28, 28), (3, 32, 32), (1, 45, 33)]


def make(kind: str, architecture: str = "conv", shape=(1, 28, 28), align=None):
    torch.manual_seed(0)
    config = {"architecture": architecture, "channels": [8, 16], "latent_dim": 16, "align": align}
    asked = inspect.signature(MODELS[kind].__init__).parameters.values()
    unset = [p.name for p in asked if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    config |= EXTRA.get(kind, dict.fromkeys(set(unset) - set(config), 0.5))
    return build_model(kind, shape, config), config


def smooth_images(count: int, shape=(1, 28, 28)) -> torch.Tensor:
    coarse = torch.rand(count, shape[0], 4, 4, generator=generator(0, "images"))
    return torch.nn.functional.interpolate(coarse, shape[1:], mode="bilinear")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("kind", "architecture"), CASES)
def test_shapes_and_ranges(kind: str, architecture: str, shape):
    model, _ = make(kind, architecture, shape)
    batch = smooth_images(5, shape)
    codes = model.encode(batch)
    assert all(code.shape == (5, 16) for code in codes.values())
    reconstructed = model.reconstruct(batch)
    assert reconstructed.shape == batch.shape
    assert 0 <= reconstructed.min() <= reconstructed.max() <= 1


@pytest.mark.parametrize("align", UNDONE, ids=str)
@pytest.mark.parametrize(("kind", "architecture"), CASES)
def test_every_weight_learns(kind: str, architecture: str, align):
    model, _ = make(kind, architecture, align=align)
    batch = smooth_images(8)
    parts = model.loss(batch, batch, model.draw_noise(len(batch), generator(0, "noise")))
    (parts["loss"] + parts.get("alignment", 0)).backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


@pytest.mark.parametrize(("kind", "architecture"), CASES)
def test_overfits_one_batch(kind: str, architecture: str):
    model, _ = make(kind, architecture)
    batch = smooth_images(16)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    noise = generator(0, "noise")
    for _ in range(300):
        optimizer.zero_grad()
        model.loss(batch, batch, model.draw_noise(len(batch), noise))["loss"].backward()
        optimizer.step()
    with torch.inference_mode():
        mse = (model.eval().reconstruct(batch) - batch).square().mean()
    assert mse < 0.1 * batch.var(dim=0).mean()


@pytest.mark.parametrize("align", UNDONE, ids=str)
@pytest.mark.parametrize(("kind", "architecture"), CASES)
def test_the_reconstruction_depends_on_the_code_alone(kind: str, architecture: str, align):
    model, _ = make(kind, architecture, align=align)
    model.eval()
    batch = smooth_images(4)
    with torch.inference_mode():
        assert torch.equal(model.decode(model.encode(batch)["mean"]), model.reconstruct(batch))


def test_kl_is_that_of_torch_distributions():
    mean, log_variance = torch.randn(2, 50, 7, generator=generator(0, "posterior"))
    posterior = Independent(Normal(mean, torch.exp(0.5 * log_variance)), 1)
    prior = Independent(Normal(torch.zeros(7), torch.ones(7)), 1)
    expected = kl_divergence(posterior, prior)
    torch.testing.assert_close(kl_to_standard_normal(mean, log_variance), expected)


def test_posterior_samples_have_their_mean_and_variance():
    mean, log_variance = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, -3.0]])
    noise = torch.randn(50_000, 2, generator=generator(0, "draw"))
    samples = sample_posterior(mean.expand_as(noise), log_variance.expand_as(noise), noise)
    torch.testing.assert_close(samples.mean(0), mean[0], atol=0.02, rtol=0)
    torch.testing.assert_close(samples.var(0).log(), log_variance[0], atol=0.03, rtol=0)


def test_vae_likelihood_is_that_of_a_gaussian_and_optimal_in_training():
    model, _ = make("vae")
    target, reconstructed = smooth_images(6), smooth_images(6).flip(0)
    model.eval()
    model.variance.fill_(0.03)
    normal = Independent(Normal(reconstructed, math.sqrt(0.03)), 3)
    expected = -normal.log_prob(target).mean()
    torch.testing.assert_close(model.negative_log_likelihood(reconstructed, target), expected)
    model.train()
    optimal = model.negative_log_likelihood(reconstructed, target)
    for variance in np.geomspace(0.01, 1, 30):
        scale = math.sqrt(variance)
        other = -Independent(Normal(reconstructed, scale), 3).log_prob(target).mean()
        assert optimal <= other + 1e-3


def test_vae_loss_is_its_parts_with_a_weight_that_rises_in_training():
    torch.manual_seed(0)
    config = make("vae")[1] | {"beta": 2.5, "kl_warmup": 0.4}
    model = build_model("vae", (1, 28, 28), config)
    batch = smooth_images(4)
    noise = model.draw_noise(len(batch), generator(0, "noise"))

    def weight() -> float:
        parts = model.loss(batch, batch, noise)
        return ((parts["loss"] - parts["reconstruction"]) / parts["kl"]).item()

    for done, expected in ((0, 0), (0.1, 0.625), (0.4, 2.5), (0.9, 2.5)):
        model.anneal(done)
        assert weight() == pytest.approx(expected, abs=1e-3)
    model.anneal(0)
    model.eval()
    assert weight() == pytest.approx(2.5, abs=1e-3)


def test_importance_weights_are_those_of_torch_distributions():
    model, _ = make("vae")
    model.eval()
    inputs, targets = smooth_images(5), smooth_images(5).flip(0)
    noise = model.draw_noise(5, generator(0, "noise"))
    with torch.inference_mode():
        posterior = model.encode(inputs)
        found = model.log_weights(posterior, targets, noise)
        scale = torch.exp(0.5 * posterior["log_variance"])
        code = Independent(Normal(posterior["mean"], scale), 1)
        codes = posterior["mean"] + scale * noise
        image = Independent(Normal(model.decode(codes), model.variance.sqrt()), 3)
        prior = Independent(Normal(torch.zeros(16), torch.ones(16)), 1)
        expected = image.log_prob(targets) + prior.log_prob(codes) - code.log_prob(codes)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("align", UNDONE, ids=str)
@pytest.mark.parametrize("kind", MODELS)
def test_a_saved_model_comes_back(kind: str, align, tmp_path):
    model, config = make(kind, align=align)
    save_model(tmp_path, kind, model.image_shape, config, model.state_dict())
    batch = smooth_images(3)
    with torch.inference_mode():
        expected = model.eval().reconstruct(batch)
        assert torch.equal(load_model(tmp_path).reconstruct(batch), expected)


def rewrite(path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


CONFIG_CHANGES = {
    "unknown kind": lambda c: c.update(kind="gan"),
    "kind of a wrong type": lambda c: c.update(kind=[1]),
    "another latent size": lambda c: c["settings"].update(latent_dim=17),
    "latent size 0": lambda c: c["settings"].update(latent_dim=0),
    "negative latent size": lambda c: c["settings"].update(latent_dim=-3),
    "terabytes of weights": lambda c: c["settings"].update(latent_dim=10**11),
    "beyond 64 bits": lambda c: c["settings"].update(latent_dim=10**30),
    "latent size as text": lambda c: c["settings"].update(latent_dim="16"),
    "other channels": lambda c: c["settings"].update(channels=[8, 17]),
    "no channels": lambda c: c["settings"].update(channels=[]),
    "unknown architecture": lambda c: c["settings"].update(architecture="os.system"),
    "unknown setting": lambda c: c["settings"].update(extra=1),
    "unknown setting of what to undo": lambda c: c["settings"].update(
        align={"kind": "rotate", "by": 3}
    ),
    "grid 0": lambda c: c["settings"].update(align={"kind": "jigsaw", "grid": 0}),
    "what to undo as text": lambda c: c["settings"].update(align="jigsaw"),
    "missing setting": lambda c: c["settings"].pop("latent_dim"),
    "settings of a wrong type": lambda c: c.update(settings=[1]),
    "image shape too short": lambda c: c.update(image_shape=[28]),
    "other image shape": lambda c: c.update(image_shape=[1, 64, 64]),
    "missing key": lambda c: c.pop("settings"),
}


@pytest.mark.parametrize("change", CONFIG_CHANGES.values(), ids=CONFIG_CHANGES)
def test_a_config_that_does_not_fit_is_refused(change, tmp_path):
    model, config = make("ae")
    save_model(tmp_path, "ae", model.image_shape, copy.deepcopy(config), model.state_dict())
    rewrite(tmp_path / "config.json", change)
    with pytest.raises(UserError, match=str(tmp_path)):
        load_model(tmp_path)


WEIGHT_CHANGES = {
    "missing": lambda a: a.pop("encoder.to_code.bias"),
    "unknown": lambda a: a.update(more=np.zeros(3, np.float32)),
    "other shape": lambda a: a.update({"encoder.to_code.bias": np.zeros(3, np.float32)}),
    "other type": lambda a: a.update({"encoder.to_code.bias": np.zeros(16, np.float64)}),
}


@pytest.mark.parametrize("change", WEIGHT_CHANGES.values(), ids=WEIGHT_CHANGES)
def test_weights_that_do_not_fit_are_refused(change, tmp_path):
    model, config = make("ae")
    save_model(tmp_path, "ae", model.image_shape, config, model.state_dict())
    arrays = read_arrays(tmp_path / "weights.safetensors")
    change(arrays)
    write_arrays(tmp_path / "weights.safetensors", arrays)
    with pytest.raises(UserError, match="config and weights do not fit"):
        load_model(tmp_path)
