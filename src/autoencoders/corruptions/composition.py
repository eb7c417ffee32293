"""Several corruptions, one after the other."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autoencoders.corruptions.base import Corruption, Permutation, Record, permute_pixels


class Composition(Corruption):
    """Corruptions in order, the records of each kept.

    What the second of two parts records under the name of the first stands under NAME_2, and so on.
    Where permutations follow each other, their tables are composed and pixels move once.
    """

    def __init__(self, parts: Sequence[Corruption]) -> None:
        super().__init__(parts[0].height, parts[0].width, parts[0].device)
        self.parts = parts
        self.names = _numbered(part.draw(1, torch.Generator()) for part in parts)

    def draw(self, count: int, generator: torch.Generator) -> Record:
        return _merged([part.draw(count, generator) for part in self.parts])

    def apply(self, images: Tensor, record: Record) -> Tensor:
        table: Tensor | None = None
        for part, own in zip(self.parts, self._own(record), strict=True):
            if isinstance(part, Permutation):
                following = part.table(own)
                table = following if table is None else table.gather(1, following)
            else:
                images = images if table is None else permute_pixels(images, table)
                images, table = part.apply(images, own), None
        return images if table is None else permute_pixels(images, table)

    def captions(self, record: Mapping[str, np.ndarray]) -> list[str]:
        pairs = zip(self.parts, self._own(record), strict=True)
        said = [words for part, own in pairs if (words := part.captions(own))]
        return ["\n".join(words) for words in zip(*said, strict=True)]

    def groups(self, record: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        pairs = zip(self.parts, self._own(record), strict=True)
        return _merged([part.groups(own) for part, own in pairs])

    def measures(self, restored: Tensor, originals: Tensor, record: Record) -> dict[str, Tensor]:
        pairs = zip(self.parts, self._own(record), strict=True)
        return _merged([part.measures(restored, originals, own) for part, own in pairs])

    def aligner(self, channels: int) -> nn.Module | None:
        """What undoes the parts, the last one first."""
        found = [part.aligner(channels) for part in reversed(self.parts)]
        known = [aligner for aligner in found if aligner is not None]
        return nn.Sequential(*known) if known else None

    def _own(self, record: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The records of the parts."""
        return [{name: record[kept] for name, kept in names.items()} for names in self.names]


def _numbered(parts: Iterable[Iterable[str]]) -> list[dict[str, str]]:
    """For each part its names, as they are told apart from those of parts before it."""
    seen: Counter[str] = Counter()
    found = []
    for names in parts:
        own = list(names)
        seen.update(own)
        found.append({name: name if seen[name] == 1 else f"{name}_{seen[name]}" for name in own})
    return found


def _merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        kept: values[name]
        for values, names in zip(parts, _numbered(parts), strict=True)
        for name, kept in names.items()
    }
