"""Measures of reconstruction and of the likelihood.

Conventions, stated once: images are in [0, 1]; MSE is the mean over the pixels of an image, then
over images; PSNR and SSIM are means over images; the parts of the ELBO are summed over pixels and
latent dimensions, averaged over images, in nats.
"""

import math

import numpy as np
import torch
from torch import Tensor

from autoencoders.core.seeds import generator
from autoencoders.models.inference import EVALUATION_BATCH, to_float
from autoencoders.models.vae import VariationalAutoencoder

ACTIVE_VARIANCE = 0.01
SMALLEST_MSE = 1e-10  # a PSNR of 100 dB, so that a perfect image does not make the mean infinite


def mse_per_image(images: Tensor, originals: Tensor) -> np.ndarray:
    """MSE of each image in [0, 1] (N, C, H, W): float64 of shape (N,)."""
    return (images - originals).square().flatten(1).mean(dim=1).double().cpu().numpy()


def psnr_from_mse(mse: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of images in [0, 1], at most 100."""
    return -10 * np.log10(np.maximum(mse, SMALLEST_MSE))


def ssim_per_image(images: Tensor, originals: Tensor) -> np.ndarray:
    """Structural similarity (Wang et al., 2004; Gaussian window of 11 pixels), at most 1: (N,)."""
    # torchmetrics takes seconds to import, and only this function needs it.
    from torchmetrics.functional.image import structural_similarity_index_measure

    batches = zip(images.split(EVALUATION_BATCH), originals.split(EVALUATION_BATCH), strict=True)
    values = [
        structural_similarity_index_measure(batch, target, data_range=1.0, reduction="none")
        for batch, target in batches
    ]
    return torch.cat(values).double().cpu().numpy()


@torch.inference_mode()
def elbo_parts(
    model: VariationalAutoencoder, inputs: Tensor, originals: Tensor, seed: int
) -> dict[str, float]:
    """-ELBO and its parts over uint8 images, with one seeded sample of each image's code.

    The densities are over grey levels in [0, 1], so that "reconstruction" and "negative_elbo" may
    be negative. beta does not enter.
    """
    model.eval()
    noise = generator(seed, "test noise", device=inputs.device)
    sums = {"reconstruction": 0.0, "kl": 0.0}
    batches = zip(inputs.split(EVALUATION_BATCH), originals.split(EVALUATION_BATCH), strict=True)
    for batch, target in batches:
        parts = model.loss(to_float(batch), to_float(target), model.draw_noise(len(batch), noise))
        for name in sums:
            sums[name] += parts[name].item() * len(batch)
    means = {name: total / len(inputs) for name, total in sums.items()}
    return {"negative_elbo": sum(means.values()), **means}


@torch.inference_mode()
def importance_weighted_bound(
    model: VariationalAutoencoder, inputs: Tensor, originals: Tensor, samples: int, seed: int
) -> float:
    """The bound on -log p(original) by so many weighted samples of each code, in nats per image.

    Burda, Grosse & Salakhutdinov, 2016 (arXiv:1509.00519): it is -ELBO with one sample, and falls
    towards -log p with more. beta does not enter.
    """
    model.eval()
    chance = generator(seed, "importance samples", device=inputs.device)
    total = 0.0
    batches = zip(inputs.split(EVALUATION_BATCH), originals.split(EVALUATION_BATCH), strict=True)
    for batch, target in batches:
        posterior, targets = model.encode(to_float(batch)), to_float(target)
        weights = torch.stack(
            [
                model.log_weights(posterior, targets, model.draw_noise(len(batch), chance))
                for _ in range(samples)
            ]
        )
        total -= (weights.logsumexp(dim=0) - math.log(samples)).double().sum().item()
    return total / len(inputs)


def active_units(codes: np.ndarray) -> int:
    """How many dimensions of posterior means (N, L) tell images apart: their variance is over 0.01.

    Burda, Grosse & Salakhutdinov, 2016, section 5.2.
    """
    return int((codes.var(axis=0) > ACTIVE_VARIANCE).sum())
