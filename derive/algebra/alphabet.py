"""The alphabet of trace words: what each letter stands for, its shape and its transpose.

A letter of a word stands for F X Gᵀ, a d1×d1 matrix. X is a matrix of the data; the *factors* F and G carry its rows
and its columns into the embedding: W where there are d0 of them, b (the bias of f(x) = W x + b) where there is one. So
A stands for W A0 Wᵀ, I for W Wᵀ, and D, whose X is the number 1, for b bᵀ.

A matrix that is not symmetric has two letters, one for its transpose. Words, contractions, kernels and gradients need
no more than these entries.

Views may be seen in two ways: under a second augmentation, or through a second encoder g(y) = V y (`graphs.PLAIN`,
AUGMENTATION, ENCODER). The second view has a covariance Σ₂, that with the first is A, which need not be symmetric, and
two views of the second kind have the covariance A₂:

    W Σ₂ Wᵀ   W A Wᵀ   W Aᵀ Wᵀ   W A₂ Wᵀ     U, P, Q, R
    V Σ₂ Vᵀ   W A Vᵀ   V Aᵀ Wᵀ   V A₂ Vᵀ     T, X, Y, Z; V Vᵀ is J
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The letter of b bᵀ, and the end of an open word that is b rather than a coordinate.
BIAS = "D"
END = -1
# From here on down, ends that are held while all else is averaged: f(x) of a view that is given, a free coordinate.
HELD = -100


class Matrix(NamedTuple):
    """What a letter stands for.

    Attributes:
        name: its name in JSON and in code.
        rows: the number of rows: d0, d1 or 1.
        columns: the number of columns.
        transpose: the letter of its transpose, itself where it is symmetric.
        text: how it is written in plain text.
        latex: how it is written in LaTeX.
        unit: whether it is an identity, which is not written between its factors.
        turned: whether it is the transpose of a given matrix rather than a given matrix itself.
        ends: for u vᵀ, u and v vectors of the embedding: the numbers of the ends u and v, negative; else empty.

    """

    name: str
    rows: str
    columns: str
    transpose: str
    text: str = ""
    latex: str = ""
    unit: bool = False
    turned: bool = False
    ends: tuple[int, ...] = ()


LETTERS: dict[str, Matrix] = {
    "A": Matrix("A0", "d0", "d0", "A", "A0", "A_0"),
    "S": Matrix("Sigma", "d0", "d0", "S", "Σ", r"\Sigma"),
    "C": Matrix("C", "d0", "d0", "C", "C", "C"),
    "I": Matrix("I", "d0", "d0", "I", "I", "I", unit=True),
    BIAS: Matrix("bias", "1", "1", BIAS, unit=True, ends=(END, END)),
    "U": Matrix("Sigma2", "d0", "d0", "U", "Σ₂", r"\Sigma_2"),
    "P": Matrix("A", "d0", "d0", "Q", "A", "A"),
    "Q": Matrix("A^T", "d0", "d0", "P", "Aᵀ", r"A^{\top}", turned=True),
    "R": Matrix("A2", "d0", "d0", "R", "A₂", "A_2"),
    "T": Matrix("Sigma2", "d0'", "d0'", "T", "Σ₂", r"\Sigma_2"),
    "X": Matrix("A", "d0", "d0'", "Y", "A", "A"),
    "Y": Matrix("A^T", "d0'", "d0", "X", "Aᵀ", r"A^{\top}", turned=True),
    "Z": Matrix("A2", "d0'", "d0'", "Z", "A₂", "A_2"),
    "J": Matrix("I2", "d0'", "d0'", "J", "I₂", "I_2", unit=True),
}
# The factors and their transposes; in words of matrices, W A0 Wᵀ is "WAw".
FACTORS: dict[str, Matrix] = {
    "W": Matrix("W", "d1", "d0", "w", "W", "W"),
    "w": Matrix("W^T", "d0", "d1", "W", "Wᵀ", r"W^{\top}", turned=True),
    "V": Matrix("V", "d1", "d0'", "v", "V", "V"),
    "v": Matrix("V^T", "d0'", "d1", "V", "Vᵀ", r"V^{\top}", turned=True),
    "b": Matrix("b", "d1", "1", "d", "b", "b"),
    "d": Matrix("b^T", "1", "d1", "b", "bᵀ", r"b^{\top}", turned=True),
}
# Columns that are held, f(x) of views that are given, and their transposes: the k-th has the end HELD − k.
COLUMNS, ROWS = "01234567", "αβγδεζηθ"
FACTORS |= {
    one: Matrix(f"f{k}{turn}", *sizes, other, f"f{k}", f"f_{k}", turned=bool(turn))
    for k, pair in enumerate(zip(COLUMNS, ROWS, strict=True))
    for one, other, sizes, turn in ((*pair, ("d1", "1"), ""), (*pair[::-1], ("1", "d1"), "^T"))
}
# Σ = A0 + C joins the letters: by basis, the substitution for the letter that the basis lacks.
BASES: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "A0,Sigma": {"C": {"S": 1, "A": -1}},
    "A0,C": {"S": {"A": 1, "C": 1}},
}


# The given matrices in the order in which they are listed where views are seen in two ways.
_GIVEN = ("A", "A0", "A2", "Sigma", "Sigma2")


def matrix(letter: str) -> Matrix:
    """The matrix that a letter stands for in a word of factors and matrices.

    >>> matrix("w").name, matrix("A").name
    ('W^T', 'A0')
    """
    return FACTORS[letter] if letter in FACTORS else LETTERS[letter]


def factors(letter: str) -> tuple[str, str]:
    """F and G of F X Gᵀ.

    >>> factors("A"), factors("D")
    (('W', 'W'), ('b', 'b'))
    """
    X = LETTERS[letter]
    return _carrying(X.rows), _carrying(X.columns)


def _carrying(size: str) -> str:
    return next(name for name, one in FACTORS.items() if one.columns == size and not one.turned)


def letter_of(name: str, second: str = "W") -> str:
    """The letter of a matrix by its name.

    Args:
        name: as in JSON.
        second: what carries views of the second kind into the embedding: W under a second augmentation, V through a
            second encoder.

    Raises:
        KeyError: no letter has this name.

    >>> letter_of("Sigma"), letter_of("A"), letter_of("A", "V")
    ('S', 'P', 'X')

    """
    found = [letter for letter, one in LETTERS.items() if one.name == name]
    if not found:
        raise KeyError(name)
    return max(found, key=lambda letter: ("V" in factors(letter)) == (second == "V"))


def basis_of(words: Iterable[str]) -> str:
    """The given matrices of words in which views are seen in two ways: A, Σ and Σ₂, and those of A0 and A₂ that occur.

    >>> basis_of(["SX", "YA"])
    'A,A0,Sigma,Sigma2'
    """
    found = {LETTERS[letter].name for word in words for letter in word} | {"A", "Sigma", "Sigma2"}
    return ",".join(name for name in _GIVEN if name in found)


def outer(u: int, v: int) -> str:
    """The letter of u vᵀ, u and v given by the numbers of ends of words; empty where there is none.

    >>> outer(END, END), outer(HELD, END)
    ('D', '')
    """
    return next((letter for letter, one in LETTERS.items() if one.ends == (u, v)), "")
