"""The slow oracle against loops over entries."""

from itertools import product

import numpy as np
import pytest

from derive import catalogue
from derive.algebra.words import invariant, trace
from numeric.invariants import invariant_value, letters_of, order_values, product_value, products

GENERATOR = np.random.default_rng(0)
W = GENERATOR.standard_normal((2, 3))
A0, Sigma = (one @ one.T for one in GENERATOR.standard_normal((2, 3, 3)))
OF = products(W, letters_of(A0, Sigma))


def test_letters_stand_for_their_matrices():
    expected = {"A": A0, "S": Sigma, "C": Sigma - A0, "I": np.eye(3)}
    assert OF.keys() == expected.keys()
    for letter, X in expected.items():
        assert np.allclose(OF[letter], W @ X @ W.T)


@pytest.mark.parametrize("word", ["A", "S", "AS", "ASCSI", "SSSSSS"])
def test_a_trace_word_is_the_trace_of_the_product(word):
    matrix = np.linalg.multi_dot([np.eye(2), *(OF[letter] for letter in word)])
    assert invariant_value(trace(word), OF) == pytest.approx(np.trace(matrix), rel=1e-13)


@pytest.mark.parametrize(
    "links",
    [
        ((0, "A", 0), (0, "S", 0)),
        ((0, "A", 1), (0, "SC", 1)),
        ((0, "A", 0), (0, "S", 1), (1, "C", 1)),
        ((0, "A", 1), (1, "S", 2), (0, "C", 2)),
    ],
)
def test_a_graph_is_a_sum_over_its_coordinates(links):
    of = {word: np.linalg.multi_dot([np.eye(2), *(OF[letter] for letter in word)]) for _, word, _ in links}
    vertices = 1 + max(max(i, j) for i, _, j in links)
    expected = sum(
        np.prod([of[word][at[i], at[j]] for i, word, j in links]) for at in product(range(2), repeat=vertices)
    )
    assert invariant_value(invariant(links), OF) == pytest.approx(expected, rel=1e-12)


def test_a_product_multiplies():
    both = (trace("A"), trace("SS"))
    assert product_value(both, OF) == pytest.approx(invariant_value(both[0], OF) * invariant_value(both[1], OF))


def test_each_order_has_its_value_the_empty_ones_zero():
    S, A = W @ Sigma @ W.T, W @ A0 @ W.T
    values = order_values(catalogue("spectral").expand(6), W, A0, Sigma)
    assert values == pytest.approx({2: -2 * np.trace(A), 4: np.trace(S @ S), 6: 0.0})


def test_the_value_does_not_depend_on_the_basis():
    given = catalogue("infonce").expand(8)
    assert order_values(given.in_basis("A0,C"), W, A0, Sigma) == pytest.approx(order_values(given, W, A0, Sigma))
