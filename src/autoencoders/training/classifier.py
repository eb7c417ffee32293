"""How the classifier of classifier.py is trained."""

import copy
import math

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from autoencoders.errors import UserError
from autoencoders.io.streams import generator
from autoencoders.io.tensors import to_float
from autoencoders.nets.classifier import Classifier, accuracy
from autoencoders.training.schedule import learning_rate_factor

SMOOTHING = 0.1
WARMUP = 0.1
WEIGHT_DECAY = 0.05


def fit_classifier(
    model: Classifier,
    training: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Train on uint8 images and their labels, and leave the weights of the best validation epoch.

    AdamW (Loshchilov & Hutter, 2019) with a linear warm-up and a cosine to zero, and smoothed
    labels (Szegedy et al., 2016).
    """
    images, labels = training
    steps = epochs * math.ceil(len(images) / batch_size)
    optimizer = torch.optim.AdamW(
        model.parameters(), learning_rate, weight_decay=WEIGHT_DECAY, fused=True
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, steps, WARMUP)
    )
    best, weights = -1.0, {}
    with tqdm(total=epochs * len(images), unit=" images", unit_scale=True, disable=None) as bar:
        for epoch in range(1, epochs + 1):
            model.train()
            chance = generator(seed, "classifier", epoch)
            order = torch.randperm(len(images), generator=chance).to(images.device)
            for chosen in order.split(batch_size):
                if len(chosen) == 1:  # which batch normalisation cannot take
                    continue
                loss = functional.cross_entropy(
                    model(to_float(images[chosen])), labels[chosen], label_smoothing=SMOOTHING
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                bar.update(len(chosen))
            found = accuracy(model, *validation)
            bar.set_postfix(loss=f"{loss.item():.4g}", validation_accuracy=f"{found:.4f}")
            if not math.isfinite(loss.item()):
                raise UserError("the classifier diverged; try a smaller classifier.learning_rate")
            if found > best:
                best, weights = found, copy.deepcopy(model.state_dict())
    model.load_state_dict(weights)
