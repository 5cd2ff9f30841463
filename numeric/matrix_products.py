"""The matrix products that the value and the gradient of an expansion need, each formed once.

For each letter X the product P_X = W X Wᵀ is formed once, or not at all where Tr[P_X] alone is needed, since
Tr[W X Wᵀ] = Σ_ij (W X)_ij W_ij. A trace of a longer word is a sum of products of entries of its two halves, so k
letters cost at most k − 2 further matrix products, shared between words. The gradient comes from the words: dropping
one letter of a trace word and rotating the rest gives the adjoint K_X of P_X, and ∂L/∂W = Σ_X (K_X + K_Xᵀ) W X.
For the model f(x) = W x + b the letter D has P_D = b bᵀ, and ∂L/∂b = (K_D + K_Dᵀ) b.
"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

import sympy

from derive.letters import named, yielding
from derive.words import BIAS, NAMES, Invariant, is_trace
from numeric.backends import (
    added,
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
    from collections.abc import Iterable

    from derive import Expansion

_INDICES = "ijklmnop"
# Names that the source has for itself: its matrices, its functions, and what it assigns.
_TAKEN = re.compile(
    r"W|A0|Sigma|C|[PWKEc]_\w*|dot|trace|scaled|added|entries|identity|ones|matmul|transpose|column|vector|exp|log"
    r"|sqrt|mpf|pi|numpy|torch"
)


def _arguments(names: Iterable[str], *, bias: bool) -> dict[str, str]:
    """Parameters' names in the source, with underscores where Python or the source keeps a name; one each.

    >>> _arguments(["lambda", "lambda_"], bias=False)
    {'lambda': 'lambda__', 'lambda_': 'lambda_'}
    """
    listed = list(names)
    kept = {name for name in listed if keyword.iskeyword(name) or _TAKEN.fullmatch(name) or (bias and name == "b")}
    found = {name: name for name in listed if name not in kept}
    for name in sorted(kept):
        found[name] = yielding(f"{name}_", set(found.values()))
    return {name: found[name] for name in listed}


class Plan:
    """Collects the products that an evaluation needs, each once, in the order in which they are formed.

    Args:
        expansion: what is evaluated.
        keep: whether the products W X get names, to be used again: a gradient needs them more than once.

    Attributes:
        argument_names: W, the covariances, b where the model has a bias, then the parameters.
        named: the argument of each of the loss's parameters.
        assignments: the products by name, in the order in which they are formed; `value` and `gradient` fill it.

    """

    def __init__(self, expansion: Expansion, *, keep: bool) -> None:
        # A value needs W X for one thing each, and frees it at once; a gradient needs it again.
        self.keep = keep
        self.W, self.bias = sympy.Symbol("W"), expansion.bias
        letters = [*expansion.basis.split(","), *(["b"] if expansion.bias else [])]
        own = named(expansion.symbols)
        self.named = _arguments(own, bias=expansion.bias)
        parameters = {own[name]: sympy.Symbol(one) for name, one in self.named.items()}
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
        """L(W) − L(0), in terms of the products."""
        if not self.terms:
            # Nothing, in the shape of what there could be.
            return dot(scaled(sympy.S.Zero, self.W), self.W)
        return sympy.Add(*(term.coefficient * sympy.Mul(*map(self._invariant, term.invariants)) for term in self.terms))

    def gradient(self) -> sympy.Expr | tuple[sympy.Expr, sympy.Expr]:
        """∂L/∂W, and with a bias the pair ∂L/∂W, ∂L/∂b, in terms of the products."""
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
