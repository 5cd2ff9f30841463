"""Random losses against truths written by hand, and what is said of a few of them."""

import sys
from pathlib import Path

import numpy as np
import pytest
import sympy

sys.path.insert(0, str(Path(__file__).parent))

from statements.alike import alike
from statements.drawing import assembled, data, drawn
from statements.formulas import UnreadError, read, value
from statements.judging import audited, check_expansion
from statements.minimising import Landscape
from statements.parts import CLOSED, LINEAR, QUARTIC
from statements.renaming import answers, compared, differences, renameable
from statements.samples import SAMPLES
from statements.sentences import claim
from statements.settings import Tally, settings

HALF = sympy.Rational(1, 2)


@pytest.mark.parametrize("seed", range(0, 60, 6))
def test_expansions_and_truths_by_hand_agree(seed):
    loss = drawn(seed)
    tally = Tally()
    check_expansion(loss.loss.expand(order=4), settings(loss, 2), tally)
    assert not tally.wrong
    assert tally.right


@pytest.mark.parametrize("name", CLOSED)
def test_what_a_logarithm_closes_to_has_its_series_and_its_gradient(name):
    part = CLOSED[name](HALF)
    random = np.random.default_rng(0)
    letters = settings(drawn(3), 1)[0].data.letters(bias=False)
    W = 0.3 * random.standard_normal((2, len(letters["S"])))
    whole = Landscape(part.whole.at({}), letters, 2, tuple(one.at({}) for one in part.beyond))
    short = Landscape(part.through4.at({}), letters, 2)

    def beyond(t):
        return abs(whole.value(t * W) - whole.value(0 * W) - short.value(t * W))

    if part.beyond:
        assert 45 < beyond(0.2) / beyond(0.1) < 300
    step = 1e-5 * random.standard_normal(W.shape)
    slope = whole.with_slope(W)[1]
    assert whole.value(W + step) - whole.value(W - step) == pytest.approx(2 * (slope * step).sum(), rel=1e-6)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_by_hand_agree_with_their_expansions(name):
    part = SAMPLES[name](HALF, sympy.Symbol("lamda"))
    loss = assembled([(name, part)], 1)
    tally = Tally()
    check_expansion(loss.loss.expand(order=4), settings(loss, 2), tally)
    assert tally.right
    assert not tally.wrong


@pytest.mark.parametrize("seed", [3, 6, 8])
def test_what_is_said_of_a_random_loss_is_true(seed):
    found = audited(seed, 3)
    assert not found["fault"]
    assert found["wrong"] == []
    assert sum(found["right"].values()) > 10


def test_formulas_are_read_as_they_are_printed():
    env = {
        "a_i": np.array([1.0, 2.0]),
        "a_j": np.array([1.0, 2.0]),
        "α": 3.0,
        "alpha": 3.0,
        "T₁": 5.0,
        "m": 2.0,
        "d0": 2.0,
    }
    assert value(read("-2(α + 1)/3 T₁^2"), env) == pytest.approx(-8 / 3 * 25)
    assert value(read("T₁/(m − 1) + ¾"), env) == 5.75
    assert value(read("2*alpha**2*sum_j(a_j/2)"), env) == 27
    assert value(read("a_i - 1 <= 0 or alpha < 1"), env).tolist() == [True, False]
    assert value(read("sum_j(4)"), env) == 8
    for text in ("2 +", "unknown", "(1", "a_i ~ 2"):
        with pytest.raises(UnreadError):
            value(read(text), env)
    with pytest.raises(UnreadError):
        claim("Keeps whatever it likes.")


def test_data_have_covariances():
    from random import Random

    for commuting in (True, False):
        found = data(Random(1), 3, commuting=commuting)
        assert np.linalg.eigvalsh(found.A0)[0] > 0
        assert np.linalg.eigvalsh(found.C)[0] > 0


# Names.


def test_names_without_a_meaning_change_nothing():
    found = compared(8 if drawn(8).parameters else 5, ("zeta", "kappa_2", "u"))
    assert found["wrong"] == []


@pytest.mark.parametrize("name", ["a_j", "I", "m"])
def test_letters_of_the_theory_yield_to_a_parameter_throughout(name):
    """The name occurs in some of the formulas alone, and all of them keep it apart from the theory's letter."""
    found = compared(27, (name,))
    assert found["wrong"] == []
    assert found["equal"] == 1


def test_a_long_name_leaves_nothing_unsaid():
    """What fits into one line is counted without the names: the condition is given, or left to a line below, alike."""
    assert compared(15, ("d0", "a_name_that_is_long"))["wrong"] == []


def test_an_answer_writes_a_condition_out_though_a_parameter_has_the_name_of_q_j():
    assert compared(9, ("q_j",))["wrong"] == []


def test_what_is_not_tried_is_counted():
    loss = drawn(21)
    found = compared(21, ("rho", "u"), seconds=-1)
    assert found["equal"] == 0
    assert sum(found["skipped"].values()) == 2 * len(renameable(loss))
    assert found["skipped"]["another parameter of the loss has the name"] == len(renameable(loss))


KNOWN = frozenset({"alpha", "lamda"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kept where α m - 1 > 0, less 1", "kept where m α - 1 > 0, less 1"),
        ("-(3 β - η)/(8(β + 1)) < 0", "(η - 3 β)/(8(1 + β)) < 0"),
        ("where a_i < 1 for some i or d1 >= 3; open", "where d1 >= 3 or a_i < 1 for some i; open"),
        ("where lamda > 0 and alpha > 2", "where alpha > 2 and lamda > 0"),
        ("1 + 16 b_i + … as b_i → 0", "16 b_i + 1 + … as b_i → 0"),
        ("sum_j(a_j*c_j) + min(d0, d1)", "min(d1, d0) + sum_j(c_j*a_j)"),
    ],
)
def test_texts_that_say_the_same(one, other):
    assert alike(one, other, KNOWN)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kept where α m - 1 > 0", "kept where m m - 1 > 0"),
        ("kept where α > 0", "lost where α > 0"),
        ("kept where α > 0", "kept where α >= 0"),
        ("a_i < 1 for some i", "a_i < 1 for all i"),
        ("where lamda > 0 and alpha > 2", "where lamda > 0 or alpha > 2"),
        ("rank m, where d1 - 2 < 0", "rank m, where 2 - d1 < 0"),
        ("b_i = 2 c_i, Q_ij = c_i c_j", "b_i = 2 c_i"),
        ("sum_j(a_j*c_j)", "sum_j(a_j*c_i)"),
    ],
)
def test_texts_that_say_something_else(one, other):
    assert not alike(one, other, KNOWN)


def test_answers_that_differ_are_found():
    loss = drawn(5)
    plain = answers(loss, {})
    assert not list(differences(plain, plain))
    changed = {**plain, "expansion": {key: one * (1 + 1e-6) for key, one in plain["expansion"].items()}}
    assert list(differences(plain, changed))
    assert list(differences(plain, {**plain, "said": [("index", "minima")]}))
    assert list(differences(plain, {**plain, "json": {}}))
    assert list(differences(plain, {**plain, "kernel": plain["kernel"] + 1e-3}))
    assert list(differences(plain, {**plain, "landscape": {}}))


def test_a_quartic_that_cancels_in_one_dimension_leaves_order_2():
    parts = [
        ("power", LINEAR["power"](False)),
        ("spectral", QUARTIC["spectral"](False)),
        ("norm squared", QUARTIC["norm squared"](False).weighted(-sympy.S.One)),
    ]
    at = settings(assembled(parts, 202), 12)
    assert {one.growth.bounded for one in at if one.data.d0 == 1} == {True}


def test_a_condition_without_modes_is_read():
    found = claim("Collapses completely where N - 2 ≤ 0: W = 0 is the minimum; unbounded below where N < 2.")
    assert (found.kind, found.every.text, found.depends) == ("loses", "N - 2 ≤ 0", "N < 2")
