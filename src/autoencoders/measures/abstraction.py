"""Abstraction: how much of the images' classes and neighbourhoods their codes keep.

Every measure takes codes (N, L); raw pixels or principal components can stand in for them.
"""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from autoencoders.errors import left_out
from autoencoders.io.streams import library_seed, subsample

MOST_FITTED, MOST_TESTED = 60_000, 10_000
NEIGHBOURS = 10
PROBE_ITERATIONS = 200
CLUSTERINGS = 4  # starts of k-means, of which the tightest counts
COMPARED = 2000  # images whose distances to each other are all computed


class Probes:
    """What tells classes apart by codes: the 10 nearest neighbours, and a logistic regression."""

    def __init__(self, codes: np.ndarray, labels: np.ndarray, seed: int) -> None:
        """Fit both to training codes (N, L) and labels (N,), at most to a sample of 60,000.

        The regression is that of standardised codes, after at most 200 steps of L-BFGS.
        """
        self.seed = seed
        fitted = subsample(len(codes), MOST_FITTED, seed, "fitted codes")
        codes, labels = codes[fitted], labels[fitted]
        self.neighbours = KNeighborsClassifier(min(NEIGHBOURS, len(codes))).fit(codes, labels)
        self.probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=PROBE_ITERATIONS))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.probe.fit(codes, labels)

    def accuracies(self, codes: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """ "knn_accuracy" and "probe_accuracy" on other codes, at most on a sample of 10,000."""
        tested = subsample(len(codes), MOST_TESTED, self.seed, "tested codes")
        codes, labels = codes[tested], labels[tested]
        return {
            "knn_accuracy": self.neighbours.score(codes, labels),
            "probe_accuracy": self.probe.score(codes, labels),
        }


def class_measures(
    probes: Probes, codes: np.ndarray, labels: np.ndarray, seed: int
) -> dict[str, float | None]:
    """What codes (N, L) tell of the classes, of labels (N,), each at most 1.

    The accuracies of the probes; "nmi" and "ari" compare the clusters of k-means, as many as there
    are classes, with the classes (Vinh et al., 2010; Hubert & Arabie, 1985), over a sample of
    10,000; "silhouette" is that of the classes (Rousseeuw, 1987), over a sample of 2,000, and None
    where no class has two images in it.
    """
    accuracies = probes.accuracies(codes, labels)
    tested = subsample(len(codes), MOST_TESTED, seed, "tested codes")
    codes, labels = codes[tested], labels[tested]
    start = library_seed(seed, "k-means")
    # With several threads sums are taken in an order that differs between runs.
    with threadpool_limits(1), warnings.catch_warnings():
        # With many equal codes there may be fewer clusters than classes.
        warnings.simplefilter("ignore", ConvergenceWarning)
        k_means = KMeans(len(np.unique(labels)), n_init=CLUSTERINGS, random_state=start)
        clusters = k_means.fit_predict(codes)
    chosen = subsample(len(codes), COMPARED, seed, "silhouette")
    return {
        **accuracies,
        "nmi": normalized_mutual_info_score(labels, clusters),
        "ari": adjusted_rand_score(labels, clusters),
        "silhouette": _silhouette(codes[chosen], labels[chosen]),
    }


def _silhouette(codes: np.ndarray, labels: np.ndarray) -> float | None:
    found = len(np.unique(labels))
    if not 2 <= found < len(labels):
        left_out(
            "silhouette", f"{len(labels)} test images of {found} classes are too few to compare"
        )
        return None
    return float(silhouette_score(codes, labels))


def neighbourhood_measures(
    pixels: np.ndarray, codes: np.ndarray, seed: int
) -> dict[str, float | None]:
    """Whether neighbours in the space of codes (N, L) are neighbours as images, of (N, ...).

    "trustworthiness" is at most 1, which it is where the 10 nearest codes are those of the 10
    nearest images (Venna & Kaski, 2001), over a sample of 2,000. Of 20 images and fewer as many
    neighbours count as less than half of them are; of fewer than 3 it is None.
    """
    chosen = subsample(len(codes), COMPARED, seed, "trustworthiness")
    neighbours = min(NEIGHBOURS, (len(chosen) - 1) // 2)
    if neighbours < 1:
        left_out("trustworthiness", f"it needs at least 3 test images, found {len(chosen)}")
        return {"trustworthiness": None}
    images = pixels[chosen].reshape(len(chosen), -1) / 255
    return {"trustworthiness": trustworthiness(images, codes[chosen], n_neighbors=neighbours)}
