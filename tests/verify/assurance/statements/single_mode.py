"""Statements about one mode alone: how it appears, and where it ends on the loss itself, against scans."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from scipy.optimize import brentq

from statements.formulas import Tree, environment, of_modes, read, value
from statements.functions import LogDet
from statements.minimising import Landscape
from statements.polynomials import Array, Data
from statements.sentences import Said
from statements.settings import Setting, Tally

NOT_A_NUMBER = re.compile(r"\b(?:nan|zoo|oo|I)\b")


def alone(setting: Setting, a: float, c: float, values: dict[str, float] | None = None) -> Setting:
    """The same loss with one mode and one row."""
    return replace(setting, data=Data(np.array([[a]]), np.array([[c]])), d1=1, values=values or setting.values)


def _at(landscape: Landscape, w: float) -> float:
    W = np.zeros(landscape.shape)
    W[0, 0] = w
    return landscape.value(W)


def check_transition(said: Said, settings: list[Setting], tally: Tally) -> None:
    """ε, the exponent, both rates: moved across ε = 0 by a_i, c_i or a parameter, on the landscape by hand."""
    if said.transition is None:
        return None
    claim = said.transition
    text = f"ε = {claim['descent']}: w ∝ ε^{claim['exponent']}"
    if settings[0].loss.loss.bias:
        return tally.skip("a transition beside a bias")
    if claim["descent"] == "0":
        return tally.judge("transition: ε ≡ 0", text, holds=False, example="it does not depend on anything")
    descent, exponent = read(claim["descent"]), float(value(read(claim["exponent"]), {}))
    rates = [read(claim[name].replace("epsilon", "x")) for name in ("rate_kept", "rate_collapsed")]
    for setting in settings[:5]:
        random = Random(setting.seed)
        a, c = (float(np.exp(random.uniform(-2, 1))) for _ in range(2))
        one = alone(setting, a, c).through4
        step = 1e-4
        epsilon = -(_at(one, step) - _at(one, 0.0)) / step**2
        claimed = float(value(descent, environment(setting.values) | of_modes(a, c)))
        tally.judge(
            "transition: ε",
            text,
            holds=abs(epsilon - claimed) < 1e-5 * (1 + abs(epsilon)),
            example=f"{epsilon:.6g} and not {claimed:.6g} at a = {a:.3g}, c = {c:.3g}, {dict(setting.values)}",
        )
        near = _close_to_transition(setting, a, c)
        if near is None:
            # ε keeps its sign: what is left to see is whether something holds the mode back.
            q = _quartic(one)
            if q < -1e-6:
                tally.judge(
                    "transition: exponent",
                    text,
                    holds=False,
                    example=f"q = {q:.4g} at a = {a:.3g}, c = {c:.3g}, {dict(setting.values)}",
                )
            tally.skip("no transition within reach")
            continue
        here, below = near(-1e-3)
        rate = _curvature(here)
        tally.judge(
            "transition: rate below",
            text,
            holds=abs(float(value(rates[1], {"x": -below})) - rate) < 1e-2 * rate,
            example=f"{rate / -below:.4g} |ε| at {setting.text()}",
        )
        points = []
        for share in (1e-3, 1e-4, 1e-5):
            here, size = near(share)
            found = _minimum(here, size)
            if found is None:
                tally.judge(
                    "transition: exponent",
                    text,
                    holds=False,
                    example=f"the mode does not appear continuously at {setting.text()}",
                )
                break
            points.append((size, *found))
        if len(points) < 3:
            continue
        sizes, places, curvatures = (np.array(column) for column in zip(*points, strict=True))
        slope = np.polyfit(np.log(sizes), np.log(places), 1)[0]
        tally.judge(
            "transition: exponent", text, holds=abs(slope - exponent) < 0.02, example=f"{slope:.3f} at {setting.text()}"
        )
        kept = np.array([float(value(rates[0], {"x": size})) for size in sizes])
        tally.judge(
            "transition: rate above",
            text,
            holds=bool(np.allclose(kept, curvatures, rtol=0.02)),
            example=f"{curvatures[-1] / sizes[-1]:.3f} ε at {setting.text()}",
        )
    return None


def _close_to_transition(setting: Setting, a: float, c: float):  # type: ignore[no-untyped-def]
    """A way to landscapes with ε a small share of its size, by moving a, c or a parameter."""
    movable = ["a", "c", *(name for name in setting.values if name not in ("N", "rho"))]

    def epsilon(name: str, log: float) -> tuple[Landscape, float]:
        values = dict(setting.values)
        at = {"a": a, "c": c}
        (at if name in at else values)[name] = float(np.exp(log))
        one = alone(setting, at["a"], at["c"], values).through4
        linear = one.polynomial.of_order(2)
        letters = {"A": at["a"], "S": at["a"] + at["c"], "I": 1.0}
        return one, -sum(weight * letters[key[1]] for key, weight in linear.terms.items())

    for name in movable:
        grid = np.linspace(-6, 6, 25)
        found = [epsilon(name, log)[1] for log in grid]
        for k in range(len(grid) - 1):
            if found[k] * found[k + 1] < 0:
                root = brentq(lambda log, name=name: epsilon(name, log)[1], grid[k], grid[k + 1], xtol=1e-14)
                side = 1 if found[k + 1] > 0 else -1
                return lambda share, name=name, root=root, side=side: epsilon(name, root + side * share)
    return None


def _curvature(landscape: Landscape, step: float = 1e-5) -> float:
    """d²L/dw² at w = 0."""
    return 2 * (_at(landscape, step) - _at(landscape, 0.0)) / step**2


def _minimum(landscape: Landscape, epsilon: float) -> tuple[float, float] | None:
    """The nearest minimum w > 0 and its curvature; None where there is none that goes to 0 with ε."""

    def slope(w: float) -> float:
        W = np.zeros(landscape.shape)
        W[0, 0] = w
        return float(landscape.with_slope(W)[1][0, 0])

    grid = np.sqrt(epsilon) * np.logspace(-3, 3, 200)
    values = [slope(w) for w in grid]
    for k in range(len(grid) - 1):
        if values[k] < 0 <= values[k + 1]:
            w = brentq(slope, grid[k], grid[k + 1], xtol=1e-18, rtol=1e-13)
            step = 1e-4 * w
            return w, (slope(w + step) - slope(w - step)) / (2 * step)
    return None


def _edge(setting: Setting) -> float:
    """The largest h of one mode within the domain."""
    return min((-1 / one.mu for one in setting.functions if isinstance(one, LogDet) and one.mu < 0), default=np.inf)


def check_exact(said: Said, settings: list[Setting], tally: Tally) -> None:
    """The landscape to all orders, one mode at a time, as a function of h = (a + c) w²."""
    for line in said.exact_lines:
        shown = re.sub(r"\w+ → ∞: ", "", line)
        tally.judge("all orders: finite", line, holds=not NOT_A_NUMBER.search(shown), example="no real number")
    claim = said.exact
    if claim is None:
        return None
    if claim["of_the_limit"]:
        return tally.skip("the limit N → ∞ of the exact landscape")
    heights = (
        [read(one) for one in claim["stationary"]] if not any(map(NOT_A_NUMBER.search, claim["stationary"])) else []
    )
    shown = "; ".join(claim["stationary"])
    for setting in settings[:6]:
        random = Random(setting.seed)
        a, c = (float(np.exp(random.uniform(-2.5, 1))) for _ in range(2))
        here = alone(setting, a, c)
        landscape, edge = here.whole, _edge(here)

        def loss(h: float, landscape: Landscape = landscape, s: float = a + c) -> float:
            return _at(landscape, np.sqrt(h / s))

        def slope(h: float, landscape: Landscape = landscape, s: float = a + c) -> float:
            """dL/dh."""
            W = np.zeros(landscape.shape)
            W[0, 0] = w = np.sqrt(h / s)
            return float(landscape.with_slope(W)[1][0, 0]) / (2 * w * s)

        env = environment(setting.values) | of_modes(a, c)
        where = f"a = {a:.3g}, c = {c:.3g}, { ({k: round(v, 4) for k, v in setting.values.items()}) }"
        level = float(np.real(value(read(claim["level"]), env)))
        _check_told(said, claim, level, heights, env, tally)
        measured = -slope(1e-7)
        tally.judge(
            "all orders: level",
            claim["level"],
            holds=abs(level - measured) < 1e-4 * (1 + abs(level)),
            example=f"{measured:.6g} and not {level:.6g}, {where}",
        )
        roots = _roots(slope, edge)
        if heights:
            with np.errstate(all="ignore"):
                claimed = [complex(value(one, env)) for one in heights]
            real = [one.real for one in claimed if abs(one.imag) < 1e-9 * abs(one) and one.real > 1e-6]
            if claim.get("domain"):
                # What is listed is listed within it.
                match = re.fullmatch(r"h_i < (.+)", claim["domain"])
                if match is None:
                    tally.skip("a domain that is not known")
                    continue
                end = float(value(read(match[1]), env))
                tally.judge(
                    "all orders: domain",
                    claim["domain"],
                    holds=abs(end - edge) < 1e-9 * edge,
                    example=f"{end:.6g} and not {edge:.6g}, {where}",
                )
                real = [one for one in real if one < end]
            outside = [one for one in real if one >= edge]
            tally.judge(
                "all orders: in the domain",
                shown,
                holds=not outside,
                example=f"h = {outside} beyond {edge:.4g}, {where}",
            )
            for one in real:
                if one < edge * (1 - 1e-9) and one < 1e7:
                    tally.judge(
                        "all orders: stationary",
                        shown,
                        holds=abs(slope(one)) < 1e-6 * (1 + abs(level)),
                        example=f"dL/dh = {slope(one):.3g} at h = {one:.6g}, {where}",
                    )
            missing = [
                root for root in roots if 1e-5 < root < 1e5 and not any(abs(one - root) < 1e-4 * root for one in real)
            ]
            tally.judge("all orders: no other", shown, holds=not missing, example=f"also h = {missing}, {where}")
        _check_exact_collapse(claim["collapse"], loss, roots, here, env, tally, where)
        if claim["ratio_near_transition"] is not None:
            _check_ratio(claim["ratio_near_transition"], slope, here, env, tally, where, edge)
    return None


def _check_told(said: Said, claim: dict[str, Any], level: float, heights: list[Tree], env, tally: Tally) -> None:  # type: ignore[no-untyped-def]
    """The same in λ_i and in the line that is printed: equal to what is given in a_i and c_i."""
    with np.errstate(all="ignore"):
        plain = np.sort_complex([complex(value(one, env)) for one in heights])
        told = said.correlations["exact"] if said.correlations else None
        assert told is not None
        if told["level"] is not None:
            same = abs(float(np.real(value(read(told["level"]), env))) - level) < 1e-9 * (1 + abs(level))
            tally.judge("all orders: level in λ_i", told["level"], holds=same, example=f"not {level:.6g}")
        if told["collapse"] not in (None, "True", "False"):
            here, there = (bool(value(read(one), env)) for one in (told["collapse"], claim["collapse"]))
            tally.judge("all orders: collapse in λ_i", told["collapse"], holds=here == there, example=claim["collapse"])
        forms = [told["stationary"]] if None not in told["stationary"] else []
        printed = (re.match(r"(?:\w+ → ∞: )?(h_i = .+), the eigenvalues of ", line) for line in said.exact_lines)
        forms += [[one.removeprefix("h_i = ") for one in found[1].split("; ")] for found in printed if found]
        for form in forms:
            shown = np.sort_complex([complex(value(read(one), env)) for one in form])
            same = shown.shape == plain.shape and bool(np.allclose(shown, plain, rtol=1e-9, equal_nan=True))
            if heights:
                tally.judge("all orders: stationary in λ_i", "; ".join(form), holds=same, example=f"not {plain}")


def _roots(slope, edge: float) -> list[float]:  # type: ignore[no-untyped-def]
    top = np.log(edge) - 1e-9 if np.isfinite(edge) else np.log(1e6)
    grid = np.exp(np.linspace(np.log(1e-6), top, 400))
    if np.isfinite(edge):
        grid = np.unique(np.concatenate((grid, edge * (1 - np.logspace(-9, -0.5, 80)))))
        grid = grid[grid < edge]
    values = [slope(h) for h in grid]
    return [
        float(brentq(slope, grid[k], grid[k + 1], xtol=1e-15, rtol=1e-13))
        for k in range(len(grid) - 1)
        if np.isfinite([values[k], values[k + 1]]).all() and values[k] * values[k + 1] < 0
    ]


def _check_exact_collapse(text, loss, roots, here: Setting, env, tally: Tally, where: str) -> None:  # type: ignore[no-untyped-def]
    if text is None:
        return None
    bounded = here.growth.bounded
    if bounded is None:
        return tally.skip("at the edge of being bounded")
    if not bounded:
        # There is no minimum: that it is at 0 is wrong, that it is not says nothing.
        if text == "True":
            tally.judge("all orders: collapse", text, holds=False, example=f"unbounded, {where}")
        return tally.skip("a minimum where the loss is unbounded")
    values = [loss(root) for root in roots] + [loss(1e-12)]
    size = max(map(abs, values)) + 1e-6
    best = min(values)
    if max(values) - best < 1e-7 * size and roots:
        return tally.skip("minima that tie")
    collapsed = best == values[-1]
    if text in ("True", "False"):
        claimed = text == "True"
    else:
        tree = read(text)
        outcomes = {
            bool(value(tree, env | of_modes(env["a_i"] * (1 + k), env["c_i"] * (1 - k)))) for k in (-0.01, 0.0, 0.01)
        }
        if len(outcomes) > 1:
            return tally.skip("a condition at its edge")
        claimed = outcomes.pop()
    tally.judge(
        "all orders: collapse", text, holds=claimed == collapsed, example=f"{'lost' if collapsed else 'kept'}, {where}"
    )
    return None


def _check_ratio(text: str, slope, here: Setting, env, tally: Tally, where: str, edge: float) -> None:  # type: ignore[no-untyped-def]
    """h through order 4 over h to all orders, as b → 0: of L + (level − b) h."""
    if NOT_A_NUMBER.search(text):
        return tally.judge("all orders: ratio", text, holds=False, example="no number")
    level = -slope(1e-9)
    q = (slope(2e-5) + level) / (2 * 2e-5)
    fourth = here.through4
    s = float(env["a_i"] + env["c_i"])
    quartic = _quartic(fourth) / s**2
    if abs(quartic) < 1e-9:
        return tally.skip("no quartic")
    if abs(q - quartic) > 1e-2 * (1 + abs(quartic)):
        return tally.skip("a quartic too close to nothing")
    tree = read(text)
    b = 1e-3 * quartic * min(1.0, edge)
    target = lambda h: slope(h) + level - b  # noqa: E731
    guess = b / (2 * quartic)
    low, high = target(guess * 0.5), target(min(guess * 2, edge * 0.99))
    if low * high > 0:
        return tally.skip("no root near the transition")
    exact = brentq(target, guess * 0.5, min(guess * 2, edge * 0.99), xtol=1e-16)
    measured = guess / exact
    claimed = float(np.real(value(tree, env | {"b_i": b})))
    error = 3e-5 + 30 * (measured - 1) ** 2
    tally.judge(
        "all orders: ratio",
        text,
        holds=abs(measured - claimed) < error,
        example=f"{measured:.6f} and not {claimed:.6f} at b = {b:.3g}, {where}",
    )
    return None


def _quartic(landscape: Landscape) -> float:
    """The coefficient of w⁴ of one mode."""
    one, two = _at(landscape, 1.0), _at(landscape, 2.0)
    return (two - 4 * one) / 12


__all__ = ["Array", "check_exact", "check_transition"]
