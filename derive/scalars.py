"""Exact coefficients while a series is being built: rationals, or Laurent polynomials in a few atoms.

SymPy's own expressions, and its field of rational functions, cost a simplification at each sum; here nothing is
simplified until the end. An atom is whatever the arithmetic need not look into: a symbol, the value N − 1 + α
of a logarithm's argument at W = 0 (of which only inverse powers appear), exp(b). `Scalars.to_sympy` puts the
atoms back and cancels, once a coefficient.
"""

from __future__ import annotations

from math import lcm, prod
from typing import Any, NamedTuple

import sympy
from sympy import QQ
from sympy.polys.rings import ring

# A rational of SymPy's ground domain, or a Laurent polynomial. Both add, multiply and know whether they are 0.
Coefficient = Any
Monomial = tuple[tuple[int, int], ...]


class Laurent:
    """A polynomial in numbered atoms with integer exponents of either sign and rational coefficients."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[Monomial, Any]) -> None:
        """Keep the terms; none may be zero."""
        self.terms = terms

    def __bool__(self) -> bool:
        """Whether any term is left."""
        return bool(self.terms)

    def __add__(self, other: Coefficient) -> Laurent:
        """Sum with a Laurent polynomial or a rational."""
        terms = dict(self.terms)
        for monomial, value in _terms(other):
            total = terms.get(monomial, 0) + value
            if total:
                terms[monomial] = total
            else:
                del terms[monomial]
        return Laurent(terms)

    __radd__ = __add__

    def __mul__(self, other: Coefficient) -> Laurent:
        """Product with a Laurent polynomial or a rational."""
        if not isinstance(other, Laurent):
            return Laurent({monomial: value * other for monomial, value in self.terms.items()} if other else {})
        terms: dict[Monomial, Any] = {}
        for left, left_value in self.terms.items():
            for right, right_value in other.terms.items():
                monomial = _times(left, right)
                total = terms.get(monomial, 0) + left_value * right_value
                if total:
                    terms[monomial] = total
                else:
                    del terms[monomial]
        return Laurent(terms)

    __rmul__ = __mul__

    def __neg__(self) -> Laurent:
        """Negative."""
        return Laurent({monomial: -value for monomial, value in self.terms.items()})


class Scalars:
    """The coefficients of one derivation and the atoms they are written in."""

    def __init__(self) -> None:
        """Start without atoms."""
        self._atoms: list[sympy.Expr] = []
        self._numbers: dict[sympy.Expr, int] = {}

    def from_sympy(self, value: sympy.Expr) -> Coefficient:
        """The coefficient of a SymPy expression; parts that are not rational in symbols become atoms."""
        if value.is_Rational:
            return QQ(value.p, value.q)
        if value.is_Add:
            total: Coefficient = QQ(0)
            for term in value.args:
                total = total + self.from_sympy(term)
            return total
        if value.is_Mul:
            product: Coefficient = QQ(1)
            for factor in value.args:
                product = product * self.from_sympy(factor)
            return product
        if value.is_Pow and value.exp.is_Integer and value.exp > 0:
            return _power(self.from_sympy(value.base), int(value.exp))
        if value.is_Pow and value.exp.is_Integer:
            # The inverse of a sum stays an atom of its own; it is expanded at the end.
            base = value.base
            inverse = self._atom(base, -1) if base.is_Add else self.inverse(self.from_sympy(base))
            return _power(inverse, -int(value.exp))
        if isinstance(value, sympy.exp) or value.is_Pow:
            return self._power_with_exponent(*value.as_base_exp())
        return self._atom(value, 1)

    def inverse(self, coefficient: Coefficient) -> Coefficient:
        """One over a coefficient that is not zero."""
        if not isinstance(coefficient, Laurent):
            return 1 / coefficient
        if len(coefficient.terms) == 1:
            ((monomial, value),) = coefficient.terms.items()
            return Laurent({tuple((atom, -power) for atom, power in monomial): 1 / value})
        return self.from_sympy(1 / self.to_sympy(coefficient))

    def to_sympy(self, coefficient: Coefficient) -> sympy.Expr:
        """The coefficient in normal form: one fraction in lowest terms, factored over the integers."""
        if not isinstance(coefficient, Laurent):
            return sympy.Rational(int(coefficient.numerator), int(coefficient.denominator))
        if not coefficient:
            return sympy.S.Zero
        lowest: dict[int, int] = {}
        for monomial in coefficient.terms:
            for atom, power in monomial:
                lowest[atom] = min(lowest.get(atom, 0), power)
        if not lowest:
            return self.to_sympy(coefficient.terms[()])
        elements = self._polynomials(tuple(sorted(lowest)))
        one = elements.one
        numerator, denominator = elements.zero, one
        for atom, power in lowest.items():
            denominator = denominator * elements.of[atom] ** -power
        for monomial, value in coefficient.terms.items():
            term = one * value
            powers = dict(monomial)
            for atom, power in lowest.items():
                term = term * elements.of[atom] ** (powers.get(atom, 0) - power)
            numerator = numerator + term
        if not numerator:
            return sympy.S.Zero
        numerator, denominator = numerator.cancel(denominator)
        return sympy.Mul(*_factored(numerator), *(1 / factor for factor in _factored(denominator)))

    def _power_with_exponent(self, base: sympy.Expr, exponent: sympy.Expr) -> Coefficient:
        # b^(1 − 2p + 3/2) = b · (b^p)⁻² · (b^½)³: one atom for each kind of exponent, so that its powers meet.
        product: Coefficient = QQ(1)
        for term in sympy.Add.make_args(sympy.expand(exponent)):
            if term.is_Integer:
                product = product * self.from_sympy(base**term)
                continue
            factor, rest = term.as_coeff_Mul()
            if term.is_Rational:
                factor, rest = sympy.Integer(term.p), sympy.Rational(1, term.q)
            elif not factor.is_Integer:
                factor, rest = sympy.Integer(factor.p), rest / factor.q
            product = product * self._atom(sympy.Pow(base, rest), int(factor))
        return product

    def _polynomials(self, atoms: tuple[int, ...]) -> _Elements:
        # Generators are the symbols and whatever else is no sum of such; where a root b^(1/q) occurs, b is its q-th
        # power and no generator of its own.
        generators = {generator for atom in atoms for generator in _generators(self._atoms[atom])}
        roots: dict[sympy.Expr, int] = {}
        for generator in generators:
            if generator.is_Pow and generator.exp.is_Rational:
                roots[generator.base] = lcm(roots.get(generator.base, 1), int(generator.exp.q))
        basic = {
            sympy.Pow(base, sympy.Rational(1, roots[base])) if base in roots else generator
            for generator in generators
            for base in (generator.base if generator.is_Pow and generator.exp.is_Rational else generator,)
        }
        polynomial_ring = ring(sorted(basic, key=sympy.default_sort_key), QQ)[0]
        of = {atom: _polynomial(self._atoms[atom], polynomial_ring, roots) for atom in atoms}
        return _Elements(polynomial_ring.zero, polynomial_ring.one, of)

    def _atom(self, value: sympy.Expr, power: int) -> Laurent:
        number = self._numbers.setdefault(value, len(self._atoms))
        if number == len(self._atoms):
            self._atoms.append(value)
        return Laurent({((number, power),): QQ(1)})


class _Elements(NamedTuple):
    """The atoms of a coefficient as elements of a polynomial ring."""

    zero: Any
    one: Any
    of: dict[int, Any]


def normal_form(value: sympy.Expr) -> sympy.Expr:
    """A coefficient as one fraction in lowest terms; two coefficients are equal exactly when these are.

    >>> N = sympy.Symbol("N")
    >>> normal_form(1 - 1 / N)
    (N - 1)/N
    """
    if value.is_Rational:
        return value
    scalars = Scalars()
    return scalars.to_sympy(scalars.from_sympy(value))


def _generators(value: sympy.Expr) -> set[sympy.Expr]:
    if value.is_Rational:
        return set()
    if value.is_Add or value.is_Mul:
        return set().union(*map(_generators, value.args))
    if value.is_Pow and value.exp.is_Integer and value.exp > 0:
        return _generators(value.base)
    return {value}


def _polynomial(value: sympy.Expr, polynomial_ring: Any, roots: dict[sympy.Expr, int]) -> Any:  # noqa: ANN401
    if value.is_Rational:
        return polynomial_ring.one * QQ(value.p, value.q)
    if value.is_Add:
        parts = (_polynomial(term, polynomial_ring, roots) for term in value.args)
        return sum(parts, polynomial_ring.zero)
    if value.is_Mul:
        return prod((_polynomial(factor, polynomial_ring, roots) for factor in value.args), start=polynomial_ring.one)
    if value.is_Pow and value.exp.is_Integer and value.exp > 0:
        return _polynomial(value.base, polynomial_ring, roots) ** int(value.exp)
    base, exponent = (value.base, value.exp) if value.is_Pow and value.exp.is_Rational else (value, sympy.S.One)
    if base in roots:
        root = sympy.Pow(base, sympy.Rational(1, roots[base]))
        return polynomial_ring.gens[polynomial_ring.symbols.index(root)] ** int(exponent * roots[base])
    return polynomial_ring.gens[polynomial_ring.symbols.index(value)]


def _factored(polynomial: Any) -> list[sympy.Expr]:  # noqa: ANN401 (SymPy's rings are untyped)
    content, factors = polynomial.factor_list()
    number = sympy.Rational(int(content.numerator), int(content.denominator))
    return [number, *(factor.as_expr() ** power for factor, power in factors)]


def _power(base: Coefficient, exponent: int) -> Coefficient:
    result: Coefficient = QQ(1)
    for _ in range(exponent):
        result = result * base
    return result


def _terms(value: Coefficient) -> list[tuple[Monomial, Any]]:
    if isinstance(value, Laurent):
        return list(value.terms.items())
    return [((), value)] if value else []


def _times(left: Monomial, right: Monomial) -> Monomial:
    if not left:
        return right
    if not right:
        return left
    powers = dict(left)
    for atom, power in right:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted((atom, power) for atom, power in powers.items() if power))
