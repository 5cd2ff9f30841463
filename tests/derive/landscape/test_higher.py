"""Landscapes without terms of order 4: what is said of them, against descents written by hand in NumPy."""

import numpy as np
import pytest
import sympy
from scipy.optimize import minimize

from derive import InputError, Loss, Mean, catalogue, exp, half_sq, inner, log, symbols, views
from derive.definition.notation import LATEX
from derive.landscape.critical import transition
from derive.landscape.higher import higher
from derive.landscape.landscape import a_i, c_i
from derive.landscape.summary import described

N, beta, tau = symbols("N beta tau")
x, x_pos, chi, psi = views("x, x_pos, chi, psi")
SIXTH = Mean(inner(x, chi) * inner(chi, psi) * inner(psi, x), over=(chi, psi))
DCL = Loss(-inner(x, x_pos) / tau + log((N - 1) * Mean(exp(inner(x, chi) / tau), over=chi, count=N - 1)))


def of(expression):
    loss = expression if isinstance(expression, Loss) else Loss(expression)
    return described(loss, loss.expand(order=4))


def said(found):
    return {label: line for label, line in found.lines() if label}


def ends(value, shape=(2, 3), starts=6):
    """The ends of descents; None where a descent goes on to −∞."""
    generator = np.random.default_rng(0)
    found = []
    for _ in range(starts):
        end = minimize(lambda w: value(w.reshape(shape)), 0.5 * generator.standard_normal(6), method="BFGS")
        found.append(None if end.fun < -1e2 else end.x.reshape(shape))
    return found


def data(seed=4):
    first, second = np.random.default_rng(seed).standard_normal((2, 3, 3))
    return first @ first.T / 3 + 0.1 * np.eye(3), second @ second.T / 3 + 0.1 * np.eye(3)


def test_the_distance_of_two_views_is_least_at_the_origin():
    _, C = data()
    assert all(np.abs(one).max() < 1e-4 for one in ends(lambda W: np.trace(W @ C @ W.T)))
    found = of(half_sq(x, x_pos))
    lines = said(found)
    assert lines["minima"] == "W = 0: global, no other point a minimum"
    assert lines["collapse"] == "dimensional: always   complete: always"
    assert lines["from below"].startswith("bounded;")
    assert "transition" not in lines
    assert found.to_json()["higher"]["order"] is None
    assert found.to_json()["exact"]["ratio_near_transition"] is None
    assert found.lines(LATEX)


def test_its_negative_has_no_minimum():
    _, C = data()
    assert None in ends(lambda W: -np.trace(W @ C @ W.T))
    lines = said(of(-half_sq(x, x_pos)))
    assert lines["minima"] == "none: the loss falls along every mode"
    assert lines["from below"].startswith("unbounded;")
    assert "no minimum" in lines["collapse"]


def test_between_them_the_data_decide():
    """|f(x)|² − β⟨f(x), f(x′)⟩: b_i = β a_i − a_i − c_i; along modes with b_i = 0 it is flat."""
    found = of(inner(x, x) - beta * inner(x, x_pos))
    condition = found.collapse.complete
    A0, C = np.diag([1.0, 2.0, 0.5]), np.diag([1.0, 1.0, 1.0])
    for value, bounded in ((1.4, True), (1.5, True), (1.6, False)):
        assert condition.holds([1.0, 2.0, 0.5], [1.0, 1.0, 1.0], {"beta": sympy.Rational(str(value))}) is bounded
        ended = ends(lambda W, value=value: np.trace(W @ (A0 + C - value * A0) @ W.T))
        assert all(one is not None for one in ended) is bounded
    assert found.recession.verdict == "depends"
    assert found.recession.said().startswith("unbounded where")
    assert said(found)["minima"].startswith("W = 0 where all b_i are <= 0, and all W along modes with b_i = 0")
    assert condition == found.collapse.dimensional


def test_a_constant_has_an_answer():
    for loss in (0 * inner(x, x_pos), 3 + 0 * inner(x, x)):
        lines = said(of(loss))
        assert lines["minima"] == "the loss is constant: every W"
        assert lines["from below"] == "bounded; in closed form each mode has a limit"


def test_the_fourth_order_may_vanish_at_one_size_of_batches():
    """With one negative −⟨f(x), f(x′)⟩ + ⟨f(x), f(χ)⟩ is left, by hand, whose mean is −Tr[W A0 Wᵀ]."""
    found = of(DCL.set({"N": 2}))
    assert said(found)["minima"] == "none: the loss falls along every mode through order 8"
    assert found.recession.verdict == "unbounded"
    assert of(DCL.set({"N": 3})).higher is None


def test_order_6_decides():
    """−β̃ h + h³ by modes: the descent ends at g_i with 3 q g² = b, by hand, for each mode on its own."""
    A0, C = np.diag([1.0, 0.6, 0.3]), np.diag([0.2, 0.7, 0.9])
    Sigma = A0 + C

    def value(w):
        W = w.reshape(3, 3)
        return -np.trace(W @ A0 @ W.T) + np.trace(np.linalg.matrix_power(W @ Sigma @ W.T, 3))

    starts = 0.5 * np.random.default_rng(1).standard_normal((6, 9))
    descents = [minimize(value, w, method="BFGS", options={"gtol": 1e-8}) for w in starts]
    lowest = min(descents, key=lambda end: end.fun).x.reshape(3, 3)
    found = of(-inner(x, x_pos) + SIXTH)
    b = [float(found.higher.descent.subs({a_i: a})) for a in np.diag(A0)]
    q = [float(found.higher.coupling.subs({a_i: a, c_i: c})) for a, c in zip(np.diag(A0), np.diag(C), strict=True)]
    predicted = [np.sqrt(one / (3 * other)) for one, other in zip(b, q, strict=True)]
    assert np.allclose(np.diag(lowest.T @ lowest), predicted, atol=1e-4)
    lines = said(found)
    assert lines["minima"].startswith("through order 6, h_i = (b_i/(3 q))^(1/2) where b_i > 0, and 0 elsewhere")
    assert found.higher.order == 6
    assert "transition" not in lines


def test_a_mode_appears_with_the_fourth_root():
    found = of(-inner(x, x_pos) + beta * inner(x, x) + SIXTH)
    assert (found.transition.n, found.transition.exponent) == (3, sympy.Rational(1, 4))
    assert str(found.collapse.dimensional) == "-a_i*beta + a_i - beta*c_i <= 0 for some i"
    assert found.collapse.notes == ("decided by order 6",)


def test_where_order_6_falls_the_origin_is_a_minimum_that_is_not_global():
    found = of(half_sq(x, x_pos) - SIXTH)
    assert said(found)["minima"] == "W = 0; through order 6 the landscape falls to −∞"
    assert found.recession.verdict == "unbounded"
    open_sign = of(half_sq(x, x_pos) + (beta - tau) * SIXTH)
    assert said(open_sign)["minima"] == "W = 0; through order 6 what lies elsewhere is not determined"


def test_products_of_order_6():
    held = of(Mean(inner(x, x), over=x) ** 3)
    assert said(held)["minima"] == "through order 6, W = 0: global, no other point a minimum"
    coupled = of(-inner(x, x_pos) + Mean(inner(x, x), over=x) ** 3)
    assert coupled.collapse.dimensional is None
    assert "order 6 couple the modes" in coupled.collapse.reason


def test_it_is_for_landscapes_without_a_quartic_alone():
    loss = catalogue("infonce")
    assert higher(loss, loss.expand(order=4)) is None
    assert higher(loss, loss.expand(order=2)) is None
    unknown = Loss(half_sq(x, x_pos)).expand(order=4)
    assert higher(None, unknown).lines()[1] == ("minima", "W = 0: global through order 4, no other point a minimum")


QUALIFIED = {
    # loss, words that stand in its minima, and words that do not.
    "bounded, not its quartic": (catalogue("infonce").expression, ("through order 4, ", "global"), ()),
    "its own quartic": (Mean(inner(x, chi) ** 2, over=chi) - inner(x, x_pos), ("global",), ("through order 4",)),
    "unbounded, its quartic is not": (
        DCL.set({"N": 3, "tau": 1}).expression - 3 * inner(x, x_pos),
        ("through order 4, ", "lowest of all"),
        ("global",),
    ),
    "unbounded by its domain": (
        -inner(x, x_pos) - log(Mean(exp(inner(chi, psi)), over=(chi, psi))),
        ("none: the landscape falls to −∞",),
        (" global",),
    ),
    "the sign of the quartic open": (
        beta * inner(x, x) - inner(x, x_pos) + (beta - tau) * Mean(inner(x, chi) ** 2, over=chi),
        ("none of them global where beta - tau < 0".replace("beta", "β").replace("tau", "τ"),),
        ("rank m",),
    ),
}


@pytest.mark.parametrize("name", QUALIFIED)
def test_nothing_is_called_global_that_is_not(name):
    expression, some, others = QUALIFIED[name]
    found = of(expression)
    words = said(found)["minima"]
    assert all(one in words for one in some), words
    assert not any(one in words for one in others), words
    assert [one["minima"] for one in found.to_json()["stationary"]] == [words]
    assert found.to_json()["through_order"] == (4 if "through order 4" in words else None)


def test_a_transition_is_where_both_signs_are_and_something_holds():
    quartic = Mean(inner(x, chi) ** 2, over=chi)
    both = beta * inner(x, x) - inner(x, x_pos)
    assert of(both + quartic).transition.exponent == sympy.Rational(1, 2)
    # One sign for all data, no terms of order 2, a quartic of open sign, one that falls, a loss that falls.
    for expression in (
        -inner(x, x_pos) + quartic,
        quartic + 0 * inner(x, x),
        both + (beta - tau) * quartic,
        both - quartic,
        both + quartic - 2 * Mean(inner(x, x), over=x) ** 2,
        both + quartic - SIXTH,
    ):
        assert of(expression).transition is None
        assert "transition" not in said(of(expression))
    for expression, words in ((quartic, "no terms of order 2"), (both + (beta - tau) * quartic, "depends on the sign")):
        with pytest.raises(InputError, match=words):
            transition(Loss(expression).expand(order=4))


def test_every_form_says_whether_it_is_bounded():
    found = of(Mean(inner(x, chi) ** 2, over=chi) - inner(x, x_pos) - Mean(inner(x, x), over=x) ** 2 / 2)
    assert said(found)["from below"].startswith("unbounded where min(d0, d1) >= 2, bounded elsewhere; ")
    assert found.to_json()["bounded_below"] == {
        "verdict": "depends",
        "reason": found.recession.reason,
        "unbounded_where": "min(d0, d1) >= 2",
        "elsewhere": "bounded",
        "at_least": None,
    }
    below = dict(found.lines(LATEX))["below"]
    assert below == r"\text{unbounded where } \min\left(d_{0}, d_{1}\right) \geq 2,\quad \text{bounded elsewhere}"
