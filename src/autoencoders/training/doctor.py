"""What tends to go wrong with a training without a word, each told in a line.

`findings` looks at the losses after each epoch and at the model. A finding is a name and a
sentence; thresholds are constants here, generous enough to be silent about a training that is in
order.
"""

import copy
import sys
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from tqdm import tqdm

from autoencoders.io.tensors import to_float
from autoencoders.models.base import Autoencoder
from autoencoders.models.inference import align, decode, encode, reconstruct
from autoencoders.models.posterior import LOG_VARIANCE_RANGE, active_units

NO_KL = 0.1
"""Nats per image: less tells the decoder next to nothing."""
MOST_KL_PER_DIMENSION = 30.0
"""Nats: a posterior mean almost eight deviations of the prior away from its centre."""
LATE, STILL_FALLING = 0.1, 0.02
"""The last part of the epochs, and by how much of itself the validation MSE falls in it."""
GAP = 3.0
"""How many times a squared error in validation is that in training where the model overfits."""
RISE, RISING_EPOCHS = 0.05, 3
"""By how much of its whole fall the validation loss has risen again, and since how long."""
SATURATED_SHARE = 0.01
DEAF_SHARE = 0.01
"""Of the images' variance: what different codes decode to differs by less."""
EXAMINED = 2000
NORMALISED = 256
"""Images of a batch whose own statistics replace the running ones of batch normalisation."""
SUSPECT = {"overfitting_loss", "overfitting_alignment", "deaf_decoder"}
"""Findings that running statistics alone can bring about."""

Findings = dict[str, str]


class Watch:
    """Tells the findings of a training while it runs, each once."""

    def __init__(self, item: str, epochs: int) -> None:
        self.item = item
        self.epochs = epochs
        self.told: set[str] = set()

    def look(
        self,
        rows: Sequence[Mapping[str, float]],
        model: Autoencoder,
        inputs: Tensor,
        targets: Tensor,
    ) -> None:
        """After an epoch, at the history's rows and at the model; images as in `findings`."""
        history = {name: [row[name] for row in rows] for name in rows[0]}
        found = findings(history, self.epochs, model, inputs, targets)
        for name, sentence in found.items():
            if name not in self.told:
                tqdm.write(f"{self.item}: {sentence}", file=sys.stderr)
        self.told |= found.keys()


def findings(
    history: Mapping[str, Sequence[float]],
    epochs: int,
    model: Autoencoder,
    inputs: Tensor,
    targets: Tensor,
) -> Findings:
    """What the losses of a training say, checked by the model, and at its end the model too.

    Args:
        history: as in `curve_findings`.
        epochs: how many are planned.
        model: as it is after the history's last epoch.
        inputs: validation images, uint8 (N, C, H, W).
        targets: their originals, likewise.
    """
    found = curve_findings(history, epochs, model.latent_dim)
    if len(history["validation_loss"]) == epochs:
        found |= model_findings(model, inputs)
    if SUSPECT.isdisjoint(found) or len(inputs) < 2:
        return found
    return _without_lag(found, history, model, inputs[:NORMALISED], targets[:NORMALISED])


def _without_lag(
    found: Findings,
    history: Mapping[str, Sequence[float]],
    model: Autoencoder,
    inputs: Tensor,
    targets: Tensor,
) -> Findings:
    """The findings, but for those that go away with a batch's own statistics, which are told.

    After few steps the running statistics of batch normalisation lag behind the weights, so that
    validation, which uses them, has a larger error than training, which uses those of each batch.
    """
    normalised = _with_batch_statistics(model)

    def errors(images: Callable[[Autoencoder, Tensor], Tensor]) -> tuple[float, float]:
        """By running statistics, and by those of the batch."""
        running, fresh = (images(one, inputs) - to_float(targets) for one in (model, normalised))
        return float(running.square().mean()), float(fresh.square().mean())

    false = {"deaf_decoder"} & found.keys() - model_findings(normalised, inputs).keys()
    for part, images in (("loss", reconstruct), ("alignment", align)):
        if f"overfitting_{part}" in found:
            running, fresh = errors(images)
            seen, expected = (history[f"{split}_{part}"][-1] for split in ("train", "validation"))
            if expected * fresh <= GAP * seen * running:
                false.add(f"overfitting_{part}")
    true = {name: sentence for name, sentence in found.items() if name not in false}
    if false:
        running, fresh = errors(reconstruct)
        true["lagging_statistics"] = (
            "the running statistics of batch normalisation lag behind the weights: by those of the "
            f"batch itself the validation MSE is {fresh:.2g} instead of {running:.2g}; train for "
            "more steps (train.epochs, or a smaller train.batch_size)"
        )
    return true


def _with_batch_statistics(model: Autoencoder) -> Autoencoder:
    """A copy that normalises each batch by its own statistics, as in training."""
    copied = copy.deepcopy(model).eval()
    for module in copied.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean = module.running_var = None
    return copied


def curve_findings(
    history: Mapping[str, Sequence[float]], epochs: int, latent_dim: int
) -> Findings:
    """What the losses of a training say, by the columns of its history.

    Args:
        history: at least "validation_loss" and "validation_mse", with a value for each epoch.
        epochs: how many are planned; what only the last can tell is left out before.
        latent_dim: numbers in a code.
    """
    found: Findings = {}
    if "validation_kl" in history:
        found |= _kl_findings(history["validation_kl"][-1], latent_dim)
    for part, unit in (("alignment", "the aligner's error"), ("loss", "the squared error")):
        is_squared = part == "alignment" or "validation_kl" not in history
        seen, fresh = (history.get(f"{split}_{part}", ()) for split in ("train", "validation"))
        if is_squared and len(seen) > 1 and fresh[-1] > GAP * seen[-1] > 0:
            found[f"overfitting_{part}"] = (
                f"overfitting: {unit} is {fresh[-1]:.2g} in validation, {seen[-1]:.2g} in training"
            )
    losses, errors = history["validation_loss"], history["validation_mse"]
    fall, rise = losses[0] - min(losses), losses[-1] - min(losses)
    best = best_epoch(history)
    if rise > RISE * fall > 0 and len(losses) - best >= RISING_EPOCHS:
        found["rising"] = (
            f"the validation loss was lowest after epoch {best} and has risen since, from "
            f"{min(losses):.5g} to {losses[-1]:.5g}; the weights of epoch {best} are kept"
        )
    before = len(errors) - max(1, round(LATE * epochs)) - 1
    if len(errors) == epochs > 1 and before >= 0 and "rising" not in found:
        share = 1 - errors[-1] / errors[before] if errors[before] else 0.0
        if share > STILL_FALLING:
            found["unfinished"] = (
                f"still falling: the validation MSE fell by {share:.0%} in the last "
                f"{len(errors) - 1 - before} of {epochs} epochs; more may pay"
            )
    return found


def best_epoch(history: Mapping[str, Sequence[float]]) -> int:
    """The epoch of the lowest validation loss, whose weights a training keeps."""
    losses = history["validation_loss"]
    return losses.index(min(losses)) + 1


def _kl_findings(kl: float, latent_dim: int) -> Findings:
    if kl < NO_KL:
        return {
            "posterior_collapse": f"posterior collapse: the KL is {kl:.2g} nats per image, so that "
            "codes tell nothing of images; try a smaller beta or a kl_warmup"
        }
    if kl > MOST_KL_PER_DIMENSION * latent_dim:
        return {
            "exploding_kl": f"exploding KL: it is {kl:.4g} nats per image, over "
            f"{MOST_KL_PER_DIMENSION:.0f} for each of {latent_dim} dimensions, so that codes lie "
            "far from the prior and its samples show nothing that was learned"
        }
    return {}


@torch.inference_mode()
def model_findings(model: Autoencoder, inputs: Tensor) -> Findings:
    """What a model makes of uint8 images (N, C, H, W), at most 2,000 of them, says of it."""
    codes = encode(model, inputs[:EXAMINED])
    found: Findings = {}
    if "log_variance" in codes and len(inputs) > 1:
        found |= _posterior_findings(codes)
    made = decode(model, codes["mean"])
    pixels = inputs[:EXAMINED].float() / 255
    spread, given = (float(images.var(dim=0, correction=0).mean()) for images in (made, pixels))
    if spread < DEAF_SHARE * given:
        found["deaf_decoder"] = (
            "the decoder does not heed the code: what it makes of different images differs by "
            f"{spread / given:.2%} of their variance"
        )
    return found


def _posterior_findings(codes: Mapping[str, Tensor]) -> Findings:
    found: Findings = {}
    if not active_units(codes["mean"].cpu().numpy()):
        found["posterior_collapse"] = (
            "posterior collapse: no unit is active, so that codes tell nothing of images; try a "
            "smaller beta or a kl_warmup"
        )
    low, high = LOG_VARIANCE_RANGE
    at_ends = (codes["log_variance"] <= low) | (codes["log_variance"] >= high)
    share = float(at_ends.cpu().double().mean())
    if share > SATURATED_SHARE:
        found["saturated_variance"] = (
            f"saturated log-variances: {share:.0%} of them are at the ends of their range, "
            f"{low:.0f} to {high:.0f}, where no gradient moves them"
        )
    return found
