"""Every claim of both papers: its live verdict, its misprints, its repair and its counterexample.

Each claim is one test item, named by its id. The investigations run once and serve all the tests.
"""

import re
import subprocess
import sys
from inspect import getsource
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from verify.papers.claims import judge, misprints, repaired
from verify.papers.claims.ledgers import published, published_ids
from verify.papers.claims.running import run
from verify.papers.claims.values import evaluate

ROOT = Path(__file__).parents[4]
CLAIMS = [claim for ledger in published() for claim in ledger]
# A twin has the readings of the claim that it is a twin of.
TWINS = [claim for claim in CLAIMS if claim.twin]
RUN = [claim for claim in CLAIMS if claim.investigate and not claim.slow and not claim.twin]
REFUTED = [claim for claim in RUN if claim.recorded == "refuted"]
WITH_NUMBERS = [claim for claim in RUN if claim.counterexample]


def named(claims):
    return pytest.mark.parametrize("claim", claims, ids=[claim.id for claim in claims])


# The ids that the two papers' claims go by; the figures, which are trained, may wait.
IDS = {
    "iclr:eq2",
    "iclr:eq3-odd",
    "iclr:eq4-energy",
    "iclr:eq4-general",
    "iclr:eq5",
    "iclr:eq6",
    "iclr:infonce-hessian",
    "iclr:infonce-quartic",
    "iclr:eq8",
    "iclr:eq7-simclr",
    "iclr:eq8-isolated",
    "iclr:prop1",
    "iclr:eq27",
    "iclr:eq15",
    "iclr:scl-direction",
    "iclr:bt",
    "iclr:vicreg",
    "iclr:vicreg-smooth",
    "iclr:beta-hessian",
    "iclr:beta-threshold",
    "iclr:beta-boundary",
    "iclr:weight-decay",
    "iclr:rotation",
    "iclr:all-invariant",
    "iclr:eq16",
    "neurreps:eq4-weighted",
    "iclr:table1-infonce",
    "iclr:table1-ntxent",
    "iclr:table1-scl",
    "iclr:table1-bt",
    "iclr:table1-norm",
    "iclr:table1-bias",
    "iclr:table1-decay",
    "iclr:eq30",
    "iclr:thm1",
    "iclr:eq33",
    "iclr:eq34",
    "neurreps:eq27",
    "iclr:eq35",
    "iclr:eq9",
    "iclr:weighted-collapse",
    "iclr:stationary-loss",
    "iclr:global-minimum",
    "iclr:prop2",
    "iclr:eq38",
    "iclr:noncommuting",
    "iclr:eq40",
    "iclr:eq41",
    "iclr:eq43",
    "iclr:eq44",
    "iclr:prop3",
    "iclr:prop3-text",
    "iclr:prop4",
    "iclr:thm2",
    "iclr:thm2-inline",
    "iclr:eq12",
    "iclr:eq13",
    "iclr:norm-model",
    "iclr:norm-strong-always",
    "iclr:bias-unnormalised",
    "iclr:thm3",
    "iclr:bias-complete",
    "iclr:bias-two",
    "iclr:eq18",
    "iclr:eq20",
    "iclr:eq21",
    "iclr:eq22",
    "iclr:eq23",
    "iclr:eq23-threshold",
    "iclr:landau-exponent",
    "iclr:critical-slowing",
    "iclr:infonce-scaling",
    "iclr:eq17",
    "iclr:phase-diagram",
    "iclr:downstream",
    "iclr:proportional",
    "iclr:jing",
    "iclr:imbalance",
    "iclr:imbalance-mixture",
    "iclr:eq53",
    "iclr:eq54",
    "iclr:eq58-variance",
    "iclr:eq59-moment",
    "iclr:eq60",
    "iclr:eq61",
    "iclr:larger-variation",
    "iclr:collapse-cause",
    "iclr:all-stationary-share",
    "iclr:benign",
    "iclr:fig1-saddles",
    "iclr:r-minimiser",
    "iclr:kappa-constraint",
    "iclr:norm-anisotropic",
    "iclr:bias-trivial",
    "iclr:scl-norm",
    "iclr:bt-spread",
    "iclr:collapse-only-a",
    "iclr:fig2-normalised",
    "iclr:simclr-small",
    "iclr:beta-small",
    "iclr:fig3-downstream",
    "iclr:fig7-layers",
    "iclr:appc-counts",
    "iclr:eq19",
    "iclr:d1-saddle",
    "iclr:eq36",
    "iclr:eq42",
    "iclr:proof-prop2",
    "iclr:f1-collapse",
    "neurreps:proof-thm1",
    "neurreps:twins",
}
FIGURES = {
    f"iclr:fig{name}"
    for name in ("1", "2-resnet", "2-vit", "3", "4", "5-left", "5-mid", "5-right", "6", "7")
}  # fmt: skip


def test_all_claims_are_there():
    twins = {claim.id for claim in TWINS} | {"neurreps:eq26"}
    assert {claim.id for claim in CLAIMS} == IDS | FIGURES | twins
    assert all(claim.id.startswith("neurreps:") for claim in TWINS)


@named(TWINS)
def test_a_twin_has_the_verdict_of_its_claim_under_its_own_numbers(claim):
    (of,) = (one for one in CLAIMS if one.id == claim.twin)
    assert (claim.recorded, claim.kind, claim.printed) == (of.recorded, of.kind, of.printed)
    assert claim.readings is of.readings


def test_numbers_of_the_abstract():
    by_id = {claim.id: claim for claim in CLAIMS}
    assert "Eq. (7)" in by_id["iclr:eq8"].says
    assert "Eq. (3)" in by_id["neurreps:eq4-weighted"].says
    assert by_id["neurreps:eq17"].where == "Eqs. (16), (17)"
    numbers = {int(n) for one in TWINS for n in re.findall(r"\((\d+)\)", one.where)}
    assert numbers <= set(range(1, 45))


def test_ids_are_known_without_an_import():
    assert list(published_ids()) == [claim.id for claim in CLAIMS]
    script = (
        "import sys; from verify.papers.claims.ledgers import published_ids; published_ids();"
        "print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_figures_alone_may_wait():
    assert {claim.id for claim in CLAIMS if claim.recorded in ("not-run", "undecided")} <= FIGURES


@named(RUN)
def test_claim(claim):
    found = judge(claim)
    assert found.verdict == claim.recorded, [(slot, one) for _, slot, one in found.evidence if not one.agrees]
    assert all(one.consistent for one in found.readings)


@named([claim for claim in RUN if claim.recorded == "holds"])
def test_a_misprint_turns_the_verdict(claim):
    slips = list(misprints(claim.printed))
    assert slips
    assert [name for name, slipped in slips if judge(claim, slipped).verdict == "holds"] == []


@named([claim for claim in RUN if claim.recorded in ("refuted", "conditional")])
def test_a_repair_holds(claim):
    assert {one.verdict for one in repaired(claim)} == {"holds"}


@named(REFUTED)
def test_what_is_refuted_says_why_and_shows_it_in_numbers(claim):
    assert claim.kind in ("misprint", "error")
    assert claim.why
    assert claim.counterexample is not None
    assert claim.kind == "misprint" or claim.falls


@named([claim for claim in CLAIMS if claim.recorded in ("refuted", "conditional")])
def test_a_correction_says_what_it_takes_for_granted_and_which_reading_was_tried(claim):
    assert claim.given
    assert claim.tried or claim.recorded == "conditional"


@named([claim for claim in RUN if claim.recorded == "conditional"])
def test_a_condition_is_named(claim):
    assert claim.why
    assert judge(claim).condition


@named(CLAIMS)
def test_what_falls_is_a_claim_or_a_sentence_and_does_not_hold(claim):
    recorded = {one.id: one.recorded for one in CLAIMS}
    for fallen in claim.falls:
        for id_ in re.findall(r"(?:iclr|neurreps):[\w-]+", fallen):
            assert id_ in recorded
        if fallen in recorded:
            assert recorded[fallen] != "holds"


@pytest.fixture(scope="module")
def recomputed():
    """What the counterexamples return in an interpreter that refuses to import this project."""
    script = (
        "import sys\n"
        "for name in ('derive', 'numeric', 'verify', 'sympy', 'torch', 'scipy'):\n    sys.modules[name] = None\n"
        "import json\nfound = {}\n"
    )
    for claim in WITH_NUMBERS:
        name = claim.counterexample.__name__
        script += f"{dedent(getsource(claim.counterexample))}\nr = {name}()\n"
        script += f"found[{claim.id!r}] = [r['printed'], r['true']]\n"
    script += "print(json.dumps(found, default=lambda value: value.tolist()))\n"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd="/")
    assert ran.returncode == 0, ran.stderr[-2000:]
    import json

    return json.loads(ran.stdout)


def alike(one, other):
    if isinstance(one, str | bool) or isinstance(other, str | bool):
        return one == other
    return np.allclose(one, other, rtol=1e-3, atol=1e-12)


@named(WITH_NUMBERS)
def test_the_counterexample_is_recomputed_without_this_project(claim, recomputed):
    printed, true = recomputed[claim.id]
    here = claim.counterexample()
    assert alike(printed, here["printed"])
    assert alike(true, here["true"])
    assert not alike(printed, true)


@named([claim for claim in WITH_NUMBERS if "at" in claim.counterexample()])
def test_the_counterexample_is_about_the_printed_formula(claim):
    shown, corrected = claim.counterexample(), judge(claim).corrected
    slot, at = shown["slot"], shown["at"]
    assert alike(evaluate(claim.printed[slot], at), shown["printed"])
    assert alike(evaluate(corrected[slot], at), shown["true"])


def test_no_investigation_looks_at_the_print():
    for file in (ROOT / "verify/papers/claims/iclr").glob("*.py"):
        source = file.read_text("utf-8")
        assert not re.search(r"\.printed|ICLR\[|NEURREPS\[", source), file.name


SLOW = [claim for claim in CLAIMS if claim.slow]


@named(SLOW)
def test_what_is_slow_is_stored_and_says_when_and_how(claim):
    (found,) = run([claim])
    assert found["verdict"] == claim.recorded
    assert not found["live"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["stored"]["date"])
    assert found["stored"]["command"] == "quartic claims --slow"
    assert {"python", "sympy", "numpy", "torch"} <= set(found["stored"]["versions"])


@named([claim for claim in SLOW if claim.recorded == "refuted"])
def test_what_is_slow_and_refuted_shows_it_in_numbers(claim):
    assert claim.why
    assert claim.counterexample is not None
    assert claim.kind == "misprint" or claim.falls
