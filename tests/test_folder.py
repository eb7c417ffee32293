"""The user's own images: what is read, from which layouts, and the whole pipeline on them."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autoencoders.data.sets.folder import Folder
from autoencoders.errors import UserError

CHANCE = np.random.default_rng(0)


def save(path: Path, level: int | tuple[int, ...] = 100, size=(40, 30), mode: str = "L", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, level).save(path, **options)


def read(root: Path, size: int = 28, skip_damaged: bool = False):
    return Folder(root, size, skip_damaged).read(root)


def test_classes_are_folders_in_the_order_of_their_names(tmp_path):
    for name, level in (("b", 20), ("a", 10)):
        for n in range(3):
            save(tmp_path / name / f"{n}.png", level + n)
    save(tmp_path / "a" / "deeper" / "x.PNG", 50)
    (tmp_path / "README.md").write_text("not an image")
    (tmp_path / ".hidden").mkdir()
    content = read(tmp_path)
    assert content.classes == ["a", "b"]
    assert set(content.splits) == {"train"}
    train = content.splits["train"]
    assert train.labels.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert train.images.shape == (7, 1, 28, 28)
    assert train.images[:, 0, 0, 0].tolist() == [10, 11, 12, 50, 20, 21, 22]


def test_images_without_classes(tmp_path):
    for n in range(3):
        save(tmp_path / f"{n}.png", n)
    content = read(tmp_path)
    assert content.classes == []
    assert content.splits["train"].labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("train", "val", "test"), ("Train", "VALID", "Test"), ("training", "validation", "testing")],
)
def test_splits_are_folders_around_the_classes(tmp_path, train, validation, test):
    level = 0
    for split, count in ((train, 3), (validation, 2), (test, 1)):
        for name in ("cat", "dog"):
            for n in range(count):
                save(tmp_path / split / name / f"{n}.png", level := level + 1)
    content = read(tmp_path)
    counts = {name: len(split.labels) for name, split in content.splits.items()}
    assert counts == {"train": 6, "validation": 4, "test": 2}
    assert content.classes == ["cat", "dog"]


def one(tmp_path: Path, size: int = 28) -> np.ndarray:
    return read(tmp_path, size).splits["train"].images[0]


def test_one_colour_image_makes_the_set_rgb(tmp_path):
    save(tmp_path / "a.png", 10)
    save(tmp_path / "b.jpg", (200, 20, 120), mode="RGB", quality=100)
    images = read(tmp_path).splits["train"].images
    assert images.shape == (2, 3, 28, 28)
    assert (images[0] == 10).all()
    assert images[1, :, 5, 5] == pytest.approx([200, 20, 120], abs=3)


FORMATS = {
    "one bit": ("1", 1, 255),
    "palette of greys": ("P", 0, None),
    "sixteen bits": ("I;16", 65535, 255),
    "twelve bits": ("I;16", 2048, 128),
    "grey with alpha": ("LA", (50, 0), 255),  # transparent, so the paper shows
    "colour with alpha": ("RGBA", (10, 10, 10, 255), 10),
}


@pytest.mark.parametrize(("mode", "level", "expected"), FORMATS.values(), ids=FORMATS)
def test_formats(tmp_path, mode, level, expected):
    save(tmp_path / "a.png", level, mode=mode)
    image = one(tmp_path)
    assert image.shape == (3 if mode == "RGBA" else 1, 28, 28)
    assert expected is None or (image == expected).all()


def test_images_are_cropped_to_their_middle_and_resized(tmp_path):
    pixels = np.zeros((40, 120), np.uint8)
    pixels[:, 40:80] = 200
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert one(tmp_path, 32).min() > 190  # the filter reaches a little beyond the crop
    assert one(tmp_path, 128).shape == (1, 128, 128)


def test_photos_are_turned_upright(tmp_path):
    pixels = np.zeros((64, 64), np.uint8)
    pixels[:32] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=100)
    image = one(tmp_path)[0]
    assert image[:10].max() < 20
    assert image[-10:].min() > 235


def damage(folder: Path) -> None:
    whole = io.BytesIO()
    noise = CHANCE.integers(0, 255, (50, 50), np.uint8)
    Image.fromarray(noise).save(whole, format="png")
    (folder / "truncated.png").write_bytes(whole.getvalue()[:900])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.png").write_text("hello")


def test_damaged_files_stop_the_run_by_name_and_count(tmp_path):
    save(tmp_path / "good.png")
    damage(tmp_path)
    with pytest.raises(UserError, match="3 files cannot be decoded") as caught:
        read(tmp_path)
    for name in ("truncated.png", "empty.jpg", "text.png", "data.skip_damaged"):
        assert name in str(caught.value)


def test_damaged_files_are_left_out_where_that_is_asked_for(tmp_path, capsys):
    for n in range(3):
        save(tmp_path / f"{n}.png", n)
    damage(tmp_path)
    images = read(tmp_path, skip_damaged=True).splits["train"].images
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2]
    message = capsys.readouterr().err
    assert "3 files cannot be decoded" in message
    assert str(tmp_path / "text.png") in message


def test_a_bomb_is_a_damaged_file(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    save(tmp_path / "a.png", size=(50, 50))
    with pytest.raises(UserError, match=r"(?s)1 file cannot be decoded:.*more than 200 pixels"):
        read(tmp_path)


REFUSED = {
    "no folder": (lambda root: root.rmdir(), "is not a folder"),
    "empty": (lambda root: None, "holds no images"),
    "text only": (lambda root: (root / "a.txt").write_text("x"), "holds no images"),
    "an image beside classes": (
        lambda root: (save(root / "a/1.png"), save(root / "2.png")),
        "an image beside folders of classes",
    ),
    "a class beside splits": (
        lambda root: (save(root / "train/1.png"), save(root / "cats/1.png")),
        "holds 'train' beside 'cats'; are its folders classes, or splits around the classes",
    ),
    "splits without a train": (
        lambda root: [save(root / f"{name}/cat/1.png") for name in ("val", "test")],
        "holds 'test' and none that is 'train'; are its folders classes, or splits",
    ),
    "two folders for one split": (
        lambda root: [save(root / f"{name}/1.png") for name in ("train", "val", "Valid")],
        "both are for validation, expected one",
    ),
    "a class of the test set alone": (
        lambda root: (save(root / "train/a/1.png"), save(root / "test/b/1.png")),
        r"holds \['b'\], expected of \['a'\]",
    ),
    "a class that a split lacks": (
        lambda root: [
            save(root / f"{name}/1.png", level)
            for level, name in enumerate(("train/a", "train/b", "test/a"))
        ],
        "no readable 'b' for test",
    ),
    "a class without images": (
        lambda root: (save(root / "a/1.png"), (root / "b").mkdir()),
        "no readable 'b' for train",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_folders_that_make_no_data_set_are_refused(tmp_path, make, words):
    root = tmp_path / "images"
    root.mkdir()
    make(root)
    with pytest.raises(UserError, match=words):
        read(root)


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_any_bytes_are_an_image_or_a_damaged_file(tmp_path_factory, content):
    root = tmp_path_factory.mktemp("fuzz")
    (root / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    with pytest.raises(UserError, match="cannot be decoded"):
        read(root)


REASONS = {
    "empty.jpg": (lambda path: path.write_bytes(b""), "empty"),
    "text.png": (lambda path: path.write_text("hello"), "not an image that Pillow knows"),
    "truncated.png": (
        lambda path: (save(path), path.write_bytes(path.read_bytes()[:60])),
        "damaged ",
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_why_a_file_cannot_be_decoded_is_told(tmp_path, name):
    make, words = REASONS[name]
    save(tmp_path / "good.png")
    make(tmp_path / name)
    with pytest.raises(UserError) as caught:
        read(tmp_path)
    assert f"{tmp_path / name}: {words}" in str(caught.value)


def test_a_file_without_permission_is_told(tmp_path, monkeypatch):
    save(tmp_path / "good.png")

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(UserError, match=r"good\.png: no permission to read it"):
        read(tmp_path)


def test_a_folder_named_like_an_image_is_a_class_or_passed_over(tmp_path):
    save(tmp_path / "scan.png" / "1.png", 7)
    save(tmp_path / "b" / "2.png", 8)
    content = read(tmp_path)
    assert content.classes == ["b", "scan.png"]
    assert content.splits["train"].images[:, 0, 0, 0].tolist() == [8, 7]


@pytest.mark.parametrize("kind", ["a class", "inside a class", "a loop", "a file", "a broken one"])
def test_links_are_refused(tmp_path, kind):
    save(tmp_path / "real" / "1.png")
    root = tmp_path / "images"
    save(root / "cat" / "2.png")
    link, target = {
        "a class": (root / "dog", tmp_path / "real"),
        "inside a class": (root / "cat" / "more", tmp_path / "real"),
        "a loop": (root / "cat" / "again", root),
        "a file": (root / "cat" / "3.png", tmp_path / "real/1.png"),
        "a broken one": (root / "cat" / "4.png", tmp_path / "nothing"),
    }[kind]
    link.symlink_to(target)
    with pytest.raises(UserError, match=f"{link.name}: a link; DVC does not see"):
        read(root)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path):
    save(tmp_path / "good.png")
    (tmp_path / "good.png").rename(tmp_path / os.fsdecode(b"caf\xe9.png"))
    with pytest.raises(UserError, match=r"caf\\xe9\.png.*: a name that is not UTF-8; rename it"):
        read(tmp_path)


def test_a_file_that_is_left_out_decides_nothing(tmp_path, capsys):
    for n in range(40):
        save(tmp_path / f"{n}.png", n)
    save(tmp_path / "colour.png", (200, 20, 120), mode="RGB")
    path = tmp_path / "colour.png"
    path.write_bytes(path.read_bytes()[:60])
    images = read(tmp_path, skip_damaged=True).splits["train"].images
    assert images.shape == (40, 1, 28, 28)
    assert sorted(images[:, 0, 0, 0].tolist()) == list(range(40))
    assert "1 file cannot be decoded" in capsys.readouterr().err
