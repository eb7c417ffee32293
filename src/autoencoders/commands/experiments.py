"""DVC experiments of the current commit: found by what they are, and run to their end.

DVC finds an experiment by its name, whichever commit it started from, and takes a branch or a tag
of that name for it. Here an experiment counts only if it started from this commit; callers hold its
params and its code to theirs.
"""

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from autoencoders.errors import UserError

SUMMARY, PARAMS, LOCK = "metrics/summary.json", "params.yaml", "dvc.lock"
WORKSPACE = "workspace"
DECIDES = ("params.yaml", "dvc.yaml", "requirements.txt", "src", "stages")
"""What an experiment takes from the working tree, and a commit's results depend on."""
POLL_SECONDS = 1.0
LOST_SECONDS = 60.0
"""Without a worker, and without news: then what is queued will not run any more."""


@dataclass(frozen=True)
class Revision:
    """What was run in a commit, an experiment or the workspace."""

    name: str
    commit: str | None
    """None for the workspace."""
    params: dict[str, Any]
    """By dotted keys."""
    metrics: dict[str, float]
    """The headline metrics, by dotted keys."""
    code: str | None
    """The hash of data/code, which stands for the code of all stages; None where it was not run."""
    run_with: dict[str, Any]
    """The params that its results are of, by the dotted keys of dvc.lock."""

    def stale(self) -> str:
        """In what its params differ from those that its results are of, in words; or ""."""
        differing = [
            f"{key} is {value} in {LOCK} and {found} in {PARAMS}"
            for key, value in self.run_with.items()
            if key in self.params and (found := self.params[key]) != value
        ]
        return ", ".join(differing[:3])

    def is_like(self, other: "Revision", *but: str) -> bool:
        """Whether params, apart from those keys, and code are the same."""
        same = all(
            self.params.get(key) == other.params.get(key)
            for key in {*self.params, *other.params} - set(but)
        )
        return same and self.code == other.code


def on_head() -> dict[str, str]:
    """The experiments that started from the current commit: name -> commit."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            found = repo.experiments.ls(rev="HEAD")
    except DvcException as error:
        raise UserError(f"experiments cannot be listed: {error}") from error
    pairs = [pair for experiments in found.values() for pair in experiments]
    return {name: commit for name, commit in sorted(pairs) if commit}


def read_revision(name: str, revision: str | None) -> Revision:
    """What was run in a revision.

    Args:
        name: to call it by.
        revision: a commit, or None for the workspace.

    Raises:
        UserError: it has no params or no metrics.
    """
    # They take their time to import: not before the arguments are known to be good.
    import dvc.api
    from dvc.exceptions import DvcException
    from dvc_data.index import DataIndexDirError
    from scmrepo.exceptions import SCMError

    try:
        metrics = dvc.api.metrics_show(SUMMARY, rev=revision)
        params = dvc.api.params_show(PARAMS, rev=revision)
    except (DvcException, DataIndexDirError, SCMError, OSError) as error:
        raise UserError(
            f"{name!r}: has no {SUMMARY} or no {PARAMS}, as the stage summary writes it: {error}"
        ) from error
    lock = _lock_of(revision)
    try:
        code = lock["code"]["outs"][0]["md5"]
    except (LookupError, TypeError):
        code = None
    run_with: dict[str, Any] = {}
    for stage in _before_summary(params):
        run_with |= flat(lock.get(stage, {}).get("params", {}).get(PARAMS, {}))
    headlines = flat(metrics.get(SUMMARY, metrics))
    return Revision(name, revision, flat(params), headlines, code, run_with)


def _before_summary(params: Mapping[str, Any]) -> list[str]:
    """The stages that decide the headline metrics of these params, by their names in dvc.lock."""
    items = [f"{m}-{c}" for m in params.get("models", {}) for c in params.get("corruptions", {})]
    of_items = [f"{stage}@{item}" for item in items for stage in ("train", "embed", "evaluate")]
    return ["preprocess", "preprocess-corruptions", "train-classifier", *of_items]


def _lock_of(revision: str | None) -> dict[str, Any]:
    """The stages of a revision's dvc.lock, none where there is no such file."""
    if revision is None:
        lock = Path(LOCK)
        text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    else:
        shown = subprocess.run(["git", "show", f"{revision}:./{LOCK}"], capture_output=True)
        text = shown.stdout.decode("utf-8", "replace")
    try:
        return (YAML(typ="safe").load(text) or {}).get("stages", {})
    except (YAMLError, AttributeError):
        return {}


def flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values by dotted keys."""
    found: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def check_committed() -> None:
    """Hold the working tree to the current commit in what decides results.

    Raises:
        UserError: something differs, so that an experiment would not be one of this commit.
    """
    listed = _git("status", "--porcelain", "--untracked-files=all", "--", *DECIDES)
    if changed := [line[3:] for line in listed.splitlines()]:
        raise UserError(
            f"{', '.join(changed[:3])}{' and more' if len(changed) > 3 else ''}: not as in the "
            "current commit, whose experiments these would not be; commit or restore it first"
        )


def code_digest() -> str:
    """A digest of the code of the current commit that results depend on."""
    digest = hashlib.sha256()
    for path in DECIDES:
        if path != PARAMS:
            digest.update(_git("rev-parse", f"HEAD:./{path}").encode())
    return digest.hexdigest()


def check_code() -> None:
    """Hold dvc.lock to the code, by which the current commit's results would be others.

    Raises:
        UserError: the code, or what it depends on, is not that of dvc.lock.
    """
    shown = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json", "code"], capture_output=True, text=True
    )
    try:
        changes = list(json.loads(shown.stdout).get("code", []))
    except (json.JSONDecodeError, AttributeError) as error:
        raise UserError(f"dvc status code has failed: {shown.stderr.strip()}") from error
    if any(isinstance(change, dict) and "changed deps" in change for change in changes):
        raise UserError(
            f"the code is not that of {LOCK}, so that its results would not be comparable; "
            "dvc repro, and commit"
        )


def check_data() -> None:
    """Hold DVC's cache to what later experiments of a sweep need.

    DVC takes stages that have run before from its cache without reading their outputs anew, and
    then looks for single files in the folders that the commit's dvc.lock names
    (dvc.stage.utils._get_stage_files in DVC 3.67): where these were never here, all experiments but
    the first fail.

    Raises:
        UserError: such a folder is missing.
    """
    from dvc.repo import Repo

    with Repo() as repo:
        for stage in ("preprocess", "preprocess-corruptions"):
            for out in _lock_of("HEAD").get(stage, {}).get("outs", []):
                if out["md5"].endswith(".dir") and not repo.cache.local.exists(out["md5"]):
                    raise UserError(
                        f"{out['path']}: not in this clone's cache as {LOCK} names it, without "
                        "which experiments fail; dvc pull, or dvc repro preprocess-corruptions "
                        f"and commit {LOCK}"
                    )


def check_place() -> None:
    """Hold the project's folder to what DVC can run experiments in.

    Raises:
        UserError: its path has letters that DVC cannot write.
    """
    here = str(Path.cwd())
    if strange := sorted({letter for letter in here if not letter.isascii()}):
        raise UserError(
            f"{here}: its path has {', '.join(map(repr, strange))}, which DVC cannot write into "
            "the configuration of an experiment's copy; move the project to a path of ASCII letters"
        )


def free_name(wanted: str) -> str:
    """That name, or the first of it with -2, -3 and so on that no experiment or Git ref has."""
    refs = _git("for-each-ref", "--format=%(refname)").splitlines()
    taken = {ref.rpartition("/")[2] for ref in refs}
    names = [wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def run(
    experiments: Mapping[str, Sequence[str]], targets: Sequence[str], *, jobs: int
) -> list[str]:
    """Queue experiments and run all that is queued.

    Args:
        experiments: name -> what it changes, each KEY=VALUE.
        targets: the stages to run up to.
        jobs: experiments at a time.

    Returns:
        The names of those that have failed.

    Raises:
        UserError: one cannot be queued, or the workers have ended before the queue.
    """
    check_place()
    check_data()
    before = _states()
    for name, changes in experiments.items():
        words = [word for change in changes for word in ("-S", change)]
        _dvc("exp", "run", "--quiet", "--queue", "--name", name, *words, *targets)
    entries = {entry: name for entry, (name, _) in _states().items() if entry not in before}
    _dvc("queue", "start", "--quiet", "--jobs", str(jobs))
    return [name for entry, name in entries.items() if _follow(entry, name, jobs) != "Success"]


def _follow(entry: str, name: str, jobs: int) -> str:
    """Show what a queued experiment says until it ends, as Success or Failed."""
    shown, lost_since = False, None
    while (state := _states().get(entry, (name, "Failed"))[1]) in ("Queued", "Running"):
        if state == "Running" and not shown:
            # Ends with the experiment; there is no log yet in its first moments.
            command = [sys.executable, "-m", "dvc", "queue", "logs", entry, "--follow"]
            shown = subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
        lost_since = None if _has_workers() else lost_since or time.monotonic()
        if lost_since and time.monotonic() - lost_since > LOST_SECONDS:
            raise UserError(
                f"{name}: the workers of DVC's queue have ended before it; "
                f"dvc queue start --jobs {jobs} goes on"
            )
        time.sleep(POLL_SECONDS)
    if state == "Failed" and not shown:
        subprocess.run([sys.executable, "-m", "dvc", "queue", "logs", entry])
    return state


def _states() -> dict[str, tuple[str, str]]:
    """The entries of DVC's queue: each one's name and state."""
    from dvc.repo import Repo

    with Repo() as repo:
        rows = repo.experiments.celery_queue.status()
    return {row["rev"]: (row["name"] or row["rev"][:7], row["status"]) for row in rows}


def _has_workers() -> bool:
    from dvc.repo import Repo

    with Repo() as repo:
        return bool(repo.experiments.celery_queue.worker_status())


def resolve(name: str, known: Mapping[str, str]) -> str | None:
    """The commit that a name stands for; None for the workspace.

    An experiment of the current commit comes first, then what Git knows by the name, then the one
    experiment of another commit that has it, which is said.

    Args:
        name: of an experiment or a Git revision, or "workspace".
        known: `on_head`.

    Raises:
        UserError: there is nothing of that name, or several experiments of other commits.
    """
    if name == WORKSPACE:
        return None
    expected = f"expected an experiment (dvc exp list), a Git revision or {WORKSPACE!r}"
    if not name or ":" in name or name.startswith("-"):
        raise UserError(f"{name!r}: {expected}")
    revision = subprocess.run(
        ["git", "rev-parse", "--quiet", "--verify", f"{name}^{{commit}}"],
        capture_output=True,
        text=True,
    ).stdout.strip()
    if name in known:
        if revision and revision != known[name]:
            print(f"{name}: the experiment of this commit, not Git's revision of that name")
        return known[name]
    if revision:
        return revision
    refs = _git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps").splitlines()
    named = [re.fullmatch(r"refs/exps/(\w{2})/(\w+)/(\S+) (\w+)", ref) for ref in refs]
    found = [(match[1] + match[2], match[4]) for match in named if match and match[3] == name]
    if len(found) != 1:
        commits = ", ".join(baseline[:7] for baseline, _ in found)
        raise UserError(
            f"{name!r}: {expected}" + (f"; there are experiments of {commits}" if found else "")
        )
    print(f"{name}: an experiment of {found[0][0][:7]}, not of this commit")
    return found[0][1]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def _dvc(*arguments: str) -> None:
    if subprocess.run([sys.executable, "-m", "dvc", *arguments]).returncode:
        raise UserError(f"dvc {' '.join(arguments)} has failed (see above)")
