"""What an audit says of a landscape, sentence by sentence, read into values. A sentence that is not known raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from derive.landscape.summary import Described
from statements.formulas import Tree, UnreadError, read
from verify.evidence.answer import of_landscape


@dataclass(frozen=True)
class When:
    """A condition on modes: `never`, `always`, or a formula for some mode or for all."""

    text: str
    formula: Tree | None
    quantifier: str = "some"
    q: Tree | None = None


# What holds for which values of a parameter; the first part of each is "" where it is all of them.
Cases = tuple[tuple[str, "When | None"], ...]


@dataclass(frozen=True)
class Points:
    """One list of stationary points, as it is printed.

    Attributes:
        text: all of it.
        where: conditions.
        rotation: "", "best", "one mode a row" "constant diagonal" or "constant diagonals".
        bias: "", "off" or "on", and then |b|².
        level: |b|².
        letter: of the covariance.
        name: what decides, "λ" or "b".
        B: the matrix whose eigenvalues b_i are; A0 where they are told in λ_i.
        own: b_i in λ_i, None where it is not told.
        factor: h_i over b_i − θ.
        theta: θ, None for 0.
        loss: L there.
        index: in words.
        minima: in words.

    """

    text: str
    where: tuple[Tree, ...]
    rotation: str
    bias: str
    level: str
    letter: str
    name: str
    B: Tree
    own: Tree | None
    factor: Tree
    theta: Tree | None
    loss: Tree
    index: str
    minima: str


@dataclass(frozen=True)
class ByMode:
    """The complementarity problem of the modes' powers."""

    text: str
    where: tuple[Tree, ...]
    rotation: str
    b: Tree
    Q: Tree
    K: Tree


@dataclass(frozen=True)
class OneEigenvalue:
    """Where modes of one eigenvalue of X^(−½) B X^(−½) alone are kept.

    Attributes:
        text: all of it.
        where: conditions.
        rotation: as of `Points`.
        letter: of the covariance.
        slope: b_i over Tr[W X Wᵀ].
        loss: L in b_i.
        minima: in words, "" where none are named.

    """

    text: str
    where: tuple[Tree, ...]
    rotation: str
    letter: str
    slope: Tree
    loss: Tree
    minima: str


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
        depends: where the loss is said to be unbounded; "?" where that is not written out.
        where: for which N.

    """

    text: str
    kind: str
    through4: bool = False
    some: When | None = None
    every: When | None = None
    alone: bool = False
    depends: str = ""
    where: str = ""


@dataclass(frozen=True)
class Said:
    """All that is said.

    Attributes:
        points: the lists of stationary points.
        by_mode: the problem of the powers, where there is no list.
        one_eigenvalue: beside it, where one eigenvalue is kept.
        dimensional: when some mode is zero at the minima, by cases.
        complete: when all are.
        told: the same in the words that are printed, and in λ_i alone: which, in what form, and when.
        notes: beside that.
        transition: how a mode appears.
        exact: the landscape to all orders.
        exact_lines: the same in sentences.
        below: whether the loss is bounded below.
        claim: the first sentence; None for what stands below it.
        higher: what decides in the place of order 4.
        correlations: what is told in λ_i.
        open: what is not determined, and why.
        where: for which values of a parameter this is all, "" for all.
        special: what is said of other values.
        faults: where two forms of the same part.

    """

    points: tuple[Points, ...]
    by_mode: tuple[ByMode, ...]
    one_eigenvalue: tuple[OneEigenvalue, ...]
    dimensional: Cases
    complete: Cases
    told: tuple[tuple[str, str, Cases], ...]
    notes: tuple[str, ...]
    transition: dict[str, Any] | None
    exact: dict[str, Any] | None
    exact_lines: tuple[str, ...]
    below: dict[str, Any] | None
    claim: Claim | None
    higher: dict[str, Any] | None = None
    correlations: dict[str, Any] | None = None
    open: tuple[str, ...] = ()
    where: str = ""
    special: tuple[tuple[str, Said], ...] = ()
    faults: tuple[str, ...] = ()


_LABELS = {"modes", "stationary", "index", "minima", "collapse", "", "transition", "all orders", "from below"}


def said(found: Described, *, first: bool = True) -> Said:
    """What there is to check in a landscape.

    Args:
        found: the landscape.
        first: whether the first sentence of the audit is about it.

    """
    shown, lines, collapse = found.to_json(), found.lines(), found.collapse.to_json()
    special = tuple((f"{at.lhs} = {at.rhs}", one) for at, one in getattr(found, "special", ()))
    told = tuple(apart["where"] for apart in shown.get("special", ()))
    faults = () if told == tuple(at for at, _ in special) else (f"the values of N apart are {told} in JSON",)
    own = [(label, line) for label, line in lines if not any(line.startswith(f"{at}: ") for at, _ in special)]
    if strange := {label for label, _ in own} - _LABELS:
        raise UnreadError(f"labels {strange}")
    points = tuple(_points(one) for one in shown["stationary"])
    higher = shown.get("higher")
    modes, alone = ((), ()) if points or higher else _without_list(own)
    opened = [] if not collapse.get("reason") else [f"collapse: {collapse['reason']}"]
    if shown["reason"]:
        opened.append(f"stationary: {shown['reason']}")
    below = shown["bounded_below"]
    if below is not None and below["verdict"] == "undecided":
        opened.append(f"bounded: {below['reason']}")
    return Said(
        points,
        modes,
        alone,
        _cases(collapse["dimensional"]),
        _cases(collapse["complete"]),
        tuple(_told(own, shown["correlations"]["collapse"])),
        tuple(collapse.get("notes", ())),
        shown["transition"],
        shown["exact"],
        tuple(line for label, line in own if label == "all orders"),
        below,
        claim(of_landscape(found).text) if first else None,
        higher,
        shown["correlations"],
        tuple(opened),
        shown.get("where") or "",
        tuple((at, said(one, first=False)) for at, one in special),
        faults,
    )


def _told(lines: list[tuple[str, str]], correlations: dict[str, str | None]) -> Iterator[tuple[str, str, Cases]]:
    """The conditions of collapse in printed words, and in λ_i."""
    for label, line in lines:
        for part in line.split("   ") if label == "collapse" else ():
            match = re.fullmatch(r"(?:through order \d+, )?(dimensional|complete): (.+)", part)
            if match is not None and not match[2].startswith("not determined"):
                yield match[1], ", in words", _cases(match[2])
    for name, text in correlations.items():
        yield name, ", in λ_i", _cases(text)


_AT = re.compile(r"(?P<rest>.*) for (?P<at>\w+ (?:=|>=|>|<|<=) \d+)")


def _cases(text: str | None) -> Cases:
    if text is None:
        return ()
    found: list[tuple[str, When | None]] = []
    for part in text.split("; "):
        match = _AT.fullmatch(part)
        rest, at = (part, "") if match is None else (match["rest"], match["at"])
        found.append((at, None if rest == "not determined" else when(rest)))
    return tuple(found)


def when(text: str) -> When:
    """A condition on modes."""
    if text in ("never", "always"):
        return When(text, None)
    match = re.fullmatch(r"(?P<formula>.+?)(?: for (?P<quantifier>some|all) i)?(?:, q_j = (?P<q>.+))?", text)
    if match is None:
        raise UnreadError(text)
    q = match["q"]
    return When(text, read(match["formula"]), match["quantifier"] or "some", None if q is None else read(q))


def _given(text: str) -> tuple[tuple[Tree, ...], str, str, str]:
    """Conditions, the rotation, whether a bias is on, and its |b|²."""
    where, rotation, bias, level = [], "", "", ""
    for part in filter(None, text.split(", ")):
        if part == "at the embedding's best rotation":
            rotation = "best"
        elif re.fullmatch(r"one mode a row \(.* diagonal\)", part):
            rotation = "one mode a row"
        elif match := re.fullmatch(r".*W.* with (?:a (constant diagonal)|(constant diagonals))", part):
            rotation = match[1] or match[2]
        elif part == "b = 0":
            bias = "off"
        elif match := re.fullmatch(r"\|b\|² = (.+) > 0", part):
            bias, level = "on", match[1]
        else:
            where.append(read(part))
    return tuple(where), rotation, bias, level


def _points(one: dict[str, Any]) -> Points:
    formulas = one["formulas"]
    unknown = set(formulas) - {"WᵀW", "U Λ Uᵀ", "U diag(b) Uᵀ", "b_i", "h_i", "θ", "L", "T_k", "D_ij"}
    root = re.fullmatch(r"(Σ|A0|C|I)\^\(−½\) U M diag\(h\) Uᵀ \1\^\(−½\)", formulas["WᵀW"])
    h = re.fullmatch(r"(.*?)(?:(b|λ)_i|\((b|λ)_i − θ\)) > 0 for the kept modes i ∈ M", formulas["h_i"])
    if root is None or h is None or unknown:
        raise UnreadError(str(formulas))
    name = h[2] or h[3]
    if whitened := formulas.get("U Λ Uᵀ"):
        frame = re.fullmatch(r"(Σ)\^\(−½\) (A0) \1\^\(−½\)", whitened)
        own = read(formulas.get("b_i", "λ_i"))
    else:
        frame = re.fullmatch(r"(Σ|A0|C|I)\^\(−½\) \((.*)\) \1\^\(−½\)", formulas["U diag(b) Uᵀ"])
        own = read(formulas["b_i"]) if "b_i" in formulas else None
    theta = read(formulas["θ"]) if "θ" in formulas else None
    # In λ where b_i is not told apart from it; in one letter throughout.
    words = one["index"] + one["minima"] + formulas["L"] + formulas.get("T_k", "")
    other = {"λ": "b", "b": "λ"}[name]
    mixed = re.search(rf"(?<!\w){other}_[ijk]", words) or (name == "λ") != (
        whitened is not None and "b_i" not in formulas
    )
    if frame is None or frame[1] != root[1] or mixed or (theta is not None) != (h[3] is not None):
        raise UnreadError(str(formulas))
    if formulas.get("T_k", f"Σ_M {name}_j^k") != f"Σ_M {name}_j^k":
        raise UnreadError(str(formulas))
    text = "; ".join(f"{left} = {right}" for left, right in formulas.items())
    given = f" [{one['given']}]" if one["given"] else ""
    where, rotation, bias, level = _given(one["given"])
    factor = read({"": "1", "−": "-1"}.get(h[1].strip(), h[1]))
    loss = read(formulas["L"].replace(f"Σ_M {name}_j^2", "T₂"))
    index, minima = (one[key].replace("b_", "λ_") for key in ("index", "minima"))
    return Points(
        text + given, where, rotation, bias, level, root[1], name, read(frame[2] or "0"), own, factor, theta, loss,
        index, minima,
    )  # fmt: skip


def _by_mode(line: str) -> ByMode:
    match = re.fullmatch(
        r"(?:(?P<given>.+); )?2 Q_ii h_i \+ 2 Σ_j K_ij h_j = b_i on each mask of modes, h_i = \|W Σ\^½ u_i\|² > 0;"
        r" b_i = (?P<b>.+), Q_ij = (?P<Q>.+), K_ij = (?P<K>[^=]+)(?:, D_ij = .+)?",
        line,
    )
    if match is None:
        raise UnreadError(line)
    where, rotation, _, _ = _given(match["given"] or "")
    return ByMode(line, where, rotation, *(read(match[k]) for k in ("b", "Q", "K")))


def _without_list(lines: list[tuple[str, str]]) -> tuple[tuple[ByMode, ...], tuple[OneEigenvalue, ...]]:
    """The problems of the powers, and where one eigenvalue is kept the sentence on that and the one on minima after."""
    modes, alone = [], []
    for k, (label, line) in enumerate(lines):
        if label != "stationary":
            continue
        match = _ONE_EIGENVALUE.fullmatch(line)
        if match is None:
            modes.append(_by_mode(line))
            continue
        minima = next((said for label, said in lines[k + 1 : k + 2] if label == "minima"), "")
        minima = minima.removeprefix("through order 4, ").replace("lowest of all", "global")
        where, rotation, _, _ = _given(match["given"] or "")
        slope, loss = read(match["slope"]), read(match["loss"])
        alone.append(OneEigenvalue(line, where, rotation, match["letter"], slope, loss, minima))
    return tuple(modes), tuple(alone)


_ONE_EIGENVALUE = re.compile(
    r"(?:(?P<given>.+); )?W = 0, and modes of one eigenvalue of"
    r" (?P<letter>Σ|A0|C|I)\^\(−½\) B (?P=letter)\^\(−½\) alone:"
    r" b_i = (?P<slope>.+) Tr\[W (?P=letter) Wᵀ\], shared in any way; L = (?P<loss>.+)"
)


def claim(text: str) -> Claim:
    """The first sentence."""
    if text == "Unbounded below: the loss falls to −∞ as W grows, and has no minimum.":
        return Claim(text, "unbounded")
    rest, depends = text.removesuffix("."), ""
    if rest.endswith("…"):
        # Cut: what is left out stands further down, and is checked there.
        return Claim(text, "open, cut")
    if match := re.search(r"; unbounded below (?:where (?P<where>.+)|under a condition \(below\))$", rest):
        rest, depends = rest[: match.start()], match["where"] or "?"
    where, through4 = "", False
    if match := re.match(r"For (\w+ [≥=] \d+) \([^)]* apart, below\), (?:(through order 4), )?(it )?", rest):
        rest, where, through4 = rest[match.end() :], match[1], bool(match[2])
    elif match := re.match(r"Through order (\d+), it ", rest):
        rest, through4 = rest[match.end() :], True
        if match[1] != "4":
            return Claim(text, f"open, order {match[1]}")
    made: dict[str, Any] = {"text": text, "through4": through4, "depends": depends, "where": where}
    rest = rest[0].lower() + rest[1:]
    if match := re.fullmatch(
        r"through order (\d+) nothing holds W back: that landscape falls to −∞ and has no minimum", rest
    ):
        return Claim(kind="falls through order 4" if match[1] == "4" else "open, order 6", **{**made, "through4": True})
    rest, opened, _ = rest.partition("; which modes are kept is not determined")
    if not opened:
        rest, opened, _ = rest.partition("; elsewhere which modes are kept is not determined")
    if opened:
        return Claim(kind="loses", every=_completely(rest), **made)
    if rest.startswith("which modes are kept is not determined"):
        return Claim(kind="open", **made)
    if re.match(r"nothing of order \d+ holds W back, though the loss is bounded below", rest):
        return Claim(kind="open, bounded", **made)
    if rest.removesuffix(", and B = 0 draws no mode from it") == "collapses completely: W = 0 is the minimum":
        return Claim(kind="complete", **made)
    if rest == "keeps every mode with λ_i > 0, whatever the augmentation; never collapses completely":
        return Claim(kind="keeps", **made)
    if match := re.fullmatch(r"collapses completely where (.+?)(?: for all i)?: W = 0 is the minimum", rest):
        return Claim(kind="loses", every=When(match[1], read(match[1]), "all"), **made)
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
