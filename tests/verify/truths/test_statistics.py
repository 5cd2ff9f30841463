"""Moments from their definition: against each other, and against NumPy on one set of numbers."""

from itertools import pairwise

import numpy as np
import pytest
import sympy

from derive import InputError
from derive.definition.moment_text import read_moment
from derive.definition.statistics import lowered
from numeric.sampling import random_covariances
from verify.truths.statistics import Held, by_draws, on_nodes

RNG = np.random.default_rng(0)
DATA = random_covariances(RNG, 2)
W = RNG.standard_normal((2, 2))


class Points:
    """Data that are a few points with weights: all else follows by sums over them."""

    def __init__(self, points, weights):
        self.given, self.weights = points, weights

    def size(self, _degree, data=1, _views=2):
        return len(self.weights) ** data

    def nodes(self, _degree, data=1, _views=2):
        rows = np.indices((len(self.weights),) * data).reshape(data, -1).T
        return (self.given[rows],), self.weights[rows].prod(1)


def test_statistics_of_numbers_are_numpy_s():
    points, weights = RNG.standard_normal((5, 2)), np.array([0.1, 0.3, 0.2, 0.25, 0.15])
    data, f = Points(points, weights), points @ W.T
    a, b = (f**2).sum(1), f[:, 0] * f[:, 1]

    def value(text):
        held = {"i": 0, "j": 1}
        node = read_moment(text)
        from derive.definition.expression import free_indices

        return on_nodes(node, data, W, Held(places={one: held[one.name] for one in free_indices(node)}))

    mean = a @ weights
    assert value("E(|f(x)|^2)") == pytest.approx(mean)
    assert value("Var(|f(x)|^2)") == pytest.approx(weights @ (a - mean) ** 2)
    assert value("Cov(|f(x)|^2, f(x)_i f(x)_j)") == pytest.approx(np.cov(a, b, aweights=weights, ddof=0)[0, 1])
    centred = a - mean
    m2, m3, m4 = (weights @ centred**k for k in (2, 3, 4))
    assert value("Cum(|f(x)|^2, 3)") == pytest.approx(m3)
    assert value("Cum(|f(x)|^2, 4)") == pytest.approx(m4 - 3 * m2**2)
    m5 = weights @ centred**5
    assert value("Cum(|f(x)|^2, 5)") == pytest.approx(m5 - 10 * m3 * m2)
    # Of two independent data, one given the other.
    products = f @ f.T
    conditional = np.array([weights @ row**2 - (weights @ row) ** 2 for row in products])
    assert value("E(Var(<f(x), f(chi)> | x))") == pytest.approx(weights @ conditional)
    means = products @ weights
    assert value("Var(E(<f(x), f(chi)> | x))") == pytest.approx(weights @ (means - weights @ means) ** 2)


def test_nodes_and_draws_agree():
    texts = [
        "Var(|f(x) - f(chi)|^2)",
        "E(Var(<f(x), f(x_pos)> <f(x), f(chi)> | chi))",
        "Cov(<f(x), f(x_pos)>, |f(x)|^2)",
        "Var(Tr[Mean(f(u) f(u)^T, u, n)])",
        "E(Tr[Mean(f(u) f(u)^T, u, n)^2])",
    ]
    held = Held(values={sympy.Symbol("n"): sympy.Integer(2)})
    for k, text in enumerate(texts):
        node = read_moment(text)
        blocks = [by_draws(lowered(node), DATA, W, held, np.random.default_rng([k, seed]), 4000).mean()
                  for seed in range(20)]  # fmt: skip
        error = np.std(blocks, ddof=1) / len(blocks) ** 0.5
        exact = on_nodes(node, DATA, W, held)
        assert abs(np.mean(blocks) - exact) < 5 * error, text
        # A variance that forgets the squared mean is far off.
        if text.startswith("Var(|"):
            wrong = on_nodes(read_moment(text.replace("Var(|f(x) - f(chi)|^2)", "E(|f(x) - f(chi)|^4)")), DATA, W, held)
            assert abs(np.mean(blocks) - wrong) > 10 * error


def test_draws_of_a_sample_differ():
    node = read_moment("Var(Tr[Mean(f(u) f(u)^T, u, n)])")
    values = [on_nodes(node, DATA, W, Held(values={sympy.Symbol("n"): sympy.Integer(n)})) for n in (1, 2, 3)]
    assert values[0] == pytest.approx(2 * values[1])
    assert values[0] == pytest.approx(3 * values[2])
    assert all(one > other for one, other in pairwise(values))


def test_too_many_nodes_are_refused():
    node = read_moment("Var(<f(x), f(y)> <f(y), f(z)> <f(z), f(u)> <f(u), f(x)>)")
    with pytest.raises(InputError, match=r"takes too many nodes$"):
        on_nodes(node, random_covariances(RNG, 9), RNG.standard_normal((2, 9)), Held())


def test_one_kind_of_data_has_no_second_views():
    with pytest.raises(InputError, match=r"^the definition has views of two kinds, and these data have one"):
        on_nodes(read_moment("E(<f(x), g(x_text)>)"), DATA, W, Held())
