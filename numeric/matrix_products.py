"""The matrix products that the value and the gradient of an expansion need, each formed once.

For each letter X the product P_X = W X Wᵀ is formed once, or not at all where Tr[P_X] alone is needed, since
Tr[W X Wᵀ] = Σ_ij (W X)_ij W_ij. A trace of a longer word is a sum of products of entries of its two halves, so k
letters cost at most k − 2 further matrix products, shared between words. The gradient comes from the words
(`derive.algebra.words.gradient`): ∂L/∂W = Σ_X K_X W X, K_X the matrices of the open words that end in W X.
For the model f(x) = W x + b the letter D has P_D = b bᵀ, and ∂L/∂b = K_D b. A letter F X Gᵀ of other factors has F X
for W X, and belongs to the gradient in G. Sums over classes are in `numeric.class_sums`.
"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

import sympy

from derive.algebra.alphabet import BASES, BETWEEN, BIAS, ENDS, FACTORS, LETTERS, factors, slot_of
from derive.algebra.letters import named, yielding
from derive.algebra.slots import has_slots
from derive.algebra.words import gradient, is_trace
from derive.algebra.words import transpose as turned
from numeric import class_sums
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
    from collections.abc import Iterable, Iterator

    from derive import Expansion
    from derive.algebra.words import Invariant, Invariants

_INDICES = "ijklmnop"
# Names that the source uses itself: its matrices, its functions, and what it assigns.
_TAKEN = re.compile(
    r"W|[PWKEc]_\w*|dot|trace|scaled|added|entries|identity|ones|matmul|transpose|column|vector|exp|log"
    r"|sqrt|mpf|pi|numpy|torch|over_classes"
)


def _arguments(names: Iterable[str], *, bias: bool, arrays: Iterable[str] = ()) -> dict[str, str]:
    """Parameters' names in the source, with underscores where Python or the source reserves a name; all distinct.

    >>> _arguments(["lambda", "lambda_"], bias=False)
    {'lambda': 'lambda__', 'lambda_': 'lambda_'}
    """
    listed = list(names)
    taken = {name for basis in BASES for name in basis.split(",")} | ({"b"} if bias else set())
    # What the source assigns where there are classes.
    taken |= {*arrays, *(("mean", "M2") if "means" in arrays else ())}
    kept = {name for name in listed if keyword.iskeyword(name) or _TAKEN.fullmatch(name) or name in taken}
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
        factors: what the gradient is taken with respect to: W, other factors in the words, b if there is a bias.
        argument_names: the factors except b, the covariances, the mean or what classes have, b, then the parameters.
        named: the argument of each of the loss's parameters.
        assignments: the products by name, in the order in which they are formed; `value` and `gradient` fill it.

    """

    def __init__(self, expansion: Expansion, *, keep: bool) -> None:
        # A value needs each W X once and frees it; a gradient needs it again.
        self.keep = keep
        words = {word for term in expansion.terms for one in term.invariants for _, word, _ in one}
        others = sorted({factor for letter in set("".join(words)) for factor in factors(letter)} - {"W", "b"})
        vectors = ["b"] if expansion.bias else []
        self.factors = ("W", *others, *vectors)
        own = named(expansion.symbols)
        self.named = _arguments(own, bias=expansion.bias, arrays=expansion.arrays)
        parameters = {own[name]: sympy.Symbol(one) for name, one in self.named.items()}
        self.argument_names = ("W", *others, *expansion.basis.split(","), *expansion.arrays, *vectors)
        self.argument_names += tuple(self.named.values())
        self.assignments: dict[sympy.Symbol, sympy.Expr] = {}
        self.of_classes = "means" in expansion.arrays
        every = [
            term._replace(coefficient=self._number(term.coefficient.xreplace(parameters))) for term in expansion.terms
        ]
        self.terms = [term for term in every if not has_slots(term.invariants)]
        self.summed = [term for term in every if has_slots(term.invariants)]
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
        if not self.terms and not self.summed:
            # Zero, in the shape of the value.
            W = self._factor("W")
            return dot(scaled(sympy.S.Zero, W), W)
        return sympy.Add(
            *(term.coefficient * sympy.Mul(*map(self._invariant, term.invariants)) for term in self.terms),
            *(term.coefficient * class_sums.total(self._operands(term.invariants)) for term in self.summed),
        )

    def gradient(self) -> sympy.Expr | tuple[sympy.Expr, ...]:
        """∂L/∂W, and ∂L/∂F for each further factor F, in terms of the products."""
        # For each letter F X Gᵀ: the numbers and the traces that multiply F X, and the matrices K.
        number: dict[str, sympy.Expr] = {}
        traced: dict[str, list[sympy.Expr]] = {}
        adjoint: dict[str, list[sympy.Expr]] = {}
        for term in self.terms:
            for (others, word), times in (opened := gradient(term.invariants)).items():
                rest, letter = word[:-1], word[-1]
                weight = term.coefficient * sympy.Mul(*map(self._invariant, others))
                if rest:
                    # P and Pᵀ with the same coefficient are added first.
                    paired = turned(rest) != rest and opened.get((others, turned(rest) + letter)) == times
                    if not paired or rest < turned(rest):
                        P = self._matrix(rest)
                        matrix = P + transpose(P) if paired else P
                        adjoint.setdefault(letter, []).append(scaled(times * weight, matrix))
                elif others:
                    traced.setdefault(letter, []).append(times * weight)
                else:
                    number[letter] = number.get(letter, sympy.S.Zero) + times * weight
            for k, one in enumerate(term.invariants):
                if not is_trace(one):
                    others = term.invariants[:k] + term.invariants[k + 1 :]
                    weight = term.coefficient * sympy.Mul(*map(self._invariant, others))
                    for letter, matrix in self._adjoints(one):
                        adjoint.setdefault(letter, []).append(scaled(weight, matrix))

        parts: dict[str, list[sympy.Expr]] = {}
        for term in self.summed:

            def assign(value: sympy.Expr) -> sympy.Symbol:
                return self._assign(f"E_{len(self.assignments)}", value)

            for name, matrix, value in class_sums.adjoints(self._operands(term.invariants), term.coefficient, assign):
                (adjoint if matrix else parts).setdefault(name, []).append(value)

        def total(factor: str) -> sympy.Expr:
            known = sorted({*number, *traced, *adjoint})
            letters = [letter for letter in known if factors(letter)[1] == factor]
            # Products first: they are fresh arrays, to which the rest may be added in place.
            pieces = [
                matmul(self._assign(f"K_{letter}", sympy.Add(*adjoint[letter])), self._times(letter))
                for letter in letters
                if letter in adjoint
            ]
            pieces += [
                scaled(sympy.Add(*traced[letter]), self._times(letter)) for letter in letters if letter in traced
            ]
            pieces += [self._multiple(number[letter], letter) for letter in letters if letter in number]
            if factor in parts:
                summed = sympy.Add(*parts[factor])
                pieces.append(column(summed) if factor == "b" else summed)
            result = pieces[0] if pieces else scaled(sympy.S.Zero, self._factor(factor))
            for piece in pieces[1:]:
                result = added(result, piece)
            return vector(result) if FACTORS[factor].columns == "1" else result

        found = tuple(map(total, self.factors))
        return found if len(found) > 1 else found[0]

    def _multiple(self, number: sympy.Expr, letter: str) -> sympy.Expr:
        """number · F X; the number multiplies the smaller matrix where F X is not needed elsewhere."""
        if LETTERS[letter].unit or sympy.Symbol(f"W_{letter}") in self.assignments:
            return scaled(number, self._times(letter))
        return matmul(self._factor(factors(letter)[0]), number * self._given(letter))

    def _assign(self, name: str, value: sympy.Expr) -> sympy.Symbol:
        symbol = sympy.Symbol(name)
        self.assignments.setdefault(symbol, value)
        return symbol

    def _number(self, coefficient: sympy.Expr) -> sympy.Expr:
        """A number unchanged; an expression in parameters under a name, so that no array is multiplied twice."""
        if coefficient.is_number:
            return coefficient
        known = {value: symbol for symbol, value in self.assignments.items()}
        return known.get(coefficient) or self._assign(f"c_{len(self.assignments)}", coefficient)

    def _factor(self, name: str) -> sympy.Expr:
        """W unchanged, b as a matrix of one column."""
        if FACTORS[name].columns == "1":
            return self._assign(f"W_{BIAS}", column(sympy.Symbol(name)))
        return sympy.Symbol(name)

    def _times(self, letter: str) -> sympy.Expr:
        """F X of a letter F X Gᵀ: W X, and b for the letter of b bᵀ."""
        left = self._factor(factors(letter)[0])
        if LETTERS[letter].unit:
            return left
        product = matmul(left, self._given(letter))
        return self._assign(f"W_{letter}", product) if self.keep else product

    def _given(self, letter: str) -> sympy.Expr:
        """X of F X Gᵀ, or Xᵀ where the transpose is what is given."""
        one = LETTERS[letter]
        if one.ends:
            # W μ is carried by W, and b is what carries itself.
            u, v = (None if ENDS[end] == "b" else column(self._mean()) for end in one.ends)
            return matmul(u, transpose(v)) if u and v else u or transpose(v)
        if self.of_classes and letter == BETWEEN:
            return self._assign("M2", class_sums.second_moment())
        given = sympy.Symbol(LETTERS[one.transpose].name if one.turned else one.name)
        if self.of_classes:
            given = self._assign(f"{given}_mean", class_sums.average(given, "ij"))
        return transpose(given) if one.turned else given

    def _mean(self) -> sympy.Expr:
        """μ."""
        if not self.of_classes:
            return sympy.Symbol("mean")
        return self._assign("mean", class_sums.average(class_sums.MEANS, "i"))

    def _operands(self, term: Invariants) -> list[class_sums.Operand]:
        """The operands of a sum over classes."""

        def letter(one: str) -> sympy.Expr:
            if LETTERS[one].slot is None:
                return self._matrix(one)
            return self._assign(f"P_of_{LETTERS[one].name.partition('[')[0]}", class_sums.of_all_classes(one))

        def vector_of(end: int) -> sympy.Expr:
            if ENDS[end] == "b":
                return sympy.Symbol("b")
            if (slot := slot_of(end)) is not None:
                return self._assign("P_vectors", class_sums.vectors_of_all(slot))
            return self._assign("P_mean", vector(matmul(sympy.Symbol("W"), column(self._mean()))))

        return class_sums.operands(term, letter, vector_of)

    def _matrix(self, word: str) -> sympy.Expr:
        """The d1×d1 matrix of an open word."""
        backwards = sympy.Symbol(f"P_{turned(word)}")
        if word != turned(word) and backwards in self.assignments:
            return transpose(backwards)
        if len(word) == 1:
            product = matmul(self._times(word), transpose(self._factor(factors(word)[1])))
            return self._assign(f"P_{word}", product)
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
            return dot(self._times(word), self._factor(factors(word)[1]))
        half = (len(word) + 1) // 2
        # Tr[PQ] = Σ_ij P_ij (Qᵀ)_ij
        return dot(self._matrix(word[:half]), self._matrix(turned(word[half:])))

    def _adjoints(self, one: Invariant) -> Iterator[tuple[str, sympy.Expr]]:
        """K_X of a sum over coordinates, for each letter X and place: Σ_ij (P X Q)_ij E_ij has Q Eᵀ P for X."""
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
                if turned(letter) == letter:
                    yield letter, adjoint + transpose(adjoint)
                else:
                    yield turned(letter), adjoint
                    yield letter, transpose(adjoint)
