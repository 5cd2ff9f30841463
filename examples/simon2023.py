"""A ledger for somebody else's paper: the linear model of Simon et al. 2023 (arXiv 2303.15438), stepwise learning.

f(x) = W x is trained by gradient flow on ‖C − I‖² with the cross-correlation C = E[f(x) f(x′)ᵀ] of two views, which is
Barlow Twins without normalisation and with λ = 1. Their Γ = E[x x′ᵀ] is A0 here. Run it with

    quartic claims --ledger examples/simon2023.py
    pytest --claims examples/simon2023.py
"""

import numpy as np
import sympy

from derive import catalogue
from numeric.landscape.descent import Smooth, gradient_flow
from verify.papers.claims import Ledger, Measured, Point, Reading
from verify.papers.claims.formulas import A0, W, d1, gradient_of

ledger = Ledger(
    "simon2023",
    "On the Stepwise Nature of Self-Supervised Learning",
    "James B. Simon, Maksis Knutins, Liu Ziyin, Daniel Geisz, Abraham J. Fetterman, Joshua Albrecht, ICML 2023,"
    " arXiv:2303.15438",
)

t = sympy.Symbol("t", positive=True)
s_0 = sympy.Symbol("s_0", positive=True)
gamma = sympy.Symbol("gamma_j", positive=True)
LOSS = catalogue("barlow-twins").set({"lambda": 1}).expand(4)


def loss(W_, Gamma):
    """‖C − I‖² by hand, for a batch of W: (…, d1, d0)."""
    difference = W_ @ Gamma @ np.swapaxes(W_, -1, -2) - np.eye(W_.shape[-2])
    return (difference**2).sum((-2, -1))


def slope(W_, Gamma):
    """−∂L/∂W of one W by central differences of two widths, which together are exact for a quartic."""
    found = np.zeros_like(W_)
    for entry in np.ndindex(W_.shape):
        moved = np.zeros_like(W_)
        moved[entry] = 0.5
        narrow, wide = ((loss(W_ + k * moved, Gamma) - loss(W_ - k * moved, Gamma)) / k for k in (1, 2))
        found[entry] = -(4 * narrow - wide) / 3
    return found


@ledger.claim(
    "simon2023:flow",
    where="the linear model, its gradient flow",
    says="dW/dt = {flow}",
    recorded="holds",
    flow=-4 * (W * A0 * W.T - sympy.Identity(d1)) * W * A0,
)
def flow():
    """The words' gradient of the derived loss, and differences of the loss written by hand."""
    generator = np.random.default_rng(0)
    points = []
    for rows, columns in ((2, 3), (3, 3)):
        W_, root = generator.standard_normal((rows, columns)), generator.standard_normal((columns, columns))
        Gamma = root @ root.T / columns
        points.append(Point({"W": W_, "A_0": Gamma}, slope(W_, Gamma), 1e-9))
    yield Reading({"flow": -gradient_of(LOSS)}, [Measured("flow", "exact", "−∂L/∂W by differences", points, seed=0)])


def velocity():
    """v = s⁻² and dv/dt = −2 s⁻³ ds/dt of one mode, ds/dt = −∂L/∂s of the loss derived at d0 = d1 = 1, A0 = γ."""
    s, v = sympy.symbols("s v", positive=True)
    along = sum(term.coefficient * (s**2 * gamma) ** (term.order // 2) for term in LOSS.terms)
    return v, sympy.factor(sympy.expand((2 * s**-3 * sympy.diff(along, s)).subs(s, 1 / sympy.sqrt(v))))


@ledger.claim(
    "simon2023:singular-values",
    where="the linear model, aligned initialisation",
    says="s_j(t) = {s}",
    recorded="holds",
    s=sympy.exp(4 * gamma * t) / sympy.sqrt(1 / s_0**2 + (sympy.exp(8 * gamma * t) - 1) * gamma),
)
def singular_values():
    """The flow of one mode solved, and the loss by hand integrated from three starts."""
    points = []
    for value, start in ((1.0, 0.1), (0.3, 0.05), (2.0, 1.5)):
        Gamma = np.array([[value]])
        function = Smooth(
            value=lambda x, Gamma=Gamma: loss(x[:, None], Gamma),
            gradient=lambda x, Gamma=Gamma: np.stack([-slope(one[None], Gamma)[0] for one in x]),
            hessian=lambda x: x,
        )
        times = np.array([0.0, 0.5, 1.5, 4.0])
        for time, found in zip(times, gradient_flow(function, np.array([start]), times)[:, 0], strict=True):
            points.append(Point({"t": time, "s_0": start, "gamma_j": value}, float(found), 1e-6))
    measured = Measured("s", "exact", "s(t) of the loss by hand, integrated", points)
    v, speed = velocity()
    u = sympy.Function("u")
    solved = sympy.dsolve(sympy.Eq(u(t).diff(t), speed.subs(v, u(t))), u(t), ics={u(0): 1 / s_0**2}).rhs
    yield Reading({"s": 1 / sympy.sqrt(solved)}, [measured])


@ledger.claim(
    "simon2023:step-times",
    where="the linear model, times of the steps",
    says="the j-th step, γ_j s_j² = ½, happens at t = {time}",
    recorded="conditional",
    why="From a start s_0 it happens log((1 − γs_0²)/(γs_0²))/(8γ) later; the printed time is that for a small start.",
    time=-sympy.log(s_0**2 * gamma) / (8 * gamma),
)
def step_times():
    """The time from s_0⁻² to 2γ, by separation of variables; exactly, and to leading order in a small start."""
    v, speed = velocity()
    passed = sympy.integrate(1 / speed, v)
    growth = sympy.exp(8 * gamma * (passed.subs(v, 2 * gamma) - passed.subs(v, 1 / s_0**2)))
    exact = sympy.log(sympy.simplify(growth)) / (8 * gamma)
    leading = sympy.series(sympy.expand_log(sympy.factor(exact), force=True), s_0, 0, 1).removeO()
    yield Reading({"time": exact}, [crossing(0.3, 1e-6)], name="any start")
    # What is left out is log(1 − γs²)/(8γ), less than s²/4 for γs² ≤ ½.
    yield Reading({"time": leading}, [crossing(1e-4, 1e-6)], name="s_j(0) → 0")


def crossing(start, tolerance):
    """The time at which γs² passes ½: dt = ds/(−∂L/∂s) of the loss by hand, by Gauss and Legendre in log s."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    points = []
    for value in (1.0, 0.4):
        low, high = np.log(start), -np.log(2 * value) / 2
        at = np.exp(low + (high - low) * (nodes + 1) / 2)
        speed = [slope(np.array([[s]]), np.array([[value]]))[0, 0] for s in at]
        time = float((weights * at / speed).sum() * (high - low) / 2)
        points.append(Point({"s_0": start, "gamma_j": value}, time, tolerance))
    return Measured("time", "exact", "the time to γs² = ½ of the loss by hand, by quadrature", points)
