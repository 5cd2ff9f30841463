"""Exact numbers, from text and from callers: 0.001, 1e-3 and 1/1000 are one number. Text is parsed, never evaluated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sympy

from derive import InputError
from derive.definition.expression import as_scalar
from derive.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Longer numbers, and powers of ten beyond those of floats, are slips, or attempts to keep a processor busy.
LONGEST_NUMBER, LARGEST_EXPONENT = 100, 300
_DECIMAL = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = re.compile(rf"(?P<sign>[+-]?)(?P<above>{_DECIMAL})(?:/(?P<below>{_DECIMAL}))?", re.ASCII)


def read_number(text: str, where: str) -> sympy.Rational:
    """A number as people write it: 8, −3, 0.001, .5, 1e-3, 2.5e2, 1/1000.

    Args:
        text: of the number.
        where: the beginning of an error message, such as "--set tau".

    Raises:
        InputError: it is not a number, or one of no usual size.

    >>> [read_number(text, "") for text in ("0.001", "1e-3", "1/1000", ".5", "+2", "2.5e2", "-6/4")]
    [1/1000, 1/1000, 1/1000, 1/2, 2, 250, -3/2]

    """
    if len(text) > LONGEST_NUMBER:
        message = f"{where}: a number of {len(text)} characters is a slip; write at most {LONGEST_NUMBER}"
        raise InputError(message)
    match = _NUMBER.fullmatch(text)
    if not match:
        message = (
            f"{where}: {quoted(text)} is not an exact number; write an integer, a decimal like 0.001 or 1e-3, a"
            " fraction like 1/10, or oo"
        )
        raise InputError(message)
    for part in (match["above"], match["below"] or ""):
        exponent = part.lower().partition("e")[2] or "0"
        if abs(int(exponent)) > LARGEST_EXPONENT:
            message = f"{where}: {quoted(text)} has the exponent {exponent}; write one from -300 to 300"
            raise InputError(message)
    below = sympy.Rational(match["below"] or "1")
    if below == 0:
        message = f"{where}: {quoted(text)} divides by zero"
        raise InputError(message)
    return sympy.Rational(match["above"]) / below * (-1 if match["sign"] == "-" else 1)


def read_assignments(texts: Iterable[str], where: str, example: str) -> dict[str, str]:
    """The values in texts NAME=VALUE, as texts, by name.

    Args:
        texts: one a value.
        where: the beginning of an error message, such as "--set".
        example: what is right, for the message.

    Raises:
        InputError: a text has no name or no equals sign, or a name occurs twice.

    >>> read_assignments(["alpha = 1/10", "N=oo"], "--set", "alpha=1/10")
    {'alpha': '1/10', 'N': 'oo'}

    """
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            message = f"{where}: {quoted(text)} is not of the form NAME=VALUE; write for instance {example}"
            raise InputError(message)
        if name in values:
            message = f"{where}: {name} is given twice"
            raise InputError(message)
        values[name] = value
    return values


def exact_values(given: Mapping[str, object] | None) -> dict[str, sympy.Expr]:
    """Values of parameters as SymPy's exact numbers, infinity among them.

    Raises:
        InputError: a value that is not exact, such as 0.5.

    >>> exact_values({"N": 2, "tau": sympy.Rational(1, 2), "kappa": sympy.oo})
    {'N': 2, 'tau': 1/2, 'kappa': oo}
    """
    return {name: sympy.oo if value == sympy.oo else as_scalar(value) for name, value in (given or {}).items()}
