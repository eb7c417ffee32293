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
from autoencoders.io.streams import subsample

MOST_FITTED, MOST_TESTED = 60_000, 10_000
NEIGHBOURS = 10
PROBE_ITERATIONS = 200
CLUSTERINGS = 4  # starts of k-means, of which the tightest counts
COMPARED = 2000  # images whose distances to each other are all computed


def latent_measures(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    images: np.ndarray,
    classes: int,
    seed: int,
) -> dict[str, float | None]:
    """`neighbourhood_measures`, and of more than one class `class_measures`.

    `train` and `test` are codes (N, L) and labels (N,), `images` (N, ...) those of the test codes.
    """
    measured = neighbourhood_measures(images, test[0], seed)
    return measured | (class_measures(*train, *test, seed) if classes > 1 else {})


def class_measures(
    train: np.ndarray,
    train_labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    seed: int,
) -> dict[str, float | None]:
    """What codes tell of the classes, each at most 1.

    The accuracies are those of classifiers fitted to training codes, on test codes, at most a
    sample of 60,000 and 10,000: "knn_accuracy" of the 10 nearest neighbours, "probe_accuracy" of
    a logistic regression on standardised codes (at most 200 steps of L-BFGS). "nmi" and "ari"
    compare the clusters of k-means, as many as there are classes, with the classes (Vinh et al.,
    2010; Hubert & Arabie, 1985). "silhouette" is that of the classes (Rousseeuw, 1987), over a
    sample of 2,000, and None where no class has two images in it.
    """
    fitted = subsample(len(train), MOST_FITTED, seed)
    train, train_labels = train[fitted], train_labels[fitted]
    tested = subsample(len(test), MOST_TESTED, seed)
    test, test_labels = test[tested], test_labels[tested]
    neighbours = KNeighborsClassifier(min(NEIGHBOURS, len(train))).fit(train, train_labels)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=PROBE_ITERATIONS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(train, train_labels)
    classes = len(np.unique(test_labels))
    # With several threads sums are taken in an order that differs between runs.
    with threadpool_limits(1), warnings.catch_warnings():
        # With many equal codes there may be fewer clusters than classes.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = KMeans(classes, n_init=CLUSTERINGS, random_state=seed).fit_predict(test)
    chosen = subsample(len(test), COMPARED, seed)
    return {
        "knn_accuracy": neighbours.score(test, test_labels),
        "probe_accuracy": probe.score(test, test_labels),
        "nmi": normalized_mutual_info_score(test_labels, clusters),
        "ari": adjusted_rand_score(test_labels, clusters),
        "silhouette": _silhouette(test[chosen], test_labels[chosen]),
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
    chosen = subsample(len(codes), COMPARED, seed)
    neighbours = min(NEIGHBOURS, (len(chosen) - 1) // 2)
    if neighbours < 1:
        left_out("trustworthiness", f"it needs at least 3 test images, found {len(chosen)}")
        return {"trustworthiness": None}
    images = pixels[chosen].reshape(len(chosen), -1) / 255
    return {"trustworthiness": trustworthiness(images, codes[chosen], n_neighbors=neighbours)}
