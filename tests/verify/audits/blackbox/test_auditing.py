"""Whole audits of code that the project has not seen: what each trap turns out to be, and never a wrong formula."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import libraries
import numpy as np
import pytest
import torch.nn.functional as F
import traps
from plain import PLAIN, infonce_batch
from sympy import Rational

from derive import InputError, catalogue
from numeric.sampling import random_covariances
from verify import audit
from verify.audits.blackbox.against.terms import differences
from verify.audits.blackbox.audit import BlackBoxAudit
from verify.audits.blackbox.auditing import audit_function

KINDS = {
    "cdist_infonce": "analytic",
    "pdist_uniformity": "analytic",
    "normalised": "homogeneous",
    "BatchNormalised": "epsilon",
    "Momentum": "stateful",
    "Dropout": "analytic",
    "detached": "analytic",
    "single_precision": "analytic",
    "needs_three": "analytic",
    "chatty_and_mutating": "analytic",
    "vicreg": "epsilon",
    "hinge": "cusp",
    "logarithm": "undefined",
    "rough_cube": "rough",
    "through_numpy": "analytic",
}


def trap(name, **options):
    loss = getattr(traps, name)
    return audit_function(loss() if isinstance(loss, type) else loss, name=name, **options)


@pytest.mark.parametrize("name", KINDS)
def test_what_each_trap_turns_out_to_be(name):
    found = trap(name)
    assert found.regularity.kind == KINDS[name]
    # With its seed fixed, dropout singles out coordinates: its second order is matrices.
    assert (found.expansion is None and found.second is None) == (KINDS[name] != "analytic")
    assert found.verdict != "refuted"
    assert json.loads(json.dumps(found.to_json()))["regularity"] == KINDS[name]
    assert found.text().splitlines()[0] == f"{name}, a torch function: user code, run as it is"
    if found.expansion is not None and not found.expansion.parameters[1:] and name != "single_precision":
        agrees_with_the_code(found, getattr(traps, name))


def agrees_with_the_code(found, loss):
    """The formula against the code, by Monte Carlo with common random numbers at small W: a third route."""
    import torch

    rng = np.random.default_rng(5)
    data = random_covariances(rng, 2)
    size, t = 6, 0.05
    W = rng.standard_normal((2, 2)) / 4
    views = [torch.from_numpy(one @ W.T) for one in data.draw(rng, (4000, size))]

    def at(scale):
        return np.array([float(_scalar(loss(scale * one, scale * two))) for one, two in zip(*views, strict=True)])

    second = (at(t) + at(-t) - 2 * at(0.0)) / (2 * t * t)
    terms = found.expansion.set({"N": size} if found.expansion.symbols else {}).only(2)
    predicted = sum(
        float(term.coefficient) * np.trace(W @ {"A": data.A0, "S": data.Sigma}[term.invariants[0][0][1]] @ W.T)
        for term in terms.terms
    )
    error = second.std(ddof=1) / np.sqrt(len(second)) + 1e-3
    assert abs(second.mean() - predicted) < 5 * error


def _scalar(value):
    return value[0] if isinstance(value, tuple) else value


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", "raises raised KeyError on two batches of shape (2, 2): 'the projector is missing'"),
        ("returns_vector", "returned a tensor of shape (2,); it must return a scalar: reduce it"),
        ("returns_nan", "returned no finite number"),
        ("takes_a_minute", "did not return within 1 seconds; give it more with --limit SECONDS"),
    ],
)
def test_what_cannot_be_audited_says_why(name, message):
    with pytest.raises(InputError) as error:
        trap(name, limit=1.0)
    assert message in str(error.value)


def test_the_audit_of_a_catalogue_loss():
    found = audit(infonce_batch)
    assert isinstance(found, BlackBoxAudit)
    assert found.expansion.terms == catalogue("infonce-batch").expand(order=4).terms
    assert found.verdict == "holds"
    said = found.to_json()
    assert said["B"] == {"A0": "(N - 1)/N", "C": "0"}
    assert said["collapse"] == {"dimensional": "never", "complete": "never"}
    assert said["rotation_invariant"] is True
    assert {one["route"] for one in said["evidence"]} >= {"autodiff", "remainder", "monte-carlo"}


def test_another_basis():
    found = audit_function(PLAIN["spectral"].code, basis="A0,C")
    assert found.expansion == replace(found.expansion, terms=catalogue("spectral").expand(basis="A0,C").terms)
    with pytest.raises(InputError, match="basis 'A0' is unknown"):
        audit_function(PLAIN["spectral"].code, basis="A0")


def test_differences_of_order_two_come_first():
    one, other = (catalogue(name).expand(order=4) for name in ("spectral", "infonce"))
    assert differences(one, other)[0] == "Tr[W A0 Wᵀ]: -2 in the code, -1 by the definition, a factor of 2"
    assert differences(one, one) == []


def test_the_core_of_a_normalised_loss_and_the_model_of_its_normalisation():
    found = audit_function(traps.normalised, use_core=True)
    assert found.replaced == ("normalize replaced by the identity, 2 calls",)
    assert found.regularity.kind == "analytic"
    assert found.normalised is not None
    assert found.normalised.collapse.complete.text() == "never"
    assert "E|f|² = c fixed" in found.text()


@pytest.mark.parametrize("name", [pytest.param("ntxent", marks=pytest.mark.slow), "info-nce"])
def test_libraries(name):
    if name == "ntxent":
        found = audit_function(libraries.dot_product_ntxent(), name="NTXentLoss", adapter="labels")
        expected = PLAIN["ntxent"].definition.expand(order=4)
    else:
        found = audit_function(libraries.InfoNCE(temperature=0.5), name="InfoNCE", use_core=True)
        expected = None
    assert found.verdict == "holds"
    if expected is not None:
        assert found.expansion.terms == expected.terms
    else:
        assert found.to_json()["B"] == {"A0": "2*(N - 1)/N", "C": "0"}


def test_a_loss_that_singles_out_coordinates_has_its_second_order_as_matrices():
    import torch

    def weighted(z1, z2):
        return (torch.arange(1.0, z1.shape[1] + 1) * z1 * z2).sum(-1).mean() + (z1[:, 0] * z1[:, 1]).mean()

    found = audit_function(weighted)
    assert found.expansion is None
    np.testing.assert_allclose(found.second["A0"], np.diag([1.0, 2.0, 3.0]), atol=1e-9)
    mixed = np.zeros((3, 3))
    mixed[0, 1] = mixed[1, 0] = 0.5
    np.testing.assert_allclose(found.second["Sigma"], mixed, atol=1e-9)
    assert "it singles out coordinates" in found.text()
    assert found.verdict == "undecided"


def test_libraries_without_an_expansion():
    """The table of the README."""
    vicreg = audit_function(libraries.vicreg_of_two_views)
    assert vicreg.regularity.kind == "epsilon"
    assert 0.003 < vicreg.regularity.scale < 0.02
    nce = audit_function(libraries.InfoNCE(temperature=0.5))
    assert (nce.regularity.kind, nce.regularity.degree) == ("homogeneous", 0)


@pytest.mark.slow
def test_the_defect_of_two_logsumexps_is_named():
    """Negatives count double: the term, and the factor, beside the definition of DCL."""
    definition, half = catalogue("dcl"), {"tau": Rational(1, 2)}
    with pytest.raises(InputError, match="leaves tau open, where the code has a number: give it with --set tau="):
        audit_function(libraries.dcl, definition=definition)
    assert audit_function(libraries.dcl, use_core=True, definition=definition, given=half).differences == ()
    found = audit_function(libraries.dcl_of_two_logsumexps, use_core=True, definition=definition, given=half)
    assert found.verdict == "refuted"
    assert found.differences == (
        "Tr[W A0 Wᵀ W Σ Wᵀ]: 0 in the code, -1/(N - 1) by the definition",
        (
            "Tr[(W Σ Wᵀ)²]: 4(N - 2)/(N - 1) in the code, (2 N - 3)/(N - 1) by the definition, a factor of"
            " 4(N - 2)/(2 N - 3) (2 as N → ∞)"
        ),
    )


MINE = """
import torch
import torch.nn.functional as F
from derive import catalogue

def spectral(z1, z2):
    n = len(z1)
    other = ~torch.eye(n, dtype=torch.bool)
    return -2 * (z1 * z2).sum(-1).mean() + ((z1 @ z2.T) ** 2 * other).sum() / (n * (n - 1))

wrong = catalogue("infonce")
"""


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "verify.command.cli", "audit", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(Path(__file__).parents[4]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_command(tmp_path):
    (tmp_path / "mine.py").write_text(MINE, "utf-8")
    ran = run("mine.py:spectral", cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "−2 Tr[W A0 Wᵀ] + Tr[(W Σ Wᵀ)²]" in ran.stdout
    refuted = run("mine.py:spectral", "--definition", "mine.py:wrong", "--json", cwd=tmp_path)
    assert refuted.returncode == 1
    assert json.loads(refuted.stdout)["differences"][0].endswith("a factor of 2")
    written = subprocess.run(
        [sys.executable, "-m", "verify.command.cli", "latex", "mine.py:spectral"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[4]), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert r"-2 \operatorname{Tr}[W A_0 W^{\top}] + \operatorname{Tr}[(W \Sigma W^{\top})^{2}]" in written
    typo = run("mine.py:spectrl", cwd=tmp_path)
    assert (typo.returncode, typo.stdout) == (2, "")
    assert "did you mean spectral?" in typo.stderr
    for option, message in (
        ("--adapter=label", "labels"),
        ("--sampling=fixed", "--sampling does not go with a torch function"),
        ("--no-train", "--no-train does not go with a torch function"),
    ):
        bad = run("mine.py:spectral", option, cwd=tmp_path)
        assert bad.returncode == 2
        assert message in bad.stderr
        assert len(bad.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("loss", "options", "said", "tone"),
    [
        (lambda z1, z2: -F.cosine_similarity(z1, z2).mean(), {}, "Collapses: a mode that is lost stays lost", "loses"),
        (
            lambda z1, z2: -F.cosine_similarity(z1, z2).mean(),
            {"use_core": True},
            "With E|f|² = c fixed, the model of what was replaced, through order 4, it always loses modes",
            "loses",
        ),
        (lambda z1, z2: 2 - 2 * (z1 * z2).sum(1).mean(), {}, "Unbounded below, and has no minimum. Measured", "loses"),
        (lambda z1, z2: (z1 - z2).norm(), {}, "Has no expansion at W = 0 (homogeneous); which modes", "open"),
    ],
)
def test_the_answer_is_about_the_loss_and_not_about_the_check(loss, options, said, tone):
    found = audit_function(loss, name="mine", **options)
    assert found.verdict in ("holds", "undecided")
    assert found.answer.text.startswith(said)
    assert found.answer.tone == tone
    assert next(iter(found.to_json().items())) == ("answer", found.answer.text)
    assert " ".join(found.text().splitlines()[1].split()).startswith(said[:60])
