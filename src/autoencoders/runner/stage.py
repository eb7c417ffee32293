"""How a stage starts: its arguments, its params, and errors in a sentence."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from autoencoders.checks import check_parts
from autoencoders.data.registry import OWN
from autoencoders.errors import UserError
from autoencoders.params import Params, read_params
from autoencoders.runner.fan_ins import check_named
from autoencoders.runner.process import alone, on_record, project_root, stop_with_dvc

INTERRUPTED = 130
"""The exit status of a process that Ctrl-C ended, by the shells' convention."""


def run_stage(stage: Callable[..., None], *axes: str, gathers: bool = False) -> None:
    """Call `stage(params, *item)`, with the names on the command line as the item.

    `axes` says which sections of params.yaml those names are keys of ("models", "corruptions").
    A stage that `gathers` what all items have made runs only if dvc.yaml names just these.
    What a user can mend ends the process with a message on stderr and exit status 1; with
    TRACEBACK=1 in the environment, with the traceback too.
    """
    parser = argparse.ArgumentParser(description=sys.modules[stage.__module__].__doc__)
    for axis in axes:
        parser.add_argument(axis.removesuffix("s"), help=f"a key of {axis} in params.yaml")
    item = list(vars(parser.parse_args()).values())
    with _errors_in_a_sentence():
        params = read_params()
        if "torch" in sys.modules:  # which a stage that builds no parts need not wait for
            check_parts(params)
        _check_item(params, axes, item)
        if gathers:
            check_named(params)
        _check_own_images(params)
        name = Path(stage.__code__.co_filename).stem
        tell_other_versions(name, item)
        stop_with_dvc()
        # Under torchrun each rank has a lock of its own, besides that of the stage that started it.
        ranks = [f"rank{os.environ['RANK']}"] if "TORCHELASTIC_RUN_ID" in os.environ else []
        run = "-".join([name, *item, *ranks])
        with alone(run), on_record(run):
            stage(params, *item)


def tell_other_versions(stage: str, item: Sequence[str]) -> None:
    """Say which libraries a stage depends on in other versions than are installed.

    dvc.lock holds the versions of requirements.txt, by way of data/code.
    """
    path = Path("data/code") / stage
    path = path / "-".join(item) if path.is_dir() else path
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for name, _, pinned in (line.partition("==") for line in lines if "==" in line):
        with suppress(PackageNotFoundError):
            installed = version(name).partition("+")[0]
            if installed != pinned:
                print(
                    f"{name} {installed} is installed, {pinned} is what requirements.txt and "
                    "dvc.lock say: results may differ (make install)",
                    file=sys.stderr,
                )


def _check_item(params: Params, axes: Sequence[str], item: Sequence[str]) -> None:
    for axis, name in zip(axes, item, strict=True):
        known = getattr(params, axis)
        if name not in known:
            raise UserError(f"{name!r} is not a key of {axis} in params.yaml: {', '.join(known)}")


def _check_own_images(params: Params) -> None:
    """Tell why a copy in which DVC runs an experiment lacks the user's images.

    It holds what Git and DVC track.

    Raises:
        UserError: they are in the user's checkout and not in this copy of it.
    """
    root, here = project_root(), Path(params.data.path)
    in_a_copy = params.data.name == OWN and root != Path.cwd()
    if in_a_copy and _has_files(root / here) and not _has_files(here):
        raise UserError(
            f"data.path: the images in {root / here} are not tracked, so that this copy for an "
            "experiment lacks them; put them into a folder of another name, dvc add it, commit, "
            "and set data.path to it"
        )


def _has_files(folder: Path) -> bool:
    return any(path.is_file() and path.suffix != ".md" for path in folder.rglob("*"))


@contextmanager
def _errors_in_a_sentence() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        message = _explain(error)
        if message is None or os.environ.get("TRACEBACK") == "1":
            raise
        print(f"error: {message}", file=sys.stderr)
        sys.exit(1)


def _explain(error: Exception) -> str | None:
    """Cause and cure of an error that a user can mend, None for a defect of this code."""
    if isinstance(error, UserError):
        return str(error)
    # torch says so in a RuntimeError, in other words on each device; it may not be imported here.
    text = str(error)
    if isinstance(error, MemoryError) or "out of memory" in text or "allocate memory" in text:
        return (
            f"out of memory ({text.splitlines()[0] if text else 'no details'}); try a smaller "
            "train.batch_size or model, or another train.device"
        )
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}; mend this and give the same command again"
    return None
