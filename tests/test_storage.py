"""Writing whole or not at all; reading what is missing, damaged or hostile."""

import errno
import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoencoders.errors import UserError
from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, read_pairs, write_arrays
from autoencoders.io.files import MAX_TEXT_BYTES, read_json, whole_file, whole_folder, write_json


class Bomb:
    """Its unpickling creates a file, so a test sees whether a reader ran it."""

    def __init__(self, path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def pictures(count: int = 4) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(0)
    images = chance.integers(256, size=(count, 1, 6, 5), dtype=np.uint8)
    return {"images": images, "labels": np.arange(count)}


def safetensors(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(**changes) -> bytes:
    tensor = {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]} | changes
    return json.dumps({"images": tensor}).encode()


def numpy_pickle(path) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Bomb(path)], object), allow_pickle=True)
    return file.getvalue()


def torch_archive(path) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb(path)))
        archive.writestr("archive/version", "3")
    return file.getvalue()


DAMAGED_ARRAYS = {
    "empty": lambda _: b"",
    "text": lambda _: b"not arrays at all",
    "zeros": lambda _: bytes(1000),
    "header only": lambda _: safetensors(entry()),
    "header length of exabytes": lambda _: safetensors(entry(), b"\0\0", length=2**62),
    "header length past the end": lambda _: safetensors(entry(), b"\0\0", length=4000),
    "tensor of terabytes": lambda _: safetensors(
        entry(shape=[10**6, 10**6], data_offsets=[0, 10**12]), b"\0\0"
    ),
    "shape beyond its bytes": lambda _: safetensors(entry(shape=[10**9]), b"\0\0"),
    "shape that overflows": lambda _: safetensors(entry(shape=[2**40, 2**40]), b"\0\0"),
    "negative shape": lambda _: safetensors(entry(shape=[-2]), b"\0\0"),
    "offsets backwards": lambda _: safetensors(entry(data_offsets=[2, 0]), b"\0\0"),
    "unknown type": lambda _: safetensors(entry(dtype="OBJECT"), b"\0\0"),
    "header that is a list": lambda _: safetensors(b"[1]", b"\0\0"),
    "bytes left over": lambda _: safetensors(entry(), b"\0\0\0\0"),
    "a pickle": lambda path: pickle.dumps(Bomb(path)),
    "an npy file with a pickle": numpy_pickle,
    "a torch archive": torch_archive,
}


@pytest.mark.parametrize("content", DAMAGED_ARRAYS.values(), ids=DAMAGED_ARRAYS)
def test_damaged_and_hostile_arrays_are_refused(content, tmp_path):
    path, evidence = tmp_path / "arrays.safetensors", tmp_path / "executed"
    path.write_bytes(content(evidence))
    with pytest.raises(UserError, match=r"arrays\.safetensors: not a readable safetensors file"):
        read_arrays(path)
    assert not evidence.exists()


@given(st.data())
def test_any_damage_gives_arrays_or_a_clear_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "arrays.safetensors"
    write_arrays(path, pictures())
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:position]
    else:
        content[position : position + 1] = data.draw(st.binary(min_size=0, max_size=9))
    path.write_bytes(bytes(content))
    try:
        arrays = read_arrays(path, images=IMAGES, labels=LABELS)
    except UserError as error:
        assert str(path) in str(error)
    else:
        assert len(arrays["images"]) == len(arrays["labels"])


@given(st.binary(max_size=300))
def test_any_bytes_give_a_clear_error(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "a.safetensors").write_bytes(content)
    (folder / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.safetensors"):
        read_arrays(folder / "a.safetensors", images=IMAGES)
    with pytest.raises(UserError, match=r"a\.json"):
        read_json(folder / "a.json", "key")


UNEXPECTED = {
    "missing name": (lambda a: a.pop("labels"), "expected also 'labels'"),
    "wrong type": (lambda a: a.update(images=a["images"] / 255), "float64 of shape"),
    "wrong axes": (lambda a: a.update(images=a["images"][:, 0]), "expected uint8 with 4 axes"),
    "empty": (lambda a: a.update(images=a["images"][:0]), "none of them empty"),
    "other length": (lambda a: a.update(labels=np.arange(3)), "different lengths"),
}


@pytest.mark.parametrize(("change", "message"), UNEXPECTED.values(), ids=UNEXPECTED)
def test_arrays_that_are_not_as_expected_are_refused(change, message, tmp_path):
    arrays = pictures()
    change(arrays)
    write_arrays(tmp_path / "a.safetensors", arrays)
    with pytest.raises(UserError, match=message):
        read_arrays(tmp_path / "a.safetensors", images=IMAGES, labels=LABELS)


def test_swapped_files_are_noticed(tmp_path):
    write_arrays(tmp_path / "test.safetensors", pictures(4))
    write_arrays(tmp_path / "validation.safetensors", pictures(3))
    with pytest.raises(UserError, match=r"shape \(3, 1, 6, 5\), expected \(4, 1, 6, 5\)"):
        read_pairs(tmp_path / "test.safetensors", tmp_path / "validation.safetensors")


def test_a_missing_file_says_which_command_makes_it(tmp_path):
    with pytest.raises(UserError, match="not found; run the stage that writes it"):
        read_arrays(tmp_path / "none.safetensors")


def test_arrays_come_back_and_equal_arrays_give_equal_bytes(tmp_path):
    arrays = pictures()
    for name in ("a", "b"):
        write_arrays(tmp_path / name, arrays)
    back = read_arrays(tmp_path / "a", images=IMAGES, labels=LABELS)
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


BAD_JSON = {
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"a": "\xff"}',
    "a list": b"[1]",
    "a number": b"1",
    "another key": b'{"b": 1}',
    "nested without end": b'{"a":' * 100_000,
    "an integer of 5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "too large": b" " * (MAX_TEXT_BYTES + 1),
}


@pytest.mark.parametrize("content", BAD_JSON.values(), ids=BAD_JSON)
def test_unfit_json_is_refused(content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.json"):
        read_json(tmp_path / "a.json", "a")


def test_json_refuses_what_is_no_number_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"mse": 0.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"mse": float("nan")})
    assert read_json(path, "mse") == {"mse": 0.5}
    assert list(tmp_path.iterdir()) == [path]


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_failure_keeps_the_old_folder_and_leaves_no_scratch(tmp_path):
    path = tmp_path / "out"
    with whole_folder(path) as folder:
        (folder / "a").write_text("old")
    with pytest.raises(OSError, match="No space left"), whole_folder(path) as folder:
        (folder / "a").write_text("new")
        full_disk()
    assert (path / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_keeps_the_old_file_and_leaves_no_scratch(tmp_path, monkeypatch):
    path = tmp_path / "out"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"), whole_file(path) as unfinished:
        unfinished.write_text("new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    for write in (whole_folder, whole_file):
        generator = write(tmp_path / "out").gen  # entered and dropped, as a kill would
        unfinished = next(generator)
        (unfinished / "half" if unfinished.is_dir() else unfinished).write_text("half")
        left = next(tmp_path.iterdir())
        assert left.name == ".unfinished-out"
        with write(tmp_path / "out") as again:
            (again / "whole" if again.is_dir() else again).write_text("whole")
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        (tmp_path / "out" / "whole" if write is whole_folder else tmp_path / "out").unlink()
        if write is whole_folder:
            (tmp_path / "out").rmdir()
        generator.close()


@pytest.mark.skipif(os.name != "posix", reason="needs the permissions of POSIX")
@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_who_may_read_is_as_the_umask_says(mask: int, tmp_path):
    before = os.umask(mask)
    try:
        write_arrays(tmp_path / "made/arrays.safetensors", {"codes": np.zeros(3)})
        write_json(tmp_path / "made/text.json", {})
        with whole_folder(tmp_path / "folder") as folder:
            (folder / "inside").write_text("")
    finally:
        os.umask(before)
    for name in ("made/arrays.safetensors", "made/text.json", "folder/inside"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o666 & ~mask, name
    for name in ("made", "folder"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o777 & ~mask, name


def test_a_file_larger_than_what_may_be_written_to_is_mapped_to_be_read(tmp_path, monkeypatch):
    write_arrays(tmp_path / "large.safetensors", {"codes": np.arange(5.0)})
    mapped = np.memmap

    def refuse(path, mode, offset):
        if mode == "c":
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        return mapped(path, mode=mode, offset=offset)

    monkeypatch.setattr(np, "memmap", refuse)
    codes = read_arrays(tmp_path / "large.safetensors")["codes"]
    assert codes.tolist() == [0, 1, 2, 3, 4]
    assert not codes.flags.writeable
