"""The place in a formula that has been reached, and what a reader asks of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sympy

from derive.definition.display import undisplayed
from derive.definition.tokens import PlaceError, Token, tokens

_LONGEST_NUMBER, _DEEPEST = 40, 100


class Cursor:
    """A formula's tokens, read one after the other.

    Args:
        text: of the formula.
        part: those of its tokens that are read, the last of kind "end"; all of them unless given.

    """

    def __init__(self, text: str, part: Sequence[Token] | None = None) -> None:
        self.text = text
        self.tokens = tokens(undisplayed(text), text) if part is None else list(part)
        self.at = 0
        # The bar that closes what is being read, directly inside a norm.
        self.bar = ""
        self.depth = 0

    @property
    def next(self) -> Token:
        """The token that is to be read."""
        return self.tokens[self.at]

    def sign(self, *values: str) -> bool:
        """Whether one of these signs is next."""
        return self.next.kind == "sign" and self.next.value in values

    def taken(self, *values: str) -> bool:
        """Read one of these signs, if it is next."""
        found = self.sign(*values)
        self.at += found
        return found

    def written(self, token: Token) -> str:
        """A token as it stands in the text."""
        return self.text[token.start : token.end]

    def cut(self, *pieces: int) -> None:
        """Cut the next token, a name, where pieces of these lengths end."""
        start = self.next.start
        found = []
        for length in pieces:
            piece = tokens(self.text[start : start + length])
            found += [Token(one.kind, one.value, one.start + start, one.end + start) for one in piece[:-1]]
            start += length
        self.tokens[self.at : self.at + 1] = found

    @contextmanager
    def until(self, bar: str) -> Iterator[None]:
        """Reading inside ends at a bar; in brackets, where `bar` is empty, a bar begins a norm."""
        before, self.bar = self.bar, bar
        yield
        self.bar = before

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One bracket or sum further in; where that is too far, refuse. After a refusal the depth is set anew."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.refuse("the formula has too many brackets or sums inside one another")
        yield
        self.depth -= 1

    def signs(self) -> bool:
        """Read signs; whether they make a minus."""
        minus = False
        while self.sign("+", "-"):
            minus ^= self.next.value == "-"
            self.at += 1
        return minus

    def number(self, token: Token) -> sympy.Rational:
        """The number that a token is, which has been read.

        Raises:
            PlaceError: it has too many digits, or divides by zero.

        """
        if len(token.value) > _LONGEST_NUMBER:
            raise self.refuse(f"numbers have at most {_LONGEST_NUMBER} digits here", token)
        if token.value.endswith("/0"):
            raise self.refuse("this divides by zero", token)
        if abs(int(token.value.lower().partition("e")[2] or 0)) > _LONGEST_NUMBER:
            raise self.refuse(f"powers of ten go from -{_LONGEST_NUMBER} to {_LONGEST_NUMBER} here", token)
        return sympy.Rational(token.value)

    def one_number(self, token: Token) -> None:
        """1 000 and 2¾ are a number each, or a product.

        Raises:
            PlaceError: this token and the one before are such.

        """
        last = self.tokens[self.at - 1]
        above = self.tokens[self.at + 2 : self.at + 3]
        fraction = token.value == "frac" and [one.kind for one in above] == ["number"]
        if last.kind == "number" and last.end <= token.start and (token.kind == "number" or fraction):
            shown = f"{self.written(last)} {self.written(token)}"
            raise self.refuse(f"{shown} can be one number or a product; write \\cdot between factors", token)

    def close(self, closing: str | None) -> None:
        """Read a closing bracket, where one was opened."""
        if closing is not None and not self.taken(closing):
            raise self.refuse(f"{closing!r} is missing here")

    def refuse(self, said: str, token: Token | None = None) -> PlaceError:
        """The error for a place, the next token unless given."""
        return PlaceError(said, self.text, (token or self.next).start)

    def expect_end(self) -> None:
        """Nothing may be left.

        Raises:
            PlaceError: something is.

        """
        if self.next.kind != "end":
            shown = self.written(self.next) if self.next.kind == "sum" else self.next.value
            raise self.refuse(f"{shown!r} cannot stand here; the formula was complete before it")
