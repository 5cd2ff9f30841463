"""The landscape of Eq. (10), −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ] + κ (E|f|² − c)²: what is derived of it, and what is found on it.

The claims on normalisation are about this landscape, whatever loss it is the expansion of. Assumption 1 holds: A0 and C
commute, so that B, Σ and the masks M are diagonal in one basis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import inf
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from derive import Loss, Mean, half_sq, variance, views
from derive.landscape.landscape import a_i, c_i, s_i
from derive.landscape.mode_potential import b as level
from derive.landscape.stationary import T1, StationaryPoints, m, rho, stationary
from numeric.landscape.descent import Smooth, descend, newton
from verify.papers.claims.claim import Measured, Point
from verify.papers.claims.formulas import Diagonal, M, Symmetric, Tr, d0

Array = NDArray[np.float64]

# In the common basis.
B, Sigma = Diagonal("B", d0), Diagonal("Sigma", d0)
kappa, c, d_M = sympy.symbols("kappa c d_M")
half = sympy.Rational(1, 2)
# The projection on the kept directions of Σ^(½)WᵀWΣ^(½); λ where B = λΣ.
P, lam = Symmetric("P", d0), sympy.Symbol("lambda")
OF_ONE_VALUE = {B: lam * Sigma}
GENERIC = "no two modes have the same ratio b_i/s_i of the eigenvalues of B and Σ but different s_i"
DEGENERATE = (
    "modes with the same ratio b_i/s_i but different s_i, here all, B = λΣ; P any projection of rank d_M in the place"
    " of the mask"
)
# A power below this is zero to the iteration, whose gradient ends below 1e-12.
OFF = 1e-7
# How far powers of order one may be off where the gradient is that small.
SOLVED = 1e-8

x, x_pos, y, chi = views("x, x_pos, y, chi")
_FAR = half_sq(y, chi)


def printed(noise: int = 0) -> Loss:
    """A loss whose expansion is Eq. (3) with Proposition 1 and B = A0 − noise · C; the letter B stands for its A0."""
    quartic = variance(2 * _FAR, over=(y, chi)) / 8
    return Loss((1 + noise) * half_sq(x, x_pos) - Mean(_FAR, over=(y, chi)) + quartic, name="Eq. (3)")


@lru_cache(maxsize=4)
def points(*, fixed: bool = False) -> StationaryPoints:
    """All stationary points without a bias, for a finite κ or as κ → ∞."""
    (found,) = stationary(printed().with_norm_penalty().expand(4), limit="kappa" if fixed else None)
    return found


def eigenvalue(found: StationaryPoints) -> sympy.Expr:
    """r_i of a mode in b_i (which has the name a_i) and s_i, with what the penalty adds at a finite κ."""
    value = found.isotropic.eigenvalue().subs(c_i, s_i - a_i)
    return sympy.expand(value.subs(kappa, 0) if found.fixed is not None else value)


def at_norm(found: StationaryPoints) -> sympy.Expr:
    """h_i = s_i g_i of a kept mode in b_i, s_i and ρ = E|f|², for a finite κ."""
    (total,) = sympy.solve(found.trace - rho, T1)
    return sympy.cancel(found.power.subs(T1, total).subs(level, eigenvalue(found)))


def in_full(value: sympy.Expr, found: StationaryPoints) -> sympy.Expr:
    """A formula in r_i, T₁ and m with these put in: in b_i, s_i and traces over the mask."""
    total = sympy.Add(*(factor * (Tr(matrix) if matrix != M else d_M) for factor, matrix in _terms(eigenvalue(found))))
    return sympy.cancel(value).subs({level: eigenvalue(found), T1: total, m: d_M}, simultaneous=True)


def on_modes(value: sympy.Expr) -> sympy.MatrixExpr:
    """The matrix that has a value in b_i and s_i on each kept mode: a sum of powers of B and Σ, masked."""
    return sympy.MatAdd(*(factor * matrix for factor, matrix in _terms(value))).doit()


def _terms(value: sympy.Expr) -> Iterator[tuple[sympy.Expr, sympy.MatrixExpr]]:
    for term in sympy.Add.make_args(sympy.expand(value)):
        factor, powers = term.as_independent(a_i, s_i)
        of = powers.as_powers_dict()
        yield factor, (B ** of.get(a_i, 0) * Sigma ** of.get(s_i, 0) * M).doit()


@dataclass(frozen=True, eq=False)
class Landscape:
    """Eq. (10) in numbers, written by hand, as a function of the flat (W, b); d1 = d0.

    Attributes:
        B: (d0, d0).
        Sigma: (d0, d0), commuting with B.
        frame: their common eigenvectors, one a column.
        kappa: infinite for a fixed norm.
        c: the norm.
        seed: of the frame and of what starts here.

    """

    B: Array
    Sigma: Array
    frame: Array
    kappa: float
    c: float
    seed: int

    @property
    def d0(self) -> int:
        """The dimension of the input."""
        return len(self.B)

    def value(self, z: Any) -> Any:
        """L, (…), of z (…, n); an infinite κ stands for the landscape of f √(c/E|f|²), with a penalty of its own.

        That one is constant along rays; (E|f|² − c)² picks the point of a ray at which E|f|² = c.
        """
        d = self.d0
        W, b = z[..., : d * d].reshape(*z.shape[:-1], d, d), z[..., d * d :]
        norm = ((W @ self.Sigma) * W).sum((-2, -1)) + (b * b).sum(-1)
        fixed = self.kappa == inf
        if fixed:
            W = W * np.sqrt(self.c / norm)[..., None, None]
        second = W @ self.Sigma @ W.mT
        quartic = (second * second.mT).sum((-2, -1))
        return -((W @ self.B) * W).sum((-2, -1)) + quartic + (1.0 if fixed else self.kappa) * (norm - self.c) ** 2

    def gradient(self, z: Any) -> Any:
        """By steps along the imaginary axis, whose difference quotients lose no digits."""
        return self.value(z[..., None, :] + 1e-30j * np.eye(z.shape[-1])).imag / 1e-30

    def hessian(self, z: Any) -> Any:
        """By differences of the gradient, of two widths; an iteration does not need all of its digits."""

        def difference(h: float) -> Any:
            steps = h * np.eye(z.shape[-1])
            return (self.gradient(z[..., None, :] + steps) - self.gradient(z[..., None, :] - steps)) / (2 * h)

        found = (4 * difference(1e-4) - difference(2e-4)) / 3
        return (found + found.mT) / 2


@dataclass(frozen=True, eq=False)
class End:
    """Where an iteration on (W, b) ended.

    Attributes:
        problem: on which landscape.
        W: (d1, d0).
        b: (d1, 1), zeros where the model has no bias.

    """

    problem: Landscape
    W: Array
    b: Array

    @property
    def frame(self) -> Array:
        """The modes, one a column."""
        return self.problem.frame

    @property
    def gram(self) -> Array:
        """WᵀW."""
        return np.asarray(self.W.T @ self.W)

    @cached_property
    def projection(self) -> Array:
        """On the row space of WΣ^(½)."""
        s = np.diag(self.frame.T @ self.problem.Sigma @ self.frame)
        _, values, rows = np.linalg.svd(self.W @ (self.frame * np.sqrt(s)) @ self.frame.T)
        kept = rows[values**2 > OFF]
        return np.asarray(kept.T @ kept)

    @property
    def kept(self) -> NDArray[np.bool_]:
        """The modes that are not zero: as many as the rank, those with the largest shares where modes are mixed."""
        shares = np.diag(self.frame.T @ self.projection @ self.frame)
        rank = round(float(shares.sum()))
        return np.asarray(np.argsort(np.argsort(-shares)) < rank)

    @property
    def norm(self) -> float:
        """ρ = Tr[WΣWᵀ]."""
        return float(np.trace(self.W @ self.problem.Sigma @ self.W.T))

    def correction(self) -> Array:
        """2ΣWᵀWΣ − BM, which vanishes without a penalty."""
        at = self.letters
        return np.asarray(2 * at["Sigma"] @ self.gram @ at["Sigma"] - at["B"] @ at["M"])

    @property
    def letters(self) -> dict[str, Any]:
        """The values of the claims' letters."""
        here = self.problem
        matrices = {
            "W": self.W,
            "b": self.b,
            "B": here.B,
            "Sigma": here.Sigma,
            "M": (self.frame * self.kept) @ self.frame.T,
            "P": self.projection,
        }
        numbers = {"c": here.c, "rho": self.norm, "d_M": float(self.kept.sum()), "d_0": float(here.d0)}
        of_one = {"lambda": float(np.trace(np.linalg.solve(here.Sigma, here.B))) / here.d0}
        return matrices | numbers | of_one | ({} if here.kappa == inf else {"kappa": here.kappa})


def ends(
    b: ArrayLike,
    s: ArrayLike,
    *,
    kappa: float = inf,
    c: float = 0.8,
    bias: bool = False,
    minimise: bool = False,
    within: Iterable[int] | None = None,
    starts: int = 40,
    steps: int = 80,
    seed: int = 0,
) -> list[End]:
    """Different stationary points, or minima, of a landscape written by hand, d1 = d0, from random starts.

    Args:
        b: the eigenvalues of B.
        s: of Σ.
        kappa: infinite for a fixed norm: the landscape of f √(c/E|f|²).
        c: the norm.
        bias: whether f(x) = Wx + b.
        minimise: minima alone.
        within: the modes that the starts have; Newton's iteration leaves the others at zero.
        starts: how many; all of them are short in some directions, which is how saddles are met.
        steps: of the iteration, at most; those that need more are left out.
        seed: of the common eigenvectors and the starts.

    """
    rng = np.random.default_rng(seed)
    size = np.size(b)
    frame, _ = np.linalg.qr(rng.standard_normal((size, size)))
    of_modes = ((frame * np.array(values)) @ frame.T for values in (b, s))
    problem = Landscape(next(of_modes), next(of_modes), frame, kappa, c, seed)
    allowed = np.isin(np.arange(size), list(range(size) if within is None else within))
    columns = rng.standard_normal((starts, size, size)) * (10 ** rng.uniform(-3, 0.2, (starts, 1, size)) * allowed)
    shift = rng.standard_normal((starts, size)) * 10 ** rng.uniform(-3, 0, (starts, 1))
    flat = np.concatenate([(columns @ frame.T).reshape(starts, -1), *([shift] if bias else [])], 1)
    function = Smooth(problem.value, problem.gradient, problem.hessian)
    found = (descend if minimise else newton)(function, flat, steps=steps, tolerance=1e-12)
    solved = found.x[found.converged]
    W, moved = solved[:, : size**2].reshape(-1, size, size), solved[:, size**2 :]
    if not bias:
        moved = np.zeros((len(W), size))
    different: dict[bytes, End] = {}
    for one, shifted in zip(W, moved, strict=True):
        end = End(problem, one, shifted[:, None])
        key = np.round(np.append(end.gram.ravel(), (shifted**2).sum()), 5) + 0.0
        different.setdefault(key.tobytes(), end)
    return list(different.values())


@lru_cache(maxsize=2)
def generic(*, fixed: bool = False) -> tuple[End, ...]:
    """Stationary points other than 0, at a finite κ or a fixed norm; B is indefinite, all eigenvalues are different."""
    strength = inf if fixed else 0.7
    every = [
        *ends([0.5, 1.1, -0.3], [0.6, 1.0, 1.5], kappa=strength),
        *ends([0.9, 0.8], [1.5, 0.7], seed=1, kappa=strength),
        # Isotropic data: any direction is a mode, and a frame of modes can be chosen that WᵀW has.
        *(_in_its_frame(end) for end in ends([0.9, 0.9], [1.5, 1.5], seed=2, kappa=strength, starts=6)),
    ]
    return tuple(end for end in every if end.kept.any())


def _in_its_frame(end: End) -> End:
    """An end of isotropic data with the eigenvectors of its WᵀW as modes."""
    _, vectors = np.linalg.eigh(end.gram)
    return replace(end, problem=replace(end.problem, frame=vectors))


@lru_cache(maxsize=2)
def degenerate(*, fixed: bool = False) -> tuple[End, ...]:
    """Stationary points where B = 0.9 Σ: modes that share the eigenvalue of Σ⁻¹B are kept in any mixture.

    Of rank 1 with two such modes, and of rank 2 with three.
    """
    found: list[End] = []
    for s in (np.array([0.6, 1.7]), np.array([0.6, 1.7, 1.1])):
        every = ends(0.9 * s, s, kappa=inf if fixed else 0.7)
        found += [end for end in every if end.kept.sum() == len(s) - 1]
    return tuple(found)


def any_direction(h: sympy.Expr) -> sympy.MatrixExpr:
    """WᵀW where b_i = λ s_i for all modes, and h_i is the same on all: any projection P may take the mask's place."""
    return sympy.cancel(h.subs(a_i, lam * s_i)) * Sigma**-half * P * Sigma**-half


def at_ends(slot: str, quantity: str, found: Sequence[End], value: Callable[[End], Any]) -> Measured:
    """A value at stationary points."""
    places = [Point(end.letters, value(end), SOLVED) for end in found]
    seeds = ", ".join(map(str, sorted({end.problem.seed for end in found})))
    quantity += ", at stationary points found by Newton's iteration"
    return Measured(slot, "exact", quantity, places, note=f"B and Σ commute; seeds {seeds}")
