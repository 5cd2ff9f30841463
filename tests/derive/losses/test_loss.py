"""Random definitions: the way they are written does not matter, and what is derived is what they say."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sympy import Rational, Symbol

from derive import (
    CATALOGUE,
    Expansion,
    InputError,
    Loss,
    Mean,
    NotAnalyticError,
    catalogue,
    diagonal_sum,
    exp,
    half_sq,
    inner,
    log,
    sqrt,
    views,
    white_noise,
)
from derive.definition.expression import Coordinate, CoordinateSum
from derive.definition.views import Index, View
from numeric.invariants import order_values
from verify.truths.settings import case
from verify.truths.taylor import cauchy, circle

# A recipe is a tree of tuples; x and p are two views of the anchor, c and q two views of another datum.
NAMES = {"x": "x", "p": "x_pos", "c": "chi", "q": "chi_pos"}


def leaf(names):
    ends = st.sampled_from(names)
    return st.tuples(st.sampled_from(("inner", "half_sq")), ends, ends)


def trees(names, depth):
    if depth == 0:
        return leaf(names)
    inside = trees(names, depth - 1)
    below = st.lists(inside, min_size=2, max_size=3)
    choices = [
        leaf(names),
        st.tuples(st.just("sum"), below, st.integers(-2, 2)),
        st.tuples(st.just("product"), below),
        st.tuples(st.sampled_from(("exp", "log", "inverse", "root", "square")), inside),
    ]
    if "c" not in names:
        bound = trees((*names, "c", "q"), depth - 1)
        choices.append(st.tuples(st.just("mean"), bound, st.sampled_from((None, None, 2))))
    return st.one_of(choices)


def build(recipe, of, order=list):
    """The expression of a recipe; ``of`` names the views, ``order`` shuffles what commutes."""
    match recipe:
        case ("inner", u, v):
            return inner(*order([of[u], of[v]]))
        case ("half_sq", u, v):
            return half_sq(*order([of[u], of[v]]))
        case ("sum", parts, number):
            first, *rest = order([build(part, of, order) for part in parts])
            for part in rest:
                first = first + part
            return number + first if order is list else first + number
        case ("product", parts):
            first, *rest = order([build(part, of, order) for part in parts])
            for part in rest:
                first = first * part
            return first
        case ("mean", body, count):
            return Mean(build(body, of, order), over=order([of["c"], of["q"]]), count=count)
        case (what, body):
            part = build(body, of, order)
            return {
                "exp": lambda: exp(part),
                "log": lambda: log(7 + part),
                "inverse": lambda: 1 / (7 - part),
                "root": lambda: sqrt(7 + part),
                "square": lambda: part * part if order is list else part**2,
            }[what]()
    raise AssertionError(recipe)


def named(names):
    return dict(zip(NAMES, views(names), strict=True))


def expanded(loss):
    """The expansion, or what it is refused with: some of the random logarithms and roots have no real value at 0."""
    try:
        return loss.expand(order=4)
    except InputError as error:
        return type(error)


recipes = trees(("x", "p"), 3)
quiet = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@settings(quiet, max_examples=80)
@given(recipe=recipes, data=st.data())
def test_the_writing_of_a_definition_does_not_matter(recipe, data):
    plain = Loss(build(recipe, named("x, x_pos, chi, chi_pos")))
    turned = Loss(build(recipe, named("w, w_one, a, a_b"), lambda parts: data.draw(st.permutations(parts))))
    assert expanded(turned) == expanded(plain)


@settings(quiet, max_examples=60)
@given(recipe=recipes, seed=st.integers(0, 99))
def test_a_random_definition_has_the_value_it_says(recipe, seed):
    """Orders 2 and 4 against the definition evaluated on cubature nodes at complex t·W."""
    loss = Loss(build(recipe, named("x, x_pos, chi, chi_pos")))
    expansion = expanded(loss)
    assume(isinstance(expansion, Expansion))
    here = case(loss, {}, seed=seed)
    assert here.truth.how == "definition evaluated"
    ts = circle(0.1, 16)
    orders = range(2, 6, 2)
    measured = cauchy(here.truth.averaged(ts, 4), ts, orders)
    at = here.setting
    derived = order_values(expansion, at.W, at.covariances.A0, at.covariances.Sigma)
    scale = 1 + np.abs(measured).max()
    assert list(derived.values()) == pytest.approx(list(measured), abs=1e-6 * scale)


x, x_pos, chi = views("x, x_pos, chi")
N, alpha = Symbol("N"), Symbol("alpha")


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_normalised_loss_has_degree_0(name):
    with pytest.raises(NotAnalyticError) as refused:
        catalogue(name).normalised().expand()
    assert refused.value.degree == 0
    assert refused.value.reason == str(refused.value)
    assert catalogue(f"{name}+normalised") == catalogue(name).normalised()


def test_a_normalised_loss_with_weight_decay_is_not_homogeneous():
    with pytest.raises(NotAnalyticError) as refused:
        catalogue("infonce+weight-decay+normalised").expand()
    assert refused.value.degree is None


def test_a_norm_has_degree_1():
    with pytest.raises(NotAnalyticError) as refused:
        Loss(sqrt(inner(x, x))).expand()
    assert refused.value.degree == 1


def test_what_vanishes_only_in_part_is_analytic():
    assert Loss(sqrt(1 + inner(x, x))).expand(order=2).text() == "½ Tr[W Σ Wᵀ] + O(W⁴)"
    assert Loss(inner(x, x) ** 2).expand(order=2).text() == "O(W⁴)"


@pytest.mark.parametrize("name", ["<b>", "\\input{a}", "a b", "", "x$"])
def test_a_name_is_a_name(name):
    """Names are written into LaTeX, pages and terminals as they are."""
    said = (
        f"loss: {name!r} is not a name of a parameter, a view or a coordinate; use letters, digits and _, as"
        " in alpha or"
        " x_pos (Greek letters are written by name)"
    )
    made = [
        lambda: Loss(Symbol(name) * inner(x, x_pos)),
        lambda: Loss(inner(x, View(name, "x"))),
        lambda: Loss(Mean(inner(x, View(name, "y")), over=View(name, "y"))),
        lambda: Loss(CoordinateSum(Coordinate(x, Index(name)), Index(name))),
    ]
    for make in made[not name :]:
        with pytest.raises(InputError) as refused:
            make()
        assert str(refused.value) == said


@pytest.mark.parametrize("value", [Rational(1, 3), 3])
def test_a_value_put_in_before_or_after_gives_the_same(value):
    """Roots of 1/N, and of a square whose base may be negative."""
    for weight in (1 / N, (alpha - 1) ** 2):
        loss = Loss(exp(2 * sqrt(half_sq(x, x_pos) + weight)))
        put = {"alpha": value, "N": 4}
        put = {name: one for name, one in put.items() if name in loss.parameters}
        after, before = loss.expand(order=4).set(put), loss.set(put).expand(order=4)
        assert (after.terms, after.constant) == (before.terms, before.constant)


def test_parameters_are_listed_by_name():
    assert list(catalogue("weighted-infonce").parameters) == ["N", "alpha"]
    assert list(catalogue("infonce").parameters) == []
    assert "d1" in catalogue("vicreg").parameters


def test_setting_a_parameter():
    loss = catalogue("weighted-infonce").set({"alpha": Rational(1, 10)})
    assert list(loss.parameters) == ["N"]
    assert loss.set({}) == loss
    assert catalogue("weighted-infonce").set({"alpha": 1}).expand().terms == catalogue("infonce-batch").expand().terms


def test_modifiers_add_to_the_loss():
    decay = catalogue("infonce").with_weight_decay(Rational(1, 2))
    assert {"A0": 1, "C": 0, "I": Rational(-1, 2)} == decay.expand(order=2).B
    penalty = catalogue("infonce").with_norm_penalty(alpha, 0)
    assert penalty.expand(order=2).B == {"A0": 1, "C": 0}
    assert penalty.name == "infonce+norm-penalty"


def test_a_definition_is_written():
    assert catalogue("infonce").text() == "E_x[½|f(x)−f(x′)|² + log E_χ exp(−½|f(x)−f(χ)|²)]"
    assert catalogue("spectral").text() == "E_x[−2 ⟨f(x), f(x′)⟩ + E_χ[⟨f(x), f(χ)⟩²]]"
    assert catalogue("infonce")._repr_latex_().startswith(r"$\displaystyle \mathbb{E}_{x}")


def test_losses_are_values():
    assert catalogue("dcl") == catalogue("dcl")
    assert hash(catalogue("dcl")) == hash(catalogue("dcl"))
    with pytest.raises(AttributeError):
        catalogue("dcl").name = "other"


def test_white_noise_makes_weight_decay():
    g = white_noise("g")
    assert Loss(Mean(inner(g, g), over=g)).expand(order=2).text() == "Tr[W Wᵀ] + O(W⁴)"
    assert Loss(inner(x, x_pos) + Mean(inner(x, g) ** 2, over=g)).expand(order=4).terms_of_order(4)[0].order == 4


def test_the_samples_of_a_loss():
    (sample,) = catalogue("ntxent").samples
    assert (sample.datum, sample.count) == ("chi", N - 1)
    assert catalogue("infonce").samples == ()


def test_a_clash_of_parameters():
    with pytest.raises(InputError) as refused:
        catalogue("vicreg-soft").with_norm_penalty()
    assert str(refused.value) == ("vicreg-soft already has a parameter 'c'; give norm-penalty a symbol of another name")
    assert catalogue("vicreg-soft").with_norm_penalty(alpha, 1).expand(order=2).order == 2


# What is read off a definition.


def test_what_sees_no_coordinates_is_invariant_under_rotations():
    for name, loss in CATALOGUE.items():
        if loss.rotation_invariant:
            assert loss.expand(order=4).rotation_invariant, name
    assert not any(catalogue(name).rotation_invariant for name in ("barlow-twins", "vicreg", "vicreg-soft"))


def test_which_losses_depend_on_moments_alone():
    names = ("spectral", "barlow-twins", "vicreg", "vicreg-soft", "infonce", "ntxent", "siglip", "alignment-uniformity")
    assert [name for name in names if catalogue(name).depends_on_moments] == list(names[:4])
    x, x_pos = views("x, x_pos")
    assert not Loss(1 / (1 + half_sq(x, x_pos))).depends_on_moments
    assert Loss(1 / (1 + Mean(half_sq(x, x_pos), over=(x, x_pos)))).depends_on_moments


@pytest.mark.parametrize(
    ("entry", "even"),
    [
        (lambda f: f, False),
        (lambda f: f**2, True),
        (lambda f: f**3 * f, True),
        (lambda f: f + f**2, False),
        (exp, False),
        (lambda f: exp(f**2), True),
    ],
)
def test_which_losses_are_even(entry, even):
    (x,) = views("x")
    assert Loss(diagonal_sum(lambda i: entry(Coordinate(x, i)))).even is even
    assert all(catalogue(name).even for name in ("siglip", "vicreg", "barlow-twins"))
