"""Determinants and inverses of small matrices of series, by Leibniz' formula and by cofactors."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from itertools import permutations

from verify.assurance.oracle import numbers, series
from verify.assurance.oracle.series import Series

Rows = Sequence[Sequence[Series]]


def determinant(rows: Rows, order: int) -> Series:
    """Σ over permutations of sign × product; 1 for a matrix without rows."""
    size = len(rows)
    summands = [series.constant(0, order)]
    for chosen in permutations(range(size)):
        inversions = sum(chosen[i] > chosen[j] for i in range(size) for j in range(i + 1, size))
        factors = [rows[i][chosen[i]] for i in range(size)]
        product = reduce(series.times, factors, series.constant(1, order))
        summands.append(series.scaled(product, (-1) ** inversions))
    return series.plus(summands)


def log_determinant(rows: Rows, order: int) -> Series:
    """The logarithm of the determinant."""
    found = determinant(rows, order)
    at_zero = found[0].value()
    return series.composed(found, series.logarithm(order, at_zero, numbers.logarithm(at_zero)))


def inverse(rows: Rows, order: int) -> list[list[Series]]:
    """The inverse: cofactors, transposed, over the determinant."""
    whole, size = determinant(rows, order), range(len(rows))
    at_zero = whole[0].value()
    over = series.composed(whole, series.power(order, at_zero, Fraction(-1), 1 / at_zero))
    return [[series.times(_cofactor(rows, j, i, order), over) for j in size] for i in size]


def _cofactor(rows: Rows, i: int, j: int, order: int) -> Series:
    minor = [[one for m, one in enumerate(row) if m != j] for k, row in enumerate(rows) if k != i]
    return series.scaled(determinant(minor, order), (-1) ** (i + j))
