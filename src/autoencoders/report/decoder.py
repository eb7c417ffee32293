"""How the report's page decodes: by a decoder's operations, or by images decoded beforehand."""

import math
from itertools import combinations
from typing import Any

import numpy as np

from autoencoders.models.base import Autoencoder
from autoencoders.models.inference import decode_codes
from autoencoders.report.content import MAX_LEVELS, SHEET_COLUMNS, packed, picture, plane_of
from autoencoders.report.lowering import UnknownOperationError, lowered
from autoencoders.sampling.ways import interpolate

SHARES = 5
"""Images on the way from one class to another, both included."""
PLANE = 21
"""Images in a row of the plane."""
ROOM = MAX_LEVELS // 4


def decoder_content(model: Autoencoder, codes: np.ndarray, means: np.ndarray) -> dict[str, Any]:
    """The decoder's "layers" or, where the page could not run them, an "atlas", which it says.

    Args:
        model: whose decoder it is.
        codes: those of the images on the page's map (N, L).
        means: the mean codes of the classes (K, L), which may be none.
    """
    try:
        return {"layers": lowered(model), "atlas": None}
    except UnknownOperationError as reason:
        print(f"the page cannot run this decoder ({reason}): it shows images decoded beforehand")
        return {"layers": None, "atlas": atlas(model, codes, means)}


def atlas(model: Autoencoder, codes: np.ndarray, means: np.ndarray) -> dict[str, Any]:
    """Codes and what they decode to: ways between classes, the plane of the map, its images.

    As many, in this order, as the page has room for.
    """
    ways = [interpolate(one, other, SHARES) for one, other in combinations(means, 2)]
    points, origin, axes = plane_of(codes)
    low, high = np.percentile(points, (1, 99), axis=0)
    lines = np.linspace(low, high, PLANE)
    places = np.stack(np.meshgrid(lines[:, 0], lines[:, 1]), axis=-1).reshape(-1, 2)
    plane = (origin + places @ axes).astype(np.float32)
    shown = np.concatenate([*ways, plane, codes])[: ROOM // math.prod(model.image_shape)]
    images = picture(decode_codes(model, shown), SHEET_COLUMNS)
    return {"codes": packed(shown), "count": len(shown), "images": images}
