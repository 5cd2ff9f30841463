"""Which losses are means over pairs: against look-alikes whose landscape is another."""

import pytest
from sympy import Rational

from derive import Loss, Mean, cosine, exp, log, views
from derive.definition.expression import Expression
from derive.sphere.pairs import pair_form

x, x_pos, chi, chi_pos, y = views("x, x_pos, chi, chi_pos, y")


def form(repulsion: Expression) -> str | None:
    found = pair_form(Loss(-2 * cosine(x, x_pos) + repulsion))
    return None if found is None else found.text


PULL = "-2 E cos(x, x′) + "
LOG_MEAN, LOG_OF_ALL = PULL + "1 E log E exp(2 cos(x, χ))", PULL + "1 log E exp(2 cos(x, χ))"


@pytest.mark.parametrize(
    ("repulsion", "text"),
    [
        (log(Mean(exp(2 * cosine(x, chi)), over=chi)), LOG_MEAN),
        (log(Mean(exp(2 * cosine(x, chi)) + exp(2 * cosine(x, chi_pos)), over=(chi, chi_pos))), LOG_MEAN),
        (log(Mean(exp(2 * cosine(chi, y)), over=(chi, y))), LOG_OF_ALL),
        # Each view of the anchor in a logarithm of its own.
        (sum(Rational(1, 2) * log(Mean(exp(2 * cosine(u, chi)), over=chi)) for u in (x, x_pos)), LOG_MEAN),
    ],
)
def test_equal_in_law(repulsion: Expression, text: str) -> None:
    assert form(repulsion) == text


@pytest.mark.parametrize(
    "repulsion",
    [
        # Both views of the anchor in one logarithm.
        log(Mean(exp(2 * cosine(x, chi)) + exp(2 * cosine(x_pos, chi)), over=chi)),
        log(Mean(exp(cosine(x, chi) + cosine(x_pos, chi)), over=chi)),
        log(Mean(exp(2 * cosine(x, chi)) + exp(cosine(x, chi)), over=chi)),
        log(Mean(exp(2 * cosine(x, chi)) + exp(2 * cosine(chi, y)), over=(chi, y))),
        log(Mean(exp(2 * cosine(x, chi)), over=chi) + exp(2 * cosine(x, x_pos))),
    ],
)
def test_look_alikes(repulsion: Expression) -> None:
    assert form(repulsion) is None
