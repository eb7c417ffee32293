"""Blood cells under the microscope, of MedMNIST."""

from autoencoders.data.medmnist import MedMnist

CLASSES = (
    "basophil",
    "eosinophil",
    "erythroblast",
    "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)",
    "lymphocyte",
    "monocyte",
    "neutrophil",
    "platelet",
)
BLENDS = (("lymphocyte", "monocyte"), ("basophil", "eosinophil", "neutrophil"))
DATASET = MedMnist("bloodmnist", "7053d0359d879ad8a5505303e11de1dc", CLASSES, 3, BLENDS)
