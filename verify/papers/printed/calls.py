"""Traces, functions and fractions in a printed formula: names that take what follows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sympy

from verify.papers.printed.tree import Applied, Power, Product, Quotient, Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from derive.definition.tokens import Token
    from verify.papers.printed.grammar import Formula
    from verify.papers.printed.tree import Node

_FUNCTIONS: dict[str, Callable[[sympy.Expr], sympy.Expr]] = {"exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt}
# A space that is put between Tr and its brackets by hand.
_APART = re.compile(r"\\[,;:>\ ]|~|\\q?quad|\\(?:thin|med|thick)space")
# What makes the closing bracket large.
_SIZED = re.compile(r"\\(?:right|[bB]igg?r?)\s*$")
_LONGEST_SHOWN = 24


def is_call(formula: Formula, token: Token) -> bool:
    """Whether a name that was just read takes what follows it."""
    return token.value not in formula.symbols and token.value in ("Tr", "frac", *_FUNCTIONS)


def call(formula: Formula, token: Token) -> Node:
    """A trace, a function or a fraction, whose name has been read.

    Raises:
        PlaceError: what it takes is missing, or can be read in two ways.

    """
    match token.value:
        case "Tr":
            return _trace(formula, token)
        case "frac":
            above = _group(formula)
            return Quotient(above, _group(formula), token.start)
    return _applied(formula, token)


def power_of_trace(inside: str, power: str) -> str:
    """Why Tr(X)^2 is refused."""
    shown = inside if len(inside) <= _LONGEST_SHOWN else "…"
    return f"Tr({shown}){power} can be read in two ways; write Tr[({shown}){power}] or (Tr[{shown}]){power}"


def _trace(formula: Formula, token: Token) -> Node:
    power = None
    if formula.taken("^"):
        brace = "}" if formula.taken("{") else None
        if formula.next.kind != "number":
            raise formula.refuse("a power of a trace is a number, as in Tr^2[…]")
        power = formula.base(())
        formula.close(brace)
    opening = formula.next
    if formula.sign("(", "[", "{"):
        apart = opening.value != "[" or _APART.search(formula.text[token.end : opening.start])
        inside = formula.bracketed("Tr")
        closing = formula.tokens[formula.at - 1]
        if apart:
            written = _SIZED.sub("", formula.text[opening.end : closing.start])
            formula.round = (formula.at, " ".join(written.split()))
    else:
        factors: list[Node] = []
        while formula.begins() or (factors and formula.sign("*")):
            formula.taken("*")
            factors.append(formula.factor(factors))
        if not factors:
            raise formula.refuse("after Tr brackets are needed, Tr[…]")
        inside = Product(tuple(factors), opening.start)
    trace = Trace(inside, token.start)
    return trace if power is None else Power(trace, power, token.start)


def _applied(formula: Formula, token: Token) -> Node:
    name, behind = token.value, formula.next
    if name == "sqrt" and formula.sign("[") and formula.text[token.start] == "\\":
        raise formula.refuse("a root other than the square root is written as a power, N^(1/3)")
    if formula.sign("(", "[", "{"):
        return Applied(name, _FUNCTIONS[name], formula.bracketed(name), token.start)
    # \log N, \log\frac{N}{2}: one factor, where no other reading is near.
    if behind.kind not in ("number", "name") or (is_call(formula, behind) and behind.value != "frac"):
        raise formula.refuse(f"after {name} brackets are needed, {name}[…]")
    inside = formula.base(())
    latex_root = name == "sqrt" and formula.text[token.start] == "\\"
    clear = latex_root or not (formula.sign("^", "/", "_", "(") or formula.next.kind == "number" or _scalar(formula))
    if not clear:
        shown = formula.text[behind.start : formula.next.end]
        raise formula.refuse(f"{name} {shown} can be read in two ways; put brackets, {name}(…)", behind)
    return Applied(name, _FUNCTIONS[name], inside, token.start)


def _scalar(formula: Formula) -> bool:
    """Whether a number or a parameter comes next, which may belong to a function's argument."""
    token = formula.next
    return token.kind == "name" and formula.begins() and not formula.holds_matrices()


def _group(formula: Formula) -> Node:
    token = formula.next
    if formula.sign("{"):
        return formula.bracketed("frac")
    # TeX takes one digit or one letter where there are no braces.
    written = formula.written(token)
    if token.kind == "name" and written[0].isalpha() and len(written) > 1 and token.value not in formula.symbols:
        formula.cut(1, len(written) - 1)
    if not (token.kind == "number" and len(token.value) == 1) and token.kind != "name":
        raise formula.refuse(r"\frac takes two groups in braces, as in \frac{3}{4}")
    return formula.base(())
