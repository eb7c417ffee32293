"""That shapes are checked at all, and that what is checked is what docstrings name."""

import inspect

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from autoencoders.io.tensors import to_float
from autoencoders.measures.reconstruction import mse_per_image
from autoencoders.sampling.classes import class_means
from tests.shapes import PROMISED, holder_of


def test_a_wrong_type_or_shape_is_refused_in_tests():
    images = torch.zeros(2, 1, 3, 3, dtype=torch.uint8)
    assert to_float(images).shape == (2, 1, 3, 3)
    with pytest.raises(TypeCheckError):
        to_float(images[0])
    with pytest.raises(TypeCheckError):
        to_float(images.float())
    with pytest.raises(TypeCheckError):
        mse_per_image(torch.zeros(2, 1, 3, 3), torch.zeros(3, 1, 3, 3))
    with pytest.raises(TypeCheckError):
        class_means(np.zeros((4, 2)), np.zeros(3, np.int64), 1)


@pytest.mark.parametrize("name", PROMISED)
def test_what_is_checked_has_a_docstring_with_its_shape(name):
    holder, attribute = holder_of(name)
    function = inspect.unwrap(getattr(holder, attribute))
    asked = inspect.signature(function).parameters
    assert PROMISED[name].keys() - {"return"} <= asked.keys()
    text = " ".join(
        base.__dict__[attribute].__doc__ or ""
        for base in getattr(holder, "__mro__", [holder])
        if attribute in base.__dict__
    )
    assert "(" in text or "positions" in text, "no shape"
