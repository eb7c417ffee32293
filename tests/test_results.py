"""The latent space, generation, metrics and figures, against independent computations."""

import hashlib
import time
from itertools import combinations

import numpy as np
import pytest
import torch
from matplotlib import image as pictures
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from autoencoders.errors import UserError
from autoencoders.figures import curves, heatmaps
from autoencoders.figures.curves import loss_curves
from autoencoders.figures.grids import Row, image_grid
from autoencoders.figures.heatmaps import distance_heatmap, error_heatmap
from autoencoders.figures.scatter import scatter
from autoencoders.io.streams import generator, library_seed, numpy_generator, subsample
from autoencoders.io.tensors import to_bytes, to_float
from autoencoders.measures import baselines
from autoencoders.measures.baselines import copy_mse, fit_pca, mean_image_mse, pca_mse, pca_samples
from autoencoders.measures.likelihood import elbo_parts, importance_weighted_bound
from autoencoders.measures.projections import project_pca, project_tsne
from autoencoders.measures.reconstruction import mse_per_image, psnr_from_mse, ssim_per_image
from autoencoders.models.inference import decode_codes, encode, reconstruct
from autoencoders.models.posterior import active_units
from autoencoders.models.registry import build_model
from autoencoders.sampling.classes import class_means, closest_sets, distances, representatives
from autoencoders.sampling.ways import blend, interpolate, interpolate_on_sphere, plane, traverse

CHANCE = np.random.default_rng(0)


def model_of(kind: str = "vae"):
    torch.manual_seed(0)
    settings = {"network": {"kind": "conv", "channels": [4]}, "latent_dim": 3, "align": None}
    extra = {"likelihood": "gaussian", "beta": 9.0, "kl_warmup": 0.0} if kind == "vae" else {}
    return build_model(kind, (1, 12, 12), settings | extra).eval()


def byte_images(count: int = 30, channels: int = 1, size: int = 12) -> np.ndarray:
    return CHANCE.integers(256, size=(count, channels, size, size), dtype=np.uint8)


def test_pca_keeps_the_directions_of_most_variance():
    codes = CHANCE.normal(size=(500, 5)) * [1, 10, 0.1, 5, 0.1]
    points, shares = project_pca(codes.astype(np.float32))
    assert abs(np.corrcoef(points[:, 0], codes[:, 1])[0, 1]) > 0.99
    assert abs(np.corrcoef(points[:, 1], codes[:, 3])[0, 1]) > 0.99
    assert shares[0] == pytest.approx(100 / 126, abs=0.03)
    assert project_pca(codes[:, :1])[0].shape == (500, 2)
    for few in (codes[:1], np.ones((5, 3))):
        points, shares = project_pca(few)
        assert points.shape == (len(few), 2)
        assert not points.any()
        assert np.isfinite(shares).all()


def test_tsne_keeps_clusters_apart_and_is_repeatable(capsys):
    codes = CHANCE.normal(size=(90, 6)) + np.repeat(np.eye(3, 6) * 30, 30, axis=0)
    codes = codes.astype(np.float32)
    points = project_tsne(codes, 10.0, seed=0)
    means = points.reshape(3, 30, 2).mean(axis=1)
    spread = np.linalg.norm(points.reshape(3, 30, 2) - means[:, np.newaxis], axis=2).max()
    assert np.linalg.norm(means[0] - means[1]) > spread
    assert np.array_equal(points, project_tsne(codes, 10.0, seed=0))
    few = project_tsne(codes[:10], 90.0, seed=0)
    assert np.array_equal(few, project_tsne(codes[:10], 3.0, seed=0))
    assert project_tsne(codes[:3], 90.0, seed=0) is None
    assert "t-SNE: left out, it needs 4 validation codes" in capsys.readouterr().err
    assert project_tsne(np.ones((9, 4), np.float32), 3.0, seed=0) is None
    assert "found 9, all equal" in capsys.readouterr().err


def test_subsamples_are_seeded_ordered_and_without_repetition():
    chosen = subsample(1000, 50, 1, "map")
    assert len(set(chosen)) == 50
    assert np.array_equal(chosen, np.sort(chosen))
    assert np.array_equal(chosen, subsample(1000, 50, 1, "map"))
    assert np.array_equal(subsample(10, 50, 1, "map"), np.arange(10))


def test_streams_of_other_purposes_share_no_draws():
    """Samples of a third share a third of their positions, as independent ones do."""
    one, other = (set(subsample(9000, 3000, 1, purpose)) for purpose in ("floor", "mixture"))
    assert len(one & other) == pytest.approx(1000, abs=100)
    assert library_seed(1, "floor") not in (library_seed(1, "mixture"), library_seed(2, "floor"))
    draws = [numpy_generator(seed, p).normal(size=4) for seed, p in [(1, "a"), (1, "b"), (2, "a")]]
    assert len({tuple(drawn) for drawn in draws}) == 3
    assert np.array_equal(draws[0], numpy_generator(1, "a").normal(size=4))


def test_class_means_their_distances_and_the_closest_pairs():
    codes = np.array([[0, 0], [2, 0], [10, 0], [10, 2], [1, 4]], np.float32)
    means = class_means(codes, np.array([0, 0, 1, 1, 2]), 3)
    assert means.tolist() == [[1, 0], [10, 1], [1, 4]]
    distance = distances(means)
    assert distance[0, 2] == 4
    assert closest_sets(distance, 2, 2) == [(0, 2), (0, 1)]
    assert len(closest_sets(distance, 2, 99)) == 3
    assert closest_sets(distance, 3, 99) == [(0, 1, 2)]


@pytest.mark.parametrize("size", [2, 3])
def test_the_closest_sets_are_those_of_a_search_through_all(size: int):
    points = CHANCE.integers(0, 6, size=(12, 2))  # with many equal distances
    distance = distances(points.astype(np.float32))
    sets = list(combinations(range(12), size))
    spread = [sum(distance[pair] for pair in combinations(members, 2)) for members in sets]
    expected = [sets[i] for i in np.argsort(spread, kind="stable")]
    assert closest_sets(distance, size, 20) == expected[:20]


def test_the_closest_triples_of_400_classes_take_a_moment():
    start = time.perf_counter()
    assert len(closest_sets(distances(CHANCE.normal(size=(400, 3))), 3, 5)) == 5
    assert time.perf_counter() - start < 20


def test_a_class_is_represented_by_one_of_its_own():
    codes = np.array([[0, 0], [4, 0], [6, 0], [5, 0], [5, 9]], np.float32)
    labels = np.array([0, 0, 0, 1, 1])
    assert codes[labels == 0].mean(axis=0)[0] == pytest.approx(10 / 3)
    assert representatives(codes, labels, 2) == [1, 3]
    # The code of class 1 at the mean of class 0 does not stand for class 0.
    codes[3] = (10 / 3, 0)
    assert representatives(codes, labels, 2) == [1, 3]


def test_blends_and_interpolations_are_linear():
    means = np.array([[0, 0], [4, 2], [2, 4]], np.float32)
    assert blend(means, [0, 1, 2]).tolist() == [2, 2]
    way = interpolate(means[0], means[1], 5)
    assert way.tolist() == [[0, 0], [1, 0.5], [2, 1], [3, 1.5], [4, 2]]
    assert way.dtype == np.float32


def test_an_arc_keeps_the_length_between_codes_of_one_length():
    start, end = np.array([[3, 0], [0, 3]], np.float32)
    way = interpolate_on_sphere(start, end, 5)
    assert way.dtype == np.float32
    assert np.linalg.norm(way, axis=1) == pytest.approx(np.full(5, 3.0))
    assert way[2] == pytest.approx([3 * 0.5**0.5] * 2)
    assert way[[0, -1]] == pytest.approx(np.stack([start, end]), abs=1e-6)
    for other in (start, -start, 0 * start):
        straight = interpolate(start, other, 5)
        assert interpolate_on_sphere(start, other, 5) == pytest.approx(straight)


def test_a_traversal_changes_one_dimension():
    code = np.array([1, 2, 3], np.float32)
    assert traverse(code, 1, np.array([-1, 0])).tolist() == [[1, -1, 3], [1, 0, 3]]
    assert code.tolist() == [1, 2, 3]


def test_a_plane_is_a_grid_at_the_quantiles_seen_from_above():
    codes = plane(np.array([0.1, 0.5, 0.9]), np.array([1.0, -2.0]), np.array([2.0, 0.5]))
    assert codes.shape == (9, 2)
    assert codes[4] == pytest.approx([1, -2])
    assert codes[0] == pytest.approx([1 - 2 * 1.28155, -2 + 0.5 * 1.28155], abs=1e-4)
    assert codes[8] == pytest.approx([1 + 2 * 1.28155, -2 - 0.5 * 1.28155], abs=1e-4)


def test_batches_do_not_change_a_code_or_a_reconstruction():
    model, images = model_of(), torch.from_numpy(byte_images(1003))
    codes = encode(model, images)
    assert codes["mean"].shape == codes["log_variance"].shape == (1003, 3)
    torch.testing.assert_close(codes["mean"][1000:], encode(model, images[1000:])["mean"])
    decoded = decode_codes(model, codes["mean"])
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, to_bytes(reconstruct(model, images)).numpy())


def test_images_and_codes_of_another_shape_are_refused():
    model = model_of()
    with pytest.raises(UserError, match=r"images of shape \(1, 12, 12\), found \(1, 14, 14\)"):
        reconstruct(model, torch.from_numpy(byte_images(2, size=14)))
    with pytest.raises(UserError, match=r"codes of shape \(3,\), found \(4,\)"):
        decode_codes(model, np.zeros((2, 4), np.float32))


def test_bytes_survive_the_way_to_floats_and_back():
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(to_bytes(to_float(images)), images)


def test_reconstruction_errors():
    first, second = torch.rand(2, 4, 1, 16, 16)
    mse = mse_per_image(first, second)
    expected = ((first - second) ** 2).mean(dim=(1, 2, 3)).numpy()
    assert mse == pytest.approx(expected, rel=1e-5)
    assert psnr_from_mse(np.array([1.0, 0.01, 0.0])) == pytest.approx([0, 20, 100])
    assert ssim_per_image(first, first) == pytest.approx(np.ones(4), abs=1e-5)
    assert ssim_per_image(first, second).max() < 0.5


def test_ssim_is_that_of_its_definition():
    """Against scipy's Gaussian filter, which cuts the window off at the same 5 pixels."""

    def blurred(values):
        return gaussian_filter(values, 1.5, mode="mirror", truncate=3.4, axes=(2, 3))

    images = torch.rand(2, 3, 3, 20, 24, generator=generator(0, "ssim"))
    x, y = images.double().numpy()
    mean_x, mean_y = blurred(x), blurred(y)
    spread = blurred(x * x) - mean_x**2 + blurred(y * y) - mean_y**2
    together = blurred(x * y) - mean_x * mean_y
    likeness = (2 * mean_x * mean_y + 1e-4) * (2 * together + 9e-4)
    likeness /= (mean_x**2 + mean_y**2 + 1e-4) * (spread + 9e-4)
    expected = likeness.mean(axis=(1, 2, 3))
    assert ssim_per_image(*images) == pytest.approx(expected, abs=1e-5)


def test_floors():
    train, test = byte_images(200), byte_images(50)
    mean = train.astype(float).mean(axis=0)
    assert mean_image_mse(train, test) == pytest.approx((((test - mean) / 255) ** 2).mean())
    assert copy_mse(test, test) == 0
    assert copy_mse(test, 255 - test) == pytest.approx((((2.0 * test - 255) / 255) ** 2).mean())
    by_components = [
        pca_mse(fit_pca(train, components, 0), test) for components in (1, 20, 144, 1000)
    ]
    assert by_components == sorted(by_components, reverse=True)
    assert by_components[0] < mean_image_mse(train, test)
    assert by_components[-1] == pytest.approx(0, abs=1e-10)


def test_samples_of_a_gaussian_over_principal_components_have_its_mean():
    train = byte_images(300) // 4 + 90
    samples = pca_samples(fit_pca(train, 20, 0), 2000, 0, train.shape[1:])
    assert samples.shape == (2000, *train.shape[1:])
    assert samples.mean(axis=0) == pytest.approx(train.mean(axis=0), abs=3)


def test_the_pca_floor_of_large_images_is_close_to_the_exact_one(monkeypatch):
    train, test = byte_images(200), byte_images(50)
    exact = pca_mse(fit_pca(train, 20, 0), test)
    monkeypatch.setattr(baselines, "MAX_EXACT_PCA", 100)
    assert pca_mse(fit_pca(train, 20, 0), test) == pytest.approx(exact, rel=0.02)
    monkeypatch.setattr(baselines, "MAX_NUMBERS", 150 * train[0].size)
    sampled = pca_mse(fit_pca(train, 20, 0), test)
    assert sampled == pytest.approx(exact, rel=0.1)
    assert sampled != pytest.approx(exact, rel=1e-6)


def test_elbo_parts_add_up_are_repeatable_and_free_of_beta():
    model, images = model_of(), torch.from_numpy(byte_images(20))
    parts = elbo_parts(model, images, images, 0, "noise")
    assert parts["negative_elbo"] == pytest.approx(parts["reconstruction"] + parts["kl"])
    assert parts == elbo_parts(model, images, images, 0, "noise")
    assert parts != elbo_parts(model, images, images, 1, "noise")
    model.beta = 1.0
    assert parts == elbo_parts(model, images, images, 0, "noise")


def test_the_importance_weighted_bound_is_minus_elbo_with_one_sample_and_falls_with_more():
    model, images = model_of(), torch.from_numpy(byte_images(1200))
    one, ten, hundred = (
        importance_weighted_bound(model, images, images, samples, seed=0)
        for samples in (1, 10, 100)
    )
    elbo = elbo_parts(model, images, images, 0, "noise")["negative_elbo"]
    assert one == pytest.approx(elbo, rel=0.01)
    assert hundred < ten < one
    assert hundred == importance_weighted_bound(model, images, images, 100, seed=0)


def test_active_units_are_those_whose_means_vary():
    codes = CHANCE.normal(size=(500, 4)) * [1, 0.2, 0.05, 0] + [0, 0, 0, 7]
    assert active_units(codes) == 2


def draw_all(folder) -> None:
    labels = np.arange(40) % 4
    names = ["T-shirt/top", "Ankle boot", "ki", "3"]
    grey = Row("original", byte_images(4), names, [3])
    colour = Row("reconstruction\nafter epoch 1", byte_images(3, channels=3))
    image_grid(folder / "grid.png", "a title", [grey, colour])
    scatter(
        folder / "scatter.png",
        "a title",
        np.random.default_rng(1).normal(size=(40, 2)),
        labels,
        names,
        ("x", "y"),
    )
    apart = distances(np.arange(8.0).reshape(4, 2) ** 2)
    distance_heatmap(folder / "heatmap.png", "a title", apart, names)
    history = {"epoch": [1, 2], "train_loss": [0.5, 0.1], "validation_loss": [1, 0.2]}
    loss_curves(folder / "curves.png", "a title", history, "nats")


@pytest.mark.parametrize(
    ("low", "high"), [(60, 400), (3.1, 20), (0.00031, 0.002), (0.0012, 0.0019), (1e-4, 0.5)]
)
def test_logarithmic_axes_have_plain_numbers(tmp_path, monkeypatch, low, high):
    """At least two in view, and no formula as matplotlib writes it where it may not draw it."""
    drawn: list[Figure] = []
    for module in (curves, heatmaps):
        monkeypatch.setattr(module, "save", lambda figure, path: drawn.append(figure))
    values = np.geomspace(high, low, 9)
    history = {"epoch": list(range(9)), "train_loss": values, "validation_loss": values}
    loss_curves(tmp_path / "curves.png", "a title", history, "nats")
    error_heatmap(tmp_path / "stress.png", "a title", values.reshape(3, 3), "abc", "abc")
    axes = drawn[0].axes[0], drawn[1].axes[1]  # the second has the bar of colours
    assert [one.get_yscale() for one in axes][1] == "log"
    for one in axes:
        one.figure.canvas.draw()
        bottom, top = one.get_ylim()
        shown = {
            tick.get_loc(): (tick.label2 if one is axes[1] else tick.label1).get_text()
            for tick in [*one.yaxis.get_major_ticks(), *one.yaxis.get_minor_ticks()]
        }
        shown = {place: text for place, text in shown.items() if text and bottom <= place <= top}
        assert len(shown) >= 2
        for place, text in shown.items():
            assert float(text) == pytest.approx(place)


def test_figures_are_drawn_and_have_the_same_bytes_each_time(tmp_path):
    global CHANCE
    hashes = []
    for name in ("a", "b"):
        CHANCE = np.random.default_rng(5)
        (tmp_path / name).mkdir()
        draw_all(tmp_path / name)
        files = sorted((tmp_path / name).iterdir())
        assert len(files) == 4
        hashes.append([hashlib.md5(path.read_bytes()).hexdigest() for path in files])
        for path in files:
            pixels = pictures.imread(path)
            assert pixels.shape[0] > 150
            assert pixels.std() > 0.05
            # Nothing is cut off: the figure's outermost pixels are its white background.
            border = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
            assert all((edge == 1).all() for edge in border), path.name
    assert hashes[0] == hashes[1]
