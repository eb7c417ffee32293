"""Pigmented skin lesions, of MedMNIST."""

from autoencoders.data.medmnist import MedMnist

CLASSES = (
    "actinic keratoses and intraepithelial carcinoma",
    "basal cell carcinoma",
    "benign keratosis-like lesions",
    "dermatofibroma",
    "melanoma",
    "melanocytic nevi",
    "vascular lesions",
)
BLENDS = (("melanoma", "melanocytic nevi"),)
DATASET = MedMnist("dermamnist", "0744692d530f8e62ec473284d019b0c7", CLASSES, 3, BLENDS)
