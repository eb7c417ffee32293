"""Corruptions against torch.rot90, an explicit cutting into tiles, scipy, and their own inverse."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.ndimage import gaussian_filter

from autoencoders.corruptions.base import Permutation, permute_pixels
from autoencoders.corruptions.randomness import normal_quantiles, uniform
from autoencoders.corruptions.registry import build_corruption
from autoencoders.errors import UserError
from autoencoders.io.streams import generator
from autoencoders.parts import find, kinds
from tests.parts import CORRUPTIONS

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
COMPOSED = {
    "rotate, then jigsaw": [{"kind": "rotate"}, {"kind": "jigsaw", "grid": 3}],
    "noise between rotations": [
        {"kind": "rotate"},
        {"kind": "noise", "distribution": "gaussian", "level": [0.1, 0.4]},
        {"kind": "rotate"},
    ],
}
ALL = CORRUPTIONS | COMPOSED


def images(count: int, channels: int, height: int = 28, width: int = 28) -> torch.Tensor:
    shape = (count, channels, height, width)
    return torch.randint(256, shape, generator=generator(0, "images")).to(torch.uint8)


def told(record: dict) -> dict[str, np.ndarray]:
    return {name: values.numpy() for name, values in record.items()}


def test_every_kind_is_tried():
    assert {described["kind"] for described in CORRUPTIONS.values()} == set(kinds("corruption"))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [1, 3])
def test_rotation_is_rot90_counter_clockwise(channels: int, device: str):
    batch = images(64, channels).to(device)
    rotation = build_corruption({"kind": "rotate"}, 28, 28, device)
    k = rotation.draw(64, generator(0, "k"))["k"]
    assert set(k.tolist()) == {0, 1, 2, 3}
    rotated = rotation.apply(batch, {"k": k.to(device)})
    for image, turns, result in zip(batch, k.tolist(), rotated, strict=True):
        assert torch.equal(result, torch.rot90(image, turns, dims=(1, 2)))
    assert rotation.captions({"k": k.numpy()})[:2] == [f"k = {k[0]}", f"k = {k[1]}"]


def tile(image: torch.Tensor, number: int, grid: int) -> torch.Tensor:
    height, width = (side // grid for side in image.shape[1:])
    row, column = divmod(number, grid)
    rows = slice(row * height, (row + 1) * height)
    return image[:, rows, column * width : (column + 1) * width]


@pytest.mark.parametrize("kind", ["jigsaw", "scramble"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grid", [2, 3, 4, 7])
@pytest.mark.parametrize("size", [(28, 28), (33, 40), (30, 30)])
def test_whole_tiles_move_and_the_strip_stays(kind: str, grid: int, channels: int, size):
    if kind == "scramble" and size[0] // grid != size[1] // grid:
        with pytest.raises(UserError, match="have to be square"):
            build_corruption({"kind": kind, "grid": grid}, *size)
        return
    batch = images(16, channels, *size)
    jigsaw = build_corruption({"kind": kind, "grid": grid}, *size)
    record = jigsaw.draw(16, generator(0, "jigsaw"))
    shuffled = jigsaw.apply(batch, record)
    turns = record.get("turns", torch.zeros_like(record["permutation"])).tolist()
    height, width = size[0] // grid, size[1] // grid
    for n, (image, order, result) in enumerate(
        zip(batch, record["permutation"].tolist(), shuffled, strict=True)
    ):
        assert sorted(order) == list(range(grid * grid))
        for place, source in enumerate(order):
            expected = tile(image, source, grid).rot90(turns[n][place], (1, 2))
            assert torch.equal(tile(result, place, grid), expected)
        assert torch.equal(result[:, grid * height :], image[:, grid * height :])
        assert torch.equal(result[:, :, grid * width :], image[:, :, grid * width :])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("described", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_argsort_of_a_permutation_s_table_undoes_it(described: dict, device: str):
    batch = images(32, 3).to(device)
    corruption = build_corruption(described, 28, 28, device)
    record = corruption.draw(32, generator(1, "record"))
    record = {name: values.to(device) for name, values in record.items()}
    corrupted = corruption.apply(batch, record)
    assert torch.equal(corrupted, batch) == (described["kind"] == "none")
    if isinstance(corruption, Permutation):
        table = corruption.table(record)
        assert torch.equal(permute_pixels(corrupted, table.argsort(dim=1)), batch)


@pytest.mark.parametrize("described", COMPOSED.values(), ids=COMPOSED)
def test_a_composition_is_its_parts_in_turn(described: list):
    batch = images(50, 1)
    whole = build_corruption(described, 28, 28)
    record = whole.draw(50, generator(0, "composed"))
    chance, expected = generator(0, "composed"), batch
    seen: list[torch.Tensor] = []
    for part in described:
        corruption = build_corruption(part, 28, 28)
        own = corruption.draw(50, chance)
        seen += own.values()
        expected = corruption.apply(expected, own)
    assert torch.equal(whole.apply(batch, record), expected)
    assert [v.tolist() for v in record.values()] == [v.tolist() for v in seen]


def test_records_captions_and_groups_of_equal_parts_are_told_apart():
    whole = build_corruption([{"kind": "rotate"}, {"kind": "jigsaw", "grid": 2}] * 2, 28, 28)
    record = told(whole.draw(20, generator(0, "composed")))
    assert list(record) == ["k", "permutation", "k_2", "permutation_2"]
    assert whole.captions(record)[3] == f"k = {record['k'][3]}\nk = {record['k_2'][3]}"
    groups = whole.groups(record)
    assert list(groups) == ["k", "misplaced_tiles", "k_2", "misplaced_tiles_2"]
    assert groups["k_2"].tolist() == record["k_2"].tolist()


@pytest.mark.parametrize("described", ALL.values(), ids=ALL)
def test_batches_and_devices_make_no_difference(described):
    batch = images(30, 3)
    corruption = build_corruption(described, 28, 28)
    record = corruption.draw(30, generator(0, "record"))
    whole = corruption.apply(batch, record)
    assert whole.dtype == torch.uint8
    assert whole.shape == batch.shape
    parts = [
        corruption.apply(
            batch[start : start + 7], {k: v[start : start + 7] for k, v in record.items()}
        )
        for start in range(0, 30, 7)
    ]
    assert torch.equal(torch.cat(parts), whole)
    for device in DEVICES[1:]:
        elsewhere = build_corruption(described, 28, 28, device)
        moved = {name: values.to(device) for name, values in record.items()}
        assert torch.equal(elsewhere.apply(batch.to(device), moved).cpu(), whole)


VARYING = {name: d for name, d in ALL.items() if name not in ("none", "blur", "downsample")}


@pytest.mark.parametrize("described", VARYING.values(), ids=VARYING)
def test_each_image_and_each_epoch_has_its_own_record(described):
    corruption = build_corruption(described, 28, 28)

    def drawn(seed: int, epoch: int) -> torch.Tensor:
        record = corruption.draw(1000, generator(seed, "epoch", epoch))
        return torch.cat([values.double().view(1000, -1) for values in record.values()], dim=1)

    first, again, second = (drawn(0, epoch) for epoch in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert len(first.unique(dim=0)) > 1
    assert not torch.equal(first, drawn(1, 1))


def test_jigsaw_permutations_are_uniform():
    jigsaw = build_corruption({"kind": "jigsaw", "grid": 2}, 28, 28)
    record = jigsaw.draw(24_000, generator(0, "uniform"))["permutation"]
    _, counts = record.unique(dim=0, return_counts=True)
    assert len(counts) == 24
    # Each of the 24 is binomial with mean 1000 and a standard deviation of 31.
    assert counts.min() > 845
    assert counts.max() < 1155


def test_hashed_numbers_are_uniform_and_independent():
    seeds = torch.tensor([0, 1, 2, -1, 123_456_789])
    drawn = uniform(seeds, 40_000).double()
    assert drawn.min() >= 0
    assert drawn.max() < 1 << 16
    for row in drawn:
        counts = torch.histc(row, 64, 0, 1 << 16)
        assert stats.chisquare(counts.numpy()).pvalue > 1e-4
    both = torch.cat([drawn, uniform(seeds, 40_000, stream=1).double()])
    correlations = torch.corrcoef(both) - torch.eye(len(both))
    neighbours = torch.corrcoef(torch.stack([drawn[0, 1:], drawn[0, :-1]]))[0, 1]
    assert correlations.abs().max() < 5 / 200
    assert abs(neighbours) < 5 / 200
    assert normal_quantiles("cpu")[[1 << 15, 0, 51_000]] == pytest.approx(
        stats.norm.ppf([(1 << 15) + 0.5, 0.5, 51_000.5] / np.float64(1 << 16)), abs=1e-5
    )


@pytest.mark.parametrize("level", [0.05, 0.3])
def test_gaussian_noise_has_its_deviation(level: float):
    noise = {"kind": "noise", "distribution": "gaussian", "level": level}
    corruption = build_corruption(noise, 28, 28)
    grey = torch.full((200, 3, 28, 28), 128, dtype=torch.uint8)
    made = corruption.apply(grey, corruption.draw(200, generator(0, "noise"))).double()
    # What is clipped at black and white, beyond 1.67 deviations of 0.3, is known of a normal.
    expected = np.clip(128 + 255 * level * stats.norm.ppf((np.arange(9999) + 0.5) / 9999), 0, 255)
    assert float(made.mean()) == pytest.approx(128, abs=0.3)
    assert float(made.std()) == pytest.approx(expected.std(), rel=0.01)


def test_levels_are_drawn_from_their_range_and_told():
    noise = {"kind": "noise", "distribution": "salt_and_pepper", "level": [0.1, 0.5]}
    corruption = build_corruption(noise, 28, 28)
    record = corruption.draw(500, generator(0, "noise"))
    grey = torch.full((500, 1, 28, 28), 128, dtype=torch.uint8)
    made = corruption.apply(grey, record)
    level = record["level"]
    assert level.min() < 0.11
    assert level.max() > 0.49
    for value in (0, 255):
        share = (made == value).double().mean(dim=(1, 2, 3))
        assert (share - level / 2).abs().max() < 5 * 0.5 / 28
        assert float((share - level / 2).mean()) == pytest.approx(0, abs=0.003)
    groups = corruption.groups(told(record))["level"]
    assert len(set(groups)) == 5
    low, _, high = groups[0].partition(" to ")
    assert float(low) - 0.01 <= level[0] <= float(high) + 0.01
    assert corruption.captions(told(record))[0] == f"level {level[0]:.2f}"


@pytest.mark.parametrize(("height", "width"), [(28, 28), (30, 45)])
def test_erased_patches_are_grey_and_the_rest_is_as_it_was(height: int, width: int):
    corruption = build_corruption({"kind": "erase", "patch": 7, "share": 0.5}, height, width)
    batch = images(40, 3, height, width)
    batch[batch == 128] = 127
    record = corruption.draw(40, generator(0, "erase"))
    made = corruption.apply(batch, record)
    columns = -(-width // 7)
    assert record["erased"].sum(dim=1).unique().tolist() == [round(record["erased"].shape[1] / 2)]
    for n, erased in enumerate(record["erased"].tolist()):
        for number, gone in enumerate(erased):
            row, column = divmod(number, columns)
            patch = np.s_[n, :, 7 * row : 7 * row + 7, 7 * column : 7 * column + 7]
            assert (made[patch] == 128).all() if gone else torch.equal(made[patch], batch[patch])


def test_errors_inside_and_outside_of_what_was_erased_are_told_apart():
    corruption = build_corruption({"kind": "erase", "patch": 7, "share": 0.25}, 28, 28)
    record = corruption.draw(10, generator(0, "erase"))
    originals = torch.zeros(10, 1, 28, 28)
    mask = record["erased"].view(10, 1, 4, 4).repeat_interleave(7, 2).repeat_interleave(7, 3)
    measured = corruption.measures(0.5 * mask + 0.1 * (1 - mask), originals, record)
    assert measured["mse_inside"] == pytest.approx(np.full(10, 0.25))
    assert measured["mse_outside"] == pytest.approx(np.full(10, 0.01))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0])
def test_blur_is_a_gaussian_filter_within(sigma: float):
    corruption = build_corruption({"kind": "blur", "sigma": sigma}, 40, 33)
    batch = images(4, 2, 40, 33)
    made = corruption.apply(batch, corruption.draw(4, generator(0, "blur")))
    expected = gaussian_filter(batch.double().numpy(), sigma, axes=(2, 3), truncate=8)
    edge = int(4 * sigma) + 1
    within = np.s_[:, :, edge : 40 - edge, edge : 33 - edge]
    assert np.abs(made.double().numpy() - expected)[within].max() <= 1
    flat = torch.full((2, 1, 40, 33), 200, dtype=torch.uint8)
    assert torch.equal(corruption.apply(flat, corruption.draw(2, generator(0, "blur"))), flat)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_downsampling_takes_the_mean_of_squares(factor: int):
    corruption = build_corruption({"kind": "downsample", "factor": factor}, 28, 31)
    batch = images(5, 3, 28, 31)
    made = corruption.apply(batch, corruption.draw(5, generator(0, "x"))).double()
    for row in range(0, 28, factor):
        for column in range(0, 31, factor):
            square = np.s_[:, :, row : row + factor, column : column + factor]
            mean = batch[square].double().mean(dim=(2, 3), keepdim=True)
            assert (made[square] - mean).abs().max() <= 0.5 + 1e-4


REFUSED = {
    "a grid beyond the image": ({"kind": "jigsaw", "grid": 29}, (28, 28), "grid is 29, expected 2"),
    "tiles beyond the image": ({"kind": "scramble", "grid": 29}, (28, 28), "grid is 29"),
    "a turn of what is not square": ({"kind": "rotate"}, (28, 32), "square images, found 28x32"),
    "turned tiles that are not": ({"kind": "scramble", "grid": 2}, (28, 32), "found 14x16 pixels"),
    "a patch as large as the image": ({"kind": "erase", "patch": 28, "share": 0.5}, (28, 28), "28"),
    "a factor beyond the image": ({"kind": "downsample", "factor": 29}, (28, 40), "expected 2 to"),
}


@pytest.mark.parametrize(("described", "size", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_the_images_is_refused(described, size, message):
    with pytest.raises(UserError, match=message):
        build_corruption(described, *size)


@pytest.mark.parametrize("kind", kinds("corruption"))
def test_every_setting_says_what_it_means(kind: str):
    fields = find("corruption", kind).Settings.model_fields
    assert [name for name, field in fields.items() if not field.description] == []
