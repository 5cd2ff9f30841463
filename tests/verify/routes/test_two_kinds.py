"""Expansions over two kinds of views, measured by each route; a wrong letter is noticed by each."""

import numpy as np
import pytest

from derive import Gaussian, Loss, Mean, catalogue, exp, inner, log, symbols, views
from derive.algebra.words import substitute
from derive.expansion.laws import Unequal
from verify.routes import autodiff, monte_carlo, remainder
from verify.routes.subject import Subject

N, tau = symbols("N tau")
(x,), (y, psi) = views("x"), views("x_text, psi_text", encoder="g")
ONE_WAY = Loss(
    -inner(x, y) / tau + log((N - 1) * Mean(exp(inner(x, psi) / tau), over=psi, count=N - 1) + exp(inner(x, y) / tau)),
    name="one way",
)
SUBJECTS = {
    "infonce, two augmentations": (catalogue("infonce"), Unequal()),
    "ntxent, two augmentations": (catalogue("ntxent"), Unequal()),
    "vicreg, two augmentations": (catalogue("vicreg"), Unequal()),
    "spectral, two encoders": (catalogue("spectral+two-encoders"), Gaussian()),
    "siglip, two encoders": (catalogue("siglip+two-encoders+weight-decay"), Gaussian()),
    "norm penalty of both": (catalogue("dcl+two-encoders+norm-penalty"), Gaussian()),
    "norm penalty of one": (catalogue("dcl+norm-penalty+two-encoders"), Gaussian()),
    "own definition": (ONE_WAY, Gaussian()),
}
# No torch function was written for the first; in the others order 6 is so small at N = 2 that no slope settles.
UNDECIDED = [(autodiff, "own definition"), (remainder, "own definition"), (remainder, "norm penalty of one")]


def subject(name):
    loss, law = SUBJECTS[name]
    return Subject(loss.under(law), draws=4000, train=False, law=law)


def found(name, route, expansion=None):
    of = subject(name)
    return [one.agrees for one in route.ROUTE.evidence(of, expansion or of.expansion)]


@pytest.mark.parametrize("route", [autodiff, remainder, monte_carlo], ids=lambda one: one.__name__.rpartition(".")[2])
@pytest.mark.parametrize("name", SUBJECTS)
def test_the_derivation_agrees_with_the_definition(name, route):
    agrees = found(name, route)
    assert False not in agrees
    assert True in agrees or (route, name) in UNDECIDED


@pytest.mark.parametrize("route", [autodiff, remainder, monte_carlo], ids=lambda one: one.__name__.rpartition(".")[2])
@pytest.mark.parametrize("name", ["infonce, two augmentations", "spectral, two encoders"])
def test_covariances_of_the_two_kinds_exchanged_are_refuted(name, route):
    of = subject(name)
    put = {"U": {"S": 1}, "S": {"U": 1}} if "augmentations" in name else {"T": {"S": 1}}
    terms = [
        (words, term.coefficient * number)
        for term in of.expansion.terms
        for words, number in substitute(term.invariants, put).items()
    ]
    assert False in found(name, route, of.expansion.with_terms(terms))


def test_both_halves_of_a_pair_have_their_own_dimension():
    data = subject("spectral, two encoders").case(size=2, dimension=3).setting
    first, second = data.covariances.letters["I"], data.covariances.letters["J"]
    assert np.linalg.matrix_rank(first + second) == data.covariances.d0
