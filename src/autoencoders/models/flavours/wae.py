"""The Wasserstein autoencoder with a maximum mean discrepancy."""

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from autoencoders import settings
from autoencoders.models.base import SQUARED_ERROR, Autoencoder
from autoencoders.nets.parallel import whole_batch

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class WassersteinAutoencoder(Autoencoder):
    """The mean squared error, and how far a batch's codes are from standard normal ones.

    WAE-MMD (Tolstikhin et al., 2018, arXiv:1711.01558): the distance is the unbiased estimate of
    the squared maximum mean discrepancy between the codes of the whole batch, whatever number of
    processes share it, and as many draws of the prior, under the sum of inverse multiquadric
    kernels C / (C + |x - y|^2) with C = 2 L s for the paper's seven scales s.
    """

    class Settings(settings.Settings):
        discrepancy_weight: float = Field(
            ge=0, description="weight of the discrepancy beside the mean squared error"
        )

    loss_unit = SQUARED_ERROR
    prior = "standard normal"

    def __init__(
        self, image_shape: tuple[int, ...], *, discrepancy_weight: float, **settings
    ) -> None:
        super().__init__(image_shape, **settings)
        self.discrepancy_weight = discrepancy_weight

    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        return {"mean": self.encoder(images).float()}

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws of the prior (count, latent_dim)."""
        return self.sample_prior(count, generator)

    def sample_prior(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.latent_dim, generator=generator, device=generator.device)

    def _loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        codes = self._encode(inputs)["mean"]
        squared_error = functional.mse_loss(self.decode(codes), targets)
        whole = (whole_batch(part) if self.training else part for part in (codes, noise))
        discrepancy = squared_discrepancy(*whole)
        return {
            "loss": squared_error + self.discrepancy_weight * discrepancy,
            "squared_error": squared_error,
            "discrepancy": discrepancy,
        }


def squared_discrepancy(codes: Tensor, draws: Tensor) -> Tensor:
    """The unbiased estimate of the squared maximum mean discrepancy of two sets (N, L).

    It may be below 0, and is 0 of a single code, which tells nothing of a distribution.
    """
    count, size = codes.shape
    if count < 2:
        return 0 * codes.sum()
    constants = [2 * size * scale for scale in SCALES]

    def kernel(first: Tensor, second: Tensor) -> Tensor:
        lengths = first.square().sum(dim=1).unsqueeze(1) + second.square().sum(dim=1)
        apart = (lengths - 2 * first @ second.T).clamp(min=0)
        return torch.stack([constant / (constant + apart) for constant in constants]).sum(dim=0)

    within = [kernel(points, points) for points in (codes, draws)]
    off_diagonal = sum(own.sum() - own.diagonal().sum() for own in within)
    return off_diagonal / (count * (count - 1)) - 2 * kernel(codes, draws).mean()


PART = WassersteinAutoencoder
