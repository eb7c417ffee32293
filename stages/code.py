"""Write, for each stage and each data set, the code that it runs, into data/code.

Each other stage depends on its own file there, so it runs again when, and only when, code that it
imports has changed: see autoencoders.runner.code.
"""

from pathlib import Path

from autoencoders.io.files import whole_folder
from autoencoders.params import Params
from autoencoders.runner.code import manifest
from autoencoders.runner.stage import run_stage


def code(params: Params) -> None:
    requirements = Path("requirements.txt").read_text(encoding="utf-8")
    scripts = {path.stem: path for path in Path("stages").glob("[!_]*.py")}
    sets = Path("src/autoencoders/data/sets").glob("[!_]*.py")
    scripts |= {f"data-{path.stem}": path for path in sets}
    with whole_folder(Path("data/code")) as folder:
        for name, path in scripts.items():
            text = manifest(path, requirements)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    run_stage(code)
