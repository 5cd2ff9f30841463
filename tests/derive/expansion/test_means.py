"""Data with a mean, and data of classes: words that end in W μ, sums over classes, and what is left of them without."""

from itertools import permutations

import numpy as np
import pytest
import sympy

from derive import CATALOGUE, Classes, Gaussian, InputError, Uncentred, catalogue, moment
from derive.algebra.alphabet import BETWEEN, LETTERS, MEAN, OF_MEAN, in_slot, of_class
from derive.algebra.slots import beside, has_slots, settled, slots
from derive.algebra.words import invariant, trace
from derive.definition.expression import Coordinate, CoordinateSum
from derive.definition.language import inner
from derive.definition.views import Index, views
from derive.errors import NotAnalyticError, OddOrderError
from derive.expansion.second_moments import in_second_moments, sees_means
from derive.landscape.summary import described
from derive.losses.loss import Loss
from numeric.invariants import order_values, values_by_order
from numeric.laws.classes import Mixture
from numeric.laws.mean import Shifted
from numeric.sampling import Covariances

LOSSES = [*(name for name in CATALOGUE if catalogue(name).encoders == 1), "infonce+weight-decay", "spectral+bias"]


def expanded(name, law, order=4):
    try:
        return catalogue(name).expand(order, data=law)
    except NotAnalyticError:
        pytest.skip("it has no expansion")


@pytest.mark.parametrize("name", LOSSES)
def test_one_class_without_a_mean_gives_the_words_of_gaussian_data(name):
    assert expanded(name, Classes(1, means="zero")).terms == expanded(name, Gaussian()).terms


@pytest.mark.parametrize("name", LOSSES)
def test_without_the_words_of_the_mean_those_of_centred_data_are_left(name):
    found = expanded(name, Uncentred())
    vectors = {letter for letter, one in LETTERS.items() if OF_MEAN in one.ends}
    kept = [
        (term.invariants, term.coefficient)
        for term in found.terms
        if not any(letter in vectors for one in term.invariants for _, word, _ in one for letter in word)
    ]
    assert found.with_terms(kept).terms == expanded(name, Gaussian()).terms


@pytest.mark.parametrize("name", LOSSES)
def test_one_class_with_a_mean_is_data_with_a_mean(name):
    assert expanded(name, Classes(1)).terms == expanded(name, Uncentred()).terms


@pytest.mark.parametrize("name", ["infonce", "ntxent", "vicreg", "spectral+bias", "infonce+norm-penalty"])
def test_classes_that_are_alike_are_data_with_a_mean(name):
    generator = np.random.default_rng(1)
    root = generator.standard_normal((2, 3, 3))
    own, mean = Covariances(root[0] @ root[0].T, root[1] @ root[1].T), generator.standard_normal(3)
    W, b = generator.standard_normal((2, 3)), generator.standard_normal(2)
    alike = Mixture.of(Classes(weights=(2, 3)), [mean, mean], [own, own])
    values = []
    for law, data in ((Classes(), alike), (Uncentred(), Shifted(own.A0, own.C, mean=mean))):
        found = expanded(name, law)
        found = found.set({symbol.name: 2 if symbol.name == "d1" else sympy.Rational(7, 3) for symbol in found.symbols})
        values.append(values_by_order(found, W, data.letters, b if found.bias else None))
    assert values[0] == pytest.approx(values[1], rel=1e-10)


def test_a_common_mean_cancels_in_differences_and_those_of_classes_do_not():
    infonce = catalogue("infonce")
    assert infonce.expand(6, data=Uncentred()).terms == infonce.expand(6).terms
    assert infonce.expand(2, data=Classes()).B == {"A0": 1, "C": 0, "M2": 1, "mean": -1}
    assert infonce.expand(2, data=Classes()).origin() == "A0 + M₂ − μ μᵀ"
    assert catalogue("spectral").expand(2, data=Uncentred()).origin() == "2 A0 + 2 μ μᵀ"


def test_words_of_a_mean_are_written():
    found = catalogue("spectral").expand(4, data=Uncentred())
    assert found.text() == ("−2 Tr[W A0 Wᵀ] − 2 |W μ|² + Tr[(W Σ Wᵀ)²] + 2 μᵀ Wᵀ W Σ Wᵀ W μ + |W μ|⁴ + O(W⁶)")
    assert r"2 \mu^{\top} W^{\top} W \Sigma W^{\top} W \mu + \|W \mu\|^{4}" in found.latex()
    assert found.to_json()["terms"][3] == {"order": 4, "coefficient": "2", "traces": [["mean", "Sigma"]]}
    assert "mu.T*W.T" in str(found.to_sympy())
    both = catalogue("spectral+bias").expand(2, data=Uncentred())
    assert both.text() == "−2 Tr[W A0 Wᵀ] − 2 |b|² − 2 |W μ|² − 4 bᵀ W μ + O((W, b)⁴)"
    assert both.B == {"A0": 2, "C": 0, "mean": 2}


def test_a_parameter_that_is_called_mu_keeps_its_name():
    assert "|W μ_|²" in catalogue("vicreg").with_norm_penalty().expand(2, data=Uncentred()).text()


def test_sums_over_classes_are_written():
    found = catalogue("infonce").expand(4, data=Classes(means="zero"))
    assert found.text() == (
        "−Tr[W A0 Wᵀ] + ½ Tr[(W Σ Wᵀ)²] − ⅛ Tr[W Σ Wᵀ]² + ¼ Σ_y π_y Tr[(W Σ_y Wᵀ)²] + ⅛ Σ_y π_y Tr[W Σ_y Wᵀ]² + O(W⁶)"
    )
    assert r"\frac{1}{4} \sum_{y} \pi_y \operatorname{Tr}[(W \Sigma_y W^{\top})^{2}]" in found.latex()
    assert found.to_json()["terms"][-1] == {
        "order": 4,
        "coefficient": "1/8",
        "traces": [["Sigma[y]"], ["Sigma[y]"]],
        "classes": ["y"],
    }
    # Shared covariances leave no sum.
    assert found.with_terms(()).terms == ()
    shared = catalogue("infonce").expand(4, data=Classes(means="zero", covariances="shared"))
    assert shared.terms == catalogue("infonce").expand(4).terms


def test_a_class_that_occurs_once_is_averaged_over():
    own = [in_slot(letter, 2) for letter in "SA"]
    assert settled((trace(own[0]), trace("A"))) == (trace("A"), trace("S"))
    assert has_slots(settled((trace(own[0] + own[1]),)))
    once, twice = of_class(0), of_class(1)
    assert settled((invariant(((twice, "S", once),)), invariant(((twice, "", OF_MEAN),)))) == (
        trace("S" + BETWEEN + MEAN),
    )
    assert settled((invariant(((twice, "S", twice),)),)) == (trace("S" + BETWEEN),)


def test_classes_have_no_names_of_their_own():
    words = [in_slot("S", 0) + in_slot("A", 1), in_slot("A", 0) + in_slot("S", 2), in_slot("S", 1) + in_slot("S", 2)]
    forms = set()
    for new in permutations(range(5), 3):
        put = {in_slot(letter, old): in_slot(letter, new[old]) for letter in "SA" for old in range(3)}
        forms.add(settled(tuple(trace("".join(put[one] for one in word)) for word in words)))
    assert len(forms) == 1
    (form,) = forms
    assert slots(form) == [0, 1, 2]
    assert slots(beside(form, form)) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("law", [Uncentred(), Classes(), Classes(covariances="shared"), Classes(means="zero")])
@pytest.mark.parametrize("name", ["infonce", "weighted-infonce", "barlow-twins", "spectral+bias"])
def test_a_change_of_basis_is_undone(name, law):
    found = expanded(name, law)
    other = found.in_basis("A0,C")
    assert other.in_basis("A0,Sigma").terms == found.terms
    assert other.terms == catalogue(name).expand(4, data=law, basis="A0,C").terms


def test_odd_powers_of_a_coordinate_have_no_expansion_where_there_is_a_mean():
    (x,) = views("x")
    i = Index("i")
    loss = Loss(CoordinateSum(Coordinate(x, i) ** 3, i) + inner(x, x))
    assert loss.expand(4).text() == "Tr[W Σ Wᵀ] + O(W⁶)"
    with pytest.raises(OddOrderError, match=r"a mean leaves a term of odd order 3 in W, .* so centre the data"):
        loss.expand(4, data=Uncentred())


@pytest.mark.parametrize("name", ["spectral", "barlow-twins", "spectral+norm-penalty"])
@pytest.mark.parametrize("law", [Uncentred(), Classes()])
def test_a_loss_of_second_moments_has_the_landscape_of_centred_data_in_them(name, law):
    loss = catalogue(name)
    found = loss.expand(4, data=law)
    assert sees_means(found)
    assert in_second_moments(found).terms == loss.expand(4).terms
    seen, known = described(loss, found, law=law), described(loss, loss.expand(4))
    assert seen.collapse.dimensional == known.collapse.dimensional
    assert seen.stationary == known.stationary
    (note,) = set(seen.collapse.notes) - set(known.collapse.notes)
    assert note.startswith("the landscape is in second moments, not covariances: A0 and Σ stand for A0 + ")


def test_a_loss_that_sees_more_has_no_landscape_in_modes():
    loss = catalogue("infonce")
    found = described(loss, loss.expand(4, data=Classes()), law=Classes())
    assert found.cases == ()
    assert found.why == (
        "it depends on the means and covariances of the classes through more than E x x′ᵀ and E x xᵀ; its landscape is"
        " derived for centred Gaussian data"
    )
    # A common mean cancels, and all is as for centred data.
    assert described(loss, loss.expand(4, data=Uncentred()), law=Uncentred()).exact is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": 0}, "classes: count = 0; it is a whole number from 1 to 1000"),
        ({"count": sympy.Rational(3, 2)}, "classes: count = 3/2; it is a whole number from 1 to 1000"),
        ({"count": 3, "weights": (1, 2)}, "classes: 2 weights are given for 3 classes"),
        ({"weights": (1, 0)}, "classes: weights = 1:0; each is a positive number"),
        ({"means": "none"}, "classes: means = none; they are own or zero"),
        ({"covariances": "same"}, "classes: covariances = same; they are own or shared"),
        ({"size": -1}, "mean: size = -1; it is a number, 0 or more"),
    ],
)
def test_classes_that_are_none(given, message):
    with pytest.raises(InputError) as refused:
        Classes(**given)
    assert str(refused.value) == message


def test_views_of_two_kinds_are_refused():
    for law in (Uncentred(), Classes()):
        with pytest.raises(InputError, match="are derived with one kind of view"):
            catalogue("infonce+two-encoders").expand(2, data=law)


def test_a_moment_of_data_with_a_mean():
    found = moment("E(|f(x)|^2)", law=Uncentred())
    assert str(found) == "|W μ|² + Tr[W Σ Wᵀ]"
    assert str(moment("Var(|f(x)|^2)", law=Uncentred())) == "4 μᵀ Wᵀ W Σ Wᵀ W μ + 2 Tr[(W Σ Wᵀ)²]"


def test_values_of_a_mean_written_out():
    W, A0, Sigma, mean = np.array([[1.0, 2.0]]), np.eye(2), 3 * np.eye(2), np.array([1.0, -1.0])
    data = Shifted(A0, Sigma - A0, mean=mean)
    found = values_by_order(catalogue("spectral").expand(4, data=Uncentred()), W, data.letters)
    # W A0 Wᵀ = 5, W Σ Wᵀ = 15, W μ = −1.
    assert found == {2: -2 * 5 - 2 * 1, 4: 15**2 + 2 * 15 + 1}
    assert order_values(catalogue("spectral").expand(4), W, A0, Sigma) == {2: -10, 4: 225}
