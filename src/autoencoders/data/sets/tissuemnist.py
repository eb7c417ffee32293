"""Cells of the kidney's cortex under the microscope, of MedMNIST."""

from autoencoders.data.medmnist import MedMnist

CLASSES = (
    "Collecting Duct, Connecting Tubule",
    "Distal Convoluted Tubule",
    "Glomerular endothelial cells",
    "Interstitial endothelial cells",
    "Leukocytes",
    "Podocytes",
    "Proximal Tubule Segments",
    "Thick Ascending Limb",
)
BLENDS = (("Leukocytes", "Podocytes"),)
DATASET = MedMnist("tissuemnist", "ebe78ee8b05294063de985d821c1c34b", CLASSES, 1, BLENDS)
