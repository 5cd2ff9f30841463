"""Shares of trained normalised losses: at the minimum of the loss as NumPy has it, and what counts as kept."""

import numpy as np
import pytest
import torch

from derive import InputError
from verify.routes.training.data import Population, Whitened
from verify.routes.training.engine import Plan
from verify.routes.training.shares import at_temperature, kept_modes, trained_shares
from verify.truths.torch_losses import TORCH_LOSSES

QUICK = Plan(rate=0.05, steps=600, decay="cosine", tail=0.1)
LAM = np.array([0.9, 0.5])


def lowest(loss, lam=LAM, n=40_000, seed=5):
    """p of the first of two modes at the lowest point of a loss of cosines, fitted at common random numbers.

    The loss takes cosines of pairs (n,) and of other data (n, k), and gives values (n,).
    """
    rng = np.random.default_rng(seed)
    x, e, *chi = rng.standard_normal((18, n, 2))
    pairs = x, lam * x + np.sqrt(1 - lam**2) * e

    def value(p):
        unit = [one * np.sqrt([p, 1 - p]) for one in (*pairs, *chi)]
        f, g, *others = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in unit)
        return loss((f * g).sum(1), np.stack([(f * other).sum(1) for other in others], 1))

    grid = np.linspace(0.4, 0.9, 11)
    blocks = np.array([value(p) for p in grid]).T.reshape(40, -1, 11).mean(1)
    fits = np.array([np.polyfit(grid, one, 4) for one in blocks])
    at = np.linspace(grid[0], grid[-1], 5001)

    def minimum(rows):
        return at[np.polyval(fits[rows].mean(0), at).argmin()]

    every = np.arange(40)
    without = np.array([minimum(every != k) for k in every])
    return minimum(every), np.sqrt(39 / 40 * ((without - without.mean()) ** 2).sum())


def infonce(tau):
    return lambda pair, others: -pair / tau + np.log(np.exp(others / tau).mean(1))


def spectral(weight=2.0):
    return lambda pair, others: -weight * pair + (others**2).mean(1)


@pytest.fixture(scope="module")
def found():
    runs = {"batch": 64, "seeds": range(3), "plan": QUICK, "evaluations": 20}
    return {
        "infonce": trained_shares(LAM, tau=0.5, others=16, **runs),
        "spectral": trained_shares(LAM, loss="spectral", others=16, **runs),
    }


@pytest.mark.parametrize(
    ("name", "by_hand", "mutants"),
    [
        ("infonce", infonce(0.5), [infonce(0.25), infonce(1.0)]),
        ("spectral", spectral(), [spectral(1.0), spectral(1.5)]),
    ],
)
def test_shares_are_those_at_the_lowest_point_of_the_loss(found, name, by_hand, mutants):
    mean, error = found[name].mean[0, 0], found[name].error[0, 0]
    at, own = lowest(by_hand)
    assert abs(mean - at) < 4 * np.hypot(error, own) + 1e-3
    for wrong in mutants:
        at, own = lowest(wrong)
        assert abs(mean - at) > 4 * np.hypot(error, own)


def test_modes_do_not_mix_and_the_planted_one_is_lost(found):
    for one in found.values():
        assert one.kept().all()
        assert (one.off_diagonal < 0.03).all()
        assert (one.planted < 1e-3).all()
        np.testing.assert_allclose(one.shares.sum(-1) + one.planted, 1, atol=1e-5)
        assert one.weights.shape == (1, 3, 3, 2)


def test_the_loss_is_that_of_the_definition_written_by_hand():
    generator = torch.Generator().manual_seed(1)
    x, y, chi = torch.nn.functional.normalize(torch.randn(3, 2, 6, 4, generator=generator, dtype=torch.float64), dim=-1)
    tau = torch.tensor([0.5, 0.2], dtype=torch.float64)
    form, own = at_temperature("infonce", tau, {})
    at = (((x[:, :, None] - chi[:, None]) ** 2).sum(-1) / 2 / tau[:, None, None]).neg().exp().mean(-1).log().mean(-1)
    expected = ((x - y) ** 2).sum(-1).mean(-1) / 2 / tau + at
    torch.testing.assert_close(form((x, y, chi), own), expected)
    form, own = at_temperature("ntxent", tau, {})
    expected = [TORCH_LOSSES["ntxent"].function(a, b, tau=t) for a, b, t in zip(x, y, tau, strict=True)]
    torch.testing.assert_close(form((x, y), own), torch.stack(expected))


def test_a_start_at_a_weak_mode_ends_where_one_at_a_strong_one_does():
    plan = Plan(optimiser="sgd", rate=3.0, steps=500, decay="cosine", tail=0.1)
    found = trained_shares(
        [0.9, 0.9, 0.9, 0.7], tau=0.5, batch=64, seeds=(0,), plan=plan, start=[[1, 1, 1, 1], [1, 1, 1, 0.05]]
    )
    first, second = found.shares[:, 0]
    assert first[-1] > 0.02
    np.testing.assert_allclose(first, second, rtol=0.02)


def test_whitened_pairs_have_the_law_of_a_shared_part_and_noise():
    lam = torch.tensor([[[0.8, 0.3, 0.0]]])
    generator = torch.Generator().manual_seed(0)
    data = Whitened(20_000, lam), Population(20_000, lam.sqrt(), (1 - lam).sqrt())
    for one in data:
        x, y, chi = (view[0].double() for view in one.views(3, generator))
        for a, b, expected in ((x, x, [1, 1, 1]), (y, y, [1, 1, 1]), (x, y, [0.8, 0.3, 0]), (x, chi, [0, 0, 0])):
            np.testing.assert_allclose((a.T @ b / 20_000).numpy(), np.diag(expected), atol=0.04)


def test_batches_of_a_model_are_its_own():
    lam = torch.tensor([[[0.8]], [[-1.0]]])
    x, y, chi = Whitened(3, lam, others=5, batches=2).views(3, torch.Generator().manual_seed(0))
    assert (x.shape, y.shape, chi.shape) == ((4, 3, 1), (4, 3, 1), (4, 5, 1))
    assert torch.equal(x[:2], x[2:])
    assert torch.equal(y[2:], -x[2:])
    assert not torch.equal(x[0], x[1])


def test_what_counts_as_kept():
    # Above the noise; below it; falling; small but steady; below a thousandth of an equal share.
    p, before, planted = [0.5, 1e-5, 4e-3, 5e-3, 1e-4], [0.5, 1e-5, 8e-3, 5e-3, 1e-4], 2e-5
    assert kept_modes(p, before, planted).tolist() == [True, False, False, True, False]


def test_bad_input():
    with pytest.raises(InputError, match="a correlation of two views is from -1 to 1"):
        trained_shares([1.2])
    with pytest.raises(InputError, match="siglip has a temperature of its own, t; set that and leave τ out"):
        trained_shares([0.5], loss="siglip", tau=0.5)
    with pytest.raises(InputError, match="a temperature τ is positive"):
        trained_shares([0.5], tau=0.0)
