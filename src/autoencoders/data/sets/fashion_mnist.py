"""Fashion-MNIST (Xiao, Rasul & Vollgraf, 2017, arXiv:1708.07747)."""

from autoencoders.data.idx import IdxDataset

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
BLENDS = (("T-shirt/top", "Bag"), ("Sandal", "Sneaker", "Ankle boot"))
DATASET = IdxDataset("fashion_mnist", "FashionMNIST", CLASSES, BLENDS)
