"""Retinas, by the grade of their retinopathy, of MedMNIST."""

from autoencoders.data.medmnist import MedMnist

CLASSES = tuple("01234")
BLENDS = (("0", "4"),)
DATASET = MedMnist("retinamnist", "bd4c0672f1bba3e3a89f0e4e876791e4", CLASSES, 3, BLENDS)
