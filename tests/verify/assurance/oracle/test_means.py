"""The two engines agree on data with a mean, of classes, and with noise of their own; wrong derivations are found."""

from fractions import Fraction
from random import Random

import pytest

from derive import CATALOGUE, Loss, Mean, catalogue, inner, views
from derive.errors import NotAnalyticError
from derive.expansion import wick
from derive.expansion.caches import clear_caches
from derive.expansion.laws import averaging, classes, heteroscedastic
from tests.verify.assurance.oracle.test_comparing import A0, PARAMETERS, SIGMA, W
from verify.assurance.oracle.comparing import compare
from verify.assurance.oracle.evaluating import expanded
from verify.assurance.oracle.law import Class, Law
from verify.assurance.oracle.random_losses import Case, random_case
from verify.assurance.oracle.words import values

ONE_ENCODER = [name for name in CATALOGUE if catalogue(name).encoders == 1]
MU = [Fraction(2), Fraction(-1, 3)]
BIAS = [Fraction(1), Fraction(-2, 3)]


def two_classes(bias):
    own = (
        [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(3)]],
        [[Fraction(5), Fraction(1)], [Fraction(1), Fraction(4)]],
    )
    each = [Class(Fraction(1, 4), MU, A0, SIGMA), Class(Fraction(3, 4), [Fraction(-1), Fraction(1, 2)], *own)]
    average = [[[y.chance * one for one in row] for row in y.A0] for y in each]
    within = [[[y.chance * one for one in row] for row in y.Sigma] for y in each]
    both = [[[a + b for a, b in zip(*rows, strict=True)] for rows in zip(*of, strict=True)] for of in (average, within)]
    return Law(W, *both, bias=bias, classes=each)


@pytest.mark.parametrize("data", ["mean", "classes"])
@pytest.mark.parametrize("name", [*ONE_ENCODER, "infonce+weight-decay", "spectral+bias"])
def test_the_catalogue_at_order_4(name, data):
    loss = catalogue(name)
    bias = BIAS if loss.bias else None
    law = Law(W, A0, SIGMA, bias=bias, mean=MU) if data == "mean" else two_classes(bias)
    try:
        derived = values(loss.expand(4, data=law.derived(numbers=True)), law, PARAMETERS)
    except NotAnalyticError:
        pytest.skip("it has no expansion")
    assert derived == expanded(loss.expression, law, PARAMETERS, 4)
    assert derived[1::2] == [0, 0]


SEEDS = {"mean": [*range(11), *range(12, 26)], "classes": [*range(22), *range(23, 26)], "noise": range(12)}


@pytest.mark.parametrize(("data", "seed"), [(data, seed) for data, seeds in SEEDS.items() for seed in seeds])
def test_random_losses(seed, data):
    case = random_case(Random(3000 + seed), data)
    found = compare(case)
    assert found.agree, f"{case.text()}\n{found.text()}"


def one_mean_for_all(v):
    return wick.one_mean(v)


def the_average(letter, _):
    return letter


def one_noise_for_all_views(u, v):
    return heteroscedastic.in_slot("C", heteroscedastic.SLOTS + u.group) if u.group < 1000 else wick.covariance(u, v)


MUTANTS = {
    "μ centred away": ("mean", wick, "MEAN", wick.BIAS),
    "the classes' means taken for that of all": ("classes", classes, "_own_mean", one_mean_for_all),
    "each covariance with a class of its own": ("classes", classes, "_own_covariance", wick.covariance),
    "the noise the same for all data": ("noise", heteroscedastic, "in_slot", the_average),
    "two views of a datum with the same noise": ("noise", heteroscedastic, "_covariance", one_noise_for_all_views),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_derivation_is_found_out(name, monkeypatch):
    data, where, what, instead = MUTANTS[name]
    clear_caches()
    monkeypatch.setattr(where, what, instead)
    cases = (random_case(Random(seed), data) for seed in range(150))
    assert not all(compare(case).agree for case in cases if case.law.bias is None)
    monkeypatch.undo()
    clear_caches()


def test_a_product_of_means_is_over_two_classes(monkeypatch):
    chi, y = views("chi, y")
    fourth = [Mean(inner(one, one) ** 2, over=one) for one in (chi, y)]
    case = Case(Loss(fourth[0] * fourth[1]), 8, two_classes(None), {}, "left", "A0,C")
    assert compare(case).agree
    monkeypatch.setattr(averaging, "beside", lambda some, more: tuple(sorted(some + more)))
    assert not compare(case).agree
