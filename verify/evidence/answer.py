"""What a person wants to know of a loss, in one sentence: which modes it keeps and loses, and under which condition.

The first thing that an audit says, in each of its forms. It is about the loss; whether the derivation behind it was
checked is a separate matter, stated next to it. One function for each kind of finding, all in plain strings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import sympy

from derive.definition.glyphs import length, told
from derive.definition.notation import TEXT
from derive.landscape.conditions import q_j, written
from derive.landscape.correlations import lam_i
from derive.landscape.landscape import a_i, c_i

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from derive.landscape.conditions import Condition
    from derive.landscape.summary import Described
    from verify.evidence.evidence import Evidence, Verdict

Tone = Literal["keeps", "loses", "open"]

# A longer condition is not written out, and a longer answer is cut: the audit gives it in full further down.
LONGEST, WHOLE = 80, 200
NONE = "Has no expansion at W = 0"
FIXED_NORM = "with E|f|² = c fixed, the model of what was replaced"
_SIGNS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">"}


@dataclass(frozen=True)
class Answer:
    """Which modes a loss keeps and which it loses.

    Attributes:
        text: one or two sentences.
        tone: "keeps" where no mode is lost, "loses" where some are or there is no minimum, "open" where that depends on
            the data or the parameters, or is undetermined.

    """

    text: str
    tone: Tone


def of_landscape(found: Described, *, scope: str = "", growth: str = "") -> Answer:
    """The answer from a landscape through order 4, and about the loss itself where its growth is known.

    Args:
        found: the landscape.
        scope: what it is the landscape of, where that is not the loss itself.
        growth: what was measured of the loss far from W = 0, a sentence; for a loss whose definition is not known.

    >>> from derive import catalogue
    >>> from derive.landscape.summary import described
    >>> for name in ("infonce", "beta-infonce"):
    ...     loss = catalogue(name)
    ...     print(of_landscape(described(loss, loss.expand(order=4))).text)
    Keeps every mode with λ_i > 0, whatever the augmentation; never collapses completely.
    Loses mode i where β + λ_i - 1 ≤ 0, and collapses completely where that holds for all i.
    """
    answer = told(_of_landscape(found.unnamed, scope, growth), found.parameters)
    return replace(answer, text=cut_short(answer.text, found.parameters))


def _of_landscape(found: Described, scope: str, growth: str) -> Answer:
    below = "" if found.recession is None else found.recession.verdict
    if below == "unbounded" and not scope:
        return Answer("Unbounded below: the loss falls to −∞ as W grows, and has no minimum.", "loses")
    if growth:
        return Answer(f"Unbounded below, and has no minimum. {growth}", "loses")
    order = 4 if found.higher is None else found.higher.order or found.higher.expansion.order
    if found.quartic is not None and found.quartic.verdict == "unbounded":
        if below == "bounded":
            said = f"nothing of order {order} holds W back, though the loss is bounded below"
            return Answer(_sentence(f"{said}: what is kept is not determined", scope), "open")
        said = f"through order {order} nothing holds W back: that landscape falls to −∞ and has no minimum"
        return Answer(_sentence(said, scope, growth), "loses")
    where = _unbounded_where(found)
    dimensional, complete = found.collapse.dimensional, found.collapse.complete
    why = found.collapse.reason or found.why
    tone: Tone
    if dimensional is not None and complete is not None:
        said, tone = _of_conditions(
            dimensional, complete, " ".join(found.collapse.notes), pairs=found.pairs is not None
        )
        if complete.formula is sympy.true and found.cases and all(one.b() == 0 for one in found.cases):
            said = f"{said}, and B = 0 draws no mode from it"
        if found.pairs is not None and dimensional.formula is sympy.false:
            said, tone = _of_pairs(found), "keeps"
        if dimensional == complete and dimensional.formula not in (sympy.true, sympy.false):
            # All modes or no minimum.
            said, tone = f"{_completely(complete)}: W = 0 is the minimum", "open"
    elif dimensional is None and complete is not None:
        elsewhere = "" if complete.formula is sympy.false else "elsewhere "
        said, tone = f"{_completely(complete)}; {elsewhere}which modes are kept is not determined", "open"
    else:
        return _undetermined("; ".join(filter(None, (why, *where[:1]))), scope, growth)
    if where:
        tone = "open" if tone == "keeps" else tone
    through = "" if found.to_all_orders else f"through order {order}"
    if found.special:
        # Nothing is stated for all N that is false for one of them.
        tone = "open" if tone == "keeps" else tone
        others = ", ".join(written(at) for at, _ in found.special)
        values = f"for {found.collapse.where.lhs} ≥ {found.collapse.where.rhs} ({others} apart, below)"
        through = ", ".join(filter(None, (values, through)))
    within = ", ".join(filter(None, (scope, through)))
    reason = f": {why}" if dimensional is None and why else ""
    # What is too long is left to the lines below; the reason goes first.
    ends = [f"{left}{right}" for left in dict.fromkeys((reason, "")) for right in (f"; {one}" for one in where)]
    clauses = [f"it {said}{end}" for end in ends or [reason, ""]]
    fitting = (one for one in clauses if length(_sentence(one, within, growth), found.parameters) <= WHOLE)
    return Answer(_sentence(next(fitting, clauses[-1]), within, growth), tone)


def _unbounded_where(found: Described) -> tuple[str, ...]:
    """Where the loss (its landscape, if the loss is not known) is unbounded below: in full, and in short."""
    if found.recession is not None:
        depends, where = found.recession.verdict == "depends", found.recession.whitened()
    else:
        depends = found.quartic is not None and found.quartic.verdict == "depends"
        where = found.quartic.where() if depends and found.quartic is not None else ""
    if not depends:
        return ()
    short = "unbounded below under a condition (below)"
    return (f"unbounded below where {where}", short) if length(where, found.parameters) <= LONGEST else (short,)


def without_expansion(kind: str, why: str = "") -> Answer:
    """The answer for a loss without an expansion of which nothing more was measured.

    Args:
        kind: what it is near W = 0, a word of `verify.audits.blackbox.regularity.Kind`.
        why: the reason why nothing was measured.

    >>> without_expansion("cusp").text
    'Has no expansion at W = 0 (cusp); which modes are kept is not determined.'
    """
    head = "Whether it has an expansion at W = 0 is not determined" if kind == "undecided" else f"{NONE} ({kind})"
    return Answer(cut_short(f"{head}; which modes are kept is not determined{f': {why}' if why else ''}."), "open")


def undetermined(why: str, *, scope: str = "", growth: str = "") -> Answer:
    """The answer for a landscape that is not understood.

    >>> undetermined("an expansion to order 4 is needed").text
    'Which modes are kept is not determined: an expansion to order 4 is needed.'
    """
    answer = _undetermined(why, scope, growth)
    return replace(answer, text=cut_short(answer.text))


def _undetermined(why: str, scope: str = "", growth: str = "") -> Answer:
    said = "which modes are kept is not determined"
    return Answer(_sentence(f"{said}: {why}" if why else said, scope, growth), "open")


def of_comparison(other: str, agrees: bool | None, lines: Sequence[str], tone: Tone) -> Answer:  # noqa: FBT001
    """The answer for code that was compared with another loss.

    Args:
        other: the name of that loss.
        agrees: whether the two are equal; None where that is undecided.
        lines: what was found, a sentence each, the most telling first.
        tone: that of the answer on the loss, where they are equal.

    >>> of_comparison("the definition", False, ["values: the code's is twice the definition's"], "keeps").text
    "The code is not the definition: values: the code's is twice the definition's."
    """
    said = lines[0].rstrip(".") if lines else ""
    head = {
        True: f"The code agrees with {other}",
        False: f"The code is not {other}",
        None: f"Whether the code agrees with {other} is not decided",
    }[agrees]
    return Answer(
        cut_short(f"{head}: {said}." if said else f"{head}."), tone if agrees else "open" if agrees is None else "loses"
    )


def of_field(missing: str, *, of_ratio: bool) -> Answer:
    """The answer for a loss whose gradient is not what training follows.

    Args:
        missing: what the gradient lacks, a sentence without a full stop.
        of_ratio: whether the gradient is off by one factor.

    >>> of_field("no gradient reaches z2: it is detached", of_ratio=False).text
    'Training does not follow this loss: no gradient reaches z2: it is detached. No minima and no collapse are stated.'
    """
    head = "The gradient is not that of the values" if of_ratio else "Training does not follow this loss"
    return Answer(cut_short(f"{head}: {missing}. No minima and no collapse are stated."), "open")


def in_light_of(answer: Answer, about: str, verdict: Verdict) -> Answer:
    """The answer, given the verdict on what it rests on; nothing is left of it where that is refuted.

    >>> in_light_of(Answer("Keeps every mode.", "keeps"), "the derivation", "refuted").text
    'Which modes are kept is not determined: the derivation is refuted.'
    >>> in_light_of(Answer("Keeps every mode.", "keeps"), "the derivation", "undecided").tone
    'open'
    """
    if verdict == "refuted":
        return undetermined(f"{about} is refuted")
    return answer if verdict == "holds" or answer.tone == "loses" else Answer(answer.text, "open")


def not_measured(evidence: Iterable[Evidence]) -> str:
    """Why it was not measured whether a collapsed mode stays collapsed; empty where that was not tried."""
    return next((one.note for one in evidence if one.route == "monte-carlo" and not one.ran), "")


def _of_pairs(found: Described) -> str:
    """What a loss of two encoders keeps that loses no canonical pair where there are rows enough."""
    known = found.ends and found.pairs is not None and found.pairs.u == 0
    rows = "those of the d1 largest with fewer rows" if known else "given d1 ≥ min(d0, d0′)"
    return f"keeps every canonical pair with λ_i > 0, {rows}; never collapses completely"


def _of_conditions(dimensional: Condition, complete: Condition, notes: str, *, pairs: bool = False) -> tuple[str, Tone]:
    every, none = sympy.true, sympy.false
    if complete.formula is every:
        return "collapses completely: W = 0 is the minimum", "loses"
    if dimensional.formula is none:
        return "keeps every mode with λ_i > 0, whatever the augmentation; never collapses completely", "keeps"
    if dimensional.formula is every:
        alone = ": one mode alone is kept" if "one mode alone" in notes else ""
        return f"always loses modes{alone}; {_completely(complete)}", "loses"
    written = _written(dimensional)
    what = "pair" if pairs else "mode"
    mode = f"{what} i" if dimensional.whitened().formula.has(a_i, c_i, lam_i) else f"{what}s"
    lost = f"loses {mode} where {written}" if written else "loses modes under a condition (below)"
    if written and complete.formula == dimensional.formula:
        return f"{lost}, and collapses completely where that holds for all i", "open"
    return f"{lost}; {_completely(complete)}", "open"


def _completely(complete: Condition) -> str:
    if complete.formula is sympy.false:
        return "never collapses completely"
    written = _written(complete)
    tail = " for all i" if complete.formula.has(a_i, c_i) else ""
    return f"collapses completely {f'where {written}{tail}' if written else 'under a condition (below)'}"


def _written(condition: Condition) -> str:
    """A condition in plain text; empty where it is long."""
    formula = condition.whitened().formula
    if not isinstance(formula, sympy.core.relational.Relational):
        return ""
    said = f"{TEXT.scalar(formula.lhs)} {_SIGNS.get(formula.rel_op, formula.rel_op)} {TEXT.scalar(formula.rhs)}"
    return said if length(said, formula.free_symbols) <= LONGEST and not formula.has(q_j) else ""


def _sentence(clause: str, scope: str = "", more: str = "") -> str:
    """A clause as a sentence, with its scope; without a scope the subject, the loss, is left out."""
    said = f"{scope}, {clause}" if scope else clause.removeprefix("it ")
    return f"{said[0].upper()}{said[1:]}.{f' {more}' if more else ''}"


def cut_short(text: str, parameters: Iterable[sympy.Symbol] = ()) -> str:
    """A text, cut with an ellipsis where it is longer than an answer may be, each parameter counting for one character.

    >>> cut_short("word " * 50)[-16:]
    'word word word …'
    """
    words, known = text.split(), tuple(parameters)
    kept = len(words)
    while kept and length(" ".join(words[:kept]) + " …" * (kept < len(words)), known) > WHOLE:
        kept -= 1
    return " ".join(words[:kept]) + " …" * (kept < len(words))


def listed(words: Sequence[str]) -> str:
    """Words listed as in a sentence: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
