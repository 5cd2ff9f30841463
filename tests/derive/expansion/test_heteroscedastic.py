"""Noise that depends on the datum: its words, App. F.1 as a case, and no dependence as another."""

import numpy as np
import pytest
from sympy import Rational, binomial

from derive import (
    Elliptical,
    Gaussian,
    Heteroscedastic,
    InputError,
    Loss,
    Mean,
    catalogue,
    inner,
    moment,
    views,
)
from derive.expansion.laws.gaussian import normal_moment
from derive.expansion.second_moments import in_second_moments
from numeric import kernel
from numeric.laws.heteroscedastic import Noisy
from numeric.sampling import random_covariances

LAW = Heteroscedastic()


def test_means_over_the_datum_are_written():
    found = catalogue("infonce").expand(4, data=LAW)
    assert found.text().endswith(
        "⅛ Tr[W Σ Wᵀ]² + ¼ E_z Tr[(W C_z Wᵀ)²] + ⅛ E_z Tr[W C_z Wᵀ]² + ½ E_z zᵀ Wᵀ W C_z Wᵀ W z"
        " + ¼ E_z Tr[W C_z Wᵀ] |W z|² + O(W⁶)"
    )
    assert r"\mathbb{E}_{z} z^{\top} W^{\top} W C_z W^{\top} W z" in found.latex()
    last = {"order": 4, "coefficient": "1/4", "traces": [["noise[z]"], ["data[z]"]], "data": ["z"]}
    assert found.to_json()["terms"][-1] == last
    assert found.assumptions == LAW.assumptions
    assert found.in_basis("A0,C").in_basis("A0,Sigma").terms == found.terms


def test_losses_of_second_moments_see_no_dependence():
    for name in ("spectral", "barlow-twins"):
        assert catalogue(name).expand(4, data=LAW).terms == catalogue(name).expand(4).terms
    with pytest.raises(InputError, match="it depends on the noise around each datum through more than"):
        in_second_moments(catalogue("infonce").expand(4, data=LAW))


@pytest.mark.parametrize("name", ["infonce", "alignment-uniformity", "infonce+bias"])
@pytest.mark.parametrize("order", [4, 6])
def test_a_random_scale_of_each_view_is_a_case(name, order):
    # x = s z with s ~ N(1, v) for each view has C(z) = v z zᵀ: App. F.1 with a Gaussian scale.
    v = Rational(3, 2)
    of_scale = [sum(binomial(k, 2 * j) * v**j * normal_moment(2 * j) for j in range(k // 2 + 1)) for k in range(7)]
    scaled = Elliptical({k: of_scale[k] / of_scale[2] ** Rational(k, 2) for k in range(1, order + 1)}, per="view")
    generator = np.random.default_rng(0)
    data = Noisy.of(random_covariances(generator, 3).A0, np.zeros((3, 3)), [float(v) ** 0.5 * np.eye(3)])
    loss = catalogue(name)
    found, known = (kernel(loss.expand(order, data=law)) for law in (LAW, scaled))
    W, b = generator.standard_normal((2, 3)), (generator.standard_normal(2),) * loss.bias
    put = dict.fromkeys(found.parameters.values(), 0.7)
    value = found(W, *data.arguments("A0,Sigma"), *b, **put)
    assert value == pytest.approx(known(W, data.A0, data.Sigma, *b, **put), rel=1e-10)


def test_the_same_noise_for_all_data_leaves_the_gaussian_formula():
    generator = np.random.default_rng(1)
    given = random_covariances(generator, 2)
    data, W = Noisy.of(given.A0, given.C, np.zeros((1, 2, 2))), generator.standard_normal((2, 2))
    found, known = (kernel(catalogue("infonce").expand(6, data=law)) for law in (LAW, Gaussian()))
    assert found(W, *data.arguments("A0,Sigma")) == pytest.approx(known(W, given.A0, given.Sigma), rel=1e-10)


def test_other_data_of_a_class_are_data_of_their_own():
    x, chi = views("x, chi")
    (x_same,) = views("x_same", shares="class")
    mates, others = Loss(inner(x, x_same) ** 2), Loss(Mean(inner(x, chi) ** 2, over=chi))
    assert mates.expand(4, data=LAW).terms == others.expand(4, data=LAW).terms


def test_a_moment_of_squared_lengths():
    found = moment("E(|f(x)|^4)", law=LAW).text()
    assert found == (
        "2 Tr[(W A0 Wᵀ)²] + 2 E_z Tr[(W C_z Wᵀ)²] + 4 E_z zᵀ Wᵀ W C_z Wᵀ W z + Tr[W A0 Wᵀ]² + E_z Tr[W C_z Wᵀ]²"
        " + 2 E_z Tr[W C_z Wᵀ] |W z|²"
    )


def test_what_is_refused():
    with pytest.raises(InputError, match="averaged through order 8; lower --order"):
        catalogue("infonce").expand(10, data=LAW)
    with pytest.raises(InputError, match="derived with one kind of view"):
        catalogue("clip").expand(4, data=LAW)
