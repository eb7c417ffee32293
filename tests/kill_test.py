"""Kill a running pipeline again and again, and compare its end with an undisturbed run.

    python -m tests.kill_test [KILLS [STAGE]] [--undisturbed dvc.lock]

Starts `dvc repro` on the embedded digits, up to STAGE, and kills, after a random time and in a
random way, DVC, the running stage, or both; then gives the same command again. In the end dvc.lock,
which holds the hash of every output, must be that of a run that nobody disturbed. Exits with
status 1 if not.

DVC writes its own bookkeeping in place, so a SIGKILL can leave it torn. Then this does what
docs/reliability.md tells users to do, and counts how often.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.project import Project, environment

CHANGES = {
    "train.epochs": 12,
    "train.batch_size": 64,
    "models.vae": None,
    "corruptions.rotate": None,
}
LONGEST_SECONDS = 9.0
SECONDS_PER_KILL = 60
# What DVC says of a torn file, and the file, which it makes anew from its cache.
TORN = {
    r"RWLock-file.*corrupted": ".dvc/tmp/rwlock",
    r"dvc\.lock'.*(corrupted|validation failed)": "dvc.lock",
}


def start(project: Project, stages: Sequence[str]) -> subprocess.Popen:
    return subprocess.Popen(
        ["dvc", "repro", *stages],
        cwd=project.folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=project.path("../killed.log").open("a"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def kill(process: subprocess.Popen, way: str, sent: signal.Signals) -> None:
    """Send the signal to DVC, to the stage that it runs, or to their whole group."""
    if way == "group":
        os.killpg(process.pid, sent)
        return
    stages = psutil.Process(process.pid).children(recursive=True)
    targets = stages if way == "stage" and stages else [psutil.Process(process.pid)]
    for target in targets:
        target.send_signal(sent)


def mend(project: Project, said: str) -> list[str]:
    """Remove what DVC says is torn."""
    torn = [name for message, name in TORN.items() if re.search(message, said)]
    for name in torn:
        project.path(name).unlink()
    return torn


def torment(
    project: Project, stages: Sequence[str], kills: int, chance: random.Random
) -> tuple[Counter, Counter]:
    """Run the pipeline to its end through `kills` kills: how often in each way, what was torn."""
    ways, torn = Counter(), Counter()
    started = []
    log = project.path("../killed.log")
    deadline = time.monotonic() + SECONDS_PER_KILL * (kills + 10)
    while ways.total() < kills:
        for process in started:
            process.poll()  # as a shell would: DVC takes an unburied process for a living one
        said_before = len(log.read_text()) if started else 0
        process = start(project, stages)
        started.append(process)
        assert time.monotonic() < deadline, log.read_text()[-5000:]
        try:
            process.wait(timeout=chance.uniform(0.5, LONGEST_SECONDS))
            # A stage failed of an earlier kill, or all is done: then have it all once more.
            if process.returncode == 0:
                project.start_over()
            else:
                torn.update(mend(project, log.read_text()[said_before:]))
                time.sleep(1)  # DVC leaves a Ctrl-C to its stage, and may still be at work
            continue
        except subprocess.TimeoutExpired:
            way = chance.choice(["dvc", "stage", "group"])
            sent = chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
        kill(process, way, sent)
        ways[f"{sent.name} to {way}"] += 1
        if chance.random() < 0.5:  # else the next run starts while the last one is dying
            time.sleep(chance.uniform(0, 2))
    for process in started:
        process.wait(timeout=600)
    said_before = len(log.read_text())
    if start(project, stages).wait(timeout=600) != 0:
        torn.update(mend(project, log.read_text()[said_before:]))
        assert start(project, stages).wait(timeout=600) == 0, log.read_text()[-5000:]
    return ways, torn


def main(kills: int, stages: Sequence[str], undisturbed: Path | None = None) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"{kills} kills, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if undisturbed is None:
            calm = Project(Path(folder) / "calm", CHANGES)
            calm.repro(*stages)
            undisturbed = calm.path("dvc.lock")
        wanted = undisturbed.read_text()
        killed = Project(Path(folder) / "killed", CHANGES)
        ways, torn = torment(killed, stages, kills, random.Random(seed))
        log = Path(folder, "killed.log").read_text()
        for way, count in sorted(ways.items()):
            print(f"  {count:3d} x {way}")
        for name, count in sorted(torn.items()):
            print(f"{name} found torn and removed: {count}")
        print(f"trainings resumed: {log.count('resuming after epoch')}")
        differing = set(wanted.splitlines()) ^ set(killed.lock().splitlines())
        if differing or killed.unfinished():
            sys.exit(f"the results differ: {sorted(differing)} {killed.unfinished()}")
    print("dvc.lock is that of the undisturbed run: every output has the same bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kills", type=int, nargs="?", default=30)
    parser.add_argument("stages", nargs="*", help="up to which to run; all, if none")
    parser.add_argument(
        "--undisturbed", type=Path, help="the dvc.lock of such a run, if there is one"
    )
    options = parser.parse_args()
    main(options.kills, options.stages, options.undisturbed)
