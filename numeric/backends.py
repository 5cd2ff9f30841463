"""What differs between NumPy, torch and mpmath: how a kernel's few matrix operations are written and run.

A kernel's source is arithmetic in ``@``, ``.mT`` and the three functions below; `lambdify` prints it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

import sympy
from sympy.printing.numpy import NumPyPrinter
from sympy.printing.pycode import MpmathPrinter

from derive import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

# Operations on matrices, as functions that SymPy does not look into and prints in the order given. They are classes
# because the printer looks for a method by the class's name.


class matmul(sympy.Function):  # noqa: N801 (named as it prints)
    """The matrix product."""


class transpose(sympy.Function):  # noqa: N801
    """The transpose of the last two axes."""


class dot(sympy.Function):  # noqa: N801
    """Σ_ij P_ij Q_ij."""


class trace(sympy.Function):  # noqa: N801
    """Σ_i P_ii."""


class scaled(sympy.Function):  # noqa: N801
    """A number, or one number per batch element, times a matrix."""


class added(sympy.Function):  # noqa: N801
    """The sum of two arrays, the first of which may be overwritten."""


class column(sympy.Function):  # noqa: N801
    """A vector as a matrix of one column."""


class vector(sympy.Function):  # noqa: N801
    """A matrix of one column as a vector."""


class entries(sympy.Function):  # noqa: N801
    """Products of entries summed over coordinates, the first argument saying how, in einsum's notation."""


class over_classes(sympy.Function):  # noqa: N801
    """The same with sums over classes, which capitals count, as the first axis of an array after those of a batch."""


class identity(sympy.Function):  # noqa: N801
    """The identity matrix of the size of a given matrix."""


class ones(sympy.Function):  # noqa: N801
    """The matrix of ones of the size of a given matrix."""


class Backend(Protocol):
    """A numeric library that kernels are emitted for."""

    name: str

    def printer(self) -> Any:
        """A SymPy printer for the kernel's source."""

    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions that the source calls."""


class _ArrayPrinter(NumPyPrinter):
    """Prints matrix products with ``@`` and scalar functions through `math`: parameters are plain numbers."""

    _module = "math"

    def _print_matmul(self, expr: sympy.Expr) -> str:
        return f"({_operand(self, expr.args[0])} @ {_operand(self, expr.args[1])})"

    def _print_transpose(self, expr: sympy.Expr) -> str:
        return f"{_operand(self, expr.args[0])}.mT"

    def _print_scaled(self, expr: sympy.Expr) -> str:
        # Traces have one value per batch element.
        number, matrix = (_operand(self, one) for one in expr.args)
        many = expr.args[0].has(dot, trace, entries)
        return f"{number}[..., None, None]*{matrix}" if many else f"{number}*{matrix}"

    def _call(self, expr: sympy.Expr) -> str:
        return f"{expr.func.__name__}({', '.join(map(self._print, expr.args))})"

    _print_dot = _print_trace = _print_added = _print_identity = _print_ones = _print_column = _print_vector = _call

    def _print_entries(self, expr: sympy.Expr) -> str:
        return _entries_call(self, expr)

    _print_over_classes = _print_entries

    def _print_exp(self, expr: sympy.Expr) -> str:
        return f"exp({self._print(expr.args[0])})"

    def _print_log(self, expr: sympy.Expr) -> str:
        return f"log({self._print(expr.args[0])})"

    def _print_Pow(self, expr: sympy.Expr, rational: bool = False) -> str:  # noqa: FBT001, FBT002 (SymPy's name)
        if expr.exp == sympy.Rational(1, 2):
            return f"sqrt({self._print(expr.base)})"
        if expr.exp == -sympy.Rational(1, 2):
            return f"1/sqrt({self._print(expr.base)})"
        return super()._print_Pow(expr, rational=rational)  # type: ignore[no-any-return]


class _MpmathPrinter(MpmathPrinter):
    """Prints matrix products with ``*``, the product of mpmath's matrices."""

    def _print_matmul(self, expr: sympy.Expr) -> str:
        return f"({_operand(self, expr.args[0])} * {_operand(self, expr.args[1])})"

    def _print_transpose(self, expr: sympy.Expr) -> str:
        return f"{_operand(self, expr.args[0])}.T"

    def _print_added(self, expr: sympy.Expr) -> str:
        return f"({self._print(expr.args[0])} + {self._print(expr.args[1])})"

    def _print_scaled(self, expr: sympy.Expr) -> str:
        return f"{_operand(self, expr.args[0])}*{_operand(self, expr.args[1])}"

    def _call(self, expr: sympy.Expr) -> str:
        return f"{expr.func.__name__}({', '.join(map(self._print, expr.args))})"

    _print_dot = _print_trace = _print_identity = _print_ones = _print_column = _print_vector = _call

    def _print_entries(self, expr: sympy.Expr) -> str:
        return _entries_call(self, expr)

    _print_over_classes = _print_entries


def _operand(printer: Any, expr: sympy.Expr) -> str:
    """An operand, in parentheses unless it binds more tightly than any operator."""
    text = printer._print(expr)  # noqa: SLF001
    return f"({text})" if isinstance(expr, sympy.Add | sympy.Mul | sympy.Pow) else text


def _entries_call(printer: Any, expr: sympy.Expr) -> str:
    how, *matrices = expr.args
    return f"{expr.func.__name__}({', '.join([repr(how.name), *map(printer._print, matrices)])})"  # noqa: SLF001


_SCALAR_FUNCTIONS: dict[str, Callable[..., Any]] = {"exp": math.exp, "log": math.log, "sqrt": math.sqrt}
_PRINTING = {"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True}


class _NumPy:
    name = "numpy"

    def printer(self) -> Any:
        return _ArrayPrinter(_PRINTING)

    def functions(self) -> dict[str, Callable[..., Any]]:
        import numpy as np

        return _SCALAR_FUNCTIONS | {
            "dot": lambda P, Q: np.einsum("...ij,...ij->...", P, Q),
            "trace": lambda P: np.einsum("...ii->...", P),
            "added": lambda P, Q: np.add(P, Q, out=P) if P.shape == Q.shape else P + Q,
            "entries": np.einsum,
            "over_classes": _numpy_over_classes,
            "identity": lambda P: np.eye(P.shape[-1], dtype=P.dtype),
            "ones": lambda P: np.ones(P.shape[-2:], dtype=P.dtype),
            "column": lambda b: b[..., None],
            "vector": lambda P: P[..., 0],
        }


class _Torch:
    name = "torch"

    def printer(self) -> Any:
        return _ArrayPrinter(_PRINTING)

    def functions(self) -> dict[str, Callable[..., Any]]:
        try:
            import torch
        except ImportError:
            message = "the torch backend needs torch: pip install 'quartic[torch]'"
            raise InputError(message) from None

        def dot_product(P: torch.Tensor, Q: torch.Tensor) -> torch.Tensor:
            # einsum's batched product is faster where the batch is large; where it is small, its set-up costs more.
            if P.numel() < _SMALL:
                return (P * Q).sum((-2, -1))
            return torch.einsum("...ij,...ij->...", P, Q)

        return _SCALAR_FUNCTIONS | {
            "dot": dot_product,
            "trace": lambda P: P.diagonal(dim1=-2, dim2=-1).sum(-1),
            "added": lambda P, Q: P.add_(Q) if P.shape == Q.shape else P + Q,
            "entries": torch.einsum,
            "over_classes": torch.einsum,
            "identity": lambda P: torch.eye(P.shape[-1], dtype=P.dtype, device=P.device),
            "ones": lambda P: torch.ones(P.shape[-2:], dtype=P.dtype, device=P.device),
            "column": lambda b: b[..., None],
            "vector": lambda P: P[..., 0],
        }


class _Mpmath:
    name = "mpmath"

    def printer(self) -> Any:
        return _MpmathPrinter(_PRINTING)

    def functions(self) -> dict[str, Callable[..., Any]]:
        import mpmath

        return {
            "dot": lambda P, Q: mpmath.fsum(p * q for p, q in zip(P, Q, strict=True)),
            "trace": lambda P: mpmath.fsum(P[i, i] for i in range(P.rows)),
            "entries": _mpmath_entries,
            "over_classes": _mpmath_over_classes,
            "identity": lambda P: mpmath.eye((P[0] if isinstance(P, list) else P).rows),
            "ones": lambda P: mpmath.ones(P.rows),
            # mpmath's vectors are matrices of one column.
            "column": lambda b: b,
            "vector": lambda P: P,
            "exp": mpmath.exp,
            "log": mpmath.log,
            "sqrt": mpmath.sqrt,
            "mpf": mpmath.mpf,
        }


def _mpmath_entries(how: str, *matrices: Any) -> Any:
    """A plain einsum for mpmath's matrices."""
    import mpmath

    inputs, output = str(how).replace("...", "").partition("->")[::2]
    pairs = inputs.split(",")
    size = matrices[0].rows
    names = sorted(set("".join(pairs)))
    result = mpmath.zeros(size) if output else mpmath.mpf(0)
    for values in product(range(size), repeat=len(names)):
        at = dict(zip(names, values, strict=True))
        term = mpmath.fprod(matrix[at[pair[0]], at[pair[1]]] for pair, matrix in zip(pairs, matrices, strict=True))
        if output:
            result[at[output[0]], at[output[1]]] += term
        else:
            result += term
    return result


def _numpy_over_classes(how: str, *arrays: Any) -> Any:
    """Small sums in one loop over all indices; large ones pair by pair, which takes longer to arrange than to do."""
    import numpy as np

    return np.einsum(how, *arrays, optimize="greedy" if _is_large(how, *(one.shape for one in arrays)) else False)


@lru_cache(maxsize=10_000)
def _is_large(how: str, *shapes: tuple[int, ...]) -> bool:
    sizes: dict[str, int] = {}
    batch = 1
    for axes, shape in zip(how.partition("->")[0].replace("...", "").split(","), shapes, strict=True):
        own = len(shape) - len(axes)
        batch = max(batch, math.prod(shape[:own]))
        sizes |= dict(zip(axes, shape[own:], strict=True))
    return batch * math.prod(sizes.values()) > _LOOP


def _mpmath_over_classes(how: str, *arrays: Any) -> Any:
    """The same where an array over classes is a list: of numbers, of vectors or of matrices."""
    import mpmath

    inputs, output = str(how).replace("...", "").partition("->")[::2]
    pairs = inputs.split(",")
    sizes: dict[str, int] = {}
    for axes, array in zip(pairs, arrays, strict=True):
        inner = array
        for axis in filter(str.isupper, axes):
            sizes[axis], inner = len(inner), inner[0]
        shape = (inner.rows, inner.cols) if axes[-1].islower() else ()
        sizes |= dict(zip(filter(str.islower, axes), shape, strict=False))

    def entry(array: Any, axes: str, at: dict[str, int]) -> Any:
        for axis in filter(str.isupper, axes):
            array = array[at[axis]]
        inner = [at[axis] for axis in axes if axis.islower()]
        return array[tuple(inner) if len(inner) > 1 else inner[0]] if inner else array

    summed = sorted(set("".join(pairs)) - set(output))

    def value(at: dict[str, int]) -> Any:
        found = mpmath.mpf(0)
        for values in product(*(range(sizes[axis]) for axis in summed)):
            here = at | dict(zip(summed, values, strict=True))
            found += mpmath.fprod(entry(array, axes, here) for array, axes in zip(arrays, pairs, strict=True))
        return found

    def built(axes: str, at: dict[str, int]) -> Any:
        if axes and axes[0].isupper():
            return [built(axes[1:], at | {axes[0]: k}) for k in range(sizes[axes[0]])]
        if len(axes) == 2:
            i, j = axes[0], axes[1]
            return mpmath.matrix([[value(at | {i: k, j: m}) for m in range(sizes[j])] for k in range(sizes[i])])
        return mpmath.matrix([value(at | {axes: k}) for k in range(sizes[axes])]) if axes else value(at)

    return built(output, {})


# The number of products up to which NumPy sums in one loop.
_LOOP = 50_000
# The number of entries up to which torch multiplies and sums rather than calls einsum.
_SMALL = 1_000_000
_BACKENDS: dict[str, Backend] = {one.name: one for one in (_NumPy(), _Torch(), _Mpmath())}
BACKENDS = tuple(_BACKENDS)


def backend(name: str) -> Backend:
    """The backend of that name: numpy, torch or mpmath."""
    if name not in _BACKENDS:
        message = f"backend {name!r} is unknown; the backends are {', '.join(BACKENDS)}"
        raise InputError(message)
    return _BACKENDS[name]
