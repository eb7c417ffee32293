"""What every flavour of autoencoder has in common."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from autoencoders.models.architectures import ARCHITECTURES


class Autoencoder(nn.Module, ABC):
    """An encoder and a decoder with a latent vector of `latent_dim` numbers between them.

    Images are float32 in [0, 1] of shape (N, C, H, W); latent codes have the shape (N, latent_dim).
    A reconstruction depends on its input through the latent code alone.
    """

    loss_unit: str
    """What the loss and its parts are measured in."""

    codes_per_dimension = 1
    """Numbers that the encoder gives for each latent dimension."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        architecture: str,
        latent_dim: int,
        channels: list[int],
    ) -> None:
        """Build the networks.

        Raises:
            ValueError: the latent size is below 1.
        """
        if latent_dim < 1:
            raise ValueError(f"latent_dim is {latent_dim}, expected at least 1")
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        encoder, decoder = ARCHITECTURES[architecture]
        self.encoder = encoder(self.image_shape, self.codes_per_dimension * latent_dim, channels)
        self.decoder = decoder(self.image_shape, latent_dim, channels)
        # Convolutions on CPUs and GPUs alike are fastest with the channels innermost.
        self.to(memory_format=torch.channels_last)

    @abstractmethod
    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """The latent codes as "mean", and what else the flavour knows of them, each (N, L)."""

    @abstractmethod
    def loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """The quantity to minimise as "loss", and its parts, each a mean over the images.

        `inputs` may be corrupted; `targets` are the original images. `noise`, of `draw_noise`, is
        all that is random.
        """

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """What the loss of `count` images needs of chance, (count, ...) on the generator's device.

        Nothing, unless a flavour says otherwise.
        """
        return torch.empty(count, 0, device=generator.device)

    def decode(self, codes: Tensor) -> Tensor:
        """Decode latent codes (N, L) to images in [0, 1]."""
        return self.decoder(codes)

    def reconstruct(self, images: Tensor) -> Tensor:
        """Encode and decode, by way of the mean where the code is a distribution."""
        return self.decode(self.encode(images)["mean"])
