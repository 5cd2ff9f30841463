"""Formulas of the whole catalogue become MathML that says the same, in the same order."""

import re
import xml.etree.ElementTree as ET

import pytest

from derive import CATALOGUE, catalogue, closed_form
from derive.definition.notation import GREEK, LATEX
from verify.reports.mathml import mathml

LAYOUT = {
    "operatorname", "frac", "tfrac", "bigl", "bigr", "left", "right", "mathrm", "displaystyle", "textstyle", "quad",
    "sqrt", "langle", "rangle", "sum", "mathbb",
}  # fmt: skip
LETTERS = {rf"\{name}": letter for name, letter in GREEK.items()} | {
    r"\Sigma": "Σ", r"\Lambda": "Λ", r"\top": "⊤", r"\ell": "ℓ", r"\epsilon": "ϵ", r"\phi": "ϕ",
}  # fmt: skip
CORE = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "munder", "mover", "munderover",
    "mfrac", "msqrt", "mpadded", "mphantom", "mtable", "mtr", "mtd", "mstyle",
}  # fmt: skip
WHOLE = [
    name + modifier for name in CATALOGUE for modifier in ("", "+bias", "+normalised") if name + modifier != "clip+bias"
]
WHOLE += ["infonce+weight-decay", "dcl+norm-penalty"]


def elements(formula):
    """The pieces of a formula, parsed."""
    set_ = mathml(formula)
    assert set_ is not None, f"{formula} cannot be set"
    return [ET.fromstring(one.replace("&ApplyFunction;", "\N{FUNCTION APPLICATION}")) for one in set_]  # noqa: S314 (our own)


def letters_set(formula):
    """Letters and numbers as they are set, in order; what is invisible aside."""
    found = []
    for piece in elements(formula):
        hidden = {id(below) for phantom in piece.iter("mphantom") for below in phantom.iter()}
        found += [one.text for one in piece.iter() if one.tag in ("mi", "mn") and id(one) not in hidden]
    return "".join(found)


def letters_written(formula):
    """Letters and numbers as the LaTeX has them, read by other means: token by token, layout left out."""
    formula = formula.replace(r"\mathbb{E}", "𝔼")
    tokens = re.findall(r"\\[A-Za-z]+|[A-Za-z𝔼]|\d+", formula)
    return "".join(LETTERS.get(one, one.removeprefix("\\")) for one in tokens if one.removeprefix("\\") not in LAYOUT)


def formulas(loss):
    if "+normalised" in loss.name:
        return [loss.latex()]
    expansion, closed = loss.expand(4), closed_form(loss)
    return [loss.latex(), expansion.latex(), expansion.origin(LATEX), *([] if closed is None else [closed.latex()])]


@pytest.mark.parametrize("name", WHOLE)
def test_the_catalogue_is_set_letter_by_letter(name):
    for formula in formulas(catalogue(name)):
        assert letters_set(formula) == letters_written(formula)
        pieces = elements(formula)
        assert {one.tag for piece in pieces for one in piece.iter()} <= CORE
        signs = "".join(one.text or "" for piece in pieces for one in piece.iter("mo"))
        assert signs.count("(") == signs.count(")")
        assert signs.count("[") == signs.count("]")
        fractions = [one for piece in pieces for one in piece.iter("mfrac")]
        assert len(fractions) == len(re.findall(r"\\t?frac", formula))
        assert all(len(one) == 2 for one in fractions)


def test_another_formula_is_told_apart():
    right, wrong = catalogue("infonce").expand(4).latex(), catalogue("spectral").expand(4).latex()
    assert letters_set(right) != letters_written(wrong)
    assert letters_set(right) != letters_written(right.replace(r"\Sigma", "A_0"))


def test_a_line_may_be_broken_between_terms():
    assert len(mathml(catalogue("infonce").expand(4).latex())) == 3
    # Inside the one bracket of a definition, and no deeper.
    assert len(mathml(catalogue("infonce").latex())) == 2
    assert len(mathml(r"\begin{aligned} a & b + c \\ d & e \end{aligned}")) == 1
    assert len(mathml(r"\left(a + b\right) c")) == 1


def test_a_sign_that_leads_a_piece_is_spaced_like_one_between_terms():
    _, second = mathml("a - b")
    # Not the first of its row: a browser takes it for a sign between two terms.
    assert re.search(r"<mphantom>.*</mphantom>.*<mo>−</mo><mi>b</mi>", second)


@pytest.mark.parametrize("formula", [r"\href{javascript:alert(1)}{x}", r"\unknown", "{", r"\input{a}", "a & b"])
def test_what_is_no_mathematics_is_not_set(formula):
    assert mathml(formula) is None


@pytest.mark.parametrize("formula", ["<script>", r"\text{<img src=x>}", r"\mathrm{</math>}", '"&lt;'])
def test_markup_in_a_formula_is_text(formula):
    for piece in mathml(formula) or []:
        assert {one.tag for one in ET.fromstring(piece).iter()} <= CORE  # noqa: S314 (our own)
