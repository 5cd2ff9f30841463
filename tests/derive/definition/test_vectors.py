"""Vectors, means over further views of a datum and over pairs of a sample: identities that they obey."""

import pytest
import sympy

from derive import (
    InputError,
    Loss,
    Mean,
    centroid,
    diagonal_sum,
    distinct,
    embedding,
    exp,
    half_sq,
    inner,
    log,
    symbols,
    views,
)
from derive.definition.expression import Coordinate
from derive.definition.views import View
from derive.losses.limit import population

N, V, tau = symbols("N V tau")
x, x_pos, x_v, x_w, x_1, x_2, x_3, chi = views("x, x_pos, x_v, x_w, x_1, x_2, x_3, chi")
u, u_pos, u_v, w, w_pos, z = views("u, u_pos, u_v, w, w_pos, z")
C = Mean(embedding(x_v), over=x_v, of=x, count=V)


def same(one, other, order=6):
    return Loss(one).expand(order).terms == Loss(other).expand(order).terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (inner(embedding(x) + 2 * embedding(x_pos), chi), inner(x, chi) + 2 * inner(x_pos, chi)),
        (half_sq(embedding(x), chi), half_sq(x, chi)),
        (half_sq(embedding(x) - embedding(x_pos), chi), None),
        (inner(centroid(x_1, x_2), x_3), (inner(x_1, x_3) + inner(x_2, x_3)) / 2),
        (inner(-embedding(x) / 3, x), -inner(x, x) / 3),
        (inner(Mean(embedding(x_v), over=x_v, of=x), chi), Mean(inner(x_v, chi), over=x_v, of=x)),
        (inner(exp(inner(x, chi)) * embedding(x), chi), exp(inner(x, chi)) * inner(x, chi)),
    ],
)
def test_inner_products_are_bilinear(one, other):
    if other is None:
        difference = embedding(x) - embedding(x_pos) - embedding(chi)
        other = inner(difference, difference) / 2
    one, other = (Mean(node, over=chi) for node in (one, other))
    assert same(one**2 + one, other**2 + other)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    "loss",
    [
        lambda c, _: half_sq(x, c) ** 2 + exp(inner(x, c)),
        lambda c, _: log(Mean(exp(inner(c, chi)), over=chi)) + exp(-half_sq(c, x_pos)),
        lambda c, mean: exp(mean(lambda view: half_sq(view, c))),
        lambda c, mean: log(2 + mean(lambda view: inner(view, c) * mean(lambda other: inner(view, other) ** 2))),
    ],
)
def test_a_number_of_views_that_is_a_symbol_is_that_number(loss, number):
    """Against views that are named one by one, which the engine has no draws of."""
    named = (x_1, x_2, x_3)[:number]
    fresh = iter((x_w, View("x_y", "x"), View("x_z", "x")))

    def over_all(body):
        view = next(fresh)
        return Mean(body(view), over=view, of=x, count=V)

    symbolic = Loss(loss(C, over_all))
    by_name = Loss(loss(centroid(*named), lambda body: sum(map(body, named)) / number))
    assert symbolic.expand(4).set({"V": number}).terms == by_name.expand(4).terms
    assert symbolic.set({"V": number}).expand(4).terms == by_name.expand(4).terms


def test_infinitely_many_views_are_the_mean_over_all():
    def of(**number):
        c = Mean(embedding(x_v), over=x_v, of=x, **number)
        return Loss(exp(-half_sq(x, c)) + Mean(inner(c, chi) ** 2, over=chi) ** 2).expand(4)

    assert of(count=V).set({"V": sympy.oo}).terms == of().terms


def test_the_centroid_of_all_views_has_the_covariance_of_the_datum():
    c = Mean(embedding(x_v), over=x_v, of=x)
    assert str(Loss(inner(c, c)).expand(2)) == "Tr[W A0 Wᵀ] + O(W⁴)"
    # A product of two conditional means takes two independent views.
    assert str(Loss(Mean(inner(x, x_v) ** 2, over=x_v, of=x)).expand(4)) == (
        "Tr[(W A0 Wᵀ)²] + Tr[(W Σ Wᵀ)²] + Tr[W A0 Wᵀ]² + O(W⁶)"
    )
    assert str(Loss(Mean(inner(x, x_v), over=x_v, of=x) ** 2).expand(4)) == (
        "Tr[(W A0 Wᵀ)²] + Tr[W A0 Wᵀ W Σ Wᵀ] + Tr[W A0 Wᵀ]² + O(W⁶)"
    )


@pytest.mark.parametrize(
    "pair",
    [
        lambda a, b: exp(-half_sq(a, b)),
        lambda a, b: inner(a, b) ** 2 * inner(a, a),
        lambda a, b: log(1 + inner(a, b) ** 2),
    ],
)
def test_the_whole_is_the_pairs_and_the_diagonal(pair):
    """(1/N²) Σ_ij is (1 − 1/N) times the mean over pairs and 1/N of the diagonal; and Σ_i of the others' mean."""
    pairs = Mean(pair(u, w), over=distinct(u, w), count=N)
    diagonal = Mean(pair(u, u), over=u, count=N)
    whole = (1 - 1 / N) * pairs + diagonal / N
    # At N = 2 there is one pair, in both orders.
    two = Loss(log(2 + pairs)).set({"N": 2}).expand(6)
    by_hand = Mean(Mean(log(2 + (pair(u, w) + pair(w, u)) / 2), over=w), over=u)
    assert two.terms == Loss(by_hand).expand(6).terms
    assert Loss(whole).expand(6).set({"N": sympy.oo}).terms == Loss(Mean(pair(u, w), over=(u, w))).expand(6).terms
    # On average a mean over pairs is the population's, at every N.
    assert same(pairs, Mean(pair(u, w), over=(u, w)))


def test_the_square_of_a_mean_is_its_pairs_and_its_diagonal():
    """(1/N Σ_i h_i)² both ways: by replicas whose draws coincide, and by pairs without a diagonal."""
    h, k = (lambda view: inner(view, view)), (lambda view: exp(inner(view, view)))
    left = Mean(h(u), over=u, count=N) * Mean(k(u), over=u, count=N)
    right = (1 - 1 / N) * Mean(h(u) * k(w), over=distinct(u, w), count=N) + Mean(h(u) * k(u), over=u, count=N) / N
    assert same(log(1 + left), log(1 + right))


def test_views_of_draws_belong_together():
    """w′ is to w what u′ is to u, so that pairs in either order are the same sample."""
    pairs = Mean(inner(u, w) * inner(u_pos, w_pos), over=distinct(u, u_pos, w, w_pos), count=N)
    turned = Mean(inner(w, u) * inner(w_pos, u_pos), over=distinct(u, u_pos, w, w_pos), count=N)
    assert same(exp(pairs), exp(turned))
    assert same(
        pairs * Mean(inner(u, u_pos), over=(u, u_pos), count=N),
        turned * Mean(inner(u, u_pos), over=(u, u_pos), count=N),
    )


def test_triples():
    triples = Mean(inner(u, w) * inner(w, z) * inner(z, u), over=distinct(u, w, z), count=N)
    assert str(Loss(triples).expand(6)) == "Tr[(W Σ Wᵀ)³] + O(W⁸)"
    with pytest.raises(InputError, match="a mean over 3 different draws or views of 2 is not defined"):
        Loss(triples).set({"N": 2})


def test_a_mean_over_a_sample_is_a_vector_too():
    """|1/N Σ f(u_i)|² by coordinates and by the vector."""
    mean = Mean(embedding(u), over=u, count=N)
    by_coordinates = diagonal_sum(lambda i: Mean(Coordinate(u, i), over=u, count=N) ** 2)
    assert same(log(1 + inner(mean, mean)), log(1 + by_coordinates))
    with pytest.raises(InputError, match="meets a mean over the sample of u, of which it may or may not be a draw"):
        half_sq(u, mean)


def test_centroids_of_the_draws_of_a_sample():
    c = Mean(embedding(u_v), over=u_v, of=u, count=V)
    loss = Loss(-inner(x, x_pos) / tau + log((N - 1) * Mean(exp(inner(x, c) / tau), over=u, count=N - 1)))
    assert str(loss.expand(4)) == (
        "−1/τ Tr[W A0 Wᵀ] + (N - 2)(V - 1)/(2 V τ^2(N - 1)) Tr[W A0 Wᵀ W Σ Wᵀ] + (N - 2)/(2 V τ^2(N - 1)) Tr[(W Σ Wᵀ)²]"
        " + O(W⁶)"
    )
    assert population(loss).expand(4).terms == loss.expand(4).set({"N": sympy.oo}).terms


def test_the_limit_of_many_views_and_draws():
    pairs = Loss(log(Mean(exp(-half_sq(u, w)), over=distinct(u, w), count=N)))
    assert population(pairs).text() == "log E_u,w exp(−½|f(u)−f(w)|²)"
    assert population(pairs).expand(6).terms == pairs.expand(6).set({"N": sympy.oo}).terms
    views_of = Loss(exp(-half_sq(x, C)))
    assert population(views_of, N="V").expand(4).terms == views_of.expand(4).set({"V": sympy.oo}).terms


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Mean(inner(u, w), over=distinct(u, w)), "need its size, count=N"),
        (lambda: distinct(u), "name two views or more"),
        (lambda: Mean(inner(x, x_pos), over=distinct(x, x_pos), count=N), "and a datum each"),
        (lambda: Mean(inner(x, x_v), over=x_v, of=chi), "over names further views of the datum that `of` shows"),
        (lambda: Mean(inner(x, x_v), over=x_v, of="x"), "give a view of the datum"),
        (lambda: Mean(inner(x_v, x_w), over=(x_v, x_w), of=x, count=V), "write distinct(x_v, x_w) with count=V"),
        (lambda: Loss(Mean(inner(x, x_v), over=x_v, of=x, count=0)), "a mean over 0 views is not defined"),
        (lambda: Mean(inner(u, w), over=(u, w), count=N), "give distinct(u, w) for different draws of one sample"),
        (lambda: Mean(embedding(x), over=x_pos), "leaves x free"),
        (lambda: embedding(x) * embedding(chi), "a vector is not a number; write inner(u, v)"),
        (lambda: embedding(x) ** 2, "a vector is not a number"),
        (lambda: embedding(x) + 1, "1 is not a vector"),
        (lambda: Loss(embedding(x)), "a vector is not a number"),
        (centroid, "name the views"),
        (lambda: inner(embedding(x), 3), "both arguments must be views"),
    ],
)
def test_what_is_wrong_is_said(wrong, message):
    with pytest.raises(InputError) as refused:
        wrong()
    assert message in str(refused.value)


def test_two_numbers_of_views_stay_two():
    """V views and two are drawn apart, and would be the same two at V = 2."""
    both = Loss(Mean(inner(x, x_v), over=x_v, of=x, count=V) * Mean(inner(x, x_v), over=x_v, of=x, count=2))
    with pytest.raises(InputError, match="2 and V further views of x are drawn separately"):
        both.set({"V": 2})
    assert both.expand(4).set({"V": 2}).terms == both.expand(4).set({"V": 3}).terms


def test_draws_of_views_move_with_their_datum():
    """Samples of N and of 2 stay apart at N = 2, with all that is drawn of each datum."""
    c = Mean(embedding(u_v), over=u_v, of=u, count=V)
    loss = Loss(Mean(inner(c, x), over=u, count=N) ** 2 * Mean(inner(c, c), over=u, count=2))
    assert loss.set({"N": 2}).expand(6).terms == loss.expand(6).set({"N": 2}).terms
