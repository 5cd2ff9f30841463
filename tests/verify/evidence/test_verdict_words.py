"""The verdict in a sentence, and the numbers of a comparison."""

import pytest

from verify.evidence.answer import Answer
from verify.evidence.description import Description
from verify.evidence.digits import error, measured, number, rounded
from verify.evidence.evidence import Evidence, verdict
from verify.evidence.verdict_words import contradiction, sentence

AGREE = Evidence("autodiff", "c", 1.0, 1.0, 1e-9, "tolerance", agrees=True)
OTHER = Evidence("remainder", "slope", agrees=True)
OPEN = Evidence("monte-carlo", "c", 1.0, 1.2, 0.3, "standard error")
AGAINST = Evidence("monte-carlo", "c", 1.0, 2.0, 0.1, "standard error", agrees=False, part="term")
SLOPE = Evidence("remainder", "slope", 6.0, 2.0, agrees=False)
PROVED = Evidence("exact", "closed form", "equal", "different", agrees=False, exact=True)
KEPT = Answer("Keeps every mode.", "keeps")
NOT_RUN = Evidence("trained", "power", ran=False, note="no torch")


def said(*evidence):
    return sentence(Description("t", "", "", KEPT, "the derivation", (), evidence, verdict(evidence)))


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (
            (AGREE, OTHER, NOT_RUN),
            ("The derivation holds: 2 comparisons by 2 independent routes agree, and none contradicts it."),
        ),
        (
            (AGREE, OTHER, AGAINST),
            "The derivation is undecided: monte-carlo stands against autodiff and remainder.",
        ),
        ((AGAINST,), "The derivation is undecided: monte-carlo stands against it, and nothing is for it."),
        (
            (AGREE, AGAINST, SLOPE),
            "The derivation is refuted: 2 comparisons (monte-carlo, remainder) contradict it; 1 agree.",
        ),
        (
            (AGREE, OTHER, PROVED),
            "The derivation is refuted: 1 comparison (exact) contradicts it, exactly; 2 agree.",
        ),
        (
            (AGREE, OPEN),
            (
                "The derivation is undecided: nothing contradicts it, but only 1 comparison by 1 independent"
                " route agrees (autodiff), and two routes are needed."
            ),
        ),
        (
            (OPEN,),
            "The derivation is undecided: nothing contradicts it, but no independent route agrees with it.",
        ),
        ((NOT_RUN,), "The derivation was not checked: no independent route was run."),
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
