"""Lowest points, ranks, indices and limits along rays of hand-written landscapes, by SciPy from many starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from statements.functions import Function, Peaks
from statements.polynomials import Array, Data, Letters, Numbers

# Below this a landscape has no lowest point.
BOTTOM = -1e8


@dataclass(frozen=True, eq=False)
class Landscape:
    """A function of W, (d1, d0), or (d1, d0 + 1) with a bias, with its gradient.

    Attributes:
        polynomial: in the matrices P_X = W X Wᵀ.
        letters: X by name.
        d1: rows.
        functions: what stands beside the polynomial.
        norm: E|f|², where it is fixed: the value at W is that at W scaled to it.

    """

    polynomial: Numbers
    letters: Letters
    d1: int
    functions: tuple[Function, ...] = ()
    norm: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Of W."""
        return self.d1, len(self.letters["S"])

    def with_slope(self, W: Array) -> tuple[float, Array]:
        """The value and the gradient."""
        if self.norm is None:
            return self._free(W)
        power, direction = self._power(W)
        scale = np.sqrt(self.norm / power)
        value, slope = self._free(scale * W)
        # d(sW) = s dW + W ds with ds = −s dρ/2ρ.
        return value, scale * (slope - direction * float((slope * W).sum()) / (2 * power))

    def value(self, W: Array) -> float:
        """The value."""
        return self.with_slope(W)[0]

    def _power(self, W: Array) -> tuple[float, Array]:
        """E|f|² and its gradient."""
        X = self.letters["S"] + self.letters.get("D", 0)
        return float(((W @ X) * W).sum()), 2 * W @ X

    @cached_property
    def _stacked(self) -> Array:
        """The matrices of the polynomial, (k, n, n)."""
        return np.array([self.letters[letter] for letter in self.polynomial.letters])

    def _free(self, W: Array) -> tuple[float, Array]:
        value, gradient = 0.0, np.zeros_like(W)
        if len(self._stacked):
            WX = W @ self._stacked
            value, slopes = self.polynomial.with_slopes(WX @ W.T)
            gradient = 2 * (slopes @ WX).sum(0)
        if self.functions:
            P = {letter: W @ X @ W.T for letter, X in self.letters.items()}
            for one in self.functions:
                more, beside = one.with_slopes(P)
                value += more
                gradient += sum(2 * slope @ W @ self.letters[letter] for letter, slope in beside.items())
        return value, gradient

    def hessian(self, W: Array) -> Array:
        """The second derivatives at W, by differences of the gradient."""
        size, step = W.size, 1e-4 * max(1e-2, float(np.abs(W).max()))
        rows = []
        for k in range(size):
            away = np.zeros(size)
            away[k] = step
            ahead, behind = (self.with_slope(W + side * away.reshape(W.shape))[1] for side in (1, -1))
            rows.append((ahead - behind).ravel() / (2 * step))
        H = np.array(rows)
        return (H + H.T) / 2


@dataclass(frozen=True, eq=False)
class End:
    """Where an optimiser ended."""

    W: Array
    value: float
    converged: bool


def ends(landscape: Landscape, random: np.random.Generator, starts: int = 8) -> list[End]:
    """Where L-BFGS ends from random starts of several sizes, the lowest first; stops on the way to −∞."""

    def function(flat: Array) -> tuple[float, Array]:
        value, slope = landscape.with_slope(flat.reshape(landscape.shape))
        if not np.isfinite(value) and value < 0:
            raise _BottomlessError(flat)
        if value < BOTTOM:
            raise _BottomlessError(flat)
        return (value if np.isfinite(value) else 1e300), slope.ravel()

    found = []
    for _ in range(starts):
        start = random.standard_normal(landscape.shape) * 10.0 ** random.uniform(-1.5, 0.5)
        for _ in range(60):
            if np.isfinite(landscape.value(start)):
                break
            start = start * 0.7
        try:
            done = minimize(
                function,
                start.ravel(),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": 2000, "ftol": 0, "gtol": 1e-10},
            )
        except _BottomlessError as bottomless:
            return [End(bottomless.W.reshape(landscape.shape), -np.inf, converged=True)]
        W = done.x.reshape(landscape.shape)
        value, slope = landscape.with_slope(W)
        found.append(End(W, value, bool(np.abs(slope).max() < 1e-6 * (1 + abs(value)))))
    return sorted(found, key=lambda one: one.value)


class _BottomlessError(Exception):
    def __init__(self, W: Array) -> None:
        super().__init__()
        self.W = W


def powers(W: Array, X: Array) -> Array:
    """The eigenvalues of X^½ WᵀW X^½, from the largest down."""
    values, vectors = np.linalg.eigh(X)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    return np.linalg.eigvalsh(root @ W.T @ W @ root)[::-1]


def rank(W: Array, X: Array, size: float) -> int | None:
    """How many powers are not zero; None where that is not clear.

    Args:
        W: (d1, d0).
        X: a covariance.
        size: what powers are compared with.

    """
    found = powers(W, X) / size
    if ((found > 1e-7) & (found < 1e-4)).any():
        return None
    return int((found >= 1e-4).sum())


def index(landscape: Landscape, W: Array) -> tuple[int, float]:
    """The number of negative eigenvalues of the Hessian, and the smallest size of one that is not plainly zero.

    Zero modes are those of rotations. Between 1e-6 and 1e-4 of the largest an eigenvalue is not clear, and its size is
    what is given back second.
    """
    values = np.linalg.eigvalsh(landscape.hessian(W))
    # Where nothing curves, rounding of the gradient is all there is.
    level = max(np.abs(values).max(), 1e-3 * abs(landscape.value(W)) / max(float((W**2).sum()), 1e-6), 1e-12)
    sizes = np.abs(values) / level
    unclear = sizes[(sizes > 2e-7) & (sizes < 1e-3)]
    return int((values < -2e-7 * level).sum()), float(unclear.min(initial=1.0))


def on_sphere(
    function: Callable[[Array], tuple[float, Array]],
    shape: tuple[int, int],
    starts: Iterable[Array],
    *,
    rough: bool = False,
) -> tuple[float, Array]:
    """The lowest value of a function over |W| = 1, and where; roughly where the function is itself a mean of draws."""
    options = {"maxiter": 60, "ftol": 1e-7} if rough else {"maxiter": 3000, "ftol": 0, "gtol": 1e-12}

    def scaled(flat: Array) -> tuple[float, Array]:
        size = float(np.linalg.norm(flat))
        unit = flat / size
        value, slope = function(unit.reshape(shape))
        slope = slope.ravel()
        return value, (slope - unit * (slope @ unit)) / size

    best = (np.inf, np.zeros(shape))
    for start in starts:
        done = minimize(scaled, start.ravel(), jac=True, method="L-BFGS-B", options=options)
        unit = (done.x / np.linalg.norm(done.x)).reshape(shape)
        value = function(unit)[0]
        if value < best[0]:
            best = (value, unit)
    return best


@dataclass(frozen=True, eq=False)
class Growth:
    """Whether a landscape is bounded below.

    Attributes:
        bounded: None where that is at an edge and not decided by numbers.
        ray: along which it falls to −∞, |W| = 1.
        margin: how far it is from the edge, relative to its coefficients.

    """

    bounded: bool | None
    ray: Array | None = None
    margin: float = 0.0


def growth(
    exact: Numbers, letters: Letters, d1: int, peaks: Sequence[Peaks], data: Data, random: np.random.Generator
) -> Growth:
    """Whether t⁴ L₄ + t² (L₂ + R) is bounded below, R what logarithms grow like; bounded parts do not matter.

    The lowest value over |W| = 1 of t² L₄ + L₂ + R is followed as t grows: where it stays negative the loss falls along
    the ray on which it is reached.
    """
    shape = (d1, len(letters["S"]))
    quartic, quadratic = (Landscape(exact.of_order(order), letters, d1) for order in (4, 2))
    normals = random.standard_normal((800, 7, 3, data.d0)) if peaks else np.zeros((1, 1, 3, data.d0))
    draws = normals[:, :, :1] @ _root(data.A0) + normals[:, :, 1:] @ _root(data.C)

    def lower(W: Array) -> tuple[float, Array]:
        value, slope = quadratic.with_slope(W)
        for one in peaks:
            more, beside = one.of_rows(W, draws)
            value, slope = value + more, slope + beside
        return value, slope

    starts = [random.standard_normal(shape) for _ in range(5)]
    starts += [np.outer(random.standard_normal(d1), random.standard_normal(shape[1])) for _ in range(2)]
    starts += [
        np.outer(np.ones(d1), random.standard_normal(shape[1])),
        np.outer(np.eye(d1)[0], random.standard_normal(shape[1])),
    ]
    found = {quartic.value(one / np.linalg.norm(one)): one / np.linalg.norm(one) for one in starts}
    reach, low4 = max(map(abs, found)), min(found)
    # Terms that cancel for every such W, as Tr[P²] and Tr[P]² do in one dimension, leave rounding.
    scale = max(float(np.linalg.norm(X)) for X in letters.values()) ** 2
    if reach > 1e-12 * exact.of_order(4).size * scale:
        if low4 < -1e-3 * reach:
            return Growth(bounded=False, ray=found[low4], margin=-low4 / reach)
        low4, ray = on_sphere(quartic.with_slope, shape, starts)
        if low4 < -1e-5 * reach:
            return Growth(bounded=False, ray=ray, margin=-low4 / reach)
        if low4 > 1e-5 * reach:
            return Growth(bounded=True, margin=low4 / reach)
        starts = [ray, *starts]
    else:
        reach = 0.0
    for t in (1e1, 1e2, 1e3):

        def both(W: Array, t: float = t) -> tuple[float, Array]:
            one, slope = quartic.with_slope(W) if reach else (0.0, 0 * W)
            other, beside = lower(W)
            return t**2 * one + other, t**2 * slope + beside

        low, ray = on_sphere(both, shape, starts if t == 1e1 else [ray, *starts[:3]], rough=bool(peaks))
        if not reach:
            break
    reach2 = max(abs(lower(one / np.linalg.norm(one))[0]) for one in starts) or 1.0
    margin = 0.05 if peaks else 1e-3
    if low < -margin * reach2:
        return Growth(bounded=False, ray=ray, margin=-low / reach2)
    if low > margin * reach2:
        return Growth(bounded=True, margin=low / reach2)
    return Growth(bounded=None, ray=ray, margin=abs(low) / reach2)


def _root(matrix: Array) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T)
