"""Elliptical views in numbers: nodes with the law's exact moments, draws with the same, and covariances of the data."""

from math import inf

import numpy as np
import pytest

from derive import Contaminated, Elliptical, Gaussian, InputError, Laplace, Rational, StudentT
from numeric.laws import in_numbers, random_in_numbers
from numeric.laws.elliptical import drawn_from, rule
from numeric.sampling import Covariances, random_covariances

CORE = random_covariances(np.random.default_rng(5), 2)
SCALES = [StudentT(10), StudentT(9), Laplace(), Contaminated(Rational(1, 10), 3)]
LAWS = [Elliptical(scale=scale, per=per) for scale in SCALES for per in ("datum", "view")]


@pytest.mark.parametrize("scale", SCALES, ids=lambda one: one.name)
@pytest.mark.parametrize("power", [1, 2])
def test_nodes_of_a_scale_have_its_moments(scale, power):
    degree = 8 // power
    values, chances = rule(scale, degree, power)
    assert (values > 0).all()
    assert (chances > 0).all()
    for k in range(power, 9, power):
        assert chances @ values**k == pytest.approx(float(scale.moment(k)), rel=1e-12)


@pytest.mark.parametrize("scale", [*SCALES, StudentT(Rational(21, 2))], ids=lambda one: one.name)
def test_moments_of_a_scale_are_those_of_its_draws(scale):
    """Low ones, whose standard errors are finite."""
    assert scale.moment(2) == 1
    whole = StudentT(11) if scale.arguments.get("nu", 1) % 1 else scale
    of = drawn_from(whole)
    s = of.scale(np.random.default_rng(0).standard_normal((200_000, of.numbers)))
    for k in (1, 2, 3, 4):
        error = np.std(s**k) / np.sqrt(len(s))
        assert abs((s**k).mean() - float(whole.moment(k))) < 5 * error


@pytest.mark.parametrize("law", LAWS, ids=lambda one: one.text)
def test_views_have_the_covariances_of_the_data(law):
    data = random_in_numbers(law, CORE, np.random.default_rng(0))
    (x, x_pos), weights = data.nodes(4)
    x, x_pos = x[:, 0], x_pos[:, 0]
    assert len(weights) == data.size(4)
    assert (x.T * weights) @ x == pytest.approx(data.Sigma, abs=1e-12)
    assert (x.T * weights) @ x_pos == pytest.approx(data.A0, abs=1e-12)
    fourth = float(law.moment(4))
    assert weights @ x[:, 0] ** 4 == pytest.approx(3 * fourth * data.Sigma[0, 0] ** 2)
    together = fourth if law.per == "datum" else 1.0
    g = data.core
    wick = g.Sigma[0, 0] * g.Sigma[1, 1] + 2 * g.A0[0, 1] ** 2
    assert weights @ (x[:, 0] ** 2 * x_pos[:, 1] ** 2) == pytest.approx(together * wick)
    drawn = data.draw(np.random.default_rng(0), (50_000,))
    for one, other, expected in ((0, 0, data.Sigma), (0, 1, data.A0)):
        products = drawn[one][:, :, None] * drawn[other][:, None, :]
        assert (abs(products.mean(0) - expected) < 5 * products.std(0) / np.sqrt(len(products))).all()


def test_data_have_scales_of_their_own():
    data = in_numbers(Elliptical(scale=Laplace()), CORE)
    (x, _), weights = data.nodes(4, data=2)
    assert weights @ (x[:, 0, 0] ** 2 * x[:, 1, 0] ** 2) == pytest.approx(data.Sigma[0, 0] ** 2)
    assert len(weights) == data.size(4, 2)


def test_a_subspace_keeps_the_law():
    data = in_numbers(Elliptical(scale=StudentT(10), per="view"), Covariances(0.5 * np.eye(3), np.eye(3)))
    part = data.along(np.eye(3)[:2])
    assert (part.d0, part.law, part.A0[0, 0]) == (2, data.law, 0.5)


def test_gaussian_views_are_their_covariances():
    assert in_numbers(Gaussian(), CORE) is CORE
    assert CORE.law == Gaussian()
    assert CORE.law.highest == inf


def test_what_no_data_have_is_refused():
    law = Elliptical(scale=Laplace(), per="view")
    with pytest.raises(InputError) as refused:
        in_numbers(law, Covariances(np.eye(2), 0.1 * np.eye(2)))
    assert str(refused.value) == (
        "no data of the law laplace:per=view have these covariances: views with scales of their own are less correlated"
        " than that; take a smaller A0"
    )
    with pytest.raises(InputError) as refused:
        _ = in_numbers(Elliptical(scale=Laplace()), CORE).noise
    assert "depends on its scale" in str(refused.value)
    with pytest.raises(InputError) as refused:
        drawn_from(StudentT(Rational(21, 2)))
    assert str(refused.value) == "data of Student's t with nu = 21/2 are not drawn; take a whole number from 3 to 200"
    with pytest.raises(InputError) as refused:
        StudentT(5).moment(6)
    assert str(refused.value) == (
        "Student's t with nu = 5 has no finite moment of order 6, which this order takes; lower --order, or take nu"
        " above 6"
    )
