"""Products of weights and covariances: words with W, a predictor P and a momentum copy Wₘ, and their gradients.

A field has several matrices that move, so that its words are spelled out, one character a matrix, with the small letter
for the transpose: "pWA" is Pᵀ W A0, and Tr["WSw"] is Tr[W Σ Wᵀ]. A0 and Σ are symmetric. While a loss is
differentiated, U stands for the weights of live views and V for those of stopped ones.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from derive.algebra.alphabet import Matrix
from derive.algebra.words import rotations, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from derive.algebra.words import Invariants
    from derive.definition.notation import Style

# The weights that move, and the data; by the character of a word.
WEIGHTS = {
    "W": Matrix("W", "d1", "d0", "w", "W", "W"),
    "P": Matrix("P", "d1", "d1", "p", "P", "P"),
    "M": Matrix("W_m", "d1", "d0", "m", "Wₘ", "W_m"),
}
DATA = {
    "A": Matrix("A0", "d0", "d0", "A", "A0", "A_0"),
    "S": Matrix("Sigma", "d0", "d0", "S", "Σ", r"\Sigma"),
}
LIVE, HELD = "U", "V"
# The letters of two kinds of views as they are of one kind: Σ₂ is Σ; A, Aᵀ and A₂ are A0; the identity is not written.
_OF_ONE_KIND = {"T": "S", "X": "A", "Y": "A", "Z": "A", "W": LIVE, "w": LIVE.lower(), "V": HELD, "v": HELD.lower()}

Word = str
Traces = tuple[Word, ...]
Product = tuple[Traces, Word]


def spelled_out(given: Invariants) -> Traces:
    """The trace words of an expansion in W and V, with U for W, and the data of the second kind as those of the first.

    >>> from derive.algebra.words import trace
    >>> spelled_out((trace("X"),))
    ('AuV',)
    """
    return closed("".join(_OF_ONE_KIND.get(one, one) for one in spelled(word)) for ((_, word, _),) in given)


def turned(word: Word) -> Word:
    """The transpose.

    >>> turned("pWA")
    'AwP'
    """
    return "".join(one if one in DATA else one.swapcase() for one in reversed(word))


def closed(words: Iterable[Word]) -> Traces:
    """Trace words, each in canonical form under rotation and transposition, in order.

    >>> closed(["wWS", "WSw"])
    ('SwW', 'SwW')
    """
    return tuple(sorted(min((*rotations(word), *rotations(turned(word)))) for word in words))


def gradient(traces: Traces, by: str) -> Counter[Product]:
    """The gradient of a product of traces in one of the matrices, its transpose counted.

    >>> dict(gradient(("SwW",), "W"))
    {((), 'WS'): 2}
    """
    found: Counter[Product] = Counter()
    for k, word in enumerate(traces):
        beside = traces[:k] + traces[k + 1 :]
        for i, one in enumerate(word):
            rest = word[i + 1 :] + word[:i]
            if one == by:
                found[beside, turned(rest)] += 1
            elif one == by.lower():
                found[beside, rest] += 1
    return found


def put(word: Word, sums: Mapping[str, Mapping[Word, object]]) -> Iterator[tuple[Word, list[object]]]:
    """A word with sums of words put for matrices: each word that comes of it, and the factors that it has.

    >>> [one for one, _ in put("Uv", {"U": {"PW": 1}, "V": {"M": 1}})]
    ['PWm']
    """
    done: list[tuple[Word, list[object]]] = [("", [])]
    for one in word:
        if one in DATA:
            done = [(some + one, factors) for some, factors in done]
            continue
        choices = sums.get(one) or {turned(new): factor for new, factor in sums.get(one.upper(), {}).items()}
        choices = choices or {one: 1}
        done = [(some + new, [*factors, factor]) for some, factors in done for new, factor in choices.items()]
    yield from done


def power(product: Product, of: str = "WM") -> int:
    """How many of some weights occur in a product, in traces and in the open word."""
    traces, word = product
    return sum(one.upper() in of for part in (*traces, word) for one in part if one not in DATA)


def matrix(one: str) -> Matrix:
    """The matrix of a character.

    >>> matrix("p").text, matrix("S").name
    ('Pᵀ', 'Sigma')
    """
    if one in DATA:
        return DATA[one]
    found = WEIGHTS[one.upper()]
    if one == one.upper():
        return found
    latex = rf"{found.latex}^{{\top}}"
    return Matrix(f"{found.name}^T", found.columns, found.rows, one.upper(), f"{found.text}ᵀ", latex, turned=True)


def written(product: Product, style: Style) -> str:
    """A product as it is written: its traces, then its open word.

    >>> from derive.definition.notation import TEXT
    >>> written((("SwW",), "pWA"), TEXT)
    'Tr[W Σ Wᵀ] Pᵀ W A0'
    """
    traces, word = product
    pieces = []
    for one in sorted(set(traces)):
        shown = style.trace(_word(_from_weights(one), style))
        pieces.append(shown if traces.count(one) == 1 else style.power(shown, str(traces.count(one))))
    return style.times.join([*pieces, _word(word, style)] if word else pieces)


def _from_weights(word: Word) -> Word:
    """A trace word turned so that it begins with weights and ends with their transpose where it can."""
    turns = [*rotations(word), *rotations(turned(word))]
    return min(turns, key=lambda turn: (not turn[0].isupper() or turn[0] in DATA, turn[-1] in DATA, turn))


def _word(word: Word, style: Style) -> str:
    for length in range(2, len(word) // 2 + 1):
        times, rest = divmod(len(word), length)
        if not rest and word[:length] * times == word:
            return style.power(style.parentheses(_word(word[:length], style)), str(times))
    return " ".join(style.matrix(matrix(one)) for one in word)


def names(word: Word) -> list[str]:
    """The names of a word's matrices, as in JSON.

    >>> names("pWA")
    ['P^T', 'W', 'A0']
    """
    return [matrix(one).name for one in word]
