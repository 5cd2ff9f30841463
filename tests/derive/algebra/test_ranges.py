"""Ranges of parameters: declared, implied by the definition, carried along, and what they decide."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy
from sympy import Rational, Symbol, symbols

from derive import (
    InputError,
    Loss,
    Mean,
    SecondMoment,
    catalogue,
    distinct,
    exp,
    half_sq,
    identity,
    inner,
    log,
    log_det,
    sqrt,
    views,
)
from derive.algebra.ranges import Range, Ranges
from derive.algebra.signs import sign, signs
from derive.definition.notation import LATEX
from derive.landscape.collapse import collapse
from derive.landscape.landscape import Landscape, a_i, landscapes
from derive.landscape.stationary import stationary
from derive.landscape.summary import described
from derive.losses.limit import population
from verify.evidence.answer import of_landscape
from verify.truths.settings import values_for

N, K, rho, beta, tau = symbols("N K rho beta tau")
x, x_pos, x_v, x_w, chi, psi = views("x, x_pos, x_v, x_w, chi, psi")
pull = Mean(inner(x, chi) ** 2, over=chi)


def one_sided(count: sympy.Expr) -> Loss:
    return Loss(-inner(x, x_pos) + log(count * Mean(exp(inner(x, chi)), over=chi, count=count)), name="one-sided")


@pytest.mark.parametrize(
    ("loss", "known"),
    [
        (Loss(sympy.log(1 - rho) * inner(x, x_pos)), "rho: between 0 and 1"),
        (Loss(sympy.sqrt(4 - rho**2) * inner(x, x_pos)), "rho: between 0 and 2"),
        (Loss(sympy.log(sympy.log(rho)) * inner(x, x_pos)), "rho: above 1"),
        (Loss(sympy.log(2 * rho - 1) * sympy.sqrt(3 - rho) * inner(x, x_pos)), "rho: between 1/2 and 3"),
        (Loss(log(exp(inner(x, x_pos)) - rho)), "rho: between 0 and 1"),
        (Loss(sqrt(rho + inner(x, x_pos))), ""),
        (Loss(inner(x, x_pos) / (1 - rho)), ""),
        (Loss(sympy.log(rho - beta) * inner(x, x_pos)), "-beta + rho > 0"),
        (one_sided(N - 1), "N: 2 or more"),
        (one_sided(K), "K: 1 or more"),
        (one_sided(2 * K - 2), "K: 2 or more"),
        (Loss(Mean(Mean(inner(chi, psi), over=chi, count=K), over=psi)), "K: 2 or more"),
        (Loss(Mean(inner(x, x_v), over=x_v, of=x, count=K)), "K: 1 or more"),
        (Loss(Mean(inner(x_v, x_w), over=distinct(x_v, x_w), of=x, count=K)), "K: 2 or more"),
        (Loss(Mean(inner(chi, psi) ** 2, over=distinct(chi, psi), count=K - 1)), "K: 3 or more"),
        (Loss(log(rho - Mean(exp(inner(x, x_v)), over=x_v, of=x))), "rho: above 1"),
        (Loss(log_det(SecondMoment(x, x) + (1 - rho) * identity)), "rho: between 0 and 1"),
        (Loss(rho * pull, ranges={"rho": (-1, 1)}), "rho: between -1 and 1"),
        (Loss(rho * pull, ranges={"rho": (None, Rational(1, 2))}), "rho: below 1/2"),
        (Loss(rho * pull, ranges={"rho": (None, None)}), "rho: any number"),
        (Loss(sympy.log(1 - rho) * pull, ranges={"rho": (Rational(1, 2), None)}), "rho: between 1/2 and 1"),
        (catalogue("dcl"), "N: 2 or more"),
        (
            catalogue("infonce-batch+weight-decay").with_ranges({"gamma": (0, 1)}),
            "N: 2 or more, gamma: between 0 and 1",
        ),
        (Loss(rho * pull, ranges={"rho": (0, 1)}).with_weight_decay(), "rho: between 0 and 1"),
        (Loss(rho * pull, ranges={"rho": (0, 1)}).with_bias().with_norm_penalty(), "rho: between 0 and 1"),
        (population(catalogue("dcl")), ""),
        (Loss(rho * pull, ranges={"rho": (0, 1)}).set({"rho": beta}), "beta: between 0 and 1"),
        (Loss(rho * pull, ranges={"rho": (0, 1)}).set({"rho": beta * tau}), "beta*tau > 0, -beta*tau + 1 > 0"),
        (Loss(rho * pull, ranges={"rho": (0, 1)}).set({"rho": Rational(1, 2)}), ""),
    ],
)
def test_what_a_definition_says_of_its_parameters(loss: Loss, known: str) -> None:
    assert str(loss.domain) == known
    assert loss.expand(order=4).ranges == loss.domain


def test_landscapes_carry_ranges_along() -> None:
    expansion = one_sided(N - 1).expand(order=4)
    (found,) = landscapes(expansion)
    assert found.ranges == expansion.ranges == Ranges.collect({N: Range(sympy.Integer(2), sympy.oo, whole=True)})
    assert expansion.set({"N": 5}).ranges == Ranges()
    assert expansion.set({"N": sympy.oo}).ranges == Ranges()


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"sigma": (0, 1)}, "loss: ranges names 'sigma', which is not a parameter; the parameters are: rho"),
        (
            {"rho": 1},
            "loss: ranges['rho'] = 1 is not a pair of ends; write (0, 1), or (0, None) where there is no upper end",
        ),
        (
            {"rho": (1, 0)},
            "loss: ranges['rho'] = (1, 0) contains no number; the lower end comes first, and the ends are excluded",
        ),
        ({"rho": (0, beta)}, "loss: ranges['rho'] = (0, beta): the ends of a range are numbers, or None"),
        ({"rho": (0, 0.5)}, "0.5 is not exact; write sympy.Rational(1, 2) for it"),
    ],
)
def test_unusable_ranges(ranges: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        Loss(rho * pull, ranges=ranges)
    assert str(error.value) == message


def test_what_contradicts_a_range() -> None:
    with pytest.raises(InputError, match="the symbol q was made below 0, and its range is between 0 and 1"):
        Loss(Symbol("q", negative=True) * pull, ranges={"q": (0, 1)})
    loss = Loss(rho * pull, ranges={"rho": (0, 1)})
    for value in (0, 1, 2, -1):
        with pytest.raises(InputError, match=f"rho = {value}: rho of loss is between 0 and 1"):
            loss.set({"rho": value})
    with pytest.raises(InputError, match="no value of its parameters meets: rho: between 2 and 3"):
        _ = Loss(sympy.log(1 - rho) * pull, ranges={"rho": (2, 3)}).domain
    with pytest.raises(InputError, match="two symbols of different assumptions are called 'rho'"):
        Loss(rho * pull + Symbol("rho", positive=True) * inner(x, x_pos))
    with pytest.raises(InputError, match="a_i is a symbol of the theory"):
        Loss(a_i * pull)


def test_weight_zero_may_be_set() -> None:
    """Positive unless said is what signs are told for; it is not a range that somebody declared."""
    assert "alpha" not in catalogue("weighted-infonce").set({"alpha": 0}).parameters


def test_ranges_decide_collapse() -> None:
    """B = log(1 − ρ) A0 is negative for every ρ in (0, 1); B = ρ A0 is what ρ is."""
    weight = -sympy.log(1 - rho)
    assert collapse(Loss(weight * inner(x, x_pos) + pull).expand(order=4)).complete.text() == "always"
    plain = Loss(-rho * inner(x, x_pos) + pull)
    said = {(0, 1): "never", (-1, 0): "always", (-1, 1): "rho <= 0"}
    for ends, expected in said.items():
        assert collapse(replace(plain, ranges={"rho": ends}).expand(order=4)).complete.text() == expected
    assert collapse(Loss(-sympy.log(beta) * inner(x, x_pos) + pull).expand(order=4)).complete.text() == (
        "log(beta) <= 0"
    )
    assert collapse(Loss(-sympy.cos(2) * inner(x, x_pos) + pull).expand(order=4)).complete.text() == "always"
    assert collapse(Loss(-(sympy.sqrt(2) - 1) * inner(x, x_pos) + pull).expand(order=4)).complete.text() == "never"


@pytest.mark.parametrize(("count", "general", "special"), [(N - 1, "N >= 3", "N = 2"), (K, "K >= 2", "K = 1")])
def test_a_number_of_data_without_a_quartic_is_a_case_of_its_own(count: sympy.Expr, general: str, special: str) -> None:
    """The quartic of −⟨x, x′⟩ + log Σ exp⟨x, χ⟩ over n draws is (n − 1)/(2n) Tr[(W Σ Wᵀ)²]: absent for one draw."""
    loss = one_sided(count)
    expansion = loss.expand(order=4)
    found = collapse(expansion)
    for one in (found.dimensional, found.complete):
        assert one is not None
        assert one.text() == f"never for {general}; not determined for {special}"
        assert r"\text{not determined}" in one.latex()
        (symbol,) = count.free_symbols
        assert not one.holds([1, 1], [1, 1], {symbol.name: 7})
        least = int(special[-1])
        with pytest.raises(InputError, match=f"at {special} is not determined"):
            one.holds([1, 1], [1, 1], {symbol.name: least})
    said = found.to_json()
    assert (said["where"], said["special"][0]["where"]) == (general, special)
    whole = described(loss, expansion)
    lines = whole.lines()
    assert ("index", "(d1 − m)·#{i ∉ M: λ_i > 0} + #{k ∈ M, i ∉ M: λ_i > λ_k}") in lines
    assert any(line.startswith(f"{special}: ") for _, line in lines)
    assert any(r"\quad" in line and special.split(maxsplit=1)[0] in line for _, line in whole.lines(LATEX))
    answered = of_landscape(whole)
    assert answered.tone == "open"
    assert answered.text.startswith(f"For {general.replace('>=', '≥')} ({special} apart, below)")
    assert collapse(expansion.set({symbol.name: least})).dimensional is None
    assert collapse(expansion.set({symbol.name: least + 1})).dimensional.text() == "never"


def test_a_batch_without_special_values_is_no_case() -> None:
    found = collapse(catalogue("infonce-batch").expand(order=4))
    assert (found.special, found.dimensional.text()) == ((), "never")


def test_stationary_points_of_the_general_case_have_one_index() -> None:
    """At N ≥ 3 the quartic is positive: no direction is counted under a condition."""
    loss = one_sided(N - 1)
    (points,) = described(loss, loss.expand(order=4)).stationary
    assert points.index() == stationary(catalogue("infonce").expand(order=4))[0].index()


def test_signs_of_whole_numbers_and_what_is_given() -> None:
    pairs = Ranges.collect({N: Range(sympy.Integer(2), sympy.oo, whole=True)})
    assert [sign(value, ranges=pairs) for value in (N - 1, 2 * N - 3, N**2 - 2, 1 - N)] == [1, 1, 1, -1]
    assert signs(N - 2, ranges=pairs) == signs((N - 2) * beta, ranges=pairs) == {0, 1}
    assert sign(N - 3, ranges=pairs) is None
    assert sign(rho - beta, ranges=Ranges.collect({}, [rho - 2 * beta])) == 1
    assert sign(sympy.log(1 - rho - beta), ranges=Ranges.collect({}, [1 - rho - beta])) == -1
    q, even = Symbol("q", negative=True), Symbol("n", even=True)
    assert [sign(q**2), sign(q**3), sign(1 + even**2), sign(even)] == [1, -1, 1, None]
    assert sign(Symbol("z", complex=True) ** 2 + 1) is None


def test_values_of_parameters_lie_in_their_ranges() -> None:
    loss = Loss(
        -inner(x, x_pos) + rho * pull + beta * half_sq(x, x_pos) + tau * pull,
        ranges={"rho": (0, Rational(1, 10)), "beta": (-3, -2), "tau": (5, None)},
    )
    found = values_for(loss, 4, 2)
    assert 0 < found["rho"] < Rational(1, 10)
    assert -3 < found["beta"] < -2
    assert found["tau"] > 5
    assert values_for(one_sided(K), 4, 2) == {"K": 4}


def test_a_landscape_of_one_s_own_takes_parameters_for_positive() -> None:
    assert Landscape("own", {"A": -rho}, {("S", "S"): sympy.S.One}, {}).ranges == Ranges()
