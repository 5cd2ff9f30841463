"""Modes in time, against steps of hand-written torch with `detach`, SGD on fresh batches, and closed forms."""

import numpy as np
import pytest
import sympy
import torch

from derive import InputError
from derive.fields import FIELDS
from derive.fields.mode_flow import mode_flow
from numeric.fields.courses import course, survives, swept, time_between

A, S = np.array([0.9, 0.5]), np.array([1.0, 1.2])


def flow(name="simsiam", **values):
    return mode_flow(FIELDS[name].set({key: sympy.Rational(str(value)) for key, value in values.items()}))


def steps(w, p, v, *, decay, momentum, time, stopped=True, size=2e-3):
    """½ E|P W x − stop(V x′)|² of two modes, its second moments written out; V is W where nothing lags."""
    W, P, V = (torch.diag(torch.tensor(one, dtype=torch.float64)) for one in (w, p, v))
    a, s = (torch.diag(torch.from_numpy(one)) for one in (A, S))
    for _ in range(round(time / size)):
        W, P = (one.detach().requires_grad_() for one in (W, P))
        target = V.detach() if momentum else W.detach() if stopped else W
        live = P @ W
        loss = (torch.trace(live @ s @ live.T) + torch.trace(target @ s @ target.T)) / 2
        slopes = torch.autograd.grad(loss - torch.trace(live @ a @ target.T), (W, P))
        V = V + size * (momentum or 0.0) * (W.detach() - V)
        W, P = (one.detach() - size * (slope + decay * one.detach()) for one, slope in zip((W, P), slopes, strict=True))
    return [torch.diag(one).numpy() for one in (W, P, V)]


@pytest.mark.parametrize(("name", "momentum"), [("simsiam", None), ("byol", 0.5)])
def test_a_course_is_what_steps_of_torch_do(name, momentum):
    begin = {"w": [0.6, 0.4], "p": [0.5, 0.7], "v": [0.2, 0.9]}
    rates = {"eta": 0.05} if momentum is None else {"eta": 0.05, "mu": momentum}
    given = begin if momentum else {key: begin[key] for key in "wp"}
    found = course(flow(name, **rates), A, S, given, [0.0, 2.0])
    by_hand = steps(*begin.values(), decay=0.05, momentum=momentum, time=2.0)
    for one, there in zip(found.weights, by_hand, strict=False):
        assert found.weights[one][-1] == pytest.approx(there, rel=4e-3)
    wrong = steps(*begin.values(), decay=0.05, momentum=None if momentum else 0.5, time=2.0)
    assert np.abs(found.weights["w"][-1] - wrong[0]).max() > 0.02
    if momentum is None:
        live = steps(*begin.values(), decay=0.05, momentum=None, time=2.0, stopped=False)
        assert np.abs(found.weights["w"][-1] - live[0]).max() > 0.05


def test_sgd_on_fresh_batches_is_on_both_sides_of_the_fold_where_the_course_is():
    """Weight decay below and above a²/(4s), from small and from large weights, sixteen models each."""
    fold, start = 0.9**2 / 4, {"small": 0.03, "large": 1.2}
    settings = [(decay, begun) for decay in (0.0, 0.85 * fold, 1.15 * fold) for begun in start]
    decay = torch.tensor([one for one, _ in settings], dtype=torch.float64)[:, None]
    w = torch.tensor([start[begun] for _, begun in settings], dtype=torch.float64)[:, None].repeat(1, 16)
    p, rate, size, time = w.clone(), 0.02, 32, 60.0
    generator = torch.Generator().manual_seed(3)
    for _ in range(round(time / rate)):
        x, other = torch.randn((2, size, *w.shape), generator=generator, dtype=torch.float64)
        other = 0.9 * x + np.sqrt(1 - 0.81) * other
        w, p = (one.detach().requires_grad_() for one in (w, p))
        loss = ((p * w * x - (w * other).detach()) ** 2).sum() / (2 * size)
        slopes = torch.autograd.grad(loss, (w, p))
        w, p = (one - rate * (slope + decay * one) for one, slope in zip((w, p), slopes, strict=True))
    for (value, begun), trained in zip(settings, w.detach().numpy() ** 2, strict=True):
        here = course(flow(eta=value), [0.9], [1.0], dict.fromkeys("wp", start[begun]), [0.0, time]).powers[-1, 0]
        assert abs(trained.mean() - here) < 3 * trained.std() / 4 + 0.02 * max(here, 0.01)
        assert bool(here > 0.1) is bool(value == 0 or (value < fold and begun == "large"))


def test_the_time_has_a_closed_form():
    for values, begin, end in ((0, 0.05, 0.8), (0.1, 0.3, 0.7), (0.1, 0.12, 0.01), (0.1, 1.5, 0.9)):
        here = flow(eta=values)
        time = time_between(here, 0.9, 1.0, begin, end)
        assert course(here, [0.9], [1.0], dict.fromkeys("wp", begin), [0, time]).weights["w"][-1, 0] == pytest.approx(
            end, rel=1e-6
        )
    # States at 0.13 and 0.77: nothing gets past them.
    assert time_between(flow(eta=0.1), 0.9, 1.0, 0.1, 0.5) == np.inf
    assert time_between(flow(eta=0.1), 0.9, 1.0, 0.3, 0.9) == np.inf
    # Without decay t = (1/u₀ − 1/u)/a + (s/a²) log((a/u₀ − s)/(a/u − s)).
    by_hand = (1 / 0.05 - 1 / 0.8) / 0.9 + np.log((0.9 / 0.05 - 1) / (0.9 / 0.8 - 1)) / 0.81
    assert time_between(flow(eta=0), 0.9, 1.0, 0.05, 0.8) == pytest.approx(by_hand, rel=1e-9)


def test_the_basin_of_collapse_without_decay_is_bounded_by_hyperbolas():
    """A mode is lost where p ≤ −|w|, or p > 0 and p² − w² ≥ λ²: w² − p² stays, and p moves towards λ."""
    w, p = (one.ravel() for one in np.meshgrid(np.linspace(0.05, 1.0, 9), np.linspace(-1.3, 1.6, 14)))
    found = survives(flow(eta=0), 0.8, 1.0, {"w": w, "p": p}, 3e3)
    lost = (p <= -w) | ((p > 0) & (p**2 - w**2 >= 0.64))
    near = (np.abs(p + w) < 0.02) | (np.abs(p**2 - w**2 - 0.64) < 0.02)
    assert (found == ~lost)[~near].all()
    assert 10 < lost.sum() < len(lost) - 10


def test_with_decay_a_mode_returns_only_from_above_the_smaller_state():
    here, (low, high) = flow(eta=0.1), (0.9 + np.array([-1, 1]) * np.sqrt(0.81 - 0.4)) / 2
    begin = np.array([0.9 * low, 1.1 * low, 3.0])
    assert survives(here, 0.9, 1.0, {"w": begin, "p": begin}).tolist() == [False, True, True]
    up = swept(flow(), "eta", [0.1, 0.2, 0.21, 0.2, 0.1], 0.9, 1.0, 1.0, 400.0)
    assert up[0] == pytest.approx(high**2, rel=1e-4)
    assert up[1] > 0.2
    assert (up[2:] < 1e-9).all()


def test_modes_are_learned_in_the_order_of_their_growth():
    found = course(flow(eta=0), [0.4, 0.9, 0.6], 1.0, {"w": 0.05, "p": 0.05}, np.linspace(0, 200, 801))
    assert found.order == (1, 2, 0)
    assert found.learned()[1] == pytest.approx(time_between(flow(eta=0), 0.9, 1.0, 0.05, 0.9 / np.sqrt(2)), rel=0.02)
    # With equal starts the time to half is about 1/(u₀ λ): no mode waits for another.
    assert course(flow(eta=0.1), 0.9, 1.0, {"w": 0.05, "p": 0.05}, [0, 10, 100]).order == ()


def test_a_predictor_that_is_set_sees_the_largest_mode():
    here = flow("directpred", eta=0, epsilon=0.1)
    found = course(here, A, S, {"w": [0.3, 0.3]}, np.linspace(0, 60, 61))

    def set_(w):
        moments = S * w**2
        return np.sqrt(moments) + 0.1 * moments.max()

    w, size = np.array([0.3, 0.3]), 1e-3
    for _ in range(5000):
        w = w + size * set_(w) * (A * w - S * set_(w) * w)
    assert found.weights["w"][5] == pytest.approx(w, rel=2e-3)


def test_what_lacks_a_value_is_refused():
    with pytest.raises(InputError, match="depends on eta"):
        course(flow(), A, S, {"w": 1.0, "p": 1.0}, [0, 1])
    with pytest.raises(InputError, match="a value of p too"):
        course(flow(eta=0), A, S, {"w": 1.0}, [0, 1])
    with pytest.raises(InputError, match="depends on eta"):
        time_between(flow(), 0.9, 1.0, 0.1, 0.2)
