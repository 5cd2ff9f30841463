"""The gradient of a batch's InfoNCE in squared distances, in the softmax weights of pairs that papers print.

L = −Σ_i log [E_ii/(Σ_(j≠i) E_ij + ε E_ii)], E_ij = exp(−|z_i − z_j|²/2τ) and E_ii = exp(−|z_i − z_i′|²/2τ).
"""

from __future__ import annotations

from typing import Any

import sympy
import torch

# Two data of one dimension, their second views, and the weights of the pairs (1, 2) and (2, 1).
x = sympy.symbols("x_1 x_2", real=True)
x_pos = sympy.symbols("y_1 y_2", real=True)
alpha = sympy.symbols("alpha_12 alpha_21", positive=True)


def second_moments(weight: sympy.Expr = sympy.S.One) -> sympy.Expr:
    """X of dW/dt = W X for two data of one dimension at τ = 1, in the softmax weights.

    Args:
        weight: ε, of the positive in the denominator.

    >>> sympy.expand(second_moments() - sum(alpha) * (x[0] - x[1]) ** 2).free_symbols == {*x, *x_pos, *alpha}
    True

    """
    w, own, other = sympy.symbols("w own other", positive=True)
    total = sympy.S.Zero
    for i in (0, 1):
        j = 1 - i
        squares = {own: (w * (x[i] - x_pos[i])) ** 2 / 2, other: (w * (x[i] - x[j])) ** 2 / 2}
        loss = sympy.log(sympy.exp(-other) + weight * sympy.exp(-own)) + own
        for square, value in squares.items():
            slope = sympy.diff(loss, square).subs(
                {sympy.exp(-other): alpha[i], sympy.exp(-own): (1 - alpha[i]) / weight}
            )
            total -= sympy.cancel(slope) * sympy.diff(value, w) / w
    return sympy.expand(total)


def measured_at(seed: int, weight: float = 1.0) -> tuple[dict[str, float], float]:
    """The letters at random data and w, and X there, by torch, which differentiates the loss of the batch by hand."""
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    w = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    z, z_pos = w * first, w * second
    own, other = torch.exp(-((z - z_pos) ** 2) / 2), torch.exp(-((z - z.flip(0)) ** 2) / 2)
    (slope,) = torch.autograd.grad(-torch.log(own / (other + weight * own)).sum(), w)
    weights = (other / (other + weight * own)).detach()
    letters: dict[str, Any] = {
        **dict(zip(map(str, x), first.tolist(), strict=True)),
        **dict(zip(map(str, x_pos), second.tolist(), strict=True)),
        **dict(zip(map(str, alpha), weights.tolist(), strict=True)),
    }
    return letters, float(-slope / w.detach())
