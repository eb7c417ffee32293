"""Whole data sets through a trained model, in batches."""

import numpy as np
import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.io.tensors import EVALUATION_BATCH, to_bytes, to_float
from autoencoders.models.base import Autoencoder


@torch.inference_mode()
def align(model: Autoencoder, inputs: Tensor) -> Tensor:
    """What the model takes for the originals of uint8 images (N, C, H, W): float32 in [0, 1].

    Raises:
        UserError: the images are not of the shape that the model was built for.
    """
    _check_shape("images", inputs, model.image_shape)
    model.eval()
    batches = inputs.split(EVALUATION_BATCH)
    return torch.cat([model.align(to_float(batch)) for batch in batches])


@torch.inference_mode()
def encode(model: Autoencoder, inputs: Tensor) -> dict[str, Tensor]:
    """Encode uint8 images (N, C, H, W): what `Autoencoder.encode` names, each (N, latent_dim).

    Raises:
        UserError: the images are not of the shape that the model was built for.
    """
    _check_shape("images", inputs, model.image_shape)
    model.eval()
    batches = [model.encode(to_float(batch)) for batch in inputs.split(EVALUATION_BATCH)]
    return {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}


@torch.inference_mode()
def decode(model: Autoencoder, codes: Tensor) -> Tensor:
    """Decode codes (N, latent_dim) to float32 images in [0, 1].

    Raises:
        UserError: the codes are not of the model's latent size.
    """
    _check_shape("codes", codes, (model.latent_dim,))
    model.eval()
    return torch.cat([model.decode(batch) for batch in codes.split(EVALUATION_BATCH)])


@torch.inference_mode()
def reconstruct(model: Autoencoder, inputs: Tensor) -> Tensor:
    """Reconstruct uint8 images (N, C, H, W) as float32 in [0, 1].

    Raises:
        UserError: the images are not of the shape that the model was built for.
    """
    _check_shape("images", inputs, model.image_shape)
    model.eval()
    batches = inputs.split(EVALUATION_BATCH)
    return torch.cat([model.reconstruct(to_float(batch)) for batch in batches])


def _check_shape(what: str, found: Tensor, expected: tuple[int, ...]) -> None:
    if tuple(found.shape[1:]) != expected:
        raise UserError(
            f"the model takes {what} of shape {expected}, found {tuple(found.shape[1:])}; "
            "train it on this data set (dvc repro)"
        )


def decode_codes(model: Autoencoder, codes: np.ndarray | Tensor) -> np.ndarray:
    """Decode codes (N, L) to uint8 images (N, C, H, W) on the model's device."""
    device = next(model.parameters()).device
    return to_bytes(decode(model, torch.as_tensor(codes).to(device))).numpy()
