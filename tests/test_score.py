"""Images that another model restored: their scores, and what is not taken for such images."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from autoencoders.__main__ import main
from autoencoders.io.arrays import read_arrays
from tests.in_process import run, small_params

CORRUPTIONS = {
    "none": {"kind": "none"},
    "rotate": {"kind": "rotate"},
    "jigsaw": {"kind": "jigsaw", "grid": 3},
    "both": [{"kind": "rotate"}, {"kind": "erase", "patch": 4, "share": 0.5}],
}


@pytest.fixture(scope="module")
def corrupted(tmp_path_factory) -> Path:
    """A folder with the digits and their corrupted test images."""
    folder = tmp_path_factory.mktemp("score")
    params = small_params({"data.name": "digits", "corruptions": CORRUPTIONS})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("params.yaml").write_text(yaml.safe_dump(params.model_dump()))
        for stage in ("download", "preprocess", "preprocess_corruptions"):
            run(stage, params)
    return folder


@pytest.fixture
def restored(corrupted, monkeypatch) -> Path:
    monkeypatch.chdir(corrupted)
    folder = corrupted / "restored"
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    return folder


def originals() -> np.ndarray:
    return read_arrays(Path("data/processed/test.safetensors"))["images"]


def inputs_of(corruption: str) -> dict[str, np.ndarray]:
    return read_arrays(Path(f"data/corrupted/{corruption}/test.safetensors"))


def scores(folder: Path, capsys) -> dict:
    assert main(["score", str(folder), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_originals_are_restored_perfectly(restored, capsys):
    for name in CORRUPTIONS:
        np.savez(restored / f"{name}.npz", images=originals())
    found = scores(restored, capsys)
    assert set(found) == set(CORRUPTIONS)
    for measures in found.values():
        assert (measures["mse"], measures["psnr"]) == (0, 100)
        assert measures["ssim"] == pytest.approx(1)
    assert found["jigsaw"]["tile_accuracy"] == 1
    assert found["both"]["mse_inside"] == found["both"]["mse_outside"] == 0
    assert set(found["rotate"]["by_k"]) <= set("0123")


def test_the_inputs_themselves_are_as_wrong_as_they_are(restored, capsys):
    drawn = inputs_of("jigsaw")
    np.savez(restored / "jigsaw.npz", images=(drawn["images"] / 255).astype(np.float32))
    measures = scores(restored, capsys)["jigsaw"]
    apart = (drawn["images"].astype(float) - originals()) / 255
    assert measures["mse"] == pytest.approx(np.square(apart).mean(), rel=1e-5)
    assert measures["mse"] == pytest.approx(measures["copy_mse"], rel=1e-5)
    assert measures["tile_accuracy"] < 0.5
    assert sum(group["images"] for group in measures["by_misplaced_tiles"].values()) == len(apart)
    assert measures["inputs"] == hashlib.sha256(drawn["images"].tobytes()).hexdigest()


def test_the_table_has_a_row_for_each_corruption(restored, capsys):
    for name in ("rotate", "jigsaw"):
        np.savez(restored / f"{name}.npz", images=originals())
    assert main(["score", str(restored)]) == 0
    _, _, jigsaw, rotate = capsys.readouterr().out.splitlines()
    assert jigsaw.startswith("| jigsaw | 0 | 100 | 1 | 1 | 0.")
    assert rotate.startswith("| rotate | 0 | 100 | 1 |  | 0.")


REFUSED = {
    "nothing": (None, {}, "found no .npz file, expected NAME.npz"),
    "another name": ("turned", {"images": np.zeros(3)}, "found turned.npz, expected NAME.npz"),
    "another array": ("rotate", {"restored": np.zeros(3)}, "with an array 'images'"),
    "another shape": ("rotate", {"images": np.zeros((3, 28, 28), np.uint8)}, "of shape (3, 28"),
    "another type": ("rotate", {"images": np.zeros((1, 1), np.int64)}, "'images' is int64"),
    "objects": ("rotate", {"images": np.array([{}], object)}, "not readable as an npz file"),
}


@pytest.mark.parametrize(("name", "arrays", "words"), REFUSED.values(), ids=REFUSED)
def test_what_holds_no_restored_images_is_refused(name, arrays, words, restored, capsys):
    if name:
        np.savez(restored / f"{name}.npz", **arrays)
    assert main(["score", str(restored)]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", np.lib.format.magic(1, 0)])
def test_damaged_files_are_refused(content, restored, capsys):
    (restored / "rotate.npz").write_bytes(content)
    assert main(["score", str(restored)]) == 1
    assert "rotate.npz: not readable as an npz file" in capsys.readouterr().err


def test_a_single_array_is_no_npz_file(restored, capsys):
    with (restored / "rotate.npz").open("wb") as file:
        np.save(file, originals())
    assert main(["score", str(restored)]) == 1
    assert "rotate.npz: not readable as an npz file" in capsys.readouterr().err


def test_floats_beyond_one_are_refused(restored, capsys):
    np.savez(restored / "rotate.npz", images=originals().astype(np.float32))
    assert main(["score", str(restored)]) == 1
    assert "float32 from 0 to 255, expected uint8 or float32 in [0, 1]" in capsys.readouterr().err


def test_without_data_it_says_how_to_get_it(tmp_path, monkeypatch, corrupted, capsys):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_bytes((corrupted / "params.yaml").read_bytes())
    np.savez("rotate.npz", images=np.zeros((1, 1, 28, 28), np.uint8))
    assert main(["score", "."]) == 1
    assert "run the stage that writes it (dvc repro)" in capsys.readouterr().err
