"""L(−W) and L(RW) against L(W), on random draws of the loss as it is defined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.definition.expression import CoordinateSum, walk
from verify.evidence.evidence import Evidence, far
from verify.evidence.significance import within
from verify.routes.route import Route
from verify.truths.rounding import rounding
from verify.truths.settings import truth_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from derive import Expansion, Loss
    from verify.routes.subject import Subject
    from verify.truths.settings import Case
    from verify.truths.truth import Setting, Truth

# The t to try first on random draws, and how often it is halved where the loss is not finite.
LARGE, SMALLER = 0.3, 12


@dataclass(frozen=True, eq=False)
class Turned:
    """What the loss does when W changes its sign or is rotated.

    Attributes:
        case: the setting.
        loss: the loss at its values.
        t: by which W is multiplied; None where there were no finite values at any t.
        odd: the largest |L(−W) − L(W)| of the draws.
        moved: the largest |L(RW) − L(W)|.
        tolerance: what rounding can add to either.
        shows: whether the loss itself moves by more than that.
        draws: how many there were.

    """

    case: Case
    loss: Loss
    t: float | None
    odd: float = 0.0
    moved: float = 0.0
    tolerance: float = 0.0
    shows: bool = False
    draws: int = 0


def measure(subject: Subject) -> Turned:
    """The loss at tW, −tW and tRW, on the same draws."""
    subject.tick("symmetry")
    at = subject.case(size=subject.sizes[-1])
    turn, _ = np.linalg.qr(np.random.default_rng(subject.seed).standard_normal((len(at.setting.W),) * 2))
    b = at.setting.bias
    rotated = replace(at.setting, W=turn @ at.setting.W, bias=None if b is None else turn @ b)
    found = _finite_pairs(subject.loss, at, rotated)
    if found is None:
        return Turned(at, subject.here, None)
    t, nearer, plain, turned = found
    noise = rounding(at.truth, lambda one: drawn(at, one, np.array([t])))
    tolerance = max(1e-9 * max(1.0, float(np.abs(plain).max())), noise)
    return Turned(
        at,
        subject.here,
        t,
        odd=float(np.abs(plain[:, 1] - plain[:, 0]).max()),
        moved=float(np.abs(turned[:, 0] - plain[:, 0]).max()),
        tolerance=tolerance,
        # So near 0 that the loss itself does not move, nothing can be seen.
        shows=float(np.abs(plain - nearer).max()) > 1e3 * tolerance,
        draws=len(plain),
    )


def compare(found: Turned, expansion: Expansion) -> list[Evidence]:
    """Every term must be even, and one without sums over coordinates must be invariant under rotations."""
    at, tolerance = found.case, found.tolerance
    if found.t is None:
        note = f"no finite values on random draws at any t tried; {at.truth.how}; {at.label}"
        return [Evidence("exact", "L(W) on random draws", measured="not finite", seed=at.seed, note=note)]
    # Only sums over coordinates can see a rotation, and where they do not cancel they must be seen to.
    plainly = not any(isinstance(node, CoordinateSum) for node in walk(found.loss.expression))
    sees = found.moved > tolerance
    expected: float | str = 0.0 if plainly or expansion.rotation_invariant else "not zero"
    agrees: bool | None = sees != (expected == 0.0)
    if sees and expected == 0.0 and not plainly:
        expected, agrees = f"O(W^{expansion.order + 2})", None
    point, minus, turned_point = ("W, b", "−W, −b", "RW, Rb") if found.loss.bias else ("W", "−W", "RW")
    # Terms of odd order average to zero over the data, and need not on a draw.
    even = None if at.truth.odd and found.odd > tolerance else within(found.odd, tolerance)

    def compared(quantity: str, predicted: float | str, measured: float, *, agrees: bool | None) -> Evidence:
        note = f"largest of {found.draws} draws at t = {found.t:g}; {at.truth.how}; {at.label}"
        agrees = agrees if found.shows or measured > tolerance else None
        # A change at one point is beyond doubt; its absence there is not.
        exact = agrees is False and predicted == 0.0 and far(measured, tolerance)
        return Evidence(
            "exact", quantity, predicted, measured, tolerance, "tolerance", agrees, at.seed, note, exact=exact
        )

    return [
        compared(f"L({minus}) − L({point})", 0.0, found.odd, agrees=even),
        compared(f"L({turned_point}) − L({point})", expected, found.moved, agrees=agrees),
    ]


def _finite_pairs(loss: Loss, at: Case, rotated: Setting) -> tuple[float, Any, Any, Any] | None:
    """A t at which the loss is finite on the draws, with L(tW/2), L(±tW) and L(±tRW); None where there is none.

    The logarithm of a difference, say, has no real value where W is large.
    """
    for halvings in range(SMALLER):
        t = LARGE / 2**halvings
        with np.errstate(all="ignore"):
            plain = drawn(at, at.truth, np.array([t, -t, t / 2]))
            turned = drawn(at, truth_of(loss, at.values, rotated), np.array([t, -t]))
        if np.isfinite(plain).all() and np.isfinite(turned).all():
            return t, plain[:, 2:], plain[:, :2], turned
    return None


def drawn(at: Case, truth: Truth, ts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loss at each t, on the same draws."""
    return truth.drawn(ts, 5, np.random.default_rng(at.seed), 4)


ROUTE = Route("exact", "L(W) on random draws", measure, compare)
