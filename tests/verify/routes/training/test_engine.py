"""Training many models at once: the same as one at a time, and a sentence where it cannot go on."""

import numpy as np
import pytest
import torch

from derive import InputError
from verify.routes.training.data import Population, TrainingSet
from verify.routes.training.engine import Plan, train
from verify.routes.training.models import Model
from verify.truths.torch_losses import infonce_batch

SIGMAS = (0.3, 1.0, 3.0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noisy(n=12, d0=2, dtype=torch.float64, seed=1, noise=SIGMAS):
    points = torch.randn(1, n, d0, generator=seeded(seed), dtype=torch.float64).to(dtype)
    return TrainingSet(points, torch.tensor(noise, dtype=dtype)[:, None, None].expand(len(noise), 1, d0))


@pytest.mark.parametrize(
    ("plan", "torchs"),
    [
        (Plan(steps=60, rate=1e-2), lambda W: torch.optim.Adam(W, lr=1e-2)),
        (Plan(optimiser="sgd", steps=60, rate=0.05), lambda W: torch.optim.SGD(W, lr=0.05)),
        (
            Plan(optimiser="sgd", steps=60, rate=0.05, momentum=0.9),
            lambda W: torch.optim.SGD(W, lr=0.05, momentum=0.9),
        ),
        # torch's decay adds γ' W to the gradient where γ|W|² adds 2γ W.
        (
            Plan(optimiser="sgd", steps=60, rate=0.05, weight_decay=0.1),
            lambda W: torch.optim.SGD(W, lr=0.05, weight_decay=0.2),
        ),
    ],
)
def test_a_batch_does_what_a_loop_with_torchs_optimisers_does(plan, torchs):
    data, model = noisy(), Model(2, 2)
    start = model.initial(3, seeded(5))["W"]
    end = train(
        model, data, "infonce-batch", plan, models=3, generator=seeded(7), weights={"W": start}, dtype=torch.float64
    )
    for k in range(3):
        W = start[k].clone().requires_grad_()
        optimiser, generator = torchs([W]), seeded(7)
        for _ in range(plan.steps):
            x, x_pos = (one[k] for one in data.views(2, generator))
            loss = infonce_batch(x @ W.T, x_pos @ W.T)
            optimiser.zero_grad()
            loss.backward()
            before = W.detach().clone()
            optimiser.step()
        torch.testing.assert_close(end.weights["W"][k], W.detach(), rtol=1e-10, atol=1e-12)
        decay = plan.weight_decay * before.square().sum()
        assert float(end.loss[k]) == pytest.approx(float(loss.detach() + decay), rel=1e-10)


def test_a_users_loss_trains_to_the_same_end():
    arguments = {"models": 3, "dtype": torch.float64}
    ends = [
        train(Model(2, 2), noisy(), loss, Plan(steps=50), generator=seeded(3), **arguments)
        for loss in ("infonce-batch", infonce_batch)
    ]
    torch.testing.assert_close(ends[0].gram, ends[1].gram, rtol=1e-9, atol=1e-12)


def test_single_precision_follows_double_precision():
    ends = [
        train(Model(2, 2), noisy(dtype=one), "infonce-batch", Plan(steps=1), models=3, generator=seeded(3), dtype=one)
        for one in (torch.float32, torch.float64)
    ]
    # Their noise differs; what they start from does not.
    assert ends[0].weights["W"].dtype == torch.float32
    assert (ends[0].weights["W"].double() - ends[1].weights["W"]).abs().max() < 2e-3


def test_models_stop_one_by_one_and_keep_what_they_had():
    plan = Plan(optimiser="sgd", rate=0.3, steps=4000, tolerance=1e-6, window=50)
    # Without noise the loss is the same at each step: (1 − |W|²)² for one number W of each model's own slope.
    slopes = torch.tensor([1.0, 0.05])

    def loss(z1, z2):
        return ((z1 * z2).sum() - 1) ** 2 / 4

    data = TrainingSet(slopes[:, None, None].sqrt(), torch.zeros(2, 1, 1))
    start = {"W": torch.full((2, 1, 1), 0.5)}
    end = train(Model(1, 1), data, loss, plan, models=2, generator=seeded(), weights=start)
    assert end.stopped.all()
    assert end.steps[0] < end.steps[1] < plan.steps
    np.testing.assert_allclose(end.gram.flatten(), 1 / slopes, rtol=1e-3)
    unhurried = train(Model(1, 1), data, loss, Plan(optimiser="sgd", rate=0.3, steps=int(end.steps[0])), models=2,
                      generator=seeded(), weights=start)  # fmt: skip
    assert float(unhurried.gram[0]) == float(end.gram[0])


def test_a_norm_penalty_holds_the_norm():
    plan = Plan(rate=1e-2, steps=3000, decay="cosine", norm_penalty=(50.0, 1.5))
    data = noisy(n=50, noise=(1.0,))
    end = train(Model(2, 2), data, "infonce-batch", plan, models=1, generator=seeded(), dtype=torch.float64)
    x = data.views(1, seeded(9))[0]
    assert float((x @ end.weights["W"].mT).square().sum(-1).mean()) == pytest.approx(1.5, rel=0.15)


def test_a_bias_and_a_normalisation_are_trained_along():
    model = Model(2, 2, bias=True, normalised=True)
    end = train(model, noisy(), "infonce-batch", Plan(steps=20), models=3, generator=seeded(), dtype=torch.float64)
    assert end.weights["b"].abs().min() > 0
    lengths = model.embed(end.weights, noisy().points).square().sum(-1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_three_layers_are_trained(activation):
    model = Model(2, 2, activation, width=16)
    plan = Plan(steps=150, rate=3e-3)
    data = noisy(n=40, noise=(0.2, 0.3))
    end, begin = (
        train(model, data, "infonce-batch", one, models=2, generator=seeded(), dtype=torch.float64)
        for one in (plan, Plan(steps=1, rate=1e-12))
    )
    assert (end.loss < begin.loss - 0.1).all()
    assert set(end.weights) == {"W1", "b1", "W2", "b2", "W"}
    assert end.gram.shape == (2, 16, 16)


def test_a_population_has_the_covariances_asked_for():
    data = Population(200_000, torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[1.0, 0.0], [0.0, 3.0]]]))
    x, x_pos, chi = (one[0].double() for one in data.views(3, seeded()))
    moment = lambda u, v: (u.T @ v / len(u)).numpy()  # noqa: E731 (a formula)
    np.testing.assert_allclose(moment(x, x), np.diag([2.0, 13.0]), atol=0.15)
    np.testing.assert_allclose(moment(x, x_pos), np.diag([1.0, 4.0]), atol=0.1)
    np.testing.assert_allclose(moment(x, chi), np.zeros((2, 2)), atol=0.1)


def test_a_diverging_rate_is_one_sentence():
    with pytest.raises(InputError) as error:
        train(Model(2, 2), noisy(), "spectral", Plan(optimiser="sgd", rate=100.0), models=3, generator=seeded(),
              dtype=torch.float64)  # fmt: skip
    expected = "training diverged within 50 steps for 3 of 3 models at learning rate 100; lower the rate"
    assert str(error.value) == expected


def test_a_loss_that_is_no_number_is_one_sentence():
    with pytest.raises(InputError) as error:
        train(Model(2, 2), noisy(), lambda z1, _: z1.sum() * float("nan"), Plan(), models=3, generator=seeded(),
              dtype=torch.float64)  # fmt: skip
    assert str(error.value) == (
        "the loss of 3 of 3 models is not a finite number before the first step; start from other weights, or check"
        " the loss"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 0.0}, "rate = 0.0, steps = 5000, window = 250: all must be positive"),
        ({"optimiser": "lion"}, "optimiser = 'lion': there are adam and sgd"),
        ({"decay": "step"}, "decay = 'step': there are constant and cosine"),
    ],
)
def test_a_plan_that_is_none_is_refused(settings, message):
    with pytest.raises(InputError) as error:
        Plan(**settings)
    assert str(error.value) == message


def test_a_model_that_is_none_is_refused():
    with pytest.raises(InputError) as error:
        Model(2, 2, "gelu")
    assert str(error.value) == "activation = 'gelu': give tanh, relu, or None for a linear model"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_an_accelerator_gives_the_same_model():
    data = noisy(noise=(0.0, 0.0, 0.0))
    there = TrainingSet(data.points.cuda(), data.noise.cuda())
    start = Model(2, 2).initial(3, seeded(5))
    arguments = {"models": 3, "weights": start, "dtype": torch.float64}
    here = train(Model(2, 2), data, "infonce-batch", Plan(steps=30), generator=seeded(), **arguments)
    away = train(Model(2, 2), there, "infonce-batch", Plan(steps=30), generator=torch.Generator("cuda"), **arguments)
    torch.testing.assert_close(here.gram, away.gram.cpu(), rtol=1e-8, atol=1e-10)
