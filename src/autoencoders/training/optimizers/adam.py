"""Adam."""

import torch
from pydantic import Field

from autoencoders.models.base import Autoencoder
from autoencoders.training.optimizer import Optimizer


class Adam(Optimizer):
    """Steps by the mean gradient over the root of its mean square (Kingma & Ba, 2015)."""

    learning_rate: float = Field(gt=0, le=1, description="the peak of the schedule")

    def build(self, model: Autoencoder) -> list[torch.optim.Optimizer]:
        return [torch.optim.Adam(model.parameters(), lr=self.learning_rate, fused=True)]


PART = Adam
