"""Whole-or-nothing writing and safe reading of arrays, weights and JSON.

Arrays and weights are safetensors files: no code can hide in them, the header is checked against
the file's size before anything is allocated, and equal arrays give equal bytes.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from autoencoders.errors import UserError

UNFINISHED = ".unfinished-"
"""How the names of scratch folders start, which DVC is told to ignore."""


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its place once the block has succeeded.

    If the block raises, `path` stays as it was and the unfinished folder is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=path.parent) as scratch:
        unfinished = Path(scratch) / path.name
        unfinished.mkdir()
        yield unfinished
        if path.exists():
            shutil.rmtree(path)
        unfinished.replace(path)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` that takes its place once the block has succeeded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=path.parent) as scratch:
        unfinished = Path(scratch) / path.name
        yield unfinished
        unfinished.replace(path)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays of any shape as one safetensors file."""
    with whole_file(path) as unfinished:
        save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, unfinished)


def read_arrays(path: Path, *expected: str) -> dict[str, np.ndarray]:
    """Read the arrays of a safetensors file.

    Raises:
        UserError: the file is missing, damaged, or lacks one of the `expected` names.
    """
    if not path.is_file():
        raise UserError(f"{path}: not found; run the stage that writes it (dvc repro)")
    try:
        arrays = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error})") from error
    missing = [name for name in expected if name not in arrays]
    if missing:
        raise UserError(f"{path}: holds {sorted(arrays)}, expected also {missing}")
    return arrays


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; NaN and infinity are refused with a ValueError."""
    with whole_file(path) as unfinished:
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
        unfinished.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"{path}: not found; run the stage that writes it (dvc repro)"
        raise UserError(message) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable as JSON ({error})") from error
