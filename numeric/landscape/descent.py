"""Minimisers and stationary points found by iteration, in batches: a check of the theory of landscapes.

Functions of x, of shape (batch, n), in NumPy or torch, on the device of x:

    value(x)     (batch,)
    gradient(x)  (batch, n)
    hessian(x)   (batch, n, n)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numeric.kernels import Kernel

Function = Callable[[Any], Any]

# Curvatures below this fraction of the largest count as flat: a step there follows the gradient.
FLAT = 1e-9


@dataclass(frozen=True)
class Smooth:
    """A function with its first two derivatives, each batched."""

    value: Function
    gradient: Function
    hessian: Function


@dataclass(frozen=True)
class Ends:
    """The points at which a batch of iterations ended.

    Attributes:
        x: (batch, n), the last points.
        slope: (batch,), the length of the gradient there.
        converged: (batch,) of bool, whether that is below the tolerance.

    """

    x: Any
    slope: Any
    converged: Any


def of_kernel(kernel: Kernel, shape: tuple[int, int], *arguments: Any) -> Smooth:
    """An expansion through order 4 as a function of a flat W.

    Args:
        kernel: from `numeric.kernel`, for NumPy or torch.
        shape: (d1, d0).
        arguments: the kernel's matrices and parameters.

    """

    def gradient(x: Any) -> Any:
        return kernel.gradient(x.reshape(*x.shape[:-1], *shape), *arguments).reshape(x.shape)

    return Smooth(
        value=lambda x: kernel.value(x.reshape(*x.shape[:-1], *shape), *arguments),
        gradient=gradient,
        hessian=lambda x: cubic_jacobian(gradient, x),
    )


def cubic_jacobian(gradient: Function, x: Any) -> Any:
    """The Jacobian of a cubic map by central differences of two widths, whose error term vanishes for cubics.

    With D(h) = (g(x + h e) − g(x − h e))/2h = g′ + h² g‴/6, the combination (4 D(h) − D(2h))/3 is g′.
    """
    library = _library(x)
    n = x.shape[-1]
    h = 0.5 * (1 + float(abs(x).max()))
    steps = h * library.eye(n, dtype=x.dtype) if library is np else h * library.eye(n, dtype=x.dtype, device=x.device)
    around = x[..., None, :]

    def difference(width: int) -> Any:
        return (gradient(around + width * steps) - gradient(around - width * steps)) / (2 * width * h)

    jacobian = (4 * difference(1) - difference(2)) / 3
    return (jacobian + jacobian.swapaxes(-1, -2)) / 2


def descend(function: Smooth, starts: Any, *, steps: int = 300, tolerance: float = 1e-10) -> Ends:
    """Local minima by Newton steps with the curvatures' absolute values, inside a trust region, never uphill.

    The absolute values turn a step away from saddles (Dauphin et al. 2014); a step is taken only where it lowers the
    value, and the region shrinks where it does not.

    Args:
        function: what to minimise.
        starts: (batch, n).
        steps: the largest number of steps.
        tolerance: on the length of the gradient.

    """
    library = _library(starts)
    x = _copy(starts)
    radius = library.ones_like(x[:, 0])
    at = library.arange(len(x)) if library is np else library.arange(len(x), device=x.device)
    for _ in range(steps):
        here = x[at]
        slope = function.gradient(here)
        going = _norm(slope) > tolerance
        at, here, slope = at[going], here[going], slope[going]
        if not len(at):
            break
        step = _newton_step(function.hessian(here), slope, absolute=True)
        length = _norm(step)
        step = step * (library.clip(radius[at] / length, None, 1.0))[:, None]
        before, after = function.value(here), function.value(here + step)
        # Where the two values differ only by rounding, the step is judged by the gradient.
        lower = after < before
        level = abs(after - before) <= 1e-14 * (1 + abs(before))
        better = lower | (level & (_norm(function.gradient(here + step)) < _norm(slope)))
        x[at] = library.where(better[:, None], here + step, here)
        radius[at] = library.where(better, library.clip(2 * radius[at], None, 10.0), radius[at] / 4)
    return _ends(function, x, tolerance)


def newton(function: Smooth, starts: Any, *, steps: int = 300, tolerance: float = 1e-10) -> Ends:
    """Stationary points of any kind by Newton's iteration on the gradient, undamped up to a longest step.

    Iterations that wander off or cycle do not converge, and are marked so.
    """
    library = _library(starts)
    x = _copy(starts)
    at = library.arange(len(x)) if library is np else library.arange(len(x), device=x.device)
    for _ in range(steps):
        slope = function.gradient(x[at])
        going = _norm(slope) > tolerance
        at, slope = at[going], slope[going]
        if not len(at):
            break
        step = _newton_step(function.hessian(x[at]), slope, absolute=False)
        x[at] = x[at] + step * library.clip(2.0 / _norm(step), None, 1.0)[:, None]
    return _ends(function, x, tolerance)


def index(function: Smooth, x: Any, *, flat: float = 1e-7) -> Any:
    """The number of negative curvatures at each point, (batch,); those within ``flat`` of zero are not counted."""
    curvatures = _library(x).linalg.eigvalsh(function.hessian(x))
    scale = abs(curvatures).max(-1, keepdims=True) if isinstance(x, np.ndarray) else curvatures.abs().amax(-1, True)  # noqa: FBT003
    return (curvatures < -flat * scale).sum(-1)


def gradient_flow(function: Smooth, start: Any, times: Any) -> Any:
    """dx/dt = −∇L from one start, at given times: shape (times, n), by SciPy's adaptive Runge-Kutta pair.

    Args:
        function: the function whose gradient is followed.
        start: (n,).
        times: increasing, from 0.

    """
    from scipy.integrate import solve_ivp

    library = _library(start)

    def velocity(_: float, x: Any) -> Any:
        point = x[None] if library is np else library.as_tensor(x, dtype=start.dtype, device=start.device)[None]
        return -np.asarray(_plain(function.gradient(point)))[0]

    grid = np.asarray(_plain(times), dtype=np.float64)
    solved = solve_ivp(velocity, (grid[0], grid[-1]), np.asarray(_plain(start)), "DOP853", grid, rtol=1e-11, atol=1e-14)
    return solved.y.T


def _newton_step(hessian: Any, slope: Any, *, absolute: bool) -> Any:
    library = _library(slope)
    curvatures, directions = library.linalg.eigh(hessian)
    scale = abs(curvatures).max(-1, keepdims=True) if library is np else curvatures.abs().amax(-1, keepdim=True)
    along = library.einsum("bji,bj->bi", directions, slope)
    flat = abs(curvatures) < FLAT * scale
    divisor = library.where(flat, scale, abs(curvatures) if absolute else curvatures)
    along = along / divisor if absolute else library.where(flat, 0 * along, along / divisor)
    return -library.einsum("bij,bj->bi", directions, along)


def _ends(function: Smooth, x: Any, tolerance: float) -> Ends:
    slope = _norm(function.gradient(x))
    return Ends(x, slope, slope <= tolerance)


def _norm(x: Any) -> Any:
    return (x * x).sum(-1) ** 0.5


def _copy(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x.clone()


def _plain(x: Any) -> Any:
    return x if isinstance(x, np.ndarray | list | tuple) else x.detach().cpu().numpy()


def _library(x: Any) -> ModuleType:
    if isinstance(x, np.ndarray):
        return np
    import torch

    return torch
