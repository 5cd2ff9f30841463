"""Outputs in one view: how many directions they fill. Which of them an augmentation loses takes a second view."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.definition.lines import Line
from verify.evidence.description import Describable, Description, Section
from verify.networks.last_layer.diagnostics import KEPT, Diagnostics, diagnostics

# Of the spectrum.
SHOWN = 6
NEEDED = "one view shows no augmentation: λ_i and what the loss keeps need a second one (x and x_pos in one file)"


@dataclass(frozen=True, eq=False)
class OneView(Describable):
    """Outputs of a network in one view.

    Attributes:
        source: where they come from.
        data: N.
        width: d.
        shares: of the variance, the largest first.
        measures: of the field.

    """

    source: str
    data: int
    width: int
    shares: tuple[float, ...]
    measures: Diagnostics

    @property
    def filled(self) -> int:
        """The directions that have more than a hundredth of an equal share of the variance."""
        return sum(share > KEPT / len(self.shares) for share in self.shares)

    def description(self) -> Description:
        """The description that the text is written from."""
        shown = ", ".join(f"{one:.3g}" for one in self.shares[:SHOWN])
        more = ", …" if len(self.shares) > SHOWN else ""
        lines = (
            Line("kept", f"outputs fill {self.filled} of {self.width} directions, 1/Σ p_i² = {self._effective:.3g}"),
            Line("lost", f"{self.width - self.filled}; since when is not known: {NEEDED}"),
            Line("spectrum", f"of the covariance, as parts of its trace: {shown}{more}"),
            Line("measures", self.measures.text()),
            Line("features", f"{self.source}; N = {self.data}"),
        )
        return Description("", sections=(Section("", lines),), verdict="undecided", kind="study")

    @property
    def _effective(self) -> float:
        return 1 / sum(one**2 for one in self.shares)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "features": self.source,
            "data": self.data,
            "kept": self.filled,
            "directions": self.width,
            "effective_rank": self._effective,
            "shares": list(self.shares),
            "measures": self.measures.to_json(),
            "why_not": NEEDED,
        }


def one_view(arrays: dict[str, NDArray[Any]], path: Path) -> OneView:
    """Look at outputs in one view.

    Args:
        arrays: x (N, d0), and W and b where x are features and not outputs.
        path: of the file.

    Raises:
        InputError: shapes that do not fit, numbers that are not finite, or outputs that do not vary.

    >>> x = np.random.default_rng(0).standard_normal((500, 3)) * [1.0, 1.0, 0.0] + 1
    >>> one_view({"x": x}, Path("x.npy")).filled
    2

    """
    x = np.asarray(arrays["x"], dtype=np.float64)
    if x.ndim != 2 or len(x) < 2:
        raise InputError(f"{path} holds x of shape {x.shape}; it is to be (N, d), a datum a row")
    W = np.asarray(arrays.get("W", np.eye(x.shape[1])), dtype=np.float64)
    if W.ndim != 2 or W.shape[1] != x.shape[1]:
        raise InputError(f"W has shape {W.shape}; with {x.shape[1]} features it is to be (d1, {x.shape[1]})")
    f = x @ W.T + np.asarray(arrays.get("b", 0.0), dtype=np.float64)
    if not np.isfinite(f).all():
        raise InputError(f"{path} holds numbers that are not finite")
    values = np.linalg.eigvalsh(np.cov(f, rowvar=False).reshape(f.shape[1], -1))[::-1]
    if not values[0] > 0:
        raise InputError(f"collapsed completely: all outputs of {path} are equal")
    shares = np.maximum(values, 0) / np.maximum(values, 0).sum()
    return OneView(path.name, len(x), f.shape[1], tuple(map(float, shares)), diagnostics(f))
