"""Trace words and their kin: one form each, and a value that the form does not change."""

import time
from itertools import permutations, product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.algebra import words
from derive.algebra.alphabet import END, LETTERS, factors
from derive.algebra.words import invariant, is_trace, letters, substitute, trace
from numeric.invariants import invariant_value, product_value

ROOTS = np.random.default_rng(0).standard_normal((3, 4, 4))
A, C, IDENTITY = ROOTS + ROOTS.transpose(0, 2, 1)
OF_LETTER = {"A": A, "C": C, "S": A + C, "I": IDENTITY}

spelled = st.text("ASCI", min_size=1, max_size=7)


@given(word=spelled, turn=st.integers(0, 6))
def test_a_trace_word_may_be_rotated_and_reversed(word, turn):
    turned = word[turn % len(word) :] + word[: turn % len(word)]
    assert trace(word) == trace(turned) == trace(turned[::-1])


@pytest.mark.parametrize("length", range(1, 8))
def test_trace_words_that_differ_have_values_that_differ(length):
    """In width 4, up to rotation and reversal: as many values as there are bracelets."""
    forms = {trace("".join(word)) for word in product("AS", repeat=length)}
    values = [invariant_value(form, OF_LETTER) for form in forms]
    assert len(forms) == [2, 3, 4, 6, 8, 13, 18][length - 1]
    gaps = np.diff(sorted(values))
    assert all(gaps > 1e-9 * np.abs(values).max())


@given(word=spelled)
def test_the_form_of_a_trace_word_keeps_its_value(word):
    matrix = np.linalg.multi_dot([np.eye(4), *(OF_LETTER[letter] for letter in word)])
    value = invariant_value(trace(word), OF_LETTER)
    assert value == pytest.approx(np.trace(matrix), rel=1e-9, abs=1e-6)


@st.composite
def connected_links(draw):
    """A connected graph of open words between up to three coordinates."""
    vertices = draw(st.integers(1, 3))
    word = st.text("ASC", min_size=1, max_size=2)
    links = [(k, draw(word), k + 1) for k in range(vertices - 1)]
    ends = st.integers(0, vertices - 1)
    return tuple(links + draw(st.lists(st.tuples(ends, word, ends), min_size=2, max_size=3)))


def value_of(links):
    """The sum over coordinates, one product of entries at a time."""
    vertices = sorted({k for i, _, j in links for k in (i, j)})
    total = 0.0
    for at in product(range(4), repeat=len(vertices)):
        of = dict(zip(vertices, at, strict=True))
        entries = [
            np.linalg.multi_dot([np.eye(4), *(OF_LETTER[letter] for letter in word)])[of[i], of[j]]
            for i, word, j in links
        ]
        total += np.prod(entries)
    return total


@settings(max_examples=60)
@given(links=connected_links(), data=st.data())
def test_a_sum_over_coordinates_may_be_renamed_and_read_backwards(links, data):
    numbers = data.draw(st.permutations(range(3, 6)))
    turned = [
        (numbers[j], word[::-1], numbers[i]) if data.draw(st.booleans()) else (numbers[i], word, numbers[j])
        for i, word, j in links
    ]
    form = invariant(tuple(data.draw(st.permutations(turned))))
    assert form == invariant(links)
    assert invariant_value(form, OF_LETTER) == pytest.approx(value_of(links), rel=1e-8, abs=1e-6)


@settings(max_examples=40)
@given(one=connected_links(), two=connected_links())
def test_sums_that_differ_stay_different(one, two):
    vertices = sorted({k for i, _, j in two for k in (i, j)})
    turns = {
        tuple(sorted(min((of[i], w, of[j]), (of[j], w[::-1], of[i])) for i, w, j in two))
        for order in permutations(range(len(vertices)))
        for of in (dict(zip(vertices, order, strict=True)),)
    }
    same = tuple(sorted(min((i, w, j), (j, w[::-1], i)) for i, w, j in one)) in turns
    assert (invariant(one) == invariant(two)) == same


def test_sums_over_many_coordinates_are_told_apart_whatever_their_order(monkeypatch):
    """Of few coordinates all orders are tried: the forms found without that must part the same sums."""
    random, by_least, by_orders = Random(2), {}, {}
    for _ in range(200):
        size = random.randint(2, 5)
        tree = [(random.randrange(i), random.choice(("S", "AS")), i) for i in range(1, size)]
        one = (*tree, *((random.randrange(END, size), "S", random.randrange(size)) for _ in range(2)))
        for few, forms in ((9, by_least), (0, by_orders)):
            monkeypatch.setattr(words, "_FEW", few)
            invariant.cache_clear()
            assert invariant(one) == invariant(renamed(one, random))
            forms.setdefault(invariant(one), set()).add(one)
    invariant.cache_clear()
    assert sorted(map(sorted, by_least.values())) == sorted(map(sorted, by_orders.values()))


@pytest.mark.parametrize(
    "links",
    [
        [(i, word, (i + 1) % 24) for i in range(24) for word in "SA"],
        [(0, "S", i) for i in range(1, 24) for _ in range(3)],
        [(i, "S", j) for i in range(12) for j in range(i)],
    ],
    ids=["cycle", "star", "complete"],
)
def test_sums_over_many_like_coordinates_take_no_factorial_time(links):
    started = time.process_time()
    assert len({invariant(renamed(links, Random(seed))) for seed in range(3)}) == 1
    assert time.process_time() - started < 20  # 24! orders would take for ever


def renamed(links, random):
    """The same sum over coordinates of other names, its factors in another order, some of them read backwards."""
    names = sorted({end for i, _, j in links for end in (i, j)} - {END})
    new = dict(zip(names, random.sample(names, len(names)), strict=True)) | {END: END}
    turned = [(i, word, j) if i == END or random.random() < 0.5 else (j, word[::-1], i) for i, word, j in links]
    return tuple((new[i], word, new[j]) for i, word, j in random.sample(turned, len(turned)))


@settings(max_examples=60)
@given(words=st.lists(st.text("AS", min_size=1, max_size=4), min_size=1, max_size=3), links=connected_links())
def test_a_sum_of_letters_put_for_a_letter_keeps_the_value(words, links):
    given_words = (*(trace(word) for word in words), invariant(links))
    for letter, by in (("S", {"A": 1, "C": 1}), ("C", {"S": 1, "A": -1}), ("A", {"S": 1, "C": -1})):
        new = substitute(given_words, {letter: by})
        parts = [weight * product_value(some, OF_LETTER) for some, weight in new.items()]
        assert not any(letter in word for some in new for one in some for _, word, _ in one)
        scale = sum(map(abs, parts)) + 1
        assert sum(parts) == pytest.approx(product_value(given_words, OF_LETTER), abs=1e-11 * scale)


def test_words_are_substituted_back_and_forth():
    given_words = (trace("SSA"), trace("S"))
    there = substitute(given_words, {"S": {"A": 1, "C": 1}})
    back = {}
    for some, weight in there.items():
        for new, factor in substitute(some, {"C": {"S": 1, "A": -1}}).items():
            back[new] = back.get(new, 0) + weight * factor
    assert {key: value for key, value in back.items() if value} == {tuple(sorted(given_words)): 1}


def test_only_closed_words_are_traces():
    assert is_trace(trace("AS"))
    assert not is_trace(invariant(((0, "A", 0), (0, "S", 0))))
    assert not is_trace(invariant(((0, "A", 1),)))  # Σ_ij (W A0 Wᵀ)_ij


def test_letters_are_counted_and_named():
    assert letters(trace("AAS")) == letters(invariant(((0, "AS", 0), (0, "S", 0)))) == 3
    named = {letter: one.name for letter, one in LETTERS.items()}
    assert named.items() >= {"A": "A0", "S": "Sigma", "C": "C", "I": "I", "D": "bias"}.items()
    # By its name and its factors a letter is the only one.
    assert len({(one.name, factors(letter)) for letter, one in LETTERS.items()}) == len(LETTERS)
