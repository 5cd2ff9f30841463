"""The rounding error of a loss's values: measured where the definition is evaluated, assumed elsewhere.

In floats 10³⁰ − 10³⁰ + |f|² evaluates to 0 on every draw, with a standard error of 0. That nothing was measured shows
in how far the value moves when each intermediate result is off by one rounding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.truths.evaluated_truth import EvaluatedTruth

if TYPE_CHECKING:
    from collections.abc import Callable

    from verify.truths.truth import Truth

# The assumed error of a value that is evaluated otherwise: a few roundings.
RELATIVE = 1e-15
# A factor on the root mean square change that random errors make in the values.
SAFETY = 4.0
# How many sets of random errors are tried.
CHOICES = 2


def rounding(truth: Truth, values: Callable[[Truth], Any]) -> float:
    """An estimate of the rounding error of a value.

    Args:
        truth: the loss.
        values: evaluates it, at the same points each time.

    >>> import numpy as np
    >>> from derive import Loss, half_sq, views
    >>> from numeric.sampling import Covariances
    >>> from verify.truths.truth import Setting
    >>> x, x_pos = views("x, x_pos")
    >>> setting = Setting(Covariances(np.eye(1), np.eye(1)), np.eye(1), {}, None)
    >>> found = rounding(
    ...     EvaluatedTruth(Loss(10**20 + half_sq(x, x_pos) - 10**20), setting), lambda one: one.averaged(np.ones(1), 2)
    ... )
    >>> 1e3 < found < 1e6
    True
    """
    with np.errstate(all="ignore"):
        plain = np.asarray(values(truth))
        found = RELATIVE * _largest(plain)
        if isinstance(truth, EvaluatedTruth):
            moved = [values(replace(truth, shaken=np.random.default_rng(number))) - plain for number in range(CHOICES)]
            found = max(found, SAFETY * float(np.sqrt(max(np.mean(_finite(one) ** 2) for one in moved))))
    return found


def _largest(values: Any) -> float:
    return float(_finite(values).max(initial=0.0))


def _finite(values: Any) -> Any:
    """The sizes of the finite values; 0 where none is finite."""
    sizes = np.abs(values)
    return sizes[np.isfinite(sizes)] if np.isfinite(sizes).any() else np.zeros(1)
