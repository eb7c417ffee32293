"""params.yaml: what is refused, and in which words."""

import io
import re
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import ParseError, parse_yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from autoencoders.checks import check_parts
from autoencoders.errors import UserError
from autoencoders.params import Params, read_params
from tests.project import ROOT

DEFAULT = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
NAN, INFINITY = float("nan"), float("inf")


def with_value(key: str, value: object) -> dict:
    """The default params with one value changed, or removed if it is ..."""
    content = yaml.safe_load(yaml.safe_dump(DEFAULT))
    *parents, last = key.split("/")
    section = content
    for parent in parents:
        section = section[parent]
    if value is ...:
        del section[last]
    else:
        section[last] = value
    return content


def dumped(content: dict) -> str:
    """As YAML 1.2."""
    file = io.StringIO()
    YAML(typ="safe", pure=True).dump(content, file)
    return file.getvalue()


def test_the_default_params_are_valid_and_commented():
    params = read_params(ROOT / "params.yaml")
    check_parts(params)
    assert params.model_dump() == DEFAULT
    lines = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()
    leaves = [line for line in lines if re.match(r"^ *\w+: *\S", line)]
    bare = [line for line in leaves if "#" not in line]
    assert bare == []


# What the message must name: the key as a user would write it, and what was found or expected.
REFUSED = {
    "seed negative": ("seed", -1, ["seed:", "-1", "greater than or equal to 0"]),
    "seed too large": ("seed", 2**32, ["seed:", "4294967296"]),
    "seed a float": ("seed", 0.5, ["seed:", "0.5", "integer"]),
    "seed a truth value": ("seed", True, ["seed:", "True", "integer"]),
    "seed text": ("seed", "0", ["seed:", "'0'", "integer"]),
    "seed missing": ("seed", ..., ["seed: missing"]),
    "seed nothing": ("seed", None, ["seed:", "None"]),
    "seed enormous": ("seed", 10**400, ["seed:"]),
    "unknown section": ("optimizer", {"name": "adam"}, ["optimizer: unknown key"]),
    "unknown data set": ("data/name", "imagenet", ["data.name:", "imagenet", "fashion_mnist"]),
    "data set a path": ("data/name", "../../etc", ["data.name:", "../../etc"]),
    "data set a number": ("data/name", 3, ["data.name:", "3", "string"]),
    "data missing": ("data", ..., ["data: missing"]),
    "data a list": ("data", [1], ["data:", "[1]"]),
    "data empty": ("data", {}, ["data.name: missing"]),
    "own images above the project": ("data/path", "../x", ["data.path:", "../x", "inside"]),
    "own images anywhere": ("data/path", "/etc", ["data.path:", "/etc", "inside the project"]),
    "own images hidden behind dots": ("data/path", "a/../../b", ["data.path:", "a/../../b"]),
    "own images nowhere": ("data/path", "", ["data.path:", "''"]),
    "own images on a drive": ("data/path", "C:/x", ["data.path:", "C:/x"]),
    "size too small": ("data/size", 27, ["data.size:", "27", "28"]),
    "size too large": ("data/size", 257, ["data.size:", "257", "256"]),
    "size text": ("data/size", "32", ["data.size:", "'32'", "integer"]),
    "test fraction 1": ("data/test_fraction", 1.0, ["data.test_fraction:", "1.0", "0.5"]),
    "skip text": ("data/skip_damaged", "no", ["data.skip_damaged:", "'no'", "write false"]),
    "unknown data key": ("data/colour", 32, ["data.colour: unknown key"]),
    "no validation": ("data/validation_fraction", 0.0, ["data.validation_fraction:", "0.0"]),
    "all validation": ("data/validation_fraction", 1.0, ["less than or equal to 0.5", "1.0"]),
    "fraction NaN": ("data/validation_fraction", NAN, ["data.validation_fraction:", "nan"]),
    "fraction infinite": ("data/validation_fraction", INFINITY, ["inf"]),
    "no corruptions": ("corruptions", {}, ["corruptions:", "at least 1"]),
    "corruptions a list": ("corruptions", ["none"], ["corruptions:", "['none']"]),
    "unknown corruption": (
        "corruptions/x",
        {"kind": "x"},
        ["corruptions.x.kind:", "jigsaw", "'x'"],
    ),
    "corruption without kind": ("corruptions/x", {}, ["corruptions.x.kind: missing"]),
    "corruption nothing": ("corruptions/x", None, ["corruptions.x:", "None"]),
    "a composition of one": ("corruptions/x", [{"kind": "rotate"}], ["corruptions.x:", "2 items"]),
    "a composition of what is none": (
        "corruptions/x",
        [{"kind": "rotate"}, {"kind": "x"}],
        ["corruptions.x.1.kind:", "'x'"],
    ),
    "an unfit part of a composition": (
        "corruptions/x",
        [{"kind": "rotate"}, {"kind": "jigsaw", "grid": 1}],
        ["corruptions.x.1.grid:", "1"],
    ),
    "a composition beyond the image": (
        "corruptions/x",
        [{"kind": "rotate"}, {"kind": "jigsaw", "grid": 29}],
        ["corruptions.x: grid is 29, expected 2 to 28"],
    ),
    "a range upside down": (
        "corruptions/x",
        {"kind": "noise", "distribution": "gaussian", "level": [0.5, 0.1]},
        ["corruptions.x.level", "lower end of the range first"],
    ),
    "grid 1": ("corruptions/jigsaw/grid", 1, ["corruptions.jigsaw.grid:", "1"]),
    "grid 0": ("corruptions/jigsaw/grid", 0, ["corruptions.jigsaw.grid:", "0"]),
    "grid larger than the image": ("corruptions/jigsaw/grid", 29, ["is 29, expected 2 to 28"]),
    "grid a float": ("corruptions/jigsaw/grid", 3.0, ["corruptions.jigsaw.grid:", "3.0"]),
    "grid missing": ("corruptions/jigsaw/grid", ..., ["corruptions.jigsaw.grid: missing"]),
    "grid of a rotation": ("corruptions/rotate/grid", 3, ["corruptions.rotate.grid: unknown"]),
    "no models": ("models", {}, ["models:", "at least 1"]),
    "unknown model": ("models/gan", {"kind": "gan"}, ["models.gan.kind:", "ae", "vae", "'gan'"]),
    "model a text": ("models/ae", "ae", ["models.ae:", "'ae'"]),
    "unknown network": ("models/ae/network/kind", "vit", ["models.ae.network.kind:", "conv"]),
    "network of another kind": (
        "models/ae/network",
        {"kind": "mlp", "widths": [3], "activation": "silu"},
        ["models.ae.network.activation:", "'silu'", "'tanh'"],
    ),
    "unknown setting of the network": (
        "models/ae/network/depth",
        3,
        ["models.ae.network.depth: unknown key"],
    ),
    "unknown likelihood": ("models/vae/likelihood", "poisson", ["models.vae.likelihood:", "'gaus"]),
    "cells that do not divide the code": (
        "models/ae",
        DEFAULT["models"]["ae"]
        | {"kind": "vqvae", "cells": 3, "codes": 8, "commitment": 0.25, "decay": 0.9},
        ["models.ae: cells is 3, expected a divisor of latent_dim, 128"],
    ),
    "latent size 0": ("models/ae/latent_dim", 0, ["models.ae.latent_dim:", "0", "equal to 1"]),
    "latent size negative": ("models/vae/latent_dim", -8, ["models.vae.latent_dim:", "-8"]),
    "latent size a float": ("models/ae/latent_dim", 16.0, ["models.ae.latent_dim:", "16.0"]),
    "latent size of exabytes": ("models/ae/latent_dim", 10**15, ["models.ae.latent_dim:"]),
    "no channels": (
        "models/ae/network/channels",
        [],
        ["models.ae.network.channels:", "at least 1"],
    ),
    "too many halvings": (
        "models/ae/network/channels",
        [8] * 5,
        ["models.ae.network.channels:", "at most 4"],
    ),
    "channels a number": (
        "models/ae/network/channels",
        32,
        ["models.ae.network.channels:", "32", "list"],
    ),
    "channel 0": ("models/ae/network/channels", [32, 0], ["models.ae.network.channels.1:", "0"]),
    "channel of text": (
        "models/ae/network/channels",
        ["32"],
        ["models.ae.network.channels.0:", "'32'"],
    ),
    "beta of an ae": ("models/ae/beta", 1.0, ["models.ae.beta: unknown key"]),
    "beta negative": ("models/vae/beta", -1.0, ["models.vae.beta:", "-1.0"]),
    "beta NaN": ("models/vae/beta", NAN, ["models.vae.beta:", "nan"]),
    "align a number": ("models/ae/align", 1, ["models.ae.align:", "1", "boolean"]),
    "align missing": ("models/vae/align", ..., ["models.vae.align: missing"]),
    "warm-up of the KL above 1": ("models/vae/kl_warmup", 1.5, ["models.vae.kl_warmup:", "1.5"]),
    "warm-up of the KL of an ae": ("models/ae/kl_warmup", 0.1, ["models.ae.kl_warmup: unknown"]),
    "no importance samples": ("evaluate/importance_samples", 0, ["importance_samples:", "0"]),
    "beta missing": ("models/vae/beta", ..., ["models.vae.beta: missing"]),
    "epochs 0": ("train/epochs", 0, ["train.epochs:", "0"]),
    "epochs text": ("train/epochs", "20", ["train.epochs:", "'20'", "integer"]),
    "batch of one": ("train/batch_size", 1, ["train.batch_size:", "1"]),
    "rate 0": ("train/optimizer/learning_rate", 0.0, ["train.optimizer.learning_rate:", "0.0"]),
    "rate above 1": (
        "train/optimizer/learning_rate",
        2.0,
        ["train.optimizer.learning_rate:", "2.0"],
    ),
    "rate as text": (
        "train/optimizer/learning_rate",
        "small",
        ["train.optimizer.learning_rate:", "'small'"],
    ),
    "rate infinite": (
        "train/optimizer/learning_rate",
        INFINITY,
        ["train.optimizer.learning_rate:", "inf"],
    ),
    "unknown optimiser": (
        "train/optimizer/kind",
        "sgd",
        ["train.optimizer.kind:", "'sgd'", "muon"],
    ),
    "momentum of Adam": ("train/optimizer/kind", "adam", ["train.optimizer.momentum: unknown key"]),
    "warm-up negative": ("train/warmup_fraction", -0.1, ["train.warmup_fraction:", "-0.1"]),
    "warm-up above 1": ("train/warmup_fraction", 1.1, ["train.warmup_fraction:", "1.1"]),
    "snapshot after the end": ("train/snapshot_epochs", [99], ["train: snapshot_epochs", "99"]),
    "snapshot 0": ("train/snapshot_epochs", [0], ["train.snapshot_epochs.0:", "0"]),
    "unknown device": ("train/device", "tpu", ["train.device:", "'tpu'", "'cuda'"]),
    "unknown train key": ("train/lr", 0.1, ["train.lr: unknown key"]),
    "too few points": ("plot_latent/tsne_points", 3, ["plot_latent.tsne_points:", "3"]),
    "perplexity too large": ("plot_latent/tsne_perplexity", 4000.0, ["plot_latent:", "3000"]),
    "unknown class": ("generate/blends", [["Bag", "x"]], ["'x'", "generate.blends", "Ankle boot"]),
    "class a number": ("generate/blends", [[3, 8]], ["generate.blends", "0.0:", "3"]),
    "blend of one": ("generate/blends", [["Bag"]], ["generate.blends", "0:", "at least 2"]),
    "blends of another kind": ("generate/blends", "all", ["generate.blends", "'auto'", "'all'"]),
    "no closest sets": ("generate/closest_sets", 0, ["generate.closest_sets:", "0"]),
    "no traversals": ("generate/traversals", 0, ["generate.traversals:", "0"]),
    "no components": ("mixture/components", 0, ["mixture.components:", "0"]),
    "a classifier without epochs": ("classifier/epochs", 0, ["classifier.epochs:", "0"]),
    "a classifier's rate of 0": ("classifier/learning_rate", 0.0, ["classifier.learning_rate:"]),
    "too few generated": ("evaluate/generated_samples", 9, ["generated_samples:", "9"]),
    "two steps": ("generate/interpolation_steps", 2, ["generate.interpolation_steps:", "2"]),
    "a million samples": ("generate/samples", 10**6, ["generate.samples:"]),
    "a long text": ("data/name", "x" * 10**5, ["data.name:", "xxx...xxx"]),
}


@pytest.mark.parametrize(("key", "value", "words"), REFUSED.values(), ids=REFUSED)
def test_an_unfit_value_is_refused_by_its_key(key, value, words, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(dumped(with_value(key, value)))
    with pytest.raises(UserError) as caught:
        check_parts(read_params(path), path)
    message = str(caught.value)
    assert message.startswith(f"{path} is not valid:\n")
    assert [word for word in words if word not in message] == []
    assert len(message) < 1000


UNFIT_NAMES = ["", "..", "../x", "a/b", "/abs", "a b", "A", "é", "a-b", "a.b", "1a", "_a", "a" * 33]
UNFIT_NAMES += ["a\\b", "con:", "$(id)", "a;b", "~", "a\n", "-a"]


@pytest.mark.parametrize("section", ["models", "corruptions"])
@pytest.mark.parametrize("name", UNFIT_NAMES)
def test_a_name_unfit_for_a_folder_is_refused(section: str, name: str, tmp_path):
    first = next(iter(DEFAULT[section].values()))
    path = tmp_path / "params.yaml"
    path.write_text(dumped(with_value(f"{section}", DEFAULT[section] | {name: first})))
    with pytest.raises(UserError, match="expected a name of lower-case letters"):
        read_params(path)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
NOT_PARAMS = {
    "empty": b"",
    "only a comment": b"# nothing\n",
    "not YAML": b"seed: [1\n",
    "a tab": b"seed:\n\t- 1\n",
    "text": b"just words",
    "a list": b"- seed\n",
    "a number": b"1\n",
    "not UTF-8": b"seed: \xff\xfe\n",
    "control characters": b"seed: \x00\n",
    "code": b"seed: !!python/object/apply:os.mkdir [executed]\n",
    "nested without end": b"[" * 100_000,
    "an impossible date": b"seed: 2020-99-99\n",
    "5,000 digits": b"seed: " + b"9" * 5000 + b"\n",
    "two documents": b"seed: 0\n---\nseed: 1\n",
    "aliases for gigabytes": BOMB.encode(),
    "a megabyte and more": b"#" * (1 << 20) + b"\nseed: 0\n",
    "an unhashable key": b"? [a]\n: 1\n",
}


@pytest.mark.parametrize("content", NOT_PARAMS.values(), ids=NOT_PARAMS)
def test_a_file_that_holds_no_params_is_refused(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("params.yaml")
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"^params\.yaml") as caught:
        read_params(path)
    assert len(str(caught.value)) < 3000
    assert [entry.name for entry in tmp_path.iterdir()] == ["params.yaml"]


SAME_AS_DVC = {
    "a small rate as -S writes it": ("1e-05", 1e-5),
    "a rate": ("1e-3", 1e-3),
    "a number with zeros": ("010", 10),
    "octal": ("0o17", 15),
    "underscores": ("1_000", 1000),
    "minutes": ("1:30", "1:30"),
    "no": ("no", "no"),
    "off": ("Off", "Off"),
    "true": ("true", True),
}


@pytest.mark.parametrize(("text", "expected"), SAME_AS_DVC.values(), ids=SAME_AS_DVC)
def test_a_value_means_what_it_means_to_dvc(text: str, expected, tmp_path):
    path = tmp_path / "params.yaml"
    whole = (ROOT / "params.yaml").read_text(encoding="utf-8")
    path.write_text(whole.replace("\n  learning_rate: 0.004 ", f"\n  learning_rate: {text} "))
    assert parse_yaml(path.read_text(), path)["classifier"]["learning_rate"] == expected
    if isinstance(expected, float):
        assert read_params(path).classifier.learning_rate == expected
    else:
        with pytest.raises(UserError, match=re.escape(f"found {expected!r}")):
            read_params(path)


def test_a_key_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text(encoding="utf-8") + "seed: 1\n")
    with pytest.raises(UserError, match=r"(?s)not readable as YAML.*seed"):
        read_params(path)


@given(
    st.one_of(
        st.from_regex(r"[-+]?[0-9_.:eExobn]{1,8}", fullmatch=True),
        st.sampled_from(["y", "Yes", "NO", "on", "~", "null", "Null", "True", ".inf", "0x1F", "="]),
    )
)
def test_any_scalar_means_what_it_means_to_dvc(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("both") / "params.yaml"
    whole = (ROOT / "params.yaml").read_text(encoding="utf-8")
    path.write_text(whole.replace("seed: 0 ", f"seed: {text} ", 1))
    try:
        theirs = parse_yaml(path.read_text(), path)["seed"]
    except (ParseError, ValueError):  # the latter of "-_", which DVC does not catch
        theirs = None
    try:
        assert read_params(path).seed == theirs
        assert type(theirs) is int
    except UserError:
        assert type(theirs) is not int or not 0 <= theirs < 2**32


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match=r"params\.yaml: not found"):
        read_params(tmp_path / "params.yaml")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = ["seed", "data/name", "corruptions", "models/ae", "models/vae/beta", "train/epochs"]
KEYS += ["train/snapshot_epochs", "plot_latent", "generate/blends", "corruptions/jigsaw/grid"]


@given(st.sampled_from(KEYS), ANYTHING)
def test_any_value_is_taken_as_it_is_or_refused(tmp_path_factory, key, value):
    path = tmp_path_factory.mktemp("fuzz") / "params.yaml"
    content = with_value(key, value)
    path.write_text(dumped(content), encoding="utf-8")
    try:
        params = read_params(path)
        check_parts(params, path)
    except UserError as error:
        assert str(path) in str(error)
    else:
        assert isinstance(params, Params)
        assert params.model_dump() == content


@given(st.text(max_size=200))
def test_any_text_is_refused_clearly(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "params.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError, match=r"params\.yaml"):
        read_params(path)
