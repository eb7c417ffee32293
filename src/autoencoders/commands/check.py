"""A look at a folder of images before anything is trained on it: what would be read, and what not.

The preprocess stage reads images by the same code and the same params.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autoencoders.data.base import Content
from autoencoders.data.reading import Reading
from autoencoders.data.sets.folder import Folder
from autoencoders.data.splits import make_splits
from autoencoders.errors import UserError
from autoencoders.params import Data, read_params

SHOWN = 12
EVERYTHING = "images"


def check(folder: Path, *, as_json: bool) -> None:
    """Print what data.name: folder would make of the images in `folder`, on one screen or as JSON.

    params.yaml says how: the size, the fractions to split off, and what to leave out.

    Raises:
        UserError: there are no images, or the preprocess stage would stop, with all that stops it.
    """
    params = read_params()
    settings = params.data.model_dump() | {"path": folder.as_posix()}
    reading = Folder.of(settings).survey()
    faults = list(reading.faults(skip_damaged=params.data.skip_damaged))
    content = Content(dict(reading.splits), reading.classes)
    try:
        make_splits(
            content,
            settings,
            [],
            name=str(folder),
            seed=params.seed,
            keep_equal_together=True,
        )
    except UserError as error:
        faults.append(str(error))
    found = findings(reading, content)
    if as_json:
        report = {"folder": folder.as_posix(), **found, "faults": faults}
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        print("\n".join(screen(found, reading, params.data)))
    if faults:
        raise UserError(f"{folder}: the preprocess stage would stop\n" + "\n".join(faults))


def findings(reading: Reading, content: Content) -> dict[str, Any]:
    """All that was found, for JSON: counts, headers, and the files that something is wrong with."""
    headers = reading.headers.values()
    classes = reading.classes or [EVERYTHING]
    sizes = sorted(((h.width, h.height) for h in headers), key=lambda size: size[0] * size[1])
    return {
        "image_shape": list(reading.splits["train"].images.shape[1:]),
        "splits": {
            split: {name: int((images.labels == label).sum()) for label, name in enumerate(classes)}
            for split, images in content.splits.items()
        },
        "sizes": {
            "smallest": sizes[0] if sizes else None,
            "median": sizes[len(sizes) // 2] if sizes else None,
            "largest": sizes[-1] if sizes else None,
        },
        "modes": dict(Counter(header.mode for header in headers).most_common()),
        "bits": dict(Counter(header.bits for header in headers).most_common()),
        "turned": sum(header.turned for header in headers),
        "several_images": sum(header.several for header in headers),
        "white_level": reading.white_level,
        "passed_over": dict(reading.passed),
        "damaged": {path.as_posix(): why for path, why in sorted(reading.damaged.items())},
        "equal": [[one.as_posix(), other.as_posix()] for one, other in reading.pairs],
        "dropped": reading.dropped,
        "flat": [path.as_posix() for path in reading.flat_images],
        "names": list(reading.odd_names()),
    }


def screen(found: Mapping[str, Any], reading: Reading, data: Data) -> Iterator[str]:
    """The same for a reader: a table of the splits, and a line for what is worth one."""
    channels, size, _ = found["image_shape"]
    colours = "grey" if channels == 1 else "RGB"
    count = sum(sum(classes.values()) for classes in found["splits"].values())
    yield f"{count:,} images, as {size}x{size} {colours}"
    yield ""
    yield from _table(found["splits"])
    yield ""
    sizes = found["sizes"]
    if sizes["median"]:
        words = ["x".join(map(str, sizes[name])) for name in ("smallest", "median", "largest")]
        yield f"sizes    {words[0]} to {words[2]}, median {words[1]} (width x height)"
        if sizes["median"][0] * sizes["median"][1] < data.size**2:
            yield f"         most are smaller than data.size, {data.size}"
    yield f"modes    {_counts(found['modes'])}"
    yield f"bits     {_counts(found['bits'])}"
    if found["turned"]:
        yield f"turned   {found['turned']} upright, as EXIF says"
    for note in reading.notes():
        yield f"note     {note}"
    if reading.damaged and data.skip_damaged:
        yield f"note     {len(reading.damaged)} left out, as they cannot be decoded"


def _table(splits: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    classes = list(splits["train"])
    names = [name for name in ("train", "validation", "test") if name in splits]
    shown = classes[:SHOWN]
    rows = [["", *names]]
    rows += [[name, *(f"{splits[split][name]:,}" for split in names)] for name in shown]
    if len(classes) > SHOWN:
        ranges = []
        for split in names:
            counts = np.array([splits[split][name] for name in classes[SHOWN:]])
            ranges.append(f"{counts.min():,} to {counts.max():,}")
        rows.append([f"and {len(classes) - SHOWN} more, each", *ranges])
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for name, *cells in rows:
        words = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        yield "  ".join([name.ljust(widths[0]), *words])


def _counts(found: Mapping[str | int, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in found.items())
