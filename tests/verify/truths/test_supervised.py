"""SupCon's published batch, with labels, beside what is derived: over N data of equal classes, and as N grows."""

from itertools import product
from math import comb

import numpy as np
import pytest
import sympy
import torch

from derive import Classes, Loss, Mean, catalogue, exp, inner, log, symbols, views
from derive.losses.limit import population
from numeric.invariants import values_by_order
from numeric.laws.classes import Mixture
from numeric.sampling import Covariances
from verify.truths.supervised import supcon_of_batch
from verify.truths.taylor import cauchy, circle

TAU, W = 0.75, np.array([[1.0, -0.4]])
EQUAL, UNEQUAL = Classes(2), Classes(weights=(3, 1))
MEANS = [[1.0, 0.3], [-0.6, 0.5]]
OWN = [Covariances(np.diag([0.4, 0.2]), np.diag([0.3, 0.5])), Covariances(np.diag([0.1, 0.6]), np.diag([0.2, 0.2]))]


def of_batch():
    """SupCon over N data in two views each; ρ is the mean share of an anchor's own second view in its positives."""
    N, tau, rho = symbols("N tau rho")
    x, x_pos, chi, chi_pos = views("x, x_pos, chi, chi_pos")
    (x_same,) = views("x_same", shares="class")
    positive = exp(inner(x, x_pos) / tau)
    negatives = Mean(exp(inner(x, chi) / tau) + exp(inner(x, chi_pos) / tau), over=(chi, chi_pos), count=N - 1)
    alike = rho * inner(x, x_pos) + (1 - rho) * inner(x, x_same)
    return Loss(-alike / tau + log((N - 1) * negatives + positive), name="supcon-batch")


def share(n, chance):
    """E 1/(2k + 1), k of the n − 1 other data being of the anchor's class, each with a chance."""
    return sum(comb(n - 1, k) * chance**k * (1 - chance) ** (n - 1 - k) / (2 * k + 1) for k in range(n))


def published(law, n, orders):
    """Taylor coefficients of the mean of L_out over batches of n data: every choice of classes, on nodes."""
    data = Mixture.of(law, MEANS, OWN)
    degree = max(orders)
    nodes, weights = data.nodes(degree, data=n, views=2)
    labels = np.array(list(product(range(law.count), repeat=n))).repeat(len(weights) // law.count**n, axis=0)
    both = torch.from_numpy(np.concatenate([labels, labels], axis=1))
    z = torch.from_numpy(np.concatenate(nodes, axis=1) @ W.T)
    ts = circle(0.3, 2 * degree + 8)
    values = [(supcon_of_batch(t * z.to(torch.complex128), both, tau=TAU).numpy() * weights).sum() for t in ts]
    return cauchy(np.array(values)[None], ts, orders)[0]


def derived(law, n, rho, orders):
    expansion = of_batch().expand(max(orders), data=law)
    expansion = expansion.set({"N": n, "tau": sympy.Rational(3, 4), "rho": sympy.nsimplify(rho)})
    by_order = values_by_order(expansion, W, Mixture.of(law, MEANS, OWN).letters)
    return [by_order[order] for order in orders]


@pytest.mark.parametrize("n", [2, 3])
def test_the_batch_of_equal_classes_is_what_is_published(n):
    orders = (2, 4) if n == 2 else (2,)
    assert derived(EQUAL, n, share(n, 0.5), orders) == pytest.approx(published(EQUAL, n, orders), rel=1e-8)


def test_an_anchor_of_a_rare_class_has_a_larger_share():
    """With weights 3:1 no one share is right: it depends on the class."""
    found = published(UNEQUAL, 2, (2,))
    mean = 0.75 * share(2, 0.75) + 0.25 * share(2, 0.25)
    assert derived(UNEQUAL, 2, mean, (2,)) != pytest.approx(found, rel=1e-3)


# The datum itself for all of its class, no share for it, and the share at the mean number of positives, 2.
@pytest.mark.parametrize("wrong", [1.0, 0.0, 1 / 3])
def test_a_wrong_share_is_seen(wrong):
    found = published(EQUAL, 3, (2,))
    assert derived(EQUAL, 3, wrong, (2,)) != pytest.approx(found, rel=1e-3)


def test_the_population_is_the_limit():
    """log N aside; ρ vanishes as 1/N."""
    limit = population(of_batch()).set({"rho": 0})
    for law in (EQUAL, UNEQUAL):
        assert limit.expand(4, data=law).terms == catalogue("supcon").expand(4, data=law).terms
