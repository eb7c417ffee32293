"""MNIST (LeCun, Cortes & Burges, 1998)."""

from autoencoders.data.idx import IdxDataset

DATASET = IdxDataset("mnist", "MNIST", tuple("0123456789"), (("3", "8"), ("4", "7", "9")))
