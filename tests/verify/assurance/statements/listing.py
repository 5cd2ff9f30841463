"""Statements about stationary points: formula, loss, index, which are minima, and that there are no others."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy.linalg import expm
from scipy.optimize import minimize

from statements import words
from statements.formulas import of_modes, value
from statements.minimising import Landscape, index
from statements.polynomials import Array
from statements.sentences import ByMode, Points, Said
from statements.settings import Setting, Tally
from statements.words import Listed


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
    # Where eigenvalues are equal any frame will do for traces; sums over coordinates want that of the modes.
    whitened, beside = root @ B @ root, root @ (setting.data.A0 - 0.7 * setting.data.C) @ root
    _, U = np.linalg.eigh(whitened + 3e-8 * np.abs(whitened).max() * beside / np.abs(beside).max())
    lam = np.einsum("ik,ij,jk->k", U, whitened, U)
    if points.own is not None and points.B == ("name", "A0"):
        lam = np.asarray(value(points.own, env | {"λ_i": lam})) * np.ones(d0)
        order = np.argsort(lam)
        lam, U = lam[order], U[:, order]
    factor = float(np.real(value(points.factor, env)))
    found = []
    for m in range(min(d0, setting.d1) + 1):
        for mask in combinations(range(d0), m):
            kept = lam[list(mask)]
            sums = {"m": float(m), "T₁": kept.sum(), "T₂": (kept**2).sum()}
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
        size = words.level(points.level, setting, W)
        if size <= 1e-6:
            return None
        column = random.standard_normal(setting.d1)
        column *= np.sqrt(size) / np.linalg.norm(column)
    return np.column_stack((W, column))


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
            done = minimize(
                lambda flat, base=base: landscape.value(turned(flat, base)),
                np.zeros(len(upper[0])),
                method="BFGS",
                options={"gtol": 1e-10},
            )
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
        applying = [points for points in said.points if applies(points, setting)]
        for points in applying:
            whole += _check_list(points, setting, tally, random)
        if applying:
            _check_complete(said, whole, setting, tally)


def _check_list(points: Points, setting: Setting, tally: Tally, random: np.random.Generator) -> list[Listed]:
    landscape = setting.through4
    found: list[Listed] = []
    every = listed(points, setting)
    if every and points.own is not None:
        told = np.sort(np.asarray(value(points.own, setting.env)) * np.ones(setting.data.d0))
        same = bool(np.allclose(told, np.sort(every[0].eigenvalues), rtol=1e-5, atol=1e-7))
        tally.judge("stationary: b_i", points.text, holds=same, example=f"{told} at {setting.text()}")
    for one in every:
        W = with_bias(points, setting, one.W, random)
        if W is None or (landscape.norm is not None and not one.mask):
            continue
        if points.rotation in ("best", "constant diagonal", "constant diagonals"):
            W = best_rotation(landscape, W, random)
        where = f"mask {one.mask} at {setting.text()}"
        size = max(1.0, abs(one.loss), abs(landscape.value(W)))
        loss, slope = landscape.with_slope(W)
        steep = float(np.abs(slope).max()) * max(float(np.abs(W).max()), 1e-3) / size
        if points.rotation == "constant diagonals" and setting.d1 not in (1, 2, 4) and len(one.mask) > 1:
            tally.skip("constant diagonals of several matrices")
            continue
        tally.judge(
            "stationary: formula", points.text, holds=steep < 1e-5, example=f"|∇L| = {np.abs(slope).max():.2g}, {where}"
        )
        if steep >= 1e-5:
            continue
        tally.judge(
            "stationary: loss",
            points.text,
            holds=abs(loss - one.loss) < 1e-6 * size,
            example=f"L = {loss:.6g} and not {one.loss:.6g}, {where}",
        )
        found.append(Listed(one.mask, W, loss, one.eigenvalues, one.theta, one.power))
        _check_index(points, found[-1], setting, tally, where)
    _check_minima(points, found, setting, tally)
    return found


def _check_index(points: Points, one: Listed, setting: Setting, tally: Tally, where: str) -> None:
    if "D_kk" in points.index:
        return tally.skip("NOT CHECKED: an index where no rotation is lowest")
    claimed = words.index_of(points, one, setting)
    if claimed is None:
        return tally.skip("an index at its edge")
    measured, clear = index(setting.through4, one.W)
    if clear < 1.0:
        return tally.skip("a Hessian with an eigenvalue near zero")
    tally.judge("index", points.index, holds=measured == claimed, example=f"{measured} and not {claimed}, {where}")
    return None


def _check_minima(points: Points, found: list[Listed], setting: Setting, tally: Tally) -> None:
    """Which of the points of one list are minima, which is the lowest of all, and whether there is one."""
    if "among those with one mode a row" in points.minima:
        return tally.skip("NOT CHECKED: minima where no rotation is lowest")
    claimed = words.minima_of(points, found, setting)
    if claimed is None:
        return tally.skip("minima at an edge")
    bounded, text, at = setting.growth4.bounded, points.minima, setting.text()
    if claimed.falls is not None and bounded is not None:
        example = f"{'a' if bounded else 'no'} lowest point at {at}"
        tally.judge(
            "minima: falls" if claimed.falls else "minima: none", text, holds=bounded != claimed.falls, example=example
        )
    if claimed.masks is not None:
        for one in found:
            measured, clear = index(setting.through4, one.W)
            if clear < 1.0:
                tally.skip("a Hessian with an eigenvalue near zero")
                continue
            example = f"index {measured} of mask {one.mask} at {at}"
            tally.judge("minima: which", text, holds=(measured == 0) == (one.mask in claimed.masks), example=example)
    if not claimed.lowest or bounded is None or claimed.falls:
        return None
    if bounded is False:
        return tally.judge("minima: global, unbounded", text, holds=False, example=f"no lowest point at {at}")
    ends = setting.ends
    if not ends[0].converged or not np.isfinite(ends[0].value):
        return tally.skip("the optimiser did not converge")
    best, size = ends[0].value, max(1.0, abs(ends[0].value))
    named = [one for one in found if claimed.masks is None or one.mask in claimed.masks]
    if claimed.masks is None:
        named = [one for one in named if index(setting.through4, one.W)[0] == 0]
    if not named:
        if points.bias:
            return tally.skip("no minimum of this branch")
        return tally.judge(
            "minima: global", text, holds=False, example=f"no such point, the lowest is L = {best:.6g} at {at}"
        )
    loss = min(one.loss for one in named)
    tally.judge(
        "minima: global", text, holds=abs(loss - best) < 1e-6 * size, example=f"{loss:.6g} and not {best:.6g} at {at}"
    )
    if claimed.only:
        strays = [
            one
            for one in ends
            if one.converged and one.value > best + 1e-5 * size and index(setting.through4, one.W) == (0, 1.0)
        ]
        example = f"another minimum at L = {strays[0].value:.6g} above {best:.6g}, {at}" if strays else ""
        tally.judge("minima: no other", text, holds=not strays, example=example)
    return None


def _check_complete(said: Said, whole: list[Listed], setting: Setting, tally: Tally) -> None:
    """Every minimum where an optimiser ends is listed."""
    if setting.growth4.bounded is False or any("among those with one mode a row" in one.minima for one in said.points):
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
        tally.judge(
            "stationary: all",
            "; ".join(one.text for one in said.points),
            holds=near,
            example=f"a minimum that is not listed, L = {end.value:.6g}, at {setting.text()}",
        )


def check_by_mode(said: Said, settings: list[Setting], tally: Tally) -> None:
    """b_i, Q_ij and K_ij, where there is no formula: the landscape they make against the one written by hand."""
    cases = said.by_mode
    if len(cases) > 1 and any(not one.where for one in cases):
        tally.judge(
            "by mode: cases", cases[0].text, holds=False, example="several lists, and not said when which holds"
        )
        return
    for setting in settings[:6]:
        holding = [one for one in cases if all(bool(np.all(value(given, setting.env))) for given in one.where)]
        if cases and not holding:
            tally.judge("by mode: cases", cases[0].text, holds=False, example=f"none holds at {setting.text()}")
        for one in holding:
            _check_mode(one, setting, tally)


def _check_mode(one: ByMode, setting: Setting, tally: Tally) -> None:
    # In the modes' own frame, where A0 and C are diagonal.
    a, c = setting.eigenvalues
    random = np.random.default_rng(setting.seed)
    polynomial, bias = setting.penalised.polynomial, setting.loss.loss.bias
    letters = {"A": np.diag(a), "S": np.diag(a + c), "I": np.eye(len(a))}
    if bias:
        letters = {name: np.pad(X, ((0, 1), (0, 1))) for name, X in letters.items()} | {
            "D": np.diag(np.eye(len(a) + 1)[-1])
        }
    coordinates = any(key[0] == "diagonal" for key in polynomial.terms)
    d1 = setting.d1
    W = random.standard_normal((d1, len(a)))
    if one.rotation in ("one mode a row", "constant diagonal", "constant diagonals"):
        # Orthogonal columns.
        d1 = 2 if one.rotation.startswith("constant") and len(a) <= 2 else max(d1, len(a))
        W = np.eye(d1, len(a)) * random.uniform(0.3, 1.5, len(a))
    landscape = Landscape(setting.loss.through4.at({**setting.numbers, "d1": float(d1)}), letters, d1)
    padded = np.column_stack((W, np.zeros(d1))) if bias else W
    true = landscape.value(padded)
    if coordinates and one.rotation != "one mode a row":
        true = landscape.value(best_rotation(landscape, padded, random))
    claimed = by_mode_value(one, W, setting, d1)
    size = max(1.0, abs(true))
    close = abs(true - claimed) < 1e-7 * size
    if one.rotation == "constant diagonals" and d1 not in (1, 2, 4):
        # A lower bound there.
        close = close or claimed < true
    tally.judge("by mode", one.text, holds=close, example=f"{claimed:.6g} and not {true:.6g} at {setting.text()}")


def by_mode_value(one: ByMode, W: Array, setting: Setting, d1: int) -> float:
    """−Σ b_i|v_i|² + Σ Q_ij (v_i·v_j)² + Σ K_ij |v_i|²|v_j|² in V = W Σ^½, in the frame of the modes."""
    a, c = setting.eigenvalues
    plain = setting.env | {"d1": float(d1)}
    rows, columns = of_modes(a[:, None], c[:, None]), of_modes(a[None, :], c[None, :])
    env = plain | {name: (rows if name.endswith("i") else columns)[name] for name in rows}
    W = W * np.sqrt(a + c)
    ones = np.ones((len(a), len(a)))
    Q, K = (np.asarray(value(tree, env)) * ones for tree in (one.Q, one.K))
    b = np.asarray(value(one.b, plain)) * np.ones(len(a))
    gram, power = W.T @ W, (W**2).sum(0)
    return float(-(b * power).sum() + (Q * gram**2).sum() + (K * np.outer(power, power)).sum())
