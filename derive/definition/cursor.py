"""The place in a formula that has been reached, and what a reader asks of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from derive.definition.display import undisplayed
from derive.definition.tokens import PlaceError, Token, tokens


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
