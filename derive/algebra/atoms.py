"""The atoms of a coefficient as polynomials in symbols, exponentials, roots and absolute values."""

from __future__ import annotations

from math import gcd, lcm, prod
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy
from sympy import QQ
from sympy.polys.rings import ring

from derive.algebra.branches import Absolute, Root
from derive.algebra.roots import core_of, eliminations, powers_of, root_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# Up to this degree roots of numbers are adjoined to the field of the coefficients; beyond it each is a letter.
LARGEST_FIELD = 8


class Elements(NamedTuple):
    """The atoms of a coefficient as elements of a polynomial ring."""

    zero: Any
    one: Any
    of: dict[int, Any]
    roots: list[Root]
    absolutes: list[Absolute]

    def superfluous(self, numerator: Any, denominator: Any) -> bool:  # noqa: ANN401
        """Whether a fraction does not need some algebraic number, root, exponential or absolute value of the ring."""
        field = self.zero.ring.domain
        if field != QQ and all(number.is_ground for part in (numerator, denominator) for number in part.itercoeffs()):
            return True
        monomials = [*numerator.itermonoms(), *denominator.itermonoms()]
        for k, symbol in enumerate(self.zero.ring.symbols):
            if symbol.args and gcd(*(monomial[k] for monomial in monomials), core_of(symbol)[1]) != 1:
                return True
            if symbol.args and not any(monomial[k] for monomial in monomials):
                return True
        return False


def elements_of(atoms: Mapping[int, sympy.Expr]) -> Elements:
    """The atoms of a coefficient in as few letters as they need."""
    # Generators are the symbols and whatever else is not a sum of such. Where a root b^(1/q) occurs, b is its q-th
    # power and no generator of its own; where b is a sum, a symbol in it is eliminated if that can be, otherwise
    # the root is subject to a relation. Roots of numbers go to the field of the coefficients.
    generators = {generator for atom in atoms.values() for generator in _generators(atom)}
    new = generators
    while new:
        new = {inner for one in new for part in _inside(one) for inner in _generators(part)} - generators
        generators = generators | new
    roots: dict[sympy.Expr, int] = {}
    for generator in generators:
        core, q = core_of(generator)
        if q > 1:
            roots[core] = lcm(roots.get(core, 1), q)
    basic = {root_of(core, roots.get(core, 1)) for core, _ in map(core_of, generators)}
    numbers = sorted((one for one in basic if one.is_algebraic and not one.free_symbols), key=sympy.default_sort_key)
    eliminated = eliminations(roots, basic)
    related = [
        core
        for core in roots
        if core.is_Add and is_polynomial(core) and not any(core.has(symbol) for symbol in eliminated)
    ]
    if prod(roots.get(core_of(one)[0], LARGEST_FIELD) for one in numbers) > LARGEST_FIELD:
        # The positive roots of different primes are independent.
        radicals = [one for one in numbers if core_of(one)[0] in roots and core_of(one)[0].is_Rational]
        related += [core_of(one)[0] for one in radicals]
        numbers = [one for one in numbers if one not in radicals]
    field = QQ.algebraic_field(*numbers) if numbers else QQ
    # Roots and absolute values come before their arguments, in which their powers are then written.
    names = sorted(basic - set(numbers) - set(eliminated), key=sympy.default_sort_key)
    names.sort(key=lambda one: (-_depth(one), one.is_number))
    polynomial_ring = ring(names, field)[0]
    solved = {symbol: _polynomial(value, polynomial_ring, roots, {}) for symbol, value in eliminated.items()}

    def of(value: sympy.Expr) -> Any:  # noqa: ANN401
        return _polynomial(value, polynomial_ring, roots, solved)

    relations = [
        Root(_generator(one, polynomial_ring), roots[core], of(core))
        for one in names
        if (core := core_of(one)[0]) in related
    ]
    insides = [one.args[0] for one in names if isinstance(one, sympy.Abs) and is_polynomial(one.args[0])]
    absolutes = [Absolute(_generator(sympy.Abs(one), polynomial_ring), of(one), _signs(one, roots)) for one in insides]
    zero, one = polynomial_ring.zero, polynomial_ring.one
    return Elements(zero, one, {number: of(atom) for number, atom in atoms.items()}, relations, absolutes)


def _inside(generator: sympy.Expr) -> list[sympy.Expr]:
    """The radicand of a root, or the argument of an absolute value."""
    if isinstance(generator, sympy.Abs):
        return [generator.args[0]] if is_polynomial(generator.args[0]) else []
    core, q = core_of(generator)
    return [core] if q > 1 and core.is_Add and is_polynomial(core) else []


def _depth(generator: sympy.Expr) -> int:
    """How deeply roots and absolute values are nested."""
    inner = [_depth(one) for part in _inside(generator) for one in _generators(part)]
    return 1 + max(inner, default=0) if _inside(generator) else 0


def _signs(inside: sympy.Expr, roots: dict[sympy.Expr, int]) -> tuple[int, ...]:
    """The signs that u may have where u^(1/q) or (−u)^(1/q) is real, if either occurs."""
    known = [sign for sign in (1, -1) if sympy.expand(sign * inside) in roots]
    return tuple(known[:1]) or (1, -1)


def is_polynomial(value: sympy.Expr) -> bool:
    """Whether no negative power occurs."""
    if value.is_Add or value.is_Mul:
        return all(map(is_polynomial, value.args))
    if value.is_Pow or isinstance(value, sympy.exp):
        return all(power > 0 and (base == value or is_polynomial(base)) for base, power in powers_of(value))
    return True


def _generators(value: sympy.Expr) -> set[sympy.Expr]:
    if value.is_Rational:
        return set()
    if value.is_Add or value.is_Mul:
        return set().union(*map(_generators, value.args))
    if value.is_Pow or isinstance(value, sympy.exp):
        bases = [base for base, _ in powers_of(value)]
        return set().union(*({base} if base == value or core_of(base)[1] > 1 else _generators(base) for base in bases))
    return {value}


def _polynomial(
    value: sympy.Expr,
    polynomial_ring: Any,  # noqa: ANN401
    roots: dict[sympy.Expr, int],
    solved: dict[sympy.Expr, Any],
) -> Any:  # noqa: ANN401
    def of(part: sympy.Expr) -> Any:  # noqa: ANN401
        return _polynomial(part, polynomial_ring, roots, solved)

    if value in solved:
        return solved[value]
    if value.is_Rational:
        return polynomial_ring.one * QQ(value.p, value.q)
    if value.is_Add:
        return sum(map(of, value.args), polynomial_ring.zero)
    if value.is_Mul:
        return prod(map(of, value.args), start=polynomial_ring.one)
    if value.is_Pow and value.exp.is_Integer and value.exp > 0:
        return of(value.base) ** int(value.exp)
    if value.is_Pow or isinstance(value, sympy.exp):
        powers = powers_of(value)
        if powers != [(value, 1)]:
            return prod((of(base) ** power for base, power in powers), start=polynomial_ring.one)
    core, q = core_of(value)
    if core in roots:
        return _generator(root_of(core, roots[core]), polynomial_ring) ** (roots[core] // q)
    return _generator(value, polynomial_ring)


def _generator(value: sympy.Expr, polynomial_ring: Any) -> Any:  # noqa: ANN401
    if value in polynomial_ring.symbols:
        return polynomial_ring.gens[polynomial_ring.symbols.index(value)]
    return polynomial_ring.one * polynomial_ring.domain.from_sympy(value)
