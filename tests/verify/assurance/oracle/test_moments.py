"""Random moments by the engine and by the oracle, and wrong moments that the comparison must tell apart."""

from dataclasses import replace
from random import Random

import pytest

from derive import moment
from derive.definition.moment_text import read_moment
from derive.definition.statistics import lowered, statistic
from verify.assurance.oracle.moments import by_oracle, by_words, many, random_moment


@pytest.mark.parametrize("encoders", [1, 2])
def test_both_engines_agree(encoders):
    assert many(20, 150, encoders) == []


@pytest.mark.slow
@pytest.mark.parametrize("encoders", [1, 2])
def test_both_engines_agree_on_many(encoders):
    assert many(0, 2000, encoders) == []


def cases(number):
    """Cases whose moment has terms."""
    found = []
    k = 0
    while len(found) < number:
        case = random_moment(Random(f"mutants {k}"))
        derived = moment(case.text, law=case.law.derived(False))
        if derived.terms and by_words(derived, case):
            found.append((case, derived))
        k += 1
    return found


def test_wrong_moments_differ():
    """Each of a moment's terms with another coefficient, and one left out."""
    seen = killed = 0
    for case, derived in cases(25):
        expected = by_oracle(derived.expression, case)
        for k, term in enumerate(derived.terms):
            changed = (*derived.terms[:k], term._replace(coefficient=2 * term.coefficient), *derived.terms[k + 1 :])
            for wrong in (replace(derived, terms=changed), derived.with_terms(
                (one.invariants, one.coefficient) for one in derived.terms if one is not term
            )):  # fmt: skip
                seen += 1
                killed += by_words(wrong, case) != expected
    # A word may vanish at the numbers of its case.
    assert killed > 0.9 * seen


def test_a_mean_of_squares_is_no_variance():
    for case, derived in cases(25):
        if not case.text.startswith("Var("):
            continue
        node = read_moment(case.text)
        squares = lowered(statistic("E", [node.arguments[0] ** 2], node.given))
        first = lowered(statistic("E", [node.arguments[0]], node.given))
        mean = by_oracle(first, case)
        assert by_oracle(squares, case) - mean**2 == by_words(derived, case)
