"""Formulas as text in JSON: SymPy's notation, written so that every name can be read back.

SymPy's parser takes ``lambda`` for Python's keyword and evaluates what it reads. Here a formula is read by its grammar
alone. A parameter may be called E or pi: the constants of those names are then written exp(1) and acos(−1).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable

import sympy

from derive.algebra.letters import by_name, told_apart
from derive.errors import InputError, quoted

_CONSTANTS = {"E": (sympy.E, sympy.exp(1, evaluate=False)), "pi": (sympy.pi, sympy.acos(-1, evaluate=False))}
_FUNCTIONS: dict[str, Callable[..., sympy.Expr]] = {
    name: getattr(sympy, name)
    for name in ("exp", "log", "sqrt", "Abs", "acos", "cos", "sin", "tanh", "gamma", "Min", "Max")
}
_NAME = re.compile(r"[^\W\d]\w*")
_OPERATIONS: dict[type[ast.AST], Callable[..., sympy.Expr]] = {
    ast.Add: lambda x, y: x + y,
    ast.Sub: lambda x, y: x - y,
    ast.Mult: lambda x, y: x * y,
    ast.Div: lambda x, y: x / y,
    ast.Pow: lambda x, y: x**y,
    ast.USub: lambda x: -x,
    ast.UAdd: lambda x: x,
}


def plain(value: sympy.Basic) -> str:
    """A formula in plain text, letters and constants written unlike parameters of the same names.

    >>> plain(sympy.Symbol("E") * sympy.E + sympy.Symbol("lambda") ** 2)
    'E*exp(1) + lambda**2'
    """
    names = by_name(value)
    put = {
        constant: written for name, (constant, written) in _CONSTANTS.items() if name in names and value.has(constant)
    }
    # Not evaluated, so that exp(1) stays as it is written.
    with sympy.evaluate(False):  # noqa: FBT003 (SymPy's own)
        return str(told_apart(value).xreplace(put) if put else told_apart(value))


def read(text: str, names: Iterable[str] = ()) -> sympy.Expr:
    """The formula that `plain` wrote, such as a coefficient in JSON.

    Args:
        text: such as a ``coefficient`` in the JSON of an expansion.
        names: of the parameters, where one of them is called E or pi (the JSON's ``parameters``).

    Raises:
        InputError: text that is not a formula.

    >>> read("-(N - 1)*lambda/(2*S**2)"), read("E*exp(1)", ["E"]), read("sqrt(pi)/2")
    (lambda*(1 - N)/(2*S**2), E*E, sqrt(pi)/2)
    """
    own = set(names)
    hidden: dict[str, str] = {}

    def hide(match: re.Match[str]) -> str:
        placeholder = f"x{len(hidden)}_"
        hidden[placeholder] = match[0]
        return placeholder

    def value(node: ast.AST) -> sympy.Expr:
        match node:
            case ast.Constant(int() as number):
                return sympy.Integer(number)
            case ast.Name(placeholder):
                name = hidden[placeholder]
                return _CONSTANTS[name][0] if name in _CONSTANTS and name not in own else sympy.Symbol(name)
            case ast.Call(ast.Name(placeholder), arguments, []):
                function = _FUNCTIONS.get(hidden[placeholder]) or sympy.Function(hidden[placeholder])
                return function(*map(value, arguments))
            case ast.BinOp(left, operation, right) if type(operation) in _OPERATIONS:
                return _OPERATIONS[type(operation)](value(left), value(right))
            case ast.UnaryOp(operation, operand) if type(operation) in _OPERATIONS:
                return _OPERATIONS[type(operation)](value(operand))
        raise InputError(f"{quoted(text)} is not a formula as quartic writes them")

    try:
        return value(ast.parse(_NAME.sub(hide, text), mode="eval").body)
    except (SyntaxError, RecursionError):
        raise InputError(f"{quoted(text)} is not a formula as quartic writes them") from None
