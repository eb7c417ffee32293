"""The ready experiments of params/: every flavour through every stage, and every corruption."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoencoders.checks import check_parts
from autoencoders.params import Params
from autoencoders.parts import kinds
from tests.in_process import OWN, run, run_all
from tests.project import ROOT, SMALL


def small_experiment(name: str) -> Params:
    """Its models and corruptions, with small networks, on the embedded digits for an epoch."""
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    wanted = yaml.safe_load((ROOT / f"params/{name}.yaml").read_text(encoding="utf-8"))
    for model in wanted["models"].values():
        model["network"]["channels"] = [4, 8]
        model["latent_dim"] = 16
        model |= {"cells": 8, "codes": 16} if "cells" in model else {}
    few = {"data.name": "digits", "data.validation_fraction": 0.4, "generate.closest_sets": 1}
    for key, value in (SMALL | OWN | few).items():
        section, _, last = key.rpartition(".")
        if section in content:
            content[section][last] = value
    params = Params.model_validate(content | wanted)
    check_parts(params)
    return params


def metrics(name: str) -> dict[str, Any]:
    return json.loads(Path(f"metrics/{name}.json").read_text())


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_every_flavour_goes_through_every_stage(elsewhere, capsys):
    params = small_experiment("family")
    assert {model.kind for model in params.models.values()} == set(kinds("model"))
    run_all(params)
    said = capsys.readouterr().out
    assert "the page cannot run" not in said
    assert len(metrics("summary")) == len(params.models)
    found = {model: metrics(f"{model}-none")["test"] for model in params.models}
    with_prior = {m for m, test in found.items() if "prior_samples" in test["generation"]}
    assert with_prior == {"wae", "vae", "beta_vae", "cvae", "iwae", "vqvae"}
    bounded = {m for m, test in found.items() if "likelihood" in test}
    assert bounded == {"vae", "beta_vae", "cvae", "iwae"}
    assert {m for m, test in found.items() if "active_units" in test.get("code", {})} == bounded
    assert {m for m, test in found.items() if "classes" in test} == {"cvae"}
    assert 0 <= metrics("cvae-none")["validation"]["class_accuracy"] <= 1
    assert found["vqvae"]["code"]["perplexity"] > 1
    for model in params.models:
        made = {path.stem for path in Path(f"plots/generated/{model}-none").iterdir()}
        assert ("prior-samples" in made) == (model in with_prior)
        assert ("class-samples" in made) == (model == "cvae")
        assert ("traversals" in made) == (model in with_prior - {"vqvae"})
        assert {"reconstructions", "blends", "interpolations", "mixture-samples"} < made
    assert Path("plots/samples.png").stat().st_size > 1000


def test_every_corruption_is_trained_on_and_measured(elsewhere):
    params = small_experiment("stress")
    several = [part if isinstance(part, list) else [part] for part in params.corruptions.values()]
    assert {part.kind for parts in several for part in parts} == set(kinds("corruption"))
    for stage in ("download", "preprocess", "preprocess_corruptions", "train_classifier"):
        run(stage, params)
    for name in params.corruptions:
        run("train", params, "ae", name)
    for name in ("rotate_jigsaw", "erase"):  # what figures and measures say is of the same kinds
        for stage in ("embed", "generate", "evaluate"):
            run(stage, params, "ae", name)
        stress = metrics(f"ae-{name}")["test"]["stress"]
        assert set(stress) == set(params.corruptions)
        assert stress["none"]["excess"] == pytest.approx(1)
        assert stress["erase"]["mse_inside"] != stress["erase"]["mse_outside"]
        assert len(stress["noise"]["by_level"]) == len(stress["blur"]["by_sigma"]) == 5
        assert set(stress["rotate_jigsaw"]) >= {"by_k", "by_misplaced_tiles", "tile_accuracy"}
        assert set(stress["scramble"]) >= {"by_turned_tiles", "by_misplaced_tiles"}
