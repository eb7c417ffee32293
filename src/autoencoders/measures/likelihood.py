"""Measures of the likelihood, in nats per image.

Images are in [0, 1]; the parts of the ELBO are summed over pixels and latent dimensions and
averaged over images.
"""

import math

import torch
from torch import Tensor

from autoencoders.io.streams import generator
from autoencoders.io.tensors import EVALUATION_BATCH, to_float
from autoencoders.models.variational import Variational


def likelihood_measures(
    model: Variational, inputs: Tensor, originals: Tensor, samples: int, seed: int
) -> dict[str, float]:
    """-ELBO, its parts, and the bound by so many samples, of uint8 images."""
    measured: dict[str, float] = elbo_parts(model, inputs, originals, seed, "test noise")
    measured["importance_weighted_bound"] = importance_weighted_bound(
        model, inputs, originals, samples, seed
    )
    return measured


@torch.inference_mode()
def elbo_parts(
    model: Variational, inputs: Tensor, originals: Tensor, seed: int, purpose: str
) -> dict[str, float]:
    """-ELBO and its parts over uint8 images, with one sample of each image's code, drawn for
    the purpose.

    The densities are over grey levels in [0, 1], so that "reconstruction" and "negative_elbo" may
    be negative. beta does not enter.
    """
    model.eval()
    noise = generator(seed, purpose, device=inputs.device)
    sums = {"reconstruction": 0.0, "kl": 0.0}
    batches = zip(inputs.split(EVALUATION_BATCH), originals.split(EVALUATION_BATCH), strict=True)
    for batch, target in batches:
        posterior, drawn = model.encode(to_float(batch)), model.normal(len(batch), noise)
        parts = model.elbo_parts(posterior, to_float(target), drawn)
        for name in sums:
            sums[name] += parts[name].item() * len(batch)
    means = {name: total / len(inputs) for name, total in sums.items()}
    return {"negative_elbo": sum(means.values()), **means}


@torch.inference_mode()
def importance_weighted_bound(
    model: Variational, inputs: Tensor, originals: Tensor, samples: int, seed: int
) -> float:
    """The bound on -log p(original) by so many weighted samples of each code, in nats per image.

    Burda, Grosse & Salakhutdinov, 2016 (arXiv:1509.00519): its expectation is -ELBO with one sample
    and falls towards -log p with more; an estimate over few images may lie above an estimate of
    -ELBO. beta does not enter.
    """
    model.eval()
    chance = generator(seed, "importance samples", device=inputs.device)
    total = 0.0
    batches = zip(inputs.split(EVALUATION_BATCH), originals.split(EVALUATION_BATCH), strict=True)
    for batch, target in batches:
        posterior, targets = model.encode(to_float(batch)), to_float(target)
        weights = torch.stack(
            [
                model.log_weights(posterior, targets, model.normal(len(batch), chance))
                for _ in range(samples)
            ]
        )
        total -= (weights.logsumexp(dim=0) - math.log(samples)).cpu().double().sum().item()
    return total / len(inputs)
