"""A part of each kind, with settings to try it with."""

from typing import Any

from autoencoders.models.registry import of_classes
from autoencoders.parts import find

CLASSES = 3
CORRUPTIONS: dict[str, dict[str, Any]] = {
    "none": {"kind": "none"},
    "rotate": {"kind": "rotate"},
    **{f"jigsaw {grid}": {"kind": "jigsaw", "grid": grid} for grid in (2, 3, 4, 7, 28)},
    **{f"scramble {grid}": {"kind": "scramble", "grid": grid} for grid in (2, 3)},
    "gaussian noise": {"kind": "noise", "distribution": "gaussian", "level": 0.2},
    "some noise": {"kind": "noise", "distribution": "gaussian", "level": [0.1, 0.5]},
    "salt": {"kind": "noise", "distribution": "salt_and_pepper", "level": 0.1},
    "erase": {"kind": "erase", "patch": 7, "share": [0.25, 0.75]},
    "blur": {"kind": "blur", "sigma": 1.5},
    "some blur": {"kind": "blur", "sigma": [0.5, 3.0]},
    "downsample": {"kind": "downsample", "factor": 2},
}
NETWORKS: dict[str, dict[str, Any]] = {
    "conv": {"kind": "conv", "channels": [8, 16]},
    "mlp": {"kind": "mlp", "widths": [64, 32], "activation": "relu"},
    "resnet": {"kind": "resnet", "channels": [8, 16], "blocks": 1, "dropout": 0.0},
}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"kind": "adam", "learning_rate": 0.01},
    "muon": {
        "kind": "muon",
        "learning_rate": 0.02,
        "momentum": 0.9,
        "weight_decay": 0.01,
        "adam_learning_rate": 0.01,
    },
}
OPTIMIZERS["muon_all"] = OPTIMIZERS["muon"] | {"kind": "muon_all"}
FLAVOURS: dict[str, dict[str, Any]] = {
    "ae": {},
    "vae": {"likelihood": "gaussian", "beta": 1.0, "kl_warmup": 0.0},
    "cvae": {"likelihood": "gaussian", "beta": 1.0, "classification": 1.0},
    "iwae": {"likelihood": "bernoulli", "samples": 3},
    "rae": {"code_penalty": 1e-4, "decoder_penalty": 1e-7},
    "wae": {"discrepancy_weight": 0.1},
    "vqvae": {"cells": 8, "codes": 32, "commitment": 0.25, "decay": 0.9},
}


def settings_of(kind: str) -> dict[str, Any]:
    """Of a flavour; what one asks for that has no line above is 0.5."""
    wanted = find("model", kind).Settings.model_fields
    return FLAVOURS.get(kind, dict.fromkeys(wanted, 0.5))


def built_of(kind: str) -> dict[str, Any]:
    """The same for `build_model`, which is told too how many classes there are: three."""
    return of_classes(kind, settings_of(kind), CLASSES)
