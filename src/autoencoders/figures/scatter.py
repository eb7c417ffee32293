"""Codes as points of the plane."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from autoencoders.figures.style import MANY_COLOURS, STYLE, class_colour, drawable, save

LEGEND_ROWS = 20

MOST_IN_LEGEND = 60  # classes; of more a legend would be wider than what it explains


def scatter(
    path: Path,
    title: str,
    points: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    axis_names: Sequence[str],
) -> None:
    """Draw points (N, 2) coloured by class, with the class names in the legend.

    Without classes all points have one colour; of more than 60 classes a bar shows the colours.
    """
    size = np.clip(20_000 / len(points), 5, 30)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 5.6), layout="constrained")
        handles = []
        for label in range(max(1, len(classes))):
            colour = class_colour(label, len(classes))
            x, y = points[labels == label].T
            handles.append(axes.scatter(x, y, s=size, color=colour, alpha=0.6, linewidths=0))
        axes.set(title=title, xlabel=axis_names[0], ylabel=axis_names[1])
        axes.set_aspect("equal", adjustable="datalim")
        if len(classes) > MOST_IN_LEGEND:
            shades = ScalarMappable(Normalize(0, len(classes) - 1), MANY_COLOURS)
            figure.colorbar(shades, ax=axes, label="class, in the order of the names")
        elif classes:
            columns = -(-len(classes) // LEGEND_ROWS)
            legend = axes.legend(
                handles,
                [drawable(name) for name in classes],
                loc="center left",
                bbox_to_anchor=(1, 0.5),
                ncols=columns,
            )
            for handle in filter(None, legend.legend_handles):
                handle.set(sizes=[40], alpha=1)
        save(figure, path)
