"""The alphabet of trace words: what each letter stands for, its shape and its transpose.

A letter of a word stands for F X Gᵀ, a d1×d1 matrix. X is a matrix of the data; the *factors* F and G carry its rows
and its columns into the embedding: W where there are d0 of them, b (the bias of f(x) = W x + b) where there is one. So
A stands for W A0 Wᵀ, I for W Wᵀ, and D, whose X is the number 1, for b bᵀ.

The mean μ of the data is a vector of the embedding, W μ, as the bias b is: M stands for W μ μᵀ Wᵀ, and the letters of
W μ bᵀ and of its transpose are m and n. Data of classes bring letters with a *slot*, which stands for a class that is
summed over: Σ_y and A0_y of the class y, and its mean μ_y (`derive.algebra.slots`). Where the noise depends on the
datum, slots stand for data that are averaged over: C_z is the covariance of the noise around the datum z.

A matrix that is not symmetric has two letters, one for its transpose. Words, contractions, kernels and gradients need
no more than these entries.

Views may be seen in two ways: under a second augmentation, or through a second encoder g(y) = V y (`graphs.PLAIN`,
AUGMENTATION, ENCODER). The second view has a covariance Σ₂, that with the first is A, which need not be symmetric, and
two views of the second kind have the covariance A₂:

    W Σ₂ Wᵀ   W A Wᵀ   W Aᵀ Wᵀ   W A₂ Wᵀ     U, P, Q, R
    V Σ₂ Vᵀ   W A Vᵀ   V Aᵀ Wᵀ   V A₂ Vᵀ     T, X, Y, Z; V Vᵀ is J
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# The letter of b bᵀ, and the end of an open word that is b rather than a coordinate.
BIAS = "D"
END = -1
# From here on down, ends that are held while all else is averaged: f(x) of a view that is given, a free coordinate.
HELD = -100
# The same for W μ; and the letter of the second moment of the classes' means, Σ_y π_y W μ_y μ_yᵀ Wᵀ.
MEAN = "M"
OF_MEAN = -2
BETWEEN = "K"
# How many classes may be summed over at once, and the names that they have. Letters with a slot are numbered from here,
# in a part of Unicode that is left free for private use.
CLASSES = "yztsrqhgvupoecdw"
SLOTS = len(CLASSES)
# The slots after these stand for data.
DATA = "zvut"
NAMES = CLASSES + DATA
_FIRST = 0xE000


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
        slot: for a matrix of a class, the number of the class among those that are summed over.

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
    slot: int | None = None


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
    MEAN: Matrix("mean", "d0", "d0", MEAN, "μ μᵀ", r"\mu \mu^{\top}", ends=(OF_MEAN, OF_MEAN)),
    "m": Matrix("mean bias^T", "d0", "1", "n", ends=(OF_MEAN, END)),
    "n": Matrix("bias mean^T", "1", "d0", "m", turned=True, ends=(END, OF_MEAN)),
    BETWEEN: Matrix("M2", "d0", "d0", BETWEEN, "M₂", "M_2"),
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
# Vectors of the data, which W carries into the embedding, and their transposes: "Wμ" is W μ.
VECTORS: dict[str, Matrix] = {
    "μ": Matrix("mean", "d0", "1", "ν", "μ", r"\mu"),
    "ν": Matrix("mean^T", "1", "d0", "μ", "μᵀ", r"\mu^{\top}", turned=True),
}
# The vectors of the embedding by the numbers of ends.
ENDS: dict[int, str] = {END: "b", OF_MEAN: "Wμ"}
# Σ = A0 + C joins the letters: by basis, the substitution for the letter that the basis lacks.
BASES: dict[str, dict[str, dict[str, int]]] = {
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
    found = LETTERS.get(letter) or FACTORS.get(letter)
    return found or VECTORS[letter]


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


@lru_cache(maxsize=10_000)
def outer(u: int, v: int) -> str:
    """The letter of u vᵀ, u and v given by the numbers of ends of words; empty where there is none.

    >>> outer(END, END), outer(END, OF_MEAN), outer(HELD, END)
    ('D', 'n', '')
    """
    return next((letter for letter, one in LETTERS.items() if one.ends == (u, v)), "")


def is_centred(letter: str) -> bool:
    """Whether a letter is one of centred data without classes, or of the bias: landscapes know these alone.

    >>> [is_centred(letter) for letter in ("A", BIAS, MEAN, BETWEEN, in_slot("A", 0))]
    [True, True, False, False, False]
    """
    one = LETTERS[letter]
    return one.slot is None and (not one.ends or letter == BIAS) and letter != BETWEEN


def in_slot(letter: str, slot: int) -> str:
    """The letter of the same matrix of one class, that of a slot.

    >>> LETTERS[in_slot("S", 1)].text
    'Σ_z'
    """
    return chr(_FIRST + _OF_CLASSES.index(letter) * len(NAMES) + slot)


def plainly(letter: str) -> str:
    """The letter of the matrix averaged over the classes, or over the data.

    >>> plainly(in_slot("S", 1))
    'S'
    """
    return _OF_CLASSES[(ord(letter) - _FIRST) // len(NAMES)]


def of_class(slot: int) -> int:
    """The number of the end W μ_y, y the class of a slot, or of W z, z its datum."""
    return OF_MEAN - 1 - slot


def slot_of(end: int) -> int | None:
    """The slot of an end W μ_y or W z; None for another end.

    >>> slot_of(of_class(3)), slot_of(OF_MEAN)
    (3, None)
    """
    return OF_MEAN - 1 - end if HELD < end < OF_MEAN else None


def _of_data(slot: int | None) -> bool:
    return slot is None or slot >= SLOTS


def _not_of_data(slot: int | None) -> bool:
    return slot is None or slot < SLOTS


# The matrices that each class has of its own.
_OF_CLASSES = "ASC"


def _with_slots() -> None:
    """Letters of the classes' matrices, their means, and products of two vectors one of which is a class's mean.

    And the same of data: the noise's covariance around a datum, and the datum itself.
    """
    for letter, (slot, name) in product(_OF_CLASSES, enumerate(CLASSES)):
        one, own = LETTERS[letter], in_slot(letter, slot)
        latex = f"{one.latex}_{name}" if "_" not in one.latex else f"{one.latex.replace('_', '_{')},{name}}}"
        LETTERS[own] = one._replace(
            name=f"{one.name}[{name}]", transpose=own, text=f"{one.text}_{name}", latex=latex, slot=slot
        )
    for basis in BASES.values():
        for letter, put in list(basis.items()):
            for slot in range(SLOTS):
                basis[in_slot(letter, slot)] = {in_slot(one, slot): number for one, number in put.items()}
    for slot, name in enumerate(DATA, SLOTS):
        own = in_slot("C", slot)
        LETTERS[own] = LETTERS["C"]._replace(
            name=f"noise[{name}]", transpose=own, text=f"C_{name}", latex=f"C_{name}", slot=slot
        )
    vector = 0xF000
    for slot, name in enumerate(NAMES):
        mean, turned = chr(vector + 2 * slot), chr(vector + 2 * slot + 1)
        known, text, latex = (
            (f"mean[{name}]", f"μ_{name}", rf"\mu_{name}") if slot < SLOTS else (f"data[{name}]", name, name)
        )
        VECTORS[mean] = Matrix(known, "d0", "1", turned, text, latex, slot=slot)
        VECTORS[turned] = Matrix(
            f"{known}^T", "1", "d0", mean, f"{text}ᵀ", rf"{latex}^{{\top}}", turned=True, slot=slot
        )
        ENDS[of_class(slot)] = f"W{mean}"
    given = {one.ends for one in LETTERS.values() if one.ends}
    # Data that have classes, and those whose noise depends on them, are never in one product.
    kinds = [[end for end in ENDS if of(slot_of(end))] for of in (_not_of_data, _of_data)]
    pairs = [pair for of in kinds for pair in product(sorted(of, reverse=True), repeat=2) if pair not in given]
    pairs = list(dict.fromkeys(pairs))
    letter_at = {pair: chr(0xE400 + number) for number, pair in enumerate(pairs)}
    for (u, v), letter in letter_at.items():
        names = [matrix(ENDS[end][-1]).name for end in (u, v)]
        name = names[0] if u == v else f"{names[0]} {names[1]}^T"
        rows, columns = ("1" if end == END else "d0" for end in (u, v))
        LETTERS[letter] = Matrix(name, rows, columns, letter_at[v, u], turned=u > v, ends=(u, v))


_with_slots()
