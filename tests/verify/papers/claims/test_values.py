"""Formulas in numbers, against NumPy written out."""

import numpy as np
import pytest
import sympy

from derive import InputError
from verify.papers.claims.claim import Measured, Point
from verify.papers.claims.formulas import A0, B, Lambda, Sigma, Tr, U, W, identity
from verify.papers.claims.values import evaluate

generator = np.random.default_rng(0)
ROOT = generator.standard_normal((3, 3))
AT = {
    "W": generator.standard_normal((2, 3)), "A_0": ROOT @ ROOT.T, "Sigma": ROOT @ ROOT.T + np.eye(3),
    "B": ROOT + ROOT.T, "U": np.linalg.qr(ROOT)[0], "Lambda": np.diag([1.0, 2.0, 3.0]), "N": 4.0, "alpha": 0.5,
}  # fmt: skip
N, alpha = sympy.symbols("N alpha")


def test_traces_products_and_powers():
    P = AT["W"] @ AT["A_0"] @ AT["W"].T
    assert evaluate((N - 1) / N * Tr(W * A0 * W.T) ** 2, AT) == pytest.approx(0.75 * np.trace(P) ** 2)
    assert evaluate(Tr(W * A0 * W.T * W * A0 * W.T), AT) == pytest.approx(np.trace(P @ P))


def test_matrices_with_roots_and_inverses():
    values, vectors = np.linalg.eigh(AT["Sigma"])
    root = vectors / np.sqrt(values) @ vectors.T
    found = evaluate(Sigma ** sympy.Rational(-1, 2) * U * Lambda * U.T * B.I - 2 * identity, AT)
    expected = root @ AT["U"] @ AT["Lambda"] @ AT["U"].T @ np.linalg.inv(AT["B"]) - 2 * np.eye(3)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [(sympy.Lt(alpha, 1), True), (sympy.Ge(alpha, 1), False), (sympy.Eq(2 * alpha, 1), True), (sympy.true, True),
     (sympy.And(sympy.Lt(alpha, 1), sympy.Gt(N, 5)), False), (sympy.Or(sympy.Lt(alpha, 1), sympy.Gt(N, 5)), True)],
)  # fmt: skip
def test_conditions(condition, holds):
    assert evaluate(condition, AT) is holds


def test_sums_over_entries():
    i, j = sympy.symbols("i j", integer=True)
    Z = sympy.IndexedBase("Z")
    total = sympy.Sum(Z[i, j], (i, 1, sympy.Symbol("d_1")), (j, 1, 2))
    assert evaluate(total, {"Z": np.array([[1.0, 2.0], [3.0, 4.0]]), "d_1": 1}) == 3.0


def test_words_and_truth_values_are_themselves():
    assert evaluate("never", {}) == "never"
    assert evaluate(True, {}) is True


def test_a_letter_without_a_value_is_named():
    with pytest.raises(InputError, match="the claim's letter Sigma has no value here; it was measured with W"):
        evaluate(Tr(W * Sigma * W.T), {"W": np.eye(2)})


def test_an_unknown_function_is_named():
    with pytest.raises(
        InputError, match="no value is known for gamma; write it with sums, products, powers, exp and log"
    ):
        evaluate(sympy.gamma(alpha), AT)


def test_a_whole_number_is_held_against_a_measurement_with_definitions():
    found = Measured("n", "exact", "a number", [Point({}, 3.0, 1e-9)])
    alpha = sympy.Symbol("alpha")
    assert found.against(3, {alpha: 2 * alpha}).agrees
    assert found.against(2, {alpha: 2 * alpha}).agrees is False
    assert found.against(3.0, {alpha: 2 * alpha}).agrees


def test_nothing_measured_is_not_run():
    found = Measured("n", "exact", "a number", []).against(3)
    assert not found.ran
    assert found.note == "nothing was measured"
