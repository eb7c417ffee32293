"""A decoder as the page's script runs it: layers with arrays."""

from typing import Any

import numpy as np
from torch import nn

from autoencoders.nets.conv import ConvDecoder
from autoencoders.report.content import packed


def decoder_layers(decoder: nn.Module) -> list[dict[str, Any]]:
    """A decoder layer by layer, as the page's script runs it, channels innermost.

    Batch normalisation is folded into the transposed convolution before it.
    """
    if not isinstance(decoder, ConvDecoder):
        raise TypeError(f"the page runs a ConvDecoder, found {type(decoder).__name__}")
    linear = decoder.from_code[0]
    layers = [_linear(linear), {"kind": "silu"}, {"kind": "shape", "shape": decoder.grid}]
    modules = list(decoder.blocks)
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        if isinstance(module, nn.ConvTranspose2d):
            norm = following if isinstance(following, nn.BatchNorm2d) else None
            layers.append(_transposed(module, norm))
        elif not isinstance(module, nn.BatchNorm2d):
            layers.append({"kind": {nn.SiLU: "silu", nn.Sigmoid: "sigmoid"}[type(module)]})
    return layers


def _linear(module: Any) -> dict[str, Any]:
    weight, bias = (tensor.detach().cpu().numpy() for tensor in (module.weight, module.bias))
    return {
        "kind": "linear",
        "shape": list(weight.shape),
        "weight": packed(weight),
        "bias": packed(bias),
    }


def _transposed(module: nn.ConvTranspose2d, norm: Any) -> dict[str, Any]:
    weight = module.weight.detach().cpu().double().numpy()  # in, out, height, width
    bias = np.zeros(module.out_channels)
    if module.bias is not None:
        bias = module.bias.detach().cpu().double().numpy()
    if norm is not None:
        gain, shift, mean, variance = (
            tensor.detach().cpu().double().numpy()
            for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var)
        )
        scale = gain / np.sqrt(variance + norm.eps)
        weight = weight * scale[:, np.newaxis, np.newaxis]
        bias = (bias - mean) * scale + shift
    return {
        "kind": "transposed",
        "shape": [module.in_channels, module.out_channels],
        "kernel": module.kernel_size[0],
        "stride": module.stride[0],
        "padding": module.padding[0],
        "more": list(module.output_padding),
        "weight": packed(weight.transpose(2, 3, 0, 1)),
        "bias": packed(bias),
    }
