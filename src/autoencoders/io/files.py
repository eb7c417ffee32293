"""Whole-or-nothing writing of files and folders, and JSON."""

import csv
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autoencoders.errors import UserError

UNFINISHED = ".unfinished-"
"""How the names of scratch files and folders start, which Git and DVC are told to ignore."""

MAX_TEXT_BYTES = 1 << 20
"""More than any JSON or YAML file of this project holds."""


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


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; NaN and infinity are refused with a ValueError."""
    with whole_file(path) as unfinished:
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
        unfinished.write_text(text + "\n", encoding="utf-8", newline="\n")


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


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write what a training has measured after each epoch as CSV, a row for each epoch."""
    # pandas would do it in a line, and take longer to import than some trainings' epochs.
    with whole_file(path) as unfinished, unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{value:.8g}" for name, value in row.items()} for row in rows)


def read_history(path: Path) -> dict[str, list[float]]:
    """Read what `write_history` has written: the values of each column, in the order of the epochs.

    Raises:
        UserError: the file is missing, or holds no such table.
    """
    try:
        rows = list(csv.DictReader(read_text(path).splitlines()))
        return {name: [float(row[name]) for row in rows] for name in rows[0]}
    except (IndexError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a training's history ({error})") from error
