"""The ledgers of other papers: verdicts, repairs, misprints and counterexamples. The investigations serve all tests."""

import re
import subprocess
import sys
from inspect import getsource
from itertools import islice
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import sympy
from click.testing import CliRunner

from derive import InputError
from verify.command.cli import quartic
from verify.papers.claims import judge, misprints, repaired
from verify.papers.claims.ledgers import OTHERS, of_paper, other, other_ids, published_claim
from verify.papers.claims.values import evaluate
from verify.reports.claims.other_papers import sections

CLAIMS = [claim for paper in OTHERS for claim in other(paper)]
# Slips that are tried of each claim: each costs as much as the comparison of two formulas.
SLIPS = 3


def named(claims):
    return pytest.mark.parametrize("claim", claims, ids=[claim.id for claim in claims])


@named(CLAIMS)
def test_the_verdict_is_the_recorded_one(claim):
    found = judge(claim)
    assert found.verdict == claim.recorded, [(slot, one) for _, slot, one in found.evidence if not one.agrees]
    assert all(one.consistent for one in found.readings)
    # Each slot by the derivation and by a route without it, under each reading.
    for one in found.readings:
        assert all(len({found.route for found in evidence}) >= 2 for evidence in one.evidence.values())


@named([claim for claim in CLAIMS if claim.recorded == "holds"])
def test_a_misprint_turns_the_verdict(claim):
    slips = list(islice(misprints(claim.printed), SLIPS))
    assert slips
    assert [name for name, slipped in slips if judge(claim, slipped).verdict == "holds"] == []


@named([claim for claim in CLAIMS if claim.recorded != "holds"])
def test_a_repair_holds_and_the_claim_says_why(claim):
    assert {one.verdict for one in repaired(claim)} == {"holds"}
    assert claim.why
    assert claim.recorded == "conditional" or (claim.tried and claim.kind)


@named(CLAIMS)
def test_each_claim_says_what_was_read(claim):
    assert claim.seen
    assert judge(claim).to_json()["printed"].startswith("if printed so: ") == claim.from_memory


@named([claim for claim in CLAIMS if claim.recorded == "refuted"])
def test_the_counterexample_is_of_numpy_alone_and_about_the_print(claim):
    name = claim.counterexample.__name__
    script = (
        "import sys\nfor name in ('derive', 'numeric', 'verify', 'sympy', 'torch'):\n    sys.modules[name] = None\n"
        f"from typing import Any\nimport numpy as np\n{dedent(getsource(claim.counterexample))}\n"
        f"r = {name}()\nprint(float(r['printed']), float(r['true']))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd="/")
    assert ran.returncode == 0, ran.stderr[-1000:]
    printed, true = map(float, ran.stdout.split())
    assert not np.isclose(printed, true, rtol=1e-3)
    shown = claim.counterexample()
    if "at" in shown:
        assert np.isclose(evaluate(claim.printed[shown["slot"]], shown["at"]), printed)
        assert np.isclose(evaluate(judge(claim).corrected[shown["slot"]], shown["at"]), true, rtol=1e-3)


def test_ids_are_known_without_an_import_and_are_those_of_the_ledgers():
    assert list(other_ids()) == [claim.id for claim in CLAIMS]
    ledgers, claim = published_claim("tian2021:thm1")
    assert claim is ledgers[0]["tian2021:thm1"]


def test_no_investigation_looks_at_the_print():
    for file in (Path(__file__).parents[4] / "verify/papers/claims/others").glob("*.py"):
        assert not re.search(r"\.printed|LEDGER\[", file.read_text("utf-8")), file.name


def test_a_ledger_by_its_key_and_a_mistyped_one():
    found = CliRunner().invoke(quartic, ["claims", "--paper", "haochen2021", "--quiet"])
    assert found.exit_code == 0, found.output
    assert re.search(r"haochen2021:lemma3.2 +holds", found.output)
    with pytest.raises(InputError, match="tian2021"):
        of_paper("tian2012")


def test_the_page_shows_the_ledgers():
    page = (Path(__file__).parents[4] / "docs/other_papers.md").read_text("utf-8")
    (shown,) = re.findall(r"<!-- papers -->\n(.*?)\n<!-- /papers -->", page, re.DOTALL)
    assert shown == sections(), "run python docs/tables.py"


def test_a_value_that_is_not_real_contradicts_what_was_measured():
    claim = other("tian2021")["tian2021:fixed-points"]
    tau = sympy.Symbol("tau", positive=True)
    assert judge(claim, {"kept": sympy.sqrt(-tau)}).verdict == "refuted"
