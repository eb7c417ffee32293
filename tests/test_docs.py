"""A day with the project: the commands of docs/, in the order in which a reader meets them."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from autoencoders.__main__ import main
from tests.browser import launched
from tests.project import MAKE_HERE, ROOT, Project, dvc_here, environment, warm
from tests.servers import http_server, ssh_server

DOCS = ROOT / "docs"
PAGES = [
    "quick-start",
    "how-to/sweeps",
    "how-to/compare",
    "how-to/share",
    "how-to/use-a-model",
    "how-to/own-data",
    "how-to/new-model",
    "how-to/new-corruption",
    "how-to/ci",
    "reference/stages",
    "reference/commands",
    "how-to/family",
    "how-to/published",
]
"""Read one after the other, in one project."""

BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[^>]*) -->\n)?```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]*)\")?\n"
    r"(?P<text>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
IMAGES = "import numpy\nimages = numpy.zeros((5, 1, 28, 28), 'uint8')\n"
"""What the reader of a page's Python is supposed to have."""


@dataclass(frozen=True)
class Block:
    """Something on a page that can be run."""

    kind: str
    text: str
    note: str
    title: str


def blocks(page: str) -> list[Block]:
    text = (DOCS / f"{page}.md").read_text()
    found = [
        Block(match["kind"], match["text"], match["note"] or "", match["title"] or "")
        for match in BLOCK.finditer(text)
    ]
    assert text.count("```") == 2 * len(found), "a block that the test does not see"
    return [block for block in found if block.kind in ("sh", "python", "diff") or block.title]


class Reader:
    """Who does what the pages say, with a home, an origin and a cluster of their own."""

    def __init__(self, finished: Path, folder: Path, port: int, web: int) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.project = Project.copy(finished / "project", folder / "autoencoders")
        self.project.set({"mixture.components": 5})  # which the first page says in words
        origin = str(folder / "origin.git")
        self.places = {
            "https://git.example/ada/autoencoders": origin,
            "ssh://ada@cluster.example": f"ssh://ada@127.0.0.1:{port}",
            "/srv/dvc": str(folder / "shared"),
            "/srv/www": str(folder / "www"),
            "https://dvc.example": f"http://127.0.0.1:{web}",
        }
        (self.home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@localhost\n")
        self.project.run("git", "clone", "--quiet", "--bare", ".", origin)
        self.project.run("git", "remote", "add", "origin", origin)
        self.project.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
        chance = np.random.default_rng(0)
        for number in range(40):
            name = f"cat/{number}.png" if number % 2 else f"dog/{number}.jpg"
            path = self.project.path("photos") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(chance.integers(0, 255, (40, 30), np.uint8)).save(path)

    def follow(self, block: Block) -> str:
        """Do what a block says; what it printed."""
        if block.note.startswith("not run: "):
            return ""
        if block.kind == "diff":
            command = ["git", "apply", "--recount", "-"]
        elif block.title:
            self.project.path(block.title).write_text(block.text)
            return ""
        elif block.kind == "python":
            command = [sys.executable, "-"]
        else:
            command = ["bash", "-euo", "pipefail"]
        text = (IMAGES if block.kind == "python" else "") + block.text
        for written, real in self.places.items():
            text = re.sub(rf"(?<![\w.]){re.escape(written)}\b", real, text)
        # The environment of the tests stands for the one that make would set up.
        text = text.replace("make ", f"make {' '.join(MAKE_HERE)} ")
        elsewhere = block.note == "in another clone"
        finished = subprocess.run(
            command,
            input=text,
            cwd=self.folder if elsewhere else self.project.folder,
            env=warm(
                HOME=str(self.home), PYTHONPATH=str(self.project.path("src")), MAKEFLAGS="", VENV=""
            ),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=900,
        )
        assert finished.returncode == 0, f"{text}\n{finished.stdout}"
        if "dvc queue start" in text:
            self.wait_for_queue()
        return finished.stdout

    def wait_for_queue(self) -> None:
        deadline = time.monotonic() + 600
        while re.search("Queued|Running", self.project.run("dvc", "queue", "status").stdout):
            assert time.monotonic() < deadline, "the queue did not get empty"
            time.sleep(2)


@pytest.fixture(scope="module")
def reader(finished: Path, tmp_path_factory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("day")
    key = folder / "home/.ssh/id_ed25519"
    key.parent.mkdir(parents=True)
    with ssh_server(folder / "cluster", key) as port, http_server(folder / "www") as (web, _):
        yield Reader(finished, folder, port, web)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work(reader: Reader, page: str):
    said = [reader.follow(block) for block in blocks(page)]
    check = CHECKS.get(page)
    if check:
        check(reader, "\n".join(said))


def check_sweep(reader: Reader, said: str) -> None:
    assert re.search(r"^ae-jigsaw\.mse( +\d\.\d{4}\*?){3}$", said, flags=re.MULTILINE)
    assert re.search(r"^models\.ae\.latent_dim +8 +16 +64$", said, flags=re.MULTILINE)
    assert (
        yaml.safe_load(reader.project.path("params.yaml").read_text())["models"]["ae"]["latent_dim"]
        == 64
    )
    # Of the sweep's last experiment, what does not depend on the model's size did not run.
    ran, reused = (int(count) for count in re.findall(r"^(\d+)$", said, flags=re.MULTILINE)[:2])
    assert (ran, reused) == (4, 8)


def check_compare(reader: Reader, said: str) -> None:
    assert "models.ae.latent_dim" in said
    asked = []
    with launched() as browser:
        page = browser.new_page(bypass_csp=True)  # for axe
        page.on("request", lambda request: asked.append(request.url))
        page.goto(reader.project.path("dvc_plots/index.html").as_uri())
        page.locator("svg.marks").nth(1).wait_for()
        assert page.locator("svg.marks").count() == 2
        assert page.locator("img").count() > 20
        page.goto(reader.project.path("comparison/index.html").as_uri())
        titles = page.locator("h2").all_text_contents()
        assert titles[0] == "What differs"
        assert any(title.startswith("The same validation images") for title in titles)
        pictures = page.locator("img")
        assert pictures.count() == 3  # metrics, curves, and the images of the item that differs
        assert all(pictures.evaluate_all("all => all.map(one => one.naturalWidth > 300)"))
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert {url.partition(":")[0] for url in asked} == {"file"}


def check_share(reader: Reader, said: str) -> None:
    # elsewhere, in less, and at the stranger's
    assert said.count("Data and pipelines are up to date.") == 3
    assert re.search(r"^[0-9a-f]{64}  ae-jigsaw\.zip$", said, flags=re.MULTILINE)
    assert "Running stage" not in said.split("dvc pull")[0].split("Cloning")[0]
    pulled = reader.folder / "elsewhere/models/ae-jigsaw/weights.safetensors"
    whole = pulled.read_bytes()
    for name in (
        "autoencoders/models/ae-jigsaw",
        "less/models/ae-jigsaw",
        "downloaded",
        "released",
    ):
        found = list((reader.folder / name).rglob("weights.safetensors"))
        assert [path.read_bytes() for path in found] == [whole], name
    theirs = yaml.safe_load((reader.folder / "theirs/params.yaml").read_text())
    assert theirs["plot_latent"]["tsne_perplexity"] == 20.0


def check_use(reader: Reader, said: str) -> None:
    restored = reader.project.path("restored")
    assert len(list((restored / "reconstructions").rglob("*.png"))) == 40
    assert len((restored / "codes.csv").read_text().splitlines()) == 41


CHECKS = {
    "how-to/sweeps": check_sweep,
    "how-to/compare": check_compare,
    "how-to/share": check_share,
    "how-to/use-a-model": check_use,
}
"""What must be there when a page has been read, beyond that each command has succeeded."""

ELSEWHERE = {
    "tutorial": "its stages take long: below it is tested that they exist",
    "scaling": "several machines, and timings: see test_parallel.py and test_benchmarks.py",
    "results": "trainings of hours: see test_benchmarks.py",
    "published/jigsaws": "trainings of an hour: see test_benchmarks.py",
    "published/planes": "as above, and somebody else's files",
    "how-to/track": "a package that few need: see test_tracking.py",
    "how-to/many-machines": "clones at the same time, and a remote: see test_machines.py",
}


def test_every_page_with_commands_is_read():
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    assert {page for page in pages if blocks(page)} == {*PAGES, *ELSEWHERE}
    notes = [block.note for page in PAGES for block in blocks(page) if "not run" in block.note]
    assert len(notes) == 11, "commands that no test runs"


def test_the_tutorial_names_what_there_is():
    commands = "\n".join(block.text for block in blocks("tutorial"))
    stages = dvc_here("stage", "list", "--name-only").split()
    targets = {target for line in re.findall(r"dvc repro(.*)", commands) for target in line.split()}
    assert len(targets) == 7
    assert targets <= set(stages)
    for path in re.findall(r"dvc metrics show (\S+)", commands):
        assert path.removeprefix("metrics/").removesuffix(".json") in {
            name.removeprefix("evaluate@") for name in stages
        }


def test_the_page_of_kinds_has_what_they_say_of_themselves(capsys):
    assert main(["kinds"]) == 0
    said = capsys.readouterr().out.rstrip()
    page = (DOCS / "reference/kinds.md").read_text()
    assert page.endswith(f"\n\n{said}\n"), "it ends with what `autoencoders kinds` prints"


def test_the_pages_build_without_a_warning(tmp_path):
    subprocess.run(
        ["mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env=environment(NO_MKDOCS_2_WARNING="1"),
        check=True,
    )
    page = (tmp_path / "site/reference/params/index.html").read_text()
    assert "learning_rate" in page
    assert "fonts.googleapis" not in page


def test_workflow_and_hooks_are_valid():
    workflow = [".github/workflows/ci.yaml"]
    for command in (
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflow],
        ["pre-commit", "validate-config", ".pre-commit-config.yaml"],
    ):
        subprocess.run(command, cwd=ROOT, env=environment(), check=True)
