"""Arrays and weights in safetensors files, written whole and read safely.

No code can hide in them, the header is checked against the file's size before anything is
allocated, and equal arrays give equal bytes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from autoencoders.errors import UserError
from autoencoders.io.files import whole_file

# What arrays are, wherever they are stored: a type and a number of axes, the first over images.
IMAGES = ("uint8", 4)
LABELS = ("int64", 1)
CODES = ("float32", 2)

DTYPES = {"U8": "u1", "I64": "<i8", "F32": "<f4", "F64": "<f8"}
"""The types of the arrays that the stages write, as safetensors and as numpy name them."""


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays of any shape as one safetensors file.

    Raises:
        OSError: there is no room or no permission to write.
    """
    with whole_file(path) as unfinished:
        # The library lets nobody but the user read; who else may is for the user's umask to say.
        unfinished.touch()
        mode = unfinished.stat().st_mode
        try:
            save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, unfinished)
            unfinished.chmod(mode)
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


def place_of(path: Path, name: str) -> tuple[int, tuple[int, ...]]:
    """Where in a file the named array starts, in bytes, and its shape.

    Raises:
        UserError: the file is missing or damaged, or has no such array.
    """
    found = read_arrays(path).get(name)
    if found is None:
        raise UserError(f"{path}: holds no array {name!r}")
    start, header = _header(path)
    return start + header[name]["data_offsets"][0], found.shape


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """Where the arrays start, in bytes, and what the file says of each."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return 8 + length, header


def _map_arrays(path: Path) -> dict[str, np.ndarray]:
    with safe_open(path, framework="numpy"):
        pass  # this checks the header against the size of the file
    start, header = _header(path)
    try:
        content = np.memmap(path, mode="c", offset=start)
    except OSError:  # more than the system promises to hold, were all of it written to
        content = np.memmap(path, mode="r", offset=start)
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
