import importlib.util
from pathlib import Path

import pytest
import torch

from derive import InputError
from verify.audits.blackbox.regularity import DOUBLE, SINGLE, regularity
from verify.truths.function import BlackBox


def load(name):
    spec = importlib.util.spec_from_file_location(f"black_box_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


traps = load("traps")


def near_zero(loss, **settings):
    return regularity(BlackBox(loss, "loss", limit=1.0), **settings)


@pytest.mark.parametrize("loss", traps.ANALYTIC, ids=lambda loss: getattr(loss, "__name__", type(loss).__name__))
def test_analytic(loss):
    found = near_zero(loss)
    assert found.kind == "analytic", found.reason
    assert found.radius >= 0.1
    assert found.residual < (1e-2 if found.rounding == SINGLE else 1e-8)


KINDS = [
    (traps.normalised, "homogeneous", 0),
    (traps.normalised_by_hand, "homogeneous", 0),
    (traps.normalised_with_decay, "undefined", None),
    (traps.BatchNormalised(), "epsilon", 0),
    (traps.batch_normalised_by_hand, "epsilon", 0),
    (traps.standardised_by_hand, "epsilon", 0),
    (traps.vicreg, "epsilon", None),
    (traps.vicreg_without_eps, "cusp", None),
    (traps.hinge, "cusp", None),
    (traps.absolute, "cusp", None),
    (traps.nuclear, "homogeneous", 1),
    (traps.positive_products, "homogeneous", 2),
    (traps.rough_products, "rough", None),
    (traps.rough_cube, "rough", None),
    (traps.logarithm, "undefined", None),
    (traps.log_determinant, "undefined", None),
    (traps.Momentum(), "stateful", None),
    (traps.Queue(), "stateful", None),
    (traps.OwnNoise(), "random", None),
]


@pytest.mark.parametrize("case", KINDS, ids=lambda case: getattr(case[0], "__name__", type(case[0]).__name__))
@pytest.mark.parametrize("settings", [{}, {"N": 3, "d": 2, "seed": 4}])
def test_not_analytic(case, settings):
    loss, kind, degree = case
    found = near_zero(loss, **settings)
    assert (found.kind, found.degree) == (kind, degree), found.reason
    assert found.reason
    assert found.radius == 0


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [(traps.vicreg, 1e-2), (traps.batch_normalised_by_hand, 3e-3), (traps.standardised_by_hand, 1e-6)],
)
def test_the_scale_of_an_epsilon_is_its_root(loss, wanted):
    assert wanted / 4 < near_zero(loss).scale < 4 * wanted


@pytest.mark.parametrize(("loss", "order"), [(traps.rough_products, 1), (traps.rough_cube, 2), (traps.absolute, 0)])
def test_the_highest_derivative_there_is(loss, order):
    assert near_zero(loss).order == order


@pytest.mark.parametrize("loss", [traps.Dropout(), traps.numpy_noise])
def test_random_with_its_seed_fixed(loss):
    assert near_zero(loss).random
    assert not near_zero(traps.quadratic).random


def test_the_smallest_batch():
    assert near_zero(traps.needs_three).smallest_batch == 3
    assert near_zero(traps.log_determinant).smallest_batch == 3
    assert near_zero(traps.quadratic).smallest_batch == 2


@pytest.mark.parametrize("loss", [traps.single_precision, traps.secretly_single, traps.SingleWeights()])
def test_single_precision(loss):
    assert near_zero(loss).rounding == SINGLE
    assert near_zero(traps.squared_infonce).rounding == DOUBLE


@pytest.mark.parametrize(
    ("trap", "kind"),
    [
        (traps.absolute, "cusp"),
        (traps.vicreg, "epsilon"),
        (traps.normalised, "homogeneous"),
        (traps.rough_products, "rough"),
    ],
)
def test_in_single_precision_too(trap, kind):
    assert near_zero(lambda z1, z2: trap(z1.float(), z2.float())).kind == kind


def test_half_precision_is_left_undecided():
    found = near_zero(lambda z1, z2: traps.squared_infonce(z1.bfloat16(), z2.bfloat16()))
    assert found.kind == "undecided"
    assert "half precision" in found.reason


def test_a_seed_is_given_back():
    box = BlackBox(traps.quadratic, seed=7)
    regularity(box)
    assert box.seed == 7


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (traps.raises, "loss raised KeyError on two batches of shape (2, 2): 'the projector is missing'"),
        (traps.returns_vector, "loss returned a tensor of shape (2,); it must return a scalar: reduce it"),
        (traps.returns_nothing, "loss returned a NoneType; it must return a scalar tensor"),
        (
            traps.returns_nan,
            (
                "loss returned no finite number on random embeddings of N = 2, …, 32 data; "
                "check what it divides by and takes logarithms of"
            ),
        ),
        (traps.takes_a_minute, "loss did not return within 1 seconds; give it more with --limit SECONDS"),
    ],
)
def test_unusable(loss, message):
    with pytest.raises(InputError) as caught:
        near_zero(loss)
    assert str(caught.value) == message


@pytest.mark.parametrize(("margin", "epsilon"), [(0.05, 1e-3), (0.3, 0.04), (1.0, 0.01), (0.02, 1e-4)])
def test_a_hinge_that_is_off_far_from_0_hides_nothing_near_it(margin, epsilon):
    def hinge(z1, z2):
        z = torch.cat([z1, z2])
        return ((z1 - z2) ** 2).mean() + (margin - torch.sqrt(z.var(0) + epsilon)).clamp(min=0).mean()

    assert near_zero(hinge).kind in ("analytic", "epsilon")
    assert near_zero(lambda z1, z2: hinge(z1, z2) + (z1.pow(2).sum(1) - 1e-4).clamp(min=0).mean()).kind != "undefined"


def test_a_polynomial_without_a_fourth_order_has_no_epsilon():
    found = near_zero(lambda z1, z2: ((z1 - z2) ** 2).sum(1).mean() - 1e-4 * (z1**2).sum(1).pow(3).mean())
    assert found.kind == "analytic"
    assert found.radius >= 0.1
