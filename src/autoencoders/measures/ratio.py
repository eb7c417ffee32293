"""Numbers that JSON can hold."""


def ratio(part: float, whole: float) -> float | None:
    """`part` over `whole`; None where `whole` is 0, as JSON has neither infinity nor NaN."""
    return part / whole if whole else None
