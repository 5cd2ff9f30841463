"""Letters that are not symmetric, by an entry in the table alone: against NumPy's matrices.

There are two kinds of data, seen through two encoders: f(x) = W x and g(y) = V y, Cov(x, x) = S, Cov(y, y) = T, and a
cross-covariance X = Cov(x, y), d0×dy, whose transpose is Y. The letters stand for W S Wᵀ, V T Vᵀ, W X Vᵀ and V Y Wᵀ.
The letter R is d0×d0 and not symmetric. M and m stand for W μ μᵀ Wᵀ and W μ bᵀ, n for b μᵀ Wᵀ.
"""

from itertools import product

import mpmath
import numpy as np
import pytest
import sympy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive import InputError
from derive.algebra.alphabet import END, FACTORS, LETTERS, Matrix
from derive.algebra.alphabet import OF_MEAN as MU
from derive.algebra.graphs import CONSTANT, COORDINATE, PLAIN, VIEW, Vertex
from derive.algebra.words import (
    gradient,
    invariant,
    is_trace,
    oriented,
    paired,
    rotations,
    spelled,
    substitute,
    trace,
    transpose,
)
from derive.definition.notation import TEXT, product_of_invariants
from derive.expansion.caches import clear_caches
from derive.expansion.expansion import Expansion
from derive.expansion.wick import contract
from numeric import kernel
from numeric.invariants import invariant_value, product_value
from verify.papers.printed import algebra

NEW = {
    "X": Matrix("X", "d0", "dy", "Y", "X", "X"),
    "Y": Matrix("X^T", "dy", "d0", "X", "Xᵀ", r"X^{\top}", turned=True),
    "T": Matrix("T", "dy", "dy", "T", "T", "T"),
    "R": Matrix("R", "d0", "d0", "Q", "R", "R"),
    "Q": Matrix("R^T", "d0", "d0", "R", "Rᵀ", r"R^{\top}", turned=True),
}
ENCODER = {"V": Matrix("V", "d1", "dy", "v", "V", "V"), "v": Matrix("V^T", "dy", "d1", "V", "Vᵀ", "V^T", turned=True)}
D1, D0, DY = 3, 4, 2


@pytest.fixture(autouse=True, scope="module")
def entries():
    clear_caches()
    with pytest.MonkeyPatch.context() as patch:
        for table, new, kept in ((LETTERS, NEW, "ASCIDMmn"), (FACTORS, ENCODER, "Wwbd")):
            for letter in set(table) - set(kept):
                patch.delitem(table, letter)
            for letter, one in new.items():
                patch.setitem(table, letter, one)
        yield
    clear_caches()


def numbers(seed=0):
    """The matrices by letter, those of the data and the factors."""
    generator = np.random.default_rng(seed)
    root = generator.standard_normal((D0 + DY, D0 + DY))
    joint = root @ root.T / 4
    mu = generator.standard_normal((D0, 1))
    at = {
        "W": generator.standard_normal((D1, D0)) / 2,
        "V": generator.standard_normal((D1, DY)) / 2,
        "b": generator.standard_normal((D1, 1)),
        "S": joint[:D0, :D0],
        "T": joint[D0:, D0:],
        "X": joint[:D0, D0:],
        "R": generator.standard_normal((D0, D0)),
        "μ": mu,
    }
    at |= {letter: at[one].T for letter, one in zip("YQνwvd", "XRμWVb", strict=True)}
    return at


def matrix(word, at):
    """The product that a word is, factor by factor."""
    return np.linalg.multi_dot([np.eye(D1), np.eye(D1), *(at[letter] for letter in spelled(word))])


AT = numbers()
SQUARE = "STXYRQM"


def of_letter(at=AT):
    return {letter: matrix(letter, at) for letter in (*SQUARE, "D", "m", "n")}


words = st.text(SQUARE, min_size=1, max_size=6)


@given(word=words)
def test_a_transpose_is_that_of_the_matrix(word):
    assert np.allclose(matrix(transpose(word), AT), matrix(word, AT).T)
    assert transpose(transpose(word)) == word


@given(word=words, turn=st.integers(0, 5))
def test_a_trace_word_may_be_rotated_and_transposed_but_not_reversed(word, turn):
    turned = list(rotations(word))[turn % len(word)]
    assert trace(word) == trace(turned) == trace(transpose(turned))
    assert invariant_value(trace(word), of_letter()) == pytest.approx(np.trace(matrix(word, AT)), rel=1e-9, abs=1e-9)


def test_words_that_differ_have_values_that_differ():
    assert trace("SXR") == trace("QYS") != trace("RXS")
    assert trace("RRQ") == trace("QQR")
    for length in (1, 2, 3, 4):
        forms = {trace("".join(word)) for word in product("RQX", repeat=length)}
        values = sorted(invariant_value(form, of_letter()) for form in forms)
        assert all(np.diff(values) > 1e-9)


@st.composite
def connected_links(draw):
    vertices = draw(st.integers(1, 3))
    word = st.text("RQXYS", min_size=1, max_size=2)
    links = [(k, draw(word), k + 1) for k in range(vertices - 1)]
    ends = st.integers(0, vertices - 1)
    return tuple(links + draw(st.lists(st.tuples(ends, word, ends), min_size=2, max_size=3)))


def value_of(links, at=AT):
    """A sum over coordinates; the ends of words are vectors."""
    vectors = {END: at["b"][:, 0], MU: (at["W"] @ at["μ"])[:, 0]}
    operands = []
    for i, word, j in links:
        operands += [matrix(word, at), [i + 9, j + 9]]
    for end, vector in vectors.items():
        count = sum((i, j).count(end) for i, _, j in links)
        assert count < 2
        operands += [vector, [end + 9]] * count
    return float(np.einsum(*operands, []))


@settings(max_examples=60)
@given(links=connected_links(), data=st.data())
def test_a_sum_over_coordinates_may_be_renamed_and_links_transposed(links, data):
    new = data.draw(st.permutations(range(3, 6)))
    turned = [
        (new[j], transpose(word), new[i]) if data.draw(st.booleans()) else (new[i], word, new[j])
        for i, word, j in links
    ]
    form = invariant(tuple(data.draw(st.permutations(turned))))
    assert form == invariant(links)
    assert invariant_value(form, of_letter()) == pytest.approx(value_of(links), rel=1e-8, abs=1e-8)


def test_ends_in_two_vectors_are_joined_by_letters_that_are_not_symmetric():
    b, mu = AT["b"][:, 0], (AT["W"] @ AT["μ"])[:, 0]
    assert invariant(((END, "R", MU),)) == trace("mR") == trace("Qn")
    assert invariant_value(trace("mR"), of_letter()) == pytest.approx(b @ matrix("R", AT) @ mu)
    graph = ((END, "R", 0), (MU, "X", 0), (0, "S", 1), (MU, "", 1), (MU, "", 1))
    (joined,) = paired((graph,))
    P, Q, S = (matrix(word, AT) for word in "RXS")
    expected = np.einsum("i,i,ij,j,j", b @ P, mu @ Q, S, mu, mu)
    assert invariant_value(joined, of_letter()) == pytest.approx(expected)
    for spelling in substitute((joined,), {}):
        assert product_value(spelling, of_letter()) == pytest.approx(expected)


@settings(max_examples=40)
@given(word=words, links=connected_links())
def test_a_sum_put_for_a_letter_is_put_for_its_transpose(word, links):
    some = (trace(word), invariant(links))
    at = AT | {"R": 2 * AT["S"] - AT["Q"]}
    at |= {"Q": at["R"].T}
    new = substitute(some, {"R": {"S": 2, "Q": -1}})
    parts = [weight * product_value(one, of_letter(AT)) for one, weight in new.items()]
    assert sum(parts) == pytest.approx(product_value(some, of_letter(at)), abs=1e-9 * (1 + sum(map(abs, parts))))


# Contraction: views 0 of a datum go through W, views 1 through V.


def between(u, v):
    return {(0, 0): "S", (1, 1): "T", (0, 1): "X", (1, 0): "Y"}[u.view, v.view]


def pairings(items):
    if not items:
        yield []
        return
    first, *rest = items
    for k, partner in enumerate(rest):
        for others in pairings(rest[:k] + rest[k + 1 :]):
            yield [(first, partner), *others]


def by_pairings(graph):
    """E∏: each edge sums one coordinate, each coordinate vertex too; every pairing of legs is one product."""
    legs = []
    for number, edge in enumerate(graph):
        name = next((("node", w.group) for w in edge if w.kind == COORDINATE), ("edge", number))
        legs += [(w, name) for w in edge if w.kind != COORDINATE]
    names = sorted({name for _, name in legs})
    vectors = [(w, name) for w, name in legs if w.kind == CONSTANT]
    total = 0.0
    for pairing in pairings([leg for leg in legs if leg[0].kind == VIEW]):
        if all(u.group == v.group for (u, _), (v, _) in pairing):
            operands = [(matrix(between(u, v), AT), [names.index(i), names.index(j)]) for (u, i), (v, j) in pairing]
            operands += [(value_of_vector(w), [names.index(name)]) for w, name in vectors]
            total += np.einsum(*(part for operand in operands for part in operand), [])
    return float(total)


def value_of_vector(vertex):
    return AT["b"][:, 0] if vertex.group == 0 else (AT["W"] @ AT["μ"])[:, 0]


views = st.builds(Vertex, st.just(VIEW), st.integers(0, 1), st.integers(0, 1), st.just(PLAIN))
coordinates = st.builds(Vertex, st.just(COORDINATE), st.integers(8, 9), st.just(0), st.just(PLAIN))


@settings(max_examples=120, suppress_health_check=[HealthCheck.filter_too_much])
@given(pairs=st.lists(st.tuples(views, views), max_size=3), entries=st.lists(st.tuples(views, coordinates), max_size=3))
def test_contraction_of_cross_covariances_is_the_sum_over_pairings(pairs, entries):
    graph = (*pairs, *entries)
    if graph and len(entries) % 2 == 0:
        found = contract(graph, between)
        value = sum(weight * product_value(factors, of_letter()) for factors, weight in found.items())
        assert value == pytest.approx(by_pairings(graph), rel=1e-9, abs=1e-9)


def test_the_closed_loop_of_two_encoders():
    x, y = Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 1)
    z = Vertex(VIEW, 1, 1)
    assert contract(((x, y),), between) == {(trace("X"),): 1}
    assert contract(((x, z), (z, y)), between) == {(trace("XT"),): 1}
    assert contract(((x, y), (x, y)), between) == {
        (trace("X"), trace("X")): 1,
        (trace("ST"),): 1,
        (trace("XX"),): 1,
    }


def test_constants_are_vectors():
    b, mu, x, y = Vertex(CONSTANT, 0, 0), Vertex(CONSTANT, 1, 0), Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 1)
    for graph in (((b, x), (y, mu)), ((mu, x), (y, mu)), ((b, mu), (x, y)), ((b, x), (x, y), (y, mu), (b, b))):
        found = sum(
            weight * product_value(paired(one), of_letter()) for one, weight in contract(graph, between).items()
        )
        assert found == pytest.approx(by_pairings(graph))


# Gradients and kernels.

ARGUMENTS = {"W": "W", "V": "V", "S": "Sigma", "X": "X", "T": "T", "R": "R"}


def terms():
    return {
        (trace("X"),): -1,
        (trace("R"),): sympy.Rational(1, 3),
        (trace("SR"),): sympy.Rational(2, 3),
        (trace("ST"),): sympy.Rational(1, 2),
        (trace("XYR"),): 2,
        tuple(sorted((trace("RR"), trace("X")))): sympy.Rational(-3, 4),
        tuple(sorted((trace("X"), trace("X"), trace("T")))): 1,
        (trace("XSRX"),): sympy.Rational(1, 5),
        (invariant(((0, "XR", 0), (0, "S", 1), (1, "Y", 0))),): sympy.Rational(1, 7),
    }


def value(at):
    values = of_letter(at)
    return sum(float(weight) * product_value(one, values) for one, weight in terms().items())


def with_factor(name, to):
    return AT | {name: to, name.lower(): to.T}


def differences(function, W, step=1e-5):
    found = np.zeros_like(W)
    for at in np.ndindex(W.shape):
        plus, minus = W.copy(), W.copy()
        plus[at] += step
        minus[at] -= step
        found[at] = (function(plus) - function(minus)) / (2 * step)
    return found


@pytest.fixture(scope="module")
def expansion():
    return Expansion.collect(terms(), 8, loss="two encoders", basis="Sigma,X,T,R")


@pytest.mark.parametrize("factor", ["W", "V"])
def test_the_gradient_of_words(factor):
    traces = [(one, weight) for one, weight in terms().items() if all(map(is_trace, one))]

    def total(to):
        values = of_letter(with_factor(factor, to))
        return sum(float(weight) * product_value(one, values) for one, weight in traces)

    found = np.zeros_like(AT[factor])
    for one, weight in traces:
        for (beside, word), number in gradient(one).items():
            *front, last = spelled(word)
            if last == factor.lower():
                here = np.linalg.multi_dot([np.eye(D1), *(AT[letter] for letter in front)])
                found += float(weight) * number * product_value(beside, of_letter()) * here
    assert np.allclose(found, differences(total, AT[factor]), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("library", ["numpy", "torch", "mpmath"])
def test_kernels_of_letters_that_are_not_symmetric(expansion, library):
    emitted = kernel(expansion, library)
    assert emitted.arguments == tuple(ARGUMENTS.values())
    convert = {"numpy": np.asarray, "torch": torch.tensor, "mpmath": lambda one: mpmath.matrix(one.tolist())}[library]
    arguments = [convert(AT[name]) for name in ARGUMENTS]
    assert float(emitted(*arguments)) == pytest.approx(value(AT), rel=1e-12)
    gradients = emitted.gradient(*arguments)
    for name, found in zip("WV", gradients, strict=True):
        expected = differences(lambda to, name=name: value(with_factor(name, to)), AT[name])
        assert np.allclose(np.array(found.tolist(), dtype=float), expected, rtol=1e-7, atol=1e-7)


def test_sympy_has_the_matrices(expansion):
    written = expansion.only(2).to_sympy()
    sizes = dict(zip(sympy.symbols("d_1 d_0 d_y", integer=True, positive=True), (D1, D0, DY), strict=True))
    letters = {one.subs(sizes): sympy.Matrix(AT[one.name]) for one in written.atoms(sympy.MatrixSymbol)}
    found = written.subs(sizes).subs(letters).doit()
    expected = -np.trace(matrix("X", AT)) + np.trace(matrix("R", AT)) / 3
    assert float(found) == pytest.approx(expected)


def test_words_are_written_with_their_factors():
    assert product_of_invariants((trace("XYR"),), TEXT) == "Tr[W Rᵀ Wᵀ W X Vᵀ V Xᵀ Wᵀ]"
    assert oriented(1, "XR", 0) == (0, "QY", 1)


def test_printed_products_are_of_the_same_words():
    assert [one.invariants for one in algebra.traced(algebra.matrix("XvVYwW"))] == [(trace("XY"),)]
    assert algebra.transposed(algebra.matrix("WXv")) == algebra.matrix("VYw")
    with pytest.raises(InputError, match="X is d0×dy and Wᵀ d0×d1"):
        algebra.traced(algebra.matrix("WXw"))
