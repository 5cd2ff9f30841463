"""DINO's field, against torch's gradients of a cross-entropy written by hand with `detach`, and its mean simulated."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from derive import InputError
from derive.fields.centring import K as LOGITS
from derive.fields.centring import centre_follows, centred, follows, frozen, mean_square, q, r, uncentred
from derive.fields.dino import DINO, K, tau_s, tau_t
from derive.fields.logit_field import a_i, followed, logit_field, onset, s_i, threshold
from derive.fields.softmax import log_mean

A0 = np.array([[1.0, 0.3], [0.3, 0.5]])
SIGMA = A0 + np.array([[0.4, -0.2], [-0.2, 0.7]])
W = np.array([[0.5, -0.2], [0.1, 0.4], [-0.3, 0.15], [-0.1, 0.25]])
STUDENT, TEACHER = 0.9, 0.6
ORDERS = (1, 3, 5)


def by_hand(weights, tau_s=STUDENT, tau_t=TEACHER, *, stopped=True):
    """Minus the gradient of the cross-entropy over Gaussian nodes, exact for polynomials of degree 15."""
    nodes, mass = np.polynomial.hermite_e.hermegauss(8)
    mass = mass / mass.sum()
    grid = np.stack(np.meshgrid(*[nodes] * 4, indexing="ij"), -1).reshape(-1, 4)
    p = torch.from_numpy(np.prod(np.stack(np.meshgrid(*[mass] * 4, indexing="ij"), -1).reshape(-1, 4), 1))
    both = torch.from_numpy(grid @ np.linalg.cholesky(np.block([[SIGMA, A0], [A0, SIGMA]])).T)
    here = torch.from_numpy(weights).requires_grad_()
    target = torch.softmax(both[:, 2:] @ here.T / tau_t, 1)
    own = torch.log_softmax(both[:, :2] @ here.T / tau_s, 1)
    loss = -(p * ((target.detach() if stopped else target) * own).sum(1)).sum()
    return -torch.autograd.grad(loss, here)[0].numpy()


def measured(**how):
    """The coefficients of t, t³ and t⁵ at t W."""
    ts = np.linspace(0.05, 0.6, 8)
    powers = ts[:, None] ** np.arange(1, 16, 2)
    fitted = np.linalg.solve(powers, np.array([by_hand(t * W, **how).ravel() for t in ts]))
    return {order: fitted[order // 2].reshape(W.shape) for order in ORDERS}


def predicted(order, student=STUDENT, teacher=TEACHER):
    """The terms of an order at W, entry by entry."""
    live = W - W.mean(0)
    S, matrices = live @ SIGMA @ live.T, {"A0": A0, "Sigma": SIGMA}
    total = np.zeros(W.shape)
    for term in logit_field(DINO, 5).terms:
        if term.order == order:
            value = float(term.coefficient.subs({tau_s: student, tau_t: teacher, K: len(W)}))
            total += value * matrix(term.link, S) @ live @ matrices[term.letter]
    return total - total.mean(0)


def matrix(link, S):
    """The symmetric part of a link at S, by loops over its indices."""
    indices = sorted({index for pair in link.edges for index in pair} | set(link.ends))
    found = np.zeros(S.shape)
    for values in np.ndindex(*[len(S)] * len(indices)):
        at = dict(zip(indices, values, strict=True))
        ends = at[link.ends[0]], at[link.ends[1]]
        found[ends] += np.prod([S[at[one], at[other]] for one, other in link.edges])
    found /= len(S) ** (len(indices) - len(set(link.ends)))
    return (found + found.T) / 2


@pytest.fixture(scope="module")
def there():
    return measured()


@pytest.mark.parametrize("order", ORDERS)
def test_the_field_is_the_step_of_a_hand_written_loss(there, order):
    found = predicted(order)
    assert found == pytest.approx(there[order], abs=2e-4 * np.abs(found).max() + 1e-9)


def test_mutants_would_be_seen(there):
    scale = {order: np.abs(there[order]).max() for order in ORDERS}
    live = measured(stopped=False)
    swapped = {order: predicted(order, TEACHER, STUDENT) for order in ORDERS}
    alike = {order: predicted(order, STUDENT, STUDENT) for order in ORDERS}
    for wrong in (live, swapped, alike):
        assert all(np.abs(wrong[order] - there[order]).max() > 0.1 * scale[order] for order in ORDERS)


def test_the_log_of_a_mean_of_exponentials_is_that_of_its_definition():
    """One logit against the others, S = v vᵀ: cumulants of v_k over k."""
    v = np.array([0.3, -0.2, 0.5, -0.6])
    kappa = {2: np.mean(v**2), 4: np.mean(v**4) - 3 * np.mean(v**2) ** 2}
    kappa[6] = np.mean(v**6) - 15 * np.mean(v**4) * np.mean(v**2) - 10 * np.mean(v**3) ** 2 + 30 * np.mean(v**2) ** 3
    for power, weight in ((1, 1 / 2), (2, 3 / 24), (3, 15 / 720)):
        total = 0.0
        for edges, number in log_mean(power).items():
            size = max(max(pair) for pair in edges) + 1
            values = [
                np.prod([v[at[one]] * v[at[other]] for one, other in edges]) for at in np.ndindex(*[len(v)] * size)
            ]
            total += float(number) * np.mean(values)
        assert total == pytest.approx(weight * kappa[2 * power], rel=1e-12)


def test_the_threshold_is_a_ratio_of_temperatures_and_momentum_does_not_move_it():
    assert threshold() == tau_t / tau_s
    at = {tau_s: 0.1, tau_t: 0.04, K: 8, s_i: 1}
    for rate in (0.01, 1, 100):
        fast = {}
        for lam in (0.39, 0.41):
            roots = np.roots([float(c.subs({**at, a_i: lam, q: rate})) for c in followed().all_coeffs()])
            fast[lam] = max(roots.real)
        assert fast[0.39] < 0 < fast[0.41]


def test_modes_of_five_logits_and_more_jump():
    assert [onset().subs(K, k) > 0 for k in (2, 3, 4, 5, 6, 64)] == [False, False, False, True, True, True]


def mean_flow(rates, centre, steps=15_000, dt=0.01):
    """m of three logits with W = 0: what is left of m in the end, and the most of it in the last third."""
    student, teacher, follow, square = 1.0, 0.5, rates[0], 3.0
    m = np.array([0.02, -0.01, -0.01])
    n, c = m.copy(), m.copy() if centre else np.zeros(3)
    path = []
    for _ in range(steps):
        dm = square / student * (softmax((n - c) / teacher) - softmax(m / student))
        dn, dc = follow * (m - n), rates[1] * (n - c) if centre else 0.0
        m, n, c = m + dt * dm, n + dt * dn, c + dt * dc
        path.append(np.abs(m).max())
    return max(path[-steps // 3 :])


def test_a_centre_that_follows_too_slowly_lets_the_mean_oscillate():
    at = {tau_s: 1.0, tau_t: 0.5, LOGITS: 3, mean_square: 3.0}
    assert float(uncentred().subs(at)) == pytest.approx(1.0)
    assert float(centred().subs(at)) == pytest.approx(-1.0)
    # q = 4: the condition is a quadratic in r.
    condition = np.poly1d([float(c) for c in follows().subs({**at, q: 4.0}).as_poly(r).all_coeffs()])
    (edge,) = (root for root in condition.roots if root > 0)
    for rate, stays in ((0.7 * edge, True), (1.4 * edge, False)):
        roots = np.roots([float(c.subs({**at, q: 4.0, r: rate})) for c in centre_follows().all_coeffs()])
        assert bool(max(roots.real) > 0) is stays
        assert bool(mean_flow((4.0, rate), centre=True) > 0.02) is stays
    # A slow teacher helps: r = 0.1 is far below the edge, and beside q = 0.02 it is enough.
    slow = {**at, q: 0.02, r: 0.1}
    assert edge > 0.5
    assert follows().subs(slow) > 0 > follows().subs({**slow, q: 4.0})
    assert mean_flow((4.0, 1.0), centre=False, steps=5_000) > 1
    assert float(frozen().subs(at)) == pytest.approx(np.log(2))


def test_an_even_order_is_refused():
    with pytest.raises(InputError, match="orders 1, 3, 5 or 7"):
        logit_field(order=4)
