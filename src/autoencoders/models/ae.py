"""The vanilla autoencoder."""

from torch import Tensor
from torch.nn import functional

from autoencoders.models.base import Autoencoder


class VanillaAutoencoder(Autoencoder):
    """Minimises the mean squared error through the bottleneck (Hinton & Salakhutdinov, 2006)."""

    loss_unit = "mean squared error"

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        return {"mean": self.encoder(images)}

    def loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        return {"loss": functional.mse_loss(self.reconstruct(inputs), targets)}
