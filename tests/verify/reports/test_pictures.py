"""What is drawn of an audit, at which values, and why something is not."""

import numpy as np
import pytest
import sympy

from derive import InputError, catalogue
from derive.landscape.summary import described
from numeric.sphere.equal_means import Value
from numeric.sphere.lost_modes import LostModes
from verify.audits.definition import Audit
from verify.reports.pictures import pictures
from verify.routes.reopening.collapsed import Collapsed
from verify.routes.reopening.theory import Theory
from verify.routes.reopening.transition import Crossing
from verify.routes.reopening.transverse import Transverse


def drawn(name, limit=None, order=4, **given):
    loss = catalogue(name).set(given)
    expansion = loss.expand(order)
    landscape = described(loss, expansion, limit) if order >= 4 else None
    return pictures(Audit(loss, given, expansion, None, "analytic", None, "", landscape, ()))


def unable(*_, **__):
    message = "not now"
    raise InputError(message)


def test_the_phases_are_those_of_the_condition(monkeypatch):
    monkeypatch.setattr("verify.reports.pictures.toy_landscape", unable)
    phases, landscape = drawn("beta-infonce")
    # β = ¾: a mode of A0 = 1 is lost where β a ≤ (1 − β) c, c ≥ 3; and c = σ² max(θ, 1 − θ) ≤ 4.
    assert "at β = 0.75" in phases.caption
    assert phases.said.startswith("No collapse on 96.1 % of the map, dimensional collapse on 3.9 %")
    assert (landscape.picture, landscape.said) == (None, "not now")


def test_a_fixed_norm_is_drawn_in_its_limit():
    phases, landscape = drawn("infonce+norm-penalty", "kappa", c=sympy.Rational(1, 10))
    # A mode is lost where its ratio a/(a + c) is 3 c/2 = 3/20 below the other one.
    assert phases.said.startswith("No collapse on ")
    assert "dimensional collapse on " in phases.said
    assert "κ" not in phases.caption
    assert landscape.picture is None
    assert landscape.said == "W is bound to a fixed norm as κ → ∞, and the loss has no values beside it"


@pytest.mark.parametrize("name", ["barlow-twins", "infonce+bias"])
def test_what_cannot_be_drawn_says_why(name):
    _, landscape = drawn(name)
    assert landscape.picture is None
    assert landscape.said.startswith(f"the map over diag(r1, r2) of {name} is not its landscape: ")


def at(value, error):
    """A curvature that was measured."""
    zero = np.zeros(1)
    return Transverse(None, np.array([[value]]), np.array([[error]]), zero, zero, None, "autodiff", 0.0, 32, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Crossing(0.25, 0.02), "Change of sign: σ = 0.250 ± 0.020."),
        (
            Crossing(np.nan, np.nan, "the curvature is negative at both 0.1 and 1", absent=True),
            "Change of sign: the curvature is negative at both 0.1 and 1.",
        ),
    ],
)
def test_where_there_is_no_expansion_the_curvature_is_drawn(change, said):
    levels = {
        s: LostModes(Value(1.0, 0.0), Value(beta, 0.0), Value(beta, 0.0), "equal modes", random=False)
        for s, beta in ((0.1, -0.105), (1.0, 0.175))
    }
    derived = Theory("1", "β", dict.fromkeys(levels, 0.9), dict.fromkeys(levels, 0.0), levels, None)
    found = Collapsed({0.1: at(-0.2, 0.01), 1.0: at(0.4, 0.05)}, change, None, 0.0, {}, derived)
    loss = catalogue("infonce").normalised()
    audit = Audit(loss, {}, None, None, "homogeneous", 0, "", None, (), found)
    (drawn_,) = pictures(audit)
    assert drawn_.picture.rows == [(0.1, -0.2, 0.01, -0.21), (1.0, 0.4, 0.05, 0.35)]
    assert drawn_.said == f"-0.200 ± 0.010 at σ = 0.1; 0.400 ± 0.050 at σ = 1. {said}"
    labels = [text.get_text() for text in drawn_.picture.figure.legends[0].get_texts()]
    assert ("change of sign, ± 2 standard errors" in labels) == change.found
    (axes,) = drawn_.picture.figure.axes
    low, high = axes.get_ylim()
    assert low < -0.22
    assert high > 0.5


def test_without_a_landscape_there_is_nothing_to_draw():
    assert drawn("spectral", order=2) == ()
