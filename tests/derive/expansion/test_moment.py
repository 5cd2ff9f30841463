"""Moments as values: their words, what is held, and every form they are written in."""

import numpy as np
import pytest
import sympy

from derive import Elliptical, InputError, Mean, StudentT, inner, moment, trace, views
from derive.definition.matrices import SecondMoment

TEXTS = {
    # Linear, so that nothing has to be contracted.
    "E(|f(x)|^2)": "Tr[W Σ Wᵀ]",
    "E(<f(x), f(x_pos)>)": "Tr[W A0 Wᵀ]",
    "E(|f(x) - f(chi)|^2 | x)": "|f(x)|² + Tr[W Σ Wᵀ]",
    "E(<f(x), f(chi)> | x)": "0",
    "E(|f(x)|^2 | x)": "|f(x)|²",
    "E(<f(x), f(y)>^2 | x, y)": "⟨f(x), f(y)⟩²",
    "E(<f(x), f(chi)> <f(chi), f(y)> | x, y)": "f(x)ᵀ W Σ Wᵀ f(y)",
    "E(<f(x), f(chi)>^2 | x)^2": "(f(x)ᵀ W Σ Wᵀ f(x))²",
    "E(f(x)_i f(x_pos)_j)": "(W A0 Wᵀ)_ij",
    "E(f(chi)_i <f(x), f(chi)> | x)": "(W Σ Wᵀ f(x))_i",
    "E(sum_i f(x)_i f(chi)_i^2 | x)": "Σ_i f(x)_i (W Σ Wᵀ)_ii",
    "E(sum_j f(chi)_i^2 f(x)_j^2 | x)": "|f(x)|² (W Σ Wᵀ)_ii",
    "E(1/n) + E(|f(x)|^2)": "Tr[W Σ Wᵀ] + 1/n",
    "E(|f(x)|^2 - |f(chi)|^2)": "0",
}


@pytest.mark.parametrize(("text", "said"), TEXTS.items(), ids=list(TEXTS))
def test_words(text, said):
    assert moment(text).text() == said


def test_an_expression_says_the_same_as_its_text():
    x, chi = views("x, chi")
    assert moment(Mean(inner(x, chi) ** 2, over=chi)) == moment("E(<f(x), f(chi)>^2 | x)")
    (u,) = views("u")
    S = SecondMoment(u, u, count=sympy.Symbol("n"))
    assert moment(trace(S @ S)) == moment("E(Tr[Mean(f(u) f(u)^T, u, n)^2])")
    assert moment("E(<f(x), f(chi)>^2)") != moment("E(<f(x), f(chi)>^2 | x)")


def test_moments_of_independent_draws():
    # By hand: Tr S² is a mean over pairs of draws, of which n in n² are of one draw.
    same, apart = moment("E(|f(x)|^4)"), moment("E(<f(x), f(chi)>^2)")
    found = moment("E(Tr[Mean(f(u) f(u)^T, u, n)^2])")
    n = sympy.Symbol("n")
    by_hand = [(one.invariants, one.coefficient * weight)
               for of, weight in ((same, 1 / n), (apart, 1 - 1 / n)) for one in of.terms]  # fmt: skip
    assert found == found.with_terms(by_hand)


def test_laws():
    elliptical = moment("Var(|f(x)|^2)", law=Elliptical())
    assert elliptical.text() == "2 s4 Tr[(W Σ Wᵀ)²] + (s4 - 1) Tr[W Σ Wᵀ]²"
    assert elliptical.set({"s4": 1}) == moment("Var(|f(x)|^2)")
    assert moment("Var(|f(x)|^2)", law=Elliptical(scale=StudentT(10))) == elliptical.set({"s4": sympy.Rational(4, 3)})
    # f(x) of a view that is given has no scale of its own to average over.
    given = moment("E(|f(x)|^4 <f(x), f(chi)>^2 | x)", law=Elliptical())
    assert given.text() == "|f(x)|⁴ f(x)ᵀ W Σ Wᵀ f(x)"


def test_basis():
    found = moment("Var(<f(x), f(x_pos)>)", basis="A0,C")
    assert found.text() == "2 Tr[(W A0 Wᵀ)²] + 2 Tr[W A0 Wᵀ W C Wᵀ] + Tr[(W C Wᵀ)²]"
    assert found.in_basis("A0,Sigma") == moment("Var(<f(x), f(x_pos)>)")
    assert moment("E(<f(x), f(chi)>^2 f(x)_i | x)", basis="A0,C").text() == (
        "f(x)_i f(x)ᵀ W A0 Wᵀ f(x) + f(x)_i f(x)ᵀ W C Wᵀ f(x)"
    )
    with pytest.raises(InputError, match=r"^views of the moment are seen in two ways"):
        moment("Var(<f(x), g(x_text)>)", basis="A0,C")


def test_json_and_latex():
    found = moment("E(tau <f(x), f(chi)>^2 f(chi)_i f(x)_j | x)")
    assert moment("E(<f(x), f(chi)>^2 f(chi)_i | x)").text() == "0"
    assert found.terms == ()
    found = moment("E(tau <f(x), f(chi)> f(chi)_i | x)")
    assert found.to_json() == {
        "moment": "E[τ ⟨f(x), f(χ)⟩ f(χ)_i | x]",
        "order": 3,
        "basis": ["A0", "Sigma"],
        "assumptions": ["zero mean", "Gaussian"],
        "given": ["x"],
        "free": ["i"],
        "parameters": ["tau"],
        "constant": "0",
        "terms": [
            {"order": 3, "coefficient": "tau", "traces": [], "coordinate_sums": [[["f(x)", ["Sigma"], "i"]]]},
        ],
    }
    assert found.latex() == r"\tau (W \Sigma W^{\top} f(x))_{i}"
    assert moment("Var(|f(x) - f(chi)|^2 | x)").latex() == (
        r"4 f(x)^{\top} W \Sigma W^{\top} f(x) + 2 \operatorname{Tr}[(W \Sigma W^{\top})^{2}]"
    )
    two = moment("E(<f(x), g(x_text)>)")
    assert (two.text(), two.to_json()["model"]) == ("Tr[W A Vᵀ]", "W x, V y")


def test_sympy_has_the_value_of_the_words():
    found = moment("E(<f(x), f(chi)> f(chi)_i <f(chi), f(y)>^2 | x, y)").to_sympy()
    rng = np.random.default_rng(0)
    sizes = {sympy.Symbol("d_0", integer=True, positive=True): 2, sympy.Symbol("d_1", integer=True, positive=True): 2}
    W, S, x, y = rng.integers(-3, 4, (2, 2)), np.array([[2, 1], [1, 3]]), np.array([1, -2]), np.array([2, 1])
    G, fx, fy, i = W @ S @ W.T, W @ x, W @ y, 1
    # E[(a·g)(e·g)(b·g)²] of a Gaussian g of covariance G, by Isserlis.
    expected = (fx @ G)[i] * (fy @ G @ fy) + 2 * (fx @ G @ fy) * (G @ fy)[i]
    put = {"W": W, "Sigma": S, "x": x[:, None], "y": y[:, None]}
    shown = found.subs(sizes)
    for name, value in put.items():
        shown = shown.replace(
            lambda one, name=name: isinstance(one, sympy.MatrixSymbol) and one.name == name,
            lambda _, value=value: sympy.ImmutableMatrix(value),
        )
    shown = shown.subs(sympy.Symbol("i", integer=True), i).doit()
    assert shown == expected


def test_set():
    found = moment("E(Tr[Mean(f(u) f(u)^T, u, n)^2])/tau")
    assert found.set({"n": 1, "tau": 2}).text() == "Tr[(W Σ Wᵀ)²] + ½ Tr[W Σ Wᵀ]²"
    with pytest.raises(InputError, match=r"^the moment has no parameter 'm'; it has: n, tau$"):
        found.set({"m": 1})
    with pytest.raises(InputError, match=r"^the moment is not finite at tau = 0$"):
        found.set({"tau": 0})


def test_an_expansion_where_nothing_is_held():
    from numeric import kernel

    rng = np.random.default_rng(0)
    W, S = rng.standard_normal((3, 4)), np.eye(4)
    value = kernel(moment("Var(|f(x)|^2)").expansion).value(W, S / 2, S)
    assert value == pytest.approx(2 * np.trace(W @ W.T @ W @ W.T))
    with pytest.raises(InputError, match=r"^the moment is a function of x, i, which is held, and of W"):
        _ = moment("E(<f(x), f(chi)> f(chi)_i | x)").expansion


def test_what_is_no_moment():
    with pytest.raises(InputError, match=r"^a moment is given as text or as an expression in views, not as int$"):
        moment(3)
    with pytest.raises(InputError, match=r"^the moment to order 20 takes"):
        moment("Cum(|f(x)|^2, 10)", limit=1000)
    with pytest.raises(InputError, match=r"^the moment to order 26 takes"):
        moment("E(Tr[Mean(f(u) f(u)^T, u, n)]^13)", limit=1_000_000)
