"""Two truths that share nothing, the torch functions and the definitions evaluated, say the same."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from derive import CATALOGUE, InputError, Loss, Mean, catalogue, exp, half_sq, inner, log, views
from derive.losses.limit import counted_symbols
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.jackknife import jackknife
from verify.truths.settings import GENERIC, case, truth_of, values_for
from verify.truths.taylor import cauchy, converging
from verify.truths.torch_truth import TorchTruth

LOSSES = [*CATALOGUE, "infonce+weight-decay", "infonce-batch+norm-penalty", "vicreg+weight-decay+norm-penalty"]
BATCH = [name for name in LOSSES if catalogue(name).batch_size is not None]
x, x_pos, chi, y = views("x, x_pos, chi, y")


def both(name, **where):
    """The same place seen by both truths."""
    loss = catalogue(name)
    at = case(loss, {}, seed=3, **where)
    # The embedding's dimension is that of W, no value to be put in.
    return at.truth, EvaluatedTruth(loss.set({key: at.values[key] for key in at.values if key != "d1"}), at.setting)


def around(truth, radius, points=8):
    """A circle of at most this radius that has no singularity of the loss near it."""
    return converging(lambda ts: truth.averaged(ts, 6), radius, points, settled=3e-4)[0]


# Its torch loss takes one view of each pair, its definition single views: other nodes with the same moments.
SAME_NODES = [name for name in LOSSES if name != "alignment-uniformity"]


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("name", SAME_NODES)
def test_the_two_truths_agree_on_nodes_at_complex_t(name, positive):
    torch_loss, defined = both(name, size=2 if positive else 3, positive=positive)
    assert isinstance(torch_loss, TorchTruth)
    ts = around(torch_loss, 0.3)
    ts = np.concatenate((ts, [0.0, *(ts[:1] * 2 / 3), *(-ts[:1] * 2 / 3)]))
    assert np.allclose(torch_loss.averaged(ts, 6), defined.averaged(ts, 6), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_the_two_truths_have_the_same_coefficients(name):
    torch_loss, defined = both(name, size=3)
    ts, orders = around(torch_loss, 0.2, 16), range(2, 7, 2)
    found = [cauchy(truth.averaged(ts, 6), ts, orders) for truth in (torch_loss, defined)]
    assert np.allclose(*found, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", BATCH)
def test_the_two_truths_agree_on_a_fixed_training_set(name):
    # Both halves of pairs are a set of their own, which three data can be in one dimension alone.
    dimension = 2 // catalogue(name).encoders
    torch_loss, defined = both(name, size=3, dimension=dimension, sampling="fixed")
    # The two halves of a pair stand side by side.
    assert torch_loss.setting.training_set.shape == (3, 2 * catalogue(name).encoders)
    ts = np.array([0.0, 0.1, 0.2 + 0.1j])
    assert np.allclose(torch_loss.averaged(ts, 4), defined.averaged(ts, 4), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", BATCH)
def test_the_two_truths_agree_draw_by_draw_but_for_the_anchor(name):
    """The torch loss is the mean over a batch's anchors, the definition takes the first: equal on average."""
    torch_loss, defined = both(name, size=3)
    ts = around(torch_loss, 0.3)[:1].real
    drawn = [truth.drawn(ts, 6, np.random.default_rng(5), 4000)[:, 0] for truth in (torch_loss, defined)]
    difference = drawn[0] - drawn[1]
    assert abs(difference.mean()) < 4.5 * difference.std() / np.sqrt(len(difference))


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in BATCH])
def test_draws_have_the_mean_over_nodes(name):
    torch_loss, defined = both(name)
    t = around(torch_loss, 0.3)[:1].real
    for truth in (torch_loss, defined):
        drawn = truth.drawn(t, 12, np.random.default_rng(5), 60)[:, 0]
        error = drawn.std(ddof=1) / np.sqrt(len(drawn))
        assert error > 0
        assert abs(drawn.mean() - truth.averaged(t, 12)[0]) < 4.5 * error


@pytest.mark.parametrize("name", BATCH)
def test_batches_have_the_mean_over_nodes(name):
    torch_loss, _ = both(name, size=2)
    t = around(torch_loss, 0.2)[:1].real
    drawn = torch_loss.drawn(t, 8, np.random.default_rng(7), 20_000)[:, 0]
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(drawn.mean() - torch_loss.averaged(t, 8)[0]) < 4.5 * error


def test_the_seed_alone_decides_the_draws():
    torch_loss, _ = both("ntxent", size=2)
    ts = np.array([0.1])
    first, second, other = (torch_loss.drawn(ts, 4, np.random.default_rng(seed), 50) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_loss_under_a_catalogue_name_but_with_another_definition_is_evaluated_as_defined():
    """A name is not proof."""
    wrong = replace(catalogue("infonce"), expression=catalogue("spectral").expression)
    at = case(wrong, {}, seed=0)
    assert isinstance(at.truth, EvaluatedTruth)
    assert at.truth.averaged(np.array([0.3]), 6) == pytest.approx(
        case(catalogue("spectral"), {}, seed=0).truth.averaged(np.array([0.3]), 6)
    )


def test_a_loss_of_the_users_own_is_evaluated_as_defined():
    mine = Loss(inner(x, x_pos) ** 2 + log(Mean(exp(inner(x, chi)), over=chi)))
    at = case(mine, {}, seed=0)
    assert isinstance(truth_of(mine, at.values, at.setting), EvaluatedTruth)
    W, A0, Sigma = at.setting.W, at.setting.covariances.A0, at.setting.covariances.Sigma
    A, S = W @ A0 @ W.T, W @ Sigma @ W.T
    # E⟨x, x′⟩² = Tr[A]² + Tr[A²] + Tr[S²]; the log is exactly ½ xᵀ W Σ Wᵀ x for Gaussian χ.
    t = 0.1
    expected = t**4 * (np.trace(A) ** 2 + np.trace(A @ A) + np.trace(S @ S)) + t**4 * np.trace(S @ S) / 2
    assert at.truth.averaged(np.array([t]), 20)[0] == pytest.approx(expected, rel=1e-9)


def test_a_mean_over_two_independent_data_takes_every_pair():
    pairs = Loss(Mean(half_sq(y, chi) ** 2, over=(y, chi)))
    at = case(pairs, {}, seed=1)
    S = at.setting.W @ at.setting.covariances.Sigma @ at.setting.W.T
    # ½|y − χ|² with y − χ ~ N(0, 2S).
    expected = np.trace(S) ** 2 + 2 * np.trace(S @ S)
    assert at.truth.averaged(np.array([1.0]), 6)[0] == pytest.approx(expected, rel=1e-11)
    drawn = at.truth.drawn(np.array([1.0]), 6, np.random.default_rng(0), 60)[:, 0]
    assert abs(drawn.mean() - expected) < 5 * drawn.std() / np.sqrt(60)


def test_the_jackknife_removes_the_bias_of_first_order():
    """The square of a mean of n has the bias variance/n."""
    generator = np.random.default_rng(0)
    blocks = generator.standard_normal((20_000, 20, 1))

    def square(values):
        return values.mean(0) ** 2

    plain = np.mean([square(one) for one in blocks])
    freed = np.array([jackknife(lambda rows, one=one: square(one[rows]), 20)[0] for one in blocks])
    assert plain == pytest.approx(1 / 20, rel=0.05)
    assert abs(freed.mean()) < 4.5 * freed.std() / np.sqrt(len(freed))


# Settings.


@pytest.mark.parametrize("name", LOSSES)
def test_every_parameter_gets_a_value_of_no_special_meaning(name):
    loss = catalogue(name)
    values = values_for(loss, 3, 2)
    assert values.keys() == loss.parameters.keys()
    counted = counted_symbols(loss)
    assert all(values[one] == 3 for one in counted)
    rest = [value for one, value in values.items() if one not in (*counted, "d1")]
    assert len(set(rest)) == len(rest)
    assert set(rest) <= set(GENERIC)
    assert all(value not in (0, 1, 2, sympy.Rational(1, 2)) for value in rest)


def test_the_largest_eigenvalue_of_W_Sigma_W_is_one():
    at = case(catalogue("infonce"), {}, seed=4, dimension=3).setting
    assert np.linalg.eigvalsh(at.W @ at.covariances.Sigma @ at.W.T)[-1] == pytest.approx(1.0)
    assert not np.allclose(at.covariances.A0 @ at.covariances.C, at.covariances.C @ at.covariances.A0)


@pytest.mark.parametrize(("N", "counts"), [("1", "0"), ("5/2", "3/2")])
def test_a_batch_that_is_none_is_refused(N, counts):
    with pytest.raises(InputError) as refusal:
        case(catalogue("infonce-batch").set({"N": sympy.Rational(N)}), {}, seed=0)
    expected = f"infonce-batch: a sample cannot have {counts} draws; give a batch of 2 data or more"
    assert str(refusal.value) == expected


def test_a_view_that_a_mean_binds_and_does_not_use_is_drawn_too():
    x, x_pos, chi = views("x, x_pos, chi")
    loss = Loss(log(1 + Mean(exp(-half_sq(x, chi) / 4), over=(x, x_pos, chi))), name="own")
    at = case(loss, {}, seed=0)
    drawn = EvaluatedTruth(loss, at.setting).drawn(np.array([0.3]), 5, np.random.default_rng(0), 3)
    assert drawn.shape == (3, 1)
    assert np.isfinite(drawn).all()


def test_a_batch_without_an_anchor_has_no_datum_beside():
    """Nodes for the draws alone: five to the power of their number, not of one more."""
    x, chi = views("x, chi")
    loss = Loss(Mean(Mean(inner(x, chi), over=chi, count=4) ** 2, over=x), name="own")
    at = case(loss, {}, seed=0, dimension=1, positive=True)
    assert EvaluatedTruth(loss, at.setting).size(8) == 5**4 * 5 * 4
