"""A verdict in words: as a sentence, as the last line of a screen, and with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.evidence.evidence import INDEPENDENT, NEEDED, sides

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from verify.evidence.description import Description
    from verify.evidence.evidence import Evidence, Verdict


def sentence(found: Description) -> str:
    """A sentence with what the verdict is about, the verdict, and the evidence for it.

    >>> from verify.evidence.answer import Answer
    >>> from verify.evidence.description import Description
    >>> from verify.evidence.evidence import Evidence
    >>> agree = (Evidence("autodiff", "c", agrees=True), Evidence("remainder", "slope", agrees=True))
    >>> kept = Answer("Keeps every mode.", "keeps")
    >>> sentence(Description("a", "", "", kept, "the derivation", (), agree, "holds"))
    'The derivation holds: 2 comparisons by 2 independent routes agree, and none contradicts it.'
    >>> sentence(Description("a", "", "", kept, "the derivation", (), (), "not-run"))
    'The derivation was not checked: no independent route was run.'

    """
    verb = {"holds": "holds", "not-run": "was not checked"}.get(found.verdict, f"is {found.verdict}")
    none = ", and none contradicts it" if found.verdict == "holds" else ""
    return f"{_capital(found.about)} {verb}: {reason(found.evidence, found.verdict)}{none}."


def verdict_line(about: str, evidence: Iterable[Evidence], verdict: Verdict) -> str:
    """The same as the last line of a screen: the verdict's word first.

    >>> from verify.evidence.evidence import Evidence
    >>> agree = (Evidence("autodiff", "c", agrees=True), Evidence("remainder", "slope", agrees=True))
    >>> verdict_line("the derivation", agree, "holds")
    'holds (the derivation): 2 comparisons by 2 independent routes agree'
    """
    return f"{verdict} ({about}): {reason(evidence, verdict)}"


def checked(about: str, evidence: Iterable[Evidence], verdict: Verdict) -> str:
    """Whether what an answer rests on was checked, in a short sentence that goes after it.

    >>> from verify.evidence.evidence import Evidence
    >>> agree = (Evidence("autodiff", "c", agrees=True), Evidence("remainder", "slope", agrees=True))
    >>> checked("the derivation", agree, "holds")
    'Derivation checked by 2 routes.'
    """
    evidence = tuple(evidence)
    # A clause is followed by a colon.
    name = _capital(about.removeprefix("the ")) + (": " if about.startswith(("that ", "what ")) else " ")
    if verdict == "holds":
        return f"{name}checked by {len(sides(evidence)[0])} routes."
    word = "not checked" if verdict == "not-run" else verdict
    return f"{name}{word}, {reason(evidence, verdict)}."


def reason(evidence: Iterable[Evidence], verdict: Verdict) -> str:
    """The reason for a verdict, in words.

    >>> from verify.evidence.evidence import Evidence
    >>> agree = [Evidence("autodiff", "c", agrees=True), Evidence("remainder", "slope", agrees=True)]
    >>> reason([*agree, Evidence("monte-carlo", "c", agrees=False)], "undecided")
    'monte-carlo stands against autodiff and remainder'
    """
    ran = [one for one in evidence if one.ran]
    agreed, against = sides(ran)
    agree = [one for one in ran if one.agrees and one.route in INDEPENDENT]
    wrong = [one for one in ran if one.agrees is False]
    if verdict == "refuted":
        proved = ", exactly" if any(one.exact for one in wrong) else ""
        verb = "contradicts" if len(wrong) == 1 else "contradict"
        return f"{_count(len(wrong), 'comparison')} ({', '.join(against)}) {verb} it{proved}; {len(agree)} agree"
    if verdict == "not-run":
        return "no independent route was run"
    if against:
        verb = "stands" if len(against) == 1 else "stand"
        return f"{_listed(against)} {verb} against {_listed(agreed) or 'it, and nothing is for it'}"
    by = f"{_count(len(agree), 'comparison')} by {_count(len(agreed), 'independent route')}"
    routes = f" ({', '.join(agreed)})"
    if verdict == "holds":
        return f"{by} agree"
    if len(agreed) >= NEEDED:
        unsure = [one.quantity for one in ran if one.agrees is None and one.route in INDEPENDENT]
        return f"nothing contradicts it, and {by} agree{routes}, but what decides it does not: {'; '.join(unsure[-2:])}"
    little = f"only {by} agree{'s' if len(agree) == 1 else ''}{routes}, and two routes are needed"
    return f"nothing contradicts it, but {little if agree else 'no independent route agrees with it'}"


def contradiction(evidence: Iterable[Evidence]) -> Evidence | None:
    """The comparison that shows a contradiction best, the first of a single term if any; None without a contradiction.

    >>> from verify.evidence.evidence import Evidence
    >>> slope, term = (Evidence("exact", part, agrees=False, part=part) for part in ("whole", "term"))
    >>> contradiction([slope, term]).quantity
    'term'
    """
    against = [one for one in evidence if one.ran and one.agrees is False]
    terms = [one for one in against if one.part == "term"]
    return next(iter([*terms, *against]), None)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
