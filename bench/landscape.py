"""How long does a phase diagram take by theory, beside minimising the loss numerically at each of its points?"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from timing import Times, alternate, print_table, print_versions, ratio, show_ratio

# One thread for all sides alike, set before NumPy and torch read it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sympy

from derive import catalogue
from derive.landscape.landscape import MODE_I, MODE_J, Landscape, a_i, a_j, c_i, c_j, landscapes
from numeric.landscape.descent import Smooth, descend
from numeric.landscape.phases import PhaseDiagram, phase_diagram

ROUNDS = 7
SIDE = 200
POINTS = SIDE * SIDE
# The loops are measured on so many random points and scaled to all of them.
SAMPLE = 200
TARGET = 1000
# A minimiser keeps a mode whose power exceeds this share of the largest power on the grid.
KEPT = 1e-5
FEATURES = np.array([1.0, 0.8, 0.6, 0.5, 0.4])
NOISE = np.array([0.1, 0.2, 0.4, 0.7, 1.0])

Array = Any  # a NumPy array or a torch tensor
Axis = tuple[str, float, float]


def oriented(sigma: Array, theta: Array) -> tuple[Array, Array]:
    """Five features, blurred by σ² from the weakest (θ = 0) to the strongest (θ = 1)."""
    return FEATURES, sigma[..., None] ** 2 * ((1 - theta[..., None]) * NOISE + theta[..., None] * NOISE[::-1])


def blurred(sigma: Array, _: Array) -> tuple[Array, Array]:
    """The same with θ = ½."""
    return oriented(sigma, np.full_like(sigma, 0.5))


@dataclass(frozen=True)
class Case:
    """A loss, what its modes do to each other, two axes and the data."""

    loss: str
    coupling: str
    x: Axis
    y: Axis
    modes: Any
    values: dict[str, float]

    def landscape(self) -> Landscape:
        """The derived landscape."""
        (found,) = landscapes(catalogue(self.loss).expand(order=4))
        return found

    def diagram(self, found: Landscape) -> PhaseDiagram:
        """All points by theory."""
        (x, *xs), (y, *ys) = self.x, self.y
        return phase_diagram(found, (x, np.linspace(*xs, SIDE)), (y, np.linspace(*ys, SIDE)), self.modes, self.values)


CONSTANT = (FEATURES, NOISE)
CASES = (
    Case("beta-infonce", "none", ("sigma", 0.0, 3.0), ("theta", 0.0, 1.0), oriented, {"beta": 0.5}),
    Case("infonce+norm-penalty", "one trace", ("kappa", 0.05, 8.0), ("c", 0.01, 2.0), CONSTANT, {}),
    Case("infonce-batch+weight-decay", "one trace", ("sigma", 0.0, 2.0), ("gamma", 0.0, 1.0), blurred, {"N": 16.0}),
    Case("infonce-batch+norm-penalty", "two traces", ("kappa", 0.05, 8.0), ("c", 0.01, 2.0), CONSTANT, {"N": 16.0}),
)


@dataclass(frozen=True)
class Numbers:
    """The loss at each point, −Σ b_i|w_i|² + Σ Q_ij (w_i·w_j)² + Σ K_ij |w_i|²|w_j|²; the peers get it for free."""

    b: Array
    Q: Array
    K: Array

    @property
    def M(self) -> Array:
        """The quadratic form in the powers."""
        return self.Q * np.eye(self.b.shape[-1]) + self.K


def numbers(found: Landscape, diagram: PhaseDiagram) -> Numbers:
    """The constants of all points, from the landscape's formulas for two modes; (points, …)."""
    x, y = np.meshgrid(diagram.x, diagram.y)
    put = dict(diagram.values) | {diagram.x_name: x, diagram.y_name: y}
    a, c = diagram.a.reshape(POINTS, -1), diagram.c.reshape(POINTS, -1)

    def evaluated(value: sympy.Expr, modes: dict[sympy.Symbol, Array], axes: int) -> Array:
        symbols = sorted(value.free_symbols, key=str)
        given = [modes[one] if one in modes else np.reshape(put[one.name], (-1, *(1,) * axes)) for one in symbols]
        return np.broadcast_to(sympy.lambdify(symbols, value)(*given), (POINTS, *(a.shape[1],) * axes))

    own = {a_i: a, c_i: c}
    two = {a_i: a[:, :, None], c_i: c[:, :, None], a_j: a[:, None], c_j: c[:, None]}
    return Numbers(
        evaluated(found.b(), own, 1),
        evaluated(found.Q(MODE_I, MODE_J), two, 2),
        evaluated(found.K(MODE_I, MODE_J), two, 2),
    )


def over_powers(given: Numbers, points: Array) -> Array:
    """SciPy's L-BFGS-B over g ≥ 0, point by point, with the exact gradient: 5 unknowns, a convex program."""
    from scipy.optimize import minimize

    found = np.empty((len(points), given.b.shape[1]))
    for row, (b, M) in enumerate(zip(given.b[points], given.M[points], strict=True)):

        def loss(g: Array, b: Array = b, M: Array = M) -> tuple[float, Array]:
            pull = M @ g
            return g @ pull - b @ g, 2 * pull - b

        start = np.full(len(b), 0.1)
        bounds = [(0.0, None)] * len(b)
        options = {"ftol": 0.0, "gtol": 1e-10}
        found[row] = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return found


def over_weights(given: Numbers, points: Array) -> Array:
    """SciPy's L-BFGS-B over W, point by point, with the exact gradient: 25 unknowns, nothing known of the modes."""
    from scipy.optimize import minimize

    n = given.b.shape[1]
    start = np.random.default_rng(1).standard_normal(n * n) / 3
    found = np.empty((len(points), n))
    for row, (b, Q, K) in enumerate(zip(given.b[points], given.Q[points], given.K[points], strict=True)):

        def loss(flat: Array, b: Array = b, Q: Array = Q, K: Array = K) -> tuple[float, Array]:
            W = flat.reshape(n, n)
            G = W.T @ W
            g = G.diagonal()
            weighted, pull = Q * G, K @ g
            slope = 4 * weighted
            slope.flat[:: n + 1] += 4 * pull - 2 * b
            return (weighted * G).sum() + g @ (pull - b), (W @ slope).ravel()

        options = {"ftol": 0.0, "gtol": 1e-9, "maxiter": 2000}
        W = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x.reshape(n, n)
        found[row] = (W * W).sum(0)
    return found


def batched(given: Numbers) -> Array:
    """All points at once in torch: Newton steps in a trust region over r, g_i = r_i², with exact derivatives."""
    import torch

    b, M = (torch.from_numpy(np.array(one)) for one in (given.b, given.M))
    state: dict[str, Any] = {"b": b, "M": M}

    def value(x: Array) -> Array:
        g = x * x
        return (g * (torch.einsum("pij,pj->pi", state["M"], g) - state["b"])).sum(-1)

    def gradient(x: Array) -> Array:
        return 2 * x * (2 * torch.einsum("pij,pj->pi", state["M"], x * x) - state["b"])

    def hessian(x: Array) -> Array:
        slope = 2 * torch.einsum("pij,pj->pi", state["M"], x * x) - state["b"]
        return 8 * x[:, :, None] * state["M"] * x[:, None] + torch.diag_embed(2 * slope)

    # `descend` asks for the derivatives of the points that still move; each point has its own constants, so the
    # points that have arrived are put aside between blocks of steps.
    x = torch.full_like(b, 0.4)
    moving = torch.arange(len(b))
    for steps in (6, 6, 12, 24, 48):
        x[moving] = _fixed_batch(Smooth(value, gradient, hessian), x[moving], steps)
        going = gradient(x[moving]).norm(dim=-1) > 1e-9
        moving = moving[going]
        if not len(moving):
            break
        state.update(b=b[moving], M=M[moving])
    return (x * x).numpy()


def _fixed_batch(function: Smooth, x: Array, steps: int) -> Array:
    """Steps on all points of a batch together."""
    return descend(function, x, steps=steps, tolerance=-1.0).x


def agreement(theory: Array, other: Array, given: Numbers, points: Array) -> str:
    """The share of points where the same modes are kept, and how critical the others are.

    A mode that the theory and a minimiser disagree on should have, at the minimum, neither a power nor a slope worth
    mentioning: both are shown relative to the largest on the grid.
    """
    same = ((theory > KEPT * theory.max()) == (other > KEPT * theory.max())) | (abs(theory - other) < 1e-12)
    differ = ~same
    share = same.all(-1).mean()
    distance = abs(theory - other).max() / theory.max()
    text = f"{100 * share:.2f} %, powers within {distance:.0e}"
    if differ.any():
        slope = 2 * np.einsum("pij,pj->pi", given.M[points], theory) - given.b[points]
        critical = np.maximum(theory / theory.max(), abs(slope) / abs(given.b).max())[differ].max()
        text += f"; where not, power and slope below {critical:.0e}"
        if critical > 0.02:
            raise SystemExit(f"theory and minimiser disagree on modes that are not critical: {text}")
    if distance > 0.02:
        raise SystemExit(f"theory and minimiser disagree: {text}")
    return text


def main() -> None:
    """Check that all sides agree, then time them."""
    print_versions("numpy", "scipy", "torch", "sympy")
    print(f"{SIDE} × {SIDE} points, 5 modes, float64, OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']}")
    points = np.random.default_rng(0).choice(POINTS, SAMPLE, replace=False)
    agreed, timed = [], []
    for case in CASES:
        found = case.landscape()
        diagram = case.diagram(found)
        given = numbers(found, diagram)
        theory = diagram.powers.reshape(POINTS, -1)
        peers: dict[str, tuple[Callable[[], object], float]] = {
            "L-BFGS-B over g": (partial(over_powers, given, points), POINTS / SAMPLE),
            "L-BFGS-B over W": (partial(over_weights, given, points), POINTS / SAMPLE),
            "torch, batched": (partial(batched, given), 1.0),
        }
        for name, (call, scale) in peers.items():
            subset = points if scale > 1 else np.arange(POINTS)
            agreed.append((case.loss, name, agreement(theory[subset], np.asarray(call()), given, subset)))
        sides = {"theory": partial(case.diagram, found)} | {name: call for name, (call, _) in peers.items()}
        times = alternate(sides, rounds=ROUNDS)
        for name, (_, scale) in peers.items():
            whole = Times(tuple(scale * seconds for seconds in times[name].samples))
            measured = ratio(whole, times["theory"])
            met = "-" if scale == 1 else "met" if measured.median >= TARGET else "missed"
            timed.append((case.loss, case.coupling, str(times["theory"]), name, str(whole), show_ratio(measured), met))
    print_table("the same modes kept", ("loss", "peer", "agreement"), agreed)
    header = ("loss", "modes coupled by", "theory", "peer", "peer, all points", "peer/theory", f"≥ {TARGET}")
    print_table(f"times; the loops on {SAMPLE} random points, scaled to {POINTS:,}", header, timed)


if __name__ == "__main__":
    main()
