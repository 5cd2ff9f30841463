"""Measurements that many claims share: Taylor coefficients of a loss as it is defined, and averages over Gaussian data.

Nothing here sees an expansion. The letters have the names of `verify.papers.claims.formulas`: W, A_0, C, Sigma.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy.optimize import brentq

from derive import Loss, catalogue
from numeric.sampling import Covariances, random_covariances
from verify.audits.target import parse_values
from verify.papers.claims.claim import Measured, Point
from verify.routes import autodiff
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.settings import Case, at_values, case, truth_of
from verify.truths.taylor import cauchy, circle, safe_radius

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from verify.evidence.evidence import RouteName

    Array = NDArray[np.float64]
    # What is averaged: of W (d1, d0) and views (points, d0) x, x_pos of one datum and chi, chi_pos of another.
    Integrand = Callable[[Array, Array, Array, Array, Array], Array]

# Rounding of coefficients of order one, and how far nested differentiation is exact.
TOLERANCE = 1e-8
RADIUS = 0.5
DRAWS = 400_000


def exactly(
    slot: str,
    loss: str | Loss,
    *,
    order: int,
    only: bool = True,
    given: Mapping[str, Any] | None = None,
    sizes: Sequence[int] = (2, 3),
    dimension: int = 2,
    seeds: Sequence[int] = (0, 1),
    differentiate: bool = True,
    sampling: str = "iid",
) -> list[Measured]:
    """The part of one order in W of a loss (or the sum through that order), at random W, A0 and C that do not commute.

    Two routes: Cauchy's integral of the definition evaluated on Gaussian cubature nodes ("exact"), and, for catalogue
    losses, nested differentiation of the torch function written by hand ("autodiff").

    Args:
        slot: the slot of the statement that this is the value of.
        loss: a catalogue name with modifiers, or a `derive.Loss`.
        order: in W.
        only: that order alone; False for the Taylor polynomial through it, the constant left out.
        given: exact values of parameters; the others get generic ones.
        sizes: of the batch, where the loss has one.
        dimension: d0 = d1.
        seeds: of W, A0 and C; one point each. Nested differentiation is slow, and runs at the first.
        differentiate: False leaves the second route out.
        sampling: "iid" for independent draws, "fixed" for a centred training set with fresh noise (order 2 only).

    """
    defined = catalogue(loss) if isinstance(loss, str) else loss
    values = parse_values([f"{name}={value}" for name, value in (given or {}).items()])
    batches = sizes if defined.samples and "N" not in values else (2,)
    cases = [
        case(defined, values, seed=seed, size=size, dimension=dimension, sampling=sampling)
        for size in batches
        for seed in seeds
    ]
    orders = (order,) if only else tuple(range(2, order + 1, 2))
    name = f"order {order}" if only else f"orders 2–{order}"
    found = [
        Measured(
            slot,
            "exact",
            f"{name} of the definition, by Cauchy's integral on cubature nodes",
            [Point(_letters(at), sum(_on_nodes(defined, at, orders)), TOLERANCE) for at in cases],
            note=f"seeds {', '.join(map(str, seeds))}",
        )
    ]
    by_hand = [autodiff.measure(at, order) for at in cases if at.seed == seeds[0]] if differentiate else [None]
    if all(one is not None for one in by_hand):
        points = [
            Point(_letters(one.case), sum(one.coefficients[k] for k in orders), TOLERANCE)
            for one in by_hand
            if one is not None
        ]
        quantity = f"{name} of the torch loss written by hand, differentiated"
        found.append(Measured(slot, "autodiff", quantity, points, note=f"seed {seeds[0]}"))
    return found


def origin(slot: str, loss: Loss, *, given: Mapping[str, Any] | None = None, size: int = 3) -> list[Measured]:
    """B of a loss: −½ its second derivatives at W = 0 in one row of W, at random A0 and C.

    Args:
        slot: the slot of the statement that this is the value of.
        loss: its definition.
        given: exact values of parameters; the others get generic ones.
        size: of the batch, where the loss has one.

    """
    found = []
    for route, how in (("exact", "of the definition, by Cauchy's integral"), ("autodiff", "of the torch loss by hand")):
        points = []
        for seed in (0, 1) if route == "exact" else (0,):
            at = case(loss, given or {}, seed=seed, size=size)
            if route == "autodiff" and not hasattr(at.truth, "function"):
                break
            letters = {name: value for name, value in _letters(at).items() if name != "W"}
            points.append(Point(letters, curvatures(loss, at, route), 10 * TOLERANCE))
        if points:
            found.append(Measured(slot, cast("RouteName", route), f"−½ second derivatives at W = 0 {how}", points))
    return found


def powers(slot: str, loss: Loss, *, given: Mapping[str, Any] | None = None) -> list[Measured]:
    """The power of a single kept mode at the minimum through fourth order, from the coefficients of the definition."""
    points = []
    for lam in (0.95, 0.7, 0.45):
        at = case(loss, given or {}, seed=0, dimension=1, covariances=Covariances(*np.array([[[lam]], [[1 - lam]]])))
        second, fourth = _on_nodes(loss, at, (2, 4))
        if second < 0 < fourth:
            found = -second / (2 * fourth) * float(at.setting.W[0, 0]) ** 2
            points.append(Point({"lambda_i": lam, **_parameters(at)}, found, TOLERANCE * max(1.0, found)))
    return [Measured(slot, "exact", "the minimum of orders 2 and 4 of the definition, one mode, Σ = 1", points)]


def turning_point(slot: str, loss: Loss, *, given: Mapping[str, Any] | None = None) -> list[Measured]:
    """The λ_i at which the curvature of the definition at W = 0 changes its sign; it is linear in λ_i, Σ being 1."""
    points = []
    for size in (2, 3):
        ends = []
        for lam in (0.0, 0.5, 1.0):
            data = Covariances(*np.array([[[lam]], [[1 - lam]]]))
            at = case(loss, given or {}, seed=0, size=size, dimension=1, covariances=data)
            ends.append(_on_nodes(loss, at, (2,))[0])
        bent = abs(ends[0] - 2 * ends[1] + ends[2]) > TOLERANCE * max(map(abs, ends))
        found = float("nan") if bent or ends[0] == ends[2] else ends[0] / (ends[0] - ends[2])
        points.append(Point(_parameters(at), found, 10 * TOLERANCE * max(1.0, abs(found))))
    return [Measured(slot, "exact", "where the curvature of the definition at W = 0 changes its sign", points)]


def curvature(loss: str, a: float, c: float, given: Mapping[str, Any] | None = None, **options: Any) -> float:
    """The coefficient of w² where d0 = d1 = 1, E x x′ = a and E x² = a + c, of the definition on cubature nodes.

    Args:
        loss: a catalogue name with modifiers.
        a: the eigenvalue of A0.
        c: the eigenvalue of C.
        given: exact values of parameters, N among them where the loss has one.
        options: of `verify.truths.settings.case`.

    >>> round(curvature("infonce", 2.0, 5.0), 6)
    -2.0

    """
    defined = catalogue(loss)
    values = parse_values([f"{name}={value}" for name, value in (given or {}).items()])
    data = Covariances(np.array([[a]]), np.array([[c]]))
    at = case(defined, values, seed=0, dimension=1, covariances=data, **options)
    return _on_nodes(defined, at, (2,))[0] / float(at.setting.W[0, 0]) ** 2


def curvatures(loss: Loss, at: Case, route: str) -> Any:
    """−½ the Hessian at W = 0 in one row of W, which is B, (2, 2): by polarisation, "exact" or "autodiff"."""

    def second(row: Any) -> float:
        setting = replace(at.setting, W=np.array([row]))
        if route == "exact":
            ts = circle(0.1)
            (found,) = cauchy(EvaluatedTruth(at_values(loss, at.values), setting).averaged(ts, 2), ts, range(2, 3))
            return float(found)
        measured = autodiff.measure(replace(at, setting=setting, truth=truth_of(loss, at.values, setting)), 2)
        assert measured is not None  # noqa: S101 (told the type checker; these losses are written by hand)
        return measured.coefficients[2]

    one, other, both = (second(row) for row in ([1.0, 0.0], [0.0, 1.0], [1.0, 1.0]))
    mixed = (both - one - other) / 2
    return -np.array([[one, mixed], [mixed, other]])


def _on_nodes(loss: Loss, at: Case, orders: Sequence[int]) -> list[float]:
    truth = EvaluatedTruth(at_values(loss, at.values), at.setting)
    degree = max(orders)
    ts = circle(safe_radius(lambda points: truth.averaged(points, degree), RADIUS))
    top = range(min(orders), degree + 1, 2)
    by_order = dict(zip(top, cauchy(truth.averaged(ts, degree), ts, top), strict=True))
    return [float(by_order[k]) for k in orders]


def _letters(at: Case) -> dict[str, Any]:
    here = at.setting
    data = here.covariances
    letters = {"W": here.W, "A_0": data.A0, "C": data.C, "Sigma": data.Sigma}
    return letters | _parameters(at)


def _parameters(at: Case) -> dict[str, float]:
    return {name: float(value) for name, value in at.values.items()}


def ordered(
    slot: str,
    quantity: str,
    value: Callable[[float, float], float],
    spectra: Sequence[tuple[tuple[float, float], tuple[float, float]]] = (),
    *,
    alike: bool = False,
    pairs: int = 3,
    seed: int = 0,
) -> Measured:
    """Which of two modes has more of a value: of given pairs, and of random ones near the boundary, on both sides.

    The second mode of a random pair has a value of its own choosing: the `a` at which it equals that of the first is
    found from the values alone, and moved 2 to 8 % to either side. A condition that puts its boundary farther off than
    that fails at one of the two.

    Args:
        slot: of the statement.
        quantity: in words, after "which is larger, ".
        value: of a mode's `a` and `c`, in one direction in `a`.
        spectra: pairs of modes (a, c).
        alike: whether both modes of a random pair have the same `c`.
        pairs: how many random ones.
        seed: of them.

    """
    rng = np.random.default_rng(seed)
    compared = list(spectra)
    while len(compared) < len(spectra) + 2 * pairs:
        a, c, other = 2 ** rng.uniform(-1, 1, 3)
        c_other = c if alike else other

        def gap(log_a: float, level: float = value(a, c), c_other: float = c_other) -> float:
            return value(float(np.exp(log_a)), c_other) - level

        # Unless its value is out of reach within a factor of four.
        ends = np.log(a) - np.log(4), np.log(a) + np.log(4)
        if gap(ends[0]) * gap(ends[1]) < 0:
            level = float(np.exp(brentq(gap, *ends, xtol=1e-6)))
            compared += [((a, c), (level * (1 + side * rng.uniform(0.02, 0.08)), c_other)) for side in (1, -1)]
    points = [
        Point({"a_i": a, "c_i": c, "a_j": a_j, "c_j": c_j}, bool(value(a, c) > value(a_j, c_j)))
        for pair in compared
        for (a, c), (a_j, c_j) in (pair, pair[::-1])
    ]
    note = f"{2 * pairs} pairs of modes lie 2 to 8 % from where both have the same"
    return Measured(slot, "exact", f"which is larger, {quantity}", points, seed=seed, note=note)


def averaged(
    slot: str,
    quantity: str,
    integrand: Integrand,
    *,
    degree: int,
    seeds: Sequence[int] = (0, 1),
    dimension: int = 2,
    draws: int = DRAWS,
    also: Callable[[Array, Covariances], Mapping[str, Any]] = lambda *_: {},
) -> list[Measured]:
    """An average over Gaussian views, exactly (cubature) and by Monte Carlo.

    Args:
        slot: the slot that this is the value of.
        quantity: in words.
        integrand: of W and of views (points, d0): x and x_pos of one datum, chi and chi_pos of an independent one.
        degree: of the integrand as a polynomial of the views; cubature is exact through it.
        seeds: of W, A0 and C; one point each. The first also seeds the draws.
        dimension: d0 = d1.
        draws: of the Monte Carlo.
        also: further letters with their values at a W and covariances.

    """
    exact, drawn = [], []
    for seed in seeds:
        W, data = random_point(seed, dimension)
        letters = {"W": W, "A_0": data.A0, "C": data.C, "Sigma": data.Sigma, **also(W, data)}
        (x, x_pos), weights = data.nodes(degree, data=2, views=2)
        value = float(weights @ integrand(W, x[:, 0], x_pos[:, 0], x[:, 1], x_pos[:, 1]))
        exact.append(Point(letters, value, TOLERANCE))
        y, y_pos = data.draw(np.random.default_rng([seed, 1]), (draws, 2))
        sampled = integrand(W, y[:, 0], y_pos[:, 0], y[:, 1], y_pos[:, 1])
        drawn.append(Point(letters, float(sampled.mean()), float(sampled.std() / np.sqrt(draws))))
    return [
        Measured(slot, "exact", f"{quantity}, on cubature nodes", exact, note=f"seeds {', '.join(map(str, seeds))}"),
        Measured(slot, "monte-carlo", f"{quantity}, {draws:,} draws", drawn, noisy=True, seed=seeds[0]),
    ]


def random_point(seed: int, dimension: int = 2) -> tuple[Array, Covariances]:
    """A W of order one and covariances that do not commute."""
    generator = np.random.default_rng(seed)
    data = random_covariances(generator, dimension)
    return generator.standard_normal((dimension, dimension)) / np.sqrt(dimension), data


def square_distance(W: Array, u: Array, v: Array) -> Array:
    """|W(u − v)|², (points,)."""
    return np.asarray((((u - v) @ W.T) ** 2).sum(-1))
