"""Two encoders: trained like one, CLIP by hand and by quadrature, and what training finds beside its prediction."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from derive import InputError, Rational
from derive.landscape.canonical_pairs import PairLandscape
from verify.evidence.agreement import compared
from verify.routes.training.contrast import loss_of_powers, lowest_powers
from verify.routes.training.data import Halves, Population, TrainingSet
from verify.routes.training.engine import Plan, train
from verify.routes.training.finite import _views, lowest
from verify.routes.training.models import Model
from verify.routes.training.pairs import Pairs, growth_times
from verify.truths.batched import BatchedLoss
from verify.truths.fast_losses import OfModels
from verify.truths.fast_losses import clip as fast_clip
from verify.truths.torch_losses import clip

LOSS = BatchedLoss(2, lambda z1, z2, tau: fast_clip(OfModels(), z1, z2, tau=tau))
LAMBDA = (0.8, 0.5)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def turned(d, seed):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def pairs(correlations=LAMBDA, first=(0.8, 1.5), second=(0.6, 2.0), d=(2, 3)):
    return Pairs.of(correlations, first, second, [turned(d[0], 0), turned(d[1], 1)])


def drawn(law, n, models, batches=1):
    shared, noise = (torch.from_numpy(one).expand(models, -1, -1) for one in (law.shared_root(), law.noise_root()))
    return Halves(Population(n, shared, noise, independent=True, batches=batches), law.d0)


def test_clip_is_the_mean_of_two_cross_entropies():
    z1, z2 = torch.randn(2, 3, 7, 4, generator=seeded(), dtype=torch.float64)
    logits = z1 @ z2.mT / 0.5
    label = torch.arange(7)
    expected = [(F.cross_entropy(one, label) + F.cross_entropy(one.T, label)) / 2 for one in logits]
    torch.testing.assert_close(clip(z1, z2, tau=0.5), torch.stack(expected))
    torch.testing.assert_close(LOSS((z1, z2), {"tau": 0.5}), torch.stack(expected))


@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_both_encoders_are_trained_as_torchs_optimiser_would(decay):
    data, model = drawn(pairs(), 6, 2), Model(2, 2, second=3)
    start = model.initial(2, seeded(5))
    plan = Plan("sgd", rate=0.1, steps=30, weight_decay=decay)
    watched = []
    end = train(
        model, data, LOSS, plan, models=2, generator=seeded(7), parameters={"tau": 0.5}, weights=start,
        dtype=torch.float64, watch=lambda time, gram: watched.append((time, gram)),
    )  # fmt: skip
    for k in range(2):
        W, V = (start[name][k].clone().requires_grad_() for name in ("W", "V"))
        optimiser, generator = torch.optim.SGD([W, V], lr=0.1, weight_decay=2 * decay), seeded(7)
        for _ in range(plan.steps):
            x, y = (one[k] for one in data.views(2, generator))
            optimiser.zero_grad()
            clip(x @ W.T, y @ V.T, tau=0.5).backward()
            optimiser.step()
        torch.testing.assert_close(end.weights["W"][k], W.detach())
        torch.testing.assert_close(end.weights["V"][k], V.detach())
        torch.testing.assert_close(end.gram[k], (W.T @ V).detach())
    assert len(watched) == 30
    assert watched[-1][0] == pytest.approx(3.0)
    torch.testing.assert_close(watched[-1][1], end.gram)


def test_a_second_encoder_is_linear():
    with pytest.raises(InputError, match="linear and has no bias"):
        Model(2, 2, second=3, bias=True)
    with pytest.raises(InputError, match="linear and has no bias"):
        Model(2, 2, second=3, activation="tanh")


def test_the_quadrature_is_the_mean_over_batches():
    law, powers, N = pairs((0.8, 0.5), (1, 1), (1, 1), (2, 2)), torch.tensor([0.7, 0.4], dtype=torch.float64), 6
    x, y = drawn(law, N, 40_000).views(2, seeded(3))
    # Encoders with Σ₁^½ WᵀV Σ₂^½ = P diag(m) Qᵀ.
    W, V = (torch.from_numpy(one) for one in law.truncated(2))
    scale = (powers / torch.tensor(LAMBDA, dtype=torch.float64)).sqrt()[:, None]
    values = clip(x @ (scale * W).T, y @ (scale * V).T, tau=1.0)
    mean, error = float(values.mean()), float(values.std() / len(values) ** 0.5)
    found = float(loss_of_powers(powers, torch.tensor(LAMBDA), N)) + np.log(N)
    assert abs(found - mean) < 4 * error
    # Of another N, of pairs that are less correlated, of powers 10 % larger.
    for other in (
        loss_of_powers(powers, torch.tensor(LAMBDA), N + 1) + np.log(N + 1),
        loss_of_powers(powers, 0.9 * torch.tensor(LAMBDA), N) + np.log(N),
        loss_of_powers(1.1 * powers, torch.tensor(LAMBDA), N) + np.log(N),
    ):
        assert abs(float(other) - mean) > 6 * error


def quartic(N):
    """CLIP through order 4 at τ = 1."""
    whole = Rational(N - 1, N)
    return PairLandscape("clip", whole, whole / 2, whole / (2 * N), whole / (2 * N))


def test_small_correlations_have_the_powers_of_order_4_and_large_ones_do_not():
    for scale, worst in ((0.02, 1e-3), (0.05, 1e-2)):
        small = [scale * one for one in LAMBDA]
        found = lowest_powers(small, 4, 2).powers
        assert np.abs(found / small / (np.array(quartic(4).powers(small)) / small) - 1).max() < worst
    # The terms of higher order have the other sign: at N = 16 what is kept is more than at N → ∞, not less.
    found = lowest_powers([0.9, 0.5], 16, 2, nodes=6).powers
    assert (found > [0.9, 0.5]).all()
    assert (np.array(quartic(16).powers([0.9, 0.5])) < [0.9, 0.5]).all()


def test_the_lowest_mask_is_found_and_a_pair_without_correlation_is_lost():
    found = lowest_powers([0.3, 0.0, 0.7], 8, 1, nodes=6)
    assert found.powers.nonzero()[0].tolist() == [2]
    assert lowest_powers([0.3, 0.0], 8, 2, nodes=6).powers[1] == 0


def test_training_finds_the_powers_of_the_minimum_at_N_and_no_others():
    law, N = pairs(), 8
    plan = Plan("sgd", rate=0.3, steps=400, decay="cosine", tail=0.2)
    end = train(
        Model(2, 2, second=3), drawn(law, N, 4, batches=40), LOSS, plan, models=4, generator=seeded(1),
        parameters={"tau": 0.5}, scale=0.3, dtype=torch.float64,
    )  # fmt: skip
    found = np.array([law.in_pairs(one) / 0.5 for one in end.averaged.numpy()])
    expected = lowest_powers(LAMBDA, N, 2).powers
    for k in range(2):
        assert compared(expected[k], found[:, k, k].tolist()).agrees
        # A wrong power, and that of the quartic, which is no prediction here.
        assert not compared(1.15 * expected[k], found[:, k, k].tolist()).agrees
        assert not compared(quartic(N).powers(list(LAMBDA))[k], found[:, k, k].tolist()).agrees
    assert np.abs(found[:, [0, 1, 0, 1], [1, 0, 2, 2]]).max() < 0.1
    # One encoder in place of two has other powers: x and y are turned against each other.
    both = end.weights["W"][0].numpy()
    alone = np.linalg.svd(law.in_pairs(both.T @ np.hstack([both, np.zeros((2, 1))])), compute_uv=False) / 0.5
    assert np.abs(alone[:2] / expected - 1).max() > 0.1
    # And so has A for its transpose, as far as it fits.
    turned_back = end.averaged.numpy()[0]
    turned_back = np.hstack([turned_back[:, :2].T, turned_back[:, 2:]])
    assert np.abs(np.diagonal(law.in_pairs(turned_back))[:2] / 0.5 / expected - 1).max() > 0.1


def test_a_training_set_has_a_minimum_of_its_own():
    law, generator = pairs(), seeded(2)
    points = torch.randn(12, 5, generator=generator, dtype=torch.float64) @ torch.from_numpy(law.shared_root())
    points = points - points.mean(0)
    own = law.of_training_set(points.numpy())
    start, second = (torch.from_numpy(one) for one in own.truncated(2))
    root = torch.from_numpy(law.noise_root())
    arguments = {"draws": 6, "start": start, "parameters": {"tau": 0.5}, "tolerance": 1e-5}
    found = lowest(points, root, LOSS, generator=seeded(3), second=second, **arguments)
    assert found.slope < 1e-5
    assert found.gram.shape == (2, 3)
    # In another gauge it is the same.
    T = torch.tensor([[2.0, 0.3], [0.0, 0.5]], dtype=torch.float64)
    again = lowest(points, root, LOSS, generator=seeded(3), second=torch.linalg.inv(T).T @ second,
                   **{**arguments, "start": T @ start})  # fmt: skip
    torch.testing.assert_close(again.gram, found.gram, rtol=1e-3, atol=1e-4)


def test_matched_draws_have_the_covariance_of_the_noise_exactly():
    noise = torch.from_numpy(pairs().noise_root())
    views = _views(torch.zeros(40, 5, dtype=torch.float64), noise, 2, 3, seeded(), matched=True)
    for one in views:
        flat = one.flatten(0, 1)
        torch.testing.assert_close(flat.mT @ flat / len(flat), noise @ noise)
    plain = _views(torch.zeros(40, 5, dtype=torch.float64), noise, 2, 3, seeded())[0].flatten(0, 1)
    assert float((plain.mT @ plain / len(plain) - noise @ noise).abs().max()) > 0.01


def test_the_time_of_growth_is_that_of_the_flow():
    # −2 Tr[W A Vᵀ] + Tr[W Σ Wᵀ V Σ₂ Vᵀ] in small steps; λ and the singular values of A have opposite orders.
    law = pairs((0.8, 0.5), (0.5, 3.0), (0.4, 2.0), (2, 2))
    A, first, second = law.A, law.first, law.second
    generator = np.random.default_rng(0)
    W, V = 1e-4 * generator.standard_normal((2, 4, 2))
    end = np.linalg.inv(first) @ A @ np.linalg.inv(second)
    predicted = growth_times(law, 2.0, W, V, end)
    step, half = 2e-3, np.full(2, np.inf)
    for k in range(20_000):
        W, V = (
            W + 2 * step * (V @ A.T - V @ second @ V.T @ W @ first),
            V + 2 * step * (W @ A - W @ first @ W.T @ V @ second),
        )
        here = np.diagonal(law.in_pairs(W.T @ V))
        half = np.where((half == np.inf) & (here > np.array([0.4, 0.25])), step * (k + 1), half)
        if np.isfinite(half).all():
            break
    assert half[::-1] == pytest.approx(predicted, rel=0.02)
    # Singular values of A come in their own order: the pair of the smaller λ is learned first.
    assert half[1] < half[0]


def test_full_batches_see_the_pairs_of_the_set():
    law = pairs()
    points = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 9, 5)))
    noise = torch.from_numpy(law.noise_root())[None]
    data = Halves(TrainingSet(points, noise), 2)
    x, y = (torch.cat(one) for one in zip(*(data.views(2, seeded(k)) for k in range(4000)), strict=True))
    torch.testing.assert_close(x.mean(0), points[0, :, :2], rtol=0, atol=0.06)
    torch.testing.assert_close(y.mean(0), points[0, :, 2:], rtol=0, atol=0.09)
    # The noise of the two is independent.
    assert (
        np.abs(np.cov((x[:, 0] - x[:, 0].mean(0)).T.numpy(), (y[:, 0] - y[:, 0].mean(0)).T.numpy())[:2, 2:]).max()
        < 0.08
    )
