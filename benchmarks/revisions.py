"""The trainings of the default experiment at two commits, in turn.

    python -m benchmarks.revisions 869179c HEAD

Clones both into temporary folders, prepares the data of each with DVC, and trains all items of its
params.yaml two at a time with a thread each, for one epoch and for two: commit after commit, so
that both meet the same machine. The difference is what an epoch of all items takes, from which
follows the time of as many as params.yaml says on as many images as it trains on: here half of the
images are put aside. Prints a row of a Markdown table for each commit.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
EPOCHS = (1, 2)
PUT_ASIDE = 0.5
Item = tuple[str, str]


class Revision:
    """A clone of this repository at a commit, whose params.yaml is its own but for the images."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        quietly = {"check": True, "stdout": subprocess.DEVNULL}
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], **quietly)
        commit = ["git", "rev-parse", name]
        self.commit = subprocess.run(
            commit, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()
        subprocess.run(["git", "checkout", "--quiet", self.commit], cwd=folder, **quietly)
        content = self._params()
        self.epochs: int = content["train"]["epochs"]
        # Aligned trainings are the longest: begun first, they leave no core idle in the end.
        self.items = [(m, c) for c in reversed(content["corruptions"]) for m in content["models"]]
        self.share = (1 - content["data"]["validation_fraction"]) / (1 - PUT_ASIDE)
        self._change("data", "validation_fraction", PUT_ASIDE)
        self._run("dvc", "repro", "--quiet", "preprocess-corruptions")

    def train(self, epochs: int) -> float:
        """The seconds of all trainings, two at a time."""
        self._change("train", "epochs", epochs)
        start = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._train, self.items))
        return time.perf_counter() - start

    def _train(self, item: Item) -> None:
        self._run(sys.executable, "-m", "stages.train", *item)

    def _run(self, *command: str) -> None:
        paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        own = {"PYTHONPATH": str(self.folder / "src"), "PATH": paths, "OMP_NUM_THREADS": "1"}
        subprocess.run(
            command, cwd=self.folder, env=os.environ | own, check=True, stdout=subprocess.DEVNULL
        )

    def _params(self) -> Any:
        return YAML().load(self.folder / "params.yaml")

    def _change(self, section: str, name: str, value: float) -> None:
        content = self._params()
        content[section][name] = value
        YAML().dump(content, self.folder / "params.yaml")


def whole(seconds: Sequence[float], epochs: int, share: float) -> tuple[float, float]:
    """The seconds of an epoch and of all of them, by those of EPOCHS epochs on fewer images.

    `share` is how many times as many images there are in the end.
    """
    few, more = seconds
    epoch = (more - few) / (EPOCHS[1] - EPOCHS[0])
    start = few - EPOCHS[0] * epoch
    return epoch * share, start + epochs * epoch * share


def main() -> None:
    parser = argparse.ArgumentParser(description="The default trainings at two commits, in turn.")
    parser.add_argument("revisions", nargs="+", help="commits, of which the first is compared with")
    names = parser.parse_args().revisions
    with tempfile.TemporaryDirectory() as folder:
        revisions = [Revision(name, Path(folder) / str(n)) for n, name in enumerate(names)]
        taken: dict[str, list[float]] = {name: [] for name in names}
        for epochs in EPOCHS:
            for revision in revisions:
                taken[revision.name].append(revision.train(epochs))
                print(f"{revision.name}: {epochs}: {taken[revision.name][-1]:.0f} s", flush=True)
    print(
        "| commit | epochs | an epoch of all items | all trainings | ratio |\n|---|---|---|---|---|"
    )
    base = 0.0
    for revision in revisions:
        epoch, total = whole(taken[revision.name], revision.epochs, revision.share)
        base = base or total
        print(
            f"| {revision.commit[:7]} | {revision.epochs} | {epoch:.0f} s | {total / 60:.1f} min "
            f"| {total / base:.2f} |"
        )


if __name__ == "__main__":
    main()
