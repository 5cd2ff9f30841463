"""Means over r equal kept modes of view correlation λ, of any function of cosines and powers of lengths.

A direction that hangs on the others by one cosine is uniform given them. Where the data of a term hang together as a
tree, all cosines between data are independent, of each other and of what two views of a datum have in common; lengths
are independent of cosines between data. So a term is a product of integrals over one cosine each
(`numeric.sphere.cosine_laws`). A mean over data inside a logarithm or a quotient is a number, as no direction is
special.

The error is what halving all steps changes, and rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive.definition.contents import parameters
from derive.definition.expression import (
    Average,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    Log,
    Power,
    Product,
    Scalar,
    Sum,
    walk,
)
from derive.definition.factors import unscaled
from derive.errors import InputError
from derive.sphere.homogeneous import degrees, terms
from derive.sphere.transverse import averaged
from numeric.sphere.cosine_laws import EqualModes, InfiniteMeanError
from numeric.sphere.precision import precision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.definition.views import View

Pair = frozenset["View"]
# How often steps are halved before a mean is given up.
LEVELS = 6
# Rounding of floats, relative: SciPy's hypergeometric function, and what cancels in a slope.
ROUNDING = 5e-13
# The rank from which on rounding grows with it.
LARGE = 50


@dataclass(frozen=True)
class Value:
    """A number with a bound on its error; both mpmath's where digits were asked for."""

    value: Any
    error: Any


def equal_modes(
    node: Expression, r: int, correlation: float | sympy.Rational, *, digits: int | None = None, closed: bool = True
) -> Value:
    """The value of a mean over r equal kept modes, E|f|² = 1.

    Args:
        node: as `derive.sphere.transverse.transverse` finds them: a definition over views of the kept block, its
            parameters set. It is averaged over views that it leaves free.
        r: the number of kept modes, 2 or more.
        correlation: λ of two views of a kept mode, from 0 to 1.
        digits: how many; double precision where none is given.
        closed: whether closed forms are used where they are known; everything is integrated otherwise.

    Raises:
        InputError: r or λ is out of range; a parameter has no value; the mean is infinite at rank r, or no function of
            cosines whose data hang together as a tree.

    >>> from derive import catalogue
    >>> from derive.sphere.transverse import transverse
    >>> found = transverse(catalogue("infonce+normalised").filled())
    >>> alpha, beta = (equal_modes(one, 10, sympy.Rational(9, 10), digits=20) for one in (found.alpha, found.beta))
    >>> str(beta.value / alpha.value)[:12]
    '0.7748759121'

    """
    if r < 2:
        message = f"r = {r}: with one kept mode E 1/(|f| |f′|) is infinite; means over equal modes need 2 or more"
        raise InfiniteMeanError(message)
    if not 0 <= correlation <= 1:
        message = f"kept = {correlation}: the correlation of two views of a kept mode is from 0 to 1"
        raise InputError(message)
    if left := sorted(parameters(node)):
        message = f"{left[0]} has no value; set it"
        raise InputError(message)
    law = EqualModes(r, correlation, precision(digits))
    whole = averaged(node)
    number, body = unscaled(whole)
    first = 0 if digits is None else 1
    last = _Means(law, first, closed).value(whole)
    for level in range(first + 1, LEVELS):
        means = _Means(law, level, closed)
        found = means.value(whole)
        # What cancels is rounded too.
        size = abs(found) + law.numbers.tolerance + float(abs(number)) * means.size(body)
        change = abs(found - last)
        if not change < np.inf:
            break
        if change <= law.numbers.tolerance * 10 * size or (change <= ROUNDING * size and digits is None):
            if digits is None:
                return Value(float(found), float(change + ROUNDING * (1 + r / LARGE) * size))
            return Value(found, change + law.numbers.tolerance * size)
        last = found
    message = f"a mean over {r} equal modes does not converge: {last} at the last step but one, {found} at the last"
    raise InputError(message)


@dataclass
class _Means:
    """Means at one step of the quadratures."""

    law: EqualModes
    level: int
    closed: bool
    known: dict[Expression, Any] = field(default_factory=dict)

    def value(self, node: Expression) -> Any:
        """A definition without free views."""
        return self.at(node, {})

    def size(self, node: Expression) -> Any:
        """The sum of the absolute values of the terms that a mean, or a product, is the sum of."""
        if not isinstance(node, Average):
            return abs(self.value(node))
        over = frozenset(node.over)
        return sum(abs(self._of_term(term, over, node.count)) for term in terms(node.body))

    def at(self, node: Expression, cosines: Mapping[Pair, Any]) -> Any:
        """A definition at unit vectors, given their cosines; a mean does not depend on them."""
        numbers = self.law.numbers
        match node:
            case Scalar(value):
                return numbers.number(value)
            case Inner(u, v):
                return numbers.number(sympy.S.One) if u == v else self._cosine(u, v, cosines)
            case HalfSquare(u, v):
                one = numbers.number(sympy.S.One)
                return one - one if u == v else one - self._cosine(u, v, cosines)
            case Sum(parts):
                return sum(self.at(part, cosines) for part in parts)
            case Product(factors):
                return prod(self.at(factor, cosines) for factor in factors)
            case Power(base, exponent):
                below = self.at(base, cosines)
                return below ** (int(exponent) if exponent.is_Integer else numbers.number(exponent))
            case Exp(part):
                return numbers.exp(self.at(part, cosines))
            case Log(part):
                return numbers.log(self.at(part, cosines))
            case Average(body, over, count):
                if node not in self.known:
                    self.known[node] = self._mean(body, over, count)
                return self.known[node]
        message = f"{type(node).__name__} has no value over equal modes"
        raise InputError(message)

    def _cosine(self, u: View, v: View, cosines: Mapping[Pair, Any]) -> Any:
        if frozenset((u, v)) not in cosines:
            message = f"{u.name} and {v.name} hang together in a mean of another kind than a tree"
            raise InputError(message)
        return cosines[frozenset((u, v))]

    def _mean(self, body: Expression, over: tuple[View, ...], count: sympy.Expr | None) -> Any:
        """The mean of a body over views, those outside being unit vectors."""
        return sum(self._of_term(term, frozenset(over), count) for term in terms(body))

    def _of_term(self, term: Expression, over: frozenset[View], count: sympy.Expr | None) -> Any:
        factors = term.factors if isinstance(term, Product) else (term,)
        lengths = {view: power for view, power in (degrees(term) or {}).items() if view in over}
        by_pair: dict[Pair, list[Expression]] = {}
        number = self.law.numbers.number(sympy.S.One)
        for factor in factors:
            _check_samples(factor, count)
            pairs = _pairs(factor)
            if not pairs:
                number = number * self.at(factor, {})
            elif len(pairs) == 1:
                by_pair.setdefault(pairs.pop(), []).append(factor)
            else:
                names = ", ".join(sorted(" and ".join(sorted(view.name for view in pair)) for pair in pairs))
                message = f"a factor depends on several cosines at once: of {names}"
                raise InputError(message)
        _check_tree(set(by_pair))
        within: dict[str, Pair] = {}
        for pair, own in by_pair.items():
            u, v = pair
            if not pair & over:
                message = f"a mean inside depends on the cosine of {u.name} and {v.name}"
                raise InputError(message)
            if u.datum != v.datum:
                number = number * self._apart(own, pair)
            else:
                within[u.datum] = pair
        for datum in sorted({view.datum for view in over}):
            powers = {view: power for view, power in lengths.items() if view.datum == datum}
            number = number * self._within(powers, within.get(datum), by_pair)
        return number

    def _apart(self, factors: list[Expression], pair: Pair) -> Any:
        """A mean over the cosine of two data."""
        if self.closed and (known := _as_exponential(factors, pair)) is not None:
            constant, power, rate = known
            law, numbers = self.law, self.law.numbers
            return numbers.exp(numbers.number(constant)) * law.exponential(power, numbers.number(rate))
        return self.law.apart(partial(self._along, factors, pair), self.level)

    def _within(
        self, lengths: Mapping[View, sympy.Expr], pair: Pair | None, by_pair: Mapping[Pair, list[Expression]]
    ) -> Any:
        """A mean over the views of a datum: powers of their lengths, and what depends on their cosine."""
        views = sorted(pair or lengths)
        if not views:
            return self.law.numbers.number(sympy.S.One)
        if len(views) > 2 or set(lengths) - set(views):
            message = f"a term has three views of {views[0].datum} at once"
            raise InputError(message)
        powers = tuple(lengths.get(view, sympy.S.Zero) for view in views)
        # E|f|² = 1 instead of r.
        scale = self.law.numbers.number(sympy.Integer(self.law.r)) ** -self.law.numbers.number(sum(powers) / 2)
        if len(views) == 1:
            return scale * self.law.length(powers[0])
        both = (powers[0], powers[1])
        factors = by_pair[pair] if pair else []
        power = _as_power(factors, pair) if self.closed else None
        if power in (0, 1):
            return scale * self.law.monomial(both, power)
        function = partial(self._along, factors, pair)
        return scale * self.law.together(both, function, self.level)

    def _along(self, factors: list[Expression], pair: Pair | None, cosine: Any) -> Any:
        one = cosine * 0 + 1
        return prod((self.at(factor, {pair: cosine} if pair else {}) for factor in factors), start=one)


def _pairs(node: Expression) -> set[Pair]:
    """The pairs of different views whose cosines a node depends on; a mean inside is a number."""
    match node:
        case Inner(u, v) | HalfSquare(u, v):
            return {frozenset((u, v))} if u != v else set()
        case Sum(parts) | Product(parts):
            return set().union(*map(_pairs, parts))
        case Power(part, _) | Exp(part) | Log(part):
            return _pairs(part)
        case Average(body, over, _):
            inside = {pair for pair in _pairs(body) if not pair & set(over)}
            outside = {
                view for part in walk(body) for pair in _pairs(part) if pair & set(over) for view in pair - set(over)
            }
            if len(outside) > 1:
                names = " and ".join(sorted(view.name for view in outside))
                message = f"a mean inside depends on the cosine of {names}"
                raise InputError(message)
            return inside
    return set()


def _check_tree(pairs: set[Pair]) -> None:
    """Refuse data that hang together in a circle."""
    root: dict[str, str] = {}

    def top(datum: str) -> str:
        while root.get(datum, datum) != datum:
            datum = root[datum]
        return datum

    seen: dict[str, Pair] = {}
    for pair in pairs:
        u, v = pair
        if u.datum == v.datum:
            if u.datum in seen:
                message = f"a term has three views of {u.datum} at once"
                raise InputError(message)
            seen[u.datum] = pair
            continue
        one, other = top(u.datum), top(v.datum)
        if one == other:
            message = f"{u.name} and {v.name} hang together in more than one way"
            raise InputError(message)
        root[one] = other


def _check_samples(factor: Expression, count: sympy.Expr | None) -> None:
    """Refuse a finite sample that does not enter linearly: its mean is no population mean."""
    nested = [node for node in walk(factor) if isinstance(node, Average) and node.count is not None]
    linear = isinstance(factor, Average) and len(nested) == 1 and factor.count is not None and count is None
    if nested and not linear:
        message = "a finite sample enters in another way than linearly"
        raise InputError(message)


def _as_power(factors: list[Expression], pair: Pair | None) -> int | None:
    """k where a product of factors is c^k at unit vectors."""
    total = 0
    for factor in factors:
        match factor:
            case Inner(u, v) if frozenset((u, v)) == pair:
                total += 1
            case Power(Inner(u, v), exponent) if frozenset((u, v)) == pair and exponent.is_Integer and exponent > 0:
                total += int(exponent)
            case _:
                return None
    return total


def _as_exponential(factors: list[Expression], pair: Pair) -> tuple[sympy.Expr, int, sympy.Expr] | None:
    """(a, k, κ) where a product of factors is c^k exp(a + κ c) at unit vectors, k = 0 or 1."""
    exponents = [factor.argument for factor in factors if isinstance(factor, Exp)]
    power = _as_power([factor for factor in factors if not isinstance(factor, Exp)], pair)
    if power not in (0, 1):
        return None
    constant, rate = sympy.S.Zero, sympy.S.Zero
    for exponent in exponents:
        line = _as_line(exponent, pair)
        if line is None:
            return None
        constant, rate = constant + line[0], rate + line[1]
    return constant, power, rate


def _as_line(node: Expression, pair: Pair) -> tuple[sympy.Expr, sympy.Expr] | None:
    """(a, b) where a node is a + b c at unit vectors."""
    match node:
        case Scalar(value):
            return value, sympy.S.Zero
        case Inner(u, v):
            return (sympy.S.Zero, sympy.S.One) if frozenset((u, v)) == pair else (sympy.S.One, sympy.S.Zero)
        case HalfSquare():
            return sympy.S.One, sympy.S.NegativeOne
        case Power(Inner(u, v), _) if u == v:
            return sympy.S.One, sympy.S.Zero
        case Sum(parts):
            lines = [_as_line(part, pair) for part in parts]
            known = [line for line in lines if line is not None]
            return (sum(a for a, _ in known), sum(b for _, b in known)) if len(known) == len(lines) else None
        case Product(factors):
            a, b = sympy.S.One, sympy.S.Zero
            for factor in factors:
                line = _as_line(factor, pair)
                if line is None or (b != 0 and line[1] != 0):
                    return None
                a, b = a * line[0], a * line[1] + b * line[0]
            return a, b
    return None
