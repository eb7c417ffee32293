"""New images of every model in one figure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoencoders.figures.grids import Row, image_grid
from autoencoders.io.arrays import read_arrays
from autoencoders.io.streams import generator, numpy_generator
from autoencoders.models.inference import decode_codes
from autoencoders.models.registry import load_model
from autoencoders.sampling.mixture import MIXTURE, sample_mixture

SHOWN = 12


def draw_samples(path: Path, items: Sequence[str], seed: int) -> None:
    """A row of samples of each trained model: from its prior, or from a mixture if it has none."""
    rows = [
        Row(f"{item}\n{source}", images) for item in items for source, images in [_of(item, seed)]
    ]
    image_grid(path, "new images, from the prior or from a mixture fitted to the codes", rows)


def _of(item: str, seed: int) -> tuple[str, np.ndarray]:
    model = load_model(Path("models") / item)
    if model.prior is not None:
        codes = model.sample_prior(SHOWN, generator(seed, "compared samples")).numpy()
        return "prior", decode_codes(model, codes)
    mixture = read_arrays(Path(f"data/embeddings/{item}/mixture.safetensors"), **MIXTURE)
    chance = numpy_generator(seed, "compared samples")
    return "mixture", decode_codes(model, sample_mixture(mixture, SHOWN, chance))
