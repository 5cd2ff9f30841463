"""A moment measured on its definition: on cubature nodes, exact but for rounding, and on random draws.

Both are taken at random W, A0 and C, with values for what is given, for free coordinates (each of their values) and for
parameters. What is claimed of the moment, its words or a printed formula, is then evaluated at the same places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive import InputError, Moment
from derive.algebra.alphabet import HELD
from derive.algebra.slots import has_slots
from derive.definition.expression import Average, walk
from derive.definition.statistics import degree, lowered
from numeric.invariants import products
from numeric.moments import value_at
from verify.evidence.agreement import COEFFICIENTS, HIDDEN
from verify.evidence.evidence import Evidence, far
from verify.evidence.significance import within
from verify.routes.route import Route
from verify.truths.settings import GENERIC, random_data
from verify.truths.statistics import Held, by_draws, counts, on_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numeric.laws import Views

# Dimensions of W for nodes, the first that is not too large; and for draws.
SHAPES, DRAWN = ((3, 4), (2, 3), (2, 2), (1, 2), (1, 1)), (2, 3)
TOLERANCE = 1e-8
# Rows of a block of draws; a mean over blocks is nearly normal. Numbers of blocks.
ROWS, FEWEST, MOST = 20_000, 20, 50
# The most draws, over all means: some seconds.
WORK = 20_000_000
# The relative error that draws are taken for.
ENOUGH = 0.01
# The most draws of a sample that are tried for a symbol.
LARGEST_COUNT = 12


@dataclass(frozen=True)
class Subject:
    """A moment with the values that were given for its parameters.

    Attributes:
        moment: with its parameters left symbolic.
        given: exact values of some.
        seed: of all random numbers.

    """

    moment: Moment
    given: Mapping[str, sympy.Expr] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Place:
    """Where a moment is evaluated; with two encoders W is W and V side by side, as in `numeric.kinds`."""

    W: Any
    data: Views
    held: Held

    @property
    def values(self) -> Mapping[str, sympy.Expr]:
        """Those of the parameters by name."""
        return {symbol.name: value for symbol, value in self.held.values.items()}

    def of(self, moment: Moment) -> tuple[float, float]:
        """A moment's value here from its words, and the size of its terms."""
        return value_at(
            moment,
            products(self.W, self.data.letters),
            len(self.W),
            {view.name: vector for view, vector in self.held.vectors.items()},
            {index.name: value for index, value in self.held.places.items()},
            {name: float(value) for name, value in self.values.items()},
        )


# What is claimed of a moment: its value at a place, and the size that rounding is relative to.
Claim = Callable[[Place], tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Measured:
    """The value of a moment at a place.

    Attributes:
        place: where.
        value: of the moment.
        error: its standard error, where it was drawn.
        blocks: the number of blocks behind it.
        seed: of the random numbers.
        natural: the size that a moment of its degree has, which a moment that is 0 is small beside.

    """

    place: Place
    value: float
    error: float = 0.0
    blocks: int = 0
    seed: int = 0
    natural: float = 0.0


def on_cubature(subject: Subject) -> list[Measured]:
    """The moment on nodes, at each value of its free coordinates.

    Raises:
        InputError: the law is not drawn, or the nodes are too many in any dimension.

    """
    reason: InputError | None = None
    for d1, d0 in SHAPES:
        places = list(_places(subject, d1, d0, subject.seed))
        try:
            return [
                Measured(
                    one,
                    on_nodes(subject.moment.expression, one.data, one.W, one.held),
                    seed=subject.seed,
                    natural=_natural(subject, one),
                )
                for one in places
            ]
        except InputError as error:
            reason = error
    raise reason or InputError("no dimension is left")


def drawn(subject: Subject) -> list[Measured]:
    """The moment as a mean over random draws, at one value of its free coordinates.

    Raises:
        InputError: the law is not drawn, or the noise of its draws has no finite size.

    """
    node = lowered(subject.moment.expression)
    highest, wanted = subject.moment.law.highest, 2 * degree(node)
    if wanted > highest:
        message = f"the noise of draws is finite with moments through order {wanted}; the law's end at {highest:g}"
        raise InputError(message)
    seed = subject.seed + 1
    # The last place has the values of coordinates apart as far as they can be.
    place = list(_places(subject, *DRAWN, seed))[-1]
    generator = np.random.default_rng(seed)

    def blocks(number: int) -> list[float]:
        return [float(by_draws(node, place.data, place.W, place.held, generator, ROWS).mean()) for _ in range(number)]

    # How many are needed is estimated on blocks that are then left out.
    first = np.array(blocks(FEWEST // 2))
    spread, mean = float(first.std(ddof=1)), abs(float(first.mean()))
    means = sum(isinstance(one, Average) for one in walk(node))
    most = max(FEWEST, min(MOST, WORK // (ROWS * max(1, means))))
    number = most if mean == 0 else min(most, max(FEWEST, ceil((spread / (ENOUGH * mean)) ** 2)))
    found = np.array(blocks(number))
    error = float(found.std(ddof=1)) / number**0.5
    return [Measured(place, float(found.mean()), error, number, seed, _natural(subject, place))]


def compare_exactly(found: Sequence[Measured], claim: Claim) -> list[Evidence]:
    """The value on nodes that a claim is furthest off, in one comparison."""
    rows = []
    for one in found:
        claimed, size = claim(one.place)
        tolerance = TOLERANCE * max(size, abs(one.value), one.natural)
        distance = abs(claimed - one.value)
        rows.append((not isfinite(distance), distance / tolerance if tolerance else distance, one, claimed, tolerance))
    _, _, worst, claimed, tolerance = max(rows, key=lambda row: row[:2])
    d1, d0 = worst.place.W.shape
    several = f", {len(rows)} values of coordinates" if len(rows) > 1 else ""
    distance = abs(claimed - worst.value)
    return [
        Evidence(
            "exact",
            f"definition on {worst.place.data.cubature} nodes, W {d1}×{d0}{several}",
            float(claimed),
            worst.value,
            tolerance,
            "tolerance",
            agrees=within(distance, tolerance),
            seed=worst.seed,
            note=_where(worst.place),
            exact=far(distance, tolerance),
        )
    ]


def compare_draws(found: Sequence[Measured], claim: Claim) -> list[Evidence]:
    """The mean over draws beside a claim; noise larger than a quarter of the value decides nothing."""
    evidence = []
    for one in found:
        claimed, _ = claim(one.place)
        scale = max(abs(claimed), abs(one.value))
        constant = one.error <= 1e-12 * scale or one.error == 0
        if constant:
            agrees: bool | None = within(one.value - claimed, TOLERANCE * max(scale, 1.0))
        else:
            # A claim of 0 has no scale of its own.
            size = one.natural if claimed == 0 else scale
            sees = COEFFICIENTS.beyond(one.blocks) * one.error <= HIDDEN * size
            agrees = COEFFICIENTS.decide(one.value - claimed, one.error, one.blocks, sees=sees)
        d1, d0 = one.place.W.shape
        evidence.append(
            Evidence(
                "monte-carlo",
                f"definition on {one.blocks * ROWS:,} draws, W {d1}×{d0}",
                float(claimed),
                one.value,
                TOLERANCE * max(scale, 1.0) if constant else one.error,
                "tolerance" if constant else "standard error",
                agrees=agrees,
                seed=one.seed,
                note="the noise is too large to tell" if agrees is None else _where(one.place),
            )
        )
    return evidence


def why_not(subject: Subject) -> str:
    """Words that run over classes beside what is held have no value here."""
    held = (term.invariants for term in subject.moment.terms if has_slots(term.invariants))
    if any(end <= HELD for product_ in held for one in product_ for i, _, j in one for end in (i, j)):
        return "words that run over classes and end in what is held are not evaluated here"
    return ""


NODES = Route("exact", "definition on cubature nodes", on_cubature, compare_exactly, why_not)
DRAWS = Route("monte-carlo", "definition on random draws", drawn, compare_draws, why_not)
ROUTES = (NODES, DRAWS)


def _places(subject: Subject, d1: int, d0: int, seed: int) -> Iterator[Place]:
    """A place for each value of the free coordinates, with random data, W and f at given views."""
    moment, generator = subject.moment, np.random.default_rng(seed)
    data = random_data(moment, moment.law, generator, d0)
    W = generator.standard_normal((d1, data.d0)) / data.d0**0.5
    vectors = {view: W @ generator.standard_normal(data.d0) for view in moment.given}
    values = parameter_values(subject)
    for chosen in product(range(d1), repeat=len(moment.free)):
        yield Place(W, data, Held(vectors, dict(zip(moment.free, chosen, strict=True)), values))


def _natural(subject: Subject, place: Place) -> float:
    """E|f|² to half of the moment's degree."""
    square = float(np.trace(place.W @ place.data.Sigma @ place.W.T))
    return float(square ** (degree(subject.moment.expression) / 2))


def parameter_values(subject: Subject) -> dict[sympy.Symbol, sympy.Expr]:
    """The given values, and generic ones for other parameters; those that count draws are small and whole."""
    found: dict[sympy.Symbol, sympy.Expr] = {}
    numbers = counts(subject.moment.expression)
    for k, (name, symbol) in enumerate(subject.moment.parameters.items()):
        if name in subject.given:
            found[symbol] = subject.given[name]
        elif any(symbol in one.free_symbols for one in numbers):
            found[symbol] = next(
                (
                    value
                    for value in map(sympy.Integer, range(2, LARGEST_COUNT))
                    if all((count := one.subs(symbol, value)).is_Integer is not False and not count <= 1
                           for one in numbers if symbol in one.free_symbols)
                ),
                sympy.Integer(LARGEST_COUNT),
            )  # fmt: skip
        else:
            found[symbol] = GENERIC[k % len(GENERIC)]
    return found


def _where(place: Place) -> str:
    return ", ".join(f"{name} = {value}" for name, value in place.values.items())
