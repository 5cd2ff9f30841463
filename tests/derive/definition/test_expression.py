"""The language of definitions: immutable values, the usual arithmetic, and what every word of it means."""

from dataclasses import FrozenInstanceError

import pytest
from sympy import Rational, Symbol

from derive import (
    Loss,
    Mean,
    SecondMoment,
    diagonal_sum,
    exp,
    half_sq,
    inner,
    log,
    off_diagonal_sum,
    sqrt,
    variance,
    views,
)
from derive.definition.expression import Product, Scalar, Sum, as_scalar, free_indices, free_views, scalars, walk
from derive.definition.views import View

x, x_pos, chi, psi = views("x, x_pos, chi, psi")
a = Symbol("a")
u, v = inner(x, x_pos), Mean(inner(x, chi) ** 2, over=chi)


def same(one, other, order=6):
    return Loss(one).moments(order) == Loss(other).moments(order)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (u + v, v + u),
        (u * v, v * u),
        ((u + v) * u, u * u + v * u),
        (u - v, -(v - u)),
        (u / 2, Rational(1, 2) * u),
        (1 - u, -u + 1),
        (2 / (1 + u), (1 + u) ** -1 * 2),
        ((1 + u) ** 3, (1 + u) * (1 + u) ** 2),
        (sqrt(1 + u) ** 2, 1 + u),
        (exp(u) * exp(v), exp(u + v)),
        (exp(2 * u), exp(u) ** 2),
        (log(1 + u) + log(1 + v), log((1 + u) * (1 + v))),
        (log(exp(u)), u),
        (exp(log(2 + u)), 2 + u),
        ((2 + u) ** a * (2 + u) ** (1 - a), 2 + u),
        (exp(a * log(1 + u)), (1 + u) ** a),
        (half_sq(x, x_pos), (inner(x, x) + inner(x_pos, x_pos)) / 2 - u),
        (half_sq(x, x), Scalar(as_scalar(0))),
        (inner(x, x_pos), inner(x_pos, x)),
        (Mean(a * u + 3, over=chi), a * u + 3),
        (Mean(inner(x, chi) + u, over=chi), Mean(inner(x, chi), over=chi) + u),
        (Mean(Mean(inner(chi, psi) ** 2, over=psi), over=chi), Mean(inner(chi, psi) ** 2, over=(chi, psi))),
        (variance(inner(x, chi), over=chi), v - Mean(inner(x, chi), over=chi) ** 2),
        (Mean(u, over=chi, count=3), u),
    ],
)
def test_both_say_the_same(one, other):
    assert same(one, other)


def test_a_square_of_a_mean_is_no_mean_of_squares():
    assert not same(Mean(inner(x, chi), over=chi) ** 2, Mean(inner(x, chi) ** 2, over=chi))
    assert same(Mean(inner(x, chi), over=chi) ** 2, Mean(inner(x, chi) * inner(x, psi), over=(chi, psi)))


def test_means_over_other_samples_are_independent():
    shared = Mean(inner(x, chi), over=chi, count=2) * Mean(inner(x, chi), over=chi, count=2)
    apart = Mean(inner(x, chi), over=chi, count=2) * Mean(inner(x, psi), over=psi, count=2)
    assert not same(shared, apart)
    assert same(apart, Mean(inner(x, chi), over=chi) ** 2)


def test_second_moments():
    M, C = SecondMoment(x, x_pos), SecondMoment(x, x, centred=True)
    x2, x2_pos = views("z, z_pos")
    trace = diagonal_sum(lambda i: M[i, i])
    assert same(trace, Mean(u, over=(x, x_pos)))
    square = diagonal_sum(lambda i: M[i, i] ** 2) + off_diagonal_sum(lambda i, j: M[i, j] ** 2)
    both = Mean(inner(x, x2) * inner(x_pos, x2_pos), over=(x, x_pos, x2, x2_pos))
    assert same(square, both)
    assert same(diagonal_sum(lambda i: C[i, i]), Mean(inner(x, x), over=x) - Mean(inner(x, chi), over=(x, chi)))


def test_a_sum_over_coordinates_of_a_constant_is_the_dimension():
    assert Loss(diagonal_sum(lambda _: 1)).expand(order=2).constant == Symbol("d1")
    assert Loss(off_diagonal_sum(lambda _i, _j: 1)).expand(order=2).constant == Symbol("d1") * (Symbol("d1") - 1)


def test_nodes_are_values():
    again = inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi)
    assert again == u + v
    assert hash(again) == hash(u + v)
    assert len({again, u + v, u}) == 2
    with pytest.raises(FrozenInstanceError):
        again.terms = ()


def test_sums_and_products_are_flat():
    assert isinstance(u + v + 1, Sum)
    assert len((u + v + (1 + u)).terms) == 4
    assert isinstance(2 * u * 3, Product)
    assert (2 * u * 3).factors[0] == Scalar(as_scalar(6))


def test_numpy_numbers_are_exact_or_refused():
    np = pytest.importorskip("numpy")
    assert np.int64(2) * u == 2 * u
    from derive import InputError

    with pytest.raises(InputError, match="is not exact"):
        np.float64(0.5) * u


def test_free_views_and_walks():
    assert free_views(u + v) == {x, x_pos}
    assert free_views(inner(x, chi)) == {x, chi}
    assert free_indices(diagonal_sum(lambda i: SecondMoment(x, x)[i, i])) == frozenset()
    assert set(scalars(Mean(a * u, over=chi, count=3) ** 2)) >= {a, as_scalar(3), as_scalar(2)}
    assert sum(1 for _ in walk(u + v)) >= 4


def test_views_know_their_datum():
    assert views("x, x_pos, x_2, chi") == (
        View("x", "x"),
        View("x_pos", "x"),
        View("x_2", "x"),
        View("chi", "chi"),
    )


def test_views_that_begin_with_an_underscore_are_not_all_of_one_datum():
    first, second = views("_x, _y")
    assert first.datum != second.datum
