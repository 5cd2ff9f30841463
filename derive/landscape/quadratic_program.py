"""The quadratic program of the modes' powers, solved with all modes kept, and at the origin.

    minimise −Σ_i b_i g_i + Σ_i Q_ii g_i² + Σ_ij K_ij g_i g_j over g ≥ 0,   K_ij = Σ_XY p_XY x_i y_j.

The solution with all modes kept needs no inverse of a d0×d0 matrix, since K has the rank of p: with T_X = Σ_j x_j g_j,
2 Q_ii g_i = b_i − 2 Σ_XY p_XY x_i T_Y, and the T solve a small linear system whose entries are sums over modes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sympy

from derive.landscape.conditions import q_j, total
from derive.landscape.coordinates import as_matrix
from derive.landscape.landscape import BIAS, MODE_I, MODE_J, Landscape, Values, a_i, a_j, s_i, s_j

if TYPE_CHECKING:
    from collections.abc import Sequence

# The eigenvalues of a mode with that of Σ as a letter of its own.
OF_I: Values = {**MODE_I, "S": s_i, "C": s_i - a_i}
OF_J: Values = {**MODE_J, "S": s_j, "C": s_j - a_j}
Decide = Callable[[sympy.Expr], sympy.Basic]


def at_origin_with_bias(case: Landscape, decided: Decide) -> sympy.Basic:
    """Whether the loss falls along no mode at G = 0, where a bias alone is in place."""
    b = case.b()
    if not case.has_bias:
        return decided(b)
    curvature = case.Q(BIAS, BIAS) + case.K(BIAS, BIAS)
    power = case.b(BIAS) / (2 * curvature)
    beside = b - 2 * case.K(MODE_I, BIAS) * power
    off = decided(case.b(BIAS))
    return sympy.Or(sympy.And(off, decided(b)), sympy.And(sympy.Not(off), decided(beside)))


def all_kept(case: Landscape, letters: Sequence[str], *, with_bias: bool) -> tuple[sympy.Expr, sympy.Expr]:
    """Expressions with the sign of g_i when all modes are kept, and with that of the loss's descent along the bias.

    The unknowns are T_X = Σ_j x_j g_j and, with the bias, its power t = |b|². Both answers are multiplied by the
    determinant of their linear system, which is positive where the landscape is strictly convex.
    """
    unknown = [sympy.Dummy(f"T_{letter}") for letter in letters] + ([sympy.Dummy("t")] if with_bias else [])
    t = unknown[-1] if with_bias else sympy.S.Zero
    spelled = [*letters, "D"]
    p = as_matrix(case.products, spelled)
    traces = sympy.Matrix([*unknown[: len(letters)], t])

    # A short name for Q_jj, unless it is one product of eigenvalues and cancels.
    q = case.Q(OF_J, OF_J) if len(case.without_bias().singles) == 1 else q_j

    def descent(mode: Values) -> sympy.Expr:
        """b_i less the pull of the modes and the bias."""
        pull = (p * traces).dot(sympy.Matrix([mode[letter] for letter in spelled]))
        return case.b(mode) - 2 * pull - (2 * case.Q(BIAS, BIAS) * t if mode is BIAS else 0)

    def summed(letter: str) -> sympy.Expr:
        # Linear in the unknowns, which are taken out of the sums.
        in_unknowns = sympy.Poly(sympy.expand(OF_J[letter] * descent(OF_J)), *unknown)
        return sympy.Add(
            *(
                sympy.prod(symbol**power for symbol, power in zip(unknown, powers, strict=True))
                * total(value / (2 * q))
                for powers, value in in_unknowns.terms()
            )
        )

    equations = [symbol - summed(letter) for symbol, letter in zip(unknown, letters, strict=False)]
    if with_bias:
        equations.append(-descent(BIAS))
    matrix, right = sympy.linear_eq_to_matrix(equations, unknown) if unknown else (sympy.eye(1), sympy.zeros(1, 1))
    determinant = matrix.det()
    solved = matrix.adjugate() * right

    def at_solution(value: sympy.Expr) -> sympy.Expr:
        constant = value.xreplace(dict.fromkeys(unknown, sympy.S.Zero))
        moved = (sympy.diff(value, symbol) * solved[k] for k, symbol in enumerate(unknown))
        return sympy.cancel(constant * determinant + sympy.Add(*moved))

    return at_solution(descent(OF_I)), at_solution(descent(BIAS)) if case.has_bias else sympy.S.Zero
