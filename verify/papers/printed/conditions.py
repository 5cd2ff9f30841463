"""Collapse conditions as they are printed: read from text, and compared."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import sympy

from derive import InputError
from derive.algebra.letters import sum_j
from derive.definition.tokens import PlaceError, Token, tokens
from derive.errors import quoted
from derive.landscape.conditions import MODES, Condition, q_j, total
from derive.landscape.landscape import a_i, a_j, c_i, c_j, s_i, s_j
from verify.papers.claims.canonical import same
from verify.papers.printed.grammar import Formula
from verify.papers.printed.meaning import Meaning
from verify.papers.printed.quantifiers import Spoken, spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

_LETTERS = {one.name: one for one in (a_i, c_i, a_j, c_j, q_j, MODES)}
_LETTERS |= {s_i.name: a_i + c_i, s_j.name: a_j + c_j}
# The view correlations.
_LETTERS |= {"lambda_i": a_i / (a_i + c_i), "lambda_j": a_j / (a_j + c_j)}
_RELATIONS = {"<=": sympy.Le, "<": sympy.Lt, ">=": sympy.Ge, ">": sympy.Gt}
_OR, _AND = ("or", "lor", "vee"), ("and", "land", "wedge")
_JOINING = (*_OR, *_AND)
_Q = re.compile(r",\s*q_j\s*=")


def read_condition(printed: object, symbols: Mapping[str, sympy.Expr]) -> Condition:
    """A condition as `derive.landscape.conditions.Condition.text` writes it, such as ``a_i - gamma <= 0 for some i``.

    a_i, c_i (and s_i = a_i + c_i) are the eigenvalues of A0, C (and Σ) of mode i, ``sum_j(…)`` a sum over all d0 modes,
    and λ_i = a_i/s_i is the view correlation.

    Raises:
        InputError: it cannot be read.

    >>> read_condition("beta >= c_i/(a_i + c_i) for all i", {"beta": sympy.Symbol("beta")}).text()
    'beta >= c_i/(a_i + c_i) for all i'
    >>> read_condition("λ_i <= 1 - beta for some i", {"beta": sympy.Symbol("beta")}).text()
    'a_i/(a_i + c_i) <= 1 - beta for some i'

    """
    if isinstance(printed, Condition):
        return printed
    if not isinstance(printed, str):
        message = f"a condition is text such as 'a_i - gamma <= 0 for some i', not {type(printed).__name__}"
        raise InputError(message)
    bare, shown = printed.strip(" \t\n$.,;"), quoted(printed)
    if bare.lower() in ("never", "always"):
        return Condition(sympy.true if bare.lower() == "always" else sympy.false, "all")
    if not bare or bare.isalpha():
        message = f"a condition is 'never', 'always' or as in 'a_i - gamma <= 0 for some i', not {shown}"
        raise InputError(message)
    meant = _Q.search(printed)
    said = spoken(printed[: meant.start()] if meant else printed)
    known = {**symbols, **_LETTERS}
    formula = _whole(printed, said, known)
    q = None
    if meant:
        rule = "q_j is an expression in a_j, c_j and parameters"
        behind = printed[meant.end() :]
        q = Meaning(behind).scalar(Formula(behind, known).whole(), rule)
    quantifier = said.quantifier or (_of_extremum(said, formula, printed) if said.extremum else "")
    if formula.has(a_i, c_i) and not quantifier:
        why = "the condition does not say for which modes; end it with 'for some i' or 'for all i'"
        raise PlaceError(why, printed, len(printed.rstrip()))
    return Condition(formula, quantifier or "all", q)


def at_values(condition: Condition, values: Mapping[str, sympy.Expr]) -> Condition:
    """A condition with values put in.

    Raises:
        InputError: a symbol in it goes to infinity.

    """
    unbounded = sorted({one.name for one in condition.spelled_out().free_symbols if values.get(one.name) is sympy.oo})
    if unbounded:
        message = f"{unbounded[0]} goes to infinity and cannot stand in the condition {condition}"
        raise InputError(message)
    put = {sympy.Symbol(name): value for name, value in values.items() if value is not sympy.oo}
    q = None if condition.q is None else condition.q.subs(put)
    return replace(condition, formula=condition.formula.subs(put), q=q)


def _whole(text: str, said: Spoken, known: Mapping[str, sympy.Expr]) -> sympy.Basic:
    *part, end = tokens(said.body, text)
    part.append(Token("end", "", part[-1].end, part[-1].end) if part else end)
    reader = Formula(text, known, functions={"sum_j": _total}, stops=_JOINING, part=part)
    found = _inequality(reader, one_factor=True) if said.extremum else _either(reader)
    reader.expect_end()
    return found


def _of_extremum(said: Spoken, formula: sympy.Basic, text: str) -> Literal["some", "all"]:
    """The smallest is below a bound where some are, above it where all are; and the largest the other way round."""
    if formula.rhs.has(a_i, c_i):
        why = f"{said.extremum}_i is compared with what depends on i itself"
        raise PlaceError(why, text, len(text) - len(text.lstrip()))
    below = isinstance(formula, sympy.Le | sympy.Lt)
    return "some" if below == (said.extremum == "min") else "all"


def _total(expression: sympy.Expr) -> sympy.Expr:
    if expression.has(sum_j):
        message = "a sum over modes cannot contain another; write the inner one outside it"
        raise InputError(message)
    # `total` knows c_j as s_j − a_j.
    return total(expression.subs(c_j, s_j - a_j)).subs(s_j, a_j + c_j)


def _either(reader: Formula) -> sympy.Basic:
    return _joined(reader, _OR, lambda: _joined(reader, _AND, lambda: _relation(reader), sympy.And), sympy.Or)


def _joined(reader: Formula, words: tuple[str, ...], part: Any, join: Any) -> sympy.Basic:
    parts = [part()]
    while reader.next.kind == "name" and reader.next.value in words:
        reader.at += 1
        parts.append(part())
    return join(*parts, evaluate=False) if len(parts) > 1 else parts[0]


def _relation(reader: Formula) -> sympy.Basic:
    """An inequality, or conditions in brackets."""
    start, depth = reader.at, reader.depth
    try:
        return _inequality(reader)
    except InputError:
        reached, reader.at, reader.depth = reader.next, start, depth
        if not reader.taken("("):
            raise
        try:
            with reader.deeper():
                inside = _either(reader)
        except InputError:
            reader.at = reader.tokens.index(reached)
            raise
        if not reader.taken(")"):
            raise reader.refuse("')' is missing here") from None
        return inside


def _inequality(reader: Formula, *, one_factor: bool = False) -> sympy.Basic:
    rule = "a condition holds eigenvalues and parameters"
    start = reader.next
    meaning = Meaning(reader.text)
    left = meaning.scalar(reader.factor(()) if one_factor else reader.sum(), rule, start.start)
    relation = _RELATIONS.get(reader.next.value) if reader.next.kind == "sign" else None
    if relation is None:
        raise reader.refuse("one of <=, <, >=, > is needed here")
    reader.at += 1
    start = reader.next
    return relation(left, meaning.scalar(reader.sum(), rule, start.start), evaluate=False)


def equal(one: Condition, other: Condition) -> bool:
    """Whether two conditions are recognised as equal; False says nothing but that they were not."""
    first, second = one.spelled_out(), other.spelled_out()
    quantified = [formula for formula in (first, second) if formula.has(a_i, c_i)]
    return (not quantified or one.quantifier == other.quantifier) and _equal(first, second)


def _equal(one: sympy.Basic, other: sympy.Basic) -> bool:
    if isinstance(one, sympy.And | sympy.Or) and isinstance(other, sympy.And | sympy.Or):
        if isinstance(one, sympy.And) != isinstance(other, sympy.And) or len(one.args) != len(other.args):
            return False
        left = list(other.args)
        for part in one.args:
            match = next((found for found in left if _equal(part, found)), None)
            if match is None:
                return False
            left.remove(match)
        return True
    if isinstance(one, sympy.core.relational.Relational) and isinstance(other, sympy.core.relational.Relational):
        return same(one, other)
    return bool(one == other)
