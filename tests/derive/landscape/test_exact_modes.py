"""The exact landscape mode by mode: its potential, its stationary points in closed form, and what truncation does."""

import pytest
import sympy
from sympy import Rational, symbols

from derive import CATALOGUE, InputError, Loss, Mean, catalogue, closed_form, exp, half_sq, inner, log, views
from derive.landscape.exact_modes import exact_modes, why_coupled
from derive.landscape.landscape import a_i as a
from derive.landscape.landscape import c_i as c
from derive.landscape.mode_potential import ModePotential, b, h
from derive.losses.limit import population

beta, gamma, lamda, t, tau = symbols("beta gamma lambda t tau")
x, x_pos, chi, psi = views("x, x_pos, chi, psi")

mixed = inner(x, chi) - inner(x_pos, chi) - inner(chi, chi)
MODES = {
    "infonce": exact_modes(closed_form(catalogue("infonce"))),
    "beta-infonce": exact_modes(closed_form(catalogue("beta-infonce"))),
    "weighted-infonce": exact_modes(closed_form(population(catalogue("weighted-infonce")))),
    "alignment-uniformity": exact_modes(closed_form(catalogue("alignment-uniformity"))),
    "spectral": exact_modes(closed_form(catalogue("spectral"))),
    "dcl": exact_modes(closed_form(population(catalogue("dcl")))),
    "infonce+weight-decay": exact_modes(closed_form(catalogue("infonce+weight-decay"))),
    "mixed letters": exact_modes(
        closed_form(
            Loss(half_sq(x, x_pos) + log(Mean(exp(inner(x, chi) - inner(x_pos, chi) - inner(chi, chi)), over=chi)))
        )
    ),
}
NUMBERS = {beta: Rational(4, 5), gamma: Rational(1, 10), lamda: 3, t: Rational(2, 3), tau: Rational(1, 2)}
SOME = [(1, 1), (2, Rational(1, 7)), (1, Rational(1, 1000)), (Rational(5, 3), Rational(1, 2))]


@pytest.mark.parametrize("name", MODES)
def test_the_series_of_the_potential_is_that_of_the_expansion(name):
    """Each trace word of the engine's expansion, on one mode, against the Taylor series of ℓ in h."""
    modes = MODES[name]
    value = {"A": a / (a + c), "S": sympy.S.One, "C": c / (a + c), "I": 1 / (a + c)}
    engine = sum(
        term.coefficient * sympy.Mul(*(value[letter] for letter in term.invariants[0][0][1])) * h ** (term.order // 2)
        for term in modes.closed.series(8).terms
    )
    series = sympy.series(modes.potential, h, 0, 5).removeO()
    assert sympy.simplify(series - engine) == 0


@pytest.mark.parametrize("name", MODES)
def test_b_is_that_of_the_expansion(name):
    modes = MODES[name]
    B = modes.closed.polynomial if modes.closed.finite else modes.closed.series(4)
    of = B.B
    assert sympy.simplify(modes.level - (of["A0"] * a + of["C"] * c + of.get("I", 0)) / (a + c)) == 0
    assert modes.phi.subs(h, 0) == 0
    assert modes.slope.subs(h, 0) == 0


@pytest.mark.parametrize("numbers", SOME)
@pytest.mark.parametrize("name", MODES)
def test_the_closed_form_is_stationary_to_fifty_digits(name, numbers):
    modes = MODES[name]
    put = {a: numbers[0], c: numbers[1], **NUMBERS}
    (height,) = modes.heights
    at = sympy.N(height.subs(put), 60)
    assert (at > 0) == (modes.level.subs(put) > 0)
    residual = sympy.diff(modes.potential, h).subs(put).subs(h, at)
    assert abs(sympy.N(residual, 60)) < 10**-45


def test_infonce():
    """ℓ = r h − ½ log(1 + h) − ½ h/(1 + h) with r = c/(a + c); with y = 1/(1 + h), y² + y = 2r."""
    modes = MODES["infonce"]
    r = c / (a + c)
    assert sympy.simplify(modes.potential - (r * h - sympy.log(1 + h) / 2 - h / (1 + h) / 2)) == 0
    (height,) = modes.heights
    y = 1 / (1 + height)
    assert sympy.simplify(y**2 + y - 2 * r) == 0
    assert (modes.collapse, modes.bounded, modes.edge) == (sympy.false, sympy.true, -Rational(1, 2))
    assert not modes.commuting_only
    assert modes.text() == MODES["weighted-infonce"].text()


def test_the_transitions():
    """Exactly where the origin turns stable, and continuous, as each φ is convex."""
    assert all(modes.convex for modes in MODES.values())
    assert MODES["beta-infonce"].collapse == (a * beta + beta * c - c <= 0)
    assert MODES["alignment-uniformity"].collapse == (2 * a * lamda * t + 2 * c * lamda * t - 2 * c <= 0)
    assert MODES["infonce+weight-decay"].collapse == (a - gamma <= 0)
    assert MODES["spectral"].collapse == sympy.false
    assert all(modes.bounded == sympy.true for name, modes in MODES.items() if name != "mixed letters")


def test_what_order_4_says_of_infonce():
    """The quartic minimum sits at h = 2b/3 ≤ 2/3: far too near once augmentation is weak."""
    modes = MODES["infonce"]
    quartic = modes.truncated(4)
    assert quartic.heights == (sympy.factor(2 * a / (3 * (a + c))),)
    assert quartic.bounded == sympy.true
    assert modes.ratio_near_transition(4, terms=3) == 1 - Rational(8, 9) * b - Rational(4, 81) * b**2
    assert modes.ratio_without_augmentation(4) == 4 * c / (3 * a)
    kappa = symbols("kappa", positive=True)
    ratio = modes.ratio(4).subs({a: 1, c: kappa})
    assert sympy.limit(ratio, kappa, sympy.oo) == 1
    assert sympy.limit(ratio / kappa, kappa, 0) == Rational(4, 3)


def test_what_order_6_says_of_infonce():
    """It is unbounded below, and has no stationary point but the origin unless c ≥ 23/9 a."""
    sextic = MODES["infonce"].truncated(6)
    assert sextic.bounded == sympy.false
    assert len(sextic.heights) == 2
    assert sympy.simplify(sextic.real.lhs.subs(c, 23 * a / 9)) == 0
    assert sextic.real.subs({a: 1, c: 3}) == sympy.true
    assert sextic.real.subs({a: 1, c: 2}) == sympy.false
    assert MODES["infonce"].ratio_near_transition(6, terms=3).coeff(b, 1) == 0
    assert MODES["infonce"].ratio_without_augmentation(6) is None


def test_the_series_of_the_ratio_is_that_of_the_roots():
    for name in ("infonce", "beta-infonce", "alignment-uniformity"):
        modes = MODES[name]
        for order in (4, 6):
            ratio = (modes.truncated(order).branch / modes.branch).subs(NUMBERS)
            series = modes.ratio_near_transition(order, terms=3).subs(NUMBERS)
            at = Rational(1, 10**6)
            assert abs(sympy.N((ratio - series).subs(b, at), 40)) < 200 * at**3


def test_modes_that_do_not_separate():
    assert why_coupled(closed_form(catalogue("infonce"))) == ""
    coupled = closed_form(catalogue("infonce+norm-penalty"))
    assert exact_modes(coupled) is None
    assert why_coupled(coupled) == "products of traces couple the modes"
    for name in ("barlow-twins", "vicreg-soft"):
        assert exact_modes(closed_form(catalogue(name))) is None
        assert why_coupled(closed_form(catalogue(name))) == "the loss is not invariant under rotations of the embedding"
    separate = {name for name in CATALOGUE if (found := closed_form(catalogue(name))) and exact_modes(found)}
    assert separate == {"infonce", "beta-infonce", "spectral", "alignment-uniformity", "supcon"}


def test_words_that_mix_the_letters_need_commuting_matrices():
    assert MODES["mixed letters"].commuting_only
    assert not any(modes.commuting_only for name, modes in MODES.items() if name != "mixed letters")


def test_a_potential_that_is_not_convex_is_left_open():
    modes = ModePotential(b, h**3 / 3 - h**2)
    assert not modes.convex
    assert modes.collapse is None
    assert modes.bounded == sympy.true
    assert len(modes.heights) == 2
    assert ModePotential(b, h**5 - h**2).heights == ()
    assert ModePotential(b, h**5 - h**2).real is None
    assert ModePotential(b, beta * h**2).bounded == sympy.true
    open_sign = ModePotential(b, (beta - tau) * h**2)
    assert (open_sign.bounded, open_sign.unbounded) == (2 * beta - 2 * tau > 0, 2 * beta - 2 * tau < 0)


def test_unusable_orders():
    for order in (2, 5):
        with pytest.raises(InputError) as error:
            MODES["infonce"].truncated(order)
        assert str(error.value) == f"truncated(order={order}): give an even order of 4 or more"
    flat = ModePotential(b, h**3)
    with pytest.raises(InputError) as error:
        flat.leaving(2)
    assert str(error.value) == "the quartic term vanishes, and the minimum does not leave the origin linearly"


def test_written():
    assert MODES["alignment-uniformity"].text().splitlines() == [
        "mode      ℓ(h_i) = 2 h_i(1 - λ_i) - λ log(4 h_i t + 1)/2",
        "level     b_i = 2 λ t + 2 λ_i - 2",
        "collapse  2 λ t + 2 λ_i - 2 <= 0",
        "minimum   h_i = (λ t + λ_i - 1)/(4 t(1 - λ_i)) where h_i > 0",
        "bounded   yes",
        "far out   ℓ(h_i) ~ 2 h_i(1 - λ_i) - λ log(h_i)/2",
    ]
    latex = MODES["infonce"].latex()
    assert latex.startswith(r"\begin{aligned}\text{mode}\quad & \ell(h_{i}) = ")
    assert r"\sqrt{9 - 8 \lambda_{i}}" in latex
    assert MODES["infonce"]._repr_latex_() == f"$\\displaystyle {latex}$"
    with_parameter = MODES["beta-infonce"].latex()
    assert r" \text{ where } h_{i} > 0" in with_parameter
    assert r"\text{never}" in latex
    assert r"\sim" in latex


def test_a_loss_that_is_linear_in_h_has_no_stationary_point():
    modes = exact_modes(closed_form(Loss(half_sq(x, x_pos))))
    assert modes.heights == ()
    assert modes.branch is None
    assert "0 = b_i" not in modes.text()
    assert "zoo" not in modes.text() + modes.latex()
    assert (modes.collapse, modes.bounded) == (sympy.true, sympy.true)
    down = exact_modes(closed_form(Loss(-half_sq(x, x_pos))))
    assert (down.collapse, down.bounded) == (sympy.false, sympy.false)
    constant = exact_modes(closed_form(Loss(0 * inner(x, x_pos))))
    assert (constant.collapse, constant.bounded) == (sympy.true, sympy.true)


pairs = log(Mean(exp(inner(chi, psi)), over=(chi, psi)))
apart = log(Mean(exp(half_sq(x, chi)), over=chi))
ENDS = {
    # L, h at which E exp stops being finite, whether the loss is bounded below.
    "bounded by a mean that diverges": (-inner(x, x_pos) + pairs, 1, True),
    "unbounded by one": (inner(x, x_pos) - pairs, 1, False),
    "a resolvent": (-inner(x, x_pos) + apart, 1, True),
    "a resolvent downwards": (half_sq(x, x_pos) - apart, 1, False),
    "scaled": (-2 * inner(x, x_pos) + log(Mean(exp(2 * inner(chi, psi)), over=(chi, psi))), Rational(1, 2), True),
    "the nearest of two ends, upwards": (
        log(Mean(exp(2 * inner(chi, psi)), over=(chi, psi))) - pairs,
        Rational(1, 2),
        True,
    ),
    "the nearest of two ends, downwards": (
        inner(x, x) + pairs - log(Mean(exp(2 * inner(chi, psi)), over=(chi, psi))),
        Rational(1, 2),
        False,
    ),
    "only damped": (-inner(x, x_pos) - log(Mean(exp(-half_sq(x, chi)), over=chi)), sympy.oo, False),
}


@pytest.mark.parametrize("name", ENDS)
def test_growth_is_taken_within_the_domain(name):
    """By hand: log E exp of one coordinate is −½ log(1 − K v) by the integral, infinite from v = 1/K on."""
    expression, end, bounded = ENDS[name]
    modes = exact_modes(closed_form(Loss(expression)))
    assert modes.end == end
    assert modes.bounded == sympy.sympify(bounded)
    assert modes.unbounded == sympy.Not(modes.bounded)
    put = {a: 2, c: Rational(1, 3)}
    # ℓ itself, ever nearer to its end.
    near = [end * (1 - sympy.Rational(1, 10**k)) if end != sympy.oo else 10**k for k in (3, 30, 300)]
    values = [sympy.N(modes.potential.subs(put).subs(h, at), 20) for at in near]
    assert (values[2] > values[1] > values[0]) == bounded
    assert values[2] > 100 or values[2] < -100


def test_a_parameter_may_decide_where_the_domain_ends():
    modes = exact_modes(closed_form(Loss(-inner(x, x_pos) + log(Mean(exp(inner(chi, psi) / tau), over=(chi, psi))))))
    assert (modes.end, modes.bounded, modes.convex) == (tau, sympy.true, True)
    assert "h_i < τ" in modes.text()
    two = log(Mean(exp(inner(chi, psi) / tau), over=(chi, psi)))
    assert exact_modes(closed_form(Loss(two + pairs))).bounded == sympy.true
    first = exact_modes(closed_form(Loss(two - pairs)))
    assert (first.end, first.bounded) == (sympy.Min(1, tau), None)
    assert first.why_open == "parameters decide which of several exponentials is the first to have no mean"
    signed = exact_modes(closed_form(Loss(log(Mean(exp((beta - tau) * half_sq(x, chi)), over=chi)))))
    assert (signed.end, signed.bounded) == (None, None)
    assert not signed.convex
    assert "sign of a parameter" in signed.why_open


def test_heights_that_are_nowhere_real_and_positive_are_left_out():
    complex_ones = ModePotential(sympy.Rational(3, 2), h - h / (2 * (h + 1)) - sympy.log(h + 1) / 2)
    assert complex_ones.real == sympy.false
    assert (complex_ones.heights, complex_ones.none) == ((), True)
    negative = ModePotential(-a, h**2)
    assert (negative.heights, negative.none) == ((), True)
    kept = ModePotential(a, h**2)
    assert (kept.heights, kept.none) == ((a / 2,), False)
    # No formula is not none.
    assert not ModePotential(-a, h**5 + h**2).none
