"""Definitions of all sorts over two kinds of views, measured directly: samples, pairs, further views, coordinates."""

import pytest

from derive import (
    InputError,
    Loss,
    Mean,
    SecondMoment,
    catalogue,
    centroid,
    diagonal_sum,
    distinct,
    exp,
    half_sq,
    identity,
    inner,
    inverse,
    log,
    log_det,
    off_diagonal_sum,
    symbols,
    trace,
    views,
)
from derive.expansion.laws import Unequal
from verify.routes import by_definition
from verify.routes.subject import Subject

N, V = symbols("N V")
(x, x_pos, u, u_pos), (y, y2, w, w_pos, u_text) = (
    views("x, x_pos, u, u_pos"),
    views("x_text, x_text2, w, w_pos, u_text", encoder="g"),
)
(strong,), (psi,) = views("x_strong", augmentation=2), views("psi", encoder="g")
# The order of what is expanded, and the definition.
DEFINITIONS = {
    "pairs of different draws": (4, Loss(log(Mean(exp(inner(u, w)), over=distinct(u, w), count=N)))),
    "draws with both their views": (
        4,
        Loss(log(Mean(exp(inner(u, w)) + inner(u_text, w_pos) ** 2, over=distinct(u, u_text, w, w_pos), count=N))),
    ),
    "a sample": (4, Loss(log(Mean(exp(inner(x, u) - inner(y, u_text)), over=(u, u_text), count=N - 1)))),
    "further views of the second kind": (4, Loss(log(Mean(exp(inner(x, y)), over=y, of=x, count=V)))),
    "further views of the first kind": (4, Loss(log(Mean(exp(inner(x, y)), over=x, of=y, count=3)))),
    "different further views": (4, Loss(Mean(inner(y, y2) * inner(x, y), over=distinct(y, y2), of=x, count=V))),
    "further views under a second augmentation": (
        4,
        Loss(log(Mean(exp(inner(x, strong)), over=strong, of=x, count=V))),
    ),
    "further views of both kinds": (
        4,
        Loss(Mean(inner(x, x_pos), over=x_pos, of=x, count=2) * Mean(inner(x, y), over=y, of=x, count=2)),
    ),
    "coordinates": (
        6,
        Loss(
            diagonal_sum(lambda i: (1 - SecondMoment(x, y)[i, i]) ** 2)
            + off_diagonal_sum(lambda i, j: SecondMoment(x, y)[i, j] ** 2)
        ),
    ),
    "a log det that is not symmetric": (6, Loss(log_det(identity + SecondMoment(x, y)))),
    "an inverse": (
        6,
        Loss(trace(inverse(identity * 2 + SecondMoment(y, y)) @ SecondMoment(x, y) @ SecondMoment(y, x))),
    ),
    "centroids of both": (4, Loss(half_sq(x, centroid(x_pos, y)) + inner(x, centroid(y, y2)) ** 2)),
    "distances": (4, Loss(log(Mean(exp(-half_sq(x, psi)), over=psi)) + half_sq(x, y))),
    "weight decay of both": (4, catalogue("clip").with_weight_decay()),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_what_is_derived_is_measured(name):
    order, loss = DEFINITIONS[name]
    found = by_definition.compare(by_definition.measure(Subject(loss, order=order)), loss.expand(order))
    assert [one.agrees for one in found] == [True] * len(found)


@pytest.mark.parametrize(
    "loss",
    [catalogue("clip"), catalogue("ntxent+two-encoders"), catalogue("infonce-batch").under(Unequal())],
    ids=["clip", "two encoders", "two augmentations"],
)
def test_a_fixed_set_of_pairs(loss):
    subject = Subject(loss, order=2, sampling="fixed")
    measured = by_definition.measure(subject)
    assert [one.agrees for one in by_definition.compare(measured, loss.expand(2, sampling="fixed"))] == [True, True]
    assert False in [one.agrees for one in by_definition.compare(measured, loss.expand(2))]


def test_a_second_encoder_and_a_second_augmentation_do_not_go_together():
    with pytest.raises(InputError, match="leave one of them out"):
        Loss(inner(x, y) + inner(x, strong))
