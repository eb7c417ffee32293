"""The state of an unfinished training, kept outside of what the stages version."""

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from autoencoders.storage import whole_file


class Checkpoint:
    """A file that holds a training's state after its last finished epoch.

    Its name carries a hash of all that determines the training, so another state is never taken up.
    """

    def __init__(self, folder: Path, item: str, fingerprint: str) -> None:
        self.path = folder / f"{item}-{fingerprint[:32]}.pt"

    def load(self) -> dict[str, Any] | None:
        """The state, or None where there is none or it is damaged (which is reported)."""
        if not self.path.exists():
            return None
        try:
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch.load raises many kinds for a damaged file
            print(f"{self.path}: damaged, ignored ({error})", file=sys.stderr)
            return None

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state by a new one, atomically."""
        with whole_file(self.path) as unfinished:
            torch.save(state, unfinished)

    def remove(self) -> None:
        """Forget the state: the training is finished."""
        self.path.unlink(missing_ok=True)


def fingerprint(settings: Any, files: Iterable[Path], code: Sequence[Path]) -> str:
    """SHA-256 of the settings, the contents of the files, and the modules in use from `code`."""
    loaded = {
        Path(module.__file__).resolve()
        for module in list(sys.modules.values())
        if getattr(module, "__file__", None)
    }
    ours = sorted(path for path in loaded if any(path.is_relative_to(root) for root in code))
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in [*files, *ours]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
