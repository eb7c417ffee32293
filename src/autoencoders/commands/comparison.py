"""The page of a comparison: what differs, curves over each other, the same images through all."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from autoencoders.commands.compared import curves, fetched, grids
from autoencoders.report.page import assembly
from autoencoders.report.page.assembly import policy, read

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1></header>
<main>
{sections}
</main>
</body>
</html>
"""
STYLE = """
h1 { overflow-wrap: anywhere; }
th[scope=rowgroup] { font-weight: 600; padding-top: 0.8rem; }
img { max-width: 100%; background: #fff; display: block; margin: 0.5rem 0; }
"""
"""What this page has beside the report's style."""


def write(
    path: Path,
    settings: pd.DataFrame,
    results: Mapping[str, pd.DataFrame],
    figure: Path,
    revisions: Mapping[str, Sequence[str | None]],
) -> None:
    """Write the page: one file, that asks for no other.

    Args:
        path: of the page.
        settings: words of the params that differ, a column for each experiment.
        results: heading -> words of metrics, a star behind the best of a row.
        figure: PNG of the metrics of validation images.
        revisions: experiment -> what Git calls it, for each of its seeds; None for the workspace.
    """
    heading, *others = results
    items = compared(results[heading])
    sections = [_section("What differs", _table(settings))]
    sections += [_section(heading, _metrics(results[heading]) + _image(figure, "The same numbers"))]
    with TemporaryDirectory() as temporary:
        pictures = Path(temporary) / "pictures"
        outputs = [
            fetched(name, revision, items, Path(temporary) / f"{place}-{seed}", images=not seed)
            for place, (name, of_seeds) in enumerate(revisions.items())
            for seed, revision in enumerate(of_seeds)
        ]
        for title, drawn in (
            ("Training: the validation MSE after each epoch", curves(outputs, items, pictures)),
            ("The same validation images through all", grids(outputs, items, pictures)),
        ):
            found = "".join(_image(file, words) for file, words in drawn)
            missing = "<p>Not in DVC's cache here: <code>dvc pull</code>, or run them.</p>"
            sections += [_section(title, found or missing)]
    sections += [_section(other, _metrics(results[other])) for other in others]
    style = read(assembly.STYLE) + STYLE
    text = PAGE.format(
        title=escape(" / ".join(revisions)),
        policy=policy(style=style),
        style=style,
        sections="\n".join(sections),
    )
    path.write_text(text, encoding="utf-8", newline="\n")


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}"


def _table(words: pd.DataFrame) -> str:
    return _framed(words.columns, _rows(words))


def _metrics(words: pd.DataFrame) -> str:
    """Rows ITEM.METRIC under each item's name, without what is the same in all."""
    found = differing(words)
    lines = []
    for item, rows in found.groupby(lambda row: row.partition(".")[0], sort=False):
        of_item = rows.rename(index=lambda row: row.partition(".")[2].replace("_", " "))
        width = 1 + len(words.columns)
        lines.append(f'<tr><th scope="rowgroup" colspan="{width}">{escape(item)}</th></tr>')
        lines += _rows(of_item)
    same = [item for item in items_of(words) if item not in items_of(found)]
    alike = f"<p>The same in all: {escape(', '.join(same))}.</p>" if same else ""
    return _framed(words.columns, lines) + alike


def _framed(columns: Iterable[str], lines: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in columns)
    body = "\n".join([f"<tr><td></td>{head}</tr>", *lines])
    name = "Table, which may be scrolled sideways"
    opening = f'<div class="scroll" tabindex="0" role="group" aria-label="{name}">'
    return f"{opening}<table>{body}</table></div>"


def _rows(words: pd.DataFrame) -> list[str]:
    """A word with a star is the best of its row."""
    lines = []
    for name, row in words.iterrows():
        cells = "".join(f"<td>{_cell(str(word))}</td>" for word in row)
        lines.append(f'<tr><th scope="row">{escape(str(name))}</th>{cells}</tr>')
    return lines


def differing(results: pd.DataFrame) -> pd.DataFrame:
    """Rows that are not the same in all experiments."""
    words = results.map(lambda word: str(word).strip("* "))
    return results[words.nunique(axis=1) > 1]


def compared(results: pd.DataFrame) -> list[str]:
    """The items that differ, or all if none does."""
    return items_of(differing(results)) or items_of(results)


def items_of(results: pd.DataFrame) -> list[str]:
    """The items of rows ITEM.METRIC, each once."""
    return list(dict.fromkeys(str(row).partition(".")[0] for row in results.index))


def _cell(word: str) -> str:
    best = word.endswith("*")
    return f"<strong>{escape(word)}</strong>" if best else escape(word.strip())


def _image(path: Path, words: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{escape(words)}">'
