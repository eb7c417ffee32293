"""The page, put together of plain files: its markup, its style, its script's modules.

In one file they need no server, and a policy in it lets the browser ask for nothing else.
"""

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

MARKUP, STYLE = "index.html", "style.css"
MODULES = (
    "arrays.js",
    "tensors.js",
    "operations.js",
    "sampling.js",
    "corruptions.js",
    "content.js",
    "sheets.js",
    "models.js",
    "overview.js",
    "map.js",
    "blend.js",
    "explorer.js",
    "restore.js",
    "generation.js",
    "results.js",
    "main.js",
)
"""Each after those that it imports."""
IMPORT = re.compile(r"^import (\{[^}]*\})\s+from \"\./([\w-]+)\.js\";\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const) ([\w$]+|\[[^\]]*\]))", re.MULTILINE)


def page(title: str, content: dict[str, Any]) -> str:
    """The whole page. `content` may hold any text: it cannot end the script that it stands in."""
    style, script = read(STYLE), script_of_modules()
    data = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    parts = {
        "POLICY": policy(script=script, style=style),
        "TITLE": html.escape(title),
        "STYLE": style,
        "CONTENT": data.replace("<", "\\u003c"),
        "SCRIPT": script,
    }
    return re.sub(r"\b(?:" + "|".join(parts) + r")\b", lambda found: parts[found[0]], read(MARKUP))


def script_of_modules() -> str:
    """The modules one after the other, as one script: each a function that returns its exports."""
    return "\n".join(['"use strict";', "const modules = {};", *map(_module, MODULES)])


def _module(name: str) -> str:
    source = read(name)
    exported = ", ".join(found.strip("[]") for found in EXPORT.findall(source))
    body = IMPORT.sub(r"const \1 = modules.\2;\n", EXPORT.sub("", source))
    stem = name.removesuffix(".js")
    return f"modules.{stem} = (() => {{\n{body}return {{ {exported} }};\n}})();"


def policy(**allowed: str) -> str:
    """A Content-Security-Policy of a page whose "script" and "style" are these texts alone."""
    sources = [f"{kind}-src '{_digest(text)}'" for kind, text in allowed.items()]
    nothing = [f"{kind} 'none'" for kind in ("default-src", "base-uri", "form-action")]
    return "; ".join([*nothing, "img-src data:", *sources])


def _digest(text: str) -> str:
    """As a Content-Security-Policy names a script or a style that it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def read(name: str) -> str:
    """The text of one of the page's files."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
