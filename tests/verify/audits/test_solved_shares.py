"""`quartic modes` for losses of unit vectors, beside trained models and what must not change the answer."""

import numpy as np
import pytest
import sympy
import torch

from derive import Elliptical, InputError, Loss, Mean, StudentT, catalogue, cosine, exp, log, views, white_noise
from numeric.sphere.many_modes import filled
from verify.audits.modes import modes

LAM = [0.95, 0.9, 0.8, 0.6, 0.3, 0.05]
HALF = {"tau": sympy.Rational(1, 2)}


def trained(lam, tau, size, steps=800, seed=0):
    """The shares of a square W after training on InfoNCE of unit vectors, written by hand, on fresh batches."""
    generator = torch.Generator().manual_seed(seed)
    lam = torch.tensor(lam)
    n = len(lam)
    W = (torch.randn(n, n, generator=generator) / n**0.5).requires_grad_()
    optimiser = torch.optim.Adam([W], lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    kept = []
    for step in range(steps):
        one, noise, other = torch.randn(3, size, n, generator=generator)
        z1, z2, chi = (torch.nn.functional.normalize(x @ W.T, dim=1) for x in (
            one, lam * one + (1 - lam**2).sqrt() * noise, other))  # fmt: skip
        loss = -(z1 * z2).sum(1).mean() / tau + (z1 @ chi.T / tau).logsumexp(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step > 0.95 * steps:
            kept.append((W.detach() ** 2).sum(0))
    power = torch.stack(kept).mean(0)
    return (power / power.sum()).numpy()


def test_shares_are_those_of_a_trained_model():
    found = modes(catalogue("infonce+normalised"), LAM, HALF)
    measured = trained(LAM, 0.5, 512)
    assert found.theory == "sphere"
    assert found.kept == (True, True, True, True, True, False)
    assert np.abs(measured - found.found.powers).max() < 0.02
    # The paper's model of a fixed norm has two thirds of the pull on a mode, and is refuted by the same model.
    assert np.abs(measured - filled(np.array(LAM), 1 / 3).shares).max() > 0.1


def test_a_lost_mode_comes_back_where_its_correlation_passes_the_threshold():
    found = modes(catalogue("infonce+normalised"), LAM, HALF)
    lost = found.kept.index(False)
    at = LAM[lost] - found.margins[lost]
    for correlation, kept in ((at - 0.03, False), (at + 0.03, True)):
        moved = [*LAM[:lost], correlation, *LAM[lost + 1 :]]
        assert modes(catalogue("infonce+normalised"), moved, HALF).kept[lost] is kept


def test_a_kept_mode_is_lost_where_its_margin_says():
    found = modes(catalogue("infonce+normalised"), LAM, HALF)
    weakest = max(i for i, kept in enumerate(found.kept) if kept)
    at = LAM[weakest] - found.margins[weakest]
    for correlation, kept in ((at - 0.03, False), (at + 0.03, True)):
        moved = [*LAM[:weakest], correlation, *LAM[weakest + 1 :]]
        assert modes(catalogue("infonce+normalised"), moved, HALF).kept[weakest] is kept


def test_losses_with_one_limit_have_one_answer():
    answers = [modes(catalogue(f"{name}+normalised"), LAM, HALF) for name in ("infonce", "ntxent", "dcl", "clip")]
    for other in answers[1:]:
        assert other.found.powers == pytest.approx(answers[0].found.powers, abs=1e-9)


def test_a_finite_batch_is_drawn_and_tends_to_the_limit():
    limit = modes(catalogue("infonce+normalised"), LAM, {"tau": 1})
    batch = modes(catalogue("infonce-batch+normalised"), LAM, {"tau": 1, "N": 256})
    assert any("random batches of 256" in note for note in batch.notes)
    assert np.abs(batch.found.powers - limit.found.powers).max() < 0.02
    assert any("log(N)" in note and "5.5452" in note for note in batch.notes)


def test_directions_do_not_see_the_scale_of_a_datum():
    plain = modes(catalogue("infonce+normalised"), LAM, HALF)
    scaled = modes(catalogue("infonce+normalised"), LAM, HALF, law=Elliptical(scale=StudentT(5)))
    assert (scaled.found.powers == plain.found.powers).all()
    with pytest.raises(InputError, match="Gaussian data"):
        modes(catalogue("infonce+normalised"), LAM, HALF, law=Elliptical(scale=StudentT(5), per="view"))


def test_a_loss_of_ones_own():
    x, x_pos, chi = views("x, x_pos, chi")
    own = Loss(-2 * cosine(x, x_pos) + log(Mean(exp(2 * cosine(x, chi)), over=chi)), name="mine")
    theirs = modes(catalogue("infonce+normalised"), LAM, HALF)
    assert modes(own, LAM).found.powers == pytest.approx(theirs.found.powers, abs=1e-9)
    squared = Loss(-2 * cosine(x, x_pos) ** 3 + log(Mean(exp(2 * cosine(x, chi)), over=chi)), name="mine")
    found = modes(squared, LAM[:3])
    assert any("random batches" in note for note in found.notes)
    assert found.found.powers.sum() == pytest.approx(1)


def test_fewer_rows_than_modes_keep_the_best():
    found = modes(catalogue("infonce+normalised"), LAM, HALF, d1=2)
    assert found.kept == (True, True, False, False, False, False)


def test_views_that_correlations_do_not_tell_are_refused():
    x, x_pos, x_third, chi = views("x, x_pos, x_third, chi")
    (x_strong,) = views("x_strong", augmentation=2)
    noise = white_noise("noise")
    push = log(Mean(exp(2 * cosine(x, chi)), over=chi))
    refused = {
        "more than two views of x": -2 * cosine(x, x_pos) * cosine(x_pos, x_third) + push,
        "second augmentation": -2 * cosine(x, x_strong) + push,
        "white noise": -2 * cosine(x, x_pos) + Mean(cosine(x, noise) ** 2, over=noise),
    }
    for why, expression in refused.items():
        with pytest.raises(InputError, match=why):
            modes(Loss(expression), LAM)
    # Where views meet in pairs alone, how many there are does not matter.
    pairs = cosine(x, x_pos) + cosine(x, x_third) + cosine(x_pos, x_third)
    three, two = (modes(Loss(-w * one + 3 * push), LAM) for w, one in ((2, pairs), (6, cosine(x, x_pos))))
    assert (three.found.powers == two.found.powers).all()


def test_a_loss_without_a_limit_asks_for_a_batch():
    with pytest.raises(InputError, match=r"no known limit as N grows: .*; give --set N=…$"):
        modes(catalogue("siglip+normalised"), LAM, {"t": sympy.Integer(5), "b": sympy.Integer(0)})
