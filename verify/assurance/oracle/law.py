"""The coordinates of an embedding as Gaussian variables, and what their monomials are on average.

f(x) = W x is Gaussian where x is. Coordinates i and j of f at one view have covariance (W Σ Wᵀ)_ij, at two views of a
datum (W A0 Wᵀ)_ij, at different data none. Averages follow from Stein's lemma, E[y p] = Σ_z Cov(y, z) E[∂p/∂z], which
takes one variable off at a time. For elliptical data x = s g, a monomial also has a factor E[s^k] for each scale.

Data may instead be a fixed set of points, each with fresh Gaussian noise, that are handed out at random and without
repetition. Second moments are then sums over the points and over pairs of them, and all that is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import Literal, NamedTuple

import sympy

import derive
from derive import Elliptical, Gaussian
from derive.definition.views import View
from verify.assurance.oracle.polynomial import BITS, HIGHEST_ORDER, Polynomial, factors, reduced

Matrix = Sequence[Sequence[Fraction]]


@dataclass(frozen=True)
class Law:
    """The model and its data, in fractions.

    Attributes:
        W: d1×d0.
        A0: covariance between two views of a datum, d0×d0.
        Sigma: covariance of a view, d0×d0.
        bias: b in f(x) = W x + b, or None.
        scale: E[s^k] by k for elliptical data x = s g, E[s²] = 1; None for Gaussian data.
        per: whether the views of a datum share s, or each has its own.
        points: of the fixed set that is the batch, each of d0 coordinates, A0 being the mean of their squares; None for
            independent draws.

    """

    W: Matrix
    A0: Matrix
    Sigma: Matrix
    bias: Sequence[Fraction] | None = None
    scale: Mapping[int, Fraction] | None = None
    per: Literal["datum", "view"] = "datum"
    points: Matrix | None = None

    @property
    def d1(self) -> int:
        """The dimension of the embedding."""
        return len(self.W)

    def derived(self, numbers: bool) -> derive.Law:  # noqa: FBT001 (how it is given)
        """The same law for the other engine, moments of the scale as numbers or left as symbols."""
        if self.scale is None:
            return Gaussian()
        given = {k: sympy.Rational(value.numerator, value.denominator) for k, value in self.scale.items()}
        return Elliptical(given if numbers else {}, self.per)

    def across(self) -> Matrix:
        """E[f(x) f(χ)ᵀ] without the bias, over all pairs of different points x and χ of the set."""
        points = self.points or []
        images = [
            [sum((w * p for w, p in zip(row, point, strict=True)), Fraction(0)) for row in self.W] for point in points
        ]
        pairs = [(one, other) for i, one in enumerate(images) for j, other in enumerate(images) if i != j]
        d1 = range(self.d1)
        return [[sum((u[i] * v[j] for u, v in pairs), Fraction(0)) / len(pairs) for j in d1] for i in d1]

    def letter(self, name: str) -> Matrix:
        """W X Wᵀ for X = A0, Σ, C or the identity, by the letters A, S, C, I; b bᵀ for D."""
        if name == "D":
            b = self.bias or [Fraction(0)] * self.d1
            return [[one * other for other in b] for one in b]
        weights: dict[str, tuple[int, int, int]] = {"A": (1, 0, 0), "S": (0, 1, 0), "C": (-1, 1, 0), "I": (0, 0, 1)}
        a, s, one = weights[name]
        d0 = range(len(self.A0))
        X = [[a * self.A0[k][m] + s * self.Sigma[k][m] + one * (k == m) for m in d0] for k in d0]
        return [[sum((u[k] * X[k][m] * v[m] for k in d0 for m in d0), Fraction(0)) for v in self.W] for u in self.W]


class _Variable(NamedTuple):
    datum: int
    view: str
    white: bool
    coordinate: int
    kind: Literal["view", "datum", "noise"] = "view"


@dataclass
class Variables:
    """Gaussian variables, numbered as they are drawn, and their moments under a law."""

    law: Law
    _drawn: list[_Variable] = field(default_factory=list)
    _data: int = 0
    _moments: dict[int, Fraction] = field(default_factory=dict)
    _set: set[int] = field(default_factory=set)
    _further: dict[tuple[int, object], list[tuple[int, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        between = self.law.letter("A")
        if self.law.scale is not None and self.law.per == "view":
            # A0 = E[s]² Cov(g, g′)
            unit = self.law.scale[1] ** -2
            between = [[unit * one for one in row] for row in between]
        self._between, self._within, self._white = between, self.law.letter("S"), self.law.letter("I")
        self._across = [] if self.law.points is None else self.law.across()

    def draw(self, views: Iterable[View], *, batch: bool = False) -> dict[View, tuple[int, ...]]:
        """New data: for each view the numbers of its d1 coordinates. Views of one datum show the same one.

        Args:
            views: of the data.
            batch: whether they are data of the batch, and so different points of the set if there is one.

        """
        data: dict[str, int] = {}
        found = {}
        for view in views:
            if view.datum not in data:
                data[view.datum] = self._data
                if batch and self.law.points is not None:
                    self._set.add(self._data)
                self._data += 1
            first = len(self._drawn)
            for i in range(self.law.d1):
                self._drawn.append(_Variable(data[view.datum], view.name, view.white, i))
            found[view] = tuple(range(first, first + self.law.d1))
        return found

    def further(self, places: tuple[int, ...], key: object, number: int) -> list[tuple[int, ...]]:
        """Further views of the datum that a view at these places shows; the same ones for one key."""
        datum = self._drawn[places[0]].datum
        if (datum, key) not in self._further:
            self._further[datum, key] = [self._new(datum, f"{key} {k}", "view") for k in range(number)]
        return self._further[datum, key]

    def centre(self, places: tuple[int, ...]) -> tuple[int, ...]:
        """The datum itself, which its views are noise around."""
        datum = self._drawn[places[0]].datum
        if (datum, "centre") not in self._further:
            self._further[datum, "centre"] = [self._new(datum, "", "datum")]
        return self._further[datum, "centre"][0]

    def noise(self) -> tuple[int, ...]:
        """What the augmentation adds to a datum in one view."""
        self._data += 1
        return self._new(self._data - 1, "", "noise")

    def with_further(self, places: Iterable[int]) -> list[int]:
        """All variables of the data that some variables are of."""
        data = {self._drawn[number].datum for number in places}
        return [number for number, one in enumerate(self._drawn) if one.datum in data]

    def _new(self, datum: int, view: str, kind: Literal["view", "datum", "noise"]) -> tuple[int, ...]:
        first = len(self._drawn)
        self._drawn += [_Variable(datum, view, white=False, coordinate=i, kind=kind) for i in range(self.law.d1)]
        return tuple(range(first, first + self.law.d1))

    def mean(self, polynomial: Polynomial, over: Iterable[int]) -> Polynomial:
        """The average over some variables, all of their data's."""
        masks: Counter[int] = Counter()
        for number in over:
            datum = self._drawn[number].datum
            # Points of one set depend on one another, and are averaged over together.
            masks[-1 if datum in self._set else datum] |= HIGHEST_ORDER << BITS * number
        averaged: dict[int, Fraction] = {}
        for monomial, value in polynomial.terms.items():
            rest, weight = monomial, Fraction(value)
            for mask in masks.values():
                inside = monomial & mask
                if inside and weight:
                    weight *= self._scaled_moment(inside)
                    rest ^= inside
            if weight:
                averaged[rest] = averaged.get(rest, Fraction(0)) + weight
        common = lcm(*(weight.denominator for weight in averaged.values()))
        terms = {monomial: int(weight * common) for monomial, weight in averaged.items() if weight}
        return reduced(terms, common * polynomial.denominator)

    def _scaled_moment(self, monomial: int) -> Fraction:
        found = self._moment(monomial)
        if not found or self.law.scale is None:
            return found
        shared: Counter[str] = Counter()
        for number, exponent in factors(monomial):
            one = self._drawn[number]
            if not one.white:
                shared[one.view if self.law.per == "view" else ""] += exponent
        for exponent in shared.values():
            found *= self.law.scale[exponent]
        return found

    def _moment(self, monomial: int) -> Fraction:
        if monomial == 0:
            return Fraction(1)
        if monomial not in self._moments:
            (number, _), *_ = parts = list(factors(monomial))
            left = monomial - (1 << BITS * number)
            total = Fraction(0)
            if sum(exponent for _, exponent in parts) % 2 == 0:
                for other, exponent in factors(left):
                    covariance = self._covariance(self._drawn[number], self._drawn[other])
                    if covariance:
                        total += covariance * exponent * self._moment(left - (1 << BITS * other))
            self._moments[monomial] = total
        return self._moments[monomial]

    def _covariance(self, one: _Variable, other: _Variable) -> Fraction:
        if one.datum != other.datum:
            together = {one.datum, other.datum} <= self._set and not one.white and not other.white
            return self._across[one.coordinate][other.coordinate] if together else Fraction(0)
        i, j = one.coordinate, other.coordinate
        if one.kind == "noise":
            return self._within[i][j] - self._between[i][j]
        if one.kind == "datum" or other.kind == "datum":
            return self._between[i][j]
        matrix = self._white if one.white else self._within if one.view == other.view else self._between
        return matrix[i][j]
