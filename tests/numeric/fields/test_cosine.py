"""SimSiam as published, against torch's gradients with `detach` on draws, and training on fresh batches."""

import numpy as np
import pytest
import torch

from derive import InputError, Loss, cosine, half_sq, stop, views
from derive.fields.cosine import lost_mode
from derive.sphere.transverse import written
from numeric.fields.cosine import CosineFlow, leading

LAM = np.array([0.9, 0.7, 0.5, 0.2])
x, x_pos = views("x, x_pos")


def pairs(size, generator, models=1):
    one, noise = torch.randn((2, models, size, len(LAM)), generator=generator, dtype=torch.float64)
    lam = torch.from_numpy(LAM)
    return one, lam * one + torch.sqrt(1 - lam**2) * noise


def published(W, P, one, other, *, stopped=True):
    """−cos(P f(x), stop f(x′)), one value for each model."""
    q, v = one @ W.mT @ P.mT, other @ W.mT
    v = v.detach() if stopped else v
    return -(q * v).sum(-1).div(q.norm(dim=-1) * v.norm(dim=-1)).mean(-1)


def test_the_pull_is_that_of_a_hand_written_loss():
    w, p = np.array([0.5, 0.8, 0.3, 0.6]), np.array([0.9, 0.4, 0.7, 0.5])
    flow, generator = CosineFlow(LAM), torch.Generator().manual_seed(1)
    found = {True: [], False: []}
    for _ in range(40):
        one, other = pairs(4000, generator)
        for stopped, listed in found.items():
            W, P = (torch.diag(torch.from_numpy(value)).requires_grad_() for value in (w, p))
            slopes = torch.autograd.grad(published(W, P, one, other, stopped=stopped).sum(), (W, P))
            listed.append(np.concatenate([-torch.diag(slope).numpy() for slope in slopes]))
    predicted = np.concatenate(flow.rates(w, p))
    mean, error = np.mean(found[True], 0), np.std(found[True], 0) / np.sqrt(40)
    assert (np.abs(mean - predicted) < 4 * error).all()
    assert (np.abs(np.mean(found[False], 0) - predicted)[:4] > 10 * error[:4]).any()
    # A cosine does not see lengths.
    assert w @ predicted[:4] == pytest.approx(0, abs=1e-12)
    assert CosineFlow(LAM, nodes=56).pull(w, p) == pytest.approx(flow.pull(w, p), abs=1e-8)


def test_training_on_fresh_batches_is_where_the_flow_is():
    """Eight models of full matrices, the powers of the modes over the last half of the steps."""
    models, steps, rate = 8, 1200, 0.03
    W = 0.7 * torch.eye(4, dtype=torch.float64).repeat(models, 1, 1)
    P, total, generator = W.clone(), 0.0, torch.Generator().manual_seed(2)
    for step in range(steps):
        W, P = (one.detach().requires_grad_() for one in (W, P))
        slopes = torch.autograd.grad(published(W, P, *pairs(192, generator, models)).sum(), (W, P))
        W, P = (one.detach() - rate * slope for one, slope in zip((W, P), slopes, strict=True))
        if step >= steps // 2:
            powers = (W**2).sum(-2)
            total = total + powers / powers.sum(-1, keepdim=True) / (steps - steps // 2)
    trained = total.detach().numpy()
    # The weakest mode is still on its way: over the same times.
    w, p = CosineFlow(LAM).run(0.7 * np.ones(4), 0.7 * np.ones(4), rate * np.linspace(steps // 2, steps, 100))
    shares = (w**2 / (w**2).sum(1, keepdims=True)).mean(0)
    error = trained.std(0) / np.sqrt(models)
    assert (np.abs(trained.mean(0) - shares) < 3 * error + 0.02 * shares).all()
    assert shares[-1] > 0.02
    assert p[-1] == pytest.approx(w[-1], rel=1e-4)


def test_a_decay_only_changes_the_clock():
    begin, decay = np.array([0.5, 0.2, 0.3, 0.1]), 0.3
    w, _ = CosineFlow(LAM, decay).run(begin, begin, [0.0, 0.5])
    clock = np.expm1(2 * decay * 0.5) / (2 * decay)
    still, _ = CosineFlow(LAM).run(begin, begin, [0.0, clock])
    assert w[-1] * np.exp(decay * 0.5) == pytest.approx(still[-1], rel=1e-5)
    assert np.sum(still[-1] ** 2) == pytest.approx(np.sum(begin**2), rel=1e-6)


def test_a_lost_mode_comes_back_whatever_its_correlation_unless_its_predictor_is_too_large():
    flow = CosineFlow(np.array([0.9, 0.8, 0.7, 0.1]))
    w, _ = flow.run([0.5, 0.5, 0.5, 0.0], [0.5, 0.5, 0.5, 0.0], [0.0, 100.0])
    kept = w[-1]
    alpha, beta = flow.lost(kept, kept)
    small, other = np.array([0, 0, 0, 1e-4]), np.array([0, 0, 0, 0.3])
    own = flow.pull(kept + small, kept + other)[3]
    assert own == pytest.approx(alpha * 0.1 * 1e-4 - beta * 0.3 * 1e-4, rel=1e-3)
    edge = 0.1 * alpha / beta
    for begin, returns in (((0.02, 0.02), True), ((1e-3, 0.7 * edge), True), ((1e-3, 1.3 * edge), False)):
        beside = [kept + np.array([0, 0, 0, one]) for one in begin]
        w, _ = flow.run(*beside, [0.0, 400.0])
        assert bool(w[-1, 3] > 2 * begin[0]) is returns
    w, _ = flow.run(kept + small, kept - np.array([0, 0, 0, 0.02]), [0.0, 400.0])
    assert w[-1, 3] < 1e-4


def test_the_leading_order_is_off_by_one_in_the_number_of_modes():
    off = []
    for n in (6, 12):
        lam = np.linspace(0.3, 0.9, n)
        w, _ = CosineFlow(lam).run(np.ones(n) / np.sqrt(n), np.ones(n) / np.sqrt(n), [0, 100.0])
        off.append(np.abs(w[-1] ** 2 / np.sum(w[-1] ** 2) / leading(lam) - 1).max())
    assert off[0] < 0.13
    assert off[1] / off[0] == pytest.approx(0.5, abs=0.1)


def test_the_lost_mode_is_derived_from_the_definition():
    simsiam, byol = (Loss(number - scale * cosine(x, stop(x_pos))) for number, scale in ((0, 1), (2, 2)))
    assert written(lost_mode(simsiam).beta) == "E_x,x′[cos(f(x), g(x′)) |f(x)|⁻²]"
    assert written(lost_mode(byol).alpha) == "2 E_x,x′[|f(x)|⁻¹ |g(x′)|⁻¹]"
    # Of squared distances α = β = 1: dw/dt = p (a w − s p w).
    squared = lost_mode(Loss(half_sq(x, stop(x_pos))))
    assert (written(squared.alpha), written(squared.beta)) == ("1", "1")
    with pytest.raises(InputError, match="stops no view"):
        lost_mode(Loss(-cosine(x, x_pos)))
    with pytest.raises(InputError, match="fewer than two modes"):
        CosineFlow(LAM).pull(np.array([1.0, 0, 0, 0]), np.ones(4))
