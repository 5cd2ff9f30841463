"""The strength at which a curvature changes sign: its uncertainty, what predicts it, and when there is none."""

import numpy as np
import pytest

from derive import InputError, catalogue
from derive.landscape.collapse import collapse
from numeric.landscape.landscape import quartic_landscape
from numeric.sampling import Covariances
from numeric.sphere.equal_modes import Sphere
from verify.routes.reopening.collapsed_modes import family
from verify.routes.reopening.kept_modes import alike, modes
from verify.routes.reopening.transition import crossing, measured, measured_at_trained, predicted, trained
from verify.truths.two_views import two_views

NORMALISED = two_views("infonce+normalised")


def exact(family, rank, low, high):
    """The sign change by quadrature, to the accuracy of halving."""

    def curvature(s):
        correlations = modes(family(s))[1]
        return Sphere(rank, correlations[0]).curvature(correlations[-1])

    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if curvature(middle) < 0 else (low, middle)
    return low


def small(s):
    """Twelve strong modes are slow to train: nine, and a weak one that is lost at a stronger augmentation."""
    return Covariances(np.diag([1.0] * 9 + [0.5]), s**2 * np.eye(10))


def test_the_error_covers_the_root():
    rng = np.random.default_rng(0)
    z = []
    for _ in range(200):
        noise = rng.normal(size=60)
        found = crossing(lambda s, noise=noise: np.sinh(s - 1) + 0.3 * noise, 0.0, 2.5)
        z.append((found.strength - 1) / found.error)
    assert abs(np.mean(z)) < 0.3
    assert 0.8 < np.std(z) < 1.2


@pytest.mark.parametrize(
    ("curve", "text"),
    [
        (lambda s: s - 3 + NOISE, "the curvature is negative at both 0 and 2"),
        (lambda s: s + 1 + NOISE, "the curvature is positive at both 0 and 2"),
        (lambda s: s - 0.01 + NOISE, "undecided: the curvature at 0 is -0.01 ± 0.01, noise"),
    ],
)
def test_when_there_is_none(curve, text):
    assert crossing(curve, 0.0, 2.0).text() == text


NOISE = 0.1 * (np.arange(100) % 2 * 2 - 1)


def test_a_flat_crossing_is_undecided():
    # It changes sign, but where it does its slope is lost in noise that is not common to the strengths.
    def curve(s):
        return (s - 1) ** 9 * 1000 + np.random.default_rng(int(s * 1e6)).normal(size=50)

    assert "its slope there" in crossing(curve, 0.0, 2.0).text()


@pytest.mark.parametrize(
    ("low", "high", "curve", "message"),
    [
        (2.0, 1.0, lambda s: s + NOISE, "the strengths 2 and 1 are not a bracket; give the lower one first"),
        (1.0, 2.0, lambda _: np.ones(3), "3 measurements give no standard error; take 4 or more"),
    ],
)
def test_what_is_refused(low, high, curve, message):
    with pytest.raises(InputError) as error:
        crossing(curve, low, high)
    assert str(error.value) == message


def test_normalised_infonce_reopens_where_the_quadrature_says():
    curve = measured(NORMALISED, family, lambda s: alike(family(s), 12), batch=64, batches=150, seed=0)
    found = crossing(curve, 0.1, 1.0, tolerance=3e-3)
    assert abs(found.strength - exact(family, 12, 0.1, 1.0)) < 4 * found.error
    assert found.error < 0.02
    # The norm penalty's model is another thing, and the measurement tells them apart.
    model = predicted(catalogue("infonce"), family, 12, 0.1, 1.0)
    assert abs(found.strength - model.strength) > 2.5 * found.error


def test_the_model_is_the_landscape_at_fixed_norm():
    model = predicted(catalogue("infonce"), family, 12, 0.1, 1.0)
    for shift, opens in ((-1e-3, True), (1e-3, False)):
        covariances = family(model.strength + shift)
        # One of the twelve, with its share of the norm, and the weak mode.
        A0, Sigma = covariances.A0[-2:, -2:], covariances.Sigma[-2:, -2:]
        solved = quartic_landscape(A0, Sigma, q1=0.75, kappa=np.inf, c=1 / 12)
        # Modes in increasing order of λ: the weak one is first.
        point = next(one for one in solved.stationary_points() if one.mask.tolist() == [False, True])
        assert (point.slopes[0] < 0) == opens


def test_the_model_changes_sign_where_the_collapse_condition_does():
    # With all modes kept the weak one's power goes to zero there.
    condition = collapse(catalogue("infonce+norm-penalty").expand(4), limit="kappa").dimensional
    at = predicted(catalogue("infonce"), family, 12, 0.1, 1.0).strength
    for s, lost in ((at - 1e-4, False), (at + 1e-4, True)):
        covariances = family(s)
        assert condition.holds(np.diag(covariances.A0).tolist(), np.diag(covariances.C).tolist(), {"c": 1}) == lost


def test_the_model_says_why_it_has_nothing_to_say():
    assert predicted(catalogue("siglip"), family, 12, 0.1, 1.0, {"t": 1.0, "b": 0.5, "N": 32.0}).text() == (
        "the curvature is negative at both 0.1 and 1"
    )


@pytest.mark.slow
def test_trained_models_lose_the_mode_where_its_curvature_changes_sign():
    expected = exact(small, 9, 0.1, 1.2)
    lost = trained(NORMALISED, small, rank=9, d1=10, low=0.1, high=1.2, batch=256, batches=8, seeds=range(4), steps=6)
    assert abs(lost.strength - expected) < max(4 * lost.error, 0.15 * expected)
    curve = measured_at_trained(NORMALISED, small, rank=9, d1=10, batch=256, batches=8, seeds=range(5))
    found = crossing(curve, 0.1, 1.2, tolerance=1e-2)
    assert abs(found.strength - expected) < 4 * found.error
