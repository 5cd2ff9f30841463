"""Exact coefficients while a series is being built: rationals, or Laurent polynomials in a few atoms.

SymPy's own expressions, and its field of rational functions, cost a simplification at each sum; here nothing is
simplified until the end. An atom is whatever the arithmetic need not look into: a symbol, the value N − 1 + α
of a logarithm's argument at W = 0 (of which only inverse powers appear), exp(b). `Scalars.to_sympy` puts the
atoms back and cancels, once for each coefficient.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, TypeVar

import sympy
from sympy import QQ

from derive.algebra.atoms import Elements, elements_of, is_polynomial
from derive.algebra.branches import one_form
from derive.algebra.effort import spend
from derive.algebra.roots import plain, powers_of

if TYPE_CHECKING:
    from collections.abc import Iterable

# A rational of SymPy's ground domain, or a Laurent polynomial. Both add, multiply and know whether they are 0.
Coefficient = Any
_Key = TypeVar("_Key", bound=Hashable)
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


def size(coefficients: Iterable[Coefficient]) -> int:
    """The total number of terms of some coefficients."""
    return sum(len(one.terms) if isinstance(one, Laurent) else 1 for one in coefficients)


class Scalars:
    """The coefficients of one derivation and the atoms they are written in."""

    def __init__(self) -> None:
        """Start without atoms."""
        self._atoms: list[sympy.Expr] = []
        self._numbers: dict[sympy.Expr, int] = {}
        self._given: sympy.Expr | None = None
        self._elements: dict[tuple[int, ...], Elements] = {}

    def from_sympy(self, value: sympy.Expr) -> Coefficient:
        """The coefficient of a SymPy expression; parts that are not rational in symbols become atoms."""
        return self._read(plain(value))

    def _read(self, value: sympy.Expr) -> Coefficient:
        if value.is_Rational:
            return QQ(value.p, value.q)
        if value.is_Add:
            total: Coefficient = QQ(0)
            for term in value.args:
                total = total + self._read(term)
            return total
        if value.is_Mul:
            product: Coefficient = QQ(1)
            for factor in value.args:
                product = product * self._read(factor)
            return product
        if not value.is_Pow and not isinstance(value, sympy.exp):
            return self._atom(value, 1)
        product = QQ(1)
        for base, power in powers_of(value):
            product = product * self._power(base, power)
        return product

    def _power(self, base: sympy.Expr, power: int) -> Coefficient:
        if power < 0 and base.is_Add and is_polynomial(base):
            # The inverse of a sum stays an atom of its own; it is expanded at the end.
            return self._atom(base, power)
        if base.is_Pow or isinstance(base, sympy.exp) or not base.args:
            return self._atom(base, power) if not base.is_Rational else QQ(base.p, base.q) ** power
        one = self._read(base) if power > 0 else self.inverse(self._read(base))
        result: Coefficient = QQ(1)
        for _ in range(abs(power)):
            result = result * one
        return result

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
        spend(10 * len(coefficient.terms))
        elements = self._elements_of(tuple(sorted(lowest)))
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
        numerator, denominator = one_form((numerator, denominator), elements.roots, elements.absolutes)
        if not numerator:
            return sympy.S.Zero
        whole = numerator.as_expr() / denominator.as_expr()
        if whole != self._given and elements.superfluous(numerator, denominator):
            # Without them other letters may suffice, and other factors may be found.
            fewer = Scalars()
            fewer._given = whole
            return fewer.to_sympy(fewer.from_sympy(whole))
        if numerator.ring.domain != QQ:
            # Over the algebraic numbers: the denominator monic, and neither factored.
            return sympy.expand(numerator.as_expr()) / sympy.expand(denominator.as_expr())
        return sympy.Mul(*_factored(numerator), *(1 / factor for factor in _factored(denominator)))

    def _elements_of(self, atoms: tuple[int, ...]) -> Elements:
        """The ring of some atoms, made once: most coefficients of a derivation need the same few."""
        if atoms not in self._elements:
            self._elements[atoms] = elements_of({atom: self._atoms[atom] for atom in atoms})
        return self._elements[atoms]

    def _atom(self, value: sympy.Expr, power: int) -> Laurent:
        number = self._numbers.setdefault(value, len(self._atoms))
        if number == len(self._atoms):
            self._atoms.append(value)
        return Laurent({((number, power),): QQ(1)})


def collected(items: Iterable[tuple[_Key, sympy.Expr]]) -> dict[_Key, sympy.Expr]:
    """A sum of multiples of things: the coefficient of each, those that are plainly 0 left out.

    >>> collected([("P", sympy.Symbol("t")), ("Q", sympy.S.One), ("P", -sympy.Symbol("t"))])
    {'Q': 1}
    """
    total: dict[_Key, list[sympy.Expr]] = {}
    for key, value in items:
        total.setdefault(key, []).append(value)
    # One sum each: SymPy's addition takes time.
    added = {key: sympy.Add(*values) for key, values in total.items()}
    return {key: value for key, value in added.items() if value != 0}


def normal_form(value: sympy.Expr) -> sympy.Expr:
    """A coefficient as one fraction in lowest terms, the same for equal functions of the parameters.

    A symbol stands for the real values that its assumptions allow, for positive ones if it has none (N ≥ 2), and
    functions are compared where both are real. What is decided:

    * sums, products and quotients of symbols, numbers, exponentials, logarithms, powers with any exponent;
    * rational powers of rational functions, which are taken apart into irreducible factors of known sign; a root of
      several factors of open sign, as of (α − 1)(β − 1), is a letter of which only the square is known;
    * |u| of rational functions, but not that the signs of two functions of several symbols may exclude each other.

    Other functions (sin, Γ, minima, sums over modes) and exponents with a sum in the denominator are letters, without
    relations to each other.

    >>> N, alpha = sympy.symbols("N alpha")
    >>> normal_form(1 - 1 / N), normal_form((N - 1) / (sympy.sqrt(N) - 1))
    ((N - 1)/N, sqrt(N) + 1)
    >>> u = sympy.Abs(alpha - 1)
    >>> normal_form((1 - u) / (1 - u**2)), normal_form(sympy.log(N**2) - 2 * sympy.log(N))
    (1/(Abs(alpha - 1) + 1), 0)
    """
    if value.is_Rational:
        return value
    scalars = Scalars()
    return scalars.to_sympy(scalars.from_sympy(value))


def _factored(polynomial: Any) -> list[sympy.Expr]:  # noqa: ANN401 (SymPy's rings are untyped)
    # Powers of a generator alone are taken out first: SymPy factors dense polynomials, where exp(10⁶ a) has 10⁶ zeros.
    lowest = tuple(map(min, zip(*polynomial.itermonoms(), strict=True)))
    content, factors = polynomial.quo_term((lowest, polynomial.ring.domain.one)).factor_list()
    number = sympy.Rational(int(content.numerator), int(content.denominator))
    alone = [one**power for one, power in zip(polynomial.ring.symbols, lowest, strict=True)]
    return [number, *alone, *(factor.as_expr() ** power for factor, power in factors)]


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
