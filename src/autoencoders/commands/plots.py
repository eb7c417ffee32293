"""DVC's page of plots with Vega inside, so that it needs no network."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from autoencoders.commands.output import check_new
from autoencoders.errors import UserError
from autoencoders.io.files import whole_file

TEMPLATE = Path(".dvc/tmp/plots.html")
VEGA_LITE = "5.21"  # of the generation that DVC writes its plots for
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>DVC plots</title>
<style>
body { font-family: sans-serif; }
table { border-spacing: 15px; }
img { max-width: 100%; }
</style>
<script type="module">
SCRIPT
</script>
<script>
// DVC's plots call this before the module above has run.
const waiting = [];
var vegaEmbed = (...plot) => waiting.push(plot);
addEventListener("load", () => waiting.forEach((plot) => window.embedPlot(...plot)));
</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def plots(revisions: Sequence[str], *, out: Path) -> None:
    """Write `out`/index.html: the curves of the revisions in one plot, their figures side by side.

    Raises:
        UserError: vl-convert-python is not installed, DVC cannot plot the revisions, or `out`
            exists and is not an earlier page.
    """
    check_new(out, own=("index.html", "static"))
    try:
        import vl_convert
    except ImportError as error:
        raise UserError(
            "vl-convert-python is not installed: "
            "python -m pip install -c requirements-optional.txt vl-convert-python"
        ) from error
    if not Path(".dvc").is_dir():
        raise UserError("no DVC project here, expected the folder .dvc")
    script = vl_convert.javascript_bundle("window.embedPlot = vegaEmbed;", vl_version=VEGA_LITE)
    with whole_file(TEMPLATE) as unfinished:
        unfinished.write_text(PAGE.replace("SCRIPT", script), encoding="utf-8")
    what = ["diff", *revisions] if revisions else ["show"]
    command = ["dvc", "plots", *what, "--html-template", str(TEMPLATE.resolve())]
    finished = subprocess.run([sys.executable, "-m", *command, "--out", str(out)])
    if finished.returncode:
        raise UserError(f"dvc plots {' '.join(what)} has failed")
