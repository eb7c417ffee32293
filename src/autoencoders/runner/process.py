"""A stage's process: alone at its outputs, gone when DVC is gone, and on record.

DVC's own lock ends with DVC, while a stage that it started goes on. So each stage holds a lock of
its own, which the system frees however the process ends, and stops when its DVC has stopped.
"""

import json
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from autoencoders.errors import UserError

LOCKS = Path(".locks")
RUNS = Path("logs/runs.jsonl")
PATIENCE_SECONDS = 10
POLL_SECONDS = 0.5
ORPHANED = 3
STAGE_VARIABLE = "DVC_STAGE"
"""What DVC sets in the environment of a stage's command, to the stage's name."""


def project_root() -> Path:
    """The user's checkout, also where DVC runs an experiment in a copy below its .dvc/tmp."""
    here = Path.cwd()
    return next((folder.parent for folder in here.parents if folder.name == ".dvc"), here)


@contextmanager
def alone(run: str) -> Iterator[None]:
    """Hold the lock of `run` (a stage and its item), so that no two processes mix its outputs.

    Raises:
        UserError: another process still holds it after PATIENCE_SECONDS.
    """
    LOCKS.mkdir(exist_ok=True)
    lock = FileLock(LOCKS / f"{run}.lock")
    try:
        # An orphan needs a moment to notice that its DVC is gone.
        lock.acquire(timeout=PATIENCE_SECONDS)
    except Timeout as error:
        raise UserError(
            f"{run}: another process is at work on it in this folder; wait for its end or stop it"
        ) from error
    try:
        yield
    finally:
        lock.release()


def stop_with_dvc() -> None:
    """End this process with status ORPHANED within a second of the end of the DVC that started it.

    Does nothing in a process that DVC did not start.
    """
    if STAGE_VARIABLE in os.environ:
        starters = _starters(os.environ[STAGE_VARIABLE])
        threading.Thread(target=_watch, args=(starters,), daemon=True).start()


def _starters(stage: str) -> list[psutil.Process]:
    """DVC's process and, where there are some, those between it and this one.

    DVC names the stage in the environment of what it starts: shells and launchers have that from
    it, DVC itself does not.
    """
    starters = []
    for process in psutil.Process().parents():
        starters.append(process)
        if not _was_started_for(stage, process):
            break
    return starters


def _was_started_for(stage: str, process: psutil.Process) -> bool:
    try:
        environment = process.environ()
    except psutil.Error:
        environment = {}
    # macOS does not show the environment of its own programs, of which a shell is one.
    return not environment or environment.get(STAGE_VARIABLE) == stage


def _watch(starters: list[psutil.Process]) -> None:
    while all(_is_alive(process) for process in starters):
        time.sleep(POLL_SECONDS)
    os._exit(ORPHANED)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def on_record(run: str) -> Iterator[None]:
    """Note the run's duration, versions and device in logs/runs.jsonl, which nothing depends on."""
    start = time.time()
    outcome = "failed"
    try:
        yield
        outcome = "finished"
    finally:
        note = {"run": run, "outcome": outcome, "seconds": round(time.time() - start, 2)}
        path = project_root() / RUNS
        # A stage whose outputs are there has succeeded, with or without a note of it.
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(note | _environment()) + "\n")


def _environment() -> dict[str, Any]:
    """Versions of what is in use, and the device's name."""
    libraries = ("numpy", "torch", "sklearn", "matplotlib", "pandas")
    names = {"sklearn": "scikit-learn"}
    found = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "python": platform.python_version()}
    found |= {n: version(names.get(n, n)) for n in libraries if n in sys.modules}
    torch = sys.modules.get("torch")
    if torch is not None:
        found["cpu"] = torch.backends.cpu.get_cpu_capability()
        found["threads"] = torch.get_num_threads()
        if torch.cuda.is_initialized():
            found["gpu"] = torch.cuda.get_device_name()
    return found
