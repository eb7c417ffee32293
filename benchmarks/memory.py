"""Peak memory of every stage against the number of images.

    python -m benchmarks.memory --images 15000 30000 --size 32
    python -m benchmarks.memory --images 25000 --size 256 --stages preprocess --limit 2

Makes folders of PNG files in ten classes in a temporary copy of the project, runs each stage once
on each, with small networks and one epoch, and prints a row of a Markdown table for each stage: the
largest resident set of its process at each number of images, mapped files included. It grows with
the images up to the sizes of samples (60,000 codes, 2^27 grey levels), and slower beyond them, so
two small numbers tell nothing of a large one. With `--limit` a process may hold so many GiB of its
own, beside what it maps from files, or fail.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scaling import measure, write_images
from tests.project import Project

ITEM = ("vae", "jigsaw")
STAGES = [
    ("preprocess",),
    ("preprocess_corruptions",),
    ("train", *ITEM),
    ("embed", *ITEM),
    ("plot_latent", *ITEM),
    ("train_classifier",),
    ("generate", *ITEM),
    ("evaluate", *ITEM),
    ("baselines",),
    ("report",),
]
CLASSES = 10


def peaks(
    count: int, size: int, channels: int, stages: Sequence[str], limit: float | None
) -> dict[str, float]:
    """The peak memory of each of the stages in GiB."""
    changes = {
        "data.name": "folder",
        "data.size": size,
        "models.vae.network.channels": [8],
        "models.vae.latent_dim": 128,
        "models.vae.align": False,  # an aligner sees batches alone, and takes most of the time
        "models.ae": None,
        "corruptions.rotate": None,
        "train.epochs": 1,
        "train.batch_size": 512,
        "classifier.epochs": 1,
        "classifier.batch_size": 512,
        "evaluate.generated_samples": 10_000,
        "evaluate.importance_samples": 2,  # one after the other: their number takes time alone
        "plot_latent.tsne_points": 1000,
        "report.points": 600,
    }
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project", changes)
        images = project.path("images")
        images.mkdir(exist_ok=True)
        for label in range(CLASSES):
            write_images(images / f"class {label}", count // CLASSES, size, channels, seed=label)
        measure(project, "download")
        return {stage[0]: peak(project, stage, limit) for stage in STAGES if stage[0] in stages}


def peak(project: Project, stage: tuple[str, ...], limit: float | None) -> float:
    """The peak memory of a stage in GiB, told as soon as it is known: the largest take an hour."""
    seconds, gibibytes = measure(project, *stage, limit=limit)
    print(f"{stage[0]}: {seconds:.0f} s, {gibibytes:.2f} GiB", file=sys.stderr, flush=True)
    return gibibytes


def main() -> None:
    parser = argparse.ArgumentParser(description="Peak memory of every stage.")
    parser.add_argument("--images", type=int, nargs="+", default=[15_000, 30_000])
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3))
    names = [stage[0] for stage in STAGES]
    parser.add_argument("--stages", nargs="+", default=names, choices=names)
    parser.add_argument("--limit", type=float, help="GiB that a process may hold of its own")
    options = parser.parse_args()
    settings = options.size, options.channels, options.stages, options.limit
    measured = [peaks(count, *settings) for count in options.images]
    print(f"| stage | {' | '.join(f'{count:,} images' for count in options.images)} |")
    print("|---" * (1 + len(options.images)) + "|")
    for stage in measured[0]:
        cells = [f"{peak[stage]:.2f} GiB" for peak in measured]
        print(f"| {stage.replace('_', '-')} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
