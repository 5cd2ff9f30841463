"""The series in 1/τ, against Bessel functions for equal modes and hand-written losses of drawn unit vectors."""

import numpy as np
import pytest
import sympy
import torch
from sympy import Rational

from derive import InputError, Loss, catalogue, cosine, inner, views
from derive.sphere.temperature import in_cosines

R, K = sympy.symbols("r k")


def isotropic(moment):
    """The mean of a product of cosines over uniform unit vectors, for the graphs of InfoNCE: stars around y."""
    total = sympy.S.One
    for graph in moment:
        times = {}
        for edge in graph:
            times[edge] = times.get(edge, 0) + 1
        for number in times.values():
            # E cos^(2l) = (2l − 1)!!/(r (r + 2) … (r + 2l − 2)); the spokes of a star are independent.
            for j in range(number // 2):
                total *= Rational(2 * j + 1) / (R + 2 * j)
    return total


def test_infonce_has_the_series_of_a_bessel_function():
    """log E exp(k cos) = log ₀F₁(r/2; k²/4) for uniform unit vectors."""
    found = in_cosines(catalogue("infonce+normalised").set({"tau": 1 / K}), 8)
    repelled = sum(term.coefficient * isotropic(term.moment) for term in found.terms if term.order > 1)
    hypergeometric = sum((K**2 / 4) ** n / sympy.factorial(n) / sympy.rf(R / 2, n) for n in range(5))
    series = sympy.series(sympy.log(hypergeometric), K, 0, 9).removeO()
    assert sympy.simplify(sympy.expand(repelled - series)) == 0
    # A lost replica, E[cos²]² in place of E[cos² cos²] of one anchor, is another number for unequal modes only; a lost
    # factor is seen here.
    assert sympy.simplify(repelled - 2 * series) != 0


def test_a_finite_batch_has_the_derivatives_of_a_hand_written_loss():
    size, modes, draws = 3, 4, 60_000
    generator = np.random.default_rng(0)
    one, noise = generator.standard_normal((2, draws, size, modes))
    z1, z2 = (torch.from_numpy(z / np.linalg.norm(z, axis=-1, keepdims=True)) for z in (one, 0.8 * one + 0.6 * noise))
    z = torch.cat([z1, z2], 1)
    cosines = z @ z.transpose(1, 2)
    apart = 1 - torch.eye(2 * size, dtype=torch.float64)
    positive = torch.cat([(z1 * z2).sum(-1)] * 2, 1)

    def ntxent(k):
        return (torch.log((torch.exp(k * cosines) * apart).sum(-1)) - k * positive).mean(-1)

    h = 1e-3
    up, here, down = (ntxent(k * h) for k in (1, 0, -1))
    measured = {1: (up - down) / (2 * h), 2: (up - 2 * here + down) / (2 * h**2)}
    found = in_cosines(catalogue("ntxent+normalised").set({"tau": 1 / K, "N": size}), 2)
    across = (z1[:, :1] @ z2[:, :1].transpose(1, 2)).flatten().numpy()
    means = {
        "E[cos(x, x′)]": across.mean(),
        "E[cos(x, x′)²]": (across**2).mean(),
        "E[cos(x, y)²]": 1 / modes,
        "E[cos(x, y) cos(x′, y)]": across.mean() / modes,
    }
    for order, values in measured.items():
        names = {str(in_one): term for term in found.terms if term.order == order for in_one in [_name(term, found)]}
        predicted = sum(float(term.coefficient.coeff(K, order)) * means[name] for name, term in names.items())
        error = float(values.std() / np.sqrt(draws))
        assert abs(float(values.mean()) - predicted) < 4 * error + 1e-5
        assert len(names) == {1: 1, 2: 3}[order]
        # The coefficients of a large batch would be refuted.
        if order == 1:
            assert abs(float(values.mean()) + means["E[cos(x, x′)]"]) > 10 * error


def _name(term, found):
    one = type(found)(found.loss, found.order, sympy.S.Zero, (term._replace(coefficient=sympy.S.One),))
    return one.text().split(" + O(")[0]


def test_the_coefficients_are_those_of_the_loss_without_normalisation():
    """But for means of a datum that occurs an odd number of times, and of ⟨f, f⟩, which is 1."""
    plain = catalogue("spectral").moments(4)
    found = in_cosines(catalogue("spectral+normalised").set({"tau": 1}), 2)
    assert {term.moment: term.coefficient for term in found.terms} == dict(plain.terms)


def test_a_loss_that_sees_lengths_is_refused():
    x, x_pos = views("x, x_pos")
    with pytest.raises(InputError, match="lengths"):
        in_cosines(Loss(-cosine(x, x_pos) + inner(x, x)), 2)
