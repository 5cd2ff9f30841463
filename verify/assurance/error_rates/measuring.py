"""The sweeps behind the tables: a unit for each subject whose mutants are judged, many for each statistical check."""

from __future__ import annotations

from typing import Any

from derive import CATALOGUE, Classes, Heteroscedastic, Law, Uncentred
from derive.algebra.graphs import PLAIN
from derive.expansion.laws import Unequal
from verify.assurance.error_rates import alarms
from verify.assurance.mutants import formulas, killing, landscapes
from verify.running.sweeps.sweep import Settings, Sweep, seed_of
from verify.truths.settings import GAUSSIAN

# Two of each kind of random problem; number 10 has one stationary point only.
PROBLEMS = tuple(k for k in range(22) if k != 10)
# Seconds, about.
COSTS = {"loss": 25.0, "couplings": 3.0, "lists": 3.0, "claim": 4.0, "law": 25.0, "views": 40.0}
GROUPS = {
    "loss": "catalogue",
    "couplings": "landscape",
    "lists": "landscape",
    "claim": "ledger",
    "law": "laws",
    "views": "two kinds of views",
}
# Data that are not centred, or whose noise depends on them, and two kinds of views: under two augmentations, or through
# two encoders.
LAWS: dict[str, Law] = {
    "mean": Uncentred(),
    "classes 3:1": Classes(weights=(3, 1)),
    "noise of the datum": Heteroscedastic(),
    "two augmentations": Unequal(),
}
NOISY = ("infonce", "ntxent")
OF_LAWS = (
    *(("law", name, "mean") for name in ("spectral", "barlow-twins", "siglip")),
    *(("law", name, "classes 3:1") for name in ("spectral", "infonce")),
    *(("law", name, "noise of the datum") for name in NOISY),
    *(("views", name, "two augmentations") for name in ("spectral", "infonce")),
    *(("views", name, "") for name in ("clip", "spectral+two-encoders", "barlow-twins+two-encoders")),
)
UNTRAINED = {("infonce", "classes 3:1"), *((name, "noise of the datum") for name in NOISY)}
QUICK: tuple[Settings, ...] = (
    {"kind": "loss", "subject": "spectral"},
    {"kind": "couplings", "subject": "spectral"},
    {"kind": "lists", "subject": 5},
    {"kind": "claim", "subject": "iclr:eq6"},
)


def mutants(*, quick: bool = False) -> Sweep:
    """Every subject, judged at the seeds of an audit; with ``quick`` one of each kind."""
    units = tuple(one | {"seed": 0} for one in (QUICK if quick else _subjects()))
    return Sweep(
        "mutants", "verify.assurance.error_rates.measuring:judged", units, tuple(COSTS[one["kind"]] for one in units)
    )


def of_laws(*, quick: bool = False) -> Sweep:
    """Losses on data that are not centred, and with views of two kinds, judged at the seeds of an audit."""
    units: tuple[Settings, ...] = tuple(
        {"kind": kind, "subject": name, "law": law, "seed": 0} for kind, name, law in OF_LAWS[: 1 if quick else None]
    )
    return Sweep(
        "mutants of laws",
        "verify.assurance.error_rates.measuring:judged",
        units,
        tuple(COSTS[one["kind"]] for one in units),
    )


def false_alarms(*, quick: bool = False, seed: int = 0) -> Sweep:
    """Every statistical check, a number of runs at a time; with ``quick`` a few runs."""
    units: list[Settings] = []
    for name, check in alarms.CHECKS.items():
        runs = min(check.at_once, 20) if quick else check.runs
        units += [
            {"check": name, "runs": min(check.at_once, runs - start), "seed": seed_of(name, start, seed)}
            for start in range(0, runs, check.at_once)
        ]
    costs = tuple(alarms.CHECKS[one["check"]].cost * one["runs"] / 1000 for one in units)
    return Sweep("false alarms", "verify.assurance.error_rates.measuring:counted", tuple(units), costs)


def _subjects() -> list[Settings]:
    from verify.papers.claims.ledgers import published

    # Two encoders have a table of their own (`of_laws`); the mutants of views of a class are killed in the tests.
    losses = [*(name for name, one in CATALOGUE.items() if one.roles <= {PLAIN}), *killing.MODIFIED]
    # A claim that two papers print is one.
    first, *_ = published()
    claims = [claim.id for claim in first if claim.investigate is not None and not claim.slow]
    return [
        *({"kind": "loss", "subject": name} for name in losses),
        *({"kind": "couplings", "subject": name} for name in losses if not name.endswith("+bias")),
        *({"kind": "lists", "subject": number} for number in PROBLEMS),
        *({"kind": "claim", "subject": one} for one in claims),
    ]


def counted(*, check: str, runs: int, seed: int) -> list[int]:
    """Some runs of a check: the fields of their tally."""
    return list(alarms.CHECKS[check].run(seed, runs).fields)


def judged(*, kind: str, subject: Any, seed: int, law: str = "") -> dict[str, object]:
    """The mutants of one subject."""
    if kind in ("law", "views"):
        # Without a landscape each mutant is minimised in numbers, which for hundreds takes the trained route an hour.
        routes = [one for one in killing.ROUTES if one != "trained"] if (subject, law) in UNTRAINED else None
        found = killing.of_loss(subject, seed=seed, routes=routes, law=LAWS.get(law, GAUSSIAN)).to_json()
        return found | {"subject": f"{subject}, {law}" if law else subject}
    if kind == "loss":
        return killing.of_loss(subject, seed=seed).to_json()
    if kind == "couplings":
        return landscapes.of_couplings(subject, seed).to_json()
    if kind == "lists":
        return landscapes.of_lists(subject).to_json()
    return formulas.of_claim(claim_of(subject)).to_json()


def claim_of(id: str) -> Any:  # noqa: A002 (the word that the ledger uses)
    """A claim of the published ledgers."""
    from verify.papers.claims.ledgers import chosen, published

    (found,) = chosen(published(), id=id)
    return found
