"""The notebook of docs/: it runs from beginning to end, and shows what it has made."""

import json
import subprocess
from pathlib import Path

from tests.project import ROOT, Project, warm

PAGE = Path("docs/notebook.ipynb")


def cells_of(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_it_runs_from_beginning_to_end(finished, tmp_path):
    project = Project.copy(finished / "project", tmp_path / "project")
    subprocess.run(
        ["jupyter-execute", "--inplace", "--timeout=300", PAGE.name],
        cwd=project.path("docs"),
        env=warm(PYTHONPATH=str(project.path("src"))),
        check=True,
    )
    cells = cells_of(project.path(str(PAGE)))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [one for one in outputs if one["output_type"] == "error"]
    assert not [one for one in outputs if one.get("name") == "stderr"]
    assert sum("image/png" in one.get("data", {}) for one in outputs) == 4


def test_what_is_committed_shows_its_pictures_and_names_no_path_of_a_machine():
    cells = cells_of(ROOT / PAGE)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert sum("image/png" in one.get("data", {}) for one in outputs) == 4
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert len(text) < 1_000_000
    assert not [word for word in ("/home/", "/root/", "/work/", "/tmp/", "Warning") if word in text]
