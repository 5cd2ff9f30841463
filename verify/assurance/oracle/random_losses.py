"""Losses drawn at random from the whole language of `derive`, with data, dimensions, an order and values to compare at.

All draws come from a `random.Random`, so a seed makes a case again, and Hypothesis may play the generator to shrink
one. What is drawn is analytic at W = 0 and has a fraction for its value there: the constant of each part is kept
beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Literal, NamedTuple

import sympy

from derive.algebra.ranges import check_values
from derive.definition.expression import Coordinate, CoordinateSum, Expression, ViewAverage, walk
from derive.definition.language import (
    EMBEDDING_DIMENSION,
    Mean,
    diagonal_sum,
    distinct,
    exp,
    half_sq,
    inner,
    log,
    off_diagonal_sum,
    variance,
)
from derive.definition.matrices import SecondMoment, identity, inverse, log_det, trace
from derive.definition.vectors import centroid
from derive.definition.views import Index, View, views, white_noise
from derive.errors import InputError
from derive.losses.loss import Loss
from verify.assurance.oracle.law import Law
from verify.assurance.oracle.numbers import Numbers
from verify.assurance.oracle.random_laws import of_classes, of_points, random_law, with_mean, with_noise

Flow = Literal["before", "after", "left"]
Data = Literal["", "mean", "classes", "noise"]

ANCHOR = views("x, x_pos")
POPULATION = (views("chi, chi_pos"), views("y"))
SAMPLED = (views("v, v_pos"), views("u"))
# Other draws of the same samples.
OTHERS = {"v": views("w, w_pos"), "u": views("z")}
WHITE = (white_noise("g"),)
N, V, alpha, beta, tau, p, b = sympy.symbols("N V alpha beta tau p b")
WEIGHTS = (
    *map(sympy.Rational, ("1", "1", "-1", "2", "1/2", "-1/2", "1/3", "3/2", "-3")),
    *(alpha, -beta, 1 / tau, N - 1, 1 / N, (N - 1) / N, alpha / (1 + alpha), 1 / (N - 1 + alpha)),
)
TRANSCENDENTAL = (sympy.exp, sympy.E, sympy.log)
COUNTS = (N - 1, N - 1, N, sympy.Integer(2))
VALUES = {
    "alpha": ("1/2", "3/7", "2"),
    "beta": ("1/3", "2/5", "4"),
    "tau": ("1/2", "5/3", "2"),
    "b": ("1", "-1/2", "2/3"),
    "p": ("1/2", "-1", "-3/2", "2", "3"),
}


@dataclass(frozen=True)
class Case:
    """One comparison of the two engines.

    Attributes:
        loss: the definition, its parameters symbolic.
        order: in W.
        law: model and data.
        values: of the loss's parameters.
        flow: whether values are put into the definition, into its expansion, or stay symbols for the oracle to read.
        basis: of the expansion.

    """

    loss: Loss
    order: int
    law: Law
    values: Mapping[str, Fraction]
    flow: Flow
    basis: str

    def text(self) -> str:
        """The case in words, with all that is needed to repeat it."""
        said = [f"definition {self.loss.text()}", f"order {self.order}, basis {self.basis}, values put in {self.flow}"]
        said += [f"{name} = {value}" for name, value in self.values.items()]
        return "\n".join([*said, str(self.law).replace("Fraction", "")])


class _Part(NamedTuple):
    """An expression and its value at W = 0."""

    node: Expression
    constant: sympy.Expr = sympy.S.Zero


def random_case(random: Random, data: Data = "") -> Case:
    """A case.

    Args:
        random: what is drawn from.
        data: "mean", "classes" or "noise" that depends on the datum; "" for data whose mean is zero.

    """
    d0, d1 = random.choice((1, 2, 2, 3)), random.choice((1, 2, 2, 2, 3))
    values = {name: Fraction(random.choice(some)) for name, some in VALUES.items()}
    values["N"] = Fraction(random.choice((2, 2, 3, 3, 4)))
    values["V"] = Fraction(random.choice((2, 2, 3)))
    drawing = _Drawing(random, Numbers({"d1": Fraction(d1), **values}), room=random.choice((1, 2, 2, 3, 4)))
    part = drawing.contrastive() if random.random() < 0.2 else drawing.part(random.choice((2, 3, 4, 4, 5)), ANCHOR)
    for _ in range(random.choice((0, 0, 1))):
        part = drawing.sum(part, drawing.part(random.choice((2, 3)), ANCHOR))
    bias = None
    if random.random() < 0.2:
        # No sum of them with signs vanishes, so that a term of odd order in b is seen.
        bias = [Fraction(one, random.choice((1, 1, -1))) for one in random.sample((2, 5, 11), d1)]
    loss = Loss(part.node, bias=bias is not None)
    law = random_law(random, d0, d1, bias)
    whole = any(isinstance(node, ViewAverage) and node.count is None for node in walk(loss.expression))
    if whole:
        # All further views of a datum are averaged over around the datum, which has no scale apart from theirs.
        law = replace(law, scale=None)
    if data:
        law = (
            with_mean(random, law)
            if data == "mean"
            else of_classes(random, law, shared_noise=whole)
            if data == "classes"
            else with_noise(random, law, 6 if d0 == 1 else 4, alike=whole)
        )
    used = {name: values[name] for name in loss.parameters if name != "d1"}
    try:
        put = {loss.parameters[name]: sympy.Rational(value) for name, value in used.items()}
        check_values(put, loss.domain, loss.name)
    except InputError:
        # Two different draws of N − 1, say, need N = 3 at least: another loss is drawn.
        return random_case(random, data)
    flow: Flow = random.choice(("before", "after", "left"))
    if flow == "before" and used.get("V") == 2:
        # Samples of V and of two views are drawn apart, and a definition has no way to keep them so at V = 2.
        used["V"] = Fraction(3)
    basis = random.choice(("A0,Sigma", "A0,C"))
    if "N" in used and law.scale is None and not whole and not law.classes and random.random() < 0.15:
        law = of_points(random, law, int(values["N"]))
        return Case(replace(loss, batch=N), 2, law, used, flow, basis)
    # Coincidences among four draws, all symbols left, take `derive` seconds.
    order = random.choice((2, 4, 4, 4, 6, 6, 6, 6 if loss.samples or loss.parameters else 8))
    if data == "noise":
        order = min(order, 6 if d0 == 1 else 4)
    return Case(loss, order, law, used, flow, basis)


@dataclass
class _Drawing:
    """Draws definitions. ``room`` is how many means may still be entered: what makes a case large."""

    random: Random
    numbers: Numbers
    room: int

    def part(self, depth: int, scope: tuple[View, ...]) -> _Part:
        """A random expression in some views."""
        if depth == 0:
            return self.leaf(scope)
        choices: list[Callable[[int, tuple[View, ...]], _Part]] = [
            *(self.summed, self.product, self.exponential, self.exponential, self.logarithm, self.power, self.weighted),
            self.root,
        ]
        if self.room:
            choices += [self.mean] * 5 + [self.moments, self.coordinates, self.matrices]
            choices += [self.pairs, self.further, self.further]
        return self.random.choice(choices)(depth, scope)

    def value(self, constant: sympy.Expr) -> Fraction:
        return self.numbers.of(constant)

    def weight(self) -> sympy.Expr:
        return self.random.choice(WEIGHTS)

    def leaf(self, scope: tuple[View, ...]) -> _Part:
        u = self.random.choice(scope)
        kind = self.random.choice((inner, half_sq, half_sq))
        if self.random.random() < 0.15 and not any(view.white for view in scope):
            return _Part(kind(u, centroid(*(self.random.choice(scope) for _ in range(self.random.choice((2, 3)))))))
        v = self.random.choice(scope if kind is inner else [view for view in scope if view != u] or scope)
        # Noise is compared with itself or multiplied by data; a distance to it says nothing.
        return _Part((inner if u.white != v.white else kind)(u, v))

    def contrastive(self) -> _Part:
        """The form of published losses: −log of positive similarity over weighted positive and negatives."""
        x, x_pos = ANCHOR
        bound = self.random.choice((*POPULATION, *SAMPLED))
        count = self.random.choice((N - 1, N)) if bound in SAMPLED else None
        similarity = self.random.choice((inner, lambda u, v: -half_sq(u, v)))
        scale = self.random.choice((sympy.S.One, 1 / tau, sympy.Rational(1, 2)))
        terms = sum((exp(scale * similarity(x, view)) for view in bound[1:]), exp(scale * similarity(x, bound[0])))
        negatives, positive = Mean(terms, over=bound, count=count), exp(scale * similarity(x, x_pos))
        weight = self.random.choice((sympy.S.One, N - 1, N))
        more = self.random.choice((sympy.S.Zero, sympy.S.One, alpha))
        node = -scale * similarity(x, x_pos) + log(weight * negatives + more * positive)
        return _Part(node, sympy.log(weight * len(bound) + more))

    # Each of the following makes one node, whose parts are drawn with less depth.

    def sum(self, left: _Part, right: _Part) -> _Part:
        weight = self.weight()
        return _Part(left.node + weight * right.node, left.constant + weight * right.constant)

    def summed(self, depth: int, scope: tuple[View, ...]) -> _Part:
        return self.sum(self.part(depth - 1, scope), self.below(depth, scope))

    def below(self, depth: int, scope: tuple[View, ...]) -> _Part:
        return self.part(self.random.choice((0, depth - 1)), scope)

    def weighted(self, depth: int, scope: tuple[View, ...]) -> _Part:
        part, weight, more = self.part(depth - 1, scope), self.weight(), self.random.choice((*WEIGHTS, b, -b))
        return _Part(weight * part.node + more, weight * part.constant + more)

    def product(self, depth: int, scope: tuple[View, ...]) -> _Part:
        left, right = self.part(depth - 1, scope), self.below(depth, scope)
        return _Part(left.node * right.node, left.constant * right.constant)

    def exponential(self, depth: int, scope: tuple[View, ...]) -> _Part:
        part, weight = self.part(depth - 1, scope), self.random.choice(WEIGHTS)
        at_zero = sympy.expand(weight * part.constant)
        # The oracle has e^q for some q alone, and `derive` writes e^(p + q) as e^p e^q.
        if (
            at_zero.has(*TRANSCENDENTAL)
            or at_zero.free_symbols - {b}
            or not all(
                12 % self.value(term).denominator == 0 and abs(self.value(term)) <= 3
                for term in sympy.Add.make_args(at_zero)
            )
        ):
            return part
        return _Part(exp(weight * part.node), sympy.exp(at_zero))

    def logarithm(self, depth: int, scope: tuple[View, ...]) -> _Part:
        part = self.part(depth - 1, scope)
        if part.constant.has(sympy.log):
            return part
        if self.value(part.constant) <= 0 and part.constant.has(*TRANSCENDENTAL):
            return part
        if self.value(part.constant) <= 0 or self.random.random() < 0.3:
            added = 1 + abs(int(self.value(part.constant))) + self.random.randrange(3)
            weight = sympy.Integer(added) + self.random.choice((sympy.S.Zero, sympy.S.Zero, alpha, N))
            part = _Part(weight + part.node, weight + part.constant)
        return _Part(log(part.node), sympy.log(part.constant))

    def power(self, depth: int, scope: tuple[View, ...]) -> _Part:
        part = self.part(depth - 1, scope)
        whole = tuple(map(sympy.Integer, (2, 2, 3, -1, -2)))
        # The root of a constant with parameters is a fraction at their values, and need not be one in parts.
        broken = (*map(sympy.Rational, ("1/2", "-1/2", "3/2")), p) if not part.constant.free_symbols else ()
        exponent = self.random.choice((*whole, *broken))
        if exponent.is_Integer and exponent > 0:
            return _Part(part.node**exponent, part.constant**exponent)
        if part.constant.has(*TRANSCENDENTAL):
            return part
        # A constant is added that makes the base a square.
        root = self.random.choice(tuple(map(Fraction, ("1", "1", "2", "1/2", "3"))))
        base = part.node + _number(root**2 - self.value(part.constant))
        return _Part(base**exponent, _number(root ** int(2 * self.value(exponent))))

    def root(self, depth: int, scope: tuple[View, ...]) -> _Part:
        """A root of a square, of a parameter's or of a difference that may be negative, plus what vanishes at 0."""
        part, size = self.part(depth - 1, scope), self.random.choice((tau, alpha - 1, N, 1 / N, b + 2))
        if part.constant != 0:
            return part
        return _Part((part.node + size**2) ** sympy.Rational(1, 2), sympy.Abs(size))

    def mean(self, depth: int, scope: tuple[View, ...]) -> _Part:
        """A mean over a population, a sample, noise, or the anchor's datum once more."""
        self.room -= 1
        finite = self.random.random() < 0.45
        kinds = [*SAMPLED, *SAMPLED, ANCHOR] if finite else [*POPULATION, *POPULATION, *POPULATION, WHITE, ANCHOR]
        bound = self.random.choice(kinds)
        part = self.part(depth - 1, (*_without(scope, bound), *bound, *bound))
        if finite:
            return part._replace(node=Mean(part.node, over=bound, count=self.random.choice(COUNTS)))
        if depth > 1 and self.random.random() < 0.2:
            return _Part(variance(part.node, over=bound))
        return part._replace(node=Mean(part.node, over=bound))

    def pairs(self, depth: int, scope: tuple[View, ...]) -> _Part:
        """A mean over the pairs of a sample without the diagonal."""
        self.room -= 1
        first = self.random.choice(SAMPLED)
        bound = (*first, *OTHERS[first[0].datum])
        count = self.random.choice((N, N, sympy.Integer(2), N + 1))
        part = self.part(depth - 1, (*_without(scope, bound), *bound, *bound))
        return part._replace(node=Mean(part.node, over=distinct(*bound), count=count))

    def further(self, depth: int, scope: tuple[View, ...]) -> _Part:
        """A mean over further views of a datum: all, a number of them, or different ones of a number."""
        self.room -= 1
        of = self.random.choice([view for view in scope if not view.white] or [None])
        if of is None:
            return self.leaf(scope)
        count = self.random.choice((V, V, V, sympy.Integer(2), None))
        names = (View(f"{of.datum}_{name}", of.datum) for name in "fghijklmnop")
        new = [view for view in names if view not in scope][: self.random.choice((1, 1, 2))]
        part = self.part(depth - 1, (*scope, *new, *new))
        return part._replace(
            node=Mean(part.node, over=distinct(*new) if count and new[1:] else new, of=of, count=count)
        )

    def coordinates(self, depth: int, scope: tuple[View, ...]) -> _Part:  # noqa: ARG002 (one of the choices)
        """A sum over the coordinates of f themselves, odd powers among them."""
        (i, j), u, v, weight = map(Index, "ij"), self.random.choice(scope), self.random.choice(scope), self.weight()
        at = {index: (Coordinate(u, index), Coordinate(v, index)) for index in (i, j)}
        return _Part(
            self.random.choice((
                diagonal_sum(lambda i: exp(weight * Coordinate(u, i)) - 1),
                CoordinateSum(at[i][0] ** 2 * at[i][1] ** 2, i),
                CoordinateSum(at[i][0] ** 3, i) * CoordinateSum(at[j][1], j) * weight,
                CoordinateSum(CoordinateSum(at[i][0] * at[i][1] * at[j][0] ** 2, j), i),
            ))
        )  # fmt: skip

    def matrices(self, depth: int, scope: tuple[View, ...]) -> _Part:  # noqa: ARG002
        """A log det or an inverse of second moments plus a multiple of the identity."""
        self.room -= 1
        bound, ridge = (
            self.random.choice((*POPULATION, ANCHOR)),
            self.random.choice((sympy.S.One, 2, alpha, tau, 1 / tau)),
        )
        count = self.random.choice((None, None, N, sympy.Integer(2)))
        M, Q = (
            SecondMoment(self.random.choice(bound), self.random.choice(bound), count, self.random.random() < 0.3)
            for _ in range(2)
        )
        whole, d1 = M * self.weight() + ridge * identity, EMBEDDING_DIMENSION
        return self.random.choice((
            _Part(log_det(whole), d1 * sympy.log(ridge)),
            _Part(trace(inverse(whole) @ Q)),
            _Part(trace(inverse(whole) @ Q @ inverse(whole.T) @ Q.T)),
            _Part(trace(inverse(whole)), d1 / ridge),
            _Part(off_diagonal_sum(lambda i, j: (Q[i, j] - identity[i, j]) ** 2 * inverse(whole)[j, i])),
        ))  # fmt: skip

    def moments(self, depth: int, scope: tuple[View, ...]) -> _Part:  # noqa: ARG002
        """A sum over coordinates of a second moment's entries, as in Barlow Twins and VICReg."""
        self.room -= 1
        bound, weight = self.random.choice((*POPULATION, ANCHOR)), self.weight()
        left, right = self.random.choice(bound), self.random.choice(bound)
        count = self.random.choice((None, None, N, sympy.Integer(2)))
        M = SecondMoment(left, right, count=count, centred=self.random.random() < 0.4)
        d1 = EMBEDDING_DIMENSION
        i, j, k = map(Index, "ijk")
        cycle = CoordinateSum(CoordinateSum(CoordinateSum(M[i, j] * M[j, k] * M[k, i], k), j), i)
        return self.random.choice((
            _Part(diagonal_sum(lambda i: (1 - M[i, i]) ** 2), d1),
            _Part(off_diagonal_sum(lambda i, j: M[i, j] ** 2 * weight)),
            _Part(cycle),
            _Part(diagonal_sum(lambda i: (4 + M[i, i]) ** sympy.Rational(-1, 2)), d1 / 2),
            _Part(diagonal_sum(lambda i: M[i, i] ** 2 * weight) / d1),
            _Part(log(1 + diagonal_sum(lambda i: exp(M[i, i]) - 1))),
        ))  # fmt: skip


def _without(scope: tuple[View, ...], bound: tuple[View, ...]) -> tuple[View, ...]:
    """The views of other data."""
    data = {view.datum for view in bound}
    return tuple(view for view in scope if view.datum not in data)


def _number(value: Fraction) -> sympy.Expr:
    return sympy.Rational(value.numerator, value.denominator)
