"""Index and minima in words, against Hessians and descents written by hand in NumPy, on random matrices."""

import re
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize
from sympy import Rational

from derive import Loss, Mean, catalogue, exp, half_sq, inner, log, symbols, views
from derive.landscape.stationary import stationary

x, x_pos, chi = views("x, x_pos, chi")
q, r = symbols("q r")
# q₁, q₂ and the sign of the linear term −l Tr[W A0 Wᵀ].
COUPLINGS = {
    "q₁ > 0": (1, 0),
    "both > 0": (1, Rational(1, 2)),
    "q₂ < 0, no lowest point from two rows on": (1, Rational(-1, 2)),
    "q₂ < 0, a lowest point": (1, Rational(-1, 5)),
    "q₁ < 0, the largest alone": (-1, 2),
    "q₁ < 0, falling": (-1, Rational(1, 2)),
    "q₁ < 0, alone": (-1, 0),
    "q₁ < 0, q₂ < 0": (-1, -1),
}
SHAPES = ((3, 3), (3, 2), (3, 1), (2, 3))


def points(q1, q2, sign=1):
    loss = q1 * Mean(inner(x, chi) ** 2, over=chi) + q2 * Mean(inner(x, x), over=x) ** 2 - sign * inner(x, x_pos)
    return stationary(Loss(loss).expand(order=4))[0]


class Numbers:
    """−Tr[W B Wᵀ] + q₁ Tr[(W Σ Wᵀ)²] + q₂ Tr[W Σ Wᵀ]² with random B = ±A0 and Σ, some b_i close to one another."""

    def __init__(self, q1, q2, d0, d1, sign=1, seed=0):
        generator = np.random.default_rng(seed)
        first, second = generator.standard_normal((2, d0, d0))
        self.B = sign * (first @ first.T / d0 + 0.1 * np.eye(d0))
        self.Sigma = 0.2 * (second @ second.T / d0 + 0.2 * np.eye(d0)) + first @ first.T / d0
        self.q1, self.q2, self.d0, self.d1 = float(q1), float(q2), d0, d1
        self.told = sign == 1
        values, vectors = np.linalg.eigh(self.Sigma)
        self.root = vectors / np.sqrt(values) @ vectors.T
        self.lam, self.U = np.linalg.eigh(self.root @ self.B @ self.root)

    def loss(self, w):
        W = w.reshape(self.d1, self.d0)
        S = W @ self.Sigma @ W.T
        return -np.trace(W @ self.B @ W.T) + self.q1 * np.trace(S @ S) + self.q2 * np.trace(S) ** 2

    def gradient(self, w):
        W = w.reshape(self.d1, self.d0)
        S = W @ self.Sigma @ W.T
        return (-2 * W @ self.B + 4 * self.q1 * S @ W @ self.Sigma + 4 * self.q2 * np.trace(S) * W @ self.Sigma).ravel()

    def negative(self, w):
        """The number of negative eigenvalues of the Hessian, by central differences of the gradient."""
        step = 1e-5
        columns = [(self.gradient(w + step * e) - self.gradient(w - step * e)) / (2 * step) for e in np.eye(len(w))]
        return int((np.linalg.eigvalsh((np.array(columns) + np.array(columns).T) / 2) < -1e-6).sum())

    def listed(self):
        """Each mask's point: h = (λ − θ)/(2 q₁) solved by hand, the mask, θ and W."""
        for number in range(min(self.d0, self.d1) + 1):
            for mask in map(list, combinations(range(self.d0), number)):
                matrix = 2 * self.q1 * np.eye(number) + 2 * self.q2 * np.ones((number, number))
                if number and abs(np.linalg.det(matrix)) < 1e-9:
                    continue
                h = np.linalg.solve(matrix, self.lam[mask]) if number else np.zeros(0)
                if (h > 0).all():
                    W = np.zeros((self.d1, self.d0))
                    W[range(number), mask] = np.sqrt(h)
                    yield mask, 2 * self.q2 * h.sum(), (W @ self.U.T @ self.root).ravel()

    def ends(self, starts=12):
        """Where descents end: None for −∞."""
        generator = np.random.default_rng(7)
        found = []
        for _ in range(starts):
            end = minimize(self.loss, generator.standard_normal(self.d0 * self.d1), jac=self.gradient, method="BFGS")
            found.append(None if end.fun < -1e3 or not np.isfinite(end.fun) else end.x)
        return found


def counted(words, numbers, mask, theta):
    """The index that the words say."""
    m, d1 = len(mask), numbers.d1
    outside = [i for i in range(numbers.d0) if i not in mask]

    def above(level):
        return sum(numbers.lam[i] > level for i in outside)

    total = 0
    head, *more = words.split(" + ", 2)
    level = theta if "θ}" in head else 0.0
    # B = A0 without a level θ is told in λ_i, all else in b_i.
    name = "λ" if "λ" in head else "b"
    assert (name == "λ") == numbers.told
    assert head in (f"(d1 − m)·#{{i ∉ M: {name}_i > θ}}", f"(d1 − m)·#{{i ∉ M: {name}_i > 0}}")
    total += (d1 - m) * above(level)
    assert more[0] == f"#{{k ∈ M, i ∉ M: {name}_i > {name}_k}}"
    total += sum(above(numbers.lam[k]) for k in mask)
    if len(more) == 1:
        return total

    def holds(condition):
        left, relation = re.fullmatch(r"(.*) ([<>]) 0", condition).groups()
        value = eval(re.sub(r"(\d) m", r"\1*m", left), {"m": m})  # noqa: S307 (text of this test's own making)
        return value < 0 if relation == "<" else value > 0

    rest = more[1]
    if (one := re.fullmatch(r"1 where (.*)", rest)) is not None:
        return total + holds(one[1])
    one = re.fullmatch(r"m\(m \+ 1\)/2(?:, less 1 where (.*))?", rest)
    return total + m * (m + 1) // 2 - (one[1] is not None and holds(one[1]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", COUPLINGS)
def test_the_index_is_that_of_the_hessian(name, shape):
    for sign in (1, -1):
        numbers = Numbers(*COUPLINGS[name], *shape, sign)
        words = points(*COUPLINGS[name], sign).index()
        seen = 0
        for mask, theta, w in numbers.listed():
            assert np.abs(numbers.gradient(w)).max() < 1e-9
            assert counted(words, numbers, mask, theta) == numbers.negative(w)
            seen += 1
        assert seen


def test_a_wrong_index_does_not_pass():
    numbers = Numbers(*COUPLINGS["q₁ < 0, the largest alone"], 3, 3)
    words = points(*COUPLINGS["q₁ < 0, the largest alone"]).index()
    right = [numbers.negative(w) for _, _, w in numbers.listed()]
    for wrong in (words.replace("m(m + 1)/2, less 1 where 2 m - 1 > 0", "m(m + 1)/2"), words.split(" + m(")[0]):
        assert [counted(wrong, numbers, mask, theta) for mask, theta, _ in numbers.listed()] != right


ONLY = "no other point a minimum"
MINIMA = {
    ("q₁ > 0", 1): f"the m largest λ_i, all that are > 0 or as many of them as d1: global, rank m, {ONLY}",
    ("both > 0", 1): f"the m largest λ_i, all that are > θ or as many of them as d1: global, rank m, {ONLY}",
    ("q₁ < 0, the largest alone", 1): f"the largest λ_i alone: global, {ONLY}",
    ("q₁ < 0, the largest alone", -1): f"W = 0: global, {ONLY}",
    ("q₁ < 0, falling", 1): "none: the landscape falls to −∞",
    ("q₁ < 0, falling", -1): "W = 0 alone; not global: the landscape falls to −∞ for a W of one row",
    ("q₁ < 0, q₂ < 0", 1): "none: the landscape falls to −∞",
    ("q₂ < 0, a lowest point", 1): (
        "the points of index 0, where no λ_i is θ; none of them global where min(d0, d1) >= 5, as the landscape falls"
        " to −∞; elsewhere the lowest of them is"
    ),
    ("q₂ < 0, no lowest point from two rows on", 1): (
        "the points of index 0, where no λ_i is θ; none of them global where min(d0, d1) >= 2, as the landscape falls"
        " to −∞; elsewhere the lowest of them is"
    ),
}


@pytest.mark.parametrize(("name", "sign"), MINIMA)
def test_the_minima_are_where_descents_end(name, sign):
    said = points(*COUPLINGS[name], sign).minima()
    assert said == MINIMA[name, sign]
    for shape in SHAPES:
        numbers = Numbers(*COUPLINGS[name], *shape, sign)
        ends = numbers.ends()
        listed = list(numbers.listed())
        minima = [(mask, w) for mask, _, w in listed if numbers.negative(w) == 0]
        falls = "falls to −∞" in said
        if (found := re.search(r"min\(d0, d1\) >= (\d)", said)) is not None:
            falls = min(shape) >= int(found[1])
        if falls:
            # By descents, or along multiples of a projector, where a descent from afar is slow.
            ray = np.zeros((shape[1], shape[0]))
            number = min(shape) if COUPLINGS[name][0] > 0 else 1
            ray[range(number), range(shape[0] - number, shape[0])] = 1.0
            ray = (ray @ numbers.U.T @ numbers.root).ravel()
            assert any(one is None for one in ends) or numbers.loss(1e3 * ray) < -1e3
        else:
            lowest = min(numbers.loss(w) for _, w in minima)
            assert all(one is not None for one in ends)
            assert min(map(numbers.loss, ends)) == pytest.approx(lowest, abs=1e-7)
        if "alone:" in said:
            assert [mask for mask, _ in minima] == [[shape[0] - 1]]
        if said.startswith("W = 0"):
            assert [mask for mask, _ in minima] == [[]]
        if said.startswith("none"):
            assert not minima
        if said.endswith(ONLY):
            assert all(numbers.loss(one) == pytest.approx(numbers.loss(minima[0][1]), abs=1e-7) for one in ends)


def test_with_parameters_it_is_conditional():
    opened = points(q, -r)
    assert opened.index().endswith(" + 1 where -m r + q < 0")
    assert "none of them global where q - r min(d0, d1) <= 0" in opened.minima()
    falling = points(-q, r)
    assert falling.index().endswith("m(m + 1)/2, less 1 where m r - q > 0")
    assert falling.minima().startswith("where -q + r > 0, the largest λ_i alone: global")
    either = points(q - r, 0)
    assert either.index().endswith("; + m(m + 1)/2, if q - r < 0")
    assert "none of them global where q - r <= 0" in either.minima()


def test_the_quartics_sign_under_a_fixed_norm():
    """Σ h = c: q₁ Σ h² − Σ λ h is concave for q₁ < 0 and lowest at a corner of the simplex."""
    loss = Loss(-inner(x, x_pos) - Mean(inner(x, chi) ** 2, over=chi)).with_norm_penalty()
    (found,) = stationary(loss.expand(order=4), limit="kappa")
    assert found.minima() == "the largest λ_i alone: global, rank 1, no other point a minimum"
    assert found.index().endswith(" + m(m − 1)/2 + m − 1")
    generator = np.random.default_rng(2)
    lam, c = np.array([0.2, 0.5, 0.9]), 1.3
    draws = generator.dirichlet(np.ones(3), 20_000) * c
    values = -(draws**2).sum(-1) - draws @ lam
    assert values.min() > -(c**2) - 0.9 * c - 1e-12
    assert draws[values.argmin()].argmax() == 2
    (convex,) = stationary(catalogue("infonce+norm-penalty").expand(order=4), limit="kappa")
    assert convex.minima().startswith("the m largest λ_i")


def test_a_bias_that_falls():
    """−|b|⁴ left over: no point is a minimum of all, and the length of b is a direction of its own."""
    loss = Loss(Mean(inner(x, chi) ** 2, over=chi) - inner(x, x_pos) - 2 * Mean(inner(x, x), over=x) ** 2).with_bias()
    with pytest.raises(ValueError, match="meets the rows"):
        stationary(loss.expand(order=4))
    penalised = catalogue("infonce").with_norm_penalty().with_bias()
    off, on = stationary(penalised.expand(order=4))
    assert off.index().endswith(" + d1 where c − Tr[W Σ Wᵀ] > 0")
    assert on.minima().endswith(ONLY)
    negative = Loss(penalised.expression, bias=True).set({"kappa": -2})
    off, on = stationary(negative.expand(order=4))
    assert off.index().endswith(" + d1 where −4 c + 4 Tr[W Σ Wᵀ] > 0")
    assert on.index().endswith(" + 1")
    assert "none" in on.minima()


def test_the_rank_yields_to_a_parameter_of_its_name_wherever_that_stands():
    """Also where the couplings have none: in |b|² = m − Tr[W Σ Wᵀ] alone, or in the loss alone."""
    m = symbols("m")
    infonce = Loss(half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi)))
    for options in ({"c": m}, {"kappa": m}):
        loss = infonce.with_norm_penalty(**options).with_bias()
        off, on = stationary(loss.expand(order=4), limit="kappa" if "c" in options else None)
        assert (
            m
            not in on.isotropic.q1.free_symbols | on.isotropic.q2.free_symbols | on.isotropic.landscape.b().free_symbols
        )
        for points in (off, on):
            assert points.index().startswith("(d1 − m_)·")
            assert "rank m_" in points.minima()
        assert "the m_ largest λ_i" in on.minima()
    # Where no parameter is called so it is m.
    off, on = stationary(infonce.with_norm_penalty().with_bias().expand(order=4), limit="kappa")
    assert on.index().startswith("(d1 − m)·")
