"""The remainder of a black box is looked at where its series is, at every temperature; wrong terms are found."""

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from sympy import Rational

from derive import catalogue
from verify.audits.blackbox import by_remainder
from verify.audits.blackbox.batches import Subject
from verify.audits.blackbox.coefficients import Method
from verify.audits.blackbox.expansions import Expanded
from verify.audits.blackbox.regularity import regularity
from verify.truths.function import BlackBox

TEMPERATURES = (1, Rational(1, 2), Rational(1, 5), Rational(1, 10), Rational(7, 100), Rational(1, 20), Rational(1, 100))


def nt_xent(tau):
    """SimCLR's loss without its normalisation."""

    def loss(z1, z2):
        z, n = torch.cat([z1, z2]), len(z1)
        s = (z @ z.T / tau).masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
        return F.cross_entropy(s, torch.cat([torch.arange(n) + n, torch.arange(n)]))

    return loss


def measured(box, found, method, seed):
    return by_remainder.ROUTE.measure(Subject.of(box, found, method, seed))


def remainder(box, found, method, seed):
    (one,) = by_remainder.ROUTE.evidence(Subject.of(box, found, method, seed), found)
    return one


@cache
def of(tau):
    box = BlackBox(nt_xent(float(tau)))
    smooth = regularity(box)
    found = Expanded(catalogue("ntxent").set({"tau": tau}).expand(order=4), (2, 3))
    return box, found, Method(radius=smooth.radius, autograd=True)


@pytest.mark.parametrize("tau", TEMPERATURES)
def test_a_right_expansion_is_never_contradicted(tau):
    box, found, method = of(tau)
    for seed in range(2):
        seen = remainder(box, found, method, seed)
        assert seen.agrees is True, seen
        assert seen.measured == pytest.approx(6.0, abs=0.05)


@pytest.fixture(scope="module")
def along_a_ray():
    """What is measured of the loss is the same whatever is claimed of it."""
    box, found, method = of(Rational(7, 100))
    return measured(box, found, method, seed=0)


@pytest.mark.parametrize("factor", [Rational(9, 10), Rational(1, 2), -1, 2])
def test_each_wrong_term_leaves_its_power(factor, along_a_ray):
    _, found, _ = of(Rational(7, 100))
    for term in found.expansion.terms:
        wrong = found.expansion.with_terms(
            (one.invariants, one.coefficient * (factor if one == term else 1)) for one in found.expansion.terms
        )
        (seen,) = by_remainder.ROUTE.compare(along_a_ray, Expanded(wrong, (2, 3)))
        assert seen.agrees is False, term
        assert seen.measured == pytest.approx(term.order, abs=0.05)


def test_a_radius_that_is_too_large_decides_nothing_wrong():
    """Beyond its radius a series shows any slope; that contradicts nothing."""
    box, found, method = of(Rational(1, 10))
    for too_far in (2, 5, 20):
        seen = remainder(box, found, Method(radius=too_far * method.radius, autograd=True), seed=0)
        assert seen.agrees is not False


def test_what_rounding_hides_is_no_pass():
    """In single precision the remainder of order 6 is rounding, and so is a small wrong term."""
    box, found, _ = of(Rational(1, 2))
    single = BlackBox(lambda z1, z2: box.loss(z1.float(), z2.float()))
    smooth = regularity(single)
    method = Method(radius=smooth.radius, rounding=smooth.rounding, autograd=True)
    assert remainder(single, found, method, seed=0).agrees is not False
    empty = found.expansion.with_terms([])
    assert remainder(single, Expanded(empty, (2, 3)), method, seed=0).agrees is not True


def test_a_series_that_ends_passes_only_where_its_terms_show():
    box = BlackBox(lambda z1, z2: ((z1 - z2) ** 2).sum(1).mean())
    right = (
        catalogue("infonce")
        .expand(order=4)
        .with_terms([(((((0, "S", 0),)),), Rational(2)), ((((0, "A", 0),),), Rational(-2))])
    )
    seen = remainder(box, Expanded(right, (2, 3)), Method(radius=1.0), seed=0)
    assert seen.agrees is True
    assert seen.measured == "nothing left"
    offset = BlackBox(lambda z1, z2: 5 + box.loss(z1, z2))
    tiny = remainder(offset, Expanded(right, (2, 3)), Method(radius=1e-9), seed=0)
    assert tiny.agrees is not True
