"""The truths beside the losses of practice, found again without the code that audits them; and audits against them."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from practice.everything import FAMILIES, PRACTICE
from practice.judging import audited
from practice.truths import N, d1

from derive import catalogue
from numeric.invariants import order_values


def truth_of(name, core):
    return PRACTICE[name].core if core else PRACTICE[name].truth


# Every loss as it is, and its core.
CASES = [(name, core) for name, loss in PRACTICE.items() for core in ((False, True) if loss.core else (False,))]
ANALYTIC = [case for case in CASES if truth_of(*case).kinds == ("analytic",)]
WITH_B = [case for case in ANALYTIC if truth_of(*case).A0 is not None]
UNSMOOTH = {"cusp", "rough", "undefined", "epsilon"}


def blurred(truth):
    return truth is not None and (truth.hidden or truth.single)


def blurred_in(name):
    return blurred(PRACTICE[name].truth) or blurred(PRACTICE[name].core)


@pytest.fixture
def value(monkeypatch):
    """The value of a loss, or of its core, at z (2, N, d), here with functions of torch's exchanged by hand."""

    def make(name, core):
        if core:
            monkeypatch.setattr(F, "normalize", lambda z, **_: z.clone())
            monkeypatch.setattr(F, "cosine_similarity", lambda a, b, dim=1: (a * b).sum(dim))
            monkeypatch.setattr(F, "batch_norm", lambda z, *_, **__: z.clone())
        loss = PRACTICE[name]
        code = copy.deepcopy(loss.code).double() if isinstance(loss.code, torch.nn.Module) else loss.code

        def at(z):
            z = torch.as_tensor(z)
            torch.manual_seed(0)
            found = code(torch.stack([z[0], z[1]], 1)) if loss.adapter == "pairs" else code(z[0], z[1])
            return found[0] if isinstance(found, tuple) else found

        return lambda z: at(z).double() if isinstance(z, torch.Tensor) else float(at(z).detach())

    return make


def second_difference(loss, v, h):
    """The coefficient of t² along v, to order h⁴."""
    values = [loss(k * h * v) for k in (-2, -1, 0, 1, 2)]
    return float(np.dot([-1, 16, -30, 16, -1], values)) / (24 * h * h)


def covariances(d, seed=1):
    rng = np.random.default_rng(seed)
    A0, C = (m @ m.T / d for m in rng.standard_normal((2, d, d)))
    W = rng.standard_normal((d, d)) / np.sqrt(d)
    return W, A0, C


def averaged(loss, size, d, h):
    """The expectation of the second order, an exact sum over the directions of one datum at a time."""
    W, A0, C = covariances(d)
    P, Q = W @ A0 @ W.T, W @ (A0 + C) @ W.T
    lengths, axes = np.linalg.eigh(np.block([[Q, P], [P, Q]]))
    total = 0.0
    for datum in range(size):
        for length, axis in zip(np.sqrt(np.maximum(lengths, 0)), axes.T, strict=True):
            v = np.zeros((2, size, d))
            v[:, datum] = length * axis.reshape(2, d)
            total += second_difference(loss, v, h)
    return total, np.trace(P), np.trace(W @ C @ W.T)


@pytest.mark.parametrize(("name", "core"), WITH_B)
def test_the_second_order(name, core, value):
    truth, loss = truth_of(name, core), value(name, core)
    for size, d in [(2, 2), (3, 2), (5, 3), (4, 2)]:
        if size < PRACTICE[name].least:
            continue
        A0, C = (float(b.subs({N: size, d1: d})) for b in (truth.A0, truth.C))
        found, a, c = averaged(loss, size, d, 0.05 if blurred(truth) else 5e-3)
        slip = 0.02 if blurred(truth) else 1e-4
        assert found == pytest.approx(-A0 * a - C * c, rel=slip, abs=slip * max(1, a + c))


@pytest.mark.parametrize(
    ("name", "core"), [case for case in WITH_B if truth_of(*case).like and not blurred_in(case[0])]
)
def test_the_fourth_order(name, core, value):
    """In one dimension over three nodes a number, exact through degree 5."""
    truth, loss, size = truth_of(name, core), value(name, core), 2
    a, c = 0.6, 0.5
    nodes, weights = np.sqrt(3) * np.array([-1.0, 0.0, 1.0]), np.array([1, 4, 1]) / 6
    root = np.linalg.cholesky(np.array([[a + c, a], [a, a + c]]))
    known, values = truth.like
    steps = 0.07 * math.sqrt(values.get("tau", 1 / values.get("t", 1))) * np.arange(1, 6)
    powers = steps[:, None] ** np.arange(2, 12, 2)
    # Odd powers average to 0: with a node its opposite is there.
    zero, total = loss(np.zeros((2, size, 1))), 0.0
    for index in np.ndindex(*(3,) * (2 * size)):
        z = (root @ nodes[list(index)].reshape(2, size))[..., None]
        even = np.array([loss(t * z) - zero for t in steps])
        total += weights[list(index)].prod() * np.linalg.solve(powers, even)[1]
    expansion = catalogue(known).set(dict(values)).expand(order=4)
    expansion = expansion.set({"N": size} if "N" in map(str, expansion.symbols) else {})
    expected = order_values(expansion, np.eye(1), np.array([[a]]), np.array([[a + c]]))[4] * float(truth.times)
    assert total == pytest.approx(expected, rel=2e-3, abs=1e-6)


@pytest.mark.parametrize(("name", "core"), CASES)
def test_the_kind(name, core, value):
    """Quadratic forms obey the parallelogram law; unit vectors do not see a length."""
    truth, loss = truth_of(name, core), value(name, core)
    if truth.kinds == ("unusable",):
        with pytest.raises((TypeError, AttributeError, IndexError)):
            loss(np.ones((2, 4, 2)))
        return
    rng = np.random.default_rng(2)
    u, v = rng.standard_normal((2, 2, 6, 3))
    if truth.kinds == ("stateful",):
        once, _, again = loss(u), loss(v), loss(u)
        assert once != again
        return
    if truth.kinds == ("homogeneous",):
        one, other = loss(u) / loss(3 * u), loss(3 * u) / loss(9 * u)
        assert one == pytest.approx(other, rel=1e-5 if blurred_in(name) else 1e-9)
        return
    sums, size = parallelogram(loss, u, v, 0.05)
    if UNSMOOTH & set(truth.kinds):
        assert not sums < 1e-2 * size
        return
    sums, size = parallelogram(loss, u, v, 0.02 if blurred(truth) else 2e-3)
    assert sums < (0.1 if blurred(truth) else 1e-3) * max(1, size)


def parallelogram(loss, u, v, h):
    """|Q(u + v) + Q(u − v) − 2 Q(u) − 2 Q(v)|, and the largest of these, Q the second difference at steps of h."""
    one, other, first, second = (second_difference(loss, w, h) for w in (u + v, u - v, u, v))
    return abs(one + other - 2 * first - 2 * second), max(map(abs, (one, other, first, second)))


@pytest.mark.parametrize(("name", "core"), [case for case in ANALYTIC if not blurred_in(case[0])])
def test_rotations(name, core, value):
    loss = value(name, core)
    rng = np.random.default_rng(3)
    z = 0.3 * rng.standard_normal((2, 6, 3))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    same = math.isclose(loss(z @ turn), loss(z), rel_tol=1e-11, abs_tol=1e-11)
    assert same == truth_of(name, core).rotation


@pytest.mark.parametrize(
    ("name", "core"),
    [case for case in CASES if set(truth_of(*case).kinds) <= {"analytic", "homogeneous"} and not blurred_in(case[0])],
)
def test_what_is_stopped(name, core, value):
    """The derivative of the values is the gradient, except where a part is held."""
    loss = value(name, core)
    rng = np.random.default_rng(4)
    z, v = 0.4 * rng.standard_normal((2, 2, 6, 3))
    at = torch.tensor(z, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(at), at)
    along = float((slope * torch.tensor(v)).sum())
    h = 1e-4
    true = (8 * (loss(z + h * v) - loss(z - h * v)) - (loss(z + 2 * h * v) - loss(z - 2 * h * v))) / (12 * h)
    assert (not math.isclose(along, true, rel_tol=1e-5, abs_tol=1e-6)) == truth_of(name, core).detached


@pytest.mark.parametrize("name", [name for name, loss in PRACTICE.items() if loss.truth.closed])
def test_a_mode_that_stays_lost(name, value):
    """Twelve modes alike and a weaker one: adding that raises the loss."""
    loss, rng = value(name, core=False), np.random.default_rng(5)
    for s in (0.1, 0.3, 1.0):
        datum = rng.standard_normal((4000, 13)) * np.sqrt([1.0] * 12 + [0.3])
        z = datum + s * rng.standard_normal((2, 4000, 13))
        lost, kept = z * np.array([1.0] * 12 + [0.0]), z * np.array([1.0] * 12 + [0.5])
        assert loss(kept) > loss(lost)


def test_there_are_enough_of_them():
    assert len(PRACTICE) == sum(len(family.losses) for family in FAMILIES) >= 60


# The others take ten seconds each, and more.
QUICK = [
    ("distances/spectral", False),
    ("distances/by_unit_distance", True),
    ("logits/as_a_dictionary", False),
    ("moments/MovingCovariance", False),
    ("moments/manifold_capacity", False),
]


@pytest.mark.parametrize(
    ("name", "core"), [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in CASES if case not in QUICK)]
)
def test_an_audit_says_nothing_wrong(name, core):
    found = audited(name, use_core=core)
    assert not found["wrong"]
    assert not found["passed"]
