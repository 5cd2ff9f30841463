"""Values at collapse, read off definitions, beside losses written by hand in torch at collapsed inputs."""

import pytest
import sympy
import torch
import torch.nn.functional as F

from derive import InputError, catalogue
from derive.sphere.collapsed import collapsed_value, levels, rank_one_value


def rows(z1, z2):
    return torch.cat([z1, z2]), len(z1)


def ntxent(z1, z2, tau):
    z, n = rows(z1, z2)
    logits = (z @ z.T / tau).masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return F.cross_entropy(logits, torch.arange(2 * n).roll(n))


def dcl(z1, z2, tau):
    z, n = rows(z1, z2)
    logits, own = z @ z.T / tau, torch.eye(n, dtype=torch.bool).repeat(2, 2)
    return (
        logits.masked_fill(own, -torch.inf).logsumexp(1) - torch.cat([logits.diagonal(n), logits.diagonal(-n)])
    ).mean()


def clip(z1, z2, tau):
    logits, own = z1 @ z2.T / tau, torch.arange(len(z1))
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


def siglip(z1, z2, t, b):
    signs = 2 * torch.eye(len(z1), dtype=torch.float64) - 1
    return -F.logsigmoid(signs * (t * z1 @ z2.T - b)).sum() / len(z1)


def infonce(z1, z2, tau):
    """The population: all data of two sides, weighed equally."""
    return (-(z1 * z2).sum(1) / tau + torch.stack([z1 @ z / tau for z in z1], 1).exp().mean(1).log()).mean()


def vicreg(z1, z2, mu, epsilon):
    return mu * sum((1 - (z.var(0, correction=0) + epsilon).sqrt()).mean() for z in (z1, z2))


def equal(n):
    return torch.tensor([[0.6, -0.8]], dtype=torch.float64).repeat(n, 1)


def sides(n):
    return equal(n) * (torch.arange(n)[:, None] % 2 * 2 - 1)


LOSSES = {
    "ntxent": (ntxent, {"tau": (0.1, 0.5)}),
    "dcl": (dcl, {"tau": (0.1, 0.5)}),
    "clip": (clip, {"tau": (0.07, 1.0)}),
    "siglip": (siglip, {"t": (10.0, 2.0), "b": (10.0, 0.3)}),
    "infonce": (infonce, {"tau": (0.1, 0.5)}),
}


def at(formula, **values):
    return float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))


@pytest.mark.parametrize("name", LOSSES)
def test_unit_vectors_at_collapse(name):
    by_hand, grid = LOSSES[name]
    loss = catalogue(f"{name}+normalised")
    for place in range(2):
        settings = {key: values[place] for key, values in grid.items()}
        for n in (4, 10):
            for formula, z in ((collapsed_value(loss), equal(n)), (rank_one_value(loss), sides(n))):
                assert at(formula, N=n, **settings) == pytest.approx(float(by_hand(z, z, **settings)), abs=1e-10)


def test_one_pair_too_many_is_seen():
    """The denominator with the anchor itself in it is another loss."""

    def wrong(z1, z2, tau):
        z, n = rows(z1, z2)
        return F.cross_entropy(z @ z.T / tau, torch.arange(2 * n).roll(n))

    assert abs(at(collapsed_value(catalogue("ntxent+normalised")), N=8) - float(wrong(equal(8), equal(8), 0.5))) > 0.05


def test_without_normalisation_the_vector_matters_or_does_not():
    (level,) = levels(catalogue("ntxent"))
    assert level.state == "all outputs equal"
    for length in (0.0, 3.0):
        assert at(level.value, N=6) == pytest.approx(float(ntxent(length * equal(6), length * equal(6), 0.5)))
    (level,) = levels(catalogue("siglip"))
    assert level.state == "all outputs 0"
    assert at(level.value, N=6, b=0.3) == pytest.approx(float(siglip(0 * equal(6), 0 * equal(6), 2.0, 0.3)))


def test_losses_of_coordinates_have_a_value_at_zero():
    (level,) = levels(catalogue("vicreg"))
    by_hand = float(vicreg(0 * equal(6), 0 * equal(6), 25.0, 1e-4))
    assert at(level.value, mu=25, gamma_std=1, epsilon=1e-4) == pytest.approx(by_hand)
    assert [level.value for level in levels(catalogue("barlow-twins"))] == [sympy.Symbol("d1")]


def test_no_value_is_said_to_be_none():
    assert levels(catalogue("vicreg+normalised")) == ()
    assert levels(catalogue("infonce+normalised+weight-decay")) == ()
    with pytest.raises(InputError, match="other data of a class, whose sides are not known"):
        rank_one_value(catalogue("supcon+normalised"))


def test_a_random_side_for_each_datum_adds_one_half_over_n():
    generator = torch.Generator().manual_seed(0)
    n, tau = 64, 0.5
    drawn = []
    for _ in range(200):
        z = equal(n) * (torch.randint(2, (n, 1), generator=generator) * 2 - 1)
        drawn.append(float(clip(z, z, tau)))
    more = sum(drawn) / len(drawn) - at(rank_one_value(catalogue("clip+normalised")), N=n, tau=tau)
    assert more == pytest.approx(1 / (2 * n), rel=0.3)
