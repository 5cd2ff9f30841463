"""Two losses compared by their values, batch by batch.

Rounding is measured, by moving the batch by a few units in the last place. What is larger than rounding counts as a
difference only if no epsilon of the code explains it, and only if it is seen on more than a stray batch: a value that
has left the range of its precision is no evidence about the loss.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.audits.blackbox.against.batches import Batch
from verify.audits.blackbox.against.relation import Relation, relation
from verify.truths.function import BlackBox, TooSlowError

Array = NDArray[np.float64]
Status = Literal["equal", "small", "different", "silent"]
Kind = Literal["equal", "small", "stray", "offset", "factor", "affine", "different", "beyond", "nothing"]

# A relative difference below this may be an epsilon in the code.
EPSILON = 1e-6
# Beyond this it counts as zero, however small the probabilities are that it is added to.
PLAIN = 1e-3
# Differences on fewer batches than this, and than this fraction of them, are accidents of the arithmetic.
FEWEST, SHARE = 3, 0.1
# The number of batches on which slow losses are compared, and the seconds above which a loss is slow.
ENOUGH, SECONDS = 20, 30.0


@dataclass(frozen=True, eq=False)
class Pair:
    """Both values on one batch.

    Attributes:
        batch: the embeddings.
        a: the value of the first loss.
        b: of the second.
        tolerance: within which they are equal.
        status: `equal`; `small`, as an epsilon makes it; `different`; `silent` where one is not finite or rounding
            hides both.

    """

    batch: Batch
    a: float
    b: float
    tolerance: float
    status: Status

    @property
    def distance(self) -> float:
        """The relative difference."""
        return abs(self.a - self.b) / max(abs(self.a), abs(self.b), 1e-300)


@dataclass(frozen=True, eq=False)
class Values:
    """The result of comparing values.

    Attributes:
        kind: `equal`; `small`, as an epsilon makes it; `stray`, different on too few batches to tell; `offset`,
            `factor` or `affine`, see `verify.audits.blackbox.against.relation`; `different`; `beyond`, different at
            large embeddings alone; `nothing` where no batch decides.
        relation: the relation, where it is one of these three.
        pairs: the values on the batches that both take.
        notes: what a reader should know, in sentences.

    """

    kind: Kind
    relation: Relation | None
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()

    @property
    def deciding(self) -> tuple[Pair, ...]:
        """The batches on which both values are finite and larger than rounding."""
        return tuple(pair for pair in self.pairs if pair.status != "silent")

    @property
    def worst(self) -> Pair:
        """The batch of the largest relative difference."""
        return max(self.deciding, key=lambda pair: pair.distance)

    @property
    def agrees(self) -> bool | None:
        """True where the losses are equal, possibly up to a constant."""
        return {"equal": True, "offset": True, "small": None, "stray": None, "beyond": None, "nothing": None}.get(
            self.kind, False
        )


def compare_values(
    one: BlackBox, other: BlackBox, on: Iterable[Batch], *, rounding: float, names: tuple[str, str], seed: int = 0
) -> Values:
    """Compare two losses on the same batches.

    Args:
        one: the first loss.
        other: the second.
        on: the batches.
        rounding: the relative error of one value, the larger of the two.
        names: their names.
        seed: of the changes by which rounding is measured.

    >>> from verify.audits.blackbox.against.batches import batches
    >>> one = BlackBox(lambda z1, z2: (2 - 2 * (z1 * z2).sum(1)).mean())
    >>> other = BlackBox(lambda z1, z2: -(z1 * z2).sum(1).mean())
    >>> compare_values(one, other, batches(0), rounding=2e-16, names=("one", "other")).relation
    Relation(kind='affine', factor='2', offset='2')

    """
    rng, started = np.random.default_rng(seed), time.perf_counter()
    pairs: list[Pair] = []
    notes: list[str] = []
    refused: dict[str, dict[int, str]] = {}
    late = False
    for batch in on:
        late = len(pairs) >= ENOUGH and time.perf_counter() - started > SECONDS
        if late:
            break
        values = []
        for name, box in zip(names, (one, other), strict=True):
            try:
                values.append(box(batch.z))
            except TooSlowError:
                raise
            except InputError as error:
                refused.setdefault(name, {}).setdefault(batch.size, str(error))
        if len(values) == 2:
            pairs.append(_pair(one, other, batch, (values[0], values[1]), rounding, rng))
    for name, sizes in refused.items():
        theirs = {size for each, of in refused.items() if each != name for size in of}
        alone = [size for size in sizes if size not in theirs]
        if alone:
            notes.append(f"{name} does not take all batches of N = {', '.join(map(str, alone))}: {sizes[alone[0]]}")
    if late:
        notes.append(f"slow losses: {len(pairs)} batches were compared")
    return judged(pairs, (*notes, *_one_sided(pairs, names)))


def judged(pairs: Sequence[Pair], notes: tuple[str, ...] = ()) -> Values:
    """The conclusion from pairs of values."""
    deciding = [pair for pair in pairs if pair.status != "silent"]
    differ = [pair for pair in deciding if pair.status == "different"]
    if not deciding:
        return Values("nothing", None, tuple(pairs), notes)
    if not differ:
        small = any(pair.status == "small" for pair in deciding)
        return Values("small" if small else "equal", None, tuple(pairs), notes)
    if (len(differ) < FEWEST or len(differ) < SHARE * len(deciding)) and not _in_a_whole_group(deciding):
        return Values("stray", None, tuple(pairs), notes)
    a, b, tolerances = (np.array([getattr(p, name) for p in deciding]) for name in ("a", "b", "tolerance"))
    # Values that an epsilon changes are not part of the rule.
    loose = np.maximum(tolerances, np.where([p.status == "small" for p in deciding], np.abs(a - b), 0.0))
    found = relation(a, b, loose, [pair.batch.group for pair in deciding])
    return Values(found.kind, None if found.kind == "different" else found, tuple(pairs), notes)


def status(a: float, b: float, tolerance: float) -> Status:
    """The status of two values, without regard to what an epsilon makes of a scaled batch.

    >>> status(1.0, 1.0 + 1e-15, 1e-14), status(1.0, 1.0 + 1e-9, 1e-14), status(1.0, 2.0, 1e-14), status(1.0, 1.0, 0.5)
    ('equal', 'small', 'different', 'silent')

    """
    size = max(abs(a), abs(b))
    if not np.isfinite(a) or not np.isfinite(b):
        return "silent"
    if abs(a - b) <= tolerance:
        # Two values far below their rounding errors are not known to be equal.
        return "silent" if tolerance > 1e-3 * size and size > 0 else "equal"
    return "small" if abs(a - b) <= EPSILON * size else "different"


def allowed(box: BlackBox, z: Array, value: float, rounding: float, rng: np.random.Generator) -> float:
    """The rounding error of a value, measured on batches that differ by a few units in the last place."""
    moved = [box(z * (1 + 8 * rounding * rng.standard_normal(z.shape))) for _ in range(2)]
    noise = max((abs(one - value) for one in moved if np.isfinite(one)), default=0.0)
    return 30 * noise + 50 * rounding * max(1.0, abs(value))


def _pair(
    one: BlackBox, other: BlackBox, batch: Batch, values: tuple[float, float], rounding: float, rng: np.random.Generator
) -> Pair:
    a, b = values
    if not np.isfinite(a) or not np.isfinite(b):
        return Pair(batch, a, b, 0.0, "silent")
    tolerance = allowed(one, batch.z, a, rounding, rng) + allowed(other, batch.z, b, rounding, rng)
    found = status(a, b, tolerance)
    if found == "different" and _fades(one, other, batch.z, abs(a - b) / max(abs(a), abs(b))):
        found = "small"
    return Pair(batch, a, b, tolerance, found)


def _fades(one: BlackBox, other: BlackBox, z: Array, distance: float) -> bool:
    """Whether two losses that are constant along z → s z, except for an epsilon, become equal as z is scaled up.

    They do where one divides by |z| and the other by |z| + ε, or by sqrt(Var + ε).
    """
    values = np.array([[box(scale * z) for box in (one, other)] for scale in (10.0, 100.0, 1000.0)])
    if not np.isfinite(values).all():
        return False
    size = np.maximum(np.abs(values).max(1), 1e-300)
    apart = [distance, *(np.abs(values[:, 0] - values[:, 1]) / size)]
    falls = all(later <= max(earlier / 5, EPSILON / 10) for earlier, later in pairwise(apart))
    constant = (np.abs(values[2] - values[1]) <= 1e-3 * size[2]).all()
    return bool(falls and apart[-1] <= EPSILON and constant)


def _one_sided(pairs: Sequence[Pair], names: tuple[str, str]) -> tuple[str, ...]:
    """A note on batches where one loss is finite and the other is not."""
    found = []
    for name, mine, theirs in ((names[0], "a", "b"), (names[1], "b", "a")):
        lost = [p for p in pairs if not np.isfinite(getattr(p, mine)) and np.isfinite(getattr(p, theirs))]
        if lost:
            found.append(
                f"{name} is {getattr(lost[0], mine)} on {len(lost)} of {len(pairs)} batches where the other is finite, "
                f"the first at {lost[0].batch.text()}: these decide nothing"
            )
    return tuple(found)


def _in_a_whole_group(deciding: Sequence[Pair]) -> bool:
    """Whether two losses differ on all batches of some N and d, by more than an epsilon explains at any size."""
    groups: dict[tuple[int, int], list[Pair]] = {}
    for pair in deciding:
        groups.setdefault(pair.batch.group, []).append(pair)
    return any(
        len(one) >= FEWEST
        and all(pair.status != "equal" and pair.distance > PLAIN for pair in one)
        and sum(pair.status == "different" for pair in one) > 1
        for one in groups.values()
    )
