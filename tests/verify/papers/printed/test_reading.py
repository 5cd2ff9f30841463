"""What is stated, from SymPy, JSON, a file or an Expansion."""

import json
from dataclasses import replace

import pytest
import sympy

from derive import InputError, catalogue
from verify.papers.claims import formulas
from verify.papers.printed.reading import read_expansion, read_matrix


def read(printed, name="infonce-batch", **options):
    loss = catalogue(name)
    return read_expansion(printed, loss=loss.name, symbols=loss.parameters, bias=loss.bias, **options)


@pytest.mark.parametrize("name", ["infonce-batch", "spectral+bias"])
@pytest.mark.parametrize("form", [lambda e: e, lambda e: e.to_json(), lambda e: json.dumps(e.to_json()),
                                  lambda e: {"expansion": e.to_json()}, lambda e: e.to_sympy()])  # fmt: skip
def test_each_form_of_an_expansion_is_read(name, form):
    expansion = catalogue(name).expand(4)
    found = read(form(expansion), name)
    assert found.expansion.terms == expansion.terms
    assert found.expansion.order == 4
    assert (found.constant or 0) == expansion.constant


def test_sums_over_coordinates_are_read_from_json():
    expansion = catalogue("barlow-twins+bias").expand(4, basis="A0,C")
    assert read(expansion.to_json(), "barlow-twins+bias").expansion.terms == expansion.terms


def test_sympy_in_the_letters_of_claims():
    W, A0, C, Tr = formulas.W, formulas.A0, formulas.C, formulas.Tr
    found = read(-Tr(W * A0 * W.T) + Tr(W * (A0 + C) * W.T * W * C * W.T) / 2, "infonce").expansion
    assert found.basis == "A0,C"
    assert found.text() == "−Tr[W A0 Wᵀ] + ½ Tr[W A0 Wᵀ W C Wᵀ] + ½ Tr[(W C Wᵀ)²] + O(W⁶)"


def test_symbols_are_known_by_their_names():
    N = sympy.Symbol("N", integer=True, positive=True)
    found = read(-(N - 1) / N * formulas.Tr(formulas.W * formulas.A0 * formulas.W.T)).expansion
    assert found.terms == catalogue("infonce-batch").expand(2).terms


@pytest.mark.parametrize(
    "written",
    ["L = -Tr[W A0 W^T].", r"\mathcal{L}(W) - L(0) &= -\Tr(W A_0 W^\top) + \mathcal{O}(\|W\|^4),", "B=-tr[W A0 W']"],
)
def test_a_left_side_and_the_end_of_a_sentence_are_left_out(written):
    assert read(written, "infonce").expansion.terms == catalogue("infonce").expand(2).terms


def test_a_file_of_text_or_json(tmp_path):
    expansion = catalogue("infonce").expand(4)
    (tmp_path / "a.txt").write_text(expansion.text() + "\n", "utf-8")
    (tmp_path / "a.json").write_text(json.dumps(expansion.to_json()), "utf-8")
    for name in ("a.txt", "a.json"):
        assert read(tmp_path / name, "infonce").expansion.terms == expansion.terms


@pytest.mark.parametrize(
    ("printed", "options", "order"),
    [("Tr[W A0 W^T]", {}, 2), ("Tr[W A0 W^T] + O(W^6)", {}, 4), ("Tr[W A0 W^T] + O(W^5)", {}, 4), ("0", {}, 2),
     ("Tr[W A0 W^T]", {"order": 4}, 4), ("Tr[W A0 W^T] + O(W^8)", {"order": 4}, 4)],
)  # fmt: skip
def test_the_order_is_that_of_the_remainder_or_the_highest(printed, options, order):
    assert read(printed, **options).expansion.order == order


@pytest.mark.parametrize(
    ("printed", "options", "message"),
    [
        (
            "Tr[W A0 W^T] + O(W^4)",
            {"order": 4},
            "the printed formula ends at order 2 and says nothing about order 4; give order=2",
        ),
        (
            "Tr[(W A0 W^T)^2]",
            {"order": 2},
            "the printed formula has a term of order 4 in W; give order=4, or leave the term out",
        ),
        ("L = ", {}, "the printed formula is empty; write it as in '-Tr[W A0 W^T]', and 0 where there is nothing"),
        ("0", {"order": 3}, "order is an even number such as 4, not 3"),
        ("0", {"order": "4"}, "order is an even number such as 4, not '4'"),
        (sympy.Symbol("M"), {}, "M is unknown here; the parameters are N, d1"),
        (3, {}, "the printed formula is of type int; give text, a SymPy expression, JSON or an Expansion"),
        ("{", {}, "the printed formula starts like JSON but is not JSON: Expecting property name enclosed in double"),
        ({"terms": [{}]}, {}, "the printed formula is not JSON of an expansion, as quartic derive --json prints it: "),
        (
            {"order": 2, "terms": [{"coefficient": "1", "traces": [["B"]]}]},
            {},
            "the printed formula is not JSON of an expansion, as quartic derive --json prints it: KeyError 'B'",
        ),
        (
            sympy.Trace(sympy.MatrixSymbol("X", 2, 2)),
            {},
            "the printed formula holds the matrix X; its matrices are W, A_0, Sigma and C",
        ),
        (
            catalogue("barlow-twins").set({"lambda": 2}).expand(4).to_sympy(),
            {},
            "the printed formula holds a Sum: in SymPy it is made of Trace(W*A_0*W.T), products and coefficients",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(printed, options, message):
    with pytest.raises(InputError) as refused:
        read(printed, **options)
    assert str(refused.value).startswith(message)


def test_a_missing_file_and_one_that_is_no_text(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe")
    for name, why in (("none.txt", "No such file or directory"), ("a.bin", "it is not text")):
        with pytest.raises(InputError) as refused:
            read(tmp_path / name)
        assert str(refused.value) == f"the printed formula cannot be read from {tmp_path / name}: {why}"


def test_the_letters_are_those_that_were_used():
    expansion = catalogue("beta-infonce").expand(2)
    assert read(expansion.in_basis("A0,C"), "beta-infonce").expansion.basis == "A0,C"
    assert read(replace(expansion, loss="another"), "beta-infonce").expansion.basis == "A0,Sigma"
    assert read("Tr[W C W^T] - Tr[W Sigma W^T]").expansion.text() == "−Tr[W A0 Wᵀ] + O(W⁴)"


@pytest.mark.parametrize(
    "printed",
    ["(beta - 1) Sigma + A0", {"Sigma": "beta", "A0": 1, "C": -1, "A_0": -1}, "β (A0 + C) - C",
     sympy.Symbol("beta") * formulas.Sigma - formulas.C],
)  # fmt: skip
def test_a_matrix(printed):
    beta = sympy.Symbol("beta")
    found = read_matrix(printed, {"beta": beta}).letters
    assert {letter: sympy.expand(value) for letter, value in found.items()} == {"A0": beta, "C": beta - 1, "I": 0}


@pytest.mark.parametrize(
    ("printed", "message"),
    [("W A0 W^T",
      "B, as it is printed, is a sum of multiples of A0, Sigma, C and I, and this is not one\n  W A0 W^T\n  ^"),
     (3.0, "B, as it is printed, is of type float; give text such as 'A0 - gamma I'")],
)  # fmt: skip
def test_what_is_no_matrix(printed, message):
    with pytest.raises(InputError) as refused:
        read_matrix(printed, {})
    assert str(refused.value) == message
