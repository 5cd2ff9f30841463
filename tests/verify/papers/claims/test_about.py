"""Claims about a loss that find their own routes, and the ledger that a reviewer begins with."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from derive import InputError, Loss, Mean, catalogue, exp, half_sq, log, views
from verify.command.cli import quartic
from verify.papers.claims import Ledger, judge, misprints, repaired
from verify.papers.claims.ledgers import in_file
from verify.papers.claims.template import new_ledger

PRINTS = {
    "beta-infonce": {
        "B": r"\beta A_0 + (\beta - 1) C",
        "threshold": r"1 - \beta",
        "expansion": r"-\beta\Tr[W A_0 W^\top] - (\beta - 1)\Tr[W C W^\top] + \frac34 \beta \Tr[(W \Sigma W^\top)^2]",
        "dimensional": r"\beta a_i \le (1 - \beta) c_i \text{ for some } i",
        "complete": r"\beta a_i \le (1 - \beta) c_i \text{ for all } i",
    },
    "infonce": {"power": r"\frac23 \lambda_i", "dimensional": "never"},
    "weighted-infonce": {"B": "(N - 1) A_0/(N + alpha - 1)", "dimensional": "never"},
}


def ledger_of(loss, recorded="holds", **printed):
    ledger = Ledger("mine", "A paper of mine")
    ledger.about(loss, "mine:one", where="Eq. 1", recorded=recorded, **printed)
    return ledger["mine:one"]


@pytest.fixture(scope="module")
def claims():
    return {loss: ledger_of(loss, **printed) for loss, printed in PRINTS.items()}


@pytest.mark.parametrize("loss", PRINTS)
def test_each_slot_is_derived_and_measured_and_its_misprints_are_seen(claims, loss):
    claim = claims[loss]
    found = judge(claim)
    assert found.verdict == "holds", [(slot, one) for _, slot, one in found.evidence if not one.agrees]
    routes = {slot: [one.route for _, of, one in found.evidence if of == slot] for slot in claim.printed}
    assert all(len(set(one)) >= 2 for one in routes.values())
    # Slot by slot, since the others hold; slips of expansions are tried elsewhere.
    for slot, value in claim.printed.items():
        if slot in ("expansion", "complete") or loss == "weighted-infonce":
            continue
        alone = replace(claim, printed={slot: value}, investigate=lambda: claim.readings)
        assert [name for name, slipped in misprints({slot: value}) if judge(alone, slipped).verdict == "holds"] == []


def test_a_wrong_print_is_refuted_and_its_repair_holds(claims):
    wrong = ledger_of("beta-infonce", "refuted", B=r"\beta A_0", complete="never")
    assert judge(wrong).verdict == "refuted"
    assert [one.verdict for one in repaired(wrong)] == ["holds"]
    assert judge(claims["beta-infonce"], {"threshold": 0 * judge(wrong).corrected["B"][0, 0]}).verdict == "refuted"


def test_a_loss_of_ones_own_at_a_value_of_a_parameter():
    x, x_pos, chi = views("x, x_pos, chi")
    alpha = catalogue("weighted-infonce").parameters["alpha"]
    loss = Loss(half_sq(x, x_pos) + alpha * log(Mean(exp(-half_sq(x, chi)), over=chi)), name="mine")
    printed = r"\Tr[W C W^\top] - \frac12 \Tr[W \Sigma W^\top]"
    claim = ledger_of(loss, at={"alpha": "1/2"}, B=r"\alpha A_0 - (1 - \alpha) C", expansion=printed)
    found = judge(claim)
    assert found.verdict == "holds"
    assert {one.route for _, _, one in found.evidence} == {"symbolic", "exact"}


@pytest.mark.parametrize(
    ("loss", "printed", "message"),
    [
        ("infonce", {"expansoin": "1"}, "nothing is known about a slot 'expansoin'"),
        ("infonce", {"B": "A_0 +"}, "ends where a term is needed"),
        ("infonce", {}, "nothing is printed about infonce"),
        ("clip", {"B": "A_0"}, "views of two kinds"),
        ("infonse", {"B": "A_0"}, "infonse"),
    ],
)
def test_what_cannot_be_read_is_refused_when_the_claim_is_written(loss, printed, message):
    with pytest.raises(InputError) as refused:
        ledger_of(loss, **printed)
    assert message in str(refused.value)


def test_a_batch_of_ones_own_is_not_minimised():
    N = catalogue("weighted-infonce").parameters["N"]
    x, x_pos, chi = views("x, x_pos, chi")
    loss = Loss(half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi, count=N - 1)), name="mine")
    with pytest.raises(InputError, match="only those of the catalogue are minimised"):
        judge(ledger_of(loss, dimensional="never"))


def test_a_power_that_hangs_on_other_modes_asks_for_a_reading():
    claim = ledger_of("infonce+weight-decay", power="lambda_i")
    with pytest.raises(InputError, match="a reading of your own"):
        judge(claim)


def test_a_new_ledger_runs_and_is_not_written_twice(tmp_path):
    file = tmp_path / "review.py"
    ran = CliRunner().invoke(quartic, ["claims", "--new", str(file), "--paper", "somebody-2026"])
    assert ran.exit_code == 0, ran.output
    (ledger,) = in_file(file)
    assert [claim.id for claim in ledger] == ["somebody-2026:expansion"]
    assert judge(ledger["somebody-2026:expansion"]).verdict == "holds"
    kept = file.read_bytes()
    with pytest.raises(InputError, match="exists and is left as it is"):
        new_ledger(file)
    assert file.read_bytes() == kept
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "paper", "message"),
    [("review.txt", None, "does not end in .py"), ("a b.py", None, "the key of a paper"), ("a.py", "x:y", "the key"),
     ("no/a.py", None, "there is no folder")],
)  # fmt: skip
def test_a_ledger_that_cannot_be_written_is_refused(tmp_path, name, paper, message):
    with pytest.raises(InputError, match=message):
        new_ledger(tmp_path / name, paper)
    assert list(tmp_path.iterdir()) == []
