"""Where no single trace of order 4 is left one eigenvalue is kept: against the landscape itself, in numbers."""

import numpy as np
import pytest

from derive import Loss, Mean, catalogue, inner, symbols, views
from derive.landscape.landscape import landscapes
from derive.landscape.one_eigenvalue import minima, of_one_trace, points
from derive.landscape.summary import described

x, x_pos = views("x, x_pos")
norm = Mean(inner(x, x), over=x) ** 2


def lines(loss, **options):
    return described(loss, loss.expand(order=4), **options).lines()


class Numbers:
    """−Tr[W A0 Wᵀ] + q₂ Tr[W Σ Wᵀ]² of random covariances."""

    def __init__(self, q, size=3):
        generator = np.random.default_rng(4)
        A, C = (generator.standard_normal((size, size)) for _ in range(2))
        self.A0, self.q = A @ A.T, q
        self.Sigma = self.A0 + C @ C.T + 0.1 * np.eye(size)
        values, vectors = np.linalg.eigh(self.Sigma)
        self.root = vectors / np.sqrt(values) @ vectors.T
        self.levels, self.frame = np.linalg.eigh(self.root @ self.A0 @ self.root)

    def loss(self, W):
        return -np.trace(W @ self.A0 @ W.T) + self.q * np.trace(W @ self.Sigma @ W.T) ** 2

    def slope(self, W):
        return -2 * W @ self.A0 + 4 * self.q * np.trace(W @ self.Sigma @ W.T) * W @ self.Sigma

    def point(self, k):
        """All power on one eigenvector: b_k = 2 q₂ Tr[W Σ Wᵀ]."""
        power = self.levels[k] / (2 * self.q)
        return np.sqrt(power) * np.outer([0.6, 0.8], self.root @ self.frame[:, k])


def test_points_and_minima():
    numbers = Numbers(0.7)
    generator = np.random.default_rng(5)
    lowest = -(numbers.levels[-1] ** 2) / (4 * 0.7)
    for k, level in enumerate(numbers.levels):
        W = numbers.point(k)
        assert np.abs(numbers.slope(W)).max() < 1e-12
        assert numbers.loss(W) == pytest.approx(-(level**2) / (4 * 0.7))
        towards = 1e-3 * np.outer([0.8, -0.6], numbers.root @ numbers.frame[:, -1])
        assert bool(numbers.loss(W + towards) < numbers.loss(W) - 1e-9) is (k < 2)
    for _ in range(200):
        assert numbers.loss(generator.standard_normal((2, 3)) * generator.exponential()) >= lowest


def test_how_it_is_shared_does_not_matter():
    numbers = Numbers(0.7)
    numbers.A0 = numbers.Sigma / 2
    power = 0.5 / 1.4
    for share in (0.0, 0.3, 1.0):
        columns = np.sqrt([share * power, (1 - share) * power])
        W = np.diag(columns) @ np.linalg.cholesky(np.linalg.inv(numbers.Sigma)).T[:2]
        assert np.trace(W @ numbers.Sigma @ W.T) == pytest.approx(power)
        assert np.abs(numbers.slope(W)).max() < 1e-12
        assert numbers.loss(W) == pytest.approx(-(0.5**2) / (4 * 0.7))


def test_it_is_said_of_such_losses_alone():
    q = symbols("q")
    said = lines(Loss(-inner(x, x_pos) + q * norm))
    listed = (
        "W = 0, and modes of one eigenvalue of Σ^(−½) B Σ^(−½) alone: b_i = 2 q Tr[W Σ Wᵀ], shared in any way;"
        " L = -1/(4 q) b_i^2"
    )
    assert ("stationary", listed) in said
    assert (
        "minima",
        "those of the largest b_i where it is > 0, W = 0 elsewhere: global, no other point a minimum",
    ) in said
    (case,) = landscapes(catalogue("infonce").expand(order=4))
    assert of_one_trace(case) is None
    assert not any("one eigenvalue" in line for _, line in lines(catalogue("infonce")))


def test_without_a_sign_of_the_product_no_minimum_is_named():
    q = symbols("q")
    (open_one,) = landscapes(Loss(-inner(x, x_pos) + (q - 1) * norm).expand(order=4))
    assert minima(of_one_trace(open_one)) == ""
    assert "b_i = (2 q - 2) Tr[W Σ Wᵀ]" in points(of_one_trace(open_one))
    (falling,) = landscapes(Loss(-inner(x, x_pos) - norm).expand(order=4))
    assert minima(of_one_trace(falling)) == "none of them global: the landscape falls to −∞"


def test_beyond_order_4_it_is_a_landscape_through_order_4():
    loss = Loss(-inner(x, x_pos) + norm + Mean(inner(x, x), over=x) ** 3)
    said = [line for label, line in lines(loss) if label == "minima"]
    assert said[0].startswith("through order 4, those of the largest b_i")
