"""A ledger run: what is live, what is stored, and what is said of it."""

import json

import pytest
import sympy

from derive import InputError
from verify.papers.claims import Ledger, Measured, Point, Reading
from verify.papers.claims.running import as_recorded, run
from verify.reports.claims.errata import errata
from verify.reports.claims.listing import summary, table, whole

x = sympy.Symbol("x")
MEASURED = Measured("L", "exact", "by hand", [Point({"x": 2.0}, 6.0, 1e-9)])


def three(a=2.0):
    """A counterexample."""
    return {"slot": "L", "at": {"x": a}, "printed": 8.0, "true": 6.0}


@pytest.fixture
def ledger():
    made = Ledger("p", "A paper of 100 % & more", "Somebody, 2020")
    calls = []

    def good():
        calls.append("run")
        yield Reading({"L": 3 * x}, [MEASURED])

    says = "L = {L}"
    made.claim("p:good", where="Eq. 1", says=says, recorded="holds", L=3 * x)(good)
    made.claim(
        "p:bad", where="Eq. 2", says=says, recorded="refuted", why="It is 3.", kind="error", falls=("p:good",),
        counterexample=three, L=4 * x,
    )(good)  # fmt: skip
    made.claim("p:slow", where="Eq. 3", says=says, recorded="holds", slow=True, L=3 * x)(good)
    made.not_run("p:figure", where="Fig. 1", says="a figure", waits_for="training")
    made.calls = calls
    return made


def test_slow_claims_are_not_run_until_they_are_asked_for_and_then_stored(ledger, tmp_path):
    stored = tmp_path / "stored.json"
    results = run(ledger, stored=stored)
    assert [one["verdict"] for one in results] == ["holds", "refuted", "not-run", "not-run"]
    assert results[2]["waits_for"] == "a slow claim without a stored result; run it with --slow"
    assert not stored.exists()

    assert run(ledger, slow=True, stored=stored)[2]["live"]
    ledger.calls.clear()
    (again,) = run([ledger["p:slow"]], stored=stored)
    assert again["verdict"] == "holds"
    assert not again["live"]
    assert set(again["stored"]) == {"date", "versions", "command"}
    assert again["stored"]["versions"]["sympy"]
    assert ledger.calls == []
    assert "p:slow" in json.loads(stored.read_text("utf-8"))
    assert [file.name for file in tmp_path.iterdir()] == ["stored.json"]


def test_a_stored_result_of_another_statement_does_not_count(ledger, tmp_path):
    stored = tmp_path / "stored.json"
    run(ledger, slow=True, stored=stored)
    changed = Ledger("p", "A paper")
    changed.claim("p:slow", where="Eq. 3", says="L = {L}", recorded="holds", slow=True, L=5 * x)(lambda: ())
    (found,) = run(changed, stored=stored)
    assert found["verdict"] == "not-run"


def test_a_store_that_is_none_is_left_alone(ledger, tmp_path):
    stored = tmp_path / "stored.json"
    stored.write_text("no JSON", "utf-8")
    with pytest.raises(InputError, match=r"stored\.json holds no stored results"):
        run(ledger, slow=True, stored=stored)
    assert stored.read_text("utf-8") == "no JSON"


def test_an_investigation_that_fails_is_named(ledger, tmp_path):
    ledger.claim("p:broken", where="", says="{L}", recorded="holds", L=x)(lambda: [Reading({"L": 1 / 0}, [])])
    with pytest.raises(InputError) as error:
        run(ledger, stored=tmp_path / "stored.json")
    assert str(error.value) == "claim p:broken failed when it was investigated: ZeroDivisionError: division by zero"


def test_a_run_says_whether_the_verdicts_are_the_recorded_ones(ledger, tmp_path):
    results = run(ledger, stored=tmp_path / "none.json")
    assert as_recorded(results[:2])
    wrong = [results[0] | {"recorded": "refuted"}]
    assert not as_recorded(wrong)
    assert "NOT AS RECORDED (refuted)" in table(wrong)
    assert summary(wrong).endswith("not as recorded: p:good")


def test_the_table_and_one_claim_whole(ledger, tmp_path):
    results = run(ledger, stored=tmp_path / "none.json")
    assert table(results).splitlines() == [
        "claim     verdict      as printed, and below it what is true",
        "p:good    holds        L = 3 x",
        "p:bad     refuted      L = 4 x",
        "          error        L = 3 x",
        "p:slow    not-run      L = 3 x",
        "          waits for    a slow claim without a stored result; run it with --slow",
        "p:figure  not-run      a figure",
        "          waits for    training",
        "",
        "4 claims: 2 not-run, 1 holds, 1 refuted (of the refuted 1 error); all as recorded",
    ]
    text = whole(results[1])
    for part in (
        "printed       L = 4 x",
        "verdict       refuted (error)",
        "corrected     L = 3 x",
        "why           It is 3.",
        "falls with it p:good",
        "exact       L: 8 said, 6 ± 1e-09 found, by hand  ✗",
        "# printed: 8, true: 6",
    ):
        assert part in text


def test_the_json_is_what_the_design_says(ledger, tmp_path):
    result = run([ledger["p:bad"]], stored=tmp_path / "none.json")[0]
    assert {"id", "paper", "printed", "verdict", "corrected", "condition", "counterexample", "evidence"} <= set(result)
    assert (result["printed"], result["corrected"]) == ("L = $4 x$", "L = $3 x$")
    assert result["counterexample"]["code"].startswith("def three(")
    json.dumps(result)


def test_the_errata_sheet_is_escaped(ledger, tmp_path):
    sheet = errata([ledger], run(ledger, stored=tmp_path / "none.json"))
    assert r"\section*{Errata: A paper of 100 \% \& more}" in sheet
    assert "L = $4 x$" in sheet
    assert "L = $3 x$" in sheet
    assert "Of 2 statements that were re-derived and measured, 1 hold as printed" in sheet
    assert "1 are corrected. 2 more were not run." in sheet


def test_a_sign_without_a_command_does_not_stand_for_itself(tmp_path, ledger):
    of = Ledger("p", "Of x\N{COMBINING MACRON} and k\N{COMBINING MACRON BELOW}", "Somebody")
    sheet = errata([of], [one | {"paper": "p"} for one in run([ledger["p:bad"]], stored=tmp_path / "none.json")])
    assert r"\ensuremath{\bar{x}}" in sheet
    assert r"\DeclareUnicodeCharacter{1E35}{[U+1E35]}" in sheet
