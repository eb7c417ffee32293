"""The report: what is in it, and how it behaves in a real browser."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autoencoders.io.arrays import read_arrays
from autoencoders.models.base import Autoencoder
from autoencoders.models.inference import decode, decode_codes
from autoencoders.models.registry import build_model, load_model
from autoencoders.report import lowering
from autoencoders.report.content import packed, page, plane_of
from autoencoders.report.decoder import decoder_content
from autoencoders.report.lowering import UnknownOperationError, lowered, run
from tests.browser import launched
from tests.parts import NETWORKS, built_of
from tests.project import Project


@pytest.fixture(scope="module")
def project(finished: Path, tmp_path_factory) -> Project:
    """A project whose report is of one model."""
    folder = tmp_path_factory.mktemp("report") / "project"
    project = Project.copy(finished / "project", folder)
    project.set({"models.ae": None})
    project.stage("report")
    return project


def test_no_text_can_end_the_script_that_holds_it():
    html = page({"classes": ["</script><script>alert(1)</script>", "<!--"]})
    assert "</script><script>alert" not in html
    assert html.count("</script>") == page({}).count("</script>")
    assert json.loads(html.split('id="content">')[1].split("</script>")[0])["classes"][1] == "<!--"


def test_arrays_are_packed_row_by_row():
    array = np.array([[0.5, -1.25], [3.0, 65504.0]])
    assert np.frombuffer(base64.b64decode(packed(array)), "<f2").tolist() == array.ravel().tolist()


def test_a_plane_is_orthonormal_and_holds_the_most_variance():
    codes = np.random.default_rng(0).normal(size=(200, 5)) * [1, 9, 0.1, 4, 0.1]
    points, origin, axes = plane_of(codes)
    assert axes @ axes.T == pytest.approx(np.eye(2), abs=1e-9)
    assert np.abs(axes).argmax(axis=1).tolist() == [1, 3]
    assert points == pytest.approx((codes - origin) @ axes.T)
    assert plane_of(codes[:, :1])[0].shape == (200, 2)


def decoder_of(kind: str, network: str, shape: tuple[int, ...]) -> Autoencoder:
    """With statistics of batch normalisation, and images of some contrast."""
    torch.manual_seed(0)
    settings = {"network": NETWORKS[network], "latent_dim": 16, "align": None}
    model = build_model(kind, shape, settings | built_of(kind))
    with torch.no_grad():
        model.train()
        model.decode(torch.randn(50, 16))
        model.eval()
        weight, bias = list(model.decoder.parameters())[-2:]
        bias.zero_()
        weight.mul_(2 / model.logits(torch.randn(50, 16)).std())
    return model


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 45)], ids=str)
@pytest.mark.parametrize("network", NETWORKS)
def test_operations_are_the_decoder(network: str, shape):
    model = decoder_of("ae", network, shape)
    code = np.linspace(-2, 1, 16, dtype=np.float32)
    with torch.inference_mode():
        expected = model.decode(torch.from_numpy(code).unsqueeze(0))[0].permute(1, 2, 0)
    assert run(lowered(model), code) == pytest.approx(expected.numpy(), abs=1 / 255)
    assert expected.std() > 0.1


def test_what_the_page_cannot_run_is_decoded_beforehand(capsys):
    model = decoder_of("vqvae", "conv", (3, 12, 14))
    chance = np.random.default_rng(0)
    codes = chance.normal(size=(40, 16)).astype(np.float32)
    content = decoder_content(model, codes, codes[:3])
    assert content["layers"] is None
    assert "it shows images decoded beforehand" in capsys.readouterr().out
    atlas = content["atlas"]
    # Three ways between classes of five, a plane of 21 x 21, and the images.
    assert atlas["count"] == 3 * 5 + 21 * 21 + 40
    shown = np.frombuffer(base64.b64decode(atlas["codes"]), "<f2").reshape(-1, 16)
    assert shown[-40:] == pytest.approx(codes, abs=0.01)
    sheet = Image.open(io.BytesIO(base64.b64decode(atlas["images"].partition(",")[2])))
    row, column = divmod(atlas["count"] - 1, 25)
    last = np.asarray(sheet)[12 * row : 12 * row + 12, 14 * column : 14 * column + 14]
    assert np.array_equal(last, decode_codes(model, codes[-1:])[0].transpose(1, 2, 0))


def test_operations_that_give_other_images_are_not_used(monkeypatch):
    monkeypatch.setattr(lowering, "_scaling", lambda module: lowering._arrays(module.weight, None))
    with pytest.raises(UnknownOperationError, match="give other images"):
        lowered(decoder_of("ae", "conv", (1, 28, 28)))


def test_the_report_stays_small_and_has_the_same_bytes_again(project: Project):
    path = project.path("plots/report.html")
    assert 10_000 < path.stat().st_size < 15_000_000
    before = path.read_bytes()
    project.stage("report")
    assert path.read_bytes() == before
    content = json.loads(path.read_text().split('id="content">')[1].split("</script>")[0])
    assert [row["cells"][0] for row in content["rows"]] == [
        "vae-jigsaw",
        "the input itself, jigsaw",
        "the mean image",
        "raw pixels",
        "PCA, 8 components",
        "training images",
    ]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with launched() as opened_browser:
        yield opened_browser


@pytest.fixture
def opened(browser, project: Project) -> Iterator:
    """The report in a window; it must neither complain nor ask for anything."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    window = context.new_page()
    said: list[str] = []
    window.on("console", lambda message: said.append(message.text))
    window.on("pageerror", lambda error: said.append(str(error)))
    window.on(
        "request",
        lambda request: request.url.startswith(("file:", "data:")) or said.append(request.url),
    )
    window.goto(project.path("plots/report.html").resolve().as_uri())
    yield window
    assert said == []
    context.close()


def test_the_browser_decodes_as_torch_does(opened, project: Project):
    model = load_model(project.path("models/vae-jigsaw"))
    codes = read_arrays(project.path("data/embeddings/vae-jigsaw/validation.safetensors"))["mean"]
    expected = decode(model, torch.from_numpy(codes[:20].copy())).permute(0, 2, 3, 1)
    found = opened.evaluate(
        "codes => codes.map(code => Array.from(decode('vae-jigsaw', code)))", codes[:20].tolist()
    )
    assert np.array(found) == pytest.approx(expected.flatten(1).numpy(), abs=1 / 255)
    assert expected.std() > 0.01


def point_of(window, index: int) -> dict[str, float]:
    """Where a point of the map is, in its element."""
    x, y = window.evaluate(
        """index => scales().toMap(item.points[index])
            .map(v => v * $("map").clientWidth / MAP)""",
        index,
    )
    return {"x": x, "y": y}


def picture_of(window, canvas: str) -> str:
    return window.evaluate("id => $(id).toDataURL()", canvas)


def test_pointing_at_an_image_shows_it(opened):
    tip = opened.locator("#tip")
    assert tip.is_hidden()
    opened.locator("#map").hover(position=point_of(opened, 3))
    assert tip.is_visible()
    index = opened.evaluate(
        "([x, y]) => nearest(x * MAP / $('map').clientWidth, y * MAP / $('map').clientWidth)",
        list(point_of(opened, 3).values()),
    )
    label = opened.evaluate("index => content.classes[content.labels[index]]", index)
    assert opened.locator("#tip-class").inner_text() == label
    shown = {picture_of(opened, f"tip-{name}") for name in ("original", "input", "output")}
    assert len(shown) == 3
    opened.locator("h1").hover()
    assert tip.is_hidden()


def test_sliders_and_choices_change_the_blend(opened):
    seen = {picture_of(opened, "blend")}
    opened.locator("#share-1").fill("90")
    seen.add(picture_of(opened, "blend"))
    assert opened.locator("#share-1-text").inner_text() == "90 %"
    opened.locator("#end-2").select_option(label="mean of 0")
    seen.add(picture_of(opened, "blend"))
    opened.locator("#share-2").fill("80")
    seen.add(picture_of(opened, "blend"))
    assert len(seen) == 4


def test_picks_are_blended_and_places_decoded(opened):
    map_ = opened.locator("#map")
    for index in (3, 40):
        map_.click(position=point_of(opened, index))
    assert opened.evaluate("picks.length") == 2
    assert opened.locator("#end-0").input_value().startswith("pick")
    assert opened.locator("#end-1").input_value().startswith("pick")
    blended = picture_of(opened, "blend")
    empty = opened.evaluate(
        """() => { for (let x = 5; x < MAP; x += 10) for (let y = 5; y < MAP; y += 10)
            if (nearest(x, y) === null) return [x, y].map(v => v * $("map").clientWidth / MAP) }"""
    )
    map_.click(position=dict(zip("xy", empty, strict=True)))
    assert "the place (" in opened.locator("#made-of").inner_text()
    assert picture_of(opened, "blend") != blended


def test_the_keyboard_is_enough(opened):
    opened.locator("#map").focus()
    before = opened.locator("#made-of").inner_text()
    for _ in range(3):
        opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("Enter")
    assert opened.locator("#made-of").inner_text() != before or opened.evaluate("picks.length") == 1
    button = opened.locator("#legend button").first
    button.focus()
    opened.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    hidden = opened.evaluate("content.labels.findIndex(label => label === 0)")
    found = opened.evaluate("index => nearest(...scales().toMap(item.points[index]))", hidden)
    assert found is None or opened.evaluate("index => content.labels[index]", found) != 0


def test_columns_sort_and_epochs_switch(opened):
    button = opened.get_by_role("button", name="MSE", exact=True)
    for order in (1, -1):
        button.click()
        cells = opened.locator("#table tbody tr td:nth-child(2)").all_inner_texts()
        values = [float(cell) for cell in cells if cell != "\N{EN DASH}"]
        assert len(values) > 3
        assert values == sorted(values, reverse=order < 0)
    images = opened.locator("#strips img")
    last = images.last.get_attribute("src")
    opened.locator("#shown-epoch").select_option("1")
    assert images.last.get_attribute("src") != last
    assert opened.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_the_page_fits_any_window(browser, project: Project, width: int, scheme: str):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    window = context.new_page()
    window.goto(project.path("plots/report.html").resolve().as_uri())
    assert window.evaluate("document.documentElement.scrollWidth") <= width
    bright = (
        window.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    )
    assert bright == (scheme == "light")
    context.close()
