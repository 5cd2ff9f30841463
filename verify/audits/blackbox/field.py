"""What training follows where that is not the gradient of the loss: a stopped gradient, a custom backward pass.

Autograd's gradient F is compared with the gradient of the values, one coordinate at a time. Where the two differ the
loss is not a potential of training: F is a field, and the minima of the loss are not where training ends. Measured
here are how much of the gradient is missing, and the linear part of the flow near W = 0: dW/dt = −∂L/∂W, with F for the
gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import sympy
import torch
from numpy.typing import NDArray

from derive import InputError
from derive.definition.notation import TEXT, Style, signed_sum
from verify.audits.blackbox import rays
from verify.audits.blackbox.autograd import gradient
from verify.audits.blackbox.coefficients import Measured
from verify.audits.blackbox.expanding import SIZES
from verify.audits.blackbox.interpolating import as_function
from verify.audits.blackbox.rays import DOUBLE
from verify.truths.function import BlackBox

Array = NDArray[np.float64]
# Points at which the two gradients are compared, and the relative difference that is allowed.
POINTS = 4
SHARE = 1e-6
# Half the length of the interval for a slope of the values, as a fraction of the size of a coordinate.
STEP = 0.125
# Coordinates of each view at which gradients are compared.
ENOUGH = 8
VIEWS = ("z1", "z2")
# What the coefficients of the flow multiply, in text and in LaTeX: with one encoder after W, with two for each of both.
_OF_ONE = {"A0": ("A0", "A_0"), "Sigma": ("Σ", r"\Sigma")}
_OF_TWO = {
    "W": {"Sigma": ("W Σ", r"W \Sigma"), "A^T": ("V Aᵀ", r"V A^{\top}")},
    "V": {"Sigma2": ("V Σ₂", r"V \Sigma_2"), "A": ("W A", "W A")},
}
# The same names by the view whose gradient it is, and the view that it comes from.
_NAMES = {
    1: {(0, 0): "Sigma", (0, 1): "A0", (1, 0): "A0", (1, 1): "Sigma"},
    2: {(0, 0): "Sigma", (0, 1): "A^T", (1, 0): "A", (1, 1): "Sigma2"},
}


@dataclass(frozen=True)
class Field:
    """A field that training follows instead of a gradient.

    Attributes:
        ratio: of autograd's gradient to that of the values, where it is one number; None elsewhere.
        silent: the views that no gradient reaches, of "z1" and "z2".
        missing: the largest |autograd − values|/|values| of whole gradients.
        linear: "A0" and "Sigma" → coefficient in dW/dt = W (… A0 + … Σ) + O(W³), in N where it is recognised, else at
            the smallest batch; None where the loss singles out coordinates or has no expansion. With two encoders
            "Sigma" and "A^T" in dW/dt = … W Σ + … V Aᵀ, "Sigma2" and "A" in dV/dt = … V Σ₂ + … W A.
        of_values: the same for the gradient of the values.
        size: the batch size at which numbers in these were measured, None where they hold for all N.

    """

    ratio: float | None
    silent: tuple[str, ...]
    missing: float
    linear: Mapping[str, sympy.Expr] | None = None
    of_values: Mapping[str, sympy.Expr] | None = field(default=None)
    size: int | None = None

    def text(self) -> str:
        """A sentence, without a full stop, on what is missing."""
        if self.ratio is not None:
            return (
                f"autograd's gradient is {TEXT.scalar(_exact(self.ratio))} times the gradient of the values, everywhere"
            )
        if self.silent:
            reached = " and ".join(self.silent)
            return f"no gradient reaches {reached}: it is detached"
        return (
            f"autograd's gradient differs from that of the values by {self.missing:.2g} of it: a part of the loss is"
            " detached, or its backward pass is another function's"
        )

    def flow(self, style: Style = TEXT, *, of_values: bool = False) -> str:
        """dW/dt to first order in W; dW/dt and dV/dt where there are two encoders."""
        linear = (self.of_values if of_values else self.linear) or {}
        plain = style is TEXT
        at = f" at N = {self.size}" if self.size and plain else ""

        def inside(of: Mapping[str, tuple[str, str]]) -> str:
            return signed_sum(
                [(linear[k], words[not plain]) for k, words in of.items() if linear.get(k, 0) != 0], style
            )

        if set(linear) <= set(_OF_ONE):
            found = inside(_OF_ONE)
            found = f"W ({found})" if " " in found else f"W {found}" if found != "0" else found
            return f"dW/dt = {found} + O(W³){at}" if plain else rf"\dot W = {found} + O(W^3)"
        if plain:
            return ", ".join(f"d{end}/dt = {inside(of)} + O((W, V)³)" for end, of in _OF_TWO.items()) + at
        return r",\quad ".join(rf"\dot {end} = {inside(of)} + O((W, V)^3)" for end, of in _OF_TWO.items())

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "ratio": self.ratio,
            "detached": list(self.silent),
            "missing": self.missing,
            "linear": None if self.linear is None else {name: str(value) for name, value in self.linear.items()},
            "N": self.size,
        }


def followed(box: BlackBox, *, N: int, d: int = 2, size: float = 1.0, seed: int = 0) -> Field | None:
    """The field that training follows; None where it is the gradient of the loss, or there is nothing to compare.

    Args:
        box: the loss.
        N: the number of data.
        d: the number of coordinates.
        size: of a coordinate, at which gradients are compared.
        seed: of the points.

    >>> followed(BlackBox(lambda z1, z2: (z1 * z2).sum()), N=2) is None
    True
    >>> followed(BlackBox(lambda z1, z2: (z1 * z2.detach()).sum()), N=2).text()
    'no gradient reaches z2: it is detached'
    """
    rng = np.random.default_rng(seed + 11)
    graphs, slopes = [], []
    # The same number of coordinates of each view.
    places = [(v, *place) for v in range(2) for place in _some(rng, N, d)]
    for z in size * rng.standard_normal((POINTS, 2, N, d)):
        try:
            graph = gradient(box, z)
        except (InputError, RuntimeError):
            return None
        if graph is None:
            return None
        found = _slopes(box, z, size, places)
        if found is None or not np.isfinite(graph).all():
            # A kink nearby: this point decides nothing.
            continue
        graphs.append(np.array([graph[place] for place in places]))
        slopes.append(found)
    if not graphs:
        return None
    mine, values = np.array(graphs), np.array([value for value, _ in slopes])
    error = max(error for _, error in slopes)
    largest = float(np.abs(values).max())
    allowed = max(SHARE * largest, 10 * error)
    if np.abs(mine - values).max() <= allowed or not largest:
        return None
    ratio = float((mine * values).sum() / (values**2).sum())
    proportional = bool(np.abs(mine - ratio * values).max() <= allowed) and abs(ratio) > SHARE
    of_view = np.array([place[0] for place in places])
    silent = tuple(
        name
        for view, name in enumerate(VIEWS)
        if not mine[:, of_view == view].any() and np.abs(values[:, of_view == view]).max() > allowed
    )
    missing = float(np.linalg.norm(mine - values) / np.linalg.norm(values))
    return Field(ratio if proportional else None, silent, missing)


def _some(rng: np.random.Generator, N: int, d: int) -> list[tuple[int, int]]:
    """Coordinates (datum, axis) of a view: all of them, or a random choice large enough to distinguish gradients."""
    chosen = rng.permutation(N * d)[:ENOUGH]
    return [divmod(int(place), d) for place in chosen]


def _slopes(box: BlackBox, z: Array, size: float, places: Sequence[tuple[int, ...]]) -> tuple[Array, float] | None:
    """The gradient of the values at some coordinates, and its largest error; None where it does not converge."""
    rounding = rays.SINGLE if box.seen.single or box.dtype is torch.float32 else DOUBLE
    found, errors = np.zeros(len(places)), 0.0
    for at, place in enumerate(places):
        unit = np.zeros_like(z)
        unit[place] = 1.0
        for step in (STEP * size, STEP * size / 8, STEP * size / 64):
            ray = rays.along(lambda moved: box(z + moved), unit, step, order=1, rounding=rounding)
            if ray.settled:
                break
        else:
            return None
        found[at] = ray.coefficients[1]
        errors = max(errors, float(ray.errors[1]))
    return found, errors


def with_linear_part(
    found: Field,
    box: BlackBox,
    *,
    smallest: int,
    radius: float,
    exchangeable: bool,
    rounding: float = DOUBLE,
    encoders: int = 1,
) -> Field:
    """The same with the linear part of the flow, for an analytic loss that is invariant under rotations.

    With F(z) = J z + … the flow is dW/dt = −Σ E[F_vi x_viᵀ] = −W Σ J_(vi,wi) E[x_w x_vᵀ]: one coordinate is enough.
    """
    sizes, every = range(smallest, smallest + SIZES), not exchangeable
    letters = sorted(set(_NAMES[encoders].values()))
    tables: dict[str, dict[int, dict[str, Measured]]] = {
        name: {n: _linear(box, n, radius, _NAMES[encoders], every, rounding, values=values) for n in sizes}
        for name, values in (("linear", False), ("of_values", True))
    }
    exact = {
        name: {letter: as_function({n: at[letter] for n, at in table.items()}) for letter in letters}
        for name, table in tables.items()
    }
    size = None
    if any(value is None for one in exact.values() for value in one.values()):
        size = smallest
        exact = {
            name: {letter: sympy.Float(value, 6) for letter, (value, _) in table[size].items()}
            for name, table in tables.items()
        }
    return Field(found.ratio, found.silent, found.missing, exact["linear"], exact["of_values"], size)


def _linear(
    box: BlackBox,
    size: int,
    radius: float,
    names: Mapping[tuple[int, int], str],
    every: bool,  # noqa: FBT001 (datum, or one for all)
    rounding: float,
    *,
    values: bool,
) -> dict[str, Measured]:
    """The coefficients of the flow at one batch size, with errors."""
    data = range(size) if every else range(1)
    total = {name: [0.0, 0.0] for name in names.values()}
    for datum, v, w in product(data, range(2), range(2)):
        unit = np.zeros((2, size, 2))
        unit[w, datum, 0] = 1.0
        if values:
            value, error = _second(box, unit, (v, datum, 0), radius, rounding)
        else:

            def component(z: Array, place: tuple[int, int, int] = (v, datum, 0)) -> float:
                slope = gradient(box, z)
                return float("nan") if slope is None else float(slope[place])

            ray = rays.along(component, unit, radius, order=1, rounding=rounding)
            value, error = float(ray.coefficients[1]), float(ray.errors[1])
        total[names[v, w]][0] -= value * (1 if every else size)
        total[names[v, w]][1] += error * (1 if every else size)
    return {letter: (value, error) for letter, (value, error) in total.items()}


def _second(box: BlackBox, unit: Array, place: tuple[int, int, int], radius: float, rounding: float) -> Measured:
    """∂²L/∂u∂v at 0 from values, along u + v and u − v."""
    other = np.zeros_like(unit)
    other[place] = 1.0
    if np.array_equal(unit, other):
        ray = rays.along(box, unit, radius, order=2, rounding=rounding)
        return 2 * float(ray.coefficients[2]), 2 * float(ray.errors[2])
    ahead, behind = (
        rays.along(box, (unit + sign * other) / np.sqrt(2), radius, order=2, rounding=rounding) for sign in (1, -1)
    )
    return (
        float(ahead.coefficients[2] - behind.coefficients[2]),
        float(ahead.errors[2] + behind.errors[2]),
    )


def _exact(ratio: float) -> sympy.Expr:
    """A ratio as a rational of small denominator, or to six digits."""
    near = sympy.nsimplify(ratio, rational=True, tolerance=1e-7)
    return near if near.q < 1000 else sympy.Float(ratio, 6)
