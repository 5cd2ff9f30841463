"""Printed formulas are read as they are meant, from text and LaTeX; what cannot be read is shown with its place."""

import numpy as np
import pytest
import sympy

from derive import CATALOGUE, Expansion, InputError, catalogue
from numeric.invariants import order_values
from verify.papers.printed.grammar import Formula
from verify.papers.printed.meaning import Meaning
from verify.papers.printed.reading import read_expansion

N, tau = sympy.symbols("N tau")
SYMBOLS = {"N": N, "tau": tau}


def read(text, symbols=SYMBOLS, **options):
    formula = Formula(text, symbols, ends=True, **options)
    return Meaning(text).number(formula.whole())


def comes_back(name, basis):
    loss = catalogue(name)
    expansion = loss.expand(4, basis=basis)
    symbols = {**loss.parameters, "d1": sympy.Symbol("d1")}
    for written in (expansion.text(), expansion.latex()):
        assert expansion.with_terms(read(written, symbols, bias=loss.bias).items()) == expansion


@pytest.mark.parametrize(
    ("name", "basis"),
    [("infonce-batch", "A0,Sigma"), ("barlow-twins+bias", "A0,C"), ("vicreg", "A0,Sigma"), ("siglip+bias", "A0,C")],
)
def test_what_an_expansion_writes_is_read_back(name, basis):
    comes_back(name, basis)


@pytest.mark.slow
@pytest.mark.parametrize("basis", ["A0,Sigma", "A0,C"])
@pytest.mark.parametrize("modifier", ["", "+bias", "+norm-penalty", "+weight-decay"])
@pytest.mark.parametrize("name", CATALOGUE)
def test_every_loss_is_read_back(name, modifier, basis):
    if name + modifier != "vicreg-soft+norm-penalty":  # it has a kappa of its own
        comes_back(name + modifier, basis)


@pytest.mark.parametrize(
    "spelled",
    [
        "-Tr[W A0 W^T] + 3/4 Tr[(W Sigma W^T)^2]",
        "−Tr[W A0 Wᵀ] + ¾ Tr[(W Σ Wᵀ)²]",
        r"-\operatorname{Tr}[W A_0 W^{\top}] + \tfrac34 \operatorname{Tr}\left[(W \Sigma W^\top)^2\right]",
        r"-\mathrm{tr}(W A_{0} W^\top) + \frac{3}{4}\, \Tr\bigl[W \Sigma W^{T} W \Sigma W^{T}\bigr]",
        "0.75*Tr[W*Sigma*W.T*W*Sigma*W.T] - Tr[W*A_0*W.T]",
        "Tr[W' W A0] * (-1) + 6 trace(G Sigma G Sigma) / 8",
        "3 (Tr[W Sigma W' W A₀ W'] + Tr[(W Sigma W') (W C W')])/4 - Tr[W A0 W']",
        "-(Tr[W A0 W^T] - 3/4 Tr[(W (A0 + C) W^T)^2])",
        "3/4Tr[(W Sigma W')^2] - 1/(1)Tr[W A0 W']",
        "--3/2^2 Tr[(W Sigma W^T)**2] - Tr[(W A0 W^T)^T]",
    ],
)
def test_one_formula_in_many_spellings(spelled):
    expected = catalogue("infonce").expand(4)
    # Words of C are written out as Σ − A0.
    assert read_expansion(spelled, loss="infonce", symbols={}).expansion.in_basis("A0,Sigma").terms == expected.terms


def test_a_formula_has_the_value_that_its_matrices_give():
    """By NumPy, written out by hand: the reading of the text and the arithmetic of words share nothing with it."""
    rng = np.random.default_rng(0)
    W, A0, Sigma, b = rng.normal(size=(2, 3)), np.diag([1.0, 2.0, 3.0]), np.eye(3) + 0.5, rng.normal(size=2)
    C, P = Sigma - A0, W @ Sigma @ W.T
    text = (
        "2 Tr[A0 W^T W]^2 / 3 - Tr[G Sigma G (A0 - C)] + Tr[W W^T] - b^T W C W^T b |b|^2 + sum_ij (W Sigma W^T)_ij^2"
        " + Σ_i (W Σ Wᵀ)_ii (b bᵀ)_ii - Tr[b b^T W A0 W^T b b^T]"
    )
    G = W.T @ W
    expected = (
        2 * np.trace(A0 @ G) ** 2 / 3 - np.trace(G @ Sigma @ G @ (A0 - C)) + np.trace(G) - (b @ W @ C @ W.T @ b) * b @ b
        + (P**2).sum() + (np.diag(P) * b**2).sum() - (b @ b) * (b @ W @ A0 @ W.T @ b)
    )  # fmt: skip
    terms = read(text, bias=True)
    expansion = Expansion.collect(terms, 6, loss="by hand", bias=True)
    assert sum(order_values(expansion, W, A0, Sigma, b).values()) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Tr[W A0 W^T", "']' is missing here\n  Tr[W A0 W^T\n             ^"),
        ("2 Tr[W A0 W]", "W A0 W does not fit: A0 is d0×d0 and W d1×d0\n  2 Tr[W A0 W]\n    ^"),
        ("Tr[A0]", "A0 holds no W: the words are products of W A0 Wᵀ, W Σ Wᵀ, W C Wᵀ and W Wᵀ\n  Tr[A0]\n  ^"),
        ("Tr[3]", "a number holds no W: the words are products of W A0 Wᵀ, W Σ Wᵀ, W C Wᵀ and W Wᵀ\n  Tr[3]\n  ^"),
        (
            "Tr[W A0 A0 W^T]",
            (
                "W A0 A0 Wᵀ is not a product of W X Wᵀ: one of A0, Σ, C or nothing stands between W and Wᵀ\n"
                "  Tr[W A0 A0 W^T]\n  ^"
            ),
        ),
        ("W A0 W^T", "W A0 Wᵀ is a matrix, not a number: put it into Tr[…]"),
        ("1/2N", "/2N can be read in two ways; put brackets around what is divided by, or a space behind it\n  1/2N"),
        ("1/N(N - 1)", "/N( can be read in two ways; put brackets around what is divided by, or a space behind it"),
        ("1/tau^2(N - 1)", "/tau^2( can be read in two ways; put brackets around what is divided by, or a space"),
        ("1/tua", "tua is unknown here; did you mean tau? The parameters are N, tau\n  1/tua\n    ^"),
        ("Tr W", "W does not fit: W is d1×d0 and W d1×d0\n  Tr W\n  ^"),
        ("Tr[W W^T]^N", "a trace or a matrix has whole powers from 1 to 20, not N\n  Tr[W W^T]^N\n  ^"),
        ("9^9^9", "a power of a power can be read in two ways; put brackets\n  9^9^9\n     ^"),
        ("9^(9^9)", "this power is too large to be meant\n  9^(9^9)\n  ^"),
        ("(9^99)^99", "this power is too large to be meant\n  (9^99)^99\n  ^"),
        ("N^101", "this power is too large to be meant\n  N^101\n  ^"),
        ("tau^(1000 N)", "this power is too large to be meant\n  tau^(1000 N)\n  ^"),
        (
            "exp(2147483648 tau)",
            "e is raised to whole numbers and fractions up to 100 here\n  exp(2147483648 tau)\n  ^",
        ),
        ("exp(N + tau/1000)", "e is raised to whole numbers and fractions up to 100 here\n  exp(N + tau/1000)\n  ^"),
        ("1" * 50, "numbers have at most 40 digits here\n  11111111111111111111111111111"),
        ("1/(N - N)", "this divides by zero\n  1/(N - N)\n   ^"),
        ("\\frac10", "this divides by zero\n  \\frac10\n  ^"),
        (
            "N/Tr[W W^T]",
            "a formula is divided by numbers and parameters alone, not matrices and traces\n  N/Tr[W W^T]\n   ^",
        ),
        ("exp(W)", "exp takes numbers and parameters alone, not matrices and traces\n  exp(W)\n  ^"),
        ("N)", "')' cannot stand here; the formula was complete before it\n  N)\n   ^"),
        ("N + ", "the formula ends where a term is needed\n  N + \n      ^"),
        ("N * / 2", "'/' stands where a term is needed\n  N * / 2\n      ^"),
        ("N^", "after ^ an exponent is needed, such as ^2, ^(-1/2), or ^T of a matrix\n  N^\n    ^"),
        ("N $ 2", "'$' means nothing in a formula; leave it out\n  N $ 2\n    ^"),
        ("O(W^6)", "a remainder stands at the end of a formula and names an order, as in … + O(W^6)\n  O(W^6)\n  ^"),
        (
            "|b|^2",
            "b is the bias of f(x) = W x + b, and the loss is of f(x) = W x; give loss.with_bias()\n  |b|^2\n  ^",
        ),
        ("N + O(W^6) + 1", "a remainder stands at the end of a formula and names an order, as in … + O(W^6)\n  N + O("),
        ("N + O(W^6) (2)", "a remainder stands at the end of a formula and names an order, as in … + O(W^6)\n  N + O("),
        ("(N + O(W^6))", "a remainder stands at the end of a formula and names an order, as in … + O(W^6)\n  (N + "),
        ("N + O(W)", "a remainder stands at the end of a formula and names an order, as in … + O(W^6)\n  N + O("),
        ("|W|^2", "bars stand for |b|^2, the bias's norm, alone; of a matrix it is ‖W‖_F^2\n  |W|^2\n  ^"),
        ("(W A0 W^T)_ii", "(W A0 Wᵀ)_ii is an entry: write the sum over its coordinates before it, as in Σ_i"),
        ("sum_i (W A0 W^T)_ij", "the coordinate j is not summed over\n  sum_i (W A0 W^T)_ij\n                  ^"),
        ("sum_i N", "the sum runs over a coordinate that no entry (…)_ij after it has\n  sum_i N\n  ^"),
        ("(W A0 W^T)_2", "an entry has two coordinates, as in (W A0 W^T)_ij\n  (W A0 W^T)_2\n             ^"),
        (r"\frac 3", "\\frac takes two groups in braces, as in \\frac{3}{4}\n  \\frac 3\n         ^"),
        ("__import__('os')", "'_' stands where a term is needed\n  __import__('os')\n  ^"),
        ("Σ_ijklmno (W W^T)_ij", "sums run over 6 coordinates at most here\n  Σ_ijklmno (W W^T)_ij\n  ^"),
        ("Σ_ijklm Σ_no (W W^T)_ij", "sums run over 6 coordinates at most here\n  Σ_ijklm Σ_no (W W^T)_ij\n          ^"),
        ("(" * 120 + "N", "the formula has too many brackets or sums inside one another"),
        ("N + " * 40 + "?" + " + N" * 40, "'?' means nothing in a formula; leave it out"),
    ],
)
def test_what_cannot_be_read_is_shown_with_its_place(text, message):
    with pytest.raises(InputError) as refused:
        read(text)
    assert str(refused.value).startswith(message)
    assert len(max(str(refused.value).splitlines(), key=len)) < 120
    # Where it is given whole, it is the whole message.
    if message.endswith("^"):
        assert str(refused.value) == message


def test_a_remainder_tells_the_order():
    for text, order in (("N + O(W^6)", 6), ("N + O(|W|⁴)", 4), (r"N + O(\|(W, b)\|^{8})", 8)):
        formula = Formula(text, SYMBOLS, ends=True)
        formula.sum()
        assert formula.remainder == order


def test_b_is_a_parameter_or_the_bias_by_where_it_stands():
    b = sympy.Symbol("b")
    found = read("exp(b) b^T W A0 W^T b + b |b|^2", {"b": b}, bias=True)
    assert set(found.values()) == {sympy.exp(b), b}
