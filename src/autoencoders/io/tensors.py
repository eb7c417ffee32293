"""Images between bytes and floats, as tensors."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

EVALUATION_BATCH = 1000


def to_float(images: Tensor) -> Tensor:
    """uint8 images (N, C, H, W) to float32 in [0, 1], channels innermost."""
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255)


def to_bytes(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in [0, 1] to the nearest uint8, on the CPU."""
    return images.mul(255).round_().clamp_(0, 255).to("cpu", torch.uint8)


def gather(batches: Iterable[Mapping[str, Tensor]], count: int) -> dict[str, Tensor]:
    """Named tensors of batches, `count` rows in all, each in one piece.

    Filled as they come: a list of them would be copied at its end, and what is kept of each batch
    between the memory of others would leave that in holes.
    """
    results: dict[str, Tensor] = {}
    start = 0
    for batch in batches:
        for name, values in batch.items():
            if name not in results:
                results[name] = values.new_empty(count, *values.shape[1:])
            results[name][start : start + len(values)] = values
        start += len(next(iter(batch.values())))
    assert start == count, f"{start} rows of {count}"
    return results
