"""The black box returns the engine's expansion, exactly and with N symbolic, for every loss of the catalogue."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from plain import PLAIN, infonce_batch, siglip
from sympy import E, Rational, Symbol, cos, exp, oo, pi, sqrt

from derive import CATALOGUE, InputError, catalogue
from derive.algebra.words import trace
from verify.audits.blackbox import by_batches, by_derivatives, by_remainder
from verify.audits.blackbox.batches import Subject
from verify.audits.blackbox.checks import ROUTES
from verify.audits.blackbox.coefficients import Measurement, Method, measured
from verify.audits.blackbox.exact import constants, fitted, rational, rational_function
from verify.audits.blackbox.expanding import expanded
from verify.truths.function import BlackBox

COORDINATES = ("barlow-twins", "vicreg", "vicreg-soft")


def route(name="", **options):
    return Method(**{"radius": 0.35, "autograd": True, "coordinates": name in COORDINATES, **options})


def test_what_is_written_in_plain_torch_is_of_the_catalogue():
    assert set(PLAIN) <= set(CATALOGUE)
    assert len(PLAIN) == 12


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
            values = measured(BlackBox(infonce_batch), 3, order, Method(radius))
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
    found = expanded(BlackBox(lambda z1, z2: np.euler_gamma * infonce_batch(z1, z2)), route())
    assert found.expansion.B["A0"] == -Symbol("q1")
    value, error = found.numbers["q1"][3]
    assert value == pytest.approx(-np.euler_gamma * 2 / 3, abs=1e-12)
    assert error < 1e-12
    assert "is left as numbers" in found.notes[0]
    # Their signs are those that were measured, and the landscape takes them from there.
    declared = {s.name: s.is_negative for term in found.with_signs.terms for s in term.coefficient.free_symbols}
    assert {name for name, negative in declared.items() if negative} == {
        name for name, at in found.numbers.items() if at[3][0] < 0
    }
    subject = Subject.of(BlackBox(found_code), found, route(), seed=1)
    evidence = [one for each in ROUTES for one in each.evidence(subject, found)]
    assert not any(one.agrees is False for one in evidence)
    assert {one.route for one in evidence if one.agrees} >= {"autodiff", "monte-carlo"}


def found_code(z1, z2):
    return np.euler_gamma * infonce_batch(z1, z2)


def test_constants_are_found_where_the_code_has_them():
    found = expanded(BlackBox(lambda z1, z2: siglip(z1, z2, 1.5, 0.3)), route())
    assert found.expansion.B["A0"].equals(Rational(3, 2) * exp(Rational(3, 10)) / (1 + exp(Rational(3, 10))))
    assert not found.numbers

    def of_closure(t, b):
        return lambda z1, z2: siglip(z1, z2, t, b)

    found = expanded(BlackBox(of_closure(1.5, -0.3)), route())
    b = Symbol("b")
    assert found.expansion.B["A0"].equals(Rational(3, 2) * exp(b) / (1 + exp(b)))
    assert found.constants == {"b": -0.3}


@pytest.mark.parametrize("single", [False, True])
def test_a_formula_has_the_root_of_the_width(single):
    def scaled(z1, z2):
        return infonce_batch(z1 / z1.shape[1] ** 0.25, z2 / z1.shape[1] ** 0.25)

    def in_single(z1, z2):
        return scaled(z1.float(), z2.float()).double()

    order, way = (2, route(rounding=6e-8)) if single else (4, route())
    found = expanded(BlackBox(in_single if single else scaled), way, order=order)
    d1 = Symbol("d1")
    root = {2: sqrt(d1), 4: d1}
    expected = [
        (term.invariants, term.coefficient / root[term.order])
        for term in catalogue("infonce-batch").expand(order).terms
    ]
    assert found.expansion.terms == found.expansion.with_terms(expected).terms
    assert found.width is None


def test_a_number_that_depends_on_the_width_is_claimed_for_one_width():
    def odd(z1, z2):
        return np.euler_gamma ** z1.shape[1] * infonce_batch(z1, z2)

    found = expanded(BlackBox(odd), route(), order=2)
    assert found.width == 2
    with pytest.raises(InputError, match="that of d1 = 2"):
        found.at(3, 3)


@pytest.mark.parametrize("most", [12, 40])
def test_a_formula_is_claimed_for_the_batches_at_which_it_holds(most):
    """Code that uses this many negatives at most: nothing of that shows at small N."""

    def limited(z1, z2):
        s = z1 @ z2.T
        return (torch.logsumexp(s[:, :most], 1) - s.diagonal()).mean()

    found = expanded(BlackBox(limited), route(), order=2)
    assert found.largest == most
    assert f"holds through N = {most}" in found.notes[-1]


def test_a_formula_is_tried_at_large_batches():
    assert expanded(BlackBox(infonce_batch), route(), order=2).tried == (17, 64, 257)


def test_one_batch_size_alone():
    found = expanded(BlackBox(infonce_batch), route(), only=5)
    assert found.sizes == (5,)
    assert found.expansion.terms == catalogue("infonce-batch").expand(4).set({"N": 5}).terms


def test_single_precision_has_its_own_error_bars():
    """What is below them is 0, and what is above is recognised all sizes together."""

    def in_single(z1, z2):
        return infonce_batch(z1.float(), z2.float())

    way = route(rounding=6e-8)
    values = measured(BlackBox(in_single), 3, 4, way)
    expected = {
        term.invariants: float(term.coefficient)
        for term in catalogue("infonce-batch").expand(4).set({"N": 3}).terms_of_order(4)
    }
    for word, (value, error) in values.items():
        assert 1e-8 < error < 1e-4
        assert abs(value - expected.get(word, 0.0)) <= error
    found = expanded(BlackBox(in_single), way)
    assert found.expansion.terms == catalogue("infonce-batch").expand(order=4).terms


def test_what_vanishes_to_rounding_is_0():
    def nothing(z1, z2):
        s = z1 @ z2.T / 7
        return (s.exp() * 3).mean() - s.exp().mean() * 3 + (z1 * z2).sum() * 0.1

    found = expanded(BlackBox(nothing), route(), order=4)
    assert [term.order for term in found.expansion.terms] == [2]


def test_a_constant_that_is_named_spoils_no_rational():
    """Coefficients of 100/7 stay recognised where 1/tau, the same number, is named."""

    def warm(z1, z2):
        return infonce_batch(z1 / 0.07**0.5, z2 / 0.07**0.5)

    named = constants(["1/tau"], {"tau": Rational(7, 100)})
    found = expanded(BlackBox(warm), route(), named=named, values={"tau": 0.07})
    assert not found.numbers
    plain = expanded(BlackBox(warm), route())
    assert found.expansion.set({"tau": Rational(7, 100)} if found.constants else {}).terms == plain.expansion.terms


def test_named_constants_are_recognised():
    scaled = BlackBox(lambda z1, z2: np.e * infonce_batch(z1, z2))
    found = expanded(scaled, route(), order=2, named=constants(["exp(1)"], {}))
    assert found.expansion.B["A0"] == E * (Symbol("N") - 1) / Symbol("N")
    warm = BlackBox(lambda z1, z2: -(z1 * z2).sum(-1).mean() / 0.3)
    named = expanded(warm, route(), order=2, named=constants(["1/tau"], {"tau": Rational(3, 10)}), values={"tau": 0.3})
    assert named.expansion.B["A0"] in (1 / Symbol("tau"), Rational(10, 3))


@pytest.mark.parametrize("name", [pytest.param("infonce-batch", marks=pytest.mark.slow), "barlow-twins"])
def test_checks_agree_and_each_rejects_wrong_expansions(name):
    box, way = BlackBox(PLAIN[name].code, name), route(name)
    found = expanded(box, way)
    subject = Subject.of(box, found, way, seed=1)
    assert all(one.agrees for route in ROUTES for one in route.evidence(subject, found))
    derivatives, ray, batches = (
        route.measure(subject) for route in (by_derivatives.ROUTE, by_remainder.ROUTE, by_batches.ROUTE)
    )
    for term in found.expansion.terms:
        halved = found.expansion.with_terms(
            [(one.invariants, one.coefficient / (2 if one == term else 1)) for one in found.expansion.terms]
        )
        at_3 = [one for one in derivatives if one.quantity.endswith("N = 3")]
        assert [one.agrees for one in by_derivatives.compare(at_3, replace(found, expansion=halved))] == [False], term
    flipped = replace(
        found, expansion=found.expansion.with_terms((t.invariants, -t.coefficient) for t in found.expansion.terms)
    )
    assert [one.agrees for one in by_remainder.compare(ray, flipped)] == [False]
    assert any(one.agrees is False for one in by_batches.compare(batches, flipped))


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


def test_a_fit_takes_no_function_for_another():
    """Numbers with the noise of single precision: right ones are found, and numbers of no such form are not."""
    N = Symbol("N")
    rng = np.random.default_rng(0)
    sizes = np.arange(2, 10)
    for right in (4 * (N - 1) / (2 * N - 1) ** 2, (N - 1) / (2 * N**2), (N + 1) / N, N / 3, Rational(7, 5) + 0 * N):
        for _ in range(20):
            exact = np.array([float(right.subs(N, int(n))) for n in sizes])
            errors = 1e-6 * np.maximum(1.0, abs(exact))
            noisy = exact + errors * rng.uniform(-0.5, 0.5, 8)
            points = {int(n): (float(v), float(e)) for n, v, e in zip(sizes, noisy, errors, strict=True)}
            assert (fitted(points, N) - right).simplify() == 0
    taken = 0
    for _ in range(60):
        a, b, c = rng.uniform(0.1, 3, 3)
        points = {int(n): (float(a * (n - b) / (n + c) ** 1.5), 1e-6) for n in sizes}
        taken += fitted(points, N) is not None
    assert taken == 0


def test_a_unit_is_tried_beside_1():
    for loss, unit in (
        (lambda z1, z2: 2.5 * np.pi * (z1 * z2).sum(-1).mean(), pi),
        (lambda z1, z2: 2.5 * (z1 * z2).sum(-1).mean(), 1),
    ):
        assert expanded(BlackBox(loss), route(), order=2).expansion.B["A0"] == -Rational(5, 2) * unit
    # cos 1 is not a number that a code has in this form.
    odd = expanded(BlackBox(lambda z1, z2: np.cos(1.0) * (z1 * z2).sum(-1).mean()), route(), order=2)
    assert odd.numbers["q1"][2][0] == pytest.approx(float(cos(1)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os')", "is not a constant"),
        ("1/", "is not a constant"),
        ("a.b", "is not a constant"),
        ("exp(1", "is not a constant"),
        ("9**9**9**9", "is not a constant"),
        ("1/tau", "what is tau"),
        ("log(-1)", "give a number other than 0"),
        ("0*1", "give a number other than 0"),
        ("sqrt(-2)", "give a number other than 0"),
        ("1/0", "give a number other than 0"),
        ("exp(exp(exp(100)))", "give a number other than 0"),
        ("1e999999", "is not a constant"),
    ],
)
def test_constants_are_parsed_and_not_evaluated(text, message):
    with pytest.raises(InputError, match=message):
        constants([text], {})


def test_rays_are_measured_once():
    at, both = Measurement(BlackBox(infonce_batch), 3, 2, 4, route()), ((1, 1),)
    first = at.power((both, both))
    calls = at.box.seen.calls
    assert at.power((both, both)) == first
    assert at.box.seen.calls == calls


def test_float64_is_what_is_asked_with():
    kinds = set()

    def look(z1, z2):
        kinds.add(z1.dtype)
        return infonce_batch(z1, z2)

    measured(BlackBox(look), 2, 2, Method(0.35))
    assert kinds == {torch.float64}


def test_numbers_are_claimed_for_the_batches_at_which_they_were_measured():
    """3 − log N changes its sign at N = 21, beyond the sizes from which a formula would be made."""

    def loss(z1, z2):
        return -(z1 * z2).sum(1).mean() + (3 - np.log(len(z1))) * ((z1 @ z2.T) ** 2).mean()

    found = expanded(BlackBox(loss), route())
    assert found.largest == 257
    assert all(set(at) >= {2, 9, 17, 64, 257} for at in found.numbers.values())
    signs = {s.is_positive for term in found.with_signs.terms_of_order(4) for s in term.coefficient.free_symbols}
    assert signs == {None}


def test_a_width_far_beyond_the_smallest_is_looked_at():
    def changes(z1, z2):
        return infonce_batch(z1, z2) * (2 if z1.shape[1] > 5 else 1)

    assert expanded(BlackBox(changes), route(), order=2).width == 2

    def late(z1, z2):
        return infonce_batch(z1, z2) * (2 if z1.shape[1] >= 60 else 1)

    assert expanded(BlackBox(late), route(), order=2).width == 2


def test_batches_without_a_finite_value_are_left_out():
    def every_fourth(z1, z2):
        return infonce_batch(z1, z2) * (float("nan") if len(z1) % 4 == 0 else 1.0)

    found = expanded(BlackBox(every_fourth), route(), order=2)
    assert found.expansion.B["A0"] == (Symbol("N") - 1) / Symbol("N")
    assert not {4, 8} & set(found.sizes)
    assert any("no finite value at N = 4, 8" in note for note in found.notes)


def test_a_long_literal_gets_a_name():
    found = expanded(BlackBox(lambda z1, z2: infonce_batch(z1 * 0.5772156649, z2 * 0.5772156649)), route())
    assert found.constants == {"k1": 0.5772156649}
    assert not found.numbers


def test_the_simplest_number_decides_the_power_of_a_constant():
    """At τ = 1/10 the numbers 50, 5/τ and 1/(2 τ²) are one; the last is what the code has."""

    def warm(z1, z2):
        return torch.nn.functional.cross_entropy(z1 @ z2.T / 0.1, torch.arange(len(z1)))

    named = constants(["1/tau"], {"tau": Rational(1, 10)})
    found = expanded(BlackBox(warm), route(radius=0.05), named=named, values={"tau": 0.1})
    tau, N = Symbol("tau"), Symbol("N")
    assert found.expansion.terms_of_order(4)[1].coefficient.equals((N - 1) / (2 * N * tau**2))
    other = expanded(BlackBox(warm), route(radius=0.05), order=2, named=named, values={"tau": 0.2})
    assert any("tau = 0.2 is not a number of the code" in note for note in other.notes)
