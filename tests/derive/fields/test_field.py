"""Fields, against automatic differentiation of hand-written losses with `detach`, averaged over Gaussian nodes."""

import numpy as np
import pytest
import torch

from derive import InputError, Loss, Mean, catalogue, exp, half_sq, inner, log, stop, views
from derive.definition.rewriting import relabelled
from derive.fields.field import field

x, x_pos, chi = views("x, x_pos, chi")
KEY = stop(chi)
CONTRASTIVE = Loss(-inner(x, stop(x_pos)) + log(Mean(exp(inner(x, KEY)), over=KEY)), name="keys")
DISTANCES = Loss(half_sq(x, stop(x_pos)) + log(Mean(exp(-half_sq(x, KEY)), over=KEY)), name="distances")
SIMSIAM = Loss(half_sq(x, stop(x_pos)), name="simsiam")
FOURTH = Loss(half_sq(x, stop(x_pos)) ** 2, name="fourth")

A0 = np.array([[1.0, 0.3], [0.3, 0.5]])
SIGMA = A0 + np.array([[0.4, -0.2], [-0.2, 0.7]])
W = torch.tensor([[0.9, -0.4], [0.3, 0.7]], dtype=torch.float64)


def nodes(number):
    """Points and weights of x, x′ (jointly) and of χ, exact for polynomials of degree 2 number − 1."""
    points, weights = np.polynomial.hermite_e.hermegauss(number)
    weights = weights / weights.sum()
    both = np.linalg.cholesky(np.block([[SIGMA, A0], [A0, SIGMA]]))
    four = np.stack(np.meshgrid(*[points] * 4, indexing="ij"), -1).reshape(-1, 4) @ both.T
    p = np.prod(np.stack(np.meshgrid(*[weights] * 4, indexing="ij"), -1).reshape(-1, 4), 1)
    two = np.stack(np.meshgrid(*[points] * 2, indexing="ij"), -1).reshape(-1, 2) @ np.linalg.cholesky(SIGMA).T
    q = np.prod(np.stack(np.meshgrid(*[weights] * 2, indexing="ij"), -1).reshape(-1, 2), 1)
    return [torch.from_numpy(one) for one in (four[:, :2], four[:, 2:], p, two, q)]


def keys(z, target, p, others, q):
    target, others = target.detach(), others.detach()
    return (p * (-(z * target).sum(1) + torch.log(torch.exp(z @ others.T) @ q))).sum()


def distances(z, target, p, others, q):
    target, others = target.detach(), others.detach()
    apart = ((z[:, None] - others) ** 2).sum(-1) / 2
    return (p * (((z - target) ** 2).sum(1) / 2 + torch.log(torch.exp(-apart) @ q))).sum()


def simsiam(z, target, p, *_):
    return (p * ((z - target.detach()) ** 2).sum(1) / 2).sum()


def fourth(z, target, p, *_):
    return (p * (((z - target.detach()) ** 2).sum(1) / 2) ** 2).sum()


def measured(by_hand, orders, number=6):
    """The coefficients of t, t³, … in minus the gradient at t W."""
    one, other, p, third, q = nodes(number)
    ts = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
    gradients = []
    for t in ts:
        here = (t * W).requires_grad_()
        (slope,) = torch.autograd.grad(by_hand(one @ here.T, other @ here.T, p, third @ here.T, q), here)
        gradients.append(-slope.numpy().ravel())
    powers = ts[:, None] ** np.arange(1, 2 * len(ts), 2)
    fitted = np.linalg.solve(powers, np.array(gradients))
    return {order: fitted[(order - 1) // 2].reshape(2, 2) for order in orders}


def predicted(found, order, weights="W", **others):
    """The terms of an order at W and other weights, matrix by matrix."""
    at = {"A": A0, "S": SIGMA, "W": W.numpy()} | others
    total = 0.0
    for term in found.flow[weights]:
        if term.order == order:
            product = float(term.coefficient) * multiplied(term.word, at)
            total = total + product * np.prod([np.trace(multiplied(word, at)) for word in term.traces])
    return total


def multiplied(word, at):
    """The product of the matrices of a word; a small letter is a transpose."""
    product = np.eye(2)
    for one in word:
        product = product @ (at[one.upper()].T if one.islower() else at[one])
    return product


@pytest.mark.parametrize(
    ("loss", "by_hand"),
    [(CONTRASTIVE, keys), (DISTANCES, distances), (SIMSIAM, simsiam), (FOURTH, fourth)],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_field_is_the_step_of_a_hand_written_loss(loss, by_hand):
    found = field(loss, 4)
    there = measured(by_hand, (1, 3))
    for order in (1, 3):
        assert predicted(found, order) == pytest.approx(there[order], abs=2e-4)


@pytest.mark.parametrize("loss", [CONTRASTIVE, DISTANCES, SIMSIAM, FOURTH], ids=lambda one: one.name)
def test_weights_that_are_identified_before_differentiating_would_be_seen(loss):
    """V := W first gives minus the gradient of the loss without stops, another field."""
    live = {stop(view): view for view in (x_pos, chi)}
    other = field(Loss(relabelled(loss.expression, live)), 4)
    right = field(loss, 4)
    assert any(np.abs(predicted(other, order) - predicted(right, order)).max() > 0.1 for order in (1, 3))


def test_without_stops_the_field_is_minus_the_gradient():
    loss = catalogue("infonce")
    found = field(loss, 6)
    assert found.potential is not None
    assert found.potential.terms == loss.expand(6).terms


def test_keys_that_are_stopped_leave_the_landscape_of_inner_products_alone():
    live = Loss(-inner(x, x_pos) + log(Mean(exp(inner(x, chi)), over=chi)))
    potential, whole = field(CONTRASTIVE, 6).potential, live.expand(6)
    assert [(2 * term.coefficient, term.invariants) for term in potential.terms] == [
        (term.coefficient, term.invariants) for term in whole.terms
    ]
    # Of distances it is another landscape.
    stopped, plain = field(DISTANCES, 4).potential, catalogue("infonce").expand(4)
    ratios = {a.coefficient / b.coefficient for a, b in zip(stopped.terms, plain.terms, strict=True)}
    assert len(ratios) == 2


def test_a_field_without_a_potential_is_known():
    # d/dW of Tr[W Σ Wᵀ V A0 Vᵀ] at V = W is 2 W A0 Wᵀ W Σ, which is the gradient of nothing where A0 and Σ differ.
    y, y_pos = views("y, y_pos")
    mixed = Loss(Mean(inner(x, stop(y)) * inner(x, stop(y_pos)), over=(stop(y), stop(y_pos))))
    found = field(mixed)
    assert [term.word for term in found.terms] == ["WAwWS"]
    assert found.potential is None


def test_growth_is_the_linear_part():
    assert field(SIMSIAM).growth == {"A0": 1, "Sigma": -1}
    # The decay of the stopped copy is not felt.
    gamma = CONTRASTIVE.with_weight_decay().parameters["gamma"]
    assert field(CONTRASTIVE.with_weight_decay()).growth == {"A0": 1, "I": -2 * gamma}


def test_a_bias_and_noise_are_refused():
    with pytest.raises(InputError, match="bias"):
        field(catalogue("spectral").with_bias())
    with pytest.raises(InputError, match="give a view"):
        stop("x")
