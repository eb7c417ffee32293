"""Retinas by optical coherence tomography, of MedMNIST."""

from autoencoders.data.medmnist import MedMnist

CLASSES = ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal")
BLENDS = (("drusen", "normal"),)
DATASET = MedMnist("octmnist", "c68d92d5b585d8d81f7112f81e2d0842", CLASSES, 1, BLENDS)
