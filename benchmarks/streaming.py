"""A training on more images than memory holds, beside one on images that it holds.

    python -m benchmarks.streaming --gigabytes 20

Writes a file of made images of 128x128x3 and trains on as many of them, batch after batch in random
order, as --images says: read from the file, then from memory (from the same number of images of it,
so that these fit), in turn, each in a process of its own, whose address space may not grow beyond
--limit gigabytes of its own data. Prints the time per image and the ratio, and the peak memory. The
system's cache of the file is emptied before where that is allowed (as root), as it could hold it.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from autoencoders.corruptions.registry import build_corruption
from autoencoders.models.registry import build_model
from autoencoders.nets.devices import prepare
from autoencoders.params import read_params
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.loop import Schedule, Training, TrainingData
from autoencoders.training.source import StoredImages, batches_of

SHAPE = (3, 128, 128)
GIGABYTE = 10**9
BLOCK = 2000
NETWORK = {"kind": "conv", "channels": [16, 32, 64, 128]}
KIBIBYTE = 1024


def write_file(path: Path, count: int) -> None:
    """A safetensors file of made images, written block by block."""
    size = int(np.prod(SHAPE))
    entry = {"dtype": "U8", "shape": [count, *SHAPE], "data_offsets": [0, count * size]}
    header = json.dumps({"images": entry}).encode()
    header += b" " * (-len(header) % 8)
    chance = np.random.default_rng(0)
    block = chance.integers(0, 256, (BLOCK, size), np.uint8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for start in range(0, count, BLOCK):
            block[:, :8] = np.frombuffer(start.to_bytes(8, "little"), np.uint8)
            file.write(block[: count - start].tobytes())


def forget(path: Path) -> None:
    """Ask the system to drop its cache of the file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(path: Path, images: int, stored: bool, limit: int) -> dict[str, float]:
    """Train on so many images of the file: seconds per image, and the peak memory in GiB."""
    prepare("cpu")
    if hasattr(resource, "RLIMIT_DATA"):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    source = StoredImages(path, "images", "cpu")
    params = read_params()
    held = next(batches_of(source, [torch.arange(1000)]))
    if not stored:
        held = next(batches_of(source, [torch.arange(images)]))
    settings = params.models["ae"].model_dump(exclude={"kind"}) | {"network": NETWORK}
    torch.manual_seed(0)
    model = build_model("ae", SHAPE, settings | {"align": None})
    corruption = build_corruption({"kind": "none"}, *SHAPE[1:])
    schedule = params.train.model_dump(exclude={"device", "processes"})
    schedule |= {"epochs": 1, "snapshot_epochs": []}
    data = TrainingData(source if stored else held, held[:8], held[:8], held[:8])
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), "streaming", "0" * 64)
        run = Training(model, corruption, data, Schedule(**schedule), 0, checkpoint)
        seconds = time_steps(run, images)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTE**2
    return {"seconds": seconds / images, "GiB": peak}


class EnoughError(Exception):
    """So many images have been trained on."""


def time_steps(run: Training, images: int) -> float:
    """The seconds of an epoch's first steps, until so many images have been trained on."""
    step, seen, warm = run.step, 0, run.schedule.batch_size * 2
    started = 0.0

    def counted(*batch) -> dict[str, torch.Tensor]:
        nonlocal seen, started
        if not started and seen >= warm:
            started = time.perf_counter()
        losses = step(*batch)
        seen += len(batch[0])
        if seen >= images:
            raise EnoughError
        return losses

    run.step = counted  # type: ignore[assignment]
    with suppress(EnoughError):
        run.run()
    return (time.perf_counter() - started) * seen / (seen - warm)


def measure_apart(path: Path, images: int, stored: bool, limit: int) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.streaming", "--measure", str(path)]
    command += ["--images", str(images), "--limit", str(limit / GIGABYTE)]
    command += ["--stored"] if stored else []
    forget(path)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description="A training on more images than memory holds.")
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--images", type=int, default=10_000, help="to train on, each way")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--limit", type=float, default=8, help="gigabytes of a process's own")
    parser.add_argument("--folder", type=Path, help="where there is room for the file")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stored", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    limit = int(options.limit * GIGABYTE)
    if options.measure:
        found = measure(options.measure, options.images, options.stored, limit)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "train.safetensors"
        count = int(options.gigabytes * GIGABYTE / np.prod(SHAPE))
        write_file(path, count)
        found: dict[bool, list[dict[str, float]]] = {True: [], False: []}
        for _ in range(options.rounds):
            for stored, measured in found.items():
                measured.append(measure_apart(path, options.images, stored, limit))
    print(f"{count:,} images of 128x128x3, {path.name} of {options.gigabytes:g} GB")
    for stored, measured in found.items():
        where = "read from the file" if stored else "in memory"
        milliseconds = statistics.median(one["seconds"] for one in measured) * 1e3
        peak = max(one["GiB"] for one in measured)
        print(f"{where}: {milliseconds:.2f} ms per image, peak {peak:.2f} GiB")
    pairs = zip(found[True], found[False], strict=True)
    ratio = statistics.median(one["seconds"] / other["seconds"] for one, other in pairs)
    print(f"ratio: {ratio:.2f}")


if __name__ == "__main__":
    main()
