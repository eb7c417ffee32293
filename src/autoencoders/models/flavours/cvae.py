"""The variational autoencoder given the class."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from autoencoders.models.posterior import (
    active_units,
    gaussian,
    kl_to_standard_normal,
    sample_posterior,
)
from autoencoders.models.variational import Variational


class ConditionalAutoencoder(Variational):
    """The VAE whose decoder is given the class, so that it can be asked for one.

    Kingma, Rezende, Mohamed & Welling, 2014 (arXiv:1406.5298), with labels for all images (their
    M2): a code is `latent_dim` numbers and, behind them, a weight for each class, 1 for one of
    them. The loss is -ELBO of the image given its class, the KL term weighted by `beta`, and the
    cross-entropy of what the encoder takes for the class, weighted by `classification`, all in
    nats. In a code that the encoder makes stands the class that it takes for the likeliest, so that
    it needs no labels. Classes are as likely as each other under the prior: naming one of K adds
    log K to the KL of an image without a label, whose -ELBO is then a bound too.
    """

    class Settings(Variational.Settings):
        beta: float = Field(ge=0, description="weight of the KL term; 1 minimises -ELBO")
        classification: float = Field(
            ge=0, description="weight of the cross-entropy by which the encoder learns the classes"
        )

    supervised = True

    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        classes: int,
        beta: float,
        classification: float,
        **settings,
    ) -> None:
        """`classes` is how many there are; labels are numbers below that.

        Raises:
            ValueError: there are less than two classes.
        """
        if classes < 2:
            raise ValueError("kind is 'cvae', which needs images of two classes or more, found one")
        self.classes = classes
        super().__init__(image_shape, **settings)
        self.beta = beta
        self.classification = classification

    @property
    def code_dim(self) -> int:
        return self.latent_dim + self.classes

    @property
    def encoded_dim(self) -> int:
        return 2 * self.latent_dim + self.classes

    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        """As "mean" (N, code_dim) that of the posterior and the class, and its "log_variance"."""
        posterior, scores = self._seen(images)
        return self._with_class(posterior, scores.argmax(dim=1))

    def _seen(self, images: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The posterior, and the scores (N, classes) whose softmax is what the class may be."""
        numbers = self.encoder(images).float()
        size = 2 * self.latent_dim
        return gaussian(numbers[:, :size]), numbers[:, size:]

    def _with_class(self, posterior: dict[str, Tensor], labels: Tensor) -> dict[str, Tensor]:
        # functional.one_hot looks at the labels first, for which a CPU waits for a GPU.
        chosen = (labels.unsqueeze(1) == torch.arange(self.classes, device=labels.device)).float()
        return posterior | {"mean": torch.cat([posterior["mean"], chosen], dim=1)}

    def _loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        parts = self.elbo_parts(self._encode(inputs), targets, noise)
        return {"loss": parts["reconstruction"] + self.beta * parts["kl"], **parts}

    def _supervised_loss(
        self, inputs: Tensor, targets: Tensor, noise: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        posterior, scores = self._seen(inputs)
        parts = self.elbo_parts(self._with_class(posterior, labels), targets, noise)
        parts["kl"] = parts["kl"] - math.log(self.classes)
        parts["classification"] = functional.cross_entropy(scores, labels)
        weighted = self.beta * parts["kl"] + self.classification * parts["classification"]
        return {"loss": parts["reconstruction"] + weighted, **parts}

    def sample_code(self, posterior: dict[str, Tensor], noise: Tensor) -> Tensor:
        numbers, classes = self._apart(posterior)
        return torch.cat([sample_posterior(**numbers, noise=noise), classes], dim=1)

    def log_prior_ratio(self, posterior: dict[str, Tensor], codes: Tensor, noise: Tensor) -> Tensor:
        numbers, _ = self._apart(posterior)
        own = codes[:, : self.latent_dim]
        return super().log_prior_ratio(numbers, own, noise) - math.log(self.classes)

    def kl(self, posterior: dict[str, Tensor]) -> Tensor:
        numbers, _ = self._apart(posterior)
        return kl_to_standard_normal(**numbers) + math.log(self.classes)

    def _apart(self, posterior: dict[str, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        """The posterior of the numbers alone, and the weights of the classes."""
        mean = posterior["mean"]
        return posterior | {"mean": mean[:, : self.latent_dim]}, mean[:, self.latent_dim :]

    def sample_prior(self, count: int, generator: torch.Generator) -> Tensor:
        """Numbers from the prior, and a class each, all as likely."""
        numbers = self.normal(count, generator)
        device = generator.device
        labels = torch.randint(self.classes, (count,), generator=generator, device=device)
        return self._with_class({"mean": numbers}, labels)["mean"]

    def sample_classes(self, count: int, generator: torch.Generator) -> Tensor:
        """For each class the same `count` draws of the numbers: (classes, count, code_dim)."""
        numbers = self.normal(count, generator)
        labels = torch.arange(self.classes, device=generator.device)
        drawn = [self._with_class({"mean": numbers}, label.expand(count)) for label in labels]
        return torch.stack([codes["mean"] for codes in drawn])

    def code_measures(self, codes: Mapping[str, np.ndarray]) -> dict[str, float]:
        return {"active_units": active_units(codes["mean"][:, : self.latent_dim])}


PART = ConditionalAutoencoder
