"""The powers of the modes at the global minimum of a convex landscape, for a batch of landscapes at once.

With the powers g_i = |w_i|² of the modes the landscape is a quadratic program (see `derive.landscape.collapse`):

    minimise −Σ_i b_i g_i + Σ_ij M_ij g_i g_j   over g ≥ 0,   M = diag(Q) + K,   optionally with Σ_i n_i g_i = c.

Where it is strictly convex, g is its minimum exactly when with the slopes u = 2 M g − b + ν n

    g_i ≥ 0,   u_i ≥ 0,   g_i u_i = 0   for each mode (Karush, Kuhn and Tucker).

`water_filling` solves it in closed form where one trace couples the modes; `kept_modes` searches for the mask. Both
take NumPy arrays or torch tensors on any device. A mode at its critical point counts as collapsed.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from derive import InputError
from numeric.arrays import arrays, contiguous, put_back, taken

# A power or a slope below this fraction of the terms that it is the difference of counts as zero (a critical mode).
FLAT = 1e-12
# Up to this many modes all pairs are compared, which is faster than sorting.
_PAIRS = 8
# Rounds of block exchanges, then of single ones; for programs still unsolved after that, all masks are tried.
_BLOCK_ROUNDS = 8
_ROUNDS = 60
MOST_MASKS = 16
# Entries of the matrices handled at a time: what fits a processor's cache, an accelerator's memory.
_ENTRIES = {"cpu": 2**18, "device": 2**26}


def water_filling(b: Any, own: Any, x: Any = 1.0, *, strength: Any = 0.0, c: Any = None) -> Any:
    """The minimum of −Σ b_i g_i + Σ q_i g_i² + p (Σ x_i g_i)² over g ≥ 0, or with Σ x_i g_i = c instead of the p term.

    In h_i = x_i g_i with r_i = b_i/x_i and w_i = x_i²/q_i a mode stands h_i = w_i (r_i − l)₊/2 above the level
    l = 2 p Σ h_i. The modes are filled in the order of their r; with the sums over the modes filled before i and i
    itself, W_i = Σ w_j and A_i = Σ w_j r_j, mode i is kept where the level stays below r_i,

        r_i (1 + p W_i) > p A_i,   l = p A_k/(1 + p W_k);     at fixed norm A_i − r_i W_i < 2 c,   l = (A_k − 2 c)/W_k,

    k the last mode kept: a sort and two cumulative sums, O(n log n). Where all q_i are 0 the mode of the largest r
    takes all; several such modes share Σ h equally, the limit of small equal q_i/x_i².

    Args:
        b: (..., n).
        own: q, (..., n), positive, or zero for all modes of a point.
        x: (..., n), not negative.
        strength: p, (...), any for which the landscape is strictly convex: 1 + p Σ w_i > 0.
        c: (...), positive; the norm Σ x_i g_i where it is fixed.

    Returns:
        g, (..., n).

    Raises:
        InputError: naming the argument that is wrong.

    >>> water_filling(np.array([3.0, 1.0]), np.ones(2), strength=1.0).round(3)
    array([0.75, 0.  ])
    >>> water_filling(np.array([3.0, 1.0]), np.ones(2), c=3.0).round(3)
    array([2., 1.])

    """
    lib, (b, own, x, p, fixed) = arrays(b=b, own=own, x=x, strength=strength, c=c)
    given = (b, own, x, p[..., None]) if fixed is None else (b, own, x, p[..., None], fixed[..., None])
    shape = np.broadcast_shapes(*(tuple(one.shape) for one in given))
    if b.ndim == 0 or b.shape[-1] != shape[-1] or not shape[-1]:
        message = "b has no mode, or fewer than own and x: its last axis runs over the modes"
        raise InputError(message)
    # The modes come first: each of them is a vector over the batch.
    b, own, x = (contiguous(lib.moveaxis(lib.broadcast_to(one, shape), -1, 0)) for one in (b, own, x))
    free = (own == 0).all(0)
    if not ((own > 0).all(0) | free).all() or (x < 0).any():
        message = "own must be positive for all modes, or zero for all, and x not negative: the landscape is not convex"
        raise InputError(message)
    if fixed is not None and not ((fixed > 0).all() and (x > 0).all()):
        message = "c and x must be positive where the norm is fixed: no power is negative"
        raise InputError(message)
    if free.any():
        return lib.moveaxis(_winner(lib, b, own, x, p, fixed), 0, -1)
    if fixed is None and not (p != 0).any():
        return lib.moveaxis(lib.clip(b, 0.0, None) / (2 * own), 0, -1)
    coupled = x > 0
    divisor = lib.where(coupled, x, 1.0)
    weight = x * x / own
    if fixed is None and not (1 + p * weight.sum(0) > 0).all():
        message = "strength is so negative that the landscape is not convex: 1 + strength Σ x_i²/own_i must be positive"
        raise InputError(message)
    height = b / divisor
    W, A = _filled_before(lib, height, weight)
    kept = (height * (1 + p * W) > p * A) if fixed is None else (2 * fixed + height * W > A)
    used = lib.where(kept, weight, 0.0)
    W, A = used.sum(0), (used * height).sum(0)
    level = p * A / (1 + p * W) if fixed is None else (A - 2 * fixed) / W
    above = height - level
    above = lib.where(above > FLAT * (abs(height) + abs(level)), above, 0.0)
    g = lib.where(coupled, weight * above / (2 * divisor), lib.clip(b, 0.0, None) / (2 * own))
    return lib.moveaxis(g, 0, -1)


def _filled_before(lib: Any, height: Any, weight: Any) -> tuple[Any, Any]:
    """W_i and A_i, over the modes above mode i; those of equal r may be in, as they change r_i W_i and A_i equally."""
    total = weight * height
    if len(height) > _PAIRS:
        order = lib.argsort(-height, 0)
        return tuple(put_back(taken(one, order).cumsum(0), order) for one in (weight, total))
    pairs = []
    for one in height:
        higher = lib.asarray(height >= one, dtype=weight.dtype)
        pairs.append(((higher * weight).sum(0), (higher * total).sum(0)))
    return lib.stack([W for W, _ in pairs]), lib.stack([A for _, A in pairs])


def kept_modes(b: Any, quadratic: Any, *, norm: Any = None, c: Any = None) -> Any:
    """The minimum of −Σ b_i g_i + Σ_ij M_ij g_i g_j over g ≥ 0, optionally with Σ n_i g_i = c.

    A mask is solved for and the modes that break the conditions change sides, all together at first and then the
    first of them alone, which ends for every positive definite M (Murty 1974; block principal pivoting, Júdice and
    Pires 1994). For points unsolved after 60 rounds, which a fixed norm can cause, all masks are tried. Whatever is
    returned meets the conditions, so it is the minimum. Small matrices are eliminated entry by entry, each entry a
    vector over the batch: many times faster than one LAPACK call per matrix.

    Args:
        b: (..., n).
        quadratic: M, (..., n, n), symmetric and positive definite; with a fixed norm, positive definite on the v with
            Σ n_i v_i = 0. The batches of b and M are broadcast.
        norm: (..., n), positive n_i.
        c: (...), positive.

    Returns:
        g, (..., n).

    Raises:
        InputError: naming the argument that is wrong.

    >>> M = np.array([[2.0, 1.0], [1.0, 2.0]])
    >>> kept_modes(np.array([[4.0, 4.0], [4.0, 1.0], [-1.0, 0.0]]), M).round(3)
    array([[0.667, 0.667],
           [1.   , 0.   ],
           [0.   , 0.   ]])
    >>> kept_modes(np.array([4.0, 4.0]), M, norm=np.ones(2), c=3.0).round(3)
    array([1.5, 1.5])

    """
    lib, (b, M, norm, c) = arrays(b=b, quadratic=quadratic, norm=norm, c=c)
    if b.ndim < 1 or M.ndim < 2 or not b.shape[-1] == M.shape[-1] == M.shape[-2] > 0:
        message = (
            f"b has the shape {tuple(b.shape)} and quadratic {tuple(M.shape)};"
            " give (..., n) and (..., n, n) with the same n, at least 1"
        )
        raise InputError(message)
    if (norm is None) != (c is None):
        message = "norm and c belong together: the constraint is Σ norm_i g_i = c"
        raise InputError(message)
    n = b.shape[-1]
    if (abs(M - M.swapaxes(-1, -2)) > 1e-10 * abs(M).max()).any():
        message = "quadratic is not symmetric; give (M + Mᵀ)/2"
        raise InputError(message)
    constraint = None
    if norm is not None:
        constraint = norm, c
        if not all((one > 0).all() for one in constraint):
            message = "norm and c must be positive: no power is negative"
            raise InputError(message)
    elif not (M * (1 - lib.eye(n, dtype=M.dtype, device=M.device))).any() and (lib.diagonal(M, 0, -2, -1) > 0).all():
        return lib.clip(b, 0.0, None) / (2 * lib.diagonal(M, 0, -2, -1))
    batch = np.broadcast_shapes(*(tuple(s) for s in (b.shape[:-1], M.shape[:-2])))
    if constraint is not None:
        batch = np.broadcast_shapes(batch, tuple(constraint[0].shape[:-1]), tuple(constraint[1].shape))
        spread = lib.broadcast_to(constraint[1], batch).reshape(-1)
        constraint = lib.broadcast_to(constraint[0], (*batch, n)).reshape(-1, n).T, spread
    flat_b = lib.broadcast_to(b, (*batch, n)).reshape(-1, n)
    flat_M = lib.broadcast_to(M, (*batch, n, n)).reshape(-1, n, n)
    found = lib.empty_like(flat_b)
    size = max(1, _ENTRIES["cpu" if str(b.device) == "cpu" else "device"] // n**2)
    for start in range(0, len(flat_b), size):
        part = slice(start, start + size)
        some = None if constraint is None else (constraint[0][:, part], constraint[1][part])
        found[part] = _Programs(lib, flat_b[part].T, flat_M[part].swapaxes(0, 2), some).minimum().T
    return found.reshape(*batch, n)


class _Programs:
    """A batch of programs with the batch on the last axis: b (n, batch), M (n, n, batch)."""

    def __init__(self, lib: Any, b: Any, M: Any, constraint: tuple[Any, Any] | None) -> None:
        self.lib, self.n = lib, len(b)
        self.norm: Any = None
        self.c: Any = None
        if constraint is not None:
            self.norm, self.c = constraint
        if self.norm is not None:
            M = self._convex_everywhere(M)
        self.unit, self.M = self._scaled(M)
        if self.norm is None and not self._definite(self.M):
            raise InputError(self._not_convex())
        self.b = b * self.unit
        if self.norm is not None:
            self.norm = self.norm * self.unit

    def _scaled(self, M: Any) -> tuple[Any, Any]:
        """Units in which M has a diagonal of ones, and M in them: the tolerances are relative to each mode's own."""
        diagonal = self.lib.stack([M[i, i] for i in range(self.n)])
        unit = self.lib.where(diagonal > 0, diagonal, 1.0) ** -0.5
        return unit, contiguous(M) * unit * unit[:, None]

    def _not_convex(self) -> str:
        where = "" if self.norm is None else " on the vectors v with Σ norm_i v_i = 0"
        return (
            f"quadratic is not positive definite{where} at some point, so the minimum may not be one point;"
            " leave such points out, or ask for the stationary points"
        )

    def _convex_everywhere(self, M: Any) -> Any:
        """M + t n nᵀ, which on the constraint is M and a constant; positive definite for large t (Finsler)."""
        outer = self.norm * self.norm[:, None]
        t = sum(abs(M[i, i]) for i in range(self.n)) / (self.norm**2).sum(0)
        for factor in (0.0, 1.0, 1e2, 1e4):
            raised = M + factor * t * outer
            if self._definite(self._scaled(raised)[1]):
                return raised
        raise InputError(self._not_convex())

    def _definite(self, M: Any) -> bool:
        return bool((self._eliminated(M)[1] > FLAT).all())

    def minimum(self) -> Any:
        """g, (n, batch)."""
        lib = self.lib
        result = lib.empty_like(self.b)
        at = lib.arange(self.b.shape[1], device=self.b.device)
        mask = self.b > 0 if self.norm is None else lib.ones_like(self.b, dtype=lib.bool)
        for turn in range(_ROUNDS):
            g, margin, scale = self._tried(at, mask)
            wrong = margin < -FLAT * scale
            done = ~wrong.any(0)
            result[:, at[done]] = self._clean(g, scale)[:, done]
            at, wrong, mask = at[~done], wrong[:, ~done], mask[:, ~done]
            if not len(at):
                break
            if turn >= _BLOCK_ROUNDS:
                # Only the first wrong mode changes sides: Murty's rule.
                wrong = wrong & (wrong.cumsum(0) == 1)
            mask = mask ^ wrong
            if self.norm is not None:
                mask = mask | ~mask.any(0)
        else:
            result[:, at] = self._by_all_masks(at)
        return result * self.unit

    def _clean(self, g: Any, scale: Any) -> Any:
        return self.lib.where(g > FLAT * scale, g, 0.0)

    def _tried(self, at: Any, mask: Any) -> tuple[Any, Any, Any]:
        """The solution on a mask, its powers and slopes (which must not be negative), and their scale."""
        lib = self.lib
        everything = len(at) == self.b.shape[1]
        b, M = (self.b, self.M) if everything else (self.b[:, at], self.M[:, :, at])
        factors = self._eliminated(M, mask)
        g = self._solved(factors, lib.where(mask, b / 2, 0.0))
        pull = -b
        if self.norm is not None:
            n, c = self.norm[:, at], self.c[at]
            along = self._solved(factors, lib.where(mask, n / 2, 0.0))
            # Σ n_i g_i = c sets the multiplier ν of g − ν·along.
            nu = ((n * g).sum(0) - c) / lib.where(mask.any(0), (n * along).sum(0), 1.0)
            g = g - nu * along
            pull = pull + nu * n
        slope = pull + 2 * lib.einsum("ijp,jp->ip", M, g)
        scale = lib.amax(abs(b), 0) + lib.amax(abs(pull + b), 0)
        return g, lib.where(mask, g, slope), scale

    def _eliminated(self, M: Any, mask: Any = None) -> tuple[list[list[Any]], Any]:
        """L and the pivots of M = L D Lᵀ on the modes of a mask, all unless given; the identity elsewhere."""
        lower: list[list[Any]] = []
        pivots: list[Any] = []
        on = None if mask is None else self.lib.asarray(mask, dtype=M.dtype)
        for i in range(self.n):
            row: list[Any] = []
            scaled: list[Any] = []
            pivot = M[i, i] if on is None else M[i, i] * on[i] + (1 - on[i])
            for j in range(i):
                entry = M[i, j] if on is None else M[i, j] * on[i] * on[j]
                for k in range(j):
                    entry = entry - scaled[k] * lower[j][k]
                scaled.append(entry)
                row.append(entry / pivots[j])
                pivot = pivot - entry * row[j]
            lower.append(row)
            # A pivot that is not positive is recognised by its sign; the next ones must still be finite.
            pivots.append(self.lib.where(pivot == 0, -1.0, pivot))
        return lower, self.lib.stack(pivots)

    def _solved(self, factors: tuple[list[list[Any]], Any], right: Any) -> Any:
        lower, pivots = factors
        y: list[Any] = []
        for i in range(self.n):
            entry = right[i]
            for j in range(i):
                entry = entry - lower[i][j] * y[j]
            y.append(entry)
        y = [one / pivots[i] for i, one in enumerate(y)]
        for i in reversed(range(self.n)):
            for j in range(i + 1, self.n):
                y[i] = y[i] - lower[j][i] * y[j]
        return self.lib.stack(y)

    def _by_all_masks(self, at: Any) -> Any:
        """The solution on the mask that breaks the conditions least."""
        if self.n > MOST_MASKS:
            message = f"{len(at)} points did not settle on a mask, and {self.n} modes have too many to try them all"
            raise ArithmeticError(message)
        lib = self.lib
        best: Any = None
        least: Any = None
        for choice in product((False, True), repeat=self.n):
            if self.norm is not None and not any(choice):
                continue
            mask = lib.ones_like(self.b[:, at], dtype=lib.bool) & lib.asarray(choice, device=self.b.device)[:, None]
            g, margin, scale = self._tried(at, mask)
            breach, g = lib.amax(-margin, 0), self._clean(g, scale)
            if best is None:
                best, least = g, breach
            else:
                best, least = lib.where(breach < least, g, best), lib.where(breach < least, breach, least)
        return best


def _winner(lib: Any, b: Any, own: Any, x: Any, p: Any, fixed: Any) -> Any:
    """Only Σ h holds the modes back: r Σ h − p (Σ h)² is largest for the largest r."""
    if not ((own == 0).all() and (x > 0).all()) or (fixed is None and not (p > 0).all()):
        message = "own = 0: without a quartic part of its own a mode needs a positive strength and x at every point"
        raise InputError(message)
    height = b / x
    top = lib.amax(height, 0)
    share = lib.asarray(height == top, dtype=b.dtype)
    total = lib.clip(top, 0.0, None) / (2 * p) if fixed is None else fixed
    return share / share.sum(0) * total / x
