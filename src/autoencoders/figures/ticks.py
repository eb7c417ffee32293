"""Ticks of logarithmic axes, written as plain numbers: figures do not parse formulas."""

from collections.abc import Sequence

from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

FEWEST = 2
"""Ticks without which an axis tells nothing."""


class PlainLogLocator(LogLocator):
    """1, 2 and 5 of each decade, or evenly spaced values where the view holds fewer than two."""

    def __init__(self) -> None:
        super().__init__(subs=(1, 2, 5))

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        low, high = sorted((vmin, vmax))
        ticks = super().tick_values(vmin, vmax)
        if sum(low <= tick <= high for tick in ticks) >= FEWEST:
            return ticks
        return MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)


def plain_log_ticks(axis: Axis) -> None:
    """Have plain numbers on a logarithmic axis, and no minor ticks."""
    axis.set_major_locator(PlainLogLocator())
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())
