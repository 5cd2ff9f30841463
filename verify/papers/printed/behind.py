"""What follows a matrix, a trace or a number in a printed formula: powers, transposes and coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.algebra.alphabet import matrix
from verify.papers.printed.calls import power_of_trace
from verify.papers.printed.tree import Entry, Power, Product, Scalar, Transpose, columns, is_matrix

if TYPE_CHECKING:
    from derive.definition.tokens import Token
    from verify.papers.printed.grammar import Formula
    from verify.papers.printed.tree import Node

_CLOSING = {"(": ")", "{": "}"}
_COORDINATES = 2


def behind(formula: Formula, base: Node, start: Token) -> Node:
    """A base, which has been read, with all that follows it.

    Raises:
        PlaceError: what can be read in two ways, or is neither an exponent nor a pair of coordinates.

    """
    raised = False
    while True:
        if formula.taken("'"):
            base = _transposed(formula, base)
        elif formula.sign("_"):
            if raised:
                raise formula.refuse("M^2_ij can be read as (M_ij)^2 and as (M^2)_ij; write one of these")
            base = _at_coordinates(formula, base)
        elif formula.taken("^"):
            base = _raised(formula, base, start)
            raised = isinstance(base, Power)
        else:
            return base


def entry(formula: Formula, base: Node, names: tuple[str, str], token: Token) -> Node:
    """The entry of a matrix at two coordinates, which the sums around it run over."""
    missing = [one for one in names if one and one not in formula.scope]
    if missing and formula.scope:
        raise formula.refuse(f"the coordinate {missing[0]} is not summed over", token)
    return Entry(base, *names, token.start)


def _cut_transpose(formula: Formula) -> None:
    """Behind ^, T alone is the exponent: of W^TW, as LaTeX takes it."""
    written = formula.written(formula.next)
    if formula.next.kind == "name" and written[0] == "T" and len(written) > 1 and written not in formula.symbols:
        formula.cut(1, len(written) - 1)


def _transposed(formula: Formula, base: Node) -> Node:
    if isinstance(base, Entry):
        said = "M_ij^T can be read as an entry of M^T; write (M^T)_ij"
        raise formula.refuse(said, formula.tokens[formula.at - 1])
    return Transpose(base, base.at)


def _raised(formula: Formula, base: Node, start: Token) -> Node:
    sign = formula.tokens[formula.at - 1]
    if is_matrix(base):
        _cut_transpose(formula)
    closing = _CLOSING[formula.tokens[formula.at - 1].value] if formula.taken("(", "{") else None
    turns = formula.sign("'") or (formula.next.kind == "name" and formula.next.value == "T")
    if turns and (is_matrix(base) or isinstance(base, Entry)):
        formula.at += 1
        formula.close(closing)
        return _transposed(formula, base)
    if formula.round is not None and formula.tokens[formula.round[0]] is sign:
        raise formula.refuse(power_of_trace(formula.round[1], _as_written(formula, sign)), sign)
    if closing is not None:
        exponent = formula.inside(closing)
    else:
        minus = formula.signs()
        if formula.next.kind not in ("number", "name"):
            raise formula.refuse("after ^ an exponent is needed, such as ^2, ^(-1/2), or ^T of a matrix")
        exponent = formula.base(())
        exponent = Product((Scalar(sympy.S.NegativeOne), exponent), exponent.at) if minus else exponent
    if formula.sign("^"):
        raise formula.refuse("a power of a power can be read in two ways; put brackets")
    return Power(base, exponent, start.start)


def _as_written(formula: Formula, sign: Token) -> str:
    """A power whose sign, and bracket where there is one, have been read."""
    last = formula.next
    if formula.tokens[formula.at - 1] is not sign:
        last = next((one for one in formula.tokens[formula.at :] if one.value in ("}", ")")), formula.next)
    return formula.text[sign.start : last.end]


def _at_coordinates(formula: Formula, base: Node) -> Node:
    start = formula.next
    formula.at += 1
    closing = "}" if formula.taken("{") else None
    names: list[str] = []
    column = is_matrix(base) and matrix(columns(base)).columns == "1"
    wanted = 1 if column else _COORDINATES
    while formula.next.kind == "name" and len(names) < wanted:
        value = formula.next.value
        names += [*value] if value.isalpha() and value.islower() else [""]
        formula.at += 1
        formula.taken(",")
    if len(names) != wanted or "" in names:
        formula.at -= bool(names)
        if column:
            raise formula.refuse("a column has one coordinate, as in f(x)_i")
        raise formula.refuse("an entry has two coordinates, as in (W A0 W^T)_ij")
    formula.close(closing)
    return entry(formula, base, (names[0], "" if column else names[1]), start)
