"""Definitions evaluated as torch functions, against the same losses by hand."""

import pytest
import sympy
import torch

from derive import InputError, Loss, Mean, catalogue, cosine, exp, inner, log, views
from verify.truths.defined import defined
from verify.truths.two_views import two_views

R = sympy.Rational
x, x_pos, chi, psi = views("x, x_pos, chi, psi")
VALUES = {"tau": R(1, 5), "N": 16, "beta": R(3, 2), "lambda": 1, "t": 2, "b": -1, "alpha": R(1, 2)}
z1, z2 = torch.randn(2, 3, 16, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def both(name):
    loss = catalogue(name).set({key: value for key, value in VALUES.items() if key in catalogue(name).parameters})
    return defined(loss), two_views(name, {key: float(value) for key, value in VALUES.items()})


@pytest.mark.parametrize("name", ["infonce", "beta-infonce", "spectral", "alignment-uniformity", "ntxent", "dcl"])
@pytest.mark.parametrize("modifier", ["", "+normalised"])
def test_it_is_the_loss_by_hand(name, modifier):
    own, by_hand = both(name + modifier)
    assert torch.allclose(own(z1, z2), by_hand(z1, z2))


@pytest.mark.parametrize("name", ["infonce-batch", "siglip"])
def test_negatives_are_of_one_view(name):
    """The definition draws them in the first view, the hand-written loss in the second: the same in the mean."""
    own, by_hand = both(f"{name}+normalised")
    assert torch.allclose(own(z1, z1), by_hand(z1, z1))


def test_it_has_gradients():
    own, by_hand = both("ntxent+normalised")
    z = z1.clone().requires_grad_()
    slopes = [torch.autograd.grad(loss(z, z2).sum(), z)[0] for loss in (own, by_hand)]
    assert torch.allclose(*slopes)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (catalogue("infonce+normalised"), "tau has no value; set it"),
        (Loss(cosine(x, x_pos) * cosine(x_pos, views("x_third")[0])), "more than two views of one datum"),
        (catalogue("barlow-twins").set({"lambda": 1}), "more than inner products"),
        (
            Loss(log(Mean(exp(inner(x, chi)), over=chi, count=3)) + Mean(inner(x, psi) ** 2, over=psi)),
            "it draws several samples",
        ),
        (Loss(Mean(log(Mean(exp(inner(chi, psi)), over=psi)), over=chi)), "it has means within means"),
    ],
)
def test_what_it_does_not_evaluate(loss, message):
    with pytest.raises(InputError, match=message):
        defined(loss)


def test_the_size_of_a_batch():
    with pytest.raises(InputError, match="the loss is over batches of 8, and this one has 16"):
        defined(catalogue("infonce-batch").set({"N": 8}))(z1, z2)
    with pytest.raises(InputError, match="stands for no population"):
        defined(catalogue("infonce"))(z1[:, :4], z2[:, :4])
