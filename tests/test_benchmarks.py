"""The benchmarks run, and the ways that they compare do the same work."""

import copy
import json
import re
import sys

import numpy as np
import pytest
import torch
import yaml

from autoencoders.corruptions.kinds.jigsaw import Jigsaw
from autoencoders.errors import UserError
from autoencoders.experiment import items_of
from autoencoders.io.arrays import write_arrays
from autoencoders.params import read_params
from benchmarks import (
    corruptions,
    family,
    gpu,
    headlines,
    jigsaws,
    planes,
    race,
    revisions,
    streaming,
)
from benchmarks.epoch import WAYS, applies, made_images, measure, report, rotated, shuffled
from benchmarks.results import metrics_of, row
from tests.project import ROOT

ONE_OF_EACH = {
    "tutorial-0": "jigsaw",
    "ours": "clean",
    "ours, aligned": "rotate",
    "bound": "clean",
}


@pytest.mark.parametrize(("way", "corruption"), ONE_OF_EACH.items())
def test_a_way_is_measured(way: str, corruption: str):
    assert applies(way, corruption)
    found = measure(way, corruption, 300)
    assert 0 < found["seconds"] < 60
    assert 50 < found["MiB"] < 20_000
    assert all(0 < found[part] < 1 for part in ("in steps", "corruption") if part in found)


def test_the_tutorials_corruptions_are_those_of_the_project():
    image = torch.arange(784.0).view(1, 28, 28)
    torch.manual_seed(0)
    turns = [image.rot90(k, (1, 2)) for k in range(4)]
    assert any(torch.equal(rotated(image), turn) for turn in turns)
    mixed = shuffled(image)
    assert not torch.equal(mixed, image)
    assert torch.equal(mixed[:, 27:], image[:, 27:])
    corners = {int(mixed[0, row, column]) for row in (0, 9, 18) for column in (0, 9, 18)}
    assert corners == {28 * row + column for row in (0, 9, 18) for column in (0, 9, 18)}
    assert made_images(5).dtype == torch.uint8


def test_the_report_has_a_row_for_each_way(capsys):
    one = {"seconds": 2.0, "MiB": 100.0, "in steps": 0.98, "corruption": 0.01}
    found = {
        (way, corruption): [one, one | {"seconds": 4.0}]
        for way in WAYS
        for corruption in ("clean", "rotate", "jigsaw")
        if applies(way, corruption)
    }
    report(found, 15_000)
    printed = capsys.readouterr().out
    assert all(f"| {way} |" in printed for way in WAYS)
    assert "12.0 s (1.00), 100 MiB" in printed
    assert "clean 98.0%" in printed


def test_the_tables_of_results_read_the_test_numbers_of_an_item():
    kept = json.loads((ROOT / "metrics/ae-none.json").read_text())
    found = metrics_of("ae-none", None)
    assert found == kept["test"]["reconstruction"]
    assert found["mse"] != kept["validation"]["mse"]
    assert row("AE, none", 128, found).startswith(f"| AE, none | 128 | {found['mse']:.4f} |")


def test_the_headlines_are_means_and_ranges_of_test_numbers():
    names = [path.stem for path in (ROOT / "metrics").glob("*.json")]
    runs = {name: [json.loads((ROOT / f"metrics/{name}.json").read_text())] * 2 for name in names}
    other = copy.deepcopy(runs["ae-none"][0])
    other["test"]["reconstruction"]["mse"] += 0.001
    other["validation"]["mse"] += 1.0
    runs["ae-none"] = [runs["ae-none"][0], other]
    lines = headlines.tables(runs).splitlines()
    mse = runs["ae-none"][0]["test"]["reconstruction"]["mse"]
    expected = f"| **AE**, MSE | {mse + 0.0005:.5f} ({mse:.5f} to {mse + 0.001:.5f}) | "
    assert lines[2].startswith(expected)
    assert " to " not in lines[4]  # equal numbers have no range
    assert any(line.startswith("| *test images* |  |  |  |  |  | ") for line in lines)


def test_what_corruptions_cost_is_a_row_for_each(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["corruptions", "--images", "256", "--rounds", "2"])
    corruptions.main()
    rows = re.findall(r"^\| (\w+) \| \d+\.\d% \|$", capsys.readouterr().out, flags=re.MULTILINE)
    described = yaml.safe_load((ROOT / "params/stress.yaml").read_text())["corruptions"]
    assert rows == list(described)


def test_a_race_ends_at_the_last_mark_or_with_its_time(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(race, "PROCESSED", tmp_path)  # where nothing is: the digits race
    for way in ("ours", "ours, Adam", "notebook"):
        with pytest.raises(race.TimeIsUpError):
            race.WAYS[way]("jigsaw", 130, (1.0, 60))
        (line,) = capsys.readouterr().out.splitlines()  # its first look was at the mark
        with pytest.raises(race.TimeIsUpError):
            race.WAYS[way]("rotate", 260, (0.0, 0.1))
        point = json.loads(line)
        assert 0 < point["seconds"] < 60
        assert 0.01 < point["mse"] < 0.5
        capsys.readouterr()


def test_the_races_table_has_seconds_and_ratios(tmp_path):
    fast = [{"seconds": 2.0, "mse": 0.03}, {"seconds": 4.0, "mse": 0.003}]
    slow = [{"seconds": 10.0, "mse": 0.03}, {"seconds": 90.0, "mse": 0.02}]
    curves = {"ours": fast, "notebook": slow}
    rows = race.report(curves, "rotate").splitlines()
    assert rows[2] == "| ours | 2.0 s (1.0) | 4.0 s (1.0) | 0.0030 after 4 s |"
    assert rows[3] == "| notebook | 10.0 s (5.0) | not reached | 0.0200 after 90 s |"
    race.draw({"rotate": curves}, tmp_path / "race.png")
    assert (tmp_path / "race.png").stat().st_size > 1000


def test_inputs_that_race_apart_share_a_figure(tmp_path, monkeypatch, capsys):
    drawn = []
    monkeypatch.setattr(race, "run_apart", lambda *race: [{"seconds": 2.0, "mse": 0.03}])
    monkeypatch.setattr(race, "draw", lambda found, path: drawn.append(list(found)))
    curves = tmp_path / "curves.json"
    for corruption in ("jigsaw", "clean"):
        options = ["--corruptions", corruption, "--ways", "ours", "--curves", str(curves)]
        monkeypatch.setattr(sys, "argv", ["race", *options])
        race.main()
    assert drawn == [["jigsaw"], ["clean", "jigsaw"]]
    assert json.loads(curves.read_text())["clean"]["ours"] == [{"seconds": 2.0, "mse": 0.03}]


def test_all_epochs_follow_from_one_and_two_on_half_of_the_images():
    """4 seconds to start and 10 for an epoch, which has 1.8 times as many images in the end."""
    assert revisions.whole([14, 24], epochs=20, share=1.8) == (18, 4 + 20 * 18)


def test_the_trainings_of_a_commit_are_run_with_its_own_params(tmp_path):
    revision = revisions.Revision.__new__(revisions.Revision)
    revision.folder, run = tmp_path, []
    revision.items = [("ae", "rotate"), ("vae", "none")]
    (tmp_path / "params.yaml").write_text("train:\n  epochs: 20   # a comment\n")
    revision._run = lambda *command: run.append(command[1:])
    assert revision.train(2) < 60
    assert sorted(run) == [("-m", "stages.train", *item) for item in revision.items]
    assert "epochs: 2    # a comment" in (tmp_path / "params.yaml").read_text()


def test_images_are_streamed_and_held(tmp_path, monkeypatch):
    monkeypatch.setattr(streaming.resource, "setrlimit", lambda *limits: None)
    path = tmp_path / "train.safetensors"
    streaming.write_file(path, 1100)
    for stored in (True, False):
        found = streaming.measure(path, 512, stored, 1 << 40)
        assert 0 < found["seconds"] < 1
        assert 0.1 < found["GiB"] < 20


@pytest.mark.parametrize("flag", [[], ["--corruptions"]])
def test_the_tables_of_the_family_have_a_row_for_each_item(flag, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["family", *flag])
    family.main()
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert len(rows) == len(items_of(read_params()))
    kept = json.loads((ROOT / "metrics/ae-jigsaw.json").read_text())["test"]
    cells = dict(zip(head.split(" | "), rows[2].split(" | "), strict=True))
    assert cells["MSE"] == f"{kept['reconstruction']['mse']:.4f}"
    if flag:
        assert cells["tiles in place"] == f"{kept['stress']['jigsaw']['tile_accuracy']:.1%}"
        clean = json.loads((ROOT / "metrics/ae-none.json").read_text())["test"]
        assert cells["trained on clean images"] == f"{clean['stress']['jigsaw']['mse']:.4f}"
        copied = json.loads((ROOT / "metrics/baselines.json").read_text())["mse"]["copy"]["jigsaw"]
        assert f"{copied:.4f} |" == list(cells.values())[-1]
    else:
        assert "-ELBO" in cells
        assert "codebook in use" not in cells


def test_the_table_for_gpus_has_a_row_for_each_case(capfd, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["gpu", "--images", "128", "--device", "cpu"])
    monkeypatch.setattr(gpu, "MODELS", ("vae",))
    monkeypatch.setattr(gpu, "PRECISIONS", ("float32",))
    gpu.main()
    rows = re.findall(r"^\| vae \| \w+ \| \w+ \| \d+\.\d\d \|", capfd.readouterr().out, re.M)
    assert len(rows) == 3


class Knowing(jigsaws.Solver):
    """Says of each piece, which shows its number, that it belongs where it came from."""

    def __init__(self, grid: int, mistaken: bool) -> None:
        super().__init__()
        self.grid, self.mistaken = grid, mistaken

    def scores(self, images):
        numbers = (images[:, 0, ::4, ::4] * 255).round().long().flatten(1)
        if self.mistaken:  # the pieces of the first two places are exchanged
            numbers = torch.where(numbers < 2, 1 - numbers, numbers)
        return torch.nn.functional.one_hot(numbers, self.grid**2).float()


@pytest.mark.parametrize("mistaken", [False, True])
def test_pieces_are_counted_where_they_are_put(mistaken):
    grid = 3
    numbers = torch.arange(grid**2, dtype=torch.uint8).view(1, 1, grid, grid)
    images = numbers.repeat_interleave(4, 2).repeat_interleave(4, 3).repeat(50, 1, 1, 1)
    jigsaw = Jigsaw(12, 12, grid=grid)
    found = jigsaws.measure(Knowing(grid, mistaken), jigsaw, images, 0)
    assert found["wrong pieces"] == pytest.approx(2 / 9 if mistaken else 0)
    assert found["puzzles with any wrong"] == mistaken
    assert found["L1"] == pytest.approx(2 / 9 / 255 if mistaken else 0)
    assert (found["Kendall's tau"] < 1) == mistaken


def test_equal_pieces_are_not_wrong_in_each_others_place():
    blank = torch.zeros(20, 1, 12, 12, dtype=torch.uint8)
    found = jigsaws.measure(Knowing(3, mistaken=False), Jigsaw(12, 12, grid=3), blank, 0)
    assert found["wrong pieces"] == 0


def test_sinkhorns_rounds_make_rows_and_columns_sum_to_one():
    weights = jigsaws.sinkhorn(torch.randn(4, 9, 9))
    assert torch.allclose(weights.sum(dim=1), torch.ones(4, 9))
    assert torch.allclose(weights.sum(dim=2), torch.ones(4, 9), atol=0.01)


def test_both_solvers_learn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"))
    slope = torch.arange(9.0).view(1, 1, 1, 9) * 10 + torch.arange(9.0).view(1, 1, 9, 1) * 15
    for name, count in (("train", 1500), ("validation", 50), ("test", 100)):
        noise = torch.randint(0, 20, (count, 1, 9, 9), generator=torch.manual_seed(count))
        arrays = {"images": (slope + noise).to(torch.uint8).numpy()}
        write_arrays(tmp_path / f"data/processed/{name}.safetensors", arrays)
    monkeypatch.setattr(jigsaws, "PEER_SETTINGS", ((1e-2, 32),))
    monkeypatch.setattr(sys, "argv", ["jigsaws", "--grids", "2", "--epochs", "4"])
    jigsaws.main()
    lines = capsys.readouterr().out.splitlines()[2:]
    rows = [line for line in lines if line.startswith("|")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in rows]
    assert [way for _, way, *_ in cells] == ["aligner", "gumbel-sinkhorn"]
    # Of pieces that are put by chance 75 % are wrong.
    assert all(float(wrong.rstrip("%")) < 20 for _, _, wrong, *_ in cells)


def test_a_plane_that_is_the_images_themselves_loses_nothing():
    """Scaled and turned points have the same neighbours and the same density."""
    points = np.random.default_rng(0).normal(size=(60, 2))
    labels = (points[:, 0] > 0).astype(int)
    images = planes.Images(points, labels)
    found = images.measure(7 * points[:, ::-1])
    assert found["KL"] == pytest.approx(0, abs=1e-6)
    assert found["trustworthiness"] == found["continuity"] == 1
    other = images.measure(np.random.default_rng(1).normal(size=(60, 2)))
    assert other["KL"] > 0.001
    assert other["trustworthiness"] < 0.7
    assert other["kNN"] < found["kNN"]


def test_no_image_is_its_own_neighbour():
    """Of two far groups of eleven images each has ten others of its class."""
    codes = np.random.default_rng(0).normal(size=(22, 2))
    labels = np.arange(22) % 2
    codes[:, 0] += 100 * labels
    assert planes.knn_accuracy(codes, labels) == 1
    alone = np.zeros(12, dtype=int)
    alone[0] = 1  # whose neighbours are all of the other class
    assert planes.knn_accuracy(np.zeros((12, 2)), alone) == 11 / 12


def test_codes_of_other_images_are_refused(tmp_path):
    path = tmp_path / "latents.csv"
    path.write_text("0,1,labels\n0.5,1.5,7\n2.5,3.5,2\n")
    assert planes.published_codes(path, np.array([7, 2])).tolist() == [[0.5, 1.5], [2.5, 3.5]]
    with pytest.raises(UserError, match="labels differ"):
        planes.published_codes(path, np.array([2, 7]))
    path.write_text("x,y\n0.5,1.5\n")
    with pytest.raises(UserError, match="expected 0, 1, labels"):
        planes.published_codes(path, np.array([7]))
