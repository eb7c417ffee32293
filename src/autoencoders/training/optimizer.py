"""What an optimiser is: how weights follow their gradients, chosen by its kind."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch

from autoencoders.models.base import Autoencoder
from autoencoders.parts import find
from autoencoders.settings import Settings


class Optimizer(Settings):
    """The settings of an optimiser, from which it is built for a model.

    Learning rates are peaks: the training's schedule multiplies them, from 0 to 1, in each step.
    """

    @abstractmethod
    def build(self, model: Autoencoder) -> list[torch.optim.Optimizer]:
        """Torch's optimisers that together move each parameter of the model, each by one of them.

        What they do in a step follows from the gradients and their state alone, so that processes
        that share a training do the same.
        """


def build_optimizer(
    described: Mapping[str, Any], model: Autoencoder
) -> list[torch.optim.Optimizer]:
    """The optimisers of that kind and settings, as in params.yaml, for a model.

    Raises:
        ValueError: there is no such kind, or a setting is none of its own or out of its range.
    """
    settings = dict(described)
    return find("optimizer", settings.pop("kind"))(**settings).build(model)
