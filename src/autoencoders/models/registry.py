"""Building, saving and loading models, as params.yaml describes them."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.io.arrays import read_arrays, write_arrays
from autoencoders.io.files import read_json, write_json
from autoencoders.models.base import Autoencoder
from autoencoders.parts import find

# What a damaged or hostile config.json can make of the construction of a model.
CONFIG_ERRORS = (
    UserError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)


def build_model(kind: str, image_shape: tuple[int, ...], settings: dict[str, Any]) -> Autoencoder:
    """A freshly initialised model of that kind for images of shape (C, H, W).

    The weights come from torch's global generator: seed it first.
    """
    return find("model", kind)(image_shape, **settings)


def of_classes(kind: str, settings: dict[str, Any], classes: int) -> dict[str, Any]:
    """The settings, with the number of classes for a kind that learns from them."""
    return settings | ({"classes": classes} if find("model", kind).supervised else {})


def check_model(image_shape: tuple[int, ...], described: dict[str, Any]) -> None:
    """Hold a model's settings, each of which is in its range, to each other and to the images.

    Raises:
        UserError: no model can be built of them.
    """
    settings = {name: value for name, value in described.items() if name != "kind"}
    try:
        settings = of_classes(described["kind"], settings, classes=2)
        with torch.device("meta"):  # where weights take no memory
            build_model(described["kind"], image_shape, settings | {"align": None})
    except CONFIG_ERRORS as error:
        raise UserError(str(error)) from error


def save_model(
    folder: Path,
    kind: str,
    image_shape: tuple[int, ...],
    settings: dict[str, Any],
    weights: dict[str, Tensor],
) -> None:
    """Write config.json and weights.safetensors: what `load_model` needs, and the loss's unit."""
    config = {
        "kind": kind,
        "image_shape": list(image_shape),
        "settings": settings,
        "loss_unit": find("model", kind).loss_unit,
    }
    write_json(folder / "config.json", config)
    arrays = {name: tensor.cpu().numpy() for name, tensor in weights.items()}
    write_arrays(folder / "weights.safetensors", arrays)


def load_model(folder: Path, device: torch.device | str = "cpu") -> Autoencoder:
    """Load a trained model, ready for evaluation.

    Raises:
        UserError: a file is missing or damaged, or the weights do not fit the config.
    """
    config = read_json(folder / "config.json", "kind", "image_shape", "settings")
    arrays = read_arrays(folder / "weights.safetensors")
    try:
        # Without memory of its own: a config that asks for terabytes gets none.
        with torch.device("meta"):
            model = build_model(config["kind"], tuple(config["image_shape"]), config["settings"])
        weights = {name: torch.from_numpy(array) for name, array in arrays.items()}
        _check_types(model, weights)
        model.load_state_dict(weights, assign=True)
    except CONFIG_ERRORS as error:
        raise UserError(f"{folder}: config and weights do not fit: {error}") from error
    return model.to(device).to(memory_format=torch.channels_last).eval()


def _check_types(model: Autoencoder, weights: dict[str, Tensor]) -> None:
    """Raise a TypeError for a tensor of another type than the model's: assigning takes any."""
    for name, expected in model.state_dict().items():
        if name in weights and weights[name].dtype != expected.dtype:
            raise TypeError(f"{name} is {weights[name].dtype}, expected {expected.dtype}")
