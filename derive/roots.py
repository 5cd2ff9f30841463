"""Powers and roots with one base for each kind of exponent, so that equal ones meet in coefficients."""

from __future__ import annotations

import sympy

from derive.signs import sign


def powers_of(value: sympy.Expr) -> list[tuple[sympy.Expr, int]]:
    """b^(1 − 2p + 3/2) as b¹ (b^p)⁻² (b^½)³: one base for each kind of exponent, so that powers meet."""
    base, exponent = _flat(*value.as_base_exp())
    result = []
    for term in sympy.Add.make_args(sympy.expand(exponent)):
        if term.is_Rational:
            result.append((root_of(base, int(term.q)), int(term.p)))
            continue
        factor, rest = term.as_coeff_Mul()
        result.append((sympy.Pow(base, rest / factor.q), int(factor.p)))
    return result


def _flat(base: sympy.Expr, exponent: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """(1/N)^½ as N^(−½), and the root of a square u² as a power of u where u is positive, of |u| where that is open."""
    while base.is_Pow:
        inner, power = base.as_base_exp()
        if power.is_even and (found := sign(inner)) != 1:
            inner = -inner if found == -1 else sympy.Abs(inner)
        base, exponent = inner, power * exponent
    return base, exponent


def core_of(value: sympy.Expr) -> tuple[sympy.Expr, int]:
    """b^(1/q) as (b, q), and likewise exp(b/q) as (exp(b), q); anything else as (itself, 1)."""
    if not value.is_Pow and not isinstance(value, sympy.exp):
        return value, 1
    base, exponent = value.as_base_exp()
    q = int(exponent.as_coeff_Mul()[0].q)
    return (sympy.Pow(base, exponent * q), q) if q > 1 else (value, 1)


def root_of(core: sympy.Expr, q: int) -> sympy.Expr:
    """The q-th root of a core."""
    base, exponent = core.as_base_exp() if core.is_Pow or isinstance(core, sympy.exp) else (core, sympy.S.One)
    return sympy.Pow(base, exponent / q)


def eliminations(roots: dict[sympy.Expr, int], basic: set[sympy.Expr]) -> dict[sympy.Expr, sympy.Expr]:
    """For each root r of a sum linear in a symbol, that symbol in terms of r^q and the other symbols."""
    result: dict[sympy.Expr, sympy.Expr] = {}
    taken: set[sympy.Expr] = set()
    for core in sorted((core for core in roots if core.is_Add), key=sympy.default_sort_key):
        for symbol in sorted(core.free_symbols - taken, key=sympy.default_sort_key):
            slope = core.coeff(symbol)
            rest = sympy.expand(core - slope * symbol)
            clash = any(other.has(symbol) for other in basic - {symbol, root_of(core, roots[core])})
            if slope.is_Rational and not rest.has(symbol) and not clash:
                power = sympy.Pow(root_of(core, roots[core]), roots[core], evaluate=False)
                result[symbol] = sympy.Add(power / slope, -rest / slope, evaluate=False)
                taken |= core.free_symbols
                break
    return result
