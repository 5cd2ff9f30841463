"""The limit of infinitely many data: against the limit of the expansion, and where there is none."""

import pytest
import sympy
from sympy import Rational, oo, symbols

from derive import InputError, Loss, Mean, catalogue, closed_form, diagonal_sum, exp, half_sq, inner, log, sqrt, views
from derive.definition.matrices import SecondMoment
from derive.losses.limit import population

N, n, alpha, eta, tau = symbols("N n alpha eta tau")
x, x_pos, chi, chi_pos, psi = views("x, x_pos, chi, chi_pos, psi")


def sample(body, size=N - 1):
    return Mean(exp(body), over=chi, count=size)


away = -half_sq(x, chi)
LOSSES = {
    "infonce-batch": catalogue("infonce-batch"),
    "weighted-infonce": catalogue("weighted-infonce"),
    "dcl": catalogue("dcl"),
    "ntxent": catalogue("ntxent"),
    "a weight that grows": catalogue("weighted-infonce").set({"alpha": eta * N}),
    "two growing weights": Loss(log((N - 1) * sample(away) + 3 * N * sample(inner(x, chi) / 2) + 7)),
    "a positive that takes over": Loss(log((N - 1) * sample(away) + N**2 * exp(-2 * half_sq(x, x_pos)))),
    "a root": Loss(sqrt(1 + sample(away)) / 2),
    "a product": Loss(sample(away) * (1 + exp(inner(x, x_pos)) / N)),
    "a weight that falls": Loss(half_sq(x, x_pos) / N + (N + 1) / N * log(sample(away))),
    "terms that cancel as they stand": Loss(N * half_sq(x, x_pos) - (N - 1) * half_sq(x, x_pos) + log(sample(away))),
    "coordinates": Loss(diagonal_sum(lambda i: (1 - SecondMoment(x, x_pos, count=N)[i, i]) ** 2)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_expansion_of_the_limit_is_the_limit_of_the_expansion(name):
    """Two routes: N → ∞ in the definition, and in the coefficients through order 6."""
    order = 4 if name == "coordinates" else 6
    limit = population(LOSSES[name])
    assert "N" not in limit.parameters
    by_coefficients = LOSSES[name].expand(order=order)
    assert (
        limit.expand(order=order).terms
        == by_coefficients.with_terms(
            (term.invariants, sympy.limit(term.coefficient, N, oo)) for term in by_coefficients.terms
        ).terms
    )


def test_the_limits_written_out():
    infonce = "E_x[½|f(x)−f(x′)|² + log E_χ exp(−½|f(x)−f(χ)|²)]"
    for name in ("infonce-batch", "weighted-infonce"):
        limit = population(catalogue(name))
        assert limit.text() == infonce
        assert limit.name == f"{name}+population"
        assert limit.notes[-1] == "The limit N → ∞; the constant log(N - 1), which grows with N, is dropped."
        assert closed_form(limit).text() == closed_form(catalogue("infonce")).text()
    # With inner products the positive's weight vanishes, and both losses end at order 4.
    for name in ("dcl", "ntxent"):
        assert closed_form(population(catalogue(name))).text() == "−1/τ Tr[W A0 Wᵀ] + 1/(2 τ^2) Tr[(W Σ Wᵀ)²]"
    assert population(LOSSES["a root"]).notes == ("The limit N → ∞; nothing is dropped.",)


def test_a_weight_in_proportion_to_the_batch_leaves_no_closed_form():
    limit = population(catalogue("weighted-infonce").set({"alpha": eta * N}))
    assert limit.text().endswith("log(E_χ exp(−½|f(x)−f(χ)|²) + η exp(−½|f(x)−f(x′)|²))]")
    assert closed_form(limit) is None


def test_another_name_and_a_batch():
    loss = Loss(half_sq(x, x_pos) + log(sample(away, n)), batch=n + 1)
    limit = population(loss, "n")
    assert limit.batch is None
    assert not limit.samples
    fixed = Loss(log(sample(away, n)) / N, batch=n)
    assert population(fixed).batch == n


nested = log(Mean(exp(inner(x, chi_pos)) * Mean(exp(inner(x, chi)), over=chi), over=chi_pos, count=N))


def test_a_view_that_is_bound_again_keeps_its_name():
    limit = population(Loss(nested))
    assert limit.expand(order=4).terms == Loss(nested).expand(order=4).set({"N": oo}).terms


REFUSED = {
    "siglip": (
        catalogue("siglip"),
        ("siglip has no known limit as N grows: N - 1 multiplies a part that depends on W, and grows without bound"),
    ),
    "fluctuations": (
        Loss(N * log(sample(away, N)) - N * log(Mean(exp(away), over=chi))),
        (
            "loss has no known limit as N grows: leading terms cancel, and what is left depends on"
            " fluctuations of the sample"
        ),
    ),
    "an exponent": (
        Loss(sample(away) ** N),
        "loss has no known limit as N grows: the exponent N depends on N",
    ),
    "no parameter": (
        catalogue("beta-infonce"),
        "population(…, N='N'): beta-infonce has no parameter 'N'; it has: beta",
    ),
    "an oscillating weight": (
        Loss(sympy.cos(N) * sample(away)),
        "loss has no known limit as N grows: the limit of cos(N) is not known",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_limit_is_refused(name):
    loss, message = REFUSED[name]
    with pytest.raises(InputError) as error:
        population(loss)
    assert str(error.value) == message


def test_a_lost_positive_is_seen():
    """The mutant that drops the positive although its weight grows differs at order 2 already."""
    right = LOSSES["a weight that grows"].expand(order=2).set({"N": oo})
    wrong = catalogue("infonce").expand(order=2)
    assert right.terms != wrong.terms
    assert right.set({"eta": Rational(0)}).terms == wrong.terms
