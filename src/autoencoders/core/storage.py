"""Whole-or-nothing writing and safe reading of arrays, weights and JSON.

Arrays and weights are safetensors files: no code can hide in them, the header is checked against
the file's size before anything is allocated, and equal arrays give equal bytes.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from autoencoders.core.errors import UserError

UNFINISHED = ".unfinished-"
"""How the names of scratch files and folders start, which Git and DVC are told to ignore."""

MAX_TEXT_BYTES = 1 << 20
"""More than any JSON or YAML file of this project holds."""

# What arrays are, wherever they are stored: a type and a number of axes, the first over images.
IMAGES = ("uint8", 4)
LABELS = ("int64", 1)
CODES = ("float32", 2)

DTYPES = {"U8": "u1", "I64": "<i8", "F32": "<f4", "F64": "<f8"}
"""The types of the arrays that the stages write, as safetensors and as numpy name them."""


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its place once the block has succeeded.

    If the block raises, `path` stays as it was and the unfinished folder is removed.
    """
    with _scratch(path) as unfinished:
        unfinished.mkdir()
        yield unfinished
        if path.exists():
            shutil.rmtree(path)
        unfinished.replace(path)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` that takes its place once the block has succeeded."""
    with _scratch(path) as unfinished:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())  # else a power failure could leave the name without the bytes
        unfinished.replace(path)


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A free path beside `path`: what a killed process left there is removed, before and after."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(UNFINISHED + path.name)
    _remove(unfinished)
    try:
        yield unfinished
    finally:
        _remove(unfinished)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays of any shape as one safetensors file.

    Raises:
        OSError: there is no room or no permission to write.
    """
    with whole_file(path) as unfinished:
        try:
            save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, unfinished)
        except SafetensorError as error:
            raise OSError(f"{path}: cannot be written ({error})") from error


def read_arrays(path: Path, **expected: tuple[str, int]) -> dict[str, np.ndarray]:
    """Read the arrays of a safetensors file, mapped into memory rather than copied.

    Writing to them does not reach the file. `expected` names arrays that must be there, as (dtype,
    number of axes), all of one length, for instance `images=IMAGES, labels=LABELS`.

    Raises:
        UserError: the file is missing or damaged, or an array is not as expected.
    """
    if not path.is_file():
        raise UserError(f"{path}: not found; run the stage that writes it (dvc repro)")
    try:
        arrays = _map_arrays(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path}: not a readable safetensors file ({error}); "
            "delete it and run dvc repro or dvc checkout"
        ) from error
    for name, (dtype, axes) in expected.items():
        found = arrays.get(name)
        if found is None:
            raise UserError(f"{path}: holds {sorted(arrays)}, expected also {name!r}")
        if found.dtype != dtype or found.ndim != axes or not found.size:
            raise UserError(
                f"{path}: {name!r} is {found.dtype} of shape {found.shape}, "
                f"expected {dtype} with {axes} axes, none of them empty"
            )
    lengths = {name: len(arrays[name]) for name in expected}
    if len(set(lengths.values())) > 1:
        raise UserError(f"{path}: arrays of different lengths: {lengths}")
    return arrays


def _map_arrays(path: Path) -> dict[str, np.ndarray]:
    with safe_open(path, framework="numpy"):
        pass  # this checks the header against the size of the file
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    content = np.memmap(path, mode="c", offset=8 + length)
    return {
        name: content[slice(*entry["data_offsets"])]
        .view(DTYPES[entry["dtype"]])
        .reshape(entry["shape"])
        for name, entry in header.items()
    }


def read_pairs(
    originals: Path, inputs: Path
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Read labelled images and what the model sees of them, two files of one stage's split.

    Raises:
        UserError: as `read_arrays`, or the two files do not belong together.
    """
    original = read_arrays(originals, images=IMAGES, labels=LABELS)
    corrupted = read_arrays(inputs, images=IMAGES)
    shapes = [arrays["images"].shape for arrays in (original, corrupted)]
    if shapes[0] != shapes[1]:
        raise UserError(
            f"{inputs}: holds images of shape {shapes[1]}, expected {shapes[0]} as in {originals}"
        )
    return original, corrupted


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; NaN and infinity are refused with a ValueError."""
    with whole_file(path) as unfinished:
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
        unfinished.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, *expected: str) -> dict[str, Any]:
    """Read a JSON file that holds an object with at least the `expected` keys.

    Raises:
        UserError: the file is missing, is not such JSON, or is larger than any of ours.
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not readable as JSON ({error})") from error
    missing = [key for key in expected if not isinstance(content, dict) or key not in content]
    if missing or not isinstance(content, dict):
        raise UserError(f"{path}: expected an object with the keys {', '.join(expected)}")
    return content


def read_text(path: Path) -> str:
    """Read a UTF-8 file of at most MAX_TEXT_BYTES.

    Raises:
        UserError: the file is missing, larger, or not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > MAX_TEXT_BYTES:
            raise UserError(f"{path}: {size} bytes, expected at most {MAX_TEXT_BYTES}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: not found") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as text ({error})") from error
