"""Means over equal modes: closed forms against integrals, digits against floats, and against drawn normal numbers."""

import numpy as np
import pytest
import sympy

from derive import InputError, Loss, Mean, catalogue, cosine, exp, inner, log, symbols, views
from derive.losses.limit import population
from derive.sphere.transverse import transverse
from numeric.sphere.equal_means import equal_modes
from numeric.sphere.equal_modes import Sphere

R = sympy.Rational
x, x_pos, chi, psi = views("x, x_pos, chi, psi")
VALUES = {"tau": R(1, 5), "N": 16, "beta": R(3, 2), "lambda": R(2), "t": R(3), "b": R(-1)}
NAMES = ["infonce", "beta-infonce", "spectral", "alignment-uniformity", "siglip", "ntxent", "dcl", "clip"]


def loss(name):
    """A catalogue loss with all parameters set, batches of it infinite but SigLIP's."""
    found = catalogue(f"{name}+normalised")
    found = population(found) if name in ("ntxent", "dcl", "clip") else found
    return found.set({key: value for key, value in VALUES.items() if key in found.parameters})


def retained():
    """The positive stays in the denominator as batches grow: a logarithm of a mean and of the pair's cosine."""
    inside = Mean(exp(5 * cosine(x, chi)), over=chi) + exp(5 * cosine(x, x_pos)) / 4
    return Loss(-5 * cosine(x, x_pos) + log(inside), name="retained")


CASES = {name: loss(name) for name in NAMES} | {"retained": retained()}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("r", "correlation"), [(5, R(1, 20)), (12, R(9, 10)), (512, R(999, 1000))])
def test_closed_forms_are_the_integrals(name, r, correlation):
    for mean in transverse(CASES[name]).slopes.values():
        closed, integrated = (equal_modes(mean, r, correlation, closed=one) for one in (True, False))
        assert closed.value == pytest.approx(integrated.value, abs=closed.error + integrated.error)
        assert 0 < closed.error < 1e-10 * (1 + abs(closed.value)) * (1 + r / 50)


@pytest.mark.parametrize("name", ["infonce", "siglip"])
def test_thirty_digits(name):
    """Of InfoNCE both means, of SigLIP that of A0, which hangs on the cosine of a pair in another way."""
    for mean in list(transverse(CASES[name]).slopes.values())[: 2 if name == "infonce" else 1]:
        exact = equal_modes(mean, 6, R(1, 2), digits=30)
        integrated = equal_modes(mean, 6, R(1, 2), digits=30, closed=False)
        floats = equal_modes(mean, 6, 0.5)
        assert abs(exact.value - integrated.value) < 1e-28
        assert floats.value == pytest.approx(float(exact.value), abs=float(floats.error))


@pytest.mark.parametrize("r", [3, 10, 200])
@pytest.mark.parametrize("kept", [0.05, 0.9, 0.999])
@pytest.mark.parametrize("tau", [R(1, 20), R(2)])
def test_infonce_has_the_parts_of_its_quadrature(r, kept, tau):
    found = transverse(catalogue("infonce+normalised").set({"tau": tau}))
    P, Q = Sphere(r, kept, float(tau)).parts()
    alpha, beta = (equal_modes(mean, r, kept, closed=False) for mean in (found.alpha, found.beta))
    assert alpha.value == pytest.approx(-Q / 2 * r, abs=alpha.error)
    assert beta.value == pytest.approx(P / 2 * r, abs=beta.error)


def test_the_sign_change_of_the_curvature_is_where_it_was():
    """Twelve modes of variance 1 and one of 0.3 under an augmentation of variance σ²: σ = 0.2212."""
    found = transverse(catalogue("infonce+normalised").filled())

    def excess(sigma):
        alpha, beta = (equal_modes(mean, 12, 1 / (1 + sigma**2)).value for mean in (found.alpha, found.beta))
        return alpha * 0.3 / (0.3 + sigma**2) - beta

    assert excess(0.2207) > 0 > excess(0.2217)


def drawn(r, kept, draws=300_000, seed=0):
    """Views of the kept block, E|u|² = 1."""
    generator = np.random.default_rng(seed)
    u, w, m = generator.standard_normal((3, draws, r)) / r**0.5
    return u, kept * u + (1 - kept**2) ** 0.5 * w, m


def by_hand(name, r, kept):
    """Samples of α and β, written out from the definition; means inside are closed in mpmath."""
    import mpmath

    u, v, m = drawn(r, kept)
    p, q, o = (np.linalg.norm(one, axis=1) for one in (u, v, m))
    c, d = (u * v).sum(1) / (p * q), (u * m).sum(1) / (p * o)
    pair, along, apart = 1 / (p * q), c * (p**-2 + q**-2) / 2, (p**-2 + o**-2) / 2
    if name == "spectral":
        return 2 * 5 * pair, 2 * 5 * along - 2 * 25 * d**2 * apart
    if name == "siglip":
        sigmoid = 1 / (1 + np.exp(3 * c + 1)), 1 / (1 + np.exp(-3 * d - 1))
        return 3 * pair * sigmoid[0], 3 * along * sigmoid[0] - 15 * 3 * d * apart * sigmoid[1]
    Z = float(mpmath.hyp0f1(r / 2, 25 / 4))
    if name == "infonce":
        return 5 * pair, 5 * along - 5 * d * apart * np.exp(5 * d) / Z
    weight = np.exp(5 * c) / 4 / (Z + np.exp(5 * c) / 4)
    # The mean inside is over χ alone: an independent draw of it.
    return 5 * pair * (1 - weight), 5 * along * (1 - weight) - 5 * d * apart * np.exp(5 * d) / (Z + np.exp(5 * c) / 4)


@pytest.mark.parametrize("name", ["infonce", "spectral", "siglip", "retained"])
def test_drawn_views_agree_and_refute_mutants(name):
    r, kept = 8, 0.8
    found = transverse(CASES[name])
    right = [equal_modes(mean, r, kept).value for mean in (found.alpha, found.beta)]
    fewer = [equal_modes(mean, r - 2, kept).value for mean in (found.alpha, found.beta)]
    for k, samples in enumerate(by_hand(name, r, kept)):
        value, error = samples.mean(), samples.std() / len(samples) ** 0.5
        assert abs(value - right[k]) < 4 * error
        # r − 2 for r, and a lost ½.
        for mutant in (fewer[k], 2 * right[k]):
            assert abs(value - mutant) > 6 * error


def test_one_power_of_a_length_is_not_another():
    """α with 1/|u|² in place of 1/(|u| |u′|) is another number, far outside the error."""
    right, wrong = inner(x, x) ** R(-1, 2) * inner(x_pos, x_pos) ** R(-1, 2), inner(x, x) ** -1
    values = [equal_modes(one, 6, R(1, 2)) for one in (right, wrong)]
    assert values[1].value == pytest.approx(6 / 4, abs=values[1].error)
    assert abs(values[0].value - values[1].value) > 1e-2


def test_lengths_and_cosines_of_several_data():
    """E[c(x, χ)² c(χ, ψ)² |ψ|²] = 1/r², data that hang together as a tree."""
    mean = Mean(cosine(x, chi) ** 2 * cosine(chi, psi) ** 2 * inner(psi, psi), over=(chi, psi))
    for closed in (True, False):
        assert equal_modes(mean, 7, R(1, 2), closed=closed).value == pytest.approx(1 / 49)


def test_views_that_are_equal():
    assert equal_modes(cosine(x, x_pos) * inner(x, x) ** -1, 6, R(1)).value == pytest.approx(6 / 4)


def test_where_means_exist():
    """Of cosine alignment they do at two modes: cos/|u|² is there of the order 1/|u|."""
    found = transverse(Loss(-cosine(x, x_pos)))
    assert equal_modes(found.beta, 2, R(1, 2)).value > 0
    beta = transverse(catalogue("infonce+normalised").filled()).beta
    assert equal_modes(beta, 3, R(1, 2)).value < 0
    with pytest.raises(InputError, match=r"E \|f\|\^\(-2\) is infinite at rank 2: it needs more than 2 kept modes"):
        equal_modes(beta, 2, R(1, 2))
    with pytest.raises(InputError, match="with one kept mode"):
        equal_modes(found.alpha, 1, R(1, 2))


@pytest.mark.parametrize(
    ("node", "correlation", "message"),
    [
        (symbols("tau") * cosine(x, x_pos), R(1, 2), "tau has no value; set it"),
        (cosine(x, x_pos), R(3, 2), "kept = 3/2: the correlation of two views of a kept mode is from 0 to 1"),
        (inner(x, x_pos), R(1, 2), None),
        (exp(inner(x, x_pos)), R(1, 2), "is no function of cosines"),
        (
            log(Mean(exp(cosine(x, chi) + cosine(x_pos, chi)), over=chi)),
            R(1, 2),
            "depends on the cosine of x and x_pos",
        ),
        (cosine(x, chi) * cosine(x_pos, chi), R(1, 2), "hang together in more than one way"),
        (log(Mean(exp(cosine(x, chi)), over=chi, count=3)), R(1, 2), "in another way than linearly"),
        (exp(cosine(x, x_pos)) * cosine(*views("x_pos, x_third")), R(1, 2), "three views of x at once"),
    ],
)
def test_bad_input(node, correlation, message):
    if message is None:
        assert equal_modes(node, 4, correlation).value == pytest.approx(0.5)
        return
    with pytest.raises(InputError, match=message):
        equal_modes(node, 4, correlation)


@pytest.mark.parametrize("r", [3, 9, 100])
def test_the_formulas_that_are_written_out(r):
    """Those of `docs/sphere.md`, in mpmath alone."""
    import mpmath as mp

    kept, tau, half = mp.mpf("0.7"), mp.mpf("0.25"), mp.mpf(r) / 2
    g = (mp.gamma(half - 0.5) / mp.gamma(half)) ** 2 / 2
    pair = r * g * mp.hyp2f1(0.5, 0.5, half, kept**2)
    along = r * g * kept * (1 - mp.mpf(1) / r) * mp.hyp2f1(0.5, 1.5, half + 1, kept**2)
    single = mp.mpf(r) / (r - 2)

    def rho(k):
        return mp.besseli(half, k) / mp.besseli(half - 1, k)

    written = {
        "infonce": ({"tau": R(1, 4)}, pair / tau, (along - rho(1 / tau) * single) / tau),
        "spectral": ({"tau": R(1, 4)}, 2 * pair / tau, 2 * (along - single / (r * tau)) / tau),
        "alignment-uniformity": ({"lambda": 3, "t": 2}, 2 * pair, 2 * (along - 3 * 2 * rho(4) * single)),
    }
    for name, (values, alpha, beta) in written.items():
        found = transverse(catalogue(f"{name}+normalised").set(values))
        for mean, right in ((found.alpha, alpha), (found.beta, beta)):
            own = equal_modes(mean, r, R(7, 10), closed=False)
            assert own.value == pytest.approx(float(right), abs=own.error)
