"""Two encoders through order 4: stationary points against the gradient, which is lowest, decay, and what is refused."""

import numpy as np
import pytest
import sympy

from derive import (
    InputError,
    Loss,
    Mean,
    SecondMoment,
    catalogue,
    closed_form,
    exp,
    half_sq,
    identity,
    inner,
    log,
    log_det,
    symbols,
    views,
)
from derive.landscape.canonical_pairs import canonical_pairs
from derive.landscape.collapse import collapse
from derive.landscape.landscape import landscapes
from derive.landscape.recession import recession
from derive.landscape.summary import described
from derive.losses.limit import population
from numeric.kernels import kernel

N, tau = symbols("N tau")
x, chi = views("x, chi")
y, psi = views("x_text, psi_text", encoder="g")
PAIR = inner(x, y) / tau


def clip():
    texts = (N - 1) * Mean(exp(inner(x, psi) / tau), over=psi, count=N - 1)
    images = (N - 1) * Mean(exp(inner(chi, y) / tau), over=chi, count=N - 1)
    return Loss((log(texts + exp(PAIR)) + log(images + exp(PAIR))) / 2 - PAIR, name="clip")


def random_pairs(d0=3, second=4, seed=0):
    """Σ, Σ₂ and A of random pairs, the roots of Σ and Σ₂, and P, λ, Q."""
    joint = np.random.default_rng(seed).standard_normal((d0 + second, 2 * (d0 + second)))
    joint = joint @ joint.T / (d0 + second)
    one, two, A = joint[:d0, :d0], joint[d0:, d0:], joint[:d0, d0:]
    roots = []
    for matrix in (one, two):
        values, vectors = np.linalg.eigh(matrix)
        roots.append((vectors * np.sqrt(values)) @ vectors.T)
    P, values, Q = np.linalg.svd(np.linalg.solve(roots[0], A) @ np.linalg.inv(roots[1]))
    return (A, one, two), roots, (P, values, Q.T)


def encoders(powers, roots, canonical, *, d1=3):
    """W and V with Σ₁^½ WᵀV Σ₂^½ = P diag(m) Qᵀ, in another gauge than the symmetric one."""
    P, _, Q = canonical
    T = np.random.default_rng(1).standard_normal((d1, d1)) + 3 * np.eye(d1)
    size, side = np.diag(np.sqrt(np.abs(powers))), np.diag(np.sign(powers))
    W = size @ P.T @ np.linalg.inv(roots[0])
    V = side @ size @ Q[:, : len(powers)].T @ np.linalg.inv(roots[1])
    return T @ W, np.linalg.inv(T).T @ V


CASES = {
    "clip": (clip(), {"N": 5, "tau": 0.5}),
    "spectral": (catalogue("spectral").with_two_encoders(), {}),
    "siglip": (catalogue("siglip").with_two_encoders(), {"N": 4, "t": 2, "b": 1}),
    # A loss that pushes pairs apart keeps them, with −V for V.
    "apart": (Loss(2 * inner(x, y) + Mean(inner(x, psi) ** 2, over=psi), name="apart"), {}),
}


@pytest.mark.parametrize("mask", [(0, 1, 2), (0, 2), (1,), ()])
@pytest.mark.parametrize("name", CASES)
def test_the_points_are_stationary_and_no_others_near_them(name, mask):
    loss, values = CASES[name]
    expansion = loss.expand(4)
    pairs = canonical_pairs(expansion)
    matrices, roots, canonical = random_pairs()
    powers = np.zeros(3)
    powers[list(mask)] = pairs.powers(canonical[1][list(mask)].tolist(), values)
    emitted = kernel(expansion)

    def slope(W, V, given=matrices):
        return max(np.abs(one).max() for one in emitted.gradient(W, V, *given, **values))

    W, V = encoders(powers, roots, canonical)
    assert slope(W, V) < 1e-10
    if mask:
        # A wrong power, one encoder in place of two, and A for another pairing of its columns.
        assert slope(*encoders(1.02 * powers, roots, canonical)) > 1e-4
        assert slope(W, np.hstack([W, np.zeros((3, 1))])) > 1e-2
        assert slope(W, V, (matrices[0][::-1], *matrices[1:])) > 1e-3


@pytest.mark.parametrize("name", CASES)
def test_the_lowest_mask_is_that_of_the_largest_correlations_and_the_formula_has_its_loss(name):
    loss, values = CASES[name]
    expansion = loss.expand(4)
    pairs, emitted = canonical_pairs(expansion), kernel(expansion)
    matrices, roots, canonical = random_pairs(seed=3)
    found = {}
    for mask in [(0, 1), (0, 2), (1, 2), (0,), (1,), (2,), ()]:
        powers = np.zeros(3)
        powers[list(mask)] = pairs.powers(canonical[1][list(mask)].tolist(), values)
        found[mask] = emitted.value(*encoders(powers, roots, canonical), *matrices, **values)
    assert min(found, key=found.get) == (0, 1)
    # No W and V of two rows that a descent reaches is lower.
    generator = np.random.default_rng(0)
    for _ in range(5):
        W, V = generator.standard_normal((2, 3)), generator.standard_normal((2, 4))
        for _ in range(4000):
            one, two = emitted.gradient(W, V, *matrices, **values)
            W, V = W - 0.01 * one, V - 0.01 * two
        assert emitted.value(W, V, *matrices, **values) > found[0, 1] - 1e-9
    assert emitted.value(W, V, *matrices, **values) == pytest.approx(found[0, 1], rel=1e-4)


def test_one_kind_of_views_has_the_same_landscape():
    pairs = canonical_pairs(catalogue("spectral").with_two_encoders().expand(4))
    (one,) = landscapes(catalogue("spectral").expand(4))
    # −2λ h + h² of a mode with Σ = 1.
    assert (pairs.beta, pairs.q, pairs.u, pairs.p) == (2, 1, 0, 0)
    assert one.isotropic().q1 == pairs.q


def test_clip_of_the_population_is_the_quartic_and_nothing_else():
    whole = population(clip(), "N")
    closed = closed_form(whole)
    assert closed.text() == "−1/τ Tr[W A Vᵀ] + 1/(2 τ^2) Tr[W Σ Wᵀ V Σ₂ Vᵀ]"
    assert closed.series(4).terms == whole.expand(4).terms == whole.expand(8).terms
    pairs = canonical_pairs(whole.expand(4))
    assert pairs.powers([0.9, 0.2, 0.5], {"tau": sympy.Rational(1, 2)}, d1=2) == pytest.approx([0.45, 0, 0.25])
    found = described(whole, whole.expand(4))
    assert found.ends
    assert "through order 4" not in found.minima(pairs)


def test_a_closed_form_names_the_covariance_inside_its_logarithm():
    loss = catalogue("infonce").with_two_encoders()
    closed = closed_form(loss)
    assert closed.text().endswith("½ log det(I + T) + ½ Tr[W Σ Wᵀ T (I + T)⁻¹],  T = V Σ₂ Vᵀ")
    assert closed.series(8).terms == loss.expand(8).terms


@pytest.mark.parametrize("name", ["infonce", "beta-infonce", "spectral", "alignment-uniformity"])
def test_closed_forms_have_the_series_of_the_engine(name):
    loss = catalogue(name).with_two_encoders()
    closed = closed_form(loss)
    assert closed is None or closed.series(8).terms == loss.expand(8).terms


def test_clip_keeps_all_pairs_to_all_orders_and_says_what_is_exact():
    loss = clip()
    found = described(loss, loss.expand(4))
    assert (found.collapse.dimensional.text(), found.collapse.complete.text()) == ("never", "never")
    assert found.pulled
    assert not found.ends
    said = dict(found.lines())
    assert said["origin"].startswith("a saddle")
    assert said["all orders"] == "N → ∞: order 4 is all there is, and m_i = λ_i τ"
    assert found.to_json()["canonical_pairs"]["formulas"]["m_i"].startswith("N^2 λ_i τ/((N + S)(N + λ_i^2))")
    assert recession(loss).verdict == "bounded"


def test_a_parameter_with_the_name_of_a_letter_is_told_apart():
    S = symbols("S")
    loss = Loss(-S * inner(x, y) + Mean(inner(x, psi) ** 2, over=psi), name="named")
    assert "m_i = S λ_i/2" in dict(described(loss, loss.expand(4)).lines())["stationary"]


def test_weight_decay_asks_for_the_singular_values_of_A():
    loss = population(clip(), "N").with_weight_decay()
    lost = collapse(loss.expand(4))
    assert lost.dimensional.text() == "a_i - 2*gamma*tau <= 0 for some i"
    assert lost.complete.text() == "a_i - 2*gamma*tau <= 0 for all i"
    # At finite N the pairs are coupled.
    assert collapse(clip().with_weight_decay().expand(4)).dimensional is None
    with pytest.raises(InputError, match="depends on the scales"):
        canonical_pairs(loss.expand(4)).powers([0.5], {})


@pytest.mark.parametrize(("gamma", "kept"), [(0.3, 3), (0.6, 2), (1.7, 0)])
def test_descent_with_weight_decay_keeps_what_the_singular_values_of_A_say(gamma, kept):
    # Common axes, and scales that turn the order of λ around.
    lam, scales = np.array([0.9, 0.6, 0.5]), np.array([0.5, 1.5, 3.0])
    matrices = np.diag(lam * scales), np.diag(scales), np.diag(scales)
    loss = population(clip(), "N").with_weight_decay()
    emitted = kernel(loss.expand(4))
    generator = np.random.default_rng(2)
    W, V = generator.standard_normal((2, 3, 3))
    for _ in range(6000):
        one, two = emitted.gradient(W, V, *matrices, gamma=gamma, tau=0.5)
        W, V = W - 0.02 * one, V - 0.02 * two
    found = np.linalg.svd(np.sqrt(matrices[1]) @ W.T @ V @ np.sqrt(matrices[2]), compute_uv=False)
    # −(λ/τ) m + m²/2τ² + 2γ m/s is lowest at τ λ − 2 γ τ²/s.
    expected = np.maximum(0.5 * lam - 2 * gamma * 0.25 / scales, 0)
    assert found == pytest.approx(np.sort(expected)[::-1], abs=2e-3)
    condition = collapse(loss.expand(4)).dimensional
    values = {"gamma": sympy.nsimplify(gamma), "tau": sympy.Rational(1, 2)}
    assert condition.holds((lam * scales).tolist(), [0, 0, 0], values) == (kept < 3)
    assert int((expected > 0).sum()) == kept
    # W Wᵀ − V Vᵀ decays.
    assert np.abs(W @ W.T - V @ V.T).max() < 1e-3


def test_gradient_flow_conserves_what_it_is_said_to():
    loss, values = CASES["clip"]
    emitted = kernel(loss.expand(4))
    matrices, _, _ = random_pairs()
    W, V = np.random.default_rng(0).standard_normal((2, 3, 4))
    one, two = emitted.gradient(W[:, :3], V, *matrices, **values)
    change = one @ W[:, :3].T - two @ V.T
    assert np.abs(change + change.T).max() < 1e-12


@pytest.mark.parametrize(
    ("loss", "why"),
    [
        (catalogue("spectral"), "has one encoder"),
        (catalogue("infonce").with_two_encoders(), "no function of WᵀV: WᵀW and VᵀV enter too"),
        (catalogue("barlow-twins").with_two_encoders(), "looks at coordinates"),
        (Loss(half_sq(x, y) - inner(x, y) + Mean(inner(x, psi) ** 2, over=psi)), "WᵀW and VᵀV enter too"),
        (Loss(inner(*views("x, x_pos")) * Mean(inner(y, y), over=y) - inner(x, y)), "WᵀW and VᵀV enter too"),
    ],
)
def test_what_is_no_function_of_the_product_is_refused(loss, why):
    with pytest.raises(InputError, match=why):
        canonical_pairs(loss.expand(4))


def test_landscapes_of_modes_refuse_two_encoders_and_two_augmentations():
    with pytest.raises(InputError, match="canonical_pairs has that of two encoders"):
        landscapes(catalogue("spectral").with_two_encoders().expand(4))
    (strong,) = views("x_strong", augmentation=2)
    loss = Loss(-inner(x, strong) + Mean(inner(x, chi) ** 2, over=chi))
    with pytest.raises(InputError, match="it is not derived"):
        landscapes(loss.expand(4))
    assert described(loss, loss.expand(4)).collapse.dimensional is None


def test_a_mean_of_both_kinds_is_no_bound():
    # E⟨f(x), g(y)⟩ may have either sign, and |f|² does not weigh against |g|².
    for low in (2 * inner(x, y), 2 * Mean(inner(chi, chi), over=chi) - inner(y, y)):
        assert recession(Loss(low + log(1 + exp(-inner(x, y))), name="open")).bound is None


def test_a_quartic_that_falls_is_said_to_fall():
    loss = Loss(-inner(x, y) - Mean(inner(x, psi) ** 2, over=psi), name="falls")
    assert recession(loss).verdict == "unbounded"
    assert "fall without end" in canonical_pairs(loss.expand(4)).minima()
    assert described(loss, loss.expand(4)).collapse.dimensional is None


def test_what_no_landscape_of_pairs_holds_down_is_refused():
    loss = Loss(log_det(identity + SecondMoment(x, y)), name="determinant")
    with pytest.raises(InputError, match="has no term Tr"):
        canonical_pairs(loss.expand(4))


@pytest.mark.parametrize(
    ("push", "grows"), [(1, "grow at the rates a_i,"), (-1, "grow at the rates a_i,"), (0, "no pair")]
)
def test_pairs_that_are_pulled_pushed_apart_or_neither(push, grows):
    loss = Loss(Mean(inner(x, psi) ** 2, over=psi) - push * inner(x, y), name="pushed")
    found = canonical_pairs(loss.expand(4))
    assert grows in found.growth()
    assert ("a saddle" in found.origin()) == (push != 0)
    assert found.minima().startswith("WᵀV = 0" if push == 0 else "with d1")
