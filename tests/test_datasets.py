"""Download from mirrors with verification, the IDX reader, and the class-balanced split."""

import gzip
import hashlib
import http.server
import io
import os
import struct
import tarfile
import threading
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from autoencoders.data.base import Split, split_balanced, split_off
from autoencoders.data.checks import check_classes
from autoencoders.data.idx import read_idx
from autoencoders.data.medmnist import MedMnist
from autoencoders.data.registry import PUBLISHED, published
from autoencoders.data.sets import cifar10 as cifar
from autoencoders.errors import UserError
from autoencoders.io.files import whole_folder

FASHION = published("fashion_mnist")
GZIP_CHECKSUM_POSITION = -8


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def listing(monkeypatch, tmp_path):
    """A small stand-in for torchvision's list of Fashion-MNIST's files, and a mirror of them."""
    from torchvision import datasets

    mirror = tmp_path / "mirror"
    mirror.mkdir()
    content = {"images.gz": b"the images", "labels.gz": b"the labels"}
    for name, data in content.items():
        (mirror / name).write_bytes(data)
    resources = [(name, hashlib.md5(data).hexdigest()) for name, data in content.items()]
    monkeypatch.setattr(datasets.FashionMNIST, "resources", resources)
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [str(tmp_path / "official") + "/"])
    return mirror


def fetched(tmp_path: Path, mirror: str | None) -> dict[str, bytes]:
    target = tmp_path / "raw"
    target.mkdir()
    FASHION.fetch(target, mirror)
    return {path.name: path.read_bytes() for path in target.iterdir()}


def test_a_mirror_folder_serves_directly_or_in_a_folder_of_the_data_sets_name(listing, tmp_path):
    expected = {"images.gz": b"the images", "labels.gz": b"the labels"}
    assert fetched(tmp_path, str(listing)) == expected
    (tmp_path / "raw").rename(tmp_path / "first")
    parent = tmp_path / "parent"
    parent.mkdir()
    listing.rename(parent / "fashion-mnist")
    assert fetched(tmp_path, str(parent)) == expected


def test_a_mirror_url_serves_over_http(listing, tmp_path):
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(listing))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        content = fetched(tmp_path, f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
    assert content["images.gz"] == b"the images"


def test_the_official_source_is_next_where_the_mirror_is_damaged(listing, tmp_path):
    (tmp_path / "official").mkdir()
    for path in listing.iterdir():
        (tmp_path / "official" / path.name).write_bytes(path.read_bytes())
    (listing / "images.gz").write_bytes(b"the ima")
    assert fetched(tmp_path, str(listing))["images.gz"] == b"the images"


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing", "a folder"])
def test_every_source_and_its_failure_is_told(damage, listing, tmp_path):
    path = listing / "labels.gz"
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes({"truncated": b"the lab", "changed": b"the lAbels"}[damage])
    target = tmp_path / "raw"
    target.mkdir()
    with pytest.raises(UserError) as caught:
        FASHION.fetch(target, str(listing))
    message = str(caught.value)
    for source in (listing / "fashion-mnist", listing, tmp_path / "official"):
        assert f"{source}/labels.gz: " in message
    assert ("MD5" in message) == (damage in ("truncated", "changed"))
    assert "Set DATA_MIRROR" in message
    assert "digits" in message
    assert not (target / "labels.gz").exists()


def test_an_unreachable_url_is_told(listing, tmp_path):
    before = set(tmp_path.iterdir())
    refused = pytest.raises(UserError, match=r"http://127\.0\.0\.1:9/images\.gz: .*refused")
    with refused, whole_folder(tmp_path / "raw") as folder:
        FASHION.fetch(folder, "http://127.0.0.1:9")
    assert set(tmp_path.iterdir()) == before


def test_digits_are_real_and_need_no_network(tmp_path):
    digits = published("digits")
    digits.fetch(tmp_path, None)
    splits = digits.read(tmp_path).splits
    images = np.concatenate([split.images for split in splits.values()])
    assert images.shape == (1797, *digits.image_shape)
    assert images.dtype == np.uint8
    assert images.max() == 255
    counts = np.bincount(splits["test"].labels)
    assert len(splits["test"].labels) == 360
    assert counts.min() >= 34
    # The mean image of each class is the nearest of all to most of its own images.
    means = np.stack([images_of(splits["train"], label).mean(axis=0) for label in range(10)])
    flat = splits["test"].images.reshape(360, 1, -1).astype(float)
    nearest = np.square(flat - means.reshape(1, 10, -1)).sum(axis=2).argmin(axis=1)
    assert (nearest == splits["test"].labels).mean() > 0.85


def images_of(split: Split, label: int) -> np.ndarray:
    return split.images[split.labels == label]


def test_read_idx_reads(tmp_path):
    array = np.arange(24).reshape(2, 3, 4)
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(array)))
    assert np.array_equal(read_idx(tmp_path / "a.gz", (2, 3, 4)), array)


GOOD = idx(np.arange(24).reshape(2, 3, 4))
COMPRESSED = gzip.compress(GOOD)
DAMAGED_IDX = {
    "empty": b"",
    "not gzip": GOOD,
    "half a gzip": COMPRESSED[: len(COMPRESSED) // 2],
    "wrong gzip checksum": COMPRESSED[:GZIP_CHECKSUM_POSITION] + bytes(8),
    "empty content": gzip.compress(b""),
    "half a header": gzip.compress(GOOD[:7]),
    "too few bytes": gzip.compress(GOOD[:-1]),
    "too many bytes": gzip.compress(GOOD + b"\0"),
    "other shape": gzip.compress(idx(np.arange(24).reshape(3, 2, 4))),
    "other axes": gzip.compress(idx(np.arange(24))),
    "other type": gzip.compress(b"\0\0\x0d" + GOOD[3:]),
    "terabytes claimed": gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, *[2**31] * 3)),
    "a bomb": gzip.compress(GOOD + bytes(50_000_000)),
}


@pytest.mark.parametrize("content", DAMAGED_IDX.values(), ids=DAMAGED_IDX)
def test_damaged_idx_files_are_refused(content, tmp_path):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.gz: "):
        read_idx(tmp_path / "a.gz", (2, 3, 4))


def test_a_missing_idx_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="not found"):
        read_idx(tmp_path / "a.gz", (2, 3, 4))


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(gzip.compress)))
def test_any_bytes_give_a_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "a.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.gz: "):
        read_idx(path, (2, 3, 4))


def test_a_label_out_of_range_is_refused(tmp_path, monkeypatch):
    sizes = {"train": 60_000, "t10k": 10_000}
    for name, count in sizes.items():
        images, labels = np.zeros((count, 28, 28), np.uint8), np.full(count, 10, np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            packed = gzip.compress(idx(array), compresslevel=1)
            (tmp_path / f"{name}-{kind}-ubyte.gz").write_bytes(packed)
    with pytest.raises(UserError, match="holds the label 10, expected 0 to 9"):
        FASHION.read(tmp_path)


def write_cifar(path: Path, per_member: int = 20, change=lambda name, content: content) -> None:
    """An archive in CIFAR-10's layout: image i of a member has label i % 10 and grey levels i."""
    with tarfile.open(path, "w:gz") as archive:
        for name in chain(*cifar.MEMBERS.values()):
            records = b"".join(bytes([i % 10]) + bytes([i]) * 3072 for i in range(per_member))
            content = change(name, records)
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_cifar10_is_fetched_and_read_from_its_binary_version(tmp_path, monkeypatch):
    mirror, target = tmp_path / "mirror/cifar10", tmp_path / "raw"
    mirror.mkdir(parents=True)
    target.mkdir()
    write_cifar(mirror / cifar.ARCHIVE)
    monkeypatch.setattr(cifar, "IMAGES_PER_MEMBER", 20)
    digest = hashlib.md5((mirror / cifar.ARCHIVE).read_bytes()).hexdigest()
    monkeypatch.setattr(cifar, "MD5", digest)
    published("cifar10").fetch(target, str(tmp_path / "mirror"))
    content = published("cifar10").read(target)
    train = content.splits["train"]
    assert train.images.shape == (100, 3, 32, 32)
    assert content.splits["test"].images.shape == (20, 3, 32, 32)
    assert train.labels[:11].tolist() == [*range(10), 0]
    assert (train.images[13] == 13).all()
    assert content.classes[9] == "truck"


DAMAGED_CIFAR = {
    "not an archive": lambda path: path.write_bytes(b"hello"),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "a member too short": lambda path: write_cifar(path, change=lambda n, c: c[:-1]),
    "a member too long": lambda path: write_cifar(path, change=lambda n, c: c + c),
    "a label too large": lambda path: write_cifar(path, change=lambda n, c: b"\x0a" + c[1:]),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGED_CIFAR.values(), ids=DAMAGED_CIFAR)
def test_a_damaged_cifar10_is_refused(damage, tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, "IMAGES_PER_MEMBER", 20)
    write_cifar(tmp_path / cifar.ARCHIVE)
    damage(tmp_path / cifar.ARCHIVE)
    with pytest.raises(UserError, match=r"cifar-10-binary\.tar\.gz: not "):
        published("cifar10").read(tmp_path)


MEDICAL = [name for name in PUBLISHED if isinstance(published(name), MedMnist)]


def write_medical(path: Path, data: MedMnist, **changes: np.ndarray) -> None:
    """A file in MedMNIST's layout: image i of a split has label i % K and grey levels i."""
    arrays = {}
    for split, count in (("train", 30), ("val", 20), ("test", 25)):
        shape = (count, 28, 28) + ((3,) if data.channels == 3 else ())
        levels = np.arange(count, dtype=np.uint8).reshape(-1, *[1] * (len(shape) - 1))
        arrays[f"{split}_images"] = np.broadcast_to(levels, shape)
        labels = np.arange(count, dtype=np.uint8) % len(data.classes)
        arrays[f"{split}_labels"] = labels[:, np.newaxis]
    np.savez_compressed(path, **arrays | changes)


@pytest.mark.parametrize("name", MEDICAL)
def test_medical_images_are_fetched_and_read_with_their_own_splits(name, tmp_path, monkeypatch):
    data = published(name)
    mirror, target = tmp_path / "mirror" / name, tmp_path / "raw"
    mirror.mkdir(parents=True)
    target.mkdir()
    write_medical(mirror / f"{name}.npz", data)
    with pytest.raises(UserError, match=rf"{name}: no source served(.|\n)*MD5"):
        data.fetch(target, str(tmp_path / "mirror"))
    digest = hashlib.md5((mirror / f"{name}.npz").read_bytes()).hexdigest()
    known = replace(data, md5=digest)
    known.fetch(target, str(tmp_path / "mirror"))
    content = known.read(target)
    assert {name: len(split.labels) for name, split in content.splits.items()} == {
        "train": 30,
        "validation": 20,
        "test": 25,
    }
    train = content.splits["train"]
    assert train.images.shape == (30, *data.image_shape)
    assert train.images.dtype == np.uint8
    assert (train.images[13] == 13).all()
    assert train.labels.tolist() == [i % len(data.classes) for i in range(30)]


DAMAGED_MEDICAL = {
    "not an archive": lambda path, data: path.write_bytes(b"hello"),
    "truncated": lambda path, data: path.write_bytes(path.read_bytes()[:500]),
    "an array less": lambda path, data: np.savez(path, train_images=np.zeros((2, 28, 28), "u1")),
    "a label too large": lambda path, data: write_medical(
        path, data, val_labels=np.full((20, 1), 8, np.uint8)
    ),
    "several labels": lambda path, data: write_medical(
        path, data, val_labels=np.zeros((20, 14), np.uint8)
    ),
    "other images": lambda path, data: write_medical(
        path, data, test_images=np.zeros((25, 64, 64, 3), np.uint8)
    ),
    "pickled objects": lambda path, data: write_medical(
        path, data, test_images=np.array([{}] * 25, dtype=object)
    ),
    "missing": lambda path, data: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGED_MEDICAL.values(), ids=DAMAGED_MEDICAL)
def test_damaged_medical_images_are_refused(damage, tmp_path):
    data = published("bloodmnist")
    path = tmp_path / "bloodmnist.npz"
    write_medical(path, data)
    damage(path, data)
    with pytest.raises(UserError, match=r"bloodmnist\.npz: not "):
        data.read(tmp_path)


def write_svhn(folder: Path, **changes: np.ndarray) -> None:
    """Image i has the label i % 10 + 1 and the grey levels i."""
    levels = np.broadcast_to(np.arange(40, dtype=np.uint8), (32, 32, 3, 40))
    arrays = {"X": levels, "y": (np.arange(40) % 10 + 1)[:, np.newaxis]} | changes
    for split in ("train", "test"):
        savemat(folder / f"{split}_32x32.mat", arrays)


def test_svhn_is_read_with_ten_for_zero(tmp_path):
    write_svhn(tmp_path)
    content = published("svhn").read(tmp_path)
    train = content.splits["train"]
    assert train.images.shape == (40, 3, 32, 32)
    assert (train.images[7] == 7).all()
    assert train.labels[:11].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert content.classes[0] == "0"


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "test_32x32.mat").write_bytes(b"hello"),
        lambda folder: (folder / "test_32x32.mat").unlink(),
        lambda folder: write_svhn(folder, y=np.full((40, 1), 11)),
        lambda folder: write_svhn(folder, X=np.zeros((32, 32, 3, 39), np.uint8)),
        lambda folder: savemat(folder / "test_32x32.mat", {"x": 1}),
    ],
)
def test_a_damaged_svhn_is_refused(damage, tmp_path):
    write_svhn(tmp_path)
    damage(tmp_path)
    with pytest.raises(UserError, match=r"32x32\.mat: not "):
        published("svhn").read(tmp_path)


@pytest.mark.parametrize("name", PUBLISHED)
def test_blends_are_of_classes_that_differ(name: str):
    data = published(name)
    assert len(set(data.classes)) == len(data.classes)
    for blend in data.blends:
        assert len(set(blend)) == len(blend) >= 2
        assert set(blend) <= set(data.classes)


def test_the_split_is_seeded_balanced_and_keeps_every_image_once():
    images = np.arange(1000, dtype=np.uint16).view(np.uint8).reshape(1000, 1, 1, 2)
    whole = Split(images, np.arange(1000) % 7)
    train, validation = split_balanced(whole, 0.1, seed=3)
    again = split_balanced(whole, 0.1, seed=3)
    other = split_balanced(whole, 0.1, seed=4)
    assert len(validation.labels) == 100
    counts = np.bincount(validation.labels)
    assert counts.max() - counts.min() <= 1
    whole_again = np.concatenate([train.images, validation.images])
    together = np.sort(whole_again.view(np.uint16), axis=None)
    assert np.array_equal(together, np.arange(1000))
    assert np.array_equal(validation.images, again[1].images)
    assert not np.array_equal(validation.images, other[1].images)


def of_counts(*counts: int) -> dict[str, Split]:
    """A set to be split, with so many images of each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return {"train": Split(np.zeros((len(labels), 1, 2, 2), np.uint8), labels)}


IMPOSSIBLE = {
    "one of a class": ((200, 1), 0.1, "class 'b' has 1 of 201 images"),
    "three dogs": ((200, 3), 0.1, "class 'b' has 3 of 203 images"),
    "three of a thousand": ((997, 3), 0.1, "class 'b' has 3 of 1000 images"),
    "two beside twenty": ((20, 2), 0.2, "class 'b' has 2 of 22 images"),
    "as many classes as places": ((2,) * 10, 0.1, "class 'a' has 2 of 20 images"),
}


@pytest.mark.parametrize(("counts", "fraction", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_class_that_a_split_would_lack_is_named_with_key_and_cure(counts, fraction, words):
    splits = of_counts(*counts)
    names = list("abcdefghij")[: len(counts)]
    with pytest.raises(UserError) as caught:
        split_off(splits, "validation", fraction, 0, names)
    message = str(caught.value)
    assert message.startswith(f"data.validation_fraction is {fraction}: {words}")
    assert "merge the class into another, or leave it out" in message
    assert set(splits) == {"train"}


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=6),
    st.floats(0.01, 0.5),
    st.integers(0, 5),
)
def test_every_split_has_every_class_or_is_refused(counts, fraction, seed):
    splits, names = of_counts(*counts), [f"class {n}" for n in range(len(counts))]
    try:
        split_off(splits, "test", fraction, seed, names)
    except UserError as error:
        assert "data.test_fraction" in str(error)
    else:
        check_classes(splits, names, "here")
        assert [len(np.unique(split.labels)) for split in splits.values()] == [len(counts)] * 2


def test_images_without_classes_can_be_too_few_as_well():
    with pytest.raises(UserError, match=r"the set has 1 of 1 images.* add images$"):
        split_off(of_counts(1), "test", 0.1, 0, [])


@pytest.mark.skipif("DATA_MIRROR" not in os.environ, reason="DATA_MIRROR names no official files")
def test_the_official_fashion_mnist_is_read_whole(tmp_path):
    FASHION.fetch(tmp_path, os.environ["DATA_MIRROR"])
    splits = FASHION.read(tmp_path).splits
    assert np.bincount(splits["train"].labels).tolist() == [6000] * 10
    assert np.bincount(splits["test"].labels).tolist() == [1000] * 10
