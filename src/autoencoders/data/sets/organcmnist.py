"""Organs of the belly by computed tomography, seen from the front, of MedMNIST."""

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
DATASET = MedMnist("organcmnist", "0afa5834fb105f7705a7d93372119a21", CLASSES, 1, BLENDS)
