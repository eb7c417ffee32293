"""Organs of the belly by computed tomography, seen from the front, of MedMNIST."""

from autoencoders.data.medmnist import ORGANS, ORGANS_ALIKE, MedMnist

DATASET = MedMnist("organcmnist", "0afa5834fb105f7705a7d93372119a21", ORGANS, 1, ORGANS_ALIKE)
