"""One epoch of this project's training beside the usual ways, and beside what the machine allows.

    python -m pip install --requirement benchmarks/requirements.txt
    python -m benchmarks.epoch

Every way trains the same network (models.ae of params.yaml, without its aligner unless the row says
so) on the same made images of Fashion-MNIST's shape, in a process of its own, in turn with the
others, for so many rounds. The seconds are those of the second epoch, scaled to 60,000 images; the
memory is the largest resident set of the process and of one of its workers.

    tutorial-0, -2  torchvision's FashionMNIST, a transform per sample, a DataLoader with so many
                    workers, Adam: what most tutorials show
    pythae          pythae's BaseTrainer with our encoder and decoder
    ours            autoencoders.training
    bound           the convolutions and matrix products of a step, each alone: forward, gradient of
                    its input and of its weights, at their fastest
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from autoencoders.corruptions.base import Corruption
from autoencoders.corruptions.base import split as split_record
from autoencoders.corruptions.registry import build_corruption
from autoencoders.models.base import Autoencoder
from autoencoders.models.registry import build_model
from autoencoders.nets.devices import prepare
from autoencoders.params import read_params
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.loop import Schedule, Training, TrainingData
from autoencoders.training.step import Step

SHAPE = (1, 28, 28)
EPOCH = 60_000
CORRUPTIONS = {
    "clean": {"kind": "none"},
    "rotate": {"kind": "rotate"},
    "jigsaw": {"kind": "jigsaw", "grid": 3},
}
WAYS = ("tutorial-0", "tutorial-2", "pythae", "ours", "ours, aligned", "bound")
MEBIBYTE = 1 << 20
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def model_of(corruption: str, aligned: bool) -> Autoencoder:
    torch.manual_seed(0)
    undone = CORRUPTIONS[corruption] if aligned else None
    return build_model(
        "ae", SHAPE, read_params().models["ae"].model_dump(exclude={"kind"}) | {"align": undone}
    )


def made_images(count: int) -> Tensor:
    """uint8 images (count, 1, 28, 28)."""
    chance = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 1, 4, 4, generator=chance)
    smooth = functional.interpolate(coarse, SHAPE[1:], mode="bilinear")
    return smooth.mul(255).to(torch.uint8)


def write_fashion_mnist(folder: Path, images: Tensor) -> None:
    """The files that torchvision's FashionMNIST reads, in the IDX format of the MNIST data sets."""
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    arrays = {"images-idx3": images.squeeze(1).numpy(), "labels-idx1": np.zeros(len(images), "u1")}
    for split in ("train", "t10k"):
        for name, array in arrays.items():
            header = np.array([0x0800 + array.ndim, *array.shape], ">i4").tobytes()
            (raw / f"{split}-{name}-ubyte").write_bytes(header + array.tobytes())


def rotated(image: Tensor) -> Tensor:
    return torch.rot90(image, int(torch.randint(4, ())), (1, 2))


def shuffled(image: Tensor, grid: int = 3) -> Tensor:
    """The tiles of one image in random order, the way that a notebook cuts it."""
    side = image.shape[1] // grid
    tiles = [
        image[:, row * side : (row + 1) * side, column * side : (column + 1) * side]
        for row in range(grid)
        for column in range(grid)
    ]
    order = torch.randperm(len(tiles)).tolist()
    rows = [
        torch.cat([tiles[order[row * grid + column]] for column in range(grid)], dim=2)
        for row in range(grid)
    ]
    result = image.clone()
    result[:, : grid * side, : grid * side] = torch.cat(rows, dim=1)
    return result


def tutorial_loader(
    images: Tensor, corrupt: Callable[[Tensor], Tensor], batch_size: int, workers: int
) -> DataLoader:
    """Batches of corrupted inputs and their originals, made image by image."""
    from torchvision import datasets, transforms

    class Pairs(Dataset):
        """A corrupted input and its original."""

        def __init__(self, folder: str) -> None:
            to_tensor = transforms.ToTensor()
            self.images = datasets.FashionMNIST(folder, train=True, transform=to_tensor)

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
            image, _ = self.images[position]
            return corrupt(image), image

    with tempfile.TemporaryDirectory() as folder:
        write_fashion_mnist(Path(folder), images)
        pairs = Pairs(folder)
    return DataLoader(pairs, batch_size=batch_size, shuffle=True, num_workers=workers)


def tutorial(corruption: str, images: Tensor, workers: int) -> dict[str, float]:
    corrupt = {"clean": lambda image: image, "rotate": rotated, "jigsaw": shuffled}[corruption]
    loader = tutorial_loader(images, corrupt, read_params().train.batch_size, workers)
    model = model_of(corruption, aligned=False).to(memory_format=torch.contiguous_format)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(2):
        start = time.perf_counter()
        total = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = functional.mse_loss(model.reconstruct(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
        seconds = time.perf_counter() - start
    return {"seconds": seconds}


def pythae(corruption: str, images: Tensor) -> dict[str, float]:
    from benchmarks.peers import TrainingCallback, peer, train_peer

    times = []

    class Clock(TrainingCallback):
        def on_epoch_begin(self, training_config, **kwargs) -> None:
            times.append(time.perf_counter())

        def on_epoch_end(self, training_config, **kwargs) -> None:
            times.append(time.perf_counter())

    ours = model_of(corruption, aligned=False).to(memory_format=torch.contiguous_format)
    batch_size = read_params().train.batch_size
    train_peer(
        peer("ae", SHAPE, ours.latent_dim, ours),
        images / 255,
        Clock(),
        num_epochs=2,
        per_device_train_batch_size=batch_size,
    )
    return {"seconds": times[3] - times[2]}


def ours(corruption: str, images: Tensor, aligned: bool) -> dict[str, float]:
    """Also how much of the epoch is in the steps, and in the corruption."""
    prepare("cpu")
    config = read_params().train.model_dump(exclude={"device", "processes"})
    schedule = Schedule(**config | {"epochs": 2, "snapshot_epochs": []})
    drawn = build_corruption(CORRUPTIONS[corruption], *SHAPE[1:])
    data = TrainingData(images, images[:1], images[:1], images[:1])
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), "benchmark", "0" * 64)
        model = model_of(corruption, aligned)
        training = Clocked(model, drawn, data, schedule, 0, checkpoint)
        training.step = ClockedStep(training.step)
        training.run()
    corrupting = time_corruption(drawn, images, schedule.batch_size)
    return {
        "seconds": training.seconds,
        "in steps": training.step.seconds / training.seconds,
        "corruption": corrupting / training.seconds,
    }


class Clocked(Training):
    """A training that knows how long its last epoch and the steps in it took."""

    def _train(self, epoch: int, bar: tqdm) -> dict[str, float]:
        self.step.seconds = 0.0
        start = time.perf_counter()
        losses = super()._train(epoch, bar)
        self.seconds = time.perf_counter() - start
        return losses


class ClockedStep:
    """A step of the optimiser that adds up the seconds it takes."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.seconds = 0.0

    def __call__(self, *batch: Tensor | int) -> dict[str, Tensor]:
        start = time.perf_counter()
        parts = self.step(*batch)
        self.seconds += time.perf_counter() - start
        return parts


def time_corruption(corruption: Corruption, images: Tensor, batch_size: int) -> float:
    """The seconds that corrupting every image takes: drawing, tables and gathering."""
    start = time.perf_counter()
    record = corruption.draw(len(images), torch.Generator().manual_seed(0))
    for batch, drawn in zip(
        images.split(batch_size), split_record(record, batch_size), strict=True
    ):
        corruption.apply(batch, drawn)
    return time.perf_counter() - start


def bound(corruption: str, images: Tensor) -> dict[str, float]:
    """The convolutions and matrix products of all steps, each as fast as it gets alone."""
    prepare("cpu")
    batch_size = read_params().train.batch_size
    model = model_of(corruption, aligned=False)
    calls: list[tuple[nn.Module, Tensor]] = []
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    for module in model.modules():
        if isinstance(module, kinds):
            module.register_forward_pre_hook(lambda module, given: calls.append((module, given[0])))
    batch = images[:batch_size].div(255).contiguous(memory_format=torch.channels_last)
    model.reconstruct(batch)
    first = next(module for module in model.modules() if isinstance(module, kinds))
    step = sum(
        fastest(module, given.detach().requires_grad_(module is not first))
        for module, given in tuple(calls)  # a copy, as timing a module calls it again
    )
    return {"seconds": step * len(images) / batch_size}


def fastest(module: nn.Module, given: Tensor, repeats: int = 30) -> float:
    """The least seconds of a module's forward and backward pass."""
    found = []
    gradient = torch.ones_like(module(given))
    for _ in range(repeats):
        module.zero_grad()
        given.grad = None
        start = time.perf_counter()
        module(given).backward(gradient)
        found.append(time.perf_counter() - start)
    return min(found)


def measure(way: str, corruption: str, count: int) -> dict[str, float]:
    """Run one way in this process: its seconds for `count` images, and its peak memory."""
    images = made_images(count)
    run = {
        "tutorial-0": lambda: tutorial(corruption, images, workers=0),
        "tutorial-2": lambda: tutorial(corruption, images, workers=2),
        "pythae": lambda: pythae(corruption, images),
        "ours": lambda: ours(corruption, images, aligned=False),
        "ours, aligned": lambda: ours(corruption, images, aligned=True),
        "bound": lambda: bound(corruption, images),
    }[way]
    found = run()
    peaks = [
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return found | {"MiB": sum(peaks) * MAXRSS_UNIT / MEBIBYTE}


def measure_apart(way: str, corruption: str, count: int) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.epoch", "--measure", way, corruption]
    done = subprocess.run(
        [*command, "--images", str(count)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def applies(way: str, corruption: str) -> bool:
    """pythae corrupts nothing, clean input has nothing to align, the bound is the network's."""
    if corruption == "clean":
        return way != "ours, aligned"
    return way not in ("pythae", "bound")


def report(found: dict[tuple[str, str], list[dict[str, float]]], count: int) -> None:
    """A Markdown table: seconds per 60,000 images, against ours in the same round, peak memory."""
    print(
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, ", end=""
    )
    print(f"{torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}\n")
    print(f"| | {' | '.join(CORRUPTIONS)} |\n|---|{'---|' * len(CORRUPTIONS)}")
    for way in WAYS:
        cells = [_cell(found, way, corruption, count) for corruption in CORRUPTIONS]
        print(f"| {way} | {' | '.join(cells)} |")
    print()
    for part in ("in steps", "corruption"):
        shares = [
            f"{corruption} {statistics.median(one[part] for one in found['ours', corruption]):.1%}"
            for corruption in CORRUPTIONS
        ]
        print(f"ours, part of the epoch {part}: {', '.join(shares)}")


def _cell(
    found: dict[tuple[str, str], list[dict[str, float]]], way: str, corruption: str, count: int
) -> str:
    if (way, corruption) not in found:
        return ""
    rounds = found[way, corruption]
    seconds = statistics.median(one["seconds"] for one in rounds) * EPOCH / count
    memory = statistics.median(one["MiB"] for one in rounds)
    ratio = statistics.median(
        one["seconds"] / own["seconds"]
        for one, own in zip(rounds, found["ours", corruption], strict=True)
    )
    return f"{seconds:.1f} s ({ratio:.2f}), {memory:.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description="An epoch of training, beside the usual ways.")
    parser.add_argument("--images", type=int, default=15_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "CORRUPTION"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure, options.images)))
        return
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for _ in range(options.rounds):
        for corruption in CORRUPTIONS:
            for way in WAYS:
                if applies(way, corruption):
                    print(f"{corruption}: {way}", file=sys.stderr, flush=True)
                    one = measure_apart(way, corruption, options.images)
                    found.setdefault((way, corruption), []).append(one)
    report(found, options.images)


if __name__ == "__main__":
    main()
