"""Slips of the pen in a printed statement: what a ledger has to notice.

Each changes one thing of one slot: a term's sign, a factor 2, a power, the sense of an inequality, a yes for a no.
Those that say the same as the print (−0, a power of 1) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sympy

from verify.claims.canonical import same

Slip = tuple[str, dict[str, Any]]
_OPPOSITE = {"never": "always", "always": "never", "yes": "no", "no": "yes"}


def misprints(statement: Mapping[str, Any], definitions: Mapping[Any, Any] | None = None) -> Iterator[Slip]:
    """Every single slip: its name and the statement with it.

    >>> from verify.claims.formulas import A0, C, Tr, W
    >>> for name, slipped in misprints({"L": -Tr(W * A0 * W.T) + Tr(W * C * W.T) ** 2}):
    ...     print(name)
    L: the sign of term 1
    L: term 1 doubled
    L: the sign of term 2
    L: term 2 doubled
    L: the power 2 raised
    """
    for slot, value in statement.items():
        for name, slipped in _of(value):
            if not same(slipped, value, definitions):
                yield f"{slot}: {name}", {**statement, slot: slipped}


def _of(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str):
        if value in _OPPOSITE:
            yield "the opposite", _OPPOSITE[value]
        return
    if isinstance(value, bool) or value in (sympy.true, sympy.false):
        yield "the opposite", not bool(value)
        return
    if isinstance(value, sympy.core.relational.Relational):
        yield "the sense of the inequality", value.reversedsign if isinstance(value, sympy.Ne) else _turned(value)
        for side in ("lhs", "rhs"):
            for name, slipped in _of_expression(getattr(value, side)):
                sides = {"lhs": value.lhs, "rhs": value.rhs, side: slipped}
                yield f"{name} of the {side}", type(value)(sides["lhs"], sides["rhs"], evaluate=False)
        return
    yield from _of_expression(sympy.sympify(value, strict=True))


def _of_expression(value: sympy.Expr) -> Iterator[tuple[str, sympy.Expr]]:
    if value == 0:
        yield "a one for the zero", sympy.S.One
        return
    add = sympy.MatAdd if isinstance(value, sympy.MatrixExpr) else sympy.Add
    terms = list(add.make_args(value)) if add is sympy.Add else list(value.args if isinstance(value, add) else [value])
    for k, term in enumerate(terms):
        for name, factor in ((f"the sign of term {k + 1}", -1), (f"term {k + 1} doubled", 2)):
            yield name, add(*terms[:k], factor * term, *terms[k + 1 :])
    powers = {node for node in value.atoms(sympy.Pow, sympy.MatPow) if node.exp.is_Integer and node.exp > 0}
    for node in sorted(powers, key=str):
        yield f"the power {node.exp} raised", value.xreplace({node: node.func(node.base, node.exp + 1)})


def _turned(value: sympy.core.relational.Relational) -> sympy.Basic:
    return type(value)(value.rhs, value.lhs, evaluate=False)
