"""A print is evaluated as it stands: a formula that is read wrongly gets no verdict, and its value is NumPy's."""

import random

import numpy as np
import pytest
import sympy

from derive import Expansion, catalogue
from numeric.invariants import letters_of, values_by_order
from verify.papers.printed import ContradictedError, algebra, check_expansion, meaning, sums
from verify.papers.printed.beside import beside_derived
from verify.papers.printed.evaluation import Place, coefficients
from verify.papers.printed.grammar import Formula
from verify.papers.printed.meaning import Meaning

BARLOW_TWINS = r"-2\Tr P + \lambda\sum_{ij}P_{ij}^2 + (1-\lambda)\sum_i P_{ii}^2, P = WA_0W^\top"
SPECTRAL = r"-2\Tr[WA_0W^\top] + \sum_{ij}(W\Sigma W^\top)_{ij}^2"


def verdict(loss, text):
    try:
        return check_expansion(loss, text).verdict
    except ContradictedError as error:
        return error.check.verdict


def diagonal_alone(value, names):
    """A wrong reading of sums: all coordinates are put to one."""
    return sums.summed(sums.renamed(value, dict.fromkeys(names, "i")), "i")


WRONG_READINGS = {
    "a square of a trace for the trace of a square": (algebra, "closed", lambda _: algebra.closed("WSw") * 2),
    "coordinates not told apart": (sums, "summed", diagonal_alone),
    "a lost factor": (meaning.algebra, "invariants", lambda *of: dict.fromkeys(algebra.invariants(*of), 1)),
}


@pytest.mark.parametrize("what", WRONG_READINGS)
@pytest.mark.parametrize(("loss", "text"), [("barlow-twins", BARLOW_TWINS), ("spectral", SPECTRAL)])
def test_a_right_print_that_is_read_wrongly_is_not_refuted(monkeypatch, what, loss, text):
    assert verdict(loss, text) == "holds"
    place, name, wrong = WRONG_READINGS[what]
    right = getattr(place, name)
    inside = []

    def once(*arguments):
        # The wrong reading is made of right ones.
        if inside:
            return right(*arguments)
        inside.append(what)
        try:
            return wrong(*arguments)
        finally:
            inside.pop()

    monkeypatch.setattr(place, name, once)
    with pytest.raises(ContradictedError) as refused:
        check_expansion(loss, text)
    check = refused.value.check
    assert check.verdict == "undecided"
    assert check.differences
    assert "its numbers say otherwise" in check.reason
    assert all(one.agrees for one in check.evidence)


def test_a_wrong_print_that_is_read_as_the_right_one_does_not_hold(monkeypatch):
    wrong = SPECTRAL.replace("_{ij}^2", "_{ii}^2").replace("_{ij}", "_i")
    assert verdict("spectral", wrong) == "refuted"
    right = catalogue("spectral").expand(4)
    monkeypatch.setattr(Meaning, "number", lambda *_: {one.invariants: one.coefficient for one in right.terms})
    with pytest.raises(ContradictedError) as refused:
        check_expansion("spectral", wrong)
    assert refused.value.check.verdict == "undecided"
    assert refused.value.check.differences == ()


def test_an_identity_of_small_matrices_is_told_from_one_of_all():
    """Tr P³ = (3 Tr P Tr P² − (Tr P)³)/2 for 2×2 matrices alone, where the definition is evaluated."""
    from derive import Loss, Mean, inner, views

    x, chi, psi = views("x, chi, psi")
    cubic = Loss(Mean(inner(x, chi) * inner(chi, psi) * inner(psi, x), over=(chi, psi)), name="cubic")
    assert verdict(cubic, r"\Tr[(W\Sigma W^\top)^3]") == "holds"
    of_two = r"\frac32\Tr[S]\Tr[S^2] - \frac12\Tr[S]^3, S = W\Sigma W^\top"
    with pytest.raises(ContradictedError) as refused:
        check_expansion(cubic, of_two)
    found = {one.quantity.split(",")[0]: one.agrees for one in refused.value.check.evidence}
    assert found["printed against the definition"] is True
    assert found["printed against the derivation"] is False
    assert refused.value.check.verdict == "refuted"


def test_what_has_no_value_decides_nothing():
    loss = catalogue("infonce-batch")
    node = Formula("1/(N - 7) Tr[W W^T]", loss.parameters).whole()
    found = beside_derived(node, loss.expand(2), {"N": sympy.Integer(7)}, constant=False, seed=0)
    assert (found.ran, found.agrees) == (False, None)
    assert found.note == "the printed formula has no finite value there"


def words(draw):
    """A product of W X Wᵀ in LaTeX."""
    blocks = (rf"W{draw.choice(['A_0', 'C', '(A_0 - 2C)', '', chr(92) + 'Sigma '])}W^\top " for _ in range(2))
    return draw.choice(["{}", "{}{}", "({}{})^T ", r"b b^\top {}"]).format(*blocks)


def formula(draw):
    """A sum of two random terms in LaTeX."""
    sum_ = draw.choice(
        [
            r"\sum_i ({0})_{{ii}}({1})_{{ii}}",
            r"\sum_{{i,j}} ({0})_{{ij}}({1})_{{ij}}",
            r"\sum_{{ij}} ({0})_{{ij}}({1})_{{ji}}^2",
            r"\sum_{{i\ne j}} ({0})_{{ij}}({1})_{{jj}}",
            r"\sum_i\sum_{{j\ne i}} ({0})_{{ij}}^2({1})_{{ii}}",
            r"\sum_{{i<j}} ({0})_{{ij}}({0})_{{ji}}({1})_{{ij}}({1})_{{ji}}",
            r"\sum_{{i}} (1 - ({0})_{{ii}})^2",
            r"\sum_{{ijk}} ({0})_{{ij}}({1})_{{jk}}({0})_{{ki}}",
            r"\sum_{{ij}} W_{{ij}}(W A_0)_{{ij}}({0})_{{ii}}",
            r"\|{0}\|_F^2 \Tr {1}",
            r"\langle {0}, {1}\rangle",
            r"\Tr[{0}]^2 b^\top {1} b",
        ]
    )
    scale = draw.choice(["", "-", r"\frac12", r"\tau^{-1}", "3/4 "])
    return f"{scale}{sum_.format(words(draw), words(draw))} + \\tau {sum_.format(words(draw), words(draw))}"


@pytest.mark.parametrize("seed", range(40))
def test_what_a_formula_means_has_its_value(seed):
    """Invariants through `numeric.invariants`, and the tree through products of arrays and sums over coordinates."""
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    half, more = rng.standard_normal((2, 3, 3))
    A0 = half @ half.T
    letters = letters_of(A0, A0 + more @ more.T)
    at = Place(rng.standard_normal((3, 3)) / 2, letters, rng.standard_normal(3), {"tau": 0.7})
    tau = sympy.Symbol("tau")
    text = formula(draw)
    node = Formula(text, {"tau": tau}, bias=True).whole()
    terms = Meaning(text).number(node)
    order = 20
    expansion = Expansion.collect({key: value for key, value in terms.items() if key}, order, loss="mine", bias=True)
    put = {"tau": sympy.Rational(7, 10), "d1": 3}
    filled = expansion.in_basis("A0,Sigma").set({one.name: put[one.name] for one in expansion.symbols})
    expected = values_by_order(filled, at.W, letters, at.b)
    found = coefficients(node, at, order)
    size = max(1.0, *map(abs, expected.values()))
    assert max(abs(found[k] - value) for k, value in expected.items()) < 1e-9 * size, text
