"""The Gaussian average of a black box's Taylor coefficients, at one batch size, as coefficients of trace words.

Two views x, x′ of a datum have the independent combinations (x + x′)/√2 and (x − x′)/√2, of covariances Σ + A0 and
Σ − A0 = C. In coordinates u = (combination, datum, coordinate) a batch is a standard set of independent Gaussians, and
the average of the loss needs only the coefficients of even monomials:

    E[∏ t_u^(2a_u)] = ∏ (2a_u − 1)!! P_u^(a_u).

These come from Taylor coefficients along the rays u, u ± w, u ± w ± v, …, so that a few data, and as many coordinates
as an order has traces, are enough. With diagonal W X Wᵀ the words of an order are sums of powers of the P_u: comparing
monomials gives the words' coefficients. Up to three letters a word is given by its letters in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement, permutations, product
from math import factorial, prod, sqrt
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive.algebra.words import Invariants, invariant, substitute, trace
from derive.expansion.laws.gaussian import COMBINATIONS, normal_moment
from verify.audits.blackbox import autograd as differentiation
from verify.audits.blackbox.diagonal_words import Power, canonical, expanded, spelled, words
from verify.audits.blackbox.rays import DOUBLE, along
from verify.truths.function import BlackBox

Array = NDArray[np.float64]
# A direction: the sum "S" or the difference "C" of the two views of a datum, in one coordinate.
Direction = tuple[str, int, int]
Measured = tuple[float, float]

# The rounding errors in a derivative: each differentiation adds a few.
ROUNDINGS = 10


@dataclass(frozen=True)
class Method:
    """How Taylor coefficients are measured.

    Attributes:
        radius: the radius at which the series along a unit ray converges (`verify.audits.blackbox.rays.radii`).
        rounding: the relative error of a value, 6e-8 for a loss in single precision.
        autograd: whether automatic differentiation is used instead of values; only where both are known to agree.
        coordinates: whether sums over coordinates are looked for, at order 4; the loss has to be invariant under
            permutations and signs of the coordinates.
        exchangeable: whether the loss is invariant under permutations of the data.
        alike: whether it is invariant under permutations and signs of the coordinates, as under rotations.

    """

    radius: float
    rounding: float = DOUBLE
    autograd: bool = False
    coordinates: bool = False
    exchangeable: bool = True
    alike: bool = True


@dataclass
class Measurement:
    """Taylor coefficients of a black box along rays, cached.

    Args:
        box: the loss.
        size: N.
        width: d, the number of coordinates.
        order: of the coefficients.
        method: how to measure.
        turned: whether the first two coordinates are those of axes turned by 45°.

    """

    box: BlackBox
    size: int
    width: int
    order: int
    method: Method
    turned: bool = False
    rays: dict[frozenset[tuple[Direction, int]], Measured] = field(default_factory=dict)
    # The largest coefficient along any ray, L(0) included: it sets the rounding error of a value.
    largest: float = 0.0

    def ray(self, *parts: tuple[Direction, int]) -> Measured:
        """The coefficient of t^order along Σ weight·direction, and its error."""
        key = frozenset(parts)
        if key not in self.rays:
            key = self._representative(parts)
        if key not in self.rays:
            direction = np.sum([k * self._unit(u) for u, k in parts], axis=0)
            length = sqrt(sum(k * k for _, k in parts))
            value, error = self._coefficient(direction / length)
            self.rays[key] = value * length**self.order, error * length**self.order
        self.rays[frozenset(parts)] = self.rays[key]
        return self.rays[key]

    def _representative(self, parts: tuple[tuple[Direction, int], ...]) -> frozenset[tuple[Direction, int]]:
        """The first of the rays that are equivalent for the loss, by renaming data and coordinates or by reflection."""
        data, coordinates = {datum for (_, datum, _), _ in parts}, {axis for (_, _, axis), _ in parts}
        found = []
        as_they_are = [{k: k for k in data | coordinates}]
        for names in _renamings(data) if self.method.exchangeable else as_they_are:
            for axes in _renamings(coordinates) if self.method.alike else as_they_are:
                renamed = [(letter, names[datum], axes[coordinate], k) for (letter, datum, coordinate), k in parts]
                # Reflecting a coordinate makes its first part positive; without that symmetry, reflecting the ray does.
                renamed.sort(key=lambda part: (part[:3], -abs(part[3])))
                signs: dict[int, int] = {}
                for _, _, coordinate, k in renamed:
                    signs.setdefault(coordinate if self.method.alike else 0, 1 if k > 0 else -1)
                found.append(tuple((u, d, c, k * signs[c if self.method.alike else 0]) for u, d, c, k in renamed))
        return frozenset(((u, d, c), k) for u, d, c, k in min(found))

    def _coefficient(self, direction: Array) -> Measured:
        """The coefficient of t^order along a unit ray, and its error."""
        if self.method.autograd:
            found = differentiation.along(self.box, direction, self.order)
            self.largest = max(self.largest, float(np.abs(found).max()))
            # L(0) drops out at the first derivative.
            return float(found[-1]), ROUNDINGS * self.method.rounding * float(np.abs(found[1:]).max())
        ray = along(self.box, direction, self.method.radius, order=self.order, rounding=self.method.rounding)
        self.largest = max(self.largest, float(np.abs(ray.coefficients).max()))
        return float(ray.coefficients[-1]), float(ray.errors[-1])

    @property
    def floor(self) -> float:
        """A lower bound on the error of a coefficient: one rounding of the largest number that it was computed from."""
        return self.method.rounding * self.largest

    def _unit(self, u: Direction) -> Array:
        combination, datum, coordinate = u
        z = np.zeros((2, self.size, self.width))
        axis = np.zeros(self.width)
        axis[coordinate] = 1.0
        if self.turned and coordinate < 2:
            axis[:2] = np.array([1.0, 1.0 if coordinate == 0 else -1.0]) / sqrt(2)
        z[0, datum] = axis / sqrt(2)
        z[1, datum] = axis / sqrt(2) * (1 if combination == "S" else -1)
        return z

    def sum(self, *terms: tuple[float, Measured]) -> Measured:
        """A sum with weights: rounding errors of derivatives are independent, truncation errors are not."""
        return combined(*terms, independent=self.method.autograd)

    def monomial(self, powers: Mapping[Direction, int]) -> Measured:
        """The coefficient of ∏ t_u^(2a_u), Σ a_u = order/2 ≤ 3."""
        match sorted(powers.items(), key=lambda one: -one[1]):
            case [(u, _)]:
                return self.ray((u, 1))
            case [(u, 1), (w, 1)]:
                return self._pair(u, w, 1)
            case [(u, 2), (w, 1)]:
                # c₄₂ + c₂₄ along u ± w and 4 c₄₂ + 16 c₂₄ along u ± 2w
                near, far = self._pair(u, w, 1), self._pair(u, w, 2)
                return self.sum((16 / 12, near), (-1 / 12, far))
            case [(u, 1), (w, 1), (v, 1)]:
                whole = [(0.25, self.ray((u, 1), (w, s), (v, r))) for s, r in product((1, -1), repeat=2)]
                pairs = [(-1.0, self._pair(*two, 1)) for two in ((u, w), (u, v), (w, v))]
                alone = [(-1.0, self.ray((one, 1))) for one in (u, w, v)]
                return self.sum(*whole, *pairs, *alone)
        message = f"a monomial of {len(powers)} directions and order {2 * sum(powers.values())} is not measured"
        raise ValueError(message)

    def _pair(self, u: Direction, w: Direction, k: int) -> Measured:
        """The even part along u ± k w, minus those of u and w alone: Σ c_ab k^(2b) over a, b ≥ 1."""
        return self.sum(
            (0.5, self.ray((u, 1), (w, k))),
            (0.5, self.ray((u, 1), (w, -k))),
            (-1.0, self.ray((u, 1))),
            (-float(k**self.order), self.ray((w, 1))),
        )

    def power(self, wanted: Iterable[Power]) -> Measured:
        """The coefficient of ∏ P in the averaged loss, summed over all assignments of data to the powers."""
        letters = sorted(Counter(wanted).items())
        samples = range(min(sum(n for _, n in letters), self.size) if self.method.exchangeable else self.size)
        orbits: dict[Any, tuple[dict[Direction, int], int]] = {}
        for choice in product(*(combinations_with_replacement(samples, n) for _, n in letters)):
            first, count = self._orbit(choice)
            if first not in orbits:
                met = Counter(
                    (letter, datum, coordinate)
                    for ((letter, coordinate), _), data in zip(letters, first, strict=True)
                    for datum in data
                )
                orbits[first] = dict(met), count
        terms = []
        for powers, count in orbits.values():
            weight = count * prod(normal_moment(2 * a) for a in powers.values())
            terms.append((float(weight), self.monomial(powers)))
        return self.sum(*terms)

    def _orbit(self, choice: tuple[tuple[int, ...], ...]) -> tuple[tuple[tuple[int, ...], ...], int]:
        """A representative of each class of choices of data that differ only by renaming, and the size of the class."""
        if not self.method.exchangeable:
            return choice, 1
        used = sorted({datum for data in choice for datum in data})
        images = [
            tuple(tuple(sorted(names[datum] for datum in data)) for data in choice)
            for order in permutations(range(len(used)))
            for names in (dict(zip(used, order, strict=True)),)
        ]
        first = min(images)
        fixed = images.count(first)
        return first, factorial(self.size) // factorial(self.size - len(used)) // fixed


def measured(
    box: BlackBox, size: int, order: int, method: Method, *, width: int | None = None
) -> dict[Invariants, Measured]:
    """The coefficient of each word of an order in E[loss] of f(x) = W x, with its error, at one batch size.

    Args:
        box: the loss.
        size: N.
        order: 2, 4 or 6.
        method: how to measure.
        width: d; the number of coordinates that are needed unless given.

    Returns:
        Words in A0 and Σ → (coefficient, estimated error).

    """
    k = order // 2
    at = Measurement(box, size, width or max(2, k), order, method)
    products = words(k)
    monomials = sorted({canonical(monomial) for word in products for monomial in expanded(word, k)})
    system = sympy.Matrix([[expanded(word, k).get(monomial, 0) for word in products] for monomial in monomials])
    found = {monomial: at.power(monomial) for monomial in monomials}
    inverse = (system.T * system).inv() * system.T
    values = {
        spelled(word): at.sum(*((float(weight), found[m]) for weight, m in zip(inverse.row(n), monomials, strict=True)))
        for n, word in enumerate(products)
    }
    if method.coordinates and order == 4:
        values = _with_coordinates(values, at, replace(at, turned=True, rays={}))
    return {word: (value, max(error, at.floor)) for word, (value, error) in _in_sigma(values, at).items()}


def second_order(box: BlackBox, size: int, method: Method, width: int) -> dict[str, Array]:
    """The second order of a loss that singles out coordinates, as matrices S and A at one batch size.

    E[loss] = L(0) + Σ_ij S_ij (W Σ Wᵀ)_ij + A_ij (W A0 Wᵀ)_ij + …, i and j coordinates of the embedding.

    Returns:
        "Sigma" and "A0" → (width, width).

    >>> import torch
    >>> def loss(z1, z2):
    ...     return (torch.tensor([2.0, 1.0]) * z1 * z2).sum(-1).mean()
    >>> second_order(BlackBox(loss), 2, Method(0.5, alike=False), 2)["A0"].round(6)
    array([[2., 0.],
           [0., 1.]])

    """
    at = Measurement(box, size, width, 2, method)
    data = range(1) if method.exchangeable else range(size)
    times = size if method.exchangeable else 1
    found = {}
    for letter in "SC":
        matrix = np.zeros((width, width))
        for datum, i, j in product(data, range(width), range(width)):
            u, w = (letter, datum, i), (letter, datum, j)
            if i == j:
                matrix[i, i] += times * at.ray((u, 1))[0]
            elif i < j:
                both = (at.ray((u, 1), (w, 1))[0] - at.ray((u, 1), (w, -1))[0]) / 4
                matrix[i, j] += times * both
                matrix[j, i] += times * both
        found[letter] = matrix
    # The sum of two views has the covariance Σ + A0, their difference Σ − A0.
    return {"Sigma": found["S"] + found["C"], "A0": found["S"] - found["C"]}


def _renamings(used: set[int]) -> list[dict[int, int]]:
    """All ways to rename the items in use to 0, 1, …."""
    return [dict(zip(sorted(used), order, strict=True)) for order in permutations(range(len(used)))]


def _with_coordinates(
    values: dict[Invariants, Measured], at: Measurement, turned: Measurement
) -> dict[Invariants, Measured]:
    """With δ Σ_i P_ii Q_ii next to traces P_1 Q_1 has the coefficient c₁ + c₂ + δ, and c₁ + c₂ + δ/2 on turned axes."""
    result = dict(values)
    for one, other in (("S", "S"), ("S", "C"), ("C", "C")):
        wanted = ((one, 0), (other, 0))
        delta = at.sum((2.0, at.power(wanted)), (-2.0, turned.power(wanted)))
        single = (trace(one + other),)
        result[single] = at.sum((1.0, result[single]), (-1.0, delta))
        result[invariant(((0, one, 0), (0, other, 0))),] = delta
    return result


def _in_sigma(values: Mapping[Invariants, Measured], at: Measurement) -> dict[Invariants, Measured]:
    """Words of the sum and the difference of views, expressed in words of Σ and A0."""
    terms: dict[Invariants, list[tuple[float, Measured]]] = {}
    for invariants, value in values.items():
        for half, weight in substitute(invariants, {"S": COMBINATIONS["S"]}).items():
            for whole, more in substitute(half, {"C": COMBINATIONS["C"]}).items():
                terms.setdefault(whole, []).append((float(weight * more), value))
    return {invariants: at.sum(*parts) for invariants, parts in terms.items()}


def combined(*terms: tuple[float, Measured], independent: bool) -> Measured:
    """A sum with weights; errors add up, in squares where they are independent."""
    value = sum(weight * value for weight, (value, _) in terms)
    errors = [abs(weight) * error for weight, (_, error) in terms]
    return value, sqrt(sum(error**2 for error in errors)) if independent else sum(errors)
