"""Second derivatives by two routes: they agree, and where automatic differentiation is wrong the values are used."""

import numpy as np
import pytest
import torch

from numeric.sampling import Covariances
from verify.routes.reopening.directions import opening
from verify.routes.reopening.second_order import autodiff, compared, curvatures, differences
from verify.routes.reopening.transverse import draw
from verify.truths.two_views import batch_normalised, one_by_one, two_views

DATA = Covariances(np.diag([1.0, 0.8, 0.7, 0.6, 0.5, 0.3]), 0.5 * np.eye(6))
HERE = opening(np.eye(6) * (np.arange(6) < 4) / 2, DATA, rows=None)
VIEWS = draw(DATA, 8, 6, 0)


@pytest.mark.parametrize(
    "loss",
    [two_views("infonce+normalised"), two_views("infonce"), two_views("siglip", {"t": 1.0, "b": 0.5})],
    ids=["normalised", "plain", "siglip"],
)
def test_both_routes_agree_on_every_direction(loss):
    found = curvatures(loss, VIEWS, HERE)
    assert found.derivatives == "autodiff"
    assert found.difference < 1
    assert found.hessian.shape == (6, 4, 4)
    by_values, slopes, allowed = differences(loss, VIEWS, HERE)
    assert (np.abs(found.hessian - by_values) < allowed).all()
    assert found.slopes == pytest.approx(slopes, abs=1e-7)
    assert found.hessian == pytest.approx(found.hessian.swapaxes(1, 2), abs=1e-9)


def test_a_quadratic_loss_is_known_in_closed_form():
    def loss(z1, z2):
        return ((z1 - z2) ** 2).sum((-2, -1)) / 2

    found = curvatures(loss, VIEWS, HERE).hessian
    seen = (VIEWS[0] - VIEWS[1]) @ HERE.modes
    expected = np.einsum("bnq,bnm,pr->bpqrm", seen, seen, np.eye(2)).reshape(6, 4, 4)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("mutant", [lambda h: -h, lambda h: h / 2, lambda h: 2 * h, lambda h: 0 * h])
def test_a_wrong_second_derivative_is_found_out(mutant):
    loss = two_views("infonce+normalised")
    right, _ = autodiff(loss, VIEWS, HERE)
    assert compared(loss, VIEWS, HERE, right) < 1
    assert compared(loss, VIEWS, HERE, mutant(right)) > 100


def test_a_detached_branch_is_found_out_and_values_are_used():
    honest = two_views("infonce+normalised")

    def detached(z1, z2):
        return honest(z1, z2.detach())

    found = curvatures(detached, VIEWS, HERE)
    assert found.derivatives == "values"
    assert found.difference > 1
    assert found.hessian == pytest.approx(curvatures(honest, VIEWS, HERE).hessian, abs=1e-4)


def test_a_loss_without_a_graph_goes_by_values():
    loss = one_by_one(lambda z1, z2: torch.tensor(float((z1.detach() * z2.detach()).sum())))
    found = curvatures(loss, VIEWS, HERE)
    assert (found.derivatives, found.difference) == ("values", None)
    assert np.isfinite(found.hessian).all()


def test_a_row_of_zeros_has_no_batch_statistics():
    found = curvatures(batch_normalised(two_views("infonce")), VIEWS, HERE)
    assert not np.isfinite(found.hessian).all()
