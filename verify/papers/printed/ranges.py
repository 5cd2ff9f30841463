r"""Which coordinates a printed sum runs over: Σ_ij, \sum_{i,j=1}^{d}, \sum_{i \ne j}, \sum_{j \ne i}, \sum_{i<j}."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from verify.papers.printed.tree import Applied, Over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive.definition.tokens import Token
    from verify.papers.printed.grammar import Formula
    from verify.papers.printed.tree import Node, Relation

_HEAD = re.compile(r"\\sum|∑|Σ|sum")
_BELOW = str.maketrans("ᵢⱼₖₗₘₙₚ", "ijklmnp")
_SPACE = re.compile(r"\s+|\\[,;:!> ]|\\q?quad|~|&|\\substack(?=\s*\{)|\\text\{ *\}|\\(?:no)?limits")
_SIGNS = {r"\neq": "≠", r"\ne": "≠", "!=": "≠", r"\leq": "≤", r"\le": "≤", "<=": "≤", r"\geq": "≥", r"\ge": "≥",
          ">=": "≥", r"\not=": "≠", r"\lt": "<", r"\gt": ">"}  # fmt: skip
_NAMES = re.compile(r"(?:1≤)?(?P<names>[a-z](?:,?[a-z])*)(?:=1)?(?:≤(?P<top>.+))?")
_PAIR = re.compile(r"(?:1≤)?(?P<a>[a-z])(?P<sign>[≠<>≤≥])(?P<b>[a-z])(?:≤(?P<top>.+))?")
_TOP = re.compile(r"(?:d|D|k|K|m|p|q|n|h)(?:_\{?(?:0|1|out|z|h)\}?|')?")
# Coordinates of sums inside one another: their terms are added one by one.
_MOST = 6
_READ = r"the coordinates of a sum are written as in Σ_ij, \sum_{i=1}^{d_1}, \sum_{i \ne j} or \sum_{i < j}"


class Range(NamedTuple):
    """What a sum says about its coordinates.

    Attributes:
        names: over which it runs.
        relation: between the two of ``pair``.
        pair: two coordinates, one of which may be that of a sum around it.

    """

    names: tuple[str, ...]
    relation: Relation = ""
    pair: tuple[str, str] = ("", "")


def over(formula: Formula, token: Token) -> Node:
    """A sum over coordinates, whose head has been read, with the term that it is of.

    Raises:
        PlaceError: its coordinates cannot be read.

    """
    name = f"sum_{token.value}"
    if name in formula.functions:
        inside = formula.bracketed(name) if formula.sign("(", "[", "{") else _term(formula)
        return Applied(name, formula.functions[name], inside, token.start)
    found = _range(formula, token, formula.scope)
    # Σ_i Σ_{j>i} is one sum over i < j.
    while not found.relation and formula.next.kind == "sum":
        inner = _range(formula, formula.next, [*formula.scope, *found.names])
        if inner.relation not in ("<", "≤") or not set(inner.pair) <= {*found.names, *inner.names}:
            break
        formula.at += 1
        found = inner._replace(names=(*found.names, *inner.names))
    if found.relation in ("<", "≤") and not set(found.pair) <= set(found.names):
        said = f"a sum over one side of {found.relation} alone hangs on how the coordinates are numbered"
        raise formula.refuse(said, token)
    formula.scope += found.names
    if len(formula.scope) > _MOST:
        raise formula.refuse(f"sums run over {_MOST} coordinates at most here", token)
    body = _term(formula)
    del formula.scope[-len(found.names) :]
    return Over(found.names, body, found.relation, found.pair, token.start)


def _term(formula: Formula) -> Node:
    with formula.deeper():
        return formula.term()


def _range(formula: Formula, token: Token, scope: Sequence[str]) -> Range:
    below, above = _parts(formula.written(token))
    refused = formula.refuse(_READ, token)
    if above and not _fits(formula, above):
        said = f"a sum over coordinates runs up to d_1, the width of f(x) = W x, not to {above}"
        raise formula.refuse(said, token)
    outer: list[str] = []
    *lists, last = re.split(r"[:;|]|\\\\|,(?=[a-z]=?1?[≠<>≤≥])|(?<=1),", below)
    for one in lists:
        listed = _NAMES.fullmatch(one)
        if listed is None or (listed["top"] and not _fits(formula, listed["top"])):
            raise refused
        outer += listed["names"].replace(",", "")
    pair = _PAIR.fullmatch(last)
    if pair is None:
        listed = _NAMES.fullmatch(last)
        if listed is None or (listed["top"] and not _fits(formula, listed["top"])):
            raise refused
        names = (*outer, *listed["names"].replace(",", ""))
        if len(set(names)) < len(names):
            raise refused
        return Range(names)
    if pair["top"] and not _fits(formula, pair["top"]):
        raise refused
    a, b, sign = pair["a"], pair["b"], pair["sign"]
    if sign in "<>" or sign in "≤≥":
        a, b, sign = (a, b, sign) if sign in "<≤" else (b, a, {">": "<", "≥": "≤"}[sign])
    if a == b:
        raise refused
    return Range(_summed(formula, token, outer, (pair["a"], pair["b"]), scope), sign, (a, b))  # type: ignore[arg-type]


def _summed(
    formula: Formula, token: Token, outer: Sequence[str], pair: tuple[str, str], scope: Sequence[str]
) -> tuple[str, ...]:
    """The coordinates that a sum with a relation runs over: those listed, or those of the pair that no sum has yet."""
    if outer:
        # \sum_{i, j \ne i} lists i, and j is summed over with it.
        return tuple(dict.fromkeys([*outer, *(one for one in pair if one not in scope)]))
    free = tuple(one for one in pair if one not in scope)
    if pair[0] not in free:
        said = f"a sum over {pair[0]} stands around this one: which coordinate it runs over can be read in two ways"
        raise formula.refuse(f"{said}; write the one that is summed over first", token)
    return free


def _parts(written: str) -> tuple[str, str]:
    """The text below and above a sum's sign, without spaces and in one spelling."""
    said = _HEAD.sub("", written, count=1).replace("\\\\", ";")
    said = _SPACE.sub("", said).translate(_BELOW)
    above = ""
    raised = re.search(r"\^(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\\?[A-Za-z](?:_(?:\{[^{}]*\}|\w))?|\d+))", said)
    if raised is not None:
        above = raised[1] or raised[2] or ""
        said = said[: raised.start()] + said[raised.end() :]
    said = said.removeprefix("_")
    while said.startswith("{") and said.endswith("}"):
        said = said[1:-1]
    for spelled, sign in _SIGNS.items():
        said = said.replace(spelled, sign)
    return said, above


def _fits(formula: Formula, above: str) -> bool:
    name = re.sub(r"[{}\\]", "", above)
    return bool(_TOP.fullmatch(above)) and (name not in formula.symbols or name in ("d1", "d_1"))
