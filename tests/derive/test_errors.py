"""Every sentence that an unusable definition is answered with, word for word."""

import pytest
import sympy
from sympy import Rational, Symbol

from derive import (
    CATALOGUE,
    InputError,
    Loss,
    Mean,
    NotAnalyticError,
    SecondMoment,
    catalogue,
    diagonal_sum,
    exp,
    half_sq,
    inner,
    log,
    sqrt,
    symbols,
    views,
)
from derive.definition.expression import Coordinate
from derive.definition.views import Index

x, x_pos, chi, y = views("x, x_pos, chi, y")
N, n = symbols("N n")
KNOWN = ", ".join(CATALOGUE)
OWN = (
    "a loss that is not in the catalogue is given as a torch function or a derive.Loss of your own,"
    " path/to/file.py:name"
)
ORDER = ": give an even number from 2 on, the power of W to expand to"


NO_NUMBER = "x is a view, not a number: write inner(x, …) for ⟨f(x), f(…)⟩ and half_sq(x, …) for ½|f(x) − f(…)|²"


def paired(names):
    one, other = views(names)
    return Loss(half_sq(one, other))


def infonce(order):
    return catalogue("infonce").expand(order=order)


REFUSED = {
    "views of 2 data are free (chi; x); the loss is averaged over one datum and its views, so bind the others with"
    " Mean(…, over=…). Views pair by what stands before the first underscore, as x and x_pos do: if chi is a second"
    " view of x, call it x_pos": lambda: Loss(inner(x, chi)),
    "views of 3 data are free (chi; x, x_pos; y); the loss is averaged over one datum and its views, so bind the"
    " others with Mean(…, over=…)": lambda: Loss(inner(x, x_pos) + inner(chi, y)),
    "coordinate i is free; sum over it with diagonal_sum or off_diagonal_sum": lambda: Loss(Coordinate(x, Index("i"))),
    f"order 3{ORDER}": lambda: infonce(3),
    f"order 0{ORDER}": lambda: infonce(0),
    f"order -2{ORDER}": lambda: infonce(-2),
    f"order True{ORDER}": lambda: infonce(True),
    f"order '4'{ORDER}": lambda: infonce("4"),
    f"order 4.0{ORDER}": lambda: infonce(4.0),
    "infonce has no parameter 'alpha'; it has: none": lambda: catalogue("infonce").set({"alpha": 1}),
    "weighted-infonce has no parameter 'tau'; it has: N, alpha": lambda: catalogue("weighted-infonce").set({"tau": 1}),
    f"unknown loss 'infonse'; did you mean infonce? Known: {KNOWN}": lambda: catalogue("infonse"),
    f"unknown loss '???'; {OWN}. Known: {KNOWN}": lambda: catalogue("???"),
    f"unknown loss ''; {OWN}. Known: {KNOWN}": lambda: catalogue(""),
    "order 100000 is beyond 1000; each two orders double the work, or more": lambda: catalogue("dcl").expand(100_000),
    "'dcl+normalised+bias+normalised' has 'normalised' twice; leave one out": lambda: catalogue(
        "dcl+normalised+bias+normalised"
    ),
    "unknown modifier 'weight-decai'; did you mean weight-decay? Known: weight-decay, norm-penalty, normalised, bias,"
    " two-encoders": (lambda: catalogue("infonce+weight-decai")),
    "'alpha' is text; make it a symbol with derive.symbols('alpha')": lambda: "alpha" * inner(x, x_pos),
    "'1/10' is text; make it a symbol with derive.symbols('1/10')": (
        lambda: catalogue("weighted-infonce").set({"alpha": "1/10"})
    ),
    "0.07 is not exact; write sympy.Rational(7, 100) for it": lambda: 0.07 * inner(x, x_pos),
    "14.285714285714285 is not exact; write sympy.Rational(100, 7) for it": lambda: 1 / 0.07 * inner(x, x_pos),
    "1e-05 is not exact; write sympy.Rational(1, 100000) for it": lambda: 1e-5 * inner(x, x_pos),
    "0.300000000000000 in 0.3*N is not exact; write sympy.Rational(3, 10) for it": lambda: 0.3 * N * inner(x, x_pos),
    "inf is not a number; write an integer, or sympy.Rational(1, 10) for 0.1": lambda: float("inf") * inner(x, x_pos),
    "nan is not a number; write an integer, or sympy.Rational(1, 10) for 0.1": lambda: float("nan") * inner(x, x_pos),
    "True is not a number; write an integer, or sympy.Rational(1, 10) for 0.1": lambda: True * inner(x, x_pos),
    "[1] is neither a number, a SymPy expression nor an expression in views": lambda: inner(x, x_pos) * [1],
    "None is neither a number, a SymPy expression nor an expression in views": lambda: exp(None),
    "an exponent, a count or a weight must be free of views": lambda: inner(x, x_pos) ** inner(x, x_pos),
    "division by zero in a definition": lambda: inner(x, x_pos) / 0,
    "inner('x', 'chi'): both arguments must be views, as views() makes them": lambda: inner("x", "chi"),
    "half_sq(1, 2): both arguments must be views, as views() makes them": lambda: half_sq(1, 2),
    "views('x, 2y'): '2y' is not a name; write for instance views('x, x_pos, chi')": lambda: views("x, 2y"),
    "views(''): '' is not a name; write for instance views('x, x_pos, chi')": lambda: views(""),
    "views('x, x'): a name occurs twice; each view needs its own": lambda: views("x, x"),
    "Mean(…, over=()): name the view or views that the mean runs over, as views() made them": (
        lambda: Mean(inner(x, chi), over=())
    ),
    "views of 2 data are free (x; xpos); the loss is averaged over one datum and its views, so bind the others with"
    " Mean(…, over=…). Views pair by what stands before the first underscore, as x and x_pos do: if xpos is a second"
    " view of x, call it x_pos": lambda: paired("x, xpos"),
    "views of 2 data are free (x1; x2); the loss is averaged over one datum and its views, so bind the others with"
    " Mean(…, over=…). Views pair by what stands before the first underscore, as x and x_pos do: if x2 is a second"
    " view of x1, call it x1_pos": lambda: paired("x1, x2"),
    "views of 2 data are free (anchor; positive); the loss is averaged over one datum and its views, so bind the"
    " others with Mean(…, over=…). Views pair by what stands before the first underscore, as x and x_pos do: if"
    " positive is a second view of anchor, call it anchor_pos": lambda: paired("anchor, positive"),
    "views('x, x_pos, x_neg'): x_neg would be a view of the datum x, like x itself, as views pair by what stands before"
    " the first underscore; call a view of another datum chi or neg": lambda: views("x, x_pos, x_neg"),
    "views(['x', 'chi']): write the names in one text, views('x, x_pos, chi')": lambda: views(["x", "chi"]),
    "inner(…, chi): both arguments must be views, as views() makes them": lambda: inner(inner(x, x_pos), chi),
    f"{NO_NUMBER}": lambda: x * x_pos,
    f"{NO_NUMBER} ": lambda: x - x_pos,
    f"{NO_NUMBER}  ": lambda: x @ x_pos,
    f"{NO_NUMBER}   ": lambda: N * x,
    f"{NO_NUMBER}    ": lambda: Loss(x),
    f"{NO_NUMBER}     ": lambda: exp(x),
    "SymPy's functions take no expression in views; use exp, log and sqrt of derive for those, as in"
    " derive.exp(inner(x, chi))": lambda: sympy.exp(inner(x, chi)),
    "Mean(…, over='chi'): name the view or views that the mean runs over, as views() made them": (
        lambda: Mean(inner(x, chi), over="chi")
    ),
    "Mean(…, over=(chi, y), count=N): a sample is drawn of one datum at a time; nest one Mean in the other"
    " for two samples, give distinct(chi, y) for different draws of one sample, or views of one datum": lambda: Mean(
        inner(chi, y), over=(chi, y), count=N
    ),
    "the entry must be a function of 1 coordinate(s), not of ['i', 'j']": lambda: diagonal_sum(lambda i, j: (i, j)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_the_message(message):
    with pytest.raises(InputError) as refused:
        REFUSED[message]()
    assert str(refused.value) == message.rstrip()
    assert not isinstance(refused.value, NotAnalyticError)


NOT_ANALYTIC = {
    "the logarithm of ⟨f(x), f(x′)⟩": (lambda: log(inner(x, x_pos)), None),
    "the logarithm of E_χ[½|f(x)−f(χ)|²]": (lambda: log(Mean(half_sq(x, chi), over=chi)), None),
    "the power 1/2 of |f(x)−f(x′)|²": (lambda: sqrt(2 * half_sq(x, x_pos)), 1),
    "the power -1 of ⟨f(x), f(x)⟩": (lambda: 1 / inner(x, x), -2),
    "the power -1 of 1 − exp(⟨f(x), f(x′)⟩)": (lambda: 1 / (1 - exp(inner(x, x_pos))), None),
    "the power n of ⟨f(x), f(x)⟩": (lambda: inner(x, x) ** n, None),
    "the logarithm of 0": (lambda: log(0), 0),
}


@pytest.mark.parametrize("inside", NOT_ANALYTIC)
def test_what_vanishes_at_the_origin(inside):
    definition, degree = NOT_ANALYTIC[inside]
    with pytest.raises(NotAnalyticError) as refused:
        Loss(definition()).expand()
    assert str(refused.value) == (
        f"{inside} has no expansion at W = 0, where its argument vanishes; give the argument a value there, for"
        " instance by adding ε"
    )
    assert refused.value.degree == degree


def test_a_constant_that_cancels_is_seen_to_vanish():
    """α − α·N/N is zero, though it is not written so."""
    a = Symbol("alpha")
    zero = (a + 1) ** 2 - a**2 - 2 * a - 1
    with pytest.raises(NotAnalyticError):
        Loss(log(zero + inner(x, x_pos))).expand()


def test_not_analytic_is_an_input_error():
    assert issubclass(NotAnalyticError, InputError)
    assert issubclass(InputError, ValueError)
    assert NotAnalyticError("why").degree is None


@pytest.mark.parametrize("count", [0, -1, Rational(1, 2), Rational(5, 2)])
def test_a_count_that_counts_nothing(count):
    with pytest.raises(InputError):
        Loss(Mean(inner(x, chi), over=chi, count=count) ** 2).expand()


@pytest.mark.parametrize("size", [1, 0, Rational(5, 2)])
def test_a_batch_too_small_for_its_negatives(size):
    with pytest.raises(InputError):
        catalogue("dcl").set({"N": size}).expand()


def test_a_logarithm_of_a_negative_number():
    """log(⟨f(x), f(x′)⟩ − 1) is not real near the origin."""
    with pytest.raises(InputError):
        Loss(log(inner(x, x_pos) - 1)).expand()


def test_nothing_is_evaluated():
    """Text that is code stays text."""
    with pytest.raises(InputError, match="is text"):
        catalogue("weighted-infonce").set({"alpha": "__import__('os').abort()"})
    with pytest.raises(InputError, match="is text"):
        sympy.Integer(2) ** 1 * inner(x, x_pos) + "1"


def test_a_mean_over_a_view_of_a_datum_that_is_free():
    """x′ under a mean of its own would be drawn anew with its datum, and x beside it be another's."""
    with pytest.raises(InputError) as refused:
        Mean(inner(x, x_pos) ** 2, over=x_pos)
    assert str(refused.value) == (
        "Mean(…, over=(x_pos)) leaves x free, a view of the same datum (what stands before the first underscore names"
        " it): a mean draws a datum with all its views, so name x in over too, or use a view of another datum, such as"
        " chi; a mean over further views of the same datum as x is Mean(…, over=…, of=x)"
    )


def test_a_second_moment_is_read_by_two_coordinates():
    M = SecondMoment(x, x_pos)
    with pytest.raises(InputError) as refused:
        Loss(M[Index("i"), Index("j")])
    assert str(refused.value) == "coordinate i is free; sum over it with diagonal_sum or off_diagonal_sum"
