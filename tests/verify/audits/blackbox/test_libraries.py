"""Losses of libraries are what their formulas say, so that an audit of them can be trusted."""

import numpy as np
import pytest

pytest.importorskip("pytorch_metric_learning")
pytest.importorskip("info_nce")

from libraries import SHIPPED, TAU, dcl, dcl_of_two_logsumexps, vicreg_of_two_views

from verify.audits.blackbox.adapters import ADAPTERS, callable_loss
from verify.audits.blackbox.core import core
from verify.truths.function import BlackBox

NORMALISED = [name for name, shipped in SHIPPED.items() if shipped.core is not None]


def embeddings(seed, n=5, d=3):
    return np.random.default_rng(seed).standard_normal((2, n, d))


def box(shipped, loss):
    return BlackBox(callable_loss(loss), adapter=ADAPTERS[shipped.adapter])


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(("n", "d"), [(2, 2), (5, 3), (4, 1)])
def test_the_value_is_the_formulas(name, n, d):
    shipped = SHIPPED[name]
    for seed, scale in [(0, 1.0), (1, 0.1), (2, 1e-3)]:
        z = scale * embeddings(seed, n, d)
        expected = shipped.by_hand(*z.tolist())
        assert box(shipped, shipped.code)(z) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", NORMALISED)
@pytest.mark.parametrize(("n", "d"), [(2, 2), (5, 3)])
def test_the_core_is_the_formula_without_its_normalisation(name, n, d):
    shipped = SHIPPED[name]
    inner = core(shipped.code)
    for seed in range(3):
        z = embeddings(seed, n, d)
        assert box(shipped, inner)(z) == pytest.approx(shipped.core(*z.tolist()), rel=1e-12)
    assert set(inner.replaced) == {"normalize"}


@pytest.mark.parametrize("name", NORMALISED)
def test_a_normalised_loss_is_constant_along_a_ray_and_its_core_is_not(name):
    shipped = SHIPPED[name]
    z = embeddings(3)
    whole, inner = box(shipped, shipped.code), box(shipped, core(shipped.code))
    assert whole(0.01 * z) == pytest.approx(whole(z), rel=1e-12)
    assert abs(inner(0.01 * z) - inner(z)) > 0.1


@pytest.mark.parametrize("name", sorted(set(SHIPPED) - set(NORMALISED)))
def test_the_core_of_an_unnormalised_loss_is_itself(name):
    shipped = SHIPPED[name]
    inner = core(shipped.code)
    z = embeddings(4)
    assert box(shipped, inner)(z) == box(shipped, shipped.code)(z)
    assert inner.replaced == {}


def test_two_logsumexps_count_the_negatives_twice():
    """Near 0, log of a sum of 2n terms has one mean over them, two logarithms have two: the slope doubles."""
    n = 4
    z = np.zeros((2, n, 2))
    z[:, 0, 0] = z[:, 1, 0] = 1.0  # ⟨z_0, z_1⟩ = 1 in and across views, as has each with itself
    t, value = 1e-4, {}
    for loss in (dcl, dcl_of_two_logsumexps):
        inner = BlackBox(core(loss))
        value[loss] = (inner(t * z) - inner(0 * z)) / t**2
    pull = -2 / n / TAU
    right, wrong = (value[loss] - pull for loss in (dcl, dcl_of_two_logsumexps))
    assert right == pytest.approx(2 / n / TAU / (n - 1), rel=1e-4)
    assert wrong == pytest.approx(2 * right, rel=1e-4)


def test_vicreg_is_smooth_in_a_tiny_ball_alone():
    """sqrt(var + 1e-4): quadratic for |z| below a hundredth, a cusp from further away."""
    z = embeddings(5, 8, 2)

    def drop(t):
        return vicreg_value(t * z) - vicreg_value(0 * z)

    assert drop(2e-4) / drop(1e-4) == pytest.approx(4, rel=0.01)
    assert drop(0.06) / drop(0.03) == pytest.approx(2, rel=0.15)


def vicreg_value(z):
    return BlackBox(vicreg_of_two_views)(z)
