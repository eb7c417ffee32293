"""Stands for `python` where a test is about what DVC reruns, not about what the stages do.

Called as `python -m stages.NAME ITEM...`, it writes what dvc.yaml says that the stage writes. Each
output holds a digest of all that the stage reads: it differs if, and only if, one of them does.
"""

import hashlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml


def value(params: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        params = params[part]
    return params


def name_of(out: str | dict[str, Any]) -> str:
    return out if isinstance(out, str) else next(iter(out))


def main(module: str, *item: str) -> None:
    if module == "stages.code":  # quick, and what tells DVC whose code has changed
        os.execv(sys.executable, [sys.executable, "-m", module])
    params = yaml.safe_load(Path("params.yaml").read_text())
    stages = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    stage = stages[module.removeprefix("stages.").replace("_", "-")]

    def filled(text: str, axes: dict[str, str]) -> str:
        named = {f"item.{axis}": name for axis, name in axes.items()}
        return re.sub(r"\$\{(.+?)\}", lambda m: named.get(m[1]) or str(value(params, m[1])), text)

    own = dict(zip(stage.get("matrix", ()), item, strict=True))
    read = {filled(key, own): value(params, filled(key, own)) for key in stage.get("params", [])}
    files = [file for name in stage["deps"] for file in files_of(Path(filled(name, own)))]
    inputs = [str(file) + hashlib.sha256(file.read_bytes()).hexdigest() for file in files]

    def content(file: Path) -> str:
        known = json.dumps(relevant(read, file), sort_keys=True) + "".join(inputs)
        digest = {"digest": int(hashlib.sha256(known.encode()).hexdigest()[:12], 16)}
        if file == Path("metrics/summary.json"):  # which commands read
            return json.dumps({"ae-jigsaw": {"validation": digest, "test": digest}})
        return json.dumps(digest)

    # Of the files in a folder those that stages ask for by name.
    asked = {
        filled(dep, {"model": model, "corruption": corruption})
        for other in stages.values()
        for dep in other["deps"]
        for model in params["models"]
        for corruption in params["corruptions"]
    }
    for out in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
        path = Path(filled(name_of(out), own))
        inside = [name for name in asked if name.startswith(f"{path}/") and Path(name).suffix]
        if path.parts[:2] == ("data", "embeddings"):
            inside.append(path / "mixture.safetensors")
        for file in [path] if path.suffix else inside or [path / "file.safetensors"]:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(content(Path(file)))


def relevant(params: dict[str, Any], file: Path) -> dict[str, Any]:
    """Of the params that a stage reads, those that the content of one of its files depends on."""
    if file.parts[:2] == ("data", "corrupted"):
        own = file.parts[2]
        return params | {"corruptions": params["corruptions"][own]}
    if file.parts[:2] == ("data", "embeddings") and file.stem != "mixture":
        return {key: value for key, value in params.items() if key != "mixture"}
    return params


def files_of(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(
            file for file in path.rglob("*.*") if file.is_file() and file.suffix != ".pyc"
        )
    return [path] if path.is_file() else []


if __name__ == "__main__":
    main(*sys.argv[2:])
