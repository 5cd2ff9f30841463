"""A printed formula evaluated directly, compared with the definition in numbers and with what is derived.

Words, their canonical forms and the reading of sums over coordinates have no part in it: a formula that was read
wrongly differs from itself here, and gets no verdict.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import sympy

from derive import InputError
from derive.algebra.alphabet import BASES
from numeric.invariants import values_by_order
from numeric.kinds import random_kinds
from numeric.sampling import random_covariances
from verify.evidence.evidence import Evidence
from verify.evidence.significance import within
from verify.papers.printed.evaluation import Place, coefficients
from verify.truths.settings import GENERIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from derive import Expansion
    from verify.papers.printed.tree import Node
    from verify.routes.autodiff import RayCoefficients

TOLERANCE = 1e-8
# The width of W and the dimension of the data, where nothing has to be measured: no identity of small matrices holds.
_WIDTH, _DIMENSION = 4, 5
# The value of a symbol that counts data.
_COUNT = 7


def beside_definition(node: Node, points: Iterable[RayCoefficients], order: int, *, constant: bool) -> list[Evidence]:
    """The print compared with the definition where it was measured, order by order.

    Args:
        node: the printed formula.
        points: where the definition was measured, and what was found there.
        order: through which they are compared.
        constant: whether L(0) is printed.

    """
    found = []
    for one in points:
        here = one.case.setting
        values = {name: complex(value) for name, value in one.case.values.items()}
        at = Place(here.W, here.covariances.letters, here.bias, values)
        quantity = f"printed against the definition, {_orders(order)} at a random W{one.case.where}"
        measured = {k: complex(value) for k, value in one.coefficients.items() if k or constant}
        found.append(_compared(node, at, measured, order, quantity, one.case.seed, one.error))
    return found


def beside_derived(
    node: Node, derived: Expansion, values: Mapping[str, sympy.Expr], *, constant: bool, seed: int
) -> Evidence:
    """The print compared with the derived expansion, both in numbers, at a larger random W.

    Args:
        node: the printed formula.
        derived: in any letters, at the given values.
        values: that were given for parameters; the others get generic ones.
        constant: whether L(0) is printed.
        seed: of the random numbers.

    """
    rng = np.random.default_rng(seed)
    one_kind = derived.basis in BASES
    data = random_covariances(rng, _DIMENSION) if one_kind else random_kinds(rng, _DIMENSION, encoders=derived.encoders)
    W = rng.standard_normal((_WIDTH, data.d0)) / _DIMENSION
    b = rng.standard_normal(_WIDTH) / _WIDTH if derived.bias else None
    numbers = _values(derived, values)
    at = Place(W, data.letters, b, {name: complex(value) for name, value in numbers.items()})
    quantity = f"printed against the derivation, {_orders(derived.order)} at a random W, {_WIDTH} × {data.d0}"
    left = {symbol.name for symbol in {*derived.symbols, *derived.constant.free_symbols}}
    try:
        filled = derived.in_basis("A0,Sigma").set({name: one for name, one in numbers.items() if name in left})
        expected = {k: complex(one) for k, one in values_by_order(filled, W, data.letters, b).items()}
        expected |= {0: complex(filled.constant)} if constant else {}
    except (InputError, TypeError, ValueError):
        return Evidence("exact", quantity, ran=False, seed=seed, note="the derivation has no finite value there")
    return _compared(node, at, expected, derived.order, quantity, seed)


def _values(derived: Expansion, given: Mapping[str, sympy.Expr]) -> dict[str, sympy.Expr]:
    """The given values, and a generic one for each other parameter."""
    names = sorted({*derived.parameters, *(symbol.name for symbol in derived.symbols)} - set(given))
    chosen = {name: GENERIC[k % len(GENERIC)] + k // len(GENERIC) for k, name in enumerate(names)}
    counted = {"N": sympy.Integer(_COUNT)} if "N" in chosen else {}
    finite = {name: one for name, one in given.items() if one is not sympy.oo}
    return {**chosen, **counted, **finite, "d1": sympy.Integer(_WIDTH)}


def _compared(
    node: Node,
    at: Place,
    expected: Mapping[int, complex],
    order: int,
    quantity: str,
    seed: int,
    error: Mapping[int, float] = MappingProxyType({}),
) -> Evidence:
    """The orders of a print compared with the expected ones, each of which may be off by its error."""
    try:
        with np.errstate(all="ignore"):
            said = coefficients(node, at, order)
    except (TypeError, ValueError, ArithmeticError):
        return Evidence("exact", quantity, ran=False, seed=seed, note="the printed formula has no finite value there")
    scale = max([1.0, *(abs(one) for one in (*said.values(), *expected.values()) if np.isfinite(one))])
    differ = {k: abs(said[k] - value) - error.get(k, 0.0) for k, value in expected.items() if k <= order}
    # A difference first: max(0.0, nan) is 0.
    apart = {k: max(value, 0.0) for k, value in differ.items()}
    worst = max(apart, key=lambda k: (not np.isfinite(apart[k]), apart[k]))
    return Evidence(
        "exact",
        quantity,
        said[worst].real,
        expected[worst].real,
        TOLERANCE * scale,
        "tolerance",
        agrees=within(apart[worst], TOLERANCE * scale),
        seed=seed,
        note=f"order {worst}: {_shown(said[worst], scale)}, not {_shown(expected[worst], scale)}",
    )


def _shown(value: complex, scale: float) -> str:
    """A number in few digits; what rounding may have left of 0 is 0."""
    return "0" if abs(value) < TOLERANCE * scale else f"{value.real:.6g}"


def _orders(order: int) -> str:
    return "order 2" if order == 2 else f"orders 2–{order}"
