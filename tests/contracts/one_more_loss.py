"""A plugin of pytest with one more loss in the catalogue, added as CONTRIBUTING says: a definition, and one in torch.

    python -m pytest -p one_more_loss FILES

Of the files it runs the tests of this loss, and those that walk the whole catalogue. The loss is nobody's: the spectral
contrastive one with an exponential in place of half of its alignment.
"""

import inspect

import sympy
import torch

from derive import CATALOGUE, Loss, Mean, exp, half_sq, inner, views
from verify.truths.torch_losses import TORCH_LOSSES, TorchLoss

NAME = "spectral-exponential"
x, x_pos, chi = views("x, x_pos, chi")
LOSS = Loss(
    -inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi) - exp(-sympy.Symbol("t") * half_sq(x, x_pos)),
    name=NAME,
    title="spectral contrastive loss with an exponential (population)",
    sources=("haochen2021",),
    where="changed",
)


def by_hand(x, x_pos, p, chi, q, *, t):
    """−E⟨x, x′⟩ + E⟨x, χ⟩² − E exp(−½t|x − x′|²)."""

    def mean(values, weights):
        return values.mean(-1) if weights is None else (values * weights).sum(-1)

    spread = mean((x @ chi.transpose(-1, -2)) ** 2, q)
    return mean(spread - (x * x_pos).sum(-1) - torch.exp(-t * ((x - x_pos) ** 2).sum(-1) / 2), p)


def pytest_configure():
    CATALOGUE[NAME] = LOSS
    TORCH_LOSSES[NAME] = TorchLoss(NAME, by_hand)


def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if NAME in item.name or (not hasattr(item, "callspec") and walks(item))]


def walks(item):
    function = getattr(item, "function", None)
    names = ("CATALOGUE", "TORCH_LOSSES", " in NAMES", " in LOSSES", " in MODIFIED")
    return function is not None and any(name in inspect.getsource(function) for name in names)
