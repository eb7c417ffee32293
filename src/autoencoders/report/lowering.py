"""A decoder as the page's script runs it: operations with arrays.

A model's `decode` is traced by torch.fx to a graph of modules and functions, and lowered to the few
operations that the script knows. What it does not know raises an UnknownOperationError.
"""

import base64
import operator
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from autoencoders.models.base import Autoencoder, Decoding
from autoencoders.report.content import packed

Operation = dict[str, Any]
"""A "kind", the operations that it takes its input "of" (0 is the code, n the n-th), and arrays."""

TOLERANCE = 1 / 255

POINTWISE: dict[Any, str] = {
    nn.SiLU: "silu",
    nn.ReLU: "relu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    torch.sigmoid: "sigmoid",
    torch.tanh: "tanh",
    torch.relu: "relu",
}
PASSED = (nn.Dropout, nn.Identity)


class UnknownOperationError(Exception):
    """An operation that the page's script does not know."""


class Tracer(fx.Tracer):
    """Looks into whatever is no layer of torch's own, or derived from one."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        layers = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.Unflatten)
        return isinstance(module, layers) or type(module) in (*POINTWISE, *PASSED)


def lowered(model: Autoencoder) -> list[Operation]:
    """The operations of a decoder, whose arrays are checked to give what torch gives.

    Raises:
        UnknownOperationError: the page's script has one of them not, or it gives something else.
    """
    decoding = Decoding(model).eval()
    try:
        graph = Tracer().trace(decoding)
    except Exception as error:  # torch.fx raises many kinds where it cannot follow
        raise UnknownOperationError(f"{type(error).__name__} in its tracing") from error
    operations = Lowering(decoding).lower(graph)
    code = torch.linspace(-1, 1, model.code_dim, device=next(model.parameters()).device)
    with torch.inference_mode():
        expected = decoding(code.unsqueeze(0))[0].permute(1, 2, 0).cpu().numpy()
    if np.abs(run(operations, code.cpu().numpy()) - expected).max() > TOLERANCE:
        raise UnknownOperationError("its operations, in the page's precision, give other images")
    return operations


class Lowering:
    """The way from a graph to operations, with channels innermost in each image."""

    def __init__(self, root: nn.Module) -> None:
        self.root = root
        self.operations: list[Operation] = []
        self.results: dict[fx.Node, int] = {}
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}
        """Of results that are numbers in a row, to be read as an image of that shape."""

    def lower(self, graph: fx.Graph) -> list[Operation]:
        for node in graph.nodes:
            if node.op == "placeholder":
                self.results[node] = 0
            elif node.op == "output":
                self._image(cast(fx.Node, node.args[0]))
            elif node.op == "call_module":
                self._module(node, self.root.get_submodule(node.target))
            elif node.op in ("call_function", "call_method"):
                self._function(node)
            else:
                raise UnknownOperationError(f"{node.op} {node.target}")
        return self.operations

    def _module(self, node: fx.Node, module: nn.Module) -> None:
        given: Any = node.args[0]
        if isinstance(module, PASSED):
            self._same(node, given)
        elif isinstance(module, nn.Linear) and given not in self.shapes:
            self._add(node, given, kind="linear", **_arrays(module.weight, module.bias))
        elif isinstance(module, nn.Unflatten):
            self._unflatten(node, given, *module.unflattened_size)
        elif isinstance(module, nn.ConvTranspose2d | nn.Conv2d) and _is_plain(module):
            self._add(node, self._image(given), **_convolution(module))
        elif isinstance(module, nn.BatchNorm2d):
            self._add(node, self._image(given), kind="scale", **_scaling(module))
        elif type(module) in POINTWISE:
            self._add(node, self._image(given), kind=POINTWISE[type(module)])
        else:
            raise UnknownOperationError(type(module).__name__)

    def _function(self, node: fx.Node) -> None:
        given, *others = cast(tuple[Any, ...], node.args)
        if node.target in ("float", "contiguous"):
            self._same(node, given)
        elif node.target == "unflatten" and others[0] == 1:
            self._unflatten(node, given, *others[1])
        elif node.target == "permute" and tuple(others) == (0, 3, 1, 2) and given in self.shapes:
            self._add(node, self.results[given], kind="shape", shape=list(self.shapes[given]))
        elif node.target in (operator.add, torch.add) and isinstance(others[0], fx.Node):
            self._add(node, self._image(given), self._image(others[0]), kind="add")
        elif node.target in POINTWISE:
            self._add(node, self._image(given), kind=POINTWISE[node.target])
        else:
            raise UnknownOperationError(getattr(node.target, "__name__", node.target))

    def _add(self, node: fx.Node, *given: fx.Node | int, **operation: Any) -> None:
        of = [self.results[one] if isinstance(one, fx.Node) else one for one in given]
        self.operations.append({"of": of, **operation})
        self.results[node] = len(self.operations)

    def _same(self, node: fx.Node, given: fx.Node) -> None:
        self.results[node] = self.results[given]
        if given in self.shapes:
            self.shapes[node] = self.shapes[given]

    def _unflatten(self, node: fx.Node, given: fx.Node, *shape: int) -> None:
        if given in self.shapes or len(shape) != 3:
            raise UnknownOperationError(f"unflatten to {shape}")
        self._same(node, given)
        self.shapes[node] = shape

    def _image(self, node: fx.Node) -> int:
        """Where the result is: of one in the order (C, H, W) where it is brought into ours."""
        if node in self.shapes:
            shape = self.shapes.pop(node)
            self._add(node, node, kind="channels_last", shape=list(shape))
        return self.results[node]


def _is_plain(module: nn.ConvTranspose2d | nn.Conv2d) -> bool:
    alike = all(len(set(pair)) == 1 for pair in (module.kernel_size, module.stride, module.padding))
    return alike and set(module.dilation) == {1} and module.groups == 1


def _convolution(module: nn.ConvTranspose2d | nn.Conv2d) -> Operation:
    transposed = isinstance(module, nn.ConvTranspose2d)
    # To (height, width, in, out).
    weight = module.weight.permute(2, 3, 0, 1) if transposed else module.weight.permute(2, 3, 1, 0)
    operation: Operation = {
        "kind": "transposed" if transposed else "convolution",
        "kernel": module.kernel_size[0],
        "stride": module.stride[0],
        "padding": module.padding[0],
        **_arrays(weight, module.bias, outs=module.out_channels),
    }
    return operation | ({"more": list(module.output_padding)} if transposed else {})


def _scaling(module: nn.BatchNorm2d) -> Operation:
    """What batch normalisation does at evaluation, by each channel's gain and shift."""
    assert module.running_mean is not None
    assert module.running_var is not None
    scale = module.weight.double() / torch.sqrt(module.running_var.double() + module.eps)
    return _arrays(scale, module.bias.double() - module.running_mean.double() * scale)


def _arrays(weight: Tensor, bias: Tensor | None, outs: int | None = None) -> Operation:
    if bias is None:
        bias = torch.zeros(outs or len(weight))
    return {
        "shape": list(weight.shape),
        "weight": packed(weight.detach().cpu().numpy()),
        "bias": packed(bias.detach().cpu().numpy()),
    }


@torch.inference_mode()
def run(operations: Sequence[Operation], code: np.ndarray) -> np.ndarray:
    """What the page's script makes of a code (L,): an image (H, W, C) in [0, 1]."""
    results = [torch.from_numpy(code)]
    for operation in operations:
        results.append(_step(operation, [results[one] for one in operation["of"]]))
    return results[-1].numpy()


def _step(operation: Operation, given: Sequence[Tensor]) -> Tensor:
    kind, x = operation["kind"], given[0]
    if kind in ("silu", "relu", "tanh", "sigmoid"):
        return getattr(functional if kind == "silu" else torch, kind)(x)
    if kind == "add":
        return x + given[1]
    if kind == "shape":
        return x.reshape(operation["shape"])
    if kind == "channels_last":
        return x.reshape(operation["shape"]).permute(1, 2, 0)
    weight, bias = (_unpacked(operation[name]) for name in ("weight", "bias"))
    weight = weight.reshape(operation["shape"])
    if kind == "linear":
        return weight @ x + bias
    if kind == "scale":
        return x * weight + bias
    image, taps = x.permute(2, 0, 1).unsqueeze(0), weight.permute(3, 2, 0, 1)
    stride, padding = operation["stride"], operation["padding"]
    if kind == "convolution":
        made = functional.conv2d(image, taps, bias, stride, padding)
    else:
        more = operation["more"]
        made = functional.conv_transpose2d(image, taps.transpose(0, 1), bias, stride, padding, more)
    return made[0].permute(1, 2, 0)


def _unpacked(text: str) -> Tensor:
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32))
