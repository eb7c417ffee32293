"""A model's networks as the page's script runs them: torch's own operations, one after the other.

What a network does to one example is traced down to the operations of ATen, of which the script
knows some forty. One that it does not know raises an UnknownOperationError.
"""

import base64
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel

from autoencoders.models.base import Autoencoder
from autoencoders.report.content import packed

KNOWN = frozenset(
    [
        "_safe_softmax",
        "_softmax",
        "_to_copy",
        "_unsafe_view",
        "add",
        "addmm",
        "alias",
        "arange",
        "argmax",
        "argmin",
        "bmm",
        "cat",
        "clamp",
        "clone",
        "convolution",
        "div",
        "eq",
        "expand",
        "gelu",
        "getitem",
        "index",
        "mean",
        "mm",
        "mul",
        "native_batch_norm",
        "native_layer_norm",
        "permute",
        "pow",
        "relu",
        "rot90",
        "select",
        "sigmoid",
        "silu",
        "slice",
        "split",
        "squeeze",
        "stack",
        "sub",
        "sum",
        "t",
        "tanh",
        "transpose",
        "unsqueeze",
        "view",
    ]
)
"""The operations that page/operations.js has, by their names in ATen, overloads aside."""
TOLERANCE = 1 / 255
"""By how much a pixel may move by the page's precision: a decoder's most, an encoder's in the mean.
"""


class UnknownOperationError(Exception):
    """An operation that the page's script does not know, or a network that it would change."""


@dataclass(frozen=True)
class Network:
    """A traced network, with its arrays as exact as the page holds them."""

    run: Callable[[Tensor], Tensor]
    content: dict[str, Any]
    """"steps", each an operation and what it takes, the "arrays" they use, and the "result": the
    number of a step, of which the first's is 1, as 0 is what the network is given."""


def decoder(model: Autoencoder) -> Network:
    """From a code (1, L) to an image (1, C, H, W).

    Raises:
        UnknownOperationError: the page cannot run it, or not exactly enough.
    """
    code = torch.linspace(-1, 1, model.code_dim).unsqueeze(0)
    network = traced(model.decode, code, bits=16)
    with torch.inference_mode():
        moved = (network.run(code) - model.decode(code)).abs().max()
    if not moved <= TOLERANCE:
        raise UnknownOperationError("its operations, in the page's precision, give other images")
    return network


def encoders(model: Autoencoder, inputs: Tensor) -> dict[str, Network | None]:
    """ "align", from an image (1, C, H, W) to one, if there is an aligner, and "encode" to a code.

    Args:
        model: whose encoder it is.
        inputs: images in [0, 1] (N, C, H, W) whose reconstructions must not change by it.

    Raises:
        UnknownOperationError: the page cannot run it, or not exactly enough.
    """
    example = inputs[:1]
    align = traced(model.align, example, bits=8) if model.aligner is not None else None
    moved = 0.0
    with torch.no_grad():
        aligned = model.align(example)
        encode = traced(lambda images: model._encode(images)["mean"], aligned, bits=8)
        for image in inputs.split(1):
            code = encode.run(align.run(image) if align else image)
            moved += float((model.decode(code) - model.reconstruct(image)).abs().mean())
    if not moved <= TOLERANCE * len(inputs):
        raise UnknownOperationError("its operations, in the page's precision, give other codes")
    return {"align": align, "encode": encode}


def traced(function: Callable[[Tensor], Tensor], example: Tensor, bits: int) -> Network:
    """The operations of a function of one example (1, ...), with arrays of 16 bits, or of 8.

    Of 8 bits are matrices and kernels alone, row by row; what is smaller has 16.

    Raises:
        UnknownOperationError: there is one that the page's script does not know.
    """
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operation for a whole layer
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            module = make_fx(lambda given: function(given))(example)
    except Exception as error:  # torch.fx raises many kinds where it cannot follow
        raise UnknownOperationError(f"{type(error).__name__} in its tracing") from error
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    module.graph.eliminate_dead_code()
    return Network(module, _content(module, bits))


def _content(module: fx.GraphModule, bits: int) -> dict[str, Any]:
    steps: list[list[Any]] = []
    arrays: list[dict[str, Any]] = []
    found: dict[fx.Node, dict[str, int]] = {}
    for node in module.graph.nodes:
        if node.op == "placeholder":
            found[node] = {"of": 0}
        elif node.op == "get_attr":
            rounded, content = _rounded(getattr(module, node.target), bits)
            if isinstance(getattr(module, node.target), nn.Parameter):
                rounded = nn.Parameter(rounded, requires_grad=False)
            setattr(module, node.target, rounded)
            found[node] = {"array": len(arrays)}
            arrays.append(content)
        elif node.op == "call_function":
            steps.append([_name(node), *(_argument(given, found) for given in node.args)])
            found[node] = {"of": len(steps)}
    (result,) = module.graph.output_node().args
    return {"steps": steps, "arrays": arrays, "result": found[result]["of"]}  # type: ignore[index]


def _name(node: fx.Node) -> str:
    if node.target is operator.getitem:
        return "getitem"
    name = str(node.target).removeprefix("aten.").partition(".")[0]
    if name not in KNOWN:
        raise UnknownOperationError(name)
    return name


def _argument(given: Any, found: dict[fx.Node, dict[str, int]]) -> Any:
    """What JSON can hold of an argument."""
    if isinstance(given, fx.Node):
        return found[given]
    if isinstance(given, list | tuple):
        return [_argument(one, found) for one in given]
    if given is None or isinstance(given, bool | int | float | str):
        # A slice to the end ends at the largest of integers, which JavaScript does not have.
        return min(given, 1 << 31) if isinstance(given, int) else given
    raise UnknownOperationError(f"an operation with {given!r}")


def _rounded(array: Tensor, bits: int) -> tuple[Tensor, dict[str, Any]]:
    """An array as exact as the page holds it, and what the page holds."""
    shape = list(array.shape)
    values = array.detach().float()
    if bits == 16 or values.ndim < 2:
        return values.half().to(array.dtype), {
            "shape": shape,
            "values": packed(values.cpu().numpy()),
        }
    rows = values.reshape(shape[0], -1)
    scales = (rows.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-6).half().float()
    levels = (rows / scales).round().clamp(-127, 127)
    content = {
        "shape": shape,
        "levels": base64.b64encode(levels.to(torch.int8).cpu().numpy().tobytes()).decode(),
        "scales": packed(scales.cpu().numpy()),
    }
    # In the layout of memory that the array had: views depend on it.
    return torch.empty_like(values).copy_((levels * scales).reshape(shape)), content


def size(contents: Sequence[dict[str, Any] | None]) -> int:
    """About how many bytes of the page networks take."""
    return sum(
        len(text)
        for content in contents
        if content
        for array in content["arrays"]
        for text in array.values()
        if isinstance(text, str)
    )
