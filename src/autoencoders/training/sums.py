"""Means of losses over the images of an epoch."""

import torch
from torch import Tensor

from autoencoders.training.group import ALONE, Group


class Sums:
    """Sums of losses over images, kept on the device so that no step waits for it."""

    def __init__(self) -> None:
        self.totals: dict[str, Tensor] = {}
        self.count = 0

    def add(self, means: dict[str, Tensor], count: int) -> None:
        """Add the means over `count` images."""
        self.count += count
        for name, mean in means.items():
            self.totals[name] = self.totals.get(name, 0) + mean.detach() * count

    def means(self, group: Group = ALONE) -> dict[str, float]:
        """The means over the images of all processes."""
        totals = torch.stack(list(self.totals.values()))
        count = totals.new_tensor([self.count])
        *sums, count = group.total(torch.cat([totals, count])).tolist()
        return {name: total / count for name, total in zip(self.totals, sums, strict=True)}
