"""Marks of logarithmic axes."""

from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, NullLocator


def plain_decades(axis: Axis) -> None:
    """Mark 1, 2 and 5 of each decade by plain numbers: powers of ten would need parsed formulas."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())
