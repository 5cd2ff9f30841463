"""Losses that people train, in words for several views, pairs and matrices: in NumPy, and their audits."""

import numpy as np
import pytest
import sympy

from derive import (
    Loss,
    Mean,
    Rational,
    SecondMoment,
    distinct,
    embedding,
    exp,
    half_sq,
    identity,
    inner,
    log,
    log_det,
    symbols,
    views,
)
from derive.landscape.collapse import collapse
from derive.landscape.stationary import stationary
from numeric.invariants import order_values
from numeric.sampling import random_covariances
from verify import audit
from verify.truths.taylor import cauchy, circle

N, V, epsilon, mu, nu, t = symbols("N V epsilon mu nu t")
x, x_v, u, u_pos, u_v, w = views("x, x_v, u, u_pos, u_v, w")


def information(count=None):
    """−log det of the second moment and alignment, as in CorInfoMax."""
    bound = (u, u_pos)
    moment = SecondMoment(u, u, count=count)
    return Loss(
        -log_det(moment + epsilon * identity) + 2 * mu * Mean(half_sq(u, u_pos), over=bound, count=count),
        name="information",
    )


def uniform():
    """Alignment and uniformity over the pairs of a batch, as in Wang and Isola."""
    aligned = 2 * Mean(half_sq(u, u_pos), over=(u, u_pos), count=N)
    return Loss(aligned + nu * log(Mean(exp(-2 * t * half_sq(u, w)), over=distinct(u, w), count=N)), name="uniform")


def centroids():
    """V views near their centroid, and the centroids of a batch far from 0."""
    c = Mean(embedding(u_v), over=u_v, of=u, count=V)
    near = Mean(Mean(half_sq(u_v, c), over=u_v, of=u, count=V), over=u, count=N)
    return Loss(mu * near - log(1 + Mean(inner(c, c), over=u, count=N)), name="centroids")


def by_hand(name, z, values):
    """The same on batches z of shape (draws, N, views, d1), in NumPy."""
    mu, epsilon, nu, t = (float(values[one]) for one in ("mu", "epsilon", "nu", "t"))
    if name == "information":
        one, other = z[:, :, 0], z[:, :, 1]
        moment = np.einsum("bni,bnj->bij", one, one) / one.shape[1] + epsilon * np.eye(z.shape[-1])
        log_of = np.log(np.linalg.eigvals(moment)).sum(-1) if np.iscomplexobj(z) else np.linalg.slogdet(moment)[1]
        return -log_of + mu * ((one - other) ** 2).sum(-1).mean(-1)
    if name == "uniform":
        one, other = z[:, :, 0], z[:, :, 1]
        size = one.shape[1]
        apart = ((one[:, :, None] - one[:, None]) ** 2).sum(-1)[:, ~np.eye(size, dtype=bool)]
        return ((one - other) ** 2).sum(-1).mean(-1) + nu * np.log(np.exp(-t * apart).mean(-1))
    centre = z.mean(2)
    near = ((z - centre[:, :, None]) ** 2).sum(-1).mean((1, 2)) / 2
    return mu * near - np.log(1 + (centre**2).sum(-1).mean(-1))


VALUES = {"N": 3, "V": 3, "mu": Rational(3, 4), "epsilon": Rational(5, 4), "nu": Rational(2, 3), "t": Rational(4, 5)}
LOSSES = {"information": information(N), "uniform": uniform(), "centroids": centroids()}


@pytest.mark.parametrize("name", LOSSES)
def test_the_expansion_is_what_random_batches_give(name):
    """Taylor coefficients of the hand-written loss, averaged over batches: within four standard errors."""
    loss = LOSSES[name]
    generator = np.random.default_rng(11)
    data = random_covariances(generator, 2)
    W = generator.standard_normal((2, 2)) / 2
    ts = circle(0.25, 8)
    drawn = np.stack(data.draw(generator, (20_000, 3), 3), axis=2) @ W.T
    values = np.stack([by_hand(name, t * drawn, VALUES) for t in ts], axis=-1)
    found = cauchy(values, ts, range(2, 5, 2))
    mean, error = found.mean(0), found.std(0) / np.sqrt(len(found))
    expansion = loss.expand(4).set({one: value for one, value in VALUES.items() if one in loss.parameters})
    derived = order_values(expansion, W, data.A0, data.Sigma)
    for k, order in enumerate((2, 4)):
        assert abs(mean[k] - derived[order]) < 4 * error[k]
        assert error[k] < 0.1 * abs(derived[order])


def test_an_audit_of_information():
    found = audit(information(), draws=2000, train=False)
    assert found.verdict == "holds"
    text = found.text()
    assert "exact         −2 μ Tr[W A0 Wᵀ] + 2 μ Tr[W Σ Wᵀ] − log det(I + 1/ε S),  S = W Σ Wᵀ" in text
    assert "from below    bounded" in text


def test_information_keeps_what_is_worth_more_than_its_noise():
    """A mode is lost where 2 μ c_i ≥ (a_i + c_i)/ε: the noise costs more than its share of the log det."""
    found = collapse(information().expand(4))
    assert str(found.dimensional) == "a_i - 2*c_i*epsilon*mu + c_i <= 0 for some i"


def test_uniformity_over_two_data_has_no_quartic():
    """With one pair the logarithm undoes the exponential: −t|f(u) − f(w)|² alone is left, without a minimum."""
    assert uniform().set({"N": 2}).expand(6).only(4).terms == ()
    assert uniform().set({"N": 2}).expand(6).only(6).terms == ()
    (points,) = stationary(uniform().expand(4))
    assert "h_i = (N - 1)/(8 ν t^2(N - 2)) b_i" in points.text()


def test_centroids_of_many_views_see_no_noise():
    """As V grows the log sees A0 alone, and the views' distance from their centroid is C."""
    limit = centroids().expand(2).set({"V": sympy.oo})
    assert str(limit.in_basis("A0,C")) == "−Tr[W A0 Wᵀ] + μ/2 Tr[W C Wᵀ] + O(W⁴)"
