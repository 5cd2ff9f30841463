"""Every route that applies to one expansion, run one after the other."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.expression import CoordinateSum, walk
from derive.moments import moment_order
from verify import autodiff, monte_carlo, remainder
from verify.evaluated_truth import EvaluatedTruth
from verify.evidence import Evidence, far
from verify.rounding import rounding
from verify.settings import GAUSSIAN, Case, at_values, case, counted_symbols, truth_of
from verify.significance import within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import sympy
    from numpy.typing import NDArray

    from derive import ClosedForm, Expansion, Law, Loss, NotAnalyticError
    from numeric.laws import Views
    from verify.truth import Setting, Truth

# The order through which a closed form is compared with the engine.
EXACT_ORDER = 12
SETTINGS = 4
# The number of data times d0 up to which cubature nodes for derivatives are few.
LARGEST_AUTODIFF = 16
# And the nodes themselves, which a law may multiply.
LARGEST_NODES = 200_000
# The t at which a loss is tried on random draws, and how often it is halved where the loss is not finite there.
LARGE, SMALLER = 0.3, 12


def _is_small(at: Case, order: int) -> bool:
    """Whether derivatives over the nodes of a batch are quick."""
    data = at.setting.batch or 1
    nodes = at.setting.nodes(min(order, autodiff.NESTED), data, 2)
    return data * at.setting.covariances.d0 <= LARGEST_AUTODIFF and nodes <= LARGEST_NODES


class Routes:
    """Runs every route that applies to one expansion."""

    def __init__(
        self,
        loss: Loss,
        given: Mapping[str, sympy.Expr],
        expansion: Expansion,
        sampling: str,
        covariances: Views | None,
        seed: int,
        draws: int,
        tick: Callable[[str], None],
        law: Law = GAUSSIAN,
    ) -> None:
        self.loss = loss
        self.given = given
        self.here = at_values(loss, given)
        self.expansion = expansion
        self.sampling = sampling
        self.covariances = covariances
        self.law = law
        self.seed = seed
        self.draws = draws
        self.tick = tick
        # A symbol that counts data is tried at two sizes.
        counted = counted_symbols(loss) - set(given)
        self.sizes = (2, 3) if counted else (2,)
        if sampling == "fixed":
            self.sizes = (3, 4) if counted else (2,)

    def run(self, closed: ClosedForm | None) -> tuple[Evidence, ...]:
        """The evidence of every route, in the order in which a reader would want it."""
        evidence = [*self._symbolic()]
        if closed is not None:
            self.tick("exact")
            evidence.append(self._exact(closed))
        self.tick("symmetry")
        evidence += self._symmetry()
        self.tick("remainder")
        evidence.append(self._remainder())
        self.tick("autodiff")
        evidence += self._autodiff()
        evidence += self._monte_carlo()
        return tuple(evidence)

    def _case(self, *, size: int, dimension: int = 2, seed: int = 0, positive: bool = False) -> Case:
        return case(
            self.loss,
            self.given,
            # Apart by more than there are cases, so that neighbouring seeds share no draws.
            seed=1000 * self.seed + seed,
            size=size,
            dimension=dimension,
            sampling=self.sampling,
            covariances=self.covariances,
            law=self.law,
            positive=positive,
        )

    def _symbolic(self) -> list[Evidence]:
        series = self.here.moments(self.expansion.order, sampling=self.sampling)
        odd = sum(moment_order(moment) % 2 for moment, _ in series.terms)
        invariant = self.expansion.rotation_invariant
        return [
            Evidence(
                "symbolic",
                "moments of odd order in W",
                "0",
                str(odd),
                # Any that there are average to zero, the data being symmetric; L(−W) below decides.
                agrees=True if odd == 0 else None,
                note=f"of {len(series.terms)} moments through order {self.expansion.order}",
            ),
            Evidence(
                "symbolic",
                "rotation W → RW",
                None,
                "every term is a product of traces" if invariant else "sums over coordinates remain",
                agrees=None,
                note="a property of the expansion; L(RW) below is measured",
            ),
        ]

    def _exact(self, closed: ClosedForm) -> Evidence:
        through = max(EXACT_ORDER, self.expansion.order)
        series = closed.series(through)
        agrees = (
            self.here.expand(through, data=self.law).terms == series.terms
            and series.truncate(self.expansion.order).terms == self.expansion.in_basis("A0,Sigma").terms
        )
        said = "equal" if agrees else "different"
        return Evidence("exact", f"closed form, orders 2–{through}", "equal", said, agrees=agrees, exact=True)

    def _symmetry(self) -> list[Evidence]:
        """L(−W) and L(RW) against L(W) on random draws of the loss as it is defined."""
        at = self._case(size=self.sizes[-1])
        turn, _ = np.linalg.qr(np.random.default_rng(self.seed).standard_normal((len(at.setting.W),) * 2))
        b = at.setting.bias
        rotated = replace(at.setting, W=turn @ at.setting.W, bias=None if b is None else turn @ b)
        found = self._finite_pairs(at, rotated)
        if found is None:
            note = f"no finite values on random draws at any t tried; {at.truth.how}; {at.label}"
            return [Evidence("exact", "L(W) on random draws", measured="not finite", seed=at.seed, note=note)]
        t, nearer, plain, turned = found
        noise = rounding(at.truth, lambda one: self._drawn(at, one, np.array([t])))
        tolerance = max(1e-9 * max(1.0, float(np.abs(plain).max())), noise)
        odd = float(np.abs(plain[:, 1] - plain[:, 0]).max())
        moved = float(np.abs(turned[:, 0] - plain[:, 0]).max())
        # So near to 0 that the loss itself does not move, nothing that it does is seen.
        shows = float(np.abs(plain - nearer).max()) > 1e3 * tolerance
        # Only sums over coordinates can see a rotation, and where they do not cancel they must be seen to.
        plainly = not any(isinstance(node, CoordinateSum) for node in walk(self.here.expression))
        sees = moved > tolerance
        expected: float | str = 0.0 if plainly or self.expansion.rotation_invariant else "not zero"
        agrees: bool | None = sees != (expected == 0.0)
        if sees and expected == 0.0 and not plainly:
            expected, agrees = f"O(W^{self.expansion.order + 2})", None

        point, minus, turned_point = ("W, b", "−W, −b", "RW, Rb") if self.loss.bias else ("W", "−W", "RW")

        # Terms of odd order average to zero over the data, and need not on a draw.
        even = None if at.truth.odd and odd > tolerance else within(odd, tolerance)

        def compared(quantity: str, predicted: float | str, measured: float, *, agrees: bool | None) -> Evidence:
            note = f"largest of {len(plain)} draws at t = {t:g}; {at.truth.how}; {at.label}"
            agrees = agrees if shows or measured > tolerance else None
            # At one point a change can be seen beyond doubt, and its absence cannot.
            exact = agrees is False and predicted == 0.0 and far(measured, tolerance)
            return Evidence(
                "exact", quantity, predicted, measured, tolerance, "tolerance", agrees, at.seed, note, exact=exact
            )

        return [
            compared(f"L({minus}) − L({point})", 0.0, odd, agrees=even),
            compared(f"L({turned_point}) − L({point})", expected, moved, agrees=agrees),
        ]

    def _finite_pairs(self, at: Case, rotated: Setting) -> tuple[float, Any, Any, Any] | None:
        """A t at which the loss is finite on the draws, L(tW/2), L(±tW) and L(±tRW) there; None where there is none.

        The logarithm of a difference, say, has no real value where W is large.
        """
        for halvings in range(SMALLER):
            t = LARGE / 2**halvings
            with np.errstate(all="ignore"):
                plain = self._drawn(at, at.truth, np.array([t, -t, t / 2]))
                turned = self._drawn(at, truth_of(self.loss, at.values, rotated), np.array([t, -t]))
            if np.isfinite(plain).all() and np.isfinite(turned).all():
                return t, plain[:, 2:], plain[:, :2], turned
        return None

    def _drawn(self, at: Case, truth: Truth, ts: NDArray[np.float64]) -> NDArray[np.float64]:
        return truth.drawn(ts, 5, np.random.default_rng(at.seed), 4)

    def _remainder(self) -> Evidence:
        size, order = self.sizes[-1], self.expansion.order
        at = self._case(size=size, positive=True)
        if remainder.closed_form_at(self.loss, at) is None:
            # Nodes grow with the data in a batch: W sees one direction, then weights may be of both signs.
            choices = ((2, True),) * (self.here.batch_size is None) + ((1, True), (1, False))
            cases = (self._case(size=size, dimension=d, positive=positive) for d, positive in choices)
            found = next((one for one in cases if remainder.degree_on_nodes(one, order) is not None), None)
            if found is None:
                batch = self.here.batch_size
                what = "means over so many data" if batch is None else f"a batch of {batch}"
                note = f"{what} need{'s' if batch else ''} too many cubature nodes at order {order}"
                note += "" if batch is None else "; leave N open"
                return Evidence("remainder", remainder.QUANTITY, ran=False, note=note)
            at = found
        return remainder.compare(remainder.measure(self.loss, at, order), self.expansion)

    def _autodiff(self) -> list[Evidence]:
        evidence = []
        for size in self.sizes:
            # As many directions of the data as the nodes of a batch allow.
            cases = (self._case(size=size, dimension=dimension) for dimension in (2, 1))
            at = next((one for one in cases if _is_small(one, self.expansion.order)), None)
            if at is None:
                batch = self.here.batch_size
                reason = f"a batch of {batch} is too large for cubature; leave N symbolic to have it run"
                evidence.append(Evidence("autodiff", "coefficients along a ray", ran=False, note=reason))
                continue
            measured = autodiff.measure(at, self.expansion.order)
            if measured is None:
                reason = "torch is not installed: pip install 'quartic[torch]'"
                if find_spec("torch"):
                    reason = "no hand-written torch loss is known for this definition"
                return [Evidence("autodiff", "coefficients along a ray", ran=False, note=reason)]
            evidence.append(autodiff.compare(measured, self.expansion))
        return evidence

    def _monte_carlo(self) -> list[Evidence]:
        cases = [self._case(size=self.sizes[-1], dimension=3, seed=100 + k) for k in range(SETTINGS)]
        self.tick("monte-carlo")
        measured = monte_carlo.measure(cases, self.expansion.order, self.draws, lambda: self.tick("monte-carlo"))
        return monte_carlo.compare(measured, self.expansion)


def homogeneity(loss: Loss, error: NotAnalyticError, seed: int, law: Law = GAUSSIAN) -> tuple[Evidence, ...]:
    """Whether L(tW) = L(W): measured on the definition, and by Euler's theorem on the torch loss."""
    # Positive weights: no node at 0, where the loss is not defined.
    at = case(loss, {}, seed=seed, size=2, positive=True)
    defined = EvaluatedTruth(at.put_into(loss), at.setting)
    ts = np.array([0.25, 1.0, 4.0])
    values = defined.drawn(ts, 7, np.random.default_rng(seed), 8)
    spread = float(np.abs(values - values[:, 1:2]).max())
    tolerance = 1e-9 * max(1.0, float(np.abs(values).max()))
    evidence = [
        Evidence("symbolic", "order of homogeneity", "0", "0", agrees=True, note=error.reason),
        Evidence(
            "exact",
            "L(tW) − L(W) at t = ¼ and 4",
            0.0,
            spread,
            tolerance,
            "tolerance",
            agrees=within(spread, tolerance),
            exact=far(spread, tolerance),
            seed=seed,
            note=f"{defined.how}; {at.label}",
        ),
    ]
    slope = autodiff.slope_at_one(at, 7)
    if slope is not None:
        evidence.append(
            Evidence(
                "autodiff",
                "dL(tW)/dt at t = 1",
                0.0,
                slope,
                tolerance,
                "tolerance",
                agrees=within(slope, tolerance),
                seed=seed,
                note=f"{at.truth.how}; {at.label}",
            )
        )
    return tuple(evidence)
