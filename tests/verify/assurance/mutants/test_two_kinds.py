"""Slips of roles: made in definitions and expansions, proved equivalent where they are, killed by each route."""

from functools import cache

import pytest

from derive import Loss, catalogue, inner, views
from derive.expansion.laws import Unequal
from verify.assurance.mutants import definitions, distinct, expansions, killing, mutants
from verify.assurance.mutants.killing import judged

LOSSES = {
    "two encoders": catalogue("spectral+two-encoders"),
    "two augmentations": catalogue("infonce").under(Unequal()),
    "weight decay": catalogue("spectral+two-encoders+weight-decay"),
}
ROLES = ("seen in the other way", "Σ₂", "Aᵀ", "exchanged", "the first kind for the second")


@cache
def made(name):
    loss = LOSSES[name]
    right = loss.expand(4)
    slips = [*expansions.slips(right), *definitions.slips(loss, 4)]
    return right, *distinct(slips, expansions.key(right), expansions.key)


@pytest.mark.parametrize("name", LOSSES)
def test_slips_of_roles_are_made(name):
    right, kept, _ = made(name)
    keys = [expansions.key(one.value) for one in kept]
    assert len(set(keys)) == len(keys) > 30
    assert expansions.key(right) not in keys
    assert sum(any(piece in one.name for piece in ROLES) for one in kept) >= 8
    assert sum("seen in the other way" in one.name for one in kept) >= 1


@pytest.mark.parametrize("route", ["exact", "autodiff", "remainder"])
@pytest.mark.parametrize("name", ["two encoders", "two augmentations"])
def test_each_route_kills_each_of_them(name, route):
    right, kept, equivalent = made(name)
    found = judged(name, kept, equivalent, right, killing.measured(LOSSES[name], routes=[route]))
    assert found.original == {route: "survived"}
    assert [mutant for mutant, (_, said) in found.outcomes.items() if said[route] != "killed"] == []


@pytest.mark.parametrize("name", ["two encoders", pytest.param("two augmentations", marks=pytest.mark.slow)])
def test_random_draws_kill_an_exchange_of_roles(name):
    right, kept, equivalent = made(name)
    roles = [one for one in kept if "seen in the other way" in one.name or one.name == "Σ and Σ₂ exchanged"]
    found = judged(name, roles, equivalent, right, killing.measured(LOSSES[name], draws=4000, routes=["monte-carlo"]))
    assert found.original == {"monte-carlo": "survived"}
    assert {said["monte-carlo"] for _, said in found.outcomes.values()} == {"killed"}


def test_a_transpose_in_a_trace_alone_is_the_same_trace():
    """Tr[W A Vᵀ] = Tr[V Aᵀ Wᵀ], and f and g of the spectral loss may be exchanged."""
    _, _, equivalent = made("two encoders")
    names = [one.name for one in equivalent]
    assert "V Aᵀ Wᵀ for W A Vᵀ (letter 1) in term 0 of order 2" in names
    assert "definition: all views seen in the other way" in names
    (x,), (y,) = views("x"), views("x_text", encoder="g")
    square = Loss(inner(x, y) ** 2, name="square").expand(4)
    turned = [one for one in expansions.slips(square) if "V Aᵀ Wᵀ for W A Vᵀ" in one.name]
    # Of Tr[W A Vᵀ]² each factor alone may be turned, of Tr[(W A Vᵀ)²] neither.
    same = [expansions.key(one.value) == expansions.key(square) for one in turned]
    assert sorted(same) == [False, False, True, True]


def test_a_and_its_transpose_are_told_apart_from_order_6_on():
    """Words of two letters are their own mirror images; Tr[W Σ Wᵀ W A Vᵀ V Σ₂ Vᵀ] is not."""
    (x,), (y,) = views("x"), views("x_text", encoder="g")
    loss = Loss(inner(x, x) * inner(x, y) * inner(y, y), name="ring")
    assert "A and its transpose exchanged" in dict(mutants(loss.expand(6)))
    assert "A and its transpose exchanged" not in dict(mutants(Loss(inner(x, y) ** 2, name="square").expand(4)))


def test_a_view_at_one_place_is_another_view_of_its_datum():
    loss = catalogue("spectral+two-encoders")
    by_name = {one.name: one.value for one in definitions.slips(loss, 4)}
    alone = by_name["definition: a view seen in the other way at place 1 alone"]
    assert alone.terms_of_order(2)[0].invariants != loss.expand(2).terms[0].invariants
    assert all("bias" not in str(one) for one in alone.terms)
