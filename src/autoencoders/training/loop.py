"""The training loop: whole batches from memory, corrupted afresh in every epoch."""

import copy
import math
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from autoencoders.corruptions.base import Corruption, split
from autoencoders.corruptions.randomness import black_and_white, draw_seeds
from autoencoders.errors import UserError
from autoencoders.io.streams import generator, library_seed
from autoencoders.io.tensors import EVALUATION_BATCH, to_bytes, to_float
from autoencoders.models.base import Autoencoder
from autoencoders.models.inference import reconstruct
from autoencoders.training.checkpoint import Checkpoint
from autoencoders.training.data import TrainingData
from autoencoders.training.doctor import Watch
from autoencoders.training.group import ALONE, Group, check_batches
from autoencoders.training.optimizer import build_optimizer
from autoencoders.training.schedule import learning_rate_factor
from autoencoders.training.source import batches_of
from autoencoders.training.step import Step
from autoencoders.training.sums import Sums


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    epochs: int
    batch_size: int
    optimizer: dict[str, Any]
    """Its kind and settings. Its learning rates are peaks, reached by a linear warm-up and left
    along a cosine that ends at zero."""
    warmup_fraction: float
    """The part of all steps that warms up, 0 to 1."""
    snapshot_epochs: list[int]
    """Epochs after which to keep reconstructions, beside powers of two and the last."""
    precision: str
    """Of the steps' arithmetic, a name of torch's: "float32" or "bfloat16"."""


@dataclass
class Progress:
    """What a training has produced up to its last finished epoch."""

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    """A row for each epoch: its number, its learning rate at first, mean losses and their parts."""
    best_loss: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    """The weights after the epoch of the lowest validation loss."""
    snapshots: dict[int, Tensor] = field(default_factory=dict)
    """Epoch -> the reconstructions of `shown_inputs` after it, uint8."""


class Training:
    """A model's way from its initial weights to `run`'s result.

    The state after each epoch is kept in `checkpoint`, from which an interrupted training goes on
    to the same result.
    """

    def __init__(
        self,
        model: Autoencoder,
        corruption: Corruption,
        data: TrainingData,
        schedule: Schedule,
        seed: int,
        checkpoint: Checkpoint,
        group: Group = ALONE,
    ) -> None:
        check_batches(len(data.images), schedule.batch_size, group.size)
        self.model = model
        self.corruption = corruption
        self.data = data
        self.schedule = schedule
        self.seed = seed
        self.checkpoint = checkpoint
        self.group = group
        self.device = data.validation_inputs.device
        self.labels = self._labels(len(data.images), data.labels)
        self.validation_labels = self._labels(len(data.validation_inputs), data.validation_labels)
        self.progress = Progress()
        self.watch = Watch(checkpoint.item, schedule.epochs)
        self.steps = schedule.epochs * math.ceil(len(data.images) / schedule.batch_size)
        self.optimizers = build_optimizer(schedule.optimizer, model)
        self.schedulers = [
            torch.optim.lr_scheduler.LambdaLR(optimizer, self._learning_rate_factor)
            for optimizer in self.optimizers
        ]
        precision = getattr(torch, schedule.precision)
        self.step = Step(model, self.optimizers, precision, group)

    def _labels(self, count: int, known: Tensor | None) -> Tensor:
        """Those that are known, or the number 0 for each of `count` images."""
        return torch.zeros(count, dtype=torch.int64, device=self.device) if known is None else known

    def _learning_rate_factor(self, step: int) -> float:
        return learning_rate_factor(step, self.steps, self.schedule.warmup_fraction)

    def run(self) -> Progress:
        """Train to the last epoch.

        Raises:
            UserError: a loss is no longer a finite number.
        """
        self._resume()
        epochs, images = self.schedule.epochs, len(self.data.images)
        with tqdm(
            total=epochs * images,
            initial=self.progress.epoch * images,
            unit=" images",
            unit_scale=True,
            disable=None if self.group.leads else True,  # None: quiet unless on a terminal
        ) as bar:
            for epoch in range(self.progress.epoch + 1, epochs + 1):
                bar.set_description(f"{self.checkpoint.item}, epoch {epoch}/{epochs}")
                row = self._epoch(epoch, bar)
                self._record(epoch, row)
                self.checkpoint.save(self._state())
                if self.group.leads:
                    data = self.data
                    seen = data.validation_inputs, data.validation_targets
                    self.watch.look(self.progress.history, self.model, *seen)
                losses = {name: f"{v:.5g}" for name, v in row.items() if name.endswith("_loss")}
                bar.set_postfix(losses)
        return self.progress

    def _epoch(self, epoch: int, bar: tqdm) -> dict[str, float]:
        """Train and validate for one epoch: its row of the history."""
        row = {"epoch": epoch, "learning_rate": float(self.schedulers[0].get_last_lr()[0])}
        train_losses = self._train(epoch, bar)
        validation_losses = self._validate()
        row |= {f"train_{name}": value for name, value in train_losses.items()}
        row |= {f"validation_{name}": value for name, value in validation_losses.items()}
        return row

    def _train(self, epoch: int, bar: tqdm) -> dict[str, float]:
        """One pass over the images in a fresh order with fresh corruptions: the mean losses."""
        self.model.train()
        # What layers draw of their own accord, such as dropout, is no part of the state to resume.
        torch.manual_seed(library_seed(self.seed, f"layers, {epoch}, {self.group.rank}"))
        images = self.data.images
        # One generator draws all of the epoch's chance at once, so that its batches depend neither
        # on what came before nor on how they are shared out.
        chance = generator(self.seed, "epoch", epoch)
        order = torch.randperm(len(images), generator=chance).to(self.device)
        drawn = self.corruption.draw(len(images), chance)
        record = {name: values.to(self.device) for name, values in drawn.items()}
        noise = generator(self.seed, "noise", epoch, self.device)
        if self.data.binarise:
            drawn_seeds = draw_seeds(len(images), generator(self.seed, "black and white", epoch))
            seeds = drawn_seeds.to(self.device)
        sums = Sums()
        size = self.schedule.batch_size
        part = self.group.part
        batches = order.split(size)
        read = batches_of(images, map(part, batches))
        for chosen, originals, drawn in zip(batches, read, split(record, size), strict=True):
            whole = len(chosen)
            drawn_noise = part(self.model.draw_noise(whole, noise))
            if self.data.binarise:
                originals = black_and_white(originals, seeds[part(chosen)])
            own = {name: part(values) for name, values in drawn.items()}
            inputs = self.corruption.apply(originals, own)
            self.model.anneal(self.schedulers[0].last_epoch / self.steps)
            labels = self.labels[part(chosen)]
            sums.add(self.step(inputs, originals, drawn_noise, labels, whole), len(originals))
            for scheduler in self.schedulers:
                scheduler.step()
            bar.update(whole)
        return sums.means(self.group)

    @torch.inference_mode()
    def _validate(self) -> dict[str, float]:
        """The mean loss and its parts, and as "mse" the error of `reconstruct`."""
        self.model.eval()
        noise = generator(self.seed, "validation noise", device=self.device)
        sums = Sums()
        data = self.data
        whole = (data.validation_inputs, data.validation_targets, self.validation_labels)
        for inputs, targets, labels in zip(
            *(part.split(EVALUATION_BATCH) for part in whole), strict=True
        ):
            inputs, targets = to_float(inputs), to_float(targets)
            drawn = self.model.draw_noise(len(inputs), noise)
            parts = self.model.loss(inputs, targets, drawn, labels)
            parts["mse"] = (self.model.reconstruct(inputs) - targets).square().mean()
            sums.add(parts, len(inputs))
        return sums.means()

    def _record(self, epoch: int, row: dict[str, float]) -> None:
        for name, value in row.items():
            if not math.isfinite(value):
                raise UserError(
                    f"{name} is {value} in epoch {epoch}: the training diverged; try a smaller "
                    "learning rate in train.optimizer (the state after the epoch before is kept in "
                    f"{self.checkpoint.path})"
                )
        progress = self.progress
        progress.epoch = epoch
        progress.history.append(row)
        if row["validation_loss"] < progress.best_loss:
            progress.best_loss = row["validation_loss"]
            progress.best_weights = copy.deepcopy(self.model.state_dict())
        power_of_two = epoch.bit_count() == 1
        if power_of_two or epoch in {self.schedule.epochs, *self.schedule.snapshot_epochs}:
            progress.snapshots[epoch] = to_bytes(reconstruct(self.model, self.data.shown_inputs))

    def _state(self) -> dict[str, Any]:
        return {
            "progress": asdict(self.progress),
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedulers": [scheduler.state_dict() for scheduler in self.schedulers],
        }

    def _take_up(self, state: dict[str, Any]) -> None:
        self.progress = Progress(**state["progress"])
        self.model.load_state_dict(state["model"])
        for optimizer, found in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(found)
        for scheduler, found in zip(self.schedulers, state["schedulers"], strict=True):
            scheduler.load_state_dict(found)

    def _resume(self) -> None:
        state = self.group.share(self.checkpoint.load(), self.device)
        if state is None:
            return
        fresh = copy.deepcopy(self._state())
        try:
            self._take_up(state)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            self.checkpoint.reject(error)
            self._take_up(fresh)
        else:
            if not self.group.leads:
                return
            print(
                f"resuming after epoch {self.progress.epoch} of {self.schedule.epochs}", flush=True
            )
