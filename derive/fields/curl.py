r"""Whether a field is the gradient of some loss, and a witness where it is not.

Of a field of degree k in all weights the loss must be U = −Σ Tr[Mᵀ dM/dt]/(k + 1) over the weights M, by Euler's
theorem; it is one if its gradient gives the field back. Where it does not, the derivative of one entry's rate in
another entry differs from that of the other's rate in the one: `witness` finds such entries, and whole numbers for
the weights. Degrees do not mix, so that one order that fails is enough, whatever the orders beyond are.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import sympy

from derive.algebra.scalars import normal_form
from derive.algebra.words import trace
from derive.expansion.expansion import Expansion
from derive.fields.products import DATA, WEIGHTS, closed, gradient, power

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from derive.algebra.words import Invariant
    from derive.fields.field import Field, FieldTerm
    from derive.fields.products import Traces, Word

_CHARACTER = {one.name: character for character, one in WEIGHTS.items()}
# Where the derivatives are compared: small whole numbers, without symmetries.
POINTS = {
    "W": ((2, 1), (-1, 3)),
    "P": ((1, 2), (3, -1)),
    "M": ((3, -2), (1, 1)),
    "A": ((2, 1), (1, 1)),
    "S": ((4, 1), (1, 3)),
}


def potential(field: Field) -> Expansion | None:
    """The loss that a field of W alone descends; None where there is none."""
    found: dict[Traces, sympy.Expr] = defaultdict(lambda: sympy.S.Zero)
    for term in field.terms:
        found[closed((*term.traces, "w" + term.word))] -= term.coefficient / (term.order + 1)
    back: dict[tuple[Traces, Word], sympy.Expr] = defaultdict(lambda: sympy.S.Zero)
    for traces, value in found.items():
        for key, times in gradient(traces, "W").items():
            back[key] -= times * value
    own = {(term.traces, term.word): term.coefficient for term in field.terms}
    if any(normal_form(back[key] - own.get(key, sympy.S.Zero)) != 0 for key in {*back, *own}):
        return None
    words = {tuple(sorted(map(_in_letters, traces))): value for traces, value in found.items()}
    return Expansion.collect(words, field.order + 1, loss=field.loss, parameters=tuple(field.training.parameters))


def _in_letters(word: Word) -> Invariant:
    """Tr[W A0 Wᵀ W Wᵀ] as the trace of the letters A and I."""
    turn = next(word[i:] + word[:i] for i in range(len(word)) if word[i] == "W" and word[i - 1] == "w")
    return trace("".join(part or "I" for part in turn.removesuffix("w").removeprefix("W").split("wW")))


@dataclass(frozen=True)
class Curl:
    """Two derivatives that would be equal if the field were a gradient.

    Attributes:
        first: the weights and the entry whose rate is differentiated in the second, and the other way round.
        second: the other entry.
        values: ∂(first rate)/∂(second) and ∂(second rate)/∂(first), at whole numbers put for the matrices.
        order: of the terms of the field that are differentiated, in all weights together.
        weights: the names of the weights in these terms.

    """

    first: tuple[str, int, int]
    second: tuple[str, int, int]
    values: tuple[sympy.Expr, sympy.Expr]
    order: int
    weights: tuple[str, ...]

    def text(self) -> str:
        """The two derivatives in a line."""
        (one, i, j), (other, k, m) = self.first, self.second
        left, right = self.values
        a, b = f"{_shown(one)}{i + 1}{j + 1}", f"{_shown(other)}{k + 1}{m + 1}"
        at = ", ".join(f"{name} = {POINTS[character]}" for name, character in _moving(self.weights).items())
        both = f"∂(d{a}/dt)/∂{b} = {left}, ∂(d{b}/dt)/∂{a} = {right}"
        return f"in the terms of order {self.order} {both} at {at}, A0 = {POINTS['A']}, Σ = {POINTS['S']}"


def _shown(name: str) -> str:
    return WEIGHTS[_CHARACTER[name]].text + "_"


def _moving(named: Iterable[str]) -> dict[str, str]:
    return {WEIGHTS[_CHARACTER[name]].text: _CHARACTER[name] for name in dict.fromkeys(named)}


def witness(field: Field) -> Curl | None:
    """Two entries of weights whose rates do not fit together; None where the field may be a gradient.

    Args:
        field: with P trained, or known in words.

    >>> from derive.fields import FIELDS
    >>> from derive.fields.field import field
    >>> found = witness(field(FIELDS["simsiam"]))
    >>> found.first[0], found.second[0], found.values[0] == found.values[1]
    ('W', 'W', False)

    """
    at = {character: sympy.Matrix(rows) for character, rows in POINTS.items()}
    entries = [(name, i, j) for name in field.flow for i, j in product(range(2), repeat=2)]
    grades: dict[tuple[int, ...], dict[str, list[FieldTerm]]] = defaultdict(lambda: defaultdict(list))
    for name, terms in field.flow.items():
        for term in terms:
            size = sum(power((term.traces, term.word), of) for of in ("W", "P", "M"))
            grades[(size,)][name].append(term)
    for (order,), flow in sorted(grades.items()):
        slopes = {one: _derivative(flow, one, at) for one in entries}
        for one, other in product(entries, repeat=2):
            if entries.index(one) >= entries.index(other):
                continue
            left = slopes[other][one[0]][one[1], one[2]]
            right = slopes[one][other[0]][other[1], other[2]]
            if normal_form(left - right) != 0:
                parts = (part for terms in flow.values() for term in terms for part in (*term.traces, term.word))
                seen = {character for part in parts for character in part.upper()}
                weights = tuple(weight.name for character, weight in WEIGHTS.items() if character in seen)
                return Curl(one, other, (left, right), order, weights)
    return None


def _derivative(
    flow: Mapping[str, list[FieldTerm]], entry: tuple[str, int, int], at: Mapping[str, sympy.Matrix]
) -> dict[str, sympy.Matrix]:
    """The derivative of all rates in one entry of the weights."""
    name, i, j = entry
    unit = sympy.zeros(2, 2)
    unit[i, j] = 1
    found: dict[str, sympy.Matrix] = defaultdict(lambda: sympy.zeros(2, 2))
    for moved, terms in flow.items():
        for term in terms:
            found[moved] += term.coefficient * _moved(term, _CHARACTER[name], unit, at)
    return found


def _moved(term: FieldTerm, by: str, unit: sympy.Matrix, at: Mapping[str, sympy.Matrix]) -> sympy.Matrix:
    parts = [*term.traces, term.word]
    total = sympy.zeros(2, 2)
    for k, word in enumerate(parts):
        for place, one in enumerate(word):
            if one.upper() != by or one in DATA:
                continue
            whole = _product(term.word, at) if k < len(term.traces) else sympy.eye(2)
            for number, other in enumerate(parts):
                here = _product(other, at, place, unit) if number == k else _product(other, at)
                if number < len(term.traces):
                    whole = here.trace() * whole
                elif number == k:
                    whole = whole * here
            total += whole
    return total


def _product(word: Word, at: Mapping[str, sympy.Matrix], place: int = -1, unit: sympy.Matrix = None) -> sympy.Matrix:
    found = sympy.eye(2)
    for number, one in enumerate(word):
        here = unit if number == place else at[one.upper()]
        found = found * (here.T if one.islower() else here)
    return found
