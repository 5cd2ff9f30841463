"""Quenouille's jackknife: a function of means over n data, freed of its bias of first order in 1/n.

Twice the function minus its mean over two halves of the data has no bias of that order. Through order 4 in f that is
exact for InfoNCE, and for polynomials of degree 2 in means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

# Numbers, NumPy arrays or torch tensors.
T = TypeVar("T", bound=Any)


def jackknife(of: Callable[[slice], T], n: int) -> T:
    """2 f(all) − ½ (f(first half) + f(second half)); the last of an odd number of data is left out.

    >>> values = [1.0, 2.0, 4.0, 5.0]
    >>> jackknife(lambda rows: (sum(values[rows]) / len(values[rows])) ** 2, 4)  # (E x)² without a variance of E x
    6.75

    Args:
        of: the function of some of the data, by their rows.
        n: how many data there are.

    """
    half = n // 2
    halves = of(slice(0, half)) + of(slice(half, 2 * half))
    freed: T = 2 * of(slice(0, 2 * half)) - halves / 2
    return freed


def both_ways(of: Callable[[slice, slice], T], n: int) -> T:
    """A function of anchors and of other data, on one batch: each half of it is both in turn, with the jackknife.

    >>> x = [1.0, 2.0, 4.0, 5.0]
    >>> both_ways(lambda anchors, others: x[anchors][0] * sum(x[others]), 4)
    14.0

    Args:
        of: the function of the rows of anchors and those of other data.
        n: how many data the batch has; a remainder in the division by four is left out.

    """
    size = 2 * (n // 4)

    def turned(rows: slice) -> T:
        others = slice(size + rows.start, size + rows.stop)
        mean: T = (of(rows, others) + of(others, rows)) / 2
        return mean

    return jackknife(turned, size)
