"""The first order in the inverse number of kept modes, against exact means over equal modes and drawn lengths."""

import numpy as np
import pytest
import sympy

from derive import Loss, Mean, catalogue, cosine, exp, log, views
from derive.sphere.many_modes import LAMBDA, excess, push_strength
from derive.sphere.pairs import pair_form
from numeric.sphere.equal_modes import Sphere

x, x_pos, chi = views("x, x_pos, chi")
MANY = (50, 100, 200)


def of_infonce(lam, tau):
    form = pair_form(catalogue("infonce+normalised").set({"tau": sympy.Rational(tau)}))
    return float(excess(form).subs(LAMBDA, lam))


def extrapolated(lam, tau):
    """d_M (λ − λ_c) by the closed form, in the limit of many modes."""
    values = [r * (lam - Sphere(r, lam, tau).threshold()) for r in MANY]
    return float(np.polyval(np.polyfit([1 / r for r in MANY], values, 2), 0.0))


@pytest.mark.parametrize(("lam", "tau"), [(0.3, "1"), (0.6, "1"), (0.95, "1"), (0.6, "1/3"), (0.9, "2")])
def test_the_excess_is_that_of_the_closed_form_for_many_modes(lam, tau):
    assert of_infonce(lam, tau) == pytest.approx(extrapolated(lam, float(sympy.Rational(tau))), rel=1e-3)


def test_without_the_variance_of_lengths_it_is_not():
    """1/τ, the fixed norm's 3/(2τ) and the printed 2/τ."""
    exact = extrapolated(0.6, 1.0)
    for mutant in (1.0, 1.5, 2.0):
        assert abs(mutant - exact) > 0.05


def test_the_spectral_loss_against_drawn_lengths():
    """The slope of −2 E cos + E cos² along one more mode, at r = 100: λ_c = −(against + push)/agreeing."""
    r, lam, rng = 100, 0.7, np.random.default_rng(0)
    z, w, m = rng.standard_normal((3, 40_000, r))
    other = lam * z + np.sqrt(1 - lam**2) * w
    R, S, T = (np.linalg.norm(one, axis=1) for one in (z, other, m))
    cos, far = (z * other).sum(1) / (R * S), (z * m).sum(1) / (R * T)
    pulled = (cos / 2 * (R**-2.0 + S**-2.0)).mean()
    pushed = (far**2 / 2 * (R**-2.0 + T**-2.0)).mean()
    found = r * (lam - (pulled - pushed) / (1 / (R * S)).mean())
    said = float(excess(pair_form(catalogue("spectral+normalised").filled())).subs(LAMBDA, lam))
    assert said == pytest.approx(1 + 0.7 * 0.51)
    assert found == pytest.approx(said, abs=0.05)


def test_pushes_add_and_higher_ones_have_no_answer():
    both = Loss(
        -cosine(x, x_pos) + log(Mean(exp(3 * cosine(x, chi)), over=chi)) + 2 * Mean(cosine(x, chi) ** 2, over=chi)
    )
    assert push_strength(pair_form(both)) == 13
    quartic = Loss(-cosine(x, x_pos) + Mean(cosine(x, chi) ** 4, over=chi))
    assert excess(pair_form(quartic)) is None
