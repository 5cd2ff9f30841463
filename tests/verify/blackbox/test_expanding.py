"""The black box returns the engine's expansion, exactly and with N symbolic, for every loss of the catalogue."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from plain import PLAIN, infonce_batch, siglip
from sympy import E, Rational, Symbol, oo

from derive import CATALOGUE, InputError, catalogue
from derive.words import trace
from verify.blackbox.checks import by_autograd, monte_carlo, remainder, run
from verify.blackbox.coefficients import Measurement, Route, measured
from verify.blackbox.exact import constants, rational, rational_function, recognise
from verify.blackbox.expanding import expanded
from verify.blackbox.function import BlackBox

COORDINATES = ("barlow-twins", "vicreg", "vicreg-soft")


def route(name="", **options):
    return Route(**{"radius": 0.35, "autograd": True, "coordinates": name in COORDINATES, **options})


def test_the_whole_catalogue_is_written_in_plain_torch():
    assert set(PLAIN) == set(CATALOGUE)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in {"vicreg", "vicreg-soft"} else ()) for name in PLAIN]
)
def test_the_expansion_is_the_engines_with_N_symbolic(name):
    plain = PLAIN[name]
    found = expanded(BlackBox(plain.code, name), route(name))
    assert found.expansion.terms == plain.definition.expand(order=4).terms
    assert found.notes == ()
    assert found.residual < 3
    if plain.at is not None:
        limit = catalogue(name).set(plain.at).expand(order=4)
        assert found.expansion.set({"N": oo}).terms == limit.terms


def test_values_alone_give_the_same():
    """Without automatic differentiation: interpolation of values, whose numbers have larger errors."""
    found = expanded(BlackBox(infonce_batch), route(autograd=False, radius=0.6), order=4)
    assert found.expansion.terms == catalogue("infonce-batch").expand(order=4).terms


@pytest.mark.slow
def test_order_six_of_infonce():
    found = expanded(BlackBox(infonce_batch), route(), order=6)
    assert found.expansion.terms == catalogue("infonce-batch").expand(order=6).terms


@pytest.mark.parametrize("size", [2, 4])
def test_order_six_at_one_batch_size(size):
    values = measured(BlackBox(infonce_batch), size, 6, route())
    expected = {
        term.invariants: float(term.coefficient)
        for term in catalogue("infonce-batch").expand(order=6).set({"N": size}).terms_of_order(6)
    }
    for word, (value, error) in values.items():
        assert abs(value - expected.get(word, 0.0)) <= error


def test_errors_of_values_cover_the_truth():
    expected = catalogue("infonce-batch").expand(order=4).set({"N": 3})
    for radius in (0.25, 0.5, 0.8):
        for order in (2, 4):
            values = measured(BlackBox(infonce_batch), 3, order, Route(radius))
            for term in expected.terms_of_order(order):
                value, error = values[term.invariants]
                assert abs(value - float(term.coefficient)) <= error


def test_data_that_are_not_exchangeable_are_all_visited():
    def first_alone(z1, z2):
        return infonce_batch(z1, z2) + (z1[0] * z1[0]).sum()

    whole = measured(BlackBox(first_alone), 3, 2, route(exchangeable=False))
    plain = measured(BlackBox(infonce_batch), 3, 2, route())
    word = (trace("S"),)
    assert whole[word][0] - plain[word][0] == pytest.approx(1.0)


def test_what_is_irrational_stays_a_number():
    found = expanded(BlackBox(lambda z1, z2: siglip(z1, z2, 1.5, 0.3)), route())
    assert found.expansion.B["A0"] == -Symbol("q1")
    value, error = found.numbers["q1"][3]
    assert value == pytest.approx(-1.5 * np.exp(0.3) / (1 + np.exp(0.3)), abs=1e-12)
    assert error < 1e-12
    assert "is left as numbers" in found.notes[0]


def test_named_constants_are_recognised():
    scaled = BlackBox(lambda z1, z2: np.e * infonce_batch(z1, z2))
    found = expanded(scaled, route(), order=2, named=constants(["exp(1)"], {}))
    assert found.expansion.B["A0"] == E * (Symbol("N") - 1) / Symbol("N")
    warm = BlackBox(lambda z1, z2: -(z1 * z2).sum(-1).mean() / 0.3)
    named = expanded(warm, route(), order=2, named=constants(["1/tau"], {"tau": Rational(3, 10)}))
    assert named.expansion.B["A0"] in (1 / Symbol("tau"), Rational(10, 3))


@pytest.mark.parametrize("name", [pytest.param("infonce-batch", marks=pytest.mark.slow), "barlow-twins"])
def test_checks_agree_and_each_rejects_wrong_expansions(name):
    box, way = BlackBox(PLAIN[name].code, name), route(name)
    found = expanded(box, way)
    assert all(one.agrees for one in run(box, found, way, seed=1))
    for term in found.expansion.terms:
        halved = found.expansion.with_terms(
            [(one.invariants, one.coefficient / (2 if one == term else 1)) for one in found.expansion.terms]
        )
        assert by_autograd(box, replace(found, expansion=halved), way, 3, seed=1).agrees is False, term
    flipped = replace(
        found, expansion=found.expansion.with_terms((t.invariants, -t.coefficient) for t in found.expansion.terms)
    )
    assert remainder(box, flipped, seed=1).agrees is False
    assert any(one.agrees is False for one in monte_carlo(box, flipped, way, 5, seed=1))


def test_a_rational_is_no_coincidence():
    rng = np.random.default_rng(0)
    taken = sum(rational(float(value), 1e-9) is not None for value in rng.uniform(0, 1, 2000))
    assert taken <= 2
    for p, q in ((3, 4), (-7, 12), (101, 97)):
        assert rational(p / q + 1e-13, 1e-11) == Rational(p, q)


def test_a_rational_function_needs_points_to_spare():
    N = Symbol("N")
    points = {n: rational((n - 1) * (n + 3) / (2 * n - 1) ** 2, 1e-13) for n in range(2, 10)}
    assert rational_function(points, N) == (N - 1) * (N + 3) / (2 * N - 1) ** 2
    assert rational_function({n: points[n] for n in range(2, 7)}, N) is None
    points[5] += 1
    assert rational_function(points, N) is None


def test_units():
    assert recognise(2.5 * np.pi, 1e-12, [(Symbol("pi"), np.pi)]).unit == Symbol("pi")
    assert recognise(2.5, 1e-12, [(Symbol("pi"), np.pi)]).unit == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os')", "is no constant"),
        ("1/", "is no constant"),
        ("a.b", "is no constant"),
        ("exp(1", "is no constant"),
        ("9**9**9**9", "is no constant"),
        ("1/tau", "what is tau"),
        ("log(-1)", "give a number other than 0"),
        ("0*1", "give a number other than 0"),
        ("sqrt(-2)", "give a number other than 0"),
        ("1/0", "give a number other than 0"),
        ("exp(exp(exp(100)))", "give a number other than 0"),
        ("1e999999", "is no constant"),
    ],
)
def test_constants_are_parsed_and_not_evaluated(text, message):
    with pytest.raises(InputError, match=message):
        constants([text], {})


def test_rays_are_measured_once():
    at = Measurement(BlackBox(infonce_batch), 3, 2, 4, route())
    first = at.power((("p", 0), ("p", 0)))
    calls = at.box.seen.calls
    assert at.power((("p", 0), ("p", 0))) == first
    assert at.box.seen.calls == calls


def test_float64_is_what_is_asked_with():
    kinds = set()

    def look(z1, z2):
        kinds.add(z1.dtype)
        return infonce_batch(z1, z2)

    measured(BlackBox(look), 2, 2, Route(0.35))
    assert kinds == {torch.float64}
