"""The two engines agree: on the catalogue, on random losses; and each wrong derivation is found out."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import QQ

from derive import CATALOGUE, Loss, catalogue, half_sq
from derive.definition import clusters
from derive.definition.expression import Coordinate, CoordinateSum
from derive.definition.views import Index, View
from derive.expansion import draws, moments, series, wick
from derive.expansion.laws import gaussian
from verify.assurance.oracle.comparing import compare
from verify.assurance.oracle.evaluating import expanded
from verify.assurance.oracle.law import Law
from verify.assurance.oracle.many import case_of, many, summed, unit
from verify.assurance.oracle.random_losses import Case, random_case
from verify.assurance.oracle.words import values
from verify.running.sweeps.running import run

W = [[Fraction(1), Fraction(-2)], [Fraction(1, 2), Fraction(3)]]
A0 = [[Fraction(2), Fraction(1)], [Fraction(1), Fraction(1)]]
SIGMA = [[Fraction(3), Fraction(1, 2)], [Fraction(1, 2), Fraction(4)]]
PARAMETERS = {
    "N": Fraction(3),
    "alpha": Fraction(3, 7),
    "tau": Fraction(6, 5),
    "t": Fraction(5, 4),
    "b": Fraction(2, 3),
    "beta": Fraction(1, 3),
    "lambda": Fraction(1, 5),
    "mu": Fraction(1, 2),
    "nu": Fraction(2),
    "c": Fraction(3, 5),
    "gamma_std": Fraction(1),
    "epsilon": Fraction(4, 9),
    "kappa": Fraction(2, 7),
    "gamma": Fraction(3),
}


def both(name, order):
    loss = catalogue(name)
    law = Law(W, A0, SIGMA, bias=[Fraction(1), Fraction(-2, 3)] if loss.bias else None)
    return values(loss.expand(order), law, PARAMETERS), expanded(loss.expression, law, PARAMETERS, order)


# The oracle of two kinds of views is compared in `test_two_kinds`.
ONE_ENCODER = [name for name in CATALOGUE if catalogue(name).encoders == 1]


@pytest.mark.parametrize("name", [*ONE_ENCODER, "infonce+weight-decay", "spectral+bias", "vicreg-soft+bias"])
def test_the_catalogue_at_order_6(name):
    derived, oracle = both(name, 6)
    assert derived == oracle
    assert derived[1::2] == [0, 0, 0]


@pytest.mark.parametrize("name", ["infonce-batch", "weighted-infonce", "dcl", "ntxent", "siglip"])
def test_the_catalogue_on_a_fixed_set(name):
    loss, points = catalogue(name), [[1, 2], [-4, 1], [3, -3]]
    second = [[Fraction(sum(one[k] * one[m] for one in points), 3) for m in range(2)] for k in range(2)]
    law = Law(
        W, second, [[a + c for a, c in zip(*rows, strict=True)] for rows in zip(second, A0, strict=True)], points=points
    )
    found = compare(Case(loss, 2, law, {one: PARAMETERS[one] for one in loss.parameters}, "left", "A0,C"))
    assert found.agree
    independent = expanded(loss.expression, replace(law, points=None), PARAMETERS, 2)
    assert tuple(independent) != found.oracle


def test_a_fixed_set_has_second_moments_alone():
    law = Law(W, A0, SIGMA, points=[[1, 2], [-1, -2]])
    with pytest.raises(ValueError, match="second moments are known, not order 4"):
        expanded(catalogue("dcl").expression, law, PARAMETERS, 4)


@pytest.mark.parametrize("seed", range(80))
def test_random_losses(seed):
    case = random_case(Random(seed))
    found = compare(case)
    assert found.agree, f"{found.text()}\n{case.text()}"


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_losses_drawn_by_hypothesis(random):
    case = random_case(random)
    found = compare(case)
    assert found.agree, f"{found.text()}\n{case.text()}"


def with_other_partitions(sizes):
    """Draws never coincide."""
    alone = [
        tuple(int(k == number) for k in range(len(sizes))) for number, size in enumerate(sizes) for _ in range(size)
    ]
    return {tuple(alone): 1}


def chance_of_one_less(scalars, n, drawn):
    """n(n − 1)…/n^p with one factor n too few."""
    for target, chance in COINCIDENCES(scalars, n, drawn):
        yield target, chance * scalars.from_sympy(n) if len(drawn.all) > 1 else chance


def with_a_diagonal(scalars, n, drawn):
    """Pairs of a sample that may be one draw twice."""
    return COINCIDENCES(scalars, n, replace(drawn, apart=[]))


def without_identity(table, monomial, index):
    """A sum over a coordinate that takes no notice of δ."""
    kept = tuple(c for c in monomial if not isinstance(getattr(table[c], "left", None), Index))
    return SUMMED(table, kept, index)


SUMMED = clusters.Clusters.summed
COINCIDENCES, LOGARITHM, POWERS = draws.coincidences, series.Expander._logarithm, series.in_powers


def shortened_powers(node, orders, dimension):
    """log det and the inverse through the first order of what stands beside the identity."""
    return POWERS(node, orders[: 2 * orders.index(True)] if True in orders else orders, dimension)


def flipped_logarithm(expander, node, argument):
    found = LOGARITHM(expander, node, argument)
    return [*found[:4], *({key: value * QQ(-1) for key, value in terms.items()} for terms in found[4:])]


MUTANTS = {
    "draws of a sample never coincide": (draws, "partitions", with_other_partitions),
    "a weight of coincident draws": (moments, "coincidences", chance_of_one_less),
    "pairs of a sample have a diagonal": (moments, "coincidences", with_a_diagonal),
    "further views of a datum never coincide": (moments, "_with_views", lambda _s, _f, edges, _d, w: [(edges, w)]),
    "an inverse has no second order": (series, "in_powers", shortened_powers),
    "the entries of the identity are all 1": (clusters.Clusters, "summed", without_identity),
    "two views of a datum are one": (
        gaussian.Gaussian,
        "between",
        staticmethod(lambda u, _: "I" if u.kind == wick.WHITE else "S"),
    ),
    "the sign of a logarithm's second order": (series.Expander, "_logarithm", flipped_logarithm),
    "points of a fixed set are independent": (
        moments,
        "_anticorrelated",
        lambda edges, weight, *_, **__: [(edges, weight)],
    ),
}


@pytest.fixture
def fresh_memory():
    wick.contract.cache_clear()
    wick._contract.cache_clear()
    yield
    wick.contract.cache_clear()
    wick._contract.cache_clear()


@pytest.mark.usefixtures("fresh_memory")
@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_derivation_is_found_out(name, monkeypatch):
    monkeypatch.setattr(*MUTANTS[name])
    assert not all(compare(random_case(Random(seed))).agree for seed in range(100))


def test_a_wrong_coefficient_is_found_out():
    case = random_case(Random(5))

    def halved(expansion):
        first, *rest = ((term.invariants, term.coefficient) for term in expansion.terms)
        return expansion.with_terms([(first[0], first[1] / 2), *rest])

    assert compare(case).agree
    wrong = compare(case, halved)
    assert not wrong.agree
    assert wrong.text().startswith("order ")


def test_a_loss_that_is_refused_for_its_odd_orders_has_some():
    x, i = View("x", "x"), Index("i")
    loss = Loss(CoordinateSum(Coordinate(x, i) ** 3, i) * half_sq(x, View("x_pos", "x")), bias=True)
    case = Case(loss, 6, Law(W, A0, SIGMA, bias=[Fraction(2), Fraction(5)]), {}, "left", "A0,C")
    found = compare(case)
    assert found.agree
    assert found.derived is None
    assert found.oracle[5] != 0
    assert "of odd order" in found.refused


def test_many_are_compared_in_units_that_a_file_keeps(tmp_path, monkeypatch):
    monkeypatch.setattr("verify.assurance.oracle.many.OF_UNIT", 4)
    sweep = many(8, 3, 60.0)
    found = summed(run(sweep, tmp_path / "oracle.jsonl"))
    assert found["compared"] + found["refused"] == 8
    assert (found["different"], found["too long"]) == ([], [])
    assert found["features"]["order 4"] > 0
    assert case_of(3, 7) == case_of(3, 7)
    assert unit(seed=3, first=0, count=1, limit=1e-3)["too long"] in ([0], [])


def test_random_losses_cover_the_language():
    cases = [random_case(Random(seed)) for seed in range(400)]
    texts = "".join(case.loss.text() for case in cases)
    assert all(piece in texts for piece in ("exp(", "log(", "sqrt(", "Σ_i", "E_χ", "E_g", "^(N - 1)", "⁻²", "d1"))
    assert {case.order for case in cases} == {2, 4, 6, 8}
    assert {case.flow for case in cases} == {"before", "after", "left"}
    assert {case.law.d1 for case in cases} == {1, 2, 3}
    assert {len(case.law.points or ()) for case in cases} == {0, 2, 3, 4}
