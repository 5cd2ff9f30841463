"""The sign of an expression for all values of its symbols in their ranges: proved, or open.

The signs that an expression can have are a set, a part of {−1, 0, 1}, put together from those of its parts. A symbol is
replaced by a *letter* that is positive or zero: x in (l, h) is (l + h p)/(1 + p), N ≥ 2 is 2 + p, and a
symbol without a sign is p, 0 and −p in turn. A sum is then a quotient of polynomials in letters; signs follow from
their coefficients, from the roots of a polynomial in one letter, from a discriminant; what is not a polynomial, such as
a logarithm, is a letter of its own, whose range is that of log g according to g − 1. Where all that leaves a sign open,
interval arithmetic on parts of the ranges decides some of what is left.

The ranges come to `sign` in one of two ways. What has ranges of its own, such as a `Landscape` or an `Expansion`,
passes them: ``sign(value, ranges=…)``. A derivation that walks through a whole definition or expansion runs ``with
over(ranges)``, and the functions that it calls (`derive.landscape.structure`, `mixed`, `coordinates`, `logarithms`,
normal forms) pass none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import product

import sympy

from derive.algebra.letters import sum_j
from derive.algebra.polynomial_signs import ALL, MINUS, NO, PLUS, Signs, of_number, of_polynomial, times
from derive.algebra.ranges import Ranges, assumed
from derive.algebra.size import PARTS, parts
from derive.algebra.subdivision import by_intervals

NONE = Ranges()
_HERE: ContextVar[Ranges] = ContextVar("ranges", default=NONE)
# A symbol without a sign makes three cases; more of them than this are left open.
_SPLIT = 3
_ODD = (sympy.atan, sympy.tanh, sympy.sinh, sympy.asinh, sympy.erf, sympy.asin, sympy.atanh, sympy.LambertW)


@contextmanager
def over(ranges: Ranges) -> Iterator[None]:
    """A context in which signs are decided over these ranges wherever none are given.

    >>> from derive.algebra.ranges import Range
    >>> rho = sympy.Symbol("rho")
    >>> with over(Ranges.collect({rho: Range(sympy.S.Zero, sympy.S.One)})):
    ...     print(sign(1 - rho))
    1
    """
    before = _HERE.set(ranges)
    try:
        yield
    finally:
        _HERE.reset(before)


def sign(value: sympy.Expr, given: sympy.Expr = sympy.S.One, ranges: Ranges | None = None) -> int | None:
    """1, 0 or −1 where that holds for all values of the symbols in their ranges; None where it is open.

    Args:
        value: an expression that is real and defined where its symbols are in their ranges.
        given: another expression that is positive.
        ranges: of the symbols; one that is not listed is positive, unless its SymPy assumptions say otherwise. Those
            set by `over` unless given.

    >>> a, c, N = sympy.symbols("a_i c_i N")
    >>> sign(a + c), sign(a - c), sign(-sympy.exp(a) * c), sign(a - a), sign(a - c, given=a - 2 * c)
    (1, None, -1, 0, 1)
    >>> from derive.algebra.ranges import Range
    >>> pairs = Ranges.collect({N: Range(sympy.Integer(2), sympy.oo, whole=True)})
    >>> sign(N - 1), sign(N - 1, ranges=pairs), sign(N - 2, ranges=pairs), sign(2 * N - 3, ranges=pairs)
    (None, 1, None, 1)
    >>> q, r = sympy.Symbol("q", negative=True), sympy.Symbol("r", real=True)
    >>> sign(-a * q), sign(a * r), sign(sympy.exp(r) - q), sign(r**2 - r + 1)
    (1, None, 1, 1)
    >>> sign(-sympy.log(2) * a), sign(sympy.sqrt(2) - 1), sign(sympy.cos(2)), sign(sympy.log(a)), sign(sympy.log(1 + a))
    (-1, 1, -1, None, 1)
    """
    found = signs(value, given, ranges)
    return next(iter(found)) if len(found) == 1 else None


def signs(value: sympy.Expr, given: sympy.Expr = sympy.S.One, ranges: Ranges | None = None) -> Signs:
    """All the signs that an expression may have, as `sign` takes its arguments; {0, 1} where it is never negative.

    >>> a, c = sympy.symbols("a c")
    >>> sorted(signs((a - c) ** 2)), sorted(signs(a - c))
    ([0, 1], [-1, 0, 1])
    """
    return _signs(value, given, _HERE.get() if ranges is None else ranges)


@lru_cache(maxsize=10_000)
def _signs(value: sympy.Expr, given: sympy.Expr, ranges: Ranges) -> Signs:
    if parts(value) > PARTS:
        return ALL
    conditions = tuple(one for one in (given, *ranges.positive) if one.free_symbols)
    found = _over_cases(value, conditions, ranges)
    if len(found) > 1 and value.free_symbols:
        found &= by_intervals(value, ranges)
    return found or ALL


def _over_cases(value: sympy.Expr, conditions: tuple[sympy.Expr, ...], ranges: Ranges) -> Signs:
    """The signs over all cases of the symbols."""
    symbols = sorted(sympy.Tuple(value, *conditions).free_symbols, key=sympy.default_sort_key)
    choices = [_letters_of(symbol, ranges) for symbol in symbols]
    if not all(choices) or sum(len(one) > 1 for one in choices) > _SPLIT:
        return ALL
    found: Signs = NO
    for case in product(*choices):
        put = dict(zip(symbols, case, strict=True))
        found |= _given(_put(value, put), tuple(_put(one, put) for one in conditions))
        if found == ALL:
            break
    return found


def _put(value: sympy.Expr, letters: dict[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    return value.xreplace(letters) if value.free_symbols else value


def _letters_of(symbol: sympy.Symbol, ranges: Ranges) -> list[sympy.Expr]:
    """A symbol in letters: one expression for each case; none for a symbol that need not be real."""
    if symbol.is_extended_real is False or (symbol.is_complex and symbol.is_extended_real is None):
        return []
    known = ranges[symbol]
    positive = sympy.Dummy(symbol.name, positive=True)
    if known.whole:
        return [known.low + sympy.Dummy(symbol.name, nonnegative=True, integer=True)]
    if known == assumed(symbol) and symbol.is_extended_nonnegative and not symbol.is_extended_positive:
        return [sympy.Dummy(symbol.name, nonnegative=True)]
    low, high = known.low, known.high
    if low.is_infinite:
        return [positive, sympy.S.Zero, -positive] if high.is_infinite else [high - positive]
    return [low + positive] if high.is_infinite else [(low + high * positive) / (1 + positive)]


def _given(value: sympy.Expr, conditions: tuple[sympy.Expr, ...]) -> Signs:
    """The signs of an expression in letters where some others are positive."""
    found = _of(value)
    for number, one in enumerate(conditions):
        if len(found) == 1:
            break
        rest = conditions[:number] + conditions[number + 1 :]
        found &= times(_of(sympy.cancel(value / one)), PLUS)
        # The given expression becomes a positive letter, in place of one that it is linear in.
        for letter in sorted(one.free_symbols, key=sympy.default_sort_key):
            slope = sympy.cancel(sympy.diff(one, letter))
            if slope.has(letter) or _of(slope) not in (PLUS, MINUS) or len(found) == 1:
                continue
            positive = sympy.Dummy(positive=True)
            put = {letter: (positive - one.subs(letter, 0)) / slope}
            found &= _given(value.xreplace(put), tuple(other.xreplace(put) for other in rest))
    return found


def _of(value: sympy.Expr) -> Signs:
    """The signs of an expression in letters."""
    if value.is_number:
        return of_number(value)
    match value:
        case sympy.Symbol():
            return PLUS if value.is_positive else PLUS | {0} if value.is_nonnegative else ALL
        case sympy.Mul():
            return times(*map(_of, value.args))
        case sympy.Add():
            return _of_sum(value)
        case sympy.exp() | sympy.cosh():
            return PLUS
        case sympy.Pow():
            return _of_power(*value.as_base_exp())
        case sympy.log():
            return _of(value.args[0] - 1)
        case sympy.Abs():
            return frozenset(one * one for one in _of(value.args[0]))
        case sympy.Max() | sympy.Min():
            pick = max if isinstance(value, sympy.Max) else min
            return frozenset(map(pick, product(*map(_of, value.args))))
    if isinstance(value, (*_ODD, sum_j)):
        # A sum over modes has the sign of its summand where all modes agree in it, for there is one mode at least.
        inside = _of(value.args[0])
        return inside if isinstance(value, _ODD) or not {-1, 1} <= inside else ALL
    return ALL


def _of_power(base: sympy.Expr, exponent: sympy.Expr) -> Signs:
    of_base = _of(base)
    if exponent.is_integer and exponent.is_even is not None:
        found = frozenset(one * one for one in of_base) if exponent.is_even else of_base
    elif of_base <= {0, 1} or not exponent.is_integer:
        # A root is real where its radicand is not negative; then it is not negative itself.
        found = (of_base & {0, 1}) or ALL
    else:
        found = ALL
    # Where it is defined it is not divided by 0.
    return found if _of(exponent) == PLUS else (found - {0} or ALL) if _of(exponent) == MINUS else found | {1}


def _of_sum(value: sympy.Expr) -> Signs:
    """The signs of a sum: as a quotient of polynomials in letters, some of which stand for what is not a polynomial."""
    value, hidden = _polynomial_in(sympy.expand_power_exp(value))
    choices = [_choices(part, letter) for part, letter in hidden.items()]
    if sum(len(one) > 1 for one in choices) > _SPLIT:
        return ALL
    found: Signs = NO
    for case in product(*choices):
        put = dict(zip(hidden.values(), case, strict=True))
        parts = sympy.fraction(sympy.together(value.xreplace(put)))
        found |= times(*(of_polynomial(one) - ({0} if number else NO) or ALL for number, one in enumerate(parts)))
        if found == ALL:
            return _of_surd(value, hidden)
    return found


def _polynomial_in(value: sympy.Expr) -> tuple[sympy.Expr, dict[sympy.Expr, sympy.Symbol]]:
    """A sum with letters for its exponentials, roots, logarithms and other functions, and what each stands for.

    exp(u), exp(u/2) and exp(−u) are powers of one letter, and so are √p, p and 1/√p.
    """
    degrees: dict[sympy.Expr, sympy.Integer] = {}
    parts = [part for part in _irrational(value) if part.free_symbols]
    for part in parts:
        base, power = _core(part)
        degrees[base] = sympy.ilcm(degrees.get(base, 1), power.q)
    letters: dict[sympy.Expr, sympy.Symbol] = {}
    put: dict[sympy.Expr, sympy.Expr] = {}
    for part in parts:
        base, power = _core(part)
        root = _power(base, sympy.Rational(1, degrees[base]))
        letter = letters.setdefault(root, sympy.Dummy(positive=True))
        put[part] = letter ** (power * degrees[base])
    # A letter under a root is a power of that root.
    plain = {base: letters[_power(base, sympy.Rational(1, q))] ** q for base, q in degrees.items() if base.is_Symbol}
    return value.xreplace(put).xreplace(plain), letters


def _irrational(value: sympy.Expr) -> list[sympy.Expr]:
    """The outermost parts of an expression that are not polynomials or quotients of such."""
    if isinstance(value, sympy.Add | sympy.Mul) or (isinstance(value, sympy.Pow) and value.exp.is_Integer):
        return list(dict.fromkeys(part for one in value.args for part in _irrational(one)))
    return [] if value.is_Symbol or value.is_number else [value]


def _core(part: sympy.Expr) -> tuple[sympy.Expr, sympy.Rational]:
    """exp(2u/3) as (exp(u), ⅔), p^(3/2) as (p, 3/2), anything else as (itself, 1)."""
    if isinstance(part, sympy.exp):
        number, rest = part.args[0].as_coeff_Mul()
        return (sympy.exp(rest), number) if number.is_Rational else (part, sympy.S.One)
    if isinstance(part, sympy.Pow):
        base, exponent = part.as_base_exp()
        number, rest = exponent.as_coeff_Mul()
        if number.is_Rational:
            return (base if rest == 1 else sympy.Pow(base, rest)), number
    return part, sympy.S.One


def _power(base: sympy.Expr, exponent: sympy.Rational) -> sympy.Expr:
    return sympy.exp(base.args[0] * exponent) if isinstance(base, sympy.exp) else sympy.Pow(base, exponent)


def _choices(part: sympy.Expr, letter: sympy.Symbol) -> list[sympy.Expr]:
    """What is not a polynomial, in a positive letter: one expression for each case, according to its sign or size."""
    if isinstance(part, sympy.Pow | sympy.exp):
        # A power of what is above 1 is above 1 where the exponent is positive.
        base, exponent = part.as_base_exp()
        above = _of(exponent) if isinstance(part, sympy.exp) else times(_of(base - 1), _of(exponent))
        of_one = {PLUS: 1 + letter, MINUS: 1 / (1 + letter), PLUS | {0}: 1 + _plain(letter)}
        if above in of_one:
            return [of_one[above]]
    found = _of(part)
    if found == PLUS | {0}:
        return [_plain(letter)]
    return [{1: letter, 0: sympy.S.Zero, -1: -letter}[one] for one in sorted(found)]


def _plain(letter: sympy.Symbol) -> sympy.Symbol:
    """A letter that may be 0."""
    return sympy.Dummy(letter.name, nonnegative=True)


def _of_surd(value: sympy.Expr, hidden: dict[sympy.Expr, sympy.Symbol]) -> Signs:
    """The signs of A + B √g: those of A and B √g where they agree, and of A² − B² g where they do not."""
    if len(hidden) != 1:
        return ALL
    ((root, letter),) = hidden.items()
    if not (isinstance(root, sympy.Pow) and root.exp == sympy.Rational(1, 2)):
        return ALL
    top, bottom = sympy.fraction(sympy.together(value))
    top = sympy.Poly(sympy.expand(top), letter)
    # Even powers of the root are not roots.
    free, slope = sympy.S.Zero, sympy.S.Zero
    for (power,), coefficient in top.terms():
        part = coefficient * root.base ** (power // 2)
        free, slope = (free, slope + part) if power % 2 else (free + part, slope)
    if bottom.has(letter):
        return ALL
    of_free, of_slope = _of(sympy.expand(free)), times(_of(slope), _of(root))
    gap = _of(sympy.expand(free**2 - slope**2 * root.base))
    found: Signs = NO
    for one, other, larger in product(of_free, of_slope, gap):
        consistent = larger == one * one - other * other if 0 in (one, other) else True
        if consistent:
            found |= {one + other if 0 in (one, other) else one if one == other or larger > 0 else other * abs(larger)}
    return times(found or ALL, _of(bottom))


def relation(value: sympy.Expr, kind: type[sympy.Rel], ranges: Ranges | None = None) -> sympy.Basic:
    """value > 0, or another relation to 0, for all symbols in their ranges: true, false, or a condition.

    The condition is on the numerator where the denominator is positive.

    >>> a, c = sympy.symbols("a_i c_i")
    >>> relation(a + c, sympy.Gt), relation((a - c) / (a + c), sympy.Le), relation((a - c) ** 2, sympy.Ge)
    (True, a_i - c_i <= 0, True)
    """
    if value.is_infinite:
        return kind(value, 0)
    possible = {kind(sympy.Integer(found), 0) for found in signs(value, ranges=ranges)}
    if len(possible) == 1:
        return possible.pop()
    numerator, denominator = sympy.fraction(sympy.factor(value))
    if sign(denominator, ranges=ranges) != 1:
        numerator = value
    return kind(sympy.expand(numerator), 0, evaluate=False)
