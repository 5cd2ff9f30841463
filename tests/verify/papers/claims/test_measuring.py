"""Conditions measured beside their boundary: what is right agrees at every seed, three quarters of a part does not."""

import pytest
import sympy

from derive.landscape.landscape import a_i, a_j, c_i, c_j
from verify.papers.claims.measuring import ordered

SEEDS = range(5)


def share(a, c):
    return a / (a + c)


def spread(a, c):
    return (a + c) / a


@pytest.mark.parametrize(
    ("value", "left", "right"),
    [(share, share(a_i, c_i), share(a_j, c_j)), (spread, spread(a_i, c_i), spread(a_j, c_j))],
)
def test_beside_the_boundary(value, left, right):
    three = sympy.Rational(3, 4)
    slips = [(three * left, right), (left, three * right), (left.subs(c_i, three * c_i), right), (left, right**2),
             (left.subs(a_i, three * a_i), right), (left, right.subs(c_j, three * c_j)), (right, left)]  # fmt: skip
    for seed in SEEDS:
        measured = ordered("before", "of the values", value, seed=seed)
        assert measured.against(sympy.Gt(left, right)).agrees is True
        assert all(measured.against(sympy.Gt(*slip)).agrees is False for slip in slips)


def test_modes_of_one_augmentation():
    measured = ordered("before", "of the values", share, alike=True, pairs=4)
    assert all(point.at["c_i"] == point.at["c_j"] for point in measured.points)
    assert len(measured.points) == 16
    assert measured.against(sympy.Gt(a_i, a_j)).agrees is True
    assert measured.against(sympy.Gt(a_i * sympy.Rational(9, 10), a_j)).agrees is False
