"""Dense layers, for comparison with the papers that use them."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from autoencoders.nets.base import Network

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


class Mlp(Network):
    """Dense layers of these widths from the image to the code, and back in the opposite order."""

    widths: list[Annotated[int, Field(ge=1, le=65_536)]] = Field(
        min_length=1, max_length=16, description="numbers after each layer, from the image inwards"
    )
    activation: Literal["relu", "tanh"] = Field(description="after each layer but the last")

    def encoder(self, image_shape: tuple[int, ...], code_size: int) -> nn.Module:
        layers = self._layers([math.prod(image_shape), *self.widths, code_size])
        return nn.Sequential(nn.Flatten(), *layers)

    def decoder(self, image_shape: tuple[int, ...], code_size: int) -> nn.Module:
        layers = self._layers([code_size, *reversed(self.widths), math.prod(image_shape)])
        return nn.Sequential(*layers, nn.Unflatten(1, image_shape))

    def _layers(self, sizes: Sequence[int]) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), ACTIVATIONS[self.activation]()]
        return layers[:-1]


PART = Mlp
