"""Two losses compared by their gradients: equal, one number times each other, or different.

The ratio tells what is wrong: one half where a reduction over processes lost a factor, 0 in one view where that view is
detached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.audits.blackbox.against.batches import Batch
from verify.audits.blackbox.against.relation import Group, named
from verify.audits.blackbox.against.values import FEWEST, SHARE, Pair
from verify.audits.blackbox.autograd import gradient
from verify.truths import many
from verify.truths.function import BlackBox, TooSlowError

Array = NDArray[np.float64]
Kind = Literal["equal", "ratio", "views", "different", "small", "nothing"]
# The change of a gradient that an epsilon explains, where the value shows one.
LOOSE = 1e-3
# A gradient of which more than this fraction is unknown decides nothing.
HIDDEN = 0.1


@dataclass(frozen=True)
class Gradients:
    """The result of comparing gradients.

    Attributes:
        kind: `equal`; `ratio`, parallel; `views`, parallel in each view by itself; `different`; `small`, apart as an
            epsilon makes it or on stray batches; `nothing` where there is none to compare.
        ratio: of the first loss's gradient to the second's, in words; for each view where they differ.
        note: what a reader should know.
        batches: the number that decide.

    """

    kind: Kind
    ratio: tuple[str, ...] = ()
    note: str = ""
    batches: int = 0

    @property
    def agrees(self) -> bool | None:
        """Whether the gradients are equal."""
        return {"equal": True, "small": None, "nothing": None}.get(self.kind, False)


@dataclass(frozen=True, eq=False)
class _Slopes:
    group: Group
    mine: Array
    theirs: Array
    tolerance: float


def compare_gradients(
    one: BlackBox, other: BlackBox, pairs: Sequence[Pair], *, rounding: float, names: tuple[str, str]
) -> Gradients:
    """Compare the gradients of two losses in the embeddings, on the batches on which their values were compared.

    >>> from verify.audits.blackbox.against.batches import batches
    >>> from verify.audits.blackbox.against.values import compare_values
    >>> one = BlackBox(lambda z1, z2: -(z1 * z2.detach()).sum(1).mean())
    >>> other = BlackBox(lambda z1, z2: -(z1 * z2).sum(1).mean())
    >>> values = compare_values(one, other, batches(0), rounding=2e-16, names=("one", "other"))
    >>> found = compare_gradients(one, other, values.pairs, rounding=2e-16, names=("one", "other"))
    >>> found.kind, found.ratio
    ('views', ('1', '0'))

    """
    slopes = []
    for pair in pairs:
        if pair.status == "silent":
            continue
        both = []
        for name, box in zip(names, (one, other), strict=True):
            try:
                found = gradient(box, pair.batch.z)
            except TooSlowError:
                raise
            except (RuntimeError, NotImplementedError, InputError) as error:
                return Gradients("nothing", note=f"{name} cannot be differentiated: {_first_line(error)}")
            if found is None:
                return Gradients("nothing", note=f"{name} has no graph (.item(), .detach(), NumPy)")
            both.append(found)
        slopes += _measured((one, other), pair, both[0], both[1], rounding)
    return _judged(slopes)


def own_gradient(box: BlackBox, on: Sequence[Batch], *, rounding: float) -> Gradients:
    """Compare the gradient by automatic differentiation with that of the values, by central differences.

    >>> from verify.audits.blackbox.against.batches import batches
    >>> box = BlackBox(lambda z1, z2: -(z1 * z2.detach()).sum(1).mean())
    >>> own_gradient(box, list(batches(0, (3,), (2,))), rounding=2e-16).ratio
    ('1', '0')

    """
    slopes = []
    for batch in on:
        value = box(batch.z)
        if not np.isfinite(value):
            continue
        try:
            mine = gradient(box, batch.z)
        except TooSlowError:
            raise
        except (RuntimeError, NotImplementedError, InputError) as error:
            return Gradients("nothing", note=f"the code cannot be differentiated: {_first_line(error)}")
        if mine is None:
            return Gradients("nothing", note="the code has no graph (.item(), .detach(), NumPy)")
        # Central differences at two steps: an error of order h⁴ is left, and estimated.
        step = batch.scale * rounding ** (1 / 5)
        one, half = _by_differences(box, batch.z, step), _by_differences(box, batch.z, step / 2)
        theirs = (4 * half - one) / 3
        allowed = 0.1 * float(np.linalg.norm(half - one)) + 1e3 * rounding * max(1.0, abs(value)) / step
        if np.isfinite(mine).all() and np.isfinite(theirs).all():
            slopes.append(_Slopes(batch.group, mine, theirs, allowed + 1e-6 * float(np.linalg.norm(theirs))))
    return _judged(slopes)


def _by_differences(box: BlackBox, z: Array, step: float) -> Array:
    changes = step * np.eye(z.size).reshape(-1, *z.shape)
    ahead, behind = many.values(box, np.concatenate([z + changes, z - changes])).reshape(2, *z.shape)
    return np.asarray((ahead - behind) / (2 * step))


def _measured(
    boxes: tuple[BlackBox, BlackBox], pair: Pair, mine: Array, theirs: Array, rounding: float
) -> list[_Slopes]:
    """Both gradients, and their possible change by rounding and, where the values show one, by an epsilon."""
    if not np.isfinite(mine).all() or not np.isfinite(theirs).all():
        return []
    z = pair.batch.z
    moved = z * (1 + 8 * rounding * np.random.default_rng(0).standard_normal(z.shape))
    noise = 0.0
    for box, here in zip(boxes, (mine, theirs), strict=True):
        there = gradient(box, moved)
        noise += 0.0 if there is None or not np.isfinite(there).all() else float(np.linalg.norm(there - here))
    size = max(float(np.linalg.norm(mine)), float(np.linalg.norm(theirs)))
    shortest = max(float(np.linalg.norm(z, axis=2).min()), 1e-300)
    tolerance = 30 * noise + 200 * rounding * (size + max(1.0, abs(pair.a), abs(pair.b)) / shortest)
    if pair.status == "small":
        # The effect of an epsilon on the gradient is that on the value over the size of an embedding.
        tolerance += LOOSE * size + 100 * abs(pair.a - pair.b) / shortest
    if tolerance > HIDDEN * size:
        return []
    return [_Slopes(pair.batch.group, mine, theirs, tolerance)]


def _judged(slopes: Sequence[_Slopes]) -> Gradients:
    if not slopes:
        return Gradients("nothing", note="no gradient is finite and larger than rounding on any batch")
    differ = [one for one in slopes if np.linalg.norm(one.mine - one.theirs) > one.tolerance]
    if not differ:
        return Gradients("equal", batches=len(slopes))
    if len(differ) < FEWEST or len(differ) < SHARE * len(slopes):
        return Gradients("small", note=f"apart on {len(differ)} of {len(slopes)} batches alone", batches=len(slopes))
    whole = _ratio(slopes, slice(None))
    if whole is not None:
        return Gradients("ratio", (whole,), batches=len(slopes))
    views = [_ratio(slopes, slice(k, k + 1)) for k in range(2)]
    if views[0] is not None and views[1] is not None:
        return Gradients("views", (views[0], views[1]), batches=len(slopes))
    return Gradients("different", note=_angle(slopes), batches=len(slopes))


def _ratio(slopes: Sequence[_Slopes], views: slice) -> str | None:
    """The ratio of the gradients in some of the views, one number for each N and d."""
    by_group: dict[Group, list[float]] = {}
    shares: list[float] = []
    if all(np.linalg.norm(one.theirs[views]) <= one.tolerance for one in slopes):
        return "∞, the other's is 0"
    for one in slopes:
        mine, theirs = one.mine[views], one.theirs[views]
        below = float((theirs**2).sum())
        if np.sqrt(below) < 1e3 * one.tolerance:
            # A gradient that is only rounding can have any ratio to another.
            if np.linalg.norm(mine) > 1e3 * one.tolerance + 1e3 * np.sqrt(below):
                return None
            continue
        ratio = float((mine * theirs).sum()) / below
        if np.linalg.norm(mine - ratio * theirs) > 3 * (1 + abs(ratio)) * one.tolerance:
            return None
        by_group.setdefault(one.group, []).append(ratio)
        shares.append(one.tolerance / np.sqrt(below))
    if not by_group:
        return None
    middle = {group: float(np.median(found)) for group, found in by_group.items()}
    precision = max(1e-8, float(np.median(shares)) * 100)
    if any(np.ptp(found) > 100 * precision * max(1.0, abs(middle[group])) for group, found in by_group.items()):
        return None
    return named(middle, precision)


def _angle(slopes: Sequence[_Slopes]) -> str:
    apart = [
        float((one.mine * one.theirs).sum() / (np.linalg.norm(one.mine) * np.linalg.norm(one.theirs)))
        for one in slopes
        if min(np.linalg.norm(one.mine), np.linalg.norm(one.theirs)) > one.tolerance
    ]
    return f"the cosine between them goes down to {min(apart):.3g}" if apart else ""


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0].strip().rstrip(".")
