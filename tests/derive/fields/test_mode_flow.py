"""Flows with a predictor, against torch's gradients with `detach` and against simulated training."""

import numpy as np
import pytest
import sympy
import torch

from derive import InputError, Loss, Mean, catalogue, exp, half_sq, inner, log, stop, views
from derive.fields import FIELDS
from derive.fields.mode_flow import a_i, mode_flow, p, s_i, u, w
from derive.fields.training import Linear, Training, eta, rho

x, x_pos, chi = views("x, x_pos, chi")
SIMSIAM = FIELDS["simsiam"]
A0, SIGMA = np.diag([0.9, 0.5]), np.diag([1.0, 1.2])


def squared(W, P):
    """½ E|P W x − stop(W x′)|², from second moments, written by hand."""
    V, live = W.detach(), P @ W
    a, s = torch.from_numpy(A0), torch.from_numpy(SIGMA)
    return (torch.trace(live @ s @ live.T) + torch.trace(V @ s @ V.T)) / 2 - torch.trace(live @ a @ V.T)


def step(W, P, decay):
    W, P = (torch.from_numpy(one).requires_grad_() for one in (W, P))
    slopes = torch.autograd.grad(squared(W, P), (W, P))
    return [-slope.numpy() - decay * one.detach().numpy() for slope, one in zip(slopes, (W, P), strict=True)]


def test_the_flow_is_the_step_of_a_hand_written_loss():
    weights, predictor, decay = np.array([0.7, -0.4]), np.array([0.5, 0.8]), 0.07
    by_hand = step(np.diag(weights), np.diag(predictor), decay)
    flow = mode_flow(SIMSIAM)
    for i in range(2):
        at = {w: weights[i], p: predictor[i], a_i: A0[i, i], s_i: SIGMA[i, i], eta: decay, rho: 1}
        assert float(flow.weight.subs(at)) == pytest.approx(by_hand[0][i, i], abs=1e-12)
        assert float(flow.rates[p].subs(at)) == pytest.approx(by_hand[1][i, i], abs=1e-12)
        # Without the stop the weights feel the target too.
        live = mode_flow(SIMSIAM).weight - (w * s_i - p * w * a_i)
        assert abs(float(live.subs(at)) - by_hand[0][i, i]) > 0.05


CONTRASTIVE = Loss(half_sq(x, stop(x_pos)) + log(Mean(exp(-half_sq(x, stop(chi))), over=stop(chi))), name="contrastive")


@pytest.mark.parametrize("training", [SIMSIAM, Training(CONTRASTIVE, Linear())])
def test_the_difference_of_squares_only_decays(training):
    flow = mode_flow(training)
    change = 2 * w * flow.weight - 2 * p * flow.rates[p].subs(rho, 1)
    assert sympy.expand(change + 2 * eta * (w**2 - p**2)) == 0


@pytest.mark.parametrize(("decay", "kept"), [(0.9**2 / 4 * 0.7, True), (0.9**2 / 4 * 1.3, False)])
def test_a_mode_of_simsiam_survives_from_large_weights_up_to_the_fold(decay, kept):
    flow = mode_flow(SIMSIAM)
    at = {a_i: sympy.Rational(9, 10), s_i: 1, eta: decay}
    assert (float(flow.fold.subs(at)) > 0) is kept
    W, P = np.diag([1.2, 0.01]), np.diag([1.0, 0.01])
    for _ in range(2000):
        more = step(W, P, decay)
        W, P = W + 0.1 * more[0], P + 0.1 * more[1]
    if kept:
        stable = max(float(one.subs(at)) for one in flow.states)
        assert W[0, 0] == pytest.approx(stable, rel=0.02)
        assert P[0, 0] == pytest.approx(stable, rel=0.02)
    else:
        assert abs(W[0, 0]) < 0.05
    # From small weights every mode decays: there is hysteresis.
    assert abs(W[1, 1]) < 1e-3


def test_states_are_zeros_of_the_balanced_flow():
    flow = mode_flow(SIMSIAM)
    for state in flow.states:
        assert sympy.simplify(flow.rate.xreplace({u: state})) == 0


def test_what_has_no_flow_of_single_modes_is_refused():
    with pytest.raises(InputError, match="stops no view"):
        Training(catalogue("infonce"))
    with pytest.raises(InputError, match="coupled"):
        mode_flow(Training(Loss(half_sq(x, stop(x_pos)) ** 2 + inner(x, stop(x_pos)), name="coupled"), Linear()))
