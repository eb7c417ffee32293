"""What the page says of itself: of its data, its corruptions, and what it was made with."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

LIBRARIES = ("torch", "numpy", "scikit-learn", "safetensors", "matplotlib", "pillow", "dvc")


def about(dataset: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The sentences below the page's title, of what dataset.json and params.yaml hold."""
    models, corruptions = len(settings["models"]), len(settings["corruptions"])
    squeeze, restore = ("squeezes", "restores") if models == 1 else ("squeeze", "restore")
    epochs = settings["train"]["epochs"]
    classes = f" of {len(dataset['classes'])} classes" if dataset["classes"] else ""
    shape = " \N{MULTIPLICATION SIGN} ".join(map(str, dataset["image_shape"][1:]))
    return (
        f"{models} {'model' if models == 1 else 'models'} {squeeze} images of {shape} pixels"
        f"{classes} into a few numbers and {restore} them, on {corruptions} "
        f"{'kind' if corruptions == 1 else 'kinds'} of input; where the input is corrupted, the "
        f"target is still the original. {dataset['name']}, seed {settings['seed']}, {epochs} "
        f"{'epoch' if epochs == 1 else 'epochs'}."
    )


def corruption_content(described: Any) -> dict[str, Any]:
    """The "parts" of a corruption, whether it "changes" anything, and what it is in "words"."""
    parts = [described] if isinstance(described, Mapping) else described
    changes = any(part["kind"] != "none" for part in parts)
    words = ", then ".join(map(_in_words, parts)) if changes else "the input is the original"
    return {"parts": parts, "changes": changes, "words": words}


def _in_words(part: Mapping[str, Any]) -> str:
    settings = [f"{name} {value}" for name, value in part.items() if name != "kind"]
    return f"{part['kind']} ({', '.join(settings)})" if settings else str(part["kind"])


def versions() -> str:
    """The versions of Python and of the libraries that results depend on, a line each."""
    lines = [f"python=={platform.python_version()}"]
    return "\n".join(lines + [f"{name}=={version(name)}" for name in LIBRARIES])
