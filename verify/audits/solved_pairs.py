"""The canonical pairs that a loss of two encoders keeps: by its landscape through order 4, with the loss itself beside.

Whitened, x and y have unit covariances and Cov(x, y) = Λ, and the loss is a function of M = Σ₁^½ WᵀV Σ₂^½ alone: see
`derive.landscape.canonical_pairs`. The power of a pair is the singular value of M, whatever its sign there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy

from derive import InputError, closed_form
from derive.algebra.signs import sign
from derive.landscape.canonical_pairs import PairLandscape, canonical_pairs
from derive.landscape.pulled_pairs import pulls
from numeric.kinds import TwoKinds, of_pairs
from numeric.landscape.kept import Changes, Kept, nearest_changes
from verify.audits.solved_modes import Asked, Solution, depends_on
from verify.truths.lowest import LowestPoint, lowest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numeric.landscape.spectrum import Spectrum
    from verify.audits.kept_modes import Theory


def solved_pairs(asked: Asked) -> Solution:
    """The pairs of a loss whose parameters are set.

    Raises:
        InputError: a loss that is no function of WᵀV, or one with weight decay, which sees more than correlations.

    """
    asked.tick("landscape")
    pairs = canonical_pairs(asked.expansion)
    theory = _theory(asked)
    if pairs.falls or not pairs.convex:
        falls = "falls to −∞: there is no minimum" if pairs.falls else "is not known to be convex in WᵀV"
        found = Kept.unknown(asked.data.size, f"the landscape through order 4 {falls}")
        return Solution(theory, found, Changes.unknown(asked.data.size), open="no power is given")

    def powers(points: NDArray[np.float64]) -> NDArray[np.float64]:
        found = [pairs.powers([sympy.Float(one) for one in lam], d1=asked.d1) for lam in points]
        return np.asarray(np.abs(np.array(found, dtype=float)))

    exact = pairs.powers(asked.data.correlations, d1=asked.d1)
    found = Kept.of_powers(np.abs(np.array([float(one) for one in exact])), *_notes(pairs, asked))
    measured, why = _itself(asked, theory, found, pushed=_pushes(pairs))
    return Solution(theory, found, nearest_changes(powers, asked.data.lam), measured, why)


def pairs_for_all(asked: Asked, left: list[str]) -> Solution:
    """What holds for all values of the parameters that are left out: with rows enough, pairs with λ_i > 0 are kept."""
    data, pairs = asked.data, canonical_pairs(asked.expansion)
    known = pairs.gamma == 0 and not asked.limit and pairs.convex and pairs.pulls and asked.d1 >= data.size
    kept = tuple(sign(one) == 1 for one in data.correlations) if known else (None,) * data.size
    rank = sum(map(bool, kept)) if known else None
    found = Kept(np.full(data.size, np.nan), kept, rank, (depends_on(left),))
    return Solution("all-orders" if pulls(asked.loss) else _theory(asked), found, Changes.unknown(data.size))


def _theory(asked: Asked) -> Theory:
    """Whether order 4 is all there is, by the definition or because its means close to that."""
    if asked.limit:
        return "quartic"
    closed = None if asked.ends else closed_form(asked.loss, asked.law)
    ends = asked.ends or (closed is not None and closed.finite and closed.polynomial.order <= 4)
    return "all-orders" if ends else "quartic"


def _notes(pairs: PairLandscape, asked: Asked) -> list[str]:
    """What a reader has to know besides."""
    notes = []
    if _pushes(pairs):
        notes.append("the loss pushes the halves of a pair apart: W x and −V y meet")
    if asked.d1 < asked.data.size and pairs.u != 0:
        notes.append("points in canonical pairs were compared")
    return notes


def _pushes(pairs: PairLandscape) -> bool:
    """Whether the loss pushes the halves of a pair apart."""
    return sign(pairs.beta, ranges=pairs.ranges) == -1


def _itself(asked: Asked, theory: Theory, found: Kept, *, pushed: bool) -> tuple[LowestPoint | None, str]:
    """The minimum of the loss itself beside that of its landscape through order 4; None, with a reason, without one."""
    if theory == "all-orders":
        return None, ""
    if asked.seed is None or asked.limit:
        return None, "the loss itself was not minimised"
    asked.tick("the loss itself")
    # The root of the power in both encoders.
    half = np.diag(np.sqrt(found.powers))
    try:
        start = np.hstack([half, -half if pushed else half])
        return lowest(asked.loss, whitened_pairs(asked.data), start, seed=asked.seed), ""
    except InputError as error:
        return None, str(error)


def whitened_pairs(data: Spectrum) -> TwoKinds:
    """Whitened pairs with these canonical correlations.

    >>> from numeric.landscape.spectrum import whitened
    >>> whitened_pairs(whitened([1, 0])).A.tolist()
    [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    unit = np.eye(data.size)
    return of_pairs(unit, np.diag(data.lam), unit)
