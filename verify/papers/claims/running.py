"""A ledger run: fast claims live, slow ones from what was stored when they were last run."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from derive import InputError
from verify.papers.claims.claim import Claim
from verify.papers.claims.judging import in_numbers, judge
from verify.running.sweeps.writing import write_whole

# The project's own stored results; a user's stand beside their file.
STORED = Path(__file__).parent / "stored.json"
_VERSIONS = ("sympy", "numpy", "torch")

# A claim's result, as in the JSON of the ledger.
Result = dict[str, Any]


def run(
    claims: Iterable[Claim],
    *,
    slow: bool = False,
    stored: Path = STORED,
    tick: Callable[[str], None] = lambda _: None,
) -> list[Result]:
    """Judge claims, in their order.

    Args:
        claims: of one ledger or of several.
        slow: whether to run the slow ones too, and store their results.
        stored: the file of stored results.
        tick: called with the id before each claim.

    Raises:
        InputError: an investigation that fails, naming the claim.

    Returns:
        One result a claim (`verify.papers.claims.judging.Judgement.to_json`) with two more keys: ``live``, whether it
        was found just now, and ``stored``, for a result that was not, when, with which versions and by which command.

    """
    kept = _read(stored)
    results: list[Result] = []
    for claim in claims:
        tick(claim.id)
        if claim.slow and not slow:
            results.append(_from_store(claim, kept))
            continue
        found = _judged(claim) | {"live": True, "stored": None}
        if claim.slow:
            kept[claim.id] = found | {"live": False, "stored": _made()}
            _write(stored, kept)
        results.append(found)
    return results


def _judged(claim: Claim) -> Result:
    try:
        return judge(claim).to_json()
    except InputError:
        raise
    except Exception as error:
        message = f"claim {claim.id} failed when it was investigated: {type(error).__name__}: {error}"
        raise InputError(message) from error


def as_recorded(results: Iterable[Result]) -> bool:
    """Whether every live result is the one that its ledger records."""
    return all(one["verdict"] == one["recorded"] for one in results if one["live"])


def _from_store(claim: Claim, kept: Mapping[str, Result]) -> Result:
    """What was found when the claim was last run; not run where it never was, or where its statement has changed."""
    unrun = judge(replace(claim, investigate=None)).to_json() | {"live": False, "stored": None}
    found = kept.get(claim.id)
    if found is None or found["printed"] != unrun["printed"]:
        return unrun | {"waits_for": "a slow claim without a stored result; run it with --slow"}
    # What a reader is told beside the result is that of now.
    told = found | {name: unrun[name] for name in ("where", "given", "why", "tried", "recorded", "twin")}
    numbers = in_numbers(claim) if found["verdict"] in ("refuted", "conditional") and claim.counterexample else None
    return told | {"counterexample": numbers or found["counterexample"]}


def _made() -> dict[str, Any]:
    versions = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"date": datetime.now(UTC).date().isoformat(), "versions": versions, "command": "quartic claims --slow"}


def _read(path: Path) -> dict[str, Result]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        message = f"{path} holds no stored results ({error}); move it away, and run quartic claims --slow"
        raise InputError(message) from None
    if not isinstance(found, dict):
        message = f"{path} holds no stored results (not a JSON object); move it away, and run quartic claims --slow"
        raise InputError(message)
    return found


def _write(path: Path, kept: Mapping[str, Result]) -> None:
    text = json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    try:
        write_whole(path, text.encode())
    except OSError as error:
        message = f"the results cannot be stored in {path}: {error.strerror or error}"
        raise InputError(message) from None
