"""The sweep behind the tables: a unit for each subject whose mutants are judged, many for each statistical check."""

from __future__ import annotations

from typing import Any

from derive import CATALOGUE
from verify.error_rates import alarms
from verify.mutants import formulas, killing, landscapes
from verify.sweeps.sweep import Settings, Sweep

# Two of each kind of random problem; number 10 has one stationary point only.
PROBLEMS = tuple(k for k in range(22) if k != 10)
GROUPS = {"loss": "catalogue", "couplings": "landscape", "lists": "landscape", "claim": "ledger"}
QUICK: tuple[Settings, ...] = (
    {"kind": "loss", "subject": "spectral"},
    {"kind": "couplings", "subject": "spectral"},
    {"kind": "lists", "subject": 5},
    {"kind": "claim", "subject": "iclr:eq6"},
)


def sweep(*, quick: bool = False, seed: int = 0) -> Sweep:
    """All that is measured; with ``quick`` one subject of each kind, and a few runs of each check.

    Args:
        quick: for a look, and for the tests.
        seed: of the statistical checks' runs; the mutants are judged at the seeds of an audit.

    """
    subjects = list(QUICK if quick else _subjects())
    units: list[Settings] = [one | {"seed": 0} for one in subjects]
    costs = [{"loss": 25.0, "couplings": 3.0, "lists": 3.0, "claim": 4.0}[one["kind"]] for one in subjects]
    for one in alarms.units(seed, quick=quick):
        units.append({"kind": "alarms", **one})
        costs.append(alarms.CHECKS[one["check"]].cost * one["runs"] / 1000)
    return Sweep("error rates", "verify.error_rates.measuring:unit", tuple(units), tuple(costs))


def _subjects() -> list[Settings]:
    from verify.claims.ledgers import published

    losses = [*CATALOGUE, *killing.MODIFIED]
    # A claim that two papers print is one.
    first, *_ = published()
    claims = [claim.id for claim in first if claim.investigate is not None and not claim.slow]
    return [
        *({"kind": "loss", "subject": name} for name in losses),
        *({"kind": "couplings", "subject": name} for name in losses if not name.endswith("+bias")),
        *({"kind": "lists", "subject": number} for number in PROBLEMS),
        *({"kind": "claim", "subject": one} for one in claims),
    ]


def unit(*, kind: str, seed: int, **settings: Any) -> Any:
    """One unit."""
    if kind == "alarms":
        return alarms.unit(seed=seed, **settings)
    subject = settings["subject"]
    if kind == "loss":
        return killing.of_loss(subject, seed=seed).to_json()
    if kind == "couplings":
        return landscapes.of_couplings(subject, seed).to_json()
    if kind == "lists":
        return landscapes.of_lists(subject).to_json()
    return formulas.of_claim(_claim(subject)).to_json()


def _claim(id: str) -> Any:  # noqa: A002 (the word that the ledger uses)
    from verify.claims.ledgers import chosen, published

    (found,) = chosen(published(), id=id)
    return found
