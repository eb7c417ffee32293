"""Stands for `python` where a test is about what DVC reruns, not about what the stages do.

Called as `python -m stages.NAME ITEM...`, it writes what dvc.yaml says that the stage writes. Each
output holds a digest of all that the stage reads: it differs if, and only if, one of them does.
"""

import hashlib
import json
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
    params = yaml.safe_load(Path("params.yaml").read_text())
    stages = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    stage = stages[module.removeprefix("stages.").replace("_", "-")]
    axes = {f"item.{axis}": part for axis, part in zip(stage.get("matrix", ()), item, strict=True)}

    def filled(text: str) -> str:
        return re.sub(r"\$\{(.+?)\}", lambda m: axes.get(m[1]) or str(value(params, m[1])), text)

    read = hashlib.sha256()
    for key in stage.get("params", []):
        read.update(json.dumps(value(params, filled(key)), sort_keys=True).encode())
    for name in stage.get("deps", []):
        for file in files_of(Path(filled(name))):
            read.update(str(file).encode() + file.read_bytes())
    content = json.dumps({"digest": int(read.hexdigest()[:12], 16)})
    # Of the files in a folder those that other stages ask for by name, or else these.
    asked = {filled(dep) for other in stages.values() for dep in other["deps"] if "item" not in dep}
    others = ["validation.safetensors", "test.safetensors"]
    for out in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
        path = Path(filled(name_of(out)))
        inside = [name for name in asked if name.startswith(f"{path}/")]
        for file in [path] if path.suffix else inside or [path / other for other in others]:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(content)


def files_of(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(
            file for file in path.rglob("*.*") if file.is_file() and file.suffix != ".pyc"
        )
    return [path] if path.is_file() else []


if __name__ == "__main__":
    main(*sys.argv[2:])
