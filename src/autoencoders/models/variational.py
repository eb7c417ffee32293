"""What models have in common whose codes are Gaussians under a standard normal prior."""

import math
from collections.abc import Mapping
from typing import Literal, TypeGuard

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from autoencoders import settings
from autoencoders.models.base import NATS, Autoencoder
from autoencoders.models.posterior import (
    active_units,
    gaussian,
    kl_to_standard_normal,
    sample_posterior,
)
from autoencoders.nets.parallel import batch_mean

VARIANCE_MOMENTUM = 0.1
MIN_VARIANCE = 1e-6


class Variational(Autoencoder):
    """Codes are diagonal Gaussians, and images have a likelihood given their code.

    "gaussian": with one variance for all pixels. In training it is the analytically optimal one,
    the batch's mean squared error (Rybkin, Daniilidis & Levine, 2021, arXiv:2006.13202), so no
    weight between reconstruction and KL has to be tuned; a running mean of it serves at evaluation,
    so that the likelihood of an image does not depend on its batch. A density over grey levels in
    [0, 1], whose negative logarithm may be negative.

    "bernoulli": each pixel is white with the probability that is decoded. A probability of images
    that are black and white; of grey levels their expectation, each pixel being white as often as
    it is bright.
    """

    class Settings(settings.Settings):
        likelihood: Literal["gaussian", "bernoulli"] = Field(
            description="of an image given its code"
        )

    variance: Tensor
    loss_unit = NATS
    prior = "standard normal"

    def __init__(self, image_shape: tuple[int, ...], *, likelihood: str, **settings) -> None:
        super().__init__(image_shape, **settings)
        self.likelihood = likelihood
        if likelihood == "gaussian":
            # Starts at the variance of grey levels spread evenly over [0, 1].
            self.register_buffer("variance", torch.tensor(1 / 12))

    @property
    def encoded_dim(self) -> int:
        return 2 * self.latent_dim

    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        return gaussian(self.encoder(images))

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal numbers (count, latent_dim), for one sample of each code."""
        return self.normal(count, generator)

    def normal(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal numbers (count, latent_dim) on the generator's device."""
        return torch.randn(count, self.latent_dim, generator=generator, device=generator.device)

    def sample_prior(self, count: int, generator: torch.Generator) -> Tensor:
        return self.normal(count, generator)

    def code_measures(self, codes: Mapping[str, np.ndarray]) -> dict[str, float]:
        return {"active_units": active_units(codes["mean"])}

    def elbo_parts(
        self, posterior: dict[str, Tensor], targets: Tensor, noise: Tensor
    ) -> dict[str, Tensor]:
        """The parts of -ELBO, each a mean over the images in nats, by one sample of each code.

        "reconstruction" is -log p(target | code), "kl" that of the posterior, of `encode`, to the
        prior.
        """
        logits = self.logits(self.sample_code(posterior, noise))
        return {
            "reconstruction": self.negative_log_likelihood(logits, targets),
            "kl": self.kl(posterior).mean(),
        }

    def sample_code(self, posterior: dict[str, Tensor], noise: Tensor) -> Tensor:
        """A sample of each code, (N, code_dim), made of the noise (N, latent_dim)."""
        return sample_posterior(**posterior, noise=noise)

    def kl(self, posterior: dict[str, Tensor]) -> Tensor:
        """The divergence of each posterior from the prior, in nats: (N,)."""
        return kl_to_standard_normal(**posterior)

    def log_prior_ratio(self, posterior: dict[str, Tensor], codes: Tensor, noise: Tensor) -> Tensor:
        """log p(code) - log q(code | input) of the codes that the noise made, in nats: (N,)."""
        return 0.5 * (noise.square() - codes.square() + posterior["log_variance"]).sum(dim=1)

    def negative_log_likelihood(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean of -`log_likelihood`, in nats per image."""
        if self.likelihood == "bernoulli":
            return _cross_entropy(logits, targets).sum() / len(targets)
        errors = (torch.sigmoid(logits) - targets).square()
        variance = self._variance_of(errors)
        nats_per_pixel = 0.5 * (errors.mean() / variance + torch.log(2 * math.pi * variance))
        return nats_per_pixel * math.prod(self.image_shape)

    def log_likelihood(
        self, logits: Tensor, targets: Tensor, log_ratio: Tensor | None = None
    ) -> Tensor:
        """log p(target | code) of each image, in nats: (N,). Both are (N, C, H, W).

        `log_ratio` (N,) is that of `log_prior_ratio`, for objectives whose optimal variance depends
        on it.
        """
        if self.likelihood == "bernoulli":
            return -_cross_entropy(logits, targets).flatten(1).sum(dim=1)
        errors = (torch.sigmoid(logits) - targets).square()
        variance = self._variance_of(errors, log_ratio)
        log_scale = math.prod(self.image_shape) * torch.log(2 * math.pi * variance)
        return -0.5 * (errors.flatten(1).sum(dim=1) / variance + log_scale)

    def log_weights(self, posterior: dict[str, Tensor], targets: Tensor, noise: Tensor) -> Tensor:
        """log p(target, code) - log q(code | input) of one sample of each code, in nats: (N,).

        `posterior` is what `encode` says of the inputs. Their mean is the ELBO; Burda, Grosse &
        Salakhutdinov, 2016 (arXiv:1509.00519), weigh the samples of an image with them.
        """
        codes = self.sample_code(posterior, noise)
        log_ratio = self.log_prior_ratio(posterior, codes, noise)
        return self.log_likelihood(self.logits(codes), targets, log_ratio) + log_ratio

    @torch.no_grad()
    def _variance_of(self, errors: Tensor, log_ratio: Tensor | None = None) -> Tensor:
        """The variance of pixels around what was decoded, by squared errors (N, C, H, W)."""
        if not self.training:
            return self.variance
        variance = self._optimal_variance(errors, log_ratio).clamp(min=MIN_VARIANCE)
        self.variance.lerp_(variance, VARIANCE_MOMENTUM)
        return variance

    def _optimal_variance(self, errors: Tensor, log_ratio: Tensor | None) -> Tensor:
        """The variance by which a batch's ELBO is greatest: the mean squared error."""
        return batch_mean(errors)


def has_likelihood(model: Autoencoder) -> TypeGuard[Variational]:
    """Whether a model has an ELBO."""
    return model.likelihood is not None


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
