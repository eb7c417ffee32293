"""Organs of the belly by computed tomography, seen from above, of MedMNIST."""

from autoencoders.data.medmnist import ORGANS, ORGANS_ALIKE, MedMnist

DATASET = MedMnist("organamnist", "866b832ed4eeba67bfb9edee1d5544e6", ORGANS, 1, ORGANS_ALIKE)
