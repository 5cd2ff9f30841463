"""DINO's flow in numbers, against simulated training with torch: Gaussian nodes, and SGD on fresh batches."""

import numpy as np
import pytest
import torch

from numeric.fields.logits import LogitFlow, fold, powers, resting

STUDENT = 0.1


def cross_entropy(z, target, teacher):
    """−Σ_k t_k log s_k with the teacher's logits stopped."""
    t = torch.softmax(target.detach() / teacher, -1)
    return -(t * torch.log_softmax(z / STUDENT, -1)).sum(-1)


def views(points, others, lam):
    return points, points * lam + others * torch.sqrt(1 - lam**2)


def grid(number):
    nodes, mass = np.polynomial.hermite_e.hermegauss(number)
    two = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1).reshape(-1, 2)
    return torch.from_numpy(two), torch.from_numpy(np.outer(mass, mass).ravel() / mass.sum() ** 2)


@pytest.mark.parametrize(("mean", "centred"), [(0.0, True), (0.4, True), (0.4, False)])
def test_the_rates_are_a_step_of_hand_written_torch(mean, centred):
    """One mode of view correlation 0.7 beside a bias."""
    nodes, mass = grid(60)
    x, other = views(nodes[:, :1], nodes[:, 1:], torch.tensor([0.7], dtype=torch.float64))
    W = torch.tensor([[0.05], [-0.06], [0.02]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([mean * 0.1, -mean * 0.1, 0.0], dtype=torch.float64, requires_grad=True)
    logits = other @ W.T + b
    centre = (mass[:, None] * logits).sum(0).detach() if centred else 0.0
    loss = (mass * cross_entropy(x @ W.T + b, logits - centre, 0.06)).sum()
    dW, db = (-one.numpy() for one in torch.autograd.grad(loss, (W, b)))
    flow = LogitFlow.of([0.7], STUDENT, 0.06)
    flow = LogitFlow(flow.correlations, STUDENT, 0.06, flow.points, flow.weights, 1.0, centred)
    found = flow.rates(W.detach().numpy(), b.detach().numpy())
    assert found[0] == pytest.approx(dW, abs=1e-7)
    assert found[1] == pytest.approx(db, abs=1e-7)
    if mean:
        forgotten = LogitFlow(flow.correlations, STUDENT, 0.06, flow.points, flow.weights, 1.0, not centred)
        assert np.abs(forgotten.rates(W.detach().numpy(), b.detach().numpy())[1] - db).max() > 0.05


def test_training_on_fresh_batches_ends_where_the_flow_does():
    """Three logits, ten models for each of six pairs of a ratio and a correlation, all at once."""
    ratios, correlations = [0.3] * 3 + [0.5] * 3, [0.2, 0.45, 0.8] * 2
    models, size, steps, rate = 10, 128, 1200, 4e-3
    generator = torch.Generator().manual_seed(7)
    teacher = STUDENT * torch.tensor(ratios, dtype=torch.float64)[:, None, None, None]
    lam, total = torch.tensor(correlations, dtype=torch.float64)[:, None, None], 0.0
    W = 0.02 * torch.randn((6, models, 1, 3), generator=generator, dtype=torch.float64)
    for step in range(steps):
        x, other = views(*torch.randn((2, 6, models, size), generator=generator, dtype=torch.float64), lam)
        here = W.clone().requires_grad_()
        loss = cross_entropy(x[..., None] * here, other[..., None] * here, teacher).sum() / size
        W = W - rate * torch.autograd.grad(loss, here)[0]
        if step >= steps // 2:
            total = total + ((W - W.mean(-1, keepdim=True)) ** 2).sum((-1, -2)) / (steps - steps // 2)
    for ratio, correlation, trained in zip(ratios, correlations, total.numpy(), strict=True):
        flow = LogitFlow.of([correlation], STUDENT, ratio * STUDENT)
        (power,) = powers(flow.end(flow.small(3))[0])
        error = trained.std() / np.sqrt(models)
        if correlation < ratio:
            assert power < 1e-8
            assert trained.mean() < 1e-3
        else:
            assert abs(trained.mean() - power) < 3 * error + 0.02 * power


def test_a_time_course_is_that_of_small_steps():
    nodes, mass = grid(40)
    lam = torch.tensor([0.9, 0.6], dtype=torch.float64)
    flow = LogitFlow.of([0.9, 0.6], STUDENT, 0.04)
    begin = np.array([[0.01, 0.0], [-0.01, 0.01], [0.0, -0.01]])
    W, step = torch.from_numpy(begin.copy()), 2e-4
    x = nodes
    for _ in range(500):
        t = torch.softmax(x @ W.T / 0.04, 1)
        s = torch.softmax(x @ W.T / STUDENT, 1)
        W = W + step / STUDENT * (((mass[:, None] * t).T @ x) * lam - (mass[:, None] * s).T @ x)
    path, _ = flow.run(begin, np.array([0.0, 0.1]))
    assert path[-1] == pytest.approx(W.numpy(), rel=0.02, abs=2e-4)


def test_eight_logits_remember_and_four_do_not():
    def survives(correlation, logits, start):
        flow = LogitFlow.of([correlation], STUDENT, 0.04)
        one = STUDENT * start * (np.arange(logits) == 0)[:, None].astype(float)
        return powers(flow.end(one - one.mean(0))[0])[0] > 1e-6

    edge, _ = fold(8, 0.4)
    assert 0.37 < edge < 0.38
    assert survives(edge + 0.008, 8, 1.0)
    assert not survives(edge + 0.008, 8, 0.02)
    assert not survives(edge - 0.008, 8, 1.0)
    assert fold(4, 0.4) == (0.4, 0.0)
    assert not survives(0.392, 4, 1.0)
    assert resting(8, 0.4, np.array([1e-3]))[0] == pytest.approx(0.4, abs=1e-5)


@pytest.mark.parametrize("ratio", [1.0, 1.5])
def test_a_teacher_as_warm_as_the_student_loses_all_modes_from_anywhere(ratio):
    flow = LogitFlow.of([0.95, 0.5], STUDENT, ratio * STUDENT)
    for seed in range(3):
        W = np.random.default_rng(seed).normal(size=(6, 2))
        W -= W.mean(0)
        assert (W * flow.rates(W)[0]).sum() < 0


def test_agreeing_views_sharpen_without_end_and_others_stay_finite():
    W = 5.0 * np.array([[1.0], [-1.0], [0.0]])
    for correlation, grows in ((0.9, False), (1.0, True)):
        flow = LogitFlow.of([correlation], STUDENT, 0.04)
        assert bool((W * flow.rates(W)[0]).sum() > 0) is grows


def test_a_strong_mode_pushes_a_weaker_one_out():
    flow = LogitFlow.of([0.9, 0.5], STUDENT, 0.04, finer=0.5)
    begin = flow.small(4, 1)
    path, _ = flow.run(begin, np.array([0.0, 0.25, 3.0]))
    first, grown, last = (powers(W) for W in path)
    assert grown[1] > 10 * first[1]
    assert last[1] < 0.3 * grown[1]
    assert last[0] > 0.1


def test_without_a_centre_the_output_collapses_to_one():
    data = LogitFlow.of([0.8], STUDENT, 0.04)
    begin, m = data.small(3), np.array([1e-4, -5e-5, -5e-5])
    for centred in (True, False):
        flow = LogitFlow(data.correlations, STUDENT, 0.04, data.points, data.weights, 1.0, centred)
        path, means = flow.run(begin, np.array([0.0, 6.0]), m)
        if centred:
            assert powers(path[-1])[0] > 0.01
        else:
            assert np.abs(means[-1]).max() > 0.2
            assert powers(path[-1])[0] < powers(path[0])[0] + 1e-3
