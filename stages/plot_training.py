"""Draw a training: its loss curves, and original, input and reconstructions epoch by epoch."""

from pathlib import Path

import pandas as pd

from autoencoders.core.cli import run_stage
from autoencoders.core.storage import LABELS, read_arrays, read_json, read_pairs, whole_folder
from autoencoders.figures import Row, image_grid, loss_curves
from autoencoders.params import Params


def plot_training(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    classes = read_json(Path("data/processed/dataset.json"), "classes")["classes"]
    validation, corrupted = read_pairs(
        Path("data/processed/validation.safetensors"),
        Path(f"data/corrupted/{corruption_name}/validation.safetensors"),
    )
    snapshots = read_arrays(Path(f"models/{item}/snapshots.safetensors"), positions=LABELS)

    shown = snapshots.pop("positions")
    aligned = snapshots.pop("aligned", None)
    epochs = sorted(int(name.removeprefix("epoch_")) for name in snapshots)
    names = [classes[label] for label in validation["labels"][shown]] if classes else ()
    turns = [f"k = {k}" for k in corrupted["k"][shown]] if "k" in corrupted else ()
    rows = [
        Row("original", validation["images"][shown], names),
        Row("input", corrupted["images"][shown], turns),
    ]
    if aligned is not None:
        rows.append(Row(f"aligned\nafter epoch {epochs[-1]}", aligned))
    for epoch in epochs:
        rows.append(Row(f"reconstruction\nafter epoch {epoch}", snapshots[f"epoch_{epoch}"]))
    history = pd.read_csv(f"plots/history/{item}.csv")
    with whole_folder(Path("plots/training") / item) as folder:
        title = f"{item}: validation images"
        image_grid(folder / "reconstructions.png", title, rows)
        unit = read_json(Path(f"models/{item}/config.json"), "loss_unit")["loss_unit"]
        losses = [name.removeprefix("train_") for name in history if name.startswith("train_")]
        units = dict.fromkeys(losses, unit)
        if "alignment" in units:
            units["alignment"] = "mean squared error"
        loss_curves(folder / "losses.png", item, history, units)


if __name__ == "__main__":
    run_stage(plot_training, "models", "corruptions")
