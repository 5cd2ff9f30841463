"""Numeric kernels of an expansion: its value and its gradient in W, emitted as readable source by `lambdify`.

For each letter X the product P_X = W X Wᵀ is formed once, or not at all where Tr[P_X] alone is needed, since
Tr[W X Wᵀ] = Σ_ij (W X)_ij W_ij. A trace of a longer word is a sum of products of entries of its two halves, so k
letters cost at most k − 2 further matrix products, shared between words. The gradient comes from the words: dropping
one letter of a trace word and rotating the rest gives the adjoint K_X of P_X, and ∂L/∂W = Σ_X (K_X + K_Xᵀ) W X.
For the model f(x) = W x + b the letter D has P_D = b bᵀ, and ∂L/∂b = (K_D + K_Dᵀ) b.
"""

from __future__ import annotations

import inspect
import keyword
import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import sympy

from derive import InputError
from derive.letters import named, yielding
from derive.words import BIAS, NAMES, Invariant, is_trace
from numeric.backends import (
    Backend,
    added,
    backend,
    column,
    dot,
    entries,
    identity,
    matmul,
    ones,
    scaled,
    trace,
    transpose,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from derive import Expansion

_INDICES = "ijklmnop"
# Names that the source has for itself: its matrices, its functions, and what it assigns.
_TAKEN = re.compile(
    r"W|A0|Sigma|C|[PWKEc]_\w*|dot|trace|scaled|added|entries|identity|ones|matmul|transpose|column|vector|exp|log"
    r"|sqrt|mpf|pi|numpy|torch"
)


def _arguments(names: list[str], *, bias: bool) -> dict[str, str]:
    """Parameters' names in the source, with an underscore, or several, where Python or the source keeps a name."""
    kept = {name for name in names if keyword.iskeyword(name) or _TAKEN.fullmatch(name) or (bias and name == "b")}
    found = {name: name for name in names if name not in kept}
    for name in sorted(kept):
        found[name] = next(new for k in count(1) if (new := name + k * "_") not in found.values())
    return {name: found[name] for name in names}


def _arguments(names: Iterable[str], *, bias: bool) -> dict[str, str]:
    """Names of parameters in the source, one each.

    >>> _arguments(["lambda", "lambda_"], bias=False)
    {'lambda': 'lambda__', 'lambda_': 'lambda_'}
    """
    listed = list(names)
    plain = {name for name in listed if _argument(name, bias=bias) == name}
    found: dict[str, str] = {}
    for name in listed:
        taken = plain - {name} | set(found.values())
        found[name] = yielding(_argument(name, bias=bias), taken)
    return found


@dataclass(frozen=True)
class Kernel:
    """Value and gradient of an expansion for one numeric library.

    ``value`` and ``gradient`` are the emitted functions themselves, unchecked and as fast as they get:

        value(W, A0, Sigma, …)     L(W) − L(0), truncated: shape (…) for W of shape (…, d1, d0)
        gradient(W, A0, Sigma, …)  ∂L/∂W: the shape of W

    A0 and Sigma (or C, as the expansion's basis has it) are (d0, d0), or have leading dimensions that broadcast
    against those of W. The parameters follow as plain numbers, by position or by name (``lambda_`` for lambda).
    mpmath takes matrices without leading dimensions. Calling the kernel checks its arguments first.

    For the model f(x) = W x + b, b of shape (…, d1) (in mpmath a matrix of one column) stands after the covariances,
    and ``gradient`` returns the pair ∂L/∂W, ∂L/∂b. A parameter that is called b is then ``b_``.

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
        names = self.arguments[1 : 4 if self.bias else 3]
        if len(matrices) != len(names):
            message = f"the kernel takes W, {', '.join(names)}; {len(matrices) + 1} arrays were given"
            raise InputError(message)
        rows, columns = (W.rows, W.cols) if self.backend == "mpmath" else W.shape[-2:]
        for name, matrix in zip(names[:2], matrices, strict=False):
            _check_square(name, matrix, columns, self.backend)
        if self.bias:
            _check_vector("b", matrices[2], rows, self.backend)
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
    value = _Plan(expansion, keep=False)
    value_function = _emit(value, value.value(), chosen)
    gradient = _Plan(expansion, keep=True)
    gradient_function = _emit(gradient, gradient.gradient(), chosen)
    return Kernel(library, value.argument_names, value_function, gradient_function, expansion.bias, value.named)


class _Plan:
    """Collects the products that an evaluation needs, each once, in the order in which they are formed."""

    def __init__(self, expansion: Expansion, *, keep: bool) -> None:
        # A value needs W X for one thing each, and frees it at once; a gradient needs it again.
        self.keep = keep
        self.W, self.bias = sympy.Symbol("W"), expansion.bias
        letters = [*expansion.basis.split(","), *(["b"] if expansion.bias else [])]
        self.named = _arguments([one.name for one in expansion.symbols], bias=expansion.bias)
        parameters = {one: sympy.Symbol(self.named[one.name]) for one in expansion.symbols}
        self.argument_names = ("W", *letters, *self.named.values())
        self.assignments: dict[sympy.Symbol, sympy.Expr] = {}
        self.terms = [
            term._replace(coefficient=self._number(term.coefficient.xreplace(parameters))) for term in expansion.terms
        ]
        # Letters that occur in a word of two or more, or under a sum over coordinates: their P_X is needed.
        self.sandwiched = {
            letter
            for term in self.terms
            for one in term.invariants
            for _, word, _ in one
            if len(word) > 1 or not is_trace(one)
            for letter in word
        }

    def value(self) -> sympy.Expr:
        if not self.terms:
            # Nothing, in the shape of what there could be.
            return dot(scaled(sympy.S.Zero, self.W), self.W)
        return sympy.Add(*(term.coefficient * sympy.Mul(*map(self._invariant, term.invariants)) for term in self.terms))

    def gradient(self) -> sympy.Expr | tuple[sympy.Expr, sympy.Expr]:
        # For each letter: the numbers and the traces that multiply W X, and the adjoint of P_X.
        number: dict[str, sympy.Expr] = {}
        traced: dict[str, list[sympy.Expr]] = {}
        adjoint: dict[str, list[sympy.Expr]] = {}
        for term in self.terms:
            for position, one in enumerate(term.invariants):
                others = [self._invariant(o) for o in term.invariants[:position] + term.invariants[position + 1 :]]
                if not is_trace(one) or len(one[0][1]) > 1:
                    for letter, factor, matrix in self._adjoints(one):
                        weight = factor * term.coefficient * sympy.Mul(*others)
                        adjoint.setdefault(letter, []).append(scaled(weight, matrix))
                elif others:
                    traced.setdefault(one[0][1], []).append(2 * term.coefficient * sympy.Mul(*others))
                else:
                    number[one[0][1]] = number.get(one[0][1], sympy.S.Zero) + 2 * term.coefficient

        def total(letters: set[str]) -> sympy.Expr:
            # Products first: they are fresh arrays, which what follows may be added to in place.
            pieces = [
                matmul(self._assign(f"K_{letter}", sympy.Add(*adjoint[letter])), self._times(letter))
                for letter in sorted(letters & adjoint.keys())
            ]
            pieces += [
                scaled(sympy.Add(*traced[letter]), self._times(letter)) for letter in sorted(letters & traced.keys())
            ]
            pieces += [self._multiple(number[letter], letter) for letter in sorted(letters & number.keys())]
            result = pieces[0] if pieces else scaled(sympy.S.Zero, self._times(BIAS) if BIAS in letters else self.W)
            for piece in pieces[1:]:
                result = added(result, piece)
            return result

        of_W = total(set(NAMES) - {BIAS})
        return (of_W, vector(total({BIAS}))) if self.bias else of_W

    def _multiple(self, number: sympy.Expr, letter: str) -> sympy.Expr:
        """number · W X, the number going to the small matrix where W X is not needed for anything else."""
        if letter in ("I", BIAS) or sympy.Symbol(f"W_{letter}") in self.assignments:
            return scaled(number, self._times(letter))
        return matmul(self.W, number * sympy.Symbol(NAMES[letter]))

    def _assign(self, name: str, value: sympy.Expr) -> sympy.Symbol:
        symbol = sympy.Symbol(name)
        self.assignments.setdefault(symbol, value)
        return symbol

    def _number(self, coefficient: sympy.Expr) -> sympy.Expr:
        """A number as it is; an expression in parameters under a name, so that no array is multiplied twice."""
        if coefficient.is_number:
            return coefficient
        known = {value: symbol for symbol, value in self.assignments.items()}
        return known.get(coefficient) or self._assign(f"c_{len(self.assignments)}", coefficient)

    def _times(self, letter: str) -> sympy.Expr:
        """W X; b for the letter of b bᵀ."""
        if letter == "I":
            return self.W
        if letter == BIAS:
            return self._assign(f"W_{BIAS}", column(sympy.Symbol("b")))
        product = matmul(self.W, sympy.Symbol(NAMES[letter]))
        return self._assign(f"W_{letter}", product) if self.keep else product

    def _matrix(self, word: str) -> sympy.Expr:
        """The d1×d1 matrix of an open word."""
        backwards = sympy.Symbol(f"P_{word[::-1]}")
        if len(word) > 1 and word != word[::-1] and backwards in self.assignments:
            return transpose(backwards)
        if len(word) == 1:
            other = self._times(word) if word == BIAS else self.W
            return self._assign(f"P_{word}", matmul(self._times(word), transpose(other)))
        half = len(word) // 2
        return self._assign(f"P_{word}", matmul(self._matrix(word[:half]), self._matrix(word[half:])))

    def _invariant(self, one: Invariant) -> sympy.Expr:
        if not is_trace(one):
            links = [(_INDICES[i] + _INDICES[j], self._matrix(word)) for i, word, j in one]
            how = ",".join(f"...{pair}" for pair, _ in links) + "->..."
            return entries(sympy.Symbol(how), *(matrix for _, matrix in links))
        word = one[0][1]
        if len(word) == 1:
            if word in self.sandwiched:
                return trace(self._matrix(word))
            return dot(self._times(word), self._times(word) if word == BIAS else self.W)
        half = (len(word) + 1) // 2
        # Tr[PQ] = Σ_ij P_ij (Qᵀ)_ij, and Qᵀ is the matrix of the word read backwards.
        return dot(self._matrix(word[:half]), self._matrix(word[half:][::-1]))

    def _adjoints(self, one: Invariant) -> list[tuple[str, int, sympy.Expr]]:
        """∂/∂P_X + its transpose, as a number times a matrix, for each occurrence of a letter X."""
        if is_trace(one):
            word = one[0][1]
            counted: dict[tuple[str, str], int] = {}
            for i, letter in enumerate(word):
                rest = word[i + 1 :] + word[:i]
                key = (letter, min(rest, rest[::-1]))
                counted[key] = counted.get(key, 0) + 1
            return [
                (letter, number * factor, matrix)
                for (letter, rest), number in sorted(counted.items())
                for factor, matrix in (self._plus_transpose(rest),)
            ]
        result = []
        for e, (i, word, j) in enumerate(one):
            others = [link for k, link in enumerate(one) if k != e]
            specification = [f"...{_INDICES[a]}{_INDICES[b]}" for a, _, b in others]
            matrices = [self._matrix(other) for _, other, _ in others]
            here = self._matrix(word)
            first, second = _INDICES[i], _INDICES[j] if i != j else _INDICES[-1]
            # A loop at a coordinate only sees the diagonal; other edges see every entry.
            specification.append(first + second)
            matrices.append(identity(here) if i == j else ones(here))
            how = ",".join(specification) + f"->...{first}{second}"
            outer = self._assign(f"E_{len(self.assignments)}", entries(sympy.Symbol(how), *matrices))
            for position, letter in enumerate(word):
                adjoint = outer
                if position:
                    adjoint = matmul(transpose(self._matrix(word[:position])), adjoint)
                if position + 1 < len(word):
                    adjoint = matmul(adjoint, transpose(self._matrix(word[position + 1 :])))
                result.append((letter, 1, adjoint + transpose(adjoint)))
        return result

    def _plus_transpose(self, word: str) -> tuple[int, sympy.Expr]:
        matrix = self._matrix(word)
        return (2, matrix) if word == word[::-1] else (1, matrix + transpose(matrix))


def _emit(plan: _Plan, result: sympy.Expr | tuple[sympy.Expr, sympy.Expr], chosen: Backend) -> Callable[..., Any]:
    function: Callable[..., Any] = sympy.lambdify(
        [sympy.Symbol(argument) for argument in plan.argument_names],
        result,
        modules=[chosen.functions()],
        printer=chosen.printer(),
        # What stands in for common subexpression elimination: the plan knows the products.
        cse=lambda expression: (list(plan.assignments.items()), expression),
        docstring_limit=0,
    )
    return function


def _source(name: str, function: Callable[..., Any]) -> str:
    return inspect.getsource(function).replace("_lambdifygenerated", name)


def _check_vector(name: str, given: Any, size: int, library: str) -> None:
    shape = (given.rows,) * (given.cols == 1) if library == "mpmath" else tuple(given.shape[-1:])
    if shape != (size,):
        message = f"{name} must be a vector of {size} entries, as many as W has rows"
        raise InputError(message)


def _check_square(name: str, matrix: Any, size: int, library: str) -> None:
    shape = (matrix.rows, matrix.cols) if library == "mpmath" else tuple(matrix.shape[-2:])
    if len(shape) < 2:
        message = f"{name} has {len(shape)} dimensions; give a {size}×{size} matrix"
        raise InputError(message)
    if shape != (size, size):
        message = f"{name} is {shape[0]}×{shape[1]}, but W has {size} columns: give a {size}×{size} matrix"
        raise InputError(message)
    difference = matrix - (matrix.T if library == "mpmath" else matrix.mT)
    largest = max(map(abs, difference)) if library == "mpmath" else float(abs(difference).max())
    if not largest <= 1e-12 * max(1.0, float(max(map(abs, matrix)) if library == "mpmath" else abs(matrix).max())):
        message = f"{name} is not symmetric: entries differ from their mirror image by {float(largest):.3g}"
        raise InputError(message)
