"""Which formulas say the same: held against numbers, and against slips that must be told apart."""

import numpy as np
import pytest
import sympy

from derive import InputError
from verify.papers.claims.canonical import polynomial, same
from verify.papers.claims.formulas import A0, B, C, Diagonal, H, Lambda, M, Sigma, Tr, U, W, d0, identity
from verify.papers.claims.values import evaluate

half = sympy.Rational(1, 2)
alpha, N, a_i, c_i = sympy.symbols("alpha N a_i c_i")
u, v = sympy.symbols("u v", real=True)
positive = sympy.Symbol("p", positive=True)

PA, PB, PC = (W * letter * W.T for letter in (A0, B, C))

EQUAL = [
    (Tr(W * Sigma * W.T * W * A0 * W.T), Tr(W * A0 * W.T * W * Sigma * W.T)),
    (Tr(W * A0 * W.T * W * B * W.T * W * C * W.T), Tr(W * C * W.T * W * B * W.T * W * A0 * W.T)),
    (Tr(W * Sigma * W.T), Tr(A0 * W.T * W) + Tr(W * C * W.T)),
    (Tr(W * (A0 - (1 - alpha) * C) * W.T), Tr(W * A0 * W.T) + (alpha - 1) * Tr(C * W.T * W)),
    (Tr(W * Sigma * W.T) ** 2, (Tr(W * A0 * W.T) + Tr(W * C * W.T)) ** 2),
    (Sigma**half * Sigma**half * B.I, Sigma * B**-1),
    (Sigma**half * U * M * M * Lambda * U.T * Sigma**half, Sigma**half * U * Lambda * M * U.T * Sigma**half),
    ((Sigma * B).I, B.I * Sigma.I),
    (U * U.T, identity),
    (Tr(U * M * U.T), Tr(M)),
    (Tr(identity), d0),
    ((W.T * W).T, W.T * W),
    (H * (identity - 2 * H), H - 2 * H**2),
    (sympy.Ge((1 - alpha) * c_i / N, a_i), sympy.Ge((1 - alpha) * c_i, N * a_i, evaluate=False)),
    (sympy.Lt(a_i, c_i), sympy.Gt(2 * c_i, 2 * a_i)),
    (abs(u) * abs(v), abs(u * v)),
    (sympy.sqrt(u**2), abs(u)),
    (1 / (1 + abs(u)), (1 - abs(u)) / (1 - u**2)),
    (sympy.sqrt(positive**2), positive),
    (sympy.sqrt(Tr(W * Sigma * W.T) ** 2), abs(Tr(W * Sigma * W.T))),
    (True, sympy.true),
    ("never", "never"),
    (sympy.S.Zero, Tr(W * A0 * W.T) - Tr(A0 * W.T * W)),
]
DIFFERENT = [
    (sympy.sqrt(u**2), u),
    (sympy.sqrt(alpha**2), alpha),
    (abs(alpha - 1), alpha - 1),
    (sympy.log(u**2), 2 * sympy.log(u)),
    (sympy.sqrt(Tr(W * B * W.T) ** 2), Tr(W * B * W.T)),
    (sympy.Ge(Tr(W * B * W.T) * a_i, 0), sympy.Ge(a_i, 0)),
    (sympy.Ge(u * a_i, 0), sympy.Ge(a_i, 0)),
    (Tr(W * Sigma * W.T * W * A0 * W.T), Tr(W * Sigma * W.T) * Tr(W * A0 * W.T)),
    (Tr(PA * PB * PA * PC), Tr(PA * PA * PB * PC)),
    (Sigma * B, B * Sigma),
    (H * Sigma**half, Sigma**half * H),
    (U * Lambda * U.T, Lambda),
    (Lambda * U, U * Lambda),
    (M * Lambda, Lambda),
    (sympy.Ge(c_i, a_i), sympy.Le(c_i, a_i)),
    (sympy.Ge(2 * c_i, a_i), sympy.Ge(c_i, a_i)),
    (sympy.Eq(a_i, c_i), sympy.Ge(a_i, c_i)),
    (True, False),
    ("never", "always"),
    (Tr(W * A0 * W.T), W * A0 * W.T),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_formulas_are_seen_to_be_equal(one, other):
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_formulas_are_told_apart(one, other):
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize("seed", range(30))
def test_random_trace_polynomials_are_the_same_exactly_when_their_values_are(seed):
    generator = np.random.default_rng(seed)

    def term():
        letters = [(A0, C, B)[k] for k in generator.integers(3, size=generator.integers(1, 4))]
        word = sympy.MatMul(*(factor for letter in letters for factor in (W, letter, W.T)))
        return int(generator.integers(1, 4)) * Tr(word)

    terms = [term() for _ in range(3)]
    one = sum(terms)
    turned = []
    for value in terms:
        factor, trace = value.as_coeff_Mul()
        factors = list(trace.args[0].args)
        k = 3 * int(generator.integers(len(factors) // 3))
        turned.append(factor * Tr(sympy.MatMul(*factors[k:], *factors[:k]).T.doit()))
    other = sum(turned) + int(generator.integers(2)) * term()

    def matrix():
        root = generator.standard_normal((3, 3))
        return root + root.T

    at = {"W": generator.standard_normal((2, 3)), "A_0": matrix(), "C": matrix(), "B": matrix()}
    assert same(one, other) == bool(np.isclose(evaluate(one, at), evaluate(other, at), rtol=1e-10))


def test_definitions_are_put_in_on_both_sides():
    variance = sympy.Symbol("V")
    assert same(variance / 8, Tr(W * Sigma * W.T), {variance: 8 * Tr(W * Sigma * W.T)})
    assert not same(variance / 8, Tr(W * Sigma * W.T), {variance: 4 * Tr(W * Sigma * W.T)})


def test_a_function_of_a_matrix_is_no_letter():
    with pytest.raises(InputError, match="a claim's matrices are sums, products, powers and transposes of letters"):
        polynomial(sympy.HadamardProduct(A0, C))


def test_neighbouring_diagonal_letters_commute_and_masks_absorb():
    other = Diagonal("D", d0)
    assert same(Lambda * other * M * Lambda * M, Lambda**2 * M * other)
