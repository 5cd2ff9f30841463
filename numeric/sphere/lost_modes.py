"""Which lost modes of a loss of unit vectors come back: α, β and λ_c = β/α at kept modes with given shares.

    L = L(U) − Tr[V (α A0 − β Σ) Vᵀ] + O(V⁴)     (`derive.sphere.transverse`)

in the weights V of lost modes. One with the view correlation μ comes back where α μ > β. The numbers come from the best
route that applies, which is named: equal modes (`equal_means`, to any precision), modes of unequal shares for a loss by
its means over pairs (`shares`), and drawn views for everything else (`drawn_means`). Of two encoders both are weighted
at their best: −2√(β_S β_T) takes the place of −β.

*Ranks.* α holds 1/(|f| |f′|), whose mean needs more than one kept mode, and β holds 1/|f|², whose mean needs more than
two; the variance of the latter, which an error of drawn views rests on, more than four. At one kept mode and at two a
loss that pushes data apart falls along every lost mode like |V| and like |V|² log(1/|V|): each comes back, whatever
its correlation (`of_low_rank`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import sympy
from numpy.typing import NDArray

from derive.algebra.graphs import ENCODER, PLAIN
from derive.algebra.words import trace
from derive.errors import InputError
from derive.sphere.homogeneous import degrees, terms
from derive.sphere.pairs import pair_form
from derive.sphere.transverse import ZERO, transverse
from numeric.sphere.cosine_laws import InfiniteMeanError
from numeric.sphere.drawn_means import BATCHES, Drawn, NormalBlock, drawn_means
from numeric.sphere.equal_means import Value, equal_modes
from numeric.sphere.quadrature import FINER, NODES
from numeric.sphere.shares import SETS, landscape

if TYPE_CHECKING:
    from derive.definition.expression import Expression
    from derive.losses.loss import Loss

Array = NDArray[np.float64]

EQUAL, UNEQUAL, DRAWN = "equal modes", "unequal shares", "drawn views"
# With many modes lengths hardly vary, and rules of fewer nodes do.
MANY, FEW, MORE = 64, 20, 28
# The words of one encoder, and of two.
WORDS = {1: ("A", "S"), 2: ("X", "S", "T")}


@dataclass(frozen=True)
class LostModes:
    """What decides whether a lost mode comes back.

    Attributes:
        alpha: α, for E|f|² = 1.
        beta: β.
        threshold: λ_c, below which a mode stays lost; below 0 where each comes back, above 1 where none does; None
            where α is not positive.
        route: how they were found: "equal modes", "unequal shares" or "drawn views".
        random: whether the errors are standard errors; they are bounds for equal modes.

    """

    alpha: Value
    beta: Value
    threshold: Value | None
    route: str
    random: bool

    def curvature(self, correlation: float) -> float:
        """The second derivative along a lost mode of variance 1 with this view correlation, 2 (β − α μ)."""
        return float(2 * (self.beta.value - self.alpha.value * correlation))

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        level = self.threshold
        return {
            "alpha": float(self.alpha.value),
            "alpha_error": float(self.alpha.error),
            "beta": float(self.beta.value),
            "beta_error": float(self.beta.error),
            "threshold": None if level is None else float(level.value),
            "threshold_error": None if level is None else float(level.error),
            "route": self.route,
        }


def lost_modes(
    loss: Loss,
    correlations: Sequence[float | sympy.Rational] | Array,
    shares: Sequence[float] | Array | None = None,
    *,
    digits: int | None = None,
    seed: int = 0,
    batches: int = BATCHES,
) -> LostModes:
    """α, β and λ_c for normal modes that are kept with given shares.

    Args:
        loss: of cosines, its parameters set; a batch may be finite.
        correlations: λ_i of two views of each kept mode, from 0 to 1.
        shares: p_i, not negative; they are divided by their sum. Equal unless given.
        digits: how many, for equal modes; double precision where none is given.
        seed: of random points and draws.
        batches: of drawn views.

    Raises:
        InputError: numbers out of range; a parameter without a value; a loss of coordinates; a mean that is infinite
            with so few kept modes.

    >>> from derive import catalogue
    >>> found = lost_modes(catalogue("infonce+normalised").filled(), [0.9] * 12)
    >>> found.route, round(found.threshold.value, 6)
    ('equal modes', 0.797079)

    """
    lam, weights = _checked(correlations, shares)
    slopes = _slopes(loss)
    same = len({*lam.tolist()}) == 1 and bool(np.allclose(weights, weights[0], rtol=1e-12))
    why: InputError | None = None
    if same:
        try:
            kept: Any = correlations[0]
            values = [equal_modes(slope, len(lam), kept, digits=digits) for slope in slopes]
            return _of_values(values, EQUAL, random=False)
        except InfiniteMeanError as error:
            _refuse(loss.name, str(error))
        except InputError as error:
            why = error
    if digits is not None:
        message = f"{digits} digits are there for equal modes" + (f", and not for {loss.name}: {why}" if why else "")
        raise InputError(message)
    check_rank(loss.name, slopes, len(lam), random=False)
    form = pair_form(loss)
    if form is not None and not any(one.free_symbols for push in form.repulsions for one in (push.weight, push.rate)):
        return _of_values(_of_shares(form, lam, weights, seed), UNEQUAL, random=True)
    return drawn_lost_modes(loss, NormalBlock(weights, lam), len(lam), seed=seed, batches=batches)


def drawn_lost_modes(loss: Loss, block: Drawn, rank: int, *, seed: int = 0, batches: int = BATCHES) -> LostModes:
    """The same for kept modes that can be drawn: of any W and law, or features of data.

    Args:
        loss: of cosines, its parameters set; a batch may be finite.
        block: f of the kept block; E|f|² = 1 for the α and β of other routes, λ_c does not depend on it.
        rank: the number of kept modes.
        seed: of the draws.
        batches: of views.

    """
    slopes = _slopes(loss)
    check_rank(loss.name, slopes, rank, random=True)
    measured = drawn_means(slopes, block, seed=seed, batches=batches)
    return _of_values(
        [Value(*pair) for pair in zip(measured.means, np.sqrt(np.diag(measured.covariance)), strict=True)],
        DRAWN,
        random=True,
        covariance=measured.covariance,
    )


def check_rank(name: str, slopes: Sequence[Expression], rank: int, *, random: bool) -> None:
    """Refuse kept modes so few that a mean over them is infinite, or the variance of drawn ones.

    Raises:
        InputError: saying which.

    """
    lowest = 0
    for slope in slopes:
        try:
            for term in terms(slope):
                # A cosine of a view vanishes no faster than its length, and is not counted: odd means exist longer.
                lowest = min([lowest, *(int(power) for power in (degrees(term) or {}).values())])
        except InputError:
            return
    if rank + lowest <= 0:
        _refuse(name, f"E |f|^({lowest}) is infinite at rank {rank}: it needs more than {-lowest} kept modes")
    if random and rank + 2 * lowest <= 0:
        message = (
            f"{name} at {rank} kept modes: |f|^({lowest}) has a mean and no variance, so that drawn views give no"
            f" error; take more than {-2 * lowest}"
        )
        raise InputError(message)


def _refuse(name: str, reason: str) -> NoReturn:
    message = f"{name} has no α and β: {reason}; with so few each lost mode comes back where data repel each other"
    raise InfiniteMeanError(message)


def _checked(correlations: Any, shares: Any) -> tuple[Array, Array]:
    lam = np.asarray([float(one) for one in correlations])
    weights = np.full(len(lam), 1.0) if shares is None else np.asarray(shares, dtype=np.float64)
    if not len(lam) or not ((lam >= 0) & (lam <= 1)).all():
        message = "the view correlations of the kept modes are from 0 to 1, one or more"
        raise InputError(message)
    if weights.shape != lam.shape or not (np.isfinite(weights) & (weights >= 0)).all() or not weights.sum() > 0:
        message = f"shares are not negative, one for each of the {len(lam)} modes, and not all zero"
        raise InputError(message)
    kept = weights > 0
    return lam[kept], weights[kept] / weights.sum()


def _slopes(loss: Loss) -> list[Expression]:
    """The slopes along A0 and Σ, or along the cross-covariance, Σ and the second Σ for two encoders."""
    if not loss.roles <= {PLAIN, ENCODER}:
        kinds = "other data of a class, or under a second augmentation"
        message = f"{loss.name} has views of {kinds}: α and β are for two views of a datum, or two encoders"
        raise InputError(message)
    found = transverse(loss)
    if left := sorted(loss.parameters):
        message = f"{left[0]} has no value; set it"
        raise InputError(message)
    by_word = {invariants[0][0][1] if len(invariants) == 1 else None: one for invariants, one in found.slopes.items()}
    for words in WORDS.values():
        if set(by_word) <= set(words):
            return [found.slopes.get((trace(word),), ZERO) for word in words]
    message = (
        f"{loss.name} depends on lost modes in another way than through Σ and A0, as weight decay does; leave that out"
    )
    raise InputError(message)


def _of_shares(form: Any, lam: Array, weights: Array, seed: int) -> list[Value]:
    """Minus α, and β, over several sets of points; the spread and what a finer rule changes are the error."""
    nodes, more = (FEW, MORE) if len(lam) >= MANY else (NODES, FINER)
    sets = [landscape(form, lam, seed=SETS * seed + k, nodes=nodes) for k in range(SETS)]
    alpha, first = sets[0].of_lost(weights)
    pushed = np.array([one.pushed_lost(weights) for one in sets])
    finer = landscape(form, lam, seed=SETS * seed, nodes=more).of_lost(weights)
    beta = first - pushed[0] + pushed.mean()
    spread = pushed.std(ddof=1) / np.sqrt(SETS)
    return [
        Value(-alpha, abs(finer[0] - alpha)),
        Value(float(beta), float(np.hypot(spread, finer[1] - first))),
    ]


def _of_values(values: Sequence[Value], route: str, *, random: bool, covariance: Array | None = None) -> LostModes:
    """λ_c from the slopes along A0 (or the cross-covariance) and along Σ (one for each encoder)."""
    along, *own = values
    alpha, gradient = Value(-along.value, along.error), [0.0]
    if len(own) == 1:
        beta = own[0]
        gradient = [0.0, 1.0]
    else:
        beta, gradient = _of_two(own)
    if not alpha.value > 0:
        return LostModes(alpha, beta, None, route, random)
    level = beta.value / alpha.value
    if covariance is not None:
        # λ_c = β/α, and α is minus the first slope.
        weights = (np.array(gradient) + level * np.eye(len(values))[0]) / float(alpha.value)
        error: Any = float(np.sqrt(weights @ covariance @ weights))
        own_weights = np.array(gradient)
        beta = Value(beta.value, float(np.sqrt(own_weights @ covariance @ own_weights)))
    elif random:
        error = np.hypot(beta.error, level * alpha.error) / alpha.value
    else:
        error = (beta.error + abs(level) * alpha.error) / alpha.value
    return LostModes(alpha, beta, Value(level, error), route, random)


def _of_two(own: Sequence[Value]) -> tuple[Value, list[float]]:
    """±2√(β_S β_T), the β of the best weights of two encoders, with its gradient in the slopes.

    Where one is negative, its encoder alone lowers the loss along any lost mode: minus their size is what is given.
    """
    s, t = own
    sign = 1 if s.value > 0 and t.value > 0 else -1
    root = 2 * abs(s.value * t.value) ** 0.5
    gradient = [0.0, float(abs(t.value / s.value)) ** 0.5, float(abs(s.value / t.value)) ** 0.5]
    return Value(sign * root, gradient[1] * s.error + gradient[2] * t.error), gradient
