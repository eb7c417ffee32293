"""What every flavour of autoencoder has in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from autoencoders.corruptions.registry import Described, build_aligner
from autoencoders.nets.base import build_network
from autoencoders.settings import Settings as NoSettings

SQUARED_ERROR = "mean squared error"
NATS = "nats per image"


class Autoencoder(nn.Module, ABC):
    """An encoder and a decoder with a latent vector of `latent_dim` numbers between them.

    Images are float32 in [0, 1] of shape (N, C, H, W); latent codes have the shape (N, code_dim).
    Whatever the precision of the networks, codes and losses are float32, as bfloat16 has no digits
    behind the point of hundreds of nats.
    A reconstruction depends on its input through the latent code alone. Where the inputs are
    corrupted, an aligner may estimate the originals from them before they are encoded.

    A flavour implements `_encode` and `_loss`, of aligned images, and says what else it can do:
    stages ask that, never which flavour it is.
    """

    Settings: ClassVar[type[NoSettings]] = NoSettings
    """What params.yaml says of a model of this kind, beside what all have."""

    loss_unit: str
    """What the loss and its parts are measured in."""

    prior: ClassVar[Literal["standard normal", "autoregressive"] | None] = None
    """The distribution of codes that `sample_prior` draws from; None where there is none."""

    likelihood: str | None = None
    """The distribution of images given their code, of a model whose codes are distributions too:
    what `models.variational` says of it."""

    supervised: ClassVar[bool] = False
    """Whether it learns from the images' classes too: it is built with how many `classes` there
    are, and given their labels with its loss, never when it encodes."""

    own_losses: tuple[str, ...] = ("loss", "alignment")
    """The parts of the loss that are minimised: no two of them share weights."""

    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        network: dict[str, Any],
        latent_dim: int,
        align: Described | None,
    ) -> None:
        """Build the networks; `align` is the corruption to undo before encoding, as in params.

        Raises:
            ValueError: the latent size is below 1, or the network is not described as one.
        """
        if latent_dim < 1:
            raise ValueError(f"latent_dim is {latent_dim}, expected at least 1")
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.aligner = build_aligner(self.image_shape, align) if align else None
        halves = build_network(network)
        self.encoder = halves.encoder(self.image_shape, self.encoded_dim)
        self.decoder = halves.decoder(self.image_shape, self.code_dim)
        # Convolutions on CPUs and GPUs alike are fastest with the channels innermost.
        self.to(memory_format=torch.channels_last)

    @property
    def code_dim(self) -> int:
        """Numbers in a code: `latent_dim`, unless a flavour adds some."""
        return self.latent_dim

    @property
    def encoded_dim(self) -> int:
        """Numbers that the encoder gives for an image: as many as in a code, or others."""
        return self.latent_dim

    @abstractmethod
    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        """`encode` of aligned images."""

    @abstractmethod
    def _loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """`loss` of aligned images without labels, and without the aligner's own."""

    def _supervised_loss(
        self, inputs: Tensor, targets: Tensor, noise: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """The same of a flavour that is `supervised`."""
        raise NotImplementedError(f"{type(self).__name__} knows no classes")

    def align(self, images: Tensor) -> Tensor:
        """The estimates of the originals from corrupted images (N, C, H, W); without an aligner
        the images themselves.
        """
        if self.aligner is None:
            return images
        return self.aligner(images).contiguous(memory_format=torch.channels_last)

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """The latent codes as "mean", and what else the flavour knows of them, each (N, ...)."""
        return self._encode(self.align(images))

    def loss(
        self, inputs: Tensor, targets: Tensor, noise: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The quantity to minimise as "loss", and its parts, each a mean over the images.

        `inputs` (N, C, H, W) may be corrupted; `targets` are the original images. `noise`, of
        `draw_noise`, is all that is random. An aligner has a loss of its own, to be minimised too:
        "alignment", the mean squared error of its estimates. `labels` (N,), the numbers of the
        images' classes, count where the flavour is `supervised`.
        """
        aligned = self.align(inputs).float()
        # The two losses share no weights, and Adam does not heed the scale of a gradient: so
        # neither has to be weighed against the other.
        seen = aligned.detach()
        if self.supervised and labels is not None:
            parts = self._supervised_loss(seen, targets, noise, labels)
        else:
            parts = self._loss(seen, targets, noise)
        if self.aligner is not None:
            parts["alignment"] = functional.mse_loss(aligned, targets)
        return parts

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """What the loss of `count` images needs of chance, (count, ...) on the generator's device.

        Nothing, unless a flavour says otherwise.
        """
        return torch.empty(count, 0, device=generator.device)

    def anneal(self, done: float) -> None:
        """Told before each step of a training which part of its steps is done, 0 to 1.

        Nothing follows, unless a flavour says otherwise.
        """

    def decode(self, codes: Tensor) -> Tensor:
        """Decode latent codes (N, L) to images in [0, 1]."""
        return torch.sigmoid(self.logits(codes))

    def logits(self, codes: Tensor) -> Tensor:
        """Decode latent codes (N, L) to the logits of images."""
        return self.decoder(codes).float()

    def reconstruct(self, images: Tensor) -> Tensor:
        """Encode and decode, by way of the mean where the code is a distribution."""
        return self.decode(self.encode(images)["mean"])

    def sample_prior(self, count: int, generator: torch.Generator) -> Tensor:
        """Codes (count, code_dim) from the prior of a flavour that has one.

        Drawn on the generator's device, which is that of the model.
        """
        raise NotImplementedError(f"{type(self).__name__} has no prior")

    def sample_classes(self, count: int, generator: torch.Generator) -> Tensor:
        """Codes (classes, count, code_dim) of each class, of a flavour that is `supervised`.

        Drawn on the generator's device, which is that of the model.
        """
        raise NotImplementedError(f"{type(self).__name__} knows no classes")

    def code_measures(self, codes: Mapping[str, np.ndarray]) -> dict[str, float]:
        """What the flavour has to say of the codes (N, ...) of test images, by `encode`'s names.

        Nothing, unless a flavour says otherwise.
        """
        return {}


class Decoding(nn.Module):
    """A model's `decode` as the forward pass of a module, which is what torch traces."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor) -> Tensor:
        return torch.sigmoid(self.model.logits(codes))
