"""Printed moments: those that hold, those that are refuted, and what cannot be read."""

from random import Random

import pytest
import sympy

from derive import Elliptical, InputError, StudentT, moment
from verify.assurance.oracle.moments import random_moment
from verify.papers.printed.check import ContradictedError
from verify.papers.printed.moment import check_moment, read_print
from verify.routes import moment as routes

# A moment, and prints of it that say the same.
RIGHT = {
    "Var(|f(x) - f(chi)|^2)": (
        "8 Tr[(W Sigma W^T)^2]",
        r"8 \operatorname{Tr}[(W \Sigma W^\top)^2]",
        r"8\,\|W\Sigma W^\top\|_F^2",
        "8 Tr[P^2], P = W Sigma W^T",
        "8 sum_ij (W Sigma W^T)_ij^2",
        "8 Tr[(W (A0 + C) W^T)^2]",
    ),
    "Var(|f(x) - f(chi)|^2 | x)": (
        "4 f(x)^T W Sigma W^T f(x) + 2 Tr[(W Sigma W^T)^2]",
        r"4 f(x)^\top W \Sigma W^\top f(x) + 2 \Tr[(W\Sigma W^\top)^2]",
        "4 Tr[f(x) f(x)^T W Sigma W^T] + 2 Tr[(W Sigma W^T)^2]",
        "4 sum_ij f(x)_i (W Sigma W^T)_ij f(x)_j + 2 Tr[(W Sigma W^T)^2]",
    ),
    "E(f(x)_i f(x)_j |f(x)|^2)": (
        "Tr[W Sigma W^T] (W Sigma W^T)_ij + 2 ((W Sigma W^T)^2)_ij",
        "Tr[W Sigma W^T] (W Sigma W^T)_ij + 2 sum_k (W Sigma W^T)_ik (W Sigma W^T)_kj",
    ),
    "E(<f(x), f(chi)> <f(chi), f(y)> f(x)_i | x, y)": (
        "f(x)_i f(x)^T W Sigma W^T f(y)",
        r"f(x)_{i} \langle f(x), W\Sigma W^\top f(y)\rangle",
    ),
    "E(|f(x) - f(chi)|^2 | x)": (
        "|f(x)|^2 + Tr[W Sigma W^T]",
        r"\|f(x)\|^2 + \Tr W\Sigma W^\top",
        "<f(x), f(x)> + Tr[W Sigma W^T]",
    ),
    "Var(<f(x), g(x_text)>)": ("Tr[W Sigma W^T V Sigma_2 V^T] + Tr[(W A V^T)^2]",),
    "E(<f(x), g(chi_text)>^2 | x)": (r"f(x)^\top V \Sigma_2 V^\top f(x)",),
    "E(<f(x), g(chi_text)>^2 | chi_text)": (r"g(chi_text)^\top W \Sigma W^\top g(chi_text)",),
    "E(Tr[Mean(f(u) f(u)^T, u, n)^2])": ("(n+1)/n Tr[(W Sigma W^T)^2] + 1/n Tr[W Sigma W^T]^2",),
}  # fmt: skip


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    for name, value in (("ROWS", 4000), ("FEWEST", 20), ("MOST", 20)):
        monkeypatch.setattr(routes, name, value)


@pytest.mark.parametrize(("of", "prints"), RIGHT.items(), ids=list(RIGHT))
def test_prints_that_say_the_same_hold(of, prints):
    derived = moment(of)
    for printed in prints:
        assert read_print(printed, derived)[1].in_basis("A0,Sigma") == derived, printed
    assert check_moment(of, prints[-1]).verdict == "holds"


@pytest.mark.parametrize(
    ("of", "printed", "first"),
    [
        ("Var(|f(x) - f(chi)|^2)", "4 Tr[(W Sigma W^T)^2]", ("Tr[(W Σ Wᵀ)²], order 4", "½")),
        ("Var(|f(x)|^2)", "2 Tr[(W A0 W^T)^2]", ("Tr[(W A0 Wᵀ)²], order 4", "")),
        ("Var(|f(x)|^2)", "2 Tr[W Sigma W^T]^2", ("Tr[(W Σ Wᵀ)²], order 4", "")),
        ("E(f(x)_i f(x)_j |f(x)|^2)", "3 Tr[W Sigma W^T] (W Sigma W^T)_ij", ("((W Σ Wᵀ)²)_ij, order 4", "")),
        ("E(|f(x) - f(chi)|^2 | x)", "2 |f(x)|^2 + Tr[W Sigma W^T]", ("|f(x)|², order 2", "2")),
        ("E(<f(x), f(chi)> | x)", "|f(x)|^2", ("|f(x)|², order 2", "")),
        ("E(1/n) + E(|f(x)|^2)", "Tr[W Sigma W^T] + n", ("the constant", "n^2")),
    ],
)
def test_wrong_prints_are_refuted_with_the_derived_formula_and_numbers(of, printed, first):
    with pytest.raises(ContradictedError) as raised:
        check_moment(of, printed)
    check = raised.value.check
    assert check.verdict == "refuted"
    assert (check.differences[0].of, check.differences[0].factor) == first
    assert check.derived == moment(of).text()
    said, right, true = (float(part.split()[0]) for part in check.counterexample.split(", ")[:3])
    assert said != right
    assert right == pytest.approx(true)
    assert check.to_json()["counterexample"] == check.counterexample
    assert check.counterexample in str(raised.value)


def test_laws_and_values():
    student = Elliptical(scale=StudentT(20))
    assert (
        check_moment("Var(|f(x)|^2)", "9/4 Tr[(W Sigma W^T)^2] + 1/8 Tr[W Sigma W^T]^2", law=student).verdict == "holds"
    )
    with pytest.raises(ContradictedError, match="is refuted"):
        check_moment("Var(|f(x)|^2)", "2 Tr[(W Sigma W^T)^2]", law=student)
    assert check_moment("Var(|f(x)|^2)/tau", "4 Tr[(W Sigma W^T)^2]", given={"tau": "1/2"}).verdict == "holds"
    # Of this law nothing is drawn: the derivation alone does not decide.
    with pytest.raises(
        ContradictedError, match="is undecided: the definition was not measured: data of the law elliptical"
    ):
        check_moment("Var(|f(x)|^2)", "2 s4 Tr[(W Sigma W^T)^2] + (s4 - 1) Tr[W Sigma W^T]^2", law=Elliptical())


def test_sympy_and_a_moment_are_prints_too():
    found = moment("Var(|f(x)|^2)")
    assert check_moment("Var(|f(x)|^2)", found.to_sympy()).verdict == "holds"
    assert check_moment("Var(|f(x)|^2)", found).verdict == "holds"
    with pytest.raises(ContradictedError, match="is refuted"):
        check_moment("Var(|f(x)|^2)", 2 * found.to_sympy())


@pytest.mark.parametrize("style", ["text", "latex"])
def test_what_a_moment_writes_is_read_back(style):
    for k in range(60):
        found = moment(random_moment(Random(f"written {k}")).text)
        said = getattr(found, style)()
        assert read_print(said, found)[1] == found, said


@pytest.mark.parametrize(
    ("of", "printed", "message"),
    [
        ("Var(|f(x)|^2)", "= 2 Tr[(W Sigma W^T)^2]", "the printed formula is the right-hand side alone"),
        ("Var(|f(x)|^2)", "2 Tr[(W Sigma W^T)^2] + O(W^6)", "the printed formula is that of a moment, which is exact"),
        ("Var(|f(x)|^2)", "2 |f(x)|^4", "f is unknown here"),
        (
            "E(<f(x), f(chi)>^2 | x)",
            "f(y)^T W Sigma W^T f(y)",
            r"f\(y\) is not given",
        ),
        ("E(<f(x), f(chi)>^2 | x)", "f(x)^T W Sigma W^T", "is a matrix, not a number"),
        ("E(f(x)_i f(x)_j)", "(W Sigma W^T)_ik", "the coordinate k is not summed over"),
        ("E(f(x)_i <f(x), f(chi)>^2 | x)", "f(x)_ij", "a column has one coordinate, as in f"),
        ("Var(|f(x)|^2)", "2 tau", "tau is unknown here"),
        ("Var(|f(x)|^2)", 3, "the printed formula is of type int"),
        ("Var(|f(x)|^2)", "2 Tr[W A V^T]", "A is unknown here"),
    ],
)
def test_what_cannot_be_read(of, printed, message):
    with pytest.raises(InputError, match="^" + message if message[0] != "i" else message):
        check_moment(of, printed)


def test_values_of_what_is_no_parameter():
    with pytest.raises(InputError, match=r"^the moment has no parameter 'm'; it has: none$"):
        check_moment("Var(|f(x)|^2)", "2 Tr[(W Sigma W^T)^2]", given={"m": sympy.Integer(2)})
