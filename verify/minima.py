"""The derived minima against where an optimiser ends on the expansion itself, in all entries of W."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.landscape import landscapes
from numeric.descent import descend, of_kernel
from numeric.kernels import kernel
from numeric.landscape import Solved, landscape_in_numbers
from numeric.modes import minima
from numeric.sampling import Covariances, random_covariances
from verify.evidence import Evidence
from verify.significance import within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Expansion
    from derive.landscape import Landscape

QUANTITY = "WᵀW at the minimum, theory − optimiser"
STARTS = 24
DIMENSION = 3
AGREE = 1e-6


@dataclass(frozen=True, eq=False)
class Lowest:
    """The lowest of many ends of an optimiser on an expansion through order 4.

    Attributes:
        data: where.
        values: of the expansion's parameters.
        W: (d1, d0).
        loss: there.
        seed: of the data and the starts.

    """

    data: Covariances
    values: Mapping[str, float]
    W: NDArray[np.float64]
    loss: float
    seed: int


def compare(expansion: Expansion, values: Mapping[str, float], seed: int) -> Evidence:
    """WᵀW at the lowest end of many, against that of the lowest point that the theory lists.

    Args:
        expansion: through order 4 or more; what is beyond is left out.
        values: of its parameters.
        seed: of the covariances and the starts.

    """
    try:
        found = lowest(expansion, values, seed)
        return held_against(found, case_at(landscapes(expansion.truncate(4)), {**values, "d1": DIMENSION}))
    except InputError as error:
        return Evidence("exact", QUANTITY, ran=False, note=str(error))


def lowest(expansion: Expansion, values: Mapping[str, float], seed: int) -> Lowest:
    """Where the optimiser's lowest end is.

    Raises:
        InputError: there is none, saying why.

    """
    if expansion.order < 4:
        raise InputError("an expansion to order 4 is needed")
    if expansion.bias:
        raise InputError("the optimiser here has no bias")
    quartic = expansion.truncate(4)
    if not quartic.terms:
        raise InputError("through order 4 the loss is constant: every W is a minimum")
    rng = np.random.default_rng(seed)
    commuting = case_at(landscapes(quartic), {**values, "d1": DIMENSION}).needs_commuting
    data = random_covariances(rng, DIMENSION)
    if commuting:
        data = Covariances(*(np.diag(np.linalg.eigvalsh(matrix)) for matrix in (data.A0, data.C)))
    emitted = kernel(quartic)
    arguments = [values.get(name, DIMENSION) for name in emitted.parameters]
    second = data.Sigma if quartic.basis == "A0,Sigma" else data.C
    landscape = of_kernel(emitted, (DIMENSION, DIMENSION), data.A0, second, *arguments)
    ends = descend(landscape, rng.standard_normal((STARTS, DIMENSION**2)))
    losses = landscape.value(ends.x)
    if not np.isfinite(losses).all() or losses.min() < -1e6:
        raise InputError("the landscape through order 4 has no lowest point at these values")
    if not ends.converged[losses.argmin()]:
        raise InputError("the optimiser did not converge at its lowest end")
    W = ends.x[losses.argmin()].reshape(DIMENSION, DIMENSION)
    return Lowest(data, values, W, float(losses.min()), seed)


def held_against(found: Lowest, case: Landscape) -> Evidence:
    """What an optimiser found, against the lowest minimum that a landscape lists.

    Raises:
        InputError: the landscape's modes are not separate on these data, or a parameter has no value.

    """
    solved = landscape_in_numbers(case, found.data, found.values)
    listed = minima(solved.modes)
    values = ", ".join(f"{name} = {value:g}" for name, value in found.values.items())
    note = f"{STARTS} starts, d0 = d1 = {DIMENSION}" + (f", at {values}" if values else "")
    if not listed:
        # Minima whose modes share rows are not listed, so that none listed is no contradiction; another loss there is.
        off = abs(loss_at(solved, found.W) - found.loss)
        quantity = "L where the optimiser ends, theory − optimiser; the theory lists no minimum"
        agrees = within(off, AGREE) and None
        return Evidence("exact", quantity, 0.0, off, AGREE, "tolerance", agrees, found.seed, note)
    # A mode whose eigenvalue is degenerate has no direction of its own: then the loss alone can be compared.
    distance = float(np.abs(found.W.T @ found.W - solved.gram(listed[0])).max())
    if case.rotated and len({round(point.loss, 9) for point in listed}) == 1:
        distance = float(abs(found.loss - listed[0].loss))
    return Evidence("exact", QUANTITY, 0.0, distance, AGREE, "tolerance", within(distance, AGREE), found.seed, note)


def loss_at(solved: Solved, W: NDArray[np.float64]) -> float:
    """A landscape through order 4 by its modes, −Σ b_i|v_i|² + Σ Q_ij (v_i·v_j)² + Σ K_ij |v_i|²|v_j|², W = V Tᵀ."""
    return sum(orders_at(solved, W).values())


def orders_at(solved: Solved, W: NDArray[np.float64]) -> dict[int, float]:
    """The same, its second and its fourth order apart."""
    V = W @ np.linalg.inv(solved.frame).T
    gram, power = V.T @ V, (V**2).sum(0)
    modes = solved.modes
    return {2: -float(modes.b @ power), 4: float((modes.Q * gram**2).sum() + power @ modes.K @ power)}


def case_at(cases: tuple[Landscape, ...], values: Mapping[str, float]) -> Landscape:
    """The one that holds at some values."""
    for case in cases:
        if float(case.where.subs({symbol: values[symbol.name] for symbol in case.where.free_symbols})) >= 0:
            return case
    message = "no case of the landscape holds at these values"
    raise InputError(message)
