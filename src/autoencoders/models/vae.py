"""The variational autoencoder with a calibrated Gaussian decoder."""

import math

import numpy as np
import torch
from torch import Tensor

from autoencoders.models.base import Autoencoder
from autoencoders.nets.parallel import batch_mean

VARIANCE_MOMENTUM = 0.1
MIN_VARIANCE = 1e-6
LOG_VARIANCE_RANGE = (-20.0, 10.0)
ACTIVE_VARIANCE = 0.01


class VariationalAutoencoder(Autoencoder):
    """Kingma & Welling, 2014 (arXiv:1312.6114), with the sigma-VAE's likelihood.

    The decoder is Gaussian with one variance for all pixels. In training it is the analytically
    optimal one, the batch's mean squared error (Rybkin, Daniilidis & Levine, 2021,
    arXiv:2006.13202), so no weight between reconstruction and KL has to be tuned; a running mean of
    it serves at evaluation, so that the likelihood of an image does not depend on its batch.
    """

    kl_weight: Tensor
    variance: Tensor
    loss_unit = "nats per image"
    codes_per_dimension = 2

    def __init__(
        self, image_shape: tuple[int, ...], *, beta: float, kl_warmup: float, **settings
    ) -> None:
        """`beta` weighs the KL term (Higgins et al., 2017), in training after a linear rise from 0
        in the part `kl_warmup` of the steps (Bowman et al., 2016, arXiv:1511.06349).
        """
        super().__init__(image_shape, **settings)
        self.beta = beta
        self.kl_warmup = kl_warmup
        # A tensor, as a captured CUDA graph would not see a number change.
        self.register_buffer("kl_weight", torch.tensor(float(beta)))
        # Starts at the variance of grey levels spread evenly over [0, 1].
        self.register_buffer("variance", torch.tensor(1 / 12))

    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        mean, log_variance = self.encoder(images).float().chunk(2, dim=1)
        return {"mean": mean, "log_variance": log_variance.clamp(*LOG_VARIANCE_RANGE)}

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal numbers (count, latent_dim), for one sample of each code."""
        return torch.randn(count, self.latent_dim, generator=generator, device=generator.device)

    def anneal(self, done: float) -> None:
        rise = min(1.0, done / self.kl_warmup) if self.kl_warmup else 1.0
        self.kl_weight.fill_(self.beta * rise)

    def _loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """-ELBO (its KL weighted by beta) and its parts, in nats per image.

        One sample of each code; "reconstruction" is -log p(target | code), a density over
        grey levels in [0, 1] that may be negative; "kl" is that of the posterior to the prior.
        """
        posterior = self._encode(inputs)
        reconstructed = self.decode(sample_posterior(**posterior, noise=noise)).float()
        reconstruction = self.negative_log_likelihood(reconstructed, targets)
        kl = kl_to_standard_normal(**posterior).mean()
        return {
            "loss": reconstruction + (self.kl_weight if self.training else self.beta) * kl,
            "reconstruction": reconstruction,
            "kl": kl,
        }

    def log_weights(self, posterior: dict[str, Tensor], targets: Tensor, noise: Tensor) -> Tensor:
        """log p(target, code) - log q(code | input) of one sample of each code, in nats: (N,).

        `posterior` is what `encode` says of the inputs. Their mean is the ELBO; Burda, Grosse &
        Salakhutdinov, 2016 (arXiv:1509.00519), weigh the samples of an image with them.
        """
        codes = sample_posterior(**posterior, noise=noise)
        errors = (self.decode(codes) - targets).square().flatten(1).sum(dim=1)
        log_scale = math.prod(self.image_shape) * torch.log(2 * math.pi * self.variance)
        log_likelihood = -0.5 * (errors / self.variance + log_scale)
        log_ratio = 0.5 * (noise.square() - codes.square() + posterior["log_variance"]).sum(dim=1)
        return log_likelihood + log_ratio

    def sample_prior(self, count: int, generator: torch.Generator) -> Tensor:
        """Codes (count, latent_dim) from the standard normal prior, on the generator's device."""
        return self.draw_noise(count, generator)

    def negative_log_likelihood(self, reconstructed: Tensor, targets: Tensor) -> Tensor:
        """Of a Gaussian around `reconstructed`: nats per image, summed over its pixels."""
        errors = (reconstructed - targets).square()
        mse = errors.mean()
        variance = self.variance
        if self.training:
            variance = batch_mean(errors.detach()).clamp(min=MIN_VARIANCE)
            self.variance.lerp_(variance, VARIANCE_MOMENTUM)
        nats_per_pixel = 0.5 * (mse / variance + torch.log(2 * math.pi * variance))
        return nats_per_pixel * math.prod(self.image_shape)


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
