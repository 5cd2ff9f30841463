"""Expansions over data that are not centred, in second moments E x x′ᵀ and E x xᵀ where these are all that matters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from derive.algebra.alphabet import BETWEEN, MEAN, is_centred
from derive.algebra.slots import has_slots
from derive.algebra.words import substitute
from derive.definition.notation import TEXT
from derive.errors import InputError

if TYPE_CHECKING:
    from derive.expansion.expansion import Expansion


def in_second_moments(expansion: Expansion) -> Expansion:
    """An expansion in words of A0 and Σ alone, which stand for E x x′ᵀ and E x xᵀ where data with a mean bring others.

    C is E (x − x′)(x − x′)ᵀ/2 in either case. Of centred data it is the expansion itself.

    Raises:
        InputError: the expansion depends on the mean, or on the classes, in other ways.

    >>> from derive import Uncentred, catalogue
    >>> loss = catalogue("spectral")
    >>> in_second_moments(loss.expand(4, data=Uncentred())).terms == loss.expand(4).terms
    True

    """
    if not sees_means(expansion):
        return replace(expansion, arrays=()) if expansion.arrays else expansion
    given = expansion.in_basis("A0,Sigma")
    letters = {letter for term in given.terms for one in term.invariants for _, word, _ in one for letter in word}
    added = letters & {MEAN, BETWEEN}
    if len(added) == 1 and all(is_centred(letter) for letter in letters - added):
        (letter,) = added
        without = {one: {one: 1, letter: -1} for one in "AS"}
        terms = [
            (new, term.coefficient * number)
            for term in given.terms
            if not has_slots(term.invariants)
            for new, number in substitute(term.invariants, without).items()
        ]
        found = replace(given.with_terms(terms), arrays=())
        if not sees_means(found):
            return found.in_basis(expansion.basis)
    by_array = {"means": "the means and covariances of the classes", "noise": "the noise around each datum"}
    what = next((said for name, said in by_array.items() if name in expansion.arrays), "the mean of the data")
    message = (
        f"it depends on {what} through more than E x x′ᵀ and E x xᵀ; its landscape is derived for centred Gaussian data"
    )
    raise InputError(message)


def said(expansion: Expansion) -> str:
    """What A0 and Σ stand for in the landscape of an expansion; "" where it is their covariances."""
    if not sees_means(expansion):
        return ""
    letter = BETWEEN if "means" in expansion.arrays else MEAN
    more, A0, Sigma = TEXT.letter(letter), TEXT.letter("A"), TEXT.letter("S")
    return (
        f"the landscape is in second moments, not covariances: {A0} and {Sigma} stand for"
        f" {A0} + {more} and {Sigma} + {more}"
    )


def sees_means(expansion: Expansion) -> bool:
    """Whether a mean or classes are left in an expansion's words."""
    words = (word for term in expansion.terms for one in term.invariants for _, word, _ in one)
    return not all(is_centred(letter) for word in words for letter in word)
