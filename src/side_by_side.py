"""Run the stages of a DVC pipeline side by side: `dvc repro`, but several stages at a time.

    python -m side_by_side --jobs 2 [TARGET ...]

It works on any dvc.yaml and knows nothing of what its stages do. DVC says which stages have changed
and what depends on what; each free job then takes a stage whose dependencies are done, and with it
what this makes ready for the same item of a matrix (`train@a`, `evaluate@a`), as one

    dvc --wait-for-lock repro --single-item STAGE ...

so that DVC's own locks keep the runs apart and dvc.lock is that of `dvc repro`. A stage that fails
stops what depends on it and nothing else. Ctrl-C is passed on to the running stages, and the
command ends when they have; the same command goes on from there. Each job has its share of the
cores (OMP_NUM_THREADS, if it is not set already).

In a terminal each running item has a line with the last that it said; elsewhere there is a line
for each start and end.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

INTERRUPTED = 130
PATIENCE_SECONDS = 30
REFRESH_SECONDS = 0.5
KEPT_LINES = 40
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DVC = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pipeline in the current folder; 0 if all is up to date then, 1 if a stage failed."""
    parser = argparse.ArgumentParser(prog="side_by_side", description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="stages at a time")
    parser.add_argument("targets", nargs="*", help="stages to run up to; without any, all")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs is {options.jobs}, expected at least 1")
    # It takes its time to import: not before the arguments are known to be good.
    from dvc.exceptions import DvcException

    try:
        needs, changed = read_pipeline(options.targets)
    except DvcException as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"error: {error.filename}: {error.strerror}; if DVC keeps its cache of the site there, "
            "name another folder: dvc config --local core.site_cache_dir FOLDER",
            file=sys.stderr,
        )
        return 1
    plan = Plan(needs, set(needs) - with_dependents(needs, changed))
    if not plan.waiting:
        print("Data and pipelines are up to date.")
        return 0
    threads = -(-(os.cpu_count() or 1) // options.jobs)
    environment = {"OMP_NUM_THREADS": str(threads)} | os.environ
    runs = Runs(environment)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        execute(plan, runs, options.jobs)
    except KeyboardInterrupt:
        runs.interrupt()
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    for name in plan.failed:
        print(f"failed: {name}", file=sys.stderr)
    skipped = sorted(plan.waiting)
    if skipped:
        print(f"not run, as they depend on it: {', '.join(skipped)}", file=sys.stderr)
    return 1 if plan.failed else 0


def read_pipeline(targets: Sequence[str]) -> tuple[dict[str, set[str]], set[str]]:
    """What DVC knows: for each stage the stages that it needs, and the stages that have changed.

    Stages stand in the order of dvc.yaml. With targets, it is these and what they need.
    """
    from dvc.repo import Repo
    from networkx import descendants

    with Repo() as repo:
        graph = repo.index.graph
        stages = {stage.addressing: stage for stage in repo.index.stages if stage in graph}
        if targets:
            asked = [s for t in targets for s in repo.stage.collect(t)]
            kept = {*asked}.union(*(descendants(graph, stage) for stage in asked))
            stages = {name: stage for name, stage in stages.items() if stage in kept}
        needs = {
            name: {need.addressing for need in graph.successors(stage)}
            for name, stage in stages.items()
        }
        with repo.lock:
            changed = {name for name, stage in stages.items() if stage.status()}
    return needs, changed


def with_dependents(needs: Mapping[str, set[str]], names: Iterable[str]) -> set[str]:
    """The stages of those names and all that need them, directly or not."""
    found = set(names)
    while more := {name for name, own in needs.items() if own & found} - found:
        found |= more
    return found


@dataclass
class Plan:
    """Which stages are done, and what can be run next."""

    needs: Mapping[str, set[str]]
    done: set[str]
    failed: list[str] = field(default_factory=list)
    running: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        # What most others wait for goes first, else in the order of dvc.yaml.
        awaited = {name: len(with_dependents(self.needs, {name})) for name in self.needs}
        self.order = sorted(self.needs, key=lambda name: -awaited[name])

    @property
    def waiting(self) -> set[str]:
        """Stages that have not begun."""
        return set(self.needs) - self.done - self.running - set(self.failed)

    def take(self) -> list[str] | None:
        """The next stage whose needs are done and, in order, what it makes ready for its item."""
        first = next((name for name in self._ready(self.done)), None)
        if first is None:
            return None
        batch = [first]
        while True:
            ready = self._ready(self.done | {*batch}, apart_from=batch)
            ready = [name for name in ready if not self.needs[name].isdisjoint(batch)]
            more = [name for name in ready if item_of(name) == item_of(first)]
            # A stage of no item is followed by the next one only where there is no choice.
            if not more or (not item_of(first) and len(ready) > 1):
                break
            batch += more
        self.running |= {*batch}
        return batch

    def _ready(self, done: set[str], apart_from: Sequence[str] = ()) -> list[str]:
        waiting = self.waiting - {*apart_from}
        return [name for name in self.order if name in waiting and self.needs[name] <= done]

    def end(self, batch: Sequence[str], failed: str | None) -> None:
        """Take note that a batch has ended, up to the stage that failed if one did."""
        self.running -= {*batch}
        ended = batch[: batch.index(failed)] if failed else batch
        self.done |= {*ended}
        if failed:
            self.failed.append(failed)


def item_of(name: str) -> str:
    """The item of a matrix that a stage is of; empty where it is of none."""
    return name.partition("@")[2]


def shown_as(name: str) -> str:
    """What stands for a stage's batch on the screen: its item, if it is of one."""
    return item_of(name) or name


def execute(plan: Plan, runs: "Runs", jobs: int) -> None:
    """Run all of the plan, so many batches at a time."""
    pool = ThreadPoolExecutor(jobs)
    working: dict[Future, list[str]] = {}
    try:
        while True:
            while len(working) < jobs and (batch := plan.take()):
                working[pool.submit(runs.run, batch)] = batch
            if not working:
                return
            ended, _ = wait(working, timeout=REFRESH_SECONDS, return_when=FIRST_COMPLETED)
            for future in ended:
                plan.end(working.pop(future), future.result())
            runs.show()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class Runs:
    """The running commands, and what of them is shown."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.processes: dict[str, subprocess.Popen] = {}
        self.said: dict[str, str] = {}
        self.begun: dict[str, float] = {}
        self.shown = 0
        self.lock = threading.Lock()
        self.terminal = sys.stderr.isatty()

    def run(self, batch: Sequence[str]) -> str | None:
        """Run stages one after the other: the one that failed, or None."""
        first = batch[0]  # of which there is one at a time, where of its item there may be several
        name = shown_as(first)
        start = time.monotonic()
        self._print(f"{name}: {', '.join(stage.partition('@')[0] for stage in batch)}")
        master, slave = os.openpty() if self.terminal and os.name == "posix" else (None, None)
        process = subprocess.Popen(
            [*DVC, *batch],
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if slave is None else slave,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that a Ctrl-C reaches it by `interrupt` alone
        )
        with self.lock:
            self.processes[first], self.begun[first] = process, start
        if slave is not None:
            os.close(slave)
        reading = master if master is not None else process.stdout.fileno()  # type: ignore[union-attr]
        lines, running = self._follow(first, reading)
        status = process.wait()
        if master is not None:
            os.close(master)
        elif process.stdout is not None:
            process.stdout.close()
        with self.lock:
            del self.processes[first], self.begun[first]
            self.said.pop(first, None)
        seconds = time.monotonic() - start
        if status == 0:
            self._print(f"{name}: done in {seconds:.0f} s")
            return None
        failed = running if running in batch else first
        self._print("\n".join([*lines[-KEPT_LINES:], f"{name}: failed after {seconds:.0f} s"]))
        return failed

    def _follow(self, first: str, descriptor: int) -> tuple[list[str], str]:
        """Read what a command says to its end: its lines, and the last stage that it began."""
        lines: list[str] = []
        rest = running = ""
        while True:
            try:
                content = os.read(descriptor, 1 << 16)
            except OSError:  # how a pseudo-terminal ends
                content = b""
            if not content:
                return lines, running
            *parts, rest = re.split(r"[\r\n]+", rest + content.decode(errors="replace"))
            for part in filter(None, (ESCAPES.sub("", part).strip() for part in parts)):
                begun = re.match(r"Running stage '(.+)':", part)
                running = begun[1] if begun else running
                lines.append(part)
                with self.lock:
                    self.said[first] = part

    def interrupt(self) -> None:
        """Pass Ctrl-C on to what runs, and wait for its end."""
        with self.lock:
            running = list(self.processes.values())
        for sent in (signal.SIGINT, signal.SIGTERM):
            for process in running:
                if process.poll() is None:
                    _send(process, sent)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < deadline and any(p.poll() is None for p in running):
                time.sleep(0.1)

    def show(self) -> None:
        """Draw a line for each running batch."""
        if not self.terminal:
            return
        width = os.get_terminal_size(sys.stderr.fileno()).columns
        with self.lock:
            self._clear()
            for first, start in self.begun.items():
                seconds = time.monotonic() - start
                line = f"{shown_as(first)}, {seconds:.0f} s: {self.said.get(first, '')}"
                print(line[: width - 1], file=sys.stderr)
            self.shown = len(self.begun)

    def _clear(self) -> None:
        if self.shown:
            print(f"\x1b[{self.shown}A\x1b[J", end="", file=sys.stderr)
        self.shown = 0

    def _print(self, text: str) -> None:
        with self.lock:
            self._clear()
            print(text, file=sys.stderr, flush=True)


def _send(process: subprocess.Popen, sent: signal.Signals) -> None:
    """Send a signal to a command and to what it has started."""
    if os.name == "posix":
        os.killpg(process.pid, sent)
    else:
        process.terminate()


if __name__ == "__main__":
    sys.exit(main())
