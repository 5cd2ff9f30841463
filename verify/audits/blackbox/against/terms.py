"""Two expansions compared, coefficient by coefficient.

A coefficient that is left as a number is compared as a number, at each batch size at which it was measured; its form
does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import sympy

from derive import Expansion
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.notation import TEXT, product_of_invariants

# Batch size → value and error, by the symbol that stands for them; see `verify.audits.blackbox.expanding.Expanded`.
Numbers = Mapping[str, Mapping[int, tuple[float, float]]]
# Errors that are estimated may be too small by this factor; what is written with this many digits is equal within them.
ERRORS, RELATIVE = 20.0, 1e-8
SIZES = range(2, 9)
DIGITS = 40
_N = sympy.Symbol("N")


def differences(
    measured: Expansion,
    derived: Expansion,
    *,
    numbers: Sequence[Numbers] = ({}, {}),
    said: tuple[str, str] = ("in the code", "by the definition"),
    limit: bool = False,
) -> list[str]:
    """The terms in which two expansions differ, by order, with the factor between them and its limit N → ∞.

    Args:
        measured: the first.
        derived: the second.
        numbers: for each, the values of its coefficients that are left as numbers.
        said: where each coefficient comes from, in words.
        limit: whether coefficients that are equal in the limit N → ∞ count as equal.

    >>> from derive import catalogue
    >>> one, other = (catalogue(name).expand(order=4) for name in ("spectral", "infonce"))
    >>> differences(one, other)[0]
    'Tr[W A0 Wᵀ]: -2 in the code, -1 by the definition, a factor of 2'

    """
    one, other = (
        {term.invariants: (term.order, term.coefficient) for term in each.in_basis("A0,Sigma").terms}
        for each in (measured, derived)
    )
    found = []
    for invariants in sorted({*one, *other}, key=lambda key: ((one.get(key) or other[key])[0], len(key), key)):
        mine, theirs = (each.get(invariants, (0, sympy.S.Zero))[1] for each in (one, other))
        order = (one.get(invariants) or other[invariants])[0]
        if limit:
            mine, theirs = (sympy.limit(each, _N, sympy.oo) for each in (mine, theirs))
        if same(mine, theirs, numbers, width=max(2, order // 2)):
            continue
        text = f"{product_of_invariants(invariants, TEXT)}: {_shown(mine, numbers[0])} {said[0]}"
        found.append(f"{text}, {_shown(theirs, numbers[1])} {said[1]}{_factor(mine, theirs, numbers)}")
    return found


def same(mine: sympy.Expr, theirs: sympy.Expr, numbers: Sequence[Numbers] = ({}, {}), width: int = 2) -> bool:
    """Whether two coefficients are equal, whatever their form.

    Args:
        mine: the first.
        theirs: the second.
        numbers: for each, the values of its symbols.
        width: the dimension of the embedding at which numbers were measured.

    >>> q = sympy.Symbol("q1")
    >>> same(q, -10 * sympy.exp(10) / (1 + sympy.exp(10)), [{"q1": {2: (-9.999546021312976, 1e-12)}}, {}])
    True
    >>> same(sympy.log(4), 2 * sympy.log(2)), same(sympy.Integer(2), _N)
    (True, False)

    """
    left = [
        {symbol.name for symbol in each.free_symbols} & set(of)
        for each, of in zip((mine, theirs), numbers, strict=True)
    ]
    if not any(left):
        if sympy.cancel(mine - theirs) == 0:
            return True
        apart = sympy.simplify(mine - theirs)
        free = apart.free_symbols - {_N, EMBEDDING_DIMENSION}
        return not free and all(_vanishes(apart, n, mine) for n in SIZES)
    sizes = [set(of[name]) for names, of in zip(left, numbers, strict=True) for name in names]
    common = sorted(set.intersection(*sizes))
    at = [_values(mine, numbers[0], n, width) for n in common], [_values(theirs, numbers[1], n, width) for n in common]
    close = []
    for (value, error), (known, more) in zip(*at, strict=True):
        if math.isnan(value) or math.isnan(known):
            return False
        close.append(abs(value - known) <= ERRORS * (error + more) + RELATIVE * max(abs(value), abs(known)))
    return bool(close) and all(close)


def _vanishes(apart: sympy.Expr, n: int, beside: sympy.Expr) -> bool:
    at = {_N: n, EMBEDDING_DIMENSION: 3}
    size = max(1.0, abs(float(sympy.N(beside.subs(at)))))
    return bool(abs(sympy.N(apart.subs(at), DIGITS)) < size * 10.0 ** (10 - DIGITS))


def _values(coefficient: sympy.Expr, numbers: Numbers, n: int, width: int) -> tuple[float, float]:
    """A coefficient and its error at one batch size; NaN where a symbol has no value."""
    at: dict[sympy.Symbol, object] = {_N: n, EMBEDDING_DIMENSION: width}
    error = 0.0
    for symbol in coefficient.free_symbols:
        if symbol.name in numbers:
            value, off = numbers[symbol.name][n]
            at[symbol] = value
            slope = sympy.diff(coefficient, symbol).subs({**at, _N: n})
            error += abs(float(slope)) * off if slope.is_number else off
    found = sympy.N(coefficient.subs(at))
    return (float(found), error) if found.is_number else (float("nan"), error)


def _shown(coefficient: sympy.Expr, numbers: Numbers) -> str:
    """A coefficient in words; one that is left as a number with its value at the smallest batch."""
    names = [symbol.name for symbol in coefficient.free_symbols if _measured(symbol.name, numbers)]
    if not names:
        return TEXT.scalar(coefficient)
    n = min(numbers[names[0]])
    value, _ = _values(coefficient, numbers, n, 2)
    same_everywhere = max(v for v, _ in numbers[names[0]].values()) - min(v for v, _ in numbers[names[0]].values())
    constant = not coefficient.has(_N) and same_everywhere <= RELATIVE * abs(value)
    return f"{value:.10g}" + ("" if constant else f" (N = {n})")


def _measured(name: str, numbers: Numbers) -> bool:
    """Whether a symbol stands for a number that was measured, and not for a constant that is known."""
    return any(error for _, error in numbers.get(name, {}).values())


def _factor(mine: sympy.Expr, theirs: sympy.Expr, numbers: Sequence[Numbers]) -> str:
    """The factor between two coefficients, and its limit N → ∞."""
    if mine == 0 or theirs == 0 or any(s.name in {*numbers[0], *numbers[1]} for s in (mine * theirs).free_symbols):
        return ""
    factor = sympy.factor(sympy.cancel(mine / theirs))
    text = f", a factor of {TEXT.scalar(factor)}"
    if factor.has(_N) and (at_infinity := sympy.limit(factor, _N, sympy.oo)).is_finite:
        text += f" ({TEXT.scalar(at_infinity)} as N → ∞)"
    return text
