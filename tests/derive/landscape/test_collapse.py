"""Collapse conditions: what they say for each loss, and what their pieces mean."""

import pytest
import sympy
from sympy import Rational, oo

from derive import (
    CATALOGUE,
    Loss,
    Mean,
    SecondMoment,
    catalogue,
    diagonal_sum,
    exp,
    inner,
    log,
    off_diagonal_sum,
    symbols,
    views,
)
from derive.algebra.letters import sum_j
from derive.landscape.collapse import collapse
from derive.landscape.conditions import Condition, total
from derive.landscape.landscape import a_i, a_j, c_j, s_j

ANSWERED = (
    *("infonce", "infonce-batch", "weighted-infonce", "beta-infonce", "dcl", "ntxent", "spectral"),
    *("barlow-twins", "vicreg", "vicreg-soft", "alignment-uniformity", "siglip"),
)
MODIFIED = [f"{name}{modifier}" for name in CATALOGUE for modifier in ("", "+weight-decay", "+norm-penalty")]


def conditions(name, values=None, **options):
    loss = catalogue(name)
    found = collapse((loss.set(values) if values else loss).expand(order=4), **options).to_json()
    return found["dimensional"], found["complete"]


@pytest.mark.parametrize(
    "name",
    ["infonce", "infonce-batch", "weighted-infonce", "dcl", "ntxent", "siglip", "spectral", "barlow-twins"],
)
def test_never(name):
    assert conditions(name) == ("never", "never")


@pytest.mark.parametrize("name", [name for name in MODIFIED if name != "vicreg-soft+norm-penalty"])
def test_every_loss_and_modifier_has_a_condition(name):
    """One that is added later may have none; then it is said why."""
    answered = None not in conditions(name)
    assert answered or (name.partition("+")[0] not in ANSWERED and collapse(catalogue(name).expand(order=4)).reason)


def test_beta_infonce_collapses_where_the_augmentation_outweighs_the_data():
    assert conditions("beta-infonce") == (
        "a_i*beta + beta*c_i - c_i <= 0 for some i",
        "a_i*beta + beta*c_i - c_i <= 0 for all i",
    )
    assert conditions("beta-infonce", {"beta": 2}) == ("never", "never")


def test_weight_decay_collapses_the_weak_modes():
    assert conditions("infonce+weight-decay") == ("a_i - gamma <= 0 for some i", "a_i - gamma <= 0 for all i")


def test_a_fixed_norm_never_collapses_completely():
    for name in ANSWERED:
        if name != "vicreg-soft":
            assert conditions(f"{name}+norm-penalty", limit="kappa")[1] == "never"


def test_the_limit_is_what_a_strong_penalty_does():
    strong = collapse(catalogue("infonce+norm-penalty").set({"kappa": 10**9}).expand(order=4))
    limit = collapse(catalogue("infonce+norm-penalty").expand(order=4), limit="kappa")
    for a, c in (([1, 1], [0.1, 3]), ([1, 2], [1, 2.1]), ([1, 1, 1], [5, 0.1, 0.1])):
        for target in (0.1, 0.5, 2):
            assert strong.dimensional.holds(a, c, {"c": target}) == limit.dimensional.holds(a, c, {"c": target})


def test_one_mode_takes_all_where_only_products_hold_back():
    found = collapse(catalogue("vicreg-soft").expand(order=4))
    assert found.dimensional.text() == "always"
    assert found.notes == (
        "one mode alone is kept, that of the largest ratio b_i/x_i; modes of the same ratio share it",
    )


def difference_of_traces():
    """(Tr[W A0 Wᵀ] − Tr[W C Wᵀ])², which vanishes for modes with a_i = c_i, and for others together."""
    x, x_pos = views("x, x_pos")
    alike, apart = Mean(inner(x, x_pos), over=(x, x_pos)), Mean(inner(x, x), over=x)
    return (2 * alike - apart) ** 2


def test_one_product_that_can_vanish_keeps_no_one_mode():
    """With a = (2, 1), c = (1, 2) and g = (t, t) the product is 0, and the loss falls like −t Σ a_i."""
    x, x_pos = views("x, x_pos")
    found = collapse(Loss(-inner(x, x_pos) + difference_of_traces()).expand(order=4))
    assert (found.dimensional, found.complete) == (None, None)
    assert "vanishes for some W" in found.reason
    rising = collapse(Loss(inner(x, x) - inner(x, x_pos) + difference_of_traces()).expand(order=4))
    assert (rising.dimensional.text(), rising.complete.text()) == ("always", "always")


def test_a_product_of_one_sign_is_the_same_with_its_sign_turned():
    x, x_pos = views("x, x_pos")
    alike, norm = Mean(inner(x, x_pos), over=(x, x_pos)), Mean(inner(x, x), over=x)
    texts = [
        collapse(Loss(-inner(x, x_pos) + product**2).expand(order=4)).to_json()
        for product in (norm + alike, -norm - alike)
    ]
    assert texts[0] == texts[1]
    assert texts[0]["dimensional"] == "always"


def test_that_the_origin_is_no_minimum_is_not_said_where_there_may_be_none():
    """At d1 = 2 the last sum falls faster than the others rise, for W of one row and (W Σ Wᵀ)_ii apart."""
    x, x_pos = views("x, x_pos")
    P, S = SecondMoment(x, x_pos), SecondMoment(x, x)
    falling = (
        -inner(x, x_pos)
        + diagonal_sum(lambda i: P[i, i] ** 2)
        + diagonal_sum(lambda i: S[i, i] ** 2) / 3
        - Rational(3, 2) * off_diagonal_sum(lambda i, j: P[i, j] ** 2)
    )
    found = collapse(Loss(falling).expand(order=4))
    assert (found.dimensional, found.complete) == (None, None)


def test_sizes_of_a_batch_are_named_in_json():
    N = symbols("N")
    x, x_pos, chi = views("x, x_pos, chi")
    negatives = (N - 1) * Mean(exp(inner(x, chi)), over=chi, count=N - 1)
    found = collapse(Loss(-inner(x, x_pos) + log(negatives)).expand(order=4)).to_json()
    assert found["where"] == "N >= 3"
    assert [one["where"] for one in found["special"]] == ["N = 2"]


def test_sizes_of_a_batch_stand_apart_where_nothing_is_determined_for_the_others():
    """−(N − 2): at N = 2 there is no quartic, and the loss collapses."""
    N = symbols("N")
    x, x_pos, chi = views("x, x_pos, chi")
    pairs = Mean(Mean(inner(x, chi), over=chi, count=N - 1) ** 2, over=x)
    all_pairs = Mean(inner(x, chi) ** 2, over=chi)
    loss = Loss(inner(x, x) - inner(x, x_pos) + pairs - all_pairs)
    found = collapse(loss.expand(order=4))
    assert found.dimensional is None
    assert [(one[0].rhs, one[1].complete.text()) for one in found.special] == [(2, "always")]


def test_what_is_not_convex_is_not_determined():
    x, x_pos, chi = views("x, x_pos, chi")
    pull = symbols("p")
    falling = Loss(-inner(x, x_pos) - pull * Mean(inner(x, chi) ** 2, over=chi))
    found = collapse(falling.expand(order=4))
    assert found.to_json() == {
        "dimensional": None,
        "complete": None,
        "reason": "the quartic part is not positive for all parameters",
    }
    coupled = Loss(-inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi) - pull * Mean(inner(x, x), over=x) ** 2)
    assert "several minima" in collapse(coupled.expand(order=4)).reason
    assert collapse(catalogue("infonce").expand(order=2)).reason == "an expansion to order 4 is needed"


def test_sums_over_modes_are_counted_and_pulled_apart():
    k = sympy.Symbol("k")
    assert str(total((k * s_j + a_j) / (3 * s_j))) == "d0*k/3 + sum_j(a_j/s_j)/3"
    assert str(total(sympy.exp(k) * a_j)) == "exp(k)*sum_j(a_j)"


def test_a_condition_is_asked_of_numbers():
    condition = Condition(sympy.Le(a_i - sum_j(c_j), 0), "some")
    assert condition.holds([1, 5], [1, 1])
    assert not condition.holds([3, 5], [1, 1])
    assert Condition(sympy.Le(a_i, sympy.Symbol("g")), "all").holds([1, 2], [0, 0], {"g": 2})


def test_latex_of_a_condition():
    found = collapse(catalogue("infonce+norm-penalty").expand(order=4)).dimensional.latex()
    assert r"\sum_j" in found
    assert r"\leq 0" in found


def test_a_limit_that_is_put_in_before_agrees():
    expansion = catalogue("infonce-batch+weight-decay").expand(order=4).set({"N": oo})
    assert collapse(expansion).to_json()["dimensional"] == "a_i - gamma <= 0 for some i"


def test_values_decide_a_case():
    low = conditions("barlow-twins+weight-decay", {"lambda": Rational(1, 2)})[0]
    high = conditions("barlow-twins+weight-decay", {"lambda": 2})[0]
    assert high == "2*a_i - gamma <= 0 for some i"
    assert "sum_j(1/a_j)" in low
    assert "lambda" not in low


def test_cases_keep_what_q_stands_for():
    """A sum over coordinates of open sign beside mixed words: Q_jj differs from case to case."""
    p, r = symbols("p r")
    pair, other, diagonal = ((0, "SS", 0),), ((0, "AA", 0),), ((0, "S", 0), (0, "S", 0))

    def found(p, r):
        words = [((pair,), p), ((other,), sympy.S.One), ((diagonal,), r - p)]
        base = catalogue("spectral+weight-decay").expand(order=4)
        terms = [(term.invariants, term.coefficient) for term in base.terms_of_order(2)]
        return collapse(base.with_terms([*terms, *words])).dimensional

    both = found(p, r)
    assert "None" not in both.text()
    modes = ([1, 2], [1, Rational(1, 2)])
    for values in ({"p": 1, "r": 4}, {"p": 4, "r": 1}):
        for gamma in (Rational(1, 2), 1, Rational(3, 2), 2, 3):
            given = {"gamma": gamma, "d1": 2}
            assert both.holds(*modes, values | given) == found(*map(sympy.Integer, values.values())).holds(
                *modes, given
            )
