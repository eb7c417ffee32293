"""Abstraction, stress tests, mixtures and fidelity, against what can be known beforehand."""

import json

import numpy as np
import pytest
import scipy.linalg
import torch

from autoencoders.corruptions.base import permute_pixels
from autoencoders.corruptions.kinds.jigsaw import cut, misplaced, tiles_right
from autoencoders.corruptions.registry import build_corruption
from autoencoders.errors import UserError
from autoencoders.figures.gallery import nearest_images
from autoencoders.io.streams import generator, numpy_generator
from autoencoders.measures.abstraction import Probes, class_measures, neighbourhood_measures
from autoencoders.measures.generation import (
    Reference,
    closeness,
    fidelity_measures,
    frechet_distance,
    generation_measures,
    kernel_distance,
    manifold_measures,
    nearest_distances,
    smoothness,
)
from autoencoders.measures.stress import mse_by
from autoencoders.measures.suite import Suite
from autoencoders.models.registry import build_model
from autoencoders.nets.classifier import (
    FEATURES,
    Classifier,
    accuracy,
    features,
    load_classifier,
    logits,
    save_classifier,
)
from autoencoders.sampling.mixture import fit_mixture, sample_mixture
from autoencoders.training.classifier import fit_classifier

CHANCE = np.random.default_rng(0)


def clusters(count: int, apart: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    """Codes (count, 6) in three clusters, and their labels."""
    labels = np.arange(count) % 3
    return np.eye(3, 6)[labels] * apart + CHANCE.normal(size=(count, 6)), labels


def test_classes_far_apart_are_found_by_every_measure():
    measured = class_measures(Probes(*clusters(300), seed=0), *clusters(150), seed=0)
    assert set(measured) == {"knn_accuracy", "probe_accuracy", "nmi", "ari", "silhouette"}
    assert all(value > 0.8 for value in measured.values())
    assert measured["knn_accuracy"] == measured["probe_accuracy"] == 1


def test_classes_that_codes_do_not_tell_are_guessed():
    codes = [CHANCE.normal(size=(count, 4)) for count in (600, 600)]
    labels = [CHANCE.integers(3, size=600) for _ in range(2)]
    measured = class_measures(Probes(codes[0], labels[0], seed=0), codes[1], labels[1], seed=0)
    assert measured["knn_accuracy"] == pytest.approx(1 / 3, abs=0.1)
    assert measured["probe_accuracy"] == pytest.approx(1 / 3, abs=0.1)
    assert all(abs(measured[name]) < 0.05 for name in ("nmi", "ari", "silhouette"))


def test_neighbours_are_trusted_as_far_as_they_are_kept():
    pixels = CHANCE.integers(256, size=(120, 1, 4, 4), dtype=np.uint8)
    same = neighbourhood_measures(pixels, pixels.reshape(120, -1) / 255, seed=0)
    assert same["trustworthiness"] == pytest.approx(1)
    other = neighbourhood_measures(pixels, CHANCE.normal(size=(120, 3)), seed=0)
    assert other["trustworthiness"] < 0.7


def test_errors_are_gathered_by_what_was_done():
    by = mse_by(np.array([0, 2, 2, 0]), np.array([1.0, 2.0, 4.0, 3.0]))
    assert by == {"0": {"mse": 2.0, "images": 2}, "2": {"mse": 3.0, "images": 2}}
    assert misplaced(np.array([[0, 1, 2, 3], [1, 0, 2, 3], [3, 2, 1, 0]])).tolist() == [0, 2, 4]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)], ids=str)
def test_tile_accuracy_counts_right_tiles_and_identical_ones(shape):
    images = torch.rand(40, *shape, generator=generator(0, "images"))
    jigsaw = build_corruption({"kind": "jigsaw", "grid": 3}, *shape[1:])
    record = jigsaw.draw(40, generator(0, "jigsaw"))
    shuffled = permute_pixels(images, jigsaw.table(record))
    in_place = (record["permutation"] == torch.arange(9)).double().mean(dim=1).numpy()
    assert tiles_right(images, images, 3).tolist() == [1] * 40
    assert tiles_right(shuffled, images, 3) == pytest.approx(in_place)
    blank = torch.zeros_like(images)
    assert tiles_right(blank, blank, 3).tolist() == [1] * 40
    assert cut(images, 3).shape == (40, 9, shape[0] * (shape[1] // 3) ** 2)


def test_a_mixture_is_that_of_the_codes():
    codes, _ = clusters(3000, apart=30.0)
    mixture = fit_mixture(codes.astype(np.float32), 3, seed=0)
    assert mixture["weights"] == pytest.approx(np.full(3, 1 / 3), abs=0.01)
    first, same, other = (numpy_generator(0, purpose) for purpose in ("one", "one", "other"))
    samples = sample_mixture(mixture, 3000, first)
    assert samples.dtype == np.float32
    assert np.cov(samples.T) == pytest.approx(np.cov(codes.T), abs=8)
    assert samples.mean(axis=0) == pytest.approx(codes.mean(axis=0), abs=0.9)
    assert np.array_equal(samples, sample_mixture(mixture, 3000, same))
    assert not np.array_equal(samples, sample_mixture(mixture, 3000, other))


def test_a_mixture_of_few_codes_or_of_unused_dimensions_is_no_error():
    few = fit_mixture(CHANCE.normal(size=(7, 5)).astype(np.float32), 10, seed=0)
    assert len(few["weights"]) == 1
    codes = CHANCE.normal(size=(500, 4)) * [1, 1, 0, 0]
    mixture = fit_mixture(codes.astype(np.float32), 2, seed=0)
    samples = sample_mixture(mixture, 500, numpy_generator(0, "mixture"))
    assert np.abs(samples[:, 2:]).max() < 0.1


def striped(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 images whose bright half, left or right, is their class."""
    labels = torch.arange(count) % 2
    images = torch.randint(0, 120, (count, 1, 16, 16), generator=generator(0, "stripes"))
    images[labels == 0, :, :, :8] += 100
    images[labels == 1, :, :, 8:] += 100
    return images.to(torch.uint8), labels


def test_a_classifier_learns_and_comes_back(tmp_path):
    torch.manual_seed(0)
    model = Classifier((1, 16, 16), 2)
    training, validation = striped(201), striped(60)  # 201: a last batch of one image
    assert accuracy(model, *validation) < 0.9
    fit_classifier(
        model, training, validation, epochs=4, batch_size=20, learning_rate=0.004, seed=0
    )
    assert accuracy(model, *validation) == 1
    save_classifier(tmp_path, model, ["left", "right"])
    loaded = load_classifier(tmp_path)
    assert torch.equal(logits(loaded, validation[0]), logits(model, validation[0]))
    assert features(loaded, validation[0]).shape == (60, FEATURES)
    config = json.loads((tmp_path / "config.json").read_text())
    for unfit in (config | {"classes": ["a"]}, config | {"image_shape": [3, 16, 16]}):
        (tmp_path / "config.json").write_text(json.dumps(unfit))
        with pytest.raises(UserError, match="config and weights do not fit"):
            load_classifier(tmp_path)


def test_a_classifier_that_diverges_says_so():
    torch.manual_seed(0)
    model = Classifier((1, 16, 16), 2)
    with torch.no_grad():
        model.to_classes[1].weight.fill_(float("nan"))
    with pytest.raises(UserError, match=r"classifier\.learning_rate"):
        fit_classifier(
            model, striped(40), striped(20), epochs=1, batch_size=20, learning_rate=0.1, seed=0
        )


def test_of_large_images_the_classifier_sees_means_of_squares():
    torch.manual_seed(0)
    large, small = Classifier((3, 130, 90), 2).eval(), Classifier((3, 43, 30), 2).eval()
    small.load_state_dict(large.state_dict())
    images = torch.rand(4, 3, 130, 90)
    means = images[:, :, :129].unflatten(2, (43, 3)).unflatten(4, (30, 3)).mean(dim=(3, 5))
    with torch.no_grad():
        assert torch.allclose(large(images), small(means), atol=1e-5)
    assert Classifier((1, 64, 64), 2).square == 1


def features_like(count: int, shift: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    return torch.from_numpy(CHANCE.normal(size=(count, 8)) * scale + shift).float()


def test_equal_distributions_score_best_and_others_worse():
    real = features_like(1500)
    same, shifted = (
        fidelity_measures(real, made, seed=0)
        for made in (features_like(1500), features_like(1500, shift=3.0))
    )
    assert same["frechet"] < 0.1
    assert abs(same["kid"]) < 0.01
    for name in ("precision", "recall", "density", "coverage"):
        assert same[name] > 0.85
        assert shifted[name] < 0.1
    # Between unit Gaussians it is the squared distance of their means.
    assert shifted["frechet"] == pytest.approx(8 * 3.0**2, rel=0.1)
    assert shifted["kid"] > 1


def test_fidelity_is_repeatable_and_leaves_torchs_chance_alone():
    real, made = features_like(300), features_like(300, scale=1.3)
    torch.manual_seed(5)
    first = fidelity_measures(real, made, seed=0)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.rand(1) == after
    assert fidelity_measures(real, made, seed=0) == first


def test_the_frechet_distance_is_that_of_its_definition():
    real, made = (features_like(200, scale=scale).double().numpy() for scale in (1.0, 1.3))
    means, spreads = zip(*((x.mean(axis=0), np.cov(x.T)) for x in (real, made)), strict=True)
    root = scipy.linalg.sqrtm(spreads[0] @ spreads[1]).real
    expected = ((means[0] - means[1]) ** 2).sum() + np.trace(sum(spreads) - 2 * root)
    assert frechet_distance(real, made) == pytest.approx(expected, rel=1e-6)


def test_the_kernel_distance_is_that_of_its_definition():
    """With as many features as a subset takes every estimate is the same."""
    real, made = (features_like(60, scale=scale).numpy() for scale in (1.0, 1.3))
    x, y = real.astype(np.float64), made.astype(np.float64)

    def kernel(first, second):
        return (first @ second.T / first.shape[1] + 1) ** 3

    def apart(points):
        values = kernel(points, points)
        return values[~np.eye(len(points), dtype=bool)].mean()

    expected = apart(x) + apart(y) - 2 * kernel(x, y).mean()
    assert kernel_distance(real, made, seed=0) == pytest.approx(expected, rel=1e-9)


def test_manifold_measures_are_those_of_their_definition():
    real, made = features_like(60), features_like(50, shift=0.5)

    def reach(points: np.ndarray) -> np.ndarray:
        apart = np.linalg.norm(points[:, None] - points[None], axis=2)
        return np.sort(apart, axis=1)[:, 5]

    apart = np.linalg.norm(real.numpy()[:, None] - made.numpy()[None], axis=2)
    inside = apart < reach(real.numpy())[:, None]
    measured = manifold_measures(real, made)
    assert measured["precision"] == pytest.approx(inside.any(axis=0).mean())
    assert measured["density"] == pytest.approx(inside.sum() / (5 * len(made)))
    assert measured["coverage"] == pytest.approx(inside.any(axis=1).mean())
    assert measured["recall"] == pytest.approx((apart < reach(made.numpy())).any(axis=1).mean())


def test_copies_among_samples_are_seen_where_a_median_is_blind():
    """45 of 100 samples are training images; at the median nothing is to be seen of it."""
    real, training, held_out = (features_like(count) for count in (300, 2000, 1000))
    fresh = features_like(100)
    copied = torch.cat([fresh[:55], training[:45]])
    reference = Reference.of(real, training, held_out, seed=0)
    measured = generation_measures(reference, {"fresh": fresh, "copied": copied}, seed=0)
    new, some = (measured[name]["to_training"] for name in ("fresh", "copied"))
    assert some["near_copies"] == pytest.approx(0.45, abs=0.03)
    assert some["q01"] == some["q05"] == 0
    assert some["median"] > 0.5
    assert new["near_copies"] < 0.05
    assert new["q05"] == pytest.approx(1, abs=0.3)
    held = closeness(held_out, reference)
    assert held["near_copies"] == pytest.approx(0.01, abs=0.001)
    assert held["q01"] == held["median"] == 1
    assert closeness(training, reference)["near_copies"] == 1


def test_where_new_images_are_copies_too_there_is_nothing_to_compare_with(capsys):
    real, training = features_like(50), features_like(200)
    reference = Reference.of(real, training, training[:40], seed=0)
    assert "distances to training images: left out" in capsys.readouterr().err
    measured = closeness(real, reference)
    assert [measured[name] for name in ("q01", "q05", "median")] == [None] * 3
    json.dumps(measured, allow_nan=False)


def test_of_many_validation_images_a_sample_is_looked_at():
    """So that the time does not grow with the square of the images; of few, all are."""
    real, training, held_out = (features_like(count) for count in (20, 30, 10_500))
    every = nearest_distances(held_out, training)[0]
    some = Reference.of(real, training, held_out, seed=0).usual
    assert len(some) == 10_000
    assert torch.isin(some, every).all()
    assert float(some.quantile(0.05)) == pytest.approx(float(every.quantile(0.05)), rel=0.02)
    few = Reference.of(real, training, held_out[:9_999], seed=0).usual
    assert torch.equal(few, every[:9_999])


def test_the_training_images_beside_samples_are_the_nearest():
    """Of more images than a batch has, among them the samples themselves but for a grey level."""
    train = CHANCE.integers(1, 255, (2500, 1, 6, 5), np.uint8)
    close = [2400, 3, 1700]
    found = nearest_images(train[close] + np.uint8(1), train)
    assert found.tolist() == close
    images = CHANCE.integers(0, 256, (40, 1, 6, 5), np.uint8)
    apart = images[:, None].astype(float) - train[None]
    assert (
        nearest_images(images, train).tolist() == np.square(apart).sum((2, 3, 4)).argmin(1).tolist()
    )


def test_the_distance_to_a_near_copy_has_its_digits():
    """The usual way, by the points' lengths, is wrong by as much as the distance is."""
    training = features_like(600) + 100
    near = training[:50] + 0.01
    distances, positions = nearest_distances(near, training)
    assert positions.tolist() == list(range(50))
    exact = (near - training[:50]).double().norm(dim=1).numpy()
    assert distances.numpy() == pytest.approx(exact, rel=1e-5)
    assert torch.cdist(near, training).amin(dim=1).numpy() != pytest.approx(exact, rel=0.1)
    assert nearest_distances(training * (1 + 1e-7), training)[0].max() == 0


def test_nearest_distances_and_smoothness():
    points, others = torch.tensor([[0.0, 0], [5, 0]]), torch.tensor([[0.0, 1], [5, 3], [4, 0]])
    distances, positions = nearest_distances(points, others)
    assert distances.tolist() == [1, 1]
    assert positions.tolist() == [0, 2]
    straight = torch.linspace(0, 1, 5).unsqueeze(1) * torch.ones(3)
    assert smoothness(straight) == pytest.approx({"longest_step": 1, "detour": 1})
    jump = torch.tensor([[0.0], [0.0], [0.0], [3.0]])
    assert smoothness(jump)["longest_step"] == pytest.approx(3)
    around = torch.tensor([[0.0, 0], [0, 1], [1, 1], [1, 0]])
    assert smoothness(around)["detour"] == pytest.approx(3)
    assert smoothness(torch.ones(5, 3)) == {"longest_step": None, "detour": None}


class Painted(torch.nn.Module):
    """Logits of images that are as bright as the number of the class that a code asks for."""

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        asked_for = codes[:, -3:].argmax(dim=1)
        return (asked_for - 1.0).mul(9).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)


class Brightness(Classifier):
    """Takes black for the first class and all else for the second."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        bright = images.mean(dim=(1, 2, 3)) > 0.1
        return torch.stack([~bright, bright, torch.zeros_like(bright)], dim=1).float()


def test_a_class_that_is_asked_for_is_looked_for_in_what_is_drawn():
    settings = {"network": {"kind": "mlp", "widths": [4], "activation": "relu"}, "latent_dim": 2}
    settings |= {"align": None, "classes": 3, "likelihood": "gaussian"}
    model = build_model("cvae", (1, 28, 28), settings | {"beta": 1.0, "classification": 1.0})
    model.decoder = Painted()
    suite = Suite(model, Brightness((1, 28, 28), 3), torch.device("cpu"), 0)
    measured = suite.classes(["black", "grey", "white"], 10)
    assert measured["accuracy_per_class"] == {"black": 1, "grey": 1, "white": 0}
    assert measured["accuracy"] == pytest.approx(2 / 3)
    parts = {name: settings[name] for name in ("network", "latent_dim", "align")}
    plain = build_model("ae", (1, 28, 28), parts)
    unasked = Suite(plain, suite.classifier, suite.device, 0)
    assert unasked.classes(["black", "grey", "white"], 10) is None
