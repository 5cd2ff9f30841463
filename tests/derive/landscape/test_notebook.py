"""What a notebook shows of losses, expansions and landscapes: their LaTeX, between dollars."""

import pytest

from derive import Loss, catalogue, closed_form, inner, symbols, views
from derive.landscape.collapse import Collapse, collapse
from derive.landscape.landscape import landscapes
from derive.landscape.stationary import stationary
from derive.landscape.summary import described

LOSS = catalogue("infonce+norm-penalty")
EXPANSION = LOSS.expand(4)
PARTS = {
    "loss": LOSS,
    "expansion": EXPANSION,
    "closed form": closed_form(LOSS),
    "landscape": landscapes(EXPANSION)[0],
    "stationary points": stationary(EXPANSION, limit="kappa")[0],
    "collapse": collapse(EXPANSION, limit="kappa"),
    "condition": collapse(EXPANSION, limit="kappa").dimensional,
    "described": described(LOSS, EXPANSION, "kappa"),
}


@pytest.mark.parametrize("name", PARTS)
def test_it_is_one_formula_between_dollars(name):
    shown = PARTS[name]._repr_latex_()
    assert shown[0] == shown[-1] == "$"
    assert "$" not in shown[1:-1]
    assert shown.count("{") == shown.count("}")
    assert shown.count(r"\left") == shown.count(r"\right")


def test_what_is_shown_is_what_latex_writes():
    assert EXPANSION._repr_latex_() == rf"$\displaystyle {EXPANSION.latex()}$"
    assert LOSS._repr_latex_() == rf"$\displaystyle {LOSS.latex()}$"
    shown = PARTS["described"]._repr_latex_()
    assert PARTS["condition"].whitened().latex() in shown
    assert r"\text{complete collapse: } \text{never}" in shown
    assert r"Q_{ij} = \frac{3 \left(a_{i} + c_{i}\right)" in PARTS["landscape"]._repr_latex_()


def test_a_condition_that_is_not_determined_shows_nothing():
    assert Collapse(None, None, "why")._repr_latex_() is None


def test_a_loss_of_ones_own():
    x, x_pos = views("x, x_pos")
    (tau,) = symbols("tau,")
    shown = Loss(-inner(x, x_pos) / tau)._repr_latex_()
    assert shown == r"$\displaystyle \mathbb{E}_{x}\bigl[-\frac{1}{\tau} \langle f(x), f(x')\rangle\bigr]$"
