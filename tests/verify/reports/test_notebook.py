"""Audits and claims in a cell of a notebook: escaped, with formulas as MathML or as text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from derive import catalogue
from derive.landscape.summary import described
from verify.audits.blackbox.audit import BlackBoxAudit
from verify.audits.definition import Audit
from verify.evidence.answer import Answer
from verify.evidence.description import Description, Line, Section
from verify.evidence.evidence import Evidence
from verify.papers.claims.judging import judge
from verify.papers.claims.ledgers import chosen, published
from verify.papers.printed.check import Check
from verify.reports import notebook

LOSS = catalogue("infonce")
EXPANSION = LOSS.expand(4)
EVIDENCE = (Evidence("autodiff", "c < 1", 1.0, 1.0, 1e-9, "tolerance", agrees=True),)
AUDIT = Audit(LOSS, {}, EXPANSION, None, "analytic", None, "", described(LOSS, EXPANSION), EVIDENCE)


@pytest.fixture(scope="module")
def claim():
    (one,) = chosen(published(), id="iclr:eq5")
    return one


class Opened(HTMLParser):
    """What is open, and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, _attributes):
        self.open += [] if tag in ("wbr", "br") else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def text_of(shown):
    """The text of a piece of HTML, in which what is opened is closed in order."""
    reader = Opened()
    reader.feed(shown)
    reader.close()
    assert reader.open == []
    return reader.text


def test_an_audit_shows_its_verdict_its_formulas_and_its_evidence():
    shown = AUDIT._repr_html_()
    text = text_of(shown)
    assert text.startswith("InfoNCE (population)Keeps every mode with λ_i > 0")
    assert "The derivation is undecided: nothing contradicts it" in text
    assert re.findall(r"<th [^>]*>(.*?)</th>", shown) == ["Definition", "Near W = 0", "Landscape", "At collapse"]
    assert shown.count("<math") > 5
    assert "c < 1: |Δ| = 0  ✓" in text


def test_without_math_core_the_plain_text_stands(monkeypatch):
    monkeypatch.setattr(notebook, "find_spec", lambda _: None)
    shown = AUDIT._repr_html_()
    assert "<math" not in shown
    assert EXPANSION.text() in text_of(shown)


def test_names_are_text_whatever_they_hold():
    bad = "<script>alert(1)</script>"
    line = Line(bad, bad, (r"\href{x}{y}",))
    answer, sections = Answer(bad, "open"), (Section(bad, (line,)),)
    shown = notebook.of_description(Description(bad, "", "", answer, bad, sections, EVIDENCE, "holds"))
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 6
    assert "<script" not in replace(AUDIT, loss=replace(LOSS, title=bad))._repr_html_()


def test_the_audit_of_a_torch_function_has_the_same_cell(monkeypatch):
    said = Description("mine", "", "a torch function", Answer("Loses all.", "loses"), "it", (), EVIDENCE, "undecided")
    monkeypatch.setattr("verify.audits.blackbox.audit.describe", lambda _: said)
    assert object.__new__(BlackBoxAudit)._repr_html_() == notebook.of_description(said)


def test_a_claim_is_its_sentence_with_formulas(claim):
    shown = claim._repr_html_()
    assert text_of(shown).startswith(f"{claim.id}, {claim.where}")
    assert shown.count("<math") >= len(claim.printed)
    assert "recorded" in shown
    assert "\x00" not in shown


def test_a_judged_claim_shows_print_and_correction(claim):
    shown = judge(claim)._repr_html_()
    assert re.findall(r"<tr><td>(.*?)</td>", shown) == ["printed", "corrected", "why"]
    assert text_of(shown).startswith(f"{claim.id}, {claim.where}: refuted")
    assert "<math" in shown
    assert "\x00" not in shown


def test_a_check_is_preformatted():
    check = Check("expansion", "a<b", "", "", ("", ""), (), (), "undecided", "why")
    assert check._repr_html_() == "<pre>a&lt;b: the printed expansion is undecided: why</pre>"
