"""Code of z1 = W x and z2 = V y: its expansion in Σ, Σ₂ and A is that of the definition, and no neighbour of it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sympy import Rational
from two_encoders import PAIRS, clip, one_way, one_way_squares, uneven

from derive import InputError, catalogue
from derive.algebra.words import substitute
from numeric.invariants import product_value, products
from verify import audit
from verify.audits.blackbox import by_derivatives, by_remainder
from verify.audits.blackbox.batches import Subject, batch
from verify.audits.blackbox.coefficients import Method, measured, second_order
from verify.audits.blackbox.expanding import expanded
from verify.audits.blackbox.laws_for_words import laws
from verify.truths.function import BlackBox


def route(**options):
    return Method(**{"radius": 0.35, "autograd": True, "encoders": 2, **options})


def near(found, expansion):
    expected = {term.invariants: float(term.coefficient) for term in expansion.terms}
    assert set(expected) <= set(found)
    return all(abs(value - expected.get(word, 0.0)) <= error + 1e-12 for word, (value, error) in found.items())


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("name", PAIRS)
def test_the_coefficients_are_those_of_the_definition(name, width):
    code, definition = PAIRS[name]
    method = route(coordinates=name == "barlow-twins")
    for size in (2, 5):
        here = definition.set({"N": size}) if "N" in definition.parameters else definition
        for order in (2, 4):
            found = measured(BlackBox(code), size, order, method, width=width)
            assert near(found, here.expand(order=4).only(order)), (size, order)


@pytest.mark.parametrize("name", ["clip", "one-way-squares"])
def test_N_is_symbolic(name):
    code, definition = PAIRS[name]
    found = expanded(BlackBox(code, name), route())
    assert found.expansion.terms == definition.expand(order=4).terms
    assert (found.expansion.model, found.expansion.basis) == ("W x, V y", "A,Sigma,Sigma2")
    assert found.notes == ()


def test_values_alone_give_the_same():
    code, definition = PAIRS["one-way"]
    found = measured(BlackBox(code), 3, 4, route(autograd=False, radius=0.5))
    assert near(found, definition.set({"N": 3}).expand(order=4).only(4))


def test_a_number_in_an_exponential_is_recognised():
    code, definition = PAIRS["siglip"]
    found = expanded(BlackBox(code), route())
    said, derived = found.at(6, 2), definition.set({"N": 6}).expand(order=4)
    assert {term.invariants for term in said.terms} == {term.invariants for term in derived.terms}
    for mine, theirs in zip(said.terms, derived.terms, strict=True):
        assert float(mine.coefficient) == pytest.approx(float(theirs.coefficient), rel=1e-9)
    assert not found.numbers


@pytest.mark.parametrize(("order", "words"), [(2, 3), (4, 13), (6, 47)])
def test_all_words_are_told_apart(order, words):
    """A random polynomial of inner products, averaged over nodes and by its words, each in one random setting."""
    rng = np.random.default_rng(order)
    weights = torch.from_numpy(rng.standard_normal((4, *[2] * order)))

    def loss(z1, z2):
        z = torch.stack((z1, z2), 1)
        gram = torch.einsum("avc,bwc->avbw", z, z)
        # Not the same for all data: the first ones have other weights.
        places = torch.arange(len(z1)) % 2
        total = 0.0
        for k in range(2):
            factor = 1.0
            for n in range(order // 2):
                table = weights[k + 2 * (n % 2)].reshape(2, 2, -1)[..., 0]
                factor = factor * torch.einsum("avbw,vw,ab->", gram, table, table[places][:, places] + table)
            total = total + factor
        return total

    found = laws(order // 2, encoders=2)
    assert len(found.words) == words
    assert found.condition < 1e3
    # A polynomial: its values give coefficients exactly, and faster than six derivatives do.
    method = route(exchangeable=False, autograd=False, radius=1.0)
    box = BlackBox(loss)
    coefficients = measured(box, 2, order, method)
    at = batch(2, order, d0=1 if order == 6 else 2, d1=3, encoders=2)
    nodes, weight = at.nodes(order + 1)
    average = weight @ np.array([box(z) for z in nodes])
    of_letter = products(at.W, at.data.letters)
    said = sum(value * product_value(word, of_letter) for word, (value, _) in coefficients.items())
    assert said == pytest.approx(average, rel=1e-6)


@cache
def measured_once():
    """The expansion of a loss, and what two routes measure of it."""
    box = BlackBox(uneven, "uneven")
    found = expanded(box, route())
    subject = Subject.of(box, found, route(), 0)
    return found, [(one, one.measure(subject)) for one in (by_derivatives.ROUTE, by_remainder.ROUTE)]


def put(expansion, letters):
    """The same expansion with other letters."""
    terms = [
        (new, term.coefficient * weight)
        for term in expansion.terms
        for new, weight in substitute(term.invariants, letters).items()
    ]
    return expansion.with_terms(terms)


def transposed(expansion):
    """Tr[W A Vᵀ V Aᵀ Wᵀ] for Tr[(W A Vᵀ)²]."""
    squared, product = (((0, "XX", 0),),), (((0, "XY", 0),),)
    return expansion.with_terms(
        (product if term.invariants == squared else term.invariants, term.coefficient) for term in expansion.terms
    )


WRONG = {
    "Σ and Σ₂ exchanged": lambda one: put(one, {"S": {"T": 1}, "T": {"S": 1}}),
    "A for Aᵀ": transposed,
    "V = W": lambda one: put(one, {"T": {"S": 1}}),
    "a term left out": lambda one: one.with_terms((term.invariants, term.coefficient) for term in one.terms[:-1]),
}


@pytest.mark.parametrize("name", ["right", *WRONG])
def test_what_is_wrong_is_rejected(name):
    found, on = measured_once()
    said = found if name == "right" else replace(found, expansion=WRONG[name](found.expansion))
    for route_of, measurement in on:
        for one in route_of.compare(measurement, said):
            assert one.ran
            assert one.agrees is (name == "right"), one


def test_a_whole_audit_of_clip():
    found = audit(clip, encoders=2)
    assert found.verdict == "holds"
    assert {one.route for one in found.evidence if one.agrees} == {"exact", "autodiff", "remainder", "monte-carlo"}
    assert found.expansion.terms == PAIRS["clip"][1].expand(order=4).terms
    said = found.to_json()
    assert said["model"] == said["expansion"]["model"] == "W x, V y"
    assert said["expansion"]["basis"] == ["A", "Sigma", "Sigma2"]
    assert found.landscape.pairs is not None
    assert "z1 = W x, z2 = V y" in found.text()


def test_a_loss_of_directions_has_no_expansion():
    def loss(z1, z2):
        return one_way(F.normalize(z1), F.normalize(z2))

    found = audit(loss, encoders=2)
    assert (found.regularity.kind, found.regularity.degree, found.expansion) == ("homogeneous", 0, None)
    assert "one encoder alone" in found.evidence[-1].note
    inside = audit(loss, encoders=2, use_core=True, order=2)
    assert inside.expansion.terms == PAIRS["one-way"][1].expand(order=2).terms


def test_a_stopped_gradient_is_a_flow_of_both_encoders():
    found = audit(lambda z1, z2: (z1**2).sum(1).mean() - 2 * (z1 * z2.detach()).sum(1).mean(), encoders=2)
    assert found.landscape is None
    assert found.field.flow() == "dW/dt = −2 W Σ + 2 V Aᵀ + O((W, V)³), dV/dt = 0 + O((W, V)³)"
    assert "2 W A" in found.field.flow(of_values=True)


def test_second_order_of_a_loss_that_singles_out_coordinates():
    def loss(z1, z2):
        table = torch.tensor([[1.0, 2.0], [0.0, 3.0]], dtype=z1.dtype)
        return torch.einsum("na,ab,nb->", z1, table, z2) + 5 * (z2[:, 0] ** 2).sum()

    found = second_order(BlackBox(loss), 1, route(alike=False), 2)
    assert {name: value.round(9).tolist() for name, value in found.items()} == {
        "Sigma": [[0, 0], [0, 0]],
        "Sigma2": [[5, 0], [0, 0]],
        "A": [[1, 2], [0, 3]],
    }
    wider = audit(lambda z1, z2: loss(z1[:, :2], z2[:, :2]), encoders=2)
    text = wider.text()
    assert "T_ij (V Σ₂ Vᵀ)_ij + A_ij (W A Vᵀ)_ij" in text


@pytest.mark.parametrize(
    ("code", "other", "agrees"),
    [
        (one_way_squares, catalogue("infonce-batch"), True),
        (lambda z1, z2: one_way_squares(z2, z1), catalogue("infonce-batch"), False),
        (one_way_squares, lambda z1, z2: one_way_squares(z2, z1), False),
        (clip, lambda z1, z2: clip(z2, z1), True),
    ],
)
def test_code_beside_another_loss(code, other, agrees):
    found = audit(code, encoders=2, definition=other, order=2)
    assert found.against.agrees is agrees, found.against.lines
    assert found.verdict == ("holds" if agrees else "refuted")


def test_what_does_not_go_together_is_refused():
    for options, words in (
        ({"encoders": 3}, "--encoders 3"),
        ({"encoders": 2, "basis": "A0,C"}, "leave --basis out"),
        ({"definition": PAIRS["spectral"][1]}, "compare with --encoders 2"),
        ({"encoders": 2, "definition": catalogue("spectral+bias")}, "a bias is for a single one"),
    ):
        with pytest.raises(InputError, match=words):
            audit(clip, **options)
    with pytest.raises(InputError, match="a bias is for a single one"):
        audit(catalogue("spectral+bias"), encoders=2)


def test_a_definition_through_two_encoders():
    found = audit(catalogue("spectral"), encoders=2, train=False)
    assert found.loss.encoders == 2
    assert found.to_json()["expansion"]["model"] == "W x, V y"
    assert found.verdict == "holds"
    assert Rational(2) in found.expansion.B.values()
