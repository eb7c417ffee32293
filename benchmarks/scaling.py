"""Time and peak memory of the stages against the number and the size of images.

    python -m benchmarks.scaling --images 10000 100000 --size 32 --channels 3

Makes folders of PNG files in a temporary copy of the project, runs preprocess,
preprocess-corruptions and train on each, and prints a row of a Markdown table. The time of an epoch
is the difference between trainings of one and of three epochs; the memory is the largest resident
set of the stage's process, mapped files included (Linux and macOS).
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.project import Project, environment

DISTINCT = 1000
GIBIBYTE = 1 << 30
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
HEADER = """\
| images | pixels | preprocess | an epoch | µs per image | peak: preprocess | peak: train |
|---|---|---|---|---|---|---|"""


def write_images(folder: Path, count: int, size: int, channels: int, seed: int = 0) -> None:
    """`count` smooth PNG files; of more than DISTINCT, the others are links to the first."""
    folder.mkdir()
    chance = np.random.default_rng(seed)
    for n in range(count):
        path = folder / f"{n:07d}.png"
        if n >= DISTINCT:
            os.link(folder / f"{n % DISTINCT:07d}.png", path)
            continue
        coarse = chance.integers(0, 256, (4, 4, channels), np.uint8)
        image = Image.fromarray(coarse.squeeze()).resize((size, size), Image.Resampling.BICUBIC)
        image.save(path)


def measure(project: Project, *arguments: str, limit: float | None = None) -> tuple[float, float]:
    """A stage's seconds and its peak memory in GiB; `limit` is how many GiB of its own it may hold.

    What is mapped from a file, which the system can take away at any time, is not its own.
    """

    def keep_within() -> None:
        if limit is not None:
            allowed = int(limit * GIBIBYTE)
            resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))

    name, *item = arguments
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", f"stages.{name}", *item],
        cwd=project.folder,
        env=environment(OMP_NUM_THREADS=str(os.cpu_count())),
        preexec_fn=keep_within,
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, arguments
    return time.perf_counter() - start, usage.ru_maxrss * MAXRSS_UNIT / GIBIBYTE


def row(count: int, size: int, channels: int, network: list[int]) -> str:
    changes = {
        "data.name": "folder",
        "data.size": size,
        "models.ae.network.channels": network,
        "models.ae.latent_dim": 128,
        "models.ae.align": False,
        "train.batch_size": 128,
    }
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project", changes)
        write_images(project.path("images/all"), count, size, channels)
        measure(project, "download")
        preprocess, preprocess_memory = measure(project, "preprocess")
        measure(project, "preprocess_corruptions")
        seconds = []
        for epochs in (1, 3):
            project.set({"train.epochs": epochs})
            taken, memory = measure(project, "train", "ae", "jigsaw")
            seconds.append(taken)
    epoch = (seconds[1] - seconds[0]) / 2
    return (
        f"| {count:,} | {size}x{size}x{channels} | {preprocess:.0f} s | {epoch:.1f} s "
        f"| {epoch / count * 1e6:.0f} | {preprocess_memory:.1f} GiB | {memory:.1f} GiB |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory against images and their size.")
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--size", type=int, nargs="+", default=[32])
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3))
    parser.add_argument("--network", type=int, nargs="+", default=[32, 64, 128])
    options = parser.parse_args()
    print(HEADER, flush=True)
    for count in options.images:
        for size in options.size:
            print(row(count, size, options.channels, options.network), flush=True)


if __name__ == "__main__":
    main()
