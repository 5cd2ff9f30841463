"""Mutants of printed formulas, and what the measurements of a claim make of them."""

import pytest
import sympy

from verify.assurance.mutants.formulas import of_claim
from verify.papers.claims import Ledger, Measured, Point, Reading
from verify.papers.claims.formulas import A0, C, Sigma, Tr, W
from verify.papers.claims.slips import slips

x, N = sympy.symbols("x N")


def names(value, letters=()):
    return [one.name for one in slips(value, frozenset(letters))]


def test_the_slips_of_a_sum():
    found = list(slips(2 * x**2 + 3, frozenset({"x"})))
    values = {str(one.value) for one in found}
    assert {"3 - 2*x**2", "4*x**2 + 3", "x**2 + 3", "3*x**2/2 + 3", "3", "2*x**2", "2*x**3 + 3", "2*x**2 - 3"} <= values


def test_letters_without_a_value_are_not_put_in():
    formula = Tr(W * A0 * W.T)
    assert "C for A_0" in names(formula, {"A_0", "C"})
    assert not [one for one in names(formula, {"A_0"}) if "for A_0" in one]


def test_counts_and_exchanged_symbols():
    found = {str(one.value) for one in slips(x / N, frozenset({"x", "N"}))}
    assert {"x/(N - 1)", "x/(N + 1)", "N/x", "N*x"} <= found


@pytest.mark.parametrize(
    ("value", "other"), [("never", "always"), ("C", "A_0"), (True, False), (sympy.S.Zero, sympy.S.One)]
)
def test_words_and_truth_values(value, other):
    assert other in [one.value for one in slips(value)]


def test_a_condition_is_turned_and_its_sides_slip():
    found = list(slips(sympy.Gt(x, 2 * N, evaluate=False), frozenset({"x", "N"})))
    assert found[0].operator == "sense of a condition"
    assert str(found[0].value) == "2*N > x"
    assert "x > N" in {str(one.value) for one in found}


def test_sums_within_a_product_are_changed_too():
    found = [str(one.value) for one in slips(x * (x + 1), frozenset({"x"}))]
    assert "x*(x - 1)" in found
    assert "x" in found  # a summand dropped


def claim(points, derived, **printed):
    made = Ledger("p", "A paper")
    measured = [Measured("L", "exact", "by hand", points)]
    says = " ".join(f"{{{slot}}}" for slot in printed)
    made.claim("p:one", where="", says=says, recorded="refuted", **printed)(lambda: [Reading(derived, measured)])
    return made["p:one"]


def test_mutants_of_the_repair_are_judged_by_the_measurements():
    found = of_claim(claim([Point({"x": 2.0, "N": 3.0}, 12.0, 1e-9)], {"L": N * x**2}, L=2 * N * x**2))
    assert found.original == {"exact": "survived", "symbolic": "survived"}
    assert "L: as printed" in found.outcomes
    assert {said["exact"] for _, said in found.outcomes.values()} == {"killed"}
    assert {said["symbolic"] for _, said in found.outcomes.values()} == {"killed"}


def test_a_measurement_at_a_special_point_lets_mutants_through():
    """At x = 1 no power of x can be seen: the count can fail."""
    found = of_claim(claim([Point({"x": 1.0, "N": 3.0}, 3.0, 1e-9)], {"L": N * x**2}, L=2 * N * x**2))
    assert found.outcomes["L: x^3 for x**2"][1] == {"exact": "survived", "symbolic": "killed"}


def test_what_says_the_same_is_no_mutant():
    formula = Tr(W * Sigma * W.T) - Tr(W * (A0 + C) * W.T)
    found = of_claim(claim([Point({}, 0.0, 1e-9)], {"L": sympy.S.Zero * formula}, L=sympy.S.One))
    assert set(found.outcomes) == {"L: as printed"}
