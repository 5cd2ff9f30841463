"""Both routes of a moment: what they agree with, and the mutants that each must reject."""

import numpy as np
import pytest

from derive import Elliptical, InputError, StudentT, moment
from verify.routes import moment as routes
from verify.routes.moment import DRAWS, NODES, Subject, drawn

TEXTS = (
    "Var(|f(x) - f(chi)|^2 | x)",
    "E(Var(|f(x) - f(chi)|^2 | x))",
    "Cov(|f(x)|^2, <f(x), f(x_pos)>)",
    "E(f(x)_i f(x)_j <f(x), f(chi)>^2 | chi)",
    "E(Tr[Mean(f(u) f(u)^T, u, n)^2])",
)
LAWS = (None, Elliptical(scale=StudentT(20)))


def of(found):
    """What a moment claims."""
    return lambda place: place.of(found)


def mutants(found):
    """Each term with another coefficient or sign, or left out."""
    for term in found.terms:
        for factor in (0, -1, 2):
            yield found.with_terms(
                (one.invariants, one.coefficient * (factor if one is term else 1)) for one in found.terms
            )


@pytest.mark.parametrize("law", LAWS, ids=["gaussian", "student-t"])
@pytest.mark.parametrize("text", TEXTS)
def test_each_route_agrees_with_the_words_and_rejects_mutants(text, law):
    found = moment(text, law=law)
    subject = Subject(found)
    for route in (NODES, DRAWS):
        measured = route.measured(subject)
        (right,) = route.compare(measured, of(found))
        assert right.agrees is True, right
        answers = [route.compare(measured, of(wrong))[0] for wrong in mutants(found)]
        if route is NODES:
            assert all(one.agrees is False and one.exact for one in answers)
        else:
            # What is smaller than the noise cannot be seen in it.
            seen = [one for one in answers if abs(one.predicted - right.predicted) > 10 * right.error]
            assert len(seen) >= 2
            assert all(one.agrees is False for one in seen)


def test_noise_decides_nothing(monkeypatch):
    for name, value in (("ROWS", 500), ("FEWEST", 4), ("MOST", 4)):
        monkeypatch.setattr(routes, name, value)
    found = moment("Cum(|f(x)|^2, 5)")
    (one,) = DRAWS.evidence(Subject(found), of(found))
    assert (one.agrees, one.note) == (None, "the noise is too large to tell")


def test_a_law_with_heavy_tails_is_not_drawn_from():
    subject = Subject(moment("Var(|f(x)|^2)", law=Elliptical(scale=StudentT(7))))
    with pytest.raises(InputError, match=r"^the noise of draws is finite with moments through order 8"):
        drawn(subject)


def test_a_seed_gives_the_same_numbers():
    found = moment("Var(|f(x)|^2)")
    first, again, other = (DRAWS.measured(Subject(found, seed=seed))[0].value for seed in (3, 3, 4))
    assert first == again != other
    assert np.isfinite(first)
