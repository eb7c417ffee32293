"""Codes that are distributions: diagonal Gaussians over the latent dimensions."""

import numpy as np
import torch
from torch import Tensor

LOG_VARIANCE_RANGE = (-20.0, 10.0)
ACTIVE_VARIANCE = 0.01


def gaussian(numbers: Tensor) -> dict[str, Tensor]:
    """The "mean" and "log_variance", each (N, L), that an encoder's numbers (N, 2 L) say."""
    mean, log_variance = numbers.float().chunk(2, dim=1)
    return {"mean": mean, "log_variance": log_variance.clamp(*LOG_VARIANCE_RANGE)}


def sample_posterior(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """Reparametrised samples of the diagonal Gaussians, one for each row of (N, L)."""
    return mean + torch.exp(0.5 * log_variance) * noise


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) of each row of (N, L), in nats, shape (N,).

    Kingma & Welling, 2014, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)


def active_units(codes: np.ndarray) -> int:
    """How many dimensions of posterior means (N, L) tell images apart: their variance is over 0.01.

    Burda, Grosse & Salakhutdinov, 2016, section 5.2.
    """
    return int((codes.var(axis=0) > ACTIVE_VARIANCE).sum())
