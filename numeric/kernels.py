"""Numeric kernels of an expansion: its value and its gradient in W, emitted as readable source by `lambdify`.

Which products of matrices they form, and in which order, is planned in `numeric.matrix_products`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sympy

from derive import InputError
from derive.algebra.alphabet import FACTORS, LETTERS, factors, letter_of
from numeric.backends import Backend, backend
from numeric.matrix_products import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from derive import Expansion


@dataclass(frozen=True)
class Kernel:
    """Value and gradient of an expansion for one numeric library.

    ``value`` and ``gradient`` are the emitted functions themselves, unchecked and as fast as possible:

        value(W, A0, Sigma, …)     L(W) − L(0), truncated: shape (…) for W of shape (…, d1, d0)
        gradient(W, A0, Sigma, …)  ∂L/∂W: the shape of W

    A0 and Sigma (or C, as the expansion's basis has it) are (d0, d0), or have leading dimensions that broadcast
    against those of W. The parameters follow as plain numbers, by position or by name (``lambda_`` for lambda).
    mpmath takes matrices without leading dimensions. Calling the kernel checks its arguments first.

    Data with a mean have μ, (…, d0), after the covariances. Data of K classes have the classes' weights, (K,), and
    means, (K, d0), there, and covariances (K, d0, d0), one for each class; in mpmath these are lists. Averages over the
    classes are taken inside. Where noise depends on the datum, nodes z of data stand there: their weights, (K,), z
    itself, (K, d0), and the noise's covariance at each, (K, d0, d0); A0 and Sigma are one matrix each.

    For the model f(x) = W x + b, b of shape (…, d1) (in mpmath a matrix of one column) stands after the covariances,
    and ``gradient`` returns the pair ∂L/∂W, ∂L/∂b. A parameter called b is then ``b_``. The matrix of a second
    encoder stands after W, and ``gradient`` returns a value for each.

    Attributes:
        backend: numpy, torch or mpmath.
        arguments: the names of the arguments, in order.
        value: the emitted value.
        gradient: the emitted gradient.
        bias: whether b is among the arguments.
        parameters: the argument of each of the loss's parameters.

    """

    backend: str
    arguments: tuple[str, ...]
    value: Callable[..., Any]
    gradient: Callable[..., Any]
    bias: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, W: Any, *matrices: Any, **parameters: float) -> Any:
        """The value, after a check of shapes, symmetry and parameters.

        Raises:
            InputError: naming the argument that is wrong.

        """
        names = self.arguments[1 : len(self.arguments) - len(self.parameters)]
        if len(matrices) != len(names):
            message = f"the kernel takes W, {', '.join(names)}; {len(matrices) + 1} arrays were given"
            raise InputError(message)
        weights = next((one for one, name in zip(matrices, names, strict=True) if name in ("weights", "chances")), ())
        rows, sizes = _shape(W, self.backend)[0], {"d0": _shape(W, self.backend)[1]}
        for name, matrix in zip(names, matrices, strict=True):
            if name == "b":
                _check_vector(name, matrix, rows, self.backend)
            elif name == "mean":
                _check_vector(name, matrix, sizes["d0"], self.backend, "columns")
            elif "means" in names or name in ("chances", "data", "noise"):
                _check_of_classes(name, matrix, len(weights), sizes, self.backend)
            elif name in FACTORS:
                sizes[FACTORS[name].columns] = _shape(matrix, self.backend)[1]
            else:
                _check_matrix(letter_of(name, "V" if "V" in names else "W"), matrix, sizes, self.backend)
        wanted = set(self.arguments[1 + len(names) :])
        if set(parameters) != wanted:
            message = f"the kernel's parameters are {sorted(wanted)}; given were {sorted(parameters)}"
            raise InputError(message)
        return self.value(W, *matrices, **parameters)

    @property
    def source(self) -> str:
        """The source of the value."""
        return _source("value", self.value)

    @property
    def gradient_source(self) -> str:
        """The source of the gradient."""
        return _source("gradient", self.gradient)


def kernel(expansion: Expansion, library: str = "numpy") -> Kernel:
    """Emit the kernels of an expansion.

    Args:
        expansion: what to evaluate; parameters left symbolic become arguments.
        library: "numpy", "torch" or "mpmath".

    >>> from derive import catalogue
    >>> k = kernel(catalogue("infonce").expand(order=4))
    >>> import numpy as np
    >>> W, A0, Sigma = np.eye(2), np.eye(2), 2 * np.eye(2)
    >>> float(k.value(W, A0, Sigma))
    4.0
    >>> print(k.source)
    def value(W, A0, Sigma):
        P_S = ((W @ Sigma) @ W.mT)
        return (3/4)*dot(P_S, P_S) - dot((W @ A0), W)
    <BLANKLINE>

    """
    chosen = backend(library)
    value = Plan(expansion, keep=False)
    value_function = _emit(value, value.value(), chosen)
    gradient = Plan(expansion, keep=True)
    gradient_function = _emit(gradient, gradient.gradient(), chosen)
    return Kernel(library, value.argument_names, value_function, gradient_function, expansion.bias, value.named)


def _emit(plan: Plan, result: sympy.Expr | tuple[sympy.Expr, ...], chosen: Backend) -> Callable[..., Any]:
    function: Callable[..., Any] = sympy.lambdify(
        [sympy.Symbol(argument) for argument in plan.argument_names],
        result,
        modules=[chosen.functions()],
        printer=chosen.printer(),
        # This replaces common subexpression elimination: the plan knows the products.
        cse=lambda expression: (list(plan.assignments.items()), expression),
        docstring_limit=0,
    )
    return function


def _source(name: str, function: Callable[..., Any]) -> str:
    return inspect.getsource(function).replace("_lambdifygenerated", name)


def _check_of_classes(name: str, given: Any, classes: int, sizes: Mapping[str, int], library: str) -> None:
    """What each class has: a weight, a mean or a covariance; and each node of data."""
    if len(given) != classes:
        weights, each = ("chances", "node") if name in ("data", "noise") else ("weights", "class")
        message = f"{name} has {len(given)} entries, and {weights} {classes}; give one for each {each}"
        raise InputError(message)
    for one in given if name not in ("weights", "chances") else ():
        if name in ("means", "data"):
            _check_vector("a class's mean" if name == "means" else "a datum", one, sizes["d0"], library, "columns")
        else:
            _check_matrix(letter_of("C" if name == "noise" else name), one, sizes, library)


def _check_vector(name: str, given: Any, size: int, library: str, of: str = "rows") -> None:
    shape = (given.rows,) * (given.cols == 1) if library == "mpmath" else tuple(given.shape[-1:])
    if shape != (size,):
        message = f"{name} must be a vector of {size} entries, as many as W has {of}"
        raise InputError(message)


def _shape(matrix: Any, library: str) -> tuple[int, ...]:
    return (matrix.rows, matrix.cols) if library == "mpmath" else tuple(matrix.shape[-2:])


def _check_matrix(letter: str, matrix: Any, sizes: Mapping[str, int], library: str) -> None:
    one, shape = LETTERS[letter], _shape(matrix, library)
    name, rows, columns = one.name, sizes[one.rows], sizes[one.columns]
    if len(shape) < 2:
        message = f"{name} has {len(shape)} dimensions; give a {rows}×{columns} matrix"
        raise InputError(message)
    if shape != (rows, columns):
        beside = f"but {factors(letter)[0]} has {rows} columns"
        message = f"{name} is {shape[0]}×{shape[1]}, {beside}: give a {rows}×{columns} matrix"
        raise InputError(message)
    if one.transpose != letter:
        return
    difference = matrix - (matrix.T if library == "mpmath" else matrix.mT)
    largest = max(map(abs, difference)) if library == "mpmath" else float(abs(difference).max())
    if not largest <= 1e-12 * max(1.0, float(max(map(abs, matrix)) if library == "mpmath" else abs(matrix).max())):
        message = f"{name} is not symmetric: entries differ from their mirror image by {float(largest):.3g}"
        raise InputError(message)
