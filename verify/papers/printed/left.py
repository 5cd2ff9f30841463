"""The left side of a printed equation: the loss's name, as L(W) or L(W) − L(0), and nothing that changes the right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from derive.definition.tokens import PlaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive.definition.tokens import Token

# The loss, in one spelling: L, L(W), L_InfoNCE(W, b), ΔL; without a number, which would name an order.
_LOSS = re.compile(r"(?P<difference>Delta|delta)?(?P<name>(?!Tr|exp|log|sqrt|nabla|partial|frac)[A-Za-z]+"
                   r"(?:_\{?(?P<index>[A-Za-z0-9+-]+)\}?)?)(?:\^\{?[A-Za-z][A-Za-z-]*\}?)?"
                   r"(?:[(\[][A-Za-z0_,;' ]*[)\]])?"
                   r"(?P<minus>-(?:(?P=name)\(0(?:,0)?\)|(?P=name)_\{?0\}?|const|[A-Za-z]+_0"
                   r"|[A-Za-z]+\(0\)))?")  # fmt: skip


def names_a_loss(said: str) -> bool:
    """Whether tokens in one string are the name of a loss."""
    return _LOSS.fullmatch(said) is not None


def is_difference(tokens: Sequence[Token], text: str, what: str) -> bool:
    """Whether a left side is L(W) − L(0), rather than L(W).

    Args:
        tokens: of it.
        text: of the equation.
        what: it is of, for messages.

    Raises:
        PlaceError: it is neither, as 2 L(W), −L or ∇L; or L_4, which may be a part of L.

    """
    found = _LOSS.fullmatch("".join(one.value for one in tokens))
    start = tokens[0].start
    if found is None:
        rule = "on the left stands what the formula is of, as in L(W) = or L(W) - L(0) ="
        raise PlaceError(f"{rule}, and {what} alone on the right", text, start)
    if (found["index"] or "").isdigit() and found["index"] != "0":
        said = f"{found['name']} can be read as the part of order {found['index']}; write L(W) ="
        raise PlaceError(said, text, start)
    return bool(found["difference"] or found["minus"])
