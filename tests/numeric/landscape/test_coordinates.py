"""Sums over coordinates of the embedding, against a loss written by hand and a minimiser in all entries of W."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import sympy
from scipy.optimize import minimize

from derive import Loss, Mean, SecondMoment, catalogue, diagonal_sum, inner, off_diagonal_sum, symbols, views
from derive.landscape.collapse import collapse
from derive.landscape.landscape import landscapes
from derive.landscape.stationary import stationary
from numeric.landscape.landscape import landscape_in_numbers, level
from numeric.landscape.modes import stationary_points
from numeric.sampling import Covariances

PAIRS = (("A", "A"), ("A", "S"), ("S", "S"))
N, lam, nu = symbols("N lambda nu")
x, x_pos = views("x, x_pos")
P, S = SecondMoment(x, x_pos), SecondMoment(x, x)


def expansion(b, singles, products, sums):
    """The same as `by_hand`, in words."""
    terms = [((((0, one, 0),),), -value) for one, value in b.items()]
    terms += [((((0, one + other, 0),),), value) for (one, other), value in singles.items()]
    terms += [((((0, one, 0),), ((0, other, 0),)), value) for (one, other), value in products.items()]
    terms += [((((0, one, 0), (0, other, 0)),), value) for (one, other), value in sums.items()]
    exact = [(words, sympy.Rational(str(value))) for words, value in terms]
    return catalogue("infonce").expand(order=4).with_terms(exact)


def by_hand(b, singles, products, sums, A0, C, rows):
    """The loss and its gradient in a flat W: traces and diagonals as they are written."""
    matrices = {"A": A0, "S": A0 + C}

    def function(flat):
        W = flat.reshape(rows, -1)
        sides = {one: W @ matrix for one, matrix in matrices.items()}
        squares = {one: side @ W.T for one, side in sides.items()}
        value, slope = 0.0, np.zeros_like(W)
        for one, number in b.items():
            value -= number * np.trace(squares[one])
            slope -= 2 * number * sides[one]
        for part, couplings in (("singles", singles), ("products", products), ("sums", sums)):
            for (one, other), number in couplings.items():
                for left, right in ((one, other), (other, one)):
                    if part == "singles":
                        value += number / 2 * np.trace(squares[left] @ squares[right])
                        slope += 2 * number * squares[left] @ sides[right]
                    elif part == "products":
                        value += number / 2 * np.trace(squares[left]) * np.trace(squares[right])
                        slope += 2 * number * np.trace(squares[left]) * sides[right]
                    else:
                        value += number / 2 * np.diag(squares[left]) @ np.diag(squares[right])
                        slope += 2 * number * np.diag(squares[left])[:, None] * sides[right]
        return value, slope.ravel()

    return function


def lowest(function, rows, columns, rng, starts=12):
    found = []
    for _ in range(starts):
        at = rng.standard_normal(rows * columns)
        for _ in range(2):
            at = minimize(function, at, jac=True, method="BFGS", options={"gtol": 1e-11, "maxiter": 3000}).x
        found.append((function(at)[0], at.reshape(rows, columns)))
    return min(found, key=lambda one: one[0])


def curvatures(function, flat, h=1e-4):
    def along(step):
        return (8 * (function(flat + step)[1] - function(flat - step)[1])
                - (function(flat + 2 * step)[1] - function(flat - 2 * step)[1])) / (12 * h)  # fmt: skip

    hessian = np.stack([along(h * one) for one in np.eye(len(flat))])
    return np.linalg.eigvalsh((hessian + hessian.T) / 2)


def random_data(rng, size, commute):
    if commute:
        return np.diag(rng.uniform(0.2, 2, size)), np.diag(rng.uniform(0.2, 2, size))
    roots = rng.standard_normal((2, size, size + 2)) / np.sqrt(size + 2)
    return tuple(roots @ roots.swapaxes(-1, -2))


def random_couplings(rng):
    return {pair: round(float(rng.normal()), 3) for pair in PAIRS if rng.random() < 0.7}


def random_landscape(rng, k):
    """Couplings of both signs, d0 and d1 from 1 to 4, and each kind of form."""
    b = {"A": round(float(rng.uniform(-1, 3)), 3), "S": round(float(rng.uniform(-1, 1)), 3)}
    singles, products, sums = (random_couplings(rng) for _ in range(3))
    sums = sums or {("A", "A"): 0.5}
    if k % 4 == 0:
        factor, share = round(float(rng.normal()), 2), round(float(rng.normal()), 2)
        sums = {("A", "A"): factor, ("A", "S"): 2 * factor * share, ("S", "S"): factor * share * share}
    d0, d1 = (int(one) for one in rng.integers(1, 5, 2))
    return (b, singles, products, sums), random_data(rng, d0, commute=k % 3 == 0), d1


def test_points_at_their_rotation_are_stationary_and_have_their_index():
    """Loss, slope and the signs of all curvatures at each point that is listed, for 60 landscapes."""
    rng = np.random.default_rng(5)
    seen = dict.fromkeys(["one mode a row", "constant diagonal", "constant diagonals", "indefinite"], 0)
    without = 0
    for k in range(60):
        parts, (A0, C), d1 = random_landscape(rng, k)
        (case,) = landscapes(expansion(*parts))
        solved = landscape_in_numbers(case, Covariances(A0, C), d1=d1)
        function = by_hand(*parts, A0, C, d1)
        W = rng.standard_normal((d1, len(A0)))
        assert sum(solved.loss_at(W).values()) == pytest.approx(function(W.ravel())[0], rel=1e-9, abs=1e-9)
        listed = [point for point in solved.stationary_points() if point.powers.max(initial=0) < 30]
        for point in listed if case.rotation != "constant diagonals" or d1 in (1, 2, 4) else []:
            flat = solved.weight(point).ravel()
            scale = 1 + np.abs(flat).max() ** 3
            value, slope = function(flat)
            assert value == pytest.approx(point.loss, abs=1e-7 * scale)
            assert np.abs(slope).max() < 1e-7 * scale
            negative = int((curvatures(function, flat) < -1e-6 * scale).sum())
            assert negative == point.index, case.rotation
            seen[case.rotation] += 1
        if solved.modes.D is not None:
            # Blind to rows, the same points have other indices.
            blind = stationary_points(replace(solved.modes, D=None))
            indices = [[one.index for one in points] for points in (solved.stationary_points(), blind)]
            without += indices[0] != indices[1]
    assert all(count > 5 for count in seen.values()), seen
    assert without > 5


@pytest.mark.parametrize("d1", [3, 4])
@pytest.mark.parametrize("commute", [True, False])
def test_the_minimum_of_the_loss_is_that_of_the_landscape_where_one_rotation_is_lowest(d1, commute):
    """Both signs of each sum; otherwise the loss is higher than the sums one by one would have it."""
    rng = np.random.default_rng(d1 + 10 * commute)
    b, singles, products = {"A": 2.0}, {("A", "A"): 1.0, ("S", "S"): 0.5}, {("S", "S"): 0.2}
    for one, other in ((-0.5, -0.3), (0.5, 0.3), (0.5, -0.3), (-0.5, 0.3)):
        A0, C = random_data(rng, 3, commute)
        sums = {("A", "A"): one, ("S", "S"): other}
        (case,) = landscapes(expansion(b, singles, products, sums))
        found, W = lowest(by_hand(b, singles, products, sums, A0, C, d1), d1, 3, rng)
        solved = landscape_in_numbers(case, Covariances(A0, C), d1=d1)
        listed = solved.stationary_points()[0]
        assert bool(case.why_not_lowest(d1)) == (one * other < 0 or (one > 0 and d1 == 3))
        if not case.why_not_lowest(d1):
            assert found == pytest.approx(listed.loss, abs=1e-9)
            np.testing.assert_allclose(W.T @ W, solved.gram(listed), atol=1e-5)
        elif one > 0 and other > 0:
            assert listed.loss < found + 1e-9
            assert listed.rank == 1 or found > listed.loss + 1e-7
        else:
            # Each sum by a rotation of its own gives a bound that is not reached.
            wrong = dict(singles), dict(products)
            for pair, value in sums.items():
                part, weight = (wrong[0], 1) if value < 0 else (wrong[1], 1 / d1)
                part[pair] = part.get(pair, 0.0) + weight * value
            bound, _ = lowest(by_hand(b, *wrong, {}, A0, C, d1), d1, 3, rng, starts=4)
            assert bound < found - 1e-5
            assert found < listed.loss + 1e-9


@pytest.mark.parametrize("d1", [3, 4])
@pytest.mark.parametrize("strength", [0.05, 0.7, 3.0])
def test_diagonal_and_off_diagonal_sums_of_two_moments_keep_every_mode(d1, strength):
    """Σ_i (1 − P_ii)² + ν Σ_{i≠j} S_ij², by a minimiser; W = diag(a_i^(−1/2)) has the value 0."""
    loss = Loss(diagonal_sum(lambda i: (1 - P[i, i]) ** 2) + nu * off_diagonal_sum(lambda i, j: S[i, j] ** 2))
    said = collapse(loss.expand(order=4))
    assert (said.dimensional.text(), said.complete.text(), said.reason) == ("never", "never", "")
    rng = np.random.default_rng(d1)
    for commute in (True, False):
        A0, C = random_data(rng, 3, commute)
        sums = {("A", "A"): 1.0, ("S", "S"): -strength}
        function = by_hand({"A": 2.0}, {("S", "S"): strength}, {}, sums, A0, C, d1)
        found, W = lowest(function, d1, 3, rng)
        assert np.linalg.svd(W, compute_uv=False)[-1] > 1e-2
        if d1 == 3:
            assert found == pytest.approx(-3, abs=1e-9)
            (points,) = stationary(loss.expand(order=4))
            assert dict(points.lines())["L"] == "−¼ Σ_M b_j^2"


def test_a_loss_that_rises_along_the_diagonal_collapses():
    """The same with the sign of the first power turned: W = 0."""
    mu = sympy.Symbol("mu")
    loss = Loss(
        diagonal_sum(lambda i: P[i, i] ** 2 + (mu - 2) * P[i, i]) + nu * off_diagonal_sum(lambda i, j: S[i, j] ** 2)
    )
    said = collapse(loss.expand(order=4))
    assert said.dimensional.text() == said.complete.text() == "2 - mu <= 0"
    rng = np.random.default_rng(0)
    A0, C = random_data(rng, 3, commute=False)
    for value, rank in ((1.0, 3), (3.0, 0)):
        sums = {("A", "A"): 1.0, ("S", "S"): -0.4}
        _, W = lowest(by_hand({"A": 2.0 - value}, {("S", "S"): 0.4}, {}, sums, A0, C, 3), 3, 3, rng)
        assert (np.linalg.svd(W, compute_uv=False) > 1e-3).sum() == rank
        assert said.dimensional.holds([1, 1, 1], [1, 1, 1], {"mu": value, "nu": 0.4}) == (rank == 0)


def test_over_a_batch_each_sign_has_one_landscape():
    M = SecondMoment(x, x_pos, count=N)
    loss = Loss(diagonal_sum(lambda i: (1 - M[i, i]) ** 2) + lam * off_diagonal_sum(lambda i, j: M[i, j] ** 2), batch=N)
    above, below = landscapes(loss.expand(order=4))
    assert above.given() == "λ - 1 >= 0, one mode a row (W A0 Wᵀ and W Σ Wᵀ diagonal)"
    assert below.given() == "1 - λ >= 0, W A0 Wᵀ and W Σ Wᵀ with constant diagonals"
    said = collapse(loss.expand(order=4))
    # Never, were it known that the landscape has a minimum.
    assert (said.dimensional, said.complete) == (None, None)
    # d1 a power of two: the condition in the note, by a minimiser.
    at = collapse(loss.set({"lambda": sympy.Rational(1, 2), "N": 4}).expand(order=4))
    assert at.dimensional is None
    (note,) = at.notes
    rng, seen = np.random.default_rng(2), set()
    (case,) = landscapes(loss.set({"lambda": sympy.Rational(1, 2), "N": 4}).expand(order=4))
    sums = {("A", "A"): 0.625, ("S", "S"): 0.125}
    for noise in ([0.2, 0.4, 0.3], [0.2, 0.5, 6.0], [0.1, 4.0, 9.0]):
        a, c = np.array([1.0, 0.7, 0.5]), np.array(noise)
        function = by_hand({"A": 2.0}, {("A", "A"): 0.625}, {("S", "S"): 0.125}, sums, np.diag(a), np.diag(c), 4)
        found, W = lowest(function, 4, 3, rng)
        rank = int((np.linalg.svd(W, compute_uv=False) > 1e-3).sum())
        point = landscape_in_numbers(case, Covariances(np.diag(a), np.diag(c)), d1=4).stationary_points()[0]
        assert (point.rank, point.loss) == (rank, pytest.approx(found, abs=1e-8))
        seen.add(rank)
    assert note.startswith("where d1 is a power of two, dimensional: ")
    assert len(seen) > 1


def test_where_all_modes_fall_alike_through_one_product_any_of_them_can_be_zero():
    """−2 Tr P + (Tr P)² fixes Tr P alone: neither always nor never."""
    loss = Loss(-2 * inner(x, x_pos) + Mean(inner(x, x_pos), over=(x, x_pos)) ** 2)
    said = collapse(loss.expand(order=4))
    assert (said.dimensional, said.complete.text()) == (None, "never")
    assert "any of them can be zero" in said.reason
    for W in (np.eye(3) / np.sqrt(3), np.diag([1.0, 0, 0])):
        assert by_hand({"A": 2.0}, {}, {("A", "A"): 1.0}, {}, np.eye(3), np.eye(3), 3)(W.ravel())[0] == pytest.approx(
            -1
        )


def test_a_constant_diagonal_by_plane_rotations():
    rng = np.random.default_rng(0)
    for size, spread in product(range(1, 7), (1.0, 1e-15, 0.0)):
        values = 0.3 + spread * rng.standard_normal(size)
        turn = level(values)
        np.testing.assert_allclose(turn @ turn.T, np.eye(size), atol=1e-12)
        np.testing.assert_allclose(np.diag(turn @ np.diag(values) @ turn.T), values.mean(), atol=1e-12)
