"""The landscape −Tr[W B Wᵀ] + q₂ Tr[W X Wᵀ]², where no single trace of order 4 is left: one eigenvalue is kept.

With H = X^½ WᵀW X^½, b = X^(−½) B X^(−½) and ρ = Tr H it is −Tr[b H] + q₂ ρ², and stationary where H b = 2 q₂ ρ H: the
columns of H are eigenvectors of b with one eigenvalue b_i = 2 q₂ ρ. There L = −b_i ρ + q₂ ρ² = −b_i²/(4 q₂), however ρ
is shared within the eigenspace. For q₂ > 0, since −Tr[b H] ≥ −b_max ρ, L ≥ −b_max ρ + q₂ ρ² ≥ −b_max²/(4 q₂) where
b_max > 0, and L ≥ 0 elsewhere. At a smaller b_i the loss falls when rows turn to a larger one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.definition.notation import TEXT

if TYPE_CHECKING:
    from derive.landscape.landscape import Isotropic, Landscape


def of_one_trace(case: Landscape) -> Isotropic | None:
    """The landscape where it is of this kind, otherwise None."""
    one = case.isotropic()
    return one if one is not None and one.q1 == 0 and one.q2 != 0 else None


def points(one: Isotropic) -> str:
    """Which points are stationary, in words.

    >>> from derive import Loss, Mean, inner, views
    >>> from derive.landscape.landscape import landscapes
    >>> x, x_pos = views("x, x_pos")
    >>> (case,) = landscapes(Loss(-inner(x, x_pos) + Mean(inner(x, x), over=x) ** 2).expand(order=4))
    >>> points(of_one_trace(case))
    'W = 0, and modes of one eigenvalue of Σ^(−½) B Σ^(−½) alone: b_i = 2 Tr[W Σ Wᵀ], shared in any way; L = -¼ b_i^2'
    >>> minima(of_one_trace(case))
    'those of the largest b_i where it is > 0, W = 0 elsewhere: global, no other point a minimum'
    """
    X, twice, level = TEXT.letter(one.letter), sympy.expand(2 * one.q2), TEXT.scalar(sympy.factor(-1 / (4 * one.q2)))
    shown = TEXT.parentheses(TEXT.scalar(twice)) if twice.is_Add else TEXT.scalar(twice)
    given = one.landscape.given()
    return f"{given}; " * bool(given) + (
        f"W = 0, and modes of one eigenvalue of {X}^(−½) B {X}^(−½) alone: b_i = {shown} Tr[W {X} Wᵀ], shared in any"
        f" way; L = {level} b_i^2"
    )


def minima(one: Isotropic, lowest: str = "global") -> str:
    """Which of them are minima, "" where the sign of q₂ is open; `lowest` is what the lowest of all is called."""
    side = one.landscape.sign(one.q2)
    if side == 1:
        only = "" if one.landscape.coordinates else ", no other point a minimum"
        return f"those of the largest b_i where it is > 0, W = 0 elsewhere: {lowest}{only}"
    return f"none of them {lowest}: the landscape falls to −∞" if side == -1 else ""
