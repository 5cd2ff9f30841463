"""Code compared with a definition by their averages.

A definition is the average over an anchor and its samples; it does not depend on which view its negatives take, nor
on whether both directions are averaged. So code and definition are averaged exactly over the same small laws of the
data, at small batches, and over the same random batches at a larger one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError, Loss
from derive.definition.expression import Average, ViewAverage, free_views, walk
from derive.definition.views import View
from verify.audits.blackbox.against.batches import Batch
from verify.audits.blackbox.against.laws import drawn as given_batches
from verify.audits.blackbox.against.laws import few_points
from verify.audits.blackbox.against.values import EPSILON, Pair, Values, judged, status
from verify.audits.blackbox.batches import SEEN
from verify.evidence.agreement import BATCHES
from verify.evidence.evidence import Evidence
from verify.truths import many
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.function import BlackBox
from verify.truths.truth import Setting

Array = NDArray[np.float64]
TS = (0.1, 0.3, 1.0, 3.0)
LAWS, MORE_LAWS = 4, 10
# The most values of a batch that are averaged over.
MOST = 600
LARGER, DRAWS = 8, 200
# A standard error of more than this fraction of the spread of the value decides nothing.
NOISY = 0.1
_N = sympy.Symbol("N")


def at_size(definition: Loss, size: int) -> Loss | None:
    """The definition for batches of N; None where it is only for other sizes.

    >>> from derive import catalogue
    >>> at_size(catalogue("infonce-batch"), 4).batch_size, at_size(catalogue("infonce"), 4).batch_size
    (4, None)

    """
    here = definition.set({"N": size}) if "N" in definition.parameters else definition
    batch = here.batch_size
    return here if batch is None or batch == size else None


def why_not(definition: Loss) -> str:
    """Why a definition has no value on embeddings; "" where it has one."""
    nodes = list(walk(definition.expression))
    if any(isinstance(node, ViewAverage) for node in nodes):
        return "it holds means over further views of a datum, and a batch has two"
    if any(isinstance(node, Average) and node.over[0].white for node in nodes):
        return "it holds ‖W‖², which is not a function of embeddings"
    data: dict[str, set[View]] = {}
    for node in nodes:
        for view in free_views(node):
            data.setdefault(view.datum, set()).add(view)
    if any(len(seen) > 2 for seen in data.values()):
        return "it takes more than two views of a datum"
    if definition.encoders == 2 and any(len(seen) > len({view.role for view in seen}) for seen in data.values()):
        return "it takes two views of a datum through one encoder, and a batch has one through each"
    return ""


def average(definition: Loss) -> Callable[[Setting, Array, int], Array]:
    """The average of a definition in a setting, at several t."""

    def at(setting: Setting, ts: Array, degree: int) -> Array:
        here = at_size(definition, setting.batch or 0)
        if here is None:
            message = f"{definition.name} is of another batch"
            raise InputError(message)
        with np.errstate(all="ignore"):
            return np.asarray(EvaluatedTruth(here, setting).averaged(ts, degree))

    return at


def compare_averages(
    box: BlackBox, definition: Loss, *, smallest: int, rounding: float, constant: bool = False, seed: int = 0
) -> Values:
    """Code and definition averaged over the same small laws of the data, exactly, at small and at large W.

    Args:
        box: the code.
        definition: with numbers for its parameters, N excepted.
        smallest: the smallest batch that the code takes.
        rounding: the relative error of one value of the code.
        constant: whether the code is constant along z → s z.
        seed: of the laws.

    """
    pairs: list[Pair] = []
    notes: list[str] = []
    # Unit vectors do not depend on t.
    ts, laws = ((1.0,), MORE_LAWS) if constant else (TS, LAWS)
    for size in (smallest, smallest + 1):
        if at_size(definition, size) is None:
            notes.append(f"the definition is of a batch of {definition.batch_size}, not of {size}")
            continue
        for k in range(laws):
            law = few_points(seed + 100 * size + k, size, width=2 + k % 2, encoders=definition.encoders)
            if (4 * len(law.centres)) ** size > MOST:
                notes.append(f"a batch of {size} has too many values to average over exactly")
                break
            views, chances = law.points(0, size, SEEN[definition.encoders])
            embedded = np.stack([law.embedded(view) for view in views], axis=1)
            by_definition = average(definition)(law, np.array(ts), 0)
            for t, theirs in zip(ts, by_definition, strict=True):
                values = many.values(box, t * embedded)
                mine = float(chances @ values)
                size_of = float(chances @ np.abs(values)) if np.isfinite(values).all() else np.inf
                tolerance = 2e3 * rounding * max(1.0, size_of)
                one = status(mine, float(theirs), tolerance)
                pairs.append(Pair(Batch(t * embedded[0], t), mine, float(theirs), tolerance, one))
    found = judged(pairs, tuple(dict.fromkeys(notes)))
    return replace(found, kind="beyond", relation=None) if found.agrees is False and _beyond(pairs) else found


def on_random_batches(box: BlackBox, definition: Loss, *, smallest: int, offset: bool, seed: int = 0) -> Evidence:
    """Code minus definition at a larger batch, averaged over random batches, each datum the anchor in turn.

    Args:
        box: the code.
        definition: with numbers for its parameters, N excepted.
        smallest: the smallest batch that the code takes.
        offset: whether the two are known to differ by a constant, which is then ignored.
        seed: of the batches.

    """
    size = max(LARGER, smallest)
    quantity = f"the code's value less the definition's, on random batches of N = {size}"
    here = at_size(definition, size)
    means = [node for node in walk(definition.expression) if isinstance(node, Average)]
    if here is None or any(node.count is None for node in means):
        what = "it has means over the population" if here else f"it is of a batch of {definition.batch_size}"
        return Evidence("monte-carlo", quantity, ran=False, note=f"the definition has no value on such a batch: {what}")
    rng = np.random.default_rng(seed + 21)
    drawn = [(rng.standard_normal((1, size, 2)) + rng.standard_normal((2, size, 2))) / 2 for _ in range(DRAWS)]
    # In both directions, since the choice of the anchor's view is a convention; an encoder is none.
    z = np.stack([one[::way] for one in drawn for way in ((1, -1) if definition.encoders == 1 else (1,))])
    theirs = _on(here, z)
    try:
        mine = many.values(box, z)
    except InputError as error:
        return Evidence("monte-carlo", quantity, ran=False, note=str(error))
    apart, values = ((one.reshape(DRAWS, -1).mean(1)) for one in (mine - theirs, mine))
    return _held(apart, values, quantity, offset=offset, seed=seed)


def depends_on_length(box: BlackBox, *, size: int, rounding: float, seed: int = 0) -> bool:
    """Whether the value depends on the length of any embedding: each row is scaled by its own factor.

    >>> import torch.nn.functional as F
    >>> def loss(z1, z2):
    ...     return -(F.normalize(z1) * F.normalize(z2)).sum(1).mean()
    >>> depends_on_length(BlackBox(loss), size=3, rounding=2e-16)
    False

    """
    rng = np.random.default_rng(seed + 31)
    for width in (2, 3, 5):
        z = rng.standard_normal((2, size, width))
        values = [box(z * rng.uniform(0.5, 3.0, (2, size, 1))) for _ in range(3)]
        within = max(1e-6, 1e4 * rounding) * max(1.0, float(np.abs(values).max()))
        if not np.isfinite(values).all() or np.ptp(values) > within:
            return True
    return False


def _beyond(pairs: Sequence[Pair]) -> bool:
    """Whether the two are equal at small W and differ only at large W, as where a hinge comes into play."""
    apart = [pair.batch.scale for pair in pairs if pair.status == "different"]
    near = [pair for pair in pairs if pair.batch.scale < min(apart)]
    return len(near) >= LAWS and all(pair.status == "equal" for pair in near)


def _on(definition: Loss, z: Array) -> Array:
    """The definition on batches, (B, 2, N, d), the mean over anchors: (B,)."""
    rows = len(z) * z.shape[2]
    with np.errstate(all="ignore"):
        truth = EvaluatedTruth(definition, given_batches(z))
        values = truth.drawn(np.ones(1), 0, np.random.default_rng(0), rows)
        return np.asarray(values.reshape(len(z), -1).mean(1))


def _held(apart: Array, values: Array, quantity: str, *, offset: bool, seed: int) -> Evidence:
    """Evidence from a mean difference against 0, or against a constant."""
    if not np.isfinite(apart).all():
        return Evidence("monte-carlo", quantity, ran=False, note="a value is not finite")
    mean, size = float(apart.mean()), float(np.abs(values).max())
    error = max(float(apart.std(ddof=1) / np.sqrt(len(apart))), 1e-12 * max(1.0, size), EPSILON * size)
    spread = float(values.std())
    note = f"{len(apart)} batches; the value itself varies by {spread:.2g}"
    if offset:
        # Equal up to a constant: only the variation is left to compare.
        constant = True if apart.std() <= 1e-6 * max(spread, 1e-12) else None
        what = f"{quantity}, its spread"
        return Evidence("monte-carlo", what, 0.0, float(apart.std()), agrees=constant, seed=seed, note=note)
    agrees = BATCHES.decide(mean, error, len(apart), sees=error < NOISY * max(spread, abs(mean)))
    return Evidence("monte-carlo", quantity, 0.0, mean, error, "standard error", agrees, seed, note)
