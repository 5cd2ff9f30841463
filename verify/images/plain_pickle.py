"""Pickles of plain data, read without executing anything.

A pickle is a program for a small stack machine, and what makes it dangerous is that it may name and call any function.
Here `pickletools` only lists its instructions. Those that build numbers, text, bytes, tuples, lists and dictionaries
are carried out on plain values; a NumPy array is recognised by the five names with which NumPy and Python write one,
and made by ``np.frombuffer``. No name is ever looked up, and every other name or instruction is refused.
"""

from __future__ import annotations

import pickletools
import re
from dataclasses import dataclass
from types import UnionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError

# All names that may occur, once NumPy 1's "numpy.core" is written as NumPy 2 writes it.
KNOWN = {
    "numpy._core.multiarray._reconstruct",
    "numpy._core.numeric._frombuffer",
    "numpy.ndarray",
    "numpy.dtype",
    "_codecs.encode",
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
KEYS = str | bytes | int  # a tuple nested without end could not be hashed
NUMBERS = re.compile(r"[<>|=]?([uif][1248]|b1)")


def read_plain(content: bytes, where: str) -> Any:
    """What a pickle of plain data and arrays holds.

    Args:
        content: of the file, in protocol 2 or later; text of Python 2 comes out as bytes.
        where: the name of the file, for the sentence.

    Raises:
        InputError: it asks for anything else, or is no whole pickle.

    >>> import pickle
    >>> read_plain(pickle.dumps({"data": np.arange(3, dtype=np.uint8), "labels": [1, 2]}), "a file")
    {'data': array([0, 1, 2], dtype=uint8), 'labels': [1, 2]}
    >>> read_plain(pickle.dumps(print), "a file")
    Traceback (most recent call last):
    derive.errors.InputError: a file asks for the function builtins.print, which images and labels do not need; ...

    """
    try:
        return _run(content, where)
    except InputError:
        raise
    # What pickletools and an instruction on a wrong stack raise; the warning is about escapes in a damaged name.
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, DeprecationWarning):
        raise InputError(f"{where} is cut short, damaged, or no pickle; get the file again") from None


@dataclass(frozen=True)
class _Name:
    """A function or class that the pickle names."""

    text: str


@dataclass
class _Type:
    """A dtype that is being built."""

    value: np.dtype[Any]


@dataclass
class _Array:
    """An array that is being built."""

    value: NDArray[Any] | None = None


def _run(content: bytes, where: str) -> Any:
    machine = _Machine(where)
    for instruction, argument, _ in pickletools.genops(content):
        if instruction.name == "STOP":
            (whole,) = machine.stack
            return _finished(whole)
        machine.step(instruction.name, argument)
    raise ValueError


class _Machine:
    """The stack, the marks in it, and the memo; no instruction does more than move and build plain values."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        match name:
            case "PROTO" | "FRAME":
                pass
            case _ if name in CONSTANTS:
                stack.append(CONSTANTS[name])
            case _ if name in LITERALS:
                stack.append(bytes(argument) if isinstance(argument, bytearray) else argument)
            case "BINSTRING" | "SHORT_BINSTRING":
                stack.append(argument.encode("latin-1"))  # Python 2's text, which pickletools decoded
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "GLOBAL":
                stack.append(_known(argument.replace(" ", "."), self.where))
            case "STACK_GLOBAL":
                last, module = _of(str, stack.pop()), _of(str, stack.pop())
                stack.append(_known(f"{module}.{last}", self.where))
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_made(_of(_Name, function).text, _of(tuple, arguments)))
            case "BUILD":
                state = stack.pop()
                _build(stack[-1], _of(tuple, state))
            case _:
                self.collect(name)

    def collect(self, name: str) -> None:
        """Tuples, lists and dictionaries."""
        stack = self.stack
        match name:
            case "MARK":
                self.marks.append(len(stack))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(self.taken(len(stack) - int(name[-1]))))
            case "TUPLE":
                stack.append(tuple(self.taken(self.marks.pop())))
            case "EMPTY_LIST":
                stack.append([])
            case "APPEND" | "APPENDS":
                items = self.taken(len(stack) - 1 if name == "APPEND" else self.marks.pop())
                _of(list, stack[-1]).extend(items)
            case "EMPTY_DICT":
                stack.append({})
            case "SETITEM" | "SETITEMS":
                items = self.taken(len(stack) - 2 if name == "SETITEM" else self.marks.pop())
                for key, value in zip(items[::2], items[1::2], strict=True):
                    _of(dict, stack[-1])[_of(KEYS, key)] = value
            case _:
                raise InputError(
                    f"{self.where} uses the pickle instruction {name}, which images and labels do not need; "
                    f"nothing of it was executed"
                )

    def taken(self, start: int) -> list[Any]:
        """What lies on the stack from there on, taken off it."""
        if not 0 <= start <= len(self.stack):
            raise IndexError
        items = self.stack[start:]
        del self.stack[start:]
        return items


def _known(name: str, where: str) -> _Name:
    name = re.sub(r"^numpy\.core\.", "numpy._core.", name)
    if name not in KNOWN:
        raise InputError(
            f"{where} asks for the function {name}, which images and labels do not need; nothing of it was executed"
        )
    return _Name(name)


def _made(name: str, arguments: tuple[Any, ...]) -> Any:
    """What a call of a known name stands for."""
    match name, arguments:
        case "numpy._core.multiarray._reconstruct", (_Name(text="numpy.ndarray"), (0,), _):
            return _Array()
        case "numpy.dtype", (str() | bytes() as code, *_):
            text = code.decode("ascii") if isinstance(code, bytes) else code
            if NUMBERS.fullmatch(text):
                return _Type(np.dtype(text))
        case "numpy._core.numeric._frombuffer", (bytes() as data, _Type(value=dtype), shape, order):
            return _Array(_shaped(data, dtype, shape, order))
        case "_codecs.encode", (str() as text, "latin1" | "latin-1"):
            return text.encode("latin-1")
    raise ValueError


def _build(of: Any, state: tuple[Any, ...]) -> None:
    """Give an array its content, or a dtype its order of bytes."""
    match of, state:
        case _Array(value=None), (_, shape, _Type(value=dtype), fortran, bytes() as data):
            of.value = _shaped(data, dtype, shape, "F" if fortran else "C")
        case _Type(value=dtype), (_, "<" | b"<", *_):
            of.value = dtype.newbyteorder("<")
        case _Type(value=dtype), (_, ">" | b">", *_):
            of.value = dtype.newbyteorder(">")
        case _Type(), (_, "|" | b"|", *_):
            pass  # numbers of one byte have no order
        case _:
            raise ValueError


def _shaped(data: bytes, dtype: np.dtype[Any], shape: Any, order: Any) -> NDArray[Any]:
    sizes = tuple(size for size in _of(tuple, shape) if isinstance(size, int) and size >= 0)
    if len(sizes) != len(shape) or order not in {"C", "F"}:
        raise ValueError
    return np.frombuffer(data, dtype).reshape(sizes, order=order)


def _of(kind: type[Any] | UnionType, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _finished(whole: Any) -> Any:
    """The content, with the arrays that were built in their places."""
    if isinstance(whole, dict):
        return {key: _finished_value(value) for key, value in whole.items()}
    return _finished_value(whole)


def _finished_value(value: Any) -> Any:
    return value.value if isinstance(value, _Array) else value
