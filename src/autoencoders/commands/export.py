"""A trained model's encoder and decoder as ONNX, for programs without torch."""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from autoencoders.commands.output import check_new
from autoencoders.errors import UserError
from autoencoders.io.files import whole_folder
from autoencoders.models.base import Autoencoder, Decoding
from autoencoders.models.registry import load_model
from autoencoders.released import model_folder

TOLERANCE = 1e-4
"""How far ONNX Runtime's numbers may lie from torch's, as both round in their own order: of the
largest of the numbers, or of 1 where all are smaller."""
CHECKED = 16


class _Encoder(nn.Module):
    """Images to codes, with the aligner where there is one."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.encode(images)["mean"]


def export(model: str, *, out: Path) -> None:
    """Write encoder.onnx and decoder.onnx into the new folder `out`, checked against torch.

    The encoder takes "images", float32 (N, C, H, W) in [0, 1], and gives "codes" (N, latent_dim),
    of a VAE the means; the decoder takes "codes" and gives "images". N is free.

    Raises:
        UserError: there is no such model, `out` exists, onnx or onnxruntime is not installed, or
            ONNX Runtime computes something else than torch.
    """
    check_new(out)
    trained = load_model(model_folder(model))
    chance = torch.Generator().manual_seed(0)
    images = torch.rand(CHECKED, *trained.image_shape, generator=chance)
    with whole_folder(out) as folder, torch.inference_mode():
        codes = _export(_Encoder(trained).eval(), images, "images", "codes", folder, "encoder")
        _export(Decoding(trained).eval(), codes, "codes", "images", folder, "decoder")
    print(f"{out}: encoder.onnx and decoder.onnx, equal to torch within {TOLERANCE:g}")


def _export(
    network: nn.Module, inputs: Tensor, takes: str, gives: str, folder: Path, name: str
) -> Tensor:
    """Write a network as ONNX and return what torch makes of the inputs."""
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  (torch's exporter needs it)
    except ImportError as error:
        raise UserError(
            f"{error.name} is not installed: "
            "python -m pip install -c requirements-optional.txt onnx onnxscript onnxruntime"
        ) from error
    path = folder / f"{name}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own use of deprecated names
        program = torch.onnx.export(
            network,
            (inputs,),
            dynamo=True,
            input_names=[takes],
            output_names=[gives],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            verbose=False,
        )
    assert program is not None  # as dynamo=True promises
    program.save(path, external_data=False)
    expected = network(inputs)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for count in (len(inputs), 1):
        (found,) = session.run([gives], {takes: inputs[:count].numpy()})
        right = expected[:count].numpy()
        distance = np.abs(found - right).max() / max(1.0, np.abs(right).max())
        if not distance <= TOLERANCE:
            raise UserError(f"{name}: ONNX Runtime differs from torch by {distance:g}, relatively")
    return expected
