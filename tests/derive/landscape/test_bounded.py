"""Polynomial losses are bounded below where it is said: against the lowest directions that NumPy finds."""

import numpy as np
import pytest
import sympy
from scipy.optimize import minimize
from sympy import Rational

from derive import Loss, Mean, SecondMoment, diagonal_sum, inner, symbols, views
from derive.landscape.conditions import MODES
from derive.landscape.landscape import a_i, c_i
from derive.landscape.leading import Far, far, of_couplings
from derive.landscape.recession import Recession, recession

x, x_pos, chi, chi_pos, psi = views("x, x_pos, chi, chi_pos, psi")
A, S = SecondMoment(x, x_pos), SecondMoment(x, x)
SINGLE = {"A": Mean(inner(x, x_pos), over=(x, x_pos)), "S": Mean(inner(x, x), over=x)}
PAIR = {
    "SS": Mean(inner(x, chi) ** 2, over=(x, chi)),
    "AS": Mean(inner(x, chi) * inner(x_pos, chi), over=(x, x_pos, chi)),
    "AA": Mean(inner(x, chi) * inner(x_pos, chi_pos), over=(x, x_pos, chi, chi_pos)),
}
TRIPLE = Mean(inner(x, chi) * inner(chi, psi) * inner(psi, x), over=(x, chi, psi))
SQUARES = {"A": diagonal_sum(lambda i: A[i, i] ** 2), "S": diagonal_sum(lambda i: S[i, i] ** 2)}


class Landscape:
    """linear Σ l_X τ_X, singles Σ s_XY Tr[P_X P_Y], products Σ p_XY τ_X τ_Y, squares Σ δ_X Σ_i (P_X)_ii²."""

    def __init__(self, linear, singles, products, squares=None, triple=0):
        self.parts = (linear, singles, products, squares or {})
        self.triple = triple

    @property
    def loss(self):
        linear, singles, products, squares = self.parts
        total = self.triple * TRIPLE
        for name, value in linear.items():
            total = total + value * SINGLE[name]
        for name, value in singles.items():
            total = total + value * PAIR[name]
        for name, value in products.items():
            total = total + value * _product(name)
        for name, value in squares.items():
            total = total + value * SQUARES[name]
        return Loss(total)

    def orders(self, W, A0, Sigma):
        """The terms of orders 2, and of 4 and more."""
        P = {"A": W @ A0 @ W.T, "S": W @ Sigma @ W.T}
        tau = {name: np.trace(one) for name, one in P.items()}
        linear, singles, products, squares = self.parts
        low = sum(float(value) * tau[name] for name, value in linear.items())
        high = sum(float(value) * np.trace(P[name[0]] @ P[name[1]]) for name, value in singles.items())
        high += sum(float(value) * np.prod([tau[one] for one in name]) for name, value in products.items())
        high += sum(float(value) * (np.diag(P[name]) ** 2).sum() for name, value in squares.items())
        return low, high + float(self.triple) * np.trace(P["S"] @ P["S"] @ P["S"])

    def falls(self, d0, d1, generator):
        """Whether a direction of W falls to −∞ on random data: by the highest terms, or by all where those vanish."""
        A0, C = (one @ one.T / d0 + 0.05 * np.eye(d0) for one in generator.standard_normal((2, d0, d0)))

        def lowest(objective):
            starts = generator.standard_normal((5, d1 * d0))
            return min(minimize(objective, one, options={"gtol": 1e-7}).fun for one in starts)

        def at(w, size):
            return self.orders(size * w.reshape(d1, d0) / np.linalg.norm(w), A0, A0 + C)

        highest = lowest(lambda w: at(w, 1.0)[1])
        if abs(highest) > 1e-7:
            return bool(highest < 0), A0, C
        return bool(lowest(lambda w: sum(at(w, 1e3)) / 1e6) < -1e-5), A0, C


def _product(name):
    result = SINGLE[name[0]]
    for one in name[1:]:
        result = result * SINGLE[one]
    return result


def claimed(found, d0, d1, A0, C):
    """What is said of these data: True for unbounded, False for bounded, None where nothing is."""
    if found.verdict in ("bounded", "unbounded"):
        return found.verdict == "unbounded"
    if found.verdict != "depends":
        return None
    ratios = np.linalg.eigvals(np.linalg.solve(A0 + C, A0)).real

    def holds(condition):
        if isinstance(condition, sympy.Or):
            return any(map(holds, condition.args))
        puts = [{MODES: d0, "d1": d1, a_i: ratio, c_i: 1 - ratio} for ratio in ratios]
        return any(bool(condition.subs(one)) for one in puts)

    return True if holds(found.condition) else False if found.otherwise == "bounded" else None


SHAPES = ((2, 1), (3, 2), (3, 3))
half, third = Rational(1, 2), Rational(1, 3)
ONE_COVARIANCE = {
    # −l Tr[W A0 Wᵀ] + q₁ Tr[(W Σ Wᵀ)²] + q₂ Tr[W Σ Wᵀ]²: the rank decides, and where e(k) = 0 the sign of l.
    "convex": Landscape({"A": -1}, {"SS": 1}, {"SS": 1}),
    "from two rows on, downhill": Landscape({"A": -1}, {"SS": 1}, {"SS": -half}),
    "from two rows on, uphill": Landscape({"A": 1}, {"SS": 1}, {"SS": -half}),
    "from three rows on": Landscape({"A": -1}, {"SS": 1}, {"SS": -Rational(2, 5)}),
    "one row, downhill": Landscape({"A": -1}, {"SS": -1}, {"SS": 1}),
    "one row, uphill": Landscape({"A": 1}, {"SS": -1}, {"SS": 1}),
    "the largest alone": Landscape({"A": -1}, {"SS": -1}, {"SS": 2}),
    "no rows": Landscape({"A": -1}, {"SS": 1}, {"SS": -2}),
    "squares of coordinates beside": Landscape({"A": -1}, {"SS": 1}, {"SS": -third}, {"S": 1}),
    "squares of coordinates less": Landscape({"A": -1}, {"SS": 1}, {"SS": 1}, {"S": -1}),
    "squares that cancel, downhill": Landscape({"A": -1}, {"SS": 1}, {}, {"S": -1}),
    "squares that cancel, uphill": Landscape({"A": 1}, {"SS": 1}, {}, {"S": -1}),
    "order 6": Landscape({"A": -1}, {}, {"SSS": 1}),
    "order 6, from two rows on": Landscape({"A": -1}, {}, {"SSS": -third}, triple=1),
    "order 6, two rows and no other": Landscape({"A": -1}, {"SS": 1}, {"SSS": Rational(2, 5)}, triple=half),
}
MIXED = {
    "a square": Landscape({"A": -1}, {"AA": 1, "AS": -2, "SS": 2}, {}),
    "a negative pair": Landscape({"A": -1}, {"AS": -3, "SS": 1}, {}),
    "a pair held by products": Landscape({"A": -1}, {"AS": -1}, {"SS": 2}),
    "two sums over coordinates": Landscape({"A": -2}, {"SS": 1}, {}, {"A": 1, "S": -1}),
    "two sums, downwards": Landscape({"A": -2}, {"SS": half}, {}, {"A": 1, "S": -3}),
    "products alone": Landscape({"S": -1}, {}, {"AA": 1, "AS": -1, "SS": 1}),
    "a product that falls somewhere": Landscape({"S": -1}, {}, {"AA": 2, "AS": -3, "SS": 1}),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ONE_COVARIANCE)
def test_with_one_covariance_it_is_always_said(name, shape):
    landscape = ONE_COVARIANCE[name]
    truth, A0, C = landscape.falls(*shape, np.random.default_rng(len(name)))
    assert claimed(recession(landscape.loss), *shape, A0, C) is truth


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", MIXED)
def test_with_several_it_is_never_said_wrongly(name, shape):
    landscape = MIXED[name]
    truth, A0, C = landscape.falls(*shape, np.random.default_rng(len(name)))
    assert claimed(recession(landscape.loss), *shape, A0, C) in (truth, None)


def test_several_are_decided_where_bounds_are_known():
    verdicts = {name: recession(landscape.loss).verdict for name, landscape in MIXED.items()}
    assert verdicts["a square"] == verdicts["a pair held by products"] == "bounded"
    assert verdicts["two sums over coordinates"] == verdicts["products alone"] == "bounded"
    assert verdicts["two sums, downwards"] == "unbounded"


@pytest.mark.parametrize("seed", range(4))
def test_random_landscapes(seed):
    """Random couplings of both signs, of one covariance and of several."""
    generator = np.random.default_rng(seed)

    def some(*names, share=0.6):
        return {
            name: Rational(int(generator.integers(-4, 5)), int(generator.integers(1, 4)))
            for name in names
            if generator.random() < share
        }

    landscapes = [
        Landscape(some("A", share=1), some("SS", share=1), some("SS", share=1), some("S", share=0.3)),
        Landscape(some("A", "S"), some("SS", "AS", "AA"), some("SS", "AS", "AA"), some("A", "S", share=0.4)),
    ]
    for landscape in landscapes:
        for shape in SHAPES:
            truth, A0, C = landscape.falls(*shape, generator)
            assert claimed(recession(landscape.loss), *shape, A0, C) in (truth, None)


def test_the_check_rejects_wrong_ranks_and_signs():
    """Mutants of what is said of three equal eigenvalues: another rank, the other sign, no lower order."""
    landscape = ONE_COVARIANCE["from two rows on, downhill"]
    found = recession(landscape.loss)
    wrong = [
        Far("depends", "", sympy.Ge(sympy.Min(MODES, symbols("d1")), 3), "bounded"),
        Far("bounded", ""),
        Far("unbounded", ""),
    ]
    truths = [landscape.falls(*shape, np.random.default_rng(0)) for shape in SHAPES]
    assert all(claimed(found, *shape, A0, C) is truth for shape, (truth, A0, C) in zip(SHAPES, truths, strict=True))
    for one in wrong:
        said = [claimed(one, *shape, A0, C) for shape, (_, A0, C) in zip(SHAPES, truths, strict=True)]
        assert said != [truth for truth, _, _ in truths]


def test_couplings_with_parameters():
    q, r = symbols("q r")
    assert of_couplings(q, r, 1).verdict == "bounded"
    assert of_couplings(q, -r, 1).where() == "q - r min(d0, d1) <= 0"
    assert of_couplings(q, -r, -1).where() == "q - r min(d0, d1) < 0"
    assert of_couplings(-q, r, 1).where() == "-q + r <= 0"
    assert of_couplings(-q, q, 1).verdict == "unbounded"
    assert of_couplings(-q, q, -1).verdict == "bounded"
    assert of_couplings(-q, q, None).verdict == "undecided"
    opened = of_couplings(-q, r, None)
    assert (opened.where(), opened.otherwise, opened.edge) == ("-q + r < 0", "bounded", True)
    found = Recession("loss", "depends", "", condition=opened.condition, otherwise=opened.otherwise, edge=opened.edge)
    assert found.to_json()["elsewhere"] == "bounded where the contrary holds strictly"
    assert found.said() == "unbounded where -q + r < 0, bounded where the contrary holds strictly"


def test_a_bias_is_a_direction_of_its_own():
    plain = Mean(inner(x, chi) ** 2, over=chi) - inner(x, x_pos)
    assert recession(Loss(plain).with_bias()).verdict == "bounded"
    tilted = plain - Mean(inner(x, chi), over=(x, chi)) ** 2 * 2
    # Mean⟨f(x), f(χ)⟩ is |b|² and ⟨f(x), f(χ)⟩² has |b|⁴: −|b|⁴ is left along b.
    assert recession(Loss(tilted).with_bias()).verdict == "unbounded"
    flat = plain - Mean(inner(x, chi), over=(x, chi)) ** 2
    assert recession(Loss(flat).with_bias()).verdict == "unbounded"
    assert recession(Loss(flat + 3 * Mean(inner(x, chi), over=(x, chi))).with_bias()).verdict != "unbounded"


def test_other_orders():
    assert far(Loss(1 + 0 * inner(x, x)).expand(4)).verdict == "bounded"
    assert far(Loss(inner(x, x) ** 4 - inner(x, x) ** 3).expand(8)).verdict == "bounded"
    assert far(Loss(inner(x, x) ** 3 - inner(x, x) ** 4).expand(8)).verdict == "unbounded"
