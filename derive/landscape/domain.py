"""Where a closed form is finite, and how it behaves at the end of that range.

log E exp(½ zᵀ K z) is finite only while the Gaussian average converges: with I + μ S for each factor of its
determinant, while every one is positive definite. For μ ≥ 0 that is everywhere; for μ < 0 an eigenvalue h of S ends at
1/|μ|, beyond which the mean of the exponential is infinite. On the way to the end ℓ′(h) has a pole, of the logarithm
or of the resolvent, whose sign is that of the weight in front of the logarithm: ℓ → +∞ or −∞ there, as the loss itself
is beyond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign, signs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from derive.algebra.ranges import Ranges


def end_of(mus: Iterable[sympy.Expr], ranges: Ranges | None = None) -> sympy.Expr | None:
    """The h at which the first I + μ S stops being positive definite, ∞ where none does; None where a sign is open.

    >>> t = sympy.Symbol("t")
    >>> end_of([1, t]), end_of([-1, -2, t]), end_of([t - 1])
    (oo, 1/2, None)
    """
    ends: list[sympy.Expr] = []
    for mu in dict.fromkeys(map(sympy.sympify, mus)):
        side = sign(mu, ranges=ranges)
        if side is None:
            return None
        if side < 0:
            ends.append(normal_form(-1 / mu))
    nearest = [one for one in ends if all(-1 not in signs(other - one, ranges=ranges) for other in ends)]
    return nearest[0] if nearest else sympy.Min(*ends) if ends else sympy.oo


def towards(slope: sympy.Expr, end: sympy.Expr, h: sympy.Symbol) -> tuple[int, sympy.Expr]:
    """How ℓ′ behaves as h rises to a finite end: its pole's order there, and the coefficient of (1 − h/end)^−order.

    An order of 0 or less is not a pole: the divergences of several logarithms cancel.

    >>> h = sympy.Symbol("h")
    >>> towards(h / (1 - h**2), sympy.S.One, h), towards(1 / (1 + h), sympy.S.One, h)
    ((1, 1/2), (0, 1/2))
    """
    u = sympy.Dummy("u")
    top, bottom = (sympy.Poly(part, u) for part in sympy.fraction(sympy.cancel(slope.subs(h, end * (1 - u)))))
    if top.is_zero:
        return 0, sympy.S.Zero
    (low, first), (under, second) = (
        (monomial[0], value) for monomial, value in (part.terms()[-1] for part in (top, bottom))
    )
    return under - low, sympy.factor(first / second)


def within(expression: sympy.Expr, end: sympy.Expr | None, h: sympy.Symbol) -> sympy.Expr:
    """The expression in a letter that runs through all positive numbers while h runs from 0 to the end."""
    if end is None or end.is_infinite or end.has(sympy.Min):
        return expression
    return sympy.cancel(sympy.together(expression.subs(h, end * h / (1 + h))))
