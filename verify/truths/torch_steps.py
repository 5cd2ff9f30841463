"""The losses of the catalogue's fields as their papers have them, by hand in torch, and the step that they take.

Nothing here comes from a derivation: targets are detached where the papers stop the gradient, keys and targets are seen
through the momentum copy, and a step is what plain gradient descent with weight decay does for an infinitesimal
learning rate. A loss takes the weights, views x, x_pos (m, d0) of m data with quadrature weights p (m,), and keys
(m, K, d0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Weights = Mapping[str, Tensor]
Given = Mapping[str, float]


@dataclass(frozen=True)
class Views:
    """Views of data with weights.

    Attributes:
        x: (m, d0).
        x_pos: (m, d0), another view of the same data.
        p: (m,), adding to 1.
        keys: (m, K, d0), views of other data; K = 0 where there are none.

    """

    x: Tensor
    x_pos: Tensor
    p: Tensor
    keys: Tensor


def simsiam(weights: Weights, views: Views, _: Given) -> Tensor:
    """Half the squared distance of the prediction from the other view's embedding, z.detach() in SimSiam."""
    z1, z2 = views.x @ weights["W"].T, views.x_pos @ weights["W"].T
    p1 = z1 @ weights["P"].T
    return (views.p * ((p1 - z2.detach()) ** 2).sum(-1)).sum() / 2


def byol(weights: Weights, views: Views, _: Given) -> Tensor:
    """The same with the target network in place of the detached online one."""
    prediction = views.x @ weights["W"].T @ weights["P"].T
    with torch.no_grad():
        target = views.x_pos @ weights["W_m"].T
    return (views.p * ((prediction - target) ** 2).sum(-1)).sum() / 2


def directpred(weights: Weights, views: Views, given: Given) -> Tensor:
    """SimSiam with a predictor that is set: the eigenvalues √σ + ε max σ of the embedding's second moments."""
    z1, z2 = views.x @ weights["W"].T, views.x_pos @ weights["W"].T
    with torch.no_grad():
        values, vectors = torch.linalg.eigh(z1.T @ (views.p[:, None] * z1))
        root = values.clamp(min=0).sqrt() + given["epsilon"] * values.max()
        predictor = vectors @ torch.diag(root) @ vectors.T
    distances: Tensor = ((z1 @ predictor.T - z2.detach()) ** 2).sum(-1)
    return (views.p * distances).sum() / 2


def moco(weights: Weights, views: Views, given: Given) -> Tensor:
    """Cross entropy of the positive key among all keys, as logits l_pos and l_neg over τ."""
    q = views.x @ weights["W"].T
    with torch.no_grad():
        k, queue = views.x_pos @ weights["W_m"].T, views.keys @ weights["W_m"].T
    positive = (q * k).sum(-1, keepdim=True)
    negative = torch.einsum("md,mkd->mk", q, queue)
    logits = torch.cat([positive, negative], 1) / given["tau"]
    # The labels of MoCo: the positive key stands first.
    return (views.p * (torch.log(torch.exp(logits).sum(1)) - logits[:, 0])).sum()


def simsiam_published(weights: Weights, views: Views, _: Given) -> Tensor:
    """D(p, z) = −⟨p/|p|, z/|z|⟩ with z.detach()."""
    z1, z2 = views.x @ weights["W"].T, views.x_pos @ weights["W"].T
    p1, z2 = z1 @ weights["P"].T, z2.detach()
    cosines: Tensor = ((p1 / p1.norm(dim=-1, keepdim=True)) * (z2 / z2.norm(dim=-1, keepdim=True))).sum(-1)
    return -(views.p * cosines).sum()


def byol_published(weights: Weights, views: Views, _: Given) -> Tensor:
    """The squared distance of the normalised prediction from the target network's normalised projection."""
    prediction = views.x @ weights["W"].T @ weights["P"].T
    with torch.no_grad():
        target = views.x_pos @ weights["W_m"].T
        target = target / target.norm(dim=-1, keepdim=True)
    distances: Tensor = ((prediction / prediction.norm(dim=-1, keepdim=True) - target) ** 2).sum(-1)
    return (views.p * distances).sum()


def dino(weights: Weights, views: Views, given: Given) -> Tensor:
    """H(P_t(x′), P_s(x)): cross entropy with the sharpened softmax of centred teacher logits.

    With a bias "b" where there is one; the centre is left out for "centre" = 0.
    """
    bias = weights.get("b", torch.zeros(len(weights["W"]), dtype=weights["W"].dtype))
    student = views.x @ weights["W"].T + bias
    teacher = (views.x_pos @ weights["W"].T + bias).detach()
    centre = given.get("centre", 1.0) * (views.p[:, None] * teacher).sum(0)
    target = torch.softmax((teacher - centre) / given["tau_t"], -1)
    return -(views.p * (target * torch.log_softmax(student / given["tau_s"], -1)).sum(-1)).sum()


STEPS: dict[str, Callable[[Weights, Views, Given], Tensor]] = {
    "simsiam": simsiam,
    "byol": byol,
    "moco": moco,
    "directpred": directpred,
    "simsiam+normalised": simsiam_published,
    "byol+normalised": byol_published,
    "dino": dino,
}


def step(
    loss: Callable[[Weights, Views, Given], Tensor], weights: Weights, views: Views, given: Given
) -> dict[str, Tensor]:
    """What each of the weights does per unit of time.

    Args:
        loss: one of `STEPS`.
        weights: "W", and "P" and "W_m" where there are any.
        views: of the data.
        given: the loss's parameters, and eta, rho and mu as far as they occur.

    """
    trained = {name: one.detach().clone().requires_grad_() for name, one in weights.items() if name != "W_m"}
    held = {name: one for name, one in weights.items() if name == "W_m"}
    slopes = torch.autograd.grad(loss({**trained, **held}, views, given), list(trained.values()))
    decay, found = given.get("eta", 0.0), {}
    for (name, one), slope in zip(trained.items(), slopes, strict=True):
        found[name] = -(slope + decay * one.detach()) * (given["rho"] if name == "P" else 1.0)
    if held:
        found["W_m"] = given["mu"] * (weights["W"].detach() - weights["W_m"])
    return found
