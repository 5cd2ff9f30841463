"""Catalogue losses as torch functions ``loss(z1, z2)`` of two views of a batch, with or without a normalisation.

A function of this module takes many batches at once, (..., N, d) each, and gives one value per batch, (...). Where the
definition has a population mean, the first half of a batch are the pairs that the loss is averaged over, and both views
of the second half are the independent draws of the inner mean. A function of such means is off by a term of order 1/N;
the two halves of a half-sample remove it (Quenouille's jackknife), so that N stands for the population.

The functions are those of `verify.truths.torch_losses`, written by hand: nothing here comes from a derivation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from derive import InputError, catalogue
from derive.algebra.graphs import CLASSMATE
from verify.truths.jackknife import jackknife
from verify.truths.torch_losses import TORCH_LOSSES, TorchLoss, norm_penalty

TwoViews = Callable[[Tensor, Tensor], Tensor]

# A population mean needs two pairs and two other data in each half of its jackknife.
SMALLEST_POPULATION = 8


def two_views(name: str, parameters: Mapping[str, float] | None = None) -> TwoViews:
    """A catalogue loss, by its name with modifiers: ``infonce+normalised``, ``spectral+norm-penalty``.

    Args:
        name: as on the command line. ``+normalised`` divides each feature by its norm, exactly.
        parameters: numbers for the loss's parameters; the temperature τ that normalisation brings in is 1 where it
            is left out.

    Raises:
        InputError: a loss without a hand-written function, or a modifier that is not a function of the features.

    >>> z = torch.randn(2, 5, 16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> two_views("infonce+normalised")(z[0], z[1]).shape
    torch.Size([5])

    """
    base, *modifiers = name.split("+")
    if base not in TORCH_LOSSES:
        raise InputError(f"no hand-written torch loss is known for {base!r}; known are {', '.join(TORCH_LOSSES)}")
    if CLASSMATE in catalogue(base).roles:
        raise InputError(f"{base} compares data of a class, which two views of the same data do not show")
    for modifier in modifiers:
        if modifier not in ("normalised", "norm-penalty"):
            raise InputError(f"+{modifier} is not a function of the features alone; leave it out here")
    if modifiers == ["norm-penalty", "normalised"]:
        raise InputError("a penalty on the norm of normalised features is a constant; leave one of the two out")
    given = dict(parameters or {})
    by_hand = TORCH_LOSSES[base]
    plain = _batch(by_hand, given) if by_hand.over_batch else _population(by_hand, given)
    whole = unit(plain, temperature_of(base, given)) if "normalised" in modifiers else plain
    if "norm-penalty" not in modifiers:
        return whole
    return lambda z1, z2: whole(z1, z2) + jackknife(lambda rows: _penalty(z1[..., rows, :], given), z1.shape[-2])


def unit(loss: TwoViews, temperature: float = 1.0) -> TwoViews:
    """A loss of f/(|f| √τ), with no epsilon: its inner products are cosines over the temperature τ.

    >>> norms = unit(lambda z1, z2: (z1**2).sum(-1).mean(-1))
    >>> norms(torch.tensor([[3.0, 4.0]]), torch.ones(1, 2)).item()
    1.0
    """
    return lambda z1, z2: loss(*(on_sphere(z, temperature) for z in (z1, z2)))


def on_sphere(z: Tensor, temperature: float = 1.0) -> Tensor:
    """z/(|z| √τ) of features (..., d)."""
    return z / (temperature * (z**2).sum(-1, keepdim=True)).sqrt()


def temperature_of(base: str, parameters: Mapping[str, float]) -> float:
    """The temperature that normalisation brings into a loss, 1 unless set; 1 for one with a temperature of its own.

    >>> temperature_of("infonce", {"tau": 0.1}), temperature_of("ntxent", {"tau": 0.1})
    (0.1, 1.0)
    """
    return 1.0 if TORCH_LOSSES[base].has_temperature else float(parameters.get("tau", 1.0))


def batch_normalised(loss: TwoViews, epsilon: float = 0.0) -> TwoViews:
    """A loss of features that are centred and divided by their standard deviations, coordinate by coordinate.

    Args:
        loss: a function of the normalised features.
        epsilon: is added to each variance, a mean over the batch, as layers do.

    >>> variances = batch_normalised(lambda z1, z2: (z1**2).mean((-2, -1)))
    >>> round(variances(torch.randn(2, 8, 3), torch.randn(2, 8, 3))[0].item(), 6)
    1.0

    """

    def standardised(z: Tensor) -> Tensor:
        centred = z - z.mean(-2, keepdim=True)
        return centred / ((centred**2).mean(-2, keepdim=True) + epsilon).sqrt()

    return lambda z1, z2: loss(standardised(z1), standardised(z2))


def one_by_one(loss: Callable[[Tensor, Tensor], Tensor]) -> TwoViews:
    """A function of one batch, (N, d) each, called on one batch after another.

    >>> one_by_one(lambda z1, z2: (z1 * z2).sum())(torch.ones(3, 4, 2), torch.ones(3, 4, 2))
    tensor([8., 8., 8.])
    """

    def each(z1: Tensor, z2: Tensor) -> Tensor:
        shape, last = z1.shape[:-2], z1.shape[-2:]
        pairs = zip(z1.reshape(-1, *last), z2.reshape(-1, *last), strict=True)
        return torch.stack([loss(one, other) for one, other in pairs]).reshape(shape)

    return each


def _batch(by_hand: TorchLoss, parameters: Mapping[str, float]) -> TwoViews:
    return lambda z1, z2: by_hand.evaluate(z1, z2, parameters=parameters)


def _population(by_hand: TorchLoss, parameters: Mapping[str, float]) -> TwoViews:
    def loss(z1: Tensor, z2: Tensor) -> Tensor:
        half = z1.shape[-2] // 2
        if z1.shape[-2] < SMALLEST_POPULATION:
            raise InputError(
                f"a batch of {z1.shape[-2]} stands for no population; take {SMALLEST_POPULATION} data or more"
            )

        def of(rows: slice) -> Tensor:
            others = slice(half + rows.start, half + rows.stop)
            x, x_pos = (one[..., rows, :] for one in (z1, z2))
            drawn = torch.cat([one[..., others, :] for one in (z1, z2)], -2)
            return by_hand.evaluate(x, x_pos, _equal(x), drawn, _equal(drawn), parameters=parameters)

        return jackknife(of, half)

    return loss


def _penalty(x: Tensor, parameters: Mapping[str, float]) -> Tensor:
    return norm_penalty(x, _equal(x), kappa=parameters["kappa"], c=parameters["c"])


def _equal(x: Tensor) -> Tensor:
    """Equal weights (n,) for x (..., n, d)."""
    return torch.full(x.shape[-2:-1], 1 / x.shape[-2], dtype=x.dtype, device=x.device)
