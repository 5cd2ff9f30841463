"""Audits of the model f(x) = W x + b: every route sees b, and a wrong word of b does not pass."""

import json
import sys

import pytest

from derive import catalogue
from verify.assurance.mutants import mutants
from verify.audits.definition import audit
from verify.command.cli import main
from verify.evidence.terminal import audit_text
from verify.routes import monte_carlo, remainder
from verify.truths.settings import case, truth_of

DRAWS = 4000


@pytest.fixture(scope="module")
def spectral():
    return audit(catalogue("spectral+bias"), draws=DRAWS, train=False)


def test_an_audit_with_a_bias_holds_by_every_route(spectral):
    assert spectral.verdict == "holds"
    routes = {one.route for one in spectral.evidence if one.ran and one.agrees}
    assert {"exact", "remainder", "autodiff", "monte-carlo"} <= routes
    assert any("|b|⁴" in one.quantity for one in spectral.evidence)
    written = spectral.to_json()
    assert (written["B"], written["bias_curvature"]) == ({"A0": "2", "C": "0"}, "2")


def test_the_report_names_the_model_and_its_origin(spectral):
    shown = audit_text(spectral)
    assert "model         f(x) = W x + b" in shown
    assert "origin        B = 2 A0;  in b: −2 |b|²" in shown
    assert "L(−W, −b) − L(W, b)" in shown
    assert "L(RW, Rb) − L(W, b)" in shown


@pytest.mark.parametrize("check", ["remainder", "monte-carlo"])
def test_a_wrong_word_of_b_is_rejected(check):
    loss = catalogue("spectral+bias")
    expansion = loss.expand(4)
    if check == "remainder":
        measured = remainder.measure(loss, case(loss, {}, seed=0, positive=True), 4)
        evidence = lambda wrong: [remainder.compare(measured, wrong)]  # noqa: E731
    else:
        measured = monte_carlo.measure([case(loss, {}, seed=k, dimension=3) for k in range(4)], 4, 20 * DRAWS)
        evidence = lambda wrong: monte_carlo.compare(measured, wrong)  # noqa: E731
    assert not any(one.agrees is False for one in evidence(expansion))
    found = dict(mutants(expansion))
    assert len(found) == 3 * 5 + 2
    for name, wrong in found.items():
        assert any(one.agrees is False for one in evidence(wrong)), name


def test_the_torch_loss_and_the_definition_agree_on_normalised_features_with_a_bias():
    found = audit(catalogue("infonce+normalised+bias"), draws=DRAWS, train=False)
    assert found.verdict == "holds"
    assert "constant along (W, b) → t(W, b)" in audit_text(found)


def test_the_bias_is_drawn_where_the_model_has_one():
    loss = catalogue("infonce")
    assert case(loss, {}, seed=0).setting.bias is None
    at = case(loss.with_bias(), {}, seed=0)
    assert at.setting.bias.shape == (2,)
    assert truth_of(loss.with_bias(), at.values, at.setting).how == "hand-written torch loss"


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["quartic", *arguments])
        main()
        return capsys.readouterr().out

    return command


def test_the_command_derives_and_writes_words_of_b(run):
    target = "infonce+norm-penalty+bias"
    assert run("derive", target).strip() == catalogue(target).expand(4).text()
    assert json.loads(run("derive", target, "--json"))["model"] == "W x + b"
    written = run("latex", target)
    assert r"L(W, b) - L(0) ={}&" in written
    assert r"-2B \otimes I \text{ in } W, \quad (- 4 c \kappa)\, I \text{ in } b." in written
    assert "Here $f(x) = Wx + b$" in written
    assert "degree 0 in (W, b)" in run("derive", "infonce+normalised+bias")
