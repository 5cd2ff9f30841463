"""Data are taken in the directions that W sees, which nothing that depends on f(x) = W x can tell from the whole."""

import numpy as np
import pytest
import sympy

from derive import catalogue
from numeric.invariants import order_values
from numeric.sampling import Covariances, random_covariances
from verify.truths.settings import case, filled_in, seen_by, setting, truth_of, values_for
from verify.truths.taylor import cauchy, circle
from verify.truths.truth import Setting

NAMES = ["infonce", "weighted-infonce", "vicreg", "barlow-twins", "infonce+weight-decay", "spectral+bias"]


@pytest.mark.parametrize("d1", [1, 2, 3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_an_expansion_has_the_same_value_on_the_data_that_w_sees(name, d1):
    rng = np.random.default_rng(d1)
    data, W, b = random_covariances(rng, 5), rng.standard_normal((d1, 5)), rng.standard_normal(d1)
    loss = catalogue(name)
    expansion = filled_in(loss.expand(4), case(loss, {}, seed=0, size=3, dimension=d1))
    b = b if loss.bias else None
    less, seen = seen_by(W, data)
    assert (less.d0, seen.shape) == (d1, (d1, d1)) if d1 < 5 else (less, seen) == (data, W)
    whole, part = (order_values(expansion, w, one.A0, one.Sigma, b) for w, one in ((W, data), (seen, less)))
    assert part == pytest.approx(whole, rel=1e-12)


def test_a_w_of_low_rank_sees_as_many_directions():
    rng = np.random.default_rng(0)
    data, W = random_covariances(rng, 6), rng.standard_normal((4, 2)) @ rng.standard_normal((2, 6))
    less, seen = seen_by(W, data)
    assert (less.d0, seen.shape) == (2, (4, 2))
    assert np.allclose(seen @ less.C @ seen.T, W @ data.C @ W.T)
    assert np.isclose((seen**2).sum(), (W**2).sum())


def test_the_loss_has_the_same_law():
    """Averaged over nodes in six dimensions and in the two that W sees: both integrate the coefficients exactly."""
    loss = catalogue("weighted-infonce")
    values = values_for(loss, 2, 2)
    numbers = {name: float(value) for name, value in values.items()}
    rng = np.random.default_rng(0)
    data, W = random_covariances(rng, 6), 0.3 * rng.standard_normal((2, 6))
    ts = circle(0.1)
    found = []
    for one, w in ((data, W), seen_by(W, data)):
        truth = truth_of(loss, values, Setting(one, w, numbers, 2))
        found.append(cauchy(truth.averaged(ts, 4), ts, range(2, 5, 2)))
    assert found[1] == pytest.approx(found[0], rel=1e-8)


@pytest.mark.parametrize("d0", [5, 8, 17])
def test_nothing_grows_with_the_dimension_of_given_data(d0):
    data = random_covariances(np.random.default_rng(d0), d0)
    loss = catalogue("infonce")
    for dimension in (1, 2, 3):
        here = setting(loss, {}, seed=0, dimension=dimension, covariances=data)
        assert here.covariances.d0 == dimension
        assert np.linalg.eigvalsh(here.W @ here.covariances.Sigma @ here.W.T)[-1] == pytest.approx(1)
    barlow = catalogue("barlow-twins")
    here = setting(barlow, {"d1": sympy.Integer(4)}, seed=0, dimension=2, covariances=data)
    assert (here.W.shape, here.covariances.d0) == ((4, 2), 2)


def test_data_that_do_not_vary_are_no_error():
    here = setting(catalogue("infonce"), {}, seed=0, dimension=2, covariances=Covariances(*np.zeros((2, 3, 3))))
    assert np.isfinite(here.W).all()
