"""Kinds of image files and folders: what is read is right, and nothing is passed over in silence.

Expected pixels are computed here from the levels that were written, not by the code under test.
"""

import io
import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from autoencoders.__main__ import main
from autoencoders.data.base import Split, split_off
from autoencoders.data.duplicates import first_of_equal
from autoencoders.data.files import suffixes
from autoencoders.data.sets.folder import Folder
from autoencoders.errors import UserError
from tests.in_process import run, small_params
from tests.project import ROOT

SIDE = 28
CHANCE = np.random.default_rng(0)


def levels(most: int, dtype: type) -> np.ndarray:
    """A picture of all levels, 28 pixels in square, so that nothing is resized."""
    return np.linspace(0, most, SIDE * SIDE).reshape(SIDE, SIDE).astype(dtype)


def noise(*shape: int) -> np.ndarray:
    return CHANCE.integers(0, 256, shape or (SIDE, SIDE), np.uint8)


def save(path: Path, pixels: np.ndarray, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def read(root: Path, **settings) -> np.ndarray:
    """The images below `root`: (N, C, 28, 28)."""
    return Folder(str(root), SIDE, **settings).read(root).splits["train"].images


# ---- levels ----


def test_floats_from_0_to_1_are_scaled_and_stay_grey(tmp_path):
    pixels = levels(1, np.float32)
    save(tmp_path / "a.tif", pixels)
    images = read(tmp_path)
    assert images.shape == (1, 1, SIDE, SIDE)
    assert np.array_equal(images[0, 0], np.round(pixels.astype(float) * 255))


@pytest.mark.parametrize(
    ("values", "words"),
    [((0.0, 255.0), "levels from 0 to 255, expected 0 to 1"), ((-0.5, 1.0), "levels from -0.5")],
)
def test_other_floats_are_refused_by_name(tmp_path, values, words):
    save(tmp_path / "b.tif", np.linspace(*values, SIDE * SIDE, dtype=np.float32).reshape(SIDE, -1))
    with pytest.raises(UserError, match=words):
        read(tmp_path)


def test_not_a_number_is_refused(tmp_path):
    save(tmp_path / "a.tif", np.full((SIDE, SIDE), np.nan, np.float32))
    with pytest.raises(UserError, match="levels from nan to nan"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("highest", "white"), [(4000, 4095), (4095, 4095), (65535, 65535), (1023, 1023), (200, 255)]
)
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_white_is_that_of_the_fewest_bits_over_the_whole_set(
    tmp_path, capsys, highest, white, ending
):
    bright, dark = levels(highest, np.uint16), levels(highest // 3, np.uint16)
    save(tmp_path / f"a.{ending}", dark)
    save(tmp_path / f"b.{ending}", bright)
    images = read(tmp_path)
    for image, pixels in zip(images, (dark, bright), strict=True):
        assert np.array_equal(image[0], np.round(pixels.astype(float) * 255 / white))
    said = f"2 files of more than 8 bits: the highest level is {highest}, and {white} is white"
    assert said in capsys.readouterr().err


def test_a_white_level_can_be_set_and_is_not_exceeded(tmp_path):
    pixels = levels(3000, np.uint16)
    save(tmp_path / "a.png", pixels)
    assert np.array_equal(
        read(tmp_path, white_level=10_000)[0, 0], np.round(pixels.astype(float) * 255 / 10_000)
    )
    with pytest.raises(UserError, match=r"levels from 0 to 3000, expected 0 to 2999 \(data"):
        read(tmp_path, white_level=2999)


def test_integers_of_32_bits_do_not_wrap(tmp_path):
    pixels = levels(70_000, np.int32)
    save(tmp_path / "a.tif", pixels)
    assert np.array_equal(read(tmp_path)[0, 0], np.round(pixels * 255 / 131_071))
    save(tmp_path / "a.tif", pixels - 5)
    with pytest.raises(UserError, match="levels from -5 to 69995"):
        read(tmp_path)


def test_files_of_8_bits_are_not_scaled_by_deeper_ones(tmp_path):
    save(tmp_path / "a.png", levels(255, np.uint8))
    save(tmp_path / "b.png", levels(4095, np.uint16))
    assert np.array_equal(read(tmp_path)[0, 0], levels(255, np.uint8))


def tiff(path: Path, pixels: np.ndarray, photometric: int, **tags: object) -> None:
    """A TIFF of grey levels whose photometric interpretation is 0, white, or 1, black is zero.

    Pillow saves the second alone, and libtiff's tag directory is plain enough to be changed.
    """
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in tags.items():
        number = int(name.removeprefix("tag_"))
        directory.tagtype[number] = 2 if isinstance(value, str) else 4
        directory[number] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, tiffinfo=directory)
    content = bytearray(path.read_bytes())
    entry = struct.pack("<HHI", 262, 3, 1)
    place = content.index(entry) + len(entry)
    assert content[place] == 1
    content[place] = photometric
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize(
    ("pixels", "white"),
    [
        (levels(255, np.uint8), 255),
        (levels(4000, np.uint16), 4095),
        (levels(65535, np.uint16), 65535),
        (levels(1, np.float32), 1),
    ],
    ids=["8 bits", "12 of 16 bits", "16 bits", "floats"],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_where_zero_is_white_a_tiff_is_no_negative(
    tmp_path, pixels, white, photometric, orientation
):
    tiff(tmp_path / "a.tif", pixels, photometric, tag_274=orientation)
    exact = pixels.astype(float)
    bright = exact if photometric else white - exact
    expected = TURNS[orientation](np.round(bright * 255 / white))
    assert np.array_equal(read(tmp_path)[0, 0], expected)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"tag_50714": 64}, "the tag BlackLevel, which is not read"),
        ({"tag_50717": 4000}, "the tag WhiteLevel, which is not read"),
        ({"tag_42113": "0"}, "GDAL's mark of missing data, 0, which is not read"),
        (
            {"tag_42112": '<GDALMetadata><Item name="SCALE" sample="0" role="scale">2</Item>'},
            "GDAL's scale or offset, which is not read",
        ),
    ],
)
def test_what_a_tiff_says_of_its_levels_and_is_not_read_is_refused_by_name(tmp_path, tags, words):
    tiff(tmp_path / "a.tif", levels(4000, np.uint16), 1, **tags)
    with pytest.raises(UserError, match=words):
        read(tmp_path)


@pytest.mark.parametrize("most", [4095, 65535])
def test_white_is_what_a_pgm_file_says(tmp_path, most):
    """However dark it is, and whatever is white in other files."""
    pixels = levels(most // 5, np.uint16)
    header = f"P5 {SIDE} {SIDE} {most}\n".encode()
    (tmp_path / "a.pgm").write_bytes(header + pixels.astype(">u2").tobytes())
    save(tmp_path / "b.png", levels(1023, np.uint16))
    found = read(tmp_path)
    assert np.abs(found[0, 0] - pixels * (255 / most)).max() <= 0.51
    assert np.array_equal(found[1, 0], np.round(levels(1023, np.uint16) * (255 / 1023)))


def test_a_pfm_file_of_another_scale_is_refused(tmp_path):
    pixels = levels(1, np.float32)
    for number, scale in enumerate(("-1.0", "-0.5")):
        header = f"Pf {SIDE} {SIDE} {scale}\n".encode()
        path = tmp_path / str(number) / "a.pfm"
        path.parent.mkdir()
        path.write_bytes(header + pixels[::-1].astype("<f4").tobytes())
    assert np.array_equal(read(tmp_path / "0")[0, 0], np.round(pixels.astype(float) * 255))
    with pytest.raises(UserError, match=r"a scale of 0\.5, expected 1"):
        read(tmp_path / "1")


@pytest.mark.filterwarnings("ignore:IM image format is deprecated")
def test_fits_and_other_containers_of_deep_levels_are_refused_by_name(tmp_path):
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    2",
        f"NAXIS1  = {SIDE:20}",
        f"NAXIS2  = {SIDE:20}",
        "END",
    ]
    header = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    fits = tmp_path / "fits/a.fits"
    fits.parent.mkdir()
    fits.write_bytes(header + levels(255, np.uint8).tobytes().ljust(2880, b"\0"))
    with pytest.raises(UserError, match=r"a\.fits: FITS, whose scale and offset"):
        read(tmp_path / "fits")
    save(tmp_path / "im/a.im", levels(4000, np.uint16))
    with pytest.raises(UserError, match="more than 8 bits in IM, of which it is not known"):
        read(tmp_path / "im")


# ---- colours ----


def test_palettes_are_grey_or_coloured_as_their_colours_are(tmp_path):
    places = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4
    for name, palette in (
        ("grey", [[0] * 3, [50] * 3, [90] * 3, [255] * 3]),
        ("colour", [[0, 10, 20], [255, 0, 0], [1, 2, 3], [9, 9, 9]]),
    ):
        image = Image.fromarray(places.astype(np.uint8), "P")
        image.putpalette(np.array(palette, np.uint8).tobytes())
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "a.png")
        expected = np.array(palette)[places].transpose(2, 0, 1)
        found = read(tmp_path / name)[0]
        assert found.shape[0] == (1 if name == "grey" else 3)
        assert np.array_equal(found, expected[: len(found)])


def test_transparency_shows_white_paper(tmp_path):
    grey = np.stack([noise(), noise()], axis=2)
    Image.fromarray(grey, "LA").save(tmp_path / "a.png")
    alpha = grey[:, :, 1] / 255
    expected = grey[:, :, 0] * alpha + 255 * (1 - alpha)
    assert np.abs(read(tmp_path)[0, 0] - expected).max() <= 1


def png(path: Path, bits: int, colour_type: int, pixels: np.ndarray, transparent: bytes) -> None:
    """A PNG file as its specification has it, with the chunk tRNS: pixels (H, W) or (H, W, C)."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    def packed(row: np.ndarray) -> bytes:
        digits = "".join(format(int(level), f"0{bits}b") for level in row.ravel())
        return int(digits.ljust(-(-len(digits) // 8) * 8, "0"), 2).to_bytes(-(-len(digits) // 8))

    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + packed(row) for row in pixels)
    parts = [chunk(b"IHDR", header)]
    parts += [chunk(b"tRNS", transparent)] if transparent else []
    parts += [chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@pytest.mark.parametrize("transparent", ["darkest", "lightest", "other"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_level_is_white_paper_at_every_depth(tmp_path, bits, transparent):
    most = (1 << bits) - 1
    pixels = np.round(np.linspace(0, most, SIDE * SIDE)).astype(np.int64).reshape(SIDE, SIDE)
    level = {"darkest": 0, "lightest": most, "other": int(pixels[9, 9])}[transparent]
    png(tmp_path / "a.png", bits, 0, pixels, struct.pack(">H", level))
    expected = np.where(pixels == level, 255, np.round(pixels * (255 / most)))
    found = read(tmp_path)
    assert found.shape[1] == 1
    assert np.array_equal(found[0, 0], expected)


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_with_opacity_is_grey_on_white_paper_at_every_depth(tmp_path, bits):
    most = (1 << bits) - 1
    pixels = np.random.default_rng(1).integers(0, most + 1, (SIDE, SIDE, 2))
    png(tmp_path / "a.png", bits, 4, pixels, b"")
    grey, opacity = pixels[:, :, 0] / most, pixels[:, :, 1] / most
    found = read(tmp_path)
    assert found.shape[1] == 1
    assert np.abs(found[0, 0] - 255 * (grey * opacity + 1 - opacity)).max() <= 2


def test_a_transparent_colour_is_white_paper_or_refused(tmp_path):
    pixels = np.zeros((SIDE, SIDE, 3), np.int64)
    pixels[:, 14:] = 200, 10, 20
    png(tmp_path / "8/a.png", 8, 2, pixels, struct.pack(">HHH", 200, 10, 20))
    found = read(tmp_path / "8")[0]
    assert (found[:, :, :14] == 0).all()
    assert (found[:, :, 14:] == 255).all()
    png(tmp_path / "16/a.png", 16, 2, pixels, struct.pack(">HHH", 200, 10, 20))
    with pytest.raises(UserError, match=r"a transparent colour of 16 bits each \(tRNS\)"):
        read(tmp_path / "16")


def test_a_palette_is_grey_if_what_is_seen_of_it_is(tmp_path):
    """The colour that a GIF or a PNG marks as transparent is not seen."""
    places = (np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 3).astype(np.uint8)
    image = Image.fromarray(places, "P")
    image.putpalette(bytes([0, 0, 0, 90, 90, 90, 255, 0, 255]))
    expected = np.array([0, 90, 255])[places]
    for ending in ("png", "gif"):
        (tmp_path / ending).mkdir()
        image.save(tmp_path / ending / f"a.{ending}", transparency=2)
        found = read(tmp_path / ending)
        assert found.shape[1] == 1
        assert np.array_equal(found[0, 0], expected)


def test_cmyk_is_what_is_left_of_white(tmp_path):
    inks = np.zeros((SIDE, SIDE, 4), np.uint8)
    inks[:, :14, 0] = 255  # cyan
    inks[:, 14:, 3] = 100  # a grey of black ink
    Image.fromarray(inks, "CMYK").save(tmp_path / "a.tif")
    found = read(tmp_path)[0]
    assert found[:, 5, 3].tolist() == [0, 255, 255]
    assert found[:, 5, 25].tolist() == [155, 155, 155]


@pytest.mark.parametrize(
    ("lightness", "a", "b", "expected"),
    [(255, 0, 0, (255, 255, 255)), (0, 0, 0, (0, 0, 0)), (138, 81, 70, (255, 0, 0))],
)
def test_lab_is_converted(tmp_path, lightness, a, b, expected):
    """L in 0..255 for 0..100, a and b as signed bytes; sRGB's red is 54, 81, 70 (D50)."""
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[:] = lightness, a, b
    Image.fromarray(pixels, "LAB").save(tmp_path / "a.tif")
    assert read(tmp_path)[0, :, 3, 3].tolist() == pytest.approx(expected, abs=6)


def linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def test_colours_of_another_profile_become_srgb(tmp_path):
    """A profile of linear light: its half is sRGB's 188."""
    profile = linear_profile()
    pixels = np.full((SIDE, SIDE, 3), 128, np.uint8)
    save(tmp_path / "a.png", pixels, icc_profile=profile)
    expected = next(level for level in range(256) if linear(level / 255) >= 128 / 255)
    assert np.abs(read(tmp_path)[0].astype(int) - expected).max() <= 2
    # sRGB's own profile changes nothing, and one of nonsense neither.
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for number, other in enumerate((own, b"nonsense")):
        root = tmp_path / str(number)
        save(root / "a.png", pixels, icc_profile=other)
        assert (read(root) == 128).all()


def linear_profile() -> bytes:
    """sRGB's profile with straight lines for its curves ("curv" without entries)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for n in range(count):
        entry = 132 + 12 * n
        tag, at = profile[entry : entry + 4], int.from_bytes(profile[entry + 4 : entry + 8], "big")
        if tag in (b"rTRC", b"gTRC", b"bTRC"):
            profile[at : at + 12] = b"curv" + bytes(8)
            profile[entry + 8 : entry + 12] = (12).to_bytes(4, "big")
        if tag == b"desc":
            size = int.from_bytes(profile[entry + 8 : entry + 12], "big")
            text = bytes(profile[at : at + size])
            for name in ("sRGB", "s\0R\0G\0B\0", "\0s\0R\0G\0B"):
                text = text.replace(name.encode("latin-1"), b"\0" * len(name))
            profile[at : at + size] = text
    profile[84:100] = bytes(16)  # the checksum: none
    return bytes(profile)


# ---- formats ----


def test_the_first_of_several_images_is_read_and_told(tmp_path, capsys):
    frames = [noise(), noise(), noise()]
    first, *others = (Image.fromarray(frame) for frame in frames)
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    first.save(tmp_path / "b.gif", save_all=True, append_images=others)
    save(tmp_path / "c.png", noise())
    assert np.array_equal(read(tmp_path)[0, 0], frames[0])
    assert np.array_equal(read(tmp_path)[1, 0], frames[0])
    assert "2 files with several images, of which the first is read" in capsys.readouterr().err


TURNS = {
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", TURNS)
def test_each_of_exifs_orientations_is_turned_upright(tmp_path, orientation):
    pixels, exif = noise(), Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / "a.png", pixels, exif=exif)
    assert np.array_equal(read(tmp_path)[0, 0], TURNS[orientation](pixels))


@pytest.mark.parametrize("ending", ["jfif", "jpe", "avif", "jp2", "webp", "pgm", "bmp", "PNG"])
def test_what_pillow_can_read_is_read(tmp_path, ending):
    # Smooth, as some of these formats lose detail.
    pixels = levels(255, np.uint8)
    kind = {"jfif": "jpeg", "jpe": "jpeg", "jp2": "jpeg2000", "pgm": "ppm"}.get(ending.lower())
    save(tmp_path / f"a.{ending}", pixels, format=kind or ending)
    found = read(tmp_path)
    assert np.abs(found[0].mean(axis=0) - pixels).max() < 12


def test_what_is_passed_over_is_counted_by_its_ending(tmp_path, capsys):
    for name in ("cat", "dog"):
        save(tmp_path / name / "1.png", noise())
        save(tmp_path / name / ".ipynb_checkpoints" / "1-checkpoint.png", noise())
        (tmp_path / name / "a.heic").write_bytes(b"\0")
    save(tmp_path / "cat/deeper/2.png", noise())
    save(tmp_path / "cat/deeper/__MACOSX/._2.png", noise())
    save(tmp_path / "dog/deeper/.cache/3.png", noise())
    (tmp_path / "cat/Thumbs.db").write_bytes(b"\0")
    (tmp_path / "cat/LICENSE").write_text("free")
    (tmp_path / "notes.TXT").write_text("x")
    assert ".heic" not in suffixes(), "this Pillow reads it: name another ending here"
    assert len(read(tmp_path)) == 3
    assert (
        "passed over: 1 ending in nothing, 2 ending in .heic, 1 ending in .txt, "
        "5 hidden or system files and folders" in capsys.readouterr().err
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 2), (3000, 2000)])
def test_sides_of_any_length_are_read(tmp_path, size):
    save(tmp_path / "a.png", np.full(size, 99, np.uint8))
    assert (read(tmp_path) == 99).all()


# ---- layouts ----


def test_a_class_may_be_called_train(tmp_path):
    for name in ("bus", "car", "train"):
        save(tmp_path / name / "1.png", noise())
    with pytest.raises(UserError, match=r"holds 'train' beside 'bus'.*data\.layout: classes"):
        read(tmp_path)
    content = Folder(str(tmp_path), SIDE, layout="classes").read(tmp_path)
    assert content.classes == ["bus", "car", "train"]
    assert set(content.splits) == {"train"}


def test_splits_can_be_asked_for(tmp_path):
    for name in ("bus", "car"):
        save(tmp_path / name / "1.png", noise())
    with pytest.raises(UserError, match="holds no split beside 'bus'"):
        read(tmp_path, layout="splits")


def test_names_of_every_script_and_many_classes(tmp_path):
    names = sorted(["кот", "犬", "قطة", "chat à l'été", "🐈", *(f"class {n}" for n in range(195))])
    for name in names:
        save(tmp_path / name / "1.png", noise())
    content = Folder(str(tmp_path), SIDE).read(tmp_path)
    assert content.classes == names
    assert content.splits["train"].labels.tolist() == list(range(200))


# ---- duplicates ----


def test_equal_images_are_found_across_sets():
    one, other = noise(5, 1, 4, 4), noise(3, 1, 4, 4)
    other[1], one[4] = one[2], one[0]
    assert first_of_equal(one, other).tolist() == [0, 1, 2, 3, 0, 5, 2, 7]
    assert first_of_equal(one[:0]).tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_equal_images_are_never_split_apart(seed):
    images = noise(30, 1, 4, 4)[CHANCE.integers(0, 30, 100)]
    labels = images[:, 0, 0, 0].astype(np.int64) % 2
    splits = {"train": Split(images, labels)}
    for name in ("test", "validation"):
        split_off(splits, name, 0.25, seed, ["even", "odd"], keep_equal_together=True)
    seen = [{image.tobytes() for image in split.images} for split in splits.values()]
    assert len(set.union(*seen)) == sum(map(len, seen))
    assert sum(len(split.labels) for split in splits.values()) == 100


def test_a_class_of_equal_images_cannot_be_split():
    images = np.concatenate([noise(20, 1, 4, 4), np.zeros((20, 1, 4, 4), np.uint8)])
    splits = {"train": Split(images, np.repeat([0, 1], 20))}
    with pytest.raises(UserError, match=r"class 'b' has 20 of 40 images \(1 that differ\)"):
        split_off(splits, "test", 0.2, 0, ["a", "b"], keep_equal_together=True)


def test_equal_images_are_told_and_can_be_dropped(tmp_path, capsys):
    save(tmp_path / "cat/1.png", noise())
    shutil.copy(tmp_path / "cat/1.png", tmp_path / "cat/2.png")
    (tmp_path / "dog").mkdir()
    shutil.copy(tmp_path / "cat/1.png", tmp_path / "dog/3.png")
    save(tmp_path / "dog/4.png", noise())
    assert len(read(tmp_path)) == 4
    assert "2 images equal another, 1 of them in another class, such as" in capsys.readouterr().err
    assert len(read(tmp_path, duplicates="drop")) == 2
    assert "2 left out, as they equal another image (data.duplicates)" in capsys.readouterr().err


def test_equal_images_in_train_and_test_are_refused_or_dropped_from_train(tmp_path):
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            save(tmp_path / split / name / "1.png", noise())
    shutil.copy(tmp_path / "test/cat/1.png", tmp_path / "train/cat/2.png")
    with pytest.raises(UserError, match=r"train/cat/2\.png and .*test/cat/1\.png are equal, "):
        read(tmp_path)
    content = Folder(str(tmp_path), SIDE, duplicates="drop").read(tmp_path)
    assert {name: len(split.labels) for name, split in content.splits.items()} == {
        "train": 2,
        "test": 2,
    }


# ---- check ----


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml and images of many kinds."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for n in range(60):
        save(Path("photos") / ("cat", "dog")[n % 2] / f"{n}.png", noise(30 + n, 40))
    save(Path("photos/cat/deep.tif"), levels(4000, np.uint16))
    save(Path("photos/dog/flat.png"), np.full((50, 50), 7, np.uint8))
    shutil.copy("photos/cat/0.png", "photos/dog/copy.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    save(Path("photos/dog/turned.jpg"), noise(40, 40), exif=exif)
    Path("photos/dog/read me.txt").write_text("x")
    return tmp_path


def test_check_tells_on_one_screen_what_would_be_read(project, capsys):
    assert main(["check", "photos"]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) < 24
    assert said.startswith("64 images, as 32x32 grey\n")
    table = {row.split()[0]: row.split()[1:] for row in said.splitlines() if row}
    assert table["train"] == ["validation", "test"]
    assert sum(int(count) for name in ("cat", "dog") for count in table[name]) == 64
    for words in (
        "sizes    28x28 to 40x89, median 40x59 (width x height)",
        "L: 63, I;16: 1",
        "8: 63, 16: 1",
        "1 upright, as EXIF says",
        "passed over: 1 ending in .txt",
        "1 file of more than 8 bits: the highest level is 4000, and 4095 is white",
        "1 image equals another, in another class, such as photos/dog/copy.png and photos/cat/0",
        "1 image of one grey level or colour, such as photos/dog/flat.png",
    ):
        assert words in said


def test_check_as_json_and_with_faults(project, capsys):
    Path("photos/cat/torn.png").write_bytes(b"\x89PNG")
    for n in range(2):
        save(Path("photos") / "Cat " / f"{n}.png", noise())
    assert main(["check", "photos", "--json"]) == 1
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["splits"]["train"]["Cat "] == 2
    assert found["modes"] == {"L": 65, "I;16": 1}
    assert found["damaged"] == {"photos/cat/torn.png": "not an image that Pillow knows"}
    assert found["equal"] == [["photos/dog/copy.png", "photos/cat/0.png"]]
    assert found["flat"] == ["photos/dog/flat.png"]
    assert found["names"] == [
        "classes whose names differ by blanks or capitals alone: ['Cat ', 'cat']",
        "a class whose name begins or ends with a blank: 'Cat '",
    ]
    assert found["sizes"]["largest"] == [40, 89]
    assert len(found["faults"]) == 2
    assert "1 file cannot be decoded" in captured.err
    assert "class 'Cat ' has 2 of" in captured.err


def test_the_stage_says_what_check_says_and_draws_what_it_has_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for n in range(60):
        save(Path("images") / ("cat", "dog")[n % 2] / f"{n}.png", noise(40, 40))
    (tmp_path / "images/cat/x.heic").write_bytes(b"\0")
    params = small_params({})
    for stage in ("download", "preprocess"):
        run(stage, params)
    assert "images: passed over: 1 ending in .heic" in capsys.readouterr().err
    sheet = np.asarray(Image.open(io.BytesIO(Path("plots/images.png").read_bytes())))
    assert sheet.shape[1] > 700
    assert sheet.std() > 30
