"""Image files of the user's: found, decoded in batches, written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from autoencoders.core.errors import UserError
from autoencoders.data.images import SUFFIXES, decode_image, in_threads, is_image

NAMED = 10


@dataclass(frozen=True)
class Source:
    """An image file, and the name of what is made of it."""

    path: Path
    name: str


def find_images(paths: Sequence[Path]) -> list[Source]:
    """The image files among the paths and in the folders. A name ends with .png, as it is written.

    Raises:
        UserError: a path is no image, a folder holds none, or two files would have one name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = {file.relative_to(path): file for file in sorted(path.rglob("*"))}
            named = {name: file for name, file in inside.items() if is_image(file)}
        else:
            named = {Path(path.name): path} if is_image(path) and path.is_file() else {}
        if not named:
            raise UserError(
                f"{path}: expected an image, or a folder with some ({', '.join(sorted(SUFFIXES))})"
            )
        for relative, file in named.items():
            name = relative.as_posix()
            name = name if relative.suffix == ".png" else f"{name}.png"
            if name in found:
                raise UserError(f"{found[name]} and {file}: both would be written as {name}")
            found[name] = file
    return [Source(path, name) for name, path in found.items()]


def decode_images(
    sources: Sequence[Source], image_shape: tuple[int, int, int]
) -> list[np.ndarray | None]:
    """The images as uint8 (C, H, W), None where a file is damaged."""
    channels, size, _ = image_shape
    decoded: list[np.ndarray | None] = [None] * len(sources)

    def decode(position: int) -> None:
        decoded[position] = decode_image(sources[position].path, channels, size)

    in_threads(decode, range(len(sources)))
    return decoded


def write_images(folder: Path, names: Sequence[str], images: np.ndarray) -> None:
    """Write uint8 images (N, C, H, W) as PNG."""

    def write(position: int) -> None:
        path, pixels = folder / names[position], images[position].transpose(1, 2, 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(path, "png")

    in_threads(write, range(len(names)))


def listed(damaged: Sequence[Path]) -> str:
    """How many files are damaged, and the names of the first."""
    names = "".join(f"\n  {path}" for path in damaged[:NAMED])
    more = f"\n  and {len(damaged) - NAMED} more" if len(damaged) > NAMED else ""
    return f"{len(damaged)} files cannot be decoded:{names}{more}"
