"""Statements about whether a loss is bounded below, against its lowest values far out and along rays."""

from __future__ import annotations

import re
from random import Random

import numpy as np

from statements.formulas import UnreadError, environment, holds, of_modes, read, value
from statements.functions import Peaks
from statements.minimising import Landscape
from statements.sentences import Said
from statements.settings import Setting, Tally
from statements.single_mode import NOT_A_NUMBER, _edge, alone

_GROWS = re.compile(
    r"in closed form(?:, for A0 and C that commute,)? each mode grows "
    r"(?:(?P<fast>faster than h)|like \((?P<rate>.+?)\) h)"
    r"(?:; where that vanishes like \((?P<edge>.+)\) log h)?"
)
_WHERE = "unbounded_where"
_NEARS = re.compile(r"nears (.+), beyond which a mean of exponentials is infinite")


def check_bounded(said: Said, settings: list[Setting], tally: Tally) -> None:
    """The verdict, the condition, and how it grows."""
    claim = said.below
    if claim is None:
        return
    verdict, reason, where = claim["verdict"], claim["reason"], claim[_WHERE]
    text = f"{verdict}; {reason}" + (f"; unbounded where {where}" if where else "")
    if NOT_A_NUMBER.search(reason) and "W = " not in reason:
        tally.judge("bounded: finite", text, holds=False, example="no real number")
    if verdict == "undecided":
        return
    elsewhere = claim.get("elsewhere") or ""
    exactly = elsewhere.startswith("bounded")
    for setting in settings:
        truth = setting.growth
        if truth.bounded is None:
            tally.skip("at the edge of being bounded")
            continue
        example = f"{'bounded' if truth.bounded else 'unbounded'} at {setting.text()}"
        if truth.bounded is False:
            _along(setting, truth.ray)
        if verdict == "bounded":
            tally.judge("bounded", text, holds=truth.bounded, example=example)
        elif verdict == "unbounded":
            tally.judge("unbounded", text, holds=not truth.bounded, example=example)
        elif verdict == "depends":
            outcomes = set()
            for k in (-0.02, 0.0, 0.02):
                a, c = setting.eigenvalues
                moved = setting.env | of_modes(a * (1 + k), c * (1 - k))
                outcomes |= {holds(one, moved) for one in (where, (said.correlations or {}).get(_WHERE)) if one}
            if len(outcomes) > 1:
                tally.skip("a condition at its edge")
                continue
            at_edge = holds(re.sub(r"([<>]) ", r"\1= ", where), setting.env | of_modes(a, c))
            if elsewhere.endswith("strictly") and not any(outcomes) and at_edge:
                tally.skip("a condition at its edge")
                continue
            if outcomes.pop():
                tally.judge("bounded: depends", text, holds=not truth.bounded, example=example)
            elif exactly or _along_one_mode(setting, reason):
                tally.judge("bounded: depends", text, holds=truth.bounded, example=example)
        else:
            raise UnreadError(text)
    match = _GROWS.fullmatch(reason)
    if match is not None:
        _check_rate(match, text, settings, tally)
    elif match := _NEARS.search(reason):
        _check_end(match[1], text, settings, tally)
    else:
        tally.skip("why a loss is bounded or not: told in words")


def _along_one_mode(setting: Setting, reason: str) -> bool:
    """Whether a condition on a W of one row along a mode is about all W that there are."""
    if "exactly there if d1 = 1" in reason:
        return setting.d1 == 1
    return setting.data.d0 == setting.d1 == 1 and not setting.loss.loss.bias


def _check_end(shown: str, text: str, settings: list[Setting], tally: Tally) -> None:
    """Where a mean of exponentials diverges."""
    for setting in settings[:3]:
        end = float(value(read(shown), setting.env | of_modes(1.0, 1.0)))
        tally.judge(
            "bounded: end",
            text,
            holds=abs(end - _edge(setting)) < 1e-9 * end,
            example=f"{_edge(setting)} at {setting.text()}",
        )


def _along(setting: Setting, ray: np.ndarray | None) -> None:
    """That the ray on which it is said to fall does so: the bench's own check."""
    if ray is None or any(isinstance(one, Peaks) for one in setting.functions):
        return
    values = [setting.whole.value(t * ray) for t in (1e2, 1e3, 1e4)]
    if not values[0] > values[1] > values[2]:
        raise AssertionError(f"no ray to −∞: {values} at {setting.text()}, {setting.loss.parts}")


def _check_rate(match: re.Match[str], text: str, settings: list[Setting], tally: Tally) -> None:
    """ℓ(h) ≈ rate h + edge log h of one mode."""
    if any(one and NOT_A_NUMBER.search(one) for one in (match["rate"], match["edge"])):
        return
    for setting in settings[:5]:
        random = Random(setting.seed)
        a, c = (float(np.exp(random.uniform(-2.5, 1))) for _ in range(2))
        here = alone(setting, a, c)
        env = environment(setting.values) | of_modes(a, c)
        where = f"a = {a:.3g}, c = {c:.3g}, { ({k: round(v, 4) for k, v in setting.values.items()}) }"
        if np.isfinite(_edge(here)):
            tally.judge("bounded: growth", text, holds=False, example=f"h ends at {_edge(here):.3g}, {where}")
            continue
        landscape = here.whole
        at = [_of(landscape, h, a + c) for h in (1e4, 1e6)]
        slope = (at[1] - at[0]) / (1e6 - 1e4)
        if match["fast"]:
            tally.judge(
                "bounded: growth",
                text,
                holds=abs(slope) > 1e3 * abs(_of(landscape, 1.0, a + c)) / 1e3 and abs(slope) > 1.0,
                example=f"slope {slope:.4g}, {where}",
            )
            continue
        rate = float(value(read(match["rate"]), env))
        tally.judge(
            "bounded: growth",
            text,
            holds=abs(slope - rate) < 1e-3 * (1 + abs(rate)),
            example=f"slope {slope:.6g} and not {rate:.6g}, {where}",
        )
        if match["edge"]:
            measured = (at[1] - at[0] - rate * (1e6 - 1e4)) / np.log(100)
            edge = float(value(read(match["edge"]), env))
            tally.judge(
                "bounded: growth",
                text,
                holds=abs(measured - edge) < 2e-2 * (1 + abs(edge)),
                example=f"log h with {measured:.4g} and not {edge:.4g}, {where}",
            )


def _of(landscape: Landscape, h: float, s: float) -> float:
    W = np.zeros(landscape.shape)
    W[0, 0] = np.sqrt(h / s)
    return landscape.value(W)
