"""Exponents and rates at a transition, against gradient flow and minimisation in numbers."""

import numpy as np
import pytest
import sympy
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from derive import InputError, Loss, catalogue, inner, views
from derive.landscape.critical import epsilon, q, time, transition


def quartic():
    return transition(catalogue("beta-infonce").expand(order=4))


def sextic():
    """A definition without a quartic part, held back at order 6."""
    x, x_pos = views("x, x_pos")
    return transition(Loss(-inner(x, x_pos) + inner(x, x_pos) ** 3).expand(order=6))


@pytest.mark.parametrize(("found", "n"), [(quartic, 2), (sextic, 3)])
def test_the_order_parameter_grows_with_its_exponent(found, n):
    at = found()
    assert (at.n, at.exponent) == (n, sympy.Rational(1, 2 * (n - 1)))
    for e in (1e-4, 1e-2):
        potential = lambda w: -e * w**2 + 0.7 * w ** (2 * n)  # noqa: B023, E731
        measured = minimize_scalar(potential, bounds=(1e-6, 3), method="bounded", options={"xatol": 1e-12}).x
        assert measured == pytest.approx(float(at.order_parameter.subs({epsilon: e, q: 0.7})), rel=1e-5)


@pytest.mark.parametrize(("found", "n"), [(quartic, 2), (sextic, 3)])
def test_rates_are_those_of_gradient_flow(found, n):
    at = found()
    e, coupling = 0.05, 0.7

    def flow(descent, start, times):
        velocity = lambda _, w: 2 * descent * w - 2 * n * coupling * w ** (2 * n - 1)  # noqa: E731
        return solve_ivp(velocity, (0, times[-1]), [start], t_eval=times, rtol=1e-12, atol=1e-16).y[0]

    below = flow(-e, 1e-4, [0, 10, 20])
    assert np.log(below[1] / below[2]) / 10 == pytest.approx(float(at.rate_collapsed.subs(epsilon, e)), rel=1e-4)
    minimum = float(at.order_parameter.subs({epsilon: e, q: coupling}))
    above = flow(e, minimum * (1 + 1e-5), [0, 10, 20]) - minimum
    assert np.log(above[1] / above[2]) / 10 == pytest.approx(float(at.rate_kept.subs(epsilon, e)), rel=1e-3)
    late = flow(0.0, 1.0, [0, 1e5])[-1]
    assert late == pytest.approx(float(at.decay.subs({q: coupling, time: 1e5})), rel=1e-3)


def test_written():
    assert quartic().text() == (
        "ε = (a_i + c_i)(β + λ_i - 1): |w_i| ∝ ε^(1/2); relaxation rate 4 |ε| above and 2 |ε| below, t^(-1/2) at ε = 0"
    )


def test_what_has_no_transition_says_why():
    x, x_pos = views("x, x_pos")
    with pytest.raises(InputError, match="nothing holds a mode of loss back through order 4"):
        transition(Loss(-inner(x, x_pos)).expand(order=4))
    with pytest.raises(InputError, match="falls further at order 4"):
        transition(Loss(inner(x, x_pos) - inner(x, x_pos) ** 2).expand(order=4))
    with pytest.raises(InputError, match="not invariant under rotations"):
        transition(catalogue("barlow-twins").expand(order=4))
