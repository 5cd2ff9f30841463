"""Landscapes: modes and their couplings, one covariance recognised, rotations of the embedding."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.optimize import minimize

from derive import CATALOGUE, InputError, catalogue
from derive.algebra.ranges import Range, Ranges
from derive.algebra.signs import sign
from derive.landscape.landscape import MODE_I, MODE_J, landscapes
from numeric.invariants import order_values


@pytest.mark.parametrize(
    "name", [name for name, one in CATALOGUE.items() if one.rotation_invariant and one.encoders == 1]
)
def test_the_modes_give_the_value_of_the_expansion(name):
    """The value at a random W in diagonal data, from the columns of W and from the words."""
    expansion = catalogue(name).expand(order=4)
    values = {symbol.name: sympy.Rational(3 + k, 4) for k, symbol in enumerate(expansion.symbols)} | {"N": 5}
    expansion = expansion.set({name: values[name] for name in map(str, expansion.symbols)})
    (found,) = landscapes(expansion)
    rng = np.random.default_rng(3)
    W = rng.standard_normal((2, 3)) / 2
    a, c = rng.uniform(0.5, 2, 3), rng.uniform(0.5, 2, 3)
    gram = W.T @ W

    def at(value, i, j=0):
        symbols = {"a_i": a[i], "c_i": c[i], "a_j": a[j], "c_j": c[j]}
        return float(value.subs({symbol: symbols[symbol.name] for symbol in value.free_symbols}))

    total = -sum(at(found.b(), i) * gram[i, i] for i in range(3))
    total += sum(
        at(found.Q(), i, j) * gram[i, j] ** 2 + at(found.K(), i, j) * gram[i, i] * gram[j, j]
        for i in range(3)
        for j in range(3)
    )
    assert total == pytest.approx(sum(order_values(expansion, W, np.diag(a), np.diag(a + c)).values()), rel=1e-12)


def test_one_covariance_is_recognised_in_either_basis():
    for basis in ("A0,Sigma", "A0,C"):
        one = landscapes(catalogue("infonce+norm-penalty").expand(order=4, basis=basis))[0].isotropic()
        assert (one.letter, one.q1, one.q2) == ("S", sympy.Rational(3, 4), sympy.Symbol("kappa"))
    assert landscapes(catalogue("dcl").expand(order=4))[0].isotropic() is None


def test_the_lowest_rotation_is_what_a_search_over_rotations_finds():
    rng = np.random.default_rng(0)
    W = rng.standard_normal((3, 4))
    for weight in (0.3, 2.0):
        expansion = catalogue("barlow-twins").set({"lambda": sympy.Rational(str(weight))}).expand(order=4)
        (case,) = landscapes(expansion)
        P = W @ np.diag([1.0, 0.5, 0.7, 1.3]) @ W.T
        s = case.singles["A", "A"]
        p = case.products.get(("A", "A"), sympy.S.Zero).subs(sympy.Symbol("d1"), 3)
        predicted = -2 * np.trace(P) + float(s) * np.trace(P @ P) + float(p) * np.trace(P) ** 2

        def turned(angles, P=P):
            R = expm(np.array([[0, angles[0], angles[1]], [-angles[0], 0, angles[2]], [-angles[1], -angles[2], 0]]))
            return (1 - weight) * np.sum(np.diag(R @ P @ R.T) ** 2)  # noqa: B023

        lowest = min(minimize(turned, rng.standard_normal(3), tol=1e-12).fun for _ in range(5))
        lowest += -2 * np.trace(P) + weight * np.trace(P @ P)
        assert lowest == pytest.approx(predicted, rel=1e-8)


def test_what_is_no_landscape_is_refused():
    with pytest.raises(InputError, match="order 4 is needed"):
        landscapes(catalogue("infonce").expand(order=2))
    expansion = catalogue("infonce").expand(order=4)
    # Σ_rs (W A0 Wᵀ)_rs (W Σ Wᵀ)_rs is a trace, and stands for a graph that is none.
    other = expansion.with_terms([((((0, "A", 1), (0, "S", 1)),), sympy.Integer(1))])
    with pytest.raises(InputError, match="in a way that is not analysed"):
        landscapes(other)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=4),
    st.lists(st.floats(0.1, 5.0), min_size=2, max_size=2),
)
def test_a_known_sign_is_never_wrong(terms, point):
    x, y = sympy.symbols("x y")
    value = sympy.Add(*(k * x**p * y**r for k, p, r in terms))
    known = sign(value)
    if known is not None:
        assert np.sign(round(float(value.subs({x: point[0], y: point[1]})), 12)) == known


def test_signs_with_batches_exponentials_and_what_is_given():
    N, b, x, y = sympy.symbols("N b x y")
    pairs = Ranges.collect({N: Range(sympy.Integer(2), sympy.oo, whole=True)})
    assert sign(2 * N - 3, ranges=pairs) == 1
    assert sign(N - 2, ranges=pairs) is None
    assert sign(2 * N - 3) is None
    assert sign(sympy.exp(b) / (sympy.exp(b) + 1)) == 1
    assert sign(-sympy.sqrt(x) * y) == -1
    assert sign(y - x, given=y - 2 * x) == 1
    assert sign(y - x, given=x - 2 * y) == -1
    assert sign(y - x, given=2 * x - y) is None


def test_the_eigenvalues_of_a_mode():
    assert MODE_I["S"] == MODE_I["A"] + MODE_I["C"]
    assert MODE_J["S"] == MODE_J["A"] + MODE_J["C"]
