"""The subcommand moment: what it prints, its exit status, and one sentence for each input that cannot be used."""

import json

import pytest

from derive import moment
from verify.routes import moment as routes


@pytest.fixture
def few_draws(monkeypatch):
    for name, value in (("ROWS", 2000), ("FEWEST", 10), ("MOST", 10)):
        monkeypatch.setattr(routes, name, value)


@pytest.mark.usefixtures("few_draws")
def test_it_prints_the_words_and_the_evidence(run):
    status, out, err = run("moment", "Var(|f(x) - f(chi)|^2)")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "Var[|f(x)−f(χ)|²]",
        "  moment        = 8 Tr[(W Σ Wᵀ)²]",
        "  assuming      zero mean, Gaussian; any dimension",
    ]
    assert any("exact" in line and line.endswith("✓") for line in lines)
    assert any("monte-carlo" in line for line in lines)
    assert "(the derivation)" in lines[-1] or "(the derivation)" in lines[-2]


def test_json_is_the_moment_with_evidence_and_verdict(run):
    asked = ("moment", "E(Var(|f(x) - f(chi)|^2 | x))", "--law", "student-t:nu=30", "--json", "--seed", "3")
    status, out, err = run(*asked)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["verdict"] == "holds"
    assert [one["route"] for one in found["evidence"]] == ["exact", "monte-carlo"]
    assert {"given", "terms", "basis", "assumptions", "constant", "set", "latex"} <= set(found)
    assert json.loads(run(*asked)[1]) == found


def test_latex_is_ready_to_paste(run):
    status, out, _ = run("moment", "Var(|f(x)|^2)/tau", "--latex", "--set", "tau=1/2")
    assert status == 0
    assert out.strip().endswith(moment("2 Var(|f(x)|^2)").latex())
    assert out.startswith(r"\frac{1}{\tau} \operatorname{Var}")


@pytest.mark.usefixtures("few_draws")
def test_values_bases_and_laws_reach_the_moment(run):
    _, out, _ = run("moment", "E(<f(x), f(x_pos)>^2)/tau", "--set", "tau=1/2", "--basis", "A0,C")
    assert "= 4 Tr[(W A0 Wᵀ)²] + 4 Tr[W A0 Wᵀ W C Wᵀ] + 2 Tr[(W C Wᵀ)²] + 2 Tr[W A0 Wᵀ]²" in out
    assert "set           tau = 1/2" in out
    _, out, _ = run("moment", "Var(|f(x)|^2)", "--law", "elliptical:s4=3/2")
    assert "= 3 Tr[(W Σ Wᵀ)²] + ½ Tr[W Σ Wᵀ]²" in out
    assert "not-run (the derivation)" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("Var(|f(x)|^2",), "quartic: ')' is missing here"),
        (("",), "quartic: the text of a moment is empty; write for instance Var(|f(x) - f(chi)|^2)"),
        (("Var(|f(x)|^2)", "--set", "m=1"), "quartic: the moment has no parameter 'm'; it has: none"),
        (("Var(|f(x)|^2)", "--basis", "B"), "quartic: basis 'B' is unknown; the bases are A0,Sigma and A0,C"),
        (("Var(|f(x)|^2)", "--latex", "--json"), "quartic: --json does not go with --latex; leave it out"),
        (("Var(|f(x)|^8)", "--law", "student-t:nu=9"), "quartic: Student's t with nu = 9 has no finite"),
        (("Cum(|f(x)|^40, 10)",), "quartic: the moment to order 400 takes"),
    ],
)  # fmt: skip
def test_unusable_input_is_one_sentence(run, arguments, sentence):
    status, out, err = run("moment", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(sentence), err
    assert "Traceback" not in err


@pytest.mark.usefixtures("few_draws")
def test_a_contradiction_is_exit_status_1(run, monkeypatch):
    from verify.audits import moment as module

    right = module.moment
    monkeypatch.setattr(
        module,
        "moment",
        lambda of, **options: (found := right(of, **options)).with_terms(
            (one.invariants, -one.coefficient) for one in found.terms
        ),
    )
    status, out, _ = run("moment", "Var(|f(x)|^2)")
    assert status == 1
    assert "refuted (the derivation)" in out
