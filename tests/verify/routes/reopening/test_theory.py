"""What the theory says of lost modes on an audit's data, in numbers and in words."""

import numpy as np
import pytest

from derive import Loss, Rational, catalogue, cosine, views
from numeric.sphere.equal_modes import Sphere
from numeric.sphere.lost_modes import lost_modes
from verify.routes.reopening.collapsed_modes import family
from verify.routes.reopening.theory import theory, theory_or_reason

STRENGTHS = (0.1, 1.0)
x, x_pos = views("x, x_pos")


def test_infonce_has_the_curvatures_of_its_quadrature():
    found = theory(catalogue("infonce+normalised").filled(), family, 12, STRENGTHS)
    for s in STRENGTHS:
        own = 12 * Sphere(12, found.kept[s]).curvature(found.lost[s])
        assert found.curvature(s) == (pytest.approx(own, abs=1e-10), 0.0)
    assert found.change.strength == pytest.approx(0.22116, abs=1e-5)
    assert found.text() == "0.9047 beside modes of λ = 0.99 (σ = 0.1); 0.3802 beside modes of λ = 0.5 (σ = 1)"


def test_a_finite_batch_has_errors_and_no_curve():
    loss = catalogue("infonce-batch+normalised").set({"N": 32, "tau": 1})
    found = theory(loss, family, 12, (1.0,))
    assert found.random
    assert found.change is None
    value, error = found.curvature(1.0)
    more = lost_modes(loss, [0.5] * 12, seed=7, batches=200)
    exact = 2 * (more.beta.value - more.alpha.value * found.lost[1.0])
    assert abs(value - exact) < 4 * np.hypot(error, 2 * more.alpha.value * more.threshold.error)
    assert "±" in found.text()


def test_a_loss_that_pushes_views_apart_has_a_curvature_and_no_threshold():
    found = theory(Loss(cosine(x, x_pos)), family, 12, STRENGTHS)
    assert found.at[1.0].threshold is None
    assert found.text() == "none beside modes of λ = 0.99 (σ = 0.1); none beside modes of λ = 0.5 (σ = 1)"
    assert found.curvature(1.0)[0] != 0


def test_what_it_does_not_cover_is_said():
    said = theory_or_reason(
        catalogue("infonce+normalised+weight-decay").set({"tau": 1, "gamma": Rational(1, 2)}), family, 12, STRENGTHS
    )
    assert said.endswith("as weight decay does; leave that out")
