"""The data sets by name."""

from pathlib import Path

from autoencoders.data.base import Dataset, Published
from autoencoders.data.cifar import Cifar10
from autoencoders.data.digits import Digits
from autoencoders.data.folder import Folder
from autoencoders.data.idx import IdxDataset

FASHION_CLASSES = (
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

KMNIST_CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

PUBLISHED: dict[str, Published] = {
    "fashion_mnist": IdxDataset("fashion_mnist", "FashionMNIST", FASHION_CLASSES),
    "mnist": IdxDataset("mnist", "MNIST", tuple("0123456789")),
    "kmnist": IdxDataset("kmnist", "KMNIST", KMNIST_CLASSES),
    "cifar10": Cifar10(),
    "digits": Digits(),
}
"""The data sets whose classes and image shape are known beforehand."""

OWN = "folder"
"""The name of the data set that is a folder of the user's images."""

NAMES = (*PUBLISHED, OWN)


def build_dataset(name: str, path: str, size: int, skip_damaged: bool) -> Dataset:
    """The data set of that name; the other settings are those of the user's own images."""
    return Folder(Path(path), size, skip_damaged) if name == OWN else PUBLISHED[name]
