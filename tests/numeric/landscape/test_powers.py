"""The powers at the minima, solved for whole batches, against brute force."""

from itertools import product

import numpy as np
import pytest

from derive import InputError
from numeric.landscape import powers
from numeric.landscape.modes import Modes, minima
from numeric.landscape.powers import kept_modes, water_filling


def random_problems(seed, batch, n):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((batch, n, n + 1))
    return rng.standard_normal((batch, n)) + 0.3, root @ root.mT / n + 0.05 * np.eye(n)


def by_nnls(b, M):
    """The same by non-negative least squares: gᵀMg − b·g = |Lᵀg − L⁻¹b/2|² + const, M = L Lᵀ."""
    from scipy.optimize import nnls

    lower = np.linalg.cholesky(M)
    return nnls(lower.T, np.linalg.solve(lower, b / 2))[0]


def by_all_masks(b, M, norm, c):
    """The lowest of the stationary points on all masks, one program at a time."""
    n, best, lowest = len(b), None, np.inf
    for choice in product((False, True), repeat=n):
        on = np.flatnonzero(choice)
        if not len(on):
            continue
        bordered = np.block([[2 * M[np.ix_(on, on)], norm[on, None]], [norm[None, on], np.zeros((1, 1))]])
        g = np.zeros(n)
        g[on] = np.linalg.solve(bordered, np.append(b[on], c))[:-1]
        loss = g @ M @ g - b @ g
        if (g >= -1e-12).all() and loss < lowest:
            best, lowest = g, loss
    return best


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_pivoting_agrees_with_least_squares(n):
    b, M = random_problems(n, 40, n)
    found = kept_modes(b, M)
    expected = np.array([by_nnls(*one) for one in zip(b, M, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
    assert ((found > 0) == (expected > 1e-11)).all()


@pytest.mark.parametrize("n", [2, 4, 6])
def test_a_fixed_norm_agrees_with_all_masks(n):
    b, M = random_problems(n, 25, n)
    norm = np.random.default_rng(7).uniform(0.2, 2.0, n)
    found = kept_modes(b, M, norm=norm, c=0.7)
    expected = np.array([by_all_masks(*one, norm, 0.7) for one in zip(b, M, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


def test_all_masks_are_the_last_resort(monkeypatch):
    b, M = random_problems(1, 60, 5)
    norm = np.linspace(0.5, 2.0, 5)
    expected, fixed = kept_modes(b, M), kept_modes(b, M, norm=norm, c=1.0)
    monkeypatch.setattr(powers, "_ROUNDS", 0)
    np.testing.assert_allclose(kept_modes(b, M), expected, atol=1e-12)
    np.testing.assert_allclose(kept_modes(b, M, norm=norm, c=1.0), fixed, atol=1e-12)
    with pytest.raises(ArithmeticError, match="17 modes have too many"):
        kept_modes(np.ones(17), np.eye(17) + 0.1)


def test_one_mode_at_a_time_comes_to_the_same(monkeypatch):
    b, M = random_problems(2, 200, 5)
    expected = kept_modes(b, M)
    monkeypatch.setattr(powers, "_BLOCK_ROUNDS", 0)
    monkeypatch.setattr(powers._Programs, "_by_all_masks", lambda *_: pytest.fail("it did not end"))
    np.testing.assert_allclose(kept_modes(b, M), expected, atol=1e-12)


@pytest.mark.parametrize("strength", [0.0, 0.4, 50.0, -0.02])
def test_water_filling_is_the_program_with_one_trace(strength):
    rng = np.random.default_rng(3)
    b, own, x = rng.standard_normal((300, 6)), rng.uniform(0.5, 2, (300, 6)), rng.uniform(0, 1, (300, 6))
    x[::3, 2] = 0.0  # a mode that the trace does not hold
    b[1::3, 4], x[1::3, 4] = b[1::3, 1], x[1::3, 1]  # degenerate modes
    M = own[..., None] * np.eye(6) + strength * x[:, :, None] * x[:, None]
    np.testing.assert_allclose(water_filling(b, own, x, strength=strength), kept_modes(b, M), rtol=1e-9, atol=1e-12)


def test_sorting_and_comparing_pairs_come_to_the_same(monkeypatch):
    rng = np.random.default_rng(8)
    b, own, x = rng.standard_normal((200, 7)), rng.uniform(0.5, 2, (200, 7)), rng.uniform(0, 1, (200, 7))
    b[:, 1], x[:, 1] = b[:, 0], x[:, 0]
    by_pairs = water_filling(b, own, x, strength=0.7), water_filling(b, own, x + 0.1, c=1.0)
    monkeypatch.setattr(powers, "_PAIRS", 0)
    by_sorting = water_filling(b, own, x, strength=0.7), water_filling(b, own, x + 0.1, c=1.0)
    np.testing.assert_allclose(by_pairs, by_sorting, atol=1e-13)


def test_water_filling_at_fixed_norm():
    rng = np.random.default_rng(4)
    b, own, x = rng.standard_normal((300, 6)), rng.uniform(0.1, 2, (300, 6)), rng.uniform(0.1, 1, (300, 6))
    c = rng.uniform(0.01, 2, 300)
    found = water_filling(b, own, x, c=c)
    np.testing.assert_allclose((x * found).sum(-1), c)
    np.testing.assert_allclose(found, kept_modes(b, own[..., None] * np.eye(6), norm=x, c=c), rtol=1e-9, atol=1e-11)
    strong = water_filling(b + 2e7 * c[:, None] * x, own, x, strength=1e7)
    np.testing.assert_allclose(found, strong, atol=1e-4)


def test_filling_in_another_order_is_wrong(monkeypatch):
    b, own = np.array([[0.5, 3.0, 1.0]]), np.ones((1, 3))
    expected = by_nnls(b[0], np.eye(3) + 1.0)
    monkeypatch.setattr(powers, "_PAIRS", 0)
    np.testing.assert_allclose(water_filling(b, own, strength=1.0)[0], expected, atol=1e-12)
    monkeypatch.setattr(np, "argsort", lambda x, _, sort=np.argsort: sort(-x, axis=0))
    assert not np.allclose(water_filling(b, own, strength=1.0)[0], expected, atol=1e-3)


def test_without_a_quartic_part_of_its_own_the_best_mode_takes_all():
    b, x = np.array([[2.0, 3.0, 2.0], [2.0, 4.0, -1.0], [-1.0, -2.0, -1.0]]), np.array([1.0, 2.0, 1.0])
    found = water_filling(b, np.zeros(3), x, strength=0.5)
    np.testing.assert_allclose(found, [[1.0, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 0.0, 0.0]])
    limit = water_filling(b, 1e-9 * x**2, x, strength=0.5)
    np.testing.assert_allclose(found, limit, atol=1e-7)
    np.testing.assert_allclose(water_filling(b, np.zeros(3), x, c=4.0) @ x, 4.0)


def test_a_critical_mode_is_collapsed():
    # At g = (1, 0) the slope of the second mode is 2·½·1 − 1 = 0.
    M = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert kept_modes(np.array([2.0, 1.0]), M).tolist() == [1.0, 0.0]
    assert kept_modes(np.zeros(2), M).tolist() == [0.0, 0.0]
    scaled = np.array([[3e-7, 1.5e3], [1.5e3, 3e13]])
    assert kept_modes(np.array([2 * 3e-7, 2 * 1.5e3]), scaled)[1] == 0.0
    # λ = (0.3, 0.1): the level of the first alone, at p = ¼ and q = ½, is 2·¼·0.3/(2·(½ + ¼)) = 0.1.
    assert (water_filling(np.array([0.3, 0.1]), np.full(2, 0.5), strength=0.25) > 0).tolist() == [True, False]
    assert (water_filling(np.array([0.3, 0.1]), np.full(2, 0.5), c=0.2) > 0).tolist() == [True, False]


def test_a_free_bias_takes_what_the_modes_leave():
    # f = W x + b at fixed norm: the loss does not see the bias.
    M, norm = np.diag([1.0, 1.0, 0.0]), np.ones(3)
    found = kept_modes(np.array([1.0, 0.5, 0.0]), M, norm=norm, c=np.array([0.2, 0.6, 6.0]))
    np.testing.assert_allclose(found, [[0.2, 0.0, 0.0], [0.425, 0.175, 0.0], [0.5, 0.25, 5.25]], atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_lowest_minimum_among_the_stationary_points(seed):
    rng = np.random.default_rng(seed)
    n = 5
    s = rng.uniform(0.5, 2.0, n)
    Q, K = np.outer(s, s), 0.4 * np.outer(s, s) + 0.1
    b = rng.standard_normal(n) + 0.5
    (lowest, *_) = minima(Modes(b, Q, K, d1=n))
    np.testing.assert_allclose(kept_modes(b, np.diag(np.diag(Q)) + K), lowest.powers, atol=1e-10)
    (lowest, *_) = minima(Modes(b, Q, 0 * K, n, s, 0.8))
    np.testing.assert_allclose(water_filling(b, np.diag(Q), s, c=0.8), lowest.powers, atol=1e-10)


def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    b, M = random_problems(5, 50, 4)
    x, norm = np.linspace(0.0, 1.0, 4), np.linspace(0.5, 1.0, 4)
    tensors = torch.from_numpy(b), torch.from_numpy(M)
    found = kept_modes(*tensors)
    assert isinstance(found, torch.Tensor)
    np.testing.assert_allclose(found, kept_modes(b, M), atol=1e-11)
    np.testing.assert_allclose(kept_modes(*tensors, norm=norm, c=0.5), kept_modes(b, M, norm=norm, c=0.5), atol=1e-11)
    own = np.ones(4)
    np.testing.assert_allclose(water_filling(tensors[0], own, x, strength=2.0), water_filling(b, own, x, strength=2.0))
    np.testing.assert_allclose(water_filling(tensors[0], own, norm, c=2.0), water_filling(b, own, norm, c=2.0))
    np.testing.assert_allclose(
        water_filling(tensors[0], 0 * own, strength=2.0), water_filling(b, 0 * own, strength=2.0)
    )


@pytest.mark.gpu
def test_an_accelerator_gives_the_same():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    b, M = random_problems(5, 50, 4)
    norm = np.linspace(0.5, 1.0, 4)
    there = [torch.from_numpy(one).cuda() for one in (b, M, norm)]
    np.testing.assert_allclose(kept_modes(there[0], there[1]).cpu(), kept_modes(b, M), atol=1e-11)
    fixed = kept_modes(there[0], there[1], norm=there[2], c=0.5)
    np.testing.assert_allclose(fixed.cpu(), kept_modes(b, M, norm=norm, c=0.5), atol=1e-11)
    filled = water_filling(there[0], there[2], there[2], strength=2.0)
    np.testing.assert_allclose(filled.cpu(), water_filling(b, norm, norm, strength=2.0), atol=1e-12)


def test_chunks_do_not_show(monkeypatch):
    b, M = random_problems(6, 33, 3)
    expected = kept_modes(b, M)
    monkeypatch.setitem(powers._ENTRIES, "cpu", 50)
    np.testing.assert_array_equal(kept_modes(b, M), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kept_modes(np.ones(3), np.eye(2)), "b has the shape (3,) and quadratic (2, 2);"),
        (lambda: kept_modes([1.0, np.nan], np.eye(2)), "b has entries that are not finite numbers"),
        (lambda: kept_modes(np.ones(2), [[1.0, 0.5], [0.0, 1.0]]), "quadratic is not symmetric; give (M + Mᵀ)/2"),
        (lambda: kept_modes(np.ones(2), [[1.0, 2.0], [2.0, 1.0]]), "quadratic is not positive definite at some point"),
        (lambda: kept_modes(np.ones(2), [[1.0, 1.0], [1.0, 1.0]]), "quadratic is not positive definite at some point"),
        (lambda: kept_modes(np.ones(2), np.diag([1.0, 0.0])), "quadratic is not positive definite at some point"),
        (lambda: kept_modes(np.ones(2), -np.eye(2), norm=np.ones(2), c=1.0), "on the vectors v with Σ norm_i v_i = 0"),
        (lambda: kept_modes(np.ones(2), np.eye(2), norm=np.ones(2)), "norm and c belong together"),
        (lambda: kept_modes(np.ones(2), np.eye(2), norm=np.ones(2), c=-1.0), "norm and c must be positive"),
        (lambda: water_filling(np.ones(2), -np.ones(2)), "own must be positive for all modes, or zero for all"),
        (lambda: water_filling(np.ones(2), np.ones(2), c=0.0), "c and x must be positive where the norm is fixed"),
        (lambda: water_filling(np.ones(2), np.ones(2), strength=-0.5), "strength is so negative"),
        (lambda: water_filling(np.ones(2), np.zeros(2)), "own = 0: without a quartic part of its own"),
        (lambda: water_filling(1.0, 1.0), "b has no mode"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(InputError) as raised:
        call()
    assert message in str(raised.value)


def test_an_indefinite_form_is_convex_where_the_norm_is_fixed():
    M = np.array([[1.0, 2.0], [2.0, 1.0]]) * -1.0  # vᵀMv = 2 for v = (1, −1)
    found = kept_modes(np.array([0.5, 0.0]), M, norm=np.ones(2), c=1.0)
    np.testing.assert_allclose(found, by_all_masks(np.array([0.5, 0.0]), M, np.ones(2), 1.0))
