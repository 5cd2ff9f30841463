"""The losses that train many models at once against their plain definitions."""

import pytest
import torch

from derive import InputError, catalogue
from derive.losses.limit import counted_symbols
from verify.truths.batched import batched
from verify.truths.log_sums import distances_to, mean_log_sum
from verify.truths.settings import values_for
from verify.truths.torch_losses import TORCH_LOSSES, norm_penalty

M, N, K, D = 3, 6, 5, 2


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def parameters_of(name):
    loss = catalogue(name)
    return {key: float(one) for key, one in values_for(loss, N, D).items() if key not in (*counted_symbols(loss), "d1")}


def plain(name, views, parameters):
    """The definition, one model at a time."""
    definition = TORCH_LOSSES[name]
    found = []
    for k in range(M):
        z = [one[k] for one in views]
        here = {key: value[k] if torch.is_tensor(value) else value for key, value in parameters.items()}
        if not definition.over_batch:
            p, q = (torch.full((one.shape[-2],), 1 / one.shape[-2], dtype=one.dtype) for one in (z[0], z[2]))
            z = [z[0], z[1], p, z[2], q]
        found.append(definition.evaluate(*z, parameters=here))
    return torch.stack(found)


def views_of(name, scale=1.0):
    sizes = (N, N, K)[: batched(name).views]
    return tuple((scale * drawn(M, size, D, seed=k)).requires_grad_() for k, size in enumerate(sizes))


@pytest.mark.parametrize("name", TORCH_LOSSES)
@pytest.mark.parametrize("of_each_model", [False, True])
def test_it_equals_the_definition(name, of_each_model):
    views = views_of(name)
    spread = torch.tensor([1.0, 1.1, 0.7], dtype=torch.float64) if of_each_model else 1.0
    parameters = {key: value * spread for key, value in parameters_of(name).items()}
    found, expected = batched(name)(views, parameters), plain(name, views, parameters)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    # Not every loss uses χ, which its definition then does not touch.
    options = {"allow_unused": True, "materialize_grads": True}
    slopes = torch.autograd.grad((weights * found).sum(), views, **options)
    wanted = torch.autograd.grad((weights * expected).sum(), views, **options)
    for one, other in zip(slopes, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("block", [1, 7, 40])
def test_blocks_do_not_change_the_sums(block, monkeypatch):
    views = views_of("ntxent")
    whole = batched("ntxent")(views, {"tau": 0.7})
    monkeypatch.setitem(mean_log_sum.__globals__["BLOCK"], "cpu", block)
    torch.testing.assert_close(batched("ntxent")(views, {"tau": 0.7}), whole, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("scale", [30.0, 3e3])
def test_sums_out_of_the_range_of_single_precision_are_right(scale):
    z1, z2 = (scale * drawn(1, 6, 2, seed=k, dtype=torch.float32) for k in (0, 1))
    for weights in ({0: torch.tensor(0.3)}, {0: torch.tensor(0.0)}):
        found = mean_log_sum(*distances_to(z1, z2), weights)
        double = {k: one.double() for k, one in weights.items()}
        logs = -((z1[0, :, None].double() - z2[0, None].double()) ** 2).sum(-1) / 2
        logs.diagonal().add_(double[0].log())
        assert float(found) == pytest.approx(float(torch.logsumexp(logs, -1).mean()), rel=2e-5)


def test_a_wrong_weight_on_the_positive_would_be_noticed():
    views = views_of("weighted-infonce")
    right, wrong = (batched("weighted-infonce")(views, {"alpha": alpha}) for alpha in (0.3, 0.30001))
    assert (right - wrong).abs().min() > 1e-9


def test_the_norm_penalty_of_equal_weights():
    x = drawn(M, N, D)
    p = torch.full((N,), 1 / N, dtype=torch.float64)
    expected = torch.stack([norm_penalty(one, p, 0.5, 0.7) for one in x])
    torch.testing.assert_close(norm_penalty(x, None, 0.5, 0.7), expected, rtol=1e-13, atol=0)


def test_a_loss_that_cannot_be_mapped_is_called_once_a_model():
    def loss(z1, z2):
        calls.append(1)
        return (z1 - z2).square().sum() if float(z1.detach().sum()) > -1e9 else z1.sum()  # float() stops vmap

    calls = []
    views = views_of("dcl")
    loss_of_all = batched(loss)
    expected = ((views[0] - views[1]) ** 2).sum((-2, -1))
    for _ in range(2):
        torch.testing.assert_close(loss_of_all(views, {}), expected)
    assert len(calls) >= 2 * M


def test_a_loss_that_mixes_models_under_vmap_is_looped():
    torch.testing.assert_close(
        batched(lambda z1, z2: (z1 * z2).sum())(views_of("dcl"), {}), plainly_summed(*views_of("dcl"))
    )


def plainly_summed(z1, z2):
    return (z1 * z2).sum((-2, -1))


def test_an_unknown_loss_is_refused():
    with pytest.raises(InputError) as error:
        batched("infonc")
    assert str(error.value) == f"there is no loss 'infonc' to train; there are: {', '.join(TORCH_LOSSES)}"
