"""Random moments by both engines: a mean, variance, covariance or cumulant at given W, in fractions.

The oracle averages coordinates one variable at a time; views that are given and coordinates that are free have values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from derive import InputError, Moment, moment
from derive.algebra.alphabet import HELD
from derive.algebra.graphs import ENCODER
from derive.algebra.words import Link
from derive.definition.expression import Expression, free_indices, free_views
from derive.definition.moment_text import read_moment
from derive.definition.statistics import degree, lowered
from derive.definition.views import Index, View
from verify.assurance.oracle.evaluating import value_given
from verify.assurance.oracle.law import Law, Matrix
from verify.assurance.oracle.numbers import Numbers
from verify.assurance.oracle.random_laws import random_law
from verify.assurance.oracle.two_kinds import with_second
from verify.assurance.oracle.words import contracted, product_of

# What a case may hold: f of each given view, and the values of free coordinates.
Vectors = Mapping[View, Sequence[Fraction]]
Places = Mapping[Index, int]
_VIEWS = ("x", "x_pos", "chi", "y")


@dataclass(frozen=True)
class MomentCase:
    """A moment, a law, and the values of all that is held and of parameters."""

    text: str
    law: Law
    vectors: Vectors
    places: Places
    values: Mapping[str, Fraction]


def by_oracle(expression: Expression, case: MomentCase) -> Fraction:
    """The moment by the oracle."""
    return value_given(lowered(expression), case.law, case.values, degree(expression), case.vectors, case.places)


def by_words(found: Moment, case: MomentCase) -> Fraction:
    """The moment from its words, by writing out every sum."""
    given = {f"s{k}": value for k, value in (case.law.scale or {}).items()} | dict(case.values)
    numbers = Numbers({"d1": Fraction(case.law.d1), **given})
    letters = case.law.letters()
    ends = dict(enumerate(_vector(label, case) for label in found.held))
    total = numbers.of(found.constant)
    for term in found.terms:
        value = numbers.of(term.coefficient)
        for links in term.invariants:
            value *= _value(links, letters, ends, case.law.d1)
        total += value
    return total


def _value(
    links: Sequence[Link], letters: Mapping[str, Matrix], ends: Mapping[int, Sequence[Fraction]], d1: int
) -> Fraction:
    """Σ over the coordinates of a product of entries, words that end in a vector being multiplied with it."""
    made: list[tuple[int, Matrix, int]] = []
    scalar = Fraction(1)
    unit = [[Fraction(int(i == j)) for j in range(d1)] for i in range(d1)]
    fresh = -1
    for i, word, j in links:
        matrix = product_of(word, letters) if word else unit
        if i < 0:
            matrix = [[sum((v * row[k] for v, row in zip(ends[HELD - i], matrix, strict=True)), Fraction(0))
                       for k in range(d1)]]  # fmt: skip
        if j < 0:
            matrix = [[sum((m * v for m, v in zip(row, ends[HELD - j], strict=True)), Fraction(0))] for row in matrix]
        if i < 0 and j < 0:
            scalar *= matrix[0][0]
            continue
        made.append((fresh if i < 0 else i, matrix, fresh if j < 0 else j))
        fresh -= 1
    return scalar * contracted(made)


def _vector(label: View | Index, case: MomentCase) -> Sequence[Fraction]:
    if isinstance(label, View):
        return case.vectors[label]
    return [Fraction(int(i == case.places[label])) for i in range(case.law.d1)]


def random_moment(random: Random, encoders: int = 1) -> MomentCase:
    """A random moment of degree 8 at most, of data of a random law; with two encoders, of f and g.

    >>> random_moment(Random(0)).text
    'E(<f(chi), f(x_pos)> <f(chi), f(y)>)'
    """
    d0, d1 = random.choice(((1, 2), (2, 2), (3, 2), (2, 1)))
    law = random_law(random, d0, d1, None)
    if encoders == 2:
        law = with_second(random, law, ENCODER)
    text = next(text for text in _texts(random, encoders) if 0 < degree(read_moment(text)) <= 8)
    expression = read_moment(text)
    vectors = {
        view: [Fraction(random.randint(-3, 3), random.choice((1, 2))) for _ in range(d1)]
        for view in sorted(free_views(expression))
    }
    places = {index: random.randrange(d1) for index in sorted(free_indices(expression))}
    values = {"n": Fraction(random.choice((1, 2, 3))), "tau": Fraction(random.choice((2, 3)), 2)}
    return MomentCase(text, law, vectors, places, values)


def agree(case: MomentCase) -> bool:
    """Whether both engines have the same value for a case.

    >>> agree(random_moment(Random(3)))
    True
    """
    found = moment(case.text, law=case.law.derived(False))  # noqa: FBT003 (how it is given)
    return by_words(found, case) == by_oracle(found.expression, case)


def _texts(random: Random, encoders: int) -> Iterator[str]:
    while True:
        text = _statistic(random, list(_VIEWS), 2)
        second = random.sample((*_VIEWS, "u"), 2) if encoders == 2 else []
        for name in second:
            text = text.replace(f"f({name})", f"g({name})")
        try:
            read_moment(text)
        except InputError:
            # A view is given that does not occur, or without another of its datum.
            continue
        yield text


def _statistic(random: Random, names: list[str], depth: int) -> str:
    kind = random.choice(("E", "E", "Var", "Cov", "Cum"))
    arguments = [_polynomial(random, names, depth) for _ in range(2 if kind == "Cov" else 1)]
    if kind == "Cum":
        arguments.append(random.choice(("2", "3", arguments[0], _polynomial(random, names, depth))))
    given = random.sample(names, random.choice((0, 0, 1, 1, 2)))
    bar = f" | {', '.join(given)}" if given else ""
    return f"{kind}({', '.join(arguments)}{bar})"


def _polynomial(random: Random, names: list[str], depth: int) -> str:
    terms = [_term(random, names, depth) for _ in range(random.choice((1, 1, 1, 2)))]
    return random.choice((" + ", " - 2/3 ")).join(terms)


def _term(random: Random, names: list[str], depth: int) -> str:
    return " ".join(_factor(random, names, depth) for _ in range(random.choice((1, 1, 2))))


def _factor(random: Random, names: list[str], depth: int) -> str:
    one, other = random.choice(names), random.choice(names)
    choices = [
        f"<f({one}), f({other})>",
        f"|f({one}) - f({other})|^2" if one != other else f"|f({one})|^2",
        f"f({one})_{random.choice('ij')}",
        f"<f({one}), f({other})>^2",
        f"(sum_k f({one})_k^2 f({other})_k)",
        f"(1/tau) |f({one}) + f({other})|^2",
        f"<Mean(f(u), u, n), f({other})>",
        "Tr[Mean(f(u) f(u)^T, u, n)]",
        f"<f({one}), 2 f({other}) - f({one})>",
    ]
    if depth > 0:
        choices.append(_statistic(random, names, depth - 1))
    return random.choice(choices)


def many(seed: int, count: int, encoders: int = 1) -> list[str]:
    """The texts of the random moments at which the engines differ; none where there is no fault."""
    return [case.text for k in range(count) if not agree(case := random_moment(Random(f"{seed} {k}"), encoders))]
