"""One step of a training, on one process or many, launched one by one or as a CUDA graph."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from autoencoders.io.tensors import to_float
from autoencoders.models.base import Autoencoder
from autoencoders.training.group import Group

REHEARSALS = 3
"""Steps before one is captured, as torch advises: libraries and optimisers set themselves up."""


class Loss(nn.Module):
    """A model's loss as the forward pass of a module, which is what torch's wrappers take."""

    def __init__(self, model: Autoencoder, precision: torch.dtype) -> None:
        super().__init__()
        self.model = model
        self.precision = precision

    def forward(
        self, inputs: Tensor, targets: Tensor, noise: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The loss and its parts for uint8 images (N, C, H, W)."""
        lower = self.precision != torch.float32
        # Without the cache, as weights that change within a captured graph would go unnoticed.
        with torch.autocast(inputs.device.type, self.precision, lower, cache_enabled=False):
            return self.model.loss(to_float(inputs), to_float(targets), noise, labels)


class Step:
    """Forward, backward and optimiser."""

    def __init__(
        self,
        model: Autoencoder,
        optimizers: list[torch.optim.Optimizer],
        precision: torch.dtype,
        group: Group,
    ) -> None:
        self.optimizers = optimizers
        self.group = group
        self.model = model
        self.loss: nn.Module = Loss(model, precision)
        self.rehearsals = 0
        self.shape: torch.Size | None = None  # of the first batch, as of all but an epoch's last
        self.captured: Captured | None = None
        if group.size > 1:
            # Buffers are the same everywhere: they come from the statistics of the whole batch.
            self.loss = nn.parallel.DistributedDataParallel(self.loss, forward_sync_buffers=False)

    def __call__(
        self, inputs: Tensor, targets: Tensor, noise: Tensor, labels: Tensor, whole: int
    ) -> dict[str, Tensor]:
        """Take a step on this process's part of a batch of `whole` images: the part's losses.

        On a GPU they hold until the next step.
        """
        batch = (inputs, targets, noise, labels)
        if inputs.device.type != "cuda" or self.group.size > 1:
            return self._take(batch, whole)
        if self.captured is None:
            self.shape = self.shape or inputs.shape
            if self.rehearsals < REHEARSALS or inputs.shape != self.shape:
                return self._rehearse(batch, whole)
            self.captured = Captured(lambda given: self._take(given, whole), batch)
        if self.captured.fits(batch):
            return self.captured(batch)
        return self._take(batch, whole)  # the last one of an epoch, of fewer images

    def _take(self, batch: tuple[Tensor, ...], whole: int) -> dict[str, Tensor]:
        parts = self.loss(*batch)
        # The processes' gradients are averaged, whatever the sizes of their parts.
        weight = len(batch[0]) * self.group.size / whole
        losses = [parts[name] for name in self.model.own_losses if name in parts]
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        (weight * sum(losses)).backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return {name: part.detach() for name, part in parts.items()}

    def _rehearse(self, batch: tuple[Tensor, ...], whole: int) -> dict[str, Tensor]:
        """A step as it is, of the first few: what they set up is no part of a graph."""
        if not self.rehearsals:
            make_capturable(self.optimizers, batch[0].device)
        self.rehearsals += 1
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            parts = self._take(batch, whole)
        torch.cuda.current_stream().wait_stream(aside)
        return parts


class Captured:
    """A step as one CUDA graph, so that a small model does not wait for its launches.

    A graph has one shape, and does what it did when it was captured: numbers of Python's stay what
    they were, those in tensors may change.
    """

    def __init__(
        self,
        take: Callable[[tuple[Tensor, ...]], dict[str, Tensor]],
        batch: tuple[Tensor, ...],
    ) -> None:
        self.given = tuple(part.clone() for part in batch)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):  # which records, and does nothing yet
            self.parts = take(self.given)

    def fits(self, batch: tuple[Tensor, ...]) -> bool:
        return all(own.shape == part.shape for own, part in zip(self.given, batch, strict=True))

    def __call__(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        for own, part in zip(self.given, batch, strict=True):
            own.copy_(part)
        self.graph.replay()
        return self.parts


def make_capturable(optimizers: Iterable[torch.optim.Optimizer], device: torch.device) -> None:
    """Have learning rates in tensors, where a schedule's changes reach a captured step too."""
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["lr"] = torch.as_tensor(group["lr"], dtype=torch.float32, device=device)
        if "capturable" in group:
            group["capturable"] = True
