"""The words in which index and minima of stationary points are told, read and put into numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from statements.formulas import UnreadError, holds, read, value
from statements.polynomials import Array
from statements.sentences import Points
from statements.settings import Setting

# Closer than this share to where a count changes, an eigenvalue or a condition is at its edge.
EDGE = 1e-4


@dataclass(frozen=True, eq=False)
class Listed:
    """A stationary point that is listed, in numbers."""

    mask: tuple[int, ...]
    W: Array
    loss: float
    eigenvalues: Array
    theta: float
    power: float


def level(text: str, setting: Setting, W: Array, theta: float = 0.0) -> float:
    """|b|², or how the loss falls along b, as it is printed, with traces of W X Wᵀ and θ."""
    matrices = {"Σ": setting.data.A0 + setting.data.C, "A0": setting.data.A0, "C": setting.data.C}
    env = dict(setting.env) | {"θ": theta}
    for name, X in matrices.items():
        text = text.replace(f"Tr[W {name} Wᵀ]", f" trace_{ {'Σ': 'S', 'A0': 'A', 'C': 'C'}[name] } ")
        env[f"trace_{ {'Σ': 'S', 'A0': 'A', 'C': 'C'}[name] }"] = float(np.trace(W @ X @ W.T))
    env["trace_I"] = float((W**2).sum())
    text = text.replace("Tr[W Wᵀ]", " trace_I ")
    return float(value(read(text), env))


def _number(text: str, setting: Setting, m: int) -> float:
    """A coupling at m kept modes."""
    return float(np.real(value(read(text), setting.env | {"m": float(m)})))


def index_of(points: Points, one: Listed, setting: Setting) -> int | None:
    """The index as it is printed; None where eigenvalues meet or one is at the level."""
    lam, d1, m = one.eigenvalues, setting.d1, len(one.mask)
    size = max(np.abs(lam).max(), 1e-12)
    if points.rotation and any(abs(lam[i] - lam[k]) < EDGE * size for i, k in combinations(one.mask, 2)):
        # Equal powers leave the best rotation open: what couples the modes is then of fourth order.
        return None
    text, count = points.index, 0
    match = re.match(r"\(d1 − m\)·#\{i ∉ M: λ_i > (0|θ)\} \+ #\{k ∈ M, i ∉ M: λ_i > λ_k\}", text)
    if match is None:
        raise UnreadError(text)
    out = [i for i in range(len(lam)) if i not in one.mask]
    at = one.theta if match[1] == "θ" else 0.0
    if d1 > m and any(abs(lam[i] - at) < EDGE * size for i in out):
        return None
    if any(abs(lam[i] - lam[k]) < EDGE * size for i in out for k in one.mask):
        return None
    count += (d1 - m) * sum(lam[i] > at for i in out) + sum(lam[i] > lam[k] for i in out for k in one.mask)
    rest = text[match.end() :]
    if " + d1 where " in rest:
        rest, _, falls = rest.partition(" + d1 where ")
        height = level(falls.removesuffix(" > 0"), setting, one.W[:, : setting.data.d0], one.theta)
        if abs(height) < EDGE:
            return None
        count += d1 * (height > 0)
    more = _along_the_kept(rest, setting, m)
    return None if more is None else int(count) + more


def _along_the_kept(text: str, setting: Setting, m: int) -> int | None:
    """What is added along the kept columns: "; …, if q > 0; …, if q < 0", or one of these alone."""
    if text.startswith(";"):
        for part in filter(None, text.split(";")):
            match = re.fullmatch(r"(?P<terms>.+), if (?P<q>.+) (?P<side>[<>]) 0", part.strip())
            if match is None:
                raise UnreadError(text)
            if (_number(match["q"], setting, m) > 0) == (match["side"] == ">"):
                return _along_the_kept(f" {match['terms'].strip()}", setting, m)
        return 0
    total = 0
    while text:
        for pattern, added in _TERMS:
            if match := re.match(pattern, text):
                found = added(match, setting, m)
                if found is None:
                    return None
                total += found
                text = text[match.end() :]
                break
        else:
            raise UnreadError(text)
    return total


def _side(text: str, setting: Setting, m: int) -> int | None:
    found = _number(text, setting, m)
    return None if abs(found) < EDGE else 1 if found > 0 else -1


def _one_below(match: re.Match[str], setting: Setting, m: int) -> int | None:
    if not m and "m" in match[1]:
        return 0
    side = _side(match[1], setting, m)
    return None if side is None else int(side < 0)


def _triangle(match: re.Match[str], setting: Setting, m: int) -> int | None:
    if not m:
        return 0
    if match[1] is None:
        return m * (m + 1) // 2
    side = _side(match[1], setting, m)
    return None if side is None else m * (m + 1) // 2 - (side > 0)


_TERMS = (
    (r" \+ m\(m − 1\)/2 \+ m − 1", lambda match, setting, m: m * (m - 1) // 2 + m - 1 if m else 0),  # noqa: ARG005
    (r" \+ m\(m \+ 1\)/2(?:, less 1 where (.+?) > 0)?", _triangle),
    (r" \+ 1 where (.+?) < 0", _one_below),
    (r" \+ 1$", lambda match, setting, m: 1),  # noqa: ARG005
)


@dataclass(frozen=True)
class Minima:
    """What is said of the minima at a setting.

    Attributes:
        masks: of the points that are minima, and no others of the list; None for those of index 0.
        lowest: whether the lowest of them is said to be the lowest of all.
        only: whether nothing else is a minimum.
        falls: whether the landscape is said to fall to −∞, or not to; None where nothing is said.

    """

    masks: set[tuple[int, ...]] | None
    lowest: bool = False
    only: bool = False
    falls: bool | None = None


def minima_of(points: Points, found: list[Listed], setting: Setting) -> Minima | None:
    """The minima as they are told; None at an edge."""
    text = points.minima.removeprefix("through order 4, ")
    text = text.replace("lowest of all", "global")
    d0 = setting.data.d0
    lam = found[0].eigenvalues if found else None
    named = [one for one in found if one.mask == tuple(range(d0 - len(one.mask), d0))]
    largest = {max(named, key=lambda one: len(one.mask)).mask} if named else set()
    if (
        lam is not None
        and len(lam) > 1
        and any(abs(lam[k + 1] - lam[k]) < EDGE * np.abs(lam).max() for k in range(len(lam) - 1))
    ):
        # Modes of one eigenvalue can be exchanged.
        return None
    if match := re.fullmatch(
        _KEPT + r"(?:, where (?P<stays>.+) <= 0; rank m, no other point with b = 0 a minimum)", text
    ):
        if not largest:
            return None
        (chosen,) = (one for one in found if one.mask in largest)
        height = level(match["stays"], setting, chosen.W[:, :d0], chosen.theta)
        return None if abs(height) < EDGE else Minima(largest if height < 0 else set())
    if re.fullmatch(_KEPT + r": global, rank m, no other point a minimum", text):
        # A branch with a bias need not be there.
        return None if points.bias and not largest else Minima(largest, lowest=True, only=True)
    if re.fullmatch(_KEPT + r": global, rank m", text):
        return Minima(largest or None, lowest=True)
    if re.fullmatch(_KEPT + r": global, rank m, where d1 is a power of two; elsewhere L is a lower bound", text):
        return Minima(largest, lowest=True) if setting.d1 in (1, 2, 4) else None
    if match := re.fullmatch(r"the points of index 0, where (?P<stays>.+) < 0", text):
        return Minima(None)
    if text == "the largest λ_i alone: global, rank 1, no other point a minimum":
        return Minima({(d0 - 1,)}, lowest=True, only=True)
    if re.fullmatch(r"the points of index 0, where no λ_i is (?:θ|0)", text):
        return Minima(None)
    if re.fullmatch(r"the points of index 0, where no λ_i is (?:θ|0); .*", text):
        return _lowest_of(text.partition("; ")[2], setting)
    return _of_one(text, setting, d0, None if lam is None else float(lam[-1]))


_KEPT = r"the m largest λ_i, all that are > (?:0|θ) or as many of them as d1"
_FALLS = "the landscape falls to −∞"


def _lowest_of(text: str, setting: Setting) -> Minima | None:
    if text == "the lowest of them global":
        return Minima(None, lowest=True)
    if text == f"none of them global: {_FALLS}":
        return Minima(None, falls=True)
    if match := re.fullmatch(
        rf"none of them global where (?P<where>.+), as {_FALLS}; elsewhere the lowest of them is", text
    ):
        there = holds(match["where"], setting.env)
        return Minima(None, lowest=not there, falls=there)
    if text == "whether the lowest of them is global is open":
        return Minima(None)
    raise UnreadError(text)


def _of_one(text: str, setting: Setting, d0: int, top: float | None) -> Minima | None:
    """Where the quartic of one covariance falls with two kept modes."""
    if match := re.fullmatch(
        rf"where (?P<q>.+?) > 0, (?P<alone>.+); where (?P<other>.+?) < 0, W = 0 alone if all λ_i are < 0"
        rf"(?P<falls>, and {_FALLS})?",
        text,
    ):
        side = _side(match["q"], setting, 1)
        if side is None:
            return None
        falls = True if match["falls"] else None
        return _of_one(match["alone"], setting, d0, top) if side > 0 else _origin(top, falls=falls)
    if text == "none":
        return Minima(set())
    if text in ("W = 0 alone", "W = 0 alone, where all λ_i are < 0"):
        return _origin(top, falls=None)
    if text == f"none: {_FALLS}":
        return Minima(set(), falls=True)
    if text == "none where the terms of order 4 in b are negative: there the loss falls along it":
        return None
    if text in (
        f"W = 0 alone; not global: {_FALLS} for a W of one row",
        f"W = 0 alone, where all λ_i are < 0; not global: {_FALLS} for a W of one row",
    ):
        return _origin(top, falls=True)
    if text == "W = 0: global":
        return Minima(None, lowest=True)
    if text == f"W = 0: global where all λ_i are <= 0; elsewhere {_FALLS}":
        return Minima(None, lowest=top is not None and top < 0, falls=None if top is None else top > 0)
    match = re.fullmatch(r"(?P<which>.+): global, no other point a minimum", text)
    if match is None:
        raise UnreadError(text)
    if match["which"] == "the largest λ_i alone":
        return Minima({(d0 - 1,)}, lowest=True, only=True)
    if match["which"] == "W = 0":
        return Minima({()}, lowest=True, only=True)
    if match["which"] == "the largest λ_i alone where it is > 0, W = 0 where none is":
        if top is None or abs(top) < EDGE:
            return None
        return Minima({(d0 - 1,)} if top > 0 else {()}, lowest=True, only=True)
    raise UnreadError(text)


def _origin(top: float | None, *, falls: bool | None) -> Minima | None:
    """W = 0 alone, where the loss rises along every mode."""
    if top is None or abs(top) < EDGE:
        return None
    return Minima({()} if top < 0 else set(), falls=falls)
