"""The regularised autoencoder."""

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from autoencoders import settings
from autoencoders.models.base import SQUARED_ERROR, Autoencoder


class RegularisedAutoencoder(Autoencoder):
    """The mean squared error, with penalties on large codes and on large weights of the decoder.

    Ghosh et al., 2020 (arXiv:1903.12436), their RAE-L2: codes that stay close to 0 under a smooth
    decoder are what a mixture of Gaussians, fitted to them afterwards, can sample from. The
    penalties are half the mean over images of the squared length of the code, and half the squared
    length of all weights of the decoder.
    """

    class Settings(settings.Settings):
        code_penalty: float = Field(ge=0, description="weight of half the code's squared length")
        decoder_penalty: float = Field(
            ge=0, description="weight of half the squared length of the decoder's weights"
        )

    loss_unit = SQUARED_ERROR

    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        code_penalty: float,
        decoder_penalty: float,
        **settings,
    ) -> None:
        super().__init__(image_shape, **settings)
        self.code_penalty = code_penalty
        self.decoder_penalty = decoder_penalty

    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        return {"mean": self.encoder(images).float()}

    def _loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        codes = self._encode(inputs)["mean"]
        squared_error = functional.mse_loss(self.decode(codes), targets)
        code = 0.5 * codes.square().sum(dim=1).mean()
        weights = [p.float().square().sum() for p in self.decoder.parameters() if p.dim() > 1]
        decoder = 0.5 * sum(weights[1:], weights[0])
        penalty = self.code_penalty * code + self.decoder_penalty * decoder
        return {
            "loss": squared_error + penalty,
            "squared_error": squared_error,
            "code": code,
            "decoder": decoder,
        }


PART = RegularisedAutoencoder
