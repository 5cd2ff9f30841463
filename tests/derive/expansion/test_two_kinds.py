"""Views seen in two ways: contraction by roles against all pairings, and one kind of views as the special case."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import CATALOGUE, InputError, Loss, Mean, catalogue, exp, inner, log, symbols, views
from derive.algebra.alphabet import LETTERS, letter_of
from derive.algebra.graphs import AUGMENTATION, ENCODER, PLAIN, VIEW, Vertex
from derive.algebra.words import substitute
from derive.definition.expression import labels, walk
from derive.definition.kinds import in_two_kinds
from derive.expansion.wick import contract
from numeric.invariants import product_value

# What the letters become where both kinds are one: Σ₂ = Σ, A = Aᵀ = A₂ = A0, V = W.
SAME = {letter: {"S": 1} for letter in "UT"} | {letter: {"A": 1} for letter in "PQRXYZ"} | {"J": {"I": 1}}
LOSSES = [name for name in CATALOGUE if catalogue(name).roles == {PLAIN}]


def as_one_kind(expansion):
    found = {}
    for term in expansion.terms:
        for words, number in substitute(term.invariants, SAME).items():
            found[words] = found.get(words, 0) + number * term.coefficient
    return expansion.with_terms(found.items()).terms


@pytest.mark.parametrize("role", [ENCODER, AUGMENTATION], ids=["two encoders", "two augmentations"])
@pytest.mark.parametrize("name", LOSSES)
def test_equal_kinds_give_the_loss_of_one_kind_term_by_term(name, role):
    loss = catalogue(name)
    two = Loss(in_two_kinds(loss.expression, role), batch=loss.batch)
    assert two.roles == {0, role}
    order = 6 if name == "infonce" else 4
    assert as_one_kind(two.expand(order)) == loss.expand(order).terms


def test_what_is_compared_with_the_anchor_is_of_the_second_kind():
    def second(name):
        seen = {view for node in walk(in_two_kinds(catalogue(name).expression, ENCODER)) for view in labels(node)}
        return {view.name for view in seen if getattr(view, "role", 0)}

    assert second("infonce") == {"x_pos", "chi"}
    assert second("ntxent") == {"x_pos", "chi_pos"}
    # Weight decay is of both encoders, and its white noise is seen through each.
    assert second("infonce+weight-decay") == {"x_pos", "chi", "g"}


def matrices(d=3):
    """Joint covariances of x, a second view of it, y and a second view of it, seen through W and V of d rows."""
    generator = np.random.default_rng(5)
    root = generator.standard_normal((4 * d, 4 * d)) / 3
    joint = root @ root.T
    shared = [joint[i : i + d, j : j + d] for i in (0, 2 * d) for j in (0, 2 * d)]
    extra = {"S": np.eye(d), "T": 2 * np.eye(d)}
    W, V = generator.standard_normal((2, 2, d))
    of = {"A": (W, shared[0], W), "X": (W, shared[1], V), "Y": (V, shared[2], W), "Z": (V, shared[3], V)}
    of |= {"S": (W, shared[0] + extra["S"], W), "T": (V, shared[3] + extra["T"], V)}
    return {letter: F @ X @ G.T for letter, (F, X, G) in of.items()}


OF = matrices()


def pairings(items):
    if not items:
        yield []
        return
    first, *rest = items
    for k, partner in enumerate(rest):
        for others in pairings(rest[:k] + rest[k + 1 :]):
            yield [(first, partner), *others]


def by_pairings(graph):
    legs = [(v, k) for k, edge in enumerate(graph) for v in edge]
    total = 0.0
    for pairing in pairings(legs):
        if all(u.group == v.group for (u, _), (v, _) in pairing):
            operands = []
            for (u, i), (v, j) in pairing:
                names = ("S", "X", "Y", "T") if u.view == v.view else ("A", "X", "Y", "Z")
                operands += [OF[names[2 * u.role + v.role]], [i, j]]
            total += float(np.einsum(*operands, []))
    return total


# View 0 and 1 of a datum are plain, 2 and 3 go through the second encoder.
seen = st.builds(lambda group, view: Vertex(VIEW, group, view, view // 2), st.integers(0, 1), st.integers(0, 3))


@settings(max_examples=60)
@given(st.lists(st.tuples(seen, seen), min_size=1, max_size=3).map(tuple))
def test_contraction_is_the_sum_over_pairings(graph):
    found = sum(weight * product_value(words, OF) for words, weight in contract(graph).items())
    assert found == pytest.approx(by_pairings(graph), rel=1e-9, abs=1e-9)


def test_a_cross_covariance_put_for_its_transpose_is_noticed():
    x, y = Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 2, ENCODER)
    ring = ((x, y), (y, x), (x, x), (y, y))
    turned = OF | {"X": OF["Y"], "Y": OF["X"]}
    right, wrong = (sum(n * product_value(words, at) for words, n in contract(ring).items()) for at in (OF, turned))
    assert right == pytest.approx(by_pairings(ring))
    assert wrong != pytest.approx(right, rel=1e-3)


def test_the_spectral_form_and_its_basis():
    expansion = catalogue("spectral").with_two_encoders().expand(4)
    assert expansion.text() == "−2 Tr[W A Vᵀ] + Tr[W Σ Wᵀ V Σ₂ Vᵀ] + O((W, V)⁶)"
    assert expansion.basis == "A,Sigma,Sigma2"
    assert expansion.B == {"A": 2}
    assert expansion.to_json()["model"] == "W x, V y"
    assert expansion.in_basis("A0,Sigma") is expansion
    with pytest.raises(InputError, match="there is no one C"):
        expansion.in_basis("A0,C")


def test_weight_decay_is_of_both_encoders():
    loss = catalogue("spectral").with_two_encoders().with_weight_decay()
    assert loss.expand(2).text() == "γ Tr[W Wᵀ] + γ Tr[V Vᵀ] − 2 Tr[W A Vᵀ] + O((W, V)⁴)"


def test_roles_survive_a_limit_and_a_sample_of_its_own():
    N, tau = symbols("N tau")
    (x,), (y, psi) = views("x"), views("x_text, psi_text", encoder="g")
    drawn = Loss(log(Mean(exp(inner(x, psi) / tau), over=psi, count=N)) - inner(x, y) / tau, name="one way")
    assert drawn.expand(2).text() == "−1/τ Tr[W A Vᵀ] + O((W, V)⁴)"
    assert drawn.set({"N": 2}).roles == {0, ENCODER}


@pytest.mark.parametrize("wrong", [{"encoder": "h"}, {"encoder": "g", "augmentation": 2}, {"augmentation": 3}])
def test_another_kind_of_view_is_refused(wrong):
    with pytest.raises(InputError, match="the encoder is 'f' or 'g'"):
        views("x", **wrong)


def test_two_encoders_have_no_bias_and_are_not_made_twice():
    two = catalogue("spectral").with_two_encoders()
    for loss, change in (
        (two, "with_bias"),
        (two, "with_two_encoders"),
        (catalogue("spectral+bias"), "with_two_encoders"),
    ):
        with pytest.raises(InputError):
            getattr(loss, change)()


def test_letters_are_found_by_name_and_kind():
    for letter, one in LETTERS.items():
        second = "V" if letter in "TXYZJ" else "W"
        assert letter_of(one.name, second) == letter
    assert [letter_of(name, "V") for name in ("Sigma", "Sigma2")] == ["S", "T"]


def test_where_all_data_are_averaged_over_the_first_is_the_anchor():
    x, chi = views("x, chi")
    node = in_two_kinds(Mean(inner(x, chi) ** 2, over=(x, chi)), AUGMENTATION)
    assert {(view.name, view.role) for part in walk(node) for view in labels(part)} == {("x", 0), ("chi", AUGMENTATION)}
