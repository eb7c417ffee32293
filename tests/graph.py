"""The README's graph of the pipeline, as DVC draws it.

    python -m tests.graph   # writes it anew

Every stage depends on `code`; those arrows are left out, and so are those that shorten a way
through other stages, as they would hide how the data flow.
"""

import re

from networkx import DiGraph, transitive_reduction

from tests.project import ROOT, dvc_here

README = ROOT / "README.md"
BLOCK = re.compile(r"```mermaid\n.*?```\n", flags=re.DOTALL)


def graph() -> str:
    """The block of the README that holds the graph."""
    drawn = dvc_here("dag", "--collapse-foreach-matrix", "--mermaid")
    names = dict(re.findall(r"(node\d+)\[\"(.+?)\"\]", drawn))
    arrows = re.findall(r"(node\d+)-->(node\d+)", drawn)
    edges = {(names[one], names[other]) for one, other in arrows if names[one] != "code"}
    reduced = sorted(transitive_reduction(DiGraph(sorted(edges))).edges)
    lines = [f"    {one} --> {other}" for one, other in reduced]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```", ""])


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(BLOCK.sub(graph(), text), encoding="utf-8", newline="\n")
