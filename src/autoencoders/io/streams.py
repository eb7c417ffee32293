"""Random streams that depend on the seed and their purpose alone, never on what ran before."""

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # many who draw samples do without, and it takes seconds to import
    import torch


def generator(
    seed: int, purpose: str, index: int = 0, device: "torch.device | str" = "cpu"
) -> "torch.Generator":
    """A generator for one purpose, for instance `("epoch", 3)`.

    Streams of different seeds, purposes or indices are independent (numpy's SeedSequence), so a
    stage that draws more does not shift what another draws, and epoch 3 is the same epoch 3
    whether or not the training was interrupted before it.
    """
    import torch

    sequence = np.random.SeedSequence((seed, zlib.crc32(purpose.encode()), index))
    state = int(sequence.generate_state(1, np.uint64)[0])
    return torch.Generator(device).manual_seed(state)


def subsample(count: int, most: int, seed: int) -> np.ndarray:
    """Up to `most` of the positions 0..count-1, in order, the same for a given seed."""
    chosen = np.random.default_rng(seed).permutation(count)[:most]
    return np.sort(chosen)
