"""How close generated images come to real ones, in a feature space.

Features are (N, F), of real images and of images in question. Scores in another feature space, such
as Inception's, must not be compared with these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from sklearn.metrics.pairwise import polynomial_kernel
from torch import Tensor

from autoencoders.errors import left_out
from autoencoders.io.streams import generator, subsample
from autoencoders.measures.ratio import ratio

NEIGHBOURS = 5
ROUNDING = 1e-5  # of features, relative
KID_SUBSETS, KID_SUBSET_SIZE = 50, 1000
CHUNK = 250
MOST_HELD_OUT = 10_000  # validation images: what they tell of a quantile, more tell no better
QUANTILES = {"q01": 0.01, "q05": 0.05, "median": 0.5}
MEASURES = ("frechet", "kid", "precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Reference:
    """The features (N, F) of real images that others are measured against."""

    real: Tensor
    """Test images."""
    training: Tensor
    """Training images: what a copy would be a copy of."""
    usual: Tensor
    """How far validation images, which are no copies, are from the nearest training image: (V,)."""

    @classmethod
    def of(cls, real: Tensor, training: Tensor, held_out: Tensor, seed: int) -> "Reference":
        """By the features of test, training and validation images, of these at most 10,000."""
        if len(real) < 2:
            left_out("the measures of generation", "they need at least 2 images, found 1")
        chosen = subsample(len(held_out), MOST_HELD_OUT, seed, "held-out images")
        usual = nearest_distances(held_out[chosen], training)[0]
        if not usual.median():
            left_out(
                "distances to training images",
                "the median validation image is, to the classifier, equal to one of them",
            )
        return cls(real, training, usual)


def generation_measures(
    reference: Reference, made: Mapping[str, Tensor], seed: int
) -> dict[str, dict[str, Any]]:
    """`fidelity_measures` of each source of images, and how close they come to training images."""
    return {
        name: {
            **fidelity_measures(reference.real, points, seed),
            "to_training": closeness(points, reference),
        }
        for name, points in made.items()
    }


def closeness(points: Tensor, reference: Reference) -> dict[str, float | None]:
    """How close images come to the nearest training image, by their features (N, F).

    "q01", "q05" and "median" are quantiles of their distances over the same quantile of validation
    images' distances, None where that is 0. A copy lies in the lower tail, which a median does not
    show: "near_copies" is the share of images that are closer to a training image than all but one
    in a hundred of the validation images, so about 0.01 for images that are as new as those.
    """
    nearest = nearest_distances(points, reference.training)[0]
    apart, usual = (distances.cpu().double().numpy() for distances in (nearest, reference.usual))
    quantiles = {
        name: ratio(float(np.quantile(apart, level)), float(np.quantile(usual, level)))
        for name, level in QUANTILES.items()
    }
    return quantiles | {"near_copies": float((apart < np.quantile(usual, 0.01)).mean())}


def fidelity_measures(real: Tensor, made: Tensor, seed: int) -> dict[str, float | None]:
    """All measures of `made` against `real`, each None where either has less than two images.

    "frechet": the Frechet distance between Gaussians fitted to both (Heusel et al., 2017), at least
    0. "kid": the squared maximum mean discrepancy under the kernel (x.y / F + 1)^3, the mean of 50
    unbiased estimates of up to 1,000 features each (Binkowski et al., 2018), about 0 for equal
    distributions. "precision", "recall", "density" and "coverage": see `manifold_measures`.
    """
    if min(len(real), len(made)) < 2:
        return dict.fromkeys(MEASURES)
    found: dict[str, float | None] = {
        "frechet": frechet_distance(*(points.cpu().double().numpy() for points in (real, made))),
        "kid": kernel_distance(real.cpu().numpy(), made.cpu().numpy(), seed),
    }
    return found | manifold_measures(real, made)


def frechet_distance(real: np.ndarray, made: np.ndarray) -> float:
    """The Frechet distance between Gaussians fitted to float64 features (N, F), at least 0.

    |m - n|^2 + tr(A + B - 2 (A B)^(1/2)), where the trace of the root is the sum of the roots of
    the eigenvalues of A B (Dowson & Landau, 1982).
    """
    means, spreads = zip(
        *((points.mean(axis=0), np.cov(points, rowvar=False)) for points in (real, made)),
        strict=True,
    )
    roots = np.sqrt(np.linalg.eigvals(spreads[0] @ spreads[1]).astype(complex)).real
    apart = np.square(means[0] - means[1]).sum()
    return max(0.0, float(apart + np.trace(spreads[0] + spreads[1]) - 2 * roots.sum()))


def kernel_distance(real: np.ndarray, made: np.ndarray, seed: int) -> float:
    """The mean of unbiased estimates of the squared maximum mean discrepancy of features (N, F).

    Kernel (x.y / F + 1)^3; 50 estimates, each from up to 1,000 of either.
    """
    chance = generator(seed, "kernel distance")
    size = min(KID_SUBSET_SIZE, len(real), len(made))

    def kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return polynomial_kernel(first, second, degree=3)

    total = 0.0
    for _ in range(KID_SUBSETS):
        x, y = (
            points[torch.randperm(len(points), generator=chance)[:size].numpy()].astype(np.float64)
            for points in (real, made)
        )
        within = sum(k.sum() - np.trace(k) for k in (kernel(x, x), kernel(y, y)))
        total += within / (size * (size - 1)) - 2 * kernel(x, y).mean()
    return float(total / KID_SUBSETS)


def manifold_measures(real: Tensor, made: Tensor) -> dict[str, float]:
    """Whether each set lies in the balls around the other's points that reach to the 5th neighbour.

    "precision" is the share of made points within a ball of a real one, "recall" that of real ones
    within a ball of a made one (Kynkaanniemi et al., 2019); "density" counts the real balls around
    a made point, divided by 5, and may exceed 1; "coverage" is the share of real balls that hold a
    made point (Naeem et al., 2020).
    """
    reach_real, reach_made = (_reach(points) for points in (real, made))
    within_real = torch.zeros(len(made), device=made.device)
    recalled, covered = [], []
    for start in range(0, len(real), CHUNK):
        part = slice(start, start + CHUNK)
        apart = torch.cdist(real[part], made)
        inside = apart < reach_real[part].unsqueeze(1)
        within_real += inside.sum(dim=0)
        covered.append(inside.any(dim=1))
        recalled.append((apart < reach_made).any(dim=1))
    return {
        "precision": float((within_real > 0).cpu().double().mean()),
        "recall": float(torch.cat(recalled).cpu().double().mean()),
        "density": float(within_real.cpu().double().mean() / NEIGHBOURS),
        "coverage": float(torch.cat(covered).cpu().double().mean()),
    }


def _reach(points: Tensor) -> Tensor:
    """The distance from each point to its 5th neighbour."""
    most = min(NEIGHBOURS + 1, len(points))  # each point is the nearest to itself
    return torch.cat(
        [
            torch.cdist(part, points).topk(most, largest=False).values[:, -1]
            for part in points.split(CHUNK)
        ]
    )


def nearest_distances(points: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """From each point (N, F) to the nearest of the others (M, F): distances and positions (N,)."""
    nearest = torch.cat([torch.cdist(part, others).argmin(dim=1) for part in points.split(CHUNK)])
    # Once more and exactly: distances of many at once have errors as large as those of near copies.
    distances = (points - others[nearest]).norm(dim=1)
    # Features of equal images differ by rounding, as the batches that they were in did.
    return distances.masked_fill(distances < ROUNDING * points.norm(dim=1), 0), nearest


def smoothness(way: Tensor) -> dict[str, float | None]:
    """How evenly the features (S, F) of an interpolation's images change.

    "longest_step" is the longest step over the mean one, 1 if all are equal; "detour" is the length
    of the way over the distance of its ends, at least 1. Each is None where what it is measured by
    is 0: of a way that stays where it is, or comes back to where it began.
    """
    steps = (way[1:] - way[:-1]).norm(dim=1)
    return {
        "longest_step": ratio(float(steps.max()), float(steps.mean())),
        "detour": ratio(float(steps.sum()), float((way[-1] - way[0]).norm())),
    }


def ways_measures(
    features: Tensor, logits: Tensor, classes: Sequence[str]
) -> dict[str, float | list[str] | None]:
    """`smoothness` of an interpolation by its images' features (S, F), and its classes in order.

    "classes" are the most probable ones by the images' logits (S, K), each once for as long as it
    stays.
    """
    named = [classes[label] for label in logits.argmax(dim=1).tolist()]
    return smoothness(features) | {"classes": [name for name, _ in groupby(named)]}
