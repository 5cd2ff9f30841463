"""Text about a landscape in which a parameter has the name of a letter of the theory: the letter gets a mark.

Text about a landscape mixes words and formulas: "rank m", h_i = (b_i − θ)/(2 q₁). A parameter that is also called m is
replaced by a symbol without a name while things are derived and text is written; the theory's m becomes m_ throughout
(m̃ in LaTeX), and the parameter is put back. Text that was written so may be part of what is written later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import sympy

from derive.algebra.letters import Letter, yielding
from derive.definition.lines import Line
from derive.definition.notation import LATEX, TEXT, TextPrinter

if TYPE_CHECKING:
    from sympy.printing.latex import LatexPrinter
    from sympy.printing.printer import Printer

_Thing = TypeVar("_Thing")
_Written = TypeVar("_Written")

# Of a field of a dataclass that holds the name of a parameter, or several.
PARAMETER = {"parameter": True}
# Letters of the theory in words and formulas. A view, as x, stands in f(x) alone, where no parameter does.
_LETTERS = frozenset(
    re.findall(
        r"\w+",
        "A A0 B C D E F I K L M O P Q R S T U V W X d d0 e h i k m q t w epsilon mu rho theta Lambda Sigma ell"
        " T_1 T_2 T_k q_1 q_2 sum_j lambda_i lambda_j lambda_k D_ii D_ij D_ik D_kk F_ik K_ij Q_ii Q_ij Q_ik Q_jj"
        " a_i a_j b b_i b_j b_k c_i c_j g_i g_j g_k h_i h_j m_i p_i q_j s_i s_j u_i w_i x_i y_i",
    )
)
# What an unnamed parameter is written with: a letter, so that it is a name still, which no alphabet in use has.
_MARK = "ꙮ"


class _Unnamed(sympy.Symbol):  # type: ignore[misc]
    """What stands for a parameter: written with a mark, and by what it is written in, plain, text or LaTeX.

    The name comes first, so that terms stand in the order in which they would.
    """

    __slots__ = ()

    @classmethod
    def class_key(cls) -> tuple[int, int, str]:
        """Where it stands among other symbols: by its name."""
        return sympy.Symbol.class_key()  # type: ignore[no-any-return]

    def _sympystr(self, printer: Printer) -> str:
        return f"{self.name}{'t' if isinstance(printer, TextPrinter) else 'p'}"

    def _latex(self, _: LatexPrinter) -> str:
        return _in_math(self)


def _in_math(symbol: sympy.Symbol) -> str:
    """Without the name, which would be taken for a letter."""
    return f"{str(symbol.name)[symbol.name.index(_MARK) :]}l"


def apart(
    thing: _Thing, symbols: Iterable[sympy.Symbol], write: Callable[[_Thing], _Written], *, latex: bool = False
) -> _Written:
    """What ``write`` gives for an object whose formulas hold parameters, with the theory's letters marked in text.

    Args:
        thing: a formula, or a dataclass, tuple or mapping that holds some.
        symbols: the parameters.
        write: gives text, lines, or what holds formulas again, with sentences beside them.
        latex: whether text is LaTeX.

    >>> m = sympy.Symbol("m")
    >>> apart(Letter("m") + m, [m], lambda value: f"{value}, of rank m")
    'm_ + m, of rank m_'
    """
    known = frozenset(one for one in symbols if not isinstance(one, Letter))
    clash = _clashing(known)
    if not clash:
        return write(thing)
    return told(write(hidden(thing, known)), known, latex=latex)


def hidden(thing: _Thing, symbols: Iterable[sympy.Symbol]) -> _Thing:
    """The same with unnamed symbols for parameters that have a letter's name: what ``write`` of `apart` is given."""
    clash = _clashing(symbols)
    return _hidden(thing, clash) if clash else thing


def told(written: _Written, symbols: Iterable[sympy.Symbol], *, latex: bool = False) -> _Written:
    """What was written of something `hidden`, parameters as they are called and the letters of their names marked."""
    known = frozenset(one for one in symbols if not isinstance(one, Letter))
    clash = _clashing(known)
    return _told(written, clash, frozenset(one.name for one in known), latex=latex) if clash else written


def length(text: str, symbols: Iterable[sympy.Symbol]) -> int:
    """The length of a text in which each parameter counts for one character: what is said does not hang on a name.

    A letter that has yielded to a parameter counts as if it had not.

    >>> length("2 temperature - 1", [sympy.Symbol("temperature")])
    7
    >>> length("m - m_", [sympy.Symbol("m")])
    5
    """
    names = sorted((re.escape(TEXT.scalar(one)) for one in symbols if not isinstance(one, Letter)), key=len)
    if not names:
        return len(text)
    named = re.compile(rf"(?<!\w)(?P<name>{'|'.join(reversed(names))})(?P<mark>_*)(?!\w)")
    return len(named.sub(lambda found: found["name"] if found["mark"] else "x", text))


def _clashing(symbols: Iterable[sympy.Symbol]) -> dict[sympy.Symbol, _Unnamed]:
    """Parameters with the name of a letter, and what stands for each: what is declared of it decides what is said."""
    clash = sorted({one for one in symbols if not isinstance(one, Letter) and one.name in _LETTERS}, key=_by_name)
    return {one: _Unnamed(f"{one.name}{_MARK}{number}{_MARK}", **one.assumptions0) for number, one in enumerate(clash)}


def _by_name(symbol: sympy.Symbol) -> tuple[str, str]:
    return symbol.name, sympy.srepr(symbol)


def _hidden(thing: Any, put: Mapping[sympy.Symbol, _Unnamed]) -> Any:  # noqa: ANN401 (whatever holds formulas)
    if isinstance(thing, sympy.Basic):
        return thing.xreplace(dict(put))
    if isinstance(thing, str) and " " in thing:
        # A sentence in which letters are marked: what is not is a parameter.
        for one, symbol in put.items():
            for glyph, notation in _glyphs(one.name).items():
                thing = _between_words(re.escape(glyph)).sub(f"{symbol.name}{notation}", thing)
        return thing
    if is_dataclass(thing) and not isinstance(thing, type):
        names = {one.name: symbol.name for one, symbol in put.items()}
        parts = {one.name: getattr(thing, one.name) for one in fields(thing) if one.init}
        of_parameters = {one.name for one in fields(thing) if one.metadata == PARAMETER}
        changed = {
            name: _named(part, names) if name in of_parameters else _hidden(part, put) for name, part in parts.items()
        }
        return replace(thing, **changed)
    return _each(thing, lambda part: _hidden(part, put))


def _named(given: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 (a name, some, or None)
    return tuple(names.get(one, one) for one in given) if isinstance(given, tuple) else names.get(given, given)


def _each(thing: Any, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401 (whatever holds formulas)
    """A container with its parts changed; anything else as it is."""
    if isinstance(thing, tuple) and hasattr(thing, "_fields"):
        return type(thing)(*map(change, thing))
    if isinstance(thing, tuple | list | frozenset):
        return type(thing)(map(change, thing))
    if isinstance(thing, Mapping):
        return {key: change(value) for key, value in thing.items()}
    return thing


def _told(thing: Any, put: Mapping[sympy.Symbol, _Unnamed], taken: frozenset[str], *, latex: bool) -> Any:  # noqa: ANN401
    back = {symbol: one for one, symbol in put.items()}

    def told(part: Any, *, latex: bool = latex, within: bool = False) -> Any:  # noqa: ANN401
        if isinstance(part, sympy.Basic):
            return part.xreplace(back)
        if isinstance(part, str):
            # Within a dataclass a single word is a name.
            return _marked(part, put, taken, latex=latex) if not within or " " in part or _MARK in part else part
        if isinstance(part, Line):
            return Line(part.label, told(part.text, latex=False), told(part.formulas, latex=True))
        if is_dataclass(part) and not isinstance(part, type):
            parts = {one.name: getattr(part, one.name) for one in fields(part) if one.init}
            return replace(part, **{name: told(one, latex=latex, within=True) for name, one in parts.items()})
        return _each(part, lambda one: told(one, latex=latex, within=within))

    return told(thing)


def _marked(text: str, put: Mapping[sympy.Symbol, _Unnamed], taken: frozenset[str], *, latex: bool) -> str:
    """A text with letters marked, and parameters by the names that they have in it."""
    for one in put:
        if latex:
            text = _in_latex(one.name).sub(lambda letter: rf"\tilde{{{letter[0]}}}", text)
        else:
            tail = yielding(one.name, taken).removeprefix(one.name)
            text = letter_in(one.name).sub(rf"\g<0>{tail}", text)
    for one, symbol in put.items():
        text = text.replace(_in_math(symbol), LATEX.scalar(one)).replace(f"{symbol.name}t", TEXT.scalar(one))
        text = text.replace(f"{symbol.name}p", one.name).replace(symbol.name, one.name)
    return text


def _glyphs(name: str) -> dict[str, str]:
    """How a name is written in plain text, and in formulas with Greek letters."""
    return {name: "p", TEXT.scalar(sympy.Symbol(name)): "t"}


@lru_cache
def letter_in(name: str) -> re.Pattern[str]:
    """Where a letter of the theory stands in plain text and in JSON, next to a transpose or as what a sum is over."""
    return _between_words("|".join(map(re.escape, sorted(_glyphs(name)))))


@lru_cache
def _between_words(glyphs: str) -> re.Pattern[str]:
    return re.compile(rf"(?:(?<![^\Wᵀ])|(?<=Σ_))(?:{glyphs})(?![^\Wᵀ]|[₁₂ᵢ])")


@lru_cache
def _in_latex(name: str) -> re.Pattern[str]:
    """Its main part in LaTeX, where the index is that of the name."""
    stem, index = re.fullmatch(r"([A-Za-z]+)_?(\w*)", name).groups()  # type: ignore[union-attr]
    letter = sympy.latex(sympy.Symbol(stem))
    before = "" if letter.startswith("\\") else r"(?<![A-Za-z\\])"
    after = rf"(?=_\{{?{index}\b)" if index else r"(?!_)"
    return re.compile(rf"{before}{re.escape(letter)}(?![A-Za-z]){after}")
