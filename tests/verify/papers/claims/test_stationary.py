"""The stationary points that claims are measured at: found without theory, and read off without it."""

import numpy as np
import pytest

from verify.papers.claims.iclr.ends import Problem, commuting, with_eigenvalues


@pytest.fixture(scope="module")
def problem():
    return with_eigenvalues((1.2, 0.8, -0.5), 2, seed=2)


def test_the_slope_is_that_of_the_loss(problem):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal(6)
    W, B, Sigma = (torch.tensor(one) for one in (x.reshape(2, 3), problem.B, problem.Sigma))
    W.requires_grad_()
    P = W @ Sigma @ W.T
    (torch.trace(P @ P) - torch.trace(W @ B @ W.T)).backward()
    assert problem.slope(x) == pytest.approx(W.grad.numpy().ravel(), abs=1e-10)


def test_newton_ends_at_saddles_too_and_descents_do_not(problem):
    assert {end.kept() for end in problem.stationary} == {
        (False, False, False), (False, False, True), (False, True, False), (False, True, True)
    }  # fmt: skip
    assert {end.kept() for end in problem.minima} == {(False, True, True)}
    assert all(np.abs(problem.slope(end.W.ravel())).max() < 1e-10 for end in problem.stationary + problem.minima)


@pytest.mark.parametrize("values", [(1.2, 0.8, -0.5), (0.8, 0.8, 0.5)])
def test_a_frame_diagonalises_both_matrices(values):
    found = with_eigenvalues(values, 2, seed=5)
    for end in found.stationary:
        U, Lambda, M = end.frame()
        H = U.T @ end.H @ U
        assert pytest.approx(found.whitened, abs=1e-12) == U @ Lambda @ U.T
        assert pytest.approx(np.eye(3), abs=1e-12) == U.T @ U
        assert np.abs(H - np.diag(np.diag(H))).max() < 1e-8
        assert np.array_equal(np.diag(np.diag(H) > 1e-5), M)


def test_b_is_masked_where_w_is_zero():
    found = commuting((0.9, 1.1, -0.4), (0.8, 1.5, 0.5), 2, seed=0)
    kept = {tuple(np.linalg.eigvalsh(end.masked()).round(9)) for end in found.stationary}
    assert kept == {(0, 0, 0), (0, 0, 0.9), (0, 0, 1.1), (0, 0.9, 1.1)}


def test_what_is_no_landscape_of_theorem_1_does_not_pass_for_one(problem):
    """With Σ for its inverse the measured WᵀW is not what the formula gives."""
    wrong = Problem(problem.B, np.linalg.inv(problem.Sigma), problem.d1, problem.seed)
    end = min(wrong.minima, key=lambda one: one.loss)
    U, Lambda, M = end.frame()
    root = problem.root
    assert np.abs(end.gram - root @ U @ M @ Lambda @ U.T @ root / 2).max() < 1e-8
    inverse = np.linalg.inv(root)
    assert np.abs(end.gram - inverse @ U @ M @ Lambda @ U.T @ inverse / 2).max() > 1e-2
