"""Sums over coordinates of the embedding, δ_XY Σ_r (W X Wᵀ)_rr (W Y Wᵀ)_rr, and the rotation at which they are lowest.

They are all that a rotation W → RW changes of a quartic, and one rotation has to serve all of them. Let t_r hold the
entries (W X Wᵀ)_rr by letter, so that the sums are Σ_r t_rᵀ δ t_r with a symmetric form δ:

    δ ⪯ 0    Σ_r t_rᵀ δ t_r ≥ δ_XY Tr[W X Wᵀ W Y Wᵀ], since squares summed over the diagonal are at most those summed
             over all entries. Equal where all W X Wᵀ are diagonal; a rotation makes them so where the columns of W,
             one a mode, are orthogonal, as they are at the minima of a convex landscape: each row holds one mode.
    δ ⪰ 0    Σ_r t_rᵀ δ t_r ≥ δ_XY Tr[W X Wᵀ] Tr[W Y Wᵀ]/d1, by convexity. Equal where the diagonals are constant. With
             δ of rank one there is one matrix W Y Wᵀ, which some rotation gives a constant diagonal (Schur and Horn).
             With a higher rank several matrices need one at once: with orthogonal columns an orthogonal matrix of
             entries ±1/√d1 does it, and there is one where d1 is a power of two (Sylvester). At d1 = 3 and two kept
             modes or more there is none in general: (R_ri)² = 1/3 would have to hold, and rows of ±1/√3 are not
             orthogonal. The right side is a lower bound then.
    else     No rotation is best for all. Points with one mode a row are stationary (`numeric.landscape.modes` has their
             Hessian), and there can be lower ones whose rows hold several modes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal

import sympy

from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign

Form = Mapping[tuple[str, str], sympy.Expr]
# The negative curvatures at a point with one mode a row: those of any landscape, u_i = −b_i + 2 Σ_j K_ij g_j, and those
# that sums over coordinates bring in (`numeric.landscape.modes`).
OF_MASKS = (
    "(d1 − m)·#{i ∉ M: u_i < 0} + #{k ∈ M, i ∉ M: u_i + 2 Q_ik g_k < 0} + the negative eigenvalues of diag(Q) + K on M,"
    " u_i = −b_i + 2 Σ_j K_ij g_j"
)
OF_ROWS = (
    "(d1 − m)·#{k ∈ M: D_kk > 0} + the negative eigenvalues of [[D_ik g_i − D_kk g_k + F_ik g_i, F_ik √(g_i g_k)],"
    " [F_ik √(g_i g_k), D_ik g_k − D_ii g_i + F_ik g_k]], F = Q − D, for each pair i, k ∈ M"
)
INDEFINITE = "the points of index 0 among those with one mode a row; rows that hold several modes can be lower"
Rotation = Literal["any", "one mode a row", "constant diagonal", "constant diagonals", "indefinite"]


def of_form(form: Form) -> Iterator[tuple[Rotation, tuple[sympy.Expr, ...]]]:
    """Which rotation is lowest for sums over coordinates, and what has to be ≥ 0 for it to be.

    Args:
        form: pair XY → coefficient of Σ_r (W X Wᵀ)_rr (W Y Wᵀ)_rr.

    >>> x, y = sympy.symbols("x y")
    >>> list(of_form({("A", "A"): 1 - x}))
    [('one mode a row', (x - 1,)), ('constant diagonal', (1 - x,))]
    >>> list(of_form({("A", "A"): 1 - x, ("S", "S"): (1 - x) / y}))
    [('one mode a row', (x - 1,)), ('constant diagonals', (1 - x,))]
    >>> list(of_form({("A", "A"): x, ("S", "S"): -y}))
    [('indefinite', ())]
    >>> for case in of_form({("A", "A"): 1 - x, ("S", "S"): 1 - y}):
    ...     print(case)
    ('one mode a row', (x - 1, y - 1))
    ('constant diagonals', (1 - x, 1 - y))
    ('indefinite', (-x*y + x + y - 1,))
    """
    matrix = as_matrix(form)
    pivot = next((value for value in matrix.diagonal() if value != 0), None)
    if pivot is None:
        yield "indefinite", ()
        return
    # Of δ/pivot, in which a common factor of open sign cancels; and the same times a square, a polynomial where δ is.
    ratio = (matrix / pivot).applyfunc(normal_form)
    signs = {rows: sign(normal_form(minor)) for rows, minor in principal_minors(ratio)}
    minors = {rows: normal_form(minor * pivot ** (len(rows) % 2)) for rows, minor in principal_minors(matrix)}
    if -1 in signs.values():
        yield "indefinite", ()
        return
    undecided = [rows for rows, known in signs.items() if known is None]
    one = all(known == 0 for rows, known in signs.items() if len(rows) == 2)
    level: Rotation = "constant diagonal" if one else "constant diagonals"
    sides: tuple[tuple[int, Rotation], ...] = ((-1, "one mode a row"), (1, level))
    for side, rotation in sides:
        asked = [side * pivot]
        asked += [side * matrix[rows[0], rows[0]] if len(rows) == 1 else minors[rows] for rows in undecided
                  if len(rows) == 1 or not matrix.extract(rows, rows).is_diagonal()]  # fmt: skip
        if all(sign(value) != -1 for value in asked):
            yield rotation, tuple(_cleared(value) for value in asked if sign(value) is None)
    for value in dict.fromkeys(_cleared(-minors[rows]) for rows in undecided):
        yield "indefinite", (value,)


def as_matrix(form: Form, letters: Sequence[str] | None = None) -> sympy.Matrix:
    """A form by letters, in order, symmetric; by its own unless others are given."""
    order = letters_of(form) if letters is None else letters

    def entry(i: int, k: int) -> sympy.Expr:
        x, y = order[i], order[k]
        both = form.get((x, y), sympy.S.Zero) + form.get((y, x), sympy.S.Zero)
        return normal_form(both / 2)

    return sympy.Matrix(len(order), len(order), entry)


def principal_minors(matrix: sympy.Matrix) -> Iterator[tuple[tuple[int, ...], sympy.Expr]]:
    """The determinants of a symmetric matrix on some of its rows; where none is negative it is positive semi-definite.

    >>> list(principal_minors(sympy.Matrix([[2, 1], [1, 3]])))
    [((0,), 2), ((1,), 3), ((0, 1), 5)]
    """
    for size in range(1, matrix.rows + 1):
        for rows in combinations(range(matrix.rows), size):
            yield rows, matrix.extract(list(rows), list(rows)).det()


def letters_of(form: Form) -> list[str]:
    """The letters of a form, in order."""
    return sorted({letter for pair in form for letter in pair})


def square_root(form: Form) -> tuple[sympy.Expr, dict[str, sympy.Expr]] | None:
    """The factor k and the combination y with form = k (Σ_X y_X X)², None where it is not a multiple of one square.

    The first letter has y_X = 1, and is one that occurs.

    >>> square_root({("A", "A"): sympy.Integer(4), ("A", "S"): sympy.Integer(4), ("S", "S"): sympy.Integer(1)})
    (4, {'A': 1, 'S': 1/2})
    """
    matrix, letters = as_matrix(form), letters_of(form)
    first = next((i for i in range(matrix.rows) if matrix[i, i] != 0), None)
    if first is None:
        return None
    factor = matrix[first, first]
    y = [normal_form(matrix[first, i] / factor) for i in range(matrix.rows)]
    rest = (matrix - factor * sympy.Matrix(y) * sympy.Matrix([y])).applyfunc(normal_form)
    return (factor, dict(zip(letters, y, strict=True))) if rest.is_zero_matrix else None


def added(one: Form, other: Form, factor: sympy.Expr = sympy.S.One) -> dict[tuple[str, str], sympy.Expr]:
    """The sum of two forms, the second with a factor."""
    total = dict(one)
    for (x, y), value in other.items():
        key = (x, y) if (y, x) not in total else (y, x)
        total[key] = normal_form(total.get(key, sympy.S.Zero) + factor * value)
    return total


def _cleared(value: sympy.Expr) -> sympy.Expr:
    """What has the same sign, without positive factors."""
    top, bottom = sympy.fraction(sympy.together(value))
    known = sign(bottom)
    # Exponentials and roots of parameters are letters to the factors.
    hidden = {
        part: sympy.Dummy() for part in top.atoms(sympy.exp, sympy.Pow) if not (part.is_Pow and part.exp.is_Integer)
    }
    shown = {letter: part for part, letter in hidden.items()}
    number, factors = sympy.factor_list(sympy.expand(top.xreplace(hidden)))
    kept = sympy.sign(number) * (1 if known is None else known)
    for factor, power in ((one.xreplace(shown), power) for one, power in factors):
        one = sign(factor)
        kept *= factor**power if one is None else one**power
    return sympy.expand(kept / bottom if known is None else kept)
