"""Views of other data of a class: what laws make of them, and what is refused."""

from dataclasses import replace

import pytest

from derive import (
    Classes,
    Elliptical,
    Gaussian,
    InputError,
    Laplace,
    Loss,
    Mean,
    Uncentred,
    catalogue,
    inner,
    log,
    views,
)
from derive.algebra.graphs import CLASSMATE, PLAIN
from derive.definition.rewriting import relabelled
from derive.expansion.laws import Unequal
from derive.sphere.pairs import pair_form
from derive.sphere.temperature import in_cosines

x, x_pos, chi, y = views("x, x_pos, chi, y")
x_same, x_other, chi_same = views("x_same, x_other, chi_same", shares="class")
CLASSES = Classes(weights=(3, 1))


def order_2(node, law=CLASSES):
    return str(Loss(node).expand(2, data=law)).removesuffix(" + O(W⁴)")


def test_two_data_of_a_class_share_its_mean_alone():
    assert order_2(inner(x, x_same)) == "Tr[W M₂ Wᵀ]"
    assert order_2(inner(x_same, x_other)) == "Tr[W M₂ Wᵀ]"
    assert order_2(inner(x_same, x_same)) == "Tr[W M₂ Wᵀ] + Tr[W Σ Wᵀ]"
    assert order_2(inner(x, x_pos)) == "Tr[W A0 Wᵀ] + Tr[W M₂ Wᵀ]"
    # Bound together they are another class.
    assert order_2(Mean(inner(chi, chi_same), over=(chi, chi_same))) == "Tr[W M₂ Wᵀ]"
    assert order_2(Mean(inner(x, chi), over=chi)) == "|W μ|²"


def test_the_covariances_of_a_class_are_those_of_all_its_data():
    """E ⟨x, x_same⟩² = Σ_y π_y Tr (Σ_y + μ_y μ_yᵀ)²: one sum over classes, and not the product of two."""
    law = Classes(means="zero")
    assert str(Loss(inner(x, x_same) ** 2).expand(4, data=law)) == "Σ_y π_y Tr[(W Σ_y Wᵀ)²] + O(W⁶)"
    assert str(Loss(Mean(inner(x, chi) ** 2, over=chi)).expand(4, data=law)) == "Tr[(W Σ Wᵀ)²] + O(W⁶)"


@pytest.mark.parametrize(
    "law", [Gaussian(), Uncentred(), Classes(1), Elliptical(), Elliptical(scale=Laplace(), per="view")]
)
def test_without_classes_they_are_independent_data(law):
    """As a fresh datum y in its place, averaged over."""
    node = log(1 + inner(x, x_same) ** 2 * inner(x_same, x_pos) + inner(x_same, x_same) * inner(x, x_pos))
    apart = log(1 + inner(x, y) ** 2 * inner(y, x_pos) + inner(y, y) * inner(x, x_pos))
    found = Loss(node).expand(6, data=law)
    assert found.terms == Loss(Mean(apart, over=y)).expand(6, data=law).terms
    said = "data of a class independent, as all data are"
    assert (said in found.assumptions) == (not isinstance(law, Classes))


def test_a_mean_over_several_of_a_class_counts_those_that_coincide():
    """E (mean of M ⟨x, x_m⟩)² = (M − 1)/M · that of two data + 1/M · that of one."""
    law = Classes(means="zero", covariances="shared")
    loss = Loss(Mean(inner(x, x_same), over=x_same, of=x, count=3) ** 2)
    assert str(loss.expand(4, data=law)) == "⅓ Tr[(W Σ Wᵀ)²] + O(W⁶)"


def test_supcon_keeps_the_means_of_classes_alone():
    expansion = catalogue("supcon").expand(2, data=CLASSES)
    assert str(expansion) == "−1/τ Tr[W M₂ Wᵀ] + 1/τ |W μ|² + O(W⁴)"
    assert str(catalogue("supcon").expand(4)) == "1/(2 τ^2) Tr[(W Σ Wᵀ)²] + O(W⁶)"


@pytest.mark.parametrize("shares", ["datum", "nothing"])
def test_a_class_taken_for_a_datum_is_another_loss(shares):
    """And so is one taken for no relation at all: the mutants of SupCon."""
    loss = catalogue("supcon")
    slipped = relabelled(loss.expression, {x_same: x_same._replace(role=PLAIN) if shares == "datum" else y})
    node = slipped if shares == "datum" else Mean(slipped, over=y)
    right, wrong = (replace(loss, expression=one).expand(2, data=CLASSES) for one in (loss.expression, node))
    assert right != wrong
    assert str(wrong) == ("−1/τ Tr[W A0 Wᵀ] − 1/τ Tr[W M₂ Wᵀ] + 1/τ |W μ|² + O(W⁴)" if shares == "datum" else "O(W⁴)")


SHARED = "and count=M for a mean over M other data of its class"
REFUSED = {
    "views('x_same', shares='kind'): views of one name share a 'datum' or a 'class'": lambda: views(
        "x_same", shares="kind"
    ),
    "views('x_same', shares='class'): classmates are seen through f, under the first augmentation; leave encoder and"
    " augmentation out": lambda: views("x_same", encoder="g", shares="class"),
    "Mean(…, over=(x_same), of=x): a mean over all other data of a class has no end; give a view of x itself, "
    f"{SHARED}": lambda: Mean(inner(x, x_same), over=x_same, of=x),
    "Mean(…, over=(x_pos), of=x_same): x_same is not of the datum x but of its class; give a view of x itself, "
    f"{SHARED}": lambda: Mean(inner(x, x_pos), over=x_pos, of=x_same, count=3),
    "views that share a class are derived with one kind of view; leave out the second encoder or augmentation, or"
    " shares='class'": lambda: Loss(inner(x, x_same)).expand(2, data=Unequal()),
    "loss has views of one class beside views of a second kind; classes are derived with one kind": lambda: Loss(
        inner(x, x_same) + inner(x, *views("x_text", encoder="g"))
    ),
    "supcon has views of other data of a class, and a fixed training set has its own share of each class; take"
    " independent draws, --sampling iid": lambda: catalogue("supcon").expand(2, sampling="fixed"),
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_makes_no_sense_is_refused_in_a_sentence(said):
    with pytest.raises(InputError) as caught:
        REFUSED[said]()
    assert str(caught.value) == said


def test_the_role_is_the_view_s_own():
    assert {view.role for view in (x_same, x_other, chi_same)} == {CLASSMATE}
    assert (x_same.datum, chi_same.datum) == ("x", "chi")


def test_on_the_sphere_classes_are_refused():
    normalised = catalogue("supcon").normalised()
    assert pair_form(normalised) is None
    with pytest.raises(InputError, match="supcon\\+normalised has views of other data of a class; the series in 1/τ"):
        in_cosines(normalised, 2)
