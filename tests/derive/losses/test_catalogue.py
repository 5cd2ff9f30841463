"""Every catalogue loss, term by term, against torch losses written by hand and averaged over cubature nodes.

The symbols stay symbolic through order 8; only then are numbers put in. The measured side knows no series: it is the
hand-written loss at complex t·W, and Taylor coefficients are read off a circle. A value at a random (A0, C, W) is one
random linear functional of the terms of an order. Orders 2, 4 and 6 are solved for the coefficient of every candidate
word, order 6 in width 3, since in width 2 the words of orders 6 and 8 depend on one another by Cayley and Hamilton. At
order 8 values are compared at several points of width 2, and one of width 3.
"""

from dataclasses import replace
from functools import cache
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
import sympy

from derive import CATALOGUE, catalogue
from derive.algebra.words import invariant, trace
from numeric.invariants import product_value, products, values_by_order
from numeric.sampling import Covariances, random_covariances
from verify.assurance.mutants import mutants
from verify.truths.settings import case
from verify.truths.taylor import cauchy, converging
from verify.truths.torch_losses import TORCH_LOSSES

NAMES = tuple(CATALOGUE)
BATCH = tuple(name for name in NAMES if TORCH_LOSSES[name].over_batch)
NOT_INVARIANT = tuple(name for name in NAMES if not catalogue(name).rotation_invariant)
MODIFIED = tuple(
    f"{name}+{modifier}"
    for name in NAMES
    for modifier in ("weight-decay", "norm-penalty")
    # VICReg with the soft variance term has the norm penalty already.
    if modifier != "norm-penalty" or not {"kappa", "c"} & catalogue(name).parameters.keys()
)
SIZES = tuple((name, n) for name in NAMES for n in ((2, 3, 4) if name in BATCH else (2,)))
# The cubature's weights are of both signs, and rounding grows with N and the order.
TOLERANCE = 3e-6
# The last coefficients on a circle relative to the first: what Cauchy's integral takes for them is as much smaller.
CONVERGED = 3e-5


@cache
def symbolic(name):
    return catalogue(name).expand(order=8)


def uneven(seed, width):
    """Covariances of random rank: less alike than those of full rank, which makes words easier to tell apart."""
    generator = np.random.default_rng([seed, width])

    def one():
        rotation, _ = np.linalg.qr(generator.standard_normal((width, width)))
        present = np.arange(width) <= generator.integers(0, width)
        return rotation * (present * generator.uniform(0.2, 1.5, width)) @ rotation.T

    return Covariances(one(), one())


def place(name, size, seed, width, parameters):
    """A loss at random covariances that do not commute, a random W, and random parameters of order one."""
    loss = catalogue(name)
    generator = np.random.default_rng(parameters + 1)
    given = {p: sympy.Rational(int(generator.integers(5, 13)), 9) for p in loss.parameters if p not in ("N", "d1")}
    data = random_covariances(np.random.default_rng(seed), width) if parameters == seed else uneven(seed, width)
    if loss.encoders == 2:
        data = None
    return case(loss, given, seed=seed, size=size, dimension=width, covariances=data)


@cache
def measured(name, size, seed, width=2, order=8, parameters=None):
    """Taylor coefficients of the hand-written loss along W, by Cauchy's integral."""
    here = place(name, size, seed, width, seed if parameters is None else parameters)
    assert here.truth.how == "hand-written torch loss"
    points = 10 if name.split("+")[0] in BATCH else 16

    def around(ts):
        # The loss is even and real: the t of a conjugate t² give conjugate values, and half the circle will do.
        half = here.truth.averaged(ts[: points // 2 + 1], order)
        return np.concatenate([half, half[1:-1][::-1].conj()])

    ts, values = converging(around, 0.25, points, settled=CONVERGED)
    orders = range(2, order + 1, 2)
    return here, dict(zip(orders, map(float, cauchy(values, ts, orders)), strict=True))


@cache
def number(coefficient, values):
    put = coefficient.subs({sympy.Symbol(name): value for name, value in values})
    return float(put) if put.is_finite else np.nan


def valued(expansion, here):
    """The expansion with numbers for its coefficients."""
    values = tuple(here.values.items())
    return replace(
        expansion, terms=tuple(term._replace(coefficient=number(term.coefficient, values)) for term in expansion.terms)
    )


def difference(expansion, name, size, seed, width=2, order=8):
    """The largest difference over the orders, relative to what is measured there."""
    here, truth = measured(name, size, seed, width, order)
    at = here.setting
    value = values_by_order(valued(expansion, here), at.W, at.covariances.letters)
    return float(np.max([abs(value[k] - truth[k]) / max(0.1, abs(truth[k])) for k in truth]))


@pytest.mark.parametrize("name", NAMES)
def test_all_symbols_stay_symbolic_at_order_8(name):
    expansion = symbolic(name)
    coefficients = [expansion.constant, *(term.coefficient for term in expansion.terms)]
    assert {str(s) for value in coefficients for s in value.free_symbols} == set(catalogue(name).parameters)
    assert not any(value.has(sympy.Float) for value in coefficients)


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_orders_2_to_8_equal_the_torch_loss(name, size):
    for seed in range({2: 6, 3: 2, 4: 1}[size]):
        assert difference(symbolic(name), name, size, seed) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", BATCH)
@pytest.mark.parametrize("size", [3, 4])
def test_orders_2_to_8_equal_the_torch_loss_at_more_points(name, size):
    for seed in range(6):
        assert difference(symbolic(name), name, size, seed) < TOLERANCE


@pytest.mark.parametrize("name", MODIFIED)
def test_modified_losses_equal_the_torch_loss(name):
    for seed in range(2):
        assert difference(symbolic(name), name, 2, seed) < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_orders_2_to_8_equal_the_torch_loss_in_width_3(name):
    assert difference(symbolic(name), name, 2, 0, width=3) < TOLERANCE


def words(length, letters):
    """All trace words of a length, up to rotation and transposition."""
    return sorted({trace("".join(word)) for word in product(letters, repeat=length)})


def partitions(total, largest=None):
    if total == 0:
        yield ()
    for part in range(min(total, largest or total), 0, -1):
        for rest in partitions(total - part, part):
            yield (part, *rest)


def candidates(name, order):
    """Every product of traces of an order; for losses that single out coordinates also sums over a diagonal."""
    letters = "STXY" if catalogue(name).encoders == 2 else "AS"
    found = {
        tuple(sorted(choice))
        for lengths in partitions(order // 2)
        for choice in product(*(words(length, letters) for length in lengths))
    }
    if name in NOT_INVARIANT and order > 2:
        found |= {
            (invariant(tuple((0, letter, 0) for letter in letters)),)
            for letters in combinations_with_replacement("AS", order // 2)
        }
    if name in NOT_INVARIANT and order == 6:
        pairs = [invariant(((0, one, 0), (0, two, 0))) for one, two in ("AA", "AS", "SS")]
        found |= {tuple(sorted((pair, trace(letter)))) for pair in pairs for letter in "AS"}
        found |= {(invariant(((0, two, 0), (0, one, 0))),) for two in ("AA", "AS", "SS") for one in "AS"}
    return sorted(found)


def assert_every_coefficient(name, size, order, width, error):
    """Solve for the coefficients of all candidates, those that are absent included, and compare each."""
    unknown = candidates(name, order)
    rows, right = [], []
    for seed in range(2 * len(unknown) + 6):
        here, truth = measured(name, size, seed, width, order, parameters=-1)
        at = here.setting
        of_letter = products(at.W, at.covariances.letters)
        rows.append([product_value(one, of_letter) for one in unknown])
        right.append(truth[order])
    matrix = np.array(rows)
    scale = np.abs(matrix).max(axis=0)
    solved, _, rank, _ = np.linalg.lstsq(matrix / scale, np.array(right), rcond=1e-13)
    assert rank == len(unknown)
    expected = dict.fromkeys(unknown, 0.0)
    expected |= {term.invariants: term.coefficient for term in valued(symbolic(name), here).terms_of_order(order)}
    assert list(expected) == unknown
    values = list(expected.values())
    # What is absent is 0 but for the rounding of what is large.
    np.testing.assert_allclose(solved / scale, values, atol=error * max(1.0, max(map(abs, values)) / 10), rtol=error)


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize(("name", "size"), SIZES)
def test_every_coefficient_of_orders_2_and_4(name, size, order):
    assert_every_coefficient(name, size, order, width=2, error=1e-6)


@pytest.mark.parametrize(
    ("name", "size"),
    # Two encoders have 44 candidates, which take too many evaluations for a test.
    [pytest.param(*pair, marks=pytest.mark.slow if pair[1] > 2 else ()) for pair in SIZES if pair[0] != "clip"],
)
def test_every_coefficient_of_order_6(name, size):
    assert_every_coefficient(name, size, 6, width=3, error=1e-5)


def caught(wrong, name, size, seed):
    # Not a number: DCL with N − 1 for N has no negatives at N = 2.
    return not difference(wrong, name, size, seed) <= 10 * TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_derivation_is_caught(name):
    """Each term's sign, size or presence, A0 and C exchanged, Σ for A0, N − 1 for N: all beyond the tolerance."""
    seen, sizes = 0, (2, 3) if name in BATCH else (2,)
    for what, wrong in mutants(symbolic(name)):
        seen += 1
        if name == "clip" and "order 8" in what:
            # Powers of W A Vᵀ with a coefficient of order N⁻⁴ are below the tolerance here.
            continue
        assert any(caught(wrong, name, size, seed) for size in sizes for seed in range(2)), what
    assert seen >= 3 * len(symbolic(name).terms)
