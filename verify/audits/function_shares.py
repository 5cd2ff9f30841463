"""The modes that a torch function of unit vectors keeps: its shares at the minimum, on drawn batches.

Nothing of the function is known but its values and gradients. f = √p ξ on batches that stay the same for all p, and the
function is minimised over √p. Along a mode that is lost, with view correlation μ, its curvature is −2(α μ − β), as for
any loss of directions (`derive.sphere.transverse`): two values of μ give λ_c = β/α.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
import torch
from numpy.typing import NDArray

from derive import InputError
from numeric.landscape.kept import Changes, Kept
from numeric.landscape.spectrum import Spectrum
from numeric.sphere.minimum import solved
from numeric.sphere.shares import SETS, starts
from verify.audits.kept_modes import KeptModes, beside_collapse
from verify.routes.reopening.transverse import is_scale_free
from verify.running.threads import one_thread
from verify.truths.function import BlackBox
from verify.truths.two_views import one_by_one

Array = NDArray[np.float64]

# Data in a set of batches, and the size of a batch unless given.
DATA, BATCH = 2048, 256
# How far a lost mode is opened for second differences, in units of the kept modes' length, and the width at which it is
# looked whether the length of f matters.
STEP, WIDTH = 0.03, 4
# Shares below this, over the number of data, are noise: descent on a sample leaves lost modes that much.
NOISE = 20.0
# Gradients from automatic differentiation and from differences may differ by this part, at a small step or at one that
# the rounding of float32 does not hide.
SLOPES, STEPS = 1e-3, (1e-4, 1e-2)


@dataclass(frozen=True)
class FunctionName:
    """What a report says of a function.

    Attributes:
        name: its name.
        title: the same.
        encoders: one.

    """

    name: str
    title: str = ""
    encoders: int = 1


@dataclass(frozen=True, eq=False)
class FunctionLandscape:
    """A torch function over the shares, on drawn batches.

    Attributes:
        box: the function.
        first: ξ of the first views, (batches, N, n).
        second: of the second views.
        extra: normal numbers of a further mode, (2, batches, N, 1), and what its second views would have of their own.

    """

    box: BlackBox
    first: Array
    second: Array
    extra: Array

    def value(self, shares: Array) -> tuple[float, Array]:
        """The mean over batches, and the slope in the shares; 0 for that of a share of 0, which is not known here."""
        roots = torch.tensor(np.sqrt(shares), dtype=torch.float64, requires_grad=True)
        total = torch.zeros((), dtype=torch.float64)
        for one, other in zip(self.first, self.second, strict=True):
            total = total + self._of(torch.from_numpy(one) * roots, torch.from_numpy(other) * roots)
        total = total / len(self.first)
        if not total.requires_grad:
            raise InputError(f"{self.box.name} has no gradient; its modes are found by descent")
        try:
            total.backward()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise InputError(f"{self.box.name} has no gradient here: {str(error).split('. ')[0]}") from error
        assert roots.grad is not None  # noqa: S101 (backward makes it)
        slope = roots.grad.numpy() / (2 * np.maximum(np.sqrt(shares), 1e-12))
        return float(total.detach()), np.where(shares > 0, slope, 0.0)

    def threshold(self, shares: Array) -> float:
        """λ_c = β/α, by second differences along a further mode."""
        small = STEP * np.sqrt(shares.sum())
        here = self._values(shares, None)
        curvature = []
        for second in (self.extra[1], self.extra[0]):
            up, down = (self._values(shares, (sign * small * self.extra[0], sign * small * second)) for sign in (1, -1))
            curvature.append(float((up + down - 2 * here).mean()) / small**2)
        apart, together = curvature
        # −2(α μ − β) at μ = 0 and at μ = 1.
        alpha, beta = (apart - together) / 2, apart / 2
        return beta / alpha if alpha > 0 else np.inf

    def _values(self, shares: Array, more: tuple[Array, Array] | None) -> Array:
        one, other = self.first * np.sqrt(shares), self.second * np.sqrt(shares)
        if more is not None:
            one, other = (np.concatenate(pair, -1) for pair in ((one, more[0]), (other, more[1])))
        else:
            one, other = (np.concatenate([part, np.zeros_like(part[..., :1])], -1) for part in (one, other))
        with torch.no_grad():
            return np.array([float(self._of(*map(torch.from_numpy, pair))) for pair in zip(one, other, strict=True)])

    def _of(self, z1: torch.Tensor, z2: torch.Tensor) -> torch.Tensor:
        return self.box.tensor(torch.stack([z1, z2]))


@one_thread()
def function_modes(
    box: BlackBox,
    data: Spectrum,
    *,
    batch: int | None = None,
    given: Mapping[str, sympy.Expr] | None = None,
    seed: int = 0,
    tick: Callable[[str], None] = lambda _: None,
) -> KeptModes:
    """The modes that a torch function keeps at its minimum, with their shares.

    Args:
        box: a function of two views of a batch that does not depend on the lengths of its features.
        data: the modes.
        batch: N, 256 unless given.
        given: values of its parameters, for the report.
        seed: of the draws.
        tick: is told what is done.

    Raises:
        InputError: lengths matter to it, or it has no gradient, or another than that of its values.

    """
    size = batch or BATCH
    if size < 2:
        raise InputError(f"N = {size}: a batch has two data or more")
    _check_repeats(box, size, seed)
    values = one_by_one(lambda z1, z2: box.tensor(torch.stack([z1, z2])))
    if not is_scale_free(values, WIDTH, size, seed):
        why = f"{box.name} depends on the lengths of its features"
        if is_scale_free(values, WIDTH, size, seed, together=True):
            # Barlow Twins with batch normalisation: each coordinate over its deviation in the batch.
            why = f"{box.name} normalises its features over the batch, each coordinate, and not each feature vector"
        message = f"{why}; modes of a torch function are found where it normalises each vector"
        raise InputError(f"{message}: write its definition as a derive.Loss, or ask quartic audit for its expansion")
    lam, number = data.lam, max(2, DATA // size)
    tick("shares")
    sets = [_drawn(box, lam, size, number, SETS * seed + k) for k in range(SETS)]
    _check_gradient(sets[0], len(lam))
    found = solved(sets, lam, starts(lam), precision=1e-5, roots=True, noise=NOISE / (size * number))
    changes: tuple[Any, ...] = tuple(found.reopens if kept is False else None for kept in found.kept)
    kept = tuple(found.kept)
    rank = None if None in kept else sum(map(bool, kept))
    notes = (
        f"by descent on random batches of {size}",
        beside_collapse(found.value, found.value_error, _collapsed(box, size)),
        f"a lost mode comes back above λ_c = {found.threshold:.3g} ± {found.threshold_error:.1g}",
        f"effective rank 1/Σ p_i² = {found.effective_rank:.4g}",
    )
    assumptions = ("zero mean", "Gaussian", f"N = {size}", f"d1 = {data.size}", "W along the modes")
    return KeptModes(
        FunctionName(box.name), dict(given or {}), "sphere", data, data.size,
        Kept(found.shares, kept, rank, notes, float(found.errors.max())), Changes(changes), assumptions,
    )  # fmt: skip


def _drawn(box: BlackBox, lam: Array, size: int, number: int, seed: int) -> FunctionLandscape:
    generator = np.random.default_rng(seed)
    one, noise = generator.standard_normal((2, number, size, len(lam)))
    extra = generator.standard_normal((2, number, size, 1))
    return FunctionLandscape(box, one, lam * one + np.sqrt(1 - lam**2) * noise, extra)


def _check_repeats(box: BlackBox, size: int, seed: int) -> None:
    """Refuse a function that draws random numbers or keeps state: it has no minimum on given batches."""
    z = torch.from_numpy(np.random.default_rng(seed).standard_normal((2, size, WIDTH)))
    with torch.no_grad():
        first, second = float(box.tensor(z)), float(box.tensor(z))
    if first != second and not (np.isnan(first) and np.isnan(second)):
        raise InputError(f"{box.name} has other values for the same features; seed what it draws, and keep no state")


def _check_gradient(landscape: FunctionLandscape, modes: int) -> None:
    """Refuse a function whose gradient is another than that of its values: training follows a field there."""
    at = np.linspace(1.5, 0.5, modes) / modes
    _, slope = landscape.value(at)
    if not slope.any():
        raise InputError(f"{landscape.box.name} is the same for all features: it keeps no mode rather than another")
    for size in STEPS:
        step = size * at * (slope / (np.abs(slope).max() or 1.0))
        difference = landscape.value(at + step)[0] - landscape.value(at - step)[0]
        along = 2 * float(slope @ step)
        if abs(difference - along) <= SLOPES * abs(along) + 1e-9 * abs(landscape.value(at)[0]):
            return
    message = f"the gradient of {landscape.box.name} is not that of its values, as with stopped gradients"
    raise InputError(f"{message}: training follows a field there, which has no minimum")


def _collapsed(box: BlackBox, size: int) -> float:
    """The value where all data share one direction."""
    one = np.zeros((2, size, WIDTH))
    one[..., 0] = 1.0
    with torch.no_grad():
        return float(box.tensor(torch.from_numpy(one)))
