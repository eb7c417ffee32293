"""What can be done with trained models and experiments, beside the stages of dvc.yaml."""

import argparse
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from autoencoders.errors import UserError

INTERRUPTED = 130
"""The exit status of a process that Ctrl-C ended, by the shells' convention."""
MODEL = "a model's folder, such as models/ae-jigsaw, or a release's URL#sha256=HASH"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status is 1, with a sentence on stderr, where the user can help."""
    options = vars(parser().parse_args(arguments))
    command = options.pop("command")
    try:
        # Here, as each command imports what it alone needs.
        module = import_module(f"autoencoders.commands.{command}")
        getattr(module, command)(**options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or command}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    whole = argparse.ArgumentParser(prog="autoencoders", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _reconstruct(commands.add_parser("reconstruct", help="your own images through a trained model"))
    _export(commands.add_parser("export", help="a trained model's encoder and decoder as ONNX"))
    _compare(commands.add_parser("compare", help="experiments in one table and one figure"))
    _plots(commands.add_parser("plots", help="DVC's page of plots, without a network"))
    _check(commands.add_parser("check", help="what a folder of images would be read as"))
    _score(commands.add_parser("score", help="images that any other model has restored"))
    _seeds(commands.add_parser("seeds", help="mean and range of headline numbers over seeds"))
    _search(commands.add_parser("search", help="settings by a sampler, each trial an experiment"))
    _published(commands.add_parser("published", help="a table of the field, and its rerun"))
    commands.add_parser("push", help="what was run here, so that no other machine has to run it")
    _release(commands.add_parser("release", help="models and results as archives, for others"))
    _use(commands.add_parser("use", help="a ready experiment instead of what params.yaml says"))
    commands.add_parser("kinds", help="the parts that there are, models and others")
    commands.add_parser("demo", help="the whole pipeline on embedded images, in .demo")
    _reproduce(commands.add_parser("reproduce", help="the pipeline once more, to compare bytes"))
    commands.add_parser("stages", help="dvc.yaml's names of files, for what is in params.yaml")
    return whole


def _reconstruct(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help=MODEL)
    parser.add_argument("images", type=Path, nargs="+", help="image files, or folders of them")
    parser.add_argument("--out", type=Path, required=True, help="a folder to be made")
    parser.add_argument(
        "--corrupt",
        nargs="+",
        metavar=("KIND", "SETTING=VALUE"),
        help="the images first, for instance: jigsaw grid=3",
    )
    parser.add_argument("--seed", type=_seed, default=0, help="of the corruption, 0 or more")
    parser.add_argument("--codes", choices=("csv", "parquet"), default="csv", help="their format")
    parser.add_argument("--batch-size", type=int, default=1000, help="images at once")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--skip-damaged", action="store_true", help="leave out damaged files")


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise argparse.ArgumentTypeError(f"{seed} is negative, expected 0 or more")
    return seed


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{count}, expected 1 or more")
    return count


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r}, expected letters, digits, - and _, a letter or digit first"
        )
    return text


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help=MODEL)
    parser.add_argument("--out", type=Path, required=True, help="a folder to be made")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="experiment",
        help="DVC experiments or Git revisions; without any, all experiments on this commit",
    )
    parser.add_argument("--out", type=Path, default=Path("comparison"), help="a folder to be made")


def _plots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "revisions", nargs="*", help="to put side by side; without any, the workspace alone"
    )
    parser.add_argument("--out", type=Path, default=Path("dvc_plots"), help="a folder to be made")


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="a folder of images")
    parser.add_argument("--json", action="store_true", dest="as_json", help="all of it, as JSON")


def _score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="holds CORRUPTION.npz with the array images")
    parser.add_argument("--json", action="store_true", dest="as_json", help="all of it, as JSON")


def _seeds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("seeds", nargs="*", type=_seed, default=[0, 1, 2], help="0 1 2, if none")
    parser.add_argument("--jobs", type=_count, default=1, help="experiments at a time")


def _search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("item", help="MODEL-CORRUPTION of params.yaml, whose metrics count")
    parser.add_argument(
        "settings",
        nargs="+",
        metavar="KEY=RANGE",
        help="of params.yaml: LOW:HIGH, LOW:HIGH:log or VALUE,VALUE",
    )
    parser.add_argument("--metric", default="mse", help="of validation images; mse, if none")
    parser.add_argument(
        "--name", type=_name, default="search", help="of the search and its experiments"
    )
    parser.add_argument("--trials", type=int, default=20, help="with those of earlier calls")
    parser.add_argument("--jobs", type=_count, default=1, help="experiments at a time")


def _published(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=_name, help="of a file in published/, without its ending")
    parser.add_argument("--seeds", nargs="+", type=_seed, default=[0], help="0, if none")
    parser.add_argument("--jobs", type=_count, default=1, help="stages at a time")
    parser.add_argument("--inputs", action="store_true", help="train nothing: only make the inputs")


def _release(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("release"), help="a folder to be made")


def _use(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="sections of params.yaml: params/family.yaml")


def _reproduce(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=_count, default=1, help="stages at a time")


if __name__ == "__main__":
    sys.exit(main())
