"""The table of docs/scaling.md on GPUs: an epoch of the default models, on the device there is.

    python -m benchmarks.gpu

Trains models.ae and models.vae of params.yaml on made images of Fashion-MNIST's shape, clean,
rotated and shuffled, with their aligners, in float32 and in bfloat16, for two epochs each, and
prints a row of Markdown: seconds of the second epoch, images per second, and the peak of the
device's memory. The first epoch holds the capture of the CUDA graph.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import torch
from tqdm import tqdm

from autoencoders.corruptions.registry import build_corruption
from autoencoders.models.registry import build_model
from autoencoders.nets.devices import prepare
from autoencoders.params import read_params
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.loop import Schedule, Training, TrainingData
from benchmarks.epoch import CORRUPTIONS, SHAPE, made_images

MODELS = ("ae", "vae")
PRECISIONS = ("float32", "bfloat16")
MEBIBYTE = 1 << 20


class Clocked(Training):
    """A training that knows how long its last epoch took, the device's work included."""

    def _train(self, epoch: int, bar: tqdm) -> dict[str, float]:
        start = time.perf_counter()
        losses = super()._train(epoch, bar)  # whose sums are read from the device at its end
        self.seconds = time.perf_counter() - start
        return losses


def seconds_of(model_name: str, corruption: str, precision: str, images: torch.Tensor) -> float:
    """An epoch's seconds on the device of the images, after another one."""
    params = read_params()
    described = CORRUPTIONS[corruption]
    settings = params.models[model_name].model_dump(exclude={"kind"})
    undone = described if corruption != "clean" else None
    torch.manual_seed(0)
    model = build_model(params.models[model_name].kind, SHAPE, settings | {"align": undone})
    schedule = params.train.model_dump(exclude={"device", "processes"})
    schedule |= {"epochs": 2, "snapshot_epochs": [], "precision": precision}
    made = build_corruption(described, *SHAPE[1:], images.device)
    data = TrainingData(images, images[:8], images[:8], images[:8])
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), "benchmark", "0" * 64)
        run = Clocked(
            model.to(images.device), made, data, Schedule(**schedule), params.seed, checkpoint
        )
        run.run()
    return run.seconds


def rows(images: torch.Tensor) -> Iterator[str]:
    for model, corruption, precision in product(MODELS, CORRUPTIONS, PRECISIONS):
        on_gpu = images.device.type == "cuda"
        if on_gpu:
            torch.cuda.reset_peak_memory_stats(images.device)
        seconds = seconds_of(model, corruption, precision, images)
        peak = torch.cuda.max_memory_allocated(images.device) / MEBIBYTE if on_gpu else None
        memory = f"{peak:.0f} MiB" if peak else ""
        rate = f"{len(images) / seconds:,.0f}"
        yield f"| {model} | {corruption} | {precision} | {seconds:.2f} | {rate} | {memory} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="An epoch of the default models on a device.")
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    options = parser.parse_args()
    device = prepare(options.device, "--device")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    print(f"{name}, torch {torch.__version__}, {options.images:,} images, batches of ", end="")
    print(f"{read_params().train.batch_size}\n")
    print("| model | input | precision | seconds | images per second | peak |")
    print("|---|---|---|---|---|---|")
    for row in rows(made_images(options.images).to(device)):
        print(row, flush=True)


if __name__ == "__main__":
    main()
