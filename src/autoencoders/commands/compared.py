"""What a page of a comparison shows of each experiment: its curves, its images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from autoencoders.figures.grids import Row, image_grid
from autoencoders.figures.style import STYLE, class_colour, save
from autoencoders.figures.ticks import plain_log_ticks
from autoencoders.io.arrays import read_arrays
from autoencoders.io.files import read_history

MOST_BYTES = 200 * 10**6
"""Of a file that is taken from an experiment for some of its images."""
HISTORY, SNAPSHOTS = "plots/history/{}.csv", "models/{}/snapshots.safetensors"
ORIGINALS = "data/processed/validation.safetensors"
INPUTS = "data/corrupted/{}/validation.safetensors"


@dataclass(frozen=True)
class Outputs:
    """Files of an experiment, copied from DVC's cache into a folder, as far as they are there.

    Those of each seed of an experiment lie in a folder of their own.
    """

    experiment: str
    folder: Path

    def file(self, path: str) -> Path | None:
        found = self.folder / path
        return found if found.is_file() else None

    def history(self, item: str) -> Mapping[str, Sequence[float]] | None:
        path = self.file(HISTORY.format(item))
        return read_history(path) if path else None

    def shown(self, item: str) -> "Shown | None":
        """What the training kept of some validation images, if all of it is there."""
        inputs = INPUTS.format(item.partition("-")[2])
        paths = [self.file(path) for path in (SNAPSHOTS.format(item), ORIGINALS, inputs)]
        if not all(paths):
            return None
        kept, originals, corrupted = (read_arrays(path) for path in paths if path)
        last = max(int(name[6:]) for name in kept if name.startswith("epoch_"))
        images, places = kept[f"epoch_{last}"], kept["positions"]
        return Shown(originals["images"][places], corrupted["images"][places], images)


@dataclass(frozen=True)
class Shown:
    """Some validation images, uint8 (N, C, H, W) each, and what is made of them in the end."""

    originals: np.ndarray
    inputs: np.ndarray
    reconstructions: np.ndarray


def fetched(
    name: str, revision: str | None, items: Sequence[str], folder: Path, *, images: bool
) -> Outputs:
    """Copy what the page shows of an experiment, without what is missing or too large.

    Args:
        name: the experiment's.
        revision: what Git calls it, or one of its seeds; None for the workspace.
        items: those that are shown.
        folder: a new one.
        images: copy what is shown of images, too, not the curves alone.
    """
    # They take their time to import: not before the arguments are known to be good.
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc_data.index import DataIndexDirError

    files = DVCFileSystem(rev=revision)
    wanted = [HISTORY.format(item) for item in items]
    if images:
        corruptions = dict.fromkeys(item.partition("-")[2] for item in items)
        wanted += [*map(SNAPSHOTS.format, items), ORIGINALS, *map(INPUTS.format, corruptions)]
    for path in wanted:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if (files.info(path)["size"] or 0) <= MOST_BYTES:
                files.get_file(path, str(target))
        except (OSError, DvcException, DataIndexDirError):
            target.unlink(missing_ok=True)
    return Outputs(name, folder)


def curves(
    outputs: Sequence[Outputs], items: Sequence[str], folder: Path
) -> Iterator[tuple[Path, str]]:
    """One figure of all items, a panel each, with a curve for each seed of each experiment."""
    experiments = list(dict.fromkeys(one.experiment for one in outputs))
    histories = {
        item: [(one.experiment, found) for one in outputs if (found := one.history(item))]
        for item in items
    }
    histories = {item: found for item, found in histories.items() if found}
    if not histories:
        return
    path, columns = folder / "curves.png", min(3, len(histories))
    rows = -(-len(histories) // columns)
    with plt.rc_context(STYLE):
        size = (1.4 + 3.4 * columns, 0.8 + 2.6 * rows)
        figure, panels = plt.subplots(
            rows, columns, figsize=size, layout="constrained", squeeze=False
        )
        for axes, (item, of_item) in zip(panels.flat, histories.items(), strict=False):
            for name, history in of_item:
                colour = class_colour(experiments.index(name), len(experiments))
                epochs, errors = history["epoch"], history["validation_mse"]
                axes.plot(epochs, errors, ".-", color=colour, label=name)
            axes.set(title=item, xlabel="epoch", yscale="log")
            plain_log_ticks(axes.yaxis)
            axes.xaxis.get_major_locator().set_params(integer=True)
        for axes in panels.flat[len(histories) :]:
            axes.axis("off")
        lines = {line.get_label(): line for axes in panels.flat for line in axes.get_lines()}
        figure.legend(lines.values(), lines.keys(), loc="outside right center")
        save(figure, path)
    yield path, "The validation MSE of every item and experiment, by epoch"


def grids(
    outputs: Sequence[Outputs], items: Sequence[str], folder: Path
) -> Iterator[tuple[Path, str]]:
    """For each item the original images, the inputs, and what each experiment makes of them."""
    for item in items:
        kept = {one.experiment: found for one in outputs if (found := one.shown(item))}
        if not kept:
            continue
        first = next(iter(kept.values()))
        rows, others = [Row("original", first.originals), Row("input", first.inputs)], []
        for name, shown in kept.items():
            if not np.array_equal(shown.originals, first.originals):
                others.append(name)
                continue
            if not np.array_equal(shown.inputs, first.inputs):
                rows.append(Row(f"input, {name}", shown.inputs))
            rows.append(Row(name, shown.reconstructions))
        title = f"{item}; of {', '.join(others)} there are other images" if others else item
        image_grid(folder / f"{item}.png", title, rows)
        words = f"{item}: the original images, the inputs, and the reconstructions of each"
        yield folder / f"{item}.png", words
