"""A derived field held against the step of training: a hand-written one, the definition by values, and random draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeVar

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError
from derive.fields import FIELDS
from derive.fields.field import Field, field
from derive.fields.mode_flow import ModeFlow, mode_flow
from derive.fields.training import Linear, OfMoments, Training, largest, sigma
from numeric.fields.words import rates_by_order
from numeric.sampling import Covariances, random_covariances
from verify.evidence.agreement import COEFFICIENTS, SHARE
from verify.evidence.evidence import Evidence, RouteName, far
from verify.truths.held import Held
from verify.truths.settings import GENERIC, values_for

Array = NDArray[np.float64]
Trained = TypeVar("Trained", bound=Training)
# Values of t at which a hand-written step is evaluated for its Taylor coefficients, and how far these may be off.
RAY, TOLERANCE = np.array([0.02, 0.05, 0.08, 0.11, 0.14, 0.17, 0.2]), 1e-6
# Beyond these the values of a definition cost too much.
DRAWS, HIGHEST = 8_000, 6
# Steps of the simulated flow and their size, and the weights that it begins with.
LONG, SIZE, LARGE, SMALL = 1000, 0.1, 1.5, 0.01


@dataclass(frozen=True, eq=False)
class Place:
    """Where a field is measured.

    Attributes:
        training: with generic values for what has none.
        field: derived, at these values.
        data: random covariances that do not commute.
        weights: "W", "P", "M": 2×2 each.
        seed: of the random numbers.

    """

    training: Training
    field: Field
    data: Covariances
    weights: Mapping[str, Array]
    seed: int

    @property
    def at(self) -> dict[str, Array]:
        """All matrices by the characters of words."""
        return {**self.weights, "A": self.data.A0, "S": self.data.Sigma}

    @property
    def label(self) -> str:
        """The values in words."""
        return ", ".join(f"{name} = {value}" for name, value in self.training.given.items()) or "no parameters"


def place(training: Training, order: int, seed: int) -> Place:
    """A place for a field, with values of no special meaning for parameters that have none."""
    here = with_values(training)
    generator = np.random.default_rng(1000 * seed + 3)
    data = random_covariances(generator, 2)
    raw = {name: generator.standard_normal((2, 2)) / 2 for name in "WPM"}
    if isinstance(here.predictor, OfMoments):
        raw["P"] = set_predictor(here.predictor, raw["W"], data)
    return Place(here, field(here, order), data, raw, seed)


def with_values(training: Trained) -> Trained:
    """The training with a value for every parameter."""
    of_loss = {name: value for name, value in values_for(training.loss, 2, 2).items() if name in training.parameters}
    left = [name for name in training.parameters if name not in of_loss]
    return training.set({**of_loss, **dict(zip(left, GENERIC[::-1], strict=False))})


def set_predictor(of: OfMoments, W: Array, data: Covariances) -> Array:
    """h(W Σ Wᵀ) by its eigenvalues."""
    values, vectors = np.linalg.eigh(W @ data.Sigma @ W.T)
    function = sympy.lambdify((sigma, largest), of.function, "math")
    return np.asarray(vectors @ np.diag([float(function(one, values.max())) for one in values]) @ vectors.T)


def evidence(
    training: Training, order: int, seed: int, tick: Callable[[str], None], *, train: bool = True
) -> Iterator[Evidence]:
    """The comparisons of a field that was derived through an order of the loss."""
    here = place(training, order, seed)
    tick("autodiff")
    yield by_hand(here) if hand_written(training) else no_step("autodiff", "the step, order by order")
    tick("values")
    orders = range(2, min(order, HIGHEST) + 1, 2)
    yield by_values(here, orders)
    tick("monte carlo")
    yield by_draws(here, orders)
    if train:
        tick("train")
        yield simulated(training, seed)


def hand_written(training: Training) -> bool:
    """Whether there is a hand-written step of this training."""
    known = FIELDS.get(training.name)
    return isinstance(known, Training) and known.set(training.given) == training and bool(find_spec("torch"))


def no_step(route: RouteName, what: str) -> Evidence:
    """The line of a route that needs a hand-written step, where there is none."""
    note = "no hand-written step is known for this training" if find_spec("torch") else "torch is not installed"
    return Evidence(route, what, ran=False, note=note)


def by_hand(here: Place) -> Evidence:
    """The derived rates against a hand-written step, autograd with `detach` over Gaussian nodes."""
    order = here.field.order + 1
    measured = hand_rates(here, order)
    worst = (0.0, "", 0, 0.0, 0.0)
    for name, predicted in rates_by_order(here.field, here.at).items():
        whole = {0: np.sum(list(predicted.values()), axis=0)} if 0 in measured[name] else predicted
        for k, found in measured[name].items():
            expected = whole.get(k, np.zeros_like(found))
            at = np.unravel_index(np.abs(found - expected).argmax(), found.shape)
            worst = max(worst, (abs(found[at] - expected[at]), name, k, float(expected[at]), float(found[at])))
    difference, name, k, predicted_, measured_ = worst
    which = f"d{name}/dt" + (f" at t^{k}" if k else "")
    return Evidence(
        "autodiff",
        "the step of a hand-written loss with detach",
        predicted_,
        measured_,
        TOLERANCE,
        "tolerance",
        agrees=difference <= TOLERANCE,
        seed=here.seed,
        note=f"largest difference in {which or 'none'}; averaged over Gaussian nodes; {here.label}",
        exact=far(difference, TOLERANCE),
    )


def hand_rates(here: Place, order: int) -> dict[str, dict[int, Array]]:
    """The hand-written step at t W: its Taylor coefficients; of a field that ends, the whole of it, by the order 0."""
    import torch

    from verify.truths.torch_steps import STEPS, Views, step

    given = {name: float(value) for name, value in here.training.given.items()}
    keys = int(given.get("K", 0))
    nodes, p = here.data.nodes(order, 1 + keys, 2)
    x, x_pos, more = (torch.from_numpy(np.array(one)) for one in (nodes[0][:, 0], nodes[1][:, 0], nodes[0][:, 1:]))
    views = Views(x, x_pos, torch.from_numpy(np.array(p)), more)
    named = {"W": "W", **({"P": "P"} if isinstance(here.training.predictor, Linear) else {})}
    named |= {"W_m": "M"} if here.training.momentum else {}

    def at(t: float) -> dict[str, Array]:
        scaled = {name: here.weights[one] * (t if one != "P" else 1.0) for name, one in named.items()}
        weights = {name: torch.from_numpy(one) for name, one in scaled.items()}
        return {name: one.numpy() for name, one in step(STEPS[here.training.name], weights, views, given).items()}

    if here.field.exact:
        return {name: {0: value} for name, value in at(1.0).items()}
    rates = [at(float(t)) for t in RAY]
    # Odd in t: an even number of f in the loss, one of which the gradient takes away.
    powers = RAY[:, None] ** (2 * np.arange(len(RAY)) + 1)
    found = {}
    for name in rates[0]:
        solved = np.linalg.solve(powers, np.array([one[name].ravel() for one in rates]))
        found[name] = {k: solved[k // 2].reshape(2, 2) for k in range(1, order, 2)}
    return found


def _directions(here: Place) -> Iterator[tuple[str, Array, Array, float]]:
    """For each of the weights that are trained: its name, a direction D, what D does to U = P W, and its rate."""
    generator = np.random.default_rng(here.seed + 17)
    D = generator.standard_normal((2, 2))
    P, W = here.weights["P"], here.weights["W"]
    yield "W", D, P @ D if here.training.predictor is not None else D, 1.0
    if isinstance(here.training.predictor, Linear):
        yield "P", D, D @ W, float(here.training.rates["rho"])


def _values(here: Place) -> tuple[Held, Array, Array]:
    """The definition in numbers, and U and V."""
    W = here.weights["W"]
    U = here.weights["P"] @ W if here.training.predictor is not None else W
    return Held(here.training.loss, here.data, {}), U, here.weights["M"] if here.training.momentum else W


def _expected(here: Place, name: str, D: Array, orders: range) -> dict[int, float]:
    """The derived rate along D without the decay, by the order of the loss.

    In dW/dt the power of W is one less, in dP/dt it is the same.
    """
    decay = float(here.training.rates.get("eta", 0)) * (float(here.training.rates["rho"]) if name == "P" else 1.0)
    found = {}
    for k in orders:
        rate = rates_by_order(here.field, here.at)[name].get(k - (name == "W"), np.zeros((2, 2)))
        found[k] = float((rate * D).sum())
    at = 2 if name == "W" else 0
    if at in found:
        found[at] += decay * float((here.weights[name] * D).sum())
    return found


def by_values(here: Place, orders: range) -> Evidence:
    """The derived rates along random directions against differences of the loss, over Gaussian nodes."""
    held, U, V = _values(here)
    worst = (0.0, "", 0, 0.0, 0.0, 1.0)
    for name, D, moved, rate in _directions(here):
        expected = _expected(here, name, D, orders)
        for k, value in held.slope(U, V, moved, orders).items():
            scale = max(1.0, *map(abs, expected.values()))
            worst = max(worst, (abs(rate * value - expected[k]) / scale, name, k, expected[k], rate * value, scale))
    difference, name, k, predicted, measured, scale = worst
    return Evidence(
        "exact",
        "the step by values: differences of the loss with what is stopped held",
        predicted,
        measured,
        TOLERANCE * scale,
        "tolerance",
        agrees=difference <= TOLERANCE,
        seed=here.seed,
        note=f"largest difference in d{name or 'W'}/dt at order {k} of the loss; over Gaussian nodes; {here.label}",
        exact=far(difference, TOLERANCE),
    )


def by_draws(here: Place, orders: range) -> Evidence:
    """The same over random draws: the comparison that is farthest off in standard errors."""
    held, U, V = _values(here)
    orders = orders[:2]
    worst: tuple[float, float, float, float, str, int] = (-1.0, 0.0, 0.0, 0.0, "", 0)
    for name, D, moved, rate in _directions(here):
        expected = _expected(here, name, D, orders)
        mean, error, rows = held.drawn(U, V, moved, orders, here.seed, DRAWS)
        for k in orders:
            off, spread = rate * float(mean[k]) - expected[k], rate * float(error[k])
            # What noise would hide is not compared; what is zero on each draw has no spread, but for rounding.
            if 4 * spread > max(map(abs, expected.values())):
                continue
            z = abs(off) / max(spread, 1e-9)
            worst = max(worst, (z, expected[k], rate * float(mean[k]), spread, name, k))
    z, predicted, measured, spread, name, k = worst
    agrees = COEFFICIENTS.decide(z, 1.0, rows, sees=bool(name))
    return Evidence(
        "monte-carlo",
        "the step on random draws",
        predicted,
        measured,
        spread,
        "standard error",
        agrees=agrees,
        seed=here.seed,
        note=f"z = {z:.1f} in d{name}/dt at order {k} of the loss, the farthest off of all; {rows} draws; {here.label}",
    )


def simulated(training: Training, seed: int) -> Evidence:
    """Where the hand-written step leads from large weights, beside the stable states of the modes."""
    what = "powers of two modes, trained from large weights"
    if not hand_written(training):
        return no_step("trained", what)
    data = Covariances(np.diag([0.9, 0.8]), np.diag([0.1, 1.2]))
    # A decay between the folds of the two modes, a_i²/(4 s_i), unless one is given.
    eta = training.rates.get("eta", sympy.S.Zero)
    here = with_values(training.set({"eta": sympy.Rational(3, 25)}) if eta.is_Symbol else training)
    try:
        flow = mode_flow(here)
    except InputError as error:  # its modes are coupled
        return Evidence("trained", what, ran=False, note=str(error))
    if not flow.exact or flow.rate.has(largest) or here.rates.get("eta") == 0:
        note = "the states of its modes are known through order 3 alone, or depend on each other or on the start"
        return Evidence("trained", what, ran=False, note=note)
    predicted = _states(flow, data)
    measured = _end(here, data)
    difference = float(np.abs(measured - predicted).max())
    which = int(np.abs(measured - predicted).argmax())
    allowed = SHARE * float(max(predicted.max(), SMALL))
    return Evidence(
        "trained",
        what,
        float(predicted[which]),
        float(measured[which]),
        allowed,
        "tolerance",
        agrees=difference <= allowed,
        seed=seed,
        note=f"kept as predicted: {', '.join('yes' if one else 'no' for one in predicted > 0)}; {LONG} steps of {SIZE}",
    )


def _states(flow: ModeFlow, data: Covariances) -> Array:
    from verify.audits.field_modes import Solver

    a, s = np.diag(data.A0), np.diag(data.Sigma)
    return np.asarray(Solver(flow, a, s).from_large() ** 2 * s)


def _end(here: Training, data: Covariances) -> Array:
    """The powers after gradient descent of the population from large weights."""
    import torch

    from verify.truths.torch_steps import STEPS, Views, step

    nodes, p = data.nodes(2, 1, 2)
    x, x_pos = (torch.from_numpy(np.array(one[:, 0])) for one in nodes)
    views = Views(x, x_pos, torch.from_numpy(np.array(p)), x[:, None][:, :0])
    given = {name: float(value) for name, value in here.given.items()}
    weights = {"W": LARGE * torch.eye(2, dtype=torch.float64)}
    weights |= {"P": weights["W"].clone()} if isinstance(here.predictor, Linear) else {}
    weights |= {"W_m": weights["W"].clone()} if here.momentum else {}
    for _ in range(LONG):
        rates = step(STEPS[here.name], weights, views, given)
        weights = {name: one + SIZE * rates[name] for name, one in weights.items()}
    W = weights["W"].numpy()
    root = np.diag(np.sqrt(np.diag(data.Sigma)))
    return np.asarray(np.diag(root @ W.T @ W @ root))
