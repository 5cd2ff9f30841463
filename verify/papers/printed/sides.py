r"""A printed equation: the loss's name, L(W) − L(0) =, what it is equal to, and shorthands explained behind it.

Sides that follow one another, L = … = …, must say the same. Behind the formula stands what it abbreviates, as in
``…, where P = W A_0 W^\top``. Anything else next to the formula is refused at its place: nothing is left unread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive.algebra.alphabet import BASES
from derive.algebra.scalars import normal_form
from derive.definition.cursor import Cursor
from derive.definition.tokens import PlaceError, Token
from verify.papers.printed import algebra
from verify.papers.printed.grammar import Formula
from verify.papers.printed.left import is_difference, names_a_loss
from verify.papers.printed.meaning import Meaning
from verify.papers.printed.names import matrices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from derive.algebra.words import Invariants
    from verify.papers.printed.tree import Node

_EQUAL = ("=", "≈")
_REFUSED = {
    "∝": "∝ leaves a factor open, and with it what is said of each term; write = and the factor",
    "∼": "∼ may leave a factor open; write = or \\approx",
} | dict.fromkeys(("<", ">", "<=", ">=", "≠"), "an inequality is not an expansion; write = or \\approx")  # fmt: skip
_BREAKS = (",", ";")
_WORDS = ("where", "with", "and", "here")
_OPENING, _ENDS = ("(", "[", "{", "⟨"), (")", "]", "}", "⟩")


class Equation(NamedTuple):
    """What was read.

    Attributes:
        node: the right side.
        terms: its canonical invariants and their coefficients.
        remainder: the order of O(…), None where there is none.
        goes_on: whether dots stand for higher orders.
        constant_open: whether L(0) is not written out.

    """

    node: Node
    terms: Mapping[Invariants, sympy.Expr]
    remainder: int | None
    goes_on: bool
    constant_open: bool


def read_equation(
    text: str,
    symbols: Mapping[str, sympy.Expr],
    what: str,
    *,
    bias: bool = False,
    second: str = "",
    held: Mapping[str, str] | None = None,
    free: Mapping[str, int] | None = None,
) -> Equation:
    """An equation, or a formula alone.

    Args:
        text: of it.
        symbols: what names stand for.
        what: is read, for messages.
        bias: whether b may be the bias.
        second: what carries views of the second kind, where there are some.
        held: columns that may stand in it, as `verify.papers.printed.grammar.Formula` takes them.
        free: coordinates that no sum runs over, and the ends that words have there.

    Raises:
        PlaceError: something in it cannot be read.

    >>> read_equation("L(W) - L(0) = -Tr P + O(W^4), P = W A0 W^T", {}, "this").terms
    {(((0, 'A', 0),),): -1}

    """
    reader = _Reader(text, symbols, what, bias=bias, second=second, held=held, free=free)
    whole, *behind = reader.clauses()
    for clause in behind:
        reader.explain(clause)
    return reader.equation(whole)


def read_side(text: str, symbols: Mapping[str, sympy.Expr], what: str) -> Node:
    """A formula that may be a matrix, what stands on its left being its name.

    Raises:
        PlaceError: something in it cannot be read.

    """
    reader = _Reader(text, symbols, what, bias=False)
    whole, *behind = reader.clauses()
    for clause in behind:
        reader.explain(clause)
    return reader.side(whole)


class _Reader:
    def __init__(
        self,
        text: str,
        symbols: Mapping[str, sympy.Expr],
        what: str,
        *,
        bias: bool,
        second: str = "",
        held: Mapping[str, str] | None = None,
        free: Mapping[str, int] | None = None,
    ) -> None:
        self.held, self.free = dict(held or {}), dict(free or {})
        self.text, self.symbols, self.what, self.bias, self.second = text, symbols, what, bias, second
        *found, self.end = Cursor(text).tokens
        while found and found[-1].value in (".", *_BREAKS):
            self.end = found.pop()
        self.tokens = found
        self.shorthands: dict[str, Node] = {}

    def refuse(self, said: str, token: Token) -> PlaceError:
        return PlaceError(said, self.text, token.start)

    def clauses(self) -> list[list[Token]]:
        """The equation and what is explained behind it, cut at commas and at "where"."""
        found: list[list[Token]] = [[]]
        for token, level in _top(self.tokens):
            word = token.kind == "name" and token.value in _WORDS and token.value not in self.symbols
            if level == 0 and (word or (token.kind == "sign" and token.value in _BREAKS)):
                found.append([])
            else:
                found[-1].append(token)
        first, *rest = found
        return [first, *(one for one in rest if one)]

    def explain(self, clause: list[Token]) -> None:
        """A shorthand, P = W A0 Wᵀ."""
        name, *rest = clause
        if len(rest) < 2 or name.kind != "name" or rest[0].value != "=":
            said = "behind the formula stands what it abbreviates, as in …, where P = W A_0 W^T, and nothing else"
            raise self.refuse(said, name)
        formula = self._formula(rest[1:], self._after(clause))
        node = formula.whole()
        if name.value in matrices(self.second) or name.value in self.symbols:
            meaning = Meaning(self.text)
            known = meaning.polynomial(Formula(name.value, self.symbols, second=self.second).whole())
            if _of_letters(known) != _of_letters(meaning.polynomial(node)):
                raise self.refuse(f"{name.value} is already defined differently", name)
            return
        if name.value in self.shorthands:
            raise self.refuse(f"{name.value} is explained twice", name)
        self.shorthands[name.value] = node

    def equation(self, tokens: list[Token]) -> Equation:
        """The sides of an equation, the first of which is the loss's name where there are several."""
        sides, signs = self._sides(tokens)
        if len(sides) > 1:
            left, *sides = sides
            difference = bool(left) and is_difference(left, self.text, self.what)
        else:
            difference = False
        behind = [*signs[len(signs) + 1 - len(sides) :], self.end]
        found = [self._side(side, end) for side, end in zip(sides, behind, strict=True)]
        for one, other, sign in zip(found, found[1:], behind, strict=False):
            if not _same(one, other):
                raise self.refuse("what stands on the two sides of this sign is not equal", sign)
        last = found[-1]
        if difference and last.terms.get((), sympy.S.Zero) != 0:
            raise self.refuse("a difference to L(0) has no constant, and one stands on the right", signs[0])
        return last._replace(constant_open=last.constant_open or difference)

    def side(self, tokens: list[Token]) -> Node:
        """The right side alone, of two at most."""
        sides, signs = self._sides(tokens)
        if len(sides) > 2:
            raise self.refuse("one sign of equality is enough here", signs[1])
        if len(sides) > 1 and sides[0]:
            is_difference(sides[0], self.text, self.what)
        return self._formula(sides[-1], self.end).whole()

    def _sides(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        sides: list[list[Token]] = [[]]
        signs: list[Token] = []
        for token, level in _top(tokens):
            if token.kind == "sign" and token.value in _REFUSED:
                raise self.refuse(_REFUSED[token.value], token)
            if level == 0 and token.kind == "sign" and token.value in _EQUAL:
                signs.append(token)
                sides.append([])
            else:
                sides[-1].append(token)
        for side in sides[1:-1]:
            self._one_thing(sides[0], side)
        return sides, signs

    def _one_thing(self, first: list[Token], side: list[Token]) -> None:
        """On a line of its own the left side of another equation begins."""
        for k in range(1, len(side)):
            between = self.text[side[k - 1].end : side[k].start]
            another = "".join(one.value for one in side[k:])
            if "\\\\" in between and names_a_loss(another):
                named = ", ".join(("".join(one.value for one in first), another))
                raise self.refuse(f"{self.what} states several things, {named}; give one formula", side[k])

    def _side(self, tokens: list[Token], end: Token) -> Equation:
        if not tokens:
            said = f"{self.what} is empty; write it as in '-Tr[W A0 W^T]', and 0 where there is nothing"
            raise self.refuse(said, end)
        self._numbered(tokens)
        formula = self._formula(tokens, end, ends=True)
        node = formula.whole()
        terms = Meaning(self.text, self.free).number(node)
        return Equation(node, terms, formula.remainder, formula.goes_on, formula.constant_open)

    def _numbered(self, tokens: list[Token]) -> None:
        """(3) at the end is a factor, or the equation's number."""
        *before, opening, number, closing = [Token("end", "", 0, 0)] * 3 + tokens
        bracketed = (opening.value, number.kind, closing.value) == ("(", "number", ")")
        behind = before[-1].value if before else ""
        if bracketed and (behind in _ENDS or before[-1].kind == "number"):
            shown = f"({number.value})"
            said = (
                f"{shown} at the end can be a factor or the equation's number; write \\cdot {number.value}, or nothing"
            )
            raise self.refuse(said, opening)

    def _formula(self, tokens: list[Token], end: Token, *, ends: bool = False) -> Formula:
        part = [*tokens, Token("end", "", end.start, end.start)]
        return Formula(
            self.text,
            self.symbols,
            bias=self.bias,
            second=self.second,
            shorthands=self.shorthands,
            held=self.held,
            free=tuple(self.free),
            part=part,
            ends=ends,
        )

    def _after(self, clause: Sequence[Token]) -> Token:
        last = clause[-1]
        return next((one for one in self.tokens if one.start >= last.end), self.end)


def _top(tokens: Sequence[Token]) -> list[tuple[Token, int]]:
    """Each token with the number of brackets around it."""
    found, level = [], 0
    for token in tokens:
        level -= token.kind == "sign" and token.value in _ENDS
        found.append((token, level))
        level += token.kind == "sign" and token.value in _OPENING
    return found


def _same(one: Equation, other: Equation) -> bool:
    first, second = (algebra.in_one_basis(side.terms) for side in (one, other))
    left_out = {()} if one.constant_open or other.constant_open else set()
    return all(
        normal_form(first.get(key, sympy.S.Zero) - second.get(key, sympy.S.Zero)) == 0
        for key in {*first, *second} - left_out
    )


def _of_letters(value: algebra.Polynomial) -> algebra.Polynomial:
    """A matrix with Σ written as A0 + C."""
    split = BASES["A0,C"]
    return algebra.plus(*({one._replace(word=letter): weight}
                          for one, weight in value.items() for letter in split.get(one.word, (one.word,))))  # fmt: skip
