"""Pages opened in a real Chromium: nothing on the console, nothing asked for, light, dark and as wide as a phone.

The screenshots are kept where QUARTIC_SCREENSHOTS says, to be looked at; otherwise in pytest's folder.
"""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from derive import catalogue
from verify.audits.definition import audit
from verify.reports import page, write_report

pytestmark = pytest.mark.slow

VIEWS = {"light": {}, "dark": {"dark": True}, "phone": {"width": 360}, "dark phone": {"width": 360, "dark": True}}
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
# Formulas and pictures that are drawn, and all their heights.
DRAWN = "[...document.querySelectorAll('math, svg, table')].map(one => one.getBoundingClientRect().height)"


def simclr(z1, z2):
    return torch.nn.functional.cross_entropy(z1 @ z2.T, torch.arange(len(z1)))


@pytest.fixture(scope="module")
def files(audited, tmp_path_factory):
    """The pages of five audits, as they are, on disk."""
    folder = tmp_path_factory.mktemp("pages")
    found = {
        "clean": audit(catalogue("vicreg"), draws=2000, train=False),
        "refuted": audited("refuted"),
        "not analytic": audit(catalogue("infonce+normalised")),
        "black box": audit(simclr),
        "trained": audit(catalogue("infonce"), draws=2000),
    }
    assert [one.verdict for one in found.values()] == ["holds", "refuted", "holds", "holds", "holds"]
    assert any(one.route == "trained" and one.agrees for one in found["trained"].evidence)
    return {name: write_report(one, folder / f"{name}.html", command="quartic audit") for name, one in found.items()}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["clean", "refuted", "not analytic", "black box", "trained"])
def test_a_page_stands_alone(name, view, files, chromium, tmp_path):
    file = files[name]
    chromium.open(file, **VIEWS[view])
    assert chromium.complaints() == []
    assert chromium.requests() == [file.as_uri()]
    wide, window = chromium.evaluate(WIDTHS)
    assert wide <= window == VIEWS[view].get("width", 1200)
    heights = chromium.evaluate(DRAWN)
    assert len(heights) > 1
    assert min(heights) > 4
    kept = Path(os.environ.get("QUARTIC_SCREENSHOTS", tmp_path))
    with Image.open(chromium.screenshot(kept / f"{name}, {view}.png")) as shot:
        assert shot.width == window
        ground = sum(shot.convert("RGB").getpixel((2, 2))) / 3
        assert (ground < 60) if "dark" in view else (ground > 240)


def test_what_can_be_opened_opens_without_a_script(files, chromium):
    chromium.open(files["clean"])
    closed = chromium.evaluate("document.body.scrollHeight")
    chromium.evaluate("document.querySelectorAll('summary').forEach(one => one.click())")
    assert chromium.evaluate("document.body.scrollHeight") > closed + 1000


# That these checks can fail.


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("<script>console.error('no')</script>", "complaints"),
        ("<script>missing()</script>", "complaints"),
        ("<img src='http://127.0.0.1:9/a.png'>", "requests"),
        ("<link rel='stylesheet' href='beside.css'>", "requests"),
    ],
)
def test_a_page_that_does_more_is_found_out(markup, seen, chromium, tmp_path):
    file = tmp_path / "more.html"
    file.write_text(f"<!DOCTYPE html><meta charset='utf-8'><title>more</title>{markup}", "utf-8")
    chromium.open(file)
    assert getattr(chromium, seen)() not in ([], [file.as_uri()])


def test_the_page_itself_refuses_to_run_and_to_fetch(audited, chromium, tmp_path):
    file = tmp_path / "injected.html"
    injected = "<script>document.title = 'run'</script><img src='http://127.0.0.1:9/a.png'>"
    file.write_text(page(audited("black box")).replace("<main>", f"<main>{injected}"), "utf-8")
    chromium.open(file)
    assert chromium.evaluate("document.title") != "run"
    assert len(chromium.complaints()) == 2
    assert all("Content Security Policy" in str(one) for one in chromium.complaints())


def test_a_page_too_wide_is_found_out(chromium, tmp_path):
    file = tmp_path / "wide.html"
    file.write_text("<!DOCTYPE html><title>wide</title><div style='width: 700px'>wide</div>", "utf-8")
    chromium.open(file, width=360)
    wide, window = chromium.evaluate(WIDTHS)
    assert wide > window
