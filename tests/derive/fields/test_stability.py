"""What is conserved, and what is stable, against numbers: rates of a hand-written step, eigenvalues of a joint flow."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from derive import Loss, Mean, half_sq, inner, stop, views
from derive.fields import FIELDS
from derive.fields.conserved import invariants
from derive.fields.curl import POINTS, witness
from derive.fields.field import field
from derive.fields.mode_flow import a_i, mode_flow, p, s_i, v, w
from derive.fields.products import WEIGHTS
from derive.fields.stability import Stability
from derive.fields.training import Linear, Training, eta, mu, rho
from derive.losses.limit import population
from numeric.fields.words import rates
from verify.audits.field_evidence import place

x, x_pos, chi = views("x, x_pos, chi")
FOURTH = Training(Loss(half_sq(x, stop(x_pos)) ** 2, name="fourth"), Linear())


@pytest.mark.parametrize(("training", "rate"), [("simsiam", 1), ("byol", 1), ("byol", "3/8"), (FOURTH, 1)], ids=str)
def test_the_form_changes_as_it_is_said(training, rate):
    named = FIELDS[training] if isinstance(training, str) else training
    here = place(named.set({"rho": sympy.Rational(rate)}), 4, seed=1)
    (form,) = invariants(here.training)
    W, P = here.at["W"], here.at["P"]
    moved = rates(here.field, here.at)
    each = {"Ww": moved["W"] @ W.T + W @ moved["W"].T, "pP": moved["P"].T @ P + P.T @ moved["P"]}
    measured = sum(float(c) * each[word] for word, c in form.form)
    matrices = {"Ww": W @ W.T, "pP": P.T @ P}
    assert measured == pytest.approx(sum(float(c) * matrices[word] for word, c in form.change), abs=1e-12)
    assert (form.decay is not None) is (rate == 1)


def test_a_live_target_conserves_nothing():
    # Without the stop dW/dt has more than Pᵀ G, and the form of the step changes otherwise.
    here = place(FIELDS["simsiam"].set({"rho": 1, "eta": 0}), 4, seed=1)
    W, P, moved = here.at["W"], here.at["P"], rates(here.field, here.at)
    extra = rates(replace(here.field, flow={"W": here.field.stopped}), here.at)["W"]
    whole = moved["W"] + extra
    change = whole @ W.T + W @ whole.T - moved["P"].T @ P - P.T @ moved["P"]
    assert np.abs(change).max() > 0.1


@pytest.mark.parametrize("name", ["simsiam", "byol", "moco"])
def test_the_witness_of_a_curl_is_a_difference_of_derivatives(name):
    there = field(FIELDS[name].set(dict.fromkeys(FIELDS[name].parameters, 1)))
    found = witness(there)
    characters = {one.name: character for character, one in WEIGHTS.items()}
    at = {character: np.array(rows, dtype=float) for character, rows in POINTS.items()}

    def slope(of, by):
        name, i, j = by
        ahead, behind = ({**at, characters[name]: at[characters[name]].copy()} for _ in range(2))
        ahead[characters[name]][i, j] += 1e-5
        behind[characters[name]][i, j] -= 1e-5
        return (rates(there, ahead)[of[0]] - rates(there, behind)[of[0]])[of[1], of[2]] / 2e-5

    measured = slope(found.first, found.second), slope(found.second, found.first)
    assert abs(measured[0] - measured[1]) > 0.5


def test_a_witness_names_the_terms_and_all_their_weights():
    # Of Pᵀ W A0, the terms of order 2: ∂(dW_11/dt)/∂W_21 = P_21 A0_11 and the other P_12 A0_11.
    found = witness(field(FIELDS["simsiam"]))
    P, A0 = np.array(POINTS["P"]), np.array(POINTS["A"])
    assert (found.order, found.weights, found.values) == (2, ("W", "P"), (P[1, 0] * A0[0, 0], P[0, 1] * A0[0, 0]))
    assert "P = ((1, 2), (3, -1))" in found.text()


def test_a_gradient_has_no_witness():
    assert witness(field(Loss(inner(x, x_pos) ** 2, name="live"))) is None


PARAMETERS = (a_i, s_i, eta, rho, mu)


def joint(flow):
    """The rates of a joint flow as a function of its weights and of a_i, s_i, η, ρ and μ."""
    letters = [one for one in (w, p, v) if one in flow.rates]
    return sympy.lambdify((letters, PARAMETERS), [flow.rates[one] for one in letters]), len(letters)


def eigenvalues(of, state, values):
    """Of the joint flow at a state, by differences of its rates."""
    function, size = of
    columns = []
    for step in 1e-6 * np.eye(size):
        ahead, behind = (function(state + sign * step, values) for sign in (1, -1))
        columns.append((np.array(ahead) - np.array(behind)) / 2e-6)
    return np.linalg.eigvals(np.array(columns).T)


@pytest.mark.parametrize("name", ["simsiam", "byol"])
def test_what_is_proved_stable_has_eigenvalues_that_decay(name):
    flow = mode_flow(FIELDS[name])
    assert Stability(flow).proved
    rng, of = np.random.default_rng(3), joint(flow)
    states = [sympy.lambdify((a_i, s_i, eta), one) for one in flow.states]
    for _ in range(40):
        a, s, r, m = np.exp(rng.normal(size=4))
        decay = 0.2 * a * a / s
        low, high = (eigenvalues(of, one(a, s, decay), (a, s, decay, r, m)) for one in states)
        assert high.real.max() < 0 < low.real.max()


def test_a_slow_copy_makes_a_state_swing_where_the_live_views_alone_are_unstable():
    key = stop(chi)
    pushed = Mean(inner(x, key) ** 2, over=key)
    swing = Training(Loss(-inner(x, x) + pushed / 2, name="swing"), momentum=True, decay=False)
    flow = mode_flow(swing)
    found = Stability(flow)
    assert not found.proved
    # dw/dt = 2 s w − s² v² w rests at v² = 2/s; there the live part alone has the rate 0.
    assert flow.weight.expand() == (2 * s_i * w - s_i**2 * v**2 * w).expand()
    opposed = Training(Loss(-inner(x, x) + 2 * Mean(inner(stop(x_pos), key) * inner(x, key), over=key), name="opposed"),
                       momentum=True, decay=False)  # fmt: skip
    flow = mode_flow(opposed)
    said = Stability(flow).momentum()
    assert "below that it swings" in said
    state = float(flow.states[-1].subs({a_i: 0.5, s_i: 1}))
    threshold = 2.0  # ∂(dw/dt)/∂w = 2 s_i
    for rate, stable in ((1.5 * threshold, True), (0.7 * threshold, False)):
        values = eigenvalues(joint(flow), state, (0.5, 1.0, 0.0, 1.0, rate))
        assert bool(values.real.max() < 0) is stable
        assert np.abs(values.imag).max() > 0


def test_a_copy_slows_growth_and_keeps_its_sign():
    moco = FIELDS["moco"]
    of_many = Training(population(moco.loss, "K"), momentum=True)
    found = Stability(mode_flow(of_many))
    tau = sympy.Symbol("tau")
    rng = np.random.default_rng(5)
    for _ in range(10):
        a, s, decay, m = np.exp(rng.normal(size=4))
        at = {a_i: a, s_i: s, eta: decay, mu: m, tau: 1}
        rates_ = [found.flow.rates[one].xreplace({tau: sympy.S.One}) for one in (w, v)]
        here = sympy.Matrix(rates_).jacobian([w, v]).subs({w: 0, v: 0}).subs(at)
        measured = np.linalg.eigvals(np.array(here, dtype=float)).real.max()
        assert float(found.growth.subs(at)) == pytest.approx(measured, rel=1e-9)
        alone = a - decay
        assert np.sign(measured) == np.sign(alone)
        assert measured < alone or alone < 0
