"""The learning rate's way through a training."""

import math


def learning_rate_factor(step: int, steps: int, warmup_fraction: float) -> float:
    """A linear warm-up to 1, then a cosine to 0 at `steps` (Loshchilov & Hutter, 2017)."""
    warmup = max(1, round(warmup_fraction * steps))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
