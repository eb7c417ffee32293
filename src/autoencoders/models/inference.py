"""Whole data sets through a trained model, in batches."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.io.tensors import EVALUATION_BATCH, gather, to_bytes, to_float
from autoencoders.models.base import Autoencoder


def align(model: Autoencoder, inputs: Tensor, batch_size: int = EVALUATION_BATCH) -> Tensor:
    """What the model takes for the originals of uint8 images (N, C, H, W): float32 in [0, 1].

    Raises:
        UserError: the images are not of the shape that the model was built for.
    """
    _check_shape("images", inputs, model.image_shape)
    return _in_batches(model, lambda batch: model.align(to_float(batch)), inputs, batch_size)


@torch.inference_mode()
def encode(
    model: Autoencoder, inputs: Tensor, batch_size: int = EVALUATION_BATCH
) -> dict[str, Tensor]:
    """Encode uint8 images (N, C, H, W): what `Autoencoder.encode` names, each (N, ...).

    Raises:
        UserError: the images are not of the shape that the model was built for.
    """
    return encode_parts(model, inputs.split(batch_size), len(inputs))


@torch.inference_mode()
def encode_parts(model: Autoencoder, parts: Iterable[Tensor], count: int) -> dict[str, Tensor]:
    """`encode` of parts that hold `count` images in all, each small enough for one batch.

    Raises:
        UserError: the images are not of the shape that the model was built for.
    """

    def encoded(part: Tensor) -> dict[str, Tensor]:
        _check_shape("images", part, model.image_shape)
        return model.encode(to_float(part))

    model.eval()
    return gather(map(encoded, parts), count)


def decode(model: Autoencoder, codes: Tensor, batch_size: int = EVALUATION_BATCH) -> Tensor:
    """Decode codes (N, code_dim) to float32 images in [0, 1].

    Raises:
        UserError: the codes are not of the model's latent size.
    """
    _check_shape("codes", codes, (model.code_dim,))
    return _in_batches(model, model.decode, codes, batch_size)


def reconstruct(model: Autoencoder, inputs: Tensor, batch_size: int = EVALUATION_BATCH) -> Tensor:
    """Reconstruct uint8 images (N, C, H, W) as float32 in [0, 1].

    Raises:
        UserError: the images are not of the shape that the model was built for.
    """
    _check_shape("images", inputs, model.image_shape)
    return _in_batches(model, lambda batch: model.reconstruct(to_float(batch)), inputs, batch_size)


@torch.inference_mode()
def decode_codes(model: Autoencoder, codes: np.ndarray | Tensor) -> np.ndarray:
    """Decode codes (N, L) to uint8 images (N, C, H, W) on the model's device."""
    device = next(model.parameters()).device
    codes = torch.as_tensor(codes)
    images = np.empty((len(codes), *model.image_shape), np.uint8)
    for start in range(0, len(codes), EVALUATION_BATCH):
        batch = slice(start, start + EVALUATION_BATCH)
        images[batch] = to_bytes(decode(model, codes[batch].to(device))).numpy()
    return images


@torch.inference_mode()
def _in_batches(
    model: Autoencoder, function: Callable[[Tensor], Tensor], items: Tensor, batch_size: int
) -> Tensor:
    """The function of all items."""
    model.eval()
    batches = ({"made": function(batch)} for batch in items.split(batch_size))
    return gather(batches, len(items))["made"]


def _check_shape(what: str, found: Tensor, expected: tuple[int, ...]) -> None:
    if tuple(found.shape[1:]) != expected:
        raise UserError(
            f"the model takes {what} of shape {expected}, found {tuple(found.shape[1:])}; "
            "train it on this data set (dvc repro)"
        )
