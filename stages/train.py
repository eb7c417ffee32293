"""Train one model on one corruption, into models/MODEL-CORRUPTION and plots/history."""

import csv
from pathlib import Path

import numpy as np
import torch

import autoencoders
import stages
from autoencoders.core.cli import run_stage
from autoencoders.core.process import project_root
from autoencoders.core.storage import (
    IMAGES,
    read_arrays,
    read_pairs,
    whole_file,
    whole_folder,
    write_arrays,
)
from autoencoders.corruptions import build_corruption
from autoencoders.models.devices import prepare
from autoencoders.models.inference import align, to_bytes
from autoencoders.models.registry import build_model, save_model
from autoencoders.params import Params, settings
from autoencoders.training.checkpoint import Checkpoint, fingerprint
from autoencoders.training.group import join, launch, leave, must_launch
from autoencoders.training.loop import Schedule, Training, TrainingData

SHOWN = 10
CODE = [Path(module.__file__).resolve().parent for module in (autoencoders, stages)]


def train(params: Params, model_name: str, corruption_name: str) -> None:
    if must_launch(params.train.processes):
        launch(params.train.processes, "stages.train", model_name, corruption_name)
        return
    item = f"{model_name}-{corruption_name}"
    model_config = params.models[model_name]
    corruption_config = params.corruptions[corruption_name]
    device = prepare(params.train.device)
    group = join(device)

    files = [
        Path("data/processed/train.safetensors"),
        Path("data/processed/validation.safetensors"),
        Path(f"data/corrupted/{corruption_name}/validation.safetensors"),
    ]
    training = read_arrays(files[0], images=IMAGES)
    validation, corrupted = read_pairs(*files[1:])
    images, targets, inputs = (
        torch.from_numpy(split["images"]).to(device) for split in (training, validation, corrupted)
    )
    shown = _shown(validation["labels"])
    data = TrainingData(images, inputs, targets, inputs[torch.from_numpy(shown)])

    image_shape = tuple(images.shape[1:])
    torch.manual_seed(params.seed)
    # A model that aligns knows which corruption it faces, and none of its draws.
    undone = corruption_config.model_dump() if model_config.align else None
    model_settings = settings(model_config) | {"align": undone}
    model = build_model(model_config.kind, image_shape, model_settings).to(device)
    corruption = build_corruption(
        corruption_config.kind, *image_shape[1:], device, **settings(corruption_config)
    )
    schedule = Schedule(**params.train.model_dump(exclude={"device", "processes"}))
    determinants = {
        "params": [
            params.seed,
            *(part.model_dump() for part in (model_config, corruption_config, params.train)),
        ],
        "machine": [
            torch.__version__,
            str(device),
            torch.get_num_threads(),
            torch.backends.cpu.get_cpu_capability(),
        ],
    }
    checkpoint = Checkpoint(
        project_root() / ".resume", item, fingerprint(determinants, files, CODE), group.leads
    )

    training = Training(model, corruption, data, schedule, params.seed, checkpoint, group)
    progress = training.run()
    if group.leads:
        shown_images = {f"epoch_{n}": images.numpy() for n, images in progress.snapshots.items()}
        if model.aligner is not None:
            shown_images["aligned"] = to_bytes(align(model, data.shown_inputs)).numpy()
        with whole_folder(Path("models") / item) as folder:
            save_model(
                folder, model_config.kind, image_shape, model_settings, progress.best_weights
            )
            write_arrays(folder / "snapshots.safetensors", shown_images | {"positions": shown})
        _write_history(Path(f"plots/history/{item}.csv"), progress.history)
        checkpoint.remove()
    leave(group)


def _shown(labels: np.ndarray) -> np.ndarray:
    """Where the images lie that show the progress: the first of each class, then further ones."""
    first = np.unique(labels, return_index=True)[1]
    others = np.setdiff1d(np.arange(len(labels)), first)
    return np.concatenate([first, others])[:SHOWN]


def _write_history(path: Path, rows: list[dict[str, float]]) -> None:
    # pandas would do it in a line, and take longer to import than some trainings' epochs.
    with whole_file(path) as unfinished, unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{value:.8g}" for name, value in row.items()} for row in rows)


if __name__ == "__main__":
    run_stage(train, "models", "corruptions")
