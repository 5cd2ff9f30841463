"""The Gaussian average of a black box's Taylor coefficients, at one batch size, as coefficients of trace words.

The two embeddings of a datum are sums of independent Gaussians along directions u (`laws_for_words`), so that a batch
is a standard set of independent Gaussians t_u of variance P_u, and the average of the loss needs only the coefficients
of even monomials:

    E[∏ t_u^(2a_u)] = ∏ (2a_u − 1)!! P_u^(a_u).

These come from Taylor coefficients along the rays u, u ± w, u ± w ± v, …, so that a few data, and as many coordinates
as an order has traces, are enough. Comparing the monomials of the P_u gives the words' coefficients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, permutations, product
from math import factorial, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.algebra.words import Invariants
from derive.expansion.laws.gaussian import normal_moment
from verify.audits.blackbox import autograd as differentiation
from verify.audits.blackbox.laws_for_words import Direction, Monomial, laws, renamed
from verify.audits.blackbox.rays import DOUBLE, each
from verify.truths.function import BlackBox

Array = NDArray[np.float64]
# A datum and a direction of its two embeddings.
Placed = tuple[int, Direction]
Measured = tuple[float, float]
# The data of a ray and the directions of each.
_Ray = tuple[tuple[int, ...], tuple[Direction, ...]]

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
        encoders: 2 where the two views are W x and V y, else 1.

    """

    radius: float
    rounding: float = DOUBLE
    autograd: bool = False
    coordinates: bool = False
    exchangeable: bool = True
    alike: bool = True
    encoders: int = 1


@dataclass
class Measurement:
    """Taylor coefficients of a black box along rays, cached.

    Args:
        box: the loss.
        size: N.
        width: d, the number of coordinates.
        order: of the coefficients.
        method: how to measure.

    """

    box: BlackBox
    size: int
    width: int
    order: int
    method: Method
    rays: dict[_Ray, Measured] = field(default_factory=dict)
    # The rays that are asked for while nothing is measured yet.
    planned: set[_Ray] | None = None
    # The largest coefficient along any ray, L(0) included: it sets the rounding error of a value.
    largest: float = 0.0

    def ray(self, *parts: tuple[Placed, int]) -> Measured:
        """The coefficient of t^order along Σ weight·direction, and its error."""
        key = self._representative(parts)
        if key not in self.rays:
            if self.planned is not None:
                self.planned.add(key)
                return 0.0, 0.0
            self._measure([key])
        return self.rays[key]

    def measure_for(self, monomials: Iterable[Monomial]) -> None:
        """Measure all rays at once that these monomials take."""
        self.planned = set()
        for monomial in monomials:
            self.power(monomial)
        keys, self.planned = sorted(self.planned), None
        self._measure(keys)

    def _measure(self, keys: Sequence[_Ray]) -> None:
        directions = np.zeros((len(keys), 2, self.size, self.width))
        for key, direction in zip(keys, directions, strict=True):
            for datum, of in zip(*key, strict=True):
                direction[:, datum, : len(of)] = np.array(of).T
        lengths = np.linalg.norm(directions.reshape(len(keys), -1), axis=1)
        self.rays |= {key: (0.0, 0.0) for key, length in zip(keys, lengths, strict=True) if not length}
        some = np.flatnonzero(lengths)
        if not len(some):
            return
        found = self._coefficients(directions[some] / lengths[some, None, None, None])
        for at, (value, error) in zip(some.tolist(), found, strict=True):
            scale = float(lengths[at]) ** self.order
            self.rays[keys[at]] = value * scale, error * scale

    def _representative(self, parts: tuple[tuple[Placed, int], ...]) -> _Ray:
        """The first of the rays that are equivalent for the loss, by renaming data and coordinates or by reflection."""
        width = max(len(of) for (_, of), _ in parts)
        sums: dict[int, list[list[int]]] = {}
        for (datum, of), weight in parts:
            row = sums.setdefault(datum, [[0, 0] for _ in range(width)])
            for at, both in zip(row, of, strict=False):
                at[0] += weight * both[0]
                at[1] += weight * both[1]
        data = sorted(sums)
        whole = [tuple((at[0], at[1]) for at in sums[datum]) for datum in data]
        if self.method.exchangeable:
            data = list(range(len(data)))
            return tuple(data), min(self._reflected(order) for order in permutations(whole))
        return tuple(data), self._reflected(tuple(whole))

    def _reflected(self, whole: tuple[Direction, ...]) -> tuple[Direction, ...]:
        if self.method.alike:
            return tuple(renamed(whole))
        # Without that symmetry only the ray as a whole may be reflected.
        sign = next((n for of in whole for both in of for n in both if n), 1)
        return whole if sign > 0 else tuple(tuple((-a, -b) for a, b in of) for of in whole)

    def _coefficients(self, directions: Array) -> list[Measured]:
        """The coefficient of t^order along each unit ray (B, 2, N, d), and its error."""
        if self.method.autograd:
            found = differentiation.along_each(self.box, directions, self.order)
            self.largest = max(self.largest, float(np.abs(found).max()))
            # L(0) drops out at the first derivative.
            errors = ROUNDINGS * self.method.rounding * np.abs(found[:, 1:]).max(1)
            return list(zip(map(float, found[:, -1]), map(float, errors), strict=True))
        rays = each(self.box, directions, self.method.radius, order=self.order, rounding=self.method.rounding)
        self.largest = max(self.largest, *(float(np.abs(ray.coefficients).max()) for ray in rays))
        return [(float(ray.coefficients[-1]), float(ray.errors[-1])) for ray in rays]

    @property
    def floor(self) -> float:
        """A lower bound on the error of a coefficient: one rounding of the largest number that it was computed from."""
        return self.method.rounding * self.largest

    def sum(self, *terms: tuple[float, Measured]) -> Measured:
        """A sum with weights: rounding errors of derivatives are independent, truncation errors are not."""
        return combined(*terms, independent=self.method.autograd)

    def monomial(self, powers: Mapping[Placed, int]) -> Measured:
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

    def _pair(self, u: Placed, w: Placed, k: int) -> Measured:
        """The even part along u ± k w, minus those of u and w alone: Σ c_ab k^(2b) over a, b ≥ 1."""
        return self.sum(
            (0.5, self.ray((u, 1), (w, k))),
            (0.5, self.ray((u, 1), (w, -k))),
            (-1.0, self.ray((u, 1))),
            (-float(k**self.order), self.ray((w, 1))),
        )

    def power(self, wanted: Monomial) -> Measured:
        """The coefficient of ∏ P in the averaged loss, summed over all assignments of data to the powers."""
        directions = sorted(Counter(wanted).items())
        samples = range(min(len(wanted), self.size) if self.method.exchangeable else self.size)
        orbits: dict[Any, tuple[dict[Placed, int], int]] = {}
        for choice in product(*(combinations_with_replacement(samples, n) for _, n in directions)):
            first, count = self._orbit(choice)
            if first not in orbits:
                met = Counter((datum, of) for (of, _), data in zip(directions, first, strict=True) for datum in data)
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
        Words in A0 and Σ, or in Σ, Σ₂ and A with two encoders → (coefficient, estimated error).

    """
    k = order // 2
    at = Measurement(box, size, width or max(2, k), order, method)
    found = laws(k, encoders=method.encoders, coordinates=method.coordinates)
    at.measure_for(found.monomials)
    powers = [at.power(monomial) for monomial in found.monomials]
    values = {
        word: at.sum(*((float(weight), power) for weight, power in zip(row, powers, strict=True) if weight))
        for word, row in zip(found.words, found.weights, strict=True)
    }
    return {word: (value, max(error, at.floor)) for word, (value, error) in values.items()}


def second_order(box: BlackBox, size: int, method: Method, width: int) -> dict[str, Array]:
    """The second order of a loss that singles out coordinates, as matrices S and A at one batch size.

    E[loss] = L(0) + Σ_ij S_ij (W Σ Wᵀ)_ij + A_ij (W A0 Wᵀ)_ij + …, i and j coordinates of the embedding; with two
    encoders L(0) + Σ_ij S_ij (W Σ Wᵀ)_ij + T_ij (V Σ₂ Vᵀ)_ij + A_ij (W A Vᵀ)_ij + ….

    Returns:
        "Sigma" and "A0", or "Sigma", "Sigma2" and "A" → (width, width).

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
    # Of one view in one coordinate.
    units = {
        (view, i): tuple((int(c == i and view == 0), int(c == i and view == 1)) for c in range(width))
        for view, i in product(range(2), range(width))
    }
    blocks = np.zeros((2, 2, width, width))
    for datum, (one, u), (other, w) in product(data, units.items(), units.items()):
        ahead, behind = ((datum, u), 1), ((datum, w), 1)
        if one == other:
            found = at.ray(ahead)[0]
        else:
            found = (at.ray(ahead, behind)[0] - at.ray(ahead, ((datum, w), -1))[0]) / 4
        blocks[one[0], other[0], one[1], other[1]] += times * found
    (first, across), (_, second) = blocks
    if method.encoders == 2:
        return {"Sigma": first, "Sigma2": second, "A": 2 * across}
    return {"Sigma": first + second, "A0": across + across.T}


def combined(*terms: tuple[float, Measured], independent: bool) -> Measured:
    """A sum with weights; errors add up, in squares where they are independent."""
    value = sum(weight * value for weight, (value, _) in terms)
    errors = [abs(weight) * error for weight, (_, error) in terms]
    return value, sqrt(sum(error**2 for error in errors)) if independent else sum(errors)
