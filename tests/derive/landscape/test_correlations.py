"""Formulas in λ_i in place of a_i and c_i: equal in numbers, and left alone where they depend on more."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from derive import CATALOGUE, catalogue
from derive.algebra.letters import by_name, sum_j
from derive.landscape.collapse import collapse
from derive.landscape.conditions import Condition
from derive.landscape.correlations import OF_MODES, in_correlations, lam_i, lam_j
from derive.landscape.landscape import a_i, a_j, c_i, c_j
from derive.landscape.summary import described
from derive.landscape.whitened import couplings

gamma = sympy.Symbol("gamma", positive=True)
N = sympy.Symbol("N")


@pytest.mark.parametrize(
    "value",
    [
        a_i / (a_i + c_i),
        4 * a_i / (3 * c_i - a_i + sympy.sqrt((a_i + c_i) * (a_i + 9 * c_i))),
        sympy.log((a_i + c_i) / a_i) * N,
        a_i * c_j / ((a_i + c_i) * (a_j + c_j)),
        sympy.Function("M")(N - 1, a_i / (a_i + c_i)) - c_i / (a_i + c_i),
        (N - 1) * (N - 2) * a_i / (a_i + c_i),
    ],
)
def test_a_formula_without_a_scale_is_told_in_correlations(value):
    told = in_correlations(value)
    assert not told.free_symbols & OF_MODES
    put = {a_i: sympy.Rational(3, 2), c_i: sympy.Rational(1, 2), a_j: sympy.Rational(1, 3), c_j: 1, N: 5}
    lam_j = next((one for one in told.free_symbols if one.name == "lambda_j"), lam_i)
    there = told.subs({lam_i: sympy.Rational(3, 4), N: 5} | ({} if lam_j is lam_i else {lam_j: sympy.Rational(1, 4)}))
    assert sympy.simplify(there - value.subs(put)) == 0


@pytest.mark.parametrize(
    "value",
    [
        a_i,
        a_i - gamma,
        (a_i - gamma) / (a_i + c_i),
        a_i * a_j,
        a_i * a_j / (a_i + c_i),
        sum_j(a_j) * a_i / (a_i + c_i),
        sympy.Le(a_i - gamma, 0),
        sympy.Lt(c_i, 1),
    ],
)
def test_what_depends_on_the_scale_is_left_alone(value):
    assert in_correlations(value) == value


def test_a_condition_has_the_same_answer():
    loss = catalogue("alignment-uniformity")
    condition = described(loss, loss.expand(4)).collapse.dimensional
    told = condition.whitened()
    assert told.text() == "lambda*t + lambda_i - 1 <= 0 for some i"
    for a, c, values in ((1, 2, {"lambda": 1, "t": sympy.Rational(1, 2)}), (3, 1, {"lambda": 1, "t": 1})):
        put = {symbol: values[symbol.name] for symbol in told.formula.free_symbols - {lam_i}}
        there = told.formula.subs(put | {lam_i: sympy.Rational(a, a + c)})
        assert bool(there) == condition.holds([a], [c], values)


def test_a_condition_of_several_parts_is_told_as_a_whole_or_not_at_all():
    both = sympy.And(sympy.Le(a_i - c_i, 0), sympy.Ge(N - 3, 0))
    assert not in_correlations(both).free_symbols & OF_MODES
    mixed = sympy.Or(sympy.Le(a_i - c_i, 0), sympy.Le(a_i - gamma, 0))
    assert in_correlations(mixed) == mixed
    assert Condition(mixed, "some").whitened().text() == Condition(mixed, "some").text()


# What is put on a loss, and the strength that goes to infinity.
VARIANTS = {"": None, "+norm-penalty": "kappa", "+bias": None, "+weight-decay": None}
ONE_ENCODER = [name for name, loss in CATALOGUE.items() if loss.encoders == 1]


def conditions(name, limit=None):
    found = collapse(catalogue(name).expand(4), limit=limit)
    return [one for one in (found.dimensional, found.complete) if one is not None]


def numbers(condition, rng):
    """Values of the parameters, N a whole number."""
    return {
        name: sympy.Integer(rng.integers(2, 9)) if name in ("N", "d1") else sympy.Rational(int(rng.integers(1, 40)), 16)
        for name in by_name(condition.spelled_out())
    }


def parts_at(condition, told, rng, draws=12):
    """Whether both hold at random modes, of any scale s_i: pairs of answers."""
    for _ in range(draws):
        s, lam = (np.array([sympy.Rational(int(k), 16) for k in rng.integers(1, 16, 3)]) for _ in range(2))
        values = numbers(condition, rng)
        a, c = list(lam * s), list((1 - lam) * s)
        yield condition.holds(a, c, values), told.holds(a, c, values)


# All variants of all losses before a release.
QUICK = {"infonce", "infonce-batch", "beta-infonce", "spectral"}
CASES = [
    pytest.param(name, variant, marks=() if not variant or name in QUICK else pytest.mark.slow)
    for name in ONE_ENCODER
    for variant in VARIANTS
]


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_conditions_of_the_catalogue_are_about_correlations_alone(name, variant):
    """In λ_i they have the answer that they have in a_i = λ_i s_i and c_i = (1 − λ_i) s_i, exactly."""
    if variant == "+norm-penalty" and "kappa" in CATALOGUE[name].parameters:
        variant = ""
    rng = np.random.default_rng(len(name))
    found = conditions(name + variant, VARIANTS[variant])
    for condition in found:
        told = condition.whitened()
        # Weight decay sees the scale, unless nothing is left to say.
        plain = condition.formula in (sympy.true, sympy.false) or "decay" not in variant
        assert (condition.in_correlations() is not None) == plain
        assert (not told.spelled_out().free_symbols & OF_MODES) == plain
        assert not any(one.others for one in (condition, told))
        answers = set(parts_at(condition, told, rng))
        assert all(one == other for one, other in answers)


def test_a_condition_that_is_off_is_found_out():
    """What the test above must reject: 1 − λ_i in the place of λ_i, and a scale taken for granted."""
    (condition, _) = conditions("beta-infonce")
    rng = np.random.default_rng(0)
    right = condition.whitened()
    assert {one == other for one, other in parts_at(condition, right, rng)} == {True}
    turned = replace(right, formula=right.formula.subs(lam_i, 1 - lam_i))
    assert False in {one == other for one, other in parts_at(condition, turned, rng, 60)}
    (decay, _) = conditions("infonce+weight-decay")
    granted = replace(decay, formula=decay.formula.subs(a_i, lam_i))
    assert False in {one == other for one, other in parts_at(decay, granted, rng, 60)}


def test_q_j_is_told_in_the_same_letters():
    (condition, _) = conditions("infonce-batch+norm-penalty", "kappa")
    told = condition.whitened()
    assert "q_j = " in told.text()
    assert not told.q.free_symbols & OF_MODES
    assert told.q.equals((N - 1) * (3 * N + 2 * lam_j**2 - 4 * lam_j) / (4 * N**2))


@pytest.mark.parametrize("name", ONE_ENCODER)
def test_formulas_of_the_catalogue_are_those_in_a_and_c(name):
    """Couplings of h_i = s_i |w_i|², the landscape to all orders and the growth: at modes of any scale."""
    loss = catalogue(name)
    found = described(loss, loss.expand(4))
    rng = np.random.default_rng(1)
    s, lam = (np.array([sympy.Rational(int(k), 16) for k in rng.integers(1, 16, 2)]) for _ in range(2))
    put = {a_i: lam[0] * s[0], c_i: (1 - lam[0]) * s[0], a_j: lam[1] * s[1], c_j: (1 - lam[1]) * s[1]}
    put |= {lam_i: lam[0], lam_j: lam[1]}
    pairs = []
    for case in found.cases:
        told = couplings(case)
        pairs += [(told["b_i"], case.b() / s[0])]
        pairs += [(told[one], getattr(case, one[0])() / (s[0] * s[1])) for one in ("Q_ij", "K_ij")]
    if found.exact is not None:
        pairs += [(in_correlations(one), one) for one in (found.exact.level, found.exact.phi, *found.exact.heights)]
    assert pairs
    for told, plain in pairs:
        assert not told.free_symbols & OF_MODES
        here, there = (one.xreplace(put) for one in (told, plain))
        numbers = {one: sympy.Rational(3 + 2 * k, 7) for k, one in enumerate(sorted(here.free_symbols, key=str))}
        assert abs(sympy.N((here - there).subs(numbers), 30)) < 1e-20
    block = found.to_json()["correlations"]
    assert (block["exact"] is None) == (found.exact is None)
    assert None not in [one for mode in block["modes"] for one in mode.values()]
