"""The numbers in the code of a loss, and the irrational numbers made of them that coefficients may be multiples of.

A temperature is a parameter of a module, an attribute, a default, a variable of an enclosing function or a literal. Its
exponential, its logistic function or its root are what makes a coefficient irrational; they are tried where no
rational is found. Numbers that have a name in the code keep it.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import exp, isfinite, log, sqrt
from typing import Any

import sympy
import torch
from torch import nn

from verify.audits.blackbox.exact import Unit

# How deep calls are followed: from the loss to the user's functions that it calls, and to what these call.
DEPTH = 3
# Names with another meaning in an expansion, or in what follows from it.
RESERVED = frozenset(
    ["N", "d", "d0", "d1", "m", "c", "kappa", "theta", "L_0", "A0", "C", "Sigma", "W", "B", "E", "I", "S", "oo", "pi"]
)
# A larger exponential is not a plausible factor.
LARGEST = 40.0
# Exponentials of an unnamed number are computed from its fraction, whose parts have to be small.
LONGEST = 1000
# Irrational numbers that code may contain without a name.
COMMON = (
    (sympy.sqrt(2), sqrt(2)),
    (sympy.sqrt(3), sqrt(3)),
    (sympy.sqrt(5), sqrt(5)),
    (sympy.pi, float(sympy.pi)),
    (sympy.E, exp(1)),
    (sympy.log(2), log(2)),
)


@dataclass(frozen=True)
class Literal:
    """A number in the code.

    Attributes:
        name: its name in the code, as a symbol of an expansion; empty for a number that is written out.
        value: its value in double precision.
        single: the number in single precision, where it is stored so: the code's own functions of it then differ in the
            eighth digit.

    """

    name: str
    value: float
    single: bool = False


def literals(loss: Any) -> tuple[Literal, ...]:
    """The numbers in the code of a loss, each once, those with a name first.

    >>> def outer(tau):
    ...     return lambda z1, z2, margin=0.25: (z1 * z2).sum() / tau + 3.5 * margin
    >>> [(one.name, one.value) for one in literals(outer(0.5))]
    [('margin', 0.25), ('tau', 0.5), ('', 3.5)]
    """
    found: dict[float, Literal] = {}
    names: set[str] = set()
    for name, number in sorted(_walk(loss, "", DEPTH, set()), key=lambda one: not one[0]):
        literal = _literal(name, number)
        if literal is not None and not literal.name and _long(literal.value):
            # A long fraction gets a name, else an exponential of it would be expanded as a long polynomial.
            literal = Literal(f"k{1 + sum(one.startswith('k') for one in names)}", literal.value, literal.single)
        if literal is None or literal.value in found or (literal.name and literal.name in names):
            continue
        found[literal.value] = literal
        names.add(literal.name)
    return tuple(found.values())


def units(found: tuple[Literal, ...], power: int) -> list[Unit]:
    """Expressions that a coefficient of an order may be a rational multiple of, with values: powers through ``power``.

    >>> [(str(unit), round(size, 4)) for unit, size in units((Literal("b", -1.0),), 1)][2:5]
    [('exp(b)', 0.3679), ('exp(-b)', 2.7183), ('1/(exp(b) + 1)', 0.7311)]
    """
    single: list[Unit] = []
    for literal in found:
        single += _functions(literal)
    result: dict[sympy.Expr, float] = {}
    for unit, size in (*single, *COMMON):
        for k in range(1, power + 1):
            if isfinite(size**k) and size**k != 0 and not (unit**k).is_Rational:
                result.setdefault(unit**k, size**k)
    return list(result.items())


def _functions(literal: Literal) -> Iterator[Unit]:
    value = literal.value
    number = sympy.Symbol(literal.name) if literal.name else _fraction(value)
    if literal.name:
        yield number, value
        yield 1 / number, 1 / value
    if abs(value) <= LARGEST:
        for sizes in [exp, _single_exp] if literal.single else [exp]:
            grown = sizes(value)
            yield sympy.exp(number), grown
            yield sympy.exp(-number), 1 / grown
            # The logistic function at ∓ the number, and its derivative there.
            yield 1 / (sympy.exp(number) + 1), 1 / (grown + 1)
            yield sympy.exp(number) / (sympy.exp(number) + 1), grown / (grown + 1)
            yield sympy.exp(number) / (sympy.exp(number) + 1) ** 2, grown / (grown + 1) ** 2
    if value > 0:
        yield sympy.sqrt(number), sqrt(value)
        if value != 1:
            yield sympy.log(number), log(value)


def _fraction(value: float) -> sympy.Rational:
    """The exact value of a number as it is written."""
    return sympy.Rational(Fraction(repr(value)))


def _long(value: float) -> bool:
    """Whether the fraction of a number is so long that it should have a name."""
    fraction = _fraction(value)
    return bool(max(abs(fraction.p), fraction.q) > LONGEST)


def _single_exp(value: float) -> float:
    return float(torch.tensor(value, dtype=torch.float32).exp())


def _literal(name: str, number: Any) -> Literal | None:
    single = isinstance(number, torch.Tensor) and number.dtype in (torch.float32, torch.float16, torch.bfloat16)
    value = float(number)
    if not isfinite(value) or value == 0 or (abs(value) == 1 and not name):
        return None
    last = name.rpartition(".")[2]
    usable = last.isidentifier() and not last.startswith(("q", "a_", "c_")) and len(last) < 40
    return Literal((last + "_0" if last in RESERVED else last) if usable else "", value, single)


def _walk(thing: Any, name: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """(name, number) of all numbers that are reached."""
    if isinstance(thing, bool) or thing is None or isinstance(thing, str | bytes):
        return
    if isinstance(thing, int | float) or (isinstance(thing, torch.Tensor) and thing.numel() == 1):
        yield name, thing.detach() if isinstance(thing, torch.Tensor) else thing
        return
    if id(thing) in seen or depth < 0:
        return
    seen.add(id(thing))
    for part_name, part, less in _parts(thing):
        yield from _walk(part, part_name, depth - less, seen)


def _parts(thing: Any) -> Iterator[tuple[str, Any, int]]:
    """The numbers and objects in an object: (name, part, 1 where the part is an object of its own)."""
    if isinstance(thing, functools.partial):
        yield "", thing.func, 0
        yield from ((str(key), value, 0) for key, value in thing.keywords.items())
    elif isinstance(thing, types.MethodType):
        yield "", thing.__func__, 0
        yield "", thing.__self__, 0
    elif isinstance(thing, types.FunctionType):
        yield from _of_function(thing)
    elif isinstance(thing, types.CodeType):
        yield from (("", one, 0) for one in thing.co_consts if isinstance(one, int | float | types.CodeType))
    elif isinstance(thing, nn.Module):
        yield from ((key, value, 0) for key, value in (*thing.named_parameters(), *thing.named_buffers()))
        yield from ((key, value, 1) for key, value in thing.named_modules() if value is not thing)
        yield from _of_instance(thing)
        yield "", _own(type(thing).forward), 0
    elif callable(thing) and hasattr(thing, "__dict__") and not isinstance(thing, type | types.ModuleType):
        yield from _of_instance(thing)
        yield "", _own(vars(type(thing)).get("__call__")), 0


def _of_instance(thing: Any) -> Iterator[tuple[str, Any, int]]:
    held = {**vars(type(thing)), **vars(thing)} if _own(type(thing)) is not None else vars(thing)
    yield from ((key, value, 1) for key, value in held.items() if not key.startswith("_") and not callable(value))


def _of_function(function: types.FunctionType) -> Iterator[tuple[str, Any, int]]:
    if _own(function) is None:
        return
    code = function.__code__
    defaults = function.__defaults__ or ()
    arguments = code.co_varnames[: code.co_argcount]
    yield from (
        (key, value, 0) for key, value in zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True)
    )
    yield from ((key, value, 0) for key, value in (function.__kwdefaults__ or {}).items())
    for key, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield key, cell.cell_contents, 1
        except ValueError:
            # A cell that is filled later.
            continue
    yield "", code, 0
    yield from ((key, function.__globals__[key], 1) for key in code.co_names if key in function.__globals__)


def _own(function: Any) -> Any:
    """A function that is not torch's own; None for one that is."""
    module = str(getattr(function, "__module__", "") or "")
    return None if module.partition(".")[0] in ("torch", "numpy", "builtins", "math") else function
