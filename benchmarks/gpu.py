"""The table of docs/scaling.md on GPUs: an epoch of the default models, on the device there is.

    python -m benchmarks.gpu

Trains models.ae and models.vae of params.yaml on made images of Fashion-MNIST's shape, clean,
rotated and shuffled, with their aligners, in float32 and in bfloat16, for two epochs each, in
a process of its own, and prints a row of Markdown: seconds of the second epoch, images per second,
and the peak of the device's memory. In the first epoch the CUDA graph is captured.
"""

import argparse
import platform
import subprocess
import sys
import tempfile
import time
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


def row(model: str, corruption: str, precision: str, count: int, device: torch.device) -> str:
    """A row of Markdown, and of the device's memory what this process has used."""
    images = made_images(count).to(device)
    seconds = seconds_of(model, corruption, precision, images)
    peak = torch.cuda.max_memory_allocated(device) / MEBIBYTE if device.type == "cuda" else None
    memory = f"{peak:.0f} MiB" if peak else ""
    rate = f"{count / seconds:,.0f}"
    return f"| {model} | {corruption} | {precision} | {seconds:.2f} | {rate} | {memory} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="An epoch of the default models on a device.")
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    device = prepare(options.device, "--device")
    if options.row:
        print(row(*options.row, options.images, device))
        return
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    print(f"{name}, torch {torch.__version__}, {options.images:,} images, batches of ", end="")
    print(f"{read_params().train.batch_size}\n")
    print("| model | input | precision | seconds | images per second | peak |")
    print("|---|---|---|---|---|---|", flush=True)
    for chosen in product(MODELS, CORRUPTIONS, PRECISIONS):
        command = [sys.executable, "-m", "benchmarks.gpu", "--row", *chosen]
        command += ["--images", str(options.images), "--device", device.type]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
