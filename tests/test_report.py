"""The report: what is in it, and how it behaves in a real browser."""

import base64
import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from autoencoders.corruptions.registry import build_corruption
from autoencoders.errors import UserError
from autoencoders.io.arrays import read_arrays
from autoencoders.models.base import Autoencoder
from autoencoders.models.inference import decode, decode_codes, reconstruct
from autoencoders.models.registry import build_model, load_model
from autoencoders.report import decoder as decoder_module
from autoencoders.report import network as network_module
from autoencoders.report.about import about
from autoencoders.report.content import packed, plane_of
from autoencoders.report.decoder import leave_out_encoders, network_content
from autoencoders.report.network import (
    KNOWN,
    Network,
    UnknownOperationError,
    decoder,
    encoders,
    size,
)
from autoencoders.report.page import assembly
from autoencoders.report.page.assembly import page
from autoencoders.report.spread import spread
from tests.browser import NODE, launched, run_module
from tests.parts import FLAVOURS, NETWORKS, built_of
from tests.project import ROOT, Project

PAGE = Path(assembly.__file__).parent


@pytest.fixture(scope="module")
def project(finished: Path, tmp_path_factory) -> Project:
    """A project whose report is of one model, and of which one item has run with three seeds."""
    folder = tmp_path_factory.mktemp("report") / "project"
    project = Project.copy(finished / "project", folder)
    project.set({"models.ae": None})
    own = json.loads(project.path("metrics/vae-jigsaw.json").read_text())
    mse = own["test"]["reconstruction"]["mse"]
    of_seeds = {"vae-jigsaw.test.mse": {"0": mse, "1": mse + 0.001, "2": mse - 0.002}}
    project.path("seeds/metrics.json").write_text(json.dumps(of_seeds))
    project.stage("report")
    return project


def test_the_spread_is_that_of_this_very_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("seeds").mkdir()
    measured = {"ae-none": {"test": {"reconstruction": {"mse": 0.25}}}}

    def found(values: object, seed: int = 1) -> dict:
        Path("seeds/metrics.json").write_text(json.dumps({"ae-none.test.mse": values}))
        return spread(measured, seed)

    values = {"0": 0.5, "1": 0.25, "2": 0.125}
    assert found(values) == {"ae-none": {"seeds": 3, "lowest": 0.125, "highest": 0.5}}
    assert found(values, seed=0) == found({"1": 0.25}) == found({}) == {}
    with pytest.raises(UserError, match=r"seeds/metrics\.json: expected an object of seeds under"):
        found([0.25])
    Path("seeds/metrics.json").unlink()
    assert spread(measured, 1) == {}


def test_no_text_can_end_the_script_that_holds_it():
    classes = ["</script><script>alert(1)</script>", "<!--", "SCRIPT"]
    html = page("<b>A title</b>", {"classes": classes})
    assert "</script><script>alert" not in html
    assert "<title>&lt;b&gt;A title&lt;/b&gt;</title>" in html
    assert html.count("</script>") == page("", {}).count("</script>")
    assert json.loads(html.split('id="content">')[1].split("</script>")[0])["classes"] == classes


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


@pytest.mark.parametrize("path", sorted((ROOT / "tests/js").glob("*.js")), ids=lambda p: p.name)
def test_the_modules_of_the_page(path: Path):
    done = subprocess.run([NODE, "--test", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "fail 0" in done.stdout


def test_each_module_is_in_the_page_after_those_that_it_imports():
    seen: set[str] = set()
    for name in assembly.MODULES:
        text = (PAGE / name).read_text()
        assert {f"{stem}.js" for _, stem in assembly.IMPORT.findall(text)} <= seen
        assert len(text.splitlines()) <= 260
        seen.add(name)
    assert seen == {path.name for path in PAGE.glob("*.js")}
    script = assembly.script_of_modules()
    assert not [line for line in script.splitlines() if line.startswith(("import", "export"))]


def test_the_script_knows_the_operations_that_are_traced():
    names = run_module(PAGE / "operations.js", "Object.keys(M.OPERATIONS)", None)
    assert set(names) == KNOWN


def model_of(kind: str, network: str, shape: tuple[int, ...], align=None) -> Autoencoder:
    """With statistics of batch normalisation, and images of some contrast."""
    torch.manual_seed(0)
    settings = {"network": NETWORKS[network], "latent_dim": 16, "align": align}
    model = build_model(kind, shape, settings | built_of(kind))
    with torch.no_grad():
        model.train()
        model.decode(torch.randn(50, model.code_dim))
        model.encode(torch.rand(50, *shape))
        model.eval()
        weight, bias = list(model.decoder.parameters())[-2:]
        bias.zero_()
        weight.mul_(2 / model.logits(torch.randn(50, model.code_dim)).std())
    return model


def in_javascript(network: Network, given: torch.Tensor) -> np.ndarray:
    content = {"network": network.content, "given": given.flatten().tolist()}
    content["shape"] = list(given.shape)
    run = "Array.from(M.runNetwork(M.readNetwork(given.network), {data: "
    run += "Float32Array.from(given.given), shape: given.shape, offset: 0, strides: given.shape"
    run += ".map((_, at) => given.shape.slice(at + 1).reduce((a, b) => a * b, 1))}).data)"
    return np.array(run_module(PAGE / "operations.js", run, content))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 45)], ids=str)
@pytest.mark.parametrize("network", NETWORKS)
def test_the_page_computes_what_torch_does(network: str, shape):
    model = model_of("vae", network, shape)
    code, images = torch.linspace(-2, 1, 16)[None], torch.rand(3, *shape)
    with torch.inference_mode():
        restored, encoded = model.decode(code), model.encode(images[:1])["mean"]
    assert restored.std() > 0.1
    found = in_javascript(decoder(model), code)
    assert found == pytest.approx(restored.flatten().numpy(), abs=1 / 255)
    found = in_javascript(encoders(model, images)["encode"], images[:1])
    assert found == pytest.approx(encoded.flatten().numpy(), abs=0.05 * float(encoded.std()))


KINDS = [{"kind": "rotate"}, {"kind": "jigsaw", "grid": 3}, {"kind": "scramble", "grid": 2}]


@pytest.mark.parametrize("kind", [*KINDS, KINDS[:2]], ids=str)
def test_the_page_aligns_as_torch_does(kind):
    model, images = model_of("ae", "conv", (1, 28, 28), kind), torch.rand(2, 1, 28, 28)
    with torch.inference_mode():
        aligned = model.align(images[:1]).flatten().numpy()
    found = in_javascript(encoders(model, images)["align"], images[:1])
    assert found == pytest.approx(aligned, abs=0.02)


@pytest.mark.parametrize("kind", FLAVOURS)
def test_the_page_runs_every_flavour(kind: str):
    model = model_of(kind, "mlp", (1, 12, 12))
    code = model.encode(torch.rand(1, 1, 12, 12))["mean"].detach()
    with torch.inference_mode():
        expected = model.decode(code).flatten().numpy()
    assert in_javascript(decoder(model), code) == pytest.approx(expected, abs=1 / 255)
    assert encoders(model, torch.rand(2, 1, 12, 12))["encode"] is not None


RECORDS = {
    "rotate": ({}, {"k": torch.tensor([3])}, {"k": 3}),
    "jigsaw": (
        {"grid": 2},
        {"permutation": torch.tensor([[2, 0, 3, 1]])},
        {"order": [2, 0, 3, 1], "turns": [0, 0, 0, 0]},
    ),
    "scramble": (
        {"grid": 2},
        {"permutation": torch.tensor([[2, 0, 3, 1]]), "turns": torch.tensor([[1, 0, 2, 3]])},
        {"order": [2, 0, 3, 1], "turns": [1, 0, 2, 3]},
    ),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_the_page_corrupts_as_the_stages_do(kind: str):
    settings, record, own = RECORDS[kind]
    images = torch.randint(256, (1, 2, 9, 9), dtype=torch.uint8)
    expected = build_corruption({"kind": kind, **settings}, 9, 9).apply(images, record)
    given = {"pixels": images.flatten().tolist(), "part": {"kind": kind, **settings}, "own": own}
    run = (
        "Array.from(M.apply([given.part], Float32Array.from(given.pixels), [2, 9, 9], [given.own]))"
    )
    assert run_module(PAGE / "corruptions.js", run, given) == expected.flatten().tolist()


def test_what_the_page_cannot_run_is_decoded_beforehand(capsys, monkeypatch):
    monkeypatch.setattr(network_module, "KNOWN", KNOWN - {"silu"})
    model = model_of("ae", "conv", (3, 12, 14))
    chance = np.random.default_rng(0)
    codes = chance.normal(size=(40, 16)).astype(np.float32)
    inputs = chance.integers(0, 256, (40, 3, 12, 14), np.uint8)
    content = network_content(model, inputs, codes, codes[:3])
    assert content["networks"] == {"align": None, "encode": None, "decode": None}
    assert "decoder (silu): it shows images decoded beforehand" in capsys.readouterr().out
    atlas = content["atlas"]
    # Three ways between classes of five, a plane of 21 x 21, and the images.
    assert atlas["count"] == 3 * 5 + 21 * 21 + 40
    shown = np.frombuffer(base64.b64decode(atlas["codes"]), "<f2").reshape(-1, 16)
    assert shown[-40:] == pytest.approx(codes, abs=0.01)
    sheet = Image.open(io.BytesIO(base64.b64decode(atlas["images"].partition(",")[2])))
    row, column = divmod(atlas["count"] - 1, 25)
    last = np.asarray(sheet)[12 * row : 12 * row + 12, 14 * column : 14 * column + 14]
    assert np.array_equal(last, decode_codes(model, codes[-1:])[0].transpose(1, 2, 0))


def test_networks_that_give_something_else_are_not_used(monkeypatch):
    model, rounded = model_of("ae", "conv", (1, 28, 28)), network_module._rounded
    monkeypatch.setattr(network_module, "_rounded", lambda array, bits: rounded(array * 1.3, bits))
    with pytest.raises(UnknownOperationError, match="give other images"):
        decoder(model)
    with pytest.raises(UnknownOperationError, match="give other codes"):
        encoders(model, torch.rand(4, 1, 28, 28))


def test_encoders_are_left_out_until_there_is_room(monkeypatch, capsys):
    model = model_of("ae", "conv", (1, 12, 12))
    images, codes = np.zeros((2, 1, 12, 12), np.uint8), np.zeros((2, 16), np.float32)
    items = [
        {"name": name, **network_content(model, images, codes, codes)} for name in ("a", "b", "c")
    ]
    whole = sum(size([*item["networks"].values()]) for item in items)
    monkeypatch.setattr(decoder_module, "MOST_NETWORKS", whole - 1)
    leave_out_encoders(items)
    assert [item["networks"]["encode"] is None for item in items] == [False, False, True]
    assert all(item["networks"]["decode"] for item in items)
    assert capsys.readouterr().out == "c: the page has no room for its encoder\n"


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
    assert "torch==" in content["versions"]
    assert "learning_rate" in content["params"]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with launched() as opened_browser:
        yield opened_browser


def window_of(context, report: Path):
    """A report in a window, once it has drawn everything."""
    window = context.new_page()
    window.said = []
    window.on("console", lambda message: window.said.append(message.text))
    window.on("pageerror", lambda error: window.said.append(str(error)))
    window.on(
        "request",
        lambda request: (
            request.url.startswith(("file:", "data:")) or window.said.append(request.url)
        ),
    )
    window.goto(report.as_uri())
    window.wait_for_selector("html[data-ready]", state="attached")
    return window


@pytest.fixture
def opened(browser, project: Project) -> Iterator:
    """The report in a window; it must neither complain nor ask for anything."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
    window = window_of(context, project.path("plots/report.html"))
    yield window
    assert window.said == []
    context.close()


def test_the_browser_runs_the_model_as_torch_does(opened, project: Project):
    model = load_model(project.path("models/vae-jigsaw"))
    codes = read_arrays(project.path("data/embeddings/vae-jigsaw/validation.safetensors"))["mean"]
    expected = decode(model, torch.from_numpy(codes[:20].copy()))
    found = opened.evaluate(
        "codes => codes.map(code => Array.from(modules.models.decode('vae-jigsaw', code)))",
        codes[:20].tolist(),
    )
    assert np.array(found) == pytest.approx(expected.flatten(1).numpy(), abs=1 / 255)
    assert expected.std() > 0.01
    inputs = opened.evaluate(
        "Array.from({length: 8}, (_, at) => Array.from(modules.sheets.pixelsOf('jigsaw', at)))"
    )
    images = torch.tensor(inputs).mul(255).round().to(torch.uint8).unflatten(1, model.image_shape)
    restored = opened.evaluate(
        """inputs => inputs.map(pixels => Array.from(modules.models.decode("vae-jigsaw",
            modules.models.encode("vae-jigsaw", Float32Array.from(pixels)))))""",
        inputs,
    )
    away = np.abs(np.array(restored) - reconstruct(model, images).flatten(1).numpy())
    assert away.mean() < 1 / 255


def test_a_policy_lets_it_ask_for_nothing(browser, project: Project):
    window = window_of(browser.new_context(), project.path("plots/report.html"))
    asked = "fetch('https://example.org').then(() => 'had', () => 'refused')"
    assert window.evaluate(asked) == "refused"
    assert any("Content Security Policy" in line for line in window.said)
    # What is written into the page does not run either.
    window.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), "
        "{textContent: 'window.written = true'}))"
    )
    assert window.evaluate("window.written") is None
    window.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_breaks_no_rule_of_accessibility(browser, project: Project, scheme: str):
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    window = window_of(context, project.path("plots/report.html"))
    window.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    results = Axe().run(window)
    assert results.violations_count == 0, results.generate_report()
    assert len(results.response["passes"]) > 20
    context.close()


def place_of(window, point: str) -> dict[str, float]:
    """Where a point of the map, as an expression in its own units, lies in its element."""
    x, y = window.evaluate(f"modules.map.toScreen({point})")
    return {"x": x, "y": y}


def point_of(window, index: int) -> dict[str, float]:
    return place_of(window, f"modules.map.pointOf({index})")


def picture_of(window, canvas: str) -> str:
    return window.evaluate("id => document.getElementById(id).toDataURL()", canvas)


def pictures_in(window, selector: str) -> list[str]:
    canvases = window.locator(f"{selector} canvas")
    return canvases.evaluate_all("all => all.map(one => one.toDataURL())")


def choose(window, name: str) -> None:
    window.get_by_role("radio", name=name, exact=True).check()


def drag(window, *places: dict[str, float]) -> None:
    """With the button held, from place to place on the map."""
    map_ = window.locator("#map")
    map_.scroll_into_view_if_needed()
    box = map_.bounding_box()
    for number, place in enumerate(places):
        window.mouse.move(box["x"] + place["x"], box["y"] + place["y"], steps=4)
        if not number:
            window.mouse.down()
    window.mouse.up()


def test_the_first_screen_shows_each_epoch_and_model(opened):
    strips = opened.locator(".experiment img")
    assert strips.count() == 3
    assert opened.locator("#first-epoch-text").inner_text() == "2"
    last = strips.last.get_attribute("src")
    opened.locator("#first-epoch").fill("0")
    assert strips.last.get_attribute("src") != last
    assert strips.last.get_attribute("alt") == "vae-jigsaw: reconstruction after epoch 1"
    assert "input itself" in opened.locator(".experiment table").inner_text()
    ranges = opened.locator(".experiment td small")
    assert ranges.count() == 1
    assert ranges.get_attribute("title") == "lowest and highest of 3 seeds"
    assert re.fullmatch(r"0\.\d{5}\u20130\.\d{5}", ranges.inner_text())
    assert "lowest and highest of 3 seeds" in opened.locator("main").inner_text()
    assert opened.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


def test_pointing_at_an_image_shows_it(opened):
    tip = opened.locator("#tip")
    assert tip.is_hidden()
    opened.locator("#map").hover(position=point_of(opened, 3))
    assert tip.is_visible()
    words = tip.locator("figcaption").all_inner_texts()
    assert words == ["original", "input", "aligned", "output"]
    index = opened.evaluate("modules.map.nearestTo(modules.map.pointOf(3))")
    label = opened.evaluate("index => modules.content.className(index)", index)
    assert opened.locator("#tip-class").inner_text().startswith(f"{label}, error 0.")
    assert len(set(pictures_in(opened, "#tip"))) == 4
    opened.locator("h1").hover()
    assert tip.is_hidden()


def test_the_triangle_blends_what_is_picked(opened):
    seen = {picture_of(opened, "blend")}
    map_ = opened.locator("#map")
    for index in (3, 40):
        map_.click(position=point_of(opened, index))
    assert opened.evaluate("modules.map.marks.picks.length") == 2
    assert opened.locator("#corner-0").input_value().startswith("pick")
    assert opened.locator("#corner-2").input_value() == ""
    seen.add(picture_of(opened, "blend"))
    assert opened.locator("#blend-words").inner_text() == "vae-jigsaw: A 50 %, B 50 %"
    opened.locator("#corner-2").select_option(label="mean of 0")
    seen.add(picture_of(opened, "blend"))
    handle = opened.get_by_role("slider", name="Shares of A, B and C")
    handle.focus()
    for _ in range(4):
        opened.keyboard.press("ArrowUp")
    seen.add(picture_of(opened, "blend"))
    share = int(handle.get_attribute("aria-valuenow"))
    assert share > 40
    triangle = opened.locator("#triangle").bounding_box()
    opened.mouse.click(triangle["x"] + 5, triangle["y"] + triangle["height"] * 0.9)
    assert opened.locator("#blend-words").inner_text().endswith("A 0 %, B 100 %, C 0 %")
    seen.add(picture_of(opened, "blend"))
    assert len(seen) == 5


def test_any_place_is_decoded_on_both_maps(opened):
    seen = {picture_of(opened, "blend")}
    for name in ("PCA", "t-SNE"):
        choose(opened, name)
        free = opened.evaluate(
            """() => { for (let x = -0.95; x < 1; x += 0.05) for (let y = -0.95; y < 1; y += 0.05)
                if (modules.map.nearestTo([x, y]) === null) return [x, y] }"""
        )
        opened.locator("#map").click(position=place_of(opened, json.dumps(free)))
        assert opened.locator("#blend-words").inner_text().endswith("the place of the cross")
        seen.add(picture_of(opened, "blend"))
    assert len(seen) == 3
    assert "no way back" in opened.locator("#map-note").inner_text()


def test_a_box_shows_a_group_and_a_path_a_film(opened):
    choose(opened, "box")
    low, high = place_of(opened, "[-0.5, 0.5]"), place_of(opened, "[0.5, -0.5]")
    drag(opened, low, high)
    group = opened.evaluate("modules.map.within([[-0.5, 0.5], [0.5, -0.5]])")
    assert len(group) > 3
    assert opened.locator("#group-words").inner_text().startswith(f"{len(group)} images: ")
    assert len(pictures_in(opened, "#group-images")) == min(48, len(group))
    choose(opened, "path")
    drag(opened, low, place_of(opened, "[0, 0]"), high)
    film = pictures_in(opened, "#film-images")
    assert len(film) == 14
    assert len(set(film)) > 7
    opened.locator("#map").focus()
    opened.keyboard.press("Escape")
    assert opened.locator("#film").is_hidden()
    assert opened.locator("#group").is_hidden()


def test_closer_in_dots_become_images_and_the_map_is_dragged(opened):
    far = picture_of(opened, "map")
    opened.locator("#map").scroll_into_view_if_needed()
    for _ in range(3):
        opened.get_by_role("button", name="Zoom in").click()
    near, middle = picture_of(opened, "map"), "modules.map.view.middle"
    assert near != far
    assert opened.evaluate(middle) == [0, 0]
    drag(opened, {"x": 200, "y": 200}, {"x": 260, "y": 230})
    assert opened.evaluate(middle)[0] < 0
    opened.get_by_role("button", name="whole").click()
    assert opened.evaluate("modules.map.view.zoom") == 1


def test_the_keyboard_is_enough(opened):
    opened.locator("#map").focus()
    for _ in range(3):
        opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("Enter")
    marks = opened.evaluate("modules.map.marks")
    assert marks["place"] or marks["picks"]
    choose(opened, "box")
    opened.locator("#map").focus()
    opened.keyboard.press("Enter")
    for key in ["ArrowRight", "ArrowDown"] * 12:
        opened.keyboard.press(key)
    opened.keyboard.press("Enter")
    assert opened.locator("#group").is_visible()
    opened.keyboard.press("+")
    assert opened.evaluate("modules.map.view.zoom") == 1.5
    button = opened.locator("#legend button").first
    button.focus()
    opened.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    hidden = opened.evaluate("modules.content.content.labels.findIndex(label => label === 0)")
    assert not opened.evaluate("index => modules.map.isShown(index)", hidden)


def test_an_image_is_corrupted_and_restored(opened):
    original, *before = pictures_in(opened, "#harmed")
    assert len(before) == 3  # input, aligned, restored
    assert opened.locator("#harmed figcaption").nth(2).inner_text().startswith("aligned for vae")
    opened.locator("#harm-draw").click()
    drawn = pictures_in(opened, "#harmed")
    assert drawn[0] == original
    assert drawn[1] != before[0]
    tiles = opened.locator("#harmed canvas.swaps")
    side = tiles.bounding_box()["width"]
    tiles.click(position={"x": side / 6, "y": side / 6})
    tiles.click(position={"x": side / 2, "y": side / 2})
    swapped = pictures_in(opened, "#harmed")
    assert swapped[1] != drawn[1]
    opened.locator("#harm-noise").fill("30")
    assert pictures_in(opened, "#harmed")[1] != swapped[1]
    assert opened.locator("#harm-words").inner_text().endswith("noise 0.30")


def test_new_images_are_drawn_again(opened):
    first = pictures_in(opened, "#samples")
    assert len(first) == 24
    opened.locator("#sample").click()
    assert not set(first) & set(pictures_in(opened, "#samples"))
    way = pictures_in(opened, "#ways")
    assert len(way) == 18
    opened.locator("#way-0").select_option("3")
    assert pictures_in(opened, "#ways")[8] == way[8]  # its end is as before
    assert pictures_in(opened, "#ways")[0] != way[0]
    assert len(pictures_in(opened, "#traversals")) == 8 * 9
    errors = opened.locator("#extremes .end figcaption").all_inner_texts()
    assert errors == sorted(errors)[:8] + sorted(errors, reverse=True)[:8]
    assert opened.locator("#nearest img").evaluate("image => image.naturalWidth") > 300


def test_best_and_worst_have_names_and_the_closest_classes_are_blended(opened):
    names = opened.locator("#extremes .row:not(.end) figcaption").all_inner_texts()
    assert len(names) == 16
    assert set(names) <= {str(digit) for digit in range(10)}
    titles = opened.locator("#blends .row > span").all_inner_texts()
    assert titles[-6:] == [f"closest {of} {n}" for of in ("pair", "triple") for n in (1, 2, 3)]
    captions = opened.locator("#blends .row").last.locator("figcaption").all_inner_texts()
    assert len(captions) == 4
    assert captions[-1] == "blend"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda content: content["corruptions"]["jigsaw"].update(parts=[{"kind": "ink"}]),
            "This page cannot corrupt images by jigsaw: it does not know this corruption.",
        ),
        (
            lambda content: [item["networks"].update(encode=None) for item in content["items"]],
            "It has no encoder that it can run for jigsaw.",
        ),
    ],
    ids=["a corruption", "an encoder"],
)
def test_what_the_page_cannot_do_is_told_with_its_reason(
    browser, project: Project, tmp_path, change, said
):
    html = project.path("plots/report.html").read_text()
    content = json.loads(html.split('id="content">')[1].split("</script>")[0])
    content["corruptions"] = {"jigsaw": content["corruptions"]["jigsaw"]}
    content["items"] = [item for item in content["items"] if item["corruption"] == "jigsaw"]
    change(content)
    (tmp_path / "report.html").write_text(page("a title", content))
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    window = window_of(context, tmp_path / "report.html")
    assert window.said == []
    assert window.locator("#harm-left-out").inner_text() == said
    assert window.locator("#harm-draw").is_disabled()
    context.close()


def test_one_model_squeezes_and_two_squeeze():
    dataset = {"name": "digits", "classes": ["0", "1"], "image_shape": [1, 28, 28]}
    settings = {
        "models": {"ae": {}},
        "corruptions": {"none": {}},
        "train": {"epochs": 1},
        "seed": 0,
    }
    assert about(dataset, settings) == (
        "1 model squeezes images of 28 \N{MULTIPLICATION SIGN} 28 pixels of 2 classes into a few "
        "numbers and restores them, on 1 kind of input; where the input is corrupted, the target "
        "is still the original. digits, seed 0, 1 epoch."
    )
    settings |= {"models": {"ae": {}, "vae": {}}, "train": {"epochs": 2}}
    assert about(dataset, settings).startswith("2 models squeeze images of")
    assert about(dataset, settings).endswith("seed 0, 2 epochs.")


def test_columns_sort_and_measures_are_of_the_model(opened):
    button = opened.get_by_role("button", name="MSE", exact=True)
    for order in (1, -1):
        button.click()
        cells = opened.locator("#table tbody tr td:nth-child(2)").all_inner_texts()
        values = [float(cell) for cell in cells if cell != "\N{EN DASH}"]
        assert len(values) > 3
        assert values == sorted(values, reverse=order < 0)
    assert opened.get_by_role("button", name="PSNR").is_hidden()
    opened.get_by_label("all columns").check()
    assert opened.get_by_role("button", name="PSNR").is_visible()
    captions = opened.locator("#measured-tables caption").all_inner_texts()
    assert {"likelihood", "latent", "stress: jigsaw: by misplaced tiles"} <= set(captions)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_the_page_fits_any_window(browser, project: Project, width: int, scheme: str):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    window = window_of(context, project.path("plots/report.html"))
    assert window.evaluate("document.documentElement.scrollWidth") <= width
    # The main numbers need no scrolling sideways.
    inner, outer = window.evaluate(
        "[...document.querySelectorAll('.experiment')].map(one => [one.scrollWidth, "
        "one.clientWidth])[0]"
    )
    assert inner <= outer
    table = window.locator("#table").bounding_box()
    assert table["x"] + table["width"] <= width
    bright = (
        window.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    )
    assert bright == (scheme == "light")
    paint = window.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert paint > 0
    context.close()


def test_on_paper_everything_stands_without_controls(browser, project: Project):
    context = browser.new_context(viewport={"width": 718, "height": 1000})
    window = window_of(context, project.path("plots/report.html"))
    window.emulate_media(media="print")
    assert window.evaluate("document.documentElement.scrollWidth") <= 718
    for gone in ("nav", "#zoom-in", "#sample", "#map-keys"):
        assert window.locator(gone).is_hidden()
    for shown in ("#legend button", "#table .rare", "#params", "#versions"):
        assert window.locator(shown).first.is_visible(), shown
    clipped = "all => all.filter(one => getComputedStyle(one).overflowX !== 'visible').length"
    assert window.locator(".scroll").evaluate_all(clipped) == 0
    context.close()
