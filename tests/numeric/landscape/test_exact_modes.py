"""The exact landscape in numbers: every stationary point, against direct minimisation, and mutants that must fail."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Rational

from derive import InputError, Loss, Mean, catalogue, closed_form, exp, inner, log, views
from derive.landscape.exact_modes import exact_modes
from derive.landscape.landscape import a_i, c_i
from derive.landscape.mode_potential import ModePotential, b, h
from numeric.landscape.closed_form import closed_form_value
from numeric.landscape.exact_modes import collapse_threshold, hessian_index, stationary_modes
from numeric.sampling import random_covariances

PARAMETERS = {
    "infonce": {},
    "beta-infonce": {"beta": Rational(4, 5)},
    "alignment-uniformity": {"lambda": 3, "t": Rational(2, 3)},
    "spectral": {},
    "infonce+weight-decay": {"gamma": Rational(1, 10)},
}
MODES = {name: exact_modes(closed_form(catalogue(name))) for name in PARAMETERS}
INFONCE = MODES["infonce"]


@pytest.mark.parametrize("ratio", [Rational(1, 1000), Rational(1, 10), 1, 10, 1000])
@pytest.mark.parametrize("name", PARAMETERS)
def test_the_closed_form_is_the_only_root(name, ratio):
    """Fifty digits: isolated roots of φ′ = b against the closed form."""
    modes, put = MODES[name], PARAMETERS[name]
    found = stationary_modes(modes, 1, ratio, put, dps=50)
    symbols = {symbol: put.get(symbol.name) for symbol in modes.level.free_symbols | modes.phi.free_symbols}
    values = {symbol: {"a_i": 1, "c_i": ratio}.get(symbol.name, value) for symbol, value in symbols.items()}
    values.pop(h, None)
    (height,) = modes.heights
    expected = sympy.N(height.subs(values), 60)
    if expected <= 0:
        assert found == ()
        return
    (one,) = found
    assert one.kind == "minimum"
    with mpmath.workdps(60):
        exact = mpmath.mpf(str(expected))
        assert abs(one.height / exact - 1) < mpmath.mpf(10) ** -48
        residual = sympy.lambdify(h, sympy.diff(modes.potential.subs(values), h), "mpmath")
        assert abs(residual(one.height)) < mpmath.mpf(10) ** -45
        assert residual(one.between[0]) < 0 < residual(one.between[1])
        assert one.loss < 0


def bisected(closed, a, c, low=-8, high=8):
    """The h at which the derivative of the landscape of one number changes sign; no formula but the loss's value."""

    def loss(logarithm):
        scale = mpmath.exp(logarithm)
        w = mpmath.sqrt(scale / (a + c))
        return closed_form_value(closed, *(mpmath.matrix([[one]]) for one in (w, a, a + c)))

    def slope(logarithm):
        step = mpmath.mpf(10) ** -20
        return (loss(logarithm + step) - loss(logarithm - step)) / (2 * step)

    assert slope(low) < 0 < slope(high)
    return mpmath.exp(mpmath.findroot(slope, (low, high), solver="anderson", tol=1e-40, maxsteps=200))


@pytest.mark.parametrize("exponent", range(-3, 4))
def test_the_minimum_is_that_of_direct_minimisation(exponent):
    closed = closed_form(catalogue("infonce"))
    with mpmath.workdps(60):
        a, c = mpmath.mpf(1), mpmath.mpf(10) ** exponent
        (minimum,) = stationary_modes(INFONCE, 1, Rational(10) ** exponent, dps=40)
        assert abs(bisected(closed, a, c) / minimum.height - 1) < mpmath.mpf(10) ** -12


MUTANTS = {
    "the logarithm's half lost": lambda closed: replace(
        closed, log_determinants=tuple(replace(one, coefficient=2 * one.coefficient) for one in closed.log_determinants)
    ),
    "the resolvent's sign": lambda closed: replace(
        closed, resolvents=tuple(replace(one, coefficient=-one.coefficient) for one in closed.resolvents)
    ),
    "the resolvent's half lost": lambda closed: replace(
        closed, resolvents=tuple(replace(one, coefficient=2 * one.coefficient) for one in closed.resolvents)
    ),
    "no logarithm": lambda closed: replace(closed, log_determinants=()),
    "the other sign of the polynomial": lambda closed: replace(
        closed,
        polynomial=closed.polynomial.with_terms(
            [(term.invariants, -term.coefficient) for term in closed.polynomial.terms]
        ),
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_closed_form_has_other_minima(mutant):
    wrong = exact_modes(MUTANTS[mutant](closed_form(catalogue("infonce"))))
    with mpmath.workdps(50):
        right = bisected(closed_form(catalogue("infonce")), mpmath.mpf(1), mpmath.mpf(2))
        assert all(abs(one.height / right - 1) > 1e-2 for one in stationary_modes(wrong, 1, 2, dps=30))


def landscape(A0, Sigma):
    """InfoNCE's closed form, written by hand in torch: Tr[W C Wᵀ] − ½ log det(I + S) − ½ Tr[S (I + S)⁻¹]."""
    import torch

    A0, Sigma = torch.tensor(A0), torch.tensor(Sigma)

    def loss(W):
        S = W @ Sigma @ W.mT
        whole = torch.eye(len(W), dtype=W.dtype) + S
        return ((W @ (Sigma - A0)) * W).sum() - torch.logdet(whole) / 2 - torch.linalg.solve(whole, S).trace() / 2

    return loss


def aligned(A0, Sigma):
    """Σ^(−½), the eigenvalues of Σ^(−½) A0 Σ^(−½), and its eigenvectors."""
    values, vectors = np.linalg.eigh(Sigma)
    root = vectors / np.sqrt(values) @ vectors.T
    levels, axes = np.linalg.eigh(root @ A0 @ root)
    return root, levels, axes


@pytest.mark.parametrize("augmentation", [1e-3, 1.0, 1e3])
def test_matrices_that_do_not_commute(augmentation):
    """Newton's method on a 3×3 W from a random start: the same heights and the same loss, mode by mode."""
    import torch

    data = random_covariances(np.random.default_rng(4), 3, augmentation=augmentation)
    A0, Sigma = data.A0, data.Sigma
    assert np.abs(A0 @ Sigma - Sigma @ A0).max() > 1e-5 * np.abs(Sigma).max()
    root, levels, _ = aligned(A0, Sigma)
    predicted = [stationary_modes(INFONCE, level, 1 - level, dps=20)[0] for level in map(float, levels)]
    heights = np.array([float(one.height) for one in predicted])
    # In units in which Σ is the identity, so that the descent is well-conditioned.
    unit = landscape(root @ A0 @ root, np.eye(3))
    V = torch.tensor(np.random.default_rng(0).standard_normal((3, 3)) * np.sqrt(heights.mean()), requires_grad=True)
    descent = torch.optim.LBFGS([V], max_iter=2000, line_search_fn="strong_wolfe", tolerance_change=0, history_size=30)

    def closure():
        descent.zero_grad()
        value = unit(V)
        value.backward()
        return value

    descent.step(closure)
    V = V.detach()
    for _ in range(4):
        # The Hessian is singular along the rotations of the embedding.
        step = torch.linalg.pinv(torch.autograd.functional.hessian(unit, V).reshape(9, 9), rtol=1e-7)
        V -= (step @ torch.autograd.functional.jacobian(unit, V).reshape(9)).reshape(3, 3)
    reached = float(landscape(A0, Sigma)(V @ torch.tensor(root)))
    assert reached == pytest.approx(sum(float(one.loss) for one in predicted), rel=1e-12, abs=1e-15)
    assert torch.linalg.eigvalsh(V @ V.mT).numpy() == pytest.approx(np.sort(heights), rel=1e-11)


@pytest.mark.parametrize("kept", [(), (0,), (2,), (1, 2), (0, 1), (0, 1, 2)])
@pytest.mark.parametrize("d1", [3, 4])
def test_the_index_is_that_of_the_hessian(kept, d1):
    """Automatic differentiation of the hand-written landscape, at saddles for A0 and C that do not commute."""
    import torch

    data = random_covariances(np.random.default_rng(7), 3)
    root, levels, axes = aligned(data.A0, data.Sigma)
    heights = [
        float(stationary_modes(INFONCE, level, 1 - level, dps=20)[0].height) if i in kept else 0
        for i, level in enumerate(map(float, levels))
    ]
    V = np.zeros((d1, 3))
    V[:3] = np.diag(np.sqrt(heights)) @ axes.T
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((d1, d1)))[0]
    W = torch.tensor(turn @ V @ root, requires_grad=True)
    loss = landscape(data.A0, data.Sigma)
    (gradient,) = torch.autograd.grad(loss(W), W)
    assert float(gradient.abs().max()) < 1e-13
    hessian = torch.autograd.functional.hessian(loss, W.detach()).reshape(3 * d1, 3 * d1)
    negative = int((torch.linalg.eigvalsh(hessian) < -1e-9).sum())
    assert hessian_index(INFONCE, list(levels), heights, d1) == negative


def test_truncations_over_the_range_of_augmentations():
    """Order 4 is right where augmentation is strong; order 6 has no minimum where it is weak."""
    for exponent, ratio in ((-3, 1.332e-3), (0, 0.5393), (3, 0.999112)):
        exact, four = (stationary_modes(one, 1, Rational(10) ** exponent)[0] for one in (INFONCE, INFONCE.truncated(4)))
        assert float(four.height / exact.height) == pytest.approx(ratio, rel=1e-3)
    assert stationary_modes(INFONCE.truncated(6), 1, 1) == ()
    assert [one.kind for one in stationary_modes(INFONCE.truncated(6), 1, 3)] == ["minimum", "maximum"]
    eight = stationary_modes(INFONCE.truncated(8), 1, 1)
    assert [one.kind for one in eight] == ["minimum"]


def test_a_transition_that_jumps():
    """φ = h³ − h² has its infimum of φ/h = h² − h at h = ½: the minimum jumps there at b = −¼."""
    modes = ModePotential(b, h**3 - h**2)
    assert collapse_threshold(modes, 1, 1, {"b_i": 0}) == pytest.approx(-0.25)
    assert [one.kind for one in stationary_modes(modes, 1, 1, {"b_i": Rational(-1, 5)})] == ["maximum", "minimum"]
    assert [one.kind for one in stationary_modes(modes, 1, 1, {"b_i": Rational(-1, 3)})] == ["inflection"]
    assert collapse_threshold(ModePotential(b, -(h**2)), 1, 1, {"b_i": 0}) == mpmath.ninf
    assert collapse_threshold(MODES["beta-infonce"], 1, 1, PARAMETERS["beta-infonce"]) == 0


def test_numbers_of_every_kind():
    same = [stationary_modes(INFONCE, one, 1, dps=20)[0].height for one in (0.5, Rational(1, 2), mpmath.mpf("0.5"))]
    assert len(set(same)) == 1
    irrational = stationary_modes(MODES["beta-infonce"], 1, sympy.sqrt(2), {"beta": sympy.pi / 4}, dps=30)
    assert irrational[0].kind == "minimum"
    residual = sympy.diff(MODES["beta-infonce"].potential, h).subs(
        {a_i: 1, c_i: sympy.sqrt(2), "beta": sympy.pi / 4, h: sympy.Float(irrational[0].height, 40)}
    )
    assert abs(sympy.N(residual, 40)) < 1e-28


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, -1), "a = 1, c = -1: the eigenvalues of A0 and C are not negative, and not both zero"),
        ((0, 0), "a = 0, c = 0: the eigenvalues of A0 and C are not negative, and not both zero"),
        ((1, 1), "parameters: 'beta' is missing; there are: beta"),
        ((1, 1, {"beta": 1, "tau": 2}), "parameters: 'tau' is unknown; there are: beta"),
        ((1, 1, {"beta": sympy.Symbol("y")}), "beta = y is not a number"),
    ],
)
def test_unusable_numbers(arguments, message):
    with pytest.raises(InputError) as error:
        stationary_modes(MODES["beta-infonce"], *arguments)
    assert str(error.value) == message


def test_unusable_points():
    with pytest.raises(InputError) as error:
        hessian_index(INFONCE, [0.5, 0.5], [1.0, 1.0], 1)
    assert str(error.value) == "heights = [1.0, 1.0]: heights are 0 or positive, and at most d1 = 1 are positive"
    with pytest.raises(InputError) as error:
        hessian_index(ModePotential(b, h**2 * a_i), [0.5], [0], 1)
    assert str(error.value) == "modes: φ depends on a_i and c_i, and the index is not known then"


def test_roots_beyond_the_domain_are_no_stationary_points():
    """ℓ = −h/2 + ½·log(1 − h²)·k by hand: φ′ = b has roots at h > 1 too, where the loss is infinite."""
    x, x_pos, chi, psi = views("x, x_pos, chi, psi")
    pairs = log(Mean(exp(inner(chi, psi)), over=(chi, psi)))
    up = exact_modes(closed_form(Loss(-inner(x, x_pos) + pairs)))
    (one,) = stationary_modes(up, 1, 1)
    grid = np.linspace(1e-6, 1 - 1e-6, 400_001)
    assert float(one.height) == pytest.approx(grid[np.argmin(-grid / 2 - np.log(1 - grid**2) / 2)], abs=1e-5)
    assert one.kind == "minimum"
    # Downwards: ℓ = −h + ½ log(1 − h²) falls all the way to the end, and has no stationary point but 0.
    down = exact_modes(closed_form(Loss(-inner(x, x) - pairs)))
    assert stationary_modes(down, 1, 1) == ()
    unlimited = replace(down, end=sympy.oo)
    assert len(stationary_modes(unlimited, 1, 1)) == 1
    assert collapse_threshold(down, 1, 1) == mpmath.ninf
    assert collapse_threshold(up, 1, 1) == 0
