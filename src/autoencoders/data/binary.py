"""Images in black and white: each pixel is white as often as it is bright.

Salakhutdinov & Murray, 2008. What is drawn once is a data set of its own; a training that draws
anew in every epoch sees the grey levels' whole distribution (as in Burda, Grosse & Salakhutdinov,
2016, arXiv:1509.00519).
"""

import numpy as np

from autoencoders.io.room import blank
from autoencoders.io.streams import numpy_generator

WHITE = 255


def binarised(images: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    """Draw images of 0 and 255 from grey levels, uint8 (N, C, H, W) as the images.

    Image by image, as the draws take more memory than pixels.
    """
    chance = numpy_generator(seed, f"black and white, {purpose}")
    drawn = blank(images.shape)
    for position, image in enumerate(images):
        white = chance.integers(WHITE, size=image.shape, dtype=np.uint8) < image
        drawn[position] = np.where(white, WHITE, 0)
    return drawn
