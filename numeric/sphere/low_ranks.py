r"""What a loss of unit vectors does along a lost mode where one or two modes are kept: no second derivative, a slope.

With u the kept and s y the lost part of f, a share of the data of the order s^r has |u| ≲ s, and its direction is
anything: 1/|u|² has no mean for r ≤ 2. For r = 1 and r = 2 kept modes, E|u|² = 1 and y ~ N(0, 1), to leading order,

    r = 1:   L(s) = L(0) − C s,              C = −(2/π) ∫₀^∞ dt [ℓ(q) − ℓ(1)],   q = t/√(1 + t²),
    r = 2:   L(s) = L(0) − C s² log(1/s),    C = 2 D.

For r = 1 the data with |u| = t s |y| are at the cosine ±q instead of ±1 with all others, and ℓ is what one datum so
placed, as an anchor and as one of the others, gives the loss. For r = 2, E[1/|u|²; |u| > s] = 2 log(1/s), and its
weight in β is −D: D = E[c ∂L/∂c], half of it for each end. Of two views of a datum the cosine vanishes with the length
of one in the mean, so that alignment gives less: C does not depend on λ, nor on the lost mode's.

    repulsion               ℓ(q)                                      D
    w E log E exp(k c)      w [log cosh kq + cosh kq/cosh k]          w k I₁(k)/I₀(k)
    w log E exp(k c)        2 w cosh kq/cosh k                        w k I₁(k)/I₀(k)
    w E c^(2l)              2 w q^(2l)                                2 w l E c^(2l)

Where all w are positive C is: the loss falls along each lost mode, and each comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from derive.errors import InputError

if TYPE_CHECKING:
    from derive.sphere.pairs import PairForm, Repulsion


def slope_at_low_rank(form: PairForm, rank: int) -> float:
    """C of −C s at one kept mode, or of −C s² log(1/s) at two, E|f|² = 1.

    Args:
        form: the loss by its means over pairs, its parameters set.
        rank: 1 or 2.

    Raises:
        InputError: another rank, at which there is a second derivative.

    >>> from derive import catalogue
    >>> from derive.sphere.pairs import pair_form
    >>> infonce = pair_form(catalogue("infonce+normalised").filled())
    >>> [round(slope_at_low_rank(infonce, rank), 4) for rank in (1, 2)]
    [0.7721, 0.8928]

    """
    if rank not in (1, 2):
        message = (
            f"rank {rank}: losses of unit vectors have a second derivative at rank 3 and above, and none at 1 and 2"
        )
        raise InputError(message)
    return sum(float(push.weight) * _at(push, rank) for push in form.repulsions)


def _at(push: Repulsion, rank: int) -> float:
    from scipy.special import i0e, i1e

    k, power = float(push.rate), push.kind == "power"
    if rank == 1:
        return _one(push.kind, k)
    if not power:
        return float(2 * abs(k) * i1e(abs(k)) / i0e(abs(k)))
    # E c^j on the circle, (j − 1)!!/j!!.
    j = int(push.rate)
    return 2 * j * float(np.prod([(n - 1) / n for n in range(2, j + 1, 2)]))


def _one(kind: str, k: float) -> float:
    """−(2/π) ∫₀^∞ dt [ℓ(q) − ℓ(1)], t = cot a, q = cos a."""
    from scipy.integrate import quad

    def lost(a: float) -> float:
        q = float(np.cos(a))
        if kind == "power":
            return float(2 * (1 - q**k) / np.sin(a) ** 2)
        size = abs(k)
        # cosh kq/cosh k without overflow.
        ratio = np.exp(-size * (1 - q)) * (1 + np.exp(-2 * size * q)) / (1 + np.exp(-2 * size))
        own = -np.log(ratio) if kind == "log mean" else 1 - ratio
        return float((own + 1 - ratio) / np.sin(a) ** 2)

    return float(2 / np.pi * quad(lost, 0, np.pi / 2, epsabs=1e-10, epsrel=1e-10, limit=200)[0])
