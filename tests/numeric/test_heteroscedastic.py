"""Noise that depends on the datum, in numbers: nodes and draws have its moments, kernels the words' values."""

import mpmath
import numpy as np
import pytest
import torch

from derive import Heteroscedastic, InputError, Rational, catalogue
from derive.algebra.graphs import CLASSMATE, PLAIN
from numeric import kernel
from numeric.invariants import values_by_order
from numeric.laws import in_numbers, random_in_numbers
from numeric.laws.heteroscedastic import Noisy
from numeric.sampling import Covariances, random_covariances

LAW = Heteroscedastic()


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    return random_in_numbers(LAW, random_covariances(generator, 2), generator)


def fourth(data, u, v):
    """E (u·x)² (v·x′)² by a tensor rule of z, given which the views are independent."""
    points, chances = np.polynomial.hermite_e.hermegauss(6)
    z = np.stack(np.meshgrid(points, points), -1).reshape(-1, 2) @ np.linalg.cholesky(data.A0).T
    weights = np.outer(chances, chances).ravel() / chances.sum() ** 2
    of = [(z @ one) ** 2 + np.einsum("i,nij,j->n", one, data.at(z), one) for one in (u, v)]
    return weights @ (of[0] * of[1])


@pytest.mark.parametrize("datum", [False, True])
def test_nodes_have_the_moments_of_the_law(data, datum):
    nodes, weights = data.nodes(4, data=1, views=2, datum=datum)
    x, x_pos, *centre = (one[:, 0] for one in nodes)
    assert weights.sum() == pytest.approx(1)
    for one, other, known in ((x, x, data.Sigma), (x, x_pos, data.A0), *((x, z, data.A0) for z in centre)):
        assert np.einsum("n,ni,nj->ij", weights, one, other) == pytest.approx(known)
    u, v = np.array([0.7, -0.3]), np.array([0.2, 0.9])
    assert weights @ ((x @ u) ** 2 * (x_pos @ v) ** 2) == pytest.approx(fourth(data, u, v))
    assert weights @ (x @ u) ** 3 == pytest.approx(0, abs=1e-12)
    assert len(weights) == data.size(4)


def test_draws_have_its_moments_and_views_share_the_datum(data):
    x, x_pos, z = data.draw(np.random.default_rng(1), (400_000,), datum=True)
    assert x.T @ x / len(x) == pytest.approx(data.Sigma, abs=0.03)
    assert x.T @ x_pos / len(x) == pytest.approx(data.A0, abs=0.03)
    assert z.T @ z / len(z) == pytest.approx(data.A0, abs=0.03)
    noise = x - z
    products = np.einsum("ni,nj->nij", noise, noise) - data.at(z)
    assert np.abs(products.mean(0)).max() < 0.05
    assert np.abs((products * (z**2)[:, :1, None]).mean(0)).max() < 0.2


def test_views_are_made_of_torch_tensors_as_of_arrays(data):
    generator = np.random.default_rng(2)
    gaussian, latent = data.core.draw(generator, (50,)), generator.standard_normal((50, data.latent(2)))
    assert np.allclose(*gaussian)
    tensors = data.made(tuple(map(torch.tensor, gaussian)), torch.tensor(latent))
    for one, other in zip(data.made(gaussian, latent), tensors, strict=True):
        assert one == pytest.approx(other.numpy())


def test_other_data_of_a_class_have_their_own_noise(data):
    nodes, weights = data.nodes(2, views=(PLAIN, CLASSMATE, PLAIN))
    x, mate, x_pos = (one[:, 0] for one in nodes)
    assert np.einsum("n,ni,nj->ij", weights, x, mate) == pytest.approx(np.zeros((2, 2)), abs=1e-12)
    assert np.einsum("n,ni,nj->ij", weights, x, x_pos) == pytest.approx(data.A0)
    assert np.einsum("n,ni,nj->ij", weights, mate, mate) == pytest.approx(data.Sigma)


@pytest.mark.parametrize("share", [0, Rational(1, 3), 1])
def test_given_covariances_are_kept(share):
    given = random_covariances(np.random.default_rng(4), 3)
    data = in_numbers(Heteroscedastic(share), given)
    assert np.allclose(data.A0, given.A0)
    assert np.allclose(data.C, given.C)
    depends = data.at(np.ones(3)) - data.at(np.zeros(3))
    assert (np.abs(depends).max() > 0.1) == (share != 0)
    assert not data.fixed.any() if share == 1 else data.fixed.any()


def test_kernels_have_the_values_of_the_words(data):
    W = np.random.default_rng(5).standard_normal((2, 2))
    expansion = catalogue("infonce").expand(6, data=LAW)
    emitted, given = kernel(expansion), data.arguments("A0,Sigma")
    assert emitted.arguments == ("W", "A0", "Sigma", "chances", "data", "noise")
    value = emitted(W, *given)
    assert value == pytest.approx(sum(values_by_order(expansion, W, data.letters).values()))
    step = 1e-6 * np.array([[1.0, -2.0], [0.5, 1.0]])
    slope = (emitted.value(W + step, *given) - emitted.value(W - step, *given)) / 2
    assert slope == pytest.approx((emitted.gradient(W, *given) * step).sum(), rel=1e-6)
    tensors = kernel(expansion, "torch")(torch.tensor(W), *map(torch.tensor, given))
    assert float(tensors) == pytest.approx(value)
    of_mpmath = [mpmath.matrix(one.tolist()) for one in (W, *given[:2])]
    nodes = [list(map(float, given[2])), *([mpmath.matrix(one.tolist()) for one in each] for each in given[3:])]
    order = kernel(catalogue("infonce").expand(4, data=LAW), "mpmath")
    four = kernel(catalogue("infonce").expand(4, data=LAW))(W, *given)
    assert float(order(*of_mpmath, *nodes)) == pytest.approx(four)


def test_what_does_not_fit(data):
    with pytest.raises(InputError, match=r"maps has shape \(2, 2\)"):
        Noisy.of(np.eye(2), np.eye(2), np.eye(2))
    with pytest.raises(InputError, match="depends on the datum"):
        _ = data.noise
    with pytest.raises(InputError, match="need too many nodes at degree 8"):
        in_numbers(LAW, Covariances(np.eye(8), np.eye(8))).nodes(8, data=2)
    with pytest.raises(InputError, match="data has 3 entries, and chances"):
        kernel(catalogue("infonce").expand(4, data=LAW))(
            np.eye(2), *data.arguments("A0,Sigma")[:3], np.eye(3, 2), np.ones((3, 2, 2))
        )
    Q = np.linalg.qr(np.random.default_rng(3).standard_normal((2, 2)))[0]
    assert data.along(Q).at(Q @ np.ones(2)) == pytest.approx(Q @ data.at(np.ones(2)) @ Q.T)
    with pytest.raises(InputError, match="along some directions depends on the datum along others"):
        data.along(Q[:1])
