"""Moments in numbers."""

import numpy as np
import pytest

from derive import InputError, moment
from numeric import kernel, moment_value

RNG = np.random.default_rng(0)
W, V = RNG.standard_normal((2, 3)), RNG.standard_normal((2, 4))
ROOT = RNG.standard_normal((3, 3))
SIGMA, A0 = ROOT @ ROOT.T, 0.5 * ROOT @ ROOT.T


def test_what_is_held_stands_at_its_place():
    fx, fy, G = np.array([1.0, -2.0]), np.array([0.5, 3.0]), W @ SIGMA @ W.T
    given = {"x": fx, "y": fy}
    matrices = {"W": W, "Sigma": SIGMA}
    value, size = moment_value(moment("E(<f(x), f(chi)> <f(chi), f(y)> | x, y)"), matrices, given)
    assert value == pytest.approx(fx @ G @ fy)
    assert size == pytest.approx(abs(value))
    found = moment("E(f(x)_i <f(x), f(chi)> f(chi)_j | x)")
    for i in range(2):
        for j in range(2):
            value, _ = moment_value(found, matrices, given, {"i": i, "j": j})
            assert value == pytest.approx(fx[i] * (G @ fx)[j])
    value, _ = moment_value(moment("E(sum_k f(x)_k f(chi)_k^2 | x)"), matrices, given)
    assert value == pytest.approx(fx @ np.diag(G))


def test_it_is_the_kernel_s_value_where_nothing_is_held():
    found = moment("Cov(|f(x)|^2, <f(x), f(x_pos)>)/n")
    mine, _ = moment_value(found, {"W": W, "Sigma": SIGMA, "A0": A0}, values={"n": 3.0})
    assert mine == pytest.approx(float(kernel(found.expansion).value(W, A0, SIGMA, n=3.0)))


def test_two_encoders():
    A, Sigma2 = RNG.standard_normal((3, 4)), np.eye(4)
    matrices = {"W": W, "V": V, "Sigma": SIGMA, "Sigma2": Sigma2, "A": A}
    value, _ = moment_value(moment("Var(<f(x), g(x_text)>)"), matrices)
    M, G, H = W @ A @ V.T, W @ SIGMA @ W.T, V @ Sigma2 @ V.T
    assert value == pytest.approx(np.trace(M @ M) + np.trace(G @ H))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("E(<f(x), f(chi)>^2 | x)", "the moment depends on the view x, which has no value"),
        ("E(f(x)_i^2)", "the moment depends on the coordinate i, which has no value"),
        ("E(|f(x)|^2)/tau", "the moment depends on the parameter tau, which has no value"),
        ("E(<f(x), f(x_pos)>)", "the moment depends on the matrix A0, which has no value"),
    ],
)
def test_what_has_no_value_is_named(text, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        moment_value(moment(text), {"W": W, "Sigma": SIGMA})
