"""An expansion is a value: it cannot change, equal content is equal, and every way of writing it says the same."""

import json
from contextlib import suppress
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import sympy
from sympy import Rational, Symbol, oo, symbols

from derive import (
    CATALOGUE,
    Expansion,
    InputError,
    Loss,
    SecondMoment,
    catalogue,
    half_sq,
    inner,
    off_diagonal_sum,
    views,
)
from derive.algebra.alphabet import letter_of
from derive.algebra.words import invariant, trace
from numeric.invariants import order_values
from numeric.sampling import random_covariances

N, alpha, beta, tau, c, kappa = symbols("N alpha beta tau c kappa")
NAMES_OF_LOSSES = tuple(name for name in CATALOGUE if catalogue(name).encoders == 1)


def place():
    generator = np.random.default_rng(3)
    data = random_covariances(generator, 2)
    return generator.standard_normal((2, 2)) / 2, data.A0, data.Sigma


def values(loss):
    special = {"N": 5, "d1": 2}
    return {name: special.get(name, Rational(k + 3, 7)) for k, name in enumerate(loss.parameters)}


@pytest.mark.parametrize("name", NAMES_OF_LOSSES)
def test_equal_content_is_equal(name):
    one, two = catalogue(name).expand(order=4), catalogue(name).expand(order=4)
    assert one is not two
    assert one == two
    assert hash(one) == hash(two)
    assert one != catalogue(name).expand(order=2)
    assert len({one, two}) == 1


def test_an_expansion_cannot_be_changed():
    expansion = catalogue("infonce").expand()
    with pytest.raises(FrozenInstanceError):
        expansion.order = 6
    with pytest.raises(TypeError):
        expansion.terms[0] = None
    with pytest.raises(AttributeError):
        expansion.terms[0].coefficient = 1


def test_nothing_that_is_read_leads_back_inside():
    expansion = catalogue("infonce").expand()
    with suppress(TypeError):
        expansion.B["A0"] = 7
    expansion.to_json()["terms"].clear()
    assert expansion.B == {"A0": 1, "C": 0}
    assert len(expansion.to_json()["terms"]) == 2


@pytest.mark.parametrize("name", NAMES_OF_LOSSES)
def test_the_basis_goes_there_and_back(name):
    expansion = catalogue(name).expand(order=6)
    other = expansion.in_basis("A0,C")
    assert other.basis == "A0,C"
    assert not any("S" in word for term in other.terms for one in term.invariants for _, word, _ in one)
    assert other.in_basis("A0,Sigma") == expansion
    assert catalogue(name).expand(order=6, basis="A0,C") == other


@pytest.mark.parametrize("name", NAMES_OF_LOSSES)
def test_the_basis_does_not_change_the_value(name):
    loss = catalogue(name)
    expansion = loss.expand(order=6).set(values(loss))
    assert order_values(expansion.in_basis("A0,C"), *place()) == pytest.approx(order_values(expansion, *place()))


@pytest.mark.parametrize("name", NAMES_OF_LOSSES)
def test_values_may_be_put_in_before_or_after(name):
    loss = catalogue(name)
    given = {parameter: value for parameter, value in values(loss).items() if parameter != "d1"}
    before, after = loss.set(given).expand(order=4), loss.expand(order=4).set(given)
    assert before.terms == after.terms
    assert sympy.simplify(before.constant - after.constant) == 0


def test_a_large_batch_is_the_population():
    limit = catalogue("infonce-batch").expand(order=8).set({"N": oo})
    assert limit.terms == catalogue("infonce").expand(order=8).terms
    weighted = catalogue("weighted-infonce").expand(order=8)
    assert weighted.set({"N": oo}).terms == limit.terms
    assert weighted.set({"alpha": 1}).terms == catalogue("infonce-batch").expand(order=8).terms


def test_no_finite_limit():
    with pytest.raises(InputError) as refused:
        catalogue("siglip").expand(order=4).set({"N": oo})
    assert str(refused.value) == "the expansion of siglip has no finite value at N = oo"
    x, x_pos = views("x, x_pos")
    for sign in (1, -1):
        with pytest.raises(InputError, match="has no finite value at N = oo"):
            Loss(sign * N * inner(x, x_pos)).expand(order=2).set({"N": oo})


def test_a_parameter_of_the_constant_alone_is_set():
    assert catalogue("barlow-twins").expand(order=2).set({"d1": 5}).constant == 5
    assert "gamma_std" not in str(catalogue("vicreg").expand(order=2).set({"gamma_std": 5}).constant)


def test_an_unknown_parameter_is_refused():
    with pytest.raises(InputError) as refused:
        catalogue("infonce").expand().set({"alpha": 1})
    assert str(refused.value) == "the expansion of infonce has no parameter 'alpha'; it has: none"


def test_the_dimension_of_the_embedding_is_set_on_the_expansion():
    with pytest.raises(InputError) as refused:
        catalogue("barlow-twins").set({"d1": 2})
    assert str(refused.value) == (
        "d1 is the dimension of the embedding; set it on the expansion, loss.expand(…).set({'d1': …})"
    )


def test_values_are_put_in_at_once():
    """Two parameters that change places."""
    mu, nu = symbols("mu nu")
    expansion = catalogue("vicreg").expand(order=4)
    swapped = expansion.set({"mu": nu, "nu": mu})
    assert swapped != expansion
    assert swapped.set({"mu": nu, "nu": mu}) == expansion
    assert swapped.terms == catalogue("vicreg").set({"mu": nu, "nu": mu}).expand(order=4).terms


def test_a_value_that_is_itself_a_fraction():
    for value in (1 / beta, 1 / (1 + 1 / beta), sympy.exp(-beta)):
        after = catalogue("weighted-infonce").expand(order=4).set({"alpha": value})
        before = catalogue("weighted-infonce").set({"alpha": value}).expand(order=4)
        assert after.terms == before.terms


def test_truncation_forgets_the_higher_orders():
    expansion = catalogue("infonce-batch").expand(order=8)
    assert expansion.truncate(4) == catalogue("infonce-batch").expand(order=4)
    assert expansion.truncate(8) == expansion
    with pytest.raises(InputError) as refused:
        expansion.truncate(10)
    assert str(refused.value) == "truncate(10): this expansion ends at order 8; derive it to order 10"


def test_one_order_alone():
    expansion = catalogue("infonce").expand(order=6)
    assert expansion.only(6).terms == expansion.terms_of_order(6) == expansion.terms[2:]
    assert expansion.only(6).constant == 0


@pytest.mark.parametrize(
    ("name", "B"),
    [
        ("infonce", {"A0": 1, "C": 0}),
        ("infonce-batch", {"A0": (N - 1) / N, "C": 0}),
        ("weighted-infonce", {"A0": (N - 1) / (N + alpha - 1), "C": 0}),
        ("beta-infonce", {"A0": beta, "C": beta - 1}),
        ("spectral", {"A0": 2, "C": 0}),
        ("barlow-twins", {"A0": 2, "C": 0}),
        ("dcl", {"A0": 1 / tau, "C": 0}),
        ("ntxent", {"A0": (2 * N - 2) / (tau * (2 * N - 1)), "C": 0}),
        ("vicreg-soft", {"A0": 2 * c * kappa, "C": 2 * c * kappa - 2 * Symbol("lambda")}),
        ("infonce+weight-decay", {"A0": 1, "C": 0, "I": -Symbol("gamma")}),
    ],
)
def test_B(name, B):
    found = catalogue(name).expand(order=2).B
    assert {letter: sympy.simplify(value - B[letter]) for letter, value in found.items()} == dict.fromkeys(B, 0)


@pytest.mark.parametrize("name", NAMES_OF_LOSSES)
def test_minus_two_B_is_the_hessian(name):
    """The second order is −Tr[W B Wᵀ] in either basis."""
    loss = catalogue(name)
    expansion = loss.expand(order=2).set(values(loss))
    W, A0, Sigma = place()
    B = float(expansion.B["A0"]) * A0 + float(expansion.B["C"]) * (Sigma - A0)
    assert order_values(expansion, W, A0, Sigma)[2] == pytest.approx(-np.trace(W @ B @ W.T))
    assert expansion.in_basis("A0,C").B == expansion.B


@pytest.mark.parametrize("name", [*NAMES_OF_LOSSES, "infonce+weight-decay", "ntxent+norm-penalty"])
def test_sympys_matrix_expression_has_the_same_value(name):
    loss = catalogue(name)
    given = {parameter: value for parameter, value in values(loss).items() if parameter != "d1"}
    expansion = loss.set(given).expand(order=6)
    W, A0, Sigma = place()
    at = {"W": W, "A_0": A0, "Sigma": Sigma, "C": Sigma - A0}
    for one in (expansion, expansion.in_basis("A0,C")):
        sized = one.set({"d1": 2}) if "d1" in one.parameters else one
        numbers = order_values(sized, W, A0, Sigma)
        expected = sum(numbers.values()) + float(one.constant.subs(Symbol("d1"), 2))
        assert evaluated(one.to_sympy(), at) == pytest.approx(expected, rel=1e-10)


def evaluated(expression, at):
    d1, d0 = (next((s for s in expression.free_symbols if s.name == name), Symbol(name)) for name in ("d_1", "d_0"))
    sized = expression.subs({d1: 2, d0: 2, Symbol("d1"): 2}).doit()
    explicit = {symbol: sympy.Matrix(at[symbol.name]) for symbol in sized.atoms(sympy.MatrixSymbol)}
    return float(sized.subs(explicit).doit())


def read_back(written):
    """An expansion's terms from its JSON."""
    parameters = {name: Symbol(name) for name in ("N", "alpha", "beta", "tau", "t", "b", "c", "d1")}
    for term in written["terms"]:
        factors = [trace("".join(map(letter_of, word))) for word in term["traces"]]
        factors += [
            invariant(tuple((i, "".join(map(letter_of, word)), j) for i, word, j in one))
            for one in term.get("coordinate_sums", [])
        ]
        text = term["coefficient"].replace("lambda", "lamda")
        coefficient = sympy.sympify(text, locals=parameters).subs(Symbol("lamda"), Symbol("lambda"))
        yield tuple(sorted(factors)), coefficient


@pytest.mark.parametrize("name", NAMES_OF_LOSSES)
@pytest.mark.parametrize("basis", ["A0,Sigma", "A0,C"])
def test_json_says_everything(name, basis):
    expansion = catalogue(name).expand(order=6, basis=basis)
    written = json.loads(json.dumps(expansion.to_json()))
    assert Expansion.collect(dict(read_back(written)), 6, loss=name).terms == expansion.terms
    assert written["basis"] == basis.split(",")
    assert (written["loss"], written["order"]) == (name, 6)
    assert [term["order"] for term in written["terms"]] == [term.order for term in expansion.terms]


def test_text():
    assert catalogue("infonce").expand(order=6).text() == ("−Tr[W A0 Wᵀ] + ¾ Tr[(W Σ Wᵀ)²] − ⅔ Tr[(W Σ Wᵀ)³] + O(W⁸)")
    assert str(catalogue("infonce-batch").expand(order=2)) == "−(N - 1)/N Tr[W A0 Wᵀ] + O(W⁴)"
    assert catalogue("barlow-twins").expand(order=4).text() == (
        "−2 Tr[W A0 Wᵀ] + λ Tr[(W A0 Wᵀ)²] − (λ - 1) Σ_i (W A0 Wᵀ)_ii² + O(W⁶)"
    )


def test_latex():
    assert catalogue("infonce").expand(order=4).latex() == (
        r"-\operatorname{Tr}[W A_0 W^{\top}] + \frac{3}{4} \operatorname{Tr}[(W \Sigma W^{\top})^{2}] + O(\|W\|^{6})"
    )
    assert catalogue("infonce-batch").expand(order=2).latex() == (
        r"-\frac{N - 1}{N} \operatorname{Tr}[W A_0 W^{\top}] + O(\|W\|^{4})"
    )
    assert catalogue("barlow-twins").expand(order=4).latex() == (
        r"-2 \operatorname{Tr}[W A_0 W^{\top}] + \lambda \operatorname{Tr}[(W A_0 W^{\top})^{2}]"
        r" - \bigl(\lambda - 1\bigr) \sum_{i} (W A_0 W^{\top})_{ii}^{2} + O(\|W\|^{6})"
    )
    assert catalogue("infonce").expand()._repr_latex_().startswith(r"$\displaystyle -\operatorname{Tr}")


def test_an_expansion_without_terms():
    x = views("x")[0]
    nothing = Loss(half_sq(x, x)).expand(order=2)
    assert nothing.terms == ()
    assert nothing.text() == "O(W⁴)"
    assert nothing.B == {"A0": 0, "C": 0}


def test_rotation_invariance_is_read_off_the_terms():
    assert catalogue("ntxent").expand(order=6).rotation_invariant
    assert not catalogue("barlow-twins").expand().rotation_invariant
    assert catalogue("barlow-twins").expand().set({"lambda": 1}).rotation_invariant
    assert catalogue("barlow-twins").expand(order=2).rotation_invariant


def test_a_sum_of_all_entries_is_no_trace():
    """Σ_{i≠j} E f(x)_i f(x′)_j is not invariant under rotations, and not zero."""
    x, x_pos = views("x, x_pos")
    M = SecondMoment(x, x_pos)
    expansion = Loss(off_diagonal_sum(lambda i, j: M[i, j])).expand(order=2)
    assert not expansion.rotation_invariant
    W, A0, Sigma = place()
    matrix = W @ A0 @ W.T
    assert order_values(expansion, W, A0, Sigma)[2] == pytest.approx(matrix.sum() - np.trace(matrix))
    assert "Σ_ij" in expansion.text()
    assert [term.get("coordinate_sums") for term in expansion.to_json()["terms"]].count(None) == 1


def test_an_unknown_basis():
    with pytest.raises(InputError) as refused:
        catalogue("infonce").expand(basis="A,B")
    assert str(refused.value) == "basis 'A,B' is unknown; the bases are A0,Sigma and A0,C"
