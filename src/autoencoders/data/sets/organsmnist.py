"""Organs of the belly by computed tomography, seen from the side, of MedMNIST."""

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
DATASET = MedMnist("organsmnist", "e5c39f1af030238290b9557d9503af9d", CLASSES, 1, BLENDS)
