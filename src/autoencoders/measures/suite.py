"""All that is measured of one trained model, on the whole test set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autoencoders.corruptions.base import Corruption
from autoencoders.io.streams import generator, subsample
from autoencoders.io.tensors import to_bytes, to_float
from autoencoders.measures.generation import generation_measures, ways_measures
from autoencoders.measures.likelihood import likelihood_measures
from autoencoders.measures.reconstruction import mse_per_image, reconstruction_measures
from autoencoders.measures.stress import stress_measures
from autoencoders.models.base import Autoencoder
from autoencoders.models.inference import align, decode_codes, reconstruct
from autoencoders.models.vae import VariationalAutoencoder
from autoencoders.nets.classifier import Classifier, features, logits
from autoencoders.sampling.mixture import sample_mixture


@dataclass(frozen=True)
class Suite:
    """A model, and what it is measured with.

    Images are uint8 (N, C, H, W), codes (N, L) and features (N, F) float32.
    """

    model: Autoencoder
    classifier: Classifier
    device: torch.device
    seed: int

    def stress(
        self,
        originals: np.ndarray,
        inputs: Mapping[str, Mapping[str, np.ndarray]],
        corruptions: Mapping[str, Corruption],
    ) -> dict[str, Any]:
        """For each corruption `stress_measures` of its inputs, by the records of what was done."""
        images = self._on_device(originals)
        targets = to_float(images)
        clean_mse = float(mse_per_image(reconstruct(self.model, images), targets).mean())
        measured = {}
        for name, corruption in corruptions.items():
            restored = reconstruct(self.model, self._on_device(inputs[name]["images"]))
            measured[name] = stress_measures(restored, targets, clean_mse, inputs[name], corruption)
        return measured

    def reconstruction(
        self,
        originals: np.ndarray,
        inputs: np.ndarray,
        labels: np.ndarray,
        classes: Sequence[str],
    ) -> dict[str, Any]:
        """`reconstruction_measures` of inputs, and the aligner's MSE where there is one."""
        targets, corrupted = to_float(self._on_device(originals)), self._on_device(inputs)
        restored = reconstruct(self.model, corrupted)
        measured = reconstruction_measures(restored, targets, labels, classes)
        if self.model.aligner is not None:
            error = mse_per_image(align(self.model, corrupted), targets).mean()
            measured["alignment_mse"] = float(error)
        return measured

    def likelihood(
        self, originals: np.ndarray, inputs: np.ndarray, samples: int
    ) -> dict[str, float] | None:
        """`likelihood_measures` of a model that has a likelihood."""
        if not isinstance(self.model, VariationalAutoencoder):
            return None
        corrupted, targets = self._on_device(inputs), self._on_device(originals)
        return likelihood_measures(self.model, corrupted, targets, samples, self.seed)

    def generation(
        self,
        inputs: np.ndarray,
        mixture: Mapping[str, np.ndarray],
        seen: Mapping[str, np.ndarray],
        count: int,
    ) -> dict[str, Any]:
        """`generation_measures` of reconstructions, and of `count` images of each way to make some.

        `seen` are the classifier's features of "train" and "test" images.
        """
        made: dict[str, np.ndarray | Tensor] = {
            "reconstructions": to_bytes(reconstruct(self.model, self._on_device(inputs))),
            "mixture_samples": decode_codes(self.model, sample_mixture(mixture, count, self.seed)),
        }
        if isinstance(self.model, VariationalAutoencoder):
            chance = generator(self.seed, "measured prior", device=self.device)
            prior = self.model.sample_prior(count, chance)
            made["prior_samples"] = decode_codes(self.model, prior)
        real = seen["test"][subsample(len(seen["test"]), count, self.seed)]
        return generation_measures(
            self._on_device(real),
            self._on_device(seen["train"]),
            {name: features(self.classifier, self._on_device(m)) for name, m in made.items()},
            self.seed,
        )

    def ways(self, ways: Mapping[str, np.ndarray], classes: Sequence[str]) -> dict[str, Any]:
        """`ways_measures` of the codes (S, L) of each named way between classes."""
        measured = {}
        for name, way in ways.items():
            images = self._on_device(decode_codes(self.model, way))
            seen = features(self.classifier, images), logits(self.classifier, images)
            measured[name] = ways_measures(*seen, classes)
        return measured

    def _on_device(self, array: np.ndarray | Tensor) -> Tensor:
        return torch.as_tensor(array).to(self.device)
