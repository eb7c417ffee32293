"""What makes a batch that several processes share the same batch to the model as a whole one."""

import torch
from torch import Tensor, distributed, nn


def batch_mean(values: Tensor) -> Tensor:
    """The mean of all numbers in the batch, of the other processes' parts of it too.

    `values` is this process's part, of any shape; no gradient flows through the mean.
    """
    if not distributed.is_initialized():
        return values.mean()
    sums = torch.stack([values.sum(), values.new_tensor(values.numel())])
    distributed.all_reduce(sums)
    return sums[0] / sums[1]


class TotalOverProcesses(torch.autograd.Function):
    """The sum of the processes' tensors, whose gradient is the sum of theirs.

    torch's own, in distributed.nn.functional, is deprecated for a private one.
    """

    @staticmethod
    def forward(context: torch.autograd.function.FunctionCtx, values: Tensor) -> Tensor:
        return _total(values)

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        return _total(gradient)


def _total(values: Tensor) -> Tensor:
    values = values.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(values)
    return values


def whole_batch(part: Tensor) -> Tensor:
    """The parts (N, ...) of all processes one after the other, with gradients to each.

    What each process makes of it counts in proportion to its part, so that the gradient of a loss
    of the whole batch is the same in all.
    """
    if not distributed.is_initialized():
        return part
    sizes = part.new_zeros(distributed.get_world_size(), dtype=torch.int64)
    rank = distributed.get_rank()
    sizes[rank] = len(part)
    distributed.all_reduce(sizes)
    counts = sizes.tolist()
    blank = [part.new_zeros(count, *part.shape[1:]) for count in counts]
    blank[rank] = part
    return TotalOverProcesses.apply(torch.cat(blank))


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation by the statistics of the whole batch, on any device.

    torch's own SyncBatchNorm needs GPUs. The sums and then the squares of what differs from their
    mean are added up over the processes, and so are their gradients: E[x^2] - E[x]^2 would lose all
    digits where the mean is large beside the deviation.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, images: Tensor) -> Tensor:
        if not (self.training and distributed.is_initialized()):
            return super().forward(images)
        exact = images.float()
        axes = (0, 2, 3)
        count = exact.new_full((1,), exact.numel() / exact.shape[1])
        sums = TotalOverProcesses.apply(torch.cat([exact.sum(axes), count]))
        mean, count = sums[:-1] / sums[-1], sums[-1]
        centred = exact - mean.view(1, -1, 1, 1)
        variance = TotalOverProcesses.apply(centred.square().sum(axes)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalised = centred * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return normalised.to(images.dtype)
