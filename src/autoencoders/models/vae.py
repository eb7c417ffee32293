"""The variational autoencoder with a calibrated Gaussian decoder."""

import math

import torch
from torch import Tensor

from autoencoders.models.base import Autoencoder
from autoencoders.models.parallel import batch_mean

VARIANCE_MOMENTUM = 0.1
MIN_VARIANCE = 1e-6
LOG_VARIANCE_RANGE = (-20.0, 10.0)


class VariationalAutoencoder(Autoencoder):
    """Kingma & Welling, 2014 (arXiv:1312.6114), with the sigma-VAE's likelihood.

    The decoder is Gaussian with one variance for all pixels. In training it is the analytically
    optimal one, the batch's mean squared error (Rybkin, Daniilidis & Levine, 2021,
    arXiv:2006.13202), so no weight between reconstruction and KL has to be tuned; a running mean of
    it serves at evaluation, so that the likelihood of an image does not depend on its batch.
    """

    loss_unit = "nats per image"
    codes_per_dimension = 2

    def __init__(self, image_shape: tuple[int, int, int], *, beta: float, **settings) -> None:
        super().__init__(image_shape, **settings)
        self.beta = beta
        # Starts at the variance of grey levels spread evenly over [0, 1].
        self.register_buffer("variance", torch.tensor(1 / 12))

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return {"mean": mean, "log_variance": log_variance.clamp(*LOG_VARIANCE_RANGE)}

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal numbers (count, latent_dim), for one sample of each code."""
        return torch.randn(count, self.latent_dim, generator=generator, device=generator.device)

    def loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """-ELBO (its KL weighted by beta) and its parts, in nats per image.

        One sample of each code; "reconstruction" is -log p(target | code), a density over
        grey levels in [0, 1] that may be negative; "kl" is that of the posterior to the prior.
        """
        posterior = self.encode(inputs)
        reconstructed = self.decode(sample_posterior(**posterior, noise=noise))
        reconstruction = self.negative_log_likelihood(reconstructed, targets)
        kl = kl_to_standard_normal(**posterior).mean()
        return {
            "loss": reconstruction + self.beta * kl,
            "reconstruction": reconstruction,
            "kl": kl,
        }

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
