"""Powers, logarithms and absolute values with one base for each kind of exponent, so that equal ones meet."""

from __future__ import annotations

from functools import lru_cache

import sympy

from derive.algebra.signs import sign

Factors = tuple[tuple[sympy.Expr, int], ...]


def powers_of(value: sympy.Expr) -> list[tuple[sympy.Expr, int]]:
    """b^(1 − 2p + 3/2) as b¹ (b^p)⁻² (b^½)³: one base for each kind of exponent, so that powers meet.

    The base of a root is taken apart into factors, that of exp(p log b) is b.
    """
    base, exponent = _flat(*value.as_base_exp())
    result = []
    for term in sympy.Add.make_args(sympy.expand(exponent)):
        inside = next((part for part in term.args if isinstance(part, sympy.log)), None)
        if base == sympy.E and inside is not None:
            result += powers_of(sympy.Pow(inside.args[0], term / inside))
        elif term.is_Integer:
            result.append((base, int(term)))
        else:
            for factor, multiplicity in factors_of(base):
                result.append(_one_power(factor, term * multiplicity))
    return result


def _one_power(base: sympy.Expr, exponent: sympy.Expr) -> tuple[sympy.Expr, int]:
    if exponent.is_Rational:
        return root_of(base, int(exponent.q)), int(exponent.p)
    factor, rest = exponent.as_coeff_Mul()
    return sympy.Pow(base, rest / factor.q), int(factor.p)


def _flat(base: sympy.Expr, exponent: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """(1/N)^½ as N^(−½), and the root of a square u² as a power of u where u is positive, of |u| where that is open."""
    while base.is_Pow:
        inner, power = base.as_base_exp()
        if power.is_even and (found := sign(inner)) != 1:
            inner = -inner if found == -1 else absolute(inner)
        base, exponent = inner, power * exponent
    if base.is_Add and base.is_algebraic and exponent.is_Rational and not exponent.is_Integer:
        plain = sympy.sqrtdenest(sympy.sqrt(base))
        if not plain.is_Pow and plain.is_positive:
            base, exponent = plain, 2 * exponent
    return base, exponent


def factors_of(base: sympy.Expr) -> Factors:
    """Factors of a positive value: primes, irreducible polynomials that are positive, |p| to even powers, the rest.

    The rest is the product, undivided, of the factors of open sign that have an odd power.
    """
    if base.is_Rational and base > 0:
        return _primes(base)
    if not base.free_symbols or not (base.is_Add or base.is_Mul):
        return ((base, 1),)
    number, factors = _irreducible(base)
    if not number.is_Rational:
        return ((base, 1),)
    found: dict[sympy.Expr, int] = {}
    rest = sympy.S.One
    for factor, power in factors:
        known = sign(factor)
        if known is not None:
            found[factor * known] = power
            number *= known if power % 2 else 1
        elif power % 2:
            rest *= factor
            found[absolute(factor)] = power - 1
        else:
            found[absolute(factor)] = power
    if number < 0:
        number, rest = -number, sympy.expand(-rest) if rest.is_Add else -rest
    if rest == -1:
        return ((base, 1),)
    found[rest] = found.get(rest, 0) + 1
    return (*_primes(number), *((factor, power) for factor, power in found.items() if power and factor != 1))


def _primes(number: sympy.Rational) -> Factors:
    return tuple((sympy.Integer(p), k) for p, k in sorted(sympy.factorrat(number).items()))


@lru_cache(maxsize=4096)
def _irreducible(value: sympy.Expr) -> tuple[sympy.Expr, list[tuple[sympy.Expr, int]]]:
    """A number and powers of irreducible polynomials in symbols, exponentials and whatever else is not a sum."""
    above, below = map(_factored, sympy.fraction(sympy.together(value)))
    number = above[0] / below[0]
    return number, [*above[1], *((factor, -power) for factor, power in below[1])]


def _factored(value: sympy.Expr) -> tuple[sympy.Expr, list[tuple[sympy.Expr, int]]]:
    """SymPy's `factor_list`, which stumbles over a factor 3^p: a number to the power of a symbol."""
    apart = [one for one in sympy.Mul.make_args(value) if one.is_Pow and one.base.is_number and one.exp.free_symbols]
    number, factors = sympy.factor_list(value / sympy.Mul(*apart))
    return number, [*factors, *((one, 1) for one in apart)]


def absolute(value: sympy.Expr) -> sympy.Expr:
    """|p q²/r| as |p| |r| q²/r², each factor that is left inside irreducible and of open sign."""
    found = sign(value)
    if found is not None:
        return value * found
    if not value.free_symbols or not (value.is_Add or value.is_Mul or value.is_Pow):
        return sympy.Abs(value)
    number, factors = _irreducible(value)
    if not number.is_Rational:
        return sympy.Abs(value)
    result = abs(number)
    for factor, power in factors:
        known = sign(factor)
        if power % 2 == 0:
            result *= factor**power
        elif known is None:
            result *= sympy.Abs(factor, evaluate=False) * factor ** (power - 1)
        else:
            result *= known * factor**power
    return result


def logarithm(value: sympy.Expr) -> sympy.Expr:
    """log(p^k q exp(r)) as k log p + log q + r."""
    if isinstance(value, sympy.exp):
        return value.exp
    base, exponent = _flat(value, sympy.S.One)
    parts = [part for factor in sympy.Mul.make_args(base) for part in factors_of(factor)]
    if any(sign(factor) is None for factor, _ in parts):
        parts = list(factors_of(base))
    if parts == [(base, 1)]:
        return exponent * sympy.log(base, evaluate=False)
    return exponent * sympy.Add(*(power * logarithm(factor) for factor, power in parts))


def plain(value: sympy.Expr) -> sympy.Expr:
    """An expression whose logarithms and absolute values are of irreducible factors, hyperbolic functions of exp."""
    if not value.has(sympy.log, sympy.Abs, sympy.sign, sympy.functions.elementary.hyperbolic.HyperbolicFunction):
        return value
    value = value.rewrite(sympy.exp) if value.has(sympy.functions.elementary.hyperbolic.HyperbolicFunction) else value
    value = value.replace(sympy.sign, lambda inside: sympy.Abs(inside) / inside)
    return value.replace(sympy.Abs, absolute).replace(sympy.log, logarithm)


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
