"""The vector-quantised autoencoder."""

from collections.abc import Mapping

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from autoencoders import settings
from autoencoders.models.base import SQUARED_ERROR, Autoencoder
from autoencoders.nets.parallel import whole_batch

DEAD = 0.1
"""A code is dead that fewer numbers than this have been near to, on the moving average."""
SMALL = 1e-5
EMBEDDED, HIDDEN = 64, 128


class VectorQuantisedAutoencoder(Autoencoder):
    """The code is cut into cells, each replaced by the nearest of a codebook's vectors.

    van den Oord, Vinyals & Kavukcuoglu, 2017 (arXiv:1711.00937): the mean squared error, by a
    gradient that passes the quantisation straight through, and a commitment term, the mean squared
    distance of the encoder's numbers to their code's, weighted. Codes move to the moving average of
    what is near to them (appendix A.1), and a dead one starts again from a cell of the batch, which
    is also how they begin. As the encoder ends with a dense layer, a cell is not a place in the
    image but a group of numbers. The prior is autoregressive over the cells' codes, and trained
    beside: its loss "prior", in nats per image, reaches neither encoder nor decoder.
    """

    class Settings(settings.Settings):
        cells: int = Field(ge=1, le=4096, description="groups of the code, which divide latent_dim")
        codes: int = Field(ge=2, le=65_536, description="vectors in the codebook")
        commitment: float = Field(ge=0, description="weight of the distance to the nearest code")
        decay: float = Field(
            ge=0, lt=1, description="of the moving averages that codes follow, for each step"
        )

    codebook: Tensor
    usage: Tensor
    sums: Tensor
    loss_unit = SQUARED_ERROR
    prior = "autoregressive"
    own_losses: tuple[str, ...] = (*Autoencoder.own_losses, "prior")

    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        cells: int,
        codes: int,
        commitment: float,
        decay: float,
        **settings,
    ) -> None:
        super().__init__(image_shape, **settings)
        if self.latent_dim % cells:
            raise ValueError(
                f"cells is {cells}, expected a divisor of latent_dim, {self.latent_dim}"
            )
        self.cells = cells
        self.commitment = commitment
        self.decay = decay
        size = self.latent_dim // cells
        self.register_buffer("codebook", torch.zeros(codes, size))
        self.register_buffer("usage", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, size))
        self.next_code = NextCode(cells, codes)

    def _encode(self, images: Tensor) -> dict[str, Tensor]:
        """The quantised code as "mean", and the numbers of its codes as "indices" (N, cells)."""
        indices = self._nearest(self._cut(self.encoder(images).float()))
        return {"mean": self.codebook[indices].flatten(1), "indices": indices}

    def draw_noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Uniform numbers (count, cells), by which dead codes choose where to start again."""
        return torch.rand(count, self.cells, generator=generator, device=generator.device)

    def _loss(self, inputs: Tensor, targets: Tensor, noise: Tensor) -> dict[str, Tensor]:
        cells = self._cut(self.encoder(inputs).float())
        if self.training:
            self._restart(cells.detach(), noise)
        indices = self._nearest(cells)
        quantised = self.codebook[indices]
        distance = functional.mse_loss(cells, quantised)
        through = cells + (quantised - cells).detach()
        squared_error = functional.mse_loss(
            torch.sigmoid(self.decoder(through.flatten(1)).float()), targets
        )
        if self.training:
            self._follow(cells.detach(), indices)
        return {
            "loss": squared_error + self.commitment * distance,
            "squared_error": squared_error,
            "distance": distance,
            "prior": self.next_code.negative_log_likelihood(indices),
        }

    def logits(self, codes: Tensor) -> Tensor:
        """Of codes (N, L) between those of the codebook those of the nearest."""
        indices = self._nearest(self._cut(codes))
        return super().logits(self.codebook[indices].flatten(1))

    def sample_prior(self, count: int, generator: torch.Generator) -> Tensor:
        return self.codebook[self.next_code.sample(count, generator)].flatten(1)

    def code_measures(self, codes: Mapping[str, np.ndarray]) -> dict[str, float]:
        """The share of the codebook in use, and its perplexity: the number of codes that, each used
        as often as the others, would leave as much open.
        """
        counts = np.bincount(codes["indices"].ravel(), minlength=len(self.codebook))
        shares = counts[counts > 0] / counts.sum()
        return {
            "codebook_usage": float((counts > 0).mean()),
            "perplexity": float(np.exp(-(shares * np.log(shares)).sum())),
        }

    def _cut(self, codes: Tensor) -> Tensor:
        """(N, L) to (N, cells, numbers in a cell)."""
        return codes.unflatten(1, (self.cells, -1))

    def _nearest(self, cells: Tensor) -> Tensor:
        """The number of the code that is nearest to each cell: (N, cells)."""
        # |x - c|^2 without |x|^2, which is the same for all codes.
        apart = self.codebook.square().sum(dim=1) - 2 * cells @ self.codebook.T
        return apart.argmin(dim=2)

    @torch.no_grad()
    def _restart(self, cells: Tensor, noise: Tensor) -> None:
        """Put dead codes where cells of the batch are, chosen by the largest of the noise."""
        whole, drawn = (whole_batch(part).flatten(0, 1) for part in (cells, noise.unsqueeze(2)))
        order = drawn.squeeze(1).argsort(descending=True)
        chosen = whole[order[torch.arange(len(self.codebook), device=order.device) % len(order)]]
        dead = (self.usage < DEAD).unsqueeze(1)
        self.codebook.copy_(torch.where(dead, chosen, self.codebook))
        self.sums.copy_(torch.where(dead, chosen, self.sums))
        self.usage.copy_(torch.where(dead.squeeze(1), 1.0, self.usage))

    @torch.no_grad()
    def _follow(self, cells: Tensor, indices: Tensor) -> None:
        """Move codes to the moving average of the cells that are nearest to them."""
        whole, near = whole_batch(cells).flatten(0, 1), whole_batch(indices).flatten()
        counts = torch.zeros_like(self.usage).index_add_(
            0, near, torch.ones_like(near, dtype=whole.dtype)
        )
        sums = torch.zeros_like(self.sums).index_add_(0, near, whole)
        self.usage.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        self.codebook.copy_(self.sums / (self.usage.unsqueeze(1) + SMALL))


class NextCode(nn.Module):
    """What the next cell's code may be, given those before it: a small recurrent network."""

    def __init__(self, cells: int, codes: int) -> None:
        super().__init__()
        self.cells = cells
        self.start = codes
        self.embed = nn.Embedding(codes + 1, EMBEDDED)
        self.place = nn.Parameter(torch.zeros(cells, EMBEDDED))
        self.remember = nn.GRU(EMBEDDED, HIDDEN, batch_first=True)
        self.to_codes = nn.Linear(HIDDEN, codes)

    def negative_log_likelihood(self, indices: Tensor) -> Tensor:
        """Of the codes (N, cells), in nats per image."""
        before = functional.pad(indices[:, :-1], (1, 0), value=self.start)
        remembered, _ = self.remember(self.embed(before) + self.place)
        logits = self.to_codes(remembered).float()
        return functional.cross_entropy(logits.flatten(0, 1), indices.flatten()) * self.cells

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw codes (count, cells), cell by cell, on the generator's device."""
        drawn = torch.full((count, 1), self.start, device=generator.device)
        state = None
        for place in self.place:
            remembered, state = self.remember(self.embed(drawn[:, -1:]) + place, state)
            shares = self.to_codes(remembered[:, 0]).float().softmax(dim=1)
            following = torch.multinomial(shares, 1, generator=generator)
            drawn = torch.cat([drawn, following], dim=1)
        return drawn[:, 1:]


PART = VectorQuantisedAutoencoder
