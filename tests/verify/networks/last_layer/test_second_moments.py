"""B on features: without a bias, with honest errors, in chunks; and the parts of W."""

import numpy as np
import pytest
import sympy

from derive import InputError, catalogue
from numeric.invariants import order_values
from verify.networks.last_layer import features as module
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.second_moments import Second, Spectrum, along, orthogonal_parts, spectrum, spread


def features(seed=0, n=400, d0=3, mean=0.7, sigma=0.5, views=2):
    g = np.random.default_rng(seed)
    datum = g.exponential(size=(n, d0)) * np.linspace(1.5, 0.2, d0) + mean
    return Features(tuple(datum + sigma * g.standard_normal((n, d0)) for _ in range(views)), g.normal(size=(2, d0)))


VALUES = {
    "beta-infonce": {"beta": sympy.Rational(1, 3)},
    "ntxent": {"tau": 1, "N": 7},
    "infonce+weight-decay": {"gamma": 2},
}


@pytest.mark.parametrize("name", ["infonce", "spectral", *VALUES])
@pytest.mark.parametrize("views", [2, 3])
def test_second_order_is_minus_the_trace_of_W_B_W(name, views):
    # Against plain averages of inner products of f = W φ, which never form a matrix of features.
    one = features(views=views, n=60)
    second = Second.of(catalogue(name).set(VALUES.get(name, {})).moments(2))
    f = one.embedded()
    inner = np.einsum("via,wja->vwij", f, f)
    own = np.einsum("vvii->", inner) / (views * 60)
    other = (np.einsum("vwii->", inner) - np.einsum("vvii->", inner)) / (views * (views - 1) * 60)
    mean = (inner.sum() - np.einsum("vwii->", inner)) / (views**2 * 60 * 59)
    expected = second.own * own + second.other * other + second.mean * mean + second.decay * (one.W**2).sum()
    B = spread(one).sums.B(second)
    assert -np.trace(one.W @ B @ one.W.T) == pytest.approx(expected, rel=1e-10)


def test_covariances_have_no_bias():
    found = [spread(features(seed, n=8)) for seed in range(800)]
    scales = np.linspace(1.5, 0.2, 3)
    for matrices, expected in (
        ([one.A0 for one in found], np.diag(scales**2)),
        ([one.Sigma for one in found], np.diag(scales**2 + 0.25)),
        ([one.C for one in found], 0.25 * np.eye(3)),
    ):
        stack = np.array(matrices)
        error = stack.std(0) / np.sqrt(len(stack))
        assert (np.abs(stack.mean(0) - expected) < 4 * error).all()


def test_B_is_that_of_the_expansion_where_the_mean_drops_out():
    one = features()
    found = spread(one)
    B = found.sums.B(Second.of(catalogue("infonce").moments(2)))
    assert pytest.approx(found.A0) == B
    expansion = catalogue("infonce").expand(2)
    assert order_values(expansion, one.W, found.A0, found.Sigma)[2] == pytest.approx(-np.trace(one.W @ B @ one.W.T))


def test_chunks_change_nothing(monkeypatch):
    whole = spread(features())
    monkeypatch.setattr(module, "CHUNK", 42)
    chunked = spread(features())
    assert pytest.approx(whole.A0, rel=1e-12) == chunked.A0
    second = Second.of(catalogue("infonce").moments(2))
    assert spectrum(chunked, second).errors == pytest.approx(spectrum(whole, second).errors)


def test_memory_is_bounded_by_chunks_and_matrices(monkeypatch):
    import tracemalloc

    monkeypatch.setattr(module, "CHUNK", 2**14)
    x = np.random.default_rng(0).standard_normal((40_000, 32), dtype=np.float32)
    one = Features((x, x), np.ones((1, 32)))
    tracemalloc.start()
    spread(one)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 5


def test_eigenvalues_have_honest_errors():
    # Three modes of A0: 2.25, 0.72, 0.04; the noise has none.
    second = Second.of(catalogue("infonce").moments(2))
    found = [spectrum(spread(features(seed, n=600)), second) for seed in range(40)]
    values, errors = (np.array([getattr(one, name) for one in found]) for name in ("values", "errors"))
    expected = np.linspace(1.5, 0.2, 3) ** 2
    z = (values - expected) / errors
    assert np.abs(z.mean(0)).max() < 0.6
    assert 0.6 < np.sqrt((z**2).mean()) < 1.4
    assert found[0].signs[0] >= 2


def test_directions_of_no_signal_are_not_called_positive():
    # A0 = 0: the in-sample eigenvalues are as often positive as negative, those of the other half are noise.
    g = np.random.default_rng(0)
    one = Features(tuple(g.standard_normal((300, 20)) for _ in range(2)), np.ones((1, 20)))
    found = spread(one)
    second = Second.of(catalogue("infonce").moments(2))
    assert np.linalg.eigvalsh(found.A0).max() > 0.1
    assert spectrum(found, second).signs[1] >= 19
    assert along(found, second, np.eye(20)).signs[1] >= 19


def test_a_wrong_sign_of_B_is_seen():
    one = spread(features())
    right, wrong = Second(0.0, -1.0, 1.0), Second(0.0, 1.0, -1.0)
    assert spectrum(one, right).signs[0] >= 2
    assert spectrum(one, wrong).signs[2] >= 2


def test_multiplicities():
    found = Spectrum((2.0, 1.9, 1.0, 0.01), (0.1, 0.1, 0.1, 0.1))
    assert [count for _, count in found.multiplicities] == [2, 1, 1]
    assert found.signs == (3, 1, 0)


def test_parts_of_W_hold_its_singular_values():
    W = np.random.default_rng(0).normal(size=(5, 8))
    bases, values = orthogonal_parts(W, [2, 3])
    assert np.concatenate(bases, 1).T @ np.concatenate(bases, 1) == pytest.approx(np.eye(5))
    for basis, group in zip(bases, values, strict=True):
        assert np.linalg.svd(basis.T @ W, compute_uv=False) == pytest.approx(group)


def test_what_W_does_not_reach_is_no_part():
    W = np.random.default_rng(0).normal(size=(6, 3))
    bases, values = orthogonal_parts(W, 2)
    assert [len(group) for group in values] == [2, 1]
    assert np.concatenate(bases, 1).shape == (6, 6)
    assert (bases[1].T @ W)[1:] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (4, "3 singular values of W cannot be split into 4 parts; give 1 to 3"),
        ([2, 2], "parts of 2, 2 do not add up to the 3 singular values of W that are not 0"),
    ],
)
def test_parts_that_do_not_fit(parts, message):
    with pytest.raises(InputError) as error:
        orthogonal_parts(np.eye(3), parts)
    assert str(error.value) == message


def test_what_has_no_B_is_said():
    with pytest.raises(InputError) as error:
        Second.of(catalogue("beta-infonce").moments(2))
    assert str(error.value) == "B depends on beta; give each a value"
    with pytest.raises(InputError) as few:
        spread(Features((np.zeros((3, 2)),) * 2, np.ones((1, 2))))
    assert str(few.value) == "3 data have no spread with a standard error; give 4 or more"
