"""Whole audits: what is in them, which routes ran, and that a wrong derivation does not pass."""

import json
import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import sympy

from derive import InputError, Loss, Mean, NotAnalyticError, catalogue, exp, half_sq, inner, log, oo, views
from derive.landscape.landscape import landscapes
from numeric.sampling import Covariances
from verify.assurance.mutants import mutants
from verify.audits.definition import audit
from verify.evidence.evidence import INDEPENDENT
from verify.routes import minima
from verify.truths.settings import values_for

DRAWS = 4000
x, x_pos, chi = views("x, x_pos, chi")
MINE = Loss(2 * half_sq(x, x_pos) + log(Mean(exp(-3 * half_sq(x, chi)), over=chi)), name="mine")


@cache
def audited(name, **options):
    given = {key: sympy.S(value) for key, value in options.pop("given", ())}
    # Training has tests of its own, in test_trained.py.
    return audit(catalogue(name), **({"given": given, "draws": DRAWS, "train": False} | options))


def of_route(found, route):
    return [one for one in found.evidence if one.route == route]


def agreeing(found):
    return {one.route for one in found.evidence if one.ran and one.agrees and one.route in INDEPENDENT}


def test_infonce_holds_by_every_route():
    found = audited("infonce")
    assert found.verdict == "holds"
    assert agreeing(found) == {"exact", "remainder", "autodiff", "monte-carlo"}
    assert [one.agrees for one in of_route(found, "remainder")] == [True]
    assert of_route(found, "remainder")[0].measured == pytest.approx(6, abs=0.05)
    (training,) = of_route(found, "trained")
    assert not training.ran
    assert training.note == "left out by --no-train"


def test_training_is_a_route_of_an_audit():
    found = audited("dcl", train=True)
    (training,) = of_route(found, "trained")
    assert training.agrees is True
    assert "trained" in agreeing(found)


def test_the_json_has_the_keys_of_the_design():
    found = audited("infonce").to_json()
    assert json.loads(json.dumps(found)) == found
    assert {
        "expansion",
        "regularity",
        "rotation_invariant",
        "B",
        "collapse",
        "evidence",
        "verdict",
        "set",
    } <= found.keys()
    assert found["expansion"]["terms"] == [
        {"order": 2, "coefficient": "-1", "traces": [["A0"]]},
        {"order": 4, "coefficient": "3/4", "traces": [["Sigma", "Sigma"]]},
    ]
    assert found["regularity"] == "analytic"
    assert found["rotation_invariant"] is True
    assert found["B"] == {"A0": "1", "C": "0"}
    assert found["collapse"] == {"dimensional": "never", "complete": "never"}
    assert found["landscape"]["stationary"][0]["formulas"]["h_i"] == "⅔ λ_i > 0 for the kept modes i ∈ M"
    assert found["landscape"]["exact"]["ratio_near_transition"] == "1 - 8*b_i/9"
    assert found["landscape"]["bounded_below"]["verdict"] == "bounded"
    assert found["verdict"] == "holds"
    for one in found["evidence"]:
        assert one.keys() >= {
            "route",
            "quantity",
            "predicted",
            "measured",
            "standard_error",
            "tolerance",
            "seed",
            "agrees",
        }
        if one["route"] == "monte-carlo":
            assert one["standard_error"] > 0
            assert isinstance(one["seed"], int)


def test_values_that_are_set_stay_exact():
    found = audited("weighted-infonce", given=(("N", 3), ("alpha", "1/10")))
    assert found.verdict == "holds"
    assert found.to_json()["set"] == {"N": "3", "alpha": "1/10"}
    assert found.expansion.symbols == ()
    assert found.to_json()["B"] == {"A0": "20/21", "C": "0"}
    # Setting a value changes nothing in which routes there are.
    assert {"autodiff", "remainder", "monte-carlo"} <= agreeing(found) | {"remainder"}


def test_values_are_whole_numbers_or_sympys():
    found = audit(catalogue("weighted-infonce"), given={"N": 2, "alpha": 1}, order=2, train=False)
    assert found.given == {"N": 2, "alpha": 1}
    with pytest.raises(InputError, match=r"0\.5 is not exact"):
        audit(catalogue("weighted-infonce"), given={"alpha": 0.5})


def test_a_limit_is_taken_of_what_was_checked_before_it():
    found = audited("infonce-batch", given=(("N", "oo"),))
    assert found.verdict == "holds"
    assert found.to_json()["set"] == {"N": "oo"}
    assert found.expansion.terms == catalogue("infonce").expand(4).terms
    assert any("N = 3" in one.note for one in of_route(found, "autodiff"))


def test_weight_decay_brings_the_identity():
    found = audited("infonce+weight-decay")
    assert found.verdict == "holds"
    assert found.to_json()["B"] == {"A0": "1", "C": "0", "I": "-gamma"}
    assert {"autodiff", "monte-carlo", "remainder"} <= agreeing(found)


def test_a_normalised_loss_has_no_expansion_and_that_is_checked():
    found = audited("infonce+normalised")
    shown = found.to_json()
    assert (shown["expansion"], shown["B"], shown["collapse"], shown["rotation_invariant"]) == (None,) * 4
    assert (shown["regularity"], shown["degree"]) == ("homogeneous", 0)
    assert shown["reason"]
    assert found.verdict == "holds"
    assert agreeing(found) == {"exact", "autodiff", "monte-carlo"}
    assert found.transverse is not None


def test_a_loss_that_is_not_rotation_invariant_is_said_to_be_so():
    shown = audited("barlow-twins").to_json()
    assert shown["rotation_invariant"] is False
    assert shown["collapse"] == {"dimensional": "never", "complete": "never"}
    assert any("coordinate_sums" in term for term in shown["expansion"]["terms"])


def test_a_loss_of_the_users_own_needs_no_torch():
    found = audit(MINE, draws=DRAWS, train=False)
    (missing,) = of_route(found, "autodiff")
    assert not missing.ran
    assert missing.note == "no hand-written torch loss is known for this definition"
    assert missing.to_json()["agrees"] == "not-run"
    assert len(agreeing(found)) >= 2
    assert found.verdict == "holds"


def test_a_batch_loss_of_the_users_own_holds_by_two_routes():
    N = sympy.Symbol("N")
    mine = Loss(log(Mean(exp(inner(x, chi)), over=chi, count=N - 1)) - inner(x, x_pos), name="mine")
    found = audit(mine, draws=DRAWS, train=False)
    assert found.closed is None
    assert {"remainder", "monte-carlo"} <= agreeing(found)
    assert found.verdict == "holds"


@pytest.mark.parametrize("name", ["infonce-batch", pytest.param("ntxent", marks=pytest.mark.slow)])
def test_a_fixed_training_set_is_audited_at_second_order(name):
    found = audited(name, order=2, sampling="fixed")
    assert found.verdict == "holds"
    assert found.closed is None
    assert "fixed centred training set" in found.expansion.assumptions
    assert {"autodiff", "monte-carlo"} <= agreeing(found)


def test_a_fixed_training_set_is_refused_beyond_second_order():
    with pytest.raises(InputError, match="fixed"):
        audited("infonce-batch", order=4, sampling="fixed")


def test_given_covariances_are_measured_on():
    data = Covariances(np.diag([1.0, 0.0]), np.diag([0.0, 0.5]))
    found = audit(catalogue("infonce"), covariances=data, draws=DRAWS, train=False)
    assert found.verdict == "holds"
    coefficient = next(one for one in of_route(found, "monte-carlo") if "A0" in one.quantity)
    assert coefficient.predicted == -1.0


def test_a_datum_that_never_varies_decides_nothing_about_A0():
    """With A0 = 0 no measurement sees its coefficient."""
    found = audit(catalogue("infonce"), covariances=Covariances(np.zeros((2, 2)), np.eye(2)), draws=DRAWS, train=False)
    about_A0 = [one for one in of_route(found, "monte-carlo") if "coefficient of Tr[W A0 Wᵀ]" in one.quantity]
    assert all(one.agrees is None for one in about_A0)
    assert found.verdict != "refuted"


@pytest.mark.parametrize("basis", ["A0,Sigma", "A0,C"])
@pytest.mark.parametrize("order", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_other_orders_and_bases_hold_too(order, basis):
    found = audited("beta-infonce", order=order, basis=basis)
    assert found.verdict == "holds"
    assert found.expansion.order == order
    assert found.expansion.basis == basis


@pytest.mark.parametrize("name", ["barlow-twins", "vicreg"])
def test_a_loss_whose_second_order_is_all_traces_holds(name):
    """The sums over coordinates come with order 4, yet the loss is not rotation invariant."""
    assert audited(name, order=2).verdict == "holds"


def test_an_odd_order_is_refused():
    with pytest.raises(InputError, match="order"):
        audited("infonce", order=3)


def test_a_logarithm_of_something_that_vanishes_is_refused():
    with pytest.raises(NotAnalyticError, match="log"):
        audit(Loss(log(inner(x, x)) - inner(x, x_pos)))


# Wrong derivations.


def with_engine(monkeypatch, loss, wrong):
    """From here on the engine derives a wrong expansion of this loss."""
    right = Loss.expand

    def expand(self, *arguments, **options):
        return wrong if self.expression == loss.expression else right(self, *arguments, **options)

    monkeypatch.setattr(Loss, "expand", expand)


LABELS = ("term 1 of order 4 dropped", "Σ in place of A0", "N − 1 in place of N")


@pytest.mark.parametrize("name", ["infonce", "weighted-infonce"])
def test_an_engine_that_derives_a_mutant_is_refuted(name, monkeypatch):
    loss = catalogue(name)
    chosen = {label: wrong for label, wrong in mutants(loss.expand(4)) if label in LABELS}
    assert chosen
    for label, wrong in chosen.items():
        with monkeypatch.context() as patched:
            with_engine(patched, loss, wrong)
            assert audit(loss, draws=500, train=False).verdict == "refuted", label


def test_every_route_sees_a_flipped_sign(monkeypatch):
    loss = catalogue("ntxent")
    with_engine(monkeypatch, loss, dict(mutants(loss.expand(4)))["sign of term 0 of order 2 flipped"])
    found = audit(loss, draws=DRAWS, train=False)
    assert found.verdict == "refuted"
    assert {"autodiff", "remainder", "monte-carlo"} <= {one.route for one in found.evidence if one.agrees is False}


# The same numbers again.


@pytest.mark.slow
def test_a_seed_gives_the_same_json_in_two_processes():
    code = (
        "import json; from derive import catalogue; from verify.audits.definition import audit;"
        "print(json.dumps(audit(catalogue('spectral'), seed={}, draws=1000, train=False).to_json()))"
    )
    first, second, other = (
        subprocess.run(
            [sys.executable, "-c", code.format(seed)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        ).stdout
        for seed in (7, 7, 8)
    )
    assert json.loads(first)["verdict"] == "holds"
    assert first == second != other


def test_neighbouring_seeds_share_no_draws():
    """Were they alike, many seeds would be few."""
    means = [
        {one.measured for one in of_route(audited("ntxent", order=2, seed=seed, draws=200), "monte-carlo")}
        for seed in (0, 1)
    ]
    assert means[0]
    assert means[0] & means[1] == set()


def test_progress_is_told_step_by_step():
    steps = []
    audit(catalogue("spectral"), draws=200, train=False, tick=steps.append)
    assert steps[:3] == ["derive", "landscape", "exact"]
    assert steps[-2:] == ["monte-carlo", "minima"]
    assert {"remainder", "autodiff", "symmetry"} <= set(steps)


def test_a_fixed_norm_is_the_limit_of_a_penalty():
    found = audit(catalogue("infonce+norm-penalty"), given={"kappa": oo}, draws=200, train=False)
    said = found.to_json()
    assert said["collapse"]["complete"] == "never"
    assert said["collapse"]["dimensional"].endswith("(a_i + c_i)*(3*c - 2*sum_j(a_j/(a_j + c_j))) <= 0 for some i")
    assert "θ" in said["landscape"]["stationary"][0]["formulas"]
    # The expansion itself has no limit.
    assert "kappa" in said["B"]["A0"]


@pytest.mark.parametrize(
    "name", ["infonce", "dcl", "vicreg", "vicreg-soft", "siglip+weight-decay", "ntxent+norm-penalty"]
)
@pytest.mark.parametrize("seed", range(3))
def test_the_derived_minima_are_where_an_optimiser_ends(name, seed):
    loss = catalogue(name)
    values = {key: float(value) for key, value in values_for(loss, 4, minima.DIMENSION).items()}
    evidence = minima.compare(loss.expand(order=4), values, seed)
    assert evidence.agrees is True, evidence


def test_a_wrong_landscape_is_refuted(monkeypatch):
    """The couplings of another loss, as a wrong derivation would have them."""
    other = landscapes(catalogue("spectral").expand(order=4))
    monkeypatch.setattr(minima, "landscapes", lambda _: other)
    assert minima.compare(catalogue("infonce").expand(order=4), {}, 0).agrees is False


def test_minima_that_cannot_be_compared_say_why():
    assert "order 4 is needed" in minima.compare(catalogue("infonce").expand(order=2), {}, 0).note
    falling = Loss(inner(*views("x, x_pos")) ** 2 * -1)
    assert not minima.compare(falling.expand(order=4), {}, 0).ran
