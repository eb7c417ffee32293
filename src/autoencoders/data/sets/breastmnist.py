"""Breasts by ultrasound, of MedMNIST."""

from autoencoders.data.medmnist import MedMnist

CLASSES = ("malignant", "normal, benign")
BLENDS = (("malignant", "normal, benign"),)
DATASET = MedMnist("breastmnist", "750601b1f35ba3300ea97c75c52ff8f6", CLASSES, 1, BLENDS)
