"""What is wrong with a file of settings, in a line for each key."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import Repr
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML, YAMLError

from autoencoders.errors import UserError
from autoencoders.io.files import read_text

TRUTH_VALUES = {"yes": "true", "on": "true", "no": "false", "off": "false"}
"""What was a truth value in YAML 1.1 and is text in 1.2, and what is one in both."""

# A value may be enormous when written out: a few lines of YAML aliases can stand for gigabytes.
SHORT = Repr()
SHORT.maxstring = SHORT.maxother = 80


def read_mapping(path: Path, reader: YAML | None = None) -> dict[str, Any]:
    """The keys and values of a YAML file of the user's, by DVC's rules (YAML 1.2): 010 is 10.

    `reader` is another than the safe one.

    Raises:
        UserError: the file cannot be read, is no YAML, or has no keys.
    """
    text = read_text(path)
    try:
        content = (reader or YAML(typ="safe")).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected keys with values, found {SHORT.repr(content)}")
    return content


def refusal(place: Path | str, problems: Sequence[str]) -> UserError:
    """Of a file or a command, with a line for each problem."""
    return UserError(f"{place} is not valid:" + "".join(f"\n  {problem}" for problem in problems))


def problems_of(error: ValidationError, key: str = "") -> list[str]:
    """A line for each of the problems of what stands under the key."""
    return [describe(problem, key) for problem in error.errors()]


def describe(problem: Mapping[str, Any], parent: str = "") -> str:
    """One problem, of pydantic's, in one line: the key as written, what is expected and found."""
    location = [str(part) for part in problem["loc"] if part != "[key]"]
    if location[:1] == ["corruptions"]:
        del location[2:3]  # pydantic's mark of the variant that it chose
    key = ".".join([*([parent] if parent else []), *location]) or "(top level)"
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
