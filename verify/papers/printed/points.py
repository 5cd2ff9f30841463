"""Random eigenvalues and parameters, and the minima of a landscape there, with which conditions are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import InputError
from numeric.landscape.phases import phase_diagram

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sympy

    from derive.landscape.conditions import Condition
    from derive.landscape.landscape import Landscape

MODES_DRAWN, POINTS, SETTINGS = 3, 32, 12
# A margin this much smaller than the largest is rounding, and says nothing.
_CLOSE = 1e-9


@dataclass(frozen=True)
class Drawn:
    """Random eigenvalues and parameters, and which phase the minima of the landscape are in there.

    Attributes:
        diagrams: one for each draw of the parameters.

    """

    diagrams: tuple[Any, ...]

    @property
    def points(self) -> int:
        """How many."""
        return sum(one.phase.size for one in self.diagrams)

    def wrong(self, condition: Condition, phase: int) -> str:
        """A point at which a condition is not the truth about the minima, empty where there is none.

        Args:
            condition: under which the phase is ``phase`` or beyond.
            phase: 1 for dimensional collapse, 2 for complete.

        """
        for diagram in self.diagrams:
            margin = np.broadcast_to(diagram.margin(condition), diagram.phase.shape)
            finite = np.abs(margin[np.isfinite(margin)])
            near = np.abs(margin) <= _CLOSE * finite.max(initial=0.0)
            off = ((margin <= 0) != (diagram.phase >= phase)) & ~near
            if off.any():
                row, column = np.argwhere(off)[0]
                values = [f"{name} = {value:.3g}" for name, value in diagram.values.items() if name != "d1"]
                data = [f"{name} = ({', '.join(f'{one:.3g}' for one in of[row, column])})"
                        for name, of in (("a", diagram.a), ("c", diagram.c))]  # fmt: skip
                found = ("no mode is", "some modes are", "all modes are")[diagram.phase[row, column]]
                says = "holds" if margin[row, column] <= 0 else "does not hold"
                return f"at {', '.join(data + values)} it {says}, and {found} zero at the minima"
        return ""


def drawn(
    cases: Sequence[Landscape], symbols: Sequence[str], *, norm: sympy.Expr | None, bias: bool, seed: int
) -> Drawn:
    """The minima of a landscape in numbers at random points; parameters at which it is not convex are left out.

    Args:
        cases: of the landscape.
        symbols: the names of the parameters that have no value; N is a whole number from 2.
        norm: the value at which E|f|² is fixed, in these parameters.
        bias: whether f(x) = W x + b.
        seed: of the points.

    """
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(SETTINGS):
        values = {name: float(rng.integers(2, 10)) if name == "N" else float(np.exp(rng.uniform(-1, 1)))
                  for name in symbols}  # fmt: skip
        a, c = np.exp(rng.uniform(-1.5, 1.5, (2, 1, POINTS, MODES_DRAWN)))
        fixed = None if norm is None else float(norm.subs(values))
        try:
            found.append(
                phase_diagram(
                    cases,
                    ("point", np.arange(POINTS)),
                    ("row", [0.0]),
                    lambda *_, a=a, c=c: (a, c),
                    values,
                    norm=fixed,
                    bias=bias,
                )
            )
        except InputError:
            continue
    return Drawn(tuple(found))
