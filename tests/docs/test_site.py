"""The site is built with warnings as errors, loads nothing from elsewhere, and every link inside it leads somewhere.

By default without the docstrings of the reference, which take most of the time; a slow test builds all of it.
"""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
# Attributes whose address is loaded by the page itself; that of an `a` is not, and <link> may only tell.
LOADED = {"src", "srcset", "data", "poster"}
TOLD = {"author", "canonical", "index", "license", "next", "prev", "search", "up"}


class Page(HTMLParser):
    """What a page loads, where it leads, and the places that can be led to."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.places = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name") and value:
                self.places.add(value)
            elif name == "href" and tag == "a":
                self.links.append(value)
            elif (name in LOADED and value) or (name == "href" and dict(attributes).get("rel") not in TOLD):
                self.loads.append(value)

    handle_startendtag = handle_starttag


def elsewhere(address):
    """Whether an address is on another host."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def loads(text):
    """What a stylesheet asks for."""
    return re.findall(r"url\(\s*['\"]?([^'\")]+)", text) + re.findall(r"@import\s+['\"]([^'\"]+)", text)


def built(folder, *options, source=ROOT / "docs"):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-n", "-b", "html", *options]
    ran = subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(source), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return ran, folder / "html"


def faults(site):
    """What pages and stylesheets of a site load from elsewhere, and links inside it that lead nowhere."""
    pages = {file: Page(file.read_text("utf-8")) for file in sorted(site.rglob("*.html"))}
    found = []
    for file, page in pages.items():
        here = file.relative_to(site)
        found += [f"{here} loads {one}" for one in page.loads if elsewhere(one)]
        for link in page.links:
            parts = urlsplit(link)
            if elsewhere(link):
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            lost = parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places
            if lost or not target.exists():
                found.append(f"{here} leads to {link}")
    for sheet in site.rglob("*.css"):
        found += [f"{sheet.name} loads {one}" for one in loads(sheet.read_text("utf-8")) if elsewhere(one)]
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, with pages of the reference that are empty."""
    ran, html = built(tmp_path_factory.mktemp("site"), "-t", "quick")
    assert ran.returncode == 0, ran.stderr
    return html


def test_it_loads_nothing_from_elsewhere_and_its_links_lead_somewhere(site):
    assert faults(site) == []


def test_mathematics_is_set_without_a_script(site):
    theory = (site / "theory.html").read_text("utf-8")
    source = (ROOT / "docs" / "theory.md").read_text("utf-8")
    formulas = re.findall(r"\$\$.+?\$\$|\$.+?\$", source, re.DOTALL)
    assert theory.count("<math") >= len(formulas) > 50
    assert "MathJax" not in theory
    assert r"\operatorname" not in theory


def test_every_page_is_there(site):
    sources = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.ipynb")]
    missing = [
        str(one)
        for file in sources
        if "reference" not in file.parts
        and not (site / (one := file.relative_to(ROOT / "docs").with_suffix(".html"))).exists()
    ]
    assert len(sources) > 20
    assert missing == []


def test_a_file_has_its_name_above_it(site):
    tutorial = (site / "tutorial.html").read_text("utf-8")
    assert re.findall(r'code-block-caption"><span class="caption-text">([^<]*)', tutorial) == [
        "repulsion.py",
        "test_draft.py",
        "test_draft.py",
    ]


def test_notebooks_show_formulas_tables_and_pictures(site):
    shown = (site / "notebooks" / "audit_your_own_loss.html").read_text("utf-8")
    assert "<math" in shown
    assert '<div class="quartic">' in shown
    assert re.search(r'<img[^>]* src="\.\./_images/[^"]*\.png"', shown)


@pytest.mark.slow
def test_the_whole_site_with_its_reference(tmp_path):
    ran, html = built(tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert faults(html) == []
    reference = (html / "reference" / "derive.html").read_text("utf-8")
    assert 'id="derive.Loss.expand"' in reference
    command = (html / "reference" / "command.html").read_text("utf-8")
    assert "--no-train" in command


# That these checks can fail.


FAULTS = {
    "a [link](nowhere.md)": "cross-reference target not found: 'nowhere.md'",
    "[an anchor](#nowhere)": "cross-reference target not found: 'nowhere'",
    r"a formula $\nosuchcommand{x}$": "the formula \\nosuchcommand{x} cannot be set",
    "```{toctree}\nnothing\n```": "nonexisting document 'nothing'",
}


def test_each_fault_of_a_page_is_a_warning_and_the_build_fails(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.md").write_text("# A page\n\n" + "\n\n".join(FAULTS), "utf-8")
    ran, _ = built(tmp_path, "-c", str(ROOT / "docs"), "-t", "quick", source=source)
    assert ran.returncode != 0
    assert [fault for fault in FAULTS.values() if fault not in ran.stderr] == [], ran.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script src="https://cdn.example/a.js"></script>'),
        ("a.html", '<link rel="stylesheet" href="//cdn.example/a.css">'),
        ("a.html", '<img src="http://cdn.example/a.png"/>'),
        ("a.html", '<a href="missing.html">a</a>'),
        ("a.html", '<a href="#missing">a</a>'),
        ("a.css", "@font-face { src: url('https://cdn.example/a.woff2') }"),
    ],
)
def test_a_fault_of_the_site_is_found(name, text, tmp_path):
    (tmp_path / name).write_text(text, "utf-8")
    assert len(faults(tmp_path)) == 1


@pytest.mark.parametrize(
    "text", ['<a id="b" href="#b">a</a>', '<a href="https://example.org">a</a>', '<img src="data:image/png;base64,AA">']
)
def test_what_is_no_fault_is_let_through(text, tmp_path):
    (tmp_path / "a.html").write_text(text, "utf-8")
    assert faults(tmp_path) == []
