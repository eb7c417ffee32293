"""Trained models in your own programs.

>>> from autoencoders.trained import load_model
>>> model = load_model("models/ae-jigsaw")
>>> codes = model.encode(images)  # uint8 (N, C, H, W)
>>> reconstructions = model.decode(codes)  # float32 in [0, 1]
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from autoencoders.errors import UserError
from autoencoders.models import inference, registry
from autoencoders.models.base import Autoencoder
from autoencoders.released import model_folder


class TrainedModel:
    """A trained autoencoder, for any number of images: they pass through it batch by batch.

    Images go in as uint8 of shape (N, C, H, W), codes as floating-point numbers of shape
    (N, latent_dim), each as a NumPy array (one that is mapped from a file stays there), a tensor or
    a list. Results are tensors on the CPU. Work on many batches shows its progress in a terminal.
    """

    def __init__(self, network: Autoencoder, batch_size: int) -> None:
        self.network = network
        self.batch_size = batch_size

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(C, H, W) of the images that the model takes and gives."""
        return self.network.image_shape

    @property
    def latent_dim(self) -> int:
        """Numbers in the code of an image."""
        return self.network.code_dim

    def encode(self, images: np.ndarray | Tensor) -> Tensor:
        """The codes (N, latent_dim) of images; of a VAE, the means of their posteriors.

        Raises:
            UserError: the images are not uint8, or not of the model's shape.
        """
        return self._apply(
            lambda batch: inference.encode(self.network, batch, self.batch_size)["mean"],
            self._images(images),
        )

    def decode(self, codes: np.ndarray | Tensor) -> Tensor:
        """The images (N, C, H, W) of codes, float32 in [0, 1].

        Raises:
            UserError: the codes are not floating-point numbers, or not of the model's latent size.
        """
        return self._apply(
            lambda batch: inference.decode(self.network, batch.float(), self.batch_size),
            _checked("codes", codes, "floating-point numbers", (self.latent_dim,)),
        )

    def reconstruct(self, images: np.ndarray | Tensor) -> Tensor:
        """What decoding the codes of images (N, C, H, W) gives: float32 in [0, 1].

        Raises:
            UserError: the images are not uint8, or not of the model's shape.
        """
        return self._apply(
            lambda batch: inference.reconstruct(self.network, batch, self.batch_size),
            self._images(images),
        )

    def _images(self, images: np.ndarray | Tensor) -> np.ndarray | Tensor:
        return _checked("images", images, "uint8", self.image_shape)

    def _apply(self, function: Callable[[Tensor], Tensor], items: np.ndarray | Tensor) -> Tensor:
        device = next(self.network.parameters()).device
        results: Tensor | None = None
        quiet = True if len(items) <= self.batch_size else None
        with tqdm(total=len(items), unit=" images", unit_scale=True, disable=quiet) as bar:
            for start in range(0, len(items), self.batch_size):
                batch = items[start : start + self.batch_size]
                if isinstance(batch, np.ndarray):
                    batch = torch.tensor(batch)  # a copy: torch shares no memory it may not write
                made = function(batch.to(device)).cpu()
                if results is None:  # in one piece, as a list of batches would be copied at the end
                    results = torch.empty(len(items), *made.shape[1:])
                results[start : start + len(made)] = made
                bar.update(len(made))
        assert results is not None  # as there is at least one item
        return results


def _checked(
    what: str, items: np.ndarray | Tensor, dtype: str, shape: tuple[int, ...]
) -> np.ndarray | Tensor:
    """The items, if they are of that type and of shape (N, *shape), N being 1 or more."""
    if not isinstance(items, np.ndarray | Tensor):
        items = np.asarray(items)
    found = str(items.dtype).removeprefix("torch.")
    fits = "float" in found if dtype != "uint8" else found == dtype
    if fits and len(items.shape) > len(shape) and len(items) and items.shape[1:] == shape:
        return items
    hint = f"; of a single one: {what}[None]" if items.shape == shape else ""
    wanted = ", ".join(map(str, ("N", *shape)))
    raise UserError(
        f"found {what} of type {found} and shape {tuple(items.shape)}, expected {dtype} of shape "
        f"({wanted}), N being 1 or more{hint}"
    )


def load_model(
    where: str | Path, device: torch.device | str = "cpu", batch_size: int = 1000
) -> TrainedModel:
    """The model that a training has left in a folder, such as "models/ae-jigsaw", or a release has.

    Args:
        where: the folder, with config.json and weights.safetensors; or the address of a release's
            archive with its hash, as in SHA256SUMS: "https://SERVER/ae-jigsaw.zip#sha256=HASH".
            An archive is downloaded once, and stays in the user's cache.
        device: where torch computes, such as "cuda".
        batch_size: images that pass through the networks at once.

    Raises:
        UserError: a file is missing or damaged, or an archive cannot be had or has another hash.
    """
    return TrainedModel(registry.load_model(model_folder(where), device), batch_size)
