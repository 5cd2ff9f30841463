r"""A loss of unit vectors to first order in the inverse number of kept modes, and which modes it keeps then.

With f = u/|u|, E|u|² = 1 and shares p_i of the modes, lengths and inner products vary by Σ p² about their means, and to
this order a cosine's mean and variance follow from theirs:

    E cos(x, x′) = ℓ + ¾ ℓ Var|u|² + ¼ ℓ Cov(|u|², |u′|²) − Cov(⟨u, u′⟩, |u|²),   ℓ = Σ p_i λ_i,
    E cos(x, χ)² = Var⟨u, v⟩.

So L = const − a E cos(x, x′) + ½ b Σ p², with the pull a and a push of strength b. Where b is much larger than a, at
low temperatures, the variances in E cos(x, x′) do not count, and p_i = (a/b)(λ_i − λ_c)₊, as
`numeric.sphere.many_modes` has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.algebra.scalars import normal_form
from derive.expansion.moment import moment

if TYPE_CHECKING:
    from derive.sphere.pairs import PairForm

# λ of the kept modes and their number; the share and the λ of one more mode.
LAMBDA, MODES = sympy.symbols("lambda_bar d_M", positive=True)
_SHARE, _OTHER = sympy.symbols("p_o lambda_o", nonnegative=True)


def push_strength(form: PairForm) -> sympy.Expr | None:
    """b, twice what multiplies Σ p² in the repulsions; None where one of them is of higher order.

    >>> from derive import catalogue
    >>> from derive.sphere.pairs import pair_form
    >>> push_strength(pair_form(catalogue("infonce+normalised")))
    tau**(-2)
    """
    total = sympy.S.Zero
    for push in form.repulsions:
        if push.kind == "power":
            if push.rate != 2:
                return None
            total += 2 * push.weight
        else:
            # The second cumulant of k cos.
            total += push.weight * push.rate**2
    return normal_form(total)


def excess(form: PairForm) -> sympy.Expr | None:
    r"""d_M (λ − λ_c): how far d_M equal kept modes exceed, in all, the view correlation of a mode that is just lost.

    To leading order in d_M, a formula in ``lambda_bar``, the λ of the kept modes, and the loss's parameters; None where
    a repulsion is of higher order.

    >>> from derive import catalogue
    >>> from derive.sphere.pairs import pair_form
    >>> excess(pair_form(catalogue("infonce+normalised")))
    -lambda_bar**3 + lambda_bar + 1/tau
    """
    strength = push_strength(form)
    if strength is None:
        return None
    # The slope along the other mode's share, with the kept ones' shares scaled so that all add to 1.
    loss = _of_equal_modes(form.aligned, strength)
    slope = sympy.diff(loss, _SHARE).subs(_SHARE, 0)
    (level,) = sympy.solve(slope, _OTHER)
    return sympy.expand(normal_form(sympy.limit(MODES * (LAMBDA - level), MODES, sympy.oo)))


def _of_equal_modes(pull: sympy.Expr, strength: sympy.Expr) -> sympy.Expr:
    """−a E cos + ½ b Σ p² with d_M modes of share (1 − p_o)/d_M and one of share p_o."""
    kept = (1 - _SHARE) / MODES

    def mean(text: str) -> sympy.Expr:
        """A moment of u, its trace words written as sums over modes."""
        total = sympy.S.Zero
        for _, coefficient, invariants in moment(text).terms:
            product = sympy.S.One
            for word in invariants:
                letters = "".join(part for _, part, _ in word)
                power, agreeing = len(letters), letters.count("A")
                product *= MODES * kept**power * LAMBDA**agreeing + _SHARE**power * _OTHER**agreeing
            total += coefficient * product
        return total

    product = mean("E(<f(x), f(x_pos)>)")
    lengths, both = mean("Var(|f(x)|^2)"), mean("Cov(|f(x)|^2, |f(x_pos)|^2)")
    beside = mean("Cov(<f(x), f(x_pos)>, |f(x)|^2)")
    cosine = product * (1 + sympy.Rational(3, 4) * lengths + both / 4) - beside
    return -pull * cosine + strength * mean("Var(<f(x), f(chi)>)") / 2
