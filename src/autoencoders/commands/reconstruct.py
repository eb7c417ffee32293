"""Your own image files through a trained model: reconstructions, codes, and an overview."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import ValidationError
from ruamel.yaml import YAML, YAMLError
from torch import Tensor
from tqdm import tqdm

from autoencoders.commands.image_files import Source, find_images, write_images
from autoencoders.commands.output import check_new
from autoencoders.corruptions.base import Record
from autoencoders.corruptions.registry import build_corruption
from autoencoders.data.headers import deep_note, read_headers
from autoencoders.data.images import decode_images, listed, white_of
from autoencoders.errors import UserError
from autoencoders.figures.grids import Row, image_grid
from autoencoders.io.files import whole_folder
from autoencoders.io.streams import generator
from autoencoders.io.tensors import to_bytes
from autoencoders.nets.devices import prepare
from autoencoders.parts import find
from autoencoders.problems import problems_of, refusal
from autoencoders.trained import load_model

SHOWN = 10


@dataclass(frozen=True)
class Reconstructed:
    """Images on their way through a model: uint8 (N, C, H, W), and codes (N, L)."""

    originals: Tensor
    inputs: Tensor
    outputs: Tensor
    codes: Tensor
    record: Record
    captions: list[str]
    """What the corruption did, in a word for each image, if it has one."""


def reconstruct(
    model: str,
    images: Sequence[Path],
    *,
    out: Path,
    corrupt: Sequence[str] | None,
    seed: int,
    codes: str,
    batch_size: int,
    device: str,
    skip_damaged: bool,
) -> None:
    """Write what a model makes of image files into the new folder `out`.

    Files are decoded as `data.name: folder` does it: to the model's size and channels, those of
    more than 8 bits by the highest level among them. `corrupt` (a kind of corruption, and
    SETTING=VALUE for each of its settings) is done to each by the seed. `out` holds the folders
    inputs and reconstructions with a PNG for each file, overview.png of the first ten, and
    codes.csv or codes.parquet: the file, the record of what was done, the MSE against the original,
    and the code, a row for each file.

    Raises:
        UserError: there is no such model or image, `out` exists or lies in a folder of `images`,
            or a file is damaged and `skip_damaged` is false.
    """
    check_new(out, apart_from=images)
    if batch_size < 1:
        raise UserError(f"--batch-size is {batch_size}, expected at least 1")
    sources = find_images(images)
    headers = read_headers([source.path for source in sources])
    white = white_of(max((header.highest for header in headers.values()), default=0))
    if said := deep_note(headers, white):
        print(said)
    trained = load_model(model, prepare(device, "--device"), batch_size)
    _, height, width = trained.image_shape
    corruption = build_corruption(_described(corrupt or ["none"]), height, width)
    record = corruption.draw(len(sources), generator(seed, "own images"))

    def through(decoded: np.ndarray, drawn: Record) -> Reconstructed:
        originals = torch.from_numpy(decoded)
        inputs = corruption.apply(originals, drawn)
        found = trained.encode(inputs)
        captions = corruption.captions({name: values.numpy() for name, values in drawn.items()})
        outputs = to_bytes(trained.decode(found))
        return Reconstructed(originals, inputs, outputs, found, drawn, captions)

    channels, size, _ = trained.image_shape
    damaged: dict[Path, str] = {}
    first = None
    with whole_folder(out) as folder, WRITERS[codes](folder / f"codes.{codes}") as write_codes:
        for batch, start in _batches(sources, batch_size):
            paths = [source.path for source in batch]
            decoded, whole, failed = decode_images(paths, channels, size, white)
            damaged |= failed
            if damaged and not skip_damaged:
                raise UserError(f"{listed(damaged)}\nMend or remove them, or give --skip-damaged.")
            if whole.any():
                rows = start + np.flatnonzero(whole)
                result = through(decoded[whole], {name: v[rows] for name, v in record.items()})
                kept = [source for source, good in zip(batch, whole, strict=True) if good]
                _write(folder, kept, result, write_codes)
                first = first or result
        if first is None:
            raise UserError(listed(damaged))
        name = Path(model.partition("#")[0]).name
        _overview(folder / "overview.png", f"{name}: your images", first)
    if damaged:
        print(f"{listed(damaged)}\nThey are left out.", file=sys.stderr)
    print(f"{out}: {len(sources) - len(damaged)} images reconstructed")


def _described(words: Sequence[str]) -> dict[str, Any]:
    """The corruption that words describe: its kind, then SETTING=VALUE, values as in YAML.

    Raises:
        UserError: there is no such kind, or a setting is not one of its own.
    """
    kind, *given = words
    try:
        wanted = find("corruption", kind).Settings
        pairs = [word.partition("=") for word in given]
        settings = {name: YAML(typ="safe").load(value) for name, _, value in pairs}
        return {"kind": kind, **wanted.model_validate(settings).model_dump()}
    except ValidationError as error:
        raise refusal(f"--corrupt {' '.join(words)}", problems_of(error)) from error
    except (ValueError, YAMLError) as error:
        raise UserError(f"--corrupt {' '.join(words)}: {error}") from error


def _batches(sources: Sequence[Source], size: int) -> Iterator[tuple[Sequence[Source], int]]:
    """The sources batch by batch, each with the position of its first, under a progress bar."""
    with tqdm(total=len(sources), unit=" images", unit_scale=True, disable=None) as bar:
        for start in range(0, len(sources), size):
            batch = sources[start : start + size]
            yield batch, start
            bar.update(len(batch))


def _texts(record: Tensor) -> list:
    """One number as it is, several with spaces between."""
    rows = record.tolist()
    return [" ".join(map(str, row)) for row in rows] if record.dim() > 1 else rows


def _write(
    folder: Path,
    sources: Sequence[Source],
    result: Reconstructed,
    write_codes: Callable[[pd.DataFrame], None],
) -> None:
    names = [source.name for source in sources]
    write_images(folder / "inputs", names, result.inputs.numpy())
    write_images(folder / "reconstructions", names, result.outputs.numpy())
    errors = (result.outputs.float() - result.originals.float()) / 255
    files = [source.path.as_posix() for source in sources]
    mse = errors.square().flatten(1).mean(dim=1).numpy()
    done = {name: _texts(values) for name, values in result.record.items()}
    names = [f"z{number}" for number in range(result.codes.shape[1])]
    codes = pd.DataFrame(result.codes.numpy(), columns=names)
    write_codes(pd.concat([pd.DataFrame({"file": files, **done, "mse": mse}), codes], axis=1))


@contextmanager
def _csv(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends tables to a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:

        def write(table: pd.DataFrame) -> None:
            table.to_csv(file, header=file.tell() == 0, index=False, float_format="%.6g")

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends tables to a Parquet file."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise UserError(
            "--codes parquet needs pyarrow: "
            "python -m pip install -c requirements-optional.txt pyarrow"
        ) from error
    writer = None

    def write(table: pd.DataFrame) -> None:
        nonlocal writer
        arrow = pyarrow.Table.from_pandas(table, preserve_index=False)
        writer = writer or parquet.ParquetWriter(path, arrow.schema)
        writer.write_table(arrow)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


WRITERS = {"csv": _csv, "parquet": _parquet}


def _overview(path: Path, title: str, result: Reconstructed) -> None:
    first = slice(SHOWN)
    rows = [
        Row("original", result.originals[first].numpy()),
        Row("input", result.inputs[first].numpy(), result.captions[first]),
        Row("reconstruction", result.outputs[first].numpy()),
    ]
    image_grid(path, title, rows)
