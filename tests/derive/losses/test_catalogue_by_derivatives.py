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
from numeric.invariants import values_by_order
from verify.truths.torch_losses import TORCH_LOSSES

PARAMETERS = {"alpha": (3, 7), "tau": (6, 5), "t": (5, 4), "b": (2, 3)}
BATCH = [name for name, one in TORCH_LOSSES.items() if one.over_batch]
WIDTH = 2


def covariances(seed, *, encoders):
    """The product of each letter, and the covariances of f at one view, at the other, and between them.

    Σ − A0 and A0 are positive definite and do not commute. With two encoders the second view has a covariance of its
    own, and that between the two is not symmetric.
    """
    generator = np.random.default_rng(seed)
    roots = generator.standard_normal((2, WIDTH, WIDTH))
    A0, C = roots @ roots.transpose(0, 2, 1) / 2
    W = generator.standard_normal((WIDTH, WIDTH))
    if encoders == 1:
        first, between = W @ (A0 + C) @ W.T, W @ A0 @ W.T
        return {"A": between, "S": first}, first, first, between
    V = generator.standard_normal((WIDTH, WIDTH))
    first, second, between = W @ (A0 + C) @ W.T, V @ (A0 + 2 * C) @ V.T, W @ A0 @ V.T
    return {"S": first, "T": second, "X": between, "Y": between.T}, first, second, between


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("name", BATCH)
def test_orders_2_and_4_equal_contracted_derivatives(name, size):
    loss = catalogue(name)
    exact = {p: Rational(*PARAMETERS[p]) for p in loss.parameters if p != "N"} | {"N": size}
    numbers = {p: float(value) for p, value in exact.items()}
    letters, at_first, at_other, between = covariances(size, encoders=loss.encoders)

    def of(z):
        return TORCH_LOSSES[name].evaluate(*z.reshape(2, size, WIDTH), parameters=numbers)

    zero = torch.zeros(2 * size * WIDTH, dtype=torch.float64)
    second = hessian(of)(zero).numpy()
    fourth = hessian(hessian(of))(zero).numpy()
    # Views, data, coordinates: nothing between data.
    between_views = np.array([[at_first, between], [between.T, at_other]])
    joint = np.einsum("vwab,ij->viawjb", between_views, np.eye(size)).reshape(len(zero), len(zero))
    expected = {
        2: np.einsum("ab,ab", second, joint) / 2,
        4: np.einsum("abcd,ab,cd", fourth, joint, joint, optimize=True) / 8,
    }
    assert values_by_order(loss.expand(order=4).set(exact), np.eye(WIDTH), letters) == pytest.approx(expected, rel=1e-9)
