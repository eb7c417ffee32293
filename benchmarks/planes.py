"""Codes of two numbers beside others that were published, by the measures of Moor et al.

    python -m benchmarks.planes ae-none --codes TopoAE=TopoAE/latents.csv PCA=PCA/latents.csv

measures data/embeddings of items of this project (latent size 2), and codes of the same test images
in the form in which Moor et al., 2020 (Topological Autoencoders, arXiv:1906.00722) published
theirs, in data/visualizations of their repository: a CSV file with the columns 0, 1 and labels, a
line for each test image, in the order of the data set's file. All are compared with the same
images, so nothing hangs on numbers that somebody else computed. PCA of the training images stands
beside them: as the authors published its codes too, it shows whether the measures are the same.

    MSE           of what the codes are decoded to, images in [0, 1]; unknown of codes alone
    KL            of the densities of codes and images: a Gaussian kernel of 0.1 on distances that
                  are divided by the largest one (their KL_0.1); 0 where both are alike
    trustworthiness, continuity   of the 10 nearest neighbours, among 2,000 test images (Venna and
                  Kaski, 2001)
    kNN           the share of test images whose class most of the 10 nearest other ones have

Prints a row of a Markdown table for each.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist, squareform
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier

from autoencoders.errors import UserError
from autoencoders.io.arrays import CODES, IMAGES, LABELS, read_arrays
from autoencoders.trained import load_model

NEIGHBOURS, KERNEL, COMPARED = 10, 0.1, 2000


class Images:
    """What codes are compared with: pixels (N, D) in [0, 1], and classes (N,)."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        self.pixels, self.labels = pixels, labels
        self.density = density(pixels)
        self.few = np.random.default_rng(0).permutation(len(pixels))[:COMPARED]

    def measure(self, codes: np.ndarray) -> dict[str, float]:
        """Of codes (N, 2)."""
        pixels, few = self.pixels[self.few], codes[self.few]
        return {
            "KL": divergence(self.density, density(codes)),
            "trustworthiness": trustworthiness(pixels, few, n_neighbors=NEIGHBOURS),
            "continuity": trustworthiness(few, pixels, n_neighbors=NEIGHBOURS),
            "kNN": knn_accuracy(codes, self.labels),
        }


def density(points: np.ndarray) -> np.ndarray:
    """The share (N,) of each of N points (N, D) in a Gaussian density over them."""
    # float32 is enough, and 10,000 points have a hundred million distances.
    distances = squareform(pdist(points).astype(np.float32))
    distances /= distances.max()
    found = np.exp(-np.square(distances) / KERNEL).sum(axis=1, dtype=np.float64)
    return found / found.sum()


def divergence(wanted: np.ndarray, found: np.ndarray) -> float:
    """Kullback-Leibler, in nats, of two densities (N,)."""
    return float((wanted * np.log(wanted / found)).sum())


def knn_accuracy(codes: np.ndarray, labels: np.ndarray) -> float:
    """Each image is told by the others: it is not its own neighbour."""
    neighbours = KNeighborsClassifier(NEIGHBOURS).fit(codes, labels)
    # Without points to ask about, sklearn leaves each of its own out.
    nearest = neighbours.kneighbors(return_distance=False)
    votes = [np.bincount(labels[of_one]).argmax() for of_one in nearest]
    return float(np.mean(votes == labels))


def published_codes(path: Path, labels: np.ndarray) -> np.ndarray:
    """Codes (N, 2) of a CSV file whose labels are those of the test images here.

    Raises:
        UserError: it has other columns, or labels in another order: other images, then.
    """
    table = pd.read_csv(path)
    if list(table.columns) != ["0", "1", "labels"]:
        raise UserError(f"{path}: has columns {list(table.columns)}, expected 0, 1, labels")
    if not np.array_equal(table["labels"], labels):
        raise UserError(f"{path}: labels differ from those of data/processed/test.safetensors")
    return table[["0", "1"]].to_numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description="Codes of two numbers, beside published ones.")
    parser.add_argument("items", nargs="*", help="such as ae-none")
    parser.add_argument("--codes", nargs="+", default=[], metavar="NAME=FILE.csv")
    options = parser.parse_args()
    test = read_arrays(Path("data/processed/test.safetensors"), images=IMAGES, labels=LABELS)
    labels, pixels = test["labels"], test["images"].reshape(len(test["labels"]), -1) / 255
    every: dict[str, tuple[np.ndarray, float | None]] = {
        name: (published_codes(Path(file), labels), None)
        for name, file in map(named, options.codes)
    }
    every["PCA, here"] = by_pca(pixels)
    for item in options.items:
        path = Path(f"data/embeddings/{item}/test.safetensors")
        codes = read_arrays(path, mean=CODES)["mean"]
        decoded = load_model(f"models/{item}").decode(codes).flatten(1).numpy()
        every[item] = codes, float(np.square(decoded - pixels).mean())
    print("| codes | MSE | KL | trustworthiness | continuity | kNN |")
    print("|---|---|---|---|---|---|", flush=True)
    images = Images(pixels, labels)
    for name, (codes, error) in every.items():
        cells = [f"{value:.4f}" for value in images.measure(codes).values()]
        print(f"| {name} | {'' if error is None else f'{error:.4f}'} | {' | '.join(cells)} |")


def by_pca(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """The test images' codes (N, 2) by PCA of the training images, and their MSE."""
    path = Path("data/processed/train.safetensors")
    train = read_arrays(path, images=IMAGES)["images"]
    pca = PCA(2, random_state=0).fit(train.reshape(len(train), -1) / np.float32(255))
    codes = pca.transform(pixels)
    return codes, float(np.square(pca.inverse_transform(codes) - pixels).mean())


def named(argument: str) -> tuple[str, str]:
    name, _, file = argument.partition("=")
    return name, file


if __name__ == "__main__":
    main()
