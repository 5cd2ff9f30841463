"""α, β and λ_c by each route, against each other, and what is refused."""

import json

import numpy as np
import pytest
import sympy

from derive import InputError, Loss, Mean, catalogue, cosine, exp, inner, log, views
from derive.losses.limit import population
from derive.sphere.transverse import transverse
from numeric.sampling import Covariances
from numeric.sphere.drawn_means import Features, NormalBlock, drawn_means
from numeric.sphere.equal_means import equal_modes
from numeric.sphere.lost_modes import drawn_lost_modes, lost_modes

R = sympy.Rational
x, x_pos, chi = views("x, x_pos, chi")
INFONCE = catalogue("infonce+normalised").set({"tau": R(1, 5)})
EQUAL = NormalBlock(np.full(12, 1 / 12), np.full(12, 0.9))


def agree(one, other, limit=4.0):
    """Whether α, β and λ_c of two findings agree within their errors."""
    pairs = [(getattr(one, name), getattr(other, name)) for name in ("alpha", "beta", "threshold")]
    return all(abs(a.value - b.value) < limit * np.hypot(a.error, b.error) for a, b in pairs)


@pytest.mark.parametrize("name", ["infonce", "spectral", "alignment-uniformity"])
def test_the_routes_agree(name):
    values = {"tau": R(1, 5), "lambda": 2, "t": 1}
    loss = catalogue(f"{name}+normalised")
    loss = loss.set({key: value for key, value in values.items() if key in loss.parameters})
    lam, shares = np.linspace(0.6, 0.95, 10), np.linspace(0.05, 0.15, 10)
    exact, nearly = lost_modes(loss, [0.9] * 12), lost_modes(loss, [0.9] * 11 + [0.9 + 1e-14])
    assert (exact.route, nearly.route) == ("equal modes", "unequal shares")
    assert agree(exact, nearly)
    assert agree(exact, drawn_lost_modes(loss, EQUAL, 12))
    unequal = lost_modes(loss, lam, shares)
    drawn = drawn_lost_modes(loss, NormalBlock(shares, lam), 10)
    assert agree(unequal, drawn)
    # The other shares are another answer.
    assert not agree(unequal, drawn_lost_modes(loss, NormalBlock(shares[::-1], lam), 10))


def test_any_w_and_features():
    """A W that mixes modes: f is normal with equal modes all the same; and features drawn from it."""
    generator = np.random.default_rng(0)
    turn, _ = np.linalg.qr(generator.standard_normal((12, 12)))
    data = Covariances(0.9 * np.eye(12) / 12, 0.1 * np.eye(12) / 12)

    class Turned:
        def draw(self, generator, shape, views):
            return tuple(one @ turn.T for one in data.draw(generator, shape, views))

    exact = lost_modes(INFONCE, [0.9] * 12)
    assert agree(exact, drawn_lost_modes(INFONCE, Turned(), 12))
    given = np.stack(EQUAL.draw(generator, (100_000,), 2))
    assert agree(exact, drawn_lost_modes(INFONCE, Features(given), 12))


def test_no_datum_is_its_own_negative():
    """Of 40 data one pair in 40 would be a datum and itself, at a cosine of 1."""
    f = np.random.default_rng(0).standard_normal((2, 40, 4))
    unit = f[0] / np.linalg.norm(f[0], axis=1, keepdims=True)
    cosines = (unit @ unit.T) ** 2
    apart = (cosines.sum() - 40) / (40 * 39)
    found = drawn_means([Mean(cosine(x, chi) ** 2, over=chi)], Features(f), anchors=20, population=20, batches=400)
    error = found.covariance[0, 0] ** 0.5
    assert abs(found.means[0] - apart) < 4 * error < (1 - apart) / 40
    order = np.random.default_rng(1)
    (once,) = Features(np.arange(40.0)[None, :, None]).draw(order, (8, 5), 1)
    assert sorted(once.ravel()) == list(range(40))


def test_a_finite_batch_moves_the_threshold_little():
    """α and β of infonce-batch fall with 1/N, and λ_c less: see `docs/sphere.md`."""
    batch = catalogue("infonce-batch+normalised")
    limit = lost_modes(population(batch).set({"tau": R(1, 5)}), [0.9] * 12)
    found = lost_modes(batch.set({"tau": R(1, 5), "N": 64}), [0.9] * 12, batches=200)
    assert found.route == "drawn views"
    assert found.alpha.value < 0.75 * limit.alpha.value
    assert 0 < found.threshold.value - limit.threshold.value < 0.02


def first_correction(k):
    """L_N = log(N − 1) + L + L₁/(N − 1) of infonce-batch: the positive, and the variance of the mean."""
    Z = Mean(exp(k * cosine(x, chi)), over=chi)
    return Loss(exp(k * cosine(x, x_pos)) / Z - Mean(exp(2 * k * cosine(x, chi)), over=chi) / (2 * Z**2))


def test_the_first_correction_of_a_finite_batch():
    N = 1024
    limit = lost_modes(catalogue("infonce+normalised").set({"tau": R(1, 2)}), [0.5] * 12)
    more = lost_modes(first_correction(2), [0.5] * 12)
    # L₁ pushes views of a datum apart: α₁ is negative, and it has no threshold of its own.
    assert more.threshold is None
    batch = catalogue("infonce-batch+normalised").set({"tau": R(1, 2), "N": N})
    found = lost_modes(batch, [0.5] * 12, batches=24)
    for name in ("alpha", "beta"):
        plain, first, drawn = (getattr(one, name) for one in (limit, more, found))
        assert abs(drawn.value - plain.value - first.value / (N - 1)) < 4 * drawn.error


def test_two_encoders_have_the_threshold_of_one():
    clip = population(catalogue("clip+normalised")).set({"tau": R(1, 5)})
    one, two = lost_modes(INFONCE, [0.9] * 12), lost_modes(clip, [0.9] * 12)
    assert two.threshold.value == pytest.approx(one.threshold.value, abs=1e-11)


def test_digits():
    found = lost_modes(INFONCE, [R(9, 10)] * 12, digits=30)
    assert str(found.threshold.value)[:18] == "0.5095729511952202"
    assert float(found.threshold.error) < 1e-28
    assert json.loads(json.dumps(found.to_json()))["route"] == "equal modes"


def test_where_each_mode_comes_back_or_none_does():
    siglip = catalogue("siglip+normalised").set({"N": 16, "t": 10, "b": -10})
    assert lost_modes(siglip, [0.9] * 12).threshold.value < 0
    pushed = Loss(cosine(x, x_pos))
    assert lost_modes(pushed, [0.9] * 12).threshold is None
    assert lost_modes(Loss(-cosine(x, x_pos)), [R(1, 2)] * 2).threshold.value > 0


@pytest.mark.parametrize(
    ("loss", "lam", "shares", "digits", "message"),
    [
        (INFONCE, [0.9, 0.9], None, None, "infinite at rank 2: it needs more than 2 kept modes; with so few each lost"),
        (INFONCE, [0.9], None, None, "with one kept mode"),
        (INFONCE, [0.9, 0.8], None, None, "infinite at rank 2"),
        (INFONCE, [0.9, 0.8, 0.7], [0.5, 0.5, 0], None, "infinite at rank 2"),
        (INFONCE, [1.1], None, None, "from 0 to 1, one or more"),
        (INFONCE, [0.9] * 3, [1, -1, 1], None, "shares are not negative"),
        (INFONCE, [0.9, 0.8, 0.7], None, 30, "30 digits are there for equal modes"),
        (catalogue("infonce+normalised"), [0.9] * 3, None, None, "tau has no value; set it"),
        (
            catalogue("infonce+normalised+weight-decay").set({"tau": 1, "gamma": 1}),
            [0.9] * 3,
            None,
            None,
            "in another way",
        ),
        (catalogue("supcon+normalised").set({"tau": 1}), [0.9] * 3, None, None, "other data of a class"),
        (
            Loss(-cosine(x, views("x_strong", augmentation=2)[0])),
            [0.9] * 3,
            None,
            None,
            "under a second augmentation",
        ),
        (catalogue("vicreg"), [0.9] * 3, None, None, "looks at coordinates of f"),
        (
            catalogue("infonce-batch+normalised").set({"tau": 1, "N": 4}),
            [0.9, 0.8, 0.7],
            None,
            None,
            "infonce-batch\\+normalised at 3 kept modes: .* take more than 4",
        ),
    ],
)
def test_bad_input(loss, lam, shares, digits, message):
    with pytest.raises(InputError, match=message):
        lost_modes(loss, lam, shares, digits=digits)


def test_a_loss_that_is_no_function_of_cosines_is_drawn():
    """InfoNCE without a normalisation: α = 1 and β = 0 at every W."""
    plain = Loss(inner(x, x) / 2 - inner(x, x_pos) + log(Mean(exp(inner(x, chi) - inner(chi, chi) / 2), over=chi)))
    found = lost_modes(plain, [0.9] * 4, batches=20)
    assert found.route == "drawn views"
    assert found.alpha.value == pytest.approx(1)
    assert abs(found.beta.value) < 1e-9


def test_mutants_are_refuted_by_drawn_views():
    """1/|u|² for 1/(|u| |u′|), a lost ½ and two modes fewer are far outside the error."""
    found = transverse(INFONCE)
    block = NormalBlock(np.full(8, 1 / 8), np.full(8, 0.3))
    right, fewer = ([equal_modes(one, r, 0.3).value for one in (found.alpha, found.beta)] for r in (8, 6))
    measured = drawn_means([found.alpha, found.beta, 5 / inner(x, x)], block, seed=1)
    errors = np.sqrt(np.diag(measured.covariance))
    assert (np.abs(measured.means[:2] - right) < 4 * errors[:2]).all()
    assert abs(measured.means[2] - right[0]) > 6 * errors[2]
    assert abs(measured.means[1] - 2 * right[1]) > 6 * errors[1]
    assert (np.abs(measured.means[:2] - fewer) > 6 * errors[:2]).all()


def test_what_few_draws_of_a_mean_of_exponentials_leave_is_in_the_error():
    """At τ = 1/20 the jackknife leaves a bias of many standard errors; it is seen, and said."""
    loss = catalogue("infonce+normalised").set({"tau": R(1, 20)})
    found, exact = drawn_lost_modes(loss, EQUAL, 12, batches=30), lost_modes(loss, [0.9] * 12)
    assert agree(found, exact)
    slopes = transverse(loss)
    measured = drawn_means([slopes.alpha, slopes.beta], EQUAL, batches=30)
    assert abs(measured.bias[1]) > 3 * measured.values[:, 1].std() / 30**0.5
    # α holds no mean inside: nothing is left of it.
    assert measured.bias[0] == 0


def test_mutants_are_refuted_beside_unequal_shares():
    """r − 2 for r, a lost ½, and 1/|u|² for 1/(|u| |u′|), at modes that are equal but for rounding."""
    found = lost_modes(INFONCE, [0.3] * 7 + [0.3 + 1e-14])
    right, fewer = lost_modes(INFONCE, [0.3] * 8), lost_modes(INFONCE, [0.3] * 6)
    assert found.route == "unequal shares"
    assert agree(found, right)
    single = 5 * equal_modes(1 / inner(x, x), 8, 0.3).value
    for value, mutant in (
        (found.beta, 2 * right.beta.value),
        (found.beta, fewer.beta.value),
        (found.alpha, fewer.alpha.value),
        (found.alpha, single),
    ):
        assert abs(value.value - mutant) > 6 * (value.error + 1e-9)
