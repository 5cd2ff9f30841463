"""Mutants are distinct and well formed, a few of them are known by hand, and a blind route lets them through."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy

from derive import CATALOGUE, catalogue
from derive.algebra.words import trace
from numeric.invariants import order_values
from verify.assurance.mutants import Mutant, definitions, distinct, expansions, killing, replicas
from verify.assurance.mutants.killing import judged, outcome
from verify.assurance.mutants.mutant import OPERATORS
from verify.evidence.evidence import Evidence
from verify.routes import autodiff
from verify.truths.settings import case, filled_in

N, K = sympy.symbols("N K")
LOSSES = ["infonce", "infonce-batch", "spectral", "barlow-twins"]


@cache
def made(name):
    loss = catalogue(name)
    right = loss.expand(4)
    slips = [
        *expansions.slips(right),
        *definitions.slips(loss, 4),
        *replicas.merged_replicas(loss, 4),
        *replicas.wrong_coincidences(loss, 4),
    ]
    return right, *distinct(slips, expansions.key(right), expansions.key)


@pytest.mark.parametrize("name", LOSSES)
def test_no_two_mutants_are_the_same_and_none_is_the_original(name):
    right, kept, equivalent = made(name)
    keys = [expansions.key(one.value) for one in kept]
    assert len(set(keys)) == len(keys) > 20
    assert expansions.key(right) not in keys
    assert {expansions.key(one.value) for one in [*equivalent, Mutant("sign", "", right)]} == {expansions.key(right)}
    names = [one.name for one in kept]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", LOSSES)
def test_every_mutant_has_a_value_and_another_one_than_the_original(name):
    right, kept, _ = made(name)
    at = case(catalogue(name), {}, seed=3, size=3)
    here = at.setting

    def values(expansion):
        filled = filled_in(expansion, at)
        return None if filled is None else order_values(filled, here.W, here.covariances.A0, here.covariances.Sigma)

    true = np.array(list(values(right).values()))
    for one in kept:
        found = values(one.value)
        assert found is None or np.abs(np.array(list(found.values())) - true).max() > 1e-9, one.name
        assert one.value.basis == right.basis
        assert one.operator in OPERATORS


def test_every_kind_of_slip_is_made():
    kinds = {one.operator for name in LOSSES for one in made(name)[1]}
    # The others are of printed formulas.
    assert kinds == set(OPERATORS) - {"repair undone", "sense of a condition"}


def test_one_replica_for_two_is_the_mean_of_a_square():
    """Spectral: E_x E_χ⟨x, χ⟩² has two data, and as one datum it is E|x|⁴ = Tr[P]² + 2 Tr[P²], P = W Σ Wᵀ."""
    loss = catalogue("spectral")
    (one,) = replicas.merged_replicas(loss, 4)
    quartic = {term.invariants: term.coefficient for term in one.value.terms_of_order(4)}
    assert quartic == {(trace("SS"),): 2, (trace("S"), trace("S")): 1}


def test_infinitely_many_draws_take_the_coincidence_away():
    """At order 4 two draws coincide at most: a population mean in the definition is the power of 1/K lost."""
    loss = catalogue("infonce-batch")
    lost = {one.name: one.value for one in replicas.wrong_coincidences(loss, 4)}["a coincidence lost"]
    slips = [one for one in definitions.slips(loss, 4) if "infinitely many draws" in one.name]
    assert [expansions.key(one.value) for one in slips] == [expansions.key(lost)]
    assert replicas._powers((1 - 1 / K) * N) == {0: N, 1: -N}


def test_a_mask_forgotten_is_the_sum_over_all_pairs():
    """Barlow Twins with λ Σ_ij M_ij² for λ Σ_{i≠j}: λ Tr[P²] stays, and the diagonal keeps its weight 1."""
    by_name = {one.name: one.value for one in made("barlow-twins")[1] if one.operator == "wrong mask"}
    lam = sympy.Symbol("lambda")
    whole = [{term.invariants: term.coefficient for term in value.terms_of_order(4)} for value in by_name.values()]
    assert {(((0, "A", 0), (0, "A", 0)),): sympy.S.One, (trace("AA"),): lam} in whole


def test_equal_slips_count_once_and_harmless_ones_not_at_all():
    slips = [Mutant("sign", "a", 1), Mutant("sign", "a", 2), Mutant("sign", "b", 2), Mutant("sign", "c", None)]
    kept, equivalent = distinct(slips, 1, lambda value: value)
    assert [one.name for one in kept] == ["a (2)"]
    assert [one.name for one in equivalent] == ["a"]


def test_a_blind_route_lets_every_mutant_through():
    right, kept, _ = made("spectral")
    blind = judged("spectral", kept, [], right, {"exact": lambda _: [Evidence("exact", "blind", agrees=True)]})
    assert {said["exact"] for _, said in blind.outcomes.values()} == {"survived"}
    seeing = judged("spectral", kept, [], right, killing.measured(catalogue("spectral"), routes=["exact"]))
    assert {said["exact"] for _, said in seeing.outcomes.values()} == {"killed"}
    assert seeing.original == {"exact": "survived"}


def test_a_route_that_sees_one_order_alone_lets_the_others_through():
    """Autodiff with its quartic coefficient hidden: every mutant of order 2 is killed, none of order 4 alone."""
    right, kept, _ = made("spectral")
    found = autodiff.measure(case(catalogue("spectral"), {}, seed=0), 4)
    hidden = replace(found, coefficients={2: found.coefficients[2]})
    for one in kept:
        second = one.value.terms_of_order(2) != right.terms_of_order(2)
        assert (autodiff.compare(hidden, one.value).agrees is False) == second, one.name


@pytest.mark.parametrize(
    ("agreed", "said"),
    [
        ([True, False, None], "killed"),
        ([True, None], "survived"),
        ([None], "undecided"),
        ([], "does not apply"),
    ],
)
def test_outcomes(agreed, said):
    assert outcome([Evidence("exact", "c", agrees=one) for one in agreed]) == said
    assert outcome([Evidence("exact", "c", ran=False)]) == "does not apply"


def test_an_expansion_that_is_not_real_has_no_value():
    """VICReg with a sign before its ε: a root of a negative number, which is not a loss."""
    right = catalogue("vicreg").expand(2)
    wrong = right.with_terms(
        (term.invariants, term.coefficient.subs(sympy.Symbol("epsilon"), -sympy.Symbol("epsilon")))
        for term in right.terms
    )
    at = case(catalogue("vicreg"), {}, seed=0)
    assert filled_in(right, at) is not None
    assert filled_in(wrong, at) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
def test_no_mutant_of_the_catalogue_survives_exact_numbers(name):
    right, kept, equivalent = made(name)
    found = judged(name, kept, equivalent, right, killing.measured(catalogue(name), routes=["exact"]))
    assert [mutant for mutant, (_, said) in found.outcomes.items() if said["exact"] != "killed"] == []
