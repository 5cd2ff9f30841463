"""The canonical pairs that a loss of two encoders keeps, against gradient descent on W and V."""

import numpy as np
import pytest
import torch
from sympy import Rational, oo

from derive import InputError, Loss, Mean, catalogue, exp, inner, log, symbols, views
from verify.audits.modes import modes

CORRELATIONS = [Rational(1, 5), Rational(9, 10), Rational(1, 2)]
LAMBDA = np.array([0.2, 0.9, 0.5])


def descended(loss, d1, seed=0):
    """Singular values of WᵀV, by pair, where a loss of WᵀV (as a torch function of it) ends from small weights."""
    generator = torch.Generator().manual_seed(seed)
    W, V = (0.1 * torch.randn(d1, 3, generator=generator, dtype=torch.float64) for _ in "WV")
    for one in (W, V):
        one.requires_grad_()
    optimiser = torch.optim.LBFGS([W, V], max_iter=600, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def value():
        optimiser.zero_grad()
        total = loss(W.T @ V)
        total.backward()
        return total

    optimiser.step(value)
    return (W.T @ V).detach().numpy().diagonal()


def spectral(M):
    """−2 E⟨f(x), g(y)⟩ + E⟨f(x), g(χ)⟩² of whitened pairs, by hand."""
    return -2 * (torch.tensor(LAMBDA) * M.diagonal()).sum() + (M**2).sum()


@pytest.mark.parametrize("d1", [1, 2, 3])
def test_the_spectral_loss_keeps_what_descent_finds(d1):
    found = modes(catalogue("spectral+two-encoders"), CORRELATIONS, d1=d1)
    assert found.theory == "all-orders"
    np.testing.assert_allclose(found.powers, np.abs(descended(spectral, d1)), atol=1e-4)
    assert found.found.rank == d1
    assert sum(map(bool, found.kept)) == d1


def test_the_margin_is_to_the_pair_that_would_be_lost():
    found = modes(catalogue("spectral+two-encoders"), CORRELATIONS, d1=2)
    assert found.kept == (False, True, True)
    assert [round(one, 9) for one in found.margins] == [-0.3, 0.7, 0.3]
    assert round(found.threshold, 9) == 0.2


def test_the_error_covers_the_loss_itself():
    N, tau = symbols("N tau")
    (x,), (y, psi) = views("x"), views("x_text, psi_text", encoder="g")
    positive = inner(x, y) / tau
    loss = Loss(
        -positive + log((N - 1) * Mean(exp(inner(x, psi) / tau), over=psi, count=N - 1) + exp(positive)), name="one way"
    )
    found = modes(loss, [Rational(3, 10)], {"N": 2, "tau": 1})
    # At N = 2 with one pair, by Gauss-Hermite quadrature of log(1 + exp(m(x y′ − x y))).
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    a, b, c = np.meshgrid(nodes, nodes, nodes, indexing="ij")
    chances = np.einsum("i,j,k->ijk", weights, weights, weights)
    y1, exponent = 0.3 * a + np.sqrt(1 - 0.09) * b, np.linspace(0, 1.5, 3001)
    values = [float((chances * np.logaddexp(0, m * a * (c - y1))).sum()) for m in exponent]
    lowest = exponent[int(np.argmin(values))]
    assert found.kept == (True,)
    assert abs(found.powers[0] - lowest) <= found.error
    assert found.error < 0.2
    assert abs(2 * found.powers[0] - lowest) > found.error


def test_a_large_batch_of_pairs_is_known_to_all_orders():
    found = modes(catalogue("siglip+two-encoders").set({"N": 2, "t": 1, "b": 0}), CORRELATIONS)
    assert found.theory == "quartic"
    N, tau = symbols("N tau")
    (x,), (y, psi) = views("x"), views("x_text, psi_text", encoder="g")
    large = Loss(-inner(x, y) / tau + log(Mean(exp(inner(x, psi) / tau), over=psi, count=N)), name="negatives alone")
    limit = modes(large, CORRELATIONS, {"N": oo, "tau": 2})
    assert limit.theory == "all-orders"
    np.testing.assert_allclose(limit.powers, 2 * LAMBDA, rtol=1e-12)


def test_what_holds_for_all_values_is_said():
    found = modes(catalogue("siglip+two-encoders"), [*CORRELATIONS, 0])
    assert found.kept == (True, True, True, False)
    assert found.powers == (None,) * 4
    assert found.error is None
    assert "singular value of Σ₁^½ WᵀV Σ₂^½" in found.text()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("siglip+two-encoders+weight-decay", "because of weight decay"),
        ("infonce+two-encoders", "is no function of WᵀV"),
        ("barlow-twins+two-encoders", "looks at coordinates"),
    ],
)
def test_losses_that_see_more_are_refused(name, said):
    with pytest.raises(InputError, match=said):
        modes(catalogue(name), CORRELATIONS)
