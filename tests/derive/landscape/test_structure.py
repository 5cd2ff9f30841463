"""Bounds from the structure of a definition and from its parts, against values written by hand in NumPy."""

import numpy as np
import pytest
import sympy
from scipy.optimize import minimize
from sympy import Rational

from derive import (
    Loss,
    Mean,
    SecondMoment,
    catalogue,
    diagonal_sum,
    exp,
    half_sq,
    inner,
    log,
    off_diagonal_sum,
    sqrt,
    symbols,
    views,
)
from derive.landscape.parts import by_parts
from derive.landscape.recession import recession
from derive.landscape.structure import Size, size

N, mu, nu, q = symbols("N mu nu q")
x, x_pos, x_v, chi, chi_pos = views("x, x_pos, x_v, chi, chi_pos")
P, S = SecondMoment(x, x_pos), SecondMoment(x, x)
attraction = inner(x, x_pos)
pairs = Mean(exp(inner(x, chi)), over=(x, chi))

SIZES = {
    "a square": ((attraction - 1) ** 2, Size(0, None, 4)),
    "a square written as a product": ((attraction - 1) * (attraction - 1), Size(0, None, 4)),
    "a cube": (attraction**3, Size(None, None, 6)),
    "a distance": (half_sq(x, x_pos), Size(0, None, 2)),
    "less a distance": (2 - half_sq(x, x_pos), Size(None, 2, 2)),
    "a form that is positive": (inner(x, x) - 2 * inner(x, chi) + inner(chi, chi), Size(0, None, 2)),
    "a form that is not": (inner(x, x) - 3 * inner(x, chi) + inner(chi, chi), Size(None, None, 2)),
    "a mean over one datum": (Mean(inner(x, x_pos), over=(x, x_pos)), Size(0, None, 2)),
    "a mean of differences": (Mean(inner(x, x_pos) - inner(x, x), over=(x, x_pos)), Size(None, 0, 2)),
    "a mean over further views": (Mean(exp(-half_sq(x, x_v)), over=x_v, of=x, count=N), Size(0, 1, 0)),
    "an exponential": (exp(-half_sq(x, chi)), Size(0, 1, 0)),
    "an exponential that grows": (mu * exp(inner(x, chi)), Size(0, None, sympy.oo)),
    "a logarithm of what is 1 or more": (log(1 + half_sq(x, chi)), Size(0, None, 0)),
    "an inverse": (1 / (2 + half_sq(x, chi)), Size(0, Rational(1, 2), 0)),
    "a root": (sqrt(1 + half_sq(x, chi)), Size(1, None, 1)),
    "off the diagonal": (nu * off_diagonal_sum(lambda i, j: P[i, j] ** 2), Size(0, None, 4)),
    "off the diagonal, not squared": (off_diagonal_sum(lambda i, j: P[i, j]), Size(None, None, 2)),
    "less than the diagonal": (
        off_diagonal_sum(lambda i, j: S[i, j] ** 2) - diagonal_sum(lambda i: S[i, i] ** 2),
        Size(None, None, 4),
    ),
    "a difference of parameters": ((mu - nu) * half_sq(x, x_pos), Size(None, None, 2)),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name):
    expression, expected = SIZES[name]
    assert size(expression) == expected


@pytest.mark.parametrize("count", [None, N])
def test_means_over_further_views_are_bounded_as_others_are(count):
    def mean(body):
        return Mean(body, over=x_v, of=x, count=count)

    bounded = recession(Loss(mean(exp(-half_sq(x, x_v)))))
    assert (bounded.verdict, bounded.bound) == ("bounded", 0)
    assert recession(Loss(mean(half_sq(x, x_v) ** 2) - attraction)).verdict == "bounded"
    assert recession(Loss(attraction - mean(half_sq(x, x_v) ** 2))).verdict == "unbounded"


def lowest(value, shape=(2, 3), starts=8, scale=1.0):
    """The least of many minimisations, and the value far out."""
    generator = np.random.default_rng(1)
    ends = []
    for _ in range(starts):
        w = scale * generator.standard_normal(shape[0] * shape[1])
        ends.append(minimize(lambda one: value(one.reshape(shape)), w, method="BFGS").fun)
        ends.append(value(1e4 * w.reshape(shape)))
    return min(ends)


def covariances():
    first, second = np.random.default_rng(3).standard_normal((2, 3, 3))
    return first @ first.T / 3 + 0.1 * np.eye(3), second @ second.T / 3 + 0.1 * np.eye(3)


def test_sums_of_squares_are_never_below_zero():
    A0, C = covariances()

    def twins(W, weight=0.3):
        cross = W @ A0 @ W.T
        return ((1 - np.diag(cross)) ** 2).sum() + weight * ((cross - np.diag(np.diag(cross))) ** 2).sum()

    def soft(W, kappa=0.5, c=1.0, nu=0.2, lam=0.7):
        second = W @ (A0 + C) @ W.T
        apart = 2 * lam * np.trace(W @ C @ W.T)
        return (
            apart
            + kappa * ((np.diag(second) - c) ** 2).sum()
            + nu * (second**2).sum()
            - nu * (np.diag(second) ** 2).sum()
        )

    assert lowest(twins) > -1e-12
    assert lowest(soft) > -1e-12
    for name in ("barlow-twins", "vicreg-soft"):
        found = recession(catalogue(name))
        assert (found.verdict, size(catalogue(name).expression).low) == ("bounded", 0)
    hybrid = Loss(diagonal_sum(lambda i: (1 - P[i, i]) ** 2) + nu * off_diagonal_sum(lambda i, j: S[i, j] ** 2))
    assert recession(hybrid).verdict == "bounded"
    # A weight of the other sign, and the sum less more than its diagonal, fall.
    for weights in ((1, -1), (-1, 1)):
        loss = weights[0] * diagonal_sum(lambda i: (1 - P[i, i]) ** 2)
        loss = Loss(loss + weights[1] * off_diagonal_sum(lambda i, j: P[i, j] ** 2))
        assert recession(loss).verdict != "bounded"


def test_roots_grow_more_slowly():
    """VICReg: −μ√(v + ε) against the distance of two views, which vanishes along no mode."""
    A0, C = covariances()

    def vicreg(W, lam=0.4, weight=3.0, nu=0.2, epsilon=0.1):
        second = W @ (A0 + C) @ W.T
        off = (second**2).sum() - (np.diag(second) ** 2).sum()
        spread = np.sqrt(np.diag(second) + epsilon).sum()
        return 2 * lam * np.trace(W @ C @ W.T) - weight * 2 * spread / 2 + 2 * nu * off / 2

    assert lowest(vicreg) > -1e3
    assert recession(catalogue("vicreg")).verdict == "bounded"
    # Without the distance the root alone is left, and falls.
    assert lowest(lambda W: vicreg(W, lam=0.0, nu=0.0)) < -1e3
    spread = diagonal_sum(lambda i: sqrt(S[i, i] + 1))
    assert recession(Loss(half_sq(x, x_pos) - spread)).verdict == "bounded"
    assert recession(Loss(-spread)).verdict != "bounded"


def test_means_of_exponentials():
    """For one row with variance v, E exp⟨f(x), f(χ)⟩ = (1 − v²)^(−½) below v = 1, by the Gaussian integral."""
    a, c = 0.6, 0.4

    def loss(v, weight):
        return c * v + weight / np.sqrt(1 - v**2) if v < 1 else np.inf * weight

    near = [1 - 10.0**-k for k in range(1, 14)]
    assert min(loss(v, 0.7) for v in (*near, 0.0, 0.5)) >= 0
    assert loss(near[-1], -0.7) < -1e5
    assert a + c == 1
    assert recession(Loss(half_sq(x, x_pos) + mu * pairs)).verdict == "bounded"
    assert recession(Loss(half_sq(x, x_pos) - mu * pairs)).verdict == "unbounded"
    # Of a distance the mean is at most 1, and its negative bounded.
    near_by = Mean(exp(-half_sq(x, chi)), over=(x, chi))
    assert recession(Loss(half_sq(x, x_pos) - mu * near_by)).verdict == "bounded"
    assert recession(Loss(-attraction - mu * near_by)).verdict == "unbounded"
    both = by_parts(Loss(mu * pairs - nu * Mean(exp(inner(x, x_pos)), over=(x, x_pos))))
    assert (both.verdict, "both signs" in both.reason) == ("undecided", True)


def test_a_quartic_holds_logarithms_of_either_sign():
    """On fixed data, so that the loss is a function of W alone: log Σ exp grows like |W|², the trace like |W|⁴."""
    generator = np.random.default_rng(5)
    data, others = generator.standard_normal((40, 3)), generator.standard_normal((40, 4, 3))

    def logarithm(W):
        inside = np.einsum("bi,bni->bn", data @ W.T, others @ W.T)
        most = inside.max(-1)
        return (most + np.log(np.exp(inside - most[:, None]).mean(-1))).mean()

    def quartic(W):
        return ((W @ W.T) ** 2).sum()

    batch = log(Mean(exp(inner(x, chi)), over=chi, count=N - 1))
    trace = Mean(inner(x, chi_pos) ** 2, over=chi_pos)
    assert lowest(lambda W: quartic(W) - 5 * logarithm(W)) > -1e4
    assert lowest(lambda W: -quartic(W) + 5 * logarithm(W)) < -1e4
    assert recession(Loss(trace - 5 * batch)).verdict == "bounded"
    assert recession(Loss(trace + 5 * batch)).verdict == "bounded"
    assert recession(Loss(-trace + 5 * batch)).verdict == "unbounded"
    assert recession(Loss(trace - attraction + 5 * batch).with_bias()).verdict == "bounded"


def test_what_no_part_bounds_is_said():
    found = by_parts(Loss(-log(1 + exp(inner(x, x_pos) ** 2))))
    assert found.verdict == "undecided"
    assert "is not analysed" in found.reason
