"""All statements of one audit, held against the truth of its loss."""

from __future__ import annotations

import traceback
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

import numeric
from derive import InputError
from derive.expansion.expansion import Expansion
from derive.landscape.summary import described
from statements.bounding import check_bounded
from statements.collapsing import at_values, check_claim, check_collapse
from statements.drawing import Drawn, drawn
from statements.formulas import UnreadError
from statements.higher import check_higher
from statements.listing import check_by_mode, check_points
from statements.minimising import Landscape
from statements.one_eigenvalue import check_one_eigenvalue
from statements.sentences import Said, said
from statements.settings import Setting, Tally, settings
from statements.single_mode import check_exact, check_transition
from verify.routes import minima

SETTINGS = 12


def audited(seed: int, count: int = SETTINGS) -> dict[str, Any]:
    """The statements about one random loss, judged; plain JSON values."""
    loss = drawn(seed)
    begun = perf_counter()
    tally, fault, took = Tally(), "", 0.0
    try:
        expansion = loss.loss.expand(order=4)
        found = said(described(loss.loss, expansion, loss.limit))
        took = perf_counter() - begun
        judge(loss, expansion, found, tally, count)
    except UnreadError as error:
        fault = f"not read: {error}"
    except InputError as error:
        tally.wrong.append(("refused", f"{error}"))
    except Exception as error:  # noqa: BLE001 (whatever it is, an audit should not raise it)
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__}: {error} ({place.filename.rpartition('/')[2]}:{place.lineno})"
        if any(
            "/derive/" in frame.filename or "/verify/evidence/answer" in frame.filename
            for frame in traceback.extract_tb(error.__traceback__)
        ):
            tally.wrong.append(("raised", where))
        else:
            fault = where
    return {
        "seed": seed,
        "kind": loss.kind,
        "loss": " + ".join(loss.parts),
        "wrong": tally.wrong,
        "right": dict(tally.right),
        "skipped": dict(tally.skipped),
        "open": tally.open,
        "fault": fault,
        "seconds": round(perf_counter() - begun, 2),
        "derived": round(took, 2),
    }


def judge(loss: Drawn, expansion: Expansion, found: Said, tally: Tally, count: int = SETTINGS) -> None:
    """Every statement in what is said of a loss."""
    tally.open += found.open
    tally.wrong += [("JSON", one) for one in found.faults]
    at = settings(loss, count)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        check_expansion(expansion, at[:3], tally)
        check_optimiser(expansion, at[:2], tally)
        check_collapse(found, at, tally)
        check_claim(found, at, tally)
        check_bounded(found, at, tally)
        _by_cases(found, at, tally)


def _by_cases(found: Said, at: list[Setting], tally: Tally) -> None:
    """What is said of the values of a parameter for which it is said."""
    here = [one for one in at if at_values(found.where, one)]
    check_points(found, here[:8], tally)
    check_by_mode(found, here, tally)
    check_one_eigenvalue(found.one_eigenvalue, here[:8], tally)
    check_higher(found, here, tally)
    check_transition(found, here, tally)
    check_exact(found, here, tally)
    for where, special in found.special:
        there = [one for one in at if at_values(where, one)]
        tally.open += [f"{one} (a value of N)" for one in special.open]
        check_collapse(special, there, tally)
        _by_cases(replace(special, where=""), there, tally)


def check_expansion(expansion: Expansion, at: list[Setting], tally: Tally) -> None:
    """Its value at a random W."""
    emitted = numeric.kernel(expansion)
    bias = expansion.bias
    for setting in at:
        W = 0.5 * np.random.default_rng(setting.seed).standard_normal((setting.d1, setting.data.d0 + bias))
        numbers = setting.numbers
        names = emitted.arguments[4 if bias else 3 :]
        given = [numbers.get(name, numbers.get(name.rstrip("_"))) for name in names]
        d0 = setting.data.d0
        A0, Sigma = setting.data.A0, setting.data.A0 + setting.data.C
        claimed = float(emitted.value(W[:, :d0], A0, Sigma, *([W[:, d0]] if bias else []), *given))
        free = Landscape(setting.loss.through4.at(numbers), setting.letters, setting.d1)
        true = free.value(W)
        tally.judge(
            "expansion",
            expansion.text(),
            holds=abs(claimed - true) < 1e-8 * (1 + abs(true)),
            example=f"{claimed:.8g} and not {true:.8g} at {setting.text()}",
        )


def check_optimiser(expansion: Expansion, at: list[Setting], tally: Tally) -> None:
    """The audit's own comparison of the derived minima with an optimiser: nothing right is contradicted by it."""
    for setting in at:
        if setting.loss.limit:
            return
        found = minima.compare(expansion, dict(setting.values), setting.seed % 2**31)
        if not found.ran or found.agrees is None:
            tally.skip("the optimiser's own comparison: not run or not decided")
            continue
        example = f"off by {found.measured} at {dict(setting.values)}"
        tally.judge("the optimiser's own comparison", found.quantity, holds=bool(found.agrees), example=example)
