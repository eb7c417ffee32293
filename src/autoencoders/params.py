"""The validated view of params.yaml: every key required, none unknown, nothing converted.

There are no defaults and no conversions here, so a value reaches a stage only from params.yaml,
where DVC tracks it by key. So a change of a check cannot change a result, and retrains no model.
"""

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from reprlib import Repr
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML, YAMLError

from autoencoders.data.registry import OWN, known, published
from autoencoders.errors import UserError
from autoencoders.io.files import read_text

PARAMS_FILE = Path("params.yaml")

TRUTH_VALUES = {"yes": "true", "on": "true", "no": "false", "off": "false"}
"""What was a truth value in YAML 1.1 and is text in 1.2, and what is one in both."""

# A value may be enormous when written out: a few lines of YAML aliases can stand for gigabytes.
SHORT = Repr()
SHORT.maxstring = SHORT.maxother = 80


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


class Section(BaseModel):
    """A part of params.yaml."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Data(Section):
    name: DatasetName
    validation_fraction: float = Field(gt=0, le=0.5)
    path: Annotated[str, AfterValidator(_inside_project)]
    size: int = Field(ge=28, le=128)
    test_fraction: float = Field(gt=0, le=0.5)
    skip_damaged: bool
    layout: Literal["auto", "classes", "splits"]
    white_level: Literal["auto"] | Annotated[int, Field(ge=1, lt=2**32)]
    duplicates: Literal["keep", "drop"]

    def image_side(self) -> int:
        """The lesser of the images' height and width, in pixels."""
        return self.size if self.name == OWN else min(published(self.name).image_shape[1:])


class PlainCorruption(Section):
    kind: Literal["none", "rotate"]


class JigsawCorruption(Section):
    kind: Literal["jigsaw"]
    grid: int = Field(ge=2)


class Network(Section):
    architecture: Literal["conv"]
    channels: list[Annotated[int, Field(ge=1, le=4096)]] = Field(min_length=1, max_length=4)
    latent_dim: Annotated[int, Field(ge=1, le=16_384)]
    align: bool


class VanillaModel(Network):
    kind: Literal["ae"]


class VariationalModel(Network):
    kind: Literal["vae"]
    beta: float = Field(ge=0)
    kl_warmup: float = Field(ge=0, le=1)


Model = VanillaModel | VariationalModel


class Train(Section):
    epochs: Count
    batch_size: int = Field(ge=2, le=1_000_000)
    learning_rate: float = Field(gt=0, le=1)
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


class PlotLatent(Section):
    tsne_points: int = Field(ge=10, le=1_000_000)
    tsne_perplexity: float = Field(ge=1)

    @model_validator(mode="after")
    def _perplexity_fits(self) -> "PlotLatent":
        if self.tsne_perplexity >= self.tsne_points:
            raise ValueError(f"tsne_perplexity must be below tsne_points ({self.tsne_points})")
        return self


class Generate(Section):
    blends: dict[DatasetName, list[Annotated[list[str], Field(min_length=2)]]]
    closest_sets: int = Field(ge=1, le=100)
    interpolation_steps: int = Field(ge=3, le=25)
    samples: int = Field(ge=1, le=1024)
    traversals: Count

    @model_validator(mode="after")
    def _classes_exist(self) -> "Generate":
        for dataset, blends in self.blends.items():
            if dataset == OWN:
                continue  # only the images tell
            classes = published(dataset).classes
            for name in (name for blend in blends for name in blend):
                if name not in classes:
                    raise ValueError(
                        f"blends.{dataset} names {name!r}, expected of {', '.join(classes)}"
                    )
        return self


class Mixture(Section):
    components: int = Field(ge=1, le=1000)


class Classifier(Section):
    epochs: Count
    batch_size: int = Field(ge=2, le=1_000_000)
    learning_rate: float = Field(gt=0, le=1)


class Evaluate(Section):
    importance_samples: Count
    generated_samples: int = Field(ge=10, le=1_000_000)


class Report(Section):
    points: int = Field(ge=2, le=5000)


class Params(Section):
    """All of params.yaml; the file itself says what each key means."""

    seed: int = Field(ge=0, lt=2**32)
    data: Data
    corruptions: dict[
        ItemName, Annotated[PlainCorruption | JigsawCorruption, Field(discriminator="kind")]
    ] = Field(min_length=1)
    models: dict[ItemName, Annotated[Model, Field(discriminator="kind")]] = Field(min_length=1)
    train: Train
    plot_latent: PlotLatent
    generate: Generate
    mixture: Mixture
    classifier: Classifier
    evaluate: Evaluate
    report: Report

    @model_validator(mode="after")
    def _grids_fit(self) -> "Params":
        side = self.data.image_side()
        for name, corruption in self.corruptions.items():
            if isinstance(corruption, JigsawCorruption) and corruption.grid > side:
                raise ValueError(
                    f"corruptions.{name}.grid is {corruption.grid}, expected 2 to {side}, "
                    f"the side in pixels of the images of {self.data.name}"
                )
        return self

    @model_validator(mode="after")
    def _blends_are_there(self) -> "Params":
        if self.data.name not in self.generate.blends:
            raise ValueError(
                f"generate.blends.{self.data.name} is missing, expected a list of sets of classes, "
                "which may be empty"
            )
        return self

    def items(self) -> list[tuple[str, str]]:
        """Every (model, corruption), in the order of params.yaml."""
        return [(model, corruption) for model in self.models for corruption in self.corruptions]


def settings(section: Section) -> dict[str, Any]:
    """What a section says beside its kind, as keyword arguments of what it describes."""
    return section.model_dump(exclude={"kind"})


def read_params(path: Path = PARAMS_FILE) -> Params:
    """Read and validate params.yaml by DVC's reader (YAML 1.2), so that 010 is to both the same.

    Raises:
        UserError: with a line for each key that is wrong: what was found and what was expected.
    """
    text = read_text(path)
    try:
        content = YAML(typ="safe").load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected keys with values, found {SHORT.repr(content)}")
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        problems = "".join(f"\n  {_describe(problem)}" for problem in error.errors())
        raise UserError(f"{path} is not valid:{problems}") from error


def _describe(problem: Mapping[str, Any]) -> str:
    """One problem in one line: the key as written in the file, what is expected, what was found."""
    kinds = {"none", "rotate", "jigsaw", "ae", "vae"}
    location = list(problem["loc"])
    if len(location) > 2 and location[2] in kinds:
        del location[2]  # pydantic's mark of the variant that it chose
    key = ".".join(str(part) for part in location if part != "[key]") or "(top level)"
    message = problem["msg"].removeprefix("Value error, ")
    found = problem["input"]
    if problem["type"] == "missing":
        return f"{key}: missing"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if isinstance(found, dict):
        return f"{key}: {message}"
    meant = TRUTH_VALUES.get(str(found).lower())
    hint = f"; write {meant}" if meant else ""
    return f"{key}: {message}, found {SHORT.repr(found)} ({type(found).__name__}){hint}"
