"""Train one model on one corruption, into models/MODEL-CORRUPTION and plots/history."""

from pathlib import Path

import torch

import autoencoders
import stages
from autoencoders.corruptions.registry import build_corruption
from autoencoders.errors import UserError
from autoencoders.experiment import described
from autoencoders.io.arrays import LABELS, read_arrays, write_arrays
from autoencoders.io.files import whole_folder, write_history
from autoencoders.io.tensors import to_bytes
from autoencoders.models.inference import align
from autoencoders.models.registry import build_model, of_classes, save_model
from autoencoders.nets.devices import choose, prepare, rounding
from autoencoders.params import Params
from autoencoders.runner.process import project_root
from autoencoders.runner.stage import run_stage
from autoencoders.sampling.classes import examples
from autoencoders.training.checkpoint import Checkpoint, fingerprint
from autoencoders.training.data import read_data
from autoencoders.training.group import (
    check_batches,
    join,
    launch,
    leave,
    machines,
    must_launch,
)
from autoencoders.training.loop import Schedule, Training

SHOWN = 10
CODE = [Path(module.__path__[0]).resolve() for module in (autoencoders, stages)]


def train(params: Params, model_name: str, corruption_name: str) -> None:
    files = (
        Path("data/processed/train.safetensors"),
        Path("data/processed/validation.safetensors"),
        Path(f"data/corrupted/{corruption_name}/validation.safetensors"),
    )
    processes = params.train.processes
    if must_launch(processes):
        images = len(read_arrays(files[0], labels=LABELS)["labels"])
        check_batches(images, params.train.batch_size, processes * machines())
        choose(params.train.device)
        launch(processes, "stages.train", model_name, corruption_name)
        return
    item = f"{model_name}-{corruption_name}"
    model_config = params.models[model_name]
    corruption_config = described(params.corruptions[corruption_name])
    device = prepare(params.train.device)
    group = join(device)

    labels = read_arrays(files[1], labels=LABELS)["labels"]
    shown = examples(labels, SHOWN)
    data = read_data(*files, shown, device)

    _, height, width = image_shape = tuple(data.validation_targets.shape[1:])
    torch.manual_seed(params.seed)
    # A model that aligns knows which corruption it faces, and none of its draws.
    undone = corruption_config if model_config.align else None
    model_settings = model_config.model_dump(exclude={"kind"}) | {"align": undone}
    # Every class is in every split; images without classes are all of the first.
    model_settings = of_classes(model_config.kind, model_settings, int(labels.max()) + 1)
    try:
        model = build_model(model_config.kind, image_shape, model_settings).to(device)
    except ValueError as error:
        raise UserError(f"models.{model_name}: {error}") from error
    corruption = build_corruption(corruption_config, height, width, device)
    schedule = Schedule(**params.train.model_dump(exclude={"device", "processes"}))
    configs = [model_config.model_dump(), corruption_config, params.train.model_dump()]
    key = fingerprint([params.seed, *configs, rounding(device), group.size], files, CODE)
    checkpoint = Checkpoint(project_root() / ".resume", item, key, group.leads)

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
        write_history(Path(f"plots/history/{item}.csv"), progress.history)
        checkpoint.remove()
    leave(group)


if __name__ == "__main__":
    run_stage(train, "models", "corruptions")
