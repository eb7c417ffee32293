"""The importance-weighted autoencoder."""

import math

import torch
from pydantic import Field
from torch import Tensor

from autoencoders.models.posterior import kl_to_standard_normal
from autoencoders.models.variational import MIN_VARIANCE, Variational
from autoencoders.nets.parallel import batch_mean

ITERATIONS = 5
"""Steps of expectation maximisation; after three the variance is within 1e-6 of its optimum."""


class ImportanceWeightedAutoencoder(Variational):
    """Minimises the bound on -log p by `samples` weighted samples of each code.

    Burda, Grosse & Salakhutdinov, 2016 (arXiv:1509.00519). With one sample it is the VAE with a
    `beta` of 1. The variance of a Gaussian likelihood is the optimum of this bound, in which each
    sample's error counts by its importance weight.
    """

    class Settings(Variational.Settings):
        samples: int = Field(ge=1, le=1000, description="of each code, for one value of the bound")

    def __init__(self, image_shape: tuple[int, ...], *, samples: int, **settings) -> None:
        super().__init__(image_shape, **settings)
        self.samples = samples

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal numbers (count, samples, latent_dim)."""
        drawn = self.normal(count * self.samples, generator)
        return drawn.view(count, self.samples, self.latent_dim)

    def _loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """The bound, and the mean KL of the posteriors to the prior, in nats per image."""
        posterior = self._encode(inputs)
        repeated = {name: v.repeat_interleave(self.samples, 0) for name, v in posterior.items()}
        targets = targets.repeat_interleave(self.samples, 0)
        weights = self.log_weights(repeated, targets, noise.flatten(0, 1))
        bounds = weights.view(-1, self.samples).logsumexp(dim=1) - math.log(self.samples)
        return {"loss": -bounds.mean(), "kl": kl_to_standard_normal(**posterior).mean()}

    def _optimal_variance(self, errors: Tensor, log_ratio: Tensor | None) -> Tensor:
        """The variance by which a batch's bound is greatest.

        There it is the mean squared error under the normalised importance weights, which depend on
        it in turn; expectation maximisation finds it.

        Args:
            errors: squared, (N * samples, C, H, W), the samples of an image next to each other.
            log_ratio: log p(code) - log q(code | input) of each sample, (N * samples,); None gives
                the ELBO's optimum.
        """
        if log_ratio is None or self.samples == 1:
            return super()._optimal_variance(errors, log_ratio)
        pixels = math.prod(self.image_shape)
        means = errors.flatten(1).mean(dim=1).view(-1, self.samples)
        ratios = log_ratio.view(-1, self.samples)
        variance = batch_mean(means)
        for _ in range(ITERATIONS):
            likelihoods = -0.5 * pixels * means / variance.clamp(min=MIN_VARIANCE)
            weights = (likelihoods + ratios).softmax(dim=1)
            variance = batch_mean(self.samples * weights * means)
        return variance


PART = ImportanceWeightedAutoencoder
