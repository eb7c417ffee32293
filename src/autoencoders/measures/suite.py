"""All that is measured of one trained model, on the whole test set, and what is chosen by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autoencoders.corruptions.base import Corruption, split
from autoencoders.io.streams import generator, numpy_generator, subsample
from autoencoders.io.tensors import EVALUATION_BATCH, to_bytes, to_float
from autoencoders.measures.generation import (
    Reference,
    frechet_distance,
    generation_measures,
    ways_measures,
)
from autoencoders.measures.likelihood import elbo_parts, likelihood_measures
from autoencoders.measures.reconstruction import (
    mse_per_image,
    reconstruction_measures,
    ssim_per_image,
)
from autoencoders.measures.stress import stress_measures
from autoencoders.models.base import Autoencoder
from autoencoders.models.inference import align, decode, decode_codes, reconstruct
from autoencoders.models.variational import has_likelihood
from autoencoders.nets.classifier import Classifier, accuracy, features, logits
from autoencoders.sampling.mixture import sample_mixture

Images = tuple[np.ndarray, np.ndarray]
"""Originals, and what the model sees of them: both uint8 (N, C, H, W)."""


@dataclass(frozen=True)
class Suite:
    """A model, and what it is measured with.

    Images are uint8 (N, C, H, W), codes (N, L) and features (N, F) float32. Images pass through the
    model batch by batch, so that no more than a batch of them is ever there as floats.
    """

    model: Autoencoder
    classifier: Classifier
    device: torch.device
    seed: int

    def validation(
        self, images: Images, mixture: Mapping[str, np.ndarray], seen: np.ndarray, count: int
    ) -> dict[str, float]:
        """What models are chosen by, of validation images, whose features are `seen`."""
        mse, ssim = self._errors(images, mse_per_image, ssim_per_image)
        found = {"mse": float(mse.mean()), "ssim": float(ssim.mean())}
        if has_likelihood(self.model):
            originals, inputs = (self._on_device(part) for part in images)
            found["negative_elbo"] = elbo_parts(
                self.model, inputs, originals, self.seed, "validation noise"
            )["negative_elbo"]
        if len(seen) > 1:
            real = seen.astype(np.float64)
            for source, codes in self._new_codes(mixture, count, "validation").items():
                made = self._features(partial(decode, self.model), codes).cpu().double().numpy()
                found[f"frechet_of_{source}"] = frechet_distance(real, made)
        return found

    def reconstruction(
        self, images: Images, labels: np.ndarray, classes: Sequence[str]
    ) -> dict[str, Any]:
        """`reconstruction_measures` of inputs, and the aligner's MSE where there is one."""
        mse, ssim = self._errors(images, mse_per_image, ssim_per_image)
        measured = reconstruction_measures(mse, ssim, labels, classes)
        if self.model.aligner is not None:
            (error,) = self._errors(images, mse_per_image, restore=align)
            measured["alignment_mse"] = float(error.mean())
        return measured

    def likelihood(self, images: Images, samples: int) -> dict[str, float] | None:
        """`likelihood_measures` of a model that has a likelihood."""
        if not has_likelihood(self.model):
            return None
        originals, inputs = (self._on_device(part) for part in images)
        return likelihood_measures(self.model, inputs, originals, samples, self.seed)

    def stress(
        self,
        originals: np.ndarray,
        inputs: Mapping[str, Mapping[str, np.ndarray]],
        corruptions: Mapping[str, Corruption],
    ) -> dict[str, Any]:
        """For each corruption `stress_measures` of its inputs, by the records of what was done."""
        (clean,) = self._errors((originals, originals), mse_per_image)
        measured = {}
        for name, corruption in corruptions.items():
            record = {key: v for key, v in inputs[name].items() if key != "images"}
            images = originals, inputs[name]["images"]
            (mse,) = self._errors(images, mse_per_image)
            measured[name] = stress_measures(
                mse,
                float(clean.mean()),
                corruption.groups(record),
                self._restored(images, record, corruption),
            )
        return measured

    def _restored(
        self, images: Images, record: Mapping[str, np.ndarray], corruption: Corruption
    ) -> dict[str, float]:
        """The means of what a corruption has to say of how well its inputs are restored."""
        sums: dict[str, float] = {}
        drawn = {name: self._on_device(values) for name, values in record.items()}
        parts = (torch.from_numpy(part).split(EVALUATION_BATCH) for part in images)
        for originals, inputs, own in zip(*parts, split(drawn, EVALUATION_BATCH), strict=True):
            restored = reconstruct(self.model, self._on_device(inputs))
            targets = to_float(self._on_device(originals))
            for name, values in corruption.measures(restored, targets, own).items():
                sums[name] = sums.get(name, 0.0) + float(values.sum())
        return {name: total / len(images[0]) for name, total in sums.items()}

    def generation(
        self,
        inputs: np.ndarray,
        training_codes: np.ndarray,
        mixture: Mapping[str, np.ndarray],
        seen: Mapping[str, np.ndarray],
        count: int,
    ) -> dict[str, Any]:
        """`generation_measures` of `count` images of each way to make some.

        They are measured against `count` test images, or all of them. Beside samples there are
        "reconstructions" of these images' inputs, and what the codes of training images decode to,
        which are copies as far as the model can make any. `seen` are the classifier's features of
        "train", "validation" and "test" images.
        """
        compared = subsample(len(seen["test"]), count, self.seed, "real images")
        copied = subsample(len(training_codes), count, self.seed, "decoded training images")
        decoded = partial(decode, self.model)
        made = {
            "reconstructions": self._features(partial(reconstruct, self.model), inputs[compared]),
            "training_reconstructions": self._features(decoded, training_codes[copied]),
        }
        for source, codes in self._new_codes(mixture, count, "measured").items():
            made[f"{source}_samples"] = self._features(decoded, codes)
        real, training, held_out = (
            self._on_device(part)
            for part in (seen["test"][compared], seen["train"], seen["validation"])
        )
        reference = Reference.of(real, training, held_out, self.seed)
        return generation_measures(reference, made, self.seed)

    def classes(
        self, classes: Sequence[str], count: int, purpose: str = "measured"
    ) -> dict[str, Any] | None:
        """Of a model that can be asked for a class, whether what it draws looks like that class.

        "accuracy" is the share of some `count` images, as many of each class, that the classifier
        takes for what was asked for, "accuracy_per_class" that of each class's.
        """
        if not self.model.supervised:
            return None
        chance = generator(self.seed, f"{purpose} classes", device=self.device)
        drawn = self.model.sample_classes(-(-count // len(classes)), chance)
        per_class = {}
        for label, (name, codes) in enumerate(zip(classes, drawn, strict=True)):
            images = self._on_device(decode_codes(self.model, codes))
            asked_for = torch.full((len(images),), label, device=self.device)
            per_class[name] = accuracy(self.classifier, images, asked_for)
        mean = sum(per_class.values()) / len(per_class)
        return {"accuracy": mean, "accuracy_per_class": per_class}

    def ways(self, ways: Mapping[str, np.ndarray], classes: Sequence[str]) -> dict[str, Any]:
        """`ways_measures` of the codes (S, L) of each named way between classes."""
        measured = {}
        for name, way in ways.items():
            images = self._on_device(decode_codes(self.model, way))
            found = features(self.classifier, images), logits(self.classifier, images)
            measured[name] = ways_measures(*found, classes)
        return measured

    def _new_codes(
        self, mixture: Mapping[str, np.ndarray], count: int, purpose: str
    ) -> dict[str, Tensor]:
        """Codes (count, L) from the mixture and, of a model that has one, from the prior."""
        chance = numpy_generator(self.seed, f"{purpose} mixture")
        codes = {"mixture": torch.from_numpy(sample_mixture(mixture, count, chance))}
        if self.model.prior is not None:
            drawn = generator(self.seed, f"{purpose} prior", device=self.device)
            codes["prior"] = self.model.sample_prior(count, drawn)
        return codes

    def _features(self, make: Callable[[Tensor], Tensor], items: np.ndarray | Tensor) -> Tensor:
        """The classifier's features of the images in [0, 1] that are made of the items."""
        batches = torch.as_tensor(items).split(EVALUATION_BATCH)
        made = (to_bytes(make(self._on_device(batch))) for batch in batches)
        return torch.cat([features(self.classifier, self._on_device(images)) for images in made])

    def _errors(
        self,
        images: Images,
        *measures: Callable[[Tensor, Tensor], np.ndarray],
        restore: Callable[[Autoencoder, Tensor], Tensor] = reconstruct,
    ) -> list[np.ndarray]:
        """Each measure (N,) of restored inputs against the originals, both in [0, 1]."""
        found: list[list[np.ndarray]] = [[] for _ in measures]
        batches = (torch.from_numpy(part).split(EVALUATION_BATCH) for part in images)
        for originals, inputs in zip(*batches, strict=True):
            restored = restore(self.model, self._on_device(inputs))
            targets = to_float(self._on_device(originals))
            for values, measure in zip(found, measures, strict=True):
                values.append(measure(restored, targets))
        return [np.concatenate(values) for values in found]

    def _on_device(self, array: np.ndarray | Tensor) -> Tensor:
        return torch.as_tensor(array).to(self.device)
