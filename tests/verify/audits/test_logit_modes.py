"""`quartic modes dino`: thresholds, powers and reasons, and unusable input."""

import json

import numpy as np
import pytest
import sympy

import verify.audits.logit_modes  # noqa: F401 (registers the modes of DINO)
from derive import InputError
from derive.fields import FIELDS
from numeric.fields.logits import LogitFlow
from numeric.sampling import Covariances
from verify.audits.field_modes import field_modes

DINO = FIELDS["dino"]


def modes(teacher, correlations, logits=None, covariances=None):
    values = {"tau_s": sympy.Rational(1, 10), "tau_t": sympy.Rational(str(teacher))}
    values |= {} if logits is None else {"K": sympy.Integer(logits)}
    return field_modes(DINO, values, covariances, correlations)


def test_a_warm_teacher_loses_all_modes_and_says_why():
    found = modes(0.3, [sympy.Rational(99, 100), sympy.Rational(1, 2)])
    assert found.kept == (False, False)
    assert found.powers == (0.0, 0.0)
    assert found.threshold is None
    reasons = [note for note in found.notes if note.startswith("λ")]
    assert reasons[0] == "λ = 0.99: λ/τ_t − 1/τ_s = -6.7 < 0: decays from small weights"
    assert len(reasons) == 2
    assert any("no mode with λ < 1 survives" in note for note in found.notes)


def test_the_threshold_is_exact_and_the_power_that_of_two_logits():
    found = modes("0.05", [sympy.Rational(1, 2), sympy.Rational(9, 10)], 2)
    # At the threshold itself a mode does not grow.
    assert found.kept == (False, True)
    assert found.margins == (None, pytest.approx(0.4))  # beside a grown mode another is lost up to a larger λ
    # For two logits λ E[g σ(d g/τ_t)] = E[g σ(d g/τ_s)], w = (d/2, −d/2), solved on another rule.
    nodes, mass = np.polynomial.hermite_e.hermegauss(150)

    def pulled(d, tau):
        return mass @ (nodes / (1 + np.exp(-d * nodes / tau)))

    low, high = 1e-3, 2.0
    for _ in range(60):
        d = (low + high) / 2
        low, high = (d, high) if 0.9 * pulled(d, 0.05) > pulled(d, 0.1) else (low, d)
    assert found.powers[1] == pytest.approx(d**2 / 2, rel=2e-3)
    assert abs(found.powers[1] - d**2 / 2) < 3 * found.error + 1e-4


def test_what_is_not_known_is_not_given():
    without, endless = modes("0.04", [sympy.Rational(1, 2)]), modes("0.04", [1, sympy.Rational(1, 2)], 3)
    assert without.powers == (None,)
    assert "--set K" in without.error_of
    assert endless.powers == (None, None)
    assert "no end" in endless.text()
    assert "grows as a mode of λ = 1" in endless.notes[-1]
    many = modes("0.04", [sympy.Rational(1, 2)], 1000)
    assert many.powers == (None,)
    assert "survives down to λ = 0.0478" in "".join(many.notes)


def test_a_mode_that_is_pushed_out_is_lost_and_so_is_its_margin():
    # Powers of a simulation of all weights on other points: 0.335, 0.036, 0.
    found = modes("0.05", [sympy.Rational(95, 100), sympy.Rational(9, 10), sympy.Rational(6, 10)], 4)
    assert found.kept == (True, True, False)
    assert found.powers[:2] == pytest.approx((0.335, 0.036), abs=0.006)
    assert found.margins == (None, None, None)
    assert any(note.startswith("λ = 0.6: grows at first, and is pushed out") for note in found.notes)
    assert "keeps 2 of 3 modes" in found.text()
    # Without K it is not known who pushes out whom.
    without = modes("0.05", [sympy.Rational(95, 100), sympy.Rational(6, 10), sympy.Rational(1, 10)])
    assert without.kept == (None, None, False)


def test_a_flow_that_does_not_rest_gives_no_powers(monkeypatch):
    monkeypatch.setattr(LogitFlow, "end", lambda _, W, m=None: (W, m, False))
    found = modes("0.05", [sympy.Rational(9, 10), sympy.Rational(9, 10)], 2)
    assert (found.kept, found.powers) == ((None, None), (None, None))
    assert any("did not come to rest" in note for note in found.notes)


def test_covariances_serve_as_well_as_correlations():
    data = Covariances(np.diag([1.8, 0.1]), np.diag([0.2, 0.9]))
    assert modes("0.3", None, covariances=data).correlations == pytest.approx((0.9, 0.1))


@pytest.mark.parametrize(
    ("values", "correlations", "said"),
    [
        ({"tau_s": 1}, [0.5], "give --set tau_t"),
        ({"tau_s": 0, "tau_t": 1}, [0.5], "a temperature is positive"),
        ({"tau_s": 1, "tau_t": sympy.oo}, [0.5], "that are finite"),
        ({"tau_s": 1, "tau_t": 1, "K": 1}, [0.5], "2 or more"),
        ({"tau_s": 1, "tau_t": 1, "K": sympy.Rational(5, 2)}, [0.5], "whole number"),
        ({"tau_s": 1, "tau_t": 1}, None, "no correlations are given"),
        ({"tau_s": 1, "tau_t": 1}, [2], "outside of 0 to 1"),
        ({"tau": 1}, [0.5], "no parameter 'tau'"),
    ],
)
def test_unusable_input_gets_one_sentence(values, correlations, said):
    with pytest.raises(InputError, match=said):
        field_modes(DINO, {name: sympy.sympify(value) for name, value in values.items()}, None, correlations)


def test_the_command_answers_in_json(run):
    given = ["modes", "dino", "--set", "tau_s=1/10", "--set", "tau_t=3/10", "--correlations", "0.99,0.5", "--json"]
    status, out, _ = run(*given)
    found = json.loads(out)
    assert status == 0
    assert [one["kept"] for one in found["modes"]] == [False, False]
    assert found["theory"] == "field"
    assert found["rank"] == 0
    status, out, _ = run(*given, "--set", "K=3", "--times", "0,0.1")
    course = json.loads(out)["in_time"]
    assert course["times"] == [0.0, 0.1]
    # Both decay at (λ/τ_t − 1/τ_s)/(K τ_s).
    for i, lam in enumerate((0.99, 0.5)):
        first, last = (powers[i] for powers in course["powers"])
        assert last / first == pytest.approx(np.exp(2 * 0.1 * (lam / 0.3 - 10) / 0.3), rel=1e-3)
    for wrong, said in (("x", "--times"), ("0,1", "depends on K")):
        status, _, err = run(*given, "--times", wrong)
        assert (status, said in err, err.count("\n")) == (2, True, 1)
    status, _, err = run(*given, "--set", "K=3", "--times", "1,0")
    assert (status, "give them rising" in err) == (2, True)
    status, _, err = run("modes", "infonce", "--correlations", "0.5", "--times", "1")
    assert status == 2
    status, _, err = run("derive", "dino", "--order", "5")
    assert status == 2
    assert "orders 1, 3, 5 or 7" in err
