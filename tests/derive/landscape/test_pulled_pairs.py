"""Convexity and pull of losses of two encoders: against random weights, and losses that have neither."""

import numpy as np
import pytest

from derive import Loss, Mean, catalogue, exp, inner, log, symbols, views
from derive.landscape.pulled_pairs import pulls, shape

tau = symbols("tau")
(x, chi), (y, psi) = views("x, chi"), views("x_text, psi_text", encoder="g")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (-inner(x, y) + log(Mean(exp(inner(x, psi)), over=psi)), True),
        (-inner(x, y) + log(Mean(exp(inner(x, psi)), over=psi, count=3) + exp(inner(x, y))), True),
        (-inner(x, y) + Mean(inner(x, psi) ** 2, over=psi), True),
        (log(1 + exp(-inner(x, y))) + Mean(inner(x, psi) ** 2, over=psi), True),
        # The positive twice in the denominator pushes as much as the numerator pulls where it is far.
        (-inner(x, y) + log(Mean(exp(inner(x, psi)), over=psi) + exp(2 * inner(x, y))), False),
        # All of the positive's pull is taken away.
        (-inner(x, y) + log(exp(inner(x, y))), False),
        (inner(x, y) + Mean(inner(x, psi) ** 2, over=psi), False),
        # Not convex, and a square of pairs.
        (-inner(x, y) - Mean(inner(x, psi) ** 2, over=psi), False),
        (-inner(x, y) + inner(x, y) ** 2, False),
        (-inner(x, y) + Mean(inner(x, chi) ** 2, over=chi), False),
        (-inner(x, y) + log(2 * Mean(exp(inner(x, psi)), over=psi) - exp(-inner(x, y))), False),
    ],
)
def test_what_pulls_and_what_does_not(expression, expected):
    assert pulls(Loss(expression)) is expected


def test_a_logarithm_of_a_mean_is_not_affine():
    assert not shape(Loss(log(Mean(exp(inner(x, psi)), over=psi)))).affine
    # Its negative is concave.
    assert not shape(Loss(-log(Mean(exp(inner(x, psi)), over=psi)))).convex


def test_the_slope_along_pairs_stays_within_its_bounds():
    from verify.truths.torch_losses import clip, siglip

    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    for function, parameters, bound in ((clip, {"tau": 0.5}, 2.0), (siglip, {"t": 3.0, "b": 1.0}, 3.0)):
        for scale in (0.1, 1.0):
            z = [(scale * torch.randn(4, 4, generator=generator, dtype=torch.float64)).requires_grad_() for _ in "12"]
            loss = function(*z, **parameters)
            # d/dε of ⟨z1_i, z2_i⟩ → ⟨z1_i, z2_i⟩ + ε for one i: along z2_i by z1_i's dual.
            (grad,) = torch.autograd.grad(loss, z[1])
            dual = torch.linalg.inv(z[0].detach()).T
            slopes = 4 * (grad * dual).sum(-1)
            assert (slopes < 0).all()
            assert (slopes > -bound - 1e-9).all()


def test_weight_decay_is_left_out():
    loss = catalogue("spectral").with_two_encoders()
    assert shape(loss.with_weight_decay()) == shape(loss)
    assert np.all([pulls(loss), pulls(loss.with_weight_decay())])
