"""Text about a landscape in which a parameter has the name of a letter of the theory: the letter gets a mark.

Text about a landscape mixes words and formulas: "rank m", h_i = (b_i − θ)/(2 q₁). A parameter that is also called m is
hidden behind an otherwise unused character while the text is written; the theory's m becomes m_ throughout (m̃ in
LaTeX), and the parameter is put back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import sympy

from derive.algebra.letters import Letter

_Thing = TypeVar("_Thing")
_Written = TypeVar("_Written")

# Letters of the theory in words and formulas, by the names that a parameter may have as well.
_TEXT = {
    "m": "m",
    "M": "M",
    "U": "U",
    "L": "L",
    "I": "I",
    "C": "C",
    "A0": "A0",
    "h": "h",
    "h_i": "h_i",
    "lambda_i": "λ_i",
    "lambda_j": "λ_j",
    "lambda_k": "λ_k",
    "theta": "θ",
    "epsilon": "ε",
    "w_i": "w_i",
    "t": "t",
    "a_i": "a_i",
    "a_j": "a_j",
    "c_i": "c_i",
    "c_j": "c_j",
    "s_i": "s_i",
    "s_j": "s_j",
    "q_j": "q_j",
    "u_i": "u_i",
    "b_i": "b_i",
    "b_j": "b_j",
    "b_k": "b_k",
    "g_i": "g_i",
    "g_j": "g_j",
    "g_k": "g_k",
    "d0": "d0",
    "k": "k",
    "q": "q",
}
# The character that hides the first parameter; U+E000 and on are for private use.
_PRIVATE = 0xE000


def apart(
    thing: _Thing, symbols: Iterable[sympy.Symbol], write: Callable[[_Thing], _Written], *, latex: bool = False
) -> _Written:
    """What ``write`` gives for an object whose formulas hold parameters, with the theory's letters marked.

    >>> m = sympy.Symbol("m")
    >>> apart(Letter("m") + m, [m], lambda value: f"{value}, of rank m")
    'm_ + m, of rank m_'
    """
    clash = [one for one in sorted(symbols, key=str) if not isinstance(one, Letter) and one.name in _TEXT]
    if not clash:
        return write(thing)
    # What is declared of a parameter, its sign, decides what is said.
    hidden = {one: sympy.Symbol(chr(_PRIVATE + number), **one.assumptions0) for number, one in enumerate(clash)}
    written = write(_put(thing, hidden))

    def told(text: str) -> str:
        for one in clash:
            text = _yielded(text, one.name, latex=latex)
        for one, symbol in hidden.items():
            text = text.replace(symbol.name, sympy.latex(one) if latex else _TEXT[one.name])
        return text

    def all_told(part: Any) -> Any:  # noqa: ANN401 (text, and lists and pairs of it)
        return told(part) if isinstance(part, str) else type(part)(map(all_told, part))

    found: _Written = all_told(written)
    return found


def _yielded(text: str, name: str, *, latex: bool) -> str:
    if not latex:
        return re.sub(rf"(?<!\w){re.escape(_TEXT[name])}(?![^\Wᵀ]|[₁₂ᵢ])", f"{_TEXT[name]}_", text)
    stem, _, index = name.partition("_")
    letter = sympy.latex(sympy.Symbol(stem))
    found = (
        rf"(?<![A-Za-z\\]){re.escape(letter)}(?![A-Za-z])" if len(stem) == 1 else rf"{re.escape(letter)}(?![A-Za-z])"
    )
    tail = rf"(?=_\{{?{index}\b)" if index else r"(?!_)"
    return re.sub(found + tail, lambda _: rf"\tilde{{{letter}}}", text)


def _put(thing: Any, put: Mapping[sympy.Symbol, sympy.Symbol]) -> Any:  # noqa: ANN401 (whatever holds formulas)
    """The same with symbols replaced in every formula that it holds."""
    if isinstance(thing, sympy.Basic):
        return thing.xreplace(dict(put))
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{one.name: _put(getattr(thing, one.name), put) for one in fields(thing) if one.init})
    if isinstance(thing, tuple):
        parts = [_put(one, put) for one in thing]
        return type(thing)(*parts) if hasattr(thing, "_fields") else tuple(parts)
    if isinstance(thing, Mapping):
        return {key: _put(value, put) for key, value in thing.items()}
    return thing
