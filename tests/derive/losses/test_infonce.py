"""InfoNCE to high order against its closed form, as JSON, and the variance identities behind its quartic term."""

import json

import numpy as np
import pytest
from sympy import Rational

from derive import Loss, Mean, catalogue, closed_form, half_sq, variance, views
from derive.algebra.words import trace
from numeric.invariants import order_values
from numeric.sampling import random_covariances


def law(K):
    """The coefficient of Tr[(W Σ Wᵀ)^K], from −½ log det(I + S) − ½ Tr[S (I + S)⁻¹]."""
    return Rational((-1) ** K * (K + 1), 2 * K)


def test_orders_2_to_12_follow_the_law():
    expansion = catalogue("infonce").expand(order=12)
    expected = [(2, Rational(-1), (trace("A"),))]
    expected += [(2 * K, law(K), (trace("S" * K),)) for K in range(2, 7)]
    assert [tuple(term) for term in expansion.terms] == expected
    assert expansion.constant == 0


@pytest.mark.parametrize("order", [2, 4, 6, 8, 10, 12])
def test_every_order_equals_the_closed_form(order):
    loss = catalogue("infonce")
    assert loss.expand(order=order) == closed_form(loss).series(order)


def test_order_10_as_json():
    def term(order, coefficient, word):
        return {"order": order, "coefficient": coefficient, "traces": [word]}

    written = json.loads(json.dumps(catalogue("infonce").expand(order=10).to_json()))
    assert written == {
        "loss": "infonce",
        "order": 10,
        "basis": ["A0", "Sigma"],
        "assumptions": ["zero mean", "Gaussian"],
        "source": "van den Oord et al. 2018; Ziyin et al. 2023, Eq. 2",
        "constant": "0",
        "parameters": [],
        "terms": [
            term(2, "-1", ["A0"]),
            term(4, "3/4", ["Sigma"] * 2),
            term(6, "-2/3", ["Sigma"] * 3),
            term(8, "5/8", ["Sigma"] * 4),
            term(10, "-3/5", ["Sigma"] * 5),
        ],
    }


x, chi = views("x, chi")
OVER_BOTH = Loss(variance(2 * half_sq(x, chi), over=(x, chi)))
OVER_X_OF_THE_VARIANCE_OVER_CHI = Loss(Mean(variance(2 * half_sq(x, chi), over=chi), over=x))


def test_the_variance_identity():
    """Var over (x, χ) of |W(x−χ)|² is 8 Tr[(W Σ Wᵀ)²]; the mean over x of the variance over χ is 6 of it."""
    assert OVER_BOTH.expand(order=4).text() == "8 Tr[(W Σ Wᵀ)²] + O(W⁶)"
    assert OVER_X_OF_THE_VARIANCE_OVER_CHI.expand(order=4).text() == "6 Tr[(W Σ Wᵀ)²] + O(W⁶)"


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_variance_identity_on_cubature_nodes(d):
    generator = np.random.default_rng(d)
    data = random_covariances(generator, d)
    W = generator.standard_normal((2, d))
    (nodes,), weights = data.nodes(4, views=1)
    z = nodes[:, 0] @ W.T
    square = ((z[:, None] - z[None]) ** 2).sum(-1)
    over_chi = square**2 @ weights - (square @ weights) ** 2
    both = weights @ square**2 @ weights - (weights @ square @ weights) ** 2
    for loss, expected in ((OVER_BOTH, both), (OVER_X_OF_THE_VARIANCE_OVER_CHI, weights @ over_chi)):
        value = order_values(loss.expand(order=4), W, data.A0, data.Sigma)[4]
        assert value == pytest.approx(expected, rel=1e-10)


def test_the_quartic_term_is_half_the_mean_variance():
    """¾ = ½ · ¼ · 6: InfoNCE's order 4 is ½ E_x Var_χ(½|f(x) − f(χ)|²), not the variance over both."""
    (term,) = catalogue("infonce").expand(order=4).terms_of_order(4)
    (conditional,) = OVER_X_OF_THE_VARIANCE_OVER_CHI.expand(order=4).terms
    assert term.coefficient == conditional.coefficient / 8
