"""Kuzushiji-MNIST (Clanuwat et al., 2018, arXiv:1812.01718)."""

from autoencoders.data.idx import IdxDataset

CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
DATASET = IdxDataset("kmnist", "KMNIST", CLASSES, (("ki", "ma"), ("su", "tsu", "na")))
