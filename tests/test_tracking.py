"""The script that sends histories and metrics to MLflow, with a stand-in for MLflow."""

import json
import re
import sys
from pathlib import Path

from autoencoders.io.files import read_history, read_json
from tests.project import ROOT, Project

STAND_IN = """
import json
from contextlib import contextmanager

run = None


def keep(what, **content):
    with open("sent.jsonl", "a") as file:
        file.write(json.dumps({"what": what, "run": run} | content) + "\\n")


def set_experiment(name):
    keep("experiment", name=name)


@contextmanager
def start_run(run_name, tags):
    global run
    run = run_name
    keep("tags", values=tags)
    yield
    run = None


def log_params(values):
    keep("params", values={key: str(value) for key, value in values.items()})


def log_metrics(values, step=None):
    keep("metrics", values={key: float(value) for key, value in values.items()}, step=step)
"""


def test_every_item_is_a_run_with_its_history_and_metrics(finished: Path, tmp_path):
    project = Project.copy(finished / "project", tmp_path / "project")
    page = (ROOT / "docs/how-to/track.md").read_text(encoding="utf-8")
    script = re.search(r'title="track\.py"\n(.*?)^```$', page, re.M | re.S)[1]
    project.path("track.py").write_text(script, encoding="utf-8")
    project.path("mlflow.py").write_text(STAND_IN, encoding="utf-8")
    project.run(sys.executable, "track.py")
    lines = project.path("sent.jsonl").read_text(encoding="utf-8").splitlines()
    sent = [json.loads(line) for line in lines]
    summary = read_json(project.path("metrics/summary.json"))
    assert {line["run"] for line in sent} == {None, *summary}
    for item, metrics in summary.items():
        of_item = [line for line in sent if line["run"] == item]
        tags, params, *measured, last = of_item
        assert re.match(r"[0-9a-f]{7}", tags["values"]["commit"])
        assert params["values"]["train.epochs"] == "2"
        assert params["values"]["model.kind"] == item.partition("-")[0]
        history = read_history(project.path(f"plots/history/{item}.csv"))
        assert [line["step"] for line in measured] == history["epoch"]
        losses = [line["values"]["validation_loss"] for line in measured]
        assert losses == history["validation_loss"]
        assert last["values"]["validation.mse"] == metrics["validation"]["mse"]
        assert last["values"]["test.mse"] == metrics["test"]["mse"]
