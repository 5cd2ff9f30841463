"""The supervised contrastive loss of a batch with labels, as it is published: what its limits are held against.

The functions of `verify.truths.torch_losses` are not told classes: there the views themselves are of one class. Here a
batch has labels, and how many positives an anchor has is left to them.
"""

from __future__ import annotations

import torch
from torch import Tensor


def supcon_of_batch(z: Tensor, labels: Tensor, *, tau: float) -> Tensor:
    """L_out, Eq. (2) of Khosla et al. (NeurIPS 2020, arXiv:2004.11362), with the plain inner product.

    −1/|P(i)| Σ_{p ∈ P(i)} log(exp(⟨z_i, z_p⟩/τ) / Σ_{a ≠ i} exp(⟨z_i, z_a⟩/τ)), where P(i) is all other views of the
    class of i. A mean over the anchors i, where the paper has the sum; one without a positive counts as 0.

    Args:
        z: all views of the batch, (…, n, d): two of each datum, one after the other or in any order.
        labels: the class of each, (n,) or (…, n).
        tau: the temperature.

    >>> z = torch.zeros(3, 2)
    >>> supcon_of_batch(z, torch.tensor([0, 0, 1]), tau=1.0)  # two anchors have a positive: ⅔ log 2
    tensor(0.4621)

    """
    n = z.shape[-2]
    others = 1 - torch.eye(n, dtype=z.dtype, device=z.device)
    same = (labels[..., :, None] == labels[..., None, :]).to(z.dtype) * others
    logits = z @ z.transpose(-1, -2) / tau
    spread = torch.log((torch.exp(logits) * others).sum(-1))
    positives = same.sum(-1)
    of_anchor = ((spread[..., None] - logits) * same).sum(-1) / torch.where(positives == 0, 1.0, positives)
    return of_anchor.mean(-1)
