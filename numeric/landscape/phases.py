"""Phase diagrams by theory: which modes the minima of a derived landscape keep, over any two parameters.

The coefficients of a `derive.landscape.landscape.Landscape` are evaluated on the whole grid at once
(`numeric.landscape.formulas`), and the quadratic program in the powers of the modes is solved at all points together
(`numeric.landscape.mode_powers`). The minimum of the program is that of the landscape where W has at least as many rows
as there are modes and no Q_ij is negative (see `derive.landscape.collapse`); other points are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive import InputError
from derive.landscape.conditions import MODES, Condition, q_j
from numeric.landscape.formulas import at_points, evaluated, key_of, margin_of
from numeric.landscape.mode_powers import powers_at

if TYPE_CHECKING:
    from derive.landscape.landscape import Landscape

Array = NDArray[np.float64]
Axis = tuple[str, ArrayLike]
Data = Callable[[Array, Array], tuple[ArrayLike, ArrayLike]] | tuple[ArrayLike, ArrayLike]

PHASES = ("no collapse", "dimensional collapse", "complete collapse")
# Entries of an array handled at a time, so that a few such arrays fit into the cache.
_ENTRIES = 2**15


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """The modes that are kept, as a function of two parameters.

    Attributes:
        loss: the loss's name.
        x_name: the parameter along the columns.
        y_name: the parameter along the rows.
        x: (nx,).
        y: (ny,).
        a: (ny, nx, n), the eigenvalues of A0 by mode.
        c: (ny, nx, n), those of C.
        powers: (ny, nx, n), |w_i|² of the modes at the minima, 0 where a mode is collapsed; one more, the last, for
            a bias.
        values: the loss's other parameters.

    """

    loss: str
    x_name: str
    y_name: str
    x: Array
    y: Array
    a: Array
    c: Array
    powers: Array
    values: Mapping[str, float]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """(ny, nx, n), which modes are kept; the bias does not count."""
        return self.powers[..., : self.a.shape[-1]] > 0

    @property
    def count(self) -> NDArray[np.int64]:
        """(ny, nx), how many modes are kept."""
        return np.asarray(self.kept.sum(-1))

    @property
    def phase(self) -> NDArray[np.int64]:
        """(ny, nx), 0, 1 or 2 as in `PHASES`."""
        return np.asarray(np.where(self.count == 0, 2, np.where(self.kept.all(-1), 0, 1)))

    def margin(self, condition: Condition) -> Array:
        """(ny, nx), at most 0 where a collapse condition holds: its zero line is the boundary that the theory gives.

        >>> from derive import catalogue
        >>> from derive.landscape.collapse import collapse
        >>> from derive.landscape.landscape import landscapes
        >>> expansion = catalogue("beta-infonce").expand(order=4)
        >>> found = phase_diagram(landscapes(expansion), ("beta", [0.2, 0.9]), ("c", [1.0]),
        ...                       lambda beta, c: ([1.0, 1.0], np.stack([c, 2 * c], -1)))
        >>> found.margin(collapse(expansion).complete).round(3)
        array([[-0.6,  0.8]])

        """
        x, y = np.meshgrid(self.x, self.y)
        put = {**self.values, self.x_name: x[..., None], self.y_name: y[..., None], key_of(MODES): self.a.shape[-1]}
        formula = condition.formula if condition.q is None else condition.formula.subs(q_j, condition.q)
        each = np.broadcast_to(margin_of(formula, put, self.a, self.c), self.a.shape)
        return np.asarray(each.min(-1) if condition.quantifier == "some" else each.max(-1))


def phase_diagram(
    found: Landscape | Sequence[Landscape],
    x: Axis,
    y: Axis,
    modes: Data,
    values: Mapping[str, float] | None = None,
    *,
    norm: ArrayLike | None = None,
    bias: bool = False,
    d1: int | None = None,
) -> PhaseDiagram:
    """The phase diagram of a derived landscape.

    Args:
        found: all cases of the landscape, from `derive.landscape.landscape.landscapes`; each point takes the case that
            holds there.
        x: a name and its values, (nx,): a parameter of the loss, or one of the data that ``modes`` knows.
        y: the same, (ny,).
        modes: the eigenvalues (a, c) of A0 and C by mode, each (n,), or a function of the two grids, (ny, nx) each,
            that gives arrays which broadcast to (ny, nx, n). A0 and C that do not commute have the modes of
            Σ^(−1/2) C Σ^(−1/2), a = 1 − r and c = r, where there is no weight decay.
        values: the loss's other parameters.
        norm: the value at which E|f|² is fixed, a number or (ny, nx): the limit κ → ∞ of a norm penalty, which then
            must not be in the loss itself.
        bias: whether f(x) = W x + b, with a b that enters only through E|f|²; implied by a loss that contains b.
        d1: the number of rows of W, at least that of the modes (the default).

    Raises:
        InputError: naming the argument that is wrong, and for points where the landscape is not convex.

    >>> from derive import catalogue
    >>> from derive.landscape.landscape import landscapes
    >>> def augmented(sigma, theta):
    ...     return [1.0, 1.0], np.stack([sigma**2 * (1 - theta), sigma**2 * theta], -1)
    >>> found = phase_diagram(
    ...     landscapes(catalogue("beta-infonce").expand(order=4)),
    ...     ("sigma", [0.5, 1.2, 2.0]), ("theta", [0.25]), augmented, {"beta": 0.5},
    ... )
    >>> [PHASES[number] for number in found.phase[0]]
    ['no collapse', 'dimensional collapse', 'complete collapse']

    """
    cases = tuple(found) if isinstance(found, Sequence) else (found,)
    (x_name, xs), (y_name, ys) = axis_of("x", x), axis_of("y", y)
    if x_name == y_name:
        message = f"x and y are both {x_name!r}; give two parameters"
        raise InputError(message)
    grids = np.meshgrid(xs, ys)
    a, c = eigenvalues_of(modes, *grids)
    free = bias
    bias = bias or any(case.has_bias for case in cases)
    # A bias that meets no other column through Q needs no row of its own.
    needed = a.shape[-1] + any("D" in pair for case in cases for pair in case.singles)
    rows = needed if d1 is None else d1
    if rows < needed:
        message = f"d1 = {rows} rows are too few for {needed} modes; with fewer, ask for the stationary points"
        raise InputError(message)
    if free and norm is None:
        message = "a free bias enters the norm alone; give norm, or a loss with +bias"
        raise InputError(message)
    put = _parameters(cases, {x_name: grids[0], y_name: grids[1]}, values or {}, rows, callable(modes))
    fixed = None if norm is None else _norms(norm, grids[0].shape).ravel()
    flat = {name: value.ravel() if isinstance(value, np.ndarray) else value for name, value in put.items()}
    a, c = (np.ascontiguousarray(one) for one in (a, c))
    flat_a, flat_c = a.reshape(-1, a.shape[-1]), c.reshape(-1, a.shape[-1])
    powers = np.full((len(flat_a), a.shape[-1] + bias), np.nan)
    size = max(1, _ENTRIES // powers.shape[1])
    for case in cases:
        for start in range(0, len(powers), size):
            at: Any = slice(start, start + size)
            here = at_points(flat, at)
            holds = np.isnan(powers[at, 0])
            for condition in case.where:
                holds = holds & (evaluated(condition, here) >= 0)
            if not holds.all():
                at = start + np.flatnonzero(holds)
                here = at_points(flat, at)
            if holds.any() and case.why_not_lowest(rows):
                message = f"at some point the minima are not those of the modes' powers: {case.why_not_lowest(rows)}"
                raise InputError(message)
            if holds.any():
                powers[at] = powers_at(case, here, flat_a[at], flat_c[at], None if fixed is None else fixed[at], bias)
    if np.isnan(powers).any():
        message = f"no case of the landscape of {cases[0].loss} holds at some point; give all that landscapes() found"
        raise InputError(message)
    others = {name: value for name, value in put.items() if name not in (x_name, y_name)}
    return PhaseDiagram(cases[0].loss, x_name, y_name, xs, ys, a, c, powers.reshape(*a.shape[:-1], -1), others)


def axis_of(which: str, axis: Axis) -> tuple[str, Array]:
    """The name and the values of an axis.

    Raises:
        InputError: values that are no finite numbers.

    """
    name, values = axis
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        message = f'{which} must be a name and a list of finite numbers, such as ("sigma", [0.5, 1, 1.5])'
        raise InputError(message)
    return name, found


def eigenvalues_of(modes: Data, x: Array, y: Array) -> tuple[Array, Array]:
    """The eigenvalues a and c, (ny, nx, n) each.

    Raises:
        InputError: shapes that do not fit the grid, or numbers that are not those of covariances.

    """
    a, c = (np.asarray(one, dtype=np.float64) for one in (modes(x, y) if callable(modes) else modes))
    try:
        shape = np.broadcast_shapes(a.shape, c.shape, (*x.shape, 1))
    except ValueError:
        shape = ()
    # (n,) or (ny, nx, n): a grid without an axis for the modes would broadcast to something else.
    if {a.ndim, c.ndim} - {1, 3} or len(shape) != 3 or shape[:2] != x.shape or 0 in shape:
        message = (
            f"modes gave the shapes {a.shape} and {c.shape}; give the eigenvalues of A0 and C, (n,) each or with the"
            f" modes on the last of three axes, the first two being the grid's {x.shape}"
        )
        raise InputError(message)
    if not all((np.isfinite(one) & (one >= 0)).all() for one in (a, c)):
        message = "modes gave eigenvalues that are negative or not finite; those of a covariance are 0 or more"
        raise InputError(message)
    return np.broadcast_to(a, shape), np.broadcast_to(c, shape)


def _parameters(
    cases: Sequence[Landscape],
    grids: Mapping[str, Array],
    values: Mapping[str, float],
    rows: int,
    data: bool,  # noqa: FBT001
) -> dict[str, Any]:
    """All parameters by name, as numbers or grids."""
    loss = cases[0].loss
    used = {key_of(symbol) for case in cases for symbol in case.symbols}
    for name in grids:
        if name in values:
            message = f"{name!r} is an axis and has a value; leave it out of values"
            raise InputError(message)
        if name not in used and not data:
            message = f"{loss} has no parameter {name!r}; it has {', '.join(sorted(used)) or 'none'}"
            raise InputError(message)
    given = {name: float(value) for name, value in values.items()}
    for name, value in given.items():
        if not np.isfinite(value):
            message = (
                f"{name} = {value} is not a finite number; for an infinite kappa leave the penalty out and give norm"
            )
            raise InputError(message)
    needed = {key_of(symbol) for case in cases for symbol in case.needed}
    missing = sorted(needed - given.keys() - grids.keys() - {"d1"})
    if missing:
        message = f"{loss} has no value for {', '.join(missing)}; give values={{'{missing[0]}': …}}"
        raise InputError(message)
    return {"d1": float(rows), **given, **grids}


def _norms(norm: ArrayLike, shape: tuple[int, ...]) -> Array:
    found = np.asarray(norm, dtype=np.float64)
    if found.shape not in ((), shape) or not (np.isfinite(found) & (found > 0)).all():
        message = f"norm must be a positive number, or {shape} of them"
        raise InputError(message)
    return np.broadcast_to(found, shape)
