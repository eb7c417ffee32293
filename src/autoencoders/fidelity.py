"""How close generated images come to real ones, in a feature space.

Features are (N, F), of real images and of images in question. Scores in another feature space, such
as Inception's, must not be compared with these.
"""

import warnings

import torch
from torch import Tensor, nn

from autoencoders.core.numbers import ratio

NEIGHBOURS = 5
KID_SUBSETS, KID_SUBSET_SIZE = 50, 1000
CHUNK = 250
MEASURES = ("frechet", "kid", "precision", "recall", "density", "coverage")


def fidelity_measures(real: Tensor, made: Tensor, seed: int) -> dict[str, float | None]:
    """All measures of `made` against `real`, each None where either has less than two images.

    "frechet": the Frechet distance between Gaussians fitted to both (Heusel et al., 2017), at least
    0. "kid": the squared maximum mean discrepancy under the kernel (x.y / F + 1)^3, the mean of 50
    unbiased estimates of up to 1,000 features each (Binkowski et al., 2018), about 0 for equal
    distributions. "precision", "recall", "density" and "coverage": see `manifold_measures`.
    """
    if min(len(real), len(made)) < 2:
        return dict.fromkeys(MEASURES)
    # torchmetrics takes seconds to import, and only this function needs it.
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    extractor = nn.Identity()  # the features are given, where images would be
    extractor.num_features = real.shape[1]
    subset = min(KID_SUBSET_SIZE, len(real), len(made))
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*extracted features in buffer")
        torch.manual_seed(seed)
        frechet = FrechetInceptionDistance(feature=extractor)
        kid = KernelInceptionDistance(feature=extractor, subsets=KID_SUBSETS, subset_size=subset)
        for metric in (frechet, kid):
            metric.update(real.cpu(), real=True)
            metric.update(made.cpu(), real=False)
        found = {"frechet": max(0.0, float(frechet.compute())), "kid": float(kid.compute()[0])}
    return found | manifold_measures(real, made)


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
        "precision": float((within_real > 0).double().mean()),
        "recall": float(torch.cat(recalled).double().mean()),
        "density": float(within_real.double().mean() / NEIGHBOURS),
        "coverage": float(torch.cat(covered).double().mean()),
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
    nearest = [torch.cdist(part, others).min(dim=1) for part in points.split(CHUNK)]
    return torch.cat([one.values for one in nearest]), torch.cat([one.indices for one in nearest])


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
