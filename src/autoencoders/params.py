"""The validated view of params.yaml: every key required, none unknown, nothing converted.

There are no defaults and no conversions here, so a value reaches a stage only from params.yaml,
where DVC tracks it by key. So a change of a check cannot change a result, and retrains no model.

What a part, such as a flavour of models, needs to be told, it says itself: checks.py holds params
to that.
"""

import re
from pathlib import Path, PurePath
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from autoencoders.data.registry import OWN, blends_of, known, published
from autoencoders.parts import kinds
from autoencoders.problems import problems_of, read_mapping, refusal
from autoencoders.settings import Settings

PARAMS_FILE = Path("params.yaml")


def _item_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name):
        raise ValueError(
            "expected a name of lower-case letters, digits and underscores, a letter first, as "
            "it becomes part of file names"
        )
    return name


def _inside_project(path: str) -> str:
    parts = PurePath(path).parts
    if not parts or PurePath(path).is_absolute() or ".." in parts or ":" in path:
        raise ValueError("expected the path of a folder inside the project, relative to it")
    return path


ItemName = Annotated[str, AfterValidator(_item_name)]
DatasetName = Annotated[str, AfterValidator(known)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class Data(Settings):
    name: DatasetName
    validation_fraction: float = Field(gt=0, le=0.5)
    path: Annotated[str, AfterValidator(_inside_project)]
    size: int = Field(ge=28, le=256)
    test_fraction: float = Field(gt=0, le=0.5)
    skip_damaged: bool
    layout: Literal["auto", "classes", "splits"]
    white_level: Literal["auto"] | Annotated[int, Field(ge=1, lt=2**32)]
    duplicates: Literal["keep", "drop"]
    binarise: Literal["never", "once", "each_epoch"]


def _of_family(family: str) -> AfterValidator:
    def known_kind(kind: str) -> str:
        if kind not in kinds(family):
            raise ValueError(f"expected one of {', '.join(kinds(family))}")
        return kind

    return AfterValidator(known_kind)


class Part(Settings):
    """A kind, beside what the part of that kind has to say of itself: see `checks.check_parts`."""

    model_config = ConfigDict(extra="allow")


class Corruption(Part):
    kind: Annotated[str, _of_family("corruption")]


Several = Annotated[list[Corruption], Field(min_length=2, max_length=8)]
OneOrSeveral = Annotated[
    Annotated[Corruption, Tag("one")] | Annotated[Several, Tag("several")],
    Discriminator(lambda value: "several" if isinstance(value, list) else "one"),
]
"""A corruption, or some that follow each other."""


class Network(Part):
    kind: Annotated[str, _of_family("network")]


class Model(Part):
    kind: Annotated[str, _of_family("model")]
    network: Network
    latent_dim: Annotated[int, Field(ge=1, le=16_384)]
    align: bool


class Optimizer(Part):
    kind: Annotated[str, _of_family("optimizer")]


class Train(Settings):
    epochs: Count
    batch_size: int = Field(ge=2, le=1_000_000)
    optimizer: Optimizer
    warmup_fraction: float = Field(ge=0, le=1)
    snapshot_epochs: list[Count]
    device: Literal["auto", "cpu", "cuda", "mps"]
    precision: Literal["float32", "bfloat16"]
    processes: int = Field(ge=1, le=1024)

    @model_validator(mode="after")
    def _snapshots_are_reached(self) -> "Train":
        late = [epoch for epoch in self.snapshot_epochs if epoch > self.epochs]
        if late:
            raise ValueError(
                f"snapshot_epochs names {late}, after the last of {self.epochs} epochs"
            )
        return self


class PlotLatent(Settings):
    tsne_points: int = Field(ge=10, le=1_000_000)
    tsne_perplexity: float = Field(ge=1)

    @model_validator(mode="after")
    def _perplexity_fits(self) -> "PlotLatent":
        if self.tsne_perplexity >= self.tsne_points:
            raise ValueError(f"tsne_perplexity must be below tsne_points ({self.tsne_points})")
        return self


class Generate(Settings):
    blends: Literal["auto"] | list[Annotated[list[str], Field(min_length=2)]]
    closest_sets: int = Field(ge=1, le=100)
    interpolation_steps: int = Field(ge=3, le=25)
    samples: int = Field(ge=1, le=1024)
    traversals: Count


class Mixture(Settings):
    components: int = Field(ge=1, le=1000)


class Classifier(Settings):
    epochs: Count
    batch_size: int = Field(ge=2, le=1_000_000)
    learning_rate: float = Field(gt=0, le=1)


class Evaluate(Settings):
    importance_samples: Count
    generated_samples: int = Field(ge=10, le=1_000_000)


class Report(Settings):
    points: int = Field(ge=2, le=5000)


class Params(Settings):
    """All of params.yaml; the file itself says what each key means."""

    seed: int = Field(ge=0, lt=2**32)
    data: Data
    corruptions: dict[ItemName, OneOrSeveral] = Field(min_length=1)
    models: dict[ItemName, Model] = Field(min_length=1)
    train: Train
    plot_latent: PlotLatent
    generate: Generate
    mixture: Mixture
    classifier: Classifier
    evaluate: Evaluate
    report: Report

    @model_validator(mode="after")
    def _classes_exist(self) -> "Params":
        if self.data.name != OWN:  # of which the images alone tell
            classes = published(self.data.name).classes
            for name in (
                name for blend in blends_of(self.data.name, self.generate.blends) for name in blend
            ):
                if name not in classes:
                    raise ValueError(
                        f"generate.blends names {name!r}, expected of {', '.join(classes)}, the "
                        f"classes of {self.data.name}"
                    )
        return self


def read_params(path: Path = PARAMS_FILE) -> Params:
    """Read and validate params.yaml by DVC's reader (YAML 1.2), so that 010 is to both the same.

    The settings of parts may be anything here: see `checks.check_parts`.

    Raises:
        UserError: with a line for each key that is wrong: what was found and what was expected.
    """
    content = read_mapping(path)
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise refusal(path, problems_of(error)) from error
