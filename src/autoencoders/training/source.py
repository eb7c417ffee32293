"""Where a training takes its images from: memory, or a file that is larger than that."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.io.arrays import place_of

MEMORY_SHARE = 0.25
"""Of the device's memory, what images may take to be kept there as a whole."""
AHEAD = 4
"""Batches that are read before they are asked for."""


class StoredImages:
    """uint8 images (N, C, H, W) of a safetensors file, read batch by batch ahead of their use.

    A batch is the same as if all images were in memory, so that it makes no difference to results.
    """

    def __init__(self, path: Path, name: str, device: torch.device | str) -> None:
        """`name` is that of the array in the file; batches are given on `device`.

        Raises:
            UserError: the file is missing or damaged.
        """
        self.path = path
        self.start, self.shape = place_of(path, name)
        self.size = int(np.prod(self.shape[1:]))
        self.device = torch.device(device)

    def __len__(self) -> int:
        return self.shape[0]

    def batches(self, chosen: Iterable[Tensor]) -> Iterator[Tensor]:
        """The images at each of the positions (B,), in their order.

        Raises:
            UserError: the file ends before an image does.
        """
        ahead: deque[Future[Tensor]] = deque()
        # One thread, as it moves the file's one position; it waits for the disk, not for Python.
        with self.path.open("rb", buffering=0) as file, ThreadPoolExecutor(1) as reader:
            for positions in chosen:
                ahead.append(reader.submit(self._read, file.fileno(), positions.cpu().numpy()))
                if len(ahead) > AHEAD:
                    yield ahead.popleft().result().to(self.device)
            while ahead:
                yield ahead.popleft().result().to(self.device)

    def _read(self, file: int, positions: np.ndarray) -> Tensor:
        images = np.empty((len(positions), self.size), np.uint8)
        # In the order of the file, which disks prefer.
        for place in positions.argsort(kind="stable"):
            os.lseek(file, self.start + int(positions[place]) * self.size, os.SEEK_SET)
            content = os.read(file, self.size)
            if len(content) < self.size:
                raise UserError(f"{self.path}: ends within image {positions[place]}")
            images[place] = np.frombuffer(content, np.uint8)
        return torch.from_numpy(images).view(-1, *self.shape[1:])


def batches_of(images: Tensor | StoredImages, chosen: Iterable[Tensor]) -> Iterator[Tensor]:
    """The images at each of the positions (B,), uint8 (B, C, H, W)."""
    if isinstance(images, StoredImages):
        return images.batches(chosen)
    return (images[positions] for positions in chosen)


def open_images(
    path: Path, name: str, array: np.ndarray, device: torch.device
) -> Tensor | StoredImages:
    """An array of a file, on the device if it takes no more than a quarter of the memory there."""
    if array.nbytes > MEMORY_SHARE * _memory(device):
        return StoredImages(path, name, device)
    return torch.from_numpy(array).to(device)


def _memory(device: torch.device) -> int:
    """Bytes of memory that the device has."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return psutil.virtual_memory().total
