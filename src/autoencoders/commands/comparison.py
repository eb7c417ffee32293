"""The page of a comparison: what differs, curves over each other, the same images through all."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from autoencoders.figures.grids import Row, image_grid
from autoencoders.figures.style import STYLE, class_colour, save
from autoencoders.figures.ticks import plain_decades
from autoencoders.io.arrays import read_arrays
from autoencoders.io.files import read_history

MOST_BYTES = 200 * 10**6
"""Of a file that is taken from an experiment for some of its images."""
HISTORY, SNAPSHOTS = "plots/history/{}.csv", "models/{}/snapshots.safetensors"
ORIGINALS = "data/processed/validation.safetensors"
INPUTS = "data/corrupted/{}/validation.safetensors"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; max-width: 70rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.5rem; overflow-wrap: anywhere; }}
h2 {{ margin-top: 2.5rem; font-size: 1.2rem; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.25rem 0.7rem; border-bottom: 1px solid #8886; text-align: right; }}
th[scope=row] {{ text-align: left; font-weight: normal; }}
th[scope=rowgroup] {{ text-align: left; padding-top: 0.8rem; }}
img {{ max-width: 100%; background: #fff; display: block; margin: 0.5rem 0; }}
@media (max-width: 40rem) {{
  th, td {{ padding: 0.2rem 0.35rem; font-size: 0.9rem; }}
}}
@media print {{ h2, img, tr {{ break-inside: avoid; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
{sections}
</body>
</html>
"""


@dataclass(frozen=True)
class Outputs:
    """Files of an experiment, copied from DVC's cache into a folder, as far as they are there."""

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


def write(
    path: Path,
    names: Sequence[str],
    settings: pd.DataFrame,
    results: Mapping[str, pd.DataFrame],
    figure: Path,
    revisions: Mapping[str, str | None],
) -> None:
    """Write the page: one file, that asks for no other.

    Args:
        path: of the page.
        names: of the experiments, the columns of all tables.
        settings: the params that differ.
        results: heading -> words of metrics, a star behind the best of a row.
        figure: PNG of the metrics of validation images.
        revisions: name -> what Git calls it, None for the workspace.
    """
    heading, *others = results
    items = compared(results[heading])
    sections = [_section("What differs", _table(settings.map(str)))]
    sections += [_section(heading, _metrics(results[heading]) + _image(figure, "The same numbers"))]
    with TemporaryDirectory() as temporary:
        pictures = Path(temporary) / "pictures"
        outputs = [
            _fetched(name, revision, items, Path(temporary) / str(number))
            for number, (name, revision) in enumerate(revisions.items())
        ]
        for title, drawn in (
            ("Training: the validation MSE after each epoch", _curves(outputs, items, pictures)),
            ("The same validation images through all", _grids(outputs, items, pictures)),
        ):
            found = "".join(_image(file, words) for file, words in drawn)
            missing = "<p>Not in DVC's cache here: <code>dvc pull</code>, or run them.</p>"
            sections += [_section(title, found or missing)]
    sections += [_section(other, _metrics(results[other])) for other in others]
    text = PAGE.format(title=escape(", ".join(names)), sections="\n".join(sections))
    path.write_text(text, encoding="utf-8", newline="\n")


def _fetched(name: str, revision: str | None, items: Sequence[str], folder: Path) -> Outputs:
    """Copy what the page shows of an experiment, without what is missing or too large."""
    # They take their time to import: not before the arguments are known to be good.
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    files = DVCFileSystem(rev=revision)
    corruptions = dict.fromkeys(item.partition("-")[2] for item in items)
    wanted = [form.format(item) for item in items for form in (HISTORY, SNAPSHOTS)]
    for path in [*wanted, ORIGINALS, *map(INPUTS.format, corruptions)]:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if (files.info(path)["size"] or 0) <= MOST_BYTES:
                files.get_file(path, str(target))
        except (OSError, DvcException):
            target.unlink(missing_ok=True)
    return Outputs(name, folder)


def _curves(
    outputs: Sequence[Outputs], items: Sequence[str], folder: Path
) -> Iterator[tuple[Path, str]]:
    """One figure of all items, a panel each, with a curve for each experiment."""
    histories = {
        item: {one.experiment: found for one in outputs if (found := one.history(item))}
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
            for number, one in enumerate(outputs):
                if history := of_item.get(one.experiment):
                    colour = class_colour(number, len(outputs))
                    epochs, errors = history["epoch"], history["validation_mse"]
                    axes.plot(epochs, errors, ".-", color=colour, label=one.experiment)
            axes.set(title=item, xlabel="epoch", yscale="log")
            plain_decades(axes.yaxis)
            axes.xaxis.get_major_locator().set_params(integer=True)
        for axes in panels.flat[len(histories) :]:
            axes.axis("off")
        lines = {line.get_label(): line for axes in panels.flat for line in axes.get_lines()}
        figure.legend(lines.values(), lines.keys(), loc="outside right center")
        save(figure, path)
    yield path, "The validation MSE of every item and experiment, by epoch"


def _grids(
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


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}"


def _table(words: pd.DataFrame) -> str:
    return _framed(words.columns, _rows(words))


def _metrics(words: pd.DataFrame) -> str:
    """Rows ITEM.METRIC under each item's name, without what is the same in all."""
    found = differing(words)
    lines = []
    for item, rows in found.groupby(lambda row: row.partition(".")[0], sort=False):
        of_item = rows.rename(index=lambda row: row.partition(".")[2].replace("_", " "))
        width = 1 + len(words.columns)
        lines.append(f'<tr><th scope="rowgroup" colspan="{width}">{escape(item)}</th></tr>')
        lines += _rows(of_item)
    same = [item for item in items_of(words) if item not in items_of(found)]
    alike = f"<p>The same in all: {escape(', '.join(same))}.</p>" if same else ""
    return _framed(words.columns, lines) + alike


def _framed(columns: Iterable[str], lines: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in columns)
    body = "\n".join([f"<tr><td></td>{head}</tr>", *lines])
    return f'<div class="scroll"><table>{body}</table></div>'


def _rows(words: pd.DataFrame) -> list[str]:
    """A word with a star is the best of its row."""
    lines = []
    for name, row in words.iterrows():
        cells = "".join(f"<td>{_cell(str(word))}</td>" for word in row)
        lines.append(f'<tr><th scope="row">{escape(str(name))}</th>{cells}</tr>')
    return lines


def differing(results: pd.DataFrame) -> pd.DataFrame:
    """Rows that are not the same in all experiments."""
    words = results.map(lambda word: str(word).strip("* "))
    return results[words.nunique(axis=1) > 1]


def compared(results: pd.DataFrame) -> list[str]:
    """The items that differ, or all if none does."""
    return items_of(differing(results)) or items_of(results)


def items_of(results: pd.DataFrame) -> list[str]:
    """The items of rows ITEM.METRIC, each once."""
    return list(dict.fromkeys(str(row).partition(".")[0] for row in results.index))


def _cell(word: str) -> str:
    best = word.endswith("*")
    return f"<strong>{escape(word)}</strong>" if best else escape(word.strip())


def _image(path: Path, words: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{escape(words)}">'
