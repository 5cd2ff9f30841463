"""The formulas of a landscape, its coefficients and conditions, evaluated on arrays of values of their symbols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive.algebra.letters import Letter, letters, sum_j
from derive.landscape.conditions import MODES
from derive.landscape.landscape import a_i, a_j, c_i, c_j

Array = NDArray[np.float64]
# Values of symbols, by `key_of`.
Put = Mapping[str, Any]

# What stands for the sums over modes in a condition.
_SUMS = letters(" ".join(f"sum_{number}" for number in range(20)))
_OWN: frozenset[Letter] = frozenset({MODES, a_i, a_j, c_i, c_j, *_SUMS})


def at_points(put: Put, points: Any) -> Put:
    """The values at some of the points: those entries of arrays; numbers are unchanged."""
    return {name: value[points] if isinstance(value, np.ndarray) else value for name, value in put.items()}


def margin_of(formula: Any, put: Put, a: Array, c: Array) -> Any:
    """A number for each mode, (ny, nx, n), that is at most 0 where a Boolean holds."""
    if formula in (sympy.true, sympy.false):
        return -np.inf if formula is sympy.true else np.inf
    if isinstance(formula, sympy.Or | sympy.And):
        parts = [margin_of(one, put, a, c) for one in formula.args]
        return (np.minimum if isinstance(formula, sympy.Or) else np.maximum).reduce(np.broadcast_arrays(*parts))
    below = formula.lhs - formula.rhs if isinstance(formula, sympy.Le | sympy.Lt) else formula.rhs - formula.lhs
    here = {**put, key_of(a_i): a, key_of(c_i): c, key_of(a_j): a, key_of(c_j): c}
    for number, one in enumerate(sorted(below.atoms(sum_j), key=str)):
        summed = _SUMS[number]
        total = np.broadcast_to(evaluated(one.args[0], here), a.shape).sum(-1, keepdims=True)
        here[key_of(summed)], below = total, below.subs(one, summed)
    return evaluated(below, here)


def evaluated(value: sympy.Expr, put: Put) -> Any:
    """An expression at values of its symbols, by `key_of`: numbers or arrays, which broadcast.

    >>> N = sympy.Symbol("N")
    >>> evaluated(1 - 1 / N, {"N": np.array([2.0, 4.0])})
    array([0.5 , 0.75])
    """
    names = tuple(sorted(map(key_of, value.free_symbols)))
    return _function(value, names)(*(put[name] for name in names))


def key_of(symbol: sympy.Symbol) -> str:
    """The name under which a symbol's values are kept; letters of the theory get one that no parameter has."""
    return f"{symbol.name} of the theory" if symbol in _OWN else symbol.name


@lru_cache(maxsize=1000)
def _function(value: sympy.Expr, names: tuple[str, ...]) -> Callable[..., Any]:
    symbols = {key_of(symbol): symbol for symbol in value.free_symbols}
    found: Callable[..., Any] = sympy.lambdify([symbols[name] for name in names], value, "numpy", dummify=True)
    return found
