"""The variational autoencoder."""

import torch
from pydantic import Field
from torch import Tensor

from autoencoders.models.variational import Variational


class VariationalAutoencoder(Variational):
    """Minimises -ELBO (Kingma & Welling, 2014, arXiv:1312.6114), its KL term weighted by `beta`
    (Higgins et al., 2017), in training after a linear rise from 0 in the part `kl_warmup` of the
    steps (Bowman et al., 2016, arXiv:1511.06349).
    """

    class Settings(Variational.Settings):
        beta: float = Field(ge=0, description="weight of the KL term; 1 minimises -ELBO")
        kl_warmup: float = Field(
            ge=0, le=1, description="part of the training in which that weight rises from 0"
        )

    kl_weight: Tensor

    def __init__(
        self, image_shape: tuple[int, ...], *, beta: float, kl_warmup: float, **settings
    ) -> None:
        super().__init__(image_shape, **settings)
        self.beta = beta
        self.kl_warmup = kl_warmup
        # A tensor, as a captured CUDA graph would not see a number change.
        self.register_buffer("kl_weight", torch.tensor(float(beta)))

    def anneal(self, done: float) -> None:
        rise = min(1.0, done / self.kl_warmup) if self.kl_warmup else 1.0
        self.kl_weight.fill_(self.beta * rise)

    def _loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """-ELBO (its KL weighted by beta) and its parts, in nats per image."""
        parts = self.elbo_parts(self._encode(inputs), targets, noise)
        weight = self.kl_weight if self.training else self.beta
        return {"loss": parts["reconstruction"] + weight * parts["kl"], **parts}


PART = VariationalAutoencoder
