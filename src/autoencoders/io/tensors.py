"""Images between bytes and floats, as tensors."""

import torch
from torch import Tensor

EVALUATION_BATCH = 1000


def to_float(images: Tensor) -> Tensor:
    """uint8 images (N, C, H, W) to float32 in [0, 1], channels innermost."""
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255)


def to_bytes(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in [0, 1] to the nearest uint8, on the CPU."""
    return images.mul(255).round_().clamp_(0, 255).to("cpu", torch.uint8)
