"""A report fits the screen and marks each piece of evidence."""

import io
import sys
from dataclasses import replace

import pytest
import sympy

from derive import catalogue, closed_form
from derive.landscape.summary import described
from verify.audits.definition import Audit
from verify.evidence.evidence import Evidence
from verify.evidence.terminal import audit_text, screen_width, written

EVIDENCE = (
    Evidence("symbolic", "odd orders in W", "none", "none", agrees=True),
    Evidence("exact", "closed form, orders 2–12", "equal", "equal", agrees=True),
    Evidence("remainder", "slope of log|truth − truncation| against log t", 6.0, 5.998, 0.05, "tolerance", agrees=True),
    Evidence("autodiff", "coefficients of t, …, t^4 along a ray", 0.75, 0.75 + 3e-13, 1e-8, "tolerance", agrees=True),
    Evidence(
        "monte-carlo",
        "coefficient of Tr[(W Σ Wᵀ)²] (order 4)",
        0.75,
        0.7497,
        0.0006,
        "standard error",
        agrees=None,
        note="z = -0.5; cannot exclude: half",
        part="term",
        short="Tr[(W Σ Wᵀ)²]",
    ),
    Evidence("trained", "minimisers of trained models", ran=False, note="not part of this version"),
)


def found(name="infonce", evidence=EVIDENCE, **given) -> Audit:
    loss = catalogue(name)
    expansion = loss.expand(4)
    return Audit(loss, given, expansion, closed_form(loss), "analytic", None, "", described(loss, expansion), evidence)


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", ["infonce", "ntxent", "vicreg", "barlow-twins", "weighted-infonce"])
def test_no_line_is_longer_than_the_width(name, width):
    lines = audit_text(found(name), width).splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_the_heading_names_the_loss_and_its_source():
    first = audit_text(found()).splitlines()[0]
    assert first.startswith("InfoNCE (population)  ")
    assert first.endswith("Ziyin et al. 2023, Eq. 2")


def test_on_one_screen_what_does_not_agree_stands_in_full():
    wrong = Evidence("autodiff", "a coefficient", predicted=1.0, measured=2.0, agrees=False)
    short = written(found(evidence=(*EVIDENCE, wrong)).description(), details=False).splitlines()
    whole = written(found(evidence=(*EVIDENCE, wrong)).description()).splitlines()
    assert len(short) < len(whole)
    assert any("a coefficient" in line and "✗" in line for line in short)
    assert not any("stationary" in line for line in short)
    assert short[-1] == whole[-1]


def test_every_kind_of_evidence_has_its_mark():
    text = audit_text(found())
    assert "closed form, orders 2–12: equal  ✓" in text
    assert "5.998 (≥ 6 expected)  ✓" in text
    assert "|Δ| = 3e-13  ✓" in text
    assert "0.75 → 0.74970 ± 0.00060, z = -0.5  undecided" in text
    assert "not run  (not part of this version)" in text
    assert "✗" not in text


def test_a_reason_stands_beside_what_does_not_agree():
    text = " ".join(audit_text(found()).split())
    assert "undecided (z = -0.5; cannot exclude: half)" in text
    wrong = replace(EVIDENCE[3], agrees=False, measured=0.5, note="largest difference at t^4")
    text = " ".join(audit_text(found(evidence=(*EVIDENCE, wrong))).split())
    assert "✗ (largest difference at t^4)" in text
    assert text.endswith("verdict undecided (the derivation): autodiff stands against exact and remainder")


def test_the_verdict_stands_last():
    said = "  verdict       holds (the derivation): 3 comparisons by 3 independent routes agree"
    assert audit_text(found()).splitlines()[-1] == said
    said = "  verdict       not-run (the derivation): no independent route was run"
    assert audit_text(found(evidence=EVIDENCE[-1:])).splitlines()[-1] == said


def test_the_answer_stands_first():
    assert audit_text(found(), 130).splitlines()[1] == (
        "  Keeps every mode with λ_i > 0, whatever the augmentation; never collapses completely."
        " Derivation checked by 3 routes."
    )
    # The source follows where it has no room beside the title.
    assert (
        audit_text(found("weighted-infonce"), 60).splitlines()[1].startswith("  Through order 4, it keeps every mode")
    )


def test_what_was_set_is_shown():
    text = audit_text(found("weighted-infonce", alpha=sympy.Rational(1, 10), N=sympy.oo))
    assert "  set           alpha = 1/10, N = oo" in text.splitlines()


def test_a_loss_without_an_expansion_says_why():
    loss = catalogue("infonce").normalised()
    audit = Audit(loss, {}, None, None, "homogeneous", 0, "a root of something that vanishes", None, ())
    text = audit_text(audit)
    assert "no expansion: a root of something that vanishes" in text
    assert "homogeneous of degree 0" in text
    assert "near W = 0" in text


def test_where_modes_collapse_is_said():
    assert "dimensional: never   complete: never" in audit_text(found())
    said = audit_text(found("vicreg"))
    assert "8 ε^(3/2) ν - μ >= 0" in " ".join(said.split())
    assert "for some i" in said


def test_the_landscape_is_shown():
    said = audit_text(found())
    assert "stationary    WᵀW = Σ^(−½) U M diag(h) Uᵀ Σ^(−½)" in said
    assert "order 4 over all orders: 1 - 8 b_i/9" in said
    assert "from below    bounded" in said


@pytest.mark.parametrize(("columns", "width"), [("72", 72), ("40", 60), ("200", 100)])
def test_lines_are_folded_at_the_width_of_the_terminal(columns, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert screen_width() == 100
    sys.stdout.isatty = lambda: True
    assert screen_width() == width
