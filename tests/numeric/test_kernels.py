"""Kernels against the slow oracle, against torch's autograd, against differences and against rational arithmetic."""

import ast
import inspect
import re
from collections import Counter
from functools import cache
from itertools import product

import mpmath
import numpy as np
import pytest
import sympy
import torch

from derive import CATALOGUE, Expansion, InputError, Loss, Mean, catalogue, half_sq, inner, views
from derive.algebra.alphabet import LETTERS
from numeric import kernel
from numeric.invariants import order_values, values_by_order
from numeric.sampling import random_covariances

# Two encoders have other arguments: `test_two_encoders`.
LOSSES = [name for name in CATALOGUE if catalogue(name).encoders == 1] + ["infonce+weight-decay+norm-penalty"]
BASES = ["A0,Sigma", "A0,C"]
VALUES = {
    name: sympy.Rational(p, q)
    for name, p, q in (
        ("N", 4, 1),
        ("alpha", 2, 5),
        ("b", 3, 7),
        ("beta", 5, 4),
        ("c", 7, 6),
        ("d1", 2, 1),
        ("epsilon", 4, 9),
        ("gamma", 3, 8),
        ("gamma_std", 9, 8),
        ("kappa", 5, 7),
        ("lambda", 3, 4),
        ("mu", 8, 7),
        ("nu", 2, 3),
        ("t", 6, 5),
        ("tau", 4, 5),
    )
}
D1, D0 = 2, 3


@cache
def expansion(name: str, order: int, basis: str) -> Expansion:
    return catalogue(name).expand(order, basis=basis)


def parameters(given: Expansion) -> dict[str, float]:
    return {{"lambda": "lambda_"}.get(s.name, s.name): float(VALUES[s.name]) for s in given.symbols}


def point(basis, seed=0, lead=()):
    """W (…, D1, D0), A0, and Σ or C; then A0 and Σ."""
    generator = np.random.default_rng(seed)
    data = random_covariances(generator, D0)
    W = 0.6 * generator.standard_normal((*lead, D1, D0))
    return W, data.A0, data.Sigma if basis == "A0,Sigma" else data.C, data.Sigma


def oracle(given: Expansion, W, A0, Sigma) -> float:
    filled = given.set({s.name: VALUES[s.name] for s in given.symbols})
    return sum(order_values(filled, W, A0, Sigma).values())


def differences(function, W, step=1e-5):
    gradient = np.zeros_like(W)
    for at in np.ndindex(W.shape):
        plus, minus = W.copy(), W.copy()
        plus[at] += step
        minus[at] -= step
        gradient[at] = (function(plus) - function(minus)) / (2 * step)
    return gradient


every_expansion = pytest.mark.parametrize(("name", "order", "basis"), list(product(LOSSES, [4, 6], BASES)))


@every_expansion
def test_numpy_has_the_value_and_the_gradient(name, order, basis):
    given = expansion(name, order, basis)
    W, A0, other, Sigma = point(basis)
    emitted, by_name = kernel(given), parameters(given)
    assert emitted(W, A0, other, **by_name) == pytest.approx(oracle(given, W, A0, Sigma), rel=1e-12)
    gradient = emitted.gradient(W, A0, other, **by_name)
    assert gradient.shape == W.shape
    expected = differences(lambda V: emitted.value(V, A0, other, **by_name), W)
    assert np.allclose(gradient, expected, rtol=1e-7, atol=1e-8)


@every_expansion
def test_torch_has_the_value_and_the_gradient(name, order, basis):
    given = expansion(name, order, basis)
    W, A0, other, Sigma = point(basis, seed=1)
    emitted, by_name = kernel(given, "torch"), parameters(given)
    V = torch.tensor(W, requires_grad=True)
    value = emitted(V, torch.tensor(A0), torch.tensor(other), **by_name)
    assert value.item() == pytest.approx(oracle(given, W, A0, Sigma), rel=1e-12)
    value.backward()
    gradient = emitted.gradient(torch.tensor(W), torch.tensor(A0), torch.tensor(other), **by_name)
    assert torch.allclose(gradient, V.grad, rtol=1e-11, atol=1e-12)


@every_expansion
def test_mpmath_has_the_value_and_the_gradient(name, order, basis):
    given = expansion(name, order, basis)
    W, A0, other, Sigma = point(basis, seed=2)
    emitted, by_name = kernel(given, "mpmath"), parameters(given)
    matrices = [mpmath.matrix(one.tolist()) for one in (W, A0, other)]
    assert float(emitted(*matrices, **by_name)) == pytest.approx(oracle(given, W, A0, Sigma), rel=1e-12)
    gradient = emitted.gradient(*matrices, **by_name)
    expected = kernel(given).gradient(W, A0, other, **by_name)
    assert np.allclose(np.array(gradient.tolist(), dtype=float), expected, rtol=1e-11, atol=1e-12)


# At 50 digits against sums of products of fractions.


def exact_value(given: Expansion, W: sympy.Matrix, A0: sympy.Matrix, Sigma: sympy.Matrix) -> sympy.Expr:
    of_letter = {"A0": A0, "Sigma": Sigma, "C": Sigma - A0, "I": sympy.eye(W.cols)}
    unit = sympy.eye(W.rows)
    total = sympy.S.Zero
    for term in given.terms:
        value = term.coefficient.subs({s: VALUES[s.name] for s in given.symbols})
        for one in term.invariants:
            sandwiches = {x: W * of_letter[LETTERS[x].name] * W.T for _, word, _ in one for x in word}
            links = [(i, sympy.prod((sandwiches[x] for x in word), unit), j) for i, word, j in one]
            vertices = 1 + max(max(i, j) for i, _, j in links)
            value *= sum(
                sympy.prod(matrix[at[i], at[j]] for i, matrix, j in links)
                for at in product(range(W.rows), repeat=vertices)
            )
        total += value
    return total


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("name", ["infonce", "weighted-infonce", "ntxent", "vicreg", "siglip"])
def test_mpmath_keeps_fifty_digits(name, basis):
    given = expansion(name, 6, basis)
    W = sympy.Matrix(2, 3, lambda i, j: sympy.Rational(1 + 2 * i - j, 3 + i + 2 * j))
    root = sympy.Matrix(3, 3, lambda i, j: sympy.Rational(1 + i - 2 * j, 3 + i + j))
    A0, C = root * root.T, root.T * root + sympy.eye(3) / 7
    exact = exact_value(given, W, A0, A0 + C)
    with mpmath.workdps(50):
        matrices = [
            mpmath.matrix([[mpmath.mpf(e.p) / e.q for e in one.row(i)] for i in range(one.rows)])
            for one in (W, A0, A0 + C if basis == "A0,Sigma" else C)
        ]
        by_name = {{"lambda": "lambda_"}.get(s.name, s.name): VALUES[s.name] for s in given.symbols}
        by_name = {key: mpmath.mpf(value.p) / value.q for key, value in by_name.items()}
        value = kernel(given, "mpmath")(*matrices, **by_name)
        expected = mpmath.mpmathify(sympy.N(exact, 60))
        assert abs(value - expected) < mpmath.mpf(10) ** -47 * abs(expected)
        # Fifteen digits would not have passed.
        assert abs(mpmath.mpf(float(value)) - expected) > mpmath.mpf(10) ** -30 * abs(expected)


# Leading dimensions.


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("name", LOSSES)
def test_leading_dimensions_are_independent(name, basis, library):
    given = expansion(name, 6, basis)
    W, A0, other, Sigma = point(basis, lead=(2, 3))
    convert = torch.tensor if library == "torch" else np.asarray
    emitted, by_name = kernel(given, library), parameters(given)
    values = emitted(*map(convert, (W, A0, other)), **by_name)
    gradients = emitted.gradient(*map(convert, (W, A0, other)), **by_name)
    assert tuple(values.shape) == (2, 3)
    assert tuple(gradients.shape) == W.shape
    for at in np.ndindex(2, 3):
        assert float(values[at]) == pytest.approx(oracle(given, W[at], A0, Sigma), rel=1e-11)
        single = kernel(given).gradient(W[at], A0, other, **by_name)
        assert np.allclose(np.asarray(gradients[at]), single, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", ["infonce", "weighted-infonce", "vicreg", "barlow-twins"])
def test_covariances_broadcast_against_W(name, library):
    given = expansion(name, 6, "A0,Sigma")
    pairs = [random_covariances(np.random.default_rng(seed), D0) for seed in range(4)]
    A0, Sigma = (np.stack([getattr(one, which) for one in pairs]) for which in ("A0", "Sigma"))
    W = 0.6 * np.random.default_rng(9).standard_normal((5, 1, D1, D0))
    convert = torch.tensor if library == "torch" else np.asarray
    emitted, by_name = kernel(given, library), parameters(given)
    values = emitted(*map(convert, (W, A0, Sigma)), **by_name)
    gradients = emitted.gradient(*map(convert, (W, A0, Sigma)), **by_name)
    assert tuple(values.shape) == (5, 4)
    assert tuple(gradients.shape) == (5, 4, D1, D0)
    for i, j in np.ndindex(5, 4):
        assert float(values[i, j]) == pytest.approx(oracle(given, W[i, 0], A0[j], Sigma[j]), rel=1e-11)
        single = kernel(given).gradient(W[i, 0], A0[j], Sigma[j], **by_name)
        assert np.allclose(np.asarray(gradients[i, j]), single, rtol=1e-11, atol=1e-12)


def test_a_large_batch_in_torch_equals_numpy():
    """Above some size the torch kernel sums by einsum, below by a product."""
    given = expansion("infonce", 6, "A0,Sigma")
    W, A0, Sigma, _ = point("A0,Sigma", lead=(2000,))
    large = kernel(given, "torch").value(*map(torch.tensor, (W, A0, Sigma)))
    assert np.allclose(large.numpy(), kernel(given).value(W, A0, Sigma), rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torch_keeps_the_type(dtype):
    given = expansion("vicreg", 4, "A0,Sigma")
    arrays = [torch.tensor(one, dtype=dtype) for one in point("A0,Sigma")[:3]]
    emitted = kernel(given, "torch")
    assert emitted.value(*arrays, **parameters(given)).dtype == dtype
    assert emitted.gradient(*arrays, **parameters(given)).dtype == dtype


# The source.


def matrix_products(source: str) -> Counter[str]:
    return Counter(
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
    )


@every_expansion
def test_no_matrix_product_is_formed_twice(name, order, basis):
    emitted = kernel(expansion(name, order, basis))
    for source in (emitted.source, emitted.gradient_source):
        formed = matrix_products(source)
        assert formed
        assert max(formed.values()) == 1
        for letter, argument in (("A", "A0"), ("S", "Sigma"), ("C", "C")):
            assert source.count(f"W @ {argument})") <= 1
            assert source.count(f"W_{letter} @ W.mT") <= 1


def test_a_repeated_product_would_be_seen():
    assert matrix_products("x = (W @ S) @ W.mT\ny = (W @ S) @ V")["W @ S"] == 2


def test_a_plain_trace_needs_no_product_with_the_transpose():
    source = kernel(catalogue("infonce").expand(2)).source
    assert source == "def value(W, A0, Sigma):\n    return -dot((W @ A0), W)\n"


@pytest.mark.parametrize("library", ["numpy", "torch", "mpmath"])
@pytest.mark.parametrize("name", LOSSES)
def test_the_source_is_python_with_the_arguments_named(name, library):
    given = expansion(name, 4, "A0,C")
    emitted = kernel(given, library)
    for kind, source in (("value", emitted.source), ("gradient", emitted.gradient_source)):
        (function,) = ast.parse(source).body
        assert function.name == kind
        assert tuple(argument.arg for argument in function.args.args) == emitted.arguments
        assert not re.search(r"Dummy|sympy|x\d", source)
    assert emitted.arguments == ("W", "A0", "C", *sorted(parameters(given)))


def test_the_source_is_what_runs():
    emitted = kernel(expansion("infonce", 4, "A0,Sigma"))
    assert inspect.getsource(emitted.value) == emitted.source.replace("def value", "def _lambdifygenerated")


# Arguments.


def test_lambda_is_given_as_lambda_with_an_underscore():
    given = expansion("barlow-twins", 4, "A0,Sigma")
    emitted = kernel(given)
    W, A0, Sigma, _ = point("A0,Sigma")
    assert emitted.arguments[-1] == "lambda_"
    assert emitted(W, A0, Sigma, lambda_=0.75) == emitted.value(W, A0, Sigma, 0.75)
    assert emitted(W, A0, Sigma, lambda_=0.75) == pytest.approx(oracle(given, W, A0, Sigma), rel=1e-12)


def call(library="numpy", name="infonce", *, A0=None, Sigma=None, **by_name):
    given = (np.ones((2, 3)), np.eye(3) if A0 is None else A0, np.eye(3) if Sigma is None else Sigma)
    convert = {"numpy": np.asarray, "torch": torch.tensor, "mpmath": lambda one: mpmath.matrix(one.tolist())}
    return kernel(catalogue(name).expand(4), library)(*map(convert[library], given), **by_name)


SKEW = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize("library", ["numpy", "torch", "mpmath"])
def test_an_asymmetric_covariance_is_refused(library):
    with pytest.raises(InputError) as refusal:
        call(library, Sigma=SKEW)
    assert str(refusal.value) == "Sigma is not symmetric: entries differ from their mirror image by 0.5"


@pytest.mark.parametrize("library", ["numpy", "torch", "mpmath"])
def test_a_covariance_of_another_size_is_refused(library):
    with pytest.raises(InputError) as refusal:
        call(library, A0=np.eye(2))
    assert str(refusal.value) == "A0 is 2×2, but W has 3 columns: give a 3×3 matrix"


def test_an_oblong_covariance_is_refused():
    with pytest.raises(InputError) as refusal:
        call(A0=np.ones((3, 2)))
    assert str(refusal.value) == "A0 is 3×2, but W has 3 columns: give a 3×3 matrix"


def test_a_covariance_with_nan_is_refused():
    with pytest.raises(InputError, match=r"^A0 is not symmetric: entries differ from their mirror image by nan$"):
        call(A0=np.full((3, 3), np.nan))


def test_one_asymmetric_covariance_among_many_is_refused():
    with pytest.raises(InputError, match=r"^A0 is not symmetric"):
        call(A0=np.stack([np.eye(3), SKEW]))


def test_rounding_is_no_asymmetry():
    rounded = np.eye(3)
    rounded[0, 1] = 1e-16
    assert call(A0=rounded) == pytest.approx(call())


def test_missing_and_unknown_parameters_are_refused():
    with pytest.raises(InputError) as refusal:
        call(name="weighted-infonce", alpha=0.5)
    assert str(refusal.value) == "the kernel's parameters are ['N', 'alpha']; given were ['alpha']"
    with pytest.raises(InputError) as refusal:
        call(beta=1.0)
    assert str(refusal.value) == "the kernel's parameters are []; given were ['beta']"


def test_a_missing_matrix_is_refused():
    with pytest.raises(InputError) as refusal:
        kernel(catalogue("infonce").expand(4))(np.eye(2), np.eye(2))
    assert str(refusal.value) == "the kernel takes W, A0, Sigma; 2 arrays were given"


def test_an_unknown_library_is_refused():
    with pytest.raises(InputError) as refusal:
        kernel(catalogue("infonce").expand(4), "jax")
    assert str(refusal.value) == "backend 'jax' is unknown; the backends are numpy, torch, mpmath"


def test_an_expansion_of_one_trace_has_a_kernel():
    x, x_pos = views("x, x_pos")
    emitted = kernel(Loss(inner(x, x_pos)).expand(2))
    W, A0, Sigma, _ = point("A0,Sigma")
    assert emitted(W, A0, Sigma) == pytest.approx(np.trace(W @ A0 @ W.T))
    assert np.allclose(emitted.gradient(W, A0, Sigma), 2 * W @ A0)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("name", ["C", "W", "A0", "Sigma", "P_S", "W_A", "K_A", "trace", "dot", "scaled", "exp"])
def test_a_parameter_is_not_taken_for_a_matrix_or_a_function(name, basis):
    """It has its right value, or is refused."""
    chi, x, x_pos = views("chi, x, x_pos")
    symbol = sympy.Symbol(name)
    given = Loss(symbol * inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi)).expand(4, basis=basis)
    W, A0, other, Sigma = point(basis)
    S = W @ Sigma @ W.T
    try:
        emitted = kernel(given)
    except InputError as refusal:
        assert name in str(refusal)  # noqa: PT017 (either answer will do)
        return
    assert emitted.value(W, A0, other, 2.0) == pytest.approx(2 * np.trace(W @ A0 @ W.T) + np.trace(S @ S))
    V = differences(lambda at: emitted.value(at, A0, other, 2.0), W)
    assert np.allclose(emitted.gradient(W, A0, other, 2.0), V, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("wrong", [np.ones(3), np.float64(1.0)])
def test_an_argument_that_is_no_matrix_is_refused(wrong):
    with pytest.raises(InputError):
        call(A0=wrong)


@pytest.mark.parametrize("names", ["lambda lambda_", "lambda lambda__ lambda_", "P_S P_S_", "W W_ dot dot_", "tau c_0"])
@pytest.mark.parametrize("library", ["numpy", "mpmath"])
def test_no_two_parameters_share_an_argument(names, library):
    """Whatever they are called, each value arrives where it belongs."""
    symbols = sympy.symbols(names)
    x, x_pos, chi = views("x, x_pos, chi")
    weights = sum(symbol * 10**k for k, symbol in enumerate(symbols))
    emitted = kernel(
        Loss(weights * Mean(inner(x, chi) ** 2, over=chi) - symbols[0] * inner(x, x_pos)).expand(4), library
    )
    assert list(emitted.parameters) == sorted(names.split())
    assert len(set(emitted.parameters.values())) == len(symbols)
    one = {"numpy": np.eye(1), "mpmath": mpmath.matrix([[1]])}[library]
    given = {emitted.parameters[symbol.name]: k + 1 for k, symbol in enumerate(symbols)}
    found = emitted(one, one, one, **given)
    # Tr[W A0 Wᵀ] and Tr[(W Σ Wᵀ)²] are 1.
    assert found == sum((k + 1) * 10**k for k in range(len(symbols))) - 1


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_nothing_has_the_shape_of_something(library):
    x = views("x, x_pos")[0]
    nothing = Loss(half_sq(x, x)).expand(4)
    assert nothing.terms == ()
    W = np.ones((5, 4, 2, 3))
    given = (
        [W, np.eye(3), np.eye(3)] if library == "numpy" else [torch.tensor(W), *[torch.eye(3, dtype=torch.float64)] * 2]
    )
    emitted = kernel(nothing, library)
    assert emitted(*given).shape == (5, 4)
    assert not emitted(*given).any()
    assert emitted.gradient(*given).shape == W.shape


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(
    "name", ["siglip+two-encoders", "infonce+two-encoders", "barlow-twins+two-encoders+weight-decay"]
)
def test_two_encoders_have_a_gradient_each(name, library):
    given = catalogue(name).expand(4)
    emitted = kernel(given, library)
    assert emitted.arguments[:5] == ("W", "V", "A", "Sigma", "Sigma2")
    generator = np.random.default_rng(1)
    W, V = 0.5 * generator.standard_normal((D1, D0)), 0.5 * generator.standard_normal((D1, D0 + 1))
    root = generator.standard_normal((2 * D0 + 1, 2 * D0 + 1))
    joint = root @ root.T / 4
    matrices = [joint[:D0, D0:], joint[:D0, :D0], joint[D0:, D0:]]
    convert = np.asarray if library == "numpy" else torch.tensor
    numbers = {given_name: float(VALUES[given_name]) for given_name in map(str, given.symbols)}
    arguments = {emitted.parameters[name]: value for name, value in numbers.items()}

    def value(W, V):
        A, Sigma, Sigma2 = matrices
        letters = {"S": W @ Sigma @ W.T, "T": V @ Sigma2 @ V.T, "X": W @ A @ V.T, "Y": V @ A.T @ W.T}
        letters |= {"I": W @ W.T, "J": V @ V.T}
        filled = given.set({name: VALUES[name] for name in numbers})
        return sum(values_by_order(filled, np.eye(D1), letters).values())

    assert float(emitted(*map(convert, (W, V, *matrices)), **arguments)) == pytest.approx(value(W, V), rel=1e-10)
    of_W, of_V = emitted.gradient(*map(convert, (W, V, *matrices)), **arguments)
    np.testing.assert_allclose(np.asarray(of_W), differences(lambda to: value(to, V), W), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(np.asarray(of_V), differences(lambda to: value(W, to), V), rtol=1e-6, atol=1e-7)


def test_a_cross_covariance_of_the_wrong_shape_is_refused():
    emitted = kernel(catalogue("siglip+two-encoders").expand(4))
    W, V, A = np.eye(2), np.ones((2, 3)), np.ones((3, 2))
    with pytest.raises(InputError, match="A is 3×2, but W has 2 columns: give a 2×3 matrix"):
        emitted(W, V, A, np.eye(2), np.eye(3), N=4, t=1, b=1)
