"""Every route that applies to one expansion, run one after the other."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from verify import autodiff, monte_carlo, remainder
from verify.defined import Defined
from verify.evidence import Evidence
from verify.settings import Case, case, counted_symbols, truth_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from derive import ClosedForm, Expansion, Loss, NotAnalyticError
    from numeric.sampling import Covariances

# The order through which a closed form is compared with the engine.
EXACT_ORDER = 12
SETTINGS = 4
# A remainder needs a grid with positive weights, which grows as a power of the number of data.
LARGEST_GRID = 300_000
# The number of data times d0 up to which cubature nodes for derivatives are few.
LARGEST_AUTODIFF = 16


class Routes:
    """Runs every route that applies to one expansion."""

    def __init__(
        self,
        loss: Loss,
        expansion: Expansion,
        sampling: str,
        covariances: Covariances | None,
        seed: int,
        draws: int,
        tick: Callable[[str], None],
    ) -> None:
        self.loss = loss
        self.expansion = expansion
        self.sampling = sampling
        self.covariances = covariances
        self.seed = seed
        self.draws = draws
        self.tick = tick
        # A symbol that counts data is tried at two sizes.
        counted = counted_symbols(loss) & set(loss.parameters)
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
            {},
            seed=self.seed + seed,
            size=size,
            dimension=dimension,
            sampling=self.sampling,
            covariances=self.covariances,
            positive=positive,
        )

    def _symbolic(self) -> list[Evidence]:
        series = self.loss.moments(self.expansion.order, sampling=self.sampling)
        invariant = self.expansion.rotation_invariant
        return [
            Evidence(
                "symbolic",
                "odd orders in W",
                "none",
                "none" if series.odd_orders_vanish else "averaged to zero by the symmetry of the data",
                agrees=True,
                note=f"{len(series.terms)} moments, by order",
            ),
            Evidence(
                "symbolic",
                "rotation W → RW",
                "invariant" if invariant else "not invariant",
                "every term is a product of traces" if invariant else "sums over coordinates remain",
                agrees=True,
            ),
        ]

    def _exact(self, closed: ClosedForm) -> Evidence:
        through = max(EXACT_ORDER, self.expansion.order)
        series = closed.series(through)
        agrees = (
            self.loss.expand(through).terms == series.terms
            and series.truncate(self.expansion.order).terms == self.expansion.in_basis("A0,Sigma").terms
        )
        return Evidence(
            "exact", f"closed form, orders 2–{through}", "equal", "equal" if agrees else "different", agrees=agrees
        )

    def _symmetry(self) -> list[Evidence]:
        """L(−W) and L(RW) against L(W), on the loss as it is defined."""
        at = self._case(size=self.sizes[-1])
        generator = np.random.default_rng(self.seed)
        rotation, _ = np.linalg.qr(generator.standard_normal((at.setting.W.shape[0],) * 2))
        turned = self._measured_at(at, rotation @ at.setting.W)
        plus, minus = at.truth.averaged(np.array([0.3, -0.3]), self.expansion.order + 2)
        invariant = self.expansion.rotation_invariant
        difference = abs(turned - plus)
        tolerance = 1e-9 * max(1.0, abs(plus))
        # A loss that is not rotation invariant must be seen to differ.
        rotated = difference < tolerance if invariant else difference > tolerance
        note = f"{at.truth.how}; {at.label}"

        def compared(quantity: str, predicted: float | str, measured: float, *, agrees: bool) -> Evidence:
            return Evidence(
                "exact", quantity, predicted, measured, float(tolerance), "tolerance", agrees, at.seed, note
            )

        return [
            compared("L(−W) − L(W)", 0.0, float(minus - plus), agrees=bool(abs(minus - plus) < tolerance)),
            compared("L(RW) − L(W)", 0.0 if invariant else "not zero", float(turned - plus), agrees=bool(rotated)),
        ]

    def _measured_at(self, at: Case, W: NDArray[np.float64]) -> float:
        moved = replace(at.setting, W=W)
        return float(truth_of(self.loss, at.values, moved).averaged(np.array([0.3]), self.expansion.order + 2)[0])

    def _remainder(self) -> Evidence:
        size = self.sizes[-1]
        batch = self.loss.batch_size is not None
        given = self.covariances
        at = self._case(size=size, dimension=1 if batch and given is None else 2, positive=True)
        grid = (self.expansion.order // 2 + 3) ** (2 * at.setting.covariances.d0 * (at.setting.batch or 1))
        if grid > LARGEST_GRID:
            return Evidence(
                "remainder",
                "slope of log|truth − truncation| against log t",
                ran=False,
                note=f"a grid for a batch of {at.setting.batch} needs {grid:.0e} nodes; leave N open to have it run",
            )
        return remainder.compare(remainder.measure(self.loss, at, self.expansion.order), self.expansion)

    def _autodiff(self) -> list[Evidence]:
        evidence = []
        for size in self.sizes:
            at = self._case(size=size)
            if (at.setting.batch or 1) * at.setting.covariances.d0 > LARGEST_AUTODIFF:
                reason = f"a batch of {at.setting.batch} is too large for cubature; leave N symbolic to have it run"
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


def homogeneity(loss: Loss, error: NotAnalyticError, seed: int) -> tuple[Evidence, ...]:
    """Whether L(tW) = L(W): measured on the definition, and by Euler's theorem on the torch loss."""
    # Positive weights: no node at 0, where the loss is not defined.
    at = case(loss, {}, seed=seed, size=2, positive=True)
    defined = Defined(loss.set(at.values), at.setting)
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
            agrees=spread < tolerance,
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
                agrees=abs(slope) < tolerance,
                seed=seed,
                note=f"{at.truth.how}; {at.label}",
            )
        )
    return tuple(evidence)
