"""LaTeX that pdflatex takes without complaint, for every loss of the catalogue."""

import re
from functools import cache

import pytest
from sympy import Symbol

from derive import CATALOGUE, Loss, Mean, catalogue, exp, inner, views
from derive.expansion.laws import Unequal
from derive.landscape.section import section, whole_document
from derive.landscape.summary import described
from derive.latex import escaped

NAMES = (*CATALOGUE, "infonce+weight-decay", "dcl+norm-penalty")


@cache
def expansion(name, order):
    return catalogue(name).expand(order=order)


@pytest.fixture
def compiled(pdflatex, tmp_path):
    """Compiles a document, of which pdflatex must not complain; returns the log."""

    def compile_(document):
        (tmp_path / "paper.tex").write_text(document, "utf-8")
        log = pdflatex(tmp_path, "paper")
        complaint = re.compile(r"!|Overfull|Missing character|LaTeX.*Warning")
        assert [line for line in log.splitlines() if complaint.match(line)] == []
        return log

    return compile_


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_compiles(name, compiled):
    landscape = described(catalogue(name), expansion(name, 4))
    compiled(whole_document(catalogue(name), expansion(name, 4), landscape))


def test_a_limit_and_a_bias_compile(compiled):
    loss = catalogue("beta-infonce+norm-penalty+bias")
    landscape = described(loss, loss.expand(order=4), "kappa")
    compiled(whole_document(loss, loss.expand(order=4), landscape))


def test_the_landscape_is_written():
    found = described(catalogue("infonce"), expansion("infonce", 4))
    written = section(catalogue("infonce"), expansion("infonce", 4), found)
    assert r"W^{\top} W = \Sigma^{-1/2}\, U M \operatorname{diag}(h)\, U^{\top} \Sigma^{-1/2}" in written
    assert r"\text{dimensional collapse: } \text{never}" in written
    assert r"\frac{4 \lambda_{i}}{" in written


@pytest.mark.parametrize("name", ["weighted-infonce", "vicreg"])
def test_a_long_expansion_compiles(name, compiled):
    compiled(whole_document(catalogue(name), expansion(name, 8)))


@pytest.mark.parametrize("name", NAMES)
def test_the_section_holds_definition_expansion_B_and_assumptions(name):
    loss, derived = catalogue(name), expansion(name, 4)
    written = section(loss, derived)
    assert written in whole_document(loss, derived)
    assert (r"-2B \otimes I" in written) == (loss.encoders == 1)
    assert escaped(", ".join(derived.assumptions)) in written
    assert escaped(loss.source) in written
    # Broken over lines or not, both formulas are there, whole.
    joined = " ".join(re.sub(r"\\\\\n&|\\quad", " ", written).split())
    assert loss.latex() in joined
    assert derived.latex() in joined


MARKUP = r"50% of $x_1$ & #2 ~ ^ {a} \alpha β κ λ ε γ α ² √ − → “quoted” é"


def test_a_title_with_markup_compiles(compiled):
    x, x_pos = views("x, x_pos")
    loss = Loss(-inner(x, x_pos), name="own_loss", title=MARKUP)
    compiled(whole_document(loss, loss.expand(order=2)))


def test_markup_is_escaped():
    assert escaped("a_b & 50%") == r"a\_b \& 50\%"
    assert escaped("$#{}") == r"\$\#\{\}"
    assert escaped("~^\\") == r"\textasciitilde{}\textasciicircum{}\textbackslash{}"
    assert escaped("β-InfoNCE") == r"$\beta$-InfoNCE"


@pytest.mark.parametrize("names", ["x, x_pos, chi", "x, x_a_b, y", "image, image_crop, text", "x, x_pos_pos, x2"])
def test_a_loss_over_any_views_compiles(names, compiled):
    """Names of views with several underscores are not double subscripts."""
    first, second, third = views(names)
    strength = Symbol("gamma_1")
    loss = Loss(strength * Mean(inner(first, second) * exp(inner(third, third)), over=(first, second, third)))
    compiled(whole_document(loss, loss.expand(order=4)))


def test_a_section_says_what_the_matrices_of_two_kinds_are():
    two = catalogue("spectral").with_two_encoders()
    written = section(two, two.expand(order=4))
    assert r"L(W, V) - L(0) ={}& -2 \operatorname{Tr}[W A V^{\top}]" in written
    assert r"$g(y) = Vy$, $A = \mathbb{E}[x y^{\top}]$" in written
    assert "C = " not in written
    assert "Hessian" not in written
    under = section(catalogue("spectral"), catalogue("spectral").expand(order=4, data=Unequal()))
    assert r"-(B + B^{\top}) \otimes I" in under
    assert r"$\Sigma_2 = \mathbb{E}[y y^{\top}]$, $y$ being a view of the datum of $x$ under the second" in under
