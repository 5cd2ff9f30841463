"""Pickles of plain data, read without executing anything.

A pickle is a program for a small stack machine, and what makes it dangerous is that it may name and call any function.
`pickle.Unpickler` asks `find_class` what a name stands for. Here it is never looked up: the five names with which NumPy
and Python write arrays and bytes get stand-ins, made for this file alone, whose calls only rearrange what they are
given; every other name is refused. Nothing else that can be called, or changed by the file, ever lies on the stack.

Before that the instructions are listed by `pickletools`. Those that images and labels do not need are refused, and so
is what would let a small file use up the memory or the processor: a memo with gaps, contents fetched from the memo
again and again, and tuples nested without end, which would have to be hashed as keys.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.errors import quoted

# All names that may occur, once NumPy 1's "numpy.core" is written as NumPy 2 writes it.
KNOWN = {
    "numpy._core.multiarray._reconstruct",
    "numpy._core.numeric._frombuffer",
    "numpy.ndarray",
    "numpy.dtype",
    "_codecs.encode",
}
TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"}
PUTS = {"BINPUT", "LONG_BINPUT", "MEMOIZE"}
GETS = {"BINGET", "LONG_BINGET"}
# What they put on the stack is not a tuple, so that it may be fetched again: no tuple then holds another one twice.
SINGLE = {
    *("BININT", "BININT1", "BININT2", "BINFLOAT", "BINSTRING", "SHORT_BINSTRING"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE"),
}
ALLOWED = {
    *("PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BUILD", "BYTEARRAY8"),
    *("EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "APPEND", "APPENDS", "SETITEM", "SETITEMS"),
    *(TUPLES | PUTS | GETS | SINGLE),
}
# Tuples that lie on the stack at a time, one inside another or not; an array takes six.
MOST_TUPLES = 1000
# Characters or bytes of what may be fetched again: names and short words, and nothing to be copied over and over.
LONGEST = 100
NUMBERS = re.compile(r"[<>|=]?([uif][1248]|b1)")


def read_plain(content: bytes, where: str) -> Any:
    """What a pickle of plain data and arrays holds.

    Args:
        content: of the file, in protocol 2 or later; text of Python 2 comes out as bytes.
        where: the name of the file, for the sentence.

    Raises:
        InputError: it asks for anything else, or is not a whole pickle.

    >>> read_plain(pickle.dumps({"data": np.arange(3, dtype=np.uint8), "labels": [1, 2]}), "a file")
    {'data': array([0, 1, 2], dtype=uint8), 'labels': [1, 2]}
    >>> read_plain(pickle.dumps(print), "a file")
    Traceback (most recent call last):
    derive.errors.InputError: a file asks for the function builtins.print, which images and labels do not need; ...

    """
    try:
        _check(content, where)
        whole = _Reader(content, where).load()
    except InputError:
        raise
    # What pickletools, the reader and a stand-in raise; the warning is about escapes in a damaged name.
    except (
        *(pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError, AttributeError),
        *(OverflowError, MemoryError, DeprecationWarning),
    ):
        raise InputError(f"{where} is cut short, damaged, or no pickle; get the file again") from None
    if isinstance(whole, dict):
        return {key: _array(value) for key, value in whole.items()}
    return _array(whole)


def _check(content: bytes, where: str) -> None:
    """Refuse instructions that are not needed, and those that cost more than the file's size."""
    memo: dict[Any, bool] = {}  # of what lies there, whether it may be fetched
    short, tuples = False, 0
    for instruction, argument, _ in pickletools.genops(content):
        name = instruction.name
        if name not in ALLOWED:
            raise InputError(
                f"{where} uses the pickle instruction {name}, which images and labels do not need; "
                f"nothing of it was executed"
            )
        if name in PUTS:
            place = len(memo) if argument is None else argument
            memo[place] = short
            if place > len(memo):  # Python 2 counts from 1
                raise ValueError
            continue
        if name in GETS and not memo[argument]:
            raise ValueError
        short = name in SINGLE and (not isinstance(argument, str | bytes) or len(argument) <= LONGEST)
        tuples += (name in TUPLES) - (name == "REDUCE")  # whose arguments are a tuple, gone after it
        if tuples > MOST_TUPLES:
            raise ValueError


class _Reader(pickle.Unpickler):
    """Python's reader of pickles, which is told of stand-ins alone."""

    def __init__(self, content: bytes, where: str) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self.where = where

    def find_class(self, module: str, name: str) -> Any:
        known = re.sub(r"^numpy\.core\.", "numpy._core.", f"{module}.{name}")
        if known not in KNOWN:
            raise InputError(
                f"{self.where} asks for the function {quoted(known)[1:-1]}, which images and labels do not need; "
                f"nothing of it was executed"
            )
        return _Name(known)


@dataclass(slots=True, eq=False)
class _Name:
    """A function or class that the pickle names, and what a call of it stands for."""

    text: str

    def __call__(self, *arguments: Any) -> Any:
        match self.text, arguments:
            case "numpy._core.multiarray._reconstruct", (_Name("numpy.ndarray"), (0,), _):
                return _Array()
            case "numpy.dtype", (str() | bytes() as code, *_):
                text = code.decode("ascii") if isinstance(code, bytes) else code
                if NUMBERS.fullmatch(text):
                    return _Type(np.dtype(text))
            case "numpy._core.numeric._frombuffer", (bytes() | bytearray() as data, _Type(dtype), shape, order):
                return _Array(_shaped(data, dtype, shape, order))
            case "_codecs.encode", (str() as text, "latin1" | "latin-1"):
                return text.encode("latin-1")
        raise ValueError

    def __setstate__(self, _: Any) -> None:
        """Instead of setting attributes, as the instruction BUILD does where there is no such method."""
        raise ValueError


@dataclass(slots=True, eq=False)
class _Type:
    """A dtype that is being built."""

    value: np.dtype[Any]

    def __setstate__(self, state: Any) -> None:
        match state:
            case (_, "<" | ">" | b"<" | b">" as order, *_):
                self.value = self.value.newbyteorder("<" if order in {"<", b"<"} else ">")
            case (_, "|" | b"|", *_):
                pass  # numbers of one byte have no order
            case _:
                raise ValueError


@dataclass(slots=True, eq=False)
class _Array:
    """An array that is being built."""

    value: NDArray[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        match state:
            case (_, shape, _Type(dtype), fortran, bytes() as data) if self.value is None:
                self.value = _shaped(data, dtype, shape, "F" if fortran else "C")
            case _:
                raise ValueError


def _shaped(data: bytes | bytearray, dtype: np.dtype[Any], shape: Any, order: Any) -> NDArray[Any]:
    sizes = isinstance(shape, tuple) and all(isinstance(size, int) and size >= 0 for size in shape)
    if not sizes or order not in {"C", "F"}:
        raise ValueError
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _array(value: Any) -> Any:
    return value.value if isinstance(value, _Array) else value
