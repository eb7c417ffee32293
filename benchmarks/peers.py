"""pythae (Chadebec et al., 2022), as a peer: its trainer with its own networks or with ours.

python -m pip install --requirement benchmarks/requirements.txt
"""

import tempfile
from typing import Any

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import AE, VAE, AEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

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
