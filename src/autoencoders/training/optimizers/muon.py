"""Muon: steps along the momentum with all its directions made equally long."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from autoencoders.models.base import Autoencoder
from autoencoders.training.optimizer import Optimizer

MATRICES = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.MultiheadAttention)
"""Layers whose weights are linear maps: of others, such as embeddings, rows are apart."""
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 3
BLOCK = 128
"""Rows that are made orthogonal together: the arithmetic grows with the square of their number, and
the two heads of a VAE's encoder, 256 rows, train as well in two halves as in one piece."""
SMALL = 1e-7


class Muon(Optimizer):
    """The momentum of each weight matrix, made orthogonal, is its step (Jordan et al., 2024).

    https://kellerjordan.github.io/posts/muon. All other parameters, and the layers that read and
    write pixels, follow Adam.
    """

    learning_rate: float = Field(gt=0, le=1, description="the peak of the schedule, for matrices")
    momentum: float = Field(ge=0, lt=1, description="of the mean gradient of matrices, by Nesterov")
    weight_decay: float = Field(
        ge=0, le=10, description="how much of a matrix each step takes away, in learning rates"
    )
    adam_learning_rate: float = Field(
        gt=0, le=1, description="the peak of the schedule, for all other parameters"
    )

    def build(self, model: Autoencoder) -> list[torch.optim.Optimizer]:
        chosen = list(self.chosen(model))
        known = set(map(id, chosen))
        others = [p for p in model.parameters() if id(p) not in known]
        adam = torch.optim.Adam(others, lr=self.adam_learning_rate, fused=True)
        if not chosen:
            return [adam]
        steps = Orthogonal(chosen, self.learning_rate, self.momentum, self.weight_decay)
        return [steps, adam]

    def chosen(self, model: Autoencoder) -> Iterable[nn.Parameter]:
        """The weights that take orthogonal steps."""
        return hidden_matrices(model)


def hidden_matrices(model: Autoencoder) -> Iterator[nn.Parameter]:
    """The weights of a model's linear maps, but for its first and its last one."""
    ends = {id(matrices(model.encoder)[0]), id(matrices(model.decoder)[-1])}
    yield from (weights for weights in matrices(model) if id(weights) not in ends)


def matrices(network: nn.Module) -> list[nn.Parameter]:
    """The weights of all linear maps in it, in their order."""
    layers = [layer for layer in network.modules() if isinstance(layer, MATRICES)]
    return [p for layer in layers for p in layer.parameters(recurse=False) if p.dim() > 1]


class Orthogonal(torch.optim.Optimizer):
    """Muon's steps for weights (rows, ...), each taken as a matrix of so many rows.

    torch.optim.Muon takes matrices alone, and rounds to bfloat16 on the way, which CPUs are slow
    at. This one is in float32, and iterates on the smaller of the two products of the matrix with
    its transpose, a third of the arithmetic.
    """

    def __init__(
        self, weights: Iterable[nn.Parameter], lr: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    self._move(weights, weights.grad, group)

    def _move(self, weights: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        state, rate = self.state[weights], group["lr"]
        if not state:
            state["mean"] = torch.zeros_like(weights)
        mean = state["mean"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(mean, group["momentum"]).flatten(1)
        rows, columns = ahead.shape
        length = math.sqrt(max(1.0, rows / columns))
        weights.mul_(1 - rate * group["weight_decay"])
        step = orthogonal(ahead).reshape(weights.shape)
        if isinstance(rate, Tensor):  # of a captured step, which must not ask the device for it
            weights.sub_(rate * length * step)
        else:
            weights.add_(step, alpha=-rate * length)


def orthogonal(matrix: Tensor) -> Tensor:
    """About U V^T of a matrix U S V^T (rows, columns): singular values of 0.7 to 1.2.

    Those that are less than a fiftieth of the matrix's norm |S| stay smaller. Of a matrix with more
    than `BLOCK` rows and columns, blocks of so many are taken each by itself, along the shorter
    side.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if tall else matrix
    found = torch.cat([_newton_schulz(block) for block in wide.split(BLOCK)])
    return found.T if tall else found


def _newton_schulz(wide: Tensor) -> Tensor:
    """The same of one block, with no more rows than columns.

    Jordan's quintic, X -> a X + b (X X^T) X + c (X X^T)^2 X, from X = U S V^T / |S|, three times
    instead of his five. All are polynomials of the Gram matrix G = X X^T times X, so that G alone
    is iterated on.
    """
    wide = wide / (wide.norm() + SMALL)
    gram = wide @ wide.T
    product = factor = _quintic(gram)
    for _ in range(ITERATIONS - 1):
        gram = factor @ gram @ factor
        factor = _quintic(gram)
        product = factor @ product
    return product @ wide


def _quintic(gram: Tensor) -> Tensor:
    """a + b G + c G^2, by which an iteration multiplies what it iterates on."""
    first, second, third = COEFFICIENTS
    factor = torch.addmm(gram, gram, gram, beta=second, alpha=third)
    factor.diagonal().add_(first)
    return factor


PART = Muon
