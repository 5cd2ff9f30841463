r"""What surrounds a formula in a LaTeX document: dollars, environments, labels, comments.

It is put out of the way by spaces, so that every place in the text stays where it is.
"""

from __future__ import annotations

import re

from derive.definition.tokens import PlaceError

_ENVIRONMENTS = ("equation", "align", "aligned", "gather", "gathered", "split", "multline", "eqnarray", "displaymath",
                 "math", "alignedat", "alignat", "flalign")  # fmt: skip
_OPENING = re.compile(r"\s*(?P<sign>\$\$?|\\\[|\\\(|\\begin\s*\{(?P<name>[A-Za-z]+)\*?\}(?:\s*\{\d+\})?)")
_ENDS = {"$": "$", "$$": "$$", r"\[": r"\]", r"\(": r"\)"}
_LEFT_OUT = re.compile(
    r"(?<!\\)%[^\n]*"  # a comment
    r"|\\label\s*\{[^{}]*\}|\\tag\s*\*?\s*\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])"
    r"|\\(?:display|text)style(?![A-Za-z])|\\(?:no)?limits(?![A-Za-z])"
)
# What may stand between a formula and the end of its display.
_BEHIND = re.compile(r"(?:\s|[.,;]|\\[,;:!> ]|\\\\|~)*$")


def undisplayed(text: str) -> str:
    r"""The text with all that surrounds its formula turned into spaces, as long as before.

    Raises:
        PlaceError: what is opened is not closed, or is not a display of a formula.

    >>> undisplayed(r"\[ N + 1 \label{one} \]").split()
    ['N', '+', '1']
    >>> undisplayed("$ N + 1")
    Traceback (most recent call last):
    derive.definition.tokens.PlaceError: '$' is opened here and not closed at the end of the formula
      $ N + 1
      ^

    """
    shown = _LEFT_OUT.sub(lambda found: " " * len(found[0]), text)
    while opened := _OPENING.match(shown):
        sign, name = opened["sign"], opened["name"]
        if name and name not in _ENVIRONMENTS:
            said = f"the environment {name} is not a display of a formula; write the formula alone"
            raise PlaceError(said, text, opened.start("sign"))
        end = re.escape(_ENDS.get(sign, "")) or rf"\\end\s*\{{{re.escape(_starred(sign))}\}}"
        close = re.search(rf"(?:{end})(?={_BEHIND.pattern})", shown[opened.end() :])
        if close is None:
            raise PlaceError(_unclosed(sign, name), text, opened.start("sign"))
        low, high = opened.end() + close.start(), opened.end() + close.end()
        shown = " " * opened.end() + shown[opened.end() : low] + " " * (high - low) + shown[high:]
    return shown


def _starred(sign: str) -> str:
    """The name of an environment, with its star."""
    return sign.partition("{")[2].partition("}")[0]


def _unclosed(sign: str, name: str | None) -> str:
    what = f"the environment {_starred(sign)}" if name else repr(sign).replace("\\\\", "\\")
    return f"{what} is opened here and not closed at the end of the formula"
