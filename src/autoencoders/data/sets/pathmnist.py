"""Colorectal tissue under the microscope, of MedMNIST."""

from autoencoders.data.medmnist import MedMnist

CLASSES = (
    "adipose",
    "background",
    "debris",
    "lymphocytes",
    "mucus",
    "smooth muscle",
    "normal colon mucosa",
    "cancer-associated stroma",
    "colorectal adenocarcinoma epithelium",
)
BLENDS = (("lymphocytes", "debris"), ("smooth muscle", "cancer-associated stroma", "mucus"))
DATASET = MedMnist("pathmnist", "a8b06965200029087d5bd730944a56c1", CLASSES, 3, BLENDS)
