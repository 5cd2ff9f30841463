"""A derived field in numbers: the rate of each of the weights, order by order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from derive.fields.field import Field, FieldTerm
    from derive.fields.softmax import Link

Array = NDArray[np.float64]


def rates_by_order(field: Field, at: Mapping[str, Array]) -> dict[str, dict[int, Array]]:
    """The rate of each of the weights by the power of W, all parameters having values.

    Args:
        field: derived, its parameters set.
        at: "W", "P" and "M" (for Wₘ), "A" (A0) and "S" (Σ): the matrices.

    >>> from derive.fields import FIELDS
    >>> from derive.fields.field import field
    >>> at = {"W": np.eye(1), "P": np.eye(1) / 2, "A": np.eye(1), "S": 2 * np.eye(1)}
    >>> rates_by_order(field(FIELDS["simsiam"].set({"eta": 0, "rho": 1})), at)["W"]
    {1: array([[0.]])}

    """
    return {name: _by_order(terms, at) for name, terms in field.flow.items()}


def rates(field: Field, at: Mapping[str, Array]) -> dict[str, Array]:
    """The rate of each of the weights, all orders added."""
    return {
        name: sum(by_order.values(), start=np.zeros_like(at["M" if name == "W_m" else name]))
        for name, by_order in rates_by_order(field, at).items()
    }


def _by_order(terms: tuple[FieldTerm, ...], at: Mapping[str, Array]) -> dict[int, Array]:
    found: dict[int, Array] = {}
    for term in terms:
        beside = np.prod([np.trace(_product(word, at)) for word in term.traces])
        found[term.order] = found.get(term.order, 0.0) + float(term.coefficient) * beside * _product(term.word, at)
    return found


def _product(word: str, at: Mapping[str, Array]) -> Array:
    """The product of the matrices of a word; a small letter is a transpose."""
    first, *rest = (at[one.upper()].T if one.islower() else at[one] for one in word)
    for one in rest:
        first = first @ one
    return np.asarray(first)


def link_matrix(link: Link, S: Array) -> Array:
    """The symmetric part of a link of entries of S, (K, K): a product over its edges, a mean over all but its ends.

    Args:
        link: of `derive.fields.softmax`.
        S: (K, K), centred.

    >>> from derive.fields.softmax import Link
    >>> link_matrix(Link(((1, 1),), (0, 0)), np.diag([2.0, 4.0])).tolist()
    [[3.0, 0.0], [0.0, 3.0]]

    """
    names = "abcdefgh"
    inside = {index for pair in link.edges for index in pair}
    free = inside - set(link.ends)
    rows = "".join(names[end] for end in dict.fromkeys(link.ends))
    # An end that no factor has is one for each index.
    ones = [names[end] for end in dict.fromkeys(link.ends) if end not in inside]
    terms = [names[one] + names[other] for one, other in link.edges] + ones
    factors = [S] * len(link.edges) + [np.ones(len(S))] * len(ones)
    found = np.einsum(f"{','.join(terms)}->{rows}", *factors) / len(S) ** len(free)
    whole = np.diag(found) if link.diagonal else found
    return np.asarray((whole + whole.T) / 2)
