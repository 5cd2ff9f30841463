"""Which modes a loss keeps, against minimisers of the loss itself that know nothing of the derivation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sympy import Rational, oo, sympify

from derive import CATALOGUE, InputError, Loss, Mean, catalogue, exp, half_sq, inner, log, symbols, views
from derive.definition.plain_text import read
from numeric.sampling import Covariances
from verify import modes
from verify.truths.torch_losses import TORCH_LOSSES, weight_decay

x, x_pos, chi = views("x, x_pos, chi")


def R(*values):
    """Exact numbers from text."""
    return [Rational(one) for one in values]


# Independent minima: the losses written by hand in torch, averaged over nodes or draws, minimised in all entries of V.


def descended(loss, d1, n, starts=3, seed=0):
    """The lowest end of descents from random V (d1, n), and the loss there."""

    def both(flat):
        V = torch.tensor(flat.reshape(d1, n), requires_grad=True)
        value = loss(V)
        value.backward()
        return value.item(), V.grad.numpy().ravel()

    rng = np.random.default_rng(seed)
    options = {"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-10, "maxfun": 4000}
    ends = [
        minimize(both, rng.standard_normal(d1 * n) * size, jac=True, method="L-BFGS-B", options=options)
        for size in np.linspace(0.4, 1.2, starts)
    ]
    best = min(ends, key=lambda end: end.fun)
    return best.x.reshape(d1, n), best.fun


def population(name, parameters, lam, nodes):
    """A hand-written loss of populations over Gauss and Hermite's nodes, as a function of V."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    pairs, p = np.zeros((1, 0, 2)), np.ones(1)
    others, q = np.zeros((1, 0)), np.ones(1)
    for one in lam:
        u, v = (part.ravel() for part in np.meshgrid(points, points))
        pair = np.stack([u, one * u + np.sqrt(1 - one**2) * v], -1)
        pairs = np.concatenate([np.repeat(pairs, len(u), 0), np.tile(pair, (len(pairs), 1))[:, None]], 1)
        p = np.outer(p, np.outer(weights, weights).ravel()).ravel()
        others = np.concatenate([np.repeat(others, nodes, 0), np.tile(points, len(others))[:, None]], 1)
        q = np.outer(q, weights).ravel()
    a, b, c, p, q = (torch.tensor(part) for part in (pairs[..., 0], pairs[..., 1], others, p, q))
    given = {key: float(value) for key, value in parameters.items()}
    return lambda V: TORCH_LOSSES[name].evaluate(a @ V.T, b @ V.T, p, c @ V.T, q, parameters=given)


def batches(name, parameters, lam, number, seed):
    """A hand-written loss of batches, averaged over draws, as a function of V."""
    generator = torch.Generator().manual_seed(seed)
    size, signal = int(parameters["N"]), torch.tensor(lam, dtype=torch.float64)
    shape = number, size, len(lam)
    datum, *noise = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(3))
    z = [datum * signal.sqrt() + one * (1 - signal).sqrt() for one in noise]
    given = {key: float(value) for key, value in parameters.items()}
    return lambda V: TORCH_LOSSES[name].evaluate(z[0] @ V.T, z[1] @ V.T, parameters=given).mean()


def agree(found, V, tolerance):
    """Whether powers, what is kept and the rank are those of an independent minimum."""
    gram = V.T @ V
    powers = np.array([np.nan if one is None else one for one in found.powers])
    kept = tuple(bool(one) for one in np.diag(gram) > tolerance)
    same = kept == found.kept and np.linalg.matrix_rank(V, tol=np.sqrt(tolerance)) == found.found.rank
    return bool(same and np.abs(gram - np.diag(powers)).max() < tolerance)


VICREG = {"epsilon": 1, "gamma_std": 2, "lambda": 1, "mu": 3, "nu": Rational(1, 10)}
EXACT = [
    ("infonce", {}, R("0.8"), None, 40),
    ("infonce", {}, R("0.4", "0"), None, 8),
    ("infonce", {}, R("0.4", "0.5"), 1, 8),
    ("beta-infonce", {"beta": Rational(3, 5)}, R("0.6", "0.3"), None, 8),
    ("beta-infonce", {"beta": Rational(3, 2)}, R("0", "0"), None, 8),
    ("alignment-uniformity", {"lambda": 1, "t": Rational(1, 2)}, R("0.6", "0.2"), None, 8),
    ("spectral", {}, R("0.9", "1", "0"), None, 3),
    ("spectral", {}, R("0.9", "1", "0.2"), 2, 3),
    ("barlow-twins", {"lambda": 2}, R("1", "0.4"), None, 3),
    ("barlow-twins", {"lambda": 1}, R("1", "0.5"), None, 3),
    ("barlow-twins", {"lambda": Rational(1, 10)}, R("0.8", "0.5"), None, 3),
    ("vicreg-soft", {"c": 1, "kappa": 1, "lambda": Rational(1, 2), "nu": 1}, R("0.9", "0.7", "0"), None, 3),
    ("vicreg-soft", {"c": 1, "kappa": 1, "lambda": 3, "nu": 1}, R("0.5", "0.2"), None, 3),
]


@pytest.mark.parametrize(("name", "parameters", "lam", "d1", "nodes"), EXACT)
def test_modes_to_all_orders_are_those_of_the_loss_itself(name, parameters, lam, d1, nodes):
    found = modes(catalogue(name), lam, parameters, d1=d1)
    assert found.theory == "all-orders"
    assert found.error < 1e-9
    V, _ = descended(population(name, parameters, list(map(float, lam)), nodes), d1 or len(lam), len(lam))
    assert agree(found, V, 2e-4)
    wrong = np.array(found.powers) * 1.02
    assert not np.any(wrong) or not agree(with_powers(found, wrong), V, 2e-4)


def with_powers(found, powers):
    return replace(found, found=replace(found.found, powers=powers, kept=tuple(bool(one > 0) for one in powers)))


@pytest.mark.parametrize("parameter", [Rational(1, 4), Rational(4)])
@pytest.mark.parametrize(("d1", "n"), [(2, 3), (1, 2), (4, 2), (3, 2)])
def test_sums_over_coordinates_are_taken_at_their_lowest_rotation(parameter, d1, n):
    # Whatever d1 is, and although rows may hold several modes.
    lam = R("0.9", "0.6", "0.2")[:n]
    found = modes(catalogue("barlow-twins"), lam, {"lambda": parameter}, d1=d1)
    loss = population("barlow-twins", {"lambda": parameter}, list(map(float, lam)), 3)
    _, lowest = descended(loss, d1, n, starts=12)
    # The loss is level along many W: it is compared, and each power is one that some lowest W has.
    powers = np.array(found.powers)
    if any("several" in note for note in found.notes):
        return
    held = torch.tensor(np.sqrt(powers))
    turned = [torch.tensor(turn @ np.eye(d1, n)) * held for turn in rotations(d1, 500)]
    assert min(float(loss(V)) for V in turned) == pytest.approx(lowest, abs=0.05)
    assert min(float(loss(0.8 * V)) for V in turned) > lowest + 0.05
    assert found.found.rank == min(d1, n)


def rotations(size, number):
    rng = np.random.default_rng(0)
    yield np.eye(size)
    if size in (2, 4):
        two = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
        yield two if size == 2 else np.kron(two, two)
    for _ in range(number if size > 2 else 0):
        yield np.linalg.qr(rng.standard_normal((size, size)))[0]


def test_vicreg_at_order_4_is_held_against_the_loss_itself():
    lam = R("0.9", "0.8")
    found = modes(catalogue("vicreg"), lam, VICREG)
    assert found.theory == "quartic"
    loss = population("vicreg", VICREG, list(map(float, lam)), 3)
    V, _ = descended(loss, 2, 2, starts=8)
    powers = np.diag(V.T @ V)
    assert found.measured.powers == pytest.approx(powers, abs=1e-3)
    assert np.abs(np.array(found.powers) - powers).max() <= found.error


BATCHES = [
    ("infonce-batch", {"N": 4}),
    ("ntxent", {"N": 3, "tau": 1}),
    ("siglip", {"N": 3, "t": 2, "b": 1}),
]


@pytest.mark.parametrize(("name", "parameters"), BATCHES)
def test_the_error_of_order_4_covers_what_it_is_off_by(name, parameters):
    # λ at random, another sample for each loss.
    rng = np.random.default_rng(sum(map(ord, name)))
    lam = [Rational(int(one), 100) for one in rng.integers(5, 80, 2 if name == "infonce-batch" else 1)]
    found = modes(catalogue(name), lam, parameters)
    assert found.theory == "quartic"
    assert all(found.kept)
    ends = [
        descended(batches(name, parameters, list(map(float, lam)), 2500, seed), len(lam), len(lam), starts=1)[0]
        for seed in (1, 2, 3)
    ]
    powers = np.array([np.diag(V.T @ V) for V in ends])
    noise = 4 * powers.std(0, ddof=1) / np.sqrt(3)
    off = np.abs(np.array(found.powers) - powers.mean(0))
    assert (off <= found.error + noise).all()
    assert (np.abs(found.measured.powers - powers.mean(0)) <= found.measured.error + noise).all()
    # A power that is off by more is noticed.
    assert (np.abs(2 * found.measured.powers - powers.mean(0)) > found.measured.error + noise).any()


@pytest.mark.parametrize(
    ("name", "parameters", "lam", "d1"),
    [
        ("beta-infonce", {"beta": Rational(7, 10)}, R("0.9", "0.5", "0.1"), None),
        ("alignment-uniformity", {"lambda": 1, "t": Rational(1, 2)}, R("0.9", "0.3"), None),
        ("vicreg-soft", {"c": 1, "kappa": 1, "lambda": 3, "nu": 1}, R("0.9", "0.8"), None),
        ("infonce-batch", {"N": 5}, R("0.9", "0.5"), 1),
        ("spectral+bias", {}, R("0.9", "0.5"), 2),
    ],
)
def test_what_is_kept_changes_at_the_margin_and_nowhere_before(name, parameters, lam, d1):
    found = modes(catalogue(name), lam, parameters, d1=d1, measure=False)
    seen = 0
    for i, margin in enumerate(found.margins):
        if margin is None:
            continue
        # A kept mode is lost when its λ falls by the margin; a lost one is kept when it rises by as much.
        for share, same in ((0.9, True), (1.1, False)):
            moved = list(lam)
            moved[i] = lam[i] - Rational(str(round(share * margin, 9)))
            if 0 <= moved[i] <= 1:
                there = modes(catalogue(name), moved, parameters, d1=d1, measure=False)
                assert (there.kept[i] == found.kept[i]) is same
                seen += not same
    assert seen
    threshold = found.threshold
    if threshold is not None:
        weakest = min(one for one, kept in zip(found.correlations, found.kept, strict=True) if kept)
        assert threshold < weakest


def test_a_mode_at_the_threshold_is_lost_and_has_no_margin():
    found = modes(catalogue("beta-infonce"), R("0.3", "0.31"), {"beta": Rational(7, 10)})
    assert (found.kept, found.margins[0], found.threshold) == ((False, True), 0.0, 0.3)
    assert modes(catalogue("beta-infonce"), R("0.1"), {"beta": Rational(7, 10)}).threshold == 0.3
    assert modes(catalogue("infonce"), R("0.1")).threshold is None


def test_a_mode_without_noise_has_no_minimum_and_one_without_signal_is_lost():
    found = modes(catalogue("infonce"), R("1", "0", "0.5"))
    assert found.kept == (True, False, True)
    assert found.powers[0] is None
    assert found.powers[1] == 0
    assert "without end" in found.notes[0]
    # L(h) at λ = 1 falls like −½ log h.
    loss = population("infonce", {}, [1.0], 80)
    assert loss(torch.tensor([[2.0]], dtype=torch.float64)) > loss(torch.tensor([[4.0]], dtype=torch.float64))


def test_where_the_loss_falls_without_end_nothing_is_made_up():
    found = modes(catalogue("dcl"), R("0.9", "0.2"), {"N": 2, "tau": 1})
    assert found.powers == found.kept == (None, None)
    assert found.found.rank is found.error is None
    assert "−∞" in found.notes[0]
    # Through order 4 alone it does; the loss itself is bounded, and has its minimum beside.
    bounded = Loss(half_sq(x, x_pos) * 3 - inner(x, x) + Mean(exp(inner(x, chi)), over=chi) * 0)
    assert bounded.parameters == {}


def test_a_landscape_through_order_4_that_falls_is_not_taken_for_the_loss():
    # log(1 + e^−s) of a positive pair alone, and a sextic that order 4 does not see.
    loss = Loss(
        log(1 + exp(-inner(x, x_pos))) - Mean(inner(x, chi) ** 2, over=chi) / 2 + Mean(inner(x, chi) ** 4, over=chi)
    )
    found = modes(loss, R("0.5"))
    assert found.powers == (None,)
    assert "order 4 falls" in found.notes[0]
    assert found.measured is not None
    assert found.measured.powers[0] > 0


def test_without_a_value_only_what_holds_for_all_is_said():
    found = modes(catalogue("infonce-batch"), R("0.9", "0"))
    assert found.kept == (True, None)
    assert found.powers == (None, None)
    assert "--set N=…" in found.notes[0]
    assert modes(catalogue("beta-infonce"), R("0.5", "1")).kept == (None, True)


def test_a_large_batch_has_the_modes_of_the_population():
    lam = R("0.9", "0.4")
    limit = modes(catalogue("infonce-batch"), lam, {"N": oo})
    assert limit.theory == "all-orders"
    assert limit.powers == modes(catalogue("infonce"), lam).powers


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_loss_of_the_catalogue_has_an_answer(name):
    found = modes(catalogue(name), R("0.9", "0.5", "0.1")).to_json()
    keys = ["loss", "set", "theory", "threshold", "rank", "modes", "assumptions", "error"]
    assert list(found)[: len(keys)] == keys
    assert [one["correlation"] for one in found["modes"]] == [0.9, 0.5, 0.1]
    assert all(list(one)[:4] == ["correlation", "power", "kept", "margin"] for one in found["modes"])


# Covariances.


def test_covariances_that_do_not_commute_have_correlations():
    rng = np.random.default_rng(3)
    A, C = (M @ M.T for M in rng.standard_normal((2, 3, 3)))
    values, vectors = np.linalg.eigh(A + C)
    root = vectors / np.sqrt(values) @ vectors.T
    lam = np.linalg.eigvalsh(root @ A @ root)[::-1]
    found = modes(catalogue("infonce"), covariances=Covariances(A, C))
    assert found.correlations == pytest.approx(tuple(lam))
    assert found.powers == pytest.approx(modes(catalogue("infonce"), lam).powers)


@pytest.mark.parametrize("commute", [True, False])
def test_weight_decay_needs_covariances_and_gets_the_minimum_right(commute):
    rng = np.random.default_rng(4)
    A, C = (np.diag([2.0, 0.5, 1.0]), np.diag([0.5, 1.0, 0.2]))
    if not commute:
        M = rng.standard_normal((2, 3, 3))
        A, C = (one @ one.T / 3 for one in M)
    loss, gamma = catalogue("spectral+weight-decay"), Rational(1)
    found = modes(loss, given={"gamma": gamma}, covariances=Covariances(A, C))
    a, s = torch.tensor(A), torch.tensor(A + C)

    def by_hand(W):
        S = W @ s @ W.T
        return -2 * torch.trace(W @ a @ W.T) + (S**2).sum() + weight_decay(W, float(gamma))

    W, _ = descended(by_hand, 3, 3)
    root = np.linalg.cholesky(A + C)
    expected = np.sort(np.linalg.eigvalsh(root.T @ W.T @ W @ root))
    assert np.sort(found.powers) == pytest.approx(expected, abs=1e-5)
    assert 0 < found.found.rank < 3 or not commute
    with pytest.raises(InputError, match="--A0 FILE --C FILE"):
        modes(loss, R("0.5"), {"gamma": gamma})


def test_weight_decay_beside_several_covariances_needs_common_modes():
    data = Covariances(np.array([[1.0, 0.3], [0.3, 0.5]]), np.diag([0.2, 0.9]))
    with pytest.raises(InputError, match="do not commute"):
        modes(catalogue("barlow-twins+weight-decay"), given={"lambda": 1, "gamma": 1}, covariances=data)


@pytest.mark.parametrize(
    ("correlations", "said"),
    [([], "no correlations"), ([1.5], "1.5 lies outside"), ([-0.1], "outside"), ([float("nan")], "not a number")],
)
def test_unusable_correlations_are_refused(correlations, said):
    with pytest.raises(InputError, match=said):
        modes(catalogue("infonce"), correlations)


def test_what_has_no_expansion_or_no_such_value_is_refused():
    with pytest.raises(InputError, match="no expansion at W = 0"):
        modes(catalogue("vicreg+normalised"), R("0.5"))
    with pytest.raises(InputError, match="no correlations are given"):
        modes(catalogue("infonce"))
    with pytest.raises(InputError, match="d1 = 0"):
        modes(catalogue("infonce"), R("0.5"), d1=0)
    with pytest.raises(InputError, match="give one of them"):
        modes(catalogue("infonce"), R("0.5"), covariances=Covariances(np.eye(1), np.eye(1)))


def test_parameters_of_any_name_are_told_from_those_of_the_theory():
    h_i, a_i = symbols("h_i a_i")
    loss = Loss(half_sq(x, x_pos) * h_i + log(Mean(exp(-half_sq(x, chi) * a_i), over=chi)))
    found = modes(loss, R("0.5", "0.1"), {"h_i": 1, "a_i": 1})
    assert found.powers == pytest.approx(modes(catalogue("infonce"), R("0.5", "0.1")).powers)
    assert sympify(found.to_json()["set"]["h_i"]) == 1


def test_formulas_in_correlations_give_the_powers():
    lam = R("0.7", "0.4")
    found = modes(catalogue("beta-infonce"), lam, {"beta": Rational(3, 4)})
    height = read(found.to_json()["formulas"]["h_i"])
    (letter,) = height.free_symbols
    assert [float(height.subs(letter, one)) for one in lam] == pytest.approx(found.powers)
    assert found.to_json()["formulas"]["lost"] == "4*lambda_i - 1 <= 0 for some i"
    batch = modes(catalogue("infonce-batch"), lam, {"N": 4}, measure=False)
    b, Q, K = (read(batch.to_json()["formulas"][name]) for name in ("b_i", "Q_ij", "K_ij"))
    h = np.array(batch.powers)

    def at(value, i, j):
        put = {"lambda_i": lam[i], "lambda_j": lam[j]}
        return float(value.subs({one: put[one.name] for one in value.free_symbols}))

    for i in (0, 1):
        slope = 2 * at(Q, i, i) * h[i] + 2 * sum(at(K, i, j) * h[j] for j in (0, 1)) - at(b, i, i)
        assert abs(slope) < 1e-9
    seen = modes(catalogue("infonce+weight-decay"), covariances=Covariances(np.eye(1), np.eye(1))).formulas
    assert seen.lost == "a_i - gamma <= 0 for some i"
