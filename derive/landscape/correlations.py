"""Formulas in the view correlations λ_i, which stand in the place of the eigenvalues a_i of A0 and c_i of C.

After whitening, W Σ^½ in the place of W, A0 has the eigenvalue λ_i on a mode, C has 1 − λ_i and Σ has 1, whether or not
A0 and C commute. A formula that does not change with the scale of a_i and c_i is told in λ_i alone, and so is a
condition on the sign of one that is homogeneous in them. What is neither, as with weight decay, is left in a_i and c_i.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import sympy

from derive.algebra.letters import letters, sum_j
from derive.algebra.scalars import normal_form
from derive.landscape.landscape import a_i, a_j, c_i, c_j
from derive.landscape.mode_potential import simplified

if TYPE_CHECKING:
    from collections.abc import Callable

_Basic = TypeVar("_Basic", bound=sympy.Basic)

lam_i, lam_j = letters("lambda_i lambda_j")
OF_MODES = frozenset({a_i, a_j, c_i, c_j})
# Of a mode, W Σ^½ in the place of W.
WHITENED_I = {"A": lam_i, "C": 1 - lam_i, "S": sympy.S.One, "D": sympy.S.Zero}
_WHITENED = {a_i: lam_i, c_i: 1 - lam_i, a_j: lam_j, c_j: 1 - lam_j}
# Numbers at which homogeneity is tested, to this many digits and no fewer than these that agree.
_DIGITS, _AGREE = 40, 25


def in_correlations(value: _Basic) -> _Basic:
    """A formula or a condition in λ_i where it is one of them alone, up to positive factors; else unchanged.

    >>> in_correlations(a_i / (a_i + c_i)), in_correlations(a_i + c_i - 1)
    (lambda_i, a_i + c_i - 1)
    >>> in_correlations(sympy.Le(sympy.Symbol("beta") * (a_i + c_i) - c_i, 0, evaluate=False))
    beta + lambda_i - 1 <= 0
    """
    if not value.free_symbols & OF_MODES:
        return value
    if isinstance(value, sympy.Or | sympy.And):
        parts = [in_correlations(part) for part in value.args]
        told = not any(part.free_symbols & OF_MODES for part in parts)
        return value.func(*parts) if told else value  # type: ignore[no-any-return]
    if isinstance(value, sympy.core.relational.Relational):
        if value.rhs != 0 or _degrees(value.lhs) is None:
            return value
        told = sympy.expand(_put(value.lhs))
        # With sums over modes a condition is long: told by powers of λ_i.
        told = sympy.collect(told, lam_i, sympy.factor) if told.has(sum_j) else told
        return value.func(told, 0, evaluate=False)  # type: ignore[no-any-return]
    return _put(value) if _degrees(value) == (0, 0) else value  # type: ignore[no-any-return]


@lru_cache(maxsize=1000)
def of_powers(value: sympy.Expr, *, i: int = 1, j: int = 0) -> sympy.Expr:
    """A coefficient of ∏ |w_i|² |w_j|² as that of h_i h_j, h_i = s_i |w_i|² being the power of a mode; see above.

    >>> of_powers(a_i - c_i), of_powers(a_i * a_j, j=1), of_powers(a_i - sympy.Symbol("gamma"))
    (2*lambda_i - 1, lambda_i*lambda_j, (a_i - gamma)/(a_i + c_i))
    """
    whitened = value / ((a_i + c_i) ** i * (a_j + c_j) ** j)
    told = in_correlations(whitened)
    return normal_form(whitened) if told.free_symbols & OF_MODES else told


def plainly(value: sympy.Expr | None, write: Callable[[sympy.Expr], str]) -> str | None:
    """What is written of a value in λ_i; None where it depends on more."""
    told = None if value is None else in_correlations(value)
    return None if told is None or told.free_symbols & OF_MODES else write(told)


@lru_cache(maxsize=1000)
def _put(value: sympy.Expr) -> sympy.Expr:
    """The formula at s_i = 1."""
    put = value.xreplace(_WHITENED)
    inside = {one: one.func(sympy.factor(sympy.expand(one.args[0]))) for one in put.atoms(sum_j)}
    put = put.xreplace(inside)
    roots = {
        one: sympy.sqrt(sympy.factor(sympy.expand(one.base))) for one in put.atoms(sympy.Pow) if one.exp == sympy.S.Half
    }
    put = put.xreplace({one: root for one, root in roots.items() if root.free_symbols})
    of_parameters = {one: sympy.Dummy() for one in put.atoms(sympy.exp) if not one.free_symbols & {lam_i, lam_j}}
    put = put.xreplace(of_parameters)
    if put.has(sympy.log, sympy.exp) or put.atoms(sympy.core.function.AppliedUndef):
        return put.xreplace({hidden: one for one, hidden in of_parameters.items()})
    put = simplified(put).xreplace({hidden: one for one, hidden in of_parameters.items()})
    # 1 − λ is not negative, and is written so.
    turned = {
        one: (-1) ** one.exp * (1 - lam) ** one.exp
        for one in put.atoms(sympy.Pow)
        for lam in (lam_i, lam_j)
        if one.base == lam - 1 and one.exp.is_Integer and one.exp < 0
    }
    put = put.xreplace(turned)
    for lam in (lam_i, lam_j):
        if put.is_Mul and lam - 1 in put.args:
            put = sympy.Mul(-1, 1 - lam, *(one for one in put.args if one != lam - 1))
    return sympy.expand(put) if put.is_Mul and len(put.args) == 2 and put.args[0].is_number else put


@lru_cache(maxsize=1000)
def _degrees(value: sympy.Expr) -> tuple[int, int] | None:
    """The degree in a_i and c_i, and in a_j and c_j; None where it is not homogeneous in each, or not to be seen."""
    hidden = {one: sympy.Dummy(positive=True) for one in value.atoms(sum_j, sympy.core.function.AppliedUndef)}
    if any(_degrees(inside) != (0, 0) for one in hidden for inside in one.args if inside.free_symbols & OF_MODES):
        return None
    value = value.xreplace(hidden)
    found = tuple(_degree(value, one) for one in ((a_i, c_i), (a_j, c_j)))
    return None if None in found else found  # type: ignore[return-value]


def _degree(value: sympy.Expr, of: tuple[sympy.Symbol, sympy.Symbol]) -> int | None:
    """The degree in two letters, found at numbers; None where it is not homogeneous there."""
    if not value.free_symbols & set(of):
        return 0
    others = sorted(value.free_symbols - OF_MODES, key=str)
    found = set()
    for start in (3, 11):
        # Far from the whole numbers at which coefficients vanish.
        at = {one: sympy.Rational(sympy.prime(start + 8 + k), 36) for k, one in enumerate(others)}
        numbers = (sympy.Rational(5, start), sympy.Rational(4, 7), sympy.Rational(2, 3), sympy.Rational(start, 5))
        modes = dict(zip((a_i, c_i, a_j, c_j), numbers, strict=True))
        here = sympy.N(value.xreplace(at | modes), _DIGITS)
        for scale in (2, 3):
            scaled = {one: number * (scale if one in of else 1) for one, number in modes.items()}
            there = sympy.N(value.xreplace(at | scaled), _DIGITS)
            if not (here.is_number and there.is_number and here.is_finite and there.is_finite) or here == 0:
                return None
            ratio = there / here
            degree = next(
                (p for p in range(-4, 5) if abs(ratio / sympy.Integer(scale) ** p - 1) < sympy.Float(10) ** -_AGREE),
                None,
            )
            if degree is None:
                return None
            found.add(degree)
    return found.pop() if len(found) == 1 else None
