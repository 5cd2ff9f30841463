"""Whether terms of order 4 in words of several covariances grow in every direction.

With P_X = W X Wᵀ ⪰ 0 and τ_X = Tr[P_X] such terms are Σ s_XY Tr[P_X P_Y] + Σ p_XY τ_X τ_Y, and sums over coordinates
Σ_i (P_X)_ii (P_Y)_ii. For matrices of rank r or less

    0 ≤ Tr[P_X P_Y] ≤ τ_X τ_Y,   Σ_i (P_X)_ii (P_Y)_ii ≤ (Tr[P_X²] + Tr[P_Y²])/2,
    Tr[P²] ≥ Tr[P]²/r            for P = P_X, and for any P = Σ u_X P_X,

so each gives a quadratic form in τ below. Where A0 and C are positive definite τ_A and τ_C are positive, and a form
that is positive for all positive τ grows in every direction. For a W of one row all of these are products of w X wᵀ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy

from derive.algebra.alphabet import BASES
from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign
from derive.algebra.words import is_trace
from derive.definition.language import EMBEDDING_DIMENSION
from derive.expansion.expansion import Expansion, Term
from derive.landscape.landscape import MODE_I
from derive.landscape.structure import semidefinite

_VALUES = {"A": MODE_I["A"], "C": MODE_I["C"], "D": sympy.Dummy("beta", positive=True), "I": sympy.S.One}
# Letters that stand for themselves, and Σ = A0 + C in terms of them.
_SPELLED: Mapping[str, Mapping[str, int]] = {**{letter: {letter: 1} for letter in _VALUES}, **BASES["A0,C"]}


def one_row(terms: Iterable[Term]) -> sympy.Expr:
    """The value of terms for a W of one row along mode i, |w| = 1, without a bias.

    >>> from derive import catalogue
    >>> one_row(catalogue("infonce").expand(order=4).terms_of_order(4))
    3*(a_i + c_i)**2/4
    """
    total = sympy.S.Zero
    for term in terms:
        words = "".join(word for one in term.invariants for _, word, _ in one)
        total += term.coefficient * sympy.Mul(*(MODE_I[letter] for letter in words))
    return sympy.factor(normal_form(total))


def positive(expansion: Expansion) -> bool:
    """Whether the terms of order 4 are known to grow in every direction, for all parameters and dimensions."""
    return any(_positive(expansion.in_basis(basis).terms_of_order(4)) for basis in BASES)


def _positive(terms: tuple[Term, ...]) -> bool:
    names = sorted({letter for term in terms for one in term.invariants for _, word, _ in one for letter in word})
    size = len(names)
    singles, products = sympy.zeros(size), sympy.zeros(size)

    def add(matrix: sympy.Matrix, x: str, y: str, value: sympy.Expr) -> None:
        i, k = names.index(x), names.index(y)
        matrix[i, k] += value / 2
        matrix[k, i] += value / 2

    for term in terms:
        words = [word for one in term.invariants for _, word, _ in one]
        if all(map(is_trace, term.invariants)):
            both = "".join(words)
            add(singles if len(words) == 1 else products, both[0], both[1], term.coefficient)
            continue
        if len(term.invariants) != 1 or [len(word) for word in words] != [1, 1]:
            return False
        x, y = words
        side = sign(term.coefficient)
        if side is None:
            return False
        if side == -1:
            # (P_X)_ii (P_Y)_ii at most as large as the squares of both.
            add(singles, x, x, term.coefficient / 2)
            add(singles, y, y, term.coefficient / 2)
        elif x == y:
            add(products, x, x, term.coefficient / EMBEDDING_DIMENSION)
    spelled = [letter for letter in _VALUES if any(letter in _SPELLED[name] for name in names)]
    change = sympy.Matrix(size, len(spelled), lambda i, k: _SPELLED[names[i]].get(spelled[k], 0))
    s, p = (change.T * matrix * change for matrix in (singles, products))
    rank = sympy.Dummy("r", positive=True)
    # One of the bounds is enough: squares of the parts as they are, or of a combination of them.
    bounds = [s.applyfunc(lambda value: value if sign(value) == -1 else sympy.S.Zero) + _diagonal(s) / rank]
    if semidefinite(s):
        bounds.append(s / rank)
    if all(sign(value) is not None for value in s):
        return any(_grows(p + bound, spelled) for bound in bounds)
    return semidefinite(s) and _grows(p + s / rank, spelled)


def _diagonal(matrix: sympy.Matrix) -> sympy.Matrix:
    return sympy.diag(*(matrix[i, i] if sign(matrix[i, i]) == 1 else 0 for i in range(matrix.rows)))


def _grows(form: sympy.Matrix, letters: list[str]) -> bool:
    """Whether τᵀ form τ > 0: where the modes are on, without a bias and with one, and for a bias alone."""
    on = sympy.Matrix([_VALUES[letter] for letter in letters])
    tried = [on]
    if "D" in letters:
        tried += [on.subs(_VALUES["D"], 0), sympy.Matrix([int(letter == "D") for letter in letters])]
    return all(_form_positive(form, tau) for tau in tried)


def _form_positive(form: sympy.Matrix, tau: sympy.Matrix) -> bool:
    value = sympy.expand((tau.T * form * tau)[0])
    if sign(value) == 1:
        return True
    # With one negative coupling between two: 2 |f_XY| < 2 √(f_XX f_YY).
    kept = [i for i in range(form.rows) if tau[i] != 0]
    return all(sign(normal_form(form[i, i])) == 1 for i in kept) and all(
        sign(normal_form(minor)) == 1
        for number in range(2, len(kept) + 1)
        for minor in (form.extract(kept[:number], kept[:number]).det(),)
    )
