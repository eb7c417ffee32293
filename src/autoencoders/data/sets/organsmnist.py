"""Organs of the belly by computed tomography, seen from the side, of MedMNIST."""

from autoencoders.data.medmnist import ORGANS, ORGANS_ALIKE, MedMnist

DATASET = MedMnist("organsmnist", "e5c39f1af030238290b9557d9503af9d", ORGANS, 1, ORGANS_ALIKE)
