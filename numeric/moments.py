"""The value of a moment at matrices in numbers, whatever it is conditioned on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from derive import InputError
from derive.algebra.alphabet import HELD, LETTERS, OF_MEAN, factors
from derive.algebra.slots import has_slots
from derive.definition.views import Index
from numeric.invariants import product_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Moment
    from derive.algebra.words import Invariant

_INDICES = "ijklmnopqrstuvwxyz"


def moment_value(
    moment: Moment,
    matrices: Mapping[str, Any],
    vectors: Mapping[str, Any] | None = None,
    at: Mapping[str, int] | None = None,
    values: Mapping[str, float] | None = None,
) -> tuple[float, float]:
    """A moment in numbers.

    Args:
        moment: what is evaluated.
        matrices: by name: W (d1, d0), V where there is a second encoder, and those of the moment's basis, (d0, d0); the
            mean, (d0,), where there is one.
        vectors: f of each view that is given, (d1,), by the view's name.
        at: the value of each free coordinate, from 0 on, by its name.
        values: of the parameters by name.

    Returns:
        the value, and the sum of the sizes of its terms, which rounding is relative to.

    Raises:
        InputError: something that the moment depends on has no value.

    >>> import numpy as np
    >>> from derive import moment
    >>> W, Sigma = np.eye(2), np.diag([1.0, 3.0])
    >>> moment_value(moment("Var(|f(x) - f(chi)|^2)"), {"W": W, "Sigma": Sigma})[0]
    80.0
    >>> given = moment("E(<f(x), f(chi)> f(chi)_i | x)")
    >>> moment_value(given, {"W": W, "Sigma": Sigma}, {"x": np.array([1.0, 2.0])}, {"i": 1})[0]
    6.0

    """
    needed = {
        *((view.name, "view") for view in moment.given if view.name not in (vectors or {})),
        *((index.name, "coordinate") for index in moment.free if index.name not in (at or {})),
        *((one.name, "parameter") for one in moment.symbols if one.name not in (values or {}) and one.name != "d1"),
    }
    if needed:
        name, what = min(needed)
        message = f"the moment depends on the {what} {name}, which has no value"
        raise InputError(message)
    return value_at(moment, _Products(matrices), matrices["W"].shape[0], vectors or {}, at or {}, values or {})


def value_at(
    moment: Moment,
    of_letter: Mapping[str, Any],
    d1: int,
    vectors: Mapping[str, Any],
    at: Mapping[str, int],
    values: Mapping[str, float],
) -> tuple[float, float]:
    """The same from the d1×d1 matrices F X Gᵀ of the letters."""
    ends = [
        np.eye(d1)[at[label.name]] if isinstance(label, Index) else np.asarray(vectors[label.name])
        for label in moment.held
    ]
    put = {**values, "d1": d1}
    numbers = {symbol: put[symbol.name] for symbol in moment.symbols}
    total, size = float(moment.constant.subs(numbers)), 0.0
    for term in moment.terms:
        value = float(term.coefficient.subs(numbers))
        if has_slots(term.invariants):
            # Sums over classes, which nothing that is held stands in.
            value *= product_value(term.invariants, of_letter)
        else:
            for one in term.invariants:
                value *= _value(one, of_letter, ends, d1)
        total += value
        size += abs(value)
    return total, size + abs(float(moment.constant.subs(numbers)))


def _value(one: Invariant, of_letter: Mapping[str, Any], ends: list[Any], d1: int) -> float:
    operands: list[Any] = []
    how = []
    loose = iter(reversed(_INDICES))
    for i, word, j in one:
        matrix = np.eye(d1)
        for letter in word:
            matrix = matrix @ of_letter[letter]
        names = [next(loose) if end < 0 else _INDICES[end] for end in (i, j)]
        operands.append(matrix)
        how.append("".join(names))
        for end, name in zip((i, j), names, strict=True):
            if end < 0:
                operands.append(ends[HELD - end] if end <= HELD else of_letter.vectors[end])  # type: ignore[attr-defined]
                how.append(name)
    return float(np.einsum(f"{','.join(how)}->", *operands))


class _Products(dict[str, Any]):
    """F X Gᵀ by letter, from matrices by name, each formed when it is asked for."""

    def __init__(self, matrices: Mapping[str, Any]) -> None:
        super().__init__()
        self.matrices = matrices

    @property
    def vectors(self) -> dict[int, Any]:
        """W μ, by the number of the end of words."""
        return {OF_MEAN: self._named("W") @ self._named("mean")}

    def __missing__(self, letter: str) -> Any:
        one, (F, G) = LETTERS[letter], (self._named(name) for name in factors(letter))
        if one.unit:
            return self.setdefault(letter, F @ G.T)
        X = self._named(LETTERS[one.transpose].name).T if one.turned else self._named(one.name)
        return self.setdefault(letter, F @ X @ G.T)

    def _named(self, name: str) -> Any:
        if name not in self.matrices:
            message = f"the moment depends on the matrix {name}, which has no value"
            raise InputError(message)
        return self.matrices[name]
