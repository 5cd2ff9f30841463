"""The description of an audit: sections, and formulas beside the lines that they belong to."""

import pytest

from derive import catalogue, closed_form
from derive.definition.notation import LATEX
from derive.landscape.summary import described
from verify.audits.definition import Audit
from verify.audits.findings import describe, landscape_lines


def lines(name, label, limit=None):
    landscape = described(None, catalogue(name).expand(4), limit)
    found, at = [], ""
    for line in landscape_lines(landscape):
        at = line.label or at
        if at == label:
            found.append(line)
    return landscape, found


def test_each_case_has_its_own_formulas():
    landscape, (first, second) = lines("infonce+norm-penalty+bias", "stationary", "kappa")
    assert len(landscape.stationary) == 2
    for line, points in zip((first, second), landscape.stationary, strict=True):
        assert line.formulas == (f"{points.given(LATEX)}:", *(f"{a} = {b}" for a, b in points.lines(LATEX)))
    assert first.formulas != second.formulas


def test_a_landscape_without_points_in_formulas_is_given_by_modes():
    landscape, (line,) = lines("dcl", "stationary")
    assert landscape.stationary == ()
    assert [formula.partition(" = ")[0] for formula in line.formulas[1:]] == ["b_i", "Q_{ij}", "K_{ij}"]


@pytest.mark.parametrize(("name", "number"), [("spectral", 1), ("alignment-uniformity", 2)])
def test_conditions_stand_beside_their_lines(name, number):
    landscape, found = lines(name, "collapse")
    written = [formula for line in found for formula in line.formulas]
    assert len([line for line in found if line.formulas]) == number
    assert written == [
        rf"\text{{dimensional: }} {landscape.collapse.dimensional.whitened().latex()}",
        rf"\text{{complete: }} {landscape.collapse.complete.whitened().latex()}",
    ]


def test_what_was_derived_is_in_sections():
    loss = catalogue("spectral+bias")
    expansion = loss.expand(4)
    found = describe(Audit(loss, {}, expansion, closed_form(loss), "analytic", None, "", None, ()))
    assert [section.heading for section in found.sections] == ["Definition", "Near W = 0", "At collapse"]
    formulas = {line.label: line.formulas for line in found.lines}
    assert formulas["definition"] == (loss.latex(),)
    assert formulas["near W = 0"] == (expansion.latex(),)
    assert formulas["origin"] == ("B = 2 A_0", r"\text{in } b\text{: } -2 \|b\|^2")


@pytest.mark.parametrize(
    ("name", "text", "formula"),
    [
        ("spectral+two-encoders", "−Tr[W B Vᵀ], B = 2 A: a saddle where B is not 0", "B = 2 A"),
        (
            "spectral+two-encoders+weight-decay",
            "γ Tr[W Wᵀ] + γ Tr[V Vᵀ] − 2 Tr[W A Vᵀ]",
            (
                r"\gamma \operatorname{Tr}[W W^{\top}] + \gamma \operatorname{Tr}[V V^{\top}]"
                r" - 2 \operatorname{Tr}[W A V^{\top}]"
            ),
        ),
    ],
)
def test_the_origin_of_two_encoders_has_no_B_but_between_them(name, text, formula):
    loss = catalogue(name)
    found = describe(Audit(loss, {}, loss.expand(4), closed_form(loss), "analytic", None, "", None, ()))
    (origin,) = (line for line in found.lines if line.label == "origin")
    assert (origin.text, origin.formulas) == (text, (formula,))
