"""``quartic claims`` from a shell."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from verify.command.claims import claims
from verify.papers.claims.ledgers import OTHERS, published
from verify.reports.claims.matrix import LEGEND, matrix


def anew(*arguments):
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "verify.command.cli", "claims", *arguments], capture_output=True, text=True, check=False
    )


def test_one_claim_whole():
    found = anew("--id", "iclr:beta-hessian")
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    for part in (
        "iclr:beta-hessian",
        "verdict       refuted (error)",
        "corrected",
        "in numbers",
        "def curvature_at_the_origin",
    ):
        assert part in found.stdout


def test_json_of_one_claim():
    found = CliRunner().invoke(claims, ["--id", "iclr:beta-hessian", "--json"])
    (one,) = json.loads(found.stdout)
    assert one["id"] == "iclr:beta-hessian"
    assert r"\ensuremath{\beta}-InfoNCE: the leading term is $-\operatorname{Tr}" in one["corrected"]


PAPERS = ", ".join(("iclr", "neurreps", *OTHERS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--id", "iclr:eq99"), "the ledger of 'iclr' has no claim 'iclr:eq99'; did you mean iclr:eq9?"),
        (("--id", "eq8"), f"claim 'eq8': an id begins with a paper and a colon; the papers are {PAPERS}"),
        (
            ("--paper", "iclrr"),
            f"there is no ledger of a paper 'iclrr'; did you mean iclr? The papers are {PAPERS}",
        ),
        (("--latex", "--json"), "--latex and --json are two forms of one answer; give one of them"),
        (("--ledger", "nowhere.py"), "there is no file nowhere.py"),
    ],
)
def test_unusable_input_is_one_sentence(arguments, message, run):
    assert run("claims", *arguments) == (2, "", f"quartic: {message}\n")


def test_a_ledger_of_ones_own(tmp_path, run):
    (tmp_path / "mine.py").write_text(
        "from verify.papers.claims import Ledger\nledger = Ledger('mine', 'Mine')\n"
        "ledger.not_run('mine:one', where='Eq. 1', says='something', waits_for='time')\n",
        "utf-8",
    )
    status, out, err = run("claims", "--ledger", str(tmp_path / "mine.py"))
    assert status == 0, err
    assert out.splitlines()[1:3] == ["mine:one  not-run      something", "          waits for    time"]


def test_the_table_by_loss_is_the_one_of_the_readme(run):
    found = CliRunner().invoke(claims, ["--by-loss"])
    assert found.stdout == f"{matrix(published())}\n\n{LEGEND}\n"
    refused = run("claims", "--by-loss", "--json")
    assert refused[2] == "quartic: --by-loss is the whole table of the published ledgers; give it alone\n"


@pytest.mark.slow
def test_the_errata_sheet_compiles(pdflatex, tmp_path):
    (tmp_path / "errata.tex").write_text(anew("--latex").stdout, "utf-8")
    pdflatex(tmp_path, "errata")
