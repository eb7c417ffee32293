"""pythae (Chadebec et al., 2022) as a peer: its models, losses and trainer.

    python -m pip install --requirement benchmarks/requirements.txt
    python -m benchmarks.peers

trains them on data/processed, with pythae's own networks (an MLP with 512 hidden units) and with
ours, and prints their errors on the test set, a line of JSON each. Adam with a constant rate of
1e-3, ten times pythae's default, with which 20 epochs end early; the rest is pythae's default.
"""

import argparse
import json
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import AE, VAE, AEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

from autoencoders.io.arrays import read_arrays
from autoencoders.io.tensors import to_float
from autoencoders.models.registry import build_model
from autoencoders.params import read_params
from benchmarks.errors import mean_errors

PROCESSED = Path("data/processed")
LEARNING_RATE = 1e-3
KINDS = {"ae": (AE, AEConfig), "vae": (VAE, VAEConfig)}


class Encoder(BaseEncoder):
    """An encoder of this project under pythae's interface."""

    def __init__(self, encoder: nn.Module, variational: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.variational = variational

    def forward(self, images: Tensor) -> ModelOutput:
        codes = self.encoder(images)
        if not self.variational:
            return ModelOutput(embedding=codes)
        mean, log_variance = codes.chunk(2, dim=1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Decoder(BaseDecoder):
    """A decoder of this project under pythae's interface."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, codes: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.decoder(codes))


def peer(kind: str, shape: tuple[int, int, int], latent_dim: int, ours: nn.Module | None) -> Any:
    """pythae's model of that kind, with the networks of `ours`, or with its own."""
    model, config = KINDS[kind]
    networks = {}
    if ours is not None:
        networks = {
            "encoder": Encoder(ours.encoder, kind == "vae"),
            "decoder": Decoder(ours.decoder),
        }
    return model(config(input_dim=shape, latent_dim=latent_dim), **networks)


def train_peer(
    model: Any,
    images: Tensor,
    callback: TrainingCallback,
    validation: Tensor | None = None,
    **settings: Any,
) -> Any:
    """Train on images in [0, 1] with pythae's trainer: the model of its best epoch."""
    unlabelled = [
        None if part is None else BaseDataset(part, torch.zeros(len(part)))
        for part in (images, validation)
    ]
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(output_dir=folder, no_cuda=True, **settings)
        trainer = BaseTrainer(model, *unlabelled, training_config=config, callbacks=[callback])
        trainer.train()
    return trainer._best_model


def main() -> None:
    """Train pythae's AE and VAE as long and on the same images as ours; print a row for each."""
    parser = argparse.ArgumentParser(description="Train and measure the peers.")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--latent-dims", nargs="+", type=int, default=[16, 128])
    parser.add_argument("--networks", nargs="+", default=["own", "ours"], choices=["own", "ours"])
    options = parser.parse_args()
    for networks, kind, latent_dim in product(options.networks, options.kinds, options.latent_dims):
        measured = measure(kind, latent_dim, networks == "ours")
        print(json.dumps({"kind": kind, "latent": latent_dim, "networks": networks} | measured))


def measure(kind: str, latent_dim: int, with_our_networks: bool) -> dict[str, float]:
    """Train a peer on data/processed: its mean errors over the whole test set."""
    train, validation, test = (
        to_float(torch.from_numpy(read_arrays(PROCESSED / f"{name}.safetensors")["images"]))
        for name in ("train", "validation", "test")
    )
    params = read_params()
    shape = tuple(train.shape[1:])
    torch.manual_seed(params.seed)
    own = params.models[kind].model_dump(exclude={"kind"})
    ours = (
        build_model(
            kind,
            shape,
            own | {"latent_dim": latent_dim, "align": None},
        )
        if with_our_networks
        else None
    )
    trained = train_peer(
        peer(kind, shape, latent_dim, ours),
        train,
        TrainingCallback(),
        validation,
        num_epochs=params.train.epochs,
        per_device_train_batch_size=params.train.batch_size,
        per_device_eval_batch_size=1000,
        learning_rate=LEARNING_RATE,
        seed=params.seed,
    ).eval()
    with torch.inference_mode():
        codes = trained.encoder(test).embedding
        images = trained.decoder(codes)["reconstruction"].view_as(test)
    return mean_errors(images, test)


if __name__ == "__main__":
    main()
