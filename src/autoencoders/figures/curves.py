"""Curves over a training's epochs, and over ways between classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from autoencoders.figures.style import COLOURS, STYLE, class_colour, drawable, save
from autoencoders.figures.ticks import plain_log_ticks

SHOWN_SHARE = 0.1  # a class that never gets so probable is not drawn

LOG_SCALE_FROM = 4  # curves whose values differ by this factor would be flat for most epochs


def loss_curves(path: Path, title: str, history: Mapping[str, Sequence[float]], unit: str) -> None:
    """Draw the curves of each loss of a training, on training and on validation images.

    `unit` is that of the model's loss and its parts; an aligner's is a mean squared error.
    """
    losses = [name.removeprefix("train_") for name in history if name.startswith("train_")]
    units = dict.fromkeys(losses, unit) | dict.fromkeys(
        {"alignment"} & set(losses), "mean squared error"
    )
    size = (1.2 + 3.9 * len(units), 3.6)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            1, len(units), figsize=size, layout="constrained", squeeze=False
        )
        for axes, (name, unit) in zip(panels[0], units.items(), strict=True):
            for split, colour in zip(("train", "validation"), COLOURS, strict=False):
                axes.plot(
                    "epoch", f"{split}_{name}", data=history, color=colour, label=split, marker="."
                )
            axes.set(title=f"{title}: {name}", xlabel="epoch", ylabel=unit)
            axes.xaxis.get_major_locator().set_params(integer=True)
            values = np.array([history[f"train_{name}"], history[f"validation_{name}"]])
            if values.min() > 0 and values.max() > LOG_SCALE_FROM * values.min():
                axes.set_yscale("log")
                plain_log_ticks(axes.yaxis)
        panels[0, 0].legend()
        save(figure, path)


def class_shares(
    path: Path, title: str, shares: dict[str, np.ndarray], classes: Sequence[str]
) -> None:
    """Draw the classes' probabilities (S, K) along each named way, a panel for each.

    The legend names the classes that matter on any of them.
    """
    columns = min(len(shares), 3)
    rows = -(-len(shares) // columns)
    size = (1.8 + 3.6 * columns, 0.6 + 2.8 * rows)
    highest = np.max([share.max(axis=0) for share in shares.values()], axis=0)
    named = [label for label in range(len(classes)) if highest[label] >= SHOWN_SHARE]
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(
            rows, columns, figsize=size, layout="constrained", squeeze=False, sharey=True
        )
        for axes, (name, share) in zip(panels.flat, shares.items(), strict=False):
            way = np.linspace(0, 1, len(share))
            lines = [
                axes.plot(way, share[:, label], color=class_colour(label, len(classes)))[0]
                for label in named
            ]
            axes.set(title=drawable(name), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1))
            axes.set_xticklabels(["0 %", "50 %", "100 %"])
        for axes in panels.flat[len(shares) :]:
            axes.axis("off")
        for axes in panels[:, 0]:
            axes.set_ylabel("probability")
        names = [drawable(classes[label]) for label in named]
        figure.legend(lines, names, loc="outside right center")
        figure.suptitle(title, weight="bold")
        save(figure, path)
