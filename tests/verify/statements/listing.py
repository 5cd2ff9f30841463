"""Statements about stationary points: the formula, the loss there, the index, which are minima, and that there are no others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.linalg import expm
from scipy.optimize import minimize
from statements.formulas import UnreadError, read, value
from statements.minimising import Landscape, index
from statements.polynomials import Array
from statements.sentences import ByMode, Points, Said
from statements.settings import Setting, Tally

_COUNTED = r"\(d1 − m\)·#\{i ∉ M: λ_i > (?P<level>0|θ)\} \+ #\{k ∈ M, i ∉ M: λ_i > λ_k\}"
_PLUS_ONE = r" \+ 1 where q₁ \+ m q₂ < 0"
_NEGATIVE = r" \+ m\(m − 1\)/2 \+ m, less 1 where q₁ \+ m q₂ > 0 \(for q₁ < 0\)"
INDEX = re.compile(_COUNTED + f"(?P<one>{_PLUS_ONE})?(?P<negative>{_NEGATIVE})?" + r"(?: \+ d1 where (?P<falls>.+) > 0)?")
MINIMA = re.compile(
    r"the m largest λ_i, all that are > (?:0|θ) or as many of them as d1"
    r"(?:: global, rank m, no other point a minimum|, where (?P<stays>.+) <= 0; rank m, no other point with b = 0 a minimum)"
)
LOWEST = "the points of index 0, the lowest of them global"


@dataclass(frozen=True, eq=False)
class Listed:
    """A stationary point that is listed, in numbers."""

    mask: tuple[int, ...]
    W: Array
    loss: float
    eigenvalues: Array
    theta: float
    power: float


def listed(points: Points, setting: Setting) -> list[Listed]:
    """All points that a list names at a setting."""
    letters = {"Σ": "S", "A0": "A", "C": "C", "I": "I"}
    d0 = setting.data.d0
    matrices = {"Σ": setting.data.A0 + setting.data.C, "A0": setting.data.A0, "C": setting.data.C, "I": np.eye(d0)}
    assert points.letter in letters
    X = matrices[points.letter]
    values, vectors = np.linalg.eigh(X)
    if values[0] < 1e-9:
        return []
    root = vectors / np.sqrt(values) @ vectors.T
    env: dict[str, Any] = dict(setting.env)
    B = np.asarray(value(points.B, env | matrices)) * np.ones((d0, d0))
    lam, U = np.linalg.eigh(root @ B @ root)
    factor = float(np.real(value(points.factor, env)))
    found = []
    for m in range(min(d0, setting.d1) + 1):
        for mask in combinations(range(d0), m):
            kept = lam[list(mask)]
            sums = {"m": float(m), "Λ₁": kept.sum(), "Λ₂": (kept**2).sum()}
            with np.errstate(all="ignore"):
                theta = 0.0 if points.theta is None else float(np.real(value(points.theta, env | sums)))
                loss = float(np.real(value(points.loss, env | sums)))
            h = factor * (kept - theta)
            if not np.isfinite([theta, loss]).all() or (h <= 1e-6).any():
                continue
            W = np.zeros((setting.d1, d0))
            W[range(m), :] = np.sqrt(h)[:, None] * (root @ U[:, list(mask)]).T
            found.append(Listed(mask, W, loss, lam, theta, float(h.sum())))
    return found


def with_bias(points: Points, setting: Setting, W: Array, random: np.random.Generator) -> Array | None:
    """W with its column for the bias; None where the branch is not there."""
    if not setting.loss.loss.bias:
        return W
    column = np.zeros(setting.d1)
    if points.bias == "on":
        size = level(points.level, setting, W)
        if size <= 1e-6:
            return None
        column = random.standard_normal(setting.d1)
        column *= np.sqrt(size) / np.linalg.norm(column)
    return np.column_stack((W, column))


def level(text: str, setting: Setting, W: Array) -> float:
    """|b|² as it is printed, with traces of W X Wᵀ."""
    matrices = {"Σ": setting.data.A0 + setting.data.C, "A0": setting.data.A0, "C": setting.data.C}
    env = dict(setting.env)
    for name, X in matrices.items():
        text = text.replace(f"Tr[W {name} Wᵀ]", f" trace_{ {'Σ': 'S', 'A0': 'A', 'C': 'C'}[name]} ")
        env[f"trace_{ {'Σ': 'S', 'A0': 'A', 'C': 'C'}[name]}"] = float(np.trace(W @ X @ W.T))
    env["trace_I"] = float((W**2).sum())
    text = text.replace("Tr[W Wᵀ]", " trace_I ")
    return float(value(read(text), env))


def best_rotation(landscape: Landscape, W: Array, random: np.random.Generator) -> Array:
    """W turned to where the loss is lowest over rotations of the embedding."""
    d1 = landscape.d1
    upper = np.triu_indices(d1, 1)
    if not len(upper[0]):
        return W

    def turned(flat: Array, base: Array) -> Array:
        A = np.zeros((d1, d1))
        A[upper] = flat
        return np.asarray(expm(A - A.T) @ base)

    best = (np.inf, W)
    for _ in range(6):
        base = np.linalg.qr(random.standard_normal((d1, d1)))[0] @ W
        for _ in range(3):
            done = minimize(lambda flat, base=base: landscape.value(turned(flat, base)), np.zeros(len(upper[0])), method="BFGS", options={"gtol": 1e-10})
            base = turned(done.x, base)
        if done.fun < best[0] - 1e-13:
            best = (done.fun, base)
    return best[1]


def applies(points: Points, setting: Setting) -> bool:
    """Whether the conditions of a list hold."""
    return all(bool(np.all(value(one, setting.env))) for one in points.where)


def check_points(said: Said, settings: list[Setting], tally: Tally) -> None:
    """Every list of stationary points at every setting."""
    for setting in settings:
        if setting.loss.through4.symbols and not said.points:
            return
        random = np.random.default_rng(setting.seed)
        whole: list[Listed] = []
        for points in said.points:
            if applies(points, setting):
                whole += _check_list(points, setting, tally, random)
        if said.points:
            _check_complete(said, whole, setting, tally)


def _check_list(points: Points, setting: Setting, tally: Tally, random: np.random.Generator) -> list[Listed]:
    landscape = setting.through4
    found: list[Listed] = []
    for one in listed(points, setting):
        W = with_bias(points, setting, one.W, random)
        if W is None or (landscape.norm is not None and not one.mask):
            continue
        if points.rotated:
            W = best_rotation(landscape, W, random)
        where = f"mask {one.mask} at {setting.text()}"
        size = max(1.0, abs(one.loss), abs(landscape.value(W)))
        loss, slope = landscape.with_slope(W)
        steep = float(np.abs(slope).max()) * max(float(np.abs(W).max()), 1e-3) / size
        tally.judge("stationary: formula", points.text, holds=steep < 1e-5, example=f"|∇L| = {np.abs(slope).max():.2g}, {where}")
        if steep >= 1e-5:
            continue
        tally.judge("stationary: loss", points.text, holds=abs(loss - one.loss) < 1e-6 * size, example=f"L = {loss:.6g} and not {one.loss:.6g}, {where}")
        found.append(Listed(one.mask, W, loss, one.eigenvalues, one.theta, one.power))
        _check_index(points, found[-1], setting, tally, where)
    _check_minima(points, found, setting, tally)
    return found


def _check_index(points: Points, one: Listed, setting: Setting, tally: Tally, where: str) -> None:
    claimed = index_of(points, one, setting)
    if claimed is None:
        return tally.skip("an index at its edge")
    if setting.through4.norm is None and not one.W.any() and not setting.through4.polynomial.of_order(2).terms:
        return tally.skip("an index at its edge")
    measured, clear = index(setting.through4, one.W)
    if clear < 1.0:
        return tally.skip("a Hessian with an eigenvalue near zero")
    tally.judge("index", points.index, holds=measured == claimed, example=f"{measured} and not {claimed}, {where}")
    return None


def index_of(points: Points, one: Listed, setting: Setting) -> int | None:
    """The index as it is printed; None where eigenvalues meet or one is at the level."""
    match = INDEX.fullmatch(points.index)
    if match is None:
        raise UnreadError(points.index)
    lam, d1, m = one.eigenvalues, setting.d1, len(one.mask)
    if points.rotated and any(abs(lam[i] - lam[k]) < 1e-4 * np.abs(lam).max() for i, k in combinations(one.mask, 2)):
        # Equal powers leave the best rotation open: what couples the modes is then of fourth order.
        return None
    out = [i for i in range(len(lam)) if i not in one.mask]
    size = max(np.abs(lam).max(), 1e-12)
    at = one.theta if match["level"] == "θ" else 0.0
    if any(abs(lam[i] - at) < 1e-4 * size for i in out) and d1 > m:
        return None
    if any(abs(lam[i] - lam[k]) < 1e-4 * size for i in out for k in one.mask):
        return None
    count = (d1 - m) * sum(lam[i] > at for i in out) + sum(lam[i] > lam[k] for i in out for k in one.mask)
    q1, q2 = couplings(points, setting)
    if match["one"] and m and q1 + m * q2 < 0:
        count += 1
    # Where q₁ < 0 by its own sign, which the words suppose.
    if match["negative"] and m and q1 < 0:
        count += m * (m - 1) // 2 + m - (1 if q1 + m * q2 > 0 else 0)
    elif match["negative"] and m and q1 + m * q2 < 0:
        count += 1
    if match["falls"]:
        d0 = setting.data.d0
        height = level(match["falls"], setting, one.W[:, :d0])
        if abs(height) < 1e-4:
            return None
        if height > 0:
            count += d1
    return int(count)


def couplings(points: Points, setting: Setting) -> tuple[float, float]:
    """q₁ and q₂ of the landscape that is listed: h_i = (λ_i − θ)/2q₁, θ = 2 q₂ Λ₁/(q₁ + m q₂)·…, from the formulas."""
    factor = float(np.real(value(points.factor, setting.env)))
    q1 = 1 / (2 * factor)
    if setting.loss.limit:
        return q1, np.inf
    if points.theta is None:
        return q1, 0.0
    # θ = q₂ Λ₁/(q₁ + m q₂), so that q₂ = θ q₁/(Λ₁ − m θ); at m = 1 and Λ₁ = 1, or at another mode number where that is singular.
    for m in (1.0, 3.0, 7.0):
        with np.errstate(all="ignore"):
            theta = float(np.real(value(points.theta, setting.env | {"m": m, "Λ₁": 1.0, "Λ₂": 1.0})))
        if np.isfinite(theta) and abs(1 - m * theta) > 1e-9:
            return q1, theta * q1 / (1 - m * theta)
    return q1, 0.0


def _check_minima(points: Points, found: list[Listed], setting: Setting, tally: Tally) -> None:
    """Which of the points of one list are minima."""
    lowest_words = points.minima == LOWEST
    match = MINIMA.fullmatch(points.minima)
    if match is None and not lowest_words:
        raise UnreadError(points.minima)
    if match is not None and match["stays"]:
        return _check_branch(points, match["stays"], found, setting, tally)
    kind = "minima: lowest of index 0" if lowest_words else "minima: m largest"
    if setting.growth4.bounded is False:
        tally.judge(kind + ", unbounded", points.minima, holds=False, example=f"no global minimum at {setting.text()}")
        return
    ends = setting.ends
    if setting.growth4.bounded is None or not ends[0].converged or not np.isfinite(ends[0].value):
        return tally.skip("at the edge of being bounded")
    best = ends[0].value
    size = max(1.0, abs(best))
    if lowest_words:
        chosen = [one for one in found if index(setting.through4, one.W)[0] == 0]
        if not chosen and points.bias:
            return tally.skip("no minimum of this branch")
        if not chosen:
            return tally.judge(kind, points.minima, holds=False, example=f"no point of index 0, the lowest is L = {best:.6g} at {setting.text()}")
        loss = min(one.loss for one in chosen)
        return tally.judge(kind, points.minima, holds=abs(loss - best) < 1e-6 * size, example=f"{loss:.6g} and not {best:.6g} at {setting.text()}")
    # The m largest of which all exceed θ, for the largest such m.
    chosen_one = largest(found, setting)
    if chosen_one is None:
        if points.bias:
            return None
        return tally.judge(kind, points.minima, holds=False, example=f"no such point is listed at {setting.text()}")
    off = abs(chosen_one.loss - best)
    tally.judge(kind, points.minima, holds=off < 1e-6 * size, example=f"{chosen_one.loss:.6g} and not {best:.6g} at {setting.text()}")
    strays = [one for one in ends if one.converged and one.value > best + 1e-5 * size and index(setting.through4, one.W) == (0, 1.0)]
    tally.judge("minima: no other", points.minima, holds=not strays, example=f"another minimum at L = {strays[0].value:.6g} above {best:.6g}, {setting.text()}" if strays else "")
    return None


def largest(found: list[Listed], setting: Setting) -> Listed | None:
    """The listed point that keeps the largest λ_i, as many as it can."""
    d0 = setting.data.d0
    named = [one for one in found if one.mask == tuple(range(d0 - len(one.mask), d0))]
    return max(named, key=lambda one: len(one.mask), default=None)


def _check_branch(points: Points, stays: str, found: list[Listed], setting: Setting, tally: Tally) -> None:
    """Of the points without a bias that of the largest λ_i alone is a minimum, where the loss does not fall along b."""
    chosen = largest(found, setting)
    if chosen is None:
        return
    height = level(stays, setting, chosen.W[:, : setting.data.d0])
    if abs(height) < 1e-3:
        return tally.skip("a condition at its edge")
    for one in found:
        measured, clear = index(setting.through4, one.W)
        if clear < 1.0:
            tally.skip("a Hessian with an eigenvalue near zero")
            continue
        claimed = one is chosen and height <= 0
        if (one is chosen and height > 0) or claimed or measured == 0:
            tally.judge("minima: without the bias", points.minima, holds=(measured == 0) == claimed, example=f"index {measured} of mask {one.mask}, {height:.4g} at {setting.text()}")
    return None


def _check_complete(said: Said, whole: list[Listed], setting: Setting, tally: Tally) -> None:
    """Every minimum where an optimiser ends is listed."""
    if setting.growth4.bounded is False:
        return
    for end in setting.ends:
        if not end.converged or not np.isfinite(end.value):
            tally.skip("the optimiser did not converge")
            continue
        size = max(1.0, abs(end.value))
        near = any(abs(one.loss - end.value) < 1e-5 * size for one in whole)
        if not near and index(setting.through4, end.W)[1] < 1.0:
            tally.skip("a Hessian with an eigenvalue near zero")
            continue
        tally.judge("stationary: all", "; ".join(one.text for one in said.points), holds=near, example=f"a minimum that is not listed, L = {end.value:.6g}, at {setting.text()}")


def check_by_mode(said: Said, settings: list[Setting], tally: Tally) -> None:
    """b_i, Q_ij and K_ij, where there is no formula: the landscape they make against the one written by hand."""
    if not said.by_mode:
        return
    bias = settings[0].loss.loss.bias
    if len(said.by_mode) > 1:
        # Each is of another sign of a coupling.
        tally.judge("by mode: cases", said.by_mode[0].text, holds=False, example="two lists, and not said when which holds")
        return
    for setting in settings[:6]:
        # In the modes' own frame, where A0 and C are diagonal.
        a, c = setting.eigenvalues
        random = np.random.default_rng(setting.seed)
        W = random.standard_normal((setting.d1, len(a)))
        polynomial = setting.penalised.polynomial
        values = {"A": a, "S": a + c, "I": np.ones(len(a)), "D": np.zeros(len(a))}
        P = np.array([W * values[letter] @ W.T for letter in polynomial.letters]).reshape(-1, setting.d1, setting.d1)
        if any(key[0] == "diagonal" for key in polynomial.terms):
            if not setting.commuting:
                tally.skip("modes at the best rotation, not commuting")
                continue
            padded = np.column_stack((W, np.zeros(setting.d1))) if bias else W
            true = setting.penalised.value(best_rotation(setting.penalised, padded, random))
        else:
            true = polynomial.with_slopes(P)[0] if len(P) else 0.0
        claimed = by_mode_value(said.by_mode[0], W, setting)
        tally.judge("by mode", said.by_mode[0].text, holds=abs(true - claimed) < 1e-7 * max(1.0, abs(true)), example=f"{claimed:.6g} and not {true:.6g} at {setting.text()}" + (", b = 0" if bias else ""))


def by_mode_value(one: ByMode, W: Array, setting: Setting) -> float:
    """−Σ b_i|w_i|² + Σ Q_ij (w_i·w_j)² + Σ K_ij |w_i|²|w_j|²."""
    a, c = setting.eigenvalues
    env = dict(setting.env) | {"a_i": a[:, None], "c_i": c[:, None], "a_j": a[None, :], "c_j": c[None, :]}
    ones = np.ones((len(a), len(a)))
    Q, K = (np.asarray(value(tree, env)) * ones for tree in (one.Q, one.K))
    b = np.asarray(value(one.b, dict(setting.env))) * np.ones(len(a))
    gram, power = W.T @ W, (W**2).sum(0)
    return float(-(b * power).sum() + (Q * gram**2).sum() + (K * np.outer(power, power)).sum())
