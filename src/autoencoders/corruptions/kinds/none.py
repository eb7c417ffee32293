"""No corruption: the input is the original."""

import torch
from torch import Tensor

from autoencoders.corruptions.base import Permutation, Record


class NoCorruption(Permutation):
    """The input is the original; every image's record is 0."""

    def __init__(self, height: int, width: int, device: torch.device | str = "cpu") -> None:
        super().__init__(height, width, device)
        self.identity = torch.arange(height * width, device=device)

    def draw(self, count: int, generator: torch.Generator) -> Record:
        return {"unchanged": torch.zeros(count, dtype=torch.int64)}

    def table(self, record: Record) -> Tensor:
        return self.identity.expand(len(record["unchanged"]), -1)


PART = NoCorruption
