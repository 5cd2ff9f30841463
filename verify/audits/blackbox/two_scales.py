"""A loss with a scale of its own, as VICReg's ε: what it does to a lost mode below that scale, and above it.

Below, the loss is smooth: L(W) = L(0) + s Tr[W Σ Wᵀ] + a Tr[W A0 Wᵀ] + …, so that a mode of view correlation λ grows
where s + a λ < 0. Above, where a root of a variance has become a deviation, it falls or rises with |W| itself. Both are
averages over random embeddings whose views have the correlation λ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.audits.blackbox import autograd
from verify.evidence.answer import Answer
from verify.evidence.evidence import Evidence
from verify.truths.function import BlackBox

Array = NDArray[np.float64]

# View correlations of the mode; the middle one tests that the curvature is linear in λ.
CORRELATIONS = (0.0, 0.5, 1.0)
# Sizes of coordinates over the scale: well below it, and two sizes above it.
BELOW, ABOVE = 0.03, (10.0, 20.0)
DRAWS, DATA, WIDTH = 64, 16, 3
# How many standard errors a sign takes, and by which part two derivatives of one curvature may differ.
CLEAR, SAME = 5.0, 0.05


@dataclass(frozen=True)
class TwoScales:
    """A loss on both sides of its scale.

    Attributes:
        scale: the size of one coordinate up to which it is smooth.
        size: N at which it was measured.
        curvature: by λ, that of L per coordinate of the embedding below the scale, with its standard error.
        slope: by λ, the fall or rise between the two sizes of `ABOVE`, per coordinate and size, with its error.

    """

    scale: float
    size: int
    curvature: dict[float, tuple[float, float]]
    slope: dict[float, tuple[float, float]]

    @property
    def answer(self) -> Answer:
        """Whether W = 0 repels lost modes, on both sides."""
        signs = {_sign(*one) for of_side in (self.curvature, self.slope) for one in of_side.values()}
        at = f"its own scale of about {self.scale:.1g}"
        if signs == {-1}:
            said = (
                f"No mode stays at W = 0, whatever the augmentation: the loss falls from there below {at}, and above it"
            )
            return Answer(f"{said}. Which modes its minima keep is not determined.", "open")
        if signs == {1}:
            return Answer(
                f"A mode near W = 0 is lost, whatever the augmentation: the loss rises below and above {at}.", "loses"
            )
        return Answer(f"Whether a mode leaves W = 0 depends on its λ or on its size beside {at}: see below.", "open")

    def lines(self) -> list[tuple[str, str]]:
        """Labels and texts."""
        falls = {-1: "falls", 0: "neither falls nor rises", 1: "rises"}
        small, large = (
            "; ".join(f"{falls[_sign(*one)]} at λ = {lam:g} ({one[0]:.3g} ± {one[1]:.1g})" for lam, one in side.items())
            for side in (self.curvature, self.slope)
        )
        return [
            ("below ε", f"coordinates ≪ {self.scale:.1g}: like |W|², it {small}"),
            ("above ε", f"coordinates of {ABOVE[0]:g} to {ABOVE[1]:g} times that: like |W|, it {large}"),
            ("", f"a coordinate of the embedding, at N = {self.size}"),
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "scale": self.scale,
            "N": self.size,
            "curvature": {str(lam): list(one) for lam, one in self.curvature.items()},
            "slope": {str(lam): list(one) for lam, one in self.slope.items()},
        }


def _sign(value: float, error: float) -> int:
    return 0 if abs(value) < CLEAR * error or not np.isfinite(value) else int(np.sign(value))


def two_scales(
    box: BlackBox, scale: float, *, smallest: int, only: int | None, seed: int
) -> tuple[TwoScales, Evidence] | None:
    """A loss on both sides of its scale, and its curvature by automatic differentiation; None where it is not finite.

    Args:
        box: the loss.
        scale: the size of one coordinate up to which it is smooth.
        smallest: the smallest batch that it takes.
        only: the one batch that it takes, where there is one.
        seed: of the embeddings.

    """
    size = only or max(DATA, smallest)
    rng = np.random.default_rng(seed + 11)
    drawn = rng.standard_normal((DRAWS, 2, size, WIDTH))
    try:
        at_zero = box(np.zeros((2, size, WIDTH)))
    except InputError:
        # Of another width alone.
        return None
    curvature, slope, by_autograd = {}, {}, []
    small = BELOW * scale
    for lam in CORRELATIONS:
        z = np.stack([drawn[:, 0], lam * drawn[:, 0] + np.sqrt(1 - lam**2) * drawn[:, 1]], 1)
        try:
            bent = [(box(small * one) + box(-small * one) - 2 * at_zero) / (2 * small**2 * WIDTH) for one in z]
            far = np.array([[box(times * scale * one) for times in ABOVE] for one in z])
        except InputError:
            return None
        curvature[lam] = _mean(bent)
        slope[lam] = _mean((far[:, 1] - far[:, 0]) / (WIDTH * scale * (ABOVE[1] - ABOVE[0])))
        try:
            by_autograd.append(float(autograd.along(box, small * z[0], 2)[2]) / (small**2 * WIDTH) - bent[0])
        except (RuntimeError, InputError):
            by_autograd.append(np.nan)
    if not np.isfinite([*(one for pair in curvature.values() for one in pair)]).all():
        return None
    largest = max(abs(value) for value, _ in curvature.values())
    off = float(np.abs(by_autograd).max())
    evidence = Evidence(
        "autodiff",
        "curvature below the scale: autograd − values, relative",
        0.0,
        off / largest,
        SAME,
        "tolerance",
        bool(off < SAME * largest) if np.isfinite(off) else None,
        seed,
    )
    return TwoScales(scale, size, curvature, slope), evidence


def _mean(values: Any) -> tuple[float, float]:
    array = np.asarray(values, float)
    return float(array.mean()), float(array.std(ddof=1) / np.sqrt(len(array)))
