"""Jigsaws put together piece by piece, beside a Gumbel-Sinkhorn network.

    python -m benchmarks.jigsaws --grids 2 3 4 5 6

on data/processed (28x28 pixels, say MNIST or Fashion-MNIST), by the protocol of Mena et al., 2018
(Learning Latent Permutations with Gumbel-Sinkhorn Networks, arXiv:1802.08665), section 5.2, as in
the public reimplementation perrying/gumbel-sinkhorn: sides are cut to a multiple of the grid, so
that no strip tells where a piece belongs; scores are made a permutation by the Hungarian algorithm;
and a piece is wrong if its pixels differ from those of the piece that belongs there. Both train on
the same images, each permuted anew in every epoch, for the same number of epochs.

    aligner          this project's, by its own loss (the mean squared error of the estimate) and
                     with the default optimiser and schedule
    gumbel-sinkhorn  the network of that paper: a convolution of 64 channels and a max-pooling for
                     each piece, a dense layer to its scores for each place, five samples of 20
                     Sinkhorn rounds at temperature 1, their mean squared error, and Adam; by that
                     rate and batch size, of two, that after a quarter of the epochs on the
                     first grid is better on validation images

Prints a row of a Markdown table for each, measured on all test images.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.stats import kendalltau
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from autoencoders.corruptions.kinds.jigsaw import Jigsaw, JigsawAligner, cut, paste
from autoencoders.io.arrays import IMAGES, read_arrays
from autoencoders.io.streams import generator
from autoencoders.io.tensors import EVALUATION_BATCH, to_float
from autoencoders.nets.devices import prepare
from autoencoders.params import read_params
from autoencoders.training.optimizers.muon import Orthogonal, matrices
from autoencoders.training.schedule import learning_rate_factor

CHANNELS, SAMPLES, ROUNDS, SMALL = 64, 5, 20, 1e-20
PEER_SETTINGS = ((1e-4, 32), (1e-3, 128))
"""Adam's rate and the batch size: those of the reimplementation, and faster ones."""
MEASURES = ("wrong pieces", "puzzles with any wrong", "Kendall's tau", "L1", "L2")


class Solver(nn.Module):
    """Scores (N, pieces, places) of the pieces (N, C, H, W) of shuffled images, and a loss."""

    def scores(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    def loss(self, images: Tensor, originals: Tensor) -> Tensor:
        raise NotImplementedError


class Aligner(Solver):
    def __init__(self, shape: tuple[int, ...], grid: int) -> None:
        super().__init__()
        self.network = JigsawAligner(shape, grid=grid)

    def scores(self, images: Tensor) -> Tensor:
        return self.network.scores(images)[1]

    def loss(self, images: Tensor, originals: Tensor) -> Tensor:
        return functional.mse_loss(self.network(images), originals)

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Muon and Adam for what they move in the default training."""
        settings = read_params().train.optimizer.model_dump()
        weights = matrices(self)
        chosen = {id(p) for p in weights}
        others = [p for p in self.parameters() if id(p) not in chosen]
        rates = settings["learning_rate"], settings["momentum"], settings["weight_decay"]
        adam = torch.optim.Adam(others, lr=settings["adam_learning_rate"], fused=True)
        return [Orthogonal(weights, *rates), adam]


class GumbelSinkhorn(Solver):
    def __init__(self, shape: tuple[int, ...], grid: int, rate: float) -> None:
        super().__init__()
        channels, height, width = shape
        self.shape, self.grid, self.rate = shape, grid, rate
        self.piece = (channels, height // grid, width // grid)
        self.embed = nn.Sequential(
            nn.Conv2d(channels, CHANNELS, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
        )
        size = CHANNELS * (self.piece[1] // 2) * (self.piece[2] // 2)
        self.to_places = nn.Linear(size, grid * grid, bias=False)

    def scores(self, images: Tensor) -> Tensor:
        pieces = cut(images, self.grid).unflatten(2, self.piece)
        found = self.to_places(self.embed(pieces.flatten(0, 1)))
        return found.unflatten(0, pieces.shape[:2])

    def loss(self, images: Tensor, originals: Tensor) -> Tensor:
        scores = self.scores(images).repeat(SAMPLES, 1, 1)
        noise = -torch.log(-torch.log(torch.rand_like(scores) + SMALL) + SMALL)
        weights = sinkhorn(scores + noise).transpose(1, 2)
        restored = weights @ cut(images, self.grid).repeat(SAMPLES, 1, 1)
        # The reimplementation adds up the samples' errors, of which Adam does not heed the scale.
        return functional.mse_loss(restored, cut(originals, self.grid).repeat(SAMPLES, 1, 1))

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [torch.optim.Adam(self.parameters(), lr=self.rate, fused=True)]


def sinkhorn(scores: Tensor) -> Tensor:
    """Nearly doubly stochastic matrices of scores (N, pieces, places), by ROUNDS rounds."""
    for _ in range(ROUNDS):
        scores = scores - scores.logsumexp(dim=2, keepdim=True)
        scores = scores - scores.logsumexp(dim=1, keepdim=True)
    return scores.exp()


def train(
    solver: Aligner | GumbelSinkhorn,
    jigsaw: Jigsaw,
    images: Tensor,
    *,
    epochs: int,
    batch_size: int,
    decays: bool,
    seed: int,
) -> None:
    """On uint8 images (N, C, H, W), each permuted anew in every epoch."""
    optimizers = solver.optimizers()
    steps = epochs * -(-len(images) // batch_size)
    schedulers = [
        torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(step, steps, 0.05) if decays else 1.0
        )
        for optimizer in optimizers
    ]
    solver.train()
    for epoch in tqdm(range(epochs), disable=None):
        chance = generator(seed, "jigsaws", epoch)
        torch.manual_seed(seed * epochs + epoch)
        for positions in torch.randperm(len(images), generator=chance).split(batch_size):
            originals = images[positions]
            inputs = jigsaw.apply(originals, jigsaw.draw(len(originals), chance))
            loss = solver.loss(to_float(inputs), to_float(originals))
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer, scheduler in zip(optimizers, schedulers, strict=True):
                optimizer.step()
                scheduler.step()


@torch.inference_mode()
def measure(solver: Solver, jigsaw: Jigsaw, images: Tensor, seed: int) -> dict[str, float]:
    """Of uint8 images (N, C, H, W), each permuted once."""
    solver.eval()
    grid, tile_height = jigsaw.grid, jigsaw.height // jigsaw.grid
    inputs, record = jigsaw.draw_and_apply(images, generator(seed, "jigsaws, test"))
    found: list[np.ndarray] = []
    batches = zip(
        *(part.split(EVALUATION_BATCH) for part in (inputs, images, record["permutation"])),
        strict=True,
    )
    for given, wanted, permutation in batches:
        costs = -solver.scores(to_float(given)).double().numpy()
        places = np.stack([linear_sum_assignment(cost)[1] for cost in costs])
        of_place = torch.from_numpy(places.argsort(axis=1))
        pieces, originals = cut(given, grid), cut(wanted, grid)
        restored = pieces.gather(1, of_place.unsqueeze(2).expand_as(pieces))
        assert torch.equal(paste(originals, wanted.shape[1], tile_height, grid), wanted)
        apart = (restored.float() - originals.float()).abs() / 255
        wrong = (apart.amax(dim=2) > 0).double()
        # `permutation` says which piece lies in each place, `places` where it is put.
        pairs = zip(places, permutation.numpy(), strict=True)
        taus = np.array([kendalltau(put, own).statistic for put, own in pairs])
        found.append(
            np.stack(
                [
                    wrong.mean(dim=1).numpy(),
                    wrong.amax(dim=1).numpy(),
                    taus,
                    apart.mean(dim=(1, 2)).double().numpy(),
                    apart.square().mean(dim=(1, 2)).double().numpy(),
                ],
                axis=1,
            )
        )
    return dict(zip(MEASURES, np.concatenate(found).mean(axis=0).tolist(), strict=True))


@dataclass(frozen=True)
class Data:
    """uint8 images (N, C, H, W) whose sides the grid divides."""

    train: Tensor
    validation: Tensor
    test: Tensor

    @classmethod
    def read(cls, grid: int) -> "Data":
        parts = []
        for name in ("train", "validation", "test"):
            path = Path(f"data/processed/{name}.safetensors")
            images = read_arrays(path, images=IMAGES)["images"]
            height, width = (side // grid * grid for side in images.shape[2:])
            parts.append(torch.from_numpy(images[:, :, :height, :width].copy()))
        return cls(*parts)


def aligner(data: Data, jigsaw: Jigsaw, epochs: int, seed: int) -> Solver:
    torch.manual_seed(seed)
    solver = Aligner(tuple(data.train.shape[1:]), jigsaw.grid)
    size = read_params().train.batch_size
    train(solver, jigsaw, data.train, epochs=epochs, batch_size=size, decays=True, seed=seed)
    return solver


def gumbel_sinkhorn(data: Data, jigsaw: Jigsaw, epochs: int, seed: int) -> Solver:
    """By the settings that were better after a quarter of the epochs on the first grid."""

    def trained(rate: float, size: int, count: int) -> GumbelSinkhorn:
        torch.manual_seed(seed)
        solver = GumbelSinkhorn(tuple(data.train.shape[1:]), jigsaw.grid, rate)
        train(solver, jigsaw, data.train, epochs=count, batch_size=size, decays=False, seed=seed)
        return solver

    def wrong_pieces(settings: tuple[float, int]) -> float:
        solver = trained(*settings, max(1, epochs // 4))
        return measure(solver, jigsaw, data.validation, seed)["wrong pieces"]

    if not chosen:
        chosen.append(min(PEER_SETTINGS, key=wrong_pieces))
    return trained(*chosen[0], epochs)


chosen: list[tuple[float, int]] = []
"""The peer's settings, once they are chosen."""

WAYS: dict[str, Callable[[Data, Jigsaw, int, int], Solver]] = {
    "aligner": aligner,
    "gumbel-sinkhorn": gumbel_sinkhorn,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Jigsaws, put together piece by piece.")
    parser.add_argument("--grids", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    prepare("cpu")
    print(f"| grid | way | {' | '.join(MEASURES)} | minutes |")
    print("|---" * (3 + len(MEASURES)) + "|", flush=True)
    for grid in options.grids:
        data = Data.read(grid)
        jigsaw = Jigsaw(*data.train.shape[2:], grid=grid)
        for way in options.ways:
            start = time.perf_counter()
            solver = WAYS[way](data, jigsaw, options.epochs, options.seed)
            minutes = (time.perf_counter() - start) / 60
            found = measure(solver, jigsaw, data.test, options.seed)
            wrong, any_wrong, *others = found.values()
            cells = [f"{wrong:.2%}", f"{any_wrong:.2%}", *(f"{value:.4f}" for value in others)]
            row = [f"{grid}x{grid}", way, *cells, f"{minutes:.1f}"]
            print(f"| {' | '.join(row)} |", flush=True)
    if chosen:
        print("gumbel-sinkhorn: a rate of {:g}, batches of {}".format(*chosen[0]))


if __name__ == "__main__":
    main()
