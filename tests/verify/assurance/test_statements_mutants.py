"""Each check of a statement, on what is right and on what is wrong."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy

sys.path.insert(0, str(Path(__file__).parent))

from statements.bounding import check_bounded
from statements.collapsing import check_claim, check_collapse
from statements.drawing import assembled
from statements.formulas import read
from statements.higher import check_higher
from statements.listing import check_by_mode, check_points
from statements.minimising import index
from statements.one_eigenvalue import check_one_eigenvalue, kept
from statements.parts import CLOSED, COORDINATES, LINEAR, QUARTIC
from statements.samples import SAMPLES
from statements.sentences import When, claim, said
from statements.settings import Tally, settings
from statements.single_mode import check_exact, check_transition

from derive.landscape.summary import described

HALF = sympy.Rational(1, 2)


def made(*parts, **options):
    """A loss of (weight, family, name), its description read, and settings to check it at."""
    families = {"linear": LINEAR, "quartic": QUARTIC, "coordinates": COORDINATES}
    bias = options.get("bias", False)
    built = []
    for factor, family, name in parts:
        weight = sympy.sympify(factor)
        part = CLOSED[name](sympy.S.One) if family == "closed" else families[family][name](bias)
        built.append((name, part.weighted(weight)))
    loss = assembled(built, 7, **options)
    found = said(described(loss.loss, loss.loss.expand(order=4), loss.limit))
    assert not found.faults
    return loss, found, settings(loss, 12)


INFONCE = ((1, "linear", "distance"), (1, "closed", "uniformity"))
WEIGHTED = ((1, "linear", "distance"), (sympy.Symbol("beta"), "closed", "uniformity"))
SPECTRAL = ((-2, "linear", "alignment"), (1, "quartic", "spectral"))
# Weak enough a target for some modes to be lost.
PENALISED = {"norm": (sympy.Integer(20), sympy.Rational(1, 100))}


@pytest.fixture(scope="module")
def infonce():
    return made(*INFONCE)


@pytest.fixture(scope="module")
def weighted():
    return made(*WEIGHTED)


def checked(check, found, at, *, also=True):
    """The kinds of statements that a check calls wrong; it has to have checked some."""
    tally = Tally()
    with np.errstate(all="ignore"):
        check(found, at[:4] if check in (check_exact, check_transition, check_bounded) else at, tally)
    assert not also or tally.right or tally.wrong
    return {kind for kind, _ in tally.wrong}


def test_stationary_points_that_are_wrong_are_found():
    _, found, at = made(*INFONCE, **PENALISED)
    assert not checked(check_points, found, at)
    (points,) = found.points

    def wrong(**changes):
        return checked(check_points, replace(found, points=(replace(points, **changes),)), at)

    assert "stationary: formula" in wrong(factor=("*", ("number", 2.0), points.factor))
    assert "stationary: formula" in wrong(theta=("*", ("number", 0.99), points.theta))
    assert "stationary: loss" in wrong(loss=("*", ("number", 1.1), points.loss))
    assert "index" in wrong(index=points.index.replace("λ_i > θ", "λ_i > 0"))


def test_what_is_told_in_correlations_is_held_against_the_loss(weighted):
    """b_i in λ_i, and the conditions in words and in λ_i alone."""
    _, found, at = weighted
    (points,) = found.points
    assert points.name == "b"
    assert not checked(check_points, found, at)
    turned = replace(points, own=("neg", points.own))
    assert "stationary: formula" in checked(check_points, replace(found, points=(turned,)), at)
    assert {(name, form) for name, form, _ in found.told} == {
        (name, form) for name in ("dimensional", "complete") for form in (", in words", ", in λ_i")
    }
    assert not checked(check_collapse, found, at)
    (one, *others) = found.told
    off = (*one[:2], tuple((where, replace(some, formula=read("1 - λ_i <= 0"))) for where, some in one[2]))
    assert checked(check_collapse, replace(found, told=(off, *others)), at)


@pytest.mark.parametrize(
    ("key", "wrong", "kind"),
    [
        ("level", "1 - lambda_i", "all orders: level in λ_i"),
        ("stationary", ["8*lambda_i"], "all orders: stationary in λ_i"),
        ("collapse", "lambda_i - 2 <= 0", "all orders: collapse in λ_i"),
    ],
)
def test_exact_landscapes_that_are_wrong_in_correlations_are_found(weighted, key, wrong, kind):
    _, found, at = weighted
    assert not checked(check_exact, found, at)
    exact = {**found.correlations["exact"], key: wrong}
    off = replace(found, correlations={**found.correlations, "exact": exact})
    assert kind in checked(check_exact, off, at)
    # The printed line is read as well.
    line = found.exact_lines[0].replace("λ_i", "2 λ_i")
    off = replace(found, exact_lines=(line, *found.exact_lines[1:]))
    assert "all orders: stationary in λ_i" in checked(check_exact, off, at)


def test_a_list_that_lacks_a_minimum_is_found():
    # Two lists of which one is of a sign that does not hold: nothing is listed.
    _, found, at = made(*INFONCE)
    nothing = replace(found.points[0], factor=("neg", found.points[0].factor))
    assert "stationary: all" in checked(check_points, replace(found, points=(nothing,)), at)


SADDLES = (
    (-1, "linear", "power"),
    (1, "linear", "distance"),
    (-1, "quartic", "spectral"),
    (2, "quartic", "norm squared"),
)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        # q₁ > 0 > q₁ + m q₂ for several modes; q₁ < 0.
        (
            ((1, "linear", "alignment"), (1, "quartic", "spectral"), (-3, "quartic", "norm squared")),
            " + 1 where 1 - 3 m < 0",
        ),
        (SADDLES, " + m(m + 1)/2, less 1 where 2 m - 1 > 0"),
    ],
)
def test_an_index_that_leaves_something_out_is_found(parts, words):
    _, found, at = made(*parts)
    (points,) = found.points
    assert words in points.index
    assert "index" not in checked(check_points, found, at)
    short = replace(points, index=points.index.replace(words, ""))
    assert "index" in checked(check_points, replace(found, points=(short,)), at)


INDEX_0 = "the points of index 0, where no λ_i is 0"
FALLS = "the landscape falls to −∞"
M_LARGEST = "the m largest λ_i, all that are > {} or as many of them as d1: global, rank m, no other point a minimum"


@pytest.mark.parametrize(
    ("parts", "minima", "kind"),
    [
        (
            ((-1, "linear", "power"), (1, "linear", "distance"), (-1, "quartic", "spectral")),
            M_LARGEST.format(0),
            "minima: global, unbounded",
        ),
        (SADDLES, M_LARGEST.format("θ"), "minima: which"),
        (SADDLES, f"none: {FALLS}", "minima: falls"),
        (SADDLES, "W = 0: global, no other point a minimum", "minima: which"),
        (
            SPECTRAL,
            f"{INDEX_0}; none of them global: {FALLS}",
            "minima: falls",
        ),
        (SPECTRAL, "the largest λ_i alone: global, no other point a minimum", "minima: which"),
        (
            SPECTRAL,
            f"{INDEX_0}; none of them global where a_i > 0 for some i, as {FALLS}; elsewhere the lowest of them is",
            "minima: falls",
        ),
    ],
)
def test_minima_that_are_wrong_are_found(parts, minima, kind):
    _, found, at = made(*parts)
    (points,) = found.points
    assert not checked(check_points, found, at)
    assert kind in checked(check_points, replace(found, points=(replace(points, minima=minima),)), at)


def test_collapse_that_is_wrong_is_found(weighted):
    _, found, at = weighted
    assert not checked(check_collapse, found, at)
    assert not checked(check_claim, found, at, also=False)
    other = {"<=": ">", ">=": "<", "<": ">=", ">": "<="}
    ((_, some),), ((_, every),) = found.dimensional, found.complete
    head, *sides = some.formula

    def wrong(**changes):
        return checked(check_collapse, replace(found, **{name: (("", one),) for name, one in changes.items()}), at)

    assert wrong(dimensional=replace(some, formula=(other[head], *sides)))
    assert wrong(dimensional=replace(some, quantifier="all"))
    assert wrong(complete=replace(every, quantifier="some"))
    for text in ("never", "always"):
        assert wrong(dimensional=When(text, None))
        assert wrong(complete=When(text, None))


def test_never_is_no_always(infonce):
    _, found, at = infonce
    assert not checked(check_collapse, found, at)
    assert checked(check_collapse, replace(found, dimensional=(("", When("always", None)),)), at)
    assert checked(
        check_collapse, replace(found, notes=("one mode alone is kept, that of the largest ratio b_i/x_i",)), at
    )


@pytest.mark.parametrize(
    "text",
    [
        "Unbounded below: the loss falls to −∞ as W grows, and has no minimum.",
        "Through order 4 nothing holds W back: that landscape falls to −∞ and has no minimum.",
        "Collapses completely: W = 0 is the minimum.",
        "Through order 4, it collapses completely: W = 0 is the minimum.",
        "Always loses modes: one mode alone is kept; never collapses completely.",
        "Loses mode i where a_i - c_i ≤ 0, and collapses completely where that holds for all i.",
        "Loses modes under a condition (below); collapses completely where a_i - c_i ≤ 0 for all i.",
    ],
)
def test_first_sentences_that_are_wrong_are_found(infonce, text):
    _, found, at = infonce
    assert not checked(check_claim, found, at)
    assert checked(check_claim, replace(found, claim=claim(text)), at)


def test_a_loss_that_keeps_nothing_does_not_keep_every_mode():
    _, found, at = made((1, "linear", "power"), (1, "quartic", "spectral"))
    assert not checked(check_claim, found, at)
    text = "Keeps every mode with λ_i > 0, whatever the augmentation; never collapses completely."
    assert checked(check_claim, replace(found, claim=claim(text)), at)


@pytest.mark.parametrize(
    ("key", "wrong", "kind"),
    [
        ("exponent", "1/4", "transition: exponent"),
        ("rate_kept", "2*epsilon", "transition: rate above"),
        ("rate_collapsed", "epsilon", "transition: rate below"),
        ("descent", "a_i*beta - c_i", "transition: ε"),
        ("descent", "0", "transition: ε ≡ 0"),
    ],
)
def test_transitions_that_are_wrong_are_found(weighted, key, wrong, kind):
    _, found, at = weighted
    assert not checked(check_transition, found, at)
    assert kind in checked(check_transition, replace(found, transition={**found.transition, key: wrong}), at)


def test_a_continuous_transition_where_the_quartic_falls_is_found():
    loss, found, at = made((1, "linear", "distance"), (-1, "linear", "power"), (-1, "quartic", "spectral"))
    assert loss.through4.symbols == set()
    transition = {"descent": "a_i", "exponent": "1/2", "rate_kept": "4*epsilon", "rate_collapsed": "2*epsilon"}
    assert checked(check_transition, replace(found, transition=transition), at)


@pytest.mark.parametrize(
    ("key", "wrong", "kind"),
    [
        ("stationary", ["8*a_i/(-a_i + 3*c_i + sqrt((a_i + c_i)*(a_i + 9*c_i)))"], "all orders: stationary"),
        ("stationary", [], ""),
        ("level", "c_i/(a_i + c_i)", "all orders: level"),
        ("collapse", "True", "all orders: collapse"),
        ("collapse", "a_i - c_i <= 0", "all orders: collapse"),
        ("ratio_near_transition", "1 - b_i", "all orders: ratio"),
        ("ratio_near_transition", "nan", "all orders: ratio"),
    ],
)
def test_exact_landscapes_that_are_wrong_are_found(infonce, key, wrong, kind):
    _, found, at = infonce
    assert not checked(check_exact, found, at)
    kinds = checked(check_exact, replace(found, exact={**found.exact, key: wrong}), at)
    assert (kind in kinds) if kind else not kinds


def test_roots_beyond_the_domain_are_found():
    _, found, at = made((-2, "linear", "power"), (1, "closed", "repulsion"))
    beyond = {**found.exact, "domain": None, "stationary": [*found.exact["stationary"], "3"]}
    assert "all orders: in the domain" in checked(check_exact, replace(found, exact=beyond), at)
    assert "all orders: domain" in checked(check_exact, replace(found, exact={**found.exact, "domain": "h_i < 2"}), at)
    fewer = {**found.exact, "stationary": ["1000*a_i"]}
    assert "all orders: no other" in checked(check_exact, replace(found, exact=fewer), at)


def test_bounds_that_are_wrong_are_found(infonce):
    _, found, at = infonce
    assert not checked(check_bounded, found, at)
    assert checked(check_bounded, replace(found, below={**found.below, "verdict": "unbounded"}), at)
    faster = "in closed form each mode grows like (2*c_i/(a_i + c_i)) h"
    assert checked(check_bounded, replace(found, below={**found.below, "reason": faster}), at)
    nothing = "in closed form each mode grows like (nan) h"
    assert checked(check_bounded, replace(found, below={**found.below, "reason": nothing}), at)
    depends = {
        **found.below,
        "verdict": "depends",
        "unbounded_where": "c_i - a_i < 0 for some i",
        "elsewhere": "bounded",
    }
    assert checked(check_bounded, replace(found, below=depends), at)


def test_a_loss_that_falls_is_not_bounded():
    _, found, at = made((-1, "linear", "distance"), (1, "closed", "uniformity"))
    assert not checked(check_bounded, found, at)
    assert "bounded" in checked(check_bounded, replace(found, below={**found.below, "verdict": "bounded"}), at)


def test_statements_about_one_value_of_a_parameter_are_about_that_value():
    part = SAMPLES["negatives"](sympy.S.One, sympy.S.One)
    loss = assembled([("alignment", LINEAR["alignment"](False).weighted(sympy.Integer(-1))), ("negatives", part)], 3)
    found, at = said(described(loss.loss, loss.loss.expand(order=4))), settings(loss, 12)
    assert {int(one.values["N"]) for one in at} > {2}
    assert not checked(check_collapse, found, at)
    (where, some), *others = found.dimensional
    assert (where, some.text) == ("N >= 3", "never")
    assert others == [("N = 2", None)]
    # Of all N it is wrong: with one negative there is no minimum.
    assert checked(check_collapse, replace(found, dimensional=(("", some),)), at)


@pytest.mark.parametrize(
    ("minima", "right"),
    [
        ("W = 0: global, no other point a minimum", True),
        ("none: the loss falls along every mode", False),
        ("the loss is constant: every W", False),
    ],
)
def test_landscapes_without_order_4_that_are_wrong_are_found(minima, right):
    _, found, at = made((1, "linear", "distance"))
    assert not checked(check_higher, found, at)
    assert bool(checked(check_higher, replace(found, higher={**found.higher, "minima": minima}), at)) != right
    assert "higher: b_i" in checked(check_higher, replace(found, higher={**found.higher, "descent": "a_i"}), at)


def test_couplings_by_mode_that_are_wrong_are_found():
    _, found, at = made(*SPECTRAL, (1, "quartic", "paired"))
    assert not checked(check_by_mode, found, at)
    (one,) = found.by_mode
    for changes in ({"Q": ("*", ("number", 1.1), one.Q)}, {"K": ("number", 0.1)}, {"b": ("neg", one.b)}):
        assert checked(check_by_mode, replace(found, by_mode=(replace(one, **changes),)), at)


ONE = ((-1, "linear", "alignment"), (sympy.Rational(1, 2), "quartic", "norm squared"))


def test_one_eigenvalue_that_is_wrong_is_found():
    def check(found, at, tally):
        check_one_eigenvalue(found.one_eigenvalue, at, tally)

    _, found, at = made(*ONE)
    assert not checked(check, found, at)
    (one,) = found.one_eigenvalue

    def wrong(**changes):
        return checked(check, replace(found, one_eigenvalue=(replace(one, **changes),)), at)

    assert "one eigenvalue: formula" in wrong(slope=("*", ("number", 1.1), one.slope))
    assert "one eigenvalue: loss" in wrong(loss=("*", ("number", 1.1), one.loss))
    assert "one eigenvalue: formula" in wrong(letter="A0")
    assert "one eigenvalue: falls" in wrong(minima="none of them global: the landscape falls to −∞")


def test_one_eigenvalue_of_a_landscape_that_falls_is_no_minimum():
    _, found, at = made(ONE[0], (-1, "quartic", "norm squared"))
    (one,) = found.one_eigenvalue
    assert one.minima == "none of them global: the landscape falls to −∞"
    lowest = "those of the largest b_i where it is > 0, W = 0 elsewhere: global, no other point a minimum"
    tally = Tally()
    check_one_eigenvalue((replace(one, minima=lowest),), at, tally)
    assert "one eigenvalue: global" in {kind for kind, _ in tally.wrong}


def test_a_mixture_of_eigenvalues_is_no_stationary_point_and_a_smaller_one_no_minimum():
    _, found, at = made(*ONE)
    (one,) = found.one_eigenvalue
    setting = next(setting for setting in at if setting.data.d0 > 1 and setting.d1 > 1)
    points = kept(one, setting, np.random.default_rng(0))
    assert [index(setting.through4, point.W)[0] == 0 for point in points] == [False] * setting.data.d0 + [True]
    mixed = (points[-1].W + points[-2].W) / np.sqrt(2)
    assert np.abs(setting.through4.with_slope(mixed)[1]).max() > 1e-3
