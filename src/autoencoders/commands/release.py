"""What was trained, for others: an archive of each model, one of the results, and their hashes."""

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from autoencoders.commands.output import check_new
from autoencoders.errors import UserError
from autoencoders.experiment import items_of
from autoencoders.io.files import whole_folder
from autoencoders.params import read_params
from autoencoders.released import MODEL_FILES

RESULTS, SUMS = "results.zip", "SHA256SUMS"
STAGE = "report"
"""The stage that needs all that is released."""
SHARED = ("params.yaml", "dvc.yaml", "dvc.lock", "LICENSE", "plots/report.html")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive, so that the same files give the same bytes."""


def release(*, out: Path) -> None:
    """Write archives into the new folder `out`: MODEL-CORRUPTION.zip, results.zip, SHA256SUMS.

    A model's archive holds its config.json and weights.safetensors; results.zip the report, all
    metrics, params.yaml, dvc.yaml and dvc.lock. The same files give the same archives, byte for
    byte.

    Raises:
        UserError: `out` exists, or something that the report needs has not been run, or was changed
            since.
    """
    check_new(out)
    items = ["-".join(item) for item in items_of(read_params())]
    _check_up_to_date()
    with whole_folder(out) as folder:
        for item in items:
            files = {name: Path("models") / item / name for name in MODEL_FILES}
            _archive(folder / f"{item}.zip", files.items())
        metrics = sorted(Path("metrics").glob("*.json"))
        results = [*map(Path, SHARED), *metrics]
        _archive(folder / RESULTS, ((path.as_posix(), path) for path in results))
        archives = sorted(folder.glob("*.zip"))
        hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in archives}
        lines = "".join(f"{digest}  {name}\n" for name, digest in hashes.items())
        (folder / SUMS).write_text(lines, encoding="utf-8", newline="\n")
    first = f"{items[0]}.zip"
    print(
        f"{out}: {len(items)} models, {RESULTS} and {SUMS}; once they lie on a server, "
        f'load_model("https://SERVER/{first}#sha256={hashes[first]}")'
    )


def _check_up_to_date() -> None:
    command = [sys.executable, "-m", "dvc", "status", "--json", "--with-deps", STAGE]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"dvc status failed: {done.stderr.strip()}")
    changed = json.loads(done.stdout)
    if changed:
        raise UserError(
            f"not up to date: {', '.join(changed)}; expected what params.yaml and the code give: "
            "`dvc repro` runs it"
        )


def _archive(path: Path, files: Iterable[tuple[str, Path]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), file.read_bytes(), zipfile.ZIP_DEFLATED)
