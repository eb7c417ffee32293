"""Trainings one after the other with all cores, against side by side with a share of them each.

    python -m benchmarks.side_by_side

Trains an ae and a vae of the default size on made images of 28x28 pixels, both ways in turn, and
prints the seconds of each round and the ratio of their medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.scaling import write_images
from tests.project import Project, environment

MODELS = ("ae", "vae")
CHANGES = {
    "data.name": "folder",
    "data.size": 28,
    "train.batch_size": 128,
    **{f"models.{model}.network.channels": [32, 64, 128] for model in MODELS},
    **{f"models.{model}.latent_dim": 128 for model in MODELS},
    **{f"models.{model}.align": False for model in MODELS},
}


def seconds(project: Project, at_once: int) -> float:
    """How long both trainings take, `at_once` of them at a time."""
    threads = str(max(1, (os.cpu_count() or 1) // at_once))
    start = time.perf_counter()
    for first in range(0, len(MODELS), at_once):
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "stages.train", model, "jigsaw"],
                cwd=project.folder,
                env=environment(OMP_NUM_THREADS=threads),
            )
            for model in MODELS[first : first + at_once]
        ]
        assert [process.wait() for process in running] == [0] * at_once
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Trainings one after the other and side by side.")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        changes = CHANGES | {"train.epochs": options.epochs}
        project = Project(Path(folder) / "project", changes)
        write_images(project.path("images/all"), options.images, 28, 1)
        for arguments in (["download"], ["preprocess"], ["preprocess_corruptions"]):
            project.stage(*arguments)
        taken: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(options.rounds):
            for at_once, found in taken.items():
                found.append(seconds(project, at_once))
                print(f"{at_once} at a time: {found[-1]:.1f} s", flush=True)
    ratio = statistics.median(taken[1]) / statistics.median(taken[2])
    print(f"side by side is {ratio:.2f} times as fast")


if __name__ == "__main__":
    main()
