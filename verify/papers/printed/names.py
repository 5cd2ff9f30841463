"""What a name in a printed formula stands for, and the error for one that stands for nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sympy

from derive.algebra.alphabet import letter_of
from derive.definition.tokens import Token
from derive.errors import did_you_mean, nearest
from verify.papers.printed.behind import entry
from verify.papers.printed.norms import NO_BIAS
from verify.papers.printed.tree import Matrix, Product, Scalar, Transpose, columns, is_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from verify.papers.printed.grammar import Formula
    from verify.papers.printed.tree import Node

_ONE_KIND = ("A0", "Sigma", "C")
_TWO_KINDS = ("A", "A2", "Sigma2")
_OF_DATA = {"A_0": "A0"} | dict.fromkeys(("Sigma_x", "Sigma_X", "Sigma_xx", "Sigma_XX"), "Sigma")
_OF_PAIRS = {"A_2": "A2", "Sigma_1": "Sigma", "Sigma1": "Sigma"} | dict.fromkeys(("Sigma_xy", "Sigma_XY"), "A")
_OF_PAIRS |= dict.fromkeys(("Sigma_2", "Sigma_y", "Sigma_Y", "Sigma_yy", "Sigma_YY"), "Sigma2")
# Aᵀ by a name of its own.
_TURNED = ("Sigma_yx", "Sigma_YX")
_IDENTITY = re.compile(r"I(?:_\{?(?:d|D|n|m|p)(?:_?\{?[01]\}?)?\}?)?|Id")
# Words of the field that are neither parameters nor matrices with a letter.
_WORDS = ("Tr", "I", "exp", "log", "sqrt")
_CONSTANTS = {"e": sympy.E, "E": sympy.E, "pi": sympy.pi}
# Letters side by side without a space, as LaTeX takes them: W A_0 W of WA_0W.
_PIECE = re.compile(r"(?:\\[A-Za-z]+|A[0₀2₂]|d[01₀₁]|Σ[₁₂]|[A-Za-zα-ωϵΣ])(?:_(?:\{[^{}]*\}|[A-Za-z0-9]))?")
_LOWERED = str.maketrans("₀₁₂", "012")
_ENTRY = re.compile(r"(.+)_([a-z])([a-z])")

# The error for a sign where a term is needed.
SAID = {
    "…": "what is left out of a formula stands at its end, as higher orders: … + O(W^6) or … + \\cdots",
    "𝔼": "an expectation is not computed here: E[f(x) f(x)^T] is W Sigma W^T, E[f(x) f(x')^T] is W A0 W^T",
}
_HINTS = {
    "sum": "a sum says which coordinates it runs over, as in Σ_ij or \\sum_{i \\ne j}",
    "prod": "products over coordinates are not read",
    "det": "determinants have no place in an expansion; write its orders out as traces",
    "norm": "write \\|W\\|_F^2 for the norm of a matrix",
    "over": "write \\frac{…}{…} for \\over",
    "hat": "letters under a hat stand for nothing here; write A_0, \\Sigma and C",
}
_HINTS |= dict.fromkeys(("text", "mbox"), "no words stand in a formula but where, with and const")
_HINTS |= dict.fromkeys(("tilde", "bar", "widehat", "widetilde", "overline", "check"), _HINTS["hat"])
_HINTS |= dict.fromkeys(("dagger", "ast", "star"), "the transpose of W is written W^T")


def matrices(second: str) -> tuple[str, ...]:
    """The names of matrices.

    Args:
        second: what carries views of the second kind; empty where there is one kind.

    """
    # Of WᵀW, WᵀV and VᵀV none is the one that G stands for.
    own = ("V",) if second == "V" else ("G",)
    return ("W", *own, *_letters_of(second), *_OF_DATA, *((*_OF_PAIRS, *_TURNED) if second else ()))


def _letters_of(second: str) -> dict[str, str]:
    """The letters of matrices by name."""
    return {name: letter_of(name, second or "W") for name in (*_ONE_KIND, *(_TWO_KINDS if second else ()))}


def named(formula: Formula, token: Token, before: Sequence[Node]) -> Node:
    """The meaning of a name, which has been read.

    Raises:
        PlaceError: nothing here.

    """
    name = token.value
    if name in formula.symbols and name in (*formula.matrices, "Tr"):
        said = f"{name} is a parameter of this loss, and a matrix to the theory; give the parameter another name"
        raise formula.refuse(said, token)
    if name == "E" and formula.sign("[") and name not in formula.symbols:
        raise formula.refuse(SAID["𝔼"], token)
    if name == "b" and _is_bias(formula, before):
        return Matrix("b", token.start)
    found = _known(formula, name, token.start)
    if found is not None:
        if name == "I" and formula.sign("_"):
            _size(formula)
        return found
    at = _ENTRY.fullmatch(name)
    if at is not None:
        base = _known(formula, at[1], token.start)
        if base is not None and is_matrix(base):
            return entry(formula, base, (at[2], at[3]), token)
    pieces = _pieces(formula, formula.written(token))
    if pieces:
        formula.at -= 1
        formula.cut(*pieces)
        formula.at += 1
        return named(formula, formula.tokens[formula.at - 1], before)
    # In W A W, written WAW, A is unknown.
    letters = list(_letters(formula, formula.written(token)))
    if any(known for _, known in letters) and letters[0][0][0] != "\\" and name[0] != "\\":
        behind = 0
        for piece, known in letters:
            if not known and len(piece) < len(name):
                place = Token("name", piece, token.start + behind, token.end)
                raise formula.refuse(_unknown(formula, piece), place)
            behind += len(piece)
    raise formula.refuse(_unknown(formula, name), token)


def held(formula: Formula, token: Token) -> Node:
    """The column f(x) of a view that is given, whose f has been read.

    Raises:
        PlaceError: the view is not given.

    """
    formula.at += 1
    view = formula.next.value
    formula.at += 1
    while formula.taken("'"):
        view += "_pos"
    formula.close(")")
    written = f"{token.value}({view})"
    if written not in formula.held:
        said = f"{written} is not given: what is averaged is written in W, A0 and Sigma, and given are {{}}"
        raise formula.refuse(said.format(", ".join(formula.held)), token)
    return Matrix(formula.held[written], token.start)


def _size(formula: Formula) -> None:
    """The size below an identity: I_d, I_{d_0}."""
    formula.at += 1
    closing = "}" if formula.taken("{") else None
    if not _IDENTITY.fullmatch(f"I_{formula.next.value}"):
        raise formula.refuse("below I stands its size, as in I_{d_0}")
    formula.at += 1
    formula.close(closing)


def _known(formula: Formula, name: str, at: int) -> Node | None:
    if name in formula.symbols:
        return Scalar(formula.symbols[name], at)
    if name in formula.shorthands:
        return formula.shorthands[name]
    name = name.translate(_LOWERED)
    if name in formula.matrices or name in _TWO_KINDS:
        return _matrix(formula, name, at)
    if _IDENTITY.fullmatch(name):
        return Scalar(sympy.S.One, at)
    return Scalar(_CONSTANTS[name], at) if name in _CONSTANTS else None


def _matrix(formula: Formula, name: str, at: int) -> Node | None:
    if name == "G":
        W = Matrix("W", at)
        return Product((Transpose(W, at), W), at)
    if name in ("W", "V"):
        return Matrix(name, at)
    letters = _letters_of(formula.second)
    if name in _TURNED:
        return Transpose(Matrix(letters["A"], at), at)
    letter = letters.get((_OF_DATA | _OF_PAIRS).get(name, name))
    return None if letter is None else Matrix(letter, at)


def _pieces(formula: Formula, written: str) -> list[int]:
    """The lengths of the letters that a name is made of, where each is known; empty where it is not."""
    found = list(_letters(formula, written))
    return [len(piece) for piece, _ in found] if len(found) > 1 and all(known for _, known in found) else []


def _letters(formula: Formula, written: str) -> Iterator[tuple[str, bool]]:
    """The letters that a name is made of, as LaTeX takes them, and whether each is known."""
    at = 0
    while at < len(written):
        piece = _PIECE.match(written, at)
        if piece is None:
            yield written[at:], False
            return
        name = re.sub(r"[\\{}]", "", piece[0]).translate(_LOWERED)
        name = "A0" if name == "A_0" else name
        bias = name == "b" and (formula.bias or "b" in formula.symbols)
        yield piece[0], bias or (name not in (*_CONSTANTS, "b") and _known(formula, name, 0) is not None)
        at = piece.end()


def _is_bias(formula: Formula, before: Sequence[Node]) -> bool:
    """Whether this b is the bias: transposed, before bᵀ, or after a matrix whose columns are its coordinates."""
    if not formula.bias:
        return False
    following = [token.value for token in formula.tokens[formula.at : formula.at + 3]]
    transposes = (["'"], ["^", "T"], ["^", "{", "T"])
    if any(following[: len(one)] == one for one in transposes):
        return True
    then = [token.value for token in formula.tokens[formula.at + 1 : formula.at + 4]]
    if following[:1] == ["b"] and any(then[: len(one)] == one for one in transposes):
        return True
    return bool(before) and columns(Product(tuple(before))) in ("w", "d")


def _unknown(formula: Formula, name: str) -> str:
    if name == "b":
        return NO_BIAS
    if name in _HINTS:
        return f"{name} is unknown here; {_HINTS[name]}"
    if not formula.second and name.translate(_LOWERED) in ("V", *_TWO_KINDS, *_OF_PAIRS, *_TURNED):
        said = (
            "the views of this loss are of one kind; two kinds have A, Sigma2 and A2 beside A0 and Sigma, and V where"
            " the second has an encoder, as in loss.with_two_encoders()"
        )
        return did_you_mean(f"{name} is unknown here", nearest(name, _ONE_KIND), said)
    if formula.second == "W" and name == "V":
        return "V is unknown here: the views of this loss are all seen through W"
    known = sorted(formula.symbols)
    words = (*_WORDS, *(one for one in formula.matrices if one not in (*_OF_DATA, *_OF_PAIRS, *_TURNED)))
    listed = f"the parameters are {', '.join(known) or 'none'}"
    said = did_you_mean(f"{name} is unknown here", nearest(name, [*known, *words]), listed)
    letter = name.partition("_")[0]
    if len(letter) == 1 and letter.isupper():
        said += f". A shorthand is explained behind the formula, as in …, {letter} = W A_0 W^T"
    return said
