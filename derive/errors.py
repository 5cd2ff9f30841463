"""What can go wrong with an input, as exceptions with sentences that say what to do."""

from __future__ import annotations

import reprlib

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
