"""No corruption: the input is the original."""

import torch
from torch import Tensor

from autoencoders.corruptions.base import Corruption


class NoCorruption(Corruption):
    """The input is the original; every image's record is 0."""

    record_name = "unchanged"

    def __init__(self, height: int, width: int, device: torch.device | str = "cpu") -> None:
        self.identity = torch.arange(height * width, device=device)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.zeros(count, dtype=torch.int64)

    def table(self, record: Tensor) -> Tensor:
        return self.identity.expand(len(record), -1)
