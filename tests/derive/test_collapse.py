"""Collapse conditions, and that they are what minimising over the modes finds."""

import numpy as np
import pytest
import sympy
from sympy import Rational

from derive import catalogue
from derive.collapse import collapse

PARAMETERS = {"N": 6, "tau": Rational(3, 4), "t": Rational(4, 3), "b": Rational(1, 5), "alpha": Rational(2, 5)}


def conditions(name, values=None, order=4):
    loss = catalogue(name)
    return collapse((loss.set(values) if values else loss).expand(order=order))


@pytest.mark.parametrize(
    "name", ["infonce", "infonce-batch", "weighted-infonce", "dcl", "ntxent", "siglip", "spectral"]
)
def test_never(name):
    found = conditions(name)
    assert (found.dimensional, found.complete, found.reason) == ("never", "never", "")


def test_beta_infonce_collapses_where_the_augmentation_outweighs_the_data():
    found = conditions("beta-infonce")
    assert found.dimensional == "a_i*beta + beta*c_i - c_i <= 0 for some i"
    assert found.complete == "a_i*beta + beta*c_i - c_i <= 0 for all i"
    assert conditions("beta-infonce", {"beta": 2}).dimensional == "never"


def test_weight_decay_collapses_the_weak_modes():
    found = conditions("infonce+weight-decay")
    assert found.dimensional == "a_i - gamma <= 0 for some i"
    assert found.complete == "a_i - gamma <= 0 for all i"


@pytest.mark.parametrize("name", ["vicreg", "vicreg-soft", "barlow-twins", "infonce+norm-penalty"])
def test_not_determined(name):
    found = conditions(name)
    assert found.dimensional is None
    assert found.complete is None
    assert found.reason


def test_the_reasons_are_sentences():
    assert conditions("infonce", order=2).reason == "an expansion to order 4 is needed"
    assert conditions("vicreg").reason == "the quartic part is not invariant under rotations of the embedding"
    assert conditions("infonce+norm-penalty").reason == (
        "products of traces couple the modes in a way that is not analysed"
    )


def test_as_json():
    assert conditions("infonce").to_json() == {"dimensional": "never", "complete": "never"}
    assert set(conditions("vicreg").to_json()) == {"dimensional", "complete", "reason"}


def modes(expansion, a, c):
    """b and the matrix Q of −Σ b_i λ_i + Σ Q_ij λ_i λ_j, for commuting covariances with eigenvalues a, c."""
    of = {"A": a, "C": c, "S": a + c, "I": np.ones_like(a)}
    b, Q = np.zeros(len(a)), np.zeros((len(a), len(a)))
    for term in expansion.terms:
        words = [np.prod([of[letter] for letter in one[0][1]], axis=0) for one in term.invariants]
        if term.order == 2:
            b -= float(term.coefficient) * words[0]
        elif len(words) == 1:
            Q += float(term.coefficient) * np.diag(words[0])
        else:
            Q += float(term.coefficient) * (np.outer(*words) + np.outer(*words[::-1])) / 2
    return b, Q


def minimum(b, Q):
    """The minimiser over λ ≥ 0 of −b·λ + λᵀQλ, by the best of all choices of modes that are zero."""
    best, where = 0.0, np.zeros(len(b))
    for mask in range(1, 2 ** len(b)):
        kept = [i for i in range(len(b)) if mask >> i & 1]
        lam = np.zeros(len(b))
        lam[kept] = np.linalg.solve(2 * Q[np.ix_(kept, kept)], b[kept])
        if (lam >= 0).all() and -b @ lam + lam @ Q @ lam < best - 1e-14:
            best, where = -b @ lam + lam @ Q @ lam, lam
    return where


def met(condition, values, a, c):
    """Whether a condition holds for numbers."""
    if condition in ("never", "always"):
        return condition == "always"
    text, _, quantifier = condition.partition(" <= 0 ")
    names = {"a_i": sympy.Symbol("a_i"), "c_i": sympy.Symbol("c_i"), "beta": sympy.Symbol("beta")}
    left = sympy.sympify(text, locals=names | {"gamma": sympy.Symbol("gamma")}).subs(values)
    signs = [left.subs({"a_i": one, "c_i": other}) <= 0 for one, other in zip(a, c, strict=True)]
    return bool(any(signs) if quantifier == "for some i" else all(signs))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("infonce", {}),
        ("infonce-batch", {"N": 3}),
        ("infonce-batch", {"N": 2}),
        ("weighted-infonce", {"N": 6, "alpha": Rational(2, 5)}),
        ("weighted-infonce", {"N": 2, "alpha": 5}),
        ("ntxent", {"N": 2, "tau": Rational(3, 4)}),
        ("dcl", {"N": 6, "tau": Rational(3, 4)}),
        ("siglip", {"N": 6, "t": Rational(4, 3), "b": Rational(1, 5)}),
        ("siglip", {"N": 3, "t": 1, "b": -2}),
        ("beta-infonce", {"beta": Rational(1, 10)}),
        ("beta-infonce", {"beta": Rational(1, 2)}),
        ("beta-infonce", {"beta": Rational(9, 10)}),
        ("infonce+weight-decay", {"gamma": Rational(1, 5)}),
        ("infonce+weight-decay", {"gamma": 1}),
        ("spectral+weight-decay", {"gamma": 3}),
    ],
)
def test_conditions_equal_brute_force(name, values):
    loss = catalogue(name)
    symbolic = collapse(loss.expand())
    expansion = loss.set(values).expand()
    for seed in range(20):
        a, c = np.random.default_rng(seed).uniform(0.1, 1.5, (2, 4))
        b, Q = modes(expansion, a, c)
        assert np.linalg.eigvalsh(Q)[0] > 0
        zero = minimum(b, Q) < 1e-9
        assert met(symbolic.dimensional, values, a, c) == zero.any()
        assert met(symbolic.complete, values, a, c) == zero.all()


def test_both_outcomes_occur():
    """The comparison above is not vacuous: with weight decay some, all and no modes vanish."""
    seen = set()
    for gamma in (Rational(1, 20), Rational(1, 2), 2):
        b, Q = modes(catalogue("infonce").with_weight_decay(gamma).expand(), np.array([0.3, 1.0]), np.array([1.0, 0.2]))
        zero = minimum(b, Q) < 1e-9
        seen.add("all" if zero.all() else "some" if zero.any() else "none")
    assert seen == {"none", "some", "all"}
