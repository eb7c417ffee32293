"""How the page runs a model: by its networks, or by images decoded beforehand."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch

from autoencoders.io.tensors import to_float
from autoencoders.models.base import Autoencoder
from autoencoders.models.inference import decode_codes
from autoencoders.report.content import MAX_LEVELS, SHEET_COLUMNS, packed, picture, plane_of
from autoencoders.report.network import UnknownOperationError, decoder, encoders, size
from autoencoders.sampling.ways import interpolate

SHARES = 5
"""Images on the way from one class to another, both included."""
PLANE = 21
"""Images in a row of the plane."""
ROOM = MAX_LEVELS // 4
CHECKED = 8
"""Images by which it is checked that the page's encoder gives the same."""
MOST_NETWORKS = 11_000_000
"""Bytes of the page for networks: beyond them encoders are left out."""


def network_content(
    model: Autoencoder, inputs: np.ndarray, codes: np.ndarray, means: np.ndarray
) -> dict[str, Any]:
    """The "networks" that the page runs and, where it could not run the decoder, an "atlas".

    What is left out is said.

    Args:
        model: whose networks they are.
        inputs: uint8 images as the encoder sees them (N, C, H, W).
        codes: those of the images on the page's map (N, L).
        means: the mean codes of the classes (K, L), which may be none.
    """
    model.eval()
    networks: dict[str, Any] = {"align": None, "encode": None, "decode": None}
    try:
        networks["decode"] = decoder(model).content
    except UnknownOperationError as reason:
        print(f"the page cannot run this decoder ({reason}): it shows images decoded beforehand")
        return {"networks": networks, "atlas": atlas(model, codes, means)}
    try:
        found = encoders(model, to_float(torch.from_numpy(inputs[:CHECKED].copy())))
        networks |= {name: network and network.content for name, network in found.items()}
    except UnknownOperationError as reason:
        print(f"the page cannot run this encoder ({reason}): it corrupts no images for it")
    return {"networks": networks, "atlas": None}


def leave_out_encoders(items: Sequence[dict[str, Any]]) -> None:
    """Leave out encoders, of the last items first, until the page has room for all networks."""
    for item in reversed(items):
        if size([network for one in items for network in one["networks"].values()]) > MOST_NETWORKS:
            item["networks"] |= {"align": None, "encode": None}
            print(f"{item['name']}: the page has no room for its encoder")


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
