"""Every wrong print is refused, and only where measurements support the derivation."""

import time
from dataclasses import replace

import pytest
import sympy

from derive import CATALOGUE, InputError, Loss, Mean, NotAnalyticError, catalogue, exp, inner, log, symbols, views
from verify.assurance.mutants import mutants
from verify.papers.printed import ContradictedError, check_expansion, check_landscape, subject
from verify.papers.printed.expansion import differences
from verify.routes.by_definition import held_against, measure
from verify.routes.subject import Subject

MESSAGE = r"""infonce: the printed expansion is refuted, 2 differences; the first is in Tr[W A0 Wᵀ], order 2
  printed       Tr[W A0 Wᵀ]
  derived       −Tr[W A0 Wᵀ]
  factor        -1, printed over derived
  LaTeX         \operatorname{Tr}[W A_0 W^{\top}]
                -\operatorname{Tr}[W A_0 W^{\top}]
  also          Tr[(W Σ Wᵀ)²], order 4
  in full       −Tr[W A0 Wᵀ] + ¾ Tr[(W Σ Wᵀ)²] + O(W⁶)
  evidence      exact       derived against the definition, orders 2–4 at a random W: |Δ| = """


@pytest.mark.parametrize("name", ["infonce", "spectral", "barlow-twins", "infonce-batch"])
def test_the_derived_expansion_holds_and_each_mutant_is_refused(name):
    derived = catalogue(name).expand(4)
    found = check_expansion(name, derived.text())
    assert (found.verdict, found.differences) == ("holds", ())
    assert all(one.agrees for one in found.evidence)
    tried = 0
    for what, mutant in mutants(derived):
        assert list(differences(mutant, derived)), what
        tried += 1
    assert tried >= 3 * len(derived.terms)


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
def test_each_loss_and_each_of_its_mutants_in_the_whole_check(name):
    derived = catalogue(name).expand(4)
    check_expansion(name, derived.latex())
    for what, mutant in mutants(derived):
        with pytest.raises(ContradictedError) as refused:
            check_expansion(name, mutant.text())
        assert refused.value.check.verdict == "refuted", what


def test_the_message_shows_the_first_difference():
    with pytest.raises(ContradictedError) as refused:
        check_expansion("infonce", "Tr[W A0 W^T] + 1/2 Tr[(W Sigma W^T)^2]")
    assert str(refused.value).startswith(MESSAGE)
    check = refused.value.check
    assert [one.factor for one in check.differences] == ["-1", "⅔"]
    assert check.to_json()["differences"][1]["latex"]["derived"] == (
        r"\frac{3}{4} \operatorname{Tr}[(W \Sigma W^{\top})^{2}]"
    )


def test_what_is_missing_and_what_is_beside_differ_too():
    with pytest.raises(ContradictedError) as refused:
        check_expansion("spectral", "-2 Tr[W A0 W^T] + Tr[W A0 W^T]^2", order=4)
    assert [(one.of, one.printed, one.derived) for one in refused.value.check.differences] == [
        ("Tr[(W Σ Wᵀ)²], order 4", "0", "Tr[(W Σ Wᵀ)²]"),
        ("Tr[W A0 Wᵀ]², order 4", "Tr[W A0 Wᵀ]²", "0"),
    ]


def test_values_and_limits_are_put_in_on_both_sides():
    for given, printed in (
        ({"N": "oo"}, "-Tr[W A0 W^T]"),
        ({"N": 256}, "-255/256 Tr[W A0 W^T]"),
        ({"N": sympy.Integer(4)}, "-(N - 1)/N Tr[W A0 W^T]"),
    ):
        found = check_expansion("infonce-batch", printed, given=given)
        assert found.verdict == "holds"
        assert all(one.agrees for one in found.evidence)
        assert found.evidence[-1].quantity.startswith("printed against the derivation")


def test_the_constant_counts_where_it_is_printed():
    assert check_expansion("infonce-batch", "log(N) - (N - 1)/N Tr[W A0 W^T]").verdict == "holds"
    with pytest.raises(ContradictedError) as refused:
        check_expansion("infonce-batch", "log(N - 1) - (N - 1)/N Tr[W A0 W^T]")
    assert refused.value.check.differences[0].of == "the constant L(0)"


def test_a_derivation_that_measurements_contradict_refutes_nothing(monkeypatch):
    """A derivation with a lost ½: neither the truth nor what agrees with the slip gets a verdict."""
    right = Loss.expand

    def wrong(loss, *arguments, **options):
        found = right(loss, *arguments, **options)
        return found.with_terms((one.invariants, 2 * one.coefficient) for one in found.terms)

    monkeypatch.setattr(Loss, "expand", wrong)
    for printed in ("-2 Tr[W A0 W^T]", "-4 Tr[W A0 W^T]"):
        with pytest.raises(ContradictedError) as refused:
            check_expansion("spectral", printed)
        check = refused.value.check
        assert check.verdict == "undecided"
        assert check.sentence() == (
            "spectral: the printed expansion is undecided: the derivation does not agree with the definition in"
            " numbers, which is a fault of quartic: report it"
        )


def test_what_was_not_measured_is_undecided():
    loss = replace(catalogue("infonce-batch").set({"N": 64}), name="of 64")
    with pytest.raises(ContradictedError) as refused:
        check_expansion(loss, "-63/64 Tr[W A0 W^T]")
    assert refused.value.check.sentence() == (
        "of 64: the printed expansion is undecided: the derivation was not measured: a batch of 64 is too large for"
        " cubature; leave its size a symbol"
    )


@pytest.mark.parametrize(
    ("loss", "options", "message"),
    [
        ("infonec", {}, "unknown loss 'infonec'; did you mean infonce? Known: "),
        (3, {}, "a loss is a derive.Loss, a torch function or a TARGET such as 'infonce', not int"),
        ("infonce", {"adapter": "labels"}, "adapter does not go with a derive.Loss; leave it out"),
        (len, {"sampling": "fixed"}, "sampling 'fixed' does not go with a torch function; leave it out"),
        ("infonce", {"given": {"M": 1}}, "infonce has no parameter 'M'; it has: none"),
        ("infonce", {"given": {"M": 0.5}}, "0.5 is not exact; write sympy.Rational(1, 2) for it"),
        (
            "infonce",
            {"given": {"M": "a"}},
            "--set M: 'a' is not an exact number; write an integer, a decimal like 0.001 or 1e-3, a fraction like ",
        ),
    ],
)
def test_unusable_arguments_are_refused_in_words(loss, options, message):
    with pytest.raises(InputError) as refused:
        check_expansion(loss, "-Tr[W A0 W^T]", **options)
    assert str(refused.value).startswith(message)


def test_a_loss_without_an_expansion_says_so():
    with pytest.raises(NotAnalyticError):
        check_expansion("infonce+normalised", "-Tr[W A0 W^T]")


def test_a_loss_of_ones_own():
    (tau,) = symbols("tau,")
    x, x_pos = views("x, x_pos")
    assert check_expansion(Loss(-inner(x, x_pos) / tau), r"-\tau^{-1} \Tr(W A_0 W^\top)").verdict == "holds"


def test_given_values_are_exact():
    assert subject.exact({"a": "1/10", "b": 2, "c": sympy.oo}) == {"a": sympy.Rational(1, 10), "b": 2, "c": sympy.oo}


def simclr_core(z1, z2):
    import torch

    return torch.nn.functional.cross_entropy(z1 @ z2.T, torch.arange(len(z1)))


@pytest.mark.parametrize("check", [lambda loss: check_expansion(loss, "-Tr[W A0 W^T]"),
                                   lambda loss: check_landscape(loss, B="A0", given={"tau": 1})])  # fmt: skip
def test_a_loss_of_directions_is_told_what_there_is_in_place_of_an_expansion(check):
    with pytest.raises(InputError, match=r"^ntxent\+normalised has no expansion .* `quartic modes` says which"):
        check("ntxent+normalised")


@pytest.mark.slow
def test_a_torch_function_is_measured():
    printed = catalogue("infonce-batch").expand(4).with_terms([]).text()
    right = "-(N - 1)/N Tr[W A0 W^T] + (N - 1)/(2 N^2) (Tr[(W A0 W^T)^2] + Tr[W A0 W^T]^2)"
    found = check_expansion(simclr_core, right + " + (N - 1)/(2 N) Tr[(W Sigma W^T)^2]")
    assert found.verdict == "holds"
    with pytest.raises(ContradictedError) as refused:
        check_expansion(simclr_core, right + " + (N - 1)/(4 N) Tr[(W Sigma W^T)^2]")
    assert refused.value.check.differences[0].factor == "½"
    with pytest.raises(InputError, match="is printed, and that of a torch function is not measured; leave it out"):
        check_expansion(simclr_core, f"1 + {printed}")
    with pytest.raises(InputError, match="has no expansion at W = 0: it is homogeneous"):
        check_expansion(lambda z1, z2: ((z1 - z2) ** 2).sum(-1).sqrt().mean(), "Tr[W A0 W^T]")


def test_means_within_means_are_not_measured_where_that_takes_too_long():
    """How many numbers they take is counted before: a mean entered within a mean has nodes for each of its nodes."""
    x, x_pos, *others = views("x, x_pos, u, v, w, y")
    nested = inner(others[-1], others[-1])
    for outer, one in reversed([*zip([x, *others], others, strict=False)]):
        nested = log(Mean(exp(inner(outer, one) + (nested if one != others[-1] else 0)), over=one))
    loss = Loss(nested - inner(x, x_pos))
    assert check_expansion(loss, loss.expand(4)).verdict == "holds"
    started = time.process_time()
    with pytest.raises(ContradictedError, match=r"undecided: the derivation was not measured: its means take 3e\+08 "):
        check_expansion(loss, loss.expand(8))
    assert time.process_time() - started < 10


def test_what_rounding_makes_of_a_measurement_is_no_fault_of_the_derivation():
    """A sparse grid of three data and as many means has weights of both signs: order 8 loses nine digits."""
    x, x_pos, chi, psi = views("x, x_pos, chi, psi")
    inside = log(Mean(exp(inner(chi, psi)), over=psi))
    loss = Loss(log(2 * Mean(exp(inner(x, chi) + inside), over=chi, count=2)) - inner(x, x_pos))
    (point,) = measure(Subject(loss, order=8, seed=1))
    derived = loss.expand(8)
    assert held_against(point, derived).agrees
    assert not any(held_against(point, mutant).agrees for _, mutant in mutants(derived))
    assert held_against(replace(point, error={}), derived).agrees is False


def test_progress_is_shown_on_a_terminal(monkeypatch):
    told = []

    class told_progress(subject.progress):  # noqa: N801 (stands in for it)
        def _tick(self, step):
            told.append(step)

    monkeypatch.setattr(subject, "progress", told_progress)
    check_expansion("infonce-batch", catalogue("infonce-batch").set({"N": 8}).expand(4), given={"N": 8})
    assert told == ["order 4", "the definition in numbers", "at the given values"]
