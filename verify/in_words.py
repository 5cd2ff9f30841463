"""The verdict of an audit in a sentence, and the numbers of a comparison as they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.evidence import INDEPENDENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verify.description import Description
    from verify.evidence import Evidence


def sentence(found: Description) -> str:
    """What the evidence supports, and how much of it there is.

    >>> from verify.description import Description
    >>> from verify.evidence import Evidence
    >>> agree = (Evidence("autodiff", "c", agrees=True), Evidence("remainder", "slope", agrees=True))
    >>> sentence(Description("a", "", "", "The expansion", (), agree, "holds"))
    'The expansion holds: 2 comparisons by 2 independent routes (autodiff, remainder) agree, and none contradicts it.'
    >>> sentence(Description("a", "", "", "The expansion", (), (), "not-run"))
    'The expansion was not checked: no independent route was run.'

    """
    ran = [one for one in found.evidence if one.ran and one.route in INDEPENDENT]
    agree = [one for one in ran if one.agrees]
    routes = list(dict.fromkeys(one.route for one in agree))
    by = f"{_count(len(agree), 'comparison')} by {_count(len(routes), 'independent route')} ({', '.join(routes)})"
    if found.verdict == "holds":
        return f"{found.subject} holds: {by} agree, and none contradicts it."
    if found.verdict == "refuted":
        wrong = sum(one.agrees is False for one in found.evidence if one.ran)
        against = f"{_count(wrong, 'comparison')} contradict{'s' if wrong == 1 else ''} it"
        return f"{found.subject} is refuted: {against}, {len(agree)} agree."
    if found.verdict == "not-run":
        return f"{found.subject} was not checked: no independent route was run."
    verb = "agrees" if len(agree) == 1 else "agree"
    little = f"only {by} {verb}, and two routes are needed" if agree else "no independent route agrees with it"
    return f"{found.subject} is undecided: nothing contradicts it, but {little}."


def contradiction(evidence: Iterable[Evidence]) -> Evidence | None:
    """The comparison that shows a contradiction best: of a single term, the first of them; None where there is none.

    >>> from verify.evidence import Evidence
    >>> slope, term = (Evidence("exact", what, agrees=False) for what in ("slope", "coefficient of Tr[W A0 Wᵀ]"))
    >>> contradiction([slope, term]).quantity
    'coefficient of Tr[W A0 Wᵀ]'
    """
    against = [one for one in evidence if one.ran and one.agrees is False]
    terms = [one for one in against if one.quantity.startswith(("coefficient of", "terms of"))]
    return next(iter([*terms, *against]), None)


def number(value: float | str | None) -> str:
    """What was predicted or measured, to six digits where it is a number; empty where it is nothing.

    >>> number(0.75), number("equal"), number(None)
    ('0.75', 'equal', '')
    """
    return f"{value:.6g}" if isinstance(value, float) else value or ""


def rounded(value: float, error: float) -> str:
    """A number to the second digit of its error.

    >>> rounded(0.754912, 0.00252), rounded(12.3, 250.0)
    ('0.7549', '12')
    """
    return f"{value:.{max(0, 1 - int(f'{error:e}'.partition('e')[2]))}f}"


def measured(one: Evidence) -> str:
    """What was measured, to as many digits as its standard error leaves it."""
    if isinstance(one.measured, float) and one.error_kind == "standard error" and one.error:
        return rounded(one.measured, one.error)
    return number(one.measured)


def error(one: Evidence) -> str:
    """A standard error after ±, a tolerance after ≤; empty where there is neither.

    >>> from verify.evidence import Evidence
    >>> error(Evidence("monte-carlo", "c", 1.0, 1.1, 0.052, "standard error"))
    '± 0.052'
    """
    if one.error is None:
        return ""
    return f"± {rounded(one.error, one.error)}" if one.error_kind == "standard error" else f"≤ {one.error:.3g}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
