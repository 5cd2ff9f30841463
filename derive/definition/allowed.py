"""Which parameters a definition allows: samples of one draw or more, positive arguments of logarithms and roots."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import sympy

from derive.algebra.polynomial_signs import MINUS, PLUS
from derive.algebra.ranges import POSITIVE, Range, Ranges, assumed
from derive.algebra.signs import signs
from derive.definition.contents import drawn_together
from derive.definition.expression import (
    Average,
    CoordinateSum,
    Delta,
    Exp,
    Expression,
    InverseEntry,
    Log,
    LogDet,
    Power,
    Product,
    Scalar,
    Sum,
    ViewAverage,
    as_scalar,
    scalars,
    walk,
)
from derive.definition.matrices import beside_identity
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def declared(given: Mapping[str, object], parameters: Mapping[str, sympy.Symbol], loss: str) -> Ranges:
    """The ranges given by name, each a pair of excluded ends, None where there is no end.

    Raises:
        InputError: a name that is not a parameter, or a pair that is not a range.

    >>> str(declared({"rho": (0, 1)}, {"rho": sympy.Symbol("rho")}, "loss"))
    'rho: between 0 and 1'
    """
    found: dict[sympy.Symbol, Range] = {}
    for name, pair in given.items():
        if name not in parameters:
            listed = ", ".join(parameters) or "none"
            message = f"{loss}: ranges names {name!r}, which is not a parameter; the parameters are: {listed}"
            raise InputError(message)
        symbol = parameters[name]
        one = _range(pair, f"{loss}: ranges[{name!r}] = {pair!r}")
        found[symbol] = one if symbol.is_extended_real is None else one.within(assumed(symbol))
        if found[symbol].empty:
            message = f"{loss}: the symbol {name} was made {assumed(symbol)}, and its range is {one}"
            raise InputError(message)
    return Ranges.collect(found)


def _range(pair: object, what: str) -> Range:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        message = f"{what} is not a pair of ends; write (0, 1), or (0, None) where there is no upper end"
        raise InputError(message)
    low, high = (end if end is None else as_scalar(end) for end in pair)
    if any(end is not None and not end.is_number for end in (low, high)):
        message = f"{what}: the ends of a range are numbers, or None"
        raise InputError(message)
    one = Range(-sympy.oo if low is None else low, sympy.oo if high is None else high)
    if one.empty:
        message = f"{what} contains no number; the lower end comes first, and the ends are excluded"
        raise InputError(message)
    return one


def domain(expression: Expression, batch: sympy.Expr | None, known: Ranges, loss: str) -> Ranges:
    """The ranges of a definition's parameters: those that were declared, narrowed to where it is defined.

    Args:
        expression: the definition.
        batch: the number of data in a batch, which is 2 or more, or None.
        known: what was declared.
        loss: its name.

    Raises:
        InputError: no value is left for a parameter.

    """
    for least, count in [*drawn_together(expression), *([(2, batch)] if batch is not None else [])]:
        known = _counted(count, least, known)
    conditions = list(dict.fromkeys(_positive(expression)))
    # A condition may be simpler once another has narrowed the ranges.
    for _ in range(2):
        for value in conditions:
            known = _narrowed(value, known, loss)
    return known


def _counted(count: sympy.Expr, least: int, known: Ranges) -> Ranges:
    """The ranges narrowed to where a sample or a batch has ``least`` data or more."""
    if len(count.free_symbols) == 1:
        (symbol,) = count.free_symbols
        slope = sympy.diff(count, symbol)
        if slope.is_Rational and slope > 0:
            start = sympy.ceiling((least - count.subs(symbol, 0)) / slope)
            before = dict(known.of).get(symbol, POSITIVE if symbol.is_extended_real is None else assumed(symbol))
            return known.with_(symbol, Range(start, sympy.oo, whole=True).within(before))
    return Ranges.collect(dict(known.of), (*known.positive, count)) if count.free_symbols else known


def _positive(expression: Expression) -> Iterator[sympy.Expr]:
    """What has to be positive: arguments of logarithms and radicands, at W = 0 where they depend on W."""
    for value in scalars(expression):
        for part in sorted(value.atoms(sympy.log, sympy.Pow), key=sympy.default_sort_key):
            if isinstance(part, sympy.log) or not part.exp.is_integer:
                yield part.args[0]
    for node in walk(expression):
        if isinstance(node, Log) or (isinstance(node, Power) and not node.exponent.is_integer):
            inside = _at_origin(node.argument if isinstance(node, Log) else node.base)
            if inside is not None:
                yield inside
        elif isinstance(node, LogDet):
            # At W = 0 the matrix is this multiple of the identity.
            yield beside_identity(node)[0]


def _at_origin(node: Expression) -> sympy.Expr | None:
    """The value at W = 0; None where there is none, or where it contains d1 or a coordinate."""
    match node:
        case Scalar(value):
            return value
        case Sum(parts) | Product(parts):
            values = [_at_origin(part) for part in parts]
            if None in values:
                return None
            return (sympy.Add if isinstance(node, Sum) else sympy.Mul)(*values)
        case Exp(part) | Log(part):
            value = _at_origin(part)
            return None if value is None else (sympy.exp if isinstance(node, Exp) else sympy.log)(value)
        case Power(part, exponent):
            value = _at_origin(part)
            return None if value is None else sympy.Pow(value, exponent)
        case Average(part, _, _) | ViewAverage(part, _, _, _):
            return _at_origin(part)
        case CoordinateSum() | Delta() | LogDet() | InverseEntry():
            return None
    return sympy.S.Zero


def _narrowed(value: sympy.Expr, known: Ranges, loss: str) -> Ranges:
    """The ranges narrowed to where an expression is positive."""
    while isinstance(value, sympy.log):
        value = value.args[0] - 1
    if not value.free_symbols or value.has(sympy.zoo, sympy.nan):
        return known
    left, positive = [], True
    for factor in sympy.Mul.make_args(sympy.factor(sympy.together(value))):
        base, exponent = factor.as_base_exp()
        odd = base if exponent.is_odd else factor
        found = signs(odd, ranges=known)
        positive ^= found == MINUS
        if found not in (PLUS, MINUS):
            left.append(odd)
    rest = sympy.expand(sympy.Mul(*left) * (1 if positive else -1))
    never = f"{loss} needs {value} > 0 for a logarithm or a root, which no value of its parameters meets: {known}"
    if not left:
        if not positive:
            raise InputError(never)
        return known
    if len(rest.free_symbols) > 1:
        return Ranges.collect(dict(known.of), (*known.positive, rest))
    (symbol,) = rest.free_symbols
    inside = _where_positive(rest, symbol, known[symbol])
    if inside is None:
        return Ranges.collect(dict(known.of), (*known.positive, rest))
    if inside.empty:
        raise InputError(never)
    return known.with_(symbol, inside)


def _where_positive(value: sympy.Expr, symbol: sympy.Symbol, within: Range) -> Range | None:
    """The interval in which an expression in one symbol is positive; None where it is unknown or not one interval."""
    if not value.is_polynomial(symbol):
        return None
    polynomial = sympy.Poly(value, symbol)
    if polynomial.degree() == 1:
        roots = [-polynomial.nth(0) / polynomial.nth(1)]
    elif all(one.is_Rational for one in polynomial.coeffs()):
        roots = sorted(set(sympy.real_roots(polynomial)))
    else:
        return None
    if not all(root.is_comparable for root in roots):
        return None
    ends = [within.low, *(root for root in roots if bool(within.low < root) and bool(root < within.high)), within.high]
    good = [Range(low, high) for low, high in pairwise(ends) if polynomial.eval(_between(low, high)) > 0]
    if not good:
        return Range(sympy.S.Zero, sympy.S.Zero)
    return good[0].within(within) if len(good) == 1 else None


def _between(low: sympy.Expr, high: sympy.Expr) -> sympy.Expr:
    if low.is_infinite and high.is_infinite:
        return sympy.S.Zero
    return high - 1 if low.is_infinite else low + 1 if high.is_infinite else (low + high) / 2
