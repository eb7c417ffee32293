"""Several stages at a time: of a pipeline that has nothing to do with autoencoders."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import side_by_side
from side_by_side import Plan, Runs, with_dependents
from tests.project import ROOT, environment, wait_for

PIPELINE = """
stages:
  source:
    cmd: python work.py source
    deps: [work.py]
    outs: [source.txt]
  first:
    matrix: {name: [a, b, c]}
    cmd: python work.py first-${item.name} source.txt
    params: [pause]
    deps: [work.py, source.txt]
    outs: ["first-${item.name}.txt"]
  second:
    matrix: {name: [a, b, c]}
    cmd: python work.py second-${item.name} first-${item.name}.txt
    deps: [work.py, "first-${item.name}.txt"]
    outs: ["second-${item.name}.txt"]
  end:
    cmd: python work.py end second-a.txt second-b.txt second-c.txt
    deps: [work.py, second-a.txt, second-b.txt, second-c.txt]
    outs: [end.txt]
"""
WORK = """
import sys, time, yaml
name, *reads = sys.argv[1:]
params = yaml.safe_load(open("params.yaml"))
with open("times.log", "a") as log:
    print(f'{{"name": "{name}", "start": {time.time()}}}', file=log, flush=True)
    if name == params["fails"]:
        sys.exit("it went wrong")
    if name.startswith("first"):
        time.sleep(params["pause"])
    open(f"{name}.txt", "w").write(name + "".join(open(path).read() for path in reads))
    print(f'{{"name": "{name}", "end": {time.time()}}}', file=log, flush=True)
"""


@pytest.fixture
def pipeline(tmp_path) -> Path:
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "params.yaml").write_text("pause: 1\nfails: nothing\n")
    (tmp_path / ".gitignore").write_text("times.log\n")
    for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=tmp_path, env=environment(), check=True)
    return tmp_path


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "side_by_side", "--jobs", "2", *arguments],
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT / "src")),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def log(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "times.log").read_text().splitlines()]


def test_items_run_side_by_side_and_end_as_one_after_the_other(pipeline: Path):
    process = start(pipeline)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    assert "a: first, second" in said
    noted = log(pipeline)
    spans = {
        entry["name"]: (
            entry["start"],
            next(e["end"] for e in noted if e.get("end") and e["name"] == entry["name"]),
        )
        for entry in noted
        if "start" in entry
    }
    assert len(spans) == 8
    items = [spans[f"first-{name}"] for name in "abc"]
    assert sum(one[0] < other[1] and other[0] < one[1] for one in items for other in items) > 3
    lock = (pipeline / "dvc.lock").read_text()
    process = start(pipeline)
    assert "up to date" in process.communicate(timeout=60)[0]
    subprocess.run(["rm", "-rf", "dvc.lock", ".dvc/cache"], cwd=pipeline, check=True)
    subprocess.run(["dvc", "repro", "--force"], cwd=pipeline, env=environment(), check=True)
    assert sorted((pipeline / "dvc.lock").read_text().splitlines()) == sorted(lock.splitlines())


def test_a_failure_stops_what_depends_on_it_and_nothing_else(pipeline: Path):
    (pipeline / "params.yaml").write_text("pause: 0\nfails: first-b\n")
    process = start(pipeline)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert "it went wrong" in said
    assert "failed: first@b" in said
    assert "not run, as they depend on it: end, second@b" in said
    assert {path.stem for path in pipeline.glob("second-*.txt")} == {"second-a", "second-c"}
    (pipeline / "params.yaml").write_text("pause: 0\nfails: nothing\n")
    before = len(log(pipeline))
    process = start(pipeline, "second@b")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert {entry["name"] for entry in log(pipeline)[before:]} == {"first-b", "second-b"}


def test_what_dvc_refuses_is_told(pipeline: Path, tmp_path_factory):
    for folder, target, words in (
        (pipeline, "third@a", "third@a"),
        (tmp_path_factory.mktemp("elsewhere"), "first@a", "not inside of a DVC repository"),
    ):
        process = start(folder, target)
        said = process.communicate(timeout=60)[0]
        assert process.returncode == 1
        assert "error: " in said
        assert words in said
        assert "Traceback" not in said


def test_an_interrupt_stops_the_running_stages_and_it_goes_on_later(pipeline: Path):
    (pipeline / "params.yaml").write_text("pause: 30\nfails: nothing\n")
    process = start(pipeline)
    wait_for(lambda: (pipeline / "times.log").exists() and len(log(pipeline)) >= 4)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130, said
    assert time.monotonic() - begun < 20
    assert "interrupted; the same command goes on from here" in said
    assert not list(pipeline.glob("first-*.txt"))
    (pipeline / "params.yaml").write_text("pause: 0\nfails: nothing\n")
    process = start(pipeline)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert (pipeline / "end.txt").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_in_a_terminal_each_running_item_has_a_line(pipeline: Path):
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "side_by_side", "--jobs", "2"],
        cwd=pipeline,
        env=environment(PYTHONPATH=str(ROOT / "src")),
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    said = b""
    try:
        while content := os.read(master, 1 << 16):
            said += content
    except OSError:
        pass
    assert process.wait(timeout=60) == 0
    text = said.decode()
    assert "a, 0 s:" in text or "a, 1 s:" in text
    assert "python work.py" in text
    assert "\x1b[2A" in text  # two lines are drawn anew


NEEDS = {
    "source": set(),
    "slow": {"source"},
    "first@a": {"source"},
    "first@b": {"source"},
    "second@a": {"first@a", "slow"},
    "second@b": {"first@b", "slow"},
    "third@a": {"first@a"},
}


def test_the_plan_takes_what_most_wait_for_and_what_it_makes_ready_for_an_item():
    plan = Plan(NEEDS, set())
    assert plan.take() == ["source"]
    assert plan.take() is None
    plan.end(["source"], None)
    assert plan.take() == ["slow"]
    assert plan.take() == ["first@a", "third@a"]
    plan.end(["slow"], None)
    assert plan.take() == ["first@b", "second@b"]
    plan.end(["first@a", "third@a"], None)
    assert plan.take() == ["second@a"]
    plan.end(["first@b", "second@b"], "second@b")
    plan.end(["second@a"], None)
    assert plan.failed == ["second@b"]
    assert plan.done == {*NEEDS} - {"second@b"}


def test_stages_of_no_item_follow_each_other_where_there_is_no_choice():
    plan = Plan({"a": set(), "b": {"a"}, "c": {"b"}, "d": {"b"}}, set())
    assert plan.take() == ["a", "b"]


def test_dependents_are_found_through_others():
    assert with_dependents(NEEDS, {"slow"}) == {"slow", "second@a", "second@b"}
    assert with_dependents(NEEDS, {"source"}) == {*NEEDS}


def test_two_stages_of_an_item_may_run_at_once(monkeypatch):
    """As evaluate and generate of an item do, once the classifier that they waited for is there."""
    monkeypatch.setattr(side_by_side, "DVC", [sys.executable, "-c", "import time; time.sleep(1)"])
    runs = Runs(os.environ)
    with ThreadPoolExecutor(2) as pool:
        ended = pool.map(runs.run, [["evaluate@ae-none"], ["generate@ae-none"]])
        wait_for(lambda: len(runs.processes) == 2)
    assert list(ended) == [None, None]
    assert runs.processes == runs.begun == runs.said == {}


def test_a_site_cache_that_cannot_be_written_is_told_with_its_cure(pipeline: Path):
    (pipeline / "no-folder").touch()
    done = subprocess.run(
        [sys.executable, "-m", "side_by_side"],
        cwd=pipeline,
        env=environment(
            PYTHONPATH=str(ROOT / "src"), DVC_SITE_CACHE_DIR=str(pipeline / "no-folder/below")
        ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "dvc config --local core.site_cache_dir FOLDER" in done.stderr
