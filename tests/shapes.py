"""What docstrings promise of types and shapes, checked in every call that a test makes.

`check` wraps public functions and methods: their arrays must have the types and axes written here,
with one length for each letter in a call (jaxtyping's notation, checked by beartype).
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from beartype import beartype
from jaxtyping import Bool, Float, Float32, Float64, Int64, UInt8, jaxtyped
from torch import Tensor

from tests.project import ROOT

PACKAGE = "autoencoders"
Images, Pixels = UInt8[Tensor, "n c h w"], UInt8[np.ndarray, "n c h w"]
Shown = Float32[Tensor, "n c h w"]
Codes = Float32[Tensor, "n l"]
Record = dict[str, Int64[Tensor, "n ..."] | Float32[Tensor, "n ..."]]
Points, Numbers = Float32[Tensor, "n f"], Float64[np.ndarray, " n"]

PROMISED: dict[str, dict[str, Any]] = {
    "io.tensors.to_float": {"images": Images, "return": Shown},
    "io.tensors.to_bytes": {"images": Float[Tensor, "n c h w"], "return": Images},
    "io.streams.subsample": {"return": Int64[np.ndarray, " m"]},
    "data.duplicates.first_of_equal": {"return": Int64[np.ndarray, " n"]},
    "data.images.decode_image": {"return": UInt8[np.ndarray, "c s s"]},
    "data.images.decode_images": {
        "return": tuple[Pixels, Bool[np.ndarray, " n"], dict],
    },
    "corruptions.base.permute_pixels": {
        "images": UInt8[Tensor, "n c h w"] | Float[Tensor, "n c h w"],
        "table": Int64[Tensor, "n p"],
    },
    "corruptions.base.Corruption.draw_and_apply": {
        "images": Images,
        "return": tuple[Images, Record],
    },
    "corruptions.kinds.rotate.Rotation.table": {
        "record": dict[str, Int64[Tensor, " n"]],
        "return": Int64[Tensor, "n p"],
    },
    "corruptions.kinds.jigsaw.Jigsaw.table": {
        "record": dict[str, Int64[Tensor, "n t"]],
        "return": Int64[Tensor, "n p"],
    },
    "corruptions.kinds.rotate.RotationAligner.forward": {
        "images": Float[Tensor, "n c h h"],
        "return": Float[Tensor, "n c h h"],
    },
    "corruptions.kinds.jigsaw.JigsawAligner.forward": {
        "images": Float[Tensor, "n c h w"],
        "return": Float[Tensor, "n c h w"],
    },
    "models.base.Autoencoder.encode": {
        "images": Float[Tensor, "n c h w"],
        "return": dict[str, Float32[Tensor, "n l"] | Int64[Tensor, "n ..."]],
    },
    "models.base.Autoencoder.decode": {
        "codes": Float[Tensor, "n l"],
        "return": Float[Tensor, "n c h w"],
    },
    "models.base.Autoencoder.loss": {
        "inputs": Shown,
        "targets": Shown,
        "noise": Float32[Tensor, "n ..."],
        "return": dict[str, Float32[Tensor, ""]],
    },
    "models.inference.align": {"inputs": Images, "return": Shown},
    "models.inference.encode": {"return": dict[str, Codes | Int64[Tensor, "n ..."]]},
    "models.inference.decode": {"return": Shown},
    "models.inference.reconstruct": {"return": Shown},
    "models.inference.decode_codes": {"return": Pixels},
    "models.posterior.sample_posterior": {
        "mean": Codes,
        "log_variance": Codes,
        "noise": Codes,
        "return": Codes,
    },
    "models.posterior.kl_to_standard_normal": {
        "mean": Float[Tensor, "n l"],
        "log_variance": Float[Tensor, "n l"],
        "return": Float[Tensor, " n"],
    },
    "nets.classifier.features": {"images": Images, "return": Points},
    "nets.classifier.logits": {"images": Images, "return": Float32[Tensor, "n k"]},
    "sampling.classes.class_means": {
        "codes": Float[np.ndarray, "n l"],
        "labels": Int64[np.ndarray, " n"],
        "return": Float[np.ndarray, "k l"],
    },
    "sampling.classes.distances": {"return": Float64[np.ndarray, "k k"]},
    "sampling.mixture.sample_mixture": {"return": Float32[np.ndarray, "count l"]},
    "sampling.ways.interpolate": {
        "start": Float[np.ndarray, " l"],
        "end": Float[np.ndarray, " l"],
        "return": Float[np.ndarray, "s l"],
    },
    "sampling.ways.interpolate_on_sphere": {
        "start": Float[np.ndarray, " l"],
        "end": Float[np.ndarray, " l"],
        "return": Float[np.ndarray, "s l"],
    },
    "sampling.ways.plane": {"return": Float32[np.ndarray, "s 2"]},
    "measures.reconstruction.mse_per_image": {
        "images": Shown,
        "originals": Shown,
        "return": Numbers,
    },
    "measures.reconstruction.ssim_per_image": {
        "images": Shown,
        "originals": Shown,
        "return": Numbers,
    },
    "corruptions.kinds.jigsaw.tiles_right": {
        "restored": Shown,
        "originals": Shown,
        "return": Float64[Tensor, " n"],
    },
    "measures.generation.nearest_distances": {
        "points": Points,
        "others": Float32[Tensor, "m f"],
        "return": tuple[Float32[Tensor, " n"], Int64[Tensor, " n"]],
    },
    "measures.baselines.flat": {"images": Pixels, "return": Float64[np.ndarray, "n p"]},
    "measures.projections.project_pca": {
        "codes": Float[np.ndarray, "n l"],
        "return": tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " 2"]],
    },
}
"""By the function's name in the package: its arguments, and what it returns."""


def check() -> None:
    """Put the wrapped functions into the place of the others, wherever they are imported."""
    for path in sorted((ROOT / "src" / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / "src").with_suffix("").parts
        if parts[-1] not in ("__init__", "__main__"):
            import_module(".".join(parts))
    for name, promised in PROMISED.items():
        holder, attribute = holder_of(name)
        function = getattr(holder, attribute)
        _replace(holder, attribute, function, _wrapped(function, promised))


def holder_of(name: str) -> tuple[Any, str]:
    """The module or class that holds a function, and the function's name in it."""
    *parts, attribute = name.split(".")
    if parts[-1][0].isupper():
        *parts, of_class = parts
        return getattr(import_module(".".join([PACKAGE, *parts])), of_class), attribute
    return import_module(".".join([PACKAGE, *parts])), attribute


def _wrapped(function: Callable, promised: dict[str, Any]) -> Callable:
    function.__annotations__ = dict(promised)  # all that is checked
    return jaxtyped(function, typechecker=beartype)


def _replace(holder: Any, attribute: str, function: Callable, wrapped: Callable) -> None:
    setattr(holder, attribute, wrapped)
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{PACKAGE}."):
            for known, value in list(vars(module).items()):
                if value is function:
                    setattr(module, known, wrapped)
