"""What a mean, a variance, a covariance and a cumulant are, in means alone."""

import pytest

from derive import InputError, Loss, Mean, inner, log, symbols, views
from derive.definition.expression import Coordinate
from derive.definition.statistics import check_polynomial, lowered, statistic
from derive.definition.views import Index

x, x_pos, chi, u, w = views("x, x_pos, chi, u, w")
P, Q, R = inner(x, chi), inner(x, x_pos), inner(x, x) ** 2


BESIDE = (
    "x_pos is another view of the datum that x shows: given x alone it is neither held nor independent; give both,"
    " | x, x_pos, or neither"
)


def value(node):
    """A definition's moments, in which products and sums are sorted out."""
    return Loss(node).moments(12).terms


def mean(node):
    return Mean(node, over=(x, x_pos, chi))


def test_variance_and_covariance_are_written_out():
    assert value(lowered(statistic("Var", [P]))) == value(mean(P * P) - mean(P) * mean(P))
    assert value(lowered(statistic("Cov", [P * P, R]))) == value(mean(P * P * R) - mean(P * P) * mean(R))
    assert value(lowered(statistic("Cov", [P * P, R]))) != value(mean(P * P * R))


def test_cumulants_are_written_out():
    third = mean(Q**3) - 3 * mean(Q**2) * mean(Q) + 2 * mean(Q) ** 3
    assert value(lowered(statistic("Cum", [Q, Q, Q]))) == value(third)
    joint = (
        mean(P * P * Q * R) - mean(P * P * Q) * mean(R) - mean(P * P * R) * mean(Q) - mean(Q * R) * mean(P * P)
        + 2 * mean(P * P) * mean(Q) * mean(R)
    )  # fmt: skip
    assert value(lowered(statistic("Cum", [P * P, Q, R]))) == value(joint)
    two_equal = mean(Q * Q * R) - mean(Q * Q) * mean(R) - 2 * mean(Q * R) * mean(Q) + 2 * mean(Q) ** 2 * mean(R)
    assert value(lowered(statistic("Cum", [Q, Q, R]))) == value(two_equal)


def test_each_mean_is_over_samples_of_its_own():
    n = symbols("n")
    random = Mean(inner(u, u), over=u, count=n)
    squared = statistic("E", [random]) ** 2
    assert value(lowered(squared)) == value(Mean(inner(u, u), over=u) ** 2)
    assert value(lowered(statistic("E", [random * random]))) != value(lowered(squared))


def test_what_is_given_stays_free():
    inside = lowered(statistic("Var", [P], [x]))
    assert inside == Mean(P * P, over=chi) - Mean(P, over=chi) * Mean(P, over=chi)
    assert value(lowered(statistic("E", [statistic("Var", [P], [x])]))) == value(Mean(inside, over=x))


@pytest.mark.parametrize(
    ("kind", "arguments", "given", "message"),
    [
        ("Var", [P, Q], (), "Var takes 1 argument, not 2"),
        ("Cum", [P] * 11, (), "cumulants are of order 1 to 10, not 11"),
        ("E", [P], (x_pos,), "x_pos is given and does not occur before the bar; leave it out"),
        (
            "E", [Q], (x,),
            BESIDE,
        ),
    ],
)  # fmt: skip
def test_wrong_arguments(kind, arguments, given, message):
    with pytest.raises(InputError, match="^" + message.replace("|", r"\|").replace("(", r"\(") + "$"):
        statistic(kind, arguments, given)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (log(1 + Mean(P, over=(x, chi))), "a moment is of polynomials, not of log; a Loss takes functions"),
        (
            Mean(1 / (1 + R), over=x),
            "a moment is of polynomials, and something in it has the power -1; multiply it out",
        ),
        (
            Mean(inner(x_pos, x_pos), over=x_pos, of=x),
            "a mean over further views of the datum of x needs that datum, not the view",
        ),
    ],
)
def test_other_definitions_are_no_polynomials(node, message):
    with pytest.raises(InputError) as raised:
        check_polynomial(node)
    assert str(raised.value) == message
    check_polynomial(Coordinate(x, Index("i")) * P)
