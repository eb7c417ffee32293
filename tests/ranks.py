"""A training of every flavour, by this process or by all that torchrun has started.

    python -m torch.distributed.run --standalone --nproc-per-node 2 -m tests.ranks FILE

writes their histories, as JSON.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
from torch.nn import functional

from autoencoders.corruptions.registry import build_corruption
from autoencoders.io.streams import generator
from autoencoders.models.registry import build_model
from autoencoders.nets.devices import prepare
from autoencoders.parts import kinds
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.group import ALONE, Group, join, leave
from autoencoders.training.loop import Schedule, Training, TrainingData
from tests.parts import CLASSES, NETWORKS, OPTIMIZERS, built_of

IMAGES, VALIDATED, SHAPE = 250, 50, (1, 16, 16)
# Few and small steps: with many, what rounding does to the order of sums grows to any size.
CALM = OPTIMIZERS["muon"] | {"learning_rate": 0.001, "adam_learning_rate": 0.001}
JIGSAW = {"kind": "jigsaw", "grid": 2}


def histories(group: Group = ALONE) -> dict[str, list[dict[str, float]]]:
    """The rows of each flavour's history."""
    coarse = torch.rand(IMAGES + VALIDATED, 1, 4, 4, generator=generator(0, "images"))
    smooth = functional.interpolate(coarse, SHAPE[1:], mode="bilinear").mul(255).to(torch.uint8)
    labels = torch.arange(len(smooth)) % CLASSES
    images, targets = smooth[:IMAGES], smooth[IMAGES:]
    corruption = build_corruption(JIGSAW, *SHAPE[1:])
    inputs, _ = corruption.draw_and_apply(targets, generator(0, "validation"))
    data = TrainingData(images, inputs, targets, inputs[:2], labels[:IMAGES], labels[IMAGES:])
    found = {}
    for kind in kinds("model"):
        torch.manual_seed(0)
        settings = {"network": NETWORKS["conv"], "latent_dim": 8, "align": JIGSAW}
        model = build_model(kind, SHAPE, settings | built_of(kind))
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Checkpoint(Path(folder), kind, "f" * 64, group.leads)
            schedule = Schedule(2, 64, CALM, 0.1, [], "float32")
            run = Training(model, corruption, data, schedule, 0, checkpoint, group)
            found[kind] = run.run().history
    return found


def main() -> None:
    group = join(prepare("cpu"))
    found = histories(group)
    if group.leads:
        Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")
    leave(group)


if __name__ == "__main__":
    main()
