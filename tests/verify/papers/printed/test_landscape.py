"""B and collapse conditions as printed: equal, refuted with a point that shows it, or undecided."""

import pytest
import sympy

from derive import CATALOGUE, InputError, catalogue
from derive.landscape.collapse import collapse
from verify.papers.claims.slips import misprints
from verify.papers.printed import ContradictedError, check_landscape
from verify.papers.printed.conditions import equal, read_condition


def holds(name, given=None):
    expansion = catalogue(name).expand(4)
    found = collapse(expansion, limit="kappa" if given else None)
    checked = check_landscape(
        name, B=expansion.origin(), dimensional=found.dimensional.text(), complete=found.complete.text(), given=given
    )
    assert checked.verdict == "holds"
    assert "at 384 random points" in checked.evidence[-1].quantity


@pytest.mark.parametrize(
    ("name", "given"),
    [("beta-infonce", None), ("infonce+weight-decay", None), ("infonce+norm-penalty", {"kappa": "oo"})],
)
def test_what_is_derived_holds_as_it_is_written(name, given):
    holds(name, given)


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("modifier", ["", "+weight-decay"])
def test_each_loss_as_it_is_written(name, modifier):
    holds(name + modifier)


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [
        ("beta <= c_i/(a_i + c_i) for some i", "holds"),
        ("c_i >= β (a_i + c_i) for some i", "holds"),
        ("c_i > beta s_i for at least one i", "holds"),
        ("beta <= c_i/(a_i + c_i) for all i", "refuted"),
        ("beta >= c_i/(a_i + c_i) for some i", "refuted"),
        ("beta <= c_i/a_i for some i", "refuted"),
        ("beta <= 1/2", "refuted"),
        ("never", "refuted"),
        ("always", "refuted"),
        ("beta <= c_i/(a_i + c_i) for some i, q_j = 1", "holds"),
        ("beta <= c_i/(a_i + c_i) and sum_j(a_j) > 0 for some i", "undecided"),
    ],
)
def test_printed_conditions(printed, verdict):
    if verdict == "holds":
        assert check_landscape("beta-infonce", dimensional=printed).verdict == "holds"
        return
    with pytest.raises(ContradictedError) as refused:
        check_landscape("beta-infonce", dimensional=printed)
    assert refused.value.check.verdict == verdict
    assert ("the minima" in str(refused.value)) == (verdict == "refuted")


def test_values_are_put_into_a_printed_condition():
    for said, given in (("a_i <= gamma for all i", {"gamma": "1/2"}), ("a_i <= 1/2 for all i", {"gamma": "1/2"})):
        assert check_landscape("infonce+weight-decay", complete=said, given=given).verdict == "holds"
    with pytest.raises(InputError) as refused:
        check_landscape("infonce-batch", complete="N <= 1", given={"N": "oo"})
    assert str(refused.value) == "N goes to infinity and cannot stand in the condition N <= 1"


def test_a_parameter_that_drops_out_may_be_printed():
    with pytest.raises(ContradictedError) as refused:
        check_landscape("dcl", complete="tau <= N")
    assert refused.value.check.verdict == "refuted"


def test_a_refuted_condition_is_shown_with_a_point():
    with pytest.raises(ContradictedError) as refused:
        check_landscape("infonce", B="A0", complete="always")
    lines = str(refused.value).splitlines()
    assert lines[0] == (
        "infonce: what is printed of the landscape is refuted, 1 difference; the first is in complete collapse"
    )
    assert lines[1].startswith("  printed       always: at a = (")
    assert lines[1].endswith("it holds, and no mode is zero at the minima")
    assert lines[2] == "  derived       never"


def test_slips_in_a_condition_are_seen():
    right = collapse(catalogue("infonce+weight-decay").expand(4)).complete
    slips = list(misprints({"c": right.formula}))
    assert slips
    for what, slipped in slips:
        said = f"{sympy.sstr(slipped['c'])} for all i"
        with pytest.raises(ContradictedError) as refused:
            check_landscape("infonce+weight-decay", complete=said)
        assert refused.value.check.verdict == "refuted", what


@pytest.mark.parametrize(
    ("B", "given"),
    [
        ("A0 - gamma I", None),
        ({"A0": 1, "I": "-gamma"}, None),
        ("A0 - I/2", {"gamma": "1/2"}),
        ("Sigma - C - γ I", None),
    ],
)
def test_B_in_several_forms(B, given):
    assert check_landscape("infonce+weight-decay", B=B, given=given).verdict == "holds"


def test_a_wrong_B_is_refused():
    for B in ("A0", "A0 + gamma I", "A0 - gamma C", "2 A0 - gamma I"):
        with pytest.raises(ContradictedError) as refused:
            check_landscape("infonce+weight-decay", B=B)
        assert refused.value.check.differences[0].derived == "A0 − γ I"


def test_conditions_with_brackets_and_connectives():
    symbols = {"beta": sympy.Symbol("beta")}
    one = read_condition("(a_i <= c_i or (beta < 1)) and c_i > 0 for all i", symbols)
    other = read_condition("(0 < c_i) and (1 > beta or c_i - a_i >= 0) for all i", symbols)
    assert equal(one, other)
    assert not equal(one, read_condition("(0 < c_i) or (1 > beta and c_i - a_i >= 0) for all i", symbols))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing is printed to be checked; give B, dimensional or complete"),
        ({"complete": 3}, "a condition is text such as 'a_i - gamma <= 0 for some i', not int"),
        (
            {"complete": "sometimes"},
            "a condition is 'never', 'always' or as in 'a_i - gamma <= 0 for some i', not 'sometimes'",
        ),
        (
            {"complete": "a_i <= 0"},
            (
                "the condition does not say for which modes; end it with 'for some i' or 'for all i'\n"
                "  a_i <= 0\n          ^"
            ),
        ),
        (
            {"complete": "a_i <= 0 for all i, j"},
            "nothing may follow 'for all i' in a condition\n  a_i <= 0 for all i, j\n                    ^",
        ),
        ({"complete": "a_i for all i"}, "one of <=, <, >=, > is needed here\n  a_i for all i\n     ^"),
        ({"complete": "(a_i <= 0 or c_i < 1"}, "')' is missing here\n  (a_i <= 0 or c_i < 1\n                      ^"),
        ({"complete": "a_i <= W for all i"}, "a condition holds eigenvalues and parameters, not matrices and traces"),
        (
            {"complete": "sum_j(sum_j(a_j)) <= 0"},
            "a sum over modes cannot contain another; write the inner one outside it\n  sum_j(sum_j(a_j)) <= 0\n  ^",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(options, message):
    with pytest.raises(InputError) as refused:
        check_landscape("infonce", **options)
    assert str(refused.value).startswith(message)


def test_a_long_condition_is_not_repeated_whole():
    with pytest.raises(
        InputError, match="nothing may follow 'for all i' in a condition\n  a_i <= 0 for all i, j"
    ) as it:
        check_landscape("infonce", complete="a_i <= 0 for all i" + ", j" * 1000)
    assert len(str(it.value)) < 300


def test_a_landscape_that_is_not_analysed_says_so():
    with pytest.raises(InputError) as refused:
        check_landscape("barlow-twins+bias", complete="never")
    assert str(refused.value) == (
        "when modes collapse is not determined for barlow-twins+bias: the quartic part is not invariant under rotations"
        " of the embedding, in a way that is not analysed"
    )
