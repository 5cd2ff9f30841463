"""Whether collapsed modes stay collapsed, in audits: the lines, the JSON, and that nothing noisy passes."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy
import torch

from derive import Gaussian, Loss, Mean, catalogue, cosine, exp, log, views
from numeric.sphere.equal_means import Value
from numeric.sphere.equal_modes import Sphere
from numeric.sphere.lost_modes import lost_modes
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
    derivatives, *points = lines(found)
    assert derivatives.route == "autodiff"
    assert derivatives.agrees
    assert [one.quantity for one in points] == [
        "curvature of a collapsed mode, σ = 0.1 (reopens)",
        "curvature of a collapsed mode, σ = 0.3 (stays collapsed)",
        "curvature of a collapsed mode, σ = 1 (stays collapsed)",
    ]
    assert all(one.agrees and abs(one.z) < 4 and one.seed == 0 for one in points)
    change = found.evidence[-1]
    assert (change.quantity, round(change.predicted, 4)) == ("σ of its sign change", 0.2212)
    assert change.agrees
    assert found.answer.text.startswith(
        "Has no expansion at W = 0; beside 12 equal modes a lost mode stays lost for σ ≥ 0.2212, where its view"
        " correlation is below λ_c, and comes back below."
    )
    assert "E|f|² = 1 the sign changes at σ = 0.2663, 0.2212 for unit vectors" in " ".join(found.text().split())
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
    derived = transverse["lost_modes"]
    assert derived["alpha"] == "E_x,x′[|f(x)|⁻¹ |f(x′)|⁻¹]"
    assert derived["sign_change"]["strength"] == pytest.approx(0.22116, abs=1e-5)
    for s, one in derived["strengths"].items():
        own = Sphere(12, one["kept"])
        assert one["theory"]["route"] == "equal modes"
        assert one["theory"]["threshold"] == pytest.approx(own.threshold(), abs=1e-11)
        assert one["curvature"] == pytest.approx(12 * own.curvature(one["lost"]), abs=1e-10)
        gap = abs(one["measured"]["threshold"] - own.threshold())
        assert gap < 4 * one["measured"]["threshold_error"] < 0.1, s
    assert audit(catalogue("infonce"), draws=200, order=2).to_json()["transverse"] is None


def test_a_torch_function_gets_the_same_lines():
    found = audit(contrastive)
    derivatives, *points, change = lines(found)
    assert derivatives.agrees
    levels = [one for one in found.evidence if one.quantity.startswith("λ_c")]
    assert [one.agrees for one in levels] == [True] * 3
    strengths = found.to_json()["transverse"]["lost_modes"]["strengths"]
    # A cross-entropy over both views of 32 data, at τ = 1: the catalogue's, by drawn views.
    exact = lost_modes(catalogue("infonce-batch+normalised").set({"N": 32, "tau": 1}), [1 / 1.09] * 12)
    own = strengths["0.3"]["measured"]
    assert abs(own["threshold"] - exact.threshold.value) < 4 * np.hypot(own["threshold_error"], exact.threshold.error)
    assert "measured" in " ".join(found.text().split())
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


def wrong_theory(found, **changes):
    """A theory whose numbers are changed, each by a function of what it was."""

    def changed(one):
        values = {name: change(getattr(one, name)) for name, change in changes.items()}
        new = replace(one, **values)
        return replace(new, threshold=Value(new.beta.value / new.alpha.value, 1e-12))

    return replace(found, theory=replace(found.theory, at={s: changed(one) for s, one in found.theory.at.items()}))


@pytest.mark.parametrize(
    "changes",
    [
        # A lost ½ in β; 1/|u|², whose mean is 12/10 over r, in place of 1/(|u| |u′|) at independent views.
        {"beta": lambda beta: Value(2 * beta.value, beta.error)},
        {"alpha": lambda alpha: Value(alpha.value * 0.8, alpha.error)},
    ],
)
def test_a_wrong_mean_is_refuted(changes):
    wrong = wrong_theory(infonce().transverse, **changes)
    levels = [one.agrees for one in wrong.evidence() if one.quantity.startswith("λ_c")]
    assert levels == [False] * 3
    assert any(one.agrees is False for one in wrong.evidence()[1:4])


def test_what_noise_hides_is_undecided():
    found = infonce().transverse
    noisy = {s: replace(point, errors=10 * point.errors, hessian=point.hessian) for s, point in found.points.items()}
    for derived in (found.theory, None):
        marks = [one.agrees for one in replace(found, points=noisy, theory=derived).evidence()[1:4]]
        assert marks == [None, None, None]
    lost = replace(found, change=Crossing(np.nan, np.nan, "noise"))
    assert lost.evidence()[-1].agrees is None


def test_a_point_that_is_not_stationary_decides_nothing():
    found = replace(infonce().transverse, drift=9.0, theory=None)
    assert [one.agrees for one in found.evidence()[1:]] == [None] * 7
    assert found.evidence()[1].note == "W is not stationary: a gradient of 9.0 standard errors"


@pytest.mark.parametrize(
    ("loss", "given", "note"),
    [
        (
            Loss(cosine(x, x_pos) * cosine(x_pos, views("x_third")[0]), name="mine"),
            {},
            "mine is not evaluated on batches of two views: it sees more than two views of one datum, or two encoders",
        ),
        (
            catalogue("infonce+normalised+bias"),
            {},
            "it is measured without a bias",
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


def test_a_definition_of_ones_own():
    """A hard-negative form that is not in the catalogue: measured as it stands, and derived."""
    inside = Mean(exp(2 * cosine(x, chi) + cosine(x, chi) ** 2), over=chi)
    found = audit(Loss(-2 * cosine(x, x_pos) + log(inside), name="mine"))
    assert found.verdict == "holds"
    assert found.transverse.theory.at[0.1].route == "equal modes"
    assert [one.agrees for one in found.evidence if one.quantity.startswith("λ_c")] == [True] * 3
    assert found.answer.text.startswith("Keeps modes: beside 12 equal modes a lost one comes back, σ = 0.1, 0.3 and 1.")


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
