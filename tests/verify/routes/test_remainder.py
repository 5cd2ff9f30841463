"""The remainder is looked at where the series converges, whatever the data and the parameters."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from derive import catalogue
from derive.losses.limit import counted_symbols
from numeric.sampling import Covariances, random_covariances
from verify.assurance.mutants import mutants
from verify.routes import remainder
from verify.truths.settings import case

# Values at which the radius is small, or large: within t = 1/64 … 1/16384 of old, some of these are far beyond it.
FAR = [
    ("alignment-uniformity", {"t": 200, "lambda": 1}),
    ("alignment-uniformity", {"t": sympy.Rational(1, 10_000), "lambda": 1}),
    ("alignment-uniformity", {"t": 10**6, "lambda": 1}),
    ("ntxent", {"tau": sympy.Rational(1, 100)}),
    ("dcl", {"tau": sympy.Rational(1, 20)}),
    ("siglip", {"t": 10, "b": 10}),
    ("beta-infonce", {"beta": 3}),
]


def place(loss, given=None, *, seed=0, covariances=None):
    size, dimension = (3 if counted_symbols(loss) else 2), (1 if loss.batch_size is not None else 2)
    given = {name: sympy.sympify(value) for name, value in (given or {}).items()}
    return case(loss, given, seed=seed, size=size, dimension=dimension, positive=True, covariances=covariances)


@pytest.mark.parametrize(("name", "given"), FAR)
def test_the_radius_is_that_of_the_loss(name, given):
    loss = catalogue(name)
    expansion = loss.expand(4)
    measured = remainder.measure(loss, place(loss, given), 4)
    assert remainder.compare(measured, expansion).agrees is True
    wrong = {label: remainder.compare(measured, one).agrees for label, one in mutants(expansion)}
    assert True not in wrong.values()
    assert list(wrong.values()).count(False) >= 0.8 * len(wrong)


def test_a_root_of_a_small_epsilon_is_right():
    """The term of ν is one part in 10⁹ of order 4 here, which no float shows; the others must be found all the same."""
    loss = catalogue("vicreg")
    measured = remainder.measure(loss, place(loss, {"epsilon": sympy.Rational(1, 10**6)}), 4)
    assert remainder.compare(measured, loss.expand(4)).agrees is True
    found = [remainder.compare(measured, one).agrees for _, one in mutants(loss.expand(4))]
    assert found.count(False) >= 10


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("name", ["infonce", "vicreg", "weighted-infonce", "spectral"])
def test_the_size_of_the_data_does_not_matter(name, scale):
    loss = catalogue(name)
    some = random_covariances(np.random.default_rng(1), 6)
    measured = remainder.measure(loss, place(loss, covariances=Covariances(scale * some.A0, scale * some.C)), 4)
    assert remainder.compare(measured, loss.expand(4)).agrees is True
    wrong = [remainder.compare(measured, one).agrees for _, one in mutants(loss.expand(4))]
    assert set(wrong) == {False}


def test_a_long_w_does_not_matter_to_a_closed_form():
    """t belongs to μ λ_max(W Σ Wᵀ), not to W as it was drawn."""
    loss = catalogue("infonce")
    at = place(loss)
    long = replace(at, setting=replace(at.setting, W=100 * at.setting.W))
    measured = remainder.measure(loss, long, 4)
    assert float(measured.ts[-1]) == pytest.approx(0.005)
    assert remainder.compare(measured, loss.expand(4)).agrees is True
    assert {remainder.compare(measured, one).agrees for _, one in mutants(loss.expand(4))} == {False}


@pytest.mark.parametrize("name", ["infonce", "ntxent"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_decide_nothing(name, bad):
    loss = catalogue(name)
    measured = remainder.measure(loss, place(loss), 4)
    nothing = replace(measured, values=[bad] * len(measured.values))
    for expansion in (loss.expand(4), *(one for _, one in mutants(loss.expand(4)))):
        assert remainder.compare(nothing, expansion).agrees is None


def test_a_large_batch_takes_nodes_with_weights_of_both_signs():
    loss = catalogue("ntxent")
    given = {"N": sympy.Integer(8), "tau": sympy.Rational(1, 2)}
    at = case(loss, given, seed=0, dimension=1, positive=True)
    assert remainder.degree_on_nodes(at, 4) is None
    sparse = case(loss, given, seed=0, dimension=1)
    assert remainder.degree_on_nodes(sparse, 4) is not None
    measured = remainder.measure(loss, sparse, 4)
    assert remainder.compare(measured, loss.expand(4)).agrees is not False
    found = [remainder.compare(measured, one).agrees for _, one in mutants(loss.expand(4))]
    assert found.count(False) >= 0.8 * len(found)
    assert remainder.degree_on_nodes(case(loss, given | {"N": sympy.Integer(200)}, seed=0, dimension=1), 4) is None
