"""Fields through the command, the audit and the plugin's check, in their own words; nothing that needs a potential."""

import json

import pytest

from derive import InputError, Loss, half_sq, stop, views
from verify import audit
from verify.command.cli import main
from verify.networks.last_layer.objective import objective
from verify.papers.printed.audited import audited
from verify.papers.printed.expansion import check_expansion
from verify.reports.writing import write_report

x, x_pos = views("x, x_pos")
# Words of a landscape, which a field has none of.
OF_A_POTENTIAL = ("minima", "minimum", "stationary", "B =", "collapse      ", "below  ")


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr("sys.argv", ["quartic", *arguments])
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code
        return (status, *capsys.readouterr())

    return command


def test_the_audit_of_simsiam(run):
    status, out, err = run("audit", "simsiam", "--no-train", "--quiet")
    assert (status, err) == (0, "")
    said = " ".join(out.split())
    assert "dW/dt Pᵀ W A0 − Pᵀ P W Σ − η W" in said
    assert "stopped P W A0 − W Σ, which the stop takes away" in said
    assert "a_i^2 > 4 η s_i, that is λ_i^2 s_i > 4 η" in said
    assert "potential none" in said
    assert "verdict holds (the field)" in said
    assert not any(word in out for word in OF_A_POTENTIAL)


def test_keys_that_are_stopped_leave_the_landscape_alone_and_that_is_said(run):
    status, out, _ = run("audit", "moco", "--set", "K=oo", "--no-train", "--quiet", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["half_of_the_gradient"] is True
    assert found["answer"].startswith("The stop leaves the landscape alone")
    assert found["curl"] is None
    assert found["B"] is None
    assert "momentum changes rates alone" in found["momentum"]
    assert found["verdict"] == "holds"


def test_a_loss_with_stopped_views_is_never_audited_as_one_with_a_gradient(tmp_path, run):
    file = tmp_path / "mine.py"
    file.write_text("from derive import *\nx, p = views('x, x_pos')\nLOSS = Loss(half_sq(x, stop(p)), name='mine')\n")
    status, out, _ = run("derive", f"{file}:LOSS")
    assert (status, out) == (0, "dW/dt = W A0 − W Σ\n")
    found = audit(Loss(half_sq(x, stop(x_pos)), name="mine"), train=False)
    assert found.field.text() == "dW/dt = W A0 − W Σ"
    assert "2 comparisons" in found.text() or "field" in found.about
    with pytest.raises(InputError, match="mine is a field"):
        check_expansion(Loss(half_sq(x, stop(x_pos)), name="mine"), "0")


def test_the_plugin_and_the_reports_speak_of_fields(tmp_path):
    check, whole = audited("byol", train=False)
    assert check.verdict == "holds"
    assert check.derived.startswith("dW/dt = Pᵀ Wₘ A0")
    for name in ("byol.html", "byol.md", "byol.tex"):
        write_report(whole, tmp_path / name, command="quartic audit byol")
        written = (tmp_path / name).read_text("utf-8")
        assert "stopped" in written
        assert not any(word in written for word in OF_A_POTENTIAL[:4])


def test_the_latex_of_a_detached_function_is_that_of_its_field(tmp_path, run):
    file = tmp_path / "code.py"
    file.write_text("def loss(z1, z2):\n    return ((z1 - z2.detach()) ** 2).sum(1).mean() / 2\n")
    status, out, err = run("latex", f"{file}:loss")
    assert status == 0
    assert out == "\\[ \\dot W = W (A_0 - \\Sigma) + O(W^3) \\]\n"
    assert "no gradient reaches z2: it is detached; its field is written" in err


def test_a_field_has_no_landscape_on_features():
    with pytest.raises(InputError, match="simsiam is a field, the gradient of no loss, and has no landscape"):
        objective("simsiam", {}, batch=8)
    with pytest.raises(InputError, match="mine is a field"):
        objective(Loss(half_sq(x, stop(x_pos)), name="mine"), {}, batch=8)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("audit", "simsiam", "--set", "tau=1"), "simsiam has no parameter 'tau'; it has: eta, rho"),
        (("audit", "simsiam", "--core"), "--core does not go with a field"),
        (("audit", "simsam"), "did you mean simsiam?"),
        (("derive", "simsiam", "--basis", "A0,C"), "--basis does not go with a field"),
        (("derive", "simsiam", "--order", "3"), "3"),
        (("derive", "simsiam+weight-decay"), "takes no modifiers"),
        (("derive", "byol+normalized"), "did you mean byol+normalised?"),
        (("derive", "directpred+normalised"), "takes no modifiers"),
        (("derive", "simsiam", "--law", "mean"), "not for those of the law mean"),
        (("modes", "simsiam", "--correlations", "0.5"), "give --set eta=…"),
        (("modes", "byol", "--set", "eta=0", "--correlations", "0.5"), "give the covariances"),
        (("modes", "moco", "--set", "tau=1", "--set", "eta=0", "--set", "K=oo"), "no correlations are given"),
    ],
)
def test_unusable_input_gets_one_sentence(run, arguments, said):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
