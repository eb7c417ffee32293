"""Random streams that depend on the seed and their purpose alone, never on what ran before.

Streams of different seeds, purposes or indices are independent (numpy's SeedSequence), so a stage
that draws more does not shift what another draws, and epoch 3 is the same epoch 3 whether or not
the training was interrupted before it.
"""

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # many who draw samples do without, and it takes seconds to import
    import torch


def generator(
    seed: int, purpose: str, index: int = 0, device: "torch.device | str" = "cpu"
) -> "torch.Generator":
    """torch's generator for one purpose, for instance `("epoch", 3)`."""
    import torch

    state = int(_sequence(seed, purpose, index).generate_state(1, np.uint64)[0])
    return torch.Generator(device).manual_seed(state)


def numpy_generator(seed: int, purpose: str) -> np.random.Generator:
    """numpy's generator for one purpose."""
    return np.random.default_rng(_sequence(seed, purpose))


def library_seed(seed: int, purpose: str) -> int:
    """A number for one purpose, below 2^32, for libraries that take no generator."""
    return int(_sequence(seed, purpose).generate_state(1, np.uint32)[0])


def subsample(count: int, most: int, seed: int, purpose: str) -> np.ndarray:
    """Up to `most` of the positions 0..count-1, in order, the same for a given seed and purpose."""
    if count <= most:
        return np.arange(count)
    return np.sort(numpy_generator(seed, purpose).permutation(count)[:most])


def _sequence(seed: int, purpose: str, index: int = 0) -> np.random.SeedSequence:
    return np.random.SeedSequence((seed, zlib.crc32(purpose.encode()), index))
