"""What an audit says of a landscape, sentence by sentence, read into values. A sentence that is not known raises."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from statements.formulas import Tree, UnreadError, read

from derive.described import Described
from verify.answer import of_landscape


@dataclass(frozen=True)
class When:
    """A condition on modes: `never`, `always`, or a formula for some mode or for all."""

    text: str
    formula: Tree | None
    quantifier: str = "some"
    q: Tree | None = None


@dataclass(frozen=True)
class Points:
    """One list of stationary points, as it is printed."""

    text: str
    where: tuple[Tree, ...]
    rotated: bool
    bias: str
    level: str
    letter: str
    B: Tree
    factor: Tree
    theta: Tree | None
    loss: Tree
    index: str
    minima: str


@dataclass(frozen=True)
class ByMode:
    """The complementarity problem of the modes' powers."""

    text: str
    b: Tree
    Q: Tree
    K: Tree


@dataclass(frozen=True)
class Claim:
    """The first sentence of an audit.

    Attributes:
        text: as it is printed.
        kind: "unbounded", "falls through order 4", "open", "open, bounded", "keeps", "complete", "loses".
        through4: whether it is about the landscape through order 4 alone.
        some: when modes are lost.
        every: when all are.
        alone: whether one mode alone is said to be kept.
        depends: whether the loss is said to be unbounded somewhere.

    """

    text: str
    kind: str
    through4: bool = False
    some: When | None = None
    every: When | None = None
    alone: bool = False
    depends: bool = False


@dataclass(frozen=True)
class Said:
    """All that is said."""

    points: tuple[Points, ...]
    by_mode: tuple[ByMode, ...]
    dimensional: When | None
    complete: When | None
    notes: tuple[str, ...]
    transition: dict[str, Any] | None
    exact: dict[str, Any] | None
    exact_lines: tuple[str, ...]
    below: dict[str, Any] | None
    claim: Claim
    open: tuple[str, ...] = field(default=())


def said(found: Described) -> Said:
    """What there is to check in a landscape."""
    shown = found.to_json()
    lines = found.lines()
    collapse = found.collapse.to_json()
    known = {"stationary", "index", "minima", "collapse", "", "transition", "all orders", "from below"}
    if strange := {label for label, _ in lines} - known:
        raise UnreadError(f"labels {strange}")
    points = tuple(_points(one) for one in shown["stationary"])
    by_mode = () if points else tuple(_by_mode(line) for label, line in lines if label == "stationary")
    opened = [] if not collapse.get("reason") else [f"collapse: {collapse['reason']}"]
    if shown["reason"]:
        opened.append(f"stationary: {shown['reason']}")
    below = shown["bounded_below"]
    if below is not None and below["verdict"] == "undecided":
        opened.append(f"bounded: {below['reason']}")
    return Said(
        points,
        by_mode,
        _when(collapse["dimensional"]),
        _when(collapse["complete"]),
        tuple(collapse.get("notes", ())),
        shown["transition"],
        shown["exact"],
        tuple(line for label, line in lines if label == "all orders"),
        below,
        claim(of_landscape(found).text),
        tuple(opened),
    )


def _when(text: str | None) -> When | None:
    if text is None:
        return None
    if text in ("never", "always"):
        return When(text, None)
    match = re.fullmatch(r"(?P<formula>.+?)(?: for (?P<quantifier>some|all) i)?(?:, q_j = (?P<q>.+))?", text)
    if match is None:
        raise UnreadError(text)
    q = match["q"]
    return When(text, read(match["formula"]), match["quantifier"] or "some", None if q is None else read(q))


def _points(one: dict[str, Any]) -> Points:
    formulas = one["formulas"]
    where, rotated, bias, level = [], False, "", ""
    for part in filter(None, one["given"].split(", ")):
        if part == "at the embedding's best rotation":
            rotated = True
        elif part == "b = 0":
            bias = "off"
        elif match := re.fullmatch(r"\|b\|² = (.+) > 0", part):
            bias, level = "on", match[1]
        else:
            where.append(read(part))
    root = re.fullmatch(r"(Σ|A0|C|I)\^\(−½\) U M diag\(h\) Uᵀ \1\^\(−½\)", formulas["WᵀW"])
    b = re.fullmatch(r"(Σ|A0|C|I)\^\(−½\) \((.*)\) \1\^\(−½\)", formulas["U Λ Uᵀ"])
    h = re.fullmatch(r"(.*?)(λ_i|\(λ_i − θ\)) > 0 for the kept modes i ∈ M", formulas["h_i"])
    if root is None or b is None or h is None or set(formulas) - {"WᵀW", "U Λ Uᵀ", "h_i", "θ", "L"}:
        raise UnreadError(str(formulas))
    theta = read(formulas["θ"]) if "θ" in formulas else None
    if (theta is not None) != (h[2] != "λ_i"):
        raise UnreadError(str(formulas))
    return Points(
        "; ".join(f"{left} = {right}" for left, right in formulas.items()) + (f" [{one['given']}]" if one["given"] else ""),
        tuple(where), rotated, bias, level, root[1], read(b[2] or "0"), read(h[1].strip() or "1"), theta, read(formulas["L"]), one["index"], one["minima"],
    )  # fmt: skip


def _by_mode(line: str) -> ByMode:
    match = re.fullmatch(r"2 Q_ii g_i \+ 2 Σ_j K_ij g_j = b_i on each mask of modes, g_i = \|w_i\|² > 0; b_i = (.+), Q_ij = (.+), K_ij = (.+)", line)
    if match is None:
        raise UnreadError(line)
    return ByMode(line, *(read(match[k]) for k in (1, 2, 3)))


def claim(text: str) -> Claim:
    """The first sentence."""
    if text == "Unbounded below: the loss falls to −∞ as W grows, and has no minimum.":
        return Claim(text, "unbounded")
    if text == "Through order 4 nothing holds W back: that landscape falls to −∞ and has no minimum.":
        return Claim(text, "falls through order 4", through4=True)
    if re.match(r"Which modes are kept is not determined", text):
        return Claim(text, "open")
    if text.startswith("Nothing of order 4 holds W back, though the loss is bounded below"):
        return Claim(text, "open, bounded")
    rest = text.removesuffix(".")
    through4 = rest.startswith("Through order 4, it ")
    rest = rest.removeprefix("Through order 4, it ")
    rest = rest[0].lower() + rest[1:]
    depends = "; unbounded below under a condition (below)" in rest
    rest = rest.replace("; unbounded below under a condition (below)", "")
    made = {"text": text, "through4": through4, "depends": depends}
    if rest == "collapses completely: W = 0 is the minimum":
        return Claim(kind="complete", **made)
    if rest == "keeps every mode with λ_i > 0, whatever the augmentation; never collapses completely":
        return Claim(kind="keeps", **made)
    if rest.endswith(" …"):
        return Claim(kind="open", **made)
    head, both, tail = rest.partition(", and collapses completely where that holds for all i")
    if both and not tail and (match := re.fullmatch(r"loses (mode i|modes) where (.+)", head)):
        formula = read(match[2])
        return Claim(kind="loses", some=When(match[2], formula, "some"), every=When(match[2], formula, "all"), **made)
    head, _, tail = rest.partition("; ")
    every = _completely(tail)
    if match := re.fullmatch(r"always loses modes(: one mode alone is kept)?", head):
        return Claim(kind="loses", some=When("always", None), every=every, alone=bool(match[1]), **made)
    if head == "loses modes under a condition (below)":
        return Claim(kind="loses", every=every, **made)
    if match := re.fullmatch(r"loses (mode i|modes) where (.+)", head):
        return Claim(kind="loses", some=When(match[2], read(match[2]), "some"), every=every, **made)
    raise UnreadError(text)


def _completely(text: str) -> When | None:
    if text == "never collapses completely":
        return When("never", None)
    if text == "collapses completely under a condition (below)":
        return None
    if match := re.fullmatch(r"collapses completely where (.+?)( for all i)?", text):
        return When(match[1], read(match[1]), "all")
    raise UnreadError(text)
