"""The model f(x) = W x + b: its words against the definitions at W x + b on cubature nodes, in W and b jointly."""

from dataclasses import replace
from functools import cache
from itertools import permutations

import numpy as np
import pytest
import sympy
from sympy import Rational

from derive import (
    CATALOGUE,
    Elliptical,
    InputError,
    Loss,
    Mean,
    NotAnalyticError,
    SecondMoment,
    catalogue,
    closed_form,
    diagonal_sum,
    exp,
    half_sq,
    inner,
    log,
    off_diagonal_sum,
    views,
)
from derive.algebra.alphabet import BIAS, END
from derive.algebra.words import invariant, paired, substitute, trace
from derive.definition.expression import Coordinate, CoordinateSum
from derive.definition.views import Index
from derive.expansion.wick import constant_legs, contract
from numeric.invariants import order_values, product_value, products
from numeric.sampling import random_covariances
from verify.routes import autodiff
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.settings import case
from verify.truths.taylor import cauchy, circle

x, x_pos, chi = views("x, x_pos, chi")
M = SecondMoment(x, x_pos)
DIFFERENCES = ["infonce", "infonce-batch", "weighted-infonce", "beta-infonce", "alignment-uniformity", "vicreg"]
ONE_ENCODER = [name for name in CATALOGUE if catalogue(name).encoders == 1]
SEES_B = [name for name in ONE_ENCODER if name not in DIFFERENCES]
BIASED = [*(f"{name}+bias" for name in ONE_ENCODER), "infonce+weight-decay+norm-penalty+bias", "dcl+bias+norm-penalty"]


def cubed(view, power=3):
    """Σ_i E f(view)_i^power."""
    i = Index("i")
    return CoordinateSum(Mean(Coordinate(view, i) ** power, over=view), i)


# Losses that single out coordinates in ways that none of the catalogue does.
STRANGE = {
    "third moments": Loss(cubed(x) ** 2 + cubed(x, 4)),
    "means": Loss(cubed(x, 1) ** 2 + cubed(x, 1) * cubed(x)),
    "all entries": Loss(off_diagonal_sum(lambda i, j: M[i, j] * (1 + M[i, j] ** 2)) + cubed(x, 1) ** 4),
    "skew": Loss(cubed(x, 1) ** 3 * cubed(x) + diagonal_sum(lambda i: M[i, i] ** 3)),
}


def words_of_b(expansion):
    return [term for term in expansion.terms if any(BIAS in word for one in term.invariants for _, word, _ in one)]


@cache
def measured(name, order, size):
    return autodiff.measure(case(catalogue(name), {}, seed=3, size=size), order)


# The words.


def test_ends_in_b_are_joined_in_one_way():
    links = (END, "S", 0), (END, "", 0), (END, "A", 1), (END, "", 1), (0, "S", 1), (0, "C", 0)
    (expected,) = paired((invariant(links),))
    assert [word.count(BIAS) for _, word, _ in expected].count(1) == 2
    for order in permutations(links):
        assert paired((order,)) == (expected,)


def test_b_at_both_ends_is_a_trace_word():
    assert invariant(((END, "SA", END),)) == trace("DSA")
    assert invariant(((END, "", END),)) == trace("D")


def test_joining_does_not_depend_on_how_a_product_was_cut():
    one, three = ((END, "", 0),), ((END, "S", 0), (END, "", 0), (END, "", 0))
    assert paired((one, one, three, three)) == paired((three, one, three, one))
    assert paired((one,) * 4) == (((0, "D", 1),),) * 2


def test_a_new_letter_joins_anew():
    """Σ_i (C b)_i (Σ b)_i b_i² Σ_ii, spelled by C = Σ − A0."""
    before = paired((((END, "C", 0), (END, "S", 0), (END, "", 0), (0, "S", 0), (END, "", 0)),))
    after = substitute(before, {"C": {"S": 1, "A": -1}})
    generator = np.random.default_rng(0)
    W, b = generator.standard_normal((3, 3)), generator.standard_normal(3)
    data = random_covariances(generator, 3)
    of = products(W, data.letters, b)
    expected = np.sum((of["C"] @ b) * (of["S"] @ b) * b**2 * np.diag(of["S"]))
    assert product_value(before, of) == pytest.approx(expected, rel=1e-12)
    assert sum(weight * product_value(key, of) for key, weight in after.items()) == pytest.approx(expected, rel=1e-12)


def test_white_noise_is_never_constant():
    from derive.algebra.graphs import VIEW, WHITE, Vertex

    g, v = Vertex(WHITE, 0, 0), Vertex(VIEW, 1, 0)
    assert constant_legs(((g, g),)) == {((g, g),): 1}
    assert len(constant_legs(((v, g),))) == 2
    assert contract(((g, g),)) == {(trace("I"),): 1}


# Against the definitions.


@pytest.mark.parametrize(
    ("name", "size"),
    [(name, size) for name in BIASED for size in ((2, 3) if catalogue(name).samples else (2,))],
)
def test_orders_2_and_4_are_those_of_the_torch_loss(name, size):
    loss = catalogue(name)
    found = autodiff.compare(measured(name, 4, size), loss.expand(order=4))
    assert found.agrees, found
    assert abs(found.measured - found.predicted) < 1e-9


@pytest.mark.parametrize("name", ["siglip+bias", "dcl+bias", "barlow-twins+bias"])
def test_order_6_is_that_of_the_torch_loss(name):
    found = autodiff.compare(measured(name, 6, 2), catalogue(name).expand(order=6))
    assert found.agrees, found
    assert abs(found.measured - found.predicted) < 1e-9


@pytest.mark.parametrize("name", SEES_B)
def test_a_word_of_b_dropped_or_halved_is_rejected(name):
    expansion = catalogue(f"{name}+bias").expand(order=4)
    before = measured(f"{name}+bias", 4, 2 if name in ("spectral", "barlow-twins", "vicreg-soft") else 3)
    wrong = words_of_b(expansion)
    assert wrong
    for term in wrong:
        for factor in (0, Rational(1, 2), -1):
            mutant = expansion.with_terms(
                (t.invariants, t.coefficient * (factor if t is term else 1)) for t in expansion.terms
            )
            assert autodiff.compare(before, mutant).agrees is False, (term, factor)


@pytest.mark.parametrize("basis", ["A0,Sigma", "A0,C"])
@pytest.mark.parametrize("name", STRANGE)
def test_sums_over_coordinates_are_those_of_the_definition(name, basis):
    loss = STRANGE[name].with_bias()
    at = case(loss, {}, seed=5, dimension=2)
    truth = EvaluatedTruth(loss, at.setting)
    ts = circle(0.5)
    expected = cauchy(truth.averaged(ts, 6), ts, range(2, 7, 2))
    expansion = loss.expand(order=6, basis=basis)
    assert words_of_b(expansion)
    data = at.setting.covariances
    values = order_values(expansion.set({}), at.setting.W, data.A0, data.Sigma, at.setting.bias)
    assert list(values.values()) == pytest.approx(list(expected), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", [*STRANGE, *SEES_B])
def test_there_and_back_in_another_basis_is_the_same(name):
    loss = STRANGE[name].with_bias() if name in STRANGE else catalogue(f"{name}+bias")
    expansion = loss.expand(order=6)
    assert expansion.in_basis("A0,C").in_basis("A0,Sigma") == expansion
    assert expansion.in_basis("A0,C") == loss.expand(order=6, basis="A0,C")


@pytest.mark.parametrize("name", ["siglip+bias", "dcl+bias", "ntxent+bias"])
def test_a_centred_training_set_with_a_bias(name):
    loss = catalogue(name)
    at = case(loss, {}, seed=1, size=4, sampling="fixed")
    ts = circle(0.05)
    expected = cauchy(at.truth.averaged(ts, 2), ts, range(2, 3, 2))
    expansion = loss.expand(order=2, sampling="fixed").set({name: v for name, v in at.values.items() if name != "d1"})
    data = at.setting.covariances
    values = order_values(expansion, at.setting.W, data.A0, data.Sigma, at.setting.bias)
    assert values[2] == pytest.approx(float(expected[0]), rel=1e-9)


def test_elliptical_data_scale_without_their_bias():
    """E⟨W s g + b, W s′ g′ + b⟩²: only the two-by-two parts have a moment of s beside."""
    loss = Loss(inner(x, x_pos) ** 2).with_bias()
    b, ba, bs, a = (trace(word) for word in ("D", "DA", "DS", "A"))
    expected = {(b, b): 1, (bs,): 2, (ba,): 2, tuple(sorted((a, b))): 2}
    for per in ("datum", "view"):
        terms = loss.expand(4, data=Elliptical({1: Rational(9, 10), 4: 2}, per=per)).terms
        found = {term.invariants: term.coefficient for term in terms}
        assert {key: value for key, value in found.items() if key in expected} == expected
        assert len(found) == len(expected) + 3
        # E[s⁴] where the two share s; A0 is in units of E[s]² where they do not.
        assert found[a, a] == (2 if per == "datum" else Rational(9, 10) ** -4)


# What is known of them.


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_loss_of_differences_does_not_see_the_bias(name):
    order = 8 if name != "weighted-infonce" else 6
    assert catalogue(f"{name}+bias").expand(order).terms == catalogue(name).expand(order).terms


@pytest.mark.parametrize("name", SEES_B)
def test_without_its_words_of_b_it_is_the_expansion_without_a_bias(name):
    expansion = catalogue(f"{name}+bias").expand(6)
    left = [term for term in expansion.terms if term not in words_of_b(expansion)]
    assert tuple(left) == catalogue(name).expand(6).terms


def test_the_norm_penalty_is_that_of_the_whole_embedding():
    kappa, c = sympy.symbols("kappa c")
    plain, both = catalogue("infonce").expand(4), catalogue("infonce+norm-penalty+bias").expand(4)
    s, b = trace("S"), trace("D")
    penalty = {(s,): -2 * kappa * c, (b,): -2 * kappa * c, (b, s): 2 * kappa, (s, s): kappa, (b, b): kappa}
    assert (
        both.terms == both.with_terms([(t.invariants, t.coefficient) for t in plain.terms] + [*penalty.items()]).terms
    )
    assert both.bias_curvature == 2 * kappa * c
    assert both.B == catalogue("infonce+norm-penalty").expand(4).B


def test_weight_decay_leaves_b_alone():
    plain = catalogue("spectral+weight-decay").expand(4)
    for name in ("spectral+weight-decay+bias", "spectral+bias+weight-decay"):
        expansion = catalogue(name).expand(4)
        assert words_of_b(expansion) == words_of_b(catalogue("spectral+bias").expand(4))
        assert expansion.B == plain.B


def test_values_are_put_into_words_of_b():
    expansion = catalogue("siglip+bias").expand(4)
    at_2 = expansion.set({"N": 2, "t": 1, "b": 0})
    assert at_2.symbols == ()
    assert at_2.bias_curvature == 0
    assert expansion.set({"N": 2}).set({"t": 1, "b": 0}) == at_2
    assert expansion.bias
    assert expansion.truncate(2).bias
    assert expansion.only(2) != replace(expansion.only(2), bias=False)


def test_a_bias_is_part_of_a_normalised_loss():
    for name in ("infonce+normalised+bias", "infonce+bias+normalised"):
        loss = catalogue(name)
        assert loss.bias
        with pytest.raises(NotAnalyticError):
            loss.expand()


def test_there_is_one_bias():
    with pytest.raises(InputError, match=r"infonce\+bias already has a bias; f\(x\) = W x \+ b has one"):
        catalogue("infonce+bias").with_bias()


def test_an_odd_order_is_refused():
    loss = Loss(cubed(x))
    assert loss.expand(4).terms == ()
    message = r"a bias leaves a term of odd order 3 in \(W, b\)"
    with pytest.raises(InputError, match=message):
        loss.with_bias().expand(4)
    # Odd parts that cancel are none.
    assert Loss(cubed(x) - cubed(x_pos) + inner(x, x)).with_bias().expand(4).terms


# How they are written.


def test_words_of_b_in_text_and_latex():
    expansion = catalogue("spectral+bias").expand(4)
    assert expansion.text() == ("−2 Tr[W A0 Wᵀ] − 2 |b|² + Tr[(W Σ Wᵀ)²] + 2 bᵀ W Σ Wᵀ b + |b|⁴ + O((W, b)⁶)")
    assert expansion.latex() == (
        r"-2 \operatorname{Tr}[W A_0 W^{\top}] - 2 \|b\|^{2} + \operatorname{Tr}[(W \Sigma W^{\top})^{2}]"
        r" + 2 b^{\top} W \Sigma W^{\top} b + \|b\|^{4} + O(\|(W, b)\|^{6})"
    )
    one = expansion.with_terms([((trace("DSS"), trace("DSS")), sympy.Integer(3)), ((trace("DAS"),), sympy.Integer(1))])
    assert one.text().startswith("bᵀ W A0 Wᵀ W Σ Wᵀ b + 3 (bᵀ (W Σ Wᵀ)² b)²")
    assert "(b bᵀ)_ii²" in catalogue("barlow-twins+bias").expand(4).text()
    assert catalogue("infonce+bias").expand(4).text().endswith("+ O((W, b)⁶)")


def test_words_of_b_in_json():
    written = catalogue("spectral+bias").expand(4).to_json()
    assert written["model"] == "W x + b"
    assert written["terms"][1] == {"order": 2, "coefficient": "-2", "traces": [["bias"]]}
    assert "model" not in catalogue("spectral").expand(4).to_json()


def test_sympy_has_the_same_value():
    expansion = catalogue("spectral+bias").expand(4)
    W = sympy.Matrix(2, 2, [1, -2, Rational(1, 2), 1])
    A0, Sigma, b = sympy.Matrix([[2, 1], [1, 2]]), sympy.Matrix([[4, 1], [1, 3]]), sympy.Matrix([Rational(1, 3), -1])
    written = expansion.to_sympy().subs(dict.fromkeys(sympy.symbols("d_1 d_0", integer=True, positive=True), 2))
    for name, matrix in {"W": W, "A_0": A0, "Sigma": Sigma, "b": b}.items():
        written = written.subs(sympy.MatrixSymbol(name, *matrix.shape), sympy.ImmutableMatrix(matrix))
    numbers = [np.array(one, dtype=float) for one in (W, A0, Sigma)]
    expected = sum(order_values(expansion, *numbers, np.array(b, dtype=float)[:, 0]).values())
    assert float(written.doit()) == pytest.approx(expected, rel=1e-12)


def test_sympy_has_entries_of_b():
    assert "Sum(b[i, 0]**4" in str(catalogue("barlow-twins+bias").expand(4).to_sympy())


# Closed forms.


@pytest.mark.parametrize("name", ["infonce", "beta-infonce", "alignment-uniformity"])
def test_the_closed_form_of_differences_stays(name):
    with_bias, without = closed_form(catalogue(f"{name}+bias")), closed_form(catalogue(name))
    assert (with_bias.text(), with_bias.series(8).terms) == (without.text(), without.series(8).terms)


@pytest.mark.parametrize("name", ["spectral+bias", "barlow-twins+bias", "infonce+norm-penalty+bias"])
def test_polynomials_close_with_a_bias(name):
    loss = catalogue(name)
    closed = closed_form(loss)
    assert closed.series(8).terms == loss.expand(8).terms
    assert words_of_b(closed.polynomial)


def test_a_logarithm_that_sees_the_bias_does_not_close():
    for argument in (inner(x, chi), -half_sq(x, chi) + inner(x, x) / 5):
        loss = Loss(log(Mean(exp(argument), over=chi)))
        assert closed_form(loss) is not None
        assert closed_form(loss.with_bias()) is None
    same = Loss(log(Mean(exp(inner(x, chi) - inner(x, x) / 2 - inner(chi, chi) / 2), over=chi)))
    assert closed_form(same.with_bias()) is not None
