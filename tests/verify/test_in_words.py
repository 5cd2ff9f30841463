"""The verdict in a sentence, and the numbers of a comparison."""

import pytest

from verify.description import Description
from verify.evidence import Evidence, verdict
from verify.in_words import contradiction, error, measured, number, rounded, sentence

AGREE = Evidence("autodiff", "c", 1.0, 1.0, 1e-9, "tolerance", agrees=True)
OTHER = Evidence("remainder", "slope", agrees=True)
OPEN = Evidence("monte-carlo", "c", 1.0, 1.2, 0.3, "standard error")
AGAINST = Evidence("monte-carlo", "coefficient of Tr[W A0 Wᵀ] (order 2)", 1.0, 2.0, 0.1, "standard error", agrees=False)
NOT_RUN = Evidence("trained", "power", ran=False, note="no torch")


def said(*evidence):
    return sentence(Description("t", "", "", "The derived expansion", (), evidence, verdict(evidence)))


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (
            (AGREE, OTHER, NOT_RUN),
            (
                "The derived expansion holds: 2 comparisons by 2 independent routes (autodiff, remainder) agree,"
                " and none contradicts it."
            ),
        ),
        ((AGREE, OTHER, AGAINST), "The derived expansion is refuted: 1 comparison contradicts it, 2 agree."),
        (
            (AGREE, OPEN),
            (
                "The derived expansion is undecided: nothing contradicts it, but only 1 comparison by 1 independent"
                " route (autodiff) agrees, and two routes are needed."
            ),
        ),
        (
            (OPEN,),
            "The derived expansion is undecided: nothing contradicts it, but no independent route agrees with it.",
        ),
        ((NOT_RUN,), "The derived expansion was not checked: no independent route was run."),
    ],
)
def test_each_verdict_has_its_sentence(evidence, words):
    assert said(*evidence) == words


def test_a_single_term_shows_a_contradiction_best():
    slope = Evidence("remainder", "slope", 6.0, 2.0, agrees=False)
    assert contradiction([AGREE, slope, AGAINST]) is AGAINST
    assert contradiction([AGREE, slope]) is slope
    assert contradiction([AGREE, OPEN, NOT_RUN]) is None


def test_numbers_have_the_digits_that_their_error_leaves():
    assert (measured(OPEN), error(OPEN)) == ("1.20", "± 0.30")
    assert (measured(AGREE), error(AGREE)) == ("1", "≤ 1e-09")
    assert (measured(OTHER), error(OTHER)) == ("", "")
    assert number("equal") == "equal"
    assert rounded(0.5, 1e-12) == "0.5000000000000"
