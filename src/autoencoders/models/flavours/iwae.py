"""The importance-weighted autoencoder."""

import math

import torch
from pydantic import Field
from torch import Tensor

from autoencoders.models.posterior import kl_to_standard_normal
from autoencoders.models.variational import Variational


class ImportanceWeightedAutoencoder(Variational):
    """Minimises the bound on -log p by `samples` weighted samples of each code.

    Burda, Grosse & Salakhutdinov, 2016 (arXiv:1509.00519). With one sample it is the VAE with a
    `beta` of 1.
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


PART = ImportanceWeightedAutoencoder
