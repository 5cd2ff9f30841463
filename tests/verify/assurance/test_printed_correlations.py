"""What an audit prints in λ_i, read as it is printed and held against minimisers, for A0 and C that do not commute.

The losses are written by hand from their definitions: averages of exponentials of quadratic forms over Gaussian views.
"""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parent))

from statements.formulas import of_modes, read, value

import numeric
from derive import catalogue
from derive.landscape.summary import described

d0 = 3


def pull(W, A0, Sigma):
    """E ½|f(x) − f(x′)|² = Tr[W C Wᵀ]."""
    return np.trace(W @ (Sigma - A0) @ W.T)


def repulsion(W, Sigma):
    """E_x log E_χ exp(−½|f(x) − f(χ)|²): −½ log det(I + S) − ½ Tr[S (I + S)⁻¹], S = W Σ Wᵀ."""
    S = W @ Sigma @ W.T
    I = np.eye(len(S))  # noqa: E741 (the identity)
    return -0.5 * np.linalg.slogdet(I + S)[1] - 0.5 * np.trace(np.linalg.solve(I + S, S))


def uniformity(W, Sigma, t):
    """log E exp(−t|f(x) − f(χ)|²) = −½ log det(I + 4 t S)."""
    return -0.5 * np.linalg.slogdet(np.eye(len(W)) + 4 * t * W @ Sigma @ W.T)[1]


LOSSES = {
    "infonce": ({}, lambda W, A0, Sigma: pull(W, A0, Sigma) + repulsion(W, Sigma)),
    "beta-infonce": ({"beta": 0.6}, lambda W, A0, Sigma: pull(W, A0, Sigma) + 0.6 * repulsion(W, Sigma)),
    "alignment-uniformity": (
        {"lambda": 0.8, "t": 0.7},
        lambda W, A0, Sigma: 2 * pull(W, A0, Sigma) + 0.8 * uniformity(W, Sigma, 0.7),
    ),
    "spectral": (
        {},
        lambda W, A0, Sigma: -2 * np.trace(W @ A0 @ W.T) + np.trace(W @ Sigma @ W.T @ W @ Sigma @ W.T),
    ),
}


def matrices(seed):
    """A0 and C with frames of their own."""
    rng = np.random.default_rng(seed)
    frames = (np.linalg.qr(rng.standard_normal((d0, d0)))[0] for _ in range(2))
    A0, C = (frame @ np.diag(rng.uniform(0.2, 2.0, d0)) @ frame.T for frame in frames)
    assert np.abs(A0 @ C - C @ A0).max() > 0.05
    return A0, C


def root(Sigma):
    """Σ^½."""
    values, vectors = np.linalg.eigh(Sigma)
    return vectors * np.sqrt(values) @ vectors.T


def whitened(A0, C):
    """λ_i in rising order, their frame U, and Σ^½."""
    R = root(A0 + C)
    lam, U = np.linalg.eigh(np.linalg.solve(R, np.linalg.solve(R, A0).T))
    return lam, U, R


def as_if_commuting(A0, C):
    """The mutant: a_i and c_i of A0 and C apart, in rising and in falling order."""
    a, c = np.linalg.eigvalsh(A0), np.linalg.eigvalsh(C)[::-1]
    return a / (a + c)


def lowest(loss, A0, C, starts=2):
    """Σ^½ WᵀW Σ^½ at the lowest point that descents find, in the frame of λ_i."""
    _, U, R = whitened(A0, C)
    rng = np.random.default_rng(1)
    best = None
    for _ in range(starts):
        start = rng.standard_normal(d0 * d0)
        end = minimize(lambda w: loss(w.reshape(d0, d0), A0, A0 + C), start, method="BFGS", options={"gtol": 1e-6})
        best = end if best is None or end.fun < best.fun else best
    V = best.x.reshape(d0, d0) @ R @ U
    return V.T @ V


def printed(name):
    """The lines of the landscape as an audit prints them, unbroken."""
    loss = catalogue(name)
    lines = described(loss, loss.expand(4)).lines()
    return {label: [text for one, text in lines if one == label] for label, _ in lines}


def environment(lam, values):
    """The letters of a line."""
    greek = {"beta": "β", "lambda": "λ"}
    return of_modes(lam, 1 - lam) | {greek.get(key, key): one for key, one in values.items()} | {"d0": float(d0)}


def heights(lines, env):
    """h_i of a loss that closes to all orders, where it is positive; 0 elsewhere."""
    (formula,) = re.findall(r"^h_i = (.+), the eigenvalues of", lines["all orders"][0])
    return np.clip(np.real(value(read(formula), env)), 0.0, None)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", LOSSES)
def test_the_landscape_to_all_orders_is_that_of_a_minimiser(name, seed):
    values, loss = LOSSES[name]
    A0, C = matrices(seed)
    H, lines = lowest(loss, A0, C), printed(name)
    assert lines["modes"][0].startswith("λ_i, the eigenvalues of Σ^(−½) A0 Σ^(−½)")
    lam, _, _ = whitened(A0, C)
    here = heights(lines, environment(lam, values))
    # Its modes are those of λ_i, and its powers the printed ones.
    assert np.allclose(H, np.diag(here), atol=2e-4 * max(1.0, here.max()))
    wrong = heights(lines, environment(as_if_commuting(A0, C), values))
    assert not np.allclose(np.sort(wrong), np.sort(np.diag(H)), atol=1e-2 * max(1.0, here.max()))
    lost = [np.diag(H) < 1e-3, np.zeros(d0, bool)]
    (told,) = re.findall(r"dimensional: (never|.+? <= 0)", " ".join(lines["collapse"]))
    if told != "never":
        lost[1] = value(read(told), environment(lam, values))
    assert np.array_equal(*lost)


def test_a_printed_formula_that_is_off_is_found_out():
    A0, C = matrices(0)
    lam, _, _ = whitened(A0, C)
    lines = printed("infonce")
    assert "sqrt(9 - 8 λ_i)" in lines["all orders"][0]
    off = {**lines, "all orders": [lines["all orders"][0].replace("9 - 8 λ_i", "9 - 7 λ_i")]}
    here = np.diag(lowest(LOSSES["infonce"][1], A0, C))
    assert not np.allclose(heights(off, environment(lam, {})), here, atol=1e-2)


@pytest.mark.parametrize("name", ["infonce-batch", "ntxent", "siglip"])
def test_couplings_between_modes_are_those_of_the_quartic(name):
    """2 Q_ii h_i + 2 Σ_j K_ij h_j = b_i, on the words of order 2 and 4 with matrices that do not commute."""
    values = {"N": 5.0, "tau": 0.8, "t": 1.3, "b": -1.2}
    expansion = catalogue(name).expand(4)
    emitted = numeric.kernel(expansion)
    given = [values[one] for one in emitted.arguments[3:]]
    A0, C = matrices(3)
    H = lowest(lambda W, A0, Sigma: float(emitted.value(W, A0, Sigma, *given)), A0, C)
    h = np.diag(H)
    assert np.abs(H - np.diag(h)).max() < 1e-4 * h.max()
    assert (h > 1e-3).all()
    (line,) = printed(name)["stationary"]
    b, Q, K = re.fullmatch(r".*; b_i = (.+), Q_ij = (.+), K_ij = (.+)", line).groups()

    def off(lam):
        rows, columns = of_modes(lam[:, None], 1 - lam[:, None]), of_modes(lam[None], 1 - lam[None])
        known = {"N": 5.0, "τ": 0.8, "t": 1.3, "b": -1.2}
        env = known | {key: (rows if key.endswith("i") else columns)[key] for key in rows}
        couplings = [np.asarray(value(read(one), env)) * np.ones((d0, d0)) for one in (Q, K)]
        level = np.ravel(value(read(b), env) * np.ones((d0, 1)))
        return np.abs(2 * couplings[0].diagonal() * h + 2 * couplings[1] @ h - level).max() / np.abs(level).max()

    lam, _, _ = whitened(A0, C)
    assert off(lam) < 1e-4
    assert off(as_if_commuting(A0, C)) > 1e-2
