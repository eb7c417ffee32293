"""Settings of all tests, and what they share."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Before torch is imported: two processes of two threads each, on two cores, wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from tests.project import Project
from tests.shapes import check

# How long an example takes says nothing on a machine that runs other tests at the same time.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


check()


SLOWEST = (
    "test_docs",
    "test_family",
    "test_recovery",
    "test_pipeline",
    "test_parallel",
    "test_stages",
)
"""Files that run DVC or trainings again and again."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest files first, so that the quick ones fill what is left of both processes."""
    rank = {name: place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A committed project whose whole pipeline has run, on the jigsaw, and what dvc said of it.

    All of pytest's processes share it: copy it before you change anything.
    """
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    folder = place / "finished"
    with FileLock(place / "finished.lock"):
        if not folder.exists():
            project = Project(place / "unfinished" / "project", {"corruptions.rotate": None})
            stages = project.repro()
            project.commit("Run")
            (project.folder.parent / "stages").write_text("\n".join(stages))
            project.folder.parent.rename(folder)
    return folder


@pytest.fixture(autouse=True)
def _subnormal_numbers() -> Iterator[None]:
    """Leave no test to a process that flushes them, as `devices.prepare` has it do: hypothesis
    draws such numbers.
    """
    yield
    if torch := sys.modules.get("torch"):
        torch.set_flush_denormal(False)
