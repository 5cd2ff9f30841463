"""Elliptical data, x = s·g: cubature nodes of g times the atoms of s, against symbolic moments of s."""

from itertools import product
from math import factorial

import numpy as np
import pytest
import sympy
import torch
from sympy import Rational, sqrt

from derive import Elliptical, InputError, catalogue
from derive.algebra.words import trace
from numeric.invariants import order_values
from numeric.sampling import random_covariances
from verify.truths.taylor import cauchy, circle
from verify.truths.torch_losses import TORCH_LOSSES

# Two scales with E[s²] = 1: s² = 2/5 with chance 5/8, s² = 2 with chance 3/8.
SCALES, CHANCES = np.sqrt([0.4, 2.0]), np.array([0.625, 0.375])
MOMENTS = {k: float(CHANCES @ SCALES**k) for k in range(1, 7)}
ORDER, WIDTH, TAU = 6, 2, Rational(6, 5)


def scaled(views, weights, per):
    """Nodes (m, data, d) of the views times every combination of scales."""
    number = views[0].shape[1] * (1 if per == "datum" else len(views))
    z, w = [[] for _ in views], []
    for choice in product(range(len(SCALES)), repeat=number):
        s = SCALES[list(choice)].reshape(-1, views[0].shape[1])
        for k, one in enumerate(views):
            z[k].append(one * s[min(k, len(s) - 1)][:, None])
        w.append(weights * CHANCES[list(choice)].prod())
    return [np.concatenate(one) for one in z], np.concatenate(w)


def measured(name, per, data, W):
    ts = circle(0.15, 16)
    orders = range(2, ORDER + 1, 2)
    definition = TORCH_LOSSES[name]
    z, weights = scaled(*data.nodes(ORDER, data=2 if definition.over_batch else 1), per)
    z = [torch.from_numpy(one @ W.T) for one in z]
    values = []
    for t in map(complex, ts):
        if definition.over_batch:
            each = definition.evaluate(*(t * one for one in z), parameters={"tau": float(TAU)})
            values.append(complex(each.numpy() @ weights))
        else:
            (chi,), q = scaled(*data.nodes(ORDER, views=1), per)
            p, q = (torch.from_numpy(one).to(torch.complex128) for one in (weights, q))
            pair = [t * one[:, 0] for one in z]
            chi = torch.from_numpy(chi[:, 0] @ W.T)
            values.append(complex(definition.evaluate(*pair, p, t * chi, q, parameters={})))
    return dict(zip(orders, cauchy(np.array(values), ts, orders), strict=True))


@pytest.mark.parametrize("per", ["datum", "view"])
@pytest.mark.parametrize("name", ["infonce", "spectral", "ntxent"])
def test_symbolic_moments_of_the_scale(name, per):
    expansion = catalogue(name).expand(order=ORDER, data=Elliptical(per=per))
    values = ({"N": 2, "tau": TAU} if name == "ntxent" else {}) | {
        f"s{k}": Rational(MOMENTS[k]) for k in (1, 3, 4, 5, 6)
    }
    generator = np.random.default_rng(1)
    data = random_covariances(generator, WIDTH)
    W = generator.standard_normal((WIDTH, WIDTH)) / 2
    A0 = data.A0 * (MOMENTS[1] ** 2 if per == "view" else 1)  # E[x x′ᵀ] of the data themselves
    found = order_values(expansion.set(values), W, A0, data.Sigma)
    assert found == pytest.approx(measured(name, per, data, W), rel=1e-6, abs=1e-6)


def test_the_scales_have_unit_second_moment():
    assert MOMENTS[2] == pytest.approx(1)
    assert MOMENTS[1] < 0.96
    assert 1.4 < MOMENTS[4] < MOMENTS[6]


S2, S_S = (trace("SS"),), (trace("S"), trace("S"))


def test_infonce_of_elliptical_data():
    """Order 4 is ½ E_x Var_χ(½|χ|² − x·χ), and E|χ|⁴ = s4 (2 Tr S² + (Tr S)²)."""
    s4 = Elliptical().moment(4)
    for per in ("datum", "view"):
        fourth = {t.invariants: t.coefficient for t in catalogue("infonce").expand(data=Elliptical(per=per)).terms}
        assert set(fourth) == {(trace("A"),), S2, S_S}
        assert sympy.expand(fourth[S2] - (s4 / 4 + Rational(1, 2))) == 0
        assert sympy.expand(fourth[S_S] - (s4 - 1) / 8) == 0


def test_exponential_scales_per_view():
    """E s^k = k!/2^(k/2): E[s]² = ½, E s⁴ = 6, E s⁶ = 90 in units where E s² = 1."""
    # The same from the quadrature of the exponential law, rescaled.
    nodes, weights = np.polynomial.laguerre.laggauss(12)
    rescaled = nodes / np.sqrt(weights @ nodes**2)
    moments = {1: sqrt(Rational(1, 2)), 4: Rational(factorial(4), 4), 6: Rational(factorial(6), 8)}
    for k, moment in moments.items():
        assert float(moment) == pytest.approx(weights @ rescaled**k, rel=1e-10)
    expansion = catalogue("infonce").expand(order=6, data=Elliptical(moments, per="view"))
    symbolic = catalogue("infonce").expand(order=6, data=Elliptical(per="view"))
    assert expansion == symbolic.set({f"s{k}": moment for k, moment in moments.items()})
    fourth = {term.invariants: term.coefficient for term in expansion.terms_of_order(4)}
    assert fourth == {S2: 2, S_S: Rational(5, 8)}


def test_moments_of_a_constant_scale_are_gaussian():
    for per in ("datum", "view"):
        constant = Elliptical(dict.fromkeys((1, 3, 4, 5, 6), 1), per=per)
        for name in ("infonce", "ntxent", "barlow-twins"):
            assert catalogue(name).expand(order=6, data=constant).terms == catalogue(name).expand(order=6).terms


def test_the_assumptions_are_named():
    for per in ("datum", "view"):
        named = catalogue("infonce").expand(data=Elliptical(per=per)).assumptions
        assert named == ("zero mean", f"elliptical, one scale s per {per}", "E[s^2] = 1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"per": "batch"}, "Elliptical(per='batch'): a scale is drawn per 'datum' or per 'view'"),
        ({"moments": {2: 3}}, "Elliptical: E[s²] = 1 fixes the unit of s; divide E[s^k] by E[s²]^(k/2)"),
        (
            {"moments": {4: Rational(1, 2)}},
            "Elliptical: E[s⁴] = 1/2 is below E[s²]² = 1, which no random scale has",
        ),
        ({"moments": {4: 1.5}}, "1.5 is not exact; write sympy.Rational(3, 2) for it"),
    ],
)
def test_moments_that_no_scale_has(arguments, message):
    with pytest.raises(InputError) as refused:
        Elliptical(**arguments)
    assert str(refused.value) == message


@pytest.mark.parametrize("moments", [{1: 2}, {1: 0}, {2: "1"}, {6: Rational(1, 2)}, {4: 2, 6: 3}])
def test_other_moments_that_no_scale_has(moments):
    """E[s]² ≤ E[s²], E[s⁶] ≥ E[s⁴]² and text are no more possible than E[s⁴] < 1; s of mean zero leaves no A0."""
    with pytest.raises(InputError):
        Elliptical(moments, per="view")
