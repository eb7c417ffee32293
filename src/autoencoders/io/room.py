"""Room for images, in memory or, for more than that holds, in a file."""

import os
import tempfile

import numpy as np

MEMORY_SHARE = 0.125
"""Of this machine's memory, what an array may take: a few of them are there at once."""
CHUNK = 1000


def blank(shape: tuple[int, ...]) -> np.ndarray:
    """A uint8 array of zeros, to be filled.

    Where it takes more than an eighth of the memory, it lies in a file without a name in the
    current folder, which is gone with the array, and from which the system keeps in memory what
    there is room for. It is not a setting, as it makes no difference to any result.

    Raises:
        OSError: there is no room for the file.
    """
    size = int(np.prod(shape, dtype=np.int64))
    if size <= MEMORY_SHARE * _memory():
        return np.zeros(shape, np.uint8)
    with tempfile.TemporaryFile(dir=".") as file:
        if hasattr(os, "posix_fallocate"):
            # A disk that is full later, on access to the memory, would kill the process.
            os.posix_fallocate(file.fileno(), 0, size)
        return np.memmap(file, np.uint8, "w+", shape=shape)


def taken(images: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The images (N, ...) at the positions: numbers, or a boolean for each image."""
    if positions.dtype == bool:
        positions = np.flatnonzero(positions)
    found = blank((len(positions), *images.shape[1:]))
    for start in range(0, len(positions), CHUNK):
        chosen = positions[start : start + CHUNK]
        found[start : start + CHUNK] = images[chosen]
    return found


def _memory() -> int:
    """Bytes of memory that this machine has."""
    import psutil

    return psutil.virtual_memory().total
