"""Muon for the first and the last layer too."""

from collections.abc import Iterable

from torch import nn

from autoencoders.models.base import Autoencoder
from autoencoders.training.optimizers.muon import Muon, matrices


class MuonAll(Muon):
    """As `muon`, the layers that read and write pixels included: for dense networks, in which these
    are the largest matrices.

    Jordan et al., 2024 (https://kellerjordan.github.io/posts/muon), leave them to Adam.
    """

    def chosen(self, model: Autoencoder) -> Iterable[nn.Parameter]:
        return matrices(model)


PART = MuonAll
