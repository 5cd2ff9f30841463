"""The whole check of a moment."""

import json

import pytest
import sympy

from derive import Elliptical, InputError, Mean, inner, views
from derive.expansion.laws import LAWS
from verify.audits.moment import audit_moment


def test_a_moment_is_derived_and_checked():
    found = audit_moment("E(Tr[Mean(f(u) f(u)^T, u, n)^2])/tau", given={"n": 3})
    assert found.verdict == "holds"
    assert {one.route for one in found.evidence} == {"exact", "monte-carlo"}
    assert found.moment.text() == "4/(3 τ) Tr[(W Σ Wᵀ)²] + 1/(3 τ) Tr[W Σ Wᵀ]²"
    said = found.to_json()
    assert json.loads(json.dumps(said)) == said
    assert said["set"] == {"n": "3"}
    assert said["verdict"] == "holds"
    assert [one["agrees"] for one in said["evidence"]] == [True, True]


def test_an_expression_is_checked_too():
    x, chi = views("x, chi")
    found = audit_moment(Mean(inner(x, chi) ** 2 * sympy.Symbol("c"), over=chi))
    assert (found.moment.text(), found.verdict) == ("c f(x)ᵀ W Σ Wᵀ f(x)", "holds")


@pytest.mark.parametrize("law", ["mean", "classes"])
def test_data_with_a_mean_and_classes(law):
    assumed = LAWS[law]()
    found = audit_moment("Var(|f(x)|^2)", law=assumed)
    assert found.verdict == "holds"
    assert found.moment.terms != audit_moment("Var(|f(x)|^2)").moment.terms
    # The mean beside what is held.
    loose = audit_moment("Cov(<f(x), f(y)>, <f(x), f(u)> | y, u)", law=assumed)
    assert loose.verdict == "holds"


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("E(<f(x), f(chi)>^3 | chi)", "⟨f(χ), W μ⟩³ + 3 ⟨f(χ), W μ⟩ f(χ)ᵀ W Σ Wᵀ f(χ)"),
        ("E(f(x)_i |f(x)|^2)", "2 (W Σ Wᵀ W μ)_i + (W μ)_i |W μ|² + (W μ)_i Tr[W Σ Wᵀ]"),
    ],
)
def test_the_mean_stands_an_odd_number_of_times_beside_what_is_held(of, said):
    found = audit_moment(of, law=LAWS["mean"]())
    assert found.moment.text() == said
    assert found.verdict == "holds"
    ends = str(found.to_json()["terms"])
    assert "'Wμ'" in ends


def test_what_is_not_drawn_is_not_checked():
    found = audit_moment("Var(|f(x)|^2)", law=Elliptical())
    assert found.verdict == "not-run"
    assert "no independent route was run" in found.text()


def test_a_wrong_derivation_is_refuted(monkeypatch):
    from verify.audits import moment as module

    right = module.moment

    def wrong(of, **options):
        found = right(of, **options)
        return found.with_terms((one.invariants, 2 * one.coefficient) for one in found.terms)

    monkeypatch.setattr(module, "moment", wrong)
    assert audit_moment("Var(|f(x)|^2)").verdict == "refuted"


def test_a_value_that_cannot_be_put_in():
    with pytest.raises(InputError, match=r"^the moment has no parameter 'm'; it has: none$"):
        audit_moment("Var(|f(x)|^2)", given={"m": 1})
