"""One step of a training, on one process or many, launched one by one or as a CUDA graph."""

from typing import cast

import torch
from torch import Tensor, nn

from autoencoders.io.tensors import to_float
from autoencoders.models.base import Autoencoder
from autoencoders.training.group import Group


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
        self.model, self.precision = model, precision
        self.loss: nn.Module = Loss(model, precision)
        self.captured: nn.Module | None = None
        self.captured_shape: torch.Size | None = None
        if group.size > 1:
            # Buffers are the same everywhere: they come from the statistics of the whole batch.
            self.loss = nn.parallel.DistributedDataParallel(self.loss, forward_sync_buffers=False)

    def __call__(
        self, inputs: Tensor, targets: Tensor, noise: Tensor, labels: Tensor, whole: int
    ) -> dict[str, Tensor]:
        """Take a step on this process's part of a batch of `whole` images: the part's losses."""
        run = self.loss
        if inputs.device.type == "cuda" and self.group.size == 1:
            run = self._capture(inputs, targets, noise, labels)
        parts = run(inputs, targets, noise, labels)
        # The processes' gradients are averaged, whatever the sizes of their parts.
        weight = len(inputs) * self.group.size / whole
        losses = [parts[name] for name in self.model.own_losses if name in parts]
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        (weight * sum(losses)).backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return parts

    def _capture(self, *batch: Tensor) -> nn.Module:
        """The loss as a CUDA graph, so that a small model does not wait for its launches.

        A graph has one shape: that of the first batch. A last batch of fewer images runs as it is.
        """
        if self.captured is None:
            self.captured_shape = batch[0].shape
            self.captured = capture(Loss(self.model, self.precision), batch)
        return self.captured if batch[0].shape == self.captured_shape else self.loss


def capture(loss: nn.Module, batch: tuple[Tensor, ...]) -> nn.Module:
    """Capture forward and backward; the rehearsals that this takes leave no trace in buffers."""
    before = [buffer.clone() for buffer in loss.buffers()]
    captured = cast(nn.Module, torch.cuda.make_graphed_callables(loss, batch))
    with torch.no_grad():
        for buffer, value in zip(loss.buffers(), before, strict=True):
            buffer.copy_(value)
    return captured
