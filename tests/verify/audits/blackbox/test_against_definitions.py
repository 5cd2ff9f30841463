"""Code beside a definition: on average over the same data, term by term, and refused where it cannot be read."""

from dataclasses import replace

import pairs
import pytest
import sympy
import torch
from plain import PLAIN

from derive import InputError, Loss, Mean, catalogue, exp, half_sq, inner, log, views
from verify.audits.blackbox.against import averages, definition, known_names, terms
from verify.audits.blackbox.against.subject import Subject
from verify.audits.blackbox.auditing import audit_function
from verify.audits.blackbox.rays import DOUBLE
from verify.audits.blackbox.regularity import Regularity, regularity
from verify.truths.function import BlackBox

HALF = sympy.Rational(1, 2)
N = sympy.Symbol("N")
x, x_pos, chi, chi_pos = views("x, x_pos, chi, chi_pos")


def beside(code, loss, kind="undecided", degree=None):
    """A comparison of values and gradients alone."""
    box = BlackBox(code, getattr(code, "__name__", "code"))
    smooth = Regularity(kind, rounding=DOUBLE, degree=degree)
    mine = Subject(box, smooth, box, smooth)
    return definition.against_definition(mine, loss, order=4, seed=0, tick=lambda _: None)


@pytest.mark.parametrize("name", PLAIN)
def test_code_and_its_definition_are_equal(name):
    found = beside(PLAIN[name].code, PLAIN[name].definition)
    assert found.agrees is (None if name == "vicreg" else True), found.lines
    # The definition of VICReg is that of the active hinge.
    assert found.values.kind == ("beyond" if name == "vicreg" else "equal"), found.lines
    assert all(one.agrees is not False for one in found.evidence)


WRONG = {
    "infonce-batch": (catalogue("weighted-infonce").set({"alpha": HALF}), "different"),
    "weighted-infonce": (catalogue("infonce-batch"), "different"),
    "dcl": (catalogue("ntxent").set({"tau": HALF}), "different"),
    "ntxent": (catalogue("ntxent").set({"tau": HALF / 2}), "different"),
    "siglip": (catalogue("siglip").set({"t": sympy.Rational(3, 2), "b": 1}), "different"),
    "infonce": (Loss(half_sq(x, x_pos) + log((N - 1) * Mean(exp(-half_sq(x, chi)), over=chi, count=N - 1))), "offset"),
    "spectral": (Loss(-4 * inner(x, x_pos) + 2 * Mean(inner(x, chi) ** 2, over=chi)), "factor"),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_definition_is_not_the_code(name):
    other, kind = WRONG[name]
    found = beside(PLAIN[name].code, other)
    if kind == "offset":
        assert (found.agrees, found.values.relation.offset) == (True, "-log(N - 1)")
    elif name == "spectral":
        assert found.values.relation.factor == "½"
        assert found.agrees is False
    else:
        assert found.agrees is False
        assert {one.route for one in found.evidence if one.agrees is False} == {"exact", "monte-carlo"}
    assert found.values.kind == kind


def test_a_normalised_loss_is_read_with_unit_vectors():
    siglip = catalogue("siglip").set({"t": 2, "b": 1})
    assert beside(pairs.siglip, siglip, "homogeneous", 0).agrees is True
    wrong = catalogue("siglip").set({"t": 2, "b": -1})
    assert beside(pairs.siglip, wrong, "homogeneous", 0).agrees is False
    masked = catalogue("ntxent").set({"tau": HALF})
    assert beside(pairs.ntxent_masked, masked, "homogeneous", 0).agrees is True
    assert beside(pairs.ntxent_self_kept, masked, "homogeneous", 0).agrees is False


def test_the_definition_of_a_batch_normalised_loss_is_refused_with_what_to_do():
    barlow = catalogue("barlow-twins").set({"lambda": 1})
    with pytest.raises(InputError, match="use --core to compare what is inside its normalisation"):
        beside(pairs.barlow, barlow, "homogeneous", 0)


def test_the_gradient_of_code_is_compared_with_that_of_its_values():
    def halved(z1, z2):
        z = torch.cat([z1, z2])
        z = z / 2 + z.detach() / 2
        return PLAIN["ntxent"].code(*z.chunk(2))

    found = beside(halved, PLAIN["ntxent"].definition)
    assert (found.values.kind, found.gradients.ratio, found.agrees) == ("equal", ("½",), False)


def test_a_definition_of_a_population_is_compared_in_the_limit():
    box = BlackBox(PLAIN["infonce-batch"].code, "infonce_batch")
    found = audit_function(box.loss, definition=catalogue("infonce"), order=2)
    assert found.differences[0].endswith("a factor of (N - 1)/N (1 as N → ∞)")
    assert found.verdict == "undecided"
    assert "equal in the limit N → ∞" in found.text()


def test_numbers_are_compared_as_numbers():
    exact = -10 * sympy.exp(10) / (1 + sympy.exp(10))
    q = sympy.Symbol("q1")
    near = {"q1": dict.fromkeys((2, 3, 4), (-9.999546021312977, 1e-12))}
    far = {"q1": dict.fromkeys((2, 3, 4), (-9.9996, 1e-12))}
    at_one_size = {"q1": {2: (-9.999546021312976, 1e-12), 3: (-9.5, 1e-12)}}
    assert terms.same(q, exact, (near, {}))
    assert terms.same(exact, q, ({}, near))
    assert not terms.same(q, exact, (far, {}))
    assert not terms.same(q, exact, (at_one_size, {}))
    assert not terms.same(q, N * exact, (near, {}))
    assert not terms.same(q, exact, ({"q1": {2: (float("nan"), 1e-12)}}, {}))


def test_what_is_open_in_a_definition_is_asked_for():
    assert known_names(catalogue("siglip")) == ("N", "b", "t")
    with pytest.raises(InputError, match="the definition leaves tau open"):
        definition.in_numbers(catalogue("dcl"), {})


def test_weight_decay_is_no_function_of_embeddings():
    loss = replace(catalogue("infonce-batch").with_weight_decay(HALF))
    assert averages.why_not(loss) == "it holds ‖W‖², which is not a function of embeddings"
    found = beside(PLAIN["infonce-batch"].code, loss)
    assert found.agrees is None
    assert found.evidence[0].ran is False


@pytest.mark.slow
def test_a_published_loss_with_its_core():
    # Without parameters of its own: a value given to a name would go to the code and to the definition.
    found = audit_function(
        pairs.siglip_softplus, use_core=True, order=2, definition=catalogue("siglip"), given={"t": 2, "b": 1}
    )
    assert found.differences == ()
    assert found.verdict == "holds"
    wrong = audit_function(
        pairs.siglip_softplus, use_core=True, order=2, definition=catalogue("siglip"), given={"t": 2, "b": -1}
    )
    assert wrong.differences
    assert wrong.verdict == "refuted"
    assert regularity(BlackBox(pairs.siglip_softplus)).degree == 0
