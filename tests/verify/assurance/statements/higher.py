"""Statements about landscapes without terms of order 4: what decides in their place."""

from __future__ import annotations

import numpy as np

from statements.formulas import UnreadError, read, value
from statements.minimising import rank
from statements.sentences import Said
from statements.settings import Setting, Tally

_ALONG = "W = 0 where all b_i are <= 0, and all W along modes with b_i = 0"


def check_higher(said: Said, settings: list[Setting], tally: Tally) -> None:
    """b_i, and where nothing beyond order 2 is left the minima."""
    claim = said.higher
    if claim is None:
        return
    text = claim["minima"]
    for setting in settings[:6]:
        b = np.asarray(value(read(claim["descent"]), setting.env)) * np.ones(setting.data.d0)
        a, c = setting.eigenvalues
        letters = {"A": a, "S": a + c, "I": np.ones(len(a))}
        linear = setting.through4.polynomial.of_order(2)
        true = -sum((weight * letters[key[1]] for key, weight in linear.terms.items()), start=0 * a)
        tally.judge(
            "higher: b_i",
            claim["descent"],
            holds=bool(np.allclose(b, true, atol=1e-9)),
            example=f"{true} and not {b} at {setting.text()}",
        )
        if setting.through4.polynomial.of_order(4).terms:
            tally.judge("higher: no order 4", text, holds=False, example=setting.text())
        if claim["order"] is not None or (not said.open and not setting.loss.known):
            tally.skip("what order 6 decides")
            continue
        if np.abs(b).min() < 1e-4 * max(1.0, np.abs(b).max()) and "constant" not in text:
            tally.skip("a condition at its edge")
            continue
        _check_quadratic(text, bool((b > 0).any()), setting, tally)


def _check_quadratic(text: str, falls: bool, setting: Setting, tally: Tally) -> None:
    """Minima of −Σ b_i g_i."""
    if text.startswith("the loss is constant"):
        constant = not setting.through4.polynomial.terms
        return tally.judge("higher: minima", text, holds=constant, example=setting.text())
    if text.startswith("none: the loss falls along every mode"):
        return tally.judge("higher: minima", text, holds=falls, example=setting.text())
    if not text.startswith(("W = 0: global", _ALONG)):
        raise UnreadError(text)
    if text.startswith("W = 0: global"):
        tally.judge("higher: minima", text, holds=not falls, example=setting.text())
    bounded = setting.growth4.bounded
    if bounded is None:
        return tally.skip("at the edge of being bounded")
    tally.judge("higher: minima", text, holds=bounded != falls, example=setting.text())
    if bounded and setting.ends[0].converged:
        found = rank(setting.ends[0].W[:, : setting.data.d0], setting.data.A0 + setting.data.C, 1.0)
        if found is not None:
            tally.judge("higher: minima", text, holds=found == 0, example=f"rank {found} at {setting.text()}")
    return None
