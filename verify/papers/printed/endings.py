r"""What ends a printed expansion: O(W⁶), o(W⁴), or dots, which stand for the orders above the highest written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from derive.definition.tokens import CONSTANT, ELLIPSIS
from verify.papers.printed.names import SAID

if TYPE_CHECKING:
    from verify.papers.printed.grammar import Formula

_RULE = "a remainder stands at the end of a formula and names an order, as in … + O(W^6)"
# Within brackets, in one spelling: W, |W|, ‖W‖_F, (W, b), (W, V), ‖(W, b)‖, and a power.
_BRACKETED = re.compile(r"\((?:[(\[{]*(?P<bar>[|‖]?)\(?W(?:,b|,W|,V)?\)?(?P=bar)(?:_\{?(?:F|HS|2|op)\}?)?)"
                        r"\^\{?(?P<order>\d+)\}?(?:_\{?(?:F|HS|2|op)\}?)?[)\]}]*\)")  # fmt: skip
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_ZERO = re.compile(r"(?:L|ell|loss|F|J)(?:_\{?[A-Za-z-]+\}?)?\(0(?:,0)?\)|(?:L|ell|loss|F|J)_\{?0\}?")


def ending(formula: Formula, *, first: bool, minus: bool) -> bool:
    """Read what ends a formula, if it is next.

    Args:
        formula: that is being read.
        first: whether nothing stands before it.
        minus: whether it is subtracted.

    Raises:
        PlaceError: it stands where nothing ends, or names no order.

    """
    if not formula.ends:
        return False
    return _dots(formula, first=first) or _remainder(formula, first=first, minus=minus)


def constant(formula: Formula) -> bool:
    """Read L(0), L_0 or const, if it is next: a constant whose value the formula leaves open."""
    token = formula.next
    if not formula.ends or formula.depth > 1 or token.kind != "name" or token.value in formula.symbols:
        return False
    for length in (1, 4, 6, 7, 9):
        part = formula.tokens[formula.at : formula.at + length]
        said = "".join(one.value for one in part)
        if said == CONSTANT or _ZERO.fullmatch(said):
            formula.at += length
            formula.constant_open = True
            return True
    return False


def _dots(formula: Formula, *, first: bool) -> bool:
    if not formula.sign(ELLIPSIS):
        return False
    last = formula.tokens[formula.at + 1].kind == "end"
    if first or formula.depth > 1 or not last:
        raise formula.refuse(SAID[ELLIPSIS])
    formula.at, formula.goes_on = formula.at + 1, True
    return True


def _remainder(formula: Formula, *, first: bool, minus: bool) -> bool:
    start = formula.next
    small = start.value == "o"
    named = start.kind == "name" and start.value in ("O", "o") and start.value not in formula.symbols
    if not named or (small and formula.tokens[formula.at + 1].value != "("):
        return False
    rest = formula.tokens[formula.at + 1 : -1]
    said = _BRACKETED.fullmatch("".join(one.value for one in rest))
    if first or formula.depth > 1 or said is None or formula.tokens[-1].kind != "end":
        raise formula.refuse(_RULE)
    if minus and small:
        raise formula.refuse("a remainder is added: … + o(W^4)")
    formula.at = len(formula.tokens) - 1
    formula.remainder = int(said["order"]) + small
    return True
