"""Taylor coefficients in t along a ray, computed from the values of a function alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


# How small the last Taylor coefficients on a circle must be relative to the largest.
SETTLED = 1e-7


def circle(radius: float, points: int = 16) -> NDArray[np.complex128]:
    """Values of t whose squares lie evenly on a circle, at which to evaluate an even function."""
    return np.asarray(radius * np.exp(1j * np.pi * np.arange(points) / points))


def mirrored(values: NDArray[Any], points: int) -> NDArray[Any]:
    """The values (…, points) on a `circle` from those at its first points//2 + 1: f(−t̄) is the conjugate of f(t).

    It is for a function that is even, and real where t is.

    >>> ts = circle(0.5, 8)
    >>> bool(np.allclose(mirrored(np.exp(ts[:5] ** 2), 8), np.exp(ts**2)))
    True
    """
    return np.concatenate([values, values[..., points - values.shape[-1] : 0 : -1].conj()], axis=-1)


def cauchy(values: NDArray[Any], ts: NDArray[Any], orders: range) -> NDArray[np.float64]:
    """Coefficients of t^k by Cauchy's integral over `circle`: (…, T) gives (…, len(orders)).

    Exact but for rounding (≈ 1e-16/radius^k) and for coefficients of order k + 2·T and above, times radius^(2T).
    """
    return np.stack([(values * ts**-k).mean(-1).real for k in orders], axis=-1)


def cauchy_error(values: NDArray[Any], ts: NDArray[Any], orders: range) -> NDArray[np.float64]:
    """The error of each coefficient that `cauchy` finds, for values (T,).

    The last coefficients consist of rounding, or of the aliased tail of the series.
    """
    tail = 10 * float(np.abs(np.fft.fft(values)[len(ts) // 2 :]).max()) / len(ts)
    return np.array([tail / float(abs(ts[0])) ** k for k in orders])


def converging(
    values: Callable[[NDArray[Any]], NDArray[Any]], start: float, points: int = 16, settled: float = SETTLED
) -> tuple[NDArray[np.complex128], NDArray[Any]]:
    """The largest `circle` of radius start, start/2, … on which the Taylor series has converged: t (T,), values (…, T).

    The nearest singularity may be close (a square root of a small ε). On a circle beyond it, or near it, the last
    coefficients times radius^k are no longer small relative to the first, and `cauchy` would alias them. What it
    aliases is about as small relative to the last coefficients as these are relative to the first.

    Args:
        values: the function at several t, (…, T).
        start: the radius to try first.
        points: of the circle.
        settled: how small the last coefficients have to be relative to the first.

    >>> ts, _ = converging(lambda ts: 1 / (0.04 - ts**2), 0.5)
    >>> float(abs(ts[0]))
    0.0625
    """
    radius = start
    for _ in range(60):
        ts = circle(radius, points)
        with np.errstate(all="ignore"):
            at = values(ts)
            sizes = np.abs(np.fft.fft(at, axis=-1)[..., 1:])
        # fft's k-th entry is the coefficient of (t²)^k, up to the order of the circle; one nan makes all of them nan.
        last = sizes[..., len(ts) // 2 :].max()
        if np.isfinite(sizes).all() and last <= settled * sizes.max() + 1e-14 * float(np.abs(at).max()):
            break
        radius /= 2
    return ts, at


def safe_radius(values: Callable[[NDArray[Any]], NDArray[Any]], start: float) -> float:
    """Half of the radius of a `converging` circle, for a margin."""
    return float(abs(converging(values, start)[0][0])) / 2


def nested_derivatives(function: Callable[[Any], Any], order: int, at: float = 0.0) -> dict[int, float]:
    """Taylor coefficients of t ↦ function(t) about a point through an order, by nested differentiation in torch.

    The function is called once, and each order differentiates the graph of the one before. Forward mode would call it
    2^order times as it were, and its first nested call loads torch's compiler, a second of work.
    """
    import torch

    t = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    coefficients, factorial, current = {}, 1.0, function(t)
    for k in range(1, order + 1):
        if current.requires_grad:
            (current,) = torch.autograd.grad(current, t, create_graph=k < order, materialize_grads=True)
        else:  # a constant, whose derivatives are zero
            current = torch.zeros_like(current)
        factorial *= k
        coefficients[k] = float(current.detach()) / factorial
    return coefficients
