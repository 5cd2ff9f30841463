"""DINO's derived field held against steps by hand: autograd with `detach`, differences of the loss, and draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive.fields.centring import centred, mean_square, uncentred
from derive.fields.dino import Dino, K, tau_s, tau_t
from derive.fields.logit_field import LogitField, logit_field, threshold
from numeric.fields.logits import LogitFlow, powers
from numeric.fields.words import link_matrix
from numeric.sampling import Covariances, random_covariances
from verify.audits.field_evidence import DRAWS, TOLERANCE, no_step
from verify.evidence.agreement import COEFFICIENTS, SHARE
from verify.evidence.evidence import Evidence, RouteName, far

Array = NDArray[np.float64]
Slope = Callable[[float], Array]
# Values for what has none, and the most logits that are measured.
_GENERIC = {"tau_s": sympy.Rational(9, 10), "tau_t": sympy.Rational(3, 5), "K": sympy.Integer(4)}
_MOST_LOGITS = 12
# Points of a rule for each view, and of a finer one, steps of the simulated flow, and its start in units of τ_s.
_POINTS, _MORE, _STEPS, _START = 28, 44, 1200, 0.05
# Values of t at which a rate is evaluated for its Taylor coefficients; rounding leaves fewer digits of that of t⁷.
RAY, _LAST, _ROUGH = np.linspace(0.05, 0.4, 11), 7, 100
# A term that is smaller than this is compared in units of it.
_FLOOR = 0.01


@dataclass(frozen=True, eq=False)
class Place:
    """Where the field is measured.

    Attributes:
        dino: with values for what had none.
        field: derived, at these values.
        data: random covariances that do not commute.
        W: (K, 2), in units of the lower temperature.
        seed: of the random numbers.

    """

    dino: Dino
    field: LogitField
    data: Covariances
    W: Array
    seed: int

    @property
    def given(self) -> dict[str, float]:
        """Temperatures and number of logits."""
        return {name: float(value) for name, value in self.dino.given.items()}

    @property
    def unit(self) -> float:
        """The lower temperature."""
        return min(self.given["tau_s"], self.given["tau_t"])

    @property
    def label(self) -> str:
        """The values in words."""
        return ", ".join(f"{name} = {value}" for name, value in self.dino.given.items())

    def predicted(self) -> dict[int, Array]:
        """The terms of the field at W, by order, times K and the temperatures' power that makes them free of units."""
        live, scale = self.unit * (self.W - self.W.mean(0)), self.unit
        S = live @ self.data.Sigma @ live.T
        found: dict[int, Array] = {}
        letters = {"A0": self.data.A0, "Sigma": self.data.Sigma}
        for term in self.field.terms:
            part = float(term.coefficient) * link_matrix(term.link, S) @ live @ letters[term.letter]
            found[term.order] = found.get(term.order, 0.0) + scale * (part - part.mean(0))
        return found


def place(dino: Dino, order: int, seed: int) -> Place:
    """A place for the field, with values of no special meaning for parameters that have none."""
    given = {**_GENERIC, **dino.given}
    if int(given["K"]) > _MOST_LOGITS:
        given["K"] = _GENERIC["K"]
    generator = np.random.default_rng(1000 * seed + 5)
    data, here = random_covariances(generator, 2), Dino(given)
    W = generator.standard_normal((int(given["K"]), 2)) / 2
    return Place(here, logit_field(here, order), data, W, seed)


def evidence(dino: Dino, order: int, seed: int, tick: Callable[[str], None], *, train: bool) -> Iterator[Evidence]:
    """The comparisons of a field that was derived through an odd order in W."""
    here = place(dino, order, seed)
    tick("autodiff")
    yield from (by_hand(here), of_the_mean(here)) if find_spec("torch") else (no_step("autodiff", "the step"),)
    tick("values")
    yield by_values(here)
    tick("monte carlo")
    yield by_draws(here)
    if train:
        tick("train")
        yield simulated(here) if find_spec("torch") else no_step("trained", "powers")


def _nodes(here: Place) -> tuple[Array, Array, Array]:
    """Both views at Gaussian nodes, (m, 2) each, and weights."""
    nodes, p = here.data.nodes(here.field.order + 1, 1, 2)
    return np.array(nodes[0][:, 0]), np.array(nodes[1][:, 0]), np.array(p)


def _coefficients(here: Place, rate: Callable[[Array], Array]) -> dict[int, Array]:
    """The coefficients of t, t³, … of a rate at t W: odd in t, over nodes that are mirrored."""
    orders = range(1, here.field.order + 1, 2)
    half = np.array([here.unit * (rate(t * here.unit * here.W) - rate(-t * here.unit * here.W)) / 2 for t in RAY])
    solved = np.linalg.solve(RAY[:, None] ** (2 * np.arange(len(RAY)) + 1), half.reshape(len(RAY), -1))
    return {k: solved[k // 2].reshape(half.shape[1:]) for k in orders}


def _compared(
    here: Place, route: RouteName, what: str, where: str, rate: Callable[[Array], Array], predicted: Mapping[int, Array]
) -> Evidence:
    """The coefficients of a rate beside what is predicted, at the largest difference in units of what is allowed."""
    worst = (0.0, 0, 0.0, 0.0, TOLERANCE)
    for k, found in _coefficients(here, rate).items():
        allowed = max(_FLOOR, float(np.abs(predicted[k]).max())) * TOLERANCE * (_ROUGH if k == _LAST else 1)
        at = np.unravel_index(np.abs(found - predicted[k]).argmax(), found.shape)
        off = abs(found[at] - predicted[k][at]) / allowed
        worst = max(worst, (float(off), k, float(predicted[k][at]), float(found[at]), allowed))
    off, k, expected, measured, allowed = worst
    return Evidence(
        route,
        what,
        expected,
        measured,
        allowed,
        "tolerance",
        agrees=off <= 1,
        seed=here.seed,
        note=f"largest difference {where.format(k=k)}; {here.label}",
        exact=far(off, 1.0),
    )


def by_hand(here: Place) -> Evidence:
    """The derived terms against a hand-written step, autograd with `detach` over Gaussian nodes."""
    import torch

    from verify.truths.torch_steps import STEPS, Views, step

    x, x_pos, p = map(torch.from_numpy, _nodes(here))
    views = Views(x, x_pos, p, x[:, None][:, :0])

    def rate(W: Array) -> Array:
        return step(STEPS["dino"], {"W": torch.from_numpy(W)}, views, here.given)["W"].numpy()

    what, where = "the step of a hand-written loss with detach", "in dW/dt at W^{k}, over Gaussian nodes"
    return _compared(here, "autodiff", what, where, rate, here.predicted())


def of_the_mean(here: Place) -> Evidence:
    """How fast a small mean logit grows, a bias at W = 0, with an exact centre and without."""
    import torch

    from verify.truths.torch_steps import STEPS, Views, step

    logits, small = len(here.W), 1e-5 * here.unit
    x = torch.zeros((1, 2), dtype=torch.float64)
    views = Views(x, x, torch.ones(1, dtype=torch.float64), x[:, None][:, :0])
    W, bias = torch.zeros((logits, 2), dtype=torch.float64), torch.zeros(logits, dtype=torch.float64)
    bias[0], bias[1] = small, -small
    worst = (-1.0, 0.0, 0.0, "")
    for centre, formula in ((1.0, centred()), (0.0, uncentred())):
        at = {tau_s: here.given["tau_s"], tau_t: here.given["tau_t"], K: logits, mean_square: 1}
        predicted = float(formula.subs(at))
        ahead, behind = (
            step(STEPS["dino"], {"W": W, "b": sign * bias}, views, {**here.given, "centre": centre})["b"]
            for sign in (1, -1)
        )
        measured = float(ahead[0] - behind[0]) / (2 * small)
        off = abs(measured - predicted) / max(abs(predicted), 1 / (logits * here.given["tau_s"] ** 2))
        worst = max(worst, (off, predicted, measured, "with an exact centre" if centre else "without a centre"))
    off, predicted, measured, which = worst
    return Evidence(
        "autodiff",
        "the rate of a small mean logit, with a centre and without",
        predicted,
        measured,
        TOLERANCE * max(1.0, abs(predicted)),
        "tolerance",
        agrees=off <= TOLERANCE,
        note=f"the farther off: {which}; {here.label}",
        exact=far(off, TOLERANCE),
    )


def by_values(here: Place) -> Evidence:
    """The derived terms along a random direction against the slope of the loss while the teacher is held."""
    x, x_pos, p = _nodes(here)
    direction = np.random.default_rng(here.seed + 19).standard_normal(here.W.shape)

    def rate(W: Array) -> Array:
        target = _softmax((x_pos @ W.T - p @ (x_pos @ W.T)) / here.given["tau_t"])
        # A complex step has no rounding of a difference.
        own = _log_softmax(x @ (W + 1e-30j * direction).T / here.given["tau_s"])
        return np.array([(p @ (target * own).sum(1)).imag / 1e-30])

    along = {k: np.array([(one * direction).sum()]) for k, one in here.predicted().items()}
    what, where = (
        "the step by values: slopes of the loss with the teacher held",
        "along a direction at W^{k}; over Gaussian nodes",
    )
    return _compared(here, "exact", what, where, rate, along)


def by_draws(here: Place) -> Evidence:
    """The same over random draws, each with its mirror image: the term that is farthest off in standard errors."""
    generator = np.random.default_rng(here.seed + 29)
    x, x_pos = (one[:, 0] for one in here.data.draw(generator, (DRAWS, 1), 2))
    student, teacher = here.given["tau_s"], here.given["tau_t"]
    direction = generator.standard_normal(here.W.shape)

    def rate(W: Array) -> Array:
        """Each draw's own slope along the direction: (t − s)·(D x)/τ_s."""
        difference = _softmax(x_pos @ W.T / teacher) - _softmax(x @ W.T / student)
        return np.asarray((difference * (x @ direction.T)).sum(1) / student)

    measured = _coefficients(here, rate)
    predicted = {k: float((one * direction).sum()) for k, one in here.predicted().items()}
    worst = (-1.0, 0.0, 0.0, 0.0, 0)
    for k in sorted(measured)[:2]:
        mean, spread = measured[k].mean(), measured[k].std(ddof=1) / np.sqrt(DRAWS)
        # What noise would hide is not compared.
        if 4 * spread < abs(predicted[k]):
            z = float(abs(mean - predicted[k]) / spread)
            worst = max(worst, (z, predicted[k], float(mean), float(spread), k))
    z, of, mean, spread, k = worst
    return Evidence(
        "monte-carlo",
        "the step on random draws",
        of,
        mean,
        spread,
        "standard error",
        agrees=COEFFICIENTS.decide(z, 1.0, DRAWS, sees=k > 0),
        seed=here.seed,
        note=f"z = {z:.1f} along a direction at W^{k}, the farthest off; {DRAWS} draws; {here.label}",
    )


def simulated(here: Place) -> Evidence:
    """Where the hand-written step leads from small weights, for a mode above the threshold and one below it."""
    student, teacher, logits = here.given["tau_s"], here.given["tau_t"], len(here.W)
    ratio = float(here.dino.put(threshold()))
    correlations = (0.9, 0.5) if ratio >= 1 else (ratio + 0.6 * (1 - ratio), 0.5 * ratio)
    predicted, measured, begun = [], [], []
    size = logits * student * min(student, teacher) / 2
    for lam in correlations:
        flow = LogitFlow.of([lam], student, teacher)
        begin = flow.small(logits, here.seed)
        begin = begin * _START * student / np.abs(begin).max()
        path, _ = flow.run(begin, np.array([0.0, size * _STEPS]))
        predicted.append(float(powers(path[-1])[0]) / student**2)
        measured.append(float(powers(_trained(lam, begin, here.given, size))[0]) / student**2)
        begun.append(begin)
    off = np.abs(np.subtract(measured, predicted))
    which, allowed = int(off.argmax()), SHARE * max(*predicted, _START)
    agrees: bool | None = bool(off.max() <= allowed)
    unresolved = ""
    if not agrees:
        again = _trained(correlations[which], begun[which], here.given, size, points=_MORE)
        if abs(float(powers(again)[0]) / student**2 - measured[which]) > allowed / 4:
            agrees, unresolved = None, "; so sharp a teacher is not resolved by the rule over the data"
    return Evidence(
        "trained",
        "powers of a mode above the threshold and of one below, trained from small weights",
        predicted[which],
        measured[which],
        allowed,
        "tolerance",
        agrees=agrees,
        seed=here.seed,
        note=f"λ = {correlations[0]:.3g} and {correlations[1]:.3g}, over τ_s²; after {_STEPS} steps; {here.label}"
        + unresolved,
    )


def _trained(lam: float, W: Array, given: Mapping[str, float], size: float, points: int = _POINTS) -> Array:
    """W after gradient descent of the population, in steps of a size."""
    import torch

    from verify.truths.torch_steps import STEPS, Views, step

    nodes, mass = np.polynomial.hermite_e.hermegauss(points)
    one, other = (grid.ravel() for grid in np.meshgrid(nodes, nodes))
    x = torch.from_numpy(one[:, None])
    x_pos = torch.from_numpy((lam * one + np.sqrt(1 - lam**2) * other)[:, None])
    p = torch.from_numpy(np.outer(mass, mass).ravel() / mass.sum() ** 2)
    views, weights = Views(x, x_pos, p, x[:, None][:, :0]), {"W": torch.from_numpy(W)}
    for _ in range(_STEPS):
        weights = {"W": weights["W"] + size * step(STEPS["dino"], weights, views, given)["W"]}
    return np.asarray(weights["W"].numpy())


def _softmax(z: Array) -> Array:
    shifted = np.exp(z - z.max(1, keepdims=True))
    return np.asarray(shifted / shifted.sum(1, keepdims=True))


def _log_softmax(z: NDArray[Any]) -> NDArray[Any]:
    shifted = z - z.real.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))
