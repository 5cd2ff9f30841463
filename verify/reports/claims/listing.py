"""The ledger as a person reads it on a terminal: a table, or one claim whole."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from verify.evidence.terminal import WIDTH, written
from verify.papers.claims.findings import corrections, describe, short

if TYPE_CHECKING:
    from verify.papers.claims.claim import Ledger
    from verify.papers.claims.running import Result

VERDICT = 13
HEADER = ("claim", "verdict", "as printed, and below it what is true")


def table(results: Sequence[Result], width: int = WIDTH) -> str:
    """Each claim as it is printed with its verdict, below it the correction, and a count at the end."""
    column = max((len(one["id"]) for one in results), default=0) + 2
    lines = [part for one in results for part in _rows(one, column, width)]
    return "\n".join([*_folded(*HEADER, column, width), *lines, "", summary(results)])


def _rows(one: Result, column: int, width: int) -> Iterable[str]:
    said = one["plain"]["printed"]
    if not _expected(one):
        said = f"NOT AS RECORDED ({one['recorded']}). {said}"
    yield from _folded(one["id"], one["verdict"] + ("*" if one["stored"] else ""), said, column, width)
    label = one["kind"] or ("otherwise" if one["condition"] else "corrected")
    below = [("holds if", one["condition"]), *((label, text) for text in corrections(one)),
             ("waits for", one["waits_for"])]  # fmt: skip
    for label, text in below:
        if text:
            yield from _folded("", label, text, column, width)


def _folded(first: str, second: str, text: str, column: int, width: int) -> list[str]:
    """A row of three columns, the last one folded."""
    head = f"{first:<{column}}{second:<{VERDICT}}"
    indent = " " * (column + VERDICT)
    return textwrap.wrap(
        text, width, initial_indent=head, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [head.rstrip()]  # fmt: skip


def summary(results: Sequence[Result]) -> str:
    """How many claims there are of each verdict, and whether all are as recorded."""
    count = Counter(one["verdict"] for one in results)
    kinds = Counter(one["kind"] for one in results if one["verdict"] == "refuted" and one["kind"])
    parts = [f"{number} {verdict}" for verdict, number in count.most_common()]
    named = [f"{n} {kind}{'s' * (n != 1)}" for kind, n in kinds.most_common()]
    split = f" (of the refuted {', '.join(named)})" if kinds else ""
    off = [one["id"] for one in results if not _expected(one)]
    ends = f"not as recorded: {', '.join(off)}" if off else "all as recorded"
    starred = "; * from a stored run" if any(one["stored"] for one in results) else ""
    number = f"{len(results)} claim{'s' * (len(results) != 1)}"
    return f"{number}: {', '.join(parts)}{split}; {ends}{starred}"


def recorded_table(ledgers: Iterable[Ledger]) -> str:
    """The recorded verdicts of ledgers as a Markdown table, a row a verdict: what their page shows."""
    kinds = {"error": "refuted, an error", "misprint": "refuted, a misprint"}
    claims = [claim for ledger in ledgers for claim in ledger]
    by_verdict: dict[str, list[str]] = {}
    for claim in claims:
        by_verdict.setdefault(kinds.get(claim.kind or "", claim.recorded), []).append(f"`{claim.id}`")
    order = ("holds", "conditional", *kinds.values(), "refuted", "undecided", "not-run")
    rows = [f"| {verdict} | {len(by_verdict[verdict])} | {' '.join(by_verdict[verdict])} |"
            for verdict in order if verdict in by_verdict]  # fmt: skip
    return "\n".join(["| verdict | number | claims |", "|---|---|---|", *rows])


def _expected(one: Result) -> bool:
    return bool(one["verdict"] == one["recorded"] or not one["live"])


def whole(one: Result, width: int = WIDTH) -> str:
    """One claim with everything that was found."""
    text = written(describe(one), width)
    return f"{text}\n{_counterexample(one['counterexample'])}" if one["counterexample"] else text


def _counterexample(found: dict[str, Any]) -> str:
    code = textwrap.indent(found["code"].rstrip(), " " * 6)
    return f"  in numbers\n{code}\n      # printed: {short(found['printed'])}, true: {short(found['true'])}"
