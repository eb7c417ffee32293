"""Golden traces: what a short training of each flavour on each corruption gives, digit by digit.

    python -m tests.golden   # writes tests/golden.json anew, on purpose

A change of code that must not change results leaves the traces as they are (tests/test_golden.py).
Losses hold on any machine, but for rounding; digests of weights hold for the same torch on the same
kind of CPU.
"""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from autoencoders.corruptions.registry import build_corruption
from autoencoders.data.sets.digits import Digits
from autoencoders.experiment import described, items_of
from autoencoders.io.streams import generator
from autoencoders.models.registry import build_model
from autoencoders.nets.devices import prepare
from autoencoders.params import read_params
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.loop import Schedule, Training, TrainingData

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).with_name("golden.json")
EPOCHS, BATCH, IMAGES, VALIDATED = 2, 64, 250, 50


def machine() -> dict[str, str]:
    """What decides how numbers are rounded."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return {
        "torch": torch.__version__.partition("+")[0],
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cpu": " ".join(said.get(key, "") for key in ("vendor_id", "cpu family", "model")),
    }


def traces() -> dict[str, Any]:
    """For each item of the default params its losses and the digest of its weights."""
    params = read_params(ROOT / "params.yaml")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder)
        Digits().fetch(raw, None)
        images = torch.from_numpy(Digits().read(raw).splits["train"].images)
    prepare("cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return {f"{m}-{c}": trace(params, m, c, images) for m, c in items_of(params)}
    finally:
        torch.set_num_threads(threads)


def trace(params: Any, model_name: str, corruption_name: str, images: torch.Tensor) -> dict:
    """Train as the stage does: few steps, and the default networks."""
    model_config = params.models[model_name]
    corruption_config = described(params.corruptions[corruption_name])
    shape = tuple(images.shape[1:])
    torch.manual_seed(0)
    undone = corruption_config if model_config.align else None
    settings = model_config.model_dump(exclude={"kind"}) | {"align": undone}
    model = build_model(model_config.kind, shape, settings)
    corruption = build_corruption(corruption_config, *shape[1:])
    validation = images[IMAGES : IMAGES + VALIDATED]
    record = corruption.draw(VALIDATED, generator(0, "golden"))
    inputs = corruption.apply(validation, record)
    data = TrainingData(images[:IMAGES], inputs, validation, inputs[:3])
    adam = {"kind": "adam", "learning_rate": 0.004}
    schedule = Schedule(EPOCHS, BATCH, adam, 0.05, [], "float32")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), "golden", "0" * 64)
        progress = Training(model, corruption, data, schedule, 0, checkpoint).run()
        checkpoint.remove()
    weights = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        weights.update(name.encode() + tensor.contiguous().numpy().tobytes())
    losses = {
        f"{name} {row['epoch']}": float(f"{value:.9g}")
        for row in progress.history
        for name, value in row.items()
        if name.startswith(("train_", "validation_"))
    }
    return {"losses": losses, "weights": weights.hexdigest()}


if __name__ == "__main__":
    content = {"machine": machine(), "items": traces()}
    GOLDEN.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
