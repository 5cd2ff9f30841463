"""The value of a printed formula in numbers, straight from its meaning, with NumPy and nothing of `derive`."""

from __future__ import annotations

from functools import reduce
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive import InputError
from derive.landscape.conditions import Condition

if TYPE_CHECKING:
    from collections.abc import Mapping

_FUNCTIONS = {"exp": np.exp, "log": np.log, "Abs": np.abs, "sin": np.sin, "cos": np.cos, "tan": np.tan, "sign": np.sign}


def evaluate(value: Any, at: Mapping[str, Any]) -> Any:
    """A formula, condition or plain value at given numbers.

    Args:
        value: a SymPy expression, matrix expression, relation, or a word or truth value, which is returned as it is; or
            a condition on the modes, of which "a_i" and "c_i" are then all eigenvalues, an array each.
            Sums over the entries of `sympy.IndexedBase` letters count from 1.
        at: numbers and (rows, columns) arrays by the letters' names: "W", "A_0", "Sigma", "N", …

    Returns:
        A float, a bool or an array.

    Raises:
        InputError: a letter without a value, or a function that is not known.

    >>> import numpy as np
    >>> from verify.papers.claims.formulas import A0, Tr, W
    >>> evaluate(-Tr(W * A0 * W.T), {"W": np.eye(2), "A_0": np.diag([1.0, 2.0])})
    -3.0

    """
    if isinstance(value, str | bool):
        return value
    if isinstance(value, Condition):
        return value.holds(_given("a_i", at), _given("c_i", at), at)
    found = _value(sympy.sympify(value, strict=True), at)
    return found.item() if isinstance(found, np.generic) else found


def _value(node: sympy.Basic, at: Mapping[str, Any]) -> Any:
    match node:
        case sympy.logic.boolalg.BooleanTrue() | sympy.logic.boolalg.BooleanFalse():
            return bool(node)
        case sympy.Number() | sympy.NumberSymbol():
            return float(node)
        case sympy.core.numbers.ImaginaryUnit():
            return 1j
        case sympy.Sum():
            return _summed(node, at)
        case sympy.Indexed():
            return _given(str(node.base), at)[tuple(int(_value(one, at)) - 1 for one in node.indices)]
        case sympy.Symbol() | sympy.MatrixSymbol():
            return _given(node.name, at)
        case sympy.Trace():
            return np.trace(_value(node.args[0], at))
        case sympy.Determinant():
            return np.linalg.det(_value(node.args[0], at))
        case sympy.Identity():
            return np.eye(_size(node.rows, at))
        case sympy.ZeroMatrix():
            return np.zeros([_size(one, at) for one in node.shape])
        case sympy.Transpose():
            return _value(node.arg, at).T
        case sympy.Inverse():
            return np.linalg.inv(_value(node.arg, at))
        case sympy.MatPow():
            return _matrix_power(_value(node.base, at), node.exp)
        case sympy.MatMul():
            factors = [_value(one, at) for one in node.args]
            return reduce(_product, factors)
        case sympy.MatAdd() | sympy.Add():
            return sum(_value(one, at) for one in node.args)
        case sympy.Mul():
            return reduce(lambda one, other: one * other, (_value(part, at) for part in node.args))
        case sympy.Pow():
            return _value(node.base, at) ** _value(node.exp, at)
        case sympy.Max() | sympy.Min():
            pick = np.maximum if isinstance(node, sympy.Max) else np.minimum
            return reduce(pick, (_value(one, at) for one in node.args))
        case sympy.And() | sympy.Or():
            return (all if isinstance(node, sympy.And) else any)(_value(one, at) for one in node.args)
        case sympy.Not():
            return not _value(node.args[0], at)
        case sympy.core.relational.Relational():
            return _compared(node, at)
        case sympy.Function() if type(node).__name__ in _FUNCTIONS:
            return _FUNCTIONS[type(node).__name__](_value(node.args[0], at))
    message = f"{node}: no value is known for {type(node).__name__}; write it with sums, products, powers, exp and log"
    raise InputError(message)


def _summed(node: sympy.Sum, at: Mapping[str, Any]) -> Any:
    """A sum over indices that count from 1, entry by entry."""
    ranges = [
        range(int(_value(low, at)), _size(high, at) + 1 if high.is_Symbol else int(_value(high, at)) + 1)
        for _, low, high in node.limits
    ]
    names = [str(index) for index, _, _ in node.limits]
    return sum(_value(node.function, {**at, **dict(zip(names, point, strict=True))}) for point in product(*ranges))


def _given(name: str, at: Mapping[str, Any]) -> Any:
    if name in at:
        return at[name]
    message = f"the claim's letter {name} has no value here; it was measured with {', '.join(sorted(at)) or 'none'}"
    raise InputError(message)


def _size(dimension: sympy.Expr, at: Mapping[str, Any]) -> int:
    """A dimension: a number, or read off the arrays, d0 being the columns of W or the rows of any square one."""
    if dimension.is_Integer:
        return int(dimension)
    if str(dimension) in at:
        return int(at[str(dimension)])
    arrays = [one for one in at.values() if isinstance(one, np.ndarray) and one.ndim == 2]
    if "W" in at:
        return int(at["W"].shape[0 if str(dimension) == "d_1" else 1])
    if not arrays:
        return int(_given(str(dimension), at))
    return int(arrays[0].shape[1])


def _product(one: Any, other: Any) -> Any:
    return one @ other if np.ndim(one) == 2 and np.ndim(other) == 2 else one * other


def _matrix_power(base: Any, exponent: sympy.Expr) -> Any:
    if exponent.is_Integer:
        return np.linalg.matrix_power(base, int(exponent))
    values, vectors = np.linalg.eigh((base + base.T) / 2)
    return (vectors * values ** float(exponent)) @ vectors.T


def _compared(node: sympy.core.relational.Relational, at: Mapping[str, Any]) -> bool:
    left, right = _value(node.lhs, at), _value(node.rhs, at)
    match node.rel_op:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case "==":
            return bool(np.allclose(left, right, rtol=1e-9, atol=1e-12))
    return not np.allclose(left, right, rtol=1e-9, atol=1e-12)
