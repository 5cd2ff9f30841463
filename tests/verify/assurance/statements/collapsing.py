"""Statements about which modes are zero at the minima, against the rank where optimisers end."""

from __future__ import annotations

import numpy as np

from statements.formulas import holds, of_modes, value
from statements.minimising import End, Growth, Landscape, rank
from statements.sentences import Cases, Claim, Said, When
from statements.settings import Setting, Tally


def truth(setting: Setting, when: When | None) -> bool | None:
    """Whether a condition holds at a setting; None where it is close to its edge."""
    if when is None:
        return None
    if when.formula is None:
        return when.text == "always"
    random = np.random.default_rng(0)
    found = {_holds(setting, when, None)} | {_holds(setting, when, random) for _ in range(4)}
    return found.pop() if len(found) == 1 else None


def at_setting(cases: Cases, setting: Setting) -> When | None:
    """What is said of the values of a setting."""
    return next((when for where, when in cases if not where or at_values(where, setting)), None)


def at_values(where: str, setting: Setting) -> bool:
    """Whether ``N >= 3`` or the like holds at a setting; true of nothing said."""
    return not where or holds(where.replace("≥", ">=").replace(" = ", " == "), setting.env)


def _holds(setting: Setting, when: When, noise: np.random.Generator | None) -> bool:
    env = dict(setting.env)
    if noise is not None:
        env |= of_modes(*(env[name] * (1 + 0.02 * noise.standard_normal(len(env[name]))) for name in ("a_i", "c_i")))
    if when.q is not None:
        env["q_j"] = value(when.q, env)
    assert when.formula is not None
    each = np.asarray(value(when.formula, env))
    return bool(each.any() if when.quantifier == "some" else each.all())


def lowest(
    setting: Setting, landscape: Landscape, ends: list[End], bounded: Growth, tally: Tally
) -> tuple[End, int] | None:
    """The global minimum and its rank, where both are clear."""
    if bounded.bounded is None:
        return tally.skip("at the edge of being bounded")
    best = ends[0]
    if not np.isfinite(best.value) or not best.converged:
        return tally.skip("the optimiser did not converge")
    X = setting.data.A0 + setting.data.C
    level = landscape.value(0 * best.W) if landscape.norm is None else np.inf
    if abs(best.value - level) < 1e-9 and float(np.abs(best.W).max()) < 0.05:
        # So flat a minimum at W = 0 that the optimiser stops beside it.
        return best, 0
    W = best.W[:, : setting.data.d0]
    size = max(float(np.abs(np.linalg.eigvalsh(W.T @ W)).max()) * float(np.trace(X)), 1e-3)
    found = rank(W, X, size)
    if found is None:
        return tally.skip("a mode on the verge")
    same = {
        rank(one.W[:, : setting.data.d0], X, size)
        for one in ends
        if abs(one.value - best.value) < 1e-7 * (1 + abs(best.value)) and one.converged
    }
    if len(same) > 1:
        return tally.skip("minima of different ranks tie")
    return best, found


def check_collapse(said: Said, settings: list[Setting], tally: Tally) -> None:
    """dimensional and complete, never and always among them, for d1 ≥ d0."""
    for setting in settings:
        d0 = setting.data.d0
        if setting.d1 < d0 + setting.loss.loss.bias:
            continue
        conditions = (("dimensional", "", said.dimensional), ("complete", "", said.complete), *said.told)
        for name, form, cases in conditions:
            when = at_setting(cases, setting)
            if when is None:
                continue
            kind = f"collapse, {name}: {when.text if when.formula is None else 'condition'}{form}"
            text = f"{name}: {when.text}"
            if setting.growth4.bounded is False:
                if any("where some b_i > 0 there is no minimum" in note for note in said.notes) and not truth(
                    setting, when
                ):
                    continue
                tally.judge(kind + ", unbounded", text, holds=False, example=f"no minimum at {setting.text()}")
                continue
            found = lowest(setting, setting.through4, setting.ends, setting.growth4, tally)
            if found is None:
                continue
            if d0 == 1 and name == "dimensional" and when.text == "always" and found[1] == 1:
                # Where one mode alone is kept none is lost of one.
                tally.skip("one mode alone, of one")
                continue
            wanted = found[1] < d0 if name == "dimensional" else found[1] == 0
            claimed = truth(setting, when)
            if claimed is None:
                tally.skip("a condition at its edge")
                continue
            tally.judge(kind, text, holds=claimed == wanted, example=f"rank {found[1]} at {setting.text()}")
            if any("one mode alone" in note for note in said.notes):
                tally.judge(
                    "one mode alone",
                    "one mode alone is kept",
                    holds=found[1] <= 1,
                    example=f"rank {found[1]} at {setting.text()}",
                )


def check_claim(said: Said, settings: list[Setting], tally: Tally) -> None:
    """The first sentence of the audit."""
    claim = said.claim
    if claim is None:
        return
    if claim.depends not in ("", "?"):
        for setting in settings:
            if setting.growth.bounded is not None and holds(claim.depends, setting.env):
                tally.judge(
                    "answer: unbounded where", claim.text, holds=not setting.growth.bounded, example=setting.text()
                )
    if claim.kind.startswith("open"):
        if claim.kind == "open, bounded":
            for setting in settings:
                if setting.growth.bounded is not None:
                    tally.judge(
                        "answer: bounded", claim.text, holds=bool(setting.growth.bounded), example=setting.text()
                    )
        return
    for setting in settings:
        if at_values(claim.where, setting):
            _check_at(claim, setting, tally)


def _check_at(claim: Claim, setting: Setting, tally: Tally) -> None:
    d0 = setting.data.d0
    # In the limit of a penalty there is one landscape, at the norm that it fixes.
    whole = not claim.through4 and not setting.loss.limit
    known = setting.loss.known or not whole
    grown = setting.growth if whole else setting.growth4
    kind = f"answer: {claim.kind}" + (", through order 4" if claim.through4 else "")
    if claim.kind in ("unbounded", "falls through order 4"):
        if grown.bounded is None:
            tally.skip("at the edge of being bounded")
        else:
            tally.judge(kind, claim.text, holds=not grown.bounded, example=setting.text())
        return
    if setting.d1 < d0 + setting.loss.loss.bias:
        return
    if grown.bounded is False:
        if not claim.depends:
            tally.judge(kind + ", unbounded", claim.text, holds=False, example=f"no minimum at {setting.text()}")
        return
    if not known:
        tally.skip("the loss itself is not known in numbers")
        return
    found = lowest(
        setting,
        setting.whole if whole else setting.through4,
        setting.whole_ends if whole else setting.ends,
        grown,
        tally,
    )
    if found is None:
        return
    rank_found = found[1]
    if d0 == 1 and claim.alone:
        tally.skip("one mode alone, of one")
        return
    example = f"rank {rank_found} at {setting.text()}"
    if claim.kind == "complete":
        tally.judge(kind, claim.text, holds=rank_found == 0, example=example)
        return
    if claim.kind == "keeps":
        positive = _positive(setting)
        if positive is not None:
            tally.judge(
                kind,
                claim.text,
                holds=rank_found == min(positive, setting.d1) and rank_found > 0,
                example=f"{positive} positive λ_i, {example}",
            )
        return
    for when, wanted in ((claim.some, rank_found < d0), (claim.every, rank_found == 0)):
        claimed = truth(setting, when)
        if when is not None and claimed is None:
            tally.skip("a condition at its edge")
        elif claimed is not None:
            tally.judge(kind, claim.text, holds=claimed == wanted, example=example)
    if claim.alone:
        tally.judge(kind, claim.text, holds=rank_found <= 1, example=example)


def _positive(setting: Setting) -> int | None:
    """How many directions the loss falls along at W = 0, in the metric of Σ; None where one is level."""
    linear = setting.through4.polynomial.of_order(2)
    B = -sum(
        (weight * setting.letters[letters] for (_, letters), weight in linear.terms.items()),
        start=0 * setting.letters["S"],
    )
    d0 = setting.data.d0
    values, vectors = np.linalg.eigh(setting.data.A0 + setting.data.C)
    root = vectors / np.sqrt(values) @ vectors.T
    found = np.linalg.eigvalsh(root @ B[:d0, :d0] @ root)
    if (np.abs(found) < 1e-3 * max(np.abs(found).max(), 1e-9)).any():
        return None
    return int((found > 0).sum())
