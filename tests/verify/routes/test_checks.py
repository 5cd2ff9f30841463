"""Each check, on its own, accepts every true expansion and rejects every mutant of it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy

from derive import CATALOGUE, InputError, Loss, Mean, catalogue, exp, inner, log, views, white_noise
from derive.algebra.graphs import PLAIN
from derive.losses.limit import counted_symbols
from verify.assurance.mutants import killing, mutants
from verify.evidence.significance import limit
from verify.routes import autodiff, monte_carlo, remainder
from verify.routes.subject import DRAWS, Subject
from verify.truths.settings import case

# Two kinds of views have mutants of their own, `test_two_kinds`, and so have classes, `assurance/mutants/test_laws`.
LOSSES = [name for name in CATALOGUE if catalogue(name).roles == {PLAIN}] + ["infonce+weight-decay+norm-penalty"]
# Those that measure numbers without a closed form; training takes long.
ROUTES = {name: one for name, one in killing.ROUTES.items() if name not in (killing.SYMBOLIC, "exact", "trained")}
CHECKS = [*ROUTES]
x, x_pos, chi = views("x, x_pos, chi")
g = white_noise("g")


def size_for(loss: Loss) -> int:
    return 3 if counted_symbols(loss) & set(loss.parameters) else 2


def measure(loss: Loss, check: str, *, order: int = 4, seed: int = 0, draws: int = DRAWS):
    return ROUTES[check].measured(Subject(loss, order=order, seed=seed, draws=draws))


def compare(measured, check: str, expansion):
    return ROUTES[check].compare(measured, expansion)


@cache
def measured_once(name: str, check: str):
    return measure(catalogue(name), check)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_its_mutants(name):
    """Three for each term, A0 ↔ C, Σ for A0, and N − 1 for N where there is an N."""
    expansion = catalogue(name).expand(4)
    assert len(dict(mutants(expansion))) == 3 * len(expansion.terms) + 2 + ("N" in expansion.parameters)


@pytest.mark.parametrize("basis", ["A0,Sigma", "A0,C"])
@pytest.mark.parametrize("name", LOSSES)
def test_no_mutant_is_the_truth_or_another_mutant(name, basis):
    true = catalogue(name).expand(4, basis=basis)
    seen = [true.in_basis("A0,Sigma").terms]
    for label, mutant in mutants(true):
        assert mutant.basis == basis
        assert mutant.in_basis("A0,Sigma").terms not in seen[:1], label
        seen.append(mutant.in_basis("A0,Sigma").terms)
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", LOSSES)
def test_the_true_expansion_is_accepted(name, check):
    evidence = compare(measured_once(name, check), check, catalogue(name).expand(4))
    assert all(one.ran for one in evidence)
    # One coefficient may be left undecided; the orders as a whole may not.
    assert [one.quantity for one in evidence if one.agrees is False] == []
    assert all(one.agrees for one in evidence if not one.quantity.startswith("coefficient of"))
    assert any(one.agrees for one in evidence)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", LOSSES)
def test_every_mutant_is_rejected(name, check):
    measured = measured_once(name, check)
    survivors = [
        label
        for label, mutant in mutants(catalogue(name).expand(4))
        if not any(one.agrees is False for one in compare(measured, check, mutant))
    ]
    assert survivors == []


@pytest.mark.parametrize("check", CHECKS)
def test_a_mutant_in_the_other_basis_is_rejected_too(check):
    true = catalogue("weighted-infonce").expand(4, basis="A0,C")
    measured = measured_once("weighted-infonce", check)
    assert not any(one.agrees is False for one in compare(measured, check, true))
    for label, mutant in mutants(true):
        assert any(one.agrees is False for one in compare(measured, check, mutant)), label


@pytest.mark.parametrize("check", ["autodiff", "remainder"])
@pytest.mark.parametrize("name", ["infonce", "beta-infonce", "alignment-uniformity", "vicreg"])
def test_mutants_of_order_eight_are_rejected(name, check):
    """Beyond order 6 autodiff reads a circle, and the remainder of a closed form falls through 50 digits."""
    loss = catalogue(name)
    measured = measure(loss, check, order=8)
    true = loss.expand(8)
    assert {one.agrees for one in compare(measured, check, true)} == {True}
    for label, mutant in mutants(true):
        assert {one.agrees for one in compare(measured, check, mutant)} == {False}, label


def test_an_added_odd_order_is_seen_by_autodiff():
    """The odd coefficients are measured and must vanish."""
    (measured,) = measured_once("infonce", "autodiff")
    assert {1, 3} <= measured.coefficients.keys()
    odd = replace(measured, coefficients=measured.coefficients | {3: 1e-6})
    (evidence,) = compare([odd], "autodiff", catalogue("infonce").expand(4))
    assert evidence.agrees is False
    assert evidence.note.startswith("largest difference at t^3")


def test_a_remainder_that_falls_faster_is_no_contradiction():
    """There is no quartic term here, so that the first remainder is of order 8."""
    loss = Loss(inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi) * Mean(inner(x, chi) ** 2, over=chi))
    measured = measure(loss, "remainder", order=2)
    (evidence,) = compare(measured, "remainder", loss.expand(2))
    assert evidence.measured == pytest.approx(8, abs=0.05)
    assert evidence.agrees is True


def test_an_expansion_that_ends_leaves_no_remainder():
    (evidence,) = compare(measured_once("spectral", "remainder"), "remainder", catalogue("spectral").expand(4))
    assert (evidence.predicted, evidence.agrees) == ("0", True)
    assert "the expansion ends" in evidence.note


def test_a_remainder_lost_in_rounding_is_undecided():
    measured = measured_once("ntxent", "remainder")
    few = replace(measured, ts=measured.ts[-5:], values=measured.values[-5:])
    (evidence,) = compare(few, "remainder", catalogue("ntxent").expand(4))
    assert evidence.agrees is None
    assert evidence.note.startswith("too few points above rounding")


def test_a_remainder_below_the_noise_is_no_pass():
    """A constant of 10¹² leaves four digits: too few to see whether the expansion ends."""
    loss = Loss(catalogue("ntxent").expression + 10**12)
    measured = measure(loss, "remainder")
    for _, expansion in [("true", loss.expand(4)), *mutants(loss.expand(4))]:
        (evidence,) = compare(measured, "remainder", expansion)
        assert evidence.agrees is None


# The nearest singularity may be close, as with the ε of VICReg's paper or a SigLIP far from W = 0.
CLOSE = [
    ("vicreg", 4, {"epsilon": sympy.Rational(1, 10_000)}),
    ("vicreg", 8, {"epsilon": sympy.Rational(1, 100)}),
    ("siglip", 8, {}),
    pytest.param("ntxent", 8, {"tau": sympy.Rational(7, 100)}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "order", "given"), CLOSE)
def test_a_close_singularity_refutes_nothing(name, order, given):
    loss = catalogue(name)
    size = {"size": size_for(loss)}
    ray = case(loss, given, seed=0, **size)
    dimension = 1 if loss.batch_size is not None else 2
    positive = case(loss, given, seed=0, dimension=dimension, positive=True, **size)
    drawn = [case(loss, given, seed=100, dimension=3, **size)]
    expansion = loss.expand(order)
    found = {
        "autodiff": [autodiff.compare(autodiff.measure(ray, order), expansion).agrees],
        "remainder": [remainder.compare(remainder.measure(loss, positive, order), expansion).agrees],
        "monte-carlo": [one.agrees for one in monte_carlo.compare(monte_carlo.measure(drawn, order, 500), expansion)],
    }
    assert {check for check, answers in found.items() if False in answers} == set()


# Monte Carlo says how sure it is.


BATCH = ["infonce-batch", "weighted-infonce", "dcl", "ntxent", "siglip"]


@pytest.mark.parametrize("name", BATCH)
def test_few_draws_leave_a_coefficient_undecided(name):
    evidence = compare(measure(catalogue(name), "monte-carlo", draws=200), "monte-carlo", catalogue(name).expand(4))
    coefficients = [one for one in evidence if one.quantity.startswith("coefficient")]
    assert coefficients
    assert any(one.agrees is None for one in coefficients)
    for one in coefficients:
        near = [f for f in (0.5, 2, 0.75, -1) if abs(one.measured - f * one.predicted) <= limit(5, 200) * one.error]
        assert one.agrees is (None if near else True)
        assert ("cannot exclude" in one.note) == bool(near)


@pytest.mark.parametrize("name", ["infonce", "ntxent"])
def test_a_seed_gives_the_same_numbers(name):
    first, second, other = (
        [(one.mean, one.error) for one in measure(catalogue(name), "monte-carlo", seed=seed, draws=200)]
        for seed in (7, 7, 70)
    )
    assert first == second
    assert first != other


def test_no_chance_is_no_division_by_zero():
    """Without noise the error is that of rounding, and a wrong coefficient is still seen."""
    gamma = sympy.Symbol("gamma")
    loss = Loss(log(1 + gamma * Mean(inner(g, g), over=g)))
    measured = measure(loss, "monte-carlo", draws=2000)
    assert max(max(one.error.values()) for one in measured) < 1e-9
    true = loss.expand(4)
    with np.errstate(all="raise"):
        assert {one.agrees for one in compare(measured, "monte-carlo", true)} == {True}
    for label, mutant in mutants(true):
        assert any(one.agrees is False for one in compare(measured, "monte-carlo", mutant)), label


def test_an_expansion_without_a_finite_value_is_refuted():
    loss = catalogue("infonce-batch")
    true = loss.expand(4)
    pole = true.terms[0]._replace(coefficient=1 / (sympy.Symbol("N") - 3))
    wrong = replace(true, terms=(pole, *true.terms[1:]))
    for check in CHECKS:
        evidence = compare(measured_once("infonce-batch", check), check, wrong)[-1]
        assert (evidence.agrees, evidence.predicted, evidence.measured) == (False, "infinite", "finite")


def test_a_loss_of_the_users_own_has_no_torch_loss():
    loss = Loss(log(Mean(exp(inner(x, chi) / 3), over=chi)) - inner(x, x_pos))
    with pytest.raises(InputError) as error:
        measure(loss, "autodiff")
    assert str(error.value) == "no hand-written torch loss is known for this definition"


# Nothing true is rejected, whatever the seed.

SEEDS = 200
# Enough batches for a standard error that is close to normal.
DRAWS_EACH = 20_000


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", LOSSES)
def test_the_true_expansion_is_never_rejected(name, check):
    loss, true = catalogue(name), catalogue(name).expand(4)
    rejected = {}
    for seed in range(1000, 1000 + 4 * SEEDS, 4):
        evidence = compare(measure(loss, check, seed=seed, draws=DRAWS_EACH), check, true)
        wrong = [(one.quantity, one.note) for one in evidence if one.agrees is False]
        if wrong:
            rejected[seed] = wrong
    assert rejected == {}
