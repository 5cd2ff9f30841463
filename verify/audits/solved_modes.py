"""The modes of a loss whose parameters are set: by its landscape to all orders, or by that through order 4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import sympy

from derive import Expansion, InputError, Law, Loss, closed_form
from derive.algebra.letters import named
from derive.definition.contents import degree_of
from derive.landscape.exact_modes import ExactModes, exact_modes
from derive.landscape.landscape import Landscape, a_i, c_i, landscapes
from derive.landscape.leading import RANK, far
from derive.landscape.recession import recession
from numeric.landscape.closed_modes import Closed, coupled_by_traces
from numeric.landscape.kept import Changes, Kept
from numeric.landscape.landscape import landscape_in_numbers
from numeric.landscape.modes import masked_point
from numeric.landscape.quartic_modes import Quartic
from numeric.landscape.recession import recession_rate
from numeric.landscape.separate import Separate
from numeric.landscape.spectrum import Spectrum
from numeric.laws import in_numbers
from numeric.sampling import Covariances
from verify.audits.kept_modes import Theory
from verify.routes.minima import case_at
from verify.truths.lowest import LowestPoint, lowest

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A little power, and a little disorder, at which a descent begins beside a stationary point.
LITTLE = 0.1, 0.02


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked.

    Attributes:
        loss: its parameters are set.
        law: of the data.
        expansion: of the loss, through order 4.
        limit: the strength of a norm penalty that goes to infinity, or None.
        data: the modes.
        d1: the number of rows of W.
        commute: whether A0 and C commute, where the loss sees more than correlations.
        seed: of the draws on which the loss itself is minimised; None where it is not.
        tick: is told what is done.

    """

    loss: Loss
    law: Law
    expansion: Expansion
    limit: str | None
    data: Spectrum
    d1: int
    commute: bool
    seed: int | None
    tick: Callable[[str], None]

    @property
    def ends(self) -> bool:
        """Whether the loss has no terms beyond order 4."""
        degree = degree_of(self.loss.expression)
        return degree is not None and degree <= 4


@dataclass(frozen=True, eq=False)
class Solution:
    """What was found: see `verify.audits.kept_modes.KeptModes`."""

    theory: Theory
    found: Kept
    changes: Changes
    measured: LowestPoint | None = field(default=None)
    open: str = ""


def depends_on(left: list[str]) -> str:
    """What has to be given for the powers, by name."""
    return f"the powers depend on {', '.join(left)}: give {' '.join(f'--set {name}=…' for name in left)}"


def solved(asked: Asked) -> Solution:
    """The modes by the landscape to all orders where it is known, and by that through order 4 elsewhere.

    Raises:
        InputError: the modes of the loss are not separate on data that do not commute.

    """
    asked.tick("landscape")
    closed = None if asked.limit else closed_form(asked.loss, asked.law)
    separate = None if closed is None else exact_modes(closed)
    if separate is not None and (one := _of_separate(asked, separate)) is not None:
        return one
    theory: Theory = "all-orders" if asked.ends and not asked.limit else "quartic"
    if not asked.limit and (why := _falls(asked)):
        return Solution(theory, Kept.unknown(asked.data.size, why), Changes.unknown(asked.data.size))
    if closed is not None and not closed.finite and coupled_by_traces(closed):
        solver = Closed(closed, asked.d1)
        return Solution("all-orders", solver.kept(asked.data), solver.changes(asked.data))
    return _of_quartic(asked, theory)


def _of_separate(asked: Asked, separate: ExactModes) -> Solution | None:
    solver = Separate(separate, asked.d1)
    found = None
    if not solver.of_level_alone:
        _has_to_commute(asked)
        if asked.d1 < asked.data.size or not separate.convex:
            # Words of several covariances: rows that hold several modes can be lower than one mode a row.
            if asked.ends:
                return None
            found = solver.kept(asked.data)
            found = Kept(
                found.powers, found.kept, found.rank, (*found.notes, "points with one mode a row were compared")
            )
    return Solution("all-orders", found or solver.kept(asked.data), solver.changes(asked.data))


def _of_quartic(asked: Asked, theory: Theory) -> Solution:
    data, expansion = asked.data, asked.expansion
    nothing = Changes.unknown(data.size)
    values = {"d1": float(asked.d1)} | ({asked.limit: 0.0} if asked.limit else {})
    why, case = "", None
    if not expansion.terms_of_order(4):
        why = "there are no terms of order 4, and the loss does not close to all orders"
    else:
        case = case_at(landscapes(expansion.truncate(4)), values)
        one = case.isotropic()
        if one is None or one.letter != "S":
            _has_to_commute(asked)
        why = "" if asked.limit else _falls_through_4(asked)
    if why or case is None:
        return Solution(theory, Kept.unknown(data.size, why), nothing, *_itself(asked, theory, None, case, values))
    solver = Quartic(case, values, asked.d1, _fixed(case, asked.limit))
    found = solver.kept(data)
    changes = nothing if found.rank is None else solver.changes(data)
    return Solution(theory, found, changes, *_itself(asked, theory, found, case, values))


def _has_to_commute(asked: Asked) -> None:
    if not asked.commute:
        message = f"A0 and C do not commute, and with weight decay the modes of {asked.loss.name} are not separate then"
        raise InputError(message)


def _itself(
    asked: Asked, theory: Theory, found: Kept | None, case: Landscape | None, values: Mapping[str, float]
) -> tuple[LowestPoint | None, str]:
    """The minimum of the loss itself beside that of its landscape through order 4; None, with a reason, without one."""
    if theory == "all-orders":
        return None, ""
    if asked.seed is None:
        return None, "the loss itself was not minimised"
    if asked.limit:
        return None, f"for {asked.limit} → ∞ the loss itself is not minimised"
    asked.tick("the loss itself")
    lam, s = asked.data.lam, asked.data.s
    data = Covariances(np.diag(lam * s), np.diag((1 - lam) * s))
    try:
        start = _start(found, case, data, values, asked.d1)
        return lowest(asked.loss, in_numbers(asked.law, data), start, seed=asked.seed), ""
    except InputError as error:
        return None, str(error)


def _start(
    found: Kept | None, case: Landscape | None, data: Covariances, values: Mapping[str, float], d1: int
) -> NDArray[np.float64]:
    """A W near the minimum through order 4, at its lowest rotation; with a little power where none is known."""
    rows, size = np.zeros((d1, data.d0)), data.Sigma.diagonal()
    beside = LITTLE[1] * np.random.default_rng(0).standard_normal(rows.shape)
    if found is None or found.rank is None or case is None:
        kept = np.arange(min(d1, data.d0))
        rows[kept, kept] = np.sqrt(LITTLE[0] / size[kept])
        return rows + beside
    try:
        solved_ = landscape_in_numbers(case, data, values, d1=d1)
        # The frame lists the modes in an order of its own.
        order = [int(np.abs(column).argmax()) for column in solved_.frame.T]
        mask = np.array([bool(found.kept[i]) for i in order] + [False] * solved_.bias)
        point = masked_point(solved_.modes, mask)
        rows = rows if point is None else solved_.weight(point)
    except InputError:
        point = None
    if point is None:
        kept = np.flatnonzero(found.powers)[:d1]
        rows[np.arange(len(kept)), kept] = np.sqrt(found.powers[kept] / size[kept])
    free = [r for r in range(d1) if not rows[r].any()]
    spare = [i for i in range(data.d0) if not rows[:, i].any()][: len(free)]
    if case.rotation == "any":
        rows[free[: len(spare)], spare] = LITTLE[0]
        return rows
    return rows + beside


def _falls(asked: Asked) -> str:
    """Why the loss itself has no lowest point on these data, "" where that is not known."""
    found = recession(asked.loss, asked.law)
    if found.verdict == "unbounded":
        return f"the loss falls to −∞, there is no minimum: {found.reason}"
    if found.verdict != "depends" or found.condition is None:
        return ""
    for i in range(asked.data.size):
        a, c = asked.data.of_mode(i)
        here = recession_rate(found, a, c) < 0 if found.rate is not None else _holds(found.condition, a, c, asked)
        if here:
            return f"the loss falls to −∞ along the mode λ = {float(asked.data.correlations[i]):g}: there is no minimum"
    return ""


def _falls_through_4(asked: Asked) -> str:
    """Why the landscape through order 4 has no lowest point on these data, "" where that is not known."""
    quartic = asked.expansion.truncate(4)
    found = far(quartic.set({"d1": asked.d1}) if "d1" in named(quartic.symbols) else quartic)
    falls = found.verdict == "unbounded"
    if found.verdict == "depends" and found.condition is not None:
        condition = found.condition
        falls = any(_holds(condition, *asked.data.of_mode(i), asked) for i in range(asked.data.size))
    return f"the landscape through order 4 falls to −∞: {found.reason}" if falls else ""


def _holds(condition: sympy.Basic, a: sympy.Expr, c: sympy.Expr, asked: Asked) -> bool:
    """Whether a condition on a mode and on the rank holds."""
    put = {a_i: a, c_i: c, RANK: sympy.Integer(min(asked.data.size, asked.d1)), sympy.Symbol("d1"): asked.d1}
    return bool(condition.subs(put) == sympy.true)


def _fixed(case: Landscape, limit: str | None) -> float | None:
    """The value at which an infinitely strong penalty fixes E|f|².

    κ(Tr[W Σ Wᵀ] − c)² has −2κc in front of Tr[W Σ Wᵀ].
    """
    if limit is None:
        return None
    symbol = named(case.symbols)[limit]
    return float(-sympy.diff(case.linear["S"], symbol) / 2)
