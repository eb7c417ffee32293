"""Organs of the belly by computed tomography, seen from above, of MedMNIST."""

from autoencoders.data.medmnist import MedMnist

CLASSES = (
    "bladder",
    "femur-left",
    "femur-right",
    "heart",
    "kidney-left",
    "kidney-right",
    "liver",
    "lung-left",
    "lung-right",
    "pancreas",
    "spleen",
)
BLENDS = (("kidney-left", "kidney-right"), ("lung-left", "lung-right", "heart"))
DATASET = MedMnist("organamnist", "866b832ed4eeba67bfb9edee1d5544e6", CLASSES, 1, BLENDS)
