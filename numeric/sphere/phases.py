"""Phase diagrams of losses of unit vectors: how many modes the global minimum keeps, over any two parameters.

The data enter by the view correlations λ_i = a_i/(a_i + c_i) alone, the loss by its means over pairs in the limit of a
large batch; at each point the shares are those of the lowest minimum (`numeric.sphere.shares`). The result is that of
`numeric.landscape.phases`, with shares for powers, and is drawn in the same way. A share is never lost by all modes, so
that there is no complete collapse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive import InputError
from derive.losses.limit import large_batch
from derive.sphere.pairs import pair_form
from numeric.landscape.exact_modes import exact_number
from numeric.landscape.phases import Axis, Data, PhaseDiagram, axis_of, eigenvalues_of
from numeric.sphere.minimum import LOST, minimum
from numeric.sphere.shares import landscape, many_modes, starts

if TYPE_CHECKING:
    from derive import Loss
    from derive.sphere.pairs import PairForm

Array = NDArray[np.float64]


def isotropic(variances: ArrayLike, name: str = "sigma") -> Callable[[Array, Array], tuple[Array, Array]]:
    """Data of given variances with an augmentation σ² in each direction: λ_i = s_i/(s_i + σ²), σ along the columns.

    >>> a, c = isotropic([4.0, 1.0])(np.array([[0.0, 2.0]]), np.array([[1.0, 1.0]]))
    >>> (a / (a + c)).tolist()
    [[[1.0, 1.0], [0.5, 0.2]]]
    """
    s = np.asarray(variances, dtype=np.float64)
    if s.ndim != 1 or not s.size or not (np.isfinite(s) & (s > 0)).all():
        message = f"the variances of the data are positive numbers, one a mode; {name}² is added to each"
        raise InputError(message)

    def modes(sigma: Array, _: Array) -> tuple[Array, Array]:
        return np.broadcast_to(s, (*sigma.shape, len(s))), np.repeat(sigma[..., None] ** 2, len(s), -1)

    return modes


def share_phases(
    loss: Loss,
    x: Axis,
    y: Axis,
    modes: Data,
    values: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> PhaseDiagram:
    """The phase diagram of a loss of unit vectors.

    Args:
        loss: its means over pairs are known in the limit of a large batch (`derive.sphere.pairs`).
        x: a name and its values, (nx,): a parameter of the loss, or one of the data that ``modes`` knows.
        y: the same, (ny,).
        modes: as for `numeric.landscape.phases.phase_diagram`: eigenvalues a of A0 and c of C by mode, (n,) each, or a
            function of the two grids, such as `isotropic`.
        values: the loss's other parameters; its defaults where they are left out.
        seed: of the quasi-random points, which are the same at all points of the diagram.
        tick: called after each point.

    Returns:
        Its powers are shares, which add to 1. Points on one set of random numbers: next to a boundary they may fall on
        either side, as `numeric.sphere.shares.shares` with its errors tells.

    Raises:
        InputError: naming the argument that is wrong; a temperature that is not positive.

    >>> from derive import catalogue
    >>> found = share_phases(
    ...     catalogue("infonce+normalised"), ("sigma", [0.1, 0.5]), ("tau", [0.1, 1.0]), isotropic(1 / np.arange(1, 13))
    ... )
    >>> found.count.tolist()
    [[12, 12], [12, 8]]

    """
    (x_name, xs), (y_name, ys) = axis_of("x", x), axis_of("y", y)
    if x_name == y_name:
        message = f"x and y are both {x_name!r}; give two parameters"
        raise InputError(message)
    grids = np.meshgrid(xs, ys)
    a, c = eigenvalues_of(modes, *grids)
    whole = a + c
    if not (whole > 0).all():
        message = "modes gave a mode without variance, a = c = 0; leave it out"
        raise InputError(message)
    lam = a / whole
    known = {name for name in (x_name, y_name) if name in loss.parameters}
    if {x_name, y_name} - known and not callable(modes):
        missing = min({x_name, y_name} - known)
        listed = ", ".join(sorted(loss.parameters)) or "none"
        message = f"{loss.name} has no parameter {missing!r}; it has {listed}"
        raise InputError(message)
    others = dict(loss.defaults) | {name: exact_number(name, value) for name, value in (values or {}).items()}
    shares = np.zeros_like(lam)
    forms: dict[tuple[tuple[str, float], ...], PairForm] = {}
    for at in np.ndindex(*grids[0].shape):
        here = {x_name: float(grids[0][at]), y_name: float(grids[1][at])}
        key = tuple((name, here[name]) for name in sorted(known))
        if key not in forms:
            forms[key] = _form(loss, others | {name: exact_number(name, value) for name, value in key})
        shares[at] = _lowest(forms[key], lam[at], seed)
        tick()
    kept = {name: float(value) for name, value in others.items() if name not in known and value.is_finite}
    return PhaseDiagram(loss.name, x_name, y_name, xs, ys, a, c, shares, kept)


def _form(loss: Loss, values: Mapping[str, Any]) -> PairForm:
    """The means over pairs, in the limit of a large batch."""
    form = pair_form(large_batch(loss.set({name: value for name, value in values.items() if name in loss.parameters})))
    if form is None:
        message = (
            f"the shares under {loss.name} are not known by means over pairs; leave N out, or ask for one point with"
            " numeric.sphere.batches.batch_shares"
        )
        raise InputError(message)
    return form


def _lowest(form: PairForm, correlations: Array, seed: int) -> Array:
    """The shares at the lowest minimum on one set of points; modes far below the threshold do not enter."""
    guess = many_modes(form, correlations)
    over = landscape(form, correlations, seed=seed)
    found, _ = minimum(over, starts(correlations, None if guess is None else guess.shares))
    return np.where(found > LOST, found, 0.0)
