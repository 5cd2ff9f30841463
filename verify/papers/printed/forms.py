"""Trees of what is stated in forms other than text: an `Expansion`, its JSON, or SymPy in `Trace` and matrix symbols.

Matrices of SymPy are known by their names (W, A_0, Sigma, C, G = WᵀW, b), and so are parameters: the assumptions of a
symbol, positive or integer, do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sympy

from derive import InputError
from derive.algebra.alphabet import letter_of, matrix
from derive.algebra.words import is_trace, spelled
from verify.papers.printed.grammar import Formula
from verify.papers.printed.meaning import Meaning
from verify.papers.printed.tree import Entry, Matrix, Over, Power, Product, Scalar, Sum, Trace, Transpose

if TYPE_CHECKING:
    from derive import Expansion
    from derive.algebra.words import Link
    from verify.papers.printed.tree import Node

_COORDINATES = "ijklmnopqrstuvwxyzabcdefgh"
_W, _B = Matrix("W"), Matrix("b")
_OF_SYMPY: dict[str, Node] = {
    "W": _W,
    "A_0": Matrix("A"),
    "A0": Matrix("A"),
    "Sigma": Matrix("S"),
    "C": Matrix("C"),
    "G": Product((Transpose(_W), _W)),
    "b": _B,
}
# Where views are of two kinds.
_OF_PAIRS = ("A", "A_2", "Sigma_2")
# The longest expression that is shown where it cannot be read.
_LONG = 60


def of_expansion(expansion: Expansion) -> Node:
    """The sum of an expansion's terms and its constant."""
    terms = (_term(one.coefficient, one.invariants) for one in expansion.terms)
    return Sum((Scalar(expansion.constant), *terms))


def of_json(
    given: Mapping[str, Any], symbols: Mapping[str, sympy.Expr], what: str, second: str = ""
) -> tuple[Node, int, sympy.Expr | None]:
    """The sum of the terms of `Expansion.to_json`, or of an audit that holds it; its order, and L(0) where it is said.

    Raises:
        InputError: it is not one.

    """
    try:
        # What `quartic audit --json` prints holds the expansion.
        given = given["expansion"] if "terms" not in given and isinstance(given.get("expansion"), Mapping) else given
        terms = [_of_json(term, symbols, second) for term in given["terms"]]
        constant = coefficient(str(given["constant"]), symbols) if "constant" in given else None
        at_zero = sympy.S.Zero if constant is None else constant
        return Sum((Scalar(at_zero), *terms)), int(given["order"]), constant
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        message = (
            f"{what} is not JSON of an expansion, as quartic derive --json prints it: {type(error).__name__} {error}"
        )
        raise InputError(message) from None


def quadratic(B: Node) -> Node:
    """−Tr[W B Wᵀ]."""
    return Product((Scalar(sympy.S.NegativeOne), Trace(Product((_W, B, Transpose(_W))))))


def of_letters(letters: Mapping[str, sympy.Expr]) -> Node:
    """The sum of multiples of A0, C and I."""
    matrices: dict[str, tuple[Node, ...]] = {"A0": (Matrix("A"),), "C": (Matrix("C"),), "I": ()}
    return Sum(tuple(Product((Scalar(value), *matrices[letter])) for letter, value in letters.items()))


def coefficient(text: str, symbols: Mapping[str, sympy.Expr]) -> sympy.Expr:
    """An expression in numbers and parameters.

    Raises:
        InputError: it is not one.

    """
    formula = Formula(text, symbols)
    return Meaning(text).scalar(formula.whole(), "a coefficient holds numbers and parameters")


def of_sympy(value: sympy.Basic, symbols: Mapping[str, sympy.Expr], what: str, second: str = "") -> Node:
    """A sum of products of traces, matrices and coefficients.

    Raises:
        InputError: something else, a matrix of another name, or a symbol that is not a parameter.

    """
    pairs: dict[str, Node] = {name: Matrix(letter_of(name.replace("_", ""), second)) for name in _OF_PAIRS if second}
    encoder: dict[str, Node] = {"V": Matrix("V")} if second == "V" else {}
    return _of_sympy(_in_symbols(value, symbols), what, _OF_SYMPY | pairs | encoder)


def _term(value: sympy.Expr, invariants: Iterable[tuple[Link, ...]]) -> Node:
    return Product((Scalar(value), *map(_invariant, invariants)))


def _of_json(term: Mapping[str, Any], symbols: Mapping[str, sympy.Expr], second: str) -> Node:
    def spelled_in(word: Iterable[str]) -> str:
        return "".join(letter_of(name, second or "W") for name in word)

    words: list[tuple[Link, ...]] = [((0, spelled_in(word), 0),) for word in term["traces"]]
    words += [
        tuple((int(i), spelled_in(word), int(j)) for i, word, j in links) for links in term.get("coordinate_sums", ())
    ]
    return _term(coefficient(str(term["coefficient"]), symbols), words)


def _invariant(links: tuple[Link, ...]) -> Node:
    if is_trace(links):
        return Trace(_word(links[0][1]))
    names = {place: _COORDINATES[k] for k, place in enumerate(sorted({end for i, _, j in links for end in (i, j)}))}
    return Over(tuple(names.values()), Product(tuple(Entry(_word(word), names[i], names[j]) for i, word, j in links)))


def _word(letters: str) -> Node:
    return Product(tuple(map(_factor, spelled(letters))))


def _factor(letter: str) -> Node:
    one = matrix(letter)
    return Transpose(_factor(one.transpose)) if one.turned else Matrix(letter)


def _of_sympy(node: sympy.Basic, what: str, known: Mapping[str, Node]) -> Node:
    match node:
        case sympy.Add() | sympy.MatAdd():
            return Sum(tuple(_of_sympy(one, what, known) for one in node.args))
        case sympy.Mul() | sympy.MatMul():
            return Product(tuple(_of_sympy(one, what, known) for one in node.args))
        case sympy.Trace():
            return Trace(_of_sympy(node.arg, what, known))
        case sympy.Transpose():
            return Transpose(_of_sympy(node.arg, what, known))
        case sympy.MatPow() | sympy.Pow() if node.has(sympy.Trace, sympy.MatrixSymbol):
            return Power(_of_sympy(node.base, what, known), _of_sympy(node.exp, what, known))
        case sympy.MatrixSymbol():
            if node.name not in known:
                own = ("W", "A_0", "Sigma", "C", *(name for name in ("V", *_OF_PAIRS) if name in known))
                message = f"{what} holds the matrix {node.name}; its matrices are {', '.join(own[:-1])} and {own[-1]}"
                raise InputError(message)
            return known[node.name]
        case sympy.Identity():
            return Scalar(sympy.S.One)
        case sympy.ZeroMatrix():
            return Scalar(sympy.S.Zero)
        case sympy.Expr() if not node.is_Matrix and not node.has(sympy.Trace, sympy.MatrixSymbol, sympy.Sum):
            return Scalar(node)
    shown = node if len(str(node)) < _LONG else f"a {type(node).__name__}"
    message = f"{what} holds {shown}: in SymPy it is made of Trace(W*A_0*W.T), products and coefficients"
    raise InputError(message)


def _in_symbols(value: sympy.Basic, symbols: Mapping[str, sympy.Expr]) -> sympy.Basic:
    """The loss's own symbols put for those of their names."""
    given = [one for one in value.free_symbols if isinstance(one, sympy.Symbol)]
    # The sizes of the matrices are not parameters.
    sizes = {size for one in value.atoms(sympy.MatrixSymbol) for part in one.shape for size in part.free_symbols}
    unknown = sorted(one.name for one in given if one.name not in symbols and one not in sizes)
    if unknown:
        message = f"{unknown[0]} is unknown here; the parameters are {', '.join(sorted(symbols)) or 'none'}"
        raise InputError(message)
    return value.xreplace({one: symbols[one.name] for one in given if one.name in symbols and one not in sizes})
