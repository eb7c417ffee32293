"""Draw the latent space: PCA, t-SNE, and the distances between the classes' means."""

from pathlib import Path

from autoencoders.figures.heatmaps import distance_heatmap
from autoencoders.figures.scatter import scatter
from autoencoders.io.arrays import CODES, LABELS, read_arrays, write_arrays
from autoencoders.io.files import read_json, whole_folder
from autoencoders.io.streams import subsample
from autoencoders.measures.projections import project_pca, project_tsne
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage
from autoencoders.sampling.classes import class_means, distances


def plot_latent(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    classes = read_json(Path("data/processed/dataset.json"), "classes")["classes"]
    embeddings = Path(f"data/embeddings/{item}/validation.safetensors")
    arrays = read_arrays(embeddings, mean=CODES, labels=LABELS)
    codes, labels = arrays["mean"], arrays["labels"]
    chosen = subsample(len(codes), params.plot_latent.tsne_points, params.seed, "mapped codes")

    with whole_folder(Path("plots/latent") / item) as folder:
        points, shares = project_pca(codes)
        names = [f"component {i} ({share:.0%} of variance)" for i, share in enumerate(shares, 1)]
        title = f"{item}: PCA of {len(codes):,} validation codes"
        scatter(folder / "pca.png", title, points, labels, classes, names)

        mapped = {"positions": chosen}
        placed = project_tsne(codes[chosen], params.plot_latent.tsne_perplexity, params.seed)
        if placed is not None:
            mapped["tsne"] = placed
            title = f"{item}: t-SNE of {len(chosen):,} validation codes"
            names = ["t-SNE 1", "t-SNE 2"]
            scatter(folder / "tsne.png", title, placed, labels[chosen], classes, names)

        if len(classes) > 1:
            distance = distances(class_means(codes, labels, len(classes)))
            title = f"{item}: which classes lie close"
            distance_heatmap(folder / "class-distances.png", title, distance, classes)
    write_arrays(Path(f"data/projections/{item}.safetensors"), mapped)


if __name__ == "__main__":
    run_stage(plot_latent, "models", "corruptions")
