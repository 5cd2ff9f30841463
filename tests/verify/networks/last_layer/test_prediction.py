"""Predictions on features that are far from Gaussian, the measured curve, and wrong predictions found out."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
import sympy
import torch

from derive import InputError, Loss, Mean, exp, half_sq, inner, log, symbols, views
from verify.networks.last_layer import prediction
from verify.networks.last_layer.curve import even_coefficients
from verify.networks.last_layer.objective import core, is_normalised, objective
from verify.networks.last_layer.prediction import along_ray, over_plane
from verify.networks.last_layer.second_order import second_of, second_order
from verify.truths.batched import batched

SETTINGS = {
    "infonce": {},
    "infonce-batch": {},
    "weighted-infonce": {"alpha": 2},
    "beta-infonce": {"beta": sympy.Rational(1, 2)},
    "ntxent": {"tau": sympy.Rational(1, 2)},
    "dcl": {"tau": 1},
    "siglip": {"t": 1, "b": sympy.Rational(1, 2)},
    "spectral": {},
    "barlow-twins": {"lambda": sympy.Rational(1, 3)},
    "vicreg-soft": {"lambda": 1, "nu": 1, "kappa": 1, "c": 1},
    "alignment-uniformity": {"lambda": 1, "t": 2},
    "spectral+norm-penalty": {"kappa": 1, "c": 1},
    "infonce-batch+weight-decay": {"gamma": sympy.Rational(1, 5)},
}


def features(seed=0, n=2048, d1=3):
    """After a ReLU, as in networks: with a mean, skewed, heavy on one side; two views."""
    g = np.random.default_rng(seed)
    datum = g.exponential(size=(n, d1)) ** 1.5
    x = np.stack([np.maximum(datum + 0.5 * g.standard_normal((n, d1)), 0) for _ in range(2)])
    return 0.4 * x


@pytest.fixture(scope="module")
def f():
    return features()


@pytest.mark.parametrize("name", SETTINGS)
def test_both_orders_agree_for_every_loss(name, f):
    second, fourth = along_ray(objective(name, SETTINGS[name], batch=64), f, white=1.5, gaussian=False)
    assert abs(second.z) < 3
    assert abs(fourth.z) < 3
    assert second.sign == second.predicted_sign != 0
    # The errors are small enough to tell a half from a whole.
    assert 3 * second.difference_error < abs(second.measured) / 2
    assert 3 * fourth.difference_error < abs(fourth.measured) / 2


def test_the_gaussian_formula_is_found_to_be_off(f):
    second, fourth = along_ray(objective("infonce-batch", batch=64), f)
    # Second order needs no law of the data; the fourth does.
    assert abs(second.gaussian - second.measured) < 3 * second.measured_error
    assert abs(fourth.gaussian - fourth.measured) > 3 * max(fourth.measured_error, fourth.difference_error)


def test_gaussian_features_have_the_gaussian_formula():
    g = np.random.default_rng(1)
    datum = g.standard_normal((4096, 2)) + 0.5
    f = 0.5 * np.stack([datum + 0.7 * g.standard_normal(datum.shape) for _ in range(2)])
    for order in along_ray(objective("infonce-batch", batch=64), f):
        assert abs(order.gaussian - order.measured) < 3 * order.measured_error


MUTANTS = {
    "the sign of B": lambda values: {2: -values[2], 4: values[4]},
    "half the quartic": lambda values: {2: values[2], 4: values[4] / 2},
    "three quarters of it": lambda values: {2: values[2], 4: 0.75 * values[4]},
    "double": lambda values: {2: 2 * values[2], 4: values[4]},
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_prediction_is_found_out(mutant, f, monkeypatch):
    right = prediction._predicted
    monkeypatch.setattr(prediction, "_predicted", lambda *given: MUTANTS[mutant](right(*given)))
    orders = along_ray(objective("infonce-batch", batch=64), f, gaussian=False)
    assert [order.agrees for order in orders].count(False) == 1


def test_the_gaussian_quartic_in_place_of_the_moments_is_found_out(f, monkeypatch):
    right, one = prediction._predicted, objective("infonce-batch", batch=64)
    assumed = along_ray(one, f)[1].gaussian
    monkeypatch.setattr(prediction, "_predicted", lambda *given: right(*given) | {4: np.full(16, assumed)})
    order = along_ray(one, f, gaussian=False)[1]
    assert abs(order.z) > 3
    assert order.agrees is not True


def test_a_definition_that_is_not_the_loss_is_found_out(f):
    wrong = objective("weighted-infonce", {"alpha": 20}, batch=64).definition
    one = replace(objective("infonce-batch", batch=64), definition=wrong)
    assert along_ray(one, f, gaussian=False)[0].agrees is False


def test_noise_is_no_agreement(f):
    few = along_ray(objective("infonce-batch", batch=128), f[:, :256], gaussian=False)
    assert [order.agrees for order in few] == [None, None]  # two blocks
    assert few[0].sign == few[0].predicted_sign == 0
    # A curve whose coefficient is hidden by its noise.
    order = prediction.compared(2, np.array([1.0, -1, 1, -1.0]), np.array([2.0, -2, -2, 2]), np.nan)
    assert order.agrees is None


def test_a_plane_has_the_coefficients_of_its_rays(f):
    one = objective("infonce-batch", batch=64)
    parts = np.stack([f * np.array([1.0, 1, 0]), f * np.array([0.0, 0, 1])])
    found = over_plane(one, parts, np.zeros((2, 2)))
    assert all(abs(order.z) < 3 for order in found.values())
    second, fourth = along_ray(one, parts[0] + 2 * parts[1], gaussian=False)
    for order, degree in ((second, 2), (fourth, 4)):
        whole = sum(2.0 ** power[1] * value.predicted for power, value in found.items() if sum(power) == degree)
        assert whole == pytest.approx(order.predicted, rel=1e-6)
    # Rotations leave the loss alone, so that parts in orthogonal spaces have no odd powers.
    assert abs(found[1, 1].measured) < 1e-6
    assert abs(found[2, 2].measured) > 0.01


def test_three_directions_too(f):
    parts = np.stack([f[:, :512] * mask for mask in np.eye(3)])
    found = over_plane(objective("spectral", batch=128), parts, np.zeros((3, 3)))
    assert len(found) == 6 + 15
    assert all(abs(order.z) < 4 for order in found.values())


# Losses of a user's.


def test_a_definition_alone_is_measured_as_it_stands(f):
    N = symbols("N")
    x, x_pos, chi = views("x, x_pos, chi")
    positive = half_sq(x, x_pos)
    loss = Loss(positive + log((N - 1) * Mean(exp(-half_sq(x, chi)), over=chi, count=N - 1) + 2 * exp(-positive)))
    one = objective(loss, batch=16)
    z1, z2 = torch.from_numpy(f[:, :32]).reshape(2, 2, 16, 3)
    pull = ((z1 - z2) ** 2).sum(-1) / 2
    terms = torch.exp(-((z1[:, :, None] - z1[:, None]) ** 2).sum(-1) / 2).sum(-1) - 1 + 2 * torch.exp(-pull)
    assert one.function(z1, z2) == pytest.approx((pull + terms.log()).mean(-1).numpy())
    orders = along_ray(one, f[:, :256], gaussian=False)
    assert all(abs(order.z) < 3 for order in orders)


def test_a_population_loss_by_its_definition(f):
    x, x_pos, chi = views("x, x_pos, chi")
    gamma = symbols("gamma")
    own = Loss(half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi))).with_weight_decay(gamma)
    one = objective(own, {"gamma": 2}, batch=16)
    other = objective("infonce", batch=16)
    g = torch.from_numpy(f[:, :32]).reshape(2, 2, 16, 3)
    # χ is the first view alone there.
    assert one.decay == 2
    assert one.function(*g) == pytest.approx(other.function(*g).numpy(), rel=0.2)
    orders = along_ray(one, f[:, :256], white=0.7, gaussian=False)
    assert all(abs(order.z) < 3 for order in orders)


def test_the_second_order_of_a_torch_function_is_that_of_its_definition(f):
    def mine(z1, z2):
        return batched("ntxent")((z1[None], z2[None]), {"tau": 0.5})[0]

    one, known = objective(mine, batch=32), objective("ntxent", {"tau": sympy.Rational(1, 2)}, batch=32)
    found, expected = second_of(one, 3), second_of(known, 3)
    assert (found.own, found.other, found.mean) == pytest.approx(
        (expected.own, expected.other, expected.mean), abs=1e-6
    )
    second, fourth = along_ray(one, f[:, :512])
    assert second.agrees is True
    assert second.sign == second.predicted_sign == -1
    assert fourth.agrees is None


def test_a_torch_function_without_a_B_is_measured_and_not_predicted(f):
    def mine(z1, z2):
        return ((z1[:, 0] - z2[:, 0]) ** 2).mean()

    message = "^the loss singles out coordinates of the embedding; it has no matrix B$"
    with pytest.raises(InputError, match=message):
        second_order(objective(mine, batch=64).function, 64)
    second, _ = along_ray(objective(mine, batch=64), f)
    assert second.measured == pytest.approx(np.square(f[0] - f[1])[:, 0].mean(), rel=1e-6)
    assert second.agrees is None


def test_a_normalised_loss_is_seen_and_its_core_taken():
    z = torch.from_numpy(features(n=16)).reshape(2, 1, 16, 3) + 0.1
    normalised = objective("infonce-batch+normalised", batch=16)
    assert is_normalised(normalised, *z)
    plain = core(normalised)
    assert plain.name == "infonce-batch"
    assert plain.note.startswith("exactly normalised, constant along W → aW")
    assert plain.function(*z) == pytest.approx(batched("infonce-batch")(tuple(z), {}).numpy())
    assert not is_normalised(plain, *z)


def test_a_normalised_definition_of_ones_own_has_no_core_that_is_known():
    x, x_pos = views("x, x_pos")
    with pytest.raises(InputError) as error:
        core(objective(Loss(inner(x, x_pos), name="mine").normalised(), batch=16))
    assert str(error.value) == "mine+normalised is constant along W → aW; give the loss without its normalisation"


def test_the_core_of_a_torch_function():
    def mine(z1, z2):
        z1, z2 = (torch.nn.functional.normalize(z, dim=-1) for z in (z1, z2))
        return torch.nn.functional.cross_entropy(z1 @ z2.T, torch.arange(len(z1)))

    z = torch.from_numpy(features(n=16)).reshape(2, 1, 16, 3) + 0.1
    one = objective(mine, batch=16)
    assert is_normalised(one, *z)
    inside = core(one)
    expected = torch.nn.functional.cross_entropy(z[0, 0] @ z[1, 0].T, torch.arange(16))
    assert inside.function(*z).item() == pytest.approx(expected.item())

    def written_out(z1, z2):
        return (z1 * z2).sum() / (z1.norm() * z2.norm())

    with pytest.raises(InputError) as error:
        core(objective(written_out, batch=16))
    expected = "written_out is constant along W → aW, and calls no normalisation that could be taken out"
    assert str(error.value) == expected


@pytest.mark.parametrize(
    ("name", "values", "batch", "message"),
    [
        ("infonce-batch", {}, 1, "a batch of 1 has no other data to contrast with; give 2 or more"),
        ("infonce", {}, 4, "a batch of 4 stands for no population; give 8 data or more"),
        ("ntxent", {}, 8, "ntxent has the parameter tau; give it a value with --set tau=VALUE"),
        ("ntxent", {"N": 3}, 8, "N is the number of data in a batch; give it with --batch"),
        ("infonce+bias", {}, 8, "the bias is the last layer's own here: leave +bias out"),
        (max, {"t": 1}, 8, "--set t does not go with a torch function; set it in the function"),
    ],
)
def test_an_unusable_loss_is_refused(name, values, batch, message):
    with pytest.raises(InputError) as error:
        objective(name, values, batch=batch)
    assert str(error.value) == message


def test_a_definition_that_draws_another_batch_is_refused():
    x, chi = views("x, chi")
    with pytest.raises(InputError) as error:
        objective(Loss(Mean(inner(x, chi), over=chi, count=3), name="mine"), batch=8)
    assert str(error.value) == "mine draws 4 data; give it batches of as many, --batch 4"


def test_too_few_data_for_a_batch():
    with pytest.raises(InputError) as error:
        along_ray(objective("infonce-batch", batch=64), features(n=10))
    assert str(error.value) == "10 data are fewer than a batch of 64; give more data or smaller batches"


# The curve.


def test_coefficients_of_known_curves():
    found = even_coefficients(lambda t: np.array([np.exp(-(t**2)), np.log(1 + 40 * t**2), np.sqrt(t**2 + 0.01)]), 1.0)
    assert found.second == pytest.approx([-1, 40, 5], rel=1e-4)
    assert found.fourth == pytest.approx([0.5, -800, -125], rel=1e-4)


def test_a_cusp_has_none():
    with pytest.raises(InputError, match=r"^the loss has no Taylor coefficients at W = 0 that settle"):
        even_coefficients(lambda t: np.array([abs(t)]))


def test_the_errors_are_standard_errors():
    # Over many sets of features the comparison is off by one standard error, as a rule.
    one = objective("infonce-batch", batch=32)
    z = np.array([[order.z for order in along_ray(one, features(seed, 512, 2), gaussian=False)] for seed in range(8)])
    assert np.abs(z).max() < 4
    assert sqrt(float(np.mean(z**2))) < 1.5
