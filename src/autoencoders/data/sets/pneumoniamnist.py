"""Chests of children by X-ray, of MedMNIST."""

from autoencoders.data.medmnist import MedMnist

CLASSES = ("normal", "pneumonia")
BLENDS = (("normal", "pneumonia"),)
DATASET = MedMnist("pneumoniamnist", "28209eda62fecd6e6a2d98b1501bb15f", CLASSES, 1, BLENDS)
