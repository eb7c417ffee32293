"""The vanilla autoencoder."""

from torch import Tensor
from torch.nn import functional

from autoencoders.models.base import SQUARED_ERROR, Autoencoder


class VanillaAutoencoder(Autoencoder):
    """Minimises the mean squared error through the bottleneck (Hinton & Salakhutdinov, 2006)."""

    loss_unit = SQUARED_ERROR

    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        return {"mean": self.encoder(images).float()}

    def _loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        reconstructed = self.decode(self._encode(inputs)["mean"])
        return {"loss": functional.mse_loss(reconstructed, targets)}


PART = VanillaAutoencoder
