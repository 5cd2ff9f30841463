"""Iterations end where the derivative vanishes, in NumPy and in torch; gradient flow follows the derived rates."""

import numpy as np
import pytest
from sympy import Rational

from derive import catalogue
from derive.landscape.critical import epsilon, transition
from numeric import kernel
from numeric.landscape.descent import cubic_jacobian, descend, gradient_flow, index, newton, of_kernel

torch = pytest.importorskip("torch")


def infonce(library=np):
    expansion = catalogue("infonce").expand(order=4)
    A0, Sigma = np.diag([1.0, 0.5]), np.diag([1.5, 2.0])
    if library is torch:
        A0, Sigma = torch.from_numpy(A0), torch.from_numpy(Sigma)
    return of_kernel(kernel(expansion, "numpy" if library is np else "torch"), (2, 2), A0, Sigma)


def test_the_jacobian_of_a_cubic_map_is_exact():
    x = np.random.default_rng(0).standard_normal((7, 3))
    exact = np.einsum("ij,bj->bij", 3 * np.ones((3, 3)), x**2) * np.eye(3)
    np.testing.assert_allclose(cubic_jacobian(lambda y: y**3, x), exact, atol=1e-10)


def test_both_libraries_end_at_the_same_points():
    starts = np.random.default_rng(1).standard_normal((20, 4))
    ends = descend(infonce(), starts)
    others = descend(infonce(torch), torch.from_numpy(starts))
    assert ends.converged.all()
    np.testing.assert_allclose(ends.x, others.x.numpy(), atol=1e-7)
    assert (index(infonce(), ends.x) == 0).all()
    stationary = newton(infonce(), 0.1 * starts)
    assert stationary.converged.any()
    assert set(index(infonce(), stationary.x[stationary.converged])) - {0}


def test_no_step_goes_uphill():
    landscape = infonce()
    starts = np.random.default_rng(2).standard_normal((10, 4))
    before = landscape.value(starts)
    for steps in (1, 3, 9):
        after = landscape.value(descend(landscape, starts, steps=steps).x)
        assert (after <= before + 1e-14).all()
        before = after


def test_gradient_flow_of_a_collapsing_mode():
    expansion = catalogue("beta-infonce").set({"beta": Rational(1, 2)}).expand(order=4)
    # b = a/2 − c/2 = −1/10
    landscape = of_kernel(kernel(expansion), (1, 1), np.array([[1.0]]), np.array([[2.2]]))
    path = gradient_flow(landscape, np.array([1e-4]), [0.0, 5.0, 10.0])
    rate = float(transition(expansion).rate_collapsed.subs(epsilon, Rational(1, 10)))
    assert np.log(path[1, 0] / path[2, 0]) / 5 == pytest.approx(rate, rel=1e-5)
    tensor = gradient_flow(
        of_kernel(
            kernel(expansion, "torch"),
            (1, 1),
            torch.eye(1, dtype=torch.float64),
            2.2 * torch.eye(1, dtype=torch.float64),
        ),
        torch.tensor([1e-4], dtype=torch.float64),
        [0.0, 5.0, 10.0],
    )
    np.testing.assert_allclose(tensor, path, rtol=1e-8)
