"""Data with a mean, and of classes, in numbers: nodes and draws have their moments, kernels the words' values."""

import mpmath
import numpy as np
import pytest
import sympy
import torch

from derive import Classes, InputError, Uncentred, catalogue
from numeric import kernel
from numeric.invariants import values_by_order
from numeric.laws import in_numbers, random_in_numbers
from numeric.laws.classes import Mixture
from numeric.laws.mean import Shifted
from numeric.sampling import Covariances, random_covariances

D0, D1 = 3, 2
LAWS = [Uncentred(), Classes(3), Classes(weights=(9, 1)), Classes(means="zero"), Classes(covariances="shared")]
every_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.text)


def data_of(law, seed=0, dimension=D0):
    generator = np.random.default_rng(seed)
    return random_in_numbers(law, random_covariances(generator, dimension), generator)


def moments_of(data):
    """E x, E x xᵀ and E x x′ᵀ."""
    return (np.zeros(data.d0) if data.letters.mean is None else data.letters.mean), data.second, data.A0 + data.between


def fourth_of(data, u):
    """E (u·x)⁴, each class Gaussian."""
    total = 0.0
    for chance, own, mean in data.letters.classes or [(1.0, data.letters, data.mean)]:
        variance, shift = u @ own["S"] @ u, u @ mean
        total += chance * (3 * variance**2 + 6 * variance * shift**2 + shift**4)
    return total


@every_law
@pytest.mark.parametrize("datum", [False, True])
def test_nodes_have_the_moments_of_the_law(law, datum):
    data, u = data_of(law), np.array([0.7, -0.3, 0.5])
    nodes, weights = data.nodes(4, data=1, views=2, datum=datum)
    x, x_pos, *centre = (one[:, 0] for one in nodes)
    mean, second, between = moments_of(data)
    assert weights.sum() == pytest.approx(1)
    for view in (x, x_pos):
        assert weights @ view == pytest.approx(mean)
        assert np.einsum("n,ni,nj->ij", weights, view, view) == pytest.approx(second)
        assert weights @ (view @ u) ** 4 == pytest.approx(fourth_of(data, u))
    assert np.einsum("n,ni,nj->ij", weights, x, x_pos) == pytest.approx(between)
    for one in centre:
        assert np.einsum("n,ni,nj->ij", weights, x, one) == pytest.approx(between)
        assert np.einsum("n,ni,nj->ij", weights, one, one) == pytest.approx(between)
    assert len(weights) == data.size(4, views=2 + datum)


def test_the_views_of_a_datum_share_its_class():
    own = Covariances(np.eye(1) * 1e-9, np.eye(1) * 1e-9)
    data = Mixture.of(Classes(weights=(1, 3)), [[5.0], [-5.0]], [own, own])
    x, x_pos = data.draw(np.random.default_rng(0), (4000,))
    assert np.array_equal(x > 0, x_pos > 0)
    assert abs((x > 0).mean() - 0.25) < 0.03
    nodes, weights = data.nodes(2, data=2)
    first, second = (np.sign(nodes[0][:, k, 0]) for k in range(2))
    assert weights @ (first * second) == pytest.approx(0.5**2)


@every_law
def test_draws_have_the_moments_of_the_law(law):
    data = data_of(law)
    x, x_pos = data.draw(np.random.default_rng(1), (200_000,))
    mean, second, between = moments_of(data)
    assert x.mean(0) == pytest.approx(mean, abs=0.03)
    assert x.T @ x / len(x) == pytest.approx(second, abs=0.15)
    assert x.T @ x_pos / len(x) == pytest.approx(between, abs=0.15)


@every_law
def test_views_are_made_of_torch_tensors_as_of_arrays(law):
    data, generator = data_of(law), np.random.default_rng(2)
    gaussian = data.core.draw(generator, (50,))
    latent = generator.standard_normal((50, data.latent(2)))
    arrays = data.made(gaussian, latent)
    tensors = data.made(tuple(map(torch.tensor, gaussian)), torch.tensor(latent))
    for one, other in zip(arrays, tensors, strict=True):
        assert one == pytest.approx(other.numpy())


@every_law
def test_data_in_other_coordinates(law):
    data = data_of(law)
    Q, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((D0, 2)))
    seen = data.along(Q.T)
    assert seen.d0 == 2
    assert seen.second == pytest.approx(Q.T @ data.second @ Q)
    assert moments_of(seen)[0] == pytest.approx(Q.T @ moments_of(data)[0])


@every_law
def test_given_covariances_are_the_averages_of_the_classes(law):
    A0, C = np.diag([1.0, 2.0]), np.diag([3.0, 0.5])
    data = in_numbers(law, Covariances(A0, C))
    assert np.allclose(data.A0, A0)
    assert np.allclose(data.C, C)
    again = in_numbers(law, Covariances(A0, C))
    assert data.second == pytest.approx(again.second, abs=0)
    if law.text == "mean":
        assert np.trace(data.between) > 0


def test_a_training_set_has_the_mean():
    data = Shifted(np.eye(2), np.eye(2), mean=np.array([3.0, -1.0]))
    points = data.training_set(7, np.random.default_rng(0))
    assert points.mean(0) == pytest.approx([3, -1])
    assert np.cov(points.T, bias=True) == pytest.approx(np.eye(2))
    assert np.array_equal(data.noise.A0, np.zeros((2, 2)))
    with pytest.raises(InputError, match="a fixed training set of data of classes is not drawn"):
        data_of(Classes()).training_set(7, np.random.default_rng(0))
    with pytest.raises(InputError, match="depends on its class"):
        _ = data_of(Classes()).noise
    assert pytest.approx(data_of(Classes(covariances="shared")).C) == data_of(Classes(covariances="shared")).noise.C


def test_means_and_classes_that_do_not_fit():
    with pytest.raises(InputError, match=r"mean has shape \(3,\); 2 finite numbers are needed"):
        Shifted(np.eye(2), np.eye(2), mean=np.ones(3))
    with pytest.raises(InputError, match="2 classes have 1 means and 1 pairs of covariances"):
        Mixture.of(Classes(), [[1.0]], [Covariances(np.eye(1), np.eye(1))])
    with pytest.raises(InputError, match="too many nodes"):
        data_of(Classes(10)).nodes(9, data=6)


CASES = [("infonce", 4), ("spectral+bias", 4), ("barlow-twins", 4), ("vicreg", 4), ("infonce", 6)]


def filled(name, order, law, basis="A0,Sigma"):
    found = catalogue(name).expand(order, data=law, basis=basis)
    return found.set({one.name: D1 if one.name == "d1" else sympy.Rational(5, 7) for one in found.symbols})


def for_library(array, library):
    if library == "numpy":
        return array
    if library == "torch":
        return torch.tensor(array)
    if array.ndim == 3:
        return [mpmath.matrix(one.tolist()) for one in array]
    return mpmath.matrix(array.tolist())


def arguments(data, basis, library):
    found = [for_library(one, library) for one in data.arguments(basis)]
    if library == "mpmath" and "means" in data.beside:
        found[2:] = [list(map(float, data.beside["weights"])), [mpmath.matrix(one.tolist()) for one in data.means]]
    return found


@every_law
@pytest.mark.parametrize(("name", "order"), CASES)
@pytest.mark.parametrize("library", ["numpy", "torch", "mpmath"])
def test_kernels_are_the_values_of_the_words(law, name, order, library):
    if order > 4 and library == "mpmath":
        pytest.skip("slow, and the same source as at order 4")
    data, generator = data_of(law), np.random.default_rng(4)
    W, b = generator.standard_normal((D1, D0)) / 2, generator.standard_normal(D1)
    found = filled(name, order, law)
    emitted = kernel(found, library)
    rest = [for_library(b, library)] if found.bias else []
    given = [for_library(W, library), *arguments(data, found.basis, library), *rest]
    expected = sum(values_by_order(found, W, data.letters, b if found.bias else None).values())
    assert float(emitted(*given)) == pytest.approx(expected, rel=1e-10)
    gradient = emitted.gradient(*given)
    numpys = kernel(found)
    plain = [W, *data.arguments(found.basis), *([b] if found.bias else [])]
    same = numpys.gradient(*plain)
    for one, other in zip(*((g if isinstance(g, tuple) else (g,)) for g in (gradient, same)), strict=True):
        assert np.array(one.tolist(), dtype=float).reshape(other.shape) == pytest.approx(other, rel=1e-9, abs=1e-12)


@every_law
@pytest.mark.parametrize("basis", ["A0,Sigma", "A0,C"])
@pytest.mark.parametrize(("name", "order"), CASES)
def test_gradients_are_those_of_the_value(law, name, order, basis):
    data, generator = data_of(law), np.random.default_rng(5)
    W, b = generator.standard_normal((D1, D0)) / 2, generator.standard_normal(D1)
    found = filled(name, order, law, basis)
    emitted, given = kernel(found), data.arguments(basis)
    points = [W, b] if found.bias else [W]

    def value(*at):
        return float(emitted.value(at[0], *given, *at[1:]))

    gradient = emitted.gradient(W, *given, *points[1:])
    for k, one in enumerate(gradient if found.bias else [gradient]):
        for place in np.ndindex(points[k].shape):
            step = np.zeros_like(points[k])
            step[place] = 1e-5
            sides = [value(*(p + sign * step if j == k else p for j, p in enumerate(points))) for sign in (1, -1)]
            assert one[place] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-6, abs=1e-7)


def test_a_batch_of_models_is_evaluated_at_once():
    law = Classes()
    data, found = data_of(law), filled("infonce", 4, law)
    many = np.random.default_rng(6).standard_normal((5, D1, D0))
    emitted, given = kernel(found), data.arguments("A0,Sigma")
    assert emitted.value(many, *given) == pytest.approx([float(emitted.value(W, *given)) for W in many])
    assert emitted.gradient(many, *given) == pytest.approx(np.stack([emitted.gradient(W, *given) for W in many]))


def test_arguments_that_do_not_fit_are_refused():
    W, data = np.eye(2, D0), data_of(Classes())
    emitted, (A0, Sigma, weights, means) = kernel(filled("infonce", 4, Classes())), data.arguments("A0,Sigma")
    for given, message in (
        ([A0[:1], Sigma, weights, means], "A0 has 1 entries, and weights 2; give one for each class"),
        ([A0, Sigma, weights, means[:, :2]], "a class's mean must be a vector of 3 entries, as many as W has columns"),
        ([A0, Sigma, weights], "the kernel takes W, A0, Sigma, weights, means; 4 arrays were given"),
    ):
        with pytest.raises(InputError) as refused:
            emitted(W, *given)
        assert str(refused.value) == message
    alone = kernel(filled("spectral", 4, Uncentred()))
    with pytest.raises(InputError, match="mean must be a vector of 3 entries, as many as W has columns"):
        alone(W, A0[0], Sigma[0], np.ones(2))
