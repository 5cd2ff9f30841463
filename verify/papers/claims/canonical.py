"""When two formulas say the same: a normal form of SymPy's matrix expressions.

SymPy does not see that Tr[AB] = Tr[BA] nor that Tr[A] = Tr[Aᵀ], and leaves sums of traces as they stand. Here a matrix
expression is a polynomial in words: a word is a product of letters, a letter a matrix to a rational power. Letters
know what they are (`verify.papers.claims.formulas`): symmetric ones are their own transpose, neighbouring diagonal ones
may be exchanged, masks are their own square, an orthogonal letter cancels its transpose. A trace word is the least of
its rotations and of their transposes, and stands as one scalar symbol, so that what remains is commutative algebra.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy

from derive import InputError
from derive.algebra.ranges import Range, Ranges
from derive.algebra.scalars import collected, normal_form
from derive.algebra.signs import sign
from derive.algebra.words import rotations
from derive.landscape.conditions import Condition
from verify.papers.claims.formulas import A0, C, Diagonal, Mask, Orthogonal, Sigma, Symmetric

if TYPE_CHECKING:
    from collections.abc import Mapping

# In the papers N is the number of data in a batch.
_PAPERS = Ranges.collect({sympy.Symbol("N"): Range(sympy.Integer(2), sympy.oo, whole=True)})


class Letter(NamedTuple):
    """A matrix to a power.

    Attributes:
        name: of the matrix.
        power: rational; other than 1 for symmetric letters alone, or −1.
        turned: whether it is transposed; symmetric letters never are.

    """

    name: str
    power: sympy.Rational
    turned: bool
    kind: type

    @property
    def transpose(self) -> Letter:
        """The letter of its transpose."""
        return self if issubclass(self.kind, Symmetric) else self._replace(turned=not self.turned)


Word = tuple[Letter, ...]
# word → commutative coefficient; the empty word is the identity.
Polynomial = dict[Word, sympy.Expr]


def same(one: Any, other: Any, definitions: Mapping[sympy.Expr, sympy.Expr] | None = None) -> bool:
    """Whether two statements are equal: formulas, matrices, conditions, words or truth values.

    Conditions are equal when their margins (left less right side) have the same sign for all positive symbols;
    whether the boundary belongs to them is left open.

    Args:
        one: a SymPy expression or relation, a word or a truth value.
        other: another.
        definitions: what symbols stand for, put in on both sides first.

    >>> from verify.papers.claims.formulas import A0, C, Sigma, Tr, W
    >>> same(Tr(W * Sigma * W.T) - Tr(A0 * W.T * W), Tr(W.T * W * C))
    True

    """
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    if isinstance(one, Condition) or isinstance(other, Condition):
        return _same_for_modes(one, other)
    one, other = (sympy.sympify(value, strict=True) for value in (one, other))
    if definitions:
        one, other = (value.subs(definitions) for value in (one, other))
    # A symbol is also a Boolean to SymPy.
    if not (isinstance(one, sympy.Expr) and isinstance(other, sympy.Expr)):
        return _same_condition(one, other)
    one, other = (_without_sums(value) for value in _in_one_basis(one, other))
    if isinstance(one, sympy.MatrixExpr) != isinstance(other, sympy.MatrixExpr):
        # A scalar equals no matrix, except that both may vanish.
        return _vanishes(one) and _vanishes(other)
    return _vanishes(one - other)


def _same_for_modes(one: Any, other: Any) -> bool:
    """Conditions on the modes, as printed ones are compared; a formula and such a condition are never the same."""
    from verify.papers.printed.conditions import equal

    return isinstance(one, Condition) and isinstance(other, Condition) and equal(one, other)


def _without_sums(value: sympy.Expr) -> sympy.Expr:
    """Sums over indices written out, symbolic ends being put to 2: such formulas are compared there alone."""

    def written_out(node: sympy.Sum) -> sympy.Expr:
        indices = [index for index, _, _ in node.limits]
        ranges = [range(int(low), (2 if high.is_Symbol else int(high)) + 1) for _, low, high in node.limits]
        points = product(*ranges)
        put = (dict(zip(indices, map(sympy.Integer, one), strict=True)) for one in points)
        return sympy.Add(*map(node.function.xreplace, put))

    return value.replace(lambda node: isinstance(node, sympy.Sum), written_out) if value.has(sympy.Sum) else value


def _vanishes(value: sympy.Expr) -> bool:
    if isinstance(value, sympy.MatrixExpr):
        return all(_is_zero(coefficient) for coefficient in polynomial(value).values())
    return _is_zero(scalar(value))


def _is_zero(value: sympy.Expr) -> bool:
    """Whether a scalar vanishes wherever it is real: a symbol may have any real value that its assumptions allow."""
    if value == 0 or sympy.expand(value) == 0:
        return True
    real = {one: sympy.Dummy(one.name, real=True) for one in value.free_symbols if one.is_real is None}
    value = value.xreplace(real)
    return bool(normal_form(value) == 0 or sympy.simplify(value) == 0)


def _same_condition(one: sympy.Basic, other: sympy.Basic) -> bool:
    if one == other:
        return True
    if not all(isinstance(value, sympy.core.relational.Relational) for value in (one, other)):
        return False
    equal = [isinstance(value, sympy.Eq) for value in (one, other)]
    margins = [scalar(value.gts - value.lts) if not isinstance(value, sympy.Eq) else value.lhs - value.rhs
               for value in (one, other)]  # fmt: skip
    if any(margin == 0 for margin in margins):
        return all(margin == 0 for margin in margins)
    ratio = sympy.cancel(sympy.together(margins[0] / margins[1]))
    if all(equal):
        return not ratio.free_symbols
    return not any(equal) and sign(sympy.factor(ratio), ranges=_PAPERS) == 1


def _in_one_basis(*values: sympy.Expr) -> tuple[sympy.Expr, ...]:
    """Σ written out as A0 + C, where no other power of Σ than whole positive ones occurs."""
    powers = [node.exp for value in values for node in value.atoms(sympy.MatPow) if node.base == Sigma]
    inverses = any(node.arg == Sigma for value in values for node in value.atoms(sympy.Inverse))
    letters = set().union(*(value.free_symbols for value in values))
    if inverses or any(not (power.is_Integer and power > 0) for power in powers) or not {A0, C} & letters:
        return values
    return tuple(value.xreplace({Sigma: A0 + C}) for value in values)


def scalar(value: sympy.Expr) -> sympy.Expr:
    """A scalar with each trace replaced by a sum of commuting symbols, one a canonical word."""
    return value.replace(lambda node: isinstance(node, sympy.Trace), lambda node: _traced(node.args[0]))


def polynomial(value: sympy.MatrixExpr) -> Polynomial:
    """A matrix expression as word → coefficient.

    Raises:
        InputError: a node that is not a sum, product, power, transpose, inverse or letter.

    """
    match value:
        case sympy.ZeroMatrix():
            return {}
        case sympy.Identity():
            return {(): sympy.S.One}
        case sympy.MatrixSymbol():
            return {(_letter(value),): sympy.S.One}
        case sympy.Transpose():
            return {_transposed(word): weight for word, weight in polynomial(value.arg).items()}
        case sympy.MatAdd():
            return collected(item for part in value.args for item in polynomial(part).items())
        case sympy.MatMul():
            total: Polynomial = {(): sympy.S.One}
            for part in value.args:
                total = _times(total, polynomial(part) if part.is_Matrix else {(): scalar(part)})
            return total
        case sympy.MatPow() | sympy.Inverse():
            return _power(*((value.arg, sympy.S.NegativeOne) if isinstance(value, sympy.Inverse) else value.args))
    message = (
        f"{value}: a claim's matrices are sums, products, powers and transposes of letters, not {type(value).__name__}"
    )
    raise InputError(message)


def _letter(value: sympy.MatrixSymbol) -> Letter:
    kind = type(value) if isinstance(value, Symmetric | Orthogonal) else sympy.MatrixSymbol
    return Letter(value.name, sympy.S.One, turned=False, kind=kind)


def _power(base: sympy.MatrixExpr, exponent: sympy.Expr) -> Polynomial:
    if exponent.is_Integer and exponent >= 0:
        total: Polynomial = {(): sympy.S.One}
        for _ in range(int(exponent)):
            total = _times(total, polynomial(base))
        return total
    inside = polynomial(base)
    if len(inside) == 1:
        ((word, weight),) = inside.items()
        if len(word) == 1 and (issubclass(word[0].kind, Symmetric) or exponent == -1):
            return {_reduced((word[0]._replace(power=word[0].power * exponent),)): weight**exponent}
        if exponent.is_Integer:
            turned = tuple(letter._replace(power=-letter.power) for letter in reversed(word))
            return collected([(_reduced(turned * -int(exponent)), weight**exponent)])
    # A power of a sum is a letter of its own, named by its normal form.
    name = str(sorted(inside.items(), key=str))
    symmetric = inside == {_transposed(word): weight for word, weight in inside.items()}
    kind = Symmetric if symmetric else sympy.MatrixSymbol
    return {(Letter(name, exponent, turned=False, kind=kind),): sympy.S.One}


def _times(one: Polynomial, other: Polynomial) -> Polynomial:
    return collected((_reduced(left + right), a * b) for left, a in one.items() for right, b in other.items())


def _transposed(word: Word) -> Word:
    return _reduced(tuple(letter.transpose for letter in reversed(word)))


def _reduced(word: Word) -> Word:
    """Neighbours joined and cancelled, runs of diagonal letters in order of their names."""
    done: list[Letter] = []
    for letter in word:
        place = len(done)
        # Past what it commutes with, to a letter that it joins, or to its place in the alphabet.
        while place and issubclass(letter.kind, Diagonal) and issubclass(done[place - 1].kind, Diagonal):
            if done[place - 1].name <= letter.name:
                break
            place -= 1
        before = done[place - 1] if place else None
        if before is not None and before.name == letter.name and before.turned == letter.turned:
            power = sympy.S.One if issubclass(letter.kind, Mask) else before.power + letter.power
            if issubclass(letter.kind, Symmetric) or power == 0:
                done[place - 1 : place] = [letter._replace(power=power)] if power != 0 else []
                continue
        crossed = before is not None and before.name == letter.name and before.turned != letter.turned
        if before is not None and crossed and letter.kind is Orthogonal and before.power == letter.power == 1:
            del done[place - 1]
            continue
        done.insert(place, letter)
    return tuple(done)


def _traced(value: sympy.MatrixExpr) -> sympy.Expr:
    total = sympy.S.Zero
    for word, weight in polynomial(value).items():
        total += weight * (value.shape[0] if not word else _trace_symbol(word, value.shape[0]))
    return total


def _trace_symbol(word: Word, rows: sympy.Expr) -> sympy.Expr:
    """The symbol of a trace word: the least of its rotations and of their transposes, ends joined."""
    shortest = word
    while len(shortest) > 1:
        # Joined around the end, a word may get shorter.
        turned = _reduced((*shortest[1:], shortest[0]))
        last = _reduced((shortest[-1], *shortest[:-1]))
        shorter = min((turned, last), key=len)
        if len(shorter) >= len(shortest):
            break
        shortest = shorter
    if not shortest:
        return rows
    turns = (*rotations(shortest), *rotations(_transposed(shortest)))
    least = min(map(_reduced, turns), key=str)
    name = "Tr" + "·".join(f"{letter.name}^{letter.power}{'ᵀ' * letter.turned}" for letter in least)
    return sympy.Symbol(name, real=True)
