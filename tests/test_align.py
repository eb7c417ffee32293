"""The aligners: geometry that fits the corruptions', soft choices that are means, and learning."""

import pytest
import torch
from torch.nn import functional

from autoencoders.corruptions.kinds.jigsaw import JigsawAligner, cut, paste
from autoencoders.corruptions.kinds.rotate import RotationAligner
from autoencoders.corruptions.registry import build_aligner, build_corruption
from autoencoders.io.streams import generator

SHAPES = [(1, 28, 28), (3, 32, 32), (1, 30, 30), (3, 45, 33)]
GRIDS = [2, 3, 4]
UNDONE = {
    "rotate": {"kind": "rotate"},
    "jigsaw": {"kind": "jigsaw", "grid": 2},
    "scramble": {"kind": "scramble", "grid": 2},
    "rotate, then jigsaw": [{"kind": "rotate"}, {"kind": "jigsaw", "grid": 2}],
}


def images_of(shape, count: int = 6) -> torch.Tensor:
    return torch.rand(count, *shape, generator=generator(0, "images"))


def corrupt(images: torch.Tensor, described) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The corrupted images and the record of what was done."""
    corruption = build_corruption(described, *images.shape[2:])
    record = corruption.draw(len(images), generator(0, "corruption"))
    return corruption.apply(images, record), record


def test_what_has_no_aligner_is_left_to_the_encoder():
    assert build_aligner((1, 28, 28), {"kind": "none"}) is None
    blurred = [{"kind": "none"}, {"kind": "blur", "sigma": 1.0}]
    assert build_aligner((1, 28, 28), blurred) is None


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_jigsaw_is_undone_by_the_right_choice_of_tiles(shape, grid: int, monkeypatch):
    images = images_of(shape)
    shuffled, permutation = corrupt(images, {"kind": "jigsaw", "grid": grid})
    assert not torch.equal(shuffled, images)
    aligner = JigsawAligner(shape, grid=grid)
    # Place j of the shuffled image holds tile permutation[j]: a sure choice of its place.
    sure = functional.one_hot(permutation["permutation"], grid * grid) * 1e4
    monkeypatch.setattr(aligner.to_places, "forward", lambda tokens: sure.float())
    torch.testing.assert_close(aligner(shuffled), images)


@pytest.mark.parametrize("shape", SHAPES[:3], ids=str)
def test_a_rotation_is_undone_by_the_right_choice_of_k(shape, monkeypatch):
    images = images_of(shape)
    turned, k = corrupt(images, {"kind": "rotate"})
    assert not torch.equal(turned, images)
    aligner = RotationAligner(shape)
    sure = functional.one_hot(k["k"], 4).T.reshape(-1, 1) * 1e4
    monkeypatch.setattr(aligner.uprightness, "forward", lambda batch: sure.float())
    torch.testing.assert_close(aligner(turned), images)


def test_an_undecided_aligner_gives_the_mean():
    images = images_of((1, 28, 28))
    rotation = RotationAligner((1, 28, 28))
    torch.nn.init.zeros_(rotation.uprightness.to_code.weight)
    mean = torch.stack([images.rot90(k, (2, 3)) for k in range(4)]).mean(dim=0)
    torch.testing.assert_close(rotation(images), mean)
    jigsaw = JigsawAligner((1, 28, 28), grid=4)
    for parameter in jigsaw.to_places.parameters():
        torch.nn.init.zeros_(parameter)
    tiles = cut(images, 4)
    expected = paste(tiles.mean(dim=1, keepdim=True).expand_as(tiles), 1, 7, 4)
    torch.testing.assert_close(jigsaw(images), expected)


def test_the_estimate_is_the_same_for_every_corrupted_form_of_an_image():
    """Which rotation, or which order of the tiles, came in makes no difference."""
    images = images_of((1, 28, 28))
    for described in (one for one in UNDONE.values() if isinstance(one, dict)):
        torch.manual_seed(0)
        aligner = build_aligner((1, 28, 28), described).eval()
        corrupted = corrupt(images, described)[0]
        with torch.inference_mode():
            torch.testing.assert_close(aligner(corrupted), aligner(images), rtol=1e-4, atol=1e-5)


def test_a_scramble_is_undone_by_the_right_choice_of_tiles_and_turns(monkeypatch):
    images = images_of((3, 30, 30))
    scrambled, record = corrupt(images, {"kind": "scramble", "grid": 3})
    aligner = build_aligner((3, 30, 30), {"kind": "scramble", "grid": 3})
    # Candidate 9 k + j is the tile in place j, turned back by k.
    candidate = torch.zeros(len(images), 36, 9)
    for n in range(len(images)):
        for place in range(9):
            k, tile = record["turns"][n, place], record["permutation"][n, place]
            candidate[n, 9 * k + place, tile] = 1e4
    monkeypatch.setattr(aligner.to_places, "forward", lambda tokens: candidate)
    torch.testing.assert_close(aligner(scrambled), images)


@pytest.mark.parametrize("described", UNDONE.values(), ids=UNDONE)
def test_an_aligner_learns(described):
    """Images that tell where is up and what belongs where: a ramp in each, with noise."""
    ramp = torch.linspace(0, 0.8, 28).view(-1, 1) * torch.linspace(0.3, 1, 28)
    images = ramp + 0.2 * images_of((1, 28, 28), count=64)
    corrupted = corrupt(images, described)[0]
    torch.manual_seed(0)
    aligner = build_aligner((1, 28, 28), described)
    optimizer = torch.optim.Adam(aligner.parameters(), lr=2e-3)
    for _ in range(120 if isinstance(described, list) else 40):
        optimizer.zero_grad()
        loss = functional.mse_loss(aligner(corrupted), images)
        loss.backward()
        optimizer.step()
    assert loss < 0.05 * functional.mse_loss(corrupted, images)
