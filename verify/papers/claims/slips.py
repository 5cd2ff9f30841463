"""Slips of the pen in a printed statement: what a ledger has to notice.

Each changes one thing of one slot: a sign, a factor, a power, a letter, a summand, the sense of a condition, yes for
no.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any, Literal, NamedTuple

import sympy

from derive.landscape.conditions import Condition
from verify.papers.claims.canonical import same
from verify.papers.claims.formulas import A0, C, Sigma

FACTORS = {"doubled": sympy.Integer(2), "halved": sympy.Rational(1, 2), "taken three quarters": sympy.Rational(3, 4)}
OPPOSITE = {"never": "always", "always": "never", "yes": "no", "no": "yes", "rises": "falls", "falls": "rises"}
# The number of data in a batch.
N = sympy.Symbol("N")
MATRICES = {"A_0": A0, "C": C, "Sigma": Sigma}


class Slip(NamedTuple):
    """One slip: its kind, one of the `OPERATORS` of mutants; what was done and where; what the slot becomes."""

    operator: str
    name: str
    value: Any


def misprints(
    statement: Mapping[str, Any], definitions: Mapping[Any, Any] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every single slip that differs from the print in meaning: its name and the statement with it.

    >>> from verify.papers.claims.formulas import Tr, W
    >>> print(*(name for name, _ in misprints({"L": Tr(W * A0 * W.T), "lost": "never"})), sep="; ")
    L: sign of term 1 flipped; L: term 1 doubled; L: term 1 halved; L: term 1 taken three quarters; lost: the opposite
    """
    for slot, value in statement.items():
        for one in slips(value):
            if not same(one.value, value, definitions):
                yield f"{slot}: {one.name}", {**statement, slot: one.value}


def slips(value: Any, letters: frozenset[str] = frozenset()) -> Iterator[Slip]:
    """Every single slip of one slot.

    Args:
        value: a formula, a condition, a word or a truth value.
        letters: the names that have values where the slot is measured; no other letter is put in.

    >>> from verify.papers.claims.formulas import Tr, W
    >>> print(*(one.name for one in slips(Tr(W * A0 * W.T), frozenset({"A_0", "C"}))), sep="; ")
    sign of term 1 flipped; term 1 doubled; term 1 halved; term 1 taken three quarters; C for A_0
    """
    if isinstance(value, str):
        if value in OPPOSITE:
            yield Slip("sense of a condition", "the opposite", OPPOSITE[value])
        if value in MATRICES:
            yield from (Slip("symbol exchanged", f"{by} for {value}", by) for by in MATRICES if by != value)
        return
    if isinstance(value, bool) or value in (sympy.true, sympy.false):
        yield Slip("sense of a condition", "the opposite", not bool(value))
        return
    if isinstance(value, Condition):
        yield from _of_modes(value, letters)
        return
    value = sympy.sympify(value, strict=True)
    if isinstance(value, sympy.core.relational.Relational):
        yield Slip("sense of a condition", "the sense turned", type(value)(value.rhs, value.lhs, evaluate=False))
        for side in ("lhs", "rhs"):
            for one in _of_expression(getattr(value, side), letters):
                sides = {"lhs": value.lhs, "rhs": value.rhs, side: one.value}
                changed = type(value)(sides["lhs"], sides["rhs"], evaluate=False)
                yield Slip(one.operator, f"{one.name} of the {side}", changed)
        return
    if isinstance(value, sympy.Expr):
        yield from _of_expression(value, letters)


def _of_modes(value: Condition, letters: frozenset[str]) -> Iterator[Slip]:
    """Slips of a condition on the modes: of its formula, and of which modes it speaks of."""
    for one in slips(value.formula, letters):
        yield Slip(one.operator, one.name, replace(value, formula=sympy.sympify(one.value)))
    if value.formula not in (sympy.true, sympy.false):
        other: Literal["some", "all"] = "all" if value.quantifier == "some" else "some"
        yield Slip("sense of a condition", f"for {other} i", replace(value, quantifier=other))


def _of_expression(value: sympy.Expr, letters: frozenset[str]) -> Iterator[Slip]:
    if value == 0:
        yield Slip("coefficient", "a one for the zero", sympy.S.One)
        return
    for number, (terms, put_back) in enumerate(_sums(value)):
        place = f" of the {number}. sum" if number else ""
        for k, term in enumerate(terms):
            where = f"term {k + 1}{place}"
            yield Slip("sign", f"sign of {where} flipped", put_back(k, -term))
            for name, factor in FACTORS.items():
                kind = "term dropped or doubled" if name == "doubled" else "coefficient"
                yield Slip(kind, f"{where} {name}", put_back(k, factor * term))
            if len(terms) > 1:
                yield Slip("term dropped or doubled", f"{where} dropped", put_back(k, None))
    for node in sorted(value.atoms(sympy.Pow, sympy.MatPow), key=str):
        if node.exp.is_Number:
            for by in (node.exp + 1, -node.exp):
                yield Slip("exponent", f"{node.base}^{by} for {node}", value.xreplace({node: node.func(node.base, by)}))
    yield from _other_letters(value, letters)


def _sums(value: sympy.Expr) -> Iterator[tuple[list[sympy.Expr], Any]]:
    """The whole as a sum, and each sum within: its terms, and a function that changes or drops one of them."""
    inside = [node for node in sorted(value.atoms(sympy.Add, sympy.MatAdd), key=str) if node != value]
    for node in [value, *inside]:
        add = sympy.MatAdd if isinstance(node, sympy.MatrixExpr) else sympy.Add
        terms = list(node.args) if isinstance(node, add) else [node]

        def put_back(k: int, term: sympy.Expr | None, node: Any = node, add: Any = add, terms: Any = terms) -> Any:
            changed = [*terms[:k], *([] if term is None else [term]), *terms[k + 1 :]]
            made = changed[0] if len(changed) == 1 else add(*changed)
            return made if node is value else value.xreplace({node: made})

        yield terms, put_back


def _other_letters(value: sympy.Expr, letters: frozenset[str]) -> Iterator[Slip]:
    for name, letter in MATRICES.items():
        if value.has(letter):
            for by in sorted(letters & set(MATRICES) - {name}):
                yield Slip("symbol exchanged", f"{by} for {name}", value.xreplace({letter: MATRICES[by]}))
    # How far a sum runs is a size.
    sizes = {
        one for node in value.atoms(sympy.Sum) for limits in node.limits for end in limits for one in end.free_symbols
    }
    plain = (one for one in value.free_symbols - sizes if isinstance(one, sympy.Symbol) and one.name in letters)
    symbols = sorted(plain, key=str)
    for p, q in combinations(symbols, 2):
        yield Slip("symbol exchanged", f"{p} and {q} exchanged", value.xreplace({p: q, q: p}))
    if N in symbols:
        for by in (N - 1, N + 1):
            yield Slip("symbol exchanged", f"{by} for N", value.xreplace({N: by}))
