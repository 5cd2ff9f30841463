"""The formulas of all stationary points: proved with matrices that do not commute, and put into the definition."""

import mpmath
import numpy as np
import pytest
import sympy

from derive import InputError, Loss, Mean, catalogue, inner, views
from derive.definition.notation import LATEX
from derive.landscape.landscape import landscapes
from derive.landscape.proof import gradient_factor, proof
from derive.landscape.stationary import T1, T2, b, m, rho, stationary


def of(name, **options):
    return stationary(catalogue(name).expand(order=4), **options)


def isotropic(name="infonce+norm-penalty"):
    return landscapes(catalogue(name).expand(order=4))[0].isotropic()


def test_the_steps_hold_without_commuting_matrices():
    assert all(step.holds for step in proof(isotropic()))


def test_the_printed_equation_33_does_not_follow():
    """H = 2H² Σ^(1/2) Σ B⁻¹ Σ^(1/2) has a Σ too many: with it the gradient does not vanish."""
    R, H, b = sympy.symbols("R H b", commutative=False)
    one = isotropic("spectral")
    gradient = sympy.expand(
        R * (R**-1 * H * R**-1) * gradient_factor(one, R**-1 * H * R**-1, R * R, R * b * R) * R**-1
    ).subs(rho, 0)
    right = {
        "derived": sympy.expand(-2 * H + 4 * H**2 * R * (R**-1 * b**-1 * R**-1) * R),
        "printed": sympy.expand(-2 * H + 4 * H**2 * R * R**2 * (R**-1 * b**-1 * R**-1) * R),
    }
    left = sympy.expand(gradient * b**-1)
    assert sympy.expand(left - right["derived"]) == 0
    assert sympy.expand(left - right["printed"]) != 0


@pytest.mark.parametrize(
    ("name", "options"),
    [("infonce", {}), ("infonce+norm-penalty", {}), ("infonce+norm-penalty", {"limit": "kappa"}), ("spectral", {})],
)
@pytest.mark.parametrize("kept", [1, 2])
def test_the_gradient_vanishes_and_the_loss_is_right(name, options, kept):
    """In numbers, with A0 and C that do not commute, from the definition of the landscape."""
    rng = np.random.default_rng(kept)
    root = rng.standard_normal((3, 3))
    A0, C = root @ root.T, np.diag(rng.uniform(0.1, 0.5, 3))
    Sigma, c, kappa = A0 + C, 3.0, 0.7
    (found,) = of(name, **options)
    one = found.isotropic
    values, vectors = np.linalg.eigh(Sigma)
    inverse = vectors / np.sqrt(values) @ vectors.T
    fixed, penalty = found.fixed is not None, kappa if "norm" in name else 0.0
    B = -float(one.landscape.linear["A"].subs("kappa", kappa)) * A0
    B = B + (2 * penalty * c * Sigma if not fixed else 0)
    eigenvalues, frame = np.linalg.eigh(inverse @ B @ inverse)
    mask = np.arange(3) >= 3 - kept
    numbers = {"kappa": kappa, "c": c, m: kept, T1: eigenvalues[mask].sum(), T2: (eigenvalues[mask] ** 2).sum()}
    powers = [float(found.power.subs(numbers).subs(b, value)) for value in eigenvalues[mask]]
    assert min(powers) > 0
    root_of_g = inverse @ frame[:, mask] * np.sqrt(powers)
    G = root_of_g @ root_of_g.T
    q1 = float(one.q1)
    trace = np.trace(G @ Sigma)
    assert trace == pytest.approx(float(found.trace.subs(numbers)))
    shift = float(found.shift.subs(numbers)) if fixed else 2 * penalty * trace
    gradient = root_of_g.T @ (-2 * B + 4 * q1 * Sigma @ G @ Sigma + 2 * shift * Sigma)
    assert np.abs(gradient).max() < 1e-12
    if fixed:
        assert trace == pytest.approx(c)
    loss = -np.trace(G @ B) + q1 * np.trace(G @ Sigma @ G @ Sigma) + (0 if fixed else penalty * trace**2)
    assert loss == pytest.approx(float(found.loss.subs(numbers)))


def test_the_loss_at_a_stationary_point_has_the_inverse_of_sigma():
    """L = −¼ Tr[(Σ⁻¹ B_M)²]/q₁: the printed −¼ Tr[Σ² B_M B] is of another dimension."""
    (found,) = of("spectral")
    assert found.loss == -T2 / 4


def test_at_fifty_digits():
    """The formula with a norm penalty, in mpmath, for matrices that do not commute."""
    with mpmath.workdps(60):
        root = mpmath.matrix([[1, 2, 0], [0, 1, 1], [1, 0, 3]])
        A0, kappa, c = root * root.T / 5, mpmath.mpf(2) / 3, mpmath.mpf(3)
        Sigma = A0 + mpmath.diag([mpmath.mpf(1) / 3, 1, 2])
        values, vectors = mpmath.eigsy(Sigma)
        inverse = vectors * mpmath.diag([1 / mpmath.sqrt(value) for value in values]) * vectors.T
        B = A0 + 2 * kappa * c * Sigma
        levels, frame = mpmath.eigsy(inverse * B * inverse)
        (found,) = of("infonce+norm-penalty")
        kept = [1, 2]
        numbers = {"kappa": sympy.Rational(2, 3), m: 2, T1: sympy.Float(str(levels[1] + levels[2]), 60)}
        shift = mpmath.mpf(str(sympy.N(found.shift.subs(numbers), 60)))
        G = mpmath.zeros(3)
        for k in kept:
            height = (levels[k] - shift) / (2 * mpmath.mpf(3) / 4)
            assert height > 0
            column = inverse * frame[:, k]
            G += height * column * column.T
        trace = sum((G * Sigma)[i, i] for i in range(3))
        residual = G * (-2 * B + 3 * Sigma * G * Sigma + 4 * kappa * trace * Sigma)
        assert max(abs(x) for x in residual) < mpmath.mpf(10) ** -50


def test_written():
    (found,) = of("infonce+norm-penalty")
    assert found.text().splitlines()[1:4] == [
        "U Λ Uᵀ = Σ^(−½) A0 Σ^(−½)",
        "b_i = 2 c κ + λ_i",
        "h_i = ⅔ (b_i − θ) > 0 for the kept modes i ∈ M",
    ]
    assert dict(found.lines())["T_k"] == "Σ_M b_j^k"
    assert found.lines(LATEX)[4] == (r"\theta", r"\frac{4 T_{1} \kappa}{4 \kappa m + 3}")
    cases = of("barlow-twins")
    assert cases[0].text().startswith("λ - 1 >= 0, one mode a row (W A0 Wᵀ diagonal):\n")
    assert cases[0].minima().startswith("the m largest b_i, all that are > 0")
    assert cases[1].minima().startswith("the m largest b_i, all that are > θ")
    assert cases[0].index() == "(d1 − m)·#{i ∉ M: b_i > 0} + #{k ∈ M, i ∉ M: b_i > b_k}"


def test_a_multiple_of_the_correlation_is_told_in_it():
    (spectral,) = of("spectral")
    assert spectral.multiple == 2
    assert dict(spectral.lines()) == {
        "WᵀW": "Σ^(−½) U M diag(h) Uᵀ Σ^(−½)",
        "U Λ Uᵀ": "Σ^(−½) A0 Σ^(−½)",
        "h_i": "λ_i > 0 for the kept modes i ∈ M",
        "L": "−Σ_M λ_j^2",
    }
    # At a fixed norm θ is a level of b_i itself, which is λ_i for InfoNCE and 2 λ_i here.
    (infonce,) = of("infonce+norm-penalty", limit="kappa")
    assert dict(infonce.lines())["h_i"] == "⅔ (λ_i − θ) > 0 for the kept modes i ∈ M"
    assert dict(infonce.lines())["T_k"] == "Σ_M λ_j^k"
    (twice,) = of("spectral+norm-penalty", limit="kappa")
    assert twice.multiple is None
    assert dict(twice.lines())["b_i"] == "2 λ_i"


def test_weight_decay_is_not_told_in_correlations():
    (found,) = of("infonce+weight-decay")
    assert found.level_in_correlations is None
    assert found.text().splitlines()[1:] == [
        "U diag(b) Uᵀ = Σ^(−½) (A0 − γ I) Σ^(−½)",
        "h_i = ⅔ b_i > 0 for the kept modes i ∈ M",
        "L = −⅓ Σ_M b_j^2",
    ]


def test_one_eigenvalue_of_all_modes_leaves_the_frame_open():
    """With B a multiple of Σ any U will do, and A0 is not its frame."""
    x, chi = views("x, chi")
    (found,) = stationary(Loss(-inner(x, x) + Mean(inner(x, chi) ** 2, over=chi)).expand(4))
    assert dict(found.lines())["U diag(b) Uᵀ"] == "Σ^(−½) (Σ) Σ^(−½)"
    assert dict(found.lines())["b_i"] == "1"


def test_a_factor_of_one_is_left_out():
    x, x_pos, chi = views("x, x_pos, chi")
    (found,) = stationary(Loss(-inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi) / 2).expand(4))
    assert dict(found.lines())["h_i"] == "λ_i > 0 for the kept modes i ∈ M"
    assert dict(found.lines(LATEX))["h_{i}"] == r"\lambda_{i} > 0, \quad i \in M"


def test_a_bias_has_two_branches():
    off, on = of("infonce+norm-penalty+bias", limit="kappa")
    assert (off.given(), on.given()) == ("b = 0", "|b|² = c − Tr[W Σ Wᵀ] > 0")
    assert off.index().endswith(" + d1 where −θ > 0")
    assert on.given(LATEX) == r"|b|^2 = c - \operatorname{Tr}[W \Sigma W^{\top}] > 0"
    # With the bias on the norm costs nothing, and the points are those without a penalty.
    (plain,) = of("infonce")
    assert (on.power, on.loss, on.index()) == (plain.power, plain.loss, plain.index())


@pytest.mark.parametrize("c", [0.3, 2.0])
def test_at_a_fixed_norm_a_bias_that_is_off_is_held_by_the_norm(c):
    """Σ h + |b|² = c: what b takes the modes lose, which is a gain where θ < 0."""
    (x,) = views("x")
    loss = Loss(catalogue("infonce").expression + inner(x, x) / 5).with_norm_penalty().with_bias()
    off, on = stationary(loss.expand(order=4), limit="kappa")
    assert [text for _, text in off.descent] == ["", "θ"]
    lam = np.array([0.4, 0.7])
    put = {T1: lam.sum(), m: 2, sympy.Symbol("c"): c}
    falls = sum(float(value) * (float(off.shift.subs(put)) if word else 1.0) for value, word in off.descent)

    def at(t):
        """The loss at |b|² = t, the modes at their best: ¾ Σ h² − Σ λ h with Σ h = c − t, and 1/5 of each |f|²."""
        theta = (lam.sum() - 1.5 * (c - t)) / 2
        h = (lam - theta) / 1.5
        return float(0.75 * (h**2).sum() - lam @ h) + t / 5

    assert (at(1e-4) - at(-1e-4)) / 2e-4 == pytest.approx(-falls, abs=1e-9)
    # With b on, the modes are free of the norm, which is worth 1/5 of c.
    assert sympy.simplify(on.loss + T2 / 3 - sympy.Symbol("c") / 5) == 0


def test_with_a_bias_on_the_loss_counts_what_the_bias_gains():
    """Against the quartic itself, at W and b of the point."""
    expansion = catalogue("infonce+norm-penalty+bias").expand(order=4)
    _, on = stationary(expansion)
    a, c_1, kappa, c = 0.6, 0.5, 0.8, 2.0
    lam = a / (a + c_1)
    h = 2 * lam / 3
    b = c - h
    direct = -2 * c * kappa * (h + b) + kappa * (h + b) ** 2 - lam * h + 0.75 * h**2
    put = {T2: lam**2, sympy.Symbol("kappa"): kappa, sympy.Symbol("c"): c}
    assert float(on.loss.subs(put)) == pytest.approx(direct)


def test_a_sum_in_front_stands_in_parentheses():
    x, x_pos, chi = views("x, x_pos, chi")
    N = sympy.Symbol("N")
    (found,) = stationary(Loss(-inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi) / (N - 1)).expand(4))
    assert dict(found.lines())["h_i"].startswith(("(N - 1)/2 λ_i", "(N/2 - 1/2) λ_i"))


def test_where_the_single_trace_may_vanish_that_is_left_out():
    x, x_pos, chi = views("x, x_pos, chi")
    alpha = sympy.Symbol("alpha")
    (found,) = stationary(Loss(-inner(x, x_pos) + (alpha - 3) * Mean(inner(x, chi) ** 2, over=chi)).expand(4))
    assert found.given() == "α - 3 ≠ 0"
    assert found.given(LATEX) == r"\alpha - 3 \ne 0"


def test_what_has_no_formula_says_where_to_look():
    with pytest.raises(InputError, match="mode by mode in numbers"):
        of("dcl")
    with pytest.raises(InputError, match="one eigenvalue is kept"):
        of("vicreg-soft")
