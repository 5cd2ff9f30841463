"""The derived minima against where an optimiser ends on the expansion itself, in all entries of W."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from derive import InputError
from derive.landscape import Landscape, landscapes
from numeric.descent import descend, of_kernel
from numeric.kernels import kernel
from numeric.landscape import landscape_in_numbers
from numeric.modes import minima
from numeric.sampling import Covariances, random_covariances
from verify.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Expansion

STARTS = 24
DIMENSION = 3
AGREE = 1e-6


def compare(expansion: Expansion, values: Mapping[str, float], seed: int) -> Evidence:
    """WᵀW at the lowest end of many, against that of the lowest point that the theory lists.

    Args:
        expansion: through order 4 or more; what is beyond is left out.
        values: of its parameters.
        seed: of the covariances and the starts.

    """
    quantity = "WᵀW at the minimum, theory − optimiser"

    def not_run(why: str) -> Evidence:
        return Evidence("exact", quantity, ran=False, note=why)

    if expansion.order < 4:
        return not_run("an expansion to order 4 is needed")
    if expansion.bias:
        return not_run("the optimiser here has no bias")
    quartic = expansion.truncate(4)
    rng = np.random.default_rng(seed)
    try:
        case = case_at(landscapes(quartic), {**values, "d1": DIMENSION})
        data = random_covariances(rng, DIMENSION)
        if case.needs_commuting:
            data = Covariances(*(np.diag(np.linalg.eigvalsh(matrix)) for matrix in (data.A0, data.C)))
        solved = landscape_in_numbers(case, data, values)
    except InputError as error:
        return not_run(str(error))
    listed = minima(solved.modes)
    emitted = kernel(quartic)
    arguments = [values.get(name, values.get(name.removesuffix("_"), DIMENSION)) for name in emitted.arguments[3:]]
    second = data.Sigma if quartic.basis == "A0,Sigma" else data.C
    landscape = of_kernel(emitted, (DIMENSION, DIMENSION), data.A0, second, *arguments)
    ends = descend(landscape, rng.standard_normal((STARTS, DIMENSION**2)))
    losses = landscape.value(ends.x)
    if not listed or not np.isfinite(losses).all() or losses.min() < -1e6:
        return not_run("the landscape through order 4 has no lowest point at these values")
    if not ends.converged[losses.argmin()]:
        return not_run("the optimiser did not converge at its lowest end")
    W = ends.x[losses.argmin()].reshape(DIMENSION, DIMENSION)
    # A mode whose eigenvalue is degenerate has no direction of its own: then the loss alone can be compared.
    distance = float(np.abs(W.T @ W - solved.gram(listed[0])).max())
    if case.rotated and len({round(point.loss, 9) for point in listed}) == 1:
        distance = float(abs(losses.min() - listed[0].loss))
    at = ", ".join(f"{name} = {value:g}" for name, value in values.items())
    note = f"{STARTS} starts, d0 = d1 = {DIMENSION}" + (f", at {at}" if at else "")
    return Evidence("exact", quantity, 0.0, distance, AGREE, "tolerance", distance < AGREE, seed, note)


def case_at(cases: tuple[Landscape, ...], values: Mapping[str, float]) -> Landscape:
    """The one that holds at some values."""
    for case in cases:
        if float(case.where.subs({symbol: values[symbol.name] for symbol in case.where.free_symbols})) >= 0:
            return case
    message = "no case of the landscape holds at these values"
    raise InputError(message)
