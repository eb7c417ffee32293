"""The state of an unfinished training, kept outside of what the stages version."""

import hashlib
import io
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from autoencoders.io.files import whole_file

DIGEST_BYTES = 32
MAX_STATE_BYTES = 1 << 34


class Checkpoint:
    """A file that holds a training's state after its last finished epoch.

    It is keyed by `fingerprint`, a hash of all that determines the training, so another state is
    never taken up; and it starts with the SHA-256 of the rest, so a damaged one is not either. Of
    two processes that run the same training, the first one owns it.
    """

    def __init__(self, folder: Path, item: str, fingerprint: str, leads: bool = True) -> None:
        """`leads` is False in processes that help another one to train, which keeps the state."""
        self.item = item
        self.fingerprint = fingerprint
        self.path = folder / f"{item}-{fingerprint[:32]}.state"
        self.lock = FileLock(self.path.with_suffix(".lock"))
        if not leads:
            return
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self.lock.acquire(blocking=False)
        except Timeout:
            _report(f"{self.path}: in use by another run of this training; starting afresh")

    def load(self) -> dict[str, Any] | None:
        """The state, or None where there is none or it is damaged or foreign (and says so)."""
        if not self.lock.is_locked or not self.path.exists():
            return None
        try:
            if self.path.stat().st_size > MAX_STATE_BYTES:
                raise ValueError(f"larger than {MAX_STATE_BYTES} bytes")
            content = self.path.read_bytes()
            digest, payload = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
            if hashlib.sha256(payload).digest() != digest:
                raise ValueError("its checksum does not fit its content")
            state = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
            if state.pop("fingerprint") != self.fingerprint:
                raise ValueError("it belongs to another training")
        except Exception as error:  # torch.load raises many kinds for a file that is not its own
            self.reject(error)
            return None
        return state

    def reject(self, error: Exception) -> None:
        """Say that the state is of no use, and why."""
        reason = str(error).strip().partition("\n")[0]
        _report(f"{self.path}: ignored, starting afresh ({reason or type(error).__name__})")

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state by a new one, atomically."""
        if not self.lock.is_locked:
            return
        payload = io.BytesIO()
        torch.save(state | {"fingerprint": self.fingerprint}, payload)
        content = payload.getvalue()
        with whole_file(self.path) as unfinished:
            unfinished.write_bytes(hashlib.sha256(content).digest() + content)

    def remove(self) -> None:
        """Forget the state: the training is finished."""
        if self.lock.is_locked:
            self.path.unlink(missing_ok=True)
            Path(self.lock.lock_file).unlink(missing_ok=True)
            self.lock.release()


def _report(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def fingerprint(settings: Any, files: Iterable[Path], code: Sequence[Path]) -> str:
    """SHA-256 of the settings, the contents of the files, and the modules in use from `code`."""
    files_of_modules = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    loaded = {Path(file).resolve() for file in files_of_modules if file}
    ours = sorted(path for path in loaded if any(path.is_relative_to(root) for root in code))
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in [*files, *ours]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
