"""A lost mode with a mean: its curvature by three routes, models trained with and without, and what must not pass."""

from functools import cache

import numpy as np
import pytest
import sympy
import torch

from derive import InputError
from derive.landscape.lost_modes import alpha, beta, gamma, opened
from numeric.sampling import Covariances
from numeric.sphere.equal_modes import Sphere
from verify.figures.reproduce.linear import trained_over, training_set
from verify.routes.reopening.directions import opening
from verify.routes.reopening.means import on_data, weights
from verify.routes.reopening.second_order import curvatures
from verify.routes.reopening.transverse import draw
from verify.routes.training.engine import Plan
from verify.truths.two_views import two_views

NORMALISED = two_views("infonce+normalised")
R, KEPT = 8, 0.9
# Eight modes kept equally with E|f|² = 1, and a row to spare.
W = np.eye(R + 1, R) / np.sqrt(R)


def data(modes, correlation=KEPT):
    return Covariances(correlation * np.eye(modes), (1 - correlation) * np.eye(modes))


@cache
def found(batches=300, size=64, seed=0):
    return weights(NORMALISED, draw(data(R), size, batches, seed), W)


def by_hand(z1, z2, tau=1.0):
    """InfoNCE over a batch on unit vectors, from its definition."""
    n1, n2 = (z / z.square().sum(-1, keepdim=True).sqrt() for z in (z1, z2))
    cosine = n1 @ n2.mT / tau
    return (torch.logsumexp(cosine, -1) - cosine.diagonal(dim1=-2, dim2=-1)).mean(-1)


def test_the_weights_are_those_of_the_closed_form():
    here = Sphere(R, KEPT)
    # E|f|² = 1, where the closed form has r.
    expected = R * np.array([*here.parts(), here.common()])
    assert (np.abs(found().means - expected) < 4 * found().errors).all()
    assert (found().errors < 0.02 * np.abs(expected)).all()


def test_a_mean_can_also_bring_a_mode_back():
    views = draw(data(R, 0.3), 256, 40, 0)
    cold = weights(lambda z1, z2: by_hand(z1, z2, 0.2), views, W)
    assert abs(cold.means[2] - R * Sphere(R, 0.3, 0.2).common()) < 4 * cold.errors[2]
    assert cold.means[2] < -20 * cold.errors[2]


@pytest.mark.parametrize("mean", [0.3, 1.0])
def test_data_with_a_mean_have_the_curvature_of_a_mean_and_not_of_none(mean):
    covariances = data(R + 1)
    views = draw(covariances, 64, 200, 7)
    views[..., -1] += mean
    blind = np.hstack([W, np.zeros((R + 1, 1))])
    samples = curvatures(NORMALISED, views, opening(blind, covariances)).hessian[:, 0, 0]
    error = samples.std(ddof=1) / np.sqrt(len(samples))
    here = Sphere(R, KEPT)
    assert abs(samples.mean() - R * here.curvature(KEPT, mean)) < 4 * error
    predicted, own = found().curvature(1.0, KEPT, mean)
    assert abs(samples.mean() - predicted) < 4 * np.hypot(error, own)
    # The mean centred away.
    assert abs(samples.mean() - R * here.curvature(KEPT)) > 6 * error


def test_a_loss_of_differences_does_not_see_a_mean():
    views = draw(data(R), 16, 10, 0)
    plain = weights(two_views("infonce-batch", {"N": 16.0}), views, W)
    assert np.abs(plain.samples[:, 2]).max() < 1e-12
    assert weights(by_hand, views, W).samples[:, 2].min() > 0.1


def test_the_derived_weights_along_any_h():
    """Σ 2 Φ_ab (pair h_a h_b + view …) with Φ by differentiating in the cosines, against differentiating in h."""
    rng = np.random.default_rng(0)
    z, h = torch.from_numpy(rng.standard_normal((2, 5, 6, 4))), torch.from_numpy(rng.standard_normal((2, 5, 6)))
    radius = z.square().sum(-1).sqrt()
    cosine = ((z[0] @ z[1].mT) / (radius[0][..., None] * radius[1][:, None])).requires_grad_()
    loss = (torch.logsumexp(cosine, -1) - cosine.diagonal(dim1=-2, dim2=-1)).mean(-1)
    (phi,) = torch.autograd.grad(loss.sum(), cosine)
    derived = opened()
    R_a, R_b = sympy.symbols("R_a R_b", positive=True)
    at = {"R_a": radius[0][..., None], "R_b": radius[1][:, None], "c_ab": cosine.detach()}

    def number(formula):
        letters = sorted(formula.free_symbols, key=str)
        return sympy.lambdify(letters, formula, "math")(*(at[str(one)] for one in letters))

    # What stands at y_a² is the part of `view` that falls with R_a.
    own = [sympy.expand(derived.view).coeff(one, -2) * one**-2 for one in (R_a, R_b)]
    assert sympy.expand(sum(own) - derived.view) == 0
    expected = 2 * (
        phi * (number(derived.pair) * h[0][..., None] * h[1][:, None]
               + number(own[0]) * h[0][..., None] ** 2 + number(own[1]) * h[1][:, None] ** 2)
    ).sum((-2, -1))  # fmt: skip
    s = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    wider = torch.cat([z, (s[:, None] * h)[..., None]], -1)
    (slope,) = torch.autograd.grad(by_hand(wider[0], wider[1]).sum(), s, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), s)
    assert torch.allclose(second, expected, rtol=1e-10)
    assert (derived.A0, derived.Sigma, derived.mean) == (-alpha, beta, beta - alpha - gamma)


def test_on_given_data_it_is_the_derivative_in_WtW_whatever_the_data():
    rng = np.random.default_rng(1)
    points = rng.exponential(size=(20, 4)) + np.array([1.0, 0.0, -2.0, 0.0])
    views = points + 0.3 * rng.standard_normal((2, 6, 20, 4))
    here = np.vstack([rng.standard_normal((3, 4)), np.zeros(4)])
    form = on_data(by_hand, views, here)
    weight = torch.from_numpy(here).requires_grad_()
    z = torch.from_numpy(views) @ weight.T
    (gradient,) = torch.autograd.grad(by_hand(z[0], z[1]).mean(), weight)
    assert np.allclose(gradient.numpy(), here @ form.samples.mean(0)[:-1, :-1], atol=1e-12)
    # Along w by differences, on the data and on data without their mean along w.
    w, u = rng.standard_normal(4), np.eye(4)[-1]
    for shift, said in ((0.0, form.along(w)), (w @ form.mean, form.without_mean(w))):

        def value(s, shift=shift):
            moved = views @ here.T + s * (views @ w - shift)[..., None] * u
            return float(by_hand(*torch.from_numpy(moved)).mean())

        step = 1e-3
        assert (value(step) + value(-step) - 2 * value(0)) / step**2 == pytest.approx(said[0], rel=1e-4)


def trained(mean, seed, *, bias=False):
    """The eigenvalues of WᵀW over their mean, and the lost mode's cosine with the mean; nine equal modes at N = 64."""
    d = R + 1
    views = draw(data(d), 64, 32, seed)
    views[..., -1] += mean
    views = torch.from_numpy(views)
    start = torch.from_numpy(np.random.default_rng(seed).standard_normal((d, d)))
    weight, b = start.requires_grad_(), torch.zeros(d, dtype=torch.float64, requires_grad=bias)
    optimiser = torch.optim.LBFGS(
        [weight, b] if bias else [weight], max_iter=400, tolerance_grad=1e-10, tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure():
        optimiser.zero_grad()
        z = views @ weight.T + b
        value = by_hand(z[0], z[1]).mean()
        value.backward()
        return value

    optimiser.step(closure)
    values, vectors = np.linalg.eigh((weight.T @ weight).detach().numpy())
    return values / values.mean(), abs(vectors[-1, 0])


def test_models_lose_a_mode_with_a_mean_where_it_is_said_and_keep_it_with_a_bias():
    views = draw(data(R), 64, 100, 3)
    edge, error = weights(by_hand, views, W).largest_mean(1.0, KEPT)
    assert abs(edge - Sphere(R, KEPT).largest_mean(KEPT)) < 4 * error + 0.02  # N = 64
    for seed in range(2):
        assert trained(0.0, seed)[0][0] > 0.5
        assert trained(0.7 * edge, seed)[0][0] > 0.1
        lost, overlap = trained(1.3 * edge, seed)
        assert lost[0] < 1e-3
        assert lost[1] > 0.5
        assert overlap > 0.98
        assert trained(1.3 * edge, seed, bias=True)[0][0] > 0.5


@pytest.mark.parametrize(("size", "lost"), [(30, True), (240, False)])
def test_a_training_set_loses_its_mean_where_it_is_too_small(size, lost):
    """N(0, I) in ten dimensions: the squared mean, about 10/N in units of the variance, against the closed form."""
    d0, sigma = 10, 0.05
    correlation = 1 / (1 + sigma**2)
    edge = Sphere(d0 - 1, correlation).largest_mean(correlation) ** 2
    for seed in range(2):
        points = training_set(size, d0, seed)
        mean = points.mean(0)
        square = float(mean @ torch.linalg.solve(torch.cov(points.T, correction=0), mean))
        assert (square > edge) == lost
        plan = Plan(rate=5e-3, steps=600, decay="cosine")
        gram = trained_over(points, [sigma], "infonce-batch", plan, seed=seed, normalised=True)["gram"][0]
        values = np.linalg.eigvalsh(gram.numpy())
        assert (values[0] < 0.01 * values.mean()) == lost


def test_what_cannot_be_said_is_refused():
    views = draw(data(3), 8, 50, 0)
    with pytest.raises(InputError, match="no row is left"):
        weights(by_hand, views, np.eye(3))
    with pytest.raises(InputError, match=r"\(d1, 3\) is needed"):
        on_data(by_hand, views, np.eye(4))
    plain = weights(two_views("infonce-batch", {"N": 8.0}), views, np.eye(4, 3))
    with pytest.raises(InputError, match="not positive beyond noise"):
        plain.largest_mean(1.0, 0.9)
    assert weights(by_hand, views, np.eye(4, 3)).largest_mean(1.0, 0.0) == (0.0, 0.0)
