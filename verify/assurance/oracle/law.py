"""The coordinates of an embedding as Gaussian variables, and what their monomials are on average.

f(x) = W x is Gaussian where x is. Coordinates i and j of f at one view have covariance (W Σ Wᵀ)_ij, at two views of a
datum (W A0 Wᵀ)_ij, at different data none. Views of a second kind, under a second augmentation or through a second
encoder, have covariances of their own, and one with views of the first kind.

Averages follow from Stein's lemma, E[y p] = Σ_z Cov(y, z) E[∂p/∂z], which takes one variable off at a time. For
elliptical data x = s g, a monomial also has a factor E[s^k] for each scale.

Data may instead be a fixed set of points, each with fresh Gaussian noise, that are handed out at random and without
repetition. Second moments are then sums over the points and over pairs of them, and all that is known.

Where data have a mean, Stein's lemma has a further term, E[y p] = E[y] E[p] + …. Where they have classes, a monomial of
one datum's variables is averaged within each class, and the results over the classes. Other data of its class count
among the variables of a datum, independent of it within each class. Where the noise depends on the datum, points z with
weights that have its moments are such classes: of mean z, and with no covariance between two views.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm
from typing import Literal, NamedTuple

import sympy

import derive
from derive import Classes, Elliptical, Gaussian, Heteroscedastic, Uncentred
from derive.algebra.alphabet import ENDS, LETTERS, plainly, slot_of
from derive.algebra.graphs import CLASSMATE, OF_ONE_KIND
from derive.definition.views import View
from verify.assurance.oracle.polynomial import BITS, HIGHEST_ORDER, Polynomial, factors, reduced

Matrix = Sequence[Sequence[Fraction]]


class Class(NamedTuple):
    """One class of the data: its probability, its mean and its covariances."""

    chance: Fraction
    mean: Sequence[Fraction]
    A0: Matrix
    Sigma: Matrix


@dataclass(frozen=True)
class Second:
    """Views of the second kind, y.

    Attributes:
        A: covariance of a view of the first kind with one of the second, d0×d0'.
        A2: covariance between two views of the second kind of one datum, d0'×d0'.
        Sigma2: covariance of a view of the second kind, d0'×d0'.
        V: their encoder, d1×d0'; None where they are seen through W.
        points: of the fixed set, as they show in views of the second kind.

    """

    A: Matrix
    A2: Matrix
    Sigma2: Matrix
    V: Matrix | None = None
    points: Matrix | None = None


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
        second: the views of the second kind, where there are some.
        mean: μ of d0 entries, or None for zero; A0 and Sigma are covariances in either case.
        classes: of data of classes, for which A0 and Sigma are the averages of the classes' covariances; else empty.
        of_data: whether the classes are data, each with its own noise, and A0 is the covariance of their means.

    """

    W: Matrix
    A0: Matrix
    Sigma: Matrix
    bias: Sequence[Fraction] | None = None
    scale: Mapping[int, Fraction] | None = None
    per: Literal["datum", "view"] = "datum"
    points: Matrix | None = None
    second: Second | None = None
    mean: Sequence[Fraction] | None = None
    classes: Sequence[Class] = ()
    of_data: bool = False

    @property
    def d1(self) -> int:
        """The dimension of the embedding."""
        return len(self.W)

    def derived(self, numbers: bool) -> derive.Law:  # noqa: FBT001 (how it is given)
        """The same law for the other engine, moments of the scale as numbers or left as symbols."""
        if self.of_data:
            return Heteroscedastic()
        if self.classes:
            weights = tuple(sympy.Rational(one.chance.numerator, one.chance.denominator) for one in self.classes)
            return Classes(len(weights), weights)
        if self.mean is not None:
            return Uncentred()
        if self.scale is None:
            return Gaussian()
        given = {k: sympy.Rational(value.numerator, value.denominator) for k, value in self.scale.items()}
        return Elliptical(given if numbers else {}, self.per)

    @property
    def kinds(self) -> range:
        """The kinds of view: 0, and 1 where there is a second."""
        return range(1 if self.second is None else 2)

    def encoder(self, kind: int) -> Matrix:
        """What views of a kind are seen through."""
        return self.W if kind == 0 or self.second is None or self.second.V is None else self.second.V

    def between(self, kind: int, other: int) -> Matrix:
        """E[f(x) f(x′)ᵀ] for two views of one datum, the first of one kind and the second of another."""
        return self._seen(self._shared(kind, other), kind, other)

    def within(self, kind: int) -> Matrix:
        """E[f(x) f(x)ᵀ] for a view of a kind."""
        return self._seen(self.Sigma if kind == 0 or self.second is None else self.second.Sigma2, kind, kind)

    def white(self, kind: int) -> Matrix:
        """E[f(g) f(g)ᵀ] for standard Gaussian noise g."""
        d0 = range(len(self.encoder(kind)[0]))
        return self._seen([[Fraction(k == m) for m in d0] for k in d0], kind, kind)

    def across(self, kind: int, other: int) -> Matrix:
        """E[f(x) f(χ)ᵀ] without the bias, over all pairs of different points x and χ of the set."""
        left, right = (self._images(one) for one in (kind, other))
        pairs = [(u, v) for i, u in enumerate(left) for j, v in enumerate(right) if i != j]
        d1 = range(self.d1)
        return [[sum((u[i] * v[j] for u, v in pairs), Fraction(0)) / len(pairs) for j in d1] for i in d1]

    def letter(self, name: str, chosen: Mapping[int, int] | None = None) -> Matrix:
        """The matrix that a letter of the words of `derive` stands for.

        W X Wᵀ for X = A0, Σ, C or the identity is A, S, C, I; b bᵀ is D. Of the second kind: W X Wᵀ for X = Σ₂, A, Aᵀ,
        A₂ is U, P, Q, R; V Σ₂ Vᵀ, W A Vᵀ, V Aᵀ Wᵀ, V A₂ Vᵀ and V Vᵀ are T, X, Y, Z, J. K: that of means.

        Args:
            name: the letter.
            chosen: the class that each slot stands for.

        """
        one = LETTERS[name]
        if one.ends:
            u, v = (self.vector(end, chosen or {}) for end in one.ends)
            return [[a * b for b in v] for a in u]
        if one.slot is not None:
            return self.of(self.classes[(chosen or {})[one.slot]]).letter(plainly(name))
        if name == "K":
            means = [(y.chance, self.image(y.mean)) for y in self.classes]
            d1 = range(self.d1)
            return [[sum((chance * u[i] * u[j] for chance, u in means), Fraction(0)) for j in d1] for i in d1]
        if name == "C":
            rows = zip(self.within(0), self.between(0, 0), strict=True)
            return [[one - other for one, other in zip(*row, strict=True)] for row in rows]
        if name in "SUT":
            return self.within(0 if name == "S" else 1)
        if name in "IJ":
            return self.white(0 if name == "I" else 1)
        kinds = {"A": (0, 0), "P": (0, 1), "X": (0, 1), "Q": (1, 0), "Y": (1, 0), "R": (1, 1), "Z": (1, 1)}
        return self.between(*kinds[name])

    def letters(self) -> dict[str, Matrix]:
        """The letters that words of this law have, without those of a mean and of classes, and what they stand for."""
        encoders = "" if self.second is None else "UPQR" if self.second.V is None else "TXYZJ"
        return {name: self.letter(name) for name in "ASCID" + encoders}

    def of(self, y: Class) -> Law:
        """The data of one class."""
        return replace(self, A0=y.A0, Sigma=y.Sigma, mean=y.mean, classes=(), of_data=False)

    def vector(self, end: int, chosen: Mapping[int, int]) -> Sequence[Fraction]:
        """The vector of the embedding at an end of a word: b, W μ, or W μ_y of the class that a slot stands for."""
        if ENDS[end] == "b":
            return self.bias or [Fraction(0)] * self.d1
        slot = slot_of(end)
        return self.image(self.overall_mean if slot is None else self.classes[chosen[slot]].mean)

    @property
    def overall_mean(self) -> Sequence[Fraction]:
        """E x."""
        if not self.classes:
            return self.mean or [Fraction(0)] * len(self.A0)
        return [sum((y.chance * y.mean[k] for y in self.classes), Fraction(0)) for k in range(len(self.A0))]

    def image(self, x: Sequence[Fraction]) -> list[Fraction]:
        """W x."""
        return [sum((w * p for w, p in zip(row, x, strict=True)), Fraction(0)) for row in self.W]

    def _shared(self, kind: int, other: int) -> Matrix:
        """Cov(x, x′) for two views of one datum."""
        if self.second is None or kind == other == 0:
            return self.A0
        if kind == other:
            return self.second.A2
        A = self.second.A
        return A if kind == 0 else [[row[m] for row in A] for m in range(len(A[0]))]

    def _seen(self, X: Matrix, kind: int, other: int) -> Matrix:
        rows, columns = range(len(X)), range(len(X[0]))
        return [
            [sum((u[k] * X[k][m] * v[m] for k in rows for m in columns), Fraction(0)) for v in self.encoder(other)]
            for u in self.encoder(kind)
        ]

    def _images(self, kind: int) -> Matrix:
        """f at the points of the set, without the bias."""
        points = (self.points if kind == 0 or self.second is None else self.second.points) or []
        return [
            [sum((w * p for w, p in zip(row, point, strict=True)), Fraction(0)) for row in self.encoder(kind)]
            for point in points
        ]


class _Variable(NamedTuple):
    datum: int
    view: str
    white: bool
    coordinate: int
    seen: int
    kind: Literal["view", "datum", "noise"] = "view"
    # Which other datum of the class it is of; "" for the datum itself.
    mate: str = ""


@dataclass
class Variables:
    """Gaussian variables, numbered as they are drawn, and their moments under a law."""

    law: Law
    _drawn: list[_Variable] = field(default_factory=list)
    _data: int = 0
    _moments: dict[tuple[int, int], Fraction] = field(default_factory=dict)
    _set: set[int] = field(default_factory=set)
    _further: dict[tuple[int, object, int], list[tuple[int, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        law, kinds = self.law, self.law.kinds
        pairs = [(one, other) for one in kinds for other in kinds]
        # A0 = E[s]² Cov(g, g′)
        unit = law.scale[1] ** -2 if law.scale is not None and law.per == "view" else Fraction(1)
        self._classes = law.classes or [Class(Fraction(1), law.overall_mean, law.A0, law.Sigma)]
        each = [law.of(y) for y in self._classes]
        self._between = [
            {pair: [[unit * one for one in row] for row in of.between(*pair)] for pair in pairs} for of in each
        ]
        self._within = [[of.within(kind) for kind in kinds] for of in each]
        self._means = [law.image(y.mean) for y in self._classes]
        self._white = [law.white(kind) for kind in kinds]
        self._across = {} if law.points is None else {pair: law.across(*pair) for pair in pairs}

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
                mate = mate_of(view)
                self._drawn.append(_Variable(data[view.datum], view.name, view.white, i, kind_of(view), mate=mate))
            found[view] = tuple(range(first, first + self.law.d1))
        return found

    def further(self, places: tuple[int, ...], key: object, number: int, like: View) -> list[tuple[int, ...]]:
        """Further views, like one, of the datum that a view at these places shows; the same ones for one key."""
        datum = self._drawn[places[0]].datum
        if (datum, key, like.role) not in self._further:
            mates = [f"{key} {k}" if mate_of(like) else "" for k in range(number)]
            new = [self._new(datum, f"{key} {k}", kind_of(like), "view", mate) for k, mate in enumerate(mates)]
            self._further[datum, key, like.role] = new
        return self._further[datum, key, like.role]

    def centre(self, places: tuple[int, ...], seen: int) -> tuple[int, ...]:
        """The datum itself, as it shows in views of a kind, which are noise around it."""
        datum = self._drawn[places[0]].datum
        if (datum, "centre", seen) not in self._further:
            self._further[datum, "centre", seen] = [self._new(datum, "", seen, "datum")]
        return self._further[datum, "centre", seen][0]

    def noise(self, seen: int) -> tuple[int, ...]:
        """What the augmentation adds to a datum in one view of a kind."""
        self._data += 1
        return self._new(self._data - 1, "", seen, "noise")

    def with_further(self, places: Iterable[int]) -> list[int]:
        """All variables of the data that some variables are of."""
        data = {self._drawn[number].datum for number in places}
        return [number for number, one in enumerate(self._drawn) if one.datum in data]

    def _new(
        self, datum: int, view: str, seen: int, kind: Literal["view", "datum", "noise"], mate: str = ""
    ) -> tuple[int, ...]:
        first = len(self._drawn)
        self._drawn += [
            _Variable(datum, view, white=False, coordinate=i, seen=seen, kind=kind, mate=mate)
            for i in range(self.law.d1)
        ]
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
        found = sum((y.chance * self._moment(monomial, k) for k, y in enumerate(self._classes)), Fraction(0))
        if not found or self.law.scale is None:
            return found
        shared: Counter[str] = Counter()
        for number, exponent in factors(monomial):
            one = self._drawn[number]
            if not one.white:
                shared[f"{one.view} {one.seen} {one.mate}" if self.law.per == "view" else one.mate] += exponent
        for exponent in shared.values():
            found *= self.law.scale[exponent]
        return found

    def _moment(self, monomial: int, y: int) -> Fraction:
        """Of data of one class."""
        if monomial == 0:
            return Fraction(1)
        if (monomial, y) not in self._moments:
            (number, _), *_ = factors(monomial)
            one = self._drawn[number]
            left = monomial - (1 << BITS * number)
            mean = Fraction(0) if one.white or one.kind == "noise" else self._means[y][one.coordinate]
            total = mean * self._moment(left, y) if mean else Fraction(0)
            for other, exponent in factors(left):
                covariance = self._covariance(one, self._drawn[other], y)
                if covariance:
                    total += covariance * exponent * self._moment(left - (1 << BITS * other), y)
            self._moments[monomial, y] = total
        return self._moments[monomial, y]

    def _covariance(self, one: _Variable, other: _Variable, y: int) -> Fraction:
        i, j, pair = one.coordinate, other.coordinate, (one.seen, other.seen)
        if one.datum != other.datum:
            together = {one.datum, other.datum} <= self._set and not one.white and not other.white
            return self._across[pair][i][j] if together else Fraction(0)
        if one.mate != other.mate:
            return Fraction(0)
        if one.kind == "noise":
            return self._within[y][one.seen][i][j] - self._between[y][pair][i][j]
        if one.kind == "datum" or other.kind == "datum":
            return self._between[y][pair][i][j]
        if one.white:
            return self._white[one.seen][i][j]
        same = one.view == other.view and one.seen == other.seen
        return self._within[y][one.seen][i][j] if same else self._between[y][pair][i][j]


def kind_of(view: View) -> int:
    """0 for a view of the first kind, 1 for one through a second encoder or under a second augmentation."""
    return 0 if view.role in OF_ONE_KIND else 1


def mate_of(view: View) -> str:
    """A name for the other datum of the class that a view shows; "" where it shows its datum itself."""
    return view.name if view.role == CLASSMATE else ""
