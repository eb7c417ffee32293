"""What each corruption costs beside the training that it is for.

    python -m benchmarks.corruptions

For each corruption of params/stress.yaml the time to draw its records and to corrupt batches of the
default size, as a share of the time to train the default autoencoder, without aligner, on as many
images of noise; measured in turn, the median of several rounds, on the CPU's threads as set by
OMP_NUM_THREADS. Prints a Markdown table.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from ruamel.yaml import YAML

from autoencoders.corruptions.base import split
from autoencoders.corruptions.registry import build_corruption
from autoencoders.io.streams import generator
from autoencoders.models.registry import build_model
from autoencoders.nets.devices import prepare
from autoencoders.params import read_params
from autoencoders.training.group import ALONE
from autoencoders.training.optimizer import build_optimizer
from autoencoders.training.step import Step

SHAPE = (1, 28, 28)
EXPERIMENT = Path("params/stress.yaml")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def trained(images: torch.Tensor, size: int) -> Callable[[], None]:
    """Takes a step on each batch."""
    torch.manual_seed(0)
    settings = read_params().models["ae"].model_dump(exclude={"kind"}) | {"align": None}
    model = build_model("ae", SHAPE, settings).train()
    optimizers = build_optimizer(read_params().train.optimizer.model_dump(), model)
    step = Step(model, optimizers, torch.float32, ALONE)
    labels = torch.zeros(size, dtype=torch.int64)

    def work() -> None:
        for batch in images.split(size):
            step(batch, batch, torch.empty(len(batch), 0), labels[: len(batch)], len(batch))

    return work


def corrupted(described: object, images: torch.Tensor, size: int) -> Callable[[], None]:
    """Draws and corrupts each batch."""
    corruption = build_corruption(described, *SHAPE[1:])  # type: ignore[arg-type]

    def work() -> None:
        record = corruption.draw(len(images), generator(0, "benchmark"))
        for batch, drawn in zip(images.split(size), split(record, size), strict=True):
            corruption.apply(batch, drawn)

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description="What each corruption costs.")
    parser.add_argument("--images", type=int, default=5120)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    prepare("cpu")
    size = read_params().train.batch_size
    chance = torch.Generator().manual_seed(0)
    images = torch.randint(256, (options.images, *SHAPE), generator=chance).to(torch.uint8)
    described = YAML(typ="safe").load(EXPERIMENT.read_text(encoding="utf-8"))["corruptions"]
    ways = {name: corrupted(part, images, size) for name, part in described.items()}
    step = trained(images, size)
    rounds = [
        (seconds(step), {name: seconds(way) for name, way in ways.items()})
        for _ in range(options.rounds)
    ]
    print("| corruption | share of a training step |\n|---|---|")
    for name in ways:
        share = median(found[name] / whole for whole, found in rounds[1:])
        print(f"| {name} | {share:.1%} |")


if __name__ == "__main__":
    main()
