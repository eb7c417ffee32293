"""Images in black and white: drawn as often white as they are bright, once or in every epoch."""

import numpy as np
import pytest
import torch

from autoencoders.corruptions.randomness import black_and_white, draw_seeds
from autoencoders.corruptions.registry import build_corruption
from autoencoders.data.binary import binarised
from autoencoders.io.arrays import read_arrays
from autoencoders.io.streams import generator
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.loop import Schedule, Training, TrainingData
from tests.parts import OPTIMIZERS
from tests.project import Project
from tests.test_optimizers import Silent, model_of

LEVELS = np.array([0, 1, 64, 128, 200, 254, 255], np.uint8)
DRAWN = 40_000
GREY = np.broadcast_to(LEVELS.reshape(1, 1, 1, -1), (DRAWN, 1, 1, len(LEVELS)))


def by_numpy() -> np.ndarray:
    return binarised(GREY, 0, "train")


def by_torch() -> np.ndarray:
    seeds = draw_seeds(DRAWN, generator(0, "test"))
    return black_and_white(torch.from_numpy(GREY.copy()), seeds).numpy()


@pytest.mark.parametrize("draw", [by_numpy, by_torch])
def test_a_pixel_is_white_as_often_as_it_is_bright(draw):
    drawn = draw()
    assert drawn.shape == GREY.shape
    assert set(np.unique(drawn)) == {0, 255}
    share = (drawn == 255).mean(axis=(0, 1, 2))
    deviation = np.sqrt(LEVELS / 255 * (1 - LEVELS / 255) / DRAWN)
    assert (np.abs(share - LEVELS / 255) <= 4 * deviation + 2**-15).all()
    assert share[0] == 0
    assert share[-1] == 1
    together = np.corrcoef((drawn[:, 0, 0, 1:-1] == 255).T)
    assert np.abs(together - np.eye(len(together))).max() < 0.03, "pixels are drawn apart"


def test_draws_depend_on_seed_and_purpose():
    few = GREY[:50]
    first = binarised(few, 0, "train")
    assert np.array_equal(first, binarised(few, 0, "train"))
    assert not np.array_equal(first, binarised(few, 1, "train"))
    assert not np.array_equal(first, binarised(few, 0, "test"))


@pytest.mark.parametrize("binarise", ["never", "once", "each_epoch"])
def test_preprocess_keeps_levels_for_trainings_that_draw_anew(binarise: str, tmp_path):
    project = Project(tmp_path / "project", {"data.binarise": binarise})
    project.stage("download")
    project.stage("preprocess")
    for name in ("train", "validation", "test"):
        arrays = read_arrays(project.path(f"data/processed/{name}.safetensors"))
        assert (set(np.unique(arrays["images"])) == {0, 255}) == (binarise != "never")
        assert ("levels" in arrays) == (binarise == "each_epoch" and name == "train")
        if "levels" in arrays:
            levels, images = arrays["levels"].astype(float), arrays["images"].astype(float)
            assert images.mean() == pytest.approx(levels.mean(), rel=0.02)


def test_a_training_sees_other_draws_in_each_epoch_whatever_its_batches(tmp_path):
    grey = torch.full((12, 1, 12, 12), 100, dtype=torch.uint8)
    grey[:, 0, 0, 0] = torch.arange(12)  # by which to tell them apart

    def seen(batch_size: int, epoch: int) -> torch.Tensor:
        """What an epoch trains on, in the images' order."""
        data = TrainingData(grey, grey, grey, grey, binarise=True)
        schedule = Schedule(2, batch_size, OPTIMIZERS["adam"], 0.1, [], "float32")
        none = build_corruption({"kind": "none"}, 12, 12)
        checkpoint = Checkpoint(tmp_path, f"{batch_size}-{epoch}", "f")
        run = Training(model_of(), none, data, schedule, 0, checkpoint)
        batches = []
        take = run.step

        def keep(inputs, originals, *rest):
            assert torch.equal(inputs, originals)
            batches.append(originals)
            return take(inputs, originals, *rest)

        run.step = keep  # type: ignore[assignment]
        run._train(epoch, Silent())  # type: ignore[arg-type]
        order = torch.randperm(len(grey), generator=generator(0, "epoch", epoch))
        return torch.cat(batches)[order.argsort()]

    first, again, other = seen(4, 1), seen(12, 1), seen(4, 2)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert set(first.unique().tolist()) == {0, 255}
