"""Values and gradients of expansions and closed forms of the model f(x) = W x + b."""

import mpmath
import numpy as np
import pytest
import torch
from sympy import Rational

from derive import InputError, catalogue, closed_form
from numeric import kernel
from numeric.invariants import order_values
from numeric.landscape.closed_form import closed_form_value
from numeric.sampling import random_covariances
from verify.truths.settings import case

NAMES = [f"{name}+bias" for name in ("dcl", "ntxent", "spectral", "barlow-twins", "vicreg-soft", "siglip", "infonce")]
NAMES += ["infonce+weight-decay+norm-penalty+bias", "dcl+bias+norm-penalty"]
GENERIC = {"N": 4, "tau": Rational(4, 5), "lambda": Rational(3, 4), "t": Rational(6, 5), "b": Rational(3, 7)}
GENERIC |= {"kappa": Rational(5, 7), "c": Rational(7, 6), "nu": Rational(2, 3), "d1": 2, "gamma": Rational(3, 8)}


def point(lead=()):
    generator = np.random.default_rng(7)
    data = random_covariances(generator, 3)
    return 0.6 * generator.standard_normal((*lead, 2, 3)), data.A0, data.Sigma, generator.standard_normal((*lead, 2))


@pytest.mark.parametrize("name", NAMES)
def test_kernels_have_the_value_and_both_gradients(name):
    expansion = catalogue(name).expand(6 if name != "dcl+bias+norm-penalty" else 4)
    filled = expansion.set({s.name: GENERIC[s.name] for s in expansion.symbols})
    W, A0, Sigma, b = point((3,))
    renamed = {"lambda": "lambda_", "b": "b_"}
    numbers = {renamed.get(s.name, s.name): float(GENERIC[s.name]) for s in expansion.symbols}
    emitted, in_torch = kernel(expansion), kernel(expansion, "torch")
    values = emitted(W, A0, Sigma, b, **numbers)
    expected = [sum(order_values(filled, V, A0, Sigma, c).values()) for V, c in zip(W, b, strict=True)]
    assert values == pytest.approx(expected, rel=1e-12)
    V, c = (torch.tensor(one, requires_grad=True) for one in (W, b))
    in_torch(V, torch.tensor(A0), torch.tensor(Sigma), c, **numbers).sum().backward()
    of_W, of_b = emitted.gradient(W, A0, Sigma, b, **numbers)
    assert (of_W.shape, of_b.shape) == (W.shape, b.shape)
    assert np.allclose(of_W, V.grad, rtol=1e-11, atol=1e-12)
    assert np.allclose(of_b, 0.0 if c.grad is None else c.grad, rtol=1e-11, atol=1e-12)
    exact = [mpmath.matrix(one.tolist()) for one in (W[0], A0, Sigma, b[0])]
    in_mpmath = kernel(expansion, "mpmath")
    assert float(in_mpmath(*exact, **numbers)) == pytest.approx(expected[0], rel=1e-12)
    of_W_there, of_b_there = in_mpmath.gradient(*exact, **numbers)
    assert np.allclose(np.array(of_W_there.tolist(), dtype=float), of_W[0], rtol=1e-11)
    assert np.allclose(np.array(of_b_there.tolist(), dtype=float)[:, 0], of_b[0], rtol=1e-11)


def test_a_kernel_asks_for_b():
    emitted = kernel(catalogue("spectral+bias").expand(4))
    W, A0, Sigma, _ = point()
    with pytest.raises(InputError, match=r"the kernel takes W, A0, Sigma, b; 3 arrays were given"):
        emitted(W, A0, Sigma)
    with pytest.raises(InputError, match=r"b must be a vector of 2 entries, as many as W has rows"):
        emitted(W, A0, Sigma, np.zeros(3))
    with pytest.raises(InputError, match=r"is of f\(x\) = W x \+ b; give b, of shape \(2,\)"):
        order_values(catalogue("spectral+bias").expand(4), W, A0, Sigma)


def test_the_value_of_a_closed_form_with_a_bias():
    loss = catalogue("vicreg-soft+bias")
    at = case(loss, {}, seed=2)
    here = at.setting
    numbers = (here.W, here.covariances.A0, here.covariances.Sigma, here.bias)
    value = closed_form_value(closed_form(at.put_into(loss)), *(mpmath.matrix(one.tolist()) for one in numbers))
    assert float(value) == pytest.approx(float(at.truth.averaged(np.array([1.0]), 4)[0]), rel=1e-12)
