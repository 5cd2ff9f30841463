"""The ledger at a glance: losses × what is claimed of them × verdicts, as a Markdown table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify.papers.claims.claim import Claim, Ledger

# A verdict as the table marks it.
MARKS = {"holds": "✓", "conditional": "◐", "error": "✗", "misprint": "✎", "undecided": "?", "not-run": "–"}
LEGEND = "✓ holds, ◐ under a condition that is left out, ✗ refuted by an error, ✎ a misprint, – not run"
TOPICS = ("the expansion", "stationary points, minima", "collapse", "training, data, figures")

# What each claim is about: a row of losses, and the topics in the order of TOPICS. Each claim stands once.
SUBJECTS: Mapping[str, tuple[str, str, str, str]] = {
    "InfoNCE": (
        (
            "eq2 eq3-odd eq4-energy eq5 eq6 infonce-hessian infonce-quartic prop1 eq27 eq4-general neurreps:eq2"
            " neurreps:eq4 neurreps:prop6 neurreps:eq21"
        ),
        "thm1 proportional larger-variation neurreps:thm1",
        "table1-infonce",
        "infonce-scaling jing fig5-left fig2-resnet fig2-vit",
    ),
    "weighted InfoNCE": (
        "eq8 neurreps:eq4-weighted",
        "eq8-isolated eq9 stationary-loss global-minimum eq38 neurreps:thm1-commuting neurreps:eq32",
        "weighted-collapse eq17 neurreps:eq7",
        "fig5-mid",
    ),
    "β-InfoNCE": (
        "beta-hessian",
        "landau-exponent fig1-saddles",
        "beta-threshold beta-boundary beta-small phase-diagram",
        "critical-slowing downstream fig3-downstream fig1 fig3 fig5-right fig7 fig7-layers",
    ),
    "NT-Xent": ("eq7-simclr neurreps:eq3", "", "table1-ntxent simclr-small", "fig2-normalised"),
    "spectral": (
        "eq15 neurreps:eq17",
        "scl-direction",
        "table1-scl scl-norm",
        "imbalance imbalance-mixture fig4 appc-counts",
    ),
    "Barlow Twins": ("bt", "bt-spread", "table1-bt", ""),
    "VICReg": ("vicreg vicreg-smooth", "", "", ""),
    "+ weight decay": ("weight-decay", "", "table1-decay", ""),
    "+ fixed norm": (
        "eq40 eq41 eq42 neurreps:eq34 neurreps:eq35 neurreps:eq36",
        (
            "eq43 eq44 prop3 prop3-text prop4 thm2 thm2-inline eq12 r-minimiser"
            " kappa-constraint norm-anisotropic d1-saddle neurreps:eq5 neurreps:prop3 neurreps:prop5 neurreps:thm2"
            " neurreps:eq37 neurreps:eq38"
        ),
        (
            "table1-norm norm-model norm-strong-always eq13 eq18 eq19 eq20 eq21 eq22 eq23 eq23-threshold neurreps:eq8"
            " neurreps:eq9 neurreps:eq10 neurreps:eq11 neurreps:eq12 neurreps:eq13 neurreps:eq14"
            " neurreps:eq14-threshold"
        ),
        "fig6",
    ),
    "+ fixed norm + bias": (
        "bias-unnormalised",
        "thm3 bias-trivial neurreps:thm4",
        "table1-bias bias-complete bias-two",
        "",
    ),
    "InfoNCE, data not Gaussian": (
        "eq53 eq54 eq58-variance eq59-moment eq60 eq61",
        "",
        "f1-collapse",
        "",
    ),
    "any, invariant under rotation": (
        "rotation all-invariant eq16 neurreps:eq6 neurreps:twins",
        (
            "eq30 eq33 eq34 eq35 eq36 prop2 proof-prop2 benign all-stationary-share noncommuting neurreps:prop2"
            " neurreps:eq24 neurreps:eq26 neurreps:eq27 neurreps:eq28 neurreps:eq29 neurreps:eq30 neurreps:proof-thm1"
        ),
        "collapse-cause collapse-only-a",
        "",
    ),
}


def matrix(ledgers: Iterable[Ledger]) -> str:
    """The table of the published ledgers, by their recorded verdicts."""
    claims = {claim.id: claim for ledger in ledgers for claim in ledger}
    rows = [f"| loss | {' | '.join(TOPICS)} |", "|---" * (1 + len(TOPICS)) + "|"]
    for loss, topics in SUBJECTS.items():
        cells = [_cell([claims[one] for one in ids(topic)]) for topic in topics]
        rows.append(f"| {loss} | {' | '.join(cells)} |")
    return "\n".join(rows)


def ids(topic: str) -> Iterator[str]:
    """The ids in a cell; those of the ICLR paper stand without its key.

    >>> list(ids("eq8 neurreps:eq27"))
    ['iclr:eq8', 'neurreps:eq27']
    """
    return (one if ":" in one else f"iclr:{one}" for one in topic.split())


def _cell(claims: Iterable[Claim]) -> str:
    count: Counter[str] = Counter(claim.kind or claim.recorded for claim in claims)
    return " ".join(f"{mark} {count[verdict]}" for verdict, mark in MARKS.items() if count[verdict])
