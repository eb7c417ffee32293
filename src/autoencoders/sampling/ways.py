"""New codes: between, around and beyond those of real images."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from autoencoders.sampling.classes import representatives

STEPS = 41
"""Codes of a way between classes, enough to see where one turns into the other."""


def blend(means: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """The code amid classes: the mean (L,) of their means, of (K, L)."""
    return means[list(classes)].mean(axis=0)


def interpolate(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """`steps` codes on the straight line from `start` (L,) to `end` (L,), both included."""
    weight = np.linspace(0, 1, steps, dtype=start.dtype)[:, np.newaxis]
    return (1 - weight) * start + weight * end


def interpolate_on_sphere(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """As `interpolate`, but along the arc between the two directions (slerp; Shoemake, 1985).

    It keeps to lengths that a Gaussian prior finds likely, where a straight line cuts through the
    middle, which it does not (White, 2016, arXiv:1609.04468). Where the two point in the same or in
    opposite directions, or one in none, there is no one arc, and the line is straight.
    """
    lengths = float(np.linalg.norm(start) * np.linalg.norm(end))
    angle = np.arccos(np.clip(start @ end / lengths, -1, 1)) if lengths else 0.0
    if np.sin(angle) < 1e-4:
        return interpolate(start, end, steps)
    weight = np.linspace(0, 1, steps)[:, np.newaxis]
    way = np.sin((1 - weight) * angle) * start + np.sin(weight * angle) * end
    return (way / np.sin(angle)).astype(start.dtype)


def traverse(code: np.ndarray, dimension: int, values: np.ndarray) -> np.ndarray:
    """The code (L,) with one dimension set to each of the values (S,): (S, L)."""
    codes = np.repeat(code[np.newaxis], len(values), axis=0)
    codes[:, dimension] = values
    return codes


def plane(quantiles: np.ndarray, means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Codes on a square grid over two dimensions, in rows from above: (S * S, 2).

    The grid's lines lie at the normal distribution's `quantiles` (S,), each in (0, 1), around the
    dimensions' means (2,), so that it shows every part of the plane as often as it is likely
    (Kingma & Welling, 2014, figure 4).
    """
    from scipy.stats import norm

    across, up = (m + d * norm.ppf(quantiles) for m, d in zip(means, deviations, strict=True))
    columns, rows = np.meshgrid(across, up[::-1])
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)


def ways_between(
    codes: np.ndarray, labels: np.ndarray, classes: Sequence[str], blends: Sequence[Sequence[str]]
) -> dict[str, np.ndarray]:
    """For each two neighbours in `blends` the straight way from one class to the other, 41 codes.

    It leads from the code, of (N, L), that represents the one to that of the other; its name is
    "ONE to OTHER".
    """
    if not blends:
        return {}
    ends = dict(zip(classes, codes[representatives(codes, labels, len(classes))], strict=True))
    pairs = dict.fromkeys(pair for names in blends for pair in pairwise(names))
    return {f"{one} to {other}": interpolate(ends[one], ends[other], STEPS) for one, other in pairs}
