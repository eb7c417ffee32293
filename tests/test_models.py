"""Every flavour and network: shapes, gradients, learning, saving, and each one's formulas."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from autoencoders.errors import UserError
from autoencoders.io.arrays import read_arrays, write_arrays
from autoencoders.io.streams import generator
from autoencoders.models.posterior import kl_to_standard_normal, sample_posterior
from autoencoders.models.registry import build_model, load_model, save_model
from autoencoders.models.variational import VARIANCE_MOMENTUM
from autoencoders.parts import find, kinds
from tests.parts import CLASSES, NETWORKS, built_of

KINDS = kinds("model")
CASES = [("ae", network) for network in NETWORKS] + [
    (kind, "conv") for kind in KINDS if kind != "ae"
]
UNDONE = [
    None,
    {"kind": "none"},
    {"kind": "rotate"},
    {"kind": "jigsaw", "grid": 3},
    {"kind": "scramble", "grid": 2},
    [{"kind": "rotate"}, {"kind": "noise", "distribution": "gaussian", "level": 0.1}],
]
SHAPES = [(1, 28, 28), (3, 32, 32), (1, 45, 33)]


def make(kind: str, network: str = "conv", shape=(1, 28, 28), align=None, **settings):
    torch.manual_seed(0)
    config = {"network": NETWORKS[network], "latent_dim": 16, "align": align}
    config |= built_of(kind) | settings
    return build_model(kind, shape, config), config


def smooth_images(count: int, shape=(1, 28, 28)) -> torch.Tensor:
    coarse = torch.rand(count, shape[0], 4, 4, generator=generator(0, "images"))
    return torch.nn.functional.interpolate(coarse, shape[1:], mode="bilinear")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("kind", "network"), CASES)
def test_shapes_and_ranges(kind: str, network: str, shape):
    model, _ = make(kind, network, shape)
    batch = smooth_images(5, shape)
    codes = model.encode(batch)
    assert codes["mean"].shape == (5, model.code_dim)
    assert codes["mean"].dtype == torch.float32
    assert all(len(code) == 5 for code in codes.values())
    reconstructed = model.reconstruct(batch)
    assert reconstructed.shape == batch.shape
    assert 0 <= reconstructed.min() <= reconstructed.max() <= 1


@pytest.mark.parametrize("align", UNDONE, ids=str)
@pytest.mark.parametrize(("kind", "network"), CASES)
def test_every_weight_learns(kind: str, network: str, align):
    model, _ = make(kind, network, align=align)
    batch = smooth_images(8)
    noise = model.draw_noise(len(batch), generator(0, "noise"))
    parts = model.loss(batch, batch, noise, torch.arange(8) % CLASSES)
    sum(parts[name] for name in model.own_losses if name in parts).backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # It adds the same to the scores of all four rotations, which their softmax does not heed: what
    # gradient it has is rounding, and on some processors there is none.
    assert [name for name in still if not name.endswith("uprightness.to_code.bias")] == []


@pytest.mark.parametrize(("kind", "network"), CASES)
def test_overfits_one_batch(kind: str, network: str):
    model, _ = make(kind, network)
    batch = smooth_images(16)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    noise = generator(0, "noise")
    for _ in range(300):
        optimizer.zero_grad()
        drawn = model.draw_noise(len(batch), noise)
        model.loss(batch, batch, drawn, torch.arange(16) % CLASSES)["loss"].backward()
        optimizer.step()
    with torch.inference_mode():
        mse = (model.eval().reconstruct(batch) - batch).square().mean()
    assert mse < 0.1 * batch.var(dim=0).mean()


@pytest.mark.parametrize("align", UNDONE, ids=str)
@pytest.mark.parametrize(("kind", "network"), CASES)
def test_the_reconstruction_depends_on_the_code_alone(kind: str, network: str, align):
    model, _ = make(kind, network, align=align)
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


def test_the_bernoulli_likelihood_is_that_of_torch_distributions():
    model, _ = make("vae", likelihood="bernoulli")
    assert "variance" not in model.state_dict()
    target, logits = smooth_images(6).round(), 5 * smooth_images(6).flip(0) - 2
    expected = Independent(Bernoulli(logits=logits), 3).log_prob(target)
    torch.testing.assert_close(model.log_likelihood(logits, target), expected)
    torch.testing.assert_close(model.negative_log_likelihood(logits, target), -expected.mean())


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_with_one_sample_the_importance_weighted_bound_is_that_of_a_vae(likelihood: str):
    one, _ = make("iwae", likelihood=likelihood, samples=1)
    vae, _ = make("vae", likelihood=likelihood)
    batch, noise = smooth_images(500), torch.randn(500, 16, generator=generator(0, "noise"))
    torch.testing.assert_close(
        one.state_dict(), {k: v for k, v in vae.state_dict().items() if k != "kl_weight"}
    )
    found = one.loss(batch, batch, noise.unsqueeze(1))["loss"]
    # The KL is exact in the one and sampled in the other: of many images they are about the same.
    torch.testing.assert_close(found, vae.loss(batch, batch, noise)["loss"], rtol=0.01, atol=1)
    sampled = one.eval().log_weights(one.encode(batch), batch, noise)
    torch.testing.assert_close(one.loss(batch, batch, noise.unsqueeze(1))["loss"], -sampled.mean())


@pytest.mark.parametrize("samples", [1, 5, 50])
def test_the_variance_of_a_training_is_the_optimum_of_its_bound(samples: int):
    """d bound / d log variance, by torch's own distributions, is 0 of some 392 nats."""
    model, _ = make("iwae", likelihood="gaussian", samples=samples)
    with torch.no_grad():  # so that the samples of an image differ
        model.decoder.from_code[0].weight *= 30
    model.train()
    batch, noise = smooth_images(40), model.draw_noise(40, generator(0, "noise"))
    before = model.variance.double()
    loss = model.loss(batch, batch, noise)["loss"]
    log_variance = ((model.variance - before) / VARIANCE_MOMENTUM + before).log().requires_grad_()

    repeated = {n: v.repeat_interleave(samples, 0) for n, v in model._encode(batch).items()}
    codes = sample_posterior(**repeated, noise=noise.flatten(0, 1))
    decoded = torch.sigmoid(model.logits(codes)).detach().double()
    posterior = Normal(repeated["mean"], (0.5 * repeated["log_variance"]).exp())
    log_ratio = (Normal(0.0, 1.0).log_prob(codes) - posterior.log_prob(codes)).sum(dim=1).detach()
    pixels = Independent(Normal(decoded, (0.5 * log_variance).exp()), 3)
    weights = pixels.log_prob(batch.double().repeat_interleave(samples, 0)) + log_ratio
    bound = (weights.view(40, samples).logsumexp(dim=1) - math.log(samples)).mean()
    (slope,) = torch.autograd.grad(bound, log_variance)
    assert abs(slope.item()) < 0.1
    assert bound.item() == pytest.approx(-loss.item(), rel=1e-4)


def test_more_samples_give_a_tighter_bound():
    batch = smooth_images(50)
    bounds = []
    for samples in (1, 5, 50):
        model, _ = make("iwae", likelihood="bernoulli", samples=samples)
        noise = model.draw_noise(50, generator(0, "noise"))
        bounds.append(model.loss(batch, batch, noise)["loss"].item())
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > bounds[2] + 0.1


def test_the_loss_given_the_class_is_that_of_torch_distributions():
    model, _ = make("cvae", beta=3.0, classification=0.5)
    model.train()
    batch, labels = smooth_images(9), torch.arange(9) % CLASSES
    noise = model.draw_noise(9, generator(0, "noise"))
    before = copy.deepcopy(model.state_dict())
    parts = model.loss(batch, batch, noise, labels)
    model.load_state_dict(before)
    numbers = model.encoder(batch)
    mean, log_variance, scores = numbers.split([16, 16, CLASSES], dim=1)
    posterior = Normal(mean, (0.5 * log_variance).exp())
    kl = kl_divergence(posterior, Normal(0.0, 1.0)).sum(dim=1).mean()
    codes = torch.cat([mean + posterior.stddev * noise, torch.eye(CLASSES)[labels]], dim=1)
    reconstruction = model.negative_log_likelihood(model.logits(codes), batch)
    wrong = -torch.distributions.Categorical(logits=scores).log_prob(labels).mean()
    torch.testing.assert_close(parts["kl"], kl)
    torch.testing.assert_close(parts["classification"], wrong)
    torch.testing.assert_close(parts["loss"], reconstruction + 3 * kl + 0.5 * wrong)


def test_without_a_label_the_class_is_a_part_of_the_code():
    """The bound on log p(image) with the class that the encoder takes for the likeliest."""
    model, _ = make("cvae", likelihood="bernoulli")
    model.eval()
    batch = smooth_images(9)
    found = model.encode(batch)
    numbers, classes = found["mean"][:, :16], found["mean"][:, 16:]
    chosen = model.encoder(batch)[:, 32:].argmax(dim=1)
    assert torch.equal(classes, torch.eye(CLASSES)[chosen])
    noise = model.draw_noise(9, generator(0, "noise"))
    posterior, prior = Normal(numbers, (0.5 * found["log_variance"]).exp()), Normal(0.0, 1.0)
    drawn = posterior.mean + posterior.stddev * noise
    likelihood = model.log_likelihood(model.logits(torch.cat([drawn, classes], dim=1)), batch)
    ratio = (prior.log_prob(drawn) - posterior.log_prob(drawn)).sum(dim=1) - math.log(CLASSES)
    torch.testing.assert_close(model.log_weights(found, batch, noise), likelihood + ratio)
    parts = model.elbo_parts(found, batch, noise)
    kl = kl_divergence(posterior, prior).sum(dim=1).mean() + math.log(CLASSES)
    torch.testing.assert_close(parts["kl"], kl)
    torch.testing.assert_close(parts["reconstruction"], -likelihood.mean())


def test_it_makes_what_class_it_is_asked_for():
    """Of three classes, each with a bright band at another height."""
    model, _ = make("cvae", "mlp", beta=5.0, classification=20.0)
    labels = torch.arange(48) % CLASSES
    batch = smooth_images(48) / 4 + 0.1
    for image, label in zip(batch, labels, strict=True):
        image[:, 9 * label : 9 * label + 9] += 0.5
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    noise = generator(0, "noise")
    for _ in range(200):
        optimizer.zero_grad()
        model.loss(batch, batch, model.draw_noise(48, noise), labels)["loss"].backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        codes = model.sample_classes(20, generator(0, "samples"))
        assert codes.shape == (CLASSES, 20, 16 + CLASSES)
        assert torch.equal(codes[0, :, :16], codes[2, :, :16]), "the same draws for each class"
        for label, own in enumerate(codes):
            bands = model.decode(own)[:, :, :27].unflatten(2, (CLASSES, 9)).mean(dim=(0, 1, 3, 4))
            dark = torch.cat([bands[:label], bands[label + 1 :]])
            assert bands[label] > dark.max() + 0.2
        assert torch.equal(model.encode(batch)["mean"][:, 16:].argmax(dim=1), labels)
        drawn = model.sample_prior(600, generator(0, "prior"))[:, 16:]
    assert torch.equal(drawn.sum(dim=1), torch.ones(600))
    assert drawn.mean(dim=0).tolist() == pytest.approx([1 / 3] * 3, abs=0.08)


def test_images_without_classes_are_refused():
    with pytest.raises(ValueError, match="'cvae', which needs images of two classes or more"):
        make("cvae", classes=1)


def test_the_loss_of_a_regularised_autoencoder_is_its_parts():
    model, config = make("rae", code_penalty=0.3, decoder_penalty=0.02)
    batch = smooth_images(7)
    model.requires_grad_(False)
    parts = model.loss(batch, batch, model.draw_noise(7, generator(0, "noise")))
    codes = model.encode(batch)["mean"]
    weights = [w for name, w in model.decoder.named_parameters() if w.dim() > 1]
    code = 0.5 * sum(float(c @ c) for c in codes) / 7
    decoder = 0.5 * sum(float(w.flatten() @ w.flatten()) for w in weights)
    squared = float((model.decode(codes) - batch).square().mean())
    expected = squared + config["code_penalty"] * code + config["decoder_penalty"] * decoder
    assert float(parts["loss"]) == pytest.approx(expected, rel=1e-4)


def test_the_discrepancy_is_the_unbiased_estimate_over_all_pairs():
    from autoencoders.models.flavours.wae import SCALES, squared_discrepancy

    chance = generator(0, "codes")
    x, y = (torch.randn(6, 3, generator=chance) for _ in range(2))

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        constants = [2 * 3 * scale for scale in SCALES]
        return sum(c / (c + float((a - b).square().sum())) for c in constants)

    within = [kernel(s[i], s[j]) for s in (x, y) for i in range(6) for j in range(6) if i != j]
    across = [kernel(a, b) for a in x for b in y]
    expected = sum(within) / 30 - 2 * sum(across) / 36
    assert float(squared_discrepancy(x, y)) == pytest.approx(expected, abs=1e-4)
    many = [torch.randn(2000, 3, generator=chance) for _ in range(2)]
    assert float(squared_discrepancy(*many)) == pytest.approx(0, abs=0.01)
    assert float(squared_discrepancy(many[0] + 1, many[1])) > 0.5
    assert float(squared_discrepancy(x[:1], y[:1])) == 0


def test_codes_are_the_nearest_of_the_codebook_and_follow_what_is_near():
    model, _ = make("vqvae", cells=8, codes=4, decay=0.5)
    batch = smooth_images(64)
    for _ in range(40):
        model.loss(batch, batch, model.draw_noise(64, generator(0, "noise")))
    # In training, as the statistics of batch normalisation are others at evaluation.
    with torch.no_grad():
        cells = model.encoder(batch).view(64 * 8, 2)
        found = model.encode(batch)
    indices = found["indices"].flatten()
    assert torch.equal(indices, torch.cdist(cells, model.codebook).argmin(dim=1))
    assert torch.equal(found["mean"].view(-1, 2), model.codebook[indices])
    for number, code in enumerate(model.codebook):
        near = cells[indices == number]
        torch.testing.assert_close(code, near.mean(dim=0), rtol=0, atol=0.02)
    model.eval()
    with torch.no_grad():
        # A code between those of the codebook is decoded as the nearest.
        moved = found["mean"] + 1e-4
        assert torch.equal(model.decode(moved), model.decode(found["mean"]))
    measured = model.code_measures({"indices": found["indices"].numpy()})
    assert measured["codebook_usage"] == 1
    assert 1 < measured["perplexity"] <= 4
    alike = model.code_measures({"indices": np.repeat(np.arange(2), 50)})
    assert alike == {"codebook_usage": 0.5, "perplexity": pytest.approx(2)}


def test_the_prior_over_codes_learns_which_follow_which():
    from autoencoders.models.flavours.vqvae import NextCode

    torch.manual_seed(0)
    prior = NextCode(6, 5)
    first = torch.arange(200).unsqueeze(1) % 5
    indices = (first + torch.arange(6)) % 5  # each is the one before it, plus one
    optimizer = torch.optim.Adam(prior.parameters(), lr=1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        loss = prior.negative_log_likelihood(indices)
        loss.backward()
        optimizer.step()
    assert loss.item() == pytest.approx(math.log(5), abs=0.1)
    with torch.inference_mode():
        drawn = prior.sample(1000, generator(0, "prior"))
    follows = (drawn[:, 1:] == (drawn[:, :-1] + 1) % 5).double().mean()
    assert float(follows) > 0.98
    assert drawn[:, 0].bincount(minlength=5).min() > 120


@pytest.mark.parametrize("kind", [kind for kind in KINDS if find("model", kind).prior])
def test_samples_of_a_prior_are_codes(kind: str):
    model, _ = make(kind)
    with torch.inference_mode():
        codes = model.sample_prior(12, generator(0, "prior"))
        assert codes.shape == (12, model.code_dim)
        assert torch.equal(codes, model.sample_prior(12, generator(0, "prior")))
        assert model.decode(codes).shape == (12, 1, 28, 28)


def test_a_gaussian_likelihood_is_that_of_torch_and_optimal_in_training():
    model, _ = make("vae")
    target, reconstructed = smooth_images(6), smooth_images(6).flip(0)
    logits = torch.logit(reconstructed)
    model.eval()
    model.variance.fill_(0.03)
    normal = Independent(Normal(reconstructed, math.sqrt(0.03)), 3)
    expected = -normal.log_prob(target).mean()
    torch.testing.assert_close(model.negative_log_likelihood(logits, target), expected)
    model.train()
    optimal = model.negative_log_likelihood(logits, target)
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
@pytest.mark.parametrize("kind", KINDS)
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
    "other channels": lambda c: c["settings"]["network"].update(channels=[8, 17]),
    "no channels": lambda c: c["settings"]["network"].update(channels=[]),
    "unknown network": lambda c: c["settings"]["network"].update(kind="os.system"),
    "network as text": lambda c: c["settings"].update(network="conv"),
    "unknown setting of the network": lambda c: c["settings"]["network"].update(depth=3),
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
