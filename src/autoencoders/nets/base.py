"""What a network is: an encoder and a decoder for images of any size, chosen by its kind."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import nn

from autoencoders.parts import find
from autoencoders.settings import Settings


class Network(Settings):
    """The settings of a network, from which its two halves are built."""

    @abstractmethod
    def encoder(self, image_shape: tuple[int, ...], code_size: int) -> nn.Module:
        """Of images (N, C, H, W), of the shape (C, H, W), to codes (N, code_size)."""

    @abstractmethod
    def decoder(self, image_shape: tuple[int, ...], code_size: int) -> nn.Module:
        """Of codes (N, code_size) to the logits (N, C, H, W) of images in [0, 1]."""


def build_network(described: Mapping[str, Any]) -> Network:
    """The network of that kind and settings, as in params.yaml.

    Raises:
        ValueError: there is no such kind, or a setting is none of its own or out of its range.
    """
    settings = dict(described)
    return find("network", settings.pop("kind"))(**settings)
