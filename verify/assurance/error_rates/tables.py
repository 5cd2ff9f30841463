"""The results of a sweep as tables in Markdown, with intervals.

Intervals are those of Clopper and Pearson (1934) at 95 %: they contain the true share at least that often, whatever it
is. For 0 in n they reach up to 3.7/n.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from verify.assurance.error_rates import alarms
from verify.assurance.error_rates.measuring import GROUPS
from verify.assurance.error_rates.tally import Tally
from verify.assurance.mutants import killing
from verify.assurance.mutants.mutant import OPERATORS

# Those of an expansion, and of a list of stationary points.
ROUTES = (*killing.ROUTES, "optimiser", "newton")
# What a mutant's outcomes are called, by route.
Outcomes = Mapping[str, str]


def interval(events: int, runs: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share.

    >>> [round(one, 5) for one in interval(0, 10_000)], [round(one, 2) for one in interval(5, 10)]
    ([0.0, 0.00037], [0.19, 0.81])
    """
    from scipy.stats import binomtest

    found = binomtest(events, runs).proportion_ci(method="exact")
    return float(found.low), float(found.high)


def tables(judged: Sequence[tuple[Any, Any]], runs: Sequence[tuple[Any, Any]]) -> str:
    """All tables, as they stand in the documentation.

    Args:
        judged: settings and results of `verify.assurance.error_rates.measuring.mutants`.
        runs: of `verify.assurance.error_rates.measuring.false_alarms`.

    """
    return "\n\n".join([of_mutants(judged), "### False alarms", false_alarms(runs)])


def of_mutants(judged: Sequence[tuple[Any, Any]]) -> str:
    """The tables of mutants alone."""
    parts = [
        "### Mutants by kind of slip", by_operator(judged),
        "### What each route kills", by_route(judged),
        "### Survivors", survivors(judged),
        "### By subject", by_subject(judged),
    ]  # fmt: skip
    return "\n\n".join(parts)


def by_operator(judged: Sequence[tuple[Any, Any]]) -> str:
    """How many distinct mutants of each kind there are, and how many more are equivalent."""
    groups = list(dict.fromkeys(GROUPS[settings["kind"]] for settings, _ in judged))
    counts: dict[str, Counter[str]] = {group: Counter() for group in groups}
    equivalent: Counter[str] = Counter()
    for settings, found in judged:
        group = GROUPS[settings["kind"]]
        counts[group].update(operator for operator, _ in found["mutants"].values())
        equivalent[group] += len(found["equivalent"])
    rows = [
        [
            operator,
            *(str(counts[group][operator]) for group in groups),
            str(sum(one[operator] for one in counts.values())),
        ]
        for operator in OPERATORS
        if any(one[operator] for one in counts.values())
    ]
    total = [sum(counts[group].values()) for group in groups]
    rows.append(["**all**", *(f"**{one}**" for one in total), f"**{sum(total)}**"])
    rows.append(
        ["equivalent, beside them", *(str(equivalent[group]) for group in groups), str(sum(equivalent.values()))]
    )
    return _table(["kind of slip", *groups, "all"], rows)


def by_route(judged: Sequence[tuple[Any, Any]]) -> str:
    """The share of the mutants that each route kills, of those to which it applies, and all routes together."""
    rows = []
    for group in dict.fromkeys(GROUPS.values()):
        mutants = [outcomes for settings, outcomes in _each(judged) if GROUPS[settings["kind"]] == group]
        if not mutants:
            continue
        for route in ROUTES:
            said = Counter(one[route] for one in mutants if one.get(route, "does not apply") != "does not apply")
            if said:
                rows.append(
                    [group, route, *_share(said["killed"], said.total()), str(said["survived"]), str(said["undecided"])]
                )
        together = sum(_killed(one) for one in mutants)
        rows.append([group, "**all but symbolic**", *_share(together, len(mutants)), str(len(mutants) - together), ""])
    return _table(["mutants of", "route", "applies to", "kills", "share", "95 %", "survive", "undecided"], rows)


def survivors(judged: Sequence[tuple[Any, Any]]) -> str:
    """The mutants that no route but the symbolic one kills."""
    rows = [
        [str(found["subject"]), name, operator, ", ".join(f"{route}: {said}" for route, said in outcomes.items())]
        for _, found in judged
        for name, (operator, outcomes) in found["mutants"].items()
        if not _killed(outcomes)
    ]
    return _table(["subject", "mutant", "kind of slip", "outcomes"], rows) if rows else "None."


def by_subject(judged: Sequence[tuple[Any, Any]]) -> str:
    """Each subject: how many mutants, how many each route kills, how many are equivalent."""
    return _table(["subject", "mutants", "killed", *ROUTES, "equivalent"], [subject_row(found) for _, found in judged])


def subject_row(found: Mapping[str, Any]) -> list[str]:
    """One row of `by_subject`."""
    outcomes = [one for _, one in found["mutants"].values()]
    by_one = Counter(route for one in outcomes for route, said in one.items() if said == "killed")
    applies = {route for one in outcomes for route, said in one.items() if said != "does not apply"}
    killed = sum(map(_killed, outcomes))
    routes = [str(by_one[route]) if route in applies else "" for route in ROUTES]
    return [f"`{found['subject']}`", str(len(outcomes)), str(killed), *routes, str(len(found["equivalent"]))]


def false_alarms(runs: Sequence[tuple[Any, Any]]) -> str:
    """Each check: runs, alarms with their interval, and the level that it claims."""
    rows = []
    for name, check in alarms.CHECKS.items():
        parts = [Tally(*found) for settings, found in runs if settings["check"] == name]
        if not parts:
            continue
        total = sum(parts, start=Tally(0, 0, 0, 0))
        _, high = interval(total.alarms, total.runs)
        rows.append(
            [check.name, f"{total.runs:,}", str(total.alarms), f"{total.alarms / total.runs:.1e}", f"{high:.1e}",
             f"{check.level:.1e}", str(total.undecided), f"{total.fixed} ({total.fixed / total.runs:.1e})"]
        )  # fmt: skip
    return _table(
        ["check", "runs", "alarms", "rate", "at most, 95 %", "nominal", "undecided", "at a fixed number of errors"],
        rows,
    )


def _each(judged: Iterable[tuple[Any, Any]]) -> Iterable[tuple[Any, Outcomes]]:
    return ((settings, outcomes) for settings, found in judged for _, outcomes in found["mutants"].values())


def _killed(outcomes: Outcomes) -> bool:
    return any(said == "killed" for route, said in outcomes.items() if route != killing.SYMBOLIC)


def _share(killed: int, of: int) -> list[str]:
    low, high = interval(killed, of)
    return [str(of), str(killed), f"{killed / of:.1%}", f"{low:.1%}–{high:.1%}"]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(one) for one in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
