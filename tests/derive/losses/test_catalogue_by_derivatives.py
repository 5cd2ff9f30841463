"""Orders 2 and 4 of the batch losses once more, from full derivative tensors of the torch losses.

For Gaussian views with joint covariance K, E of the quadratic Taylor term is ½ Σ D2 K and that of the quartic one
⅛ Σ D4 K K. No cubature, no circle, and a joint covariance written out here.
"""

import numpy as np
import pytest
import torch
from sympy import Rational
from torch.func import hessian

from derive import catalogue
from numeric.invariants import order_values
from verify.truths.torch_losses import TORCH_LOSSES

PARAMETERS = {"alpha": (3, 7), "tau": (6, 5), "t": (5, 4), "b": (2, 3)}
BATCH = [name for name, one in TORCH_LOSSES.items() if one.over_batch]
WIDTH = 2

pytestmark = pytest.mark.usefixtures("one_thread")


def covariances(seed):
    """Σ − A0 and A0 positive definite and not commuting; W square."""
    generator = np.random.default_rng(seed)
    roots = generator.standard_normal((2, WIDTH, WIDTH))
    A0, C = roots @ roots.transpose(0, 2, 1) / 2
    return generator.standard_normal((WIDTH, WIDTH)), A0, A0 + C


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("name", BATCH)
def test_orders_2_and_4_equal_contracted_derivatives(name, size):
    loss = catalogue(name)
    exact = {p: Rational(*PARAMETERS[p]) for p in loss.parameters if p != "N"} | {"N": size}
    numbers = {p: float(value) for p, value in exact.items()}
    W, A0, Sigma = covariances(size)

    def of(z):
        return TORCH_LOSSES[name].evaluate(*z.reshape(2, size, WIDTH), parameters=numbers)

    zero = torch.zeros(2 * size * WIDTH, dtype=torch.float64)
    second = hessian(of)(zero).numpy()
    fourth = hessian(hessian(of))(zero).numpy()
    # Views, data, coordinates: Σ within a view, A0 between two views of a datum, nothing between data.
    between_views = np.array([[1, 0], [0, 1]])[:, :, None, None] * (W @ Sigma @ W.T)
    between_views = between_views + np.array([[0, 1], [1, 0]])[:, :, None, None] * (W @ A0 @ W.T)
    joint = np.einsum("vwab,ij->viawjb", between_views, np.eye(size)).reshape(len(zero), len(zero))
    expected = {
        2: np.einsum("ab,ab", second, joint) / 2,
        4: np.einsum("abcd,ab,cd", fourth, joint, joint, optimize=True) / 8,
    }
    assert order_values(loss.expand(order=4).set(exact), W, A0, Sigma) == pytest.approx(expected, rel=1e-9)
