"""The kinds of parts that there are, models and others, and what each may be told."""

import inspect
from typing import Any

from pydantic import BaseModel

from autoencoders import parts

TITLES = {
    "model": "Models",
    "network": "Networks",
    "corruption": "Corruptions",
    "optimizer": "Optimisers",
}


def kinds() -> None:
    """Print them as Markdown, as each says of itself."""
    for family, title in TITLES.items():
        print(f"## {title}\n")
        for kind in parts.kinds(family):
            part = parts.find(family, kind)
            print(f"**`{kind}`**: {_first_paragraph(part)}\n")
            rows = _rows(getattr(part, "Settings", part))
            if rows:
                print(
                    "\n".join(["| setting | value | what it is |", "|---|---|---|", *rows]) + "\n"
                )


def _first_paragraph(part: type) -> str:
    paragraph = (inspect.getdoc(part) or "").partition("\n\n")[0]
    return " ".join(paragraph.split())


def _rows(settings: type[BaseModel]) -> list[str]:
    properties = settings.model_json_schema()["properties"] if settings.model_fields else {}
    return [
        f"| `{name}` | {_values(schema)} | {schema['description']} |"
        for name, schema in properties.items()
    ]


def _values(schema: dict[str, Any]) -> str:
    """What a setting may be, in words, by its JSON schema."""
    if "anyOf" in schema:
        return ", or ".join(_values(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        count = {schema["minItems"], schema["maxItems"]}
        how_many = str(*count) if len(count) == 1 else "{} to {}".format(*sorted(count))
        return f"a list of {how_many}, each {_values(schema['items'])}"
    names = {"minimum": "{} or more", "exclusiveMinimum": "above {}"}
    names |= {"maximum": "at most {}", "exclusiveMaximum": "below {}"}
    bounds = [text.format(f"{schema[key]:g}") for key, text in names.items() if key in schema]
    return ", ".join([schema["type"], *bounds])
