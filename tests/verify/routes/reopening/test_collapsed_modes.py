"""Whether collapsed modes stay collapsed, in audits: the lines, the JSON, and that nothing noisy passes."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy
import torch

from derive import Gaussian, Loss, Mean, catalogue, exp, half_sq, log, views
from verify.audits.definition import audit
from verify.routes.reopening.collapsed_modes import collapsed, of_definition
from verify.routes.reopening.transition import Crossing
from verify.truths.two_views import two_views

x, x_pos, chi = views("x, x_pos, chi")


@cache
def infonce():
    return audit(catalogue("infonce+normalised"))


def lines(found):
    return [one for one in found.evidence if "collapsed mode" in one.quantity or one.quantity == "its sign change"]


def contrastive(z1, z2):
    z1, z2 = (torch.nn.functional.normalize(z, dim=-1) for z in (z1, z2))
    return torch.nn.functional.cross_entropy(z1 @ z2.T, torch.arange(len(z1)))


def test_normalised_infonce_by_its_definition():
    found = infonce()
    assert found.verdict == "holds"
    derivatives, *points, change = lines(found)
    assert derivatives.route == "autodiff"
    assert derivatives.agrees
    assert [one.quantity for one in points] == [
        "curvature of a collapsed mode, σ = 0.1 (reopens)",
        "curvature of a collapsed mode, σ = 0.3 (stays collapsed)",
        "curvature of a collapsed mode, σ = 1 (stays collapsed)",
    ]
    assert all(one.agrees and abs(one.z) < 4 and one.seed == 0 for one in points)
    assert change.agrees
    assert change.measured.startswith("σ = 0.2")
    assert "fixed norm through order 4: 0.2663" in change.measured
    assert "curvature of a collapsed mode, σ = 0.1 (reopens): -0.150999 → -0.153 ± 0.012" in " ".join(
        found.text().split()
    )


def test_the_json_holds_every_number():
    found = infonce().to_json()
    assert json.loads(json.dumps(found)) == found
    transverse = found["transverse"]
    assert list(transverse["strengths"]) == ["0.1", "0.3", "1"]
    assert [one["verdict"] for one in transverse["strengths"].values()] == [
        "reopens",
        "stays collapsed",
        "stays collapsed",
    ]
    assert transverse["sign_change"]["strength"] == pytest.approx(0.221, abs=0.04)
    assert transverse["norm_penalty"]["strength"] == pytest.approx(0.2663, abs=1e-4)
    assert audit(catalogue("infonce"), draws=200, order=2).to_json()["transverse"] is None


def test_a_torch_function_gets_the_same_lines():
    found = audit(contrastive)
    derivatives, *points, change = lines(found)
    assert derivatives.agrees
    assert len(points) == 3
    assert points[0].measured.endswith(", reopens")
    assert points[2].measured.endswith(", stays collapsed")
    assert change.agrees
    assert found.to_json()["transverse"]["sign_change"]["strength"] == pytest.approx(0.22, abs=0.05)
    assert json.loads(json.dumps(found.to_json())) == found.to_json()


def test_both_routes_measure_the_same_loss():
    # The batch loss of the catalogue is the cross-entropy of unit vectors, as distances are inner products there.
    by_hand, _ = of_definition(catalogue("infonce-batch+normalised"), {"N": sympy.Integer(32)}, 0, Gaussian())
    other = audit(contrastive).transverse
    for s, point in by_hand.points.items():
        assert other.points[s].value == pytest.approx(point.value, abs=1e-9)


def test_a_wrong_curvature_is_refuted():
    found = infonce().transverse
    wrong = replace(found, exact={s: -value for s, value in found.exact.items()})
    assert [one.agrees for one in wrong.evidence()[1:4]] == [False, False, False]


def test_what_noise_hides_is_undecided():
    found = infonce().transverse
    noisy = {s: replace(point, errors=10 * point.errors, hessian=point.hessian) for s, point in found.points.items()}
    for exact in (found.exact, None):
        marks = [one.agrees for one in replace(found, points=noisy, exact=exact).evidence()[1:4]]
        assert marks == [None, None, None]
    lost = replace(found, change=Crossing(np.nan, np.nan, "noise"))
    assert lost.evidence()[-1].agrees is None


def test_a_point_that_is_not_stationary_decides_nothing():
    found = replace(infonce().transverse, drift=9.0, exact=None)
    assert [one.agrees for one in found.evidence()[1:]] == [None] * 4
    assert found.evidence()[1].note == "W is not stationary: a gradient of 9.0 standard errors"


@pytest.mark.parametrize(
    ("loss", "given", "note"),
    [
        (
            Loss(half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi)), name="mine").normalised(),
            {},
            "no hand-written torch loss is known for this definition",
        ),
        (
            catalogue("infonce+normalised+bias"),
            {},
            "no hand-written torch loss is known for this definition",
        ),
        (
            catalogue("infonce-batch+normalised"),
            {"N": sympy.oo},
            "the loss is measured at finite values of its parameters",
        ),
    ],
)
def test_what_is_not_run_says_why(loss, given, note):
    found, (line,) = of_definition(loss, given, 0, Gaussian())
    assert found is None
    assert (line.mark, line.note) == ("not run", note)


def test_a_function_that_is_too_slow_is_not_run():
    import time

    def slow(z1, z2):
        if len(z1) > 30 and z1.shape[1] > 8:
            time.sleep(0.1)
        return contrastive(z1, z2)

    (line,) = lines(audit(slow))
    assert line.mark == "not run"
    assert line.note == "one call takes 0.1 s; thousands are needed"


def test_a_function_of_another_width_is_not_run():
    def narrow(z1, z2):
        if z1.shape[1] > 3:
            raise ValueError("at most three coordinates")
        return contrastive(z1, z2)

    (line,) = lines(audit(narrow))
    assert line.mark == "not run"
    assert line.note == "narrow raised ValueError on two batches of shape (32, 13): at most three coordinates"


def test_a_loss_that_is_lost_at_no_strength_says_so():
    found = collapsed(two_views("siglip+normalised", {"t": 1.0, "b": 0.5}), batch=16)
    change = found.evidence()[-1]
    assert change.agrees
    assert change.measured == "the curvature is negative at both 0.1 and 1"
