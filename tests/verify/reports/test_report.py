"""The page of an audit: what stands in it, that it is sound HTML, and that it is closed to the outside."""

import json
import re
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from derive import InputError
from verify.audits.blackbox.findings import describe as describe_black_box
from verify.audits.definition import Audit
from verify.audits.findings import describe
from verify.evidence.verdict_words import sentence, verdict_line
from verify.reports import page, templates, write_report
from verify.reports.mathml import mathml

AUDITS = ("clean", "refuted", "not analytic", "black box", "trained")
VOID = {"meta", "link", "wbr", "br", "img", "input", "hr"}
WHEN = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Parsed(HTMLParser):
    """A page's elements (tag, attributes), its text, and what is not nested as it should be."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.wrong, self.words = [], [], [], []
        self.feed(text)
        self.wrong += self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        self.words.append(" ")
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def of(self, tag):
        return [attributes for one, attributes in self.elements if one == tag]


@pytest.fixture
def written(audited):
    return lambda name: _written(audited, name)


@cache
def _written(audited, name):
    with pytest.MonkeyPatch.context() as patch:
        if name in ("refuted", "trained"):
            # Drawn in the clean one.
            patch.setattr("verify.reports.content.pictures", lambda _: ())
        return page(audited(name), command=f"quartic audit {name}", when=WHEN)


def described(found):
    return describe(found) if isinstance(found, Audit) else describe_black_box(found)


@pytest.mark.parametrize("name", AUDITS)
def test_it_is_sound_html(name, written):
    found = Parsed(written(name))
    assert found.wrong == []
    assert found.of("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [key for _, attributes in found.elements for key in attributes.get("aria-labelledby", "").split()]
    assert set(named) <= set(ids)
    assert len(found.of("caption")) == len(found.of("table"))
    assert all(attributes.get("scope") in ("col", "row") for attributes in found.of("th"))
    assert all(attributes.get("role") == "img" for attributes in found.of("svg"))
    assert len(found.of("svg")) == len(found.of("desc"))


@pytest.mark.parametrize("name", AUDITS)
def test_it_asks_for_nothing_and_runs_nothing(name, written):
    text = written(name)
    found = Parsed(text)
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "iframe", "object", "embed", "form", "base", "foreignobject", "img", "a"}
    for _, attributes in found.elements:
        assert not [key for key in attributes if key.startswith("on")]
        for key in ("href", "src", "xlink:href", "action", "srcset"):
            assert (attributes.get(key) or "#").startswith(("#", "data:"))
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    (policy,) = [one["content"] for one in found.of("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy


@pytest.mark.parametrize("name", AUDITS)
def test_it_says_all_that_the_description_says(name, audited, written):
    said, found = described(audited(name)), Parsed(written(name))
    assert f"{said.title} {said.answer.text} {sentence(said)}" in found.text
    (box,) = [one["class"] for one in found.of("p") if "answer" in one.get("class", "")]
    assert box == f"answer {said.answer.tone}"
    for line in said.lines:
        assert line.label in found.text
        if line.formulas:
            pieces = [piece for formula in line.formulas for piece in mathml(formula)]
            assert all(piece in written(name) for piece in pieces)
        else:
            assert " ".join(line.text.split()) in found.text
    rows = len(found.of("tr")) - 1
    assert rows == sum(one.ran for one in said.evidence)
    for one in said.evidence:
        assert " ".join(one.quantity.split()) in found.text
        if not one.ran:
            assert f"{one.route}, {one.quantity}: {one.note}" in found.text


@pytest.mark.parametrize("name", AUDITS)
def test_the_text_report_is_written_from_the_same_description(name, audited):
    said, text = described(audited(name)), " ".join(audited(name).text().split())
    assert all(" ".join(line.text.split()) in text for line in said.lines)
    assert text.endswith(f"verdict {verdict_line(said.about, said.evidence, said.verdict)}")
    assert f"{said.answer.text} {said.checked}" in text


@pytest.mark.parametrize("name", AUDITS)
def test_the_json_is_that_of_the_audit(name, audited, written):
    inside = Parsed(written(name)).words
    (found,) = [one for one in inside if one.startswith("{\n")]
    assert json.loads(found) == json.loads(json.dumps(audited(name).to_json()))


def test_a_contradiction_is_shown_derived_beside_measured(written):
    text = Parsed(written("refuted")).text
    assert "Which modes are kept is not determined: the derivation is refuted. The derivation is refuted: " in text
    # The sign was flipped: −2 is true.
    assert re.search(
        r"What contradicts it coefficient of Tr\[W A0 Wᵀ\] \(order 2\) derived 2 measured -(1\.9|2\.0)\d* ± ", text
    )
    assert "standard errors" in text
    assert "What contradicts it" not in Parsed(written("clean")).text


def test_it_says_how_to_repeat_it(written):
    text = Parsed(written("clean")).text
    assert "quartic audit clean" in text
    assert "2026-11-25 12:00 UTC" in text
    assert "sympy 1." in text


def test_pictures_stand_in_the_page_and_are_said_in_words(written):
    found = Parsed(written("clean"))
    assert [heading for heading in ("Phase diagram", "Landscape") if heading in found.text]
    assert len(found.of("svg")) == 2
    assert "No collapse everywhere." in found.text
    # −2 a g + (a + c)² g², a = 1: g = r² = 1/(1 + c)².
    assert "C = diag(1.4, 0.2): 4 minima, (|r₁|, |r₂|) = (0.417, 0.833)" in found.text
    assert all(word in found.text for word in ("local minimum", "saddle", "maximum"))
    assert "Pictures" not in Parsed(written("black box")).text


# What comes from outside.

MARKUP = """<script>alert(1)</script>"&'</style><img src=x onerror=alert(1)>{{ 7 * 7 }}$\\frac{$ \\href{a}{b}"""


def test_markup_in_names_is_text(hostile):
    audit = hostile(MARKUP, "<b>\\href{javascript:0}{q}")
    found = Parsed(page(audit, command=f"quartic audit '{MARKUP}'", when=WHEN))
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "img", "b"}
    assert found.wrong == []
    assert len(found.of("style")) == 1
    assert not [key for _, attributes in found.elements for key in attributes if key.startswith("on")]
    # Title, heading, note, what was set, the contradiction and its row, the command.
    assert found.text.count(" ".join(MARKUP.split())) >= 8
    # What is not mathematics stands as its plain text.
    assert "<b>" in found.text


# Colours, by the formula of WCAG 2.2.


def colours():
    sheet = templates.beside("page.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    return {name: dict(re.findall(r"--(\w+): (#\w{6})", text)) for name, text in (("light", light), ("dark", dark))}


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("text", ["ink", "faint", "holds", "refuted", "undecided"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_text_stands_out_from_its_ground(scheme, text, ground):
    found = colours()[scheme]
    assert contrast(found[text], found[ground]) >= 4.5


def test_the_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#999999", "#ffffff") < 4.5


# Written whole or not at all.


def test_what_stood_there_is_replaced(audited, tmp_path):
    file = tmp_path / "audit.html"
    file.write_text("old", "utf-8")
    assert write_report(audited("black box"), file, when=WHEN) == file
    assert file.read_text("utf-8") == page(audited("black box"), when=WHEN)
    assert list(tmp_path.iterdir()) == [file]


def test_a_name_that_is_no_unicode_does_not_stop_it(audited, tmp_path):
    file = write_report(audited("black box"), tmp_path / "audit.html", command="quartic audit \udcff.py:loss")
    assert "quartic audit ?.py:loss" in file.read_text("utf-8")


def test_a_page_that_cannot_be_written_whole_leaves_the_old_one(audited, tmp_path, monkeypatch):
    file = tmp_path / "audit.html"
    file.write_text("old", "utf-8")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError) as raised:
        write_report(audited("black box"), file)
    assert str(raised.value) == f"cannot write {file}: No space left on device"
    assert file.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_without_the_extra_it_is_named(audited, monkeypatch):
    monkeypatch.setattr("verify.reports.content.find_spec", lambda _: None)
    with pytest.raises(InputError) as raised:
        page(audited("clean"))
    assert str(raised.value) == "a report needs Jinja2 and math-core: pip install 'quartic[report]'"
