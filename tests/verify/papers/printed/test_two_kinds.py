"""Prints of losses whose views are seen in two ways: read, evaluated as they stand, refuted with the right formula."""

import random

import numpy as np
import pytest

from derive import Expansion, InputError, Loss, catalogue, inner, views
from derive.definition.kinds import in_two_kinds
from derive.definition.tokens import PlaceError
from derive.expansion.laws import Unequal
from numeric.invariants import values_by_order
from numeric.kinds import random_kinds
from verify.papers.printed import ContradictedError, check_expansion, check_landscape, meaning
from verify.papers.printed.evaluation import Place, coefficients
from verify.papers.printed.grammar import Formula
from verify.papers.printed.meaning import Meaning
from verify.papers.printed.reading import read_expansion

SPECTRAL = catalogue("spectral").with_two_encoders()


def read(text, second="V", **options):
    return read_expansion(text, loss="mine", symbols={}, second=second, **options).expansion


@pytest.mark.parametrize(
    "prints",
    [
        (
            r"\operatorname{Tr}[W A V^\top]",
            r"\Tr[A V^\top W]",
            r"\mathrm{tr}(V A^\top W^\top)",
            r"\Tr[W\Sigma_{xy}V^\top]",
            r"\Tr[V\Sigma_{yx}W^{\mathsf T}]",
            "Tr[WAVᵀ]",
            r"\langle W A, V\rangle",
            r"\sum_i (W A V^\top)_{ii}",
            r"\sum_{ij} (WA)_{ij} V_{ij}",
            r"\Tr[A M^\top], M = W^\top V",
        ),
        (
            r"\Tr[W\Sigma W^\top V\Sigma_2 V^\top]",
            "Tr[WΣWᵀVΣ₂Vᵀ]",
            r"\Tr[\Sigma_x M \Sigma_y M^\top], \text{ where } M = W^\top V",
            r"\Tr[\Sigma_{xx} W^\top V \Sigma_{yy} V^\top W]",
            r"\Tr[W\mathbf{\Sigma}_1W^\top V\mathbf{\Sigma}_2V^\top]",
            "sum_ij (W Sigma W^T)_ij (V Sigma2 V^T)_ij",
        ),
        (r"\|W A V^\top\|_F^2", r"\Tr[W A V^\top V A^\top W^\top]", "sum_ij (W A V')_ij^2"),
        (r"\Tr[(W A V^\top)^2]", r"\sum_{ij} (WAV^\top)_{ij} (WAV^\top)_{ji}"),
        (r"\|W^\top V\|_F^2", r"\Tr[WW^\top VV^\top]"),
        (r"\Tr[V A_2 V^\top]", "Tr[V A₂ Vᵀ]", r"\Tr V\mathbf{A}_2V^\top", "Tr[V A2 V.T]"),
    ],
)
def test_one_thing_is_printed_in_many_ways(prints):
    assert len({read(one) for one in prints}) == 1


def test_a_cross_covariance_is_not_its_transpose():
    assert read("Tr[(W A V^T)^2]") != read("Tr[W A V^T V A^T W^T]")
    assert read("Tr[W A W^T W A W^T]", "W") != read("Tr[W A W^T W A^T W^T]", "W")
    assert read("Tr[W A W^T]", "W") == read("Tr[W A^T W^T]", "W")


@pytest.mark.parametrize("end", ["O((W, V)^6)", r"O(\|(W, V)\|^6)", r"\mathcal{O}(\|(W,V)\|_F^6)"])
def test_what_stands_around_it(end):
    found = read(r"\mathcal{L}(W, V) - \mathcal{L}(0, 0) = -2\Tr[A V^\top W] + " + end)
    assert found.text() == "−2 Tr[W A Vᵀ] + O((W, V)⁶)"
    assert found.encoders == 2


@pytest.mark.parametrize(
    ("text", "second", "said", "at"),
    [
        ("Tr[W A W^T]", "V", "W A Wᵀ does not fit: A is d0×d0' and Wᵀ d0×d1", "Tr"),
        ("Tr[W Sigma_2 W^T]", "V", "W Σ₂ Wᵀ does not fit: W is d1×d0 and Σ₂ d0'×d0'", "Tr"),
        ("2 Tr[W A A^T W^T]", "V", "one matrix of the data or nothing|is not a product of W X Wᵀ", "Tr"),
        ("Tr[W A V^T]", "W", "V is unknown here: the views of this loss are all seen through W", "V"),
        ("Tr[W A W^T]", "", "A is unknown here; did you mean A0", "A"),
        ("Tr[W A0 V^T]", "", r"V is unknown here; the views of this loss are of one kind; .* loss.with_two_enc", "V"),
        ("Tr[W Sigma_2 W^T]", "", "Sigma_2 is unknown here; did you mean Sigma", "Sigma_2"),
        ("Tr[G A]", "V", "G is unknown here", "G"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text, second, said, at):
    with pytest.raises(PlaceError, match=said) as error:
        read(text, second)
    assert error.value.start == text.index(at)


def test_other_forms_are_read_and_kept_to_their_kind():
    expansion = SPECTRAL.with_weight_decay(1).expand(4)
    for form in (expansion, expansion.to_json(), expansion.to_sympy(), expansion.text(), expansion.latex()):
        assert read(form).terms == expansion.terms
        for second in ("", "W"):
            with pytest.raises(InputError, match=r"another kind|holds the matrix|is unknown here"):
                read(form, second)
    under = catalogue("infonce").expand(4, data=Unequal())
    for form in (under, under.to_json(), under.to_sympy(), under.text(), under.latex()):
        assert read(form, "W").terms == under.terms


def words(draw, second):
    one = {"V": ("W", "V"), "W": ("W",)}[second]
    between = {("W", "W"): ["A_0", r"\Sigma"], ("W", "V"): ["A"], ("V", "W"): ["A^T"], ("V", "V"): ["A_2", "Σ₂"]}
    between = between if second == "V" else {("W", "W"): ["A_0", r"\Sigma", "A", "A^T", "A_2", r"\Sigma_2"]}
    pieces = [draw.choice(one) for _ in range(2 * draw.randint(1, 3))]
    pairs = zip(pieces[::2], pieces[1::2], strict=True)
    return " ".join(f"{left} {draw.choice(between[left, right])} {right}^T" for left, right in pairs)


@pytest.mark.parametrize("second", ["V", "W"])
@pytest.mark.parametrize("seed", range(25))
def test_what_a_formula_means_has_its_value(seed, second):
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    data = random_kinds(rng, 2, encoders=2 if second == "V" else 1)
    sums = (r"\Tr[{0}]", r"\|{0}\|_F^2", r"\sum_{{ij}} ({0})_{{ij}} ({1})_{{ji}}", r"\sum_i ({0})_{{ii}} ({1})_{{ii}}")
    text = " - 3".join(draw.choice(sums).format(words(draw, second), words(draw, second)) for _ in range(2))
    node = Formula(text, {}, second=second).whole()
    terms = Meaning(text).number(node)
    W = rng.standard_normal((3, data.d0)) / 3
    expected = values_by_order(Expansion.collect(terms, 24, loss="mine"), W, data.letters)
    found = coefficients(node, Place(W, data.letters), 24)
    size = max(1.0, *map(abs, expected.values()))
    assert max(abs(found[k] - value) for k, value in expected.items()) < 1e-9 * size, text


def test_a_print_of_two_encoders_holds_and_a_wrong_one_is_refuted():
    right = r"L(W, V) = -2\Tr[A V^\top W] + \Tr[\Sigma_x M \Sigma_y M^\top] + O((W, V)^6), \quad M = W^\top V"
    assert check_expansion(SPECTRAL, right).verdict == "holds"
    with pytest.raises(ContradictedError, match="the first is in Tr") as error:
        check_expansion(SPECTRAL, r"-2\Tr[A V^\top W] + \Tr[(V \Sigma_2 V^\top)^2]")
    said = str(error.value)
    assert "derived       Tr[W Σ Wᵀ V Σ₂ Vᵀ]" in said
    assert r"\operatorname{Tr}[W \Sigma W^{\top} V \Sigma_2 V^{\top}]" in said
    assert said.count("✗") == 2


def test_a_transpose_is_told_apart_where_it_matters():
    (x,), (y,) = views("x"), views("x_text", encoder="g")
    loss = Loss(inner(x, y) ** 2, name="square")
    right = "Tr[W A V^T]^2 + Tr[(W A V^T)^2] + Tr[W Sigma W^T V Sigma2 V^T]"
    assert check_expansion(loss, right).verdict == "holds"
    with pytest.raises(ContradictedError, match="refuted, 2 differences"):
        check_expansion(loss, right.replace("Tr[(W A V^T)^2]", "Tr[W A V^T V A^T W^T]"))


def test_a_print_under_two_augmentations():
    loss = Loss(in_two_kinds(catalogue("spectral").expression, 2), name="spectral")
    right = r"-2\Tr[W A W^\top] + \Tr[W\Sigma_1W^\top W\Sigma_2W^\top]"
    assert check_expansion(loss, right).verdict == "holds"
    with pytest.raises(ContradictedError):
        check_expansion(loss, right.replace("Sigma_2", "Sigma_1"))


def test_a_formula_that_is_read_wrongly_gets_no_verdict(monkeypatch):
    """Σ₂ taken for Σ in reading: the tree is evaluated as it stands, and disagrees with what was read."""
    loss = Loss(in_two_kinds(catalogue("spectral").expression, 2), name="spectral")
    matrix = meaning.algebra.matrix
    monkeypatch.setattr(meaning.algebra, "matrix", lambda word: matrix("S" if word == "U" else word))
    with pytest.raises(ContradictedError) as error:
        check_expansion(loss, r"-2\Tr[W A W^\top] + \Tr[W\Sigma_1W^\top W\Sigma_2W^\top]")
    assert error.value.check.verdict == "undecided"


def test_no_landscape_of_two_kinds_is_checked():
    with pytest.raises(InputError, match="stands in order 2 of its expansion"):
        check_landscape(SPECTRAL, B="A0")
