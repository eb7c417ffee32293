"""Images from memory and from a file are the same images."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from autoencoders.corruptions.registry import build_corruption
from autoencoders.errors import UserError
from autoencoders.io import room
from autoencoders.io.arrays import read_arrays, write_arrays
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.loop import Progress, Schedule, Training, TrainingData
from autoencoders.training.source import AHEAD, StoredImages, batches_of, open_images
from tests.in_process import run, small_params, write_images
from tests.parts import OPTIMIZERS
from tests.test_optimizers import JIGSAW, model_of
from tests.test_training import same

CPU = torch.device("cpu")


@pytest.fixture
def path(tmp_path):
    chance = np.random.default_rng(0)
    arrays = {
        "images": chance.integers(0, 256, (90, 1, 12, 12), np.uint8),
        "labels": np.arange(90) % 3,
        "levels": chance.integers(0, 256, (90, 1, 12, 12), np.uint8),
    }
    write_arrays(tmp_path / "train.safetensors", arrays)
    return tmp_path / "train.safetensors"


@pytest.mark.parametrize("name", ["images", "levels"])
def test_batches_are_those_of_memory(path, name: str):
    whole = torch.from_numpy(read_arrays(path)[name])
    stored = StoredImages(path, name, CPU)
    assert len(stored) == len(whole)
    batches = torch.randperm(90).split(16)
    for images in (whole, stored):
        found = list(batches_of(images, batches))
        assert [len(batch) for batch in found] == [16] * 5 + [10]
        assert all(torch.equal(f, whole[b]) for f, b in zip(found, batches, strict=True))


def test_no_more_is_read_than_a_few_batches_ahead(path):
    asked = []

    def positions():
        for number in range(60):
            asked.append(number)
            yield torch.tensor([number])

    reading = StoredImages(path, "images", CPU).batches(positions())
    next(reading)
    assert len(asked) == AHEAD + 1
    reading.close()  # an epoch that is interrupted leaves neither thread nor file


def test_a_training_is_the_same_from_either(path, tmp_path):
    def trained(images, folder: str) -> Progress:
        validation = torch.from_numpy(read_arrays(path)["levels"][:20])
        data = TrainingData(images, validation, validation, validation[:2])
        schedule = Schedule(2, 16, OPTIMIZERS["adam"], 0.1, [], "float32")
        made = build_corruption(JIGSAW, 12, 12)
        checkpoint = Checkpoint(tmp_path / folder, "item", "f" * 64)
        return Training(model_of(align=JIGSAW), made, data, schedule, 0, checkpoint).run()

    whole = torch.from_numpy(read_arrays(path)["images"])
    assert same(trained(whole, "a"), trained(StoredImages(path, "images", CPU), "b"))


def test_what_takes_over_a_quarter_of_memory_stays_in_its_file(path, monkeypatch):
    array = read_arrays(path)["images"]
    assert isinstance(open_images(path, "images", array, CPU), torch.Tensor)
    small = SimpleNamespace(total=4 * array.nbytes - 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: small)
    assert isinstance(open_images(path, "images", array, CPU), StoredImages)


def test_a_file_that_ends_early_is_told(path):
    stored = StoredImages(path, "images", CPU)
    content = path.read_bytes()
    path.write_bytes(content[:500])
    with pytest.raises(UserError, match=r"train\.safetensors: ends within image"):
        list(stored.batches([torch.tensor([5])]))
    with pytest.raises(UserError, match="not a readable safetensors file"):
        StoredImages(path, "images", CPU)
    path.write_bytes(content)
    with pytest.raises(UserError, match="no array 'pictures'"):
        StoredImages(path, "pictures", CPU)


@pytest.mark.parametrize("binarise", ["never", "each_epoch"])
def test_images_are_prepared_alike_in_memory_and_in_a_file(tmp_path, monkeypatch, binarise):
    monkeypatch.chdir(tmp_path)
    chance = np.random.default_rng(0)
    write_images(
        {
            f"{name}/{number}.png": chance.integers(0, 256, (30, 30), np.uint8)
            for name in ("a", "b")
            for number in range(20)
        }
    )
    params = small_params({"data.binarise": binarise})
    kept = []
    for share in (room.MEMORY_SHARE, 0.0):
        monkeypatch.setattr(room, "MEMORY_SHARE", share)
        assert isinstance(room.blank((1,)), np.memmap) == (not share)
        run("preprocess", params)
        kept.append({path.name: path.read_bytes() for path in Path("data/processed").iterdir()})
    assert len(kept[0]) == 4
    assert kept[0] == kept[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "images", "plots"]


@pytest.mark.skipif(
    not hasattr(os, "posix_fallocate"), reason="needs a system that sets room aside"
)
def test_a_full_disk_is_told_before_anything_is_written(monkeypatch):
    def full(file, start, size):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(room, "MEMORY_SHARE", 0.0)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        room.blank((10, 1, 28, 28))


@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_images_are_taken_in_the_order_of_their_positions(monkeypatch, chunk):
    monkeypatch.setattr(room, "CHUNK", chunk)
    images = np.arange(9 * 4, dtype=np.uint8).reshape(9, 1, 2, 2)
    positions = np.array([7, 0, 3, 3, 8])
    assert np.array_equal(room.taken(images, positions), images[positions])
    chosen = images[:, 0, 0, 0] % 3 == 0
    assert np.array_equal(room.taken(images, chosen), images[chosen])
