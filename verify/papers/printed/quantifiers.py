r"""Which modes a printed condition speaks of: for some i, for all i, \forall i, \exists i, \min_i and \max_i.

What says so is put out of the way by spaces, so that every place in the text stays where it is.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from derive.definition.display import undisplayed
from derive.definition.tokens import PlaceError

_SPACE = r"(?:[\s,;:~]|\\[,;:! ]|\\q?quad(?![A-Za-z]))*"
_SAID = (
    r"(?:for\s+(?P<word>some|all|every|each|any|at\s+least\s+one)(?:\s+modes?)?|(?P<sign>\\forall|\\exists|∀|∃)"
    r"|there\s+(?P<is>is|exists)(?:\s+an?)?)\s*\{?i\}?(?![A-Za-z0-9_])"
)
_TAIL = re.compile(rf"{_SPACE}{_SAID}\s*$")
_HEAD = re.compile(rf"^\s*{_SAID}{_SPACE}(?:such\s+that|with|s\.t\.)?{_SPACE}")
_ANYWHERE = re.compile(_SAID)
_EXTREMUM = re.compile(r"^\s*\\?(?P<which>min|max)(?:imum)?\s*_\s*(?:\{\s*i\s*\}|i)(?![A-Za-z0-9])")
# Dollars, and the braces of \text{for some } with what stands in them left.
_DRESS = re.compile(r"\$|\\\(|\\\)|\\(?:text|mbox|mathrm|textrm)\s*\{([^{}]*)\}")
_ALL = ("all", "every", "each", "\\forall", "∀")


class Spoken(NamedTuple):
    """A condition and what surrounds it.

    Attributes:
        body: the condition alone, as long as the text.
        quantifier: of which modes it is said; empty where nothing says so.
        extremum: whether the smallest or the largest of its left sides over the modes is meant.

    """

    body: str
    quantifier: Literal["some", "all", ""]
    extremum: Literal["min", "max", ""]


def spoken(text: str) -> Spoken:
    r"""What a condition says of which modes.

    Raises:
        PlaceError: "for any i", which is said for both, or several such words.

    >>> spoken(r"a_i \le \gamma \text{ for some } i")[1], spoken("∀ i: a_i > c_i")[1:]
    ('some', ('all', ''))

    """
    body = undisplayed(_DRESS.sub(_undressed, text))
    # The mark that ends a sentence.
    ended = body.rstrip(" .,;")
    body = ended.ljust(len(body))
    found = _TAIL.search(body) or _HEAD.search(body)
    if found is None:
        inside = _ANYWHERE.search(body)
        if inside is not None:
            shown = " ".join(text[inside.start() : inside.end()].split())
            raise PlaceError(f"nothing may follow {shown!r} in a condition", text, inside.end())
        extremum = _EXTREMUM.search(body)
        if extremum is None:
            return Spoken(body, "", "")
        return Spoken(_blank(body, extremum), "", "min" if extremum["which"] == "min" else "max")
    if found["word"] == "any":
        said = "'for any i' can mean for some i or for all i; write one of these"
        raise PlaceError(said, text, found.start("word"))
    rest = _blank(body, found)
    again = _ANYWHERE.search(rest)
    if again is not None:
        raise PlaceError("which modes are meant is said twice", text, again.start())
    every = (found["word"] or found["sign"] or "some") in _ALL
    return Spoken(rest, "all" if every else "some", "")


def _blank(text: str, found: re.Match[str]) -> str:
    return text[: found.start()] + " " * (found.end() - found.start()) + text[found.end() :]


def _undressed(found: re.Match[str]) -> str:
    if found[1] is None:
        return " " * len(found[0])
    return found[1].rjust(len(found[0]) - 1) + " "
