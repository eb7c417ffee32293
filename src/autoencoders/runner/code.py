"""Which code a stage runs, as a text that changes when, and only when, its results may.

A stage's code is its script and all that it imports, directly or not, of this project, with the
files beside these modules that they name, such as the report's page. What cannot change a result
does not count: what lies in `runner` and `commands`, the checks of `params.py`, comments,
docstrings, and the words of errors. Beside the code stand the versions that requirements.txt pins
of the libraries that it imports.
"""

import ast
import hashlib
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from autoencoders.parts import FOLDERS

PACKAGE = "autoencoders"
SOURCES = {PACKAGE: Path("src"), "stages": Path()}
"""The project's own packages, and the folders that they lie in."""

WITHOUT_EFFECT: tuple[str, ...] = ("src/autoencoders/runner/", "src/autoencoders/commands/")
WITHOUT_EFFECT += ("src/autoencoders/errors.py", "src/autoencoders/params.py", "stages/__init__.py")
WITHOUT_EFFECT += ("src/autoencoders/checks.py", "src/autoencoders/problems.py")
PROGRESS = {"tqdm", "filelock"}
"""Libraries that show progress and hold locks."""

DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "pillow"}
"""Names of packages that differ from those of the modules in them."""


def manifest(
    script: Path,
    requirements: str,
    parts: Iterable[tuple[str, str]] = (),
    facts: Iterable[str] = (),
) -> str:
    """A line for each file and each library that the results of `script` depend on.

    Args:
        script: its path below the project's root, which is the current folder.
        requirements: the text of requirements.txt.
        parts: the families and kinds of the parts that it is given by params.yaml, and imports
            when it has read that.
        facts: what else of code its results depend on, each in a line.
    """
    folder = SOURCES[PACKAGE] / PACKAGE
    files = closure(script, *(folder / FOLDERS[family] / f"{kind}.py" for family, kind in parts))
    lines = [f"{digest}  {path.as_posix()}" for path in sorted(files) if (digest := _digest(path))]
    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", requirements, flags=re.MULTILINE))
    libraries = {
        DISTRIBUTIONS.get(name, name)
        for path in files
        if path.suffix == ".py"
        for name in _libraries(path)
    }
    lines += [f"{name}=={pins[name]}" for name in sorted(libraries & pins.keys())]
    return "\n".join([*lines, *facts]) + "\n"


def closure(*scripts: Path) -> set[Path]:
    """Scripts and the project's files that they import, directly or not, that have an effect."""
    reached, waiting = set(scripts), list(scripts)
    while waiting:
        for path in _imported_files(waiting.pop()) - reached:
            if not path.as_posix().startswith(WITHOUT_EFFECT):
                reached.add(path)
                waiting.append(path)
    return reached | {named for path in reached for named in _named_files(path)}


def essence(source: str) -> str:
    """Python source without what has no effect: comments, bare strings, the words of errors."""
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    content = bytearray(b"".join(lines))
    for (row, column), (last_row, last_column) in [*_bare_texts(source), *_comments(source)]:
        start, end = starts[row - 1] + column, starts[last_row - 1] + last_column
        content[start:end] = re.sub(rb"[^\n]", b" ", bytes(content[start:end]))
    return "\n".join(line.rstrip() for line in content.decode().splitlines() if line.strip())


Span = tuple[tuple[int, int], tuple[int, int]]
"""From (line, byte) to (line, byte), lines counted from 1."""


def _bare_texts(source: str) -> Iterator[Span]:
    """Docstrings and other strings that nobody takes, and those that are raised."""
    for node in ast.walk(ast.parse(source)):
        inside = ast.walk(node) if isinstance(node, ast.Raise) else ()
        own = [node.value] if isinstance(node, ast.Expr) else []
        for text in filter(_is_text, [*inside, *own]):
            yield (text.lineno, text.col_offset), (text.end_lineno, text.end_col_offset)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _comments(source: str) -> Iterator[Span]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            (row, column), (_, end) = token.start, token.end
            ahead, text = token.line[:column], token.line[:end]
            yield (row, len(ahead.encode())), (row, len(text.encode()))


@cache
def _digest(path: Path) -> str | None:
    """SHA-256 of a file's essence; None where it has none. Line endings make no difference."""
    text = path.read_text(encoding="utf-8")
    found = essence(text) if path.suffix == ".py" else text
    return hashlib.sha256(found.encode()).hexdigest() if found else None


@cache
def _named_files(path: Path) -> frozenset[Path]:
    """The files beside a module that it names in a text, other modules apart."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    names = {text for text in texts if isinstance(text, str) and re.fullmatch(r"[\w-]+\.\w+", text)}
    found = {path.with_name(name) for name in names}
    return frozenset(file for file in found if file.is_file() and file.suffix != ".py")


@cache
def _imports(path: Path) -> frozenset[str]:
    """The dotted names that a file imports when it runs, at its top or inside functions."""
    names = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not _is_for_types(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@cache
def _imported_files(path: Path) -> frozenset[Path]:
    """The project's own files that a file imports, and the packages that they lie in."""
    found = set()
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] in SOURCES:
            for depth in range(1, len(parts) + 1):
                place = SOURCES[parts[0]].joinpath(*parts[:depth])
                found |= {place / "__init__.py", place.with_suffix(".py")}
    return frozenset(file for file in found if file.is_file())


def _libraries(path: Path) -> set[str]:
    """The top-level modules that a file imports of others."""
    names = {name.partition(".")[0] for name in _imports(path)}
    return names - SOURCES.keys() - PROGRESS - sys.stdlib_module_names
