"""Tables of published/: each is valid, and its small form runs and makes its page."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from autoencoders.checks import check_parts
from autoencoders.commands.published import column_values
from autoencoders.commands.score import Task, hash_of_inputs
from autoencoders.commands.table_page import markdown, write_page
from autoencoders.commands.tables import Table, content_of, read_table
from autoencoders.commands.use import use
from autoencoders.errors import UserError
from autoencoders.experiment import items_of
from autoencoders.io.arrays import IMAGES, read_arrays
from autoencoders.params import Params, read_params
from tests.in_process import run
from tests.project import ROOT, Project

TABLES = sorted(path.stem for path in (ROOT / "published").glob("*.yaml"))
WHOLE = "restoration"
"""The table that the command runs here; another one runs in test_docs.py."""
SMALL_NETWORKS = {"mlp": {"widths": [8]}, "conv": {"channels": [4, 8]}}


def small(content: dict[str, Any]) -> dict[str, Any]:
    """A row of the table on the embedded digits, with small networks, for an epoch.

    The last beside which another item stands, if there is any.
    """
    params, rows = content["params"], content["rows"]
    content["rows"] = [row for row in rows if "beside" in row][-1:] or rows[:1]
    used = {
        item for row in content["rows"] for item in (row["item"], *row.get("beside", {}).values())
    }
    for number, key in enumerate(("models", "corruptions")):
        names = {item.split("-")[number] for item in used}
        params[key] = {name: part for name, part in params[key].items() if name in names}
    params["data"] = params["data"] | {"name": "digits"}
    for model in params["models"].values():
        model["network"] |= SMALL_NETWORKS[model["network"]["kind"]]
        model["latent_dim"] = min(model["latent_dim"], 8)
    params["train"] = params.get("train", {}) | {"epochs": 1, "batch_size": 100}
    params["evaluate"] = {"importance_samples": 3, "generated_samples": 50}
    return content


@pytest.mark.parametrize("name", TABLES)
def test_its_params_are_valid_and_its_columns_have_numbers(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in ("params.yaml", "dvc.yaml"):
        Path(file).write_text((ROOT / file).read_text(encoding="utf-8"), encoding="utf-8")
    table = read_table(ROOT / f"published/{name}.yaml")
    changes = tmp_path / "changes.yaml"
    changes.write_text(yaml.safe_dump(table.params, sort_keys=False), encoding="utf-8")
    use(changes)
    params = read_params()
    check_parts(params)
    assert {row.item for row in table.rows} <= {"-".join(item) for item in items_of(params)}
    page = (ROOT / f"docs/published/{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {table.title}\n\n{table.source}\n\n{table.protocol}\n")
    for row in table.rows:
        assert f"| {row.name} |" in page


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """With small forms of all tables."""
    made = Project(tmp_path_factory.mktemp("published") / "project")
    for name in TABLES:
        text = yaml.safe_dump(
            small(content_of(ROOT / f"published/{name}.yaml")), sort_keys=False, allow_unicode=True
        )
        made.path(f"published/{name}.yaml").write_text(text, encoding="utf-8")
    made.commit("Make tables small")
    return made


def check_page(table: Table, page: str) -> None:
    """It has a row for each of the table's, with a number of ours in every column."""
    for row in table.rows:
        line = re.findall(rf"^\| {re.escape(row.name)} \|.*$", page, re.M)[0]
        cells = [cell.strip() for cell in line.split("|")[2:-1]]
        first = len(table.sources())
        for cell in cells[first : first + len(table.columns)]:
            assert re.fullmatch(r"-?\d+(\.\d+)?", cell), line


@pytest.mark.parametrize("name", sorted(set(TABLES) - {WHOLE}))
def test_a_small_form_has_numbers_in_all_columns(name, tmp_path, monkeypatch):
    """By its stages alone, in this process: the command runs the table below."""
    monkeypatch.chdir(tmp_path)
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, file)
    table = Table.model_validate(small(content_of(ROOT / f"published/{name}.yaml")))
    Path("changes.yaml").write_text(yaml.safe_dump(table.params, sort_keys=False))
    use(Path("changes.yaml"))
    params = read_params()
    for stage in ("download", "preprocess", "preprocess_corruptions"):
        run(stage, params)
    if any(column.file is None for column in table.columns.values()):
        run("train_classifier", params)
    for item in table.items():
        for stage in ("train", "embed", "evaluate"):
            if stage != "evaluate" or Path("models/classifier").exists():
                run(stage, params, *item.split("-"))
    measured = {
        item: {
            "values": column_values(Path(), item, table),
            "seconds": 60,
            "inputs": hash_of_inputs(Task.read(item.split("-")[1], params, Path()).inputs),
        }
        for item in table.items()
    }
    write_page(table, name, {"0": measured}, tmp_path)
    check_page(table, (tmp_path / f"{name}.md").read_text(encoding="utf-8"))


def test_the_command_runs_a_small_form_and_makes_its_page(project):
    project.run("autoencoders", "published", WHOLE, "--seeds", "0", "--jobs", "2")
    page = project.path(f"docs/published/{WHOLE}.md").read_text(encoding="utf-8")
    check_page(read_table(project.path(f"published/{WHOLE}.yaml")), page)
    assert project.path(f"docs/published/{WHOLE}.png").stat().st_size > 5000
    changed = project.run("git", "status", "--porcelain").stdout.splitlines()
    assert [line for line in changed if "docs/published/" not in line] == []


def test_what_is_done_is_not_done_again(project):
    log = project.path(f".published/{WHOLE}/logs/runs.jsonl")
    before = log.read_text(encoding="utf-8")
    pages = project.path(f"docs/published/{WHOLE}.md")
    page = pages.read_text(encoding="utf-8")
    project.run("autoencoders", "published", WHOLE, "--seeds", "0", "--jobs", "2")
    assert log.read_text(encoding="utf-8") == before
    assert pages.read_text(encoding="utf-8") == page
    results = json.loads(project.path(f".published/{WHOLE}/results.json").read_text())
    assert all(row["seconds"] > 0 for row in results["0"].values())


def table_of(**changes: Any) -> dict[str, Any]:
    return {
        "title": "A table",
        "source": "Somebody",
        "protocol": "So.",
        "params": {"models": {"a": {}, "b": {}}, "corruptions": {"none": {"kind": "none"}}},
        "columns": {"MSE": {"path": "mse", "digits": 2}, "SSIM": {"path": "ssim", "digits": 1}},
        "rows": [
            {"name": "A", "item": "a-none", "published": {"paper": 1.0}},
            {"name": "B", "item": "b-none"},
        ],
    } | changes


MEASURED = {
    seed: {
        "a-none": {"values": {"MSE": mse, "SSIM": None}, "seconds": 90},
        "b-none": {"values": {"MSE": 2.0, "SSIM": 0.25}, "seconds": None},
    }
    for seed, mse in (("0", 1.5), ("1", 2.5))
}


def test_the_table_has_means_ranges_and_differences():
    lines = markdown(Table.model_validate(table_of()), MEASURED).splitlines()
    assert lines[0] == "|  | paper | MSE | SSIM | difference from paper | minutes of training |"
    assert lines[2] == "| A | 1.00 | 2.00 (1.50 to 2.50) |  | +1.00 | 1.5 |"
    assert lines[3] == "| B |  | 2.00 (2.00 to 2.00) | 0.2 (0.2 to 0.2) |  |  |"


@pytest.mark.parametrize("drawn", [{}, {"figure": ["MSE", "SSIM"]}, {"curve": ["MSE", "SSIM"]}])
def test_a_page_is_made_of_what_there_is(tmp_path, drawn):
    write_page(Table.model_validate(table_of(**drawn)), "some", MEASURED, tmp_path)
    page = (tmp_path / "some.md").read_text(encoding="utf-8")
    assert 'make published TABLE=some SEEDS="0 1"' in page
    assert "![" in page
    assert "SHA-256" not in page
    assert (tmp_path / "some.png").stat().st_size > 5000


def test_a_row_may_have_another_item_beside_it():
    """A column that is of another item in one row stays empty in the rows that name none."""
    rows = [
        {"name": "A", "item": "a-none", "beside": {"SSIM": "b-none"}},
        {"name": "B", "item": "b-none"},
    ]
    table = Table.model_validate(table_of(rows=rows))
    assert table.items() == ["a-none", "b-none"]
    lines = markdown(table, {"0": MEASURED["0"]}).splitlines()
    assert lines[2] == "| A | 1.50 | 0.2 | 1.5 |"
    assert lines[3] == "| B | 2.00 |  |  |"


def test_the_test_sets_are_told_by_their_hashes(tmp_path):
    table = Table.model_validate(table_of(test_sets=True))
    hashed = {
        "0": {item: row | {"inputs": f"hash of {item}"} for item, row in MEASURED["0"].items()}
    }
    write_page(table, "some", hashed, tmp_path)
    page = (tmp_path / "some.md").read_text(encoding="utf-8")
    assert "| A | `hash of a-none` |" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": []}, "rows: List should have at least 1 item"),
        ({"rows": [{"name": "A", "item": "c-none"}]}, "'c-none', expected of a-none, b-none"),
        ({"figure": ["MSE", "PSNR"]}, "figure names 'PSNR', expected of MSE, SSIM"),
        ({"curve": ["MSE", "PSNR"]}, "curve names 'PSNR', expected of MSE, SSIM"),
        ({"curve": ["MSE"]}, "curve: List should have at least 2 items"),
        (
            {"rows": [{"name": "A", "item": "a-none", "beside": {"PSNR": "b-none"}}]},
            "beside names 'PSNR', expected of MSE, SSIM",
        ),
        ({"protokoll": "So."}, "protokoll: unknown key"),
    ],
)
def test_a_table_that_is_none_is_refused_by_key(tmp_path, changes, words):
    path = tmp_path / "some.yaml"
    path.write_text(yaml.safe_dump(table_of(**changes)), encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(words)):
        read_table(path)


def test_a_table_may_be_like_another_but_for_some_keys(tmp_path):
    path, own = tmp_path / "other.yaml", {"like": "some", "title": "Another"}
    (tmp_path / "some.yaml").write_text(yaml.safe_dump(table_of()), encoding="utf-8")
    path.write_text(yaml.safe_dump(own | {"params": {"train": {"epochs": 3}}}), encoding="utf-8")
    found, some = read_table(path), read_table(tmp_path / "some.yaml")
    changes = {"title": "Another", "params": some.params | {"train": {"epochs": 3}}}
    assert found == some.model_copy(update=changes)
    path.write_text("like: nothing", encoding="utf-8")
    with pytest.raises(UserError, match=r"nothing\.yaml: not found"):
        read_table(path)
    path.write_text("- like", encoding="utf-8")
    with pytest.raises(UserError, match=r"other\.yaml: expected keys with values, found \['l"):
        read_table(path)


def test_a_column_that_no_metrics_have_is_told(project):
    content = yaml.safe_load(project.path(f"published/{WHOLE}.yaml").read_text(encoding="utf-8"))
    content["columns"]["typo"] = {"file": "restored", "path": "mze", "digits": 2}
    project.path("published/typo.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    done = project.run("autoencoders", "published", "typo", check=False)
    project.path("published/typo.yaml").unlink()
    assert done.returncode == 1
    assert "columns.typo.path is 'mze'" in done.stdout
    assert "Running" not in done.stdout  # all of it is in the cache


def test_a_table_that_is_not_there_is_told(project):
    done = project.run("autoencoders", "published", "nothing", check=False)
    assert done.returncode == 1
    assert "published/nothing.yaml: not found" in done.stdout


def test_sections_are_changed_key_by_key_and_items_are_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in ("params.yaml", "dvc.yaml"):
        Path(file).write_text((ROOT / file).read_text(encoding="utf-8"), encoding="utf-8")
    before = yaml.safe_load(Path("params.yaml").read_text())
    Path("changes.yaml").write_text("train: {epochs: 3}\ncorruptions: {turned: {kind: rotate}}\n")
    use(Path("changes.yaml"))
    after = yaml.safe_load(Path("params.yaml").read_text())
    assert after["train"] == before["train"] | {"epochs": 3}
    assert after["corruptions"] == {"turned": {"kind": "rotate"}}
    assert isinstance(read_params(), Params)


@pytest.mark.parametrize("text", ["seed: {a: 1}", "train: 3", "models: 3", "colours: {a: 1}"])
def test_what_is_no_section_changes_nothing(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    before = (ROOT / "params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(before, encoding="utf-8")
    Path("changes.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape("changes.yaml")):
        use(Path("changes.yaml"))
    assert Path("params.yaml").read_text(encoding="utf-8") == before


def test_inputs_are_made_for_others_to_restore(project):
    """What `score` needs is there, and its hash is the one that the page tells."""
    project.run("autoencoders", "published", "restoration", "--inputs")
    copy = project.path(".published/restoration")
    name = read_table(project.path("published/restoration.yaml")).rows[0].item.split("-")[1]
    inputs = read_arrays(copy / f"data/corrupted/{name}/test.safetensors", images=IMAGES)["images"]
    project.run("autoencoders", "published", "restoration", "--jobs", "2")
    page = project.path("docs/published/restoration.md").read_text(encoding="utf-8")
    assert f"`{hash_of_inputs(inputs)}`" in page
    entry = copy / "entry"
    entry.mkdir()
    np.savez(entry / f"{name}.npz", images=inputs)
    scored = Project.existing(copy).run("autoencoders", "score", "entry", "--json")
    assert json.loads(scored.stdout)[name]["inputs"] == hash_of_inputs(inputs)
