"""Statements about a landscape in which one eigenvalue is kept: points, loss, minima, and that there are no others."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from statements.formulas import UnreadError, value
from statements.listing import best_rotation
from statements.minimising import index
from statements.polynomials import Array
from statements.sentences import OneEigenvalue
from statements.settings import Setting, Tally

# Eigenvalues closer than this share of the largest are one.
SAME = 1e-9
# Closer than this share to where a sign changes, an eigenvalue is at its edge.
EDGE = 1e-4


@dataclass(frozen=True, eq=False)
class Kept:
    """A stationary point in numbers: W, its eigenvalue λ and the loss that is claimed."""

    W: Array
    eigenvalue: float
    loss: float


def check_one_eigenvalue(said: tuple[OneEigenvalue, ...], settings: list[Setting], tally: Tally) -> None:
    """Every such sentence at every setting at which it is the case."""
    for one in said:
        for setting in settings:
            if all(bool(np.all(value(given, setting.env))) for given in one.where):
                _check_at(one, setting, tally)


def eigenvalues(one: OneEigenvalue, setting: Setting) -> tuple[Array, Array]:
    """The eigenvalues of X^(−½) B X^(−½), B from the truth, and X^(−½) U, its columns as directions of rows of W."""
    letters = setting.letters | {"C": setting.letters["S"] - setting.letters["A"]}
    linear = setting.through4.polynomial.of_order(2).terms
    B = -sum((weight * letters[letter] for (_, letter), weight in linear.items()), start=0 * letters["S"])
    values, vectors = np.linalg.eigh(letters[{"Σ": "S", "A0": "A"}.get(one.letter, one.letter)])
    root = vectors / np.sqrt(values) @ vectors.T
    # In the frame of the modes, where sums over coordinates are taken.
    lam, U = np.linalg.eigh(root @ B @ root)
    return lam, root @ U


def kept(one: OneEigenvalue, setting: Setting, random: np.random.Generator) -> list[Kept]:
    """W = 0, and a point of each eigenvalue that has some: its power shared at random in the eigenspace."""
    lam, directions = eigenvalues(one, setting)
    d1, slope = setting.d1, float(value(one.slope, setting.env))
    found = [Kept(np.zeros((d1, len(lam))), 0.0, 0.0)]
    for group in _groups(lam):
        level = float(lam[group].mean())
        if level / slope <= EDGE:
            continue
        chosen = random.permutation(group)[:d1]
        shares = random.dirichlet(np.ones(len(chosen))) * level / slope
        W = np.zeros((d1, len(lam)))
        W[: len(chosen)] = np.sqrt(shares)[:, None] * directions[:, chosen].T
        if one.rotation == "":
            W = np.linalg.qr(random.standard_normal((d1, d1)))[0] @ W
        elif one.rotation != "one mode a row":
            W = best_rotation(setting.through4, W, random)
        found.append(Kept(W, level, float(value(one.loss, setting.env | {"b_i": level}))))
    return found


def _groups(lam: Array) -> list[list[int]]:
    """Indices of equal eigenvalues, from the lowest up."""
    groups: list[list[int]] = []
    for k, level in enumerate(lam):
        if groups and level - lam[groups[-1][-1]] < SAME * np.abs(lam).max():
            groups[-1].append(k)
        else:
            groups.append([k])
    return groups


def _check_at(one: OneEigenvalue, setting: Setting, tally: Tally) -> None:
    landscape, random, at = setting.through4, np.random.default_rng(setting.seed), setting.text()
    points = kept(one, setting, random)
    for point in points:
        loss, slope = landscape.with_slope(point.W)
        size = max(1.0, abs(loss))
        where = f"λ = {point.eigenvalue:.4g} at {at}"
        steep = float(np.abs(slope).max()) * max(float(np.abs(point.W).max()), 1e-3) / size
        tally.judge(
            "one eigenvalue: formula",
            one.text,
            holds=steep < 1e-6,
            example=f"|∇L| = {np.abs(slope).max():.2g}, {where}",
        )
        tally.judge(
            "one eigenvalue: loss",
            one.text,
            holds=abs(loss - point.loss) < 1e-6 * size,
            example=f"L = {loss:.6g} and not {point.loss:.6g}, {where}",
        )
    bounded = setting.growth4.bounded
    if bounded:
        _check_all(one, points, setting, tally)
    if one.minima == "":
        return
    if one.minima == "none of them global: the landscape falls to −∞":
        if bounded is not None:
            tally.judge("one eigenvalue: falls", one.minima, holds=not bounded, example=f"a lowest point at {at}")
        return
    match = re.fullmatch(
        r"those of the largest b_i where it is > 0, W = 0 elsewhere: global(?P<only>, no other point a minimum)?",
        one.minima,
    )
    if match is None:
        raise UnreadError(one.minima)
    if bounded is False:
        tally.judge("one eigenvalue: global", one.minima, holds=False, example=f"no lowest point at {at}")
    elif bounded is not None:
        _check_minima(one, points, setting, tally, only=bool(match["only"]))


def _check_minima(one: OneEigenvalue, points: list[Kept], setting: Setting, tally: Tally, *, only: bool) -> None:
    """Those of the largest eigenvalue are the lowest of all, and where that is said none of the others is a minimum."""
    lam, _ = eigenvalues(one, setting)
    top = float(lam.max())
    if abs(top) < EDGE * np.abs(lam).max():
        return tally.skip("a largest eigenvalue at its edge")
    at, end = setting.text(), setting.ends[0]
    lowest = max(points, key=lambda point: point.eigenvalue) if top > 0 else points[0]
    if not end.converged or not np.isfinite(end.value):
        return tally.skip("the optimiser did not converge")
    tally.judge(
        "one eigenvalue: global",
        one.minima,
        holds=abs(lowest.loss - end.value) < 1e-6 * max(1.0, abs(end.value)),
        example=f"{lowest.loss:.6g} and not {end.value:.6g} at {at}",
    )
    for point in points if only else []:
        measured, clear = index(setting.through4, point.W)
        if clear < 1.0:
            tally.skip("a Hessian with an eigenvalue near zero")
            continue
        tally.judge(
            "one eigenvalue: no other",
            one.minima,
            holds=(measured == 0) == (point is lowest),
            example=f"index {measured} where λ = {point.eigenvalue:.4g} at {at}",
        )
    return None


def _check_all(one: OneEigenvalue, points: list[Kept], setting: Setting, tally: Tally) -> None:
    """Every minimum where an optimiser ends is one of them."""
    for end in setting.ends:
        if not end.converged or not np.isfinite(end.value):
            tally.skip("the optimiser did not converge")
            continue
        size = max(1.0, abs(end.value))
        near = any(abs(point.loss - end.value) < 1e-5 * size for point in points)
        if not near and index(setting.through4, end.W)[1] < 1.0:
            tally.skip("a Hessian with an eigenvalue near zero")
            continue
        tally.judge(
            "one eigenvalue: all",
            one.text,
            holds=near,
            example=f"a minimum that is not listed, L = {end.value:.6g}, at {setting.text()}",
        )
