r"""What becomes of a mean of the data under DINO: what centring is for, and how fast a centre has to follow.

The mean m of the student's logits, that of a bias or W μ for a mean μ across the modes, has a flow of its own. With the
teacher's mean n, its centre c, small weights (J = Π/K, `derive.fields.logit_field`), and |μ|² the square of the mean
(1 for a bias),

    dm/dt = |μ|² ((n − c)/τ_t − m/τ_s)/(K τ_s),     dn/dt = q (m − n),     dc/dt = r (n − c).

- Without a centre, and n = m: m grows for τ_t < τ_s, as a mode of λ = 1 and variance |μ|², so before any other mode of
  that variance. It ends in one output for all data: beyond a difference Δ of logits the teacher is so sure that every
  mode decays (`frozen`).
- With a centre that is exact, c = n: m decays at the rate |μ|²/(K τ_s²), and the output does not collapse to one.
- With a centre that follows at the rate r the mean does not collapse but *oscillates* where r is too small: by Routh
  and Hurwitz the condition is `follows` > 0. Of a teacher that is the student, r > |μ|² (1/τ_t − 1/τ_s)/(K τ_s).
"""

from __future__ import annotations

import sympy

from derive.algebra.letters import Letter
from derive.fields.dino import K, tau_s, tau_t
from derive.fields.logit_field import q, rate

# The square of the data's mean; the rate of the centre.
mean_square, r = Letter("mu_sq", positive=True), Letter("r", positive=True)


def uncentred() -> sympy.Expr:
    """The rate at which a small mean grows without a centre.

    >>> uncentred()
    mu_sq*(tau_s - tau_t)/(K*tau_s**2*tau_t)
    """
    return sympy.factor(_pull() - _push())


def centred() -> sympy.Expr:
    """The rate at which a small mean grows beside an exact centre: it decays.

    >>> centred()
    -mu_sq/(K*tau_s**2)
    """
    return -_push()


def centre_follows() -> sympy.Poly:
    """The characteristic polynomial of a small mean (m, n, c), the teacher's rate q and the centre's r.

    >>> centre_follows().degree()
    3
    """
    pull, push = _pull(), _push()
    return sympy.Matrix([[-push, pull, -pull], [q, -q, 0], [0, r, -r]]).charpoly(rate).as_poly()


def follows(*, momentum: bool = True) -> sympy.Expr:
    """What is positive where a small mean decays: Routh and Hurwitz's condition, or for q → ∞ r less its bound.

    >>> follows(momentum=False)
    r - mu_sq*(tau_s - tau_t)/(K*tau_s**2*tau_t)
    """
    if not momentum:
        return r - uncentred()
    _, two, one, none = centre_follows().all_coeffs()
    return sympy.expand(two * one - none)


def frozen() -> sympy.Expr:
    """The difference Δ of one logit to all others beyond which each mode decays, whatever its λ_i ≤ 1.

    To leading order in e^(−Δ/τ_s), which J is proportional to there: e^(−Δ/τ_t)/τ_t < e^(−Δ/τ_s)/τ_s.

    >>> frozen()
    tau_s*tau_t*log(tau_s/tau_t)/(tau_s - tau_t)
    """
    return sympy.log(tau_s / tau_t) * tau_s * tau_t / (tau_s - tau_t)


def _pull() -> sympy.Expr:
    return mean_square / (K * tau_s * tau_t)


def _push() -> sympy.Expr:
    return mean_square / (K * tau_s**2)
