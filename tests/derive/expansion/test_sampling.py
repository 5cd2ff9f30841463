"""A fixed centred training set with fresh noise: the second order of every batch loss, exactly."""

import numpy as np
import pytest
import torch
from sympy import Rational, Symbol
from torch.func import hessian

from derive import (
    InputError,
    Loss,
    Mean,
    SecondMoment,
    catalogue,
    diagonal_sum,
    half_sq,
    inner,
    log,
    off_diagonal_sum,
    views,
)
from derive import exp as exponential
from numeric.invariants import order_values
from numeric.sampling import random_covariances
from verify.truths.torch_losses import TORCH_LOSSES

PARAMETERS = {"alpha": Rational(3, 7), "tau": Rational(6, 5), "t": Rational(5, 4), "b": Rational(2, 3)}
BATCH = [name for name, one in TORCH_LOSSES.items() if one.over_batch and catalogue(name).encoders == 1]
WIDTH = 2


def place(size):
    generator = np.random.default_rng(size)
    data = random_covariances(generator, WIDTH)
    centred = data.training_set(size, generator)
    assert np.allclose(centred.sum(0), 0)
    assert np.allclose(centred.T @ centred / size, data.A0)
    return data, centred, generator.standard_normal((WIDTH, WIDTH))


def second_order(loss, data, centred, W):
    """½ Σ D2 E[z zᵀ] at 0, where both views of a datum share its point and have their own noise."""
    size = len(centred)
    shared = np.tile(centred @ W.T, (2, 1, 1)).ravel()
    noise = np.kron(np.eye(2 * size), W @ data.C @ W.T)
    second = hessian(lambda z: loss(*z.reshape(2, size, WIDTH)))(torch.zeros(shared.size, dtype=torch.float64))
    return float(np.einsum("ab,ab", second.numpy(), np.outer(shared, shared) + noise)) / 2


def derived(loss, values, data, W, sampling="fixed"):
    return order_values(loss.expand(order=2, sampling=sampling).set(values), W, data.A0, data.Sigma)[2]


@pytest.mark.parametrize("size", [3, 4])
@pytest.mark.parametrize("name", BATCH)
def test_the_second_order_is_that_of_the_very_set(name, size):
    loss = catalogue(name)
    values = {p: size if p == "N" else PARAMETERS[p] for p in loss.parameters}
    numbers = {p: float(value) for p, value in values.items()}
    data, centred, W = place(size)
    measured = second_order(lambda *z: TORCH_LOSSES[name].evaluate(*z, parameters=numbers), data, centred, W)
    assert derived(loss, values, data, W) == pytest.approx(measured, rel=1e-10)


x, x_pos, chi = views("x, x_pos, chi")
N = Symbol("N")


def centred_covariance(z1, _):
    """The covariance of one view over the batch: its diagonal, and all its entries."""
    centred = z1 - z1.mean(-2, keepdim=True)
    covariance = centred.T @ centred / len(z1)
    return covariance.diagonal().sum()


def test_means_over_the_batch_itself():
    """A mean that never looks at another datum runs over the whole batch; its square counts a datum with itself."""
    M = SecondMoment(chi, chi, count=N, centred=True)
    loss = Loss(diagonal_sum(lambda i: M[i, i]))
    assert loss.batch_size == N
    for size in (3, 4):
        data, centred, W = place(size)
        measured = second_order(centred_covariance, data, centred, W)
        assert derived(loss, {"N": size}, data, W) == pytest.approx(measured, rel=1e-10)
        assert derived(loss, {"N": size}, data, W, "iid") != pytest.approx(measured, rel=1e-3)


def test_independent_draws_differ_from_a_fixed_set():
    """Under iid the data of a batch do not add up to zero: for InfoNCE the two disagree at finite N and not at ∞."""
    fixed, iid = (catalogue("infonce-batch").expand(order=2, sampling=s) for s in ("fixed", "iid"))
    assert fixed.terms != iid.terms
    assert {str(k): str(v) for k, v in fixed.B.items()} == {"A0": "1", "C": "0"} or fixed.B != iid.B
    large = {"N": Rational(10**9)}
    for letter in ("A0", "C"):
        assert abs(fixed.set(large).B[letter] - iid.set(large).B[letter]) < 1e-8


def test_the_assumption_is_named():
    assert "fixed centred training set" in catalogue("dcl").expand(order=2, sampling="fixed").assumptions
    assert "independent draws" in catalogue("dcl").expand(order=2).assumptions
    assert catalogue("spectral").expand(order=2).assumptions == ("zero mean", "Gaussian")


def test_a_fixed_set_is_refused_beyond_second_order():
    with pytest.raises(InputError) as refused:
        catalogue("infonce-batch").expand(order=4, sampling="fixed")
    assert str(refused.value) == (
        "order 4 of a fixed training set depends on its fourth and higher moments, which A0 and C do"
        " not determine; only order 2 is exact there (use --order 2, or --sampling iid)"
    )


def test_a_population_loss_is_refused_too():
    with pytest.raises(InputError) as refused:
        catalogue("infonce").expand(order=6, sampling="fixed")
    assert str(refused.value) == (
        "order 6 of a fixed training set depends on its fourth and higher moments, which A0 and C do not determine;"
        " only order 2 is exact there (use --order 2, or --sampling iid)"
    )
    assert catalogue("infonce").expand(order=2, sampling="fixed").B == {"A0": 1, "C": 0}


def test_samples_of_different_sizes_need_the_batch():
    y = views("y")[0]
    n = Symbol("n")
    expression = Mean(inner(x, chi) ** 2, over=chi, count=N) + Mean(inner(x, y) ** 2, over=y, count=n)
    with pytest.raises(InputError) as refused:
        Loss(expression, name="two").expand(order=2, sampling="fixed")
    assert str(refused.value) == "two draws samples of different sizes; give the size of the batch, Loss(…, batch=N)"
    assert Loss(expression, batch=N).batch_size == N


def test_an_unknown_sampling():
    with pytest.raises(InputError) as refused:
        catalogue("dcl").expand(sampling="batch")
    assert str(refused.value) == "sampling 'batch' is unknown; the samplings are iid and fixed"


def test_the_batch_follows_from_the_definition():
    assert catalogue("infonce").batch_size is None
    assert catalogue("infonce-batch").batch_size == N
    assert catalogue("infonce-batch").set({"N": 5}).batch_size == 5
    own = Loss(log(Mean(exponential(-half_sq(x, chi)), over=chi, count=N)))
    assert own.batch_size == N + 1
    M = SecondMoment(x, x_pos, count=N)
    assert Loss(off_diagonal_sum(lambda i, j: M[i, j] ** 2)).batch_size == N
