"""Trainings in turn towards the same marks: the seconds that each way needs to a validation MSE.

    python -m pip install --requirement benchmarks/requirements.txt
    python -m benchmarks.race

on data/processed, or on the embedded digits where that is not there. Every way runs in a process of
its own, one after the other, from importing nothing to the last mark that it reaches or to the end
of its time; its clock stands while validation images are looked at, 2,000 of them, once in so many
training images. Prints a table, and draws validation MSE against seconds: of all that a file of
`--curves` holds, to which each call adds its own, so that inputs may race at the same time with a
thread each (`OMP_NUM_THREADS=1`).

    ours         params.yaml's models.ae with its training
    ours, Adam   the same with 20 epochs of Adam at 0.004
    notebook     the network and the settings of the notebook that this project began as (two
                 convolutions, ReLU, a dense layer of 128: 0.84 million parameters; Adam at 1e-4,
                 batches of 128, 20 epochs), the way of most tutorials: a data set of torchvision's
                 that corrupts image by image, and a DataLoader
    pythae       pythae's autoencoder and trainer, with its defaults but for a rate of 1e-3, on
                 clean input
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from matplotlib import pyplot as plt
from torch import Tensor, nn
from torch.nn import functional

from autoencoders.corruptions.registry import build_corruption
from autoencoders.figures.style import COLOURS, STYLE
from autoencoders.io.arrays import read_arrays
from autoencoders.io.files import read_json, whole_file, write_json
from autoencoders.io.streams import generator
from autoencoders.io.tensors import to_float
from autoencoders.models.registry import build_model
from autoencoders.nets.devices import prepare
from autoencoders.params import read_params
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.loop import Schedule, Training, TrainingData
from benchmarks.epoch import CORRUPTIONS, rotated, shuffled, tutorial_loader

PROCESSED = Path("data/processed")
FIGURE = Path("docs/images/race.png")
WATCHED = 2000
LATENT = 128
ADAM = {
    "epochs": 20,
    "batch_size": 128,
    "optimizer": {"kind": "adam", "learning_rate": 0.004},
}
NOTEBOOK = {"rate": 1e-4, "batch_size": 128, "epochs": 20}
PYTHAE_RATE = 1e-3
MARKS = {
    "clean": {
        "the notebook's end": 0.0069,
        "PCA-128": 0.0063,
        "20 epochs of Adam": 0.0030,
    },
    "rotate": {"the notebook's end": 0.032, "20 epochs of Adam": 0.0039},
    "jigsaw": {"the notebook's end": 0.021, "20 epochs of Adam": 0.0035},
}
"""Validation MSE on Fashion-MNIST."""
SECONDS, ERRORS = (1, 3, 10, 30, 100, 300, 1000, 3000), (0.003, 0.005, 0.01, 0.03, 0.1)


class TimeIsUpError(Exception):
    """The last mark is reached, or the time is over."""


class Clock:
    """Counts a way's seconds, and looks at validation images once in so many training images."""

    def __init__(self, look: Callable[[], float], every: int, mark: float, seconds: float) -> None:
        self.look, self.every, self.mark, self.limit = look, every, mark, seconds
        self.images = self.looked = 0
        self.spent = 0.0
        self.since = time.perf_counter()

    def tick(self, images: int) -> None:
        """After each step, of so many images."""
        self.images += images
        if self.images - self.looked < self.every:
            return
        self.looked = self.images
        self.spent += time.perf_counter() - self.since
        mse = self.look()
        print(json.dumps({"seconds": self.spent, "mse": mse}), flush=True)
        if mse <= self.mark or self.spent > self.limit:
            raise TimeIsUpError
        self.since = time.perf_counter()


def images_of() -> tuple[Tensor, Tensor]:
    """Training and validation images, uint8 (N, C, H, W)."""
    if (PROCESSED / "train.safetensors").exists():
        train, validation = (
            torch.from_numpy(read_arrays(PROCESSED / f"{name}.safetensors")["images"])
            for name in ("train", "validation")
        )
    else:
        from autoencoders.data.sets.digits import Digits

        with tempfile.TemporaryDirectory() as folder:
            Digits().fetch(Path(folder), None)
            whole = torch.from_numpy(Digits().read(Path(folder)).splits["train"].images)
        train, validation = whole[200:], whole[:200]
    return train, validation[:WATCHED]


def error(reconstruct: Callable[[Tensor], Tensor], inputs: Tensor, targets: Tensor) -> float:
    """The MSE over uint8 images, in batches."""
    total = 0.0
    with torch.inference_mode():
        for given, wanted in zip(inputs.split(500), targets.split(500), strict=True):
            restored = reconstruct(to_float(given))
            total += float((restored - to_float(wanted)).square().mean()) * len(given)
    return total / len(inputs)


def ours(corruption: str, every: int, limits: tuple[float, float], changes: dict) -> None:
    prepare("cpu")
    train, validation = images_of()
    params = read_params()
    shape = tuple(train.shape[1:])
    torch.manual_seed(params.seed)
    settings = params.models["ae"].model_dump(exclude={"kind"})
    undone = CORRUPTIONS[corruption] if corruption != "clean" else None
    model = build_model("ae", shape, settings | {"align": undone})
    made = build_corruption(CORRUPTIONS[corruption], *shape[1:])
    inputs, _ = made.draw_and_apply(validation, generator(params.seed, "race"))
    data = TrainingData(train, inputs[:1], validation[:1], inputs[:1])
    schedule = params.train.model_dump(exclude={"device", "processes"})
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), "race", "0" * 64)
        run = Training(model, made, data, Schedule(**schedule | changes), params.seed, checkpoint)

        def look() -> float:
            model.eval()
            return error(model.reconstruct, inputs, validation)

        step, clock = run.step, Clock(look, every, *limits)

        def timed(*batch: Any) -> dict[str, Tensor]:
            losses = step(*batch)
            clock.tick(len(batch[0]))
            model.train()
            return losses

        run.step = timed  # type: ignore[assignment]
        run.run()


def notebook_network(shape: tuple[int, ...]) -> nn.Module:
    """Two convolutions that halve, a dense layer to 128 numbers, and their mirror."""
    channels, height, width = shape
    small = (64, -(-height // 4), -(-width // 4))
    size = small[0] * small[1] * small[2]
    odd = [(side + 1) // 2 % 2 == 0 for side in (height, width)]
    padding = tuple(int(value) for value in odd)
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(size, LATENT),
        nn.Linear(LATENT, size),
        nn.ReLU(),
        nn.Unflatten(1, small),
        nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=padding),
        nn.ReLU(),
        nn.ConvTranspose2d(32, channels, 3, stride=2, padding=1, output_padding=1),
        nn.Sigmoid(),
    )


def notebook(corruption: str, every: int, limits: tuple[float, float]) -> None:
    train, validation = images_of()
    corrupt = {"clean": lambda image: image, "rotate": rotated, "jigsaw": shuffled}[corruption]
    torch.manual_seed(0)
    model = notebook_network(tuple(train.shape[1:]))
    inputs = torch.stack([corrupt(image) for image in validation])
    loader = tutorial_loader(train, corrupt, NOTEBOOK["batch_size"], workers=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=NOTEBOOK["rate"])
    clock = Clock(lambda: error(model, inputs, validation), every, *limits)
    for _ in range(NOTEBOOK["epochs"]):
        for given, wanted in loader:
            optimizer.zero_grad()
            loss = functional.mse_loss(model(given), wanted)
            loss.backward()
            optimizer.step()
            clock.tick(len(given))


def pythae(corruption: str, every: int, limits: tuple[float, float]) -> None:
    from benchmarks.peers import TrainingCallback, peer, train_peer

    train, validation = images_of()
    torch.manual_seed(0)
    shape = tuple(train.shape[1:])
    model = peer("ae", shape, LATENT, None)
    batch_size = 128

    def restored(images: Tensor) -> Tensor:
        codes = model.encoder(images).embedding
        return model.decoder(codes)["reconstruction"].view_as(images)

    def look() -> float:
        model.eval()
        found = error(restored, validation, validation)
        model.train()
        return found

    clock = Clock(look, every, *limits)

    class Ticking(TrainingCallback):
        def on_train_step_end(self, training_config, **kwargs) -> None:
            clock.tick(batch_size)

    train_peer(
        model,
        train / 255,
        Ticking(),
        num_epochs=20,
        per_device_train_batch_size=batch_size,
        learning_rate=PYTHAE_RATE,
    )


WAYS: dict[str, Callable[[str, int, tuple[float, float]], None]] = {
    "ours": lambda *race: ours(*race, {"snapshot_epochs": []}),
    "ours, Adam": lambda *race: ours(*race, {"snapshot_epochs": []} | ADAM),
    "notebook": notebook,
    "pythae": pythae,
}


def run_apart(way: str, corruption: str, every: int, seconds: float) -> list[dict[str, float]]:
    """The way's curve: its seconds and its validation MSE, again and again."""
    command = [sys.executable, "-m", "benchmarks.race", "--run", way, corruption]
    done = subprocess.run(
        [*command, "--every", str(every), "--seconds", str(seconds)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in lines]


def reached(curve: list[dict[str, float]], mark: float) -> float | None:
    """The first seconds at which a curve is at the mark or below it."""
    return next((point["seconds"] for point in curve if point["mse"] <= mark), None)


def report(curves: dict[str, list[dict[str, float]]], corruption: str) -> str:
    """A Markdown table: a row for each way, its seconds to each mark and the ratio to ours."""
    marks = MARKS[corruption]
    head = [f"| {corruption} | {' | '.join(f'{n}, {v}' for n, v in marks.items())} | last |"]
    rows = [*head, f"|---|{'---|' * (len(marks) + 1)}"]
    for way, curve in curves.items():
        cells = []
        for mark in marks.values():
            mine, own = reached(curve, mark), reached(curves["ours"], mark)
            ratio = f" ({mine / own:.1f})" if mine and own else ""
            cells.append(f"{mine:.1f} s{ratio}" if mine else "not reached")
        last = curve[-1]
        cells.append(f"{last['mse']:.4f} after {last['seconds']:.0f} s")
        rows.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(rows)


def draw(found: dict[str, dict[str, list[dict[str, float]]]], path: Path) -> None:
    """Validation MSE against seconds, both logarithmic: a panel for each corruption."""
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            1, len(found), figsize=(1 + 4.6 * len(found), 4.2), layout="constrained", squeeze=False
        )
        for axes, (corruption, curves) in zip(panels[0], found.items(), strict=True):
            for way, curve in curves.items():
                points = [(point["seconds"], point["mse"]) for point in curve]
                colour = COLOURS[list(WAYS).index(way)]
                axes.plot(*zip(*points, strict=True), color=colour, label=way)
            for number, (name, mark) in enumerate(MARKS[corruption].items()):
                axes.axhline(mark, color="0.6", linewidth=0.8, linestyle=":")
                axes.annotate(
                    name,
                    (1, mark),
                    xycoords=("axes fraction", "data"),
                    ha="right",
                    va="top" if number % 2 else "bottom",
                    fontsize=7,
                    color="0.4",
                )
            axes.set(xscale="log", yscale="log", xlabel="seconds", title=corruption)
            axes.set_xticks(SECONDS, SECONDS)
            axes.set_yticks(ERRORS, ERRORS)
            axes.minorticks_off()
            ends = [point["seconds"] for curve in curves.values() for point in curve]
            axes.set_xlim(min(ends), max(ends))
        panels[0][0].set_ylabel("validation MSE")
        most = max(found, key=lambda name: len(found[name]))
        panels[0][list(found).index(most)].legend()
        with whole_file(path) as unfinished:
            figure.savefig(unfinished, format="png", metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description="Trainings in turn towards the same marks.")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--corruptions", nargs="+", default=list(MARKS), choices=MARKS)
    parser.add_argument("--every", type=int, default=6400, help="training images between looks")
    parser.add_argument("--seconds", type=float, default=600, help="at most, for each way")
    parser.add_argument("--figure", type=Path, default=FIGURE)
    parser.add_argument("--curves", type=Path, help="a JSON file to add the curves to")
    parser.add_argument("--run", nargs=2, metavar=("WAY", "CORRUPTION"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        way, corruption = options.run
        lowest = min(MARKS[corruption].values())
        with suppress(TimeIsUpError):
            WAYS[way](corruption, options.every, (lowest, options.seconds))
        return
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, ", end="")
    print(f"{torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}")
    for corruption in options.corruptions:
        curves = {}
        for way in options.ways:
            if way == "pythae" and corruption != "clean":
                continue
            print(f"{corruption}: {way}", file=sys.stderr, flush=True)
            curves[way] = run_apart(way, corruption, options.every, options.seconds)
        found[corruption] = curves
        print(f"\n{report(curves, corruption)}", flush=True)
    if options.curves:
        found = (read_json(options.curves) if options.curves.exists() else {}) | found
        write_json(options.curves, found)
    draw({name: found[name] for name in MARKS if name in found}, options.figure)


if __name__ == "__main__":
    main()
