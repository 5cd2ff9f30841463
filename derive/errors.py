"""What can go wrong with an input, as exceptions with sentences that say what to do."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches

_short = reprlib.Repr()
_short.maxstring = 200


class InputError(ValueError):
    """The input is unusable: the message says what was wrong, where, and what to do."""


class NotAnalyticError(InputError):
    """The loss has no expansion at W = 0: a logarithm, an inverse or a root of something that vanishes there.

    Attributes:
        degree: the order of homogeneity in W (0 for a loss of normalised features, 1 for a norm),
            or None where the loss is not homogeneous.

    """

    def __init__(self, reason: str, degree: int | None = None) -> None:
        """Keep the reason (a sentence) and the degree."""
        super().__init__(reason)
        self.reason = reason
        self.degree = degree


class OddOrderError(InputError):
    """The expansion would have a term of odd order in (W, b), and expansions have even orders only."""


def quoted(text: object) -> str:
    """Outside input as messages show it: in quotes, and a long text shortened to its two ends.

    >>> quoted("infonse"), len(quoted("infonse" * 1000))
    ("'infonse'", 200)
    """
    return _short.repr(text)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a name with a slip of the pen is meant for, or None.

    >>> nearest("infonse", ["infonce", "spectral"]), nearest("x", ["infonce"])
    ('infonce', None)
    """
    return next(iter(get_close_matches(name, list(known), n=1)), None)


def did_you_mean(wrong: str, near: str | None, otherwise: str = "") -> str:
    """What is wrong with a name, then the name that is meant, where one is near, and what to choose from.

    Args:
        wrong: the beginning of the message, without a full stop.
        near: the `nearest` name.
        otherwise: what follows in either case, such as a list of all names; a capital begins it after a question.

    >>> print(did_you_mean("there is no law 'laplac'", "laplace", "the laws are gaussian, laplace"))
    there is no law 'laplac'; did you mean laplace? The laws are gaussian, laplace
    >>> print(did_you_mean("there is no law 'x'", None, "the laws are gaussian, laplace"))
    there is no law 'x'; the laws are gaussian, laplace

    """
    if near:
        otherwise = f"did you mean {near}? {otherwise[:1].upper()}{otherwise[1:]}".rstrip()
    return f"{wrong}; {otherwise}" if otherwise else wrong
