"""Corruptions against torch.rot90, an explicit cutting into tiles, and their own inverse."""

import pytest
import torch

from autoencoders.corruptions.base import permute_pixels
from autoencoders.corruptions.registry import build_corruption
from autoencoders.errors import UserError
from autoencoders.io.streams import generator

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
KINDS = [
    ("none", {}),
    ("rotate", {}),
    *(("jigsaw", {"grid": grid}) for grid in (2, 3, 4, 7, 28)),
]


def images(count: int, channels: int, height: int = 28, width: int = 28) -> torch.Tensor:
    shape = (count, channels, height, width)
    return torch.randint(256, shape, generator=generator(0, "images")).to(torch.uint8)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [1, 3])
def test_rotation_is_rot90_counter_clockwise(channels: int, device: str):
    batch = images(64, channels).to(device)
    rotation = build_corruption("rotate", 28, 28, device)
    k = rotation.draw(64, generator(0, "k"))
    assert set(k.tolist()) == {0, 1, 2, 3}
    rotated = permute_pixels(batch, rotation.table(k.to(device)))
    for image, turns, result in zip(batch, k.tolist(), rotated, strict=True):
        assert torch.equal(result, torch.rot90(image, turns, dims=(1, 2)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grid", [2, 3, 4, 7])
@pytest.mark.parametrize("size", [(28, 28), (33, 40)])
def test_jigsaw_moves_whole_tiles_and_leaves_the_strip(grid: int, channels: int, size):
    batch = images(16, channels, *size)
    jigsaw = build_corruption("jigsaw", *size, grid=grid)
    record = jigsaw.draw(16, generator(0, "jigsaw"))
    shuffled = permute_pixels(batch, jigsaw.table(record))
    height, width = size[0] // grid, size[1] // grid

    def tile(image: torch.Tensor, number: int) -> torch.Tensor:
        row, column = divmod(number, grid)
        rows = slice(row * height, (row + 1) * height)
        return image[:, rows, column * width : (column + 1) * width]

    for image, order, result in zip(batch, record.tolist(), shuffled, strict=True):
        assert sorted(order) == list(range(grid * grid))
        for place, source in enumerate(order):
            assert torch.equal(tile(result, place), tile(image, source))
        assert torch.equal(result[:, grid * height :], image[:, grid * height :])
        assert torch.equal(result[:, :, grid * width :], image[:, :, grid * width :])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_argsort_of_the_table_undoes_it(kind: str, settings: dict, device: str):
    batch = images(32, 3).to(device)
    corruption = build_corruption(kind, 28, 28, device, **settings)
    table = corruption.table(corruption.draw(32, generator(1, "record")).to(device))
    corrupted = permute_pixels(batch, table)
    assert torch.equal(permute_pixels(corrupted, table.argsort(dim=1)), batch)
    assert torch.equal(corrupted, batch) == (kind == "none")


def test_tables_compose():
    batch = images(8, 1)
    first, second = build_corruption("rotate", 28, 28), build_corruption("jigsaw", 28, 28, grid=4)
    rotation = first.table(first.draw(8, generator(0, "a")))
    jigsaw = second.table(second.draw(8, generator(0, "b")))
    in_turn = permute_pixels(permute_pixels(batch, rotation), jigsaw)
    assert torch.equal(permute_pixels(batch, rotation.gather(1, jigsaw)), in_turn)


@pytest.mark.parametrize(("kind", "settings"), KINDS[1:])
def test_each_image_and_each_epoch_has_its_own_record(kind: str, settings: dict):
    corruption = build_corruption(kind, 28, 28, **settings)
    first, again, second = (
        corruption.draw(1000, generator(0, "epoch", epoch)) for epoch in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert len(first.unique(dim=0)) > 1
    assert not torch.equal(first, corruption.draw(1000, generator(1, "epoch", 1)))


def test_jigsaw_permutations_are_uniform():
    jigsaw = build_corruption("jigsaw", 28, 28, grid=2)
    record = jigsaw.draw(24_000, generator(0, "uniform"))
    _, counts = record.unique(dim=0, return_counts=True)
    assert len(counts) == 24
    # Each of the 24 is binomial with mean 1000 and a standard deviation of 31.
    assert counts.min() > 845
    assert counts.max() < 1155


@pytest.mark.parametrize("grid", [-1, 0, 1, 29])
def test_an_unfit_grid_is_refused(grid: int):
    with pytest.raises(UserError, match=rf"jigsaw grid is {grid}: expected 2 to 28"):
        build_corruption("jigsaw", 28, 28, grid=grid)


def test_rotation_refuses_images_that_are_not_square():
    with pytest.raises(UserError, match="square images, found 28x32"):
        build_corruption("rotate", 28, 32)
