"""Taylor coefficients of a black box along rays by torch's automatic differentiation: precise where they are right.

They can be silently wrong (a subgradient of zero at coincident points, a detached branch), so `rays` has to agree.
"""

from __future__ import annotations

from math import factorial

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from verify.truths.function import BlackBox
from verify.truths.many import in_one_call, mapped

Array = NDArray[np.float64]


def along(box: BlackBox, direction: Array, order: int, *, at: float = 0.0) -> Array:
    """The Taylor coefficients of the loss at t·direction through an order, by repeated differentiation.

    Args:
        box: the loss.
        direction: (2, N, d).
        order: of the highest coefficient.
        at: the t about which they are taken.

    Raises:
        RuntimeError: torch cannot differentiate the loss that many times.

    """
    t = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    value = box.tensor(t * torch.from_numpy(direction))
    found = [float(value.detach())]
    for k in range(1, order + 1):
        if value.requires_grad:
            value = box.gradient(value, t, create_graph=True)
            found.append(float(value.detach()) / factorial(k))
        else:
            # It no longer depends on t: a polynomial of lower degree.
            found.append(0.0)
    return np.array(found)


def along_each(box: BlackBox, directions: Array, order: int) -> Array:
    """The same for each of several directions (B, 2, N, d), in one call where that is possible: (B, order + 1)."""

    def at_once(u: torch.Tensor) -> torch.Tensor | None:
        t = torch.zeros(len(u), dtype=torch.float64, requires_grad=True)
        value = mapped(box, t[:, None, None, None] * u)
        if value is None:
            return None
        found = [value.detach()]
        try:
            for k in range(1, order + 1):
                # Each value depends on its own t alone.
                value = box.gradient(value.sum(), t, create_graph=True) if value.requires_grad else 0 * value
                found.append(value.detach() / factorial(k))
        except (RuntimeError, InputError):
            return None
        return torch.stack(found, -1)

    found = in_one_call(box, directions, at_once, lambda u: along(box, u, order))
    return np.array([along(box, u, order) for u in directions]) if found is None else found


def gradient(box: BlackBox, z: Array) -> Array | None:
    """Autograd's gradient at embeddings (2, N, d), of that shape; None where the value has no graph.

    Raises:
        RuntimeError: torch cannot differentiate the loss.
        InputError: the loss's own derivative fails.

    """
    at = torch.from_numpy(np.ascontiguousarray(z)).requires_grad_()
    value = box.tensor(at)
    return box.gradient(value, at).detach().numpy().astype(float) if value.requires_grad else None
