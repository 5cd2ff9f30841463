"""Finite samples stay distinct when values put for parameters make their sizes equal."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from derive.definition.expression import Average, Expression, ViewAverage, children, free_views, rebuilt, walk
from derive.definition.rewriting import with_views
from derive.definition.views import View
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sympy


def kept_apart(node: Expression, values: Mapping[sympy.Symbol, sympy.Expr]) -> Expression:
    """The definition in which no two samples become one when values are put for parameters.

    A sample of N − 1 draws of a datum and one of 1 draw are two samples. At N = 2 their sizes are equal, so one of them
    is given a datum of its own beforehand, chi2 next to chi.
    """
    _check_views(node, values)
    names = {name for part in walk(node) for view in _views(part) for name in (view.name, view.datum)}
    suffixes: dict[tuple[str, sympy.Expr], str] = {}
    taken: set[tuple[str, sympy.Expr]] = set()
    drawn = {
        (part.over[0].datum, part.count) for part in walk(node) if isinstance(part, Average) and part.count is not None
    }
    for datum, size in sorted(drawn, key=str):
        after = (datum, size.xreplace(dict(values)))
        if after in taken:
            used = {*names, *(datum + suffix for (datum, _), suffix in suffixes.items())}
            suffixes[datum, size] = next(str(k) for k in count(2) if not _among(f"{datum}{k}", used))
        taken.add(after)
    return _with_suffixes(node, suffixes) if suffixes else node


def _check_views(node: Expression, values: Mapping[sympy.Symbol, sympy.Expr]) -> None:
    """Refuse values that make two numbers of further views of one datum equal: the views would be the same."""
    counts = {
        (part.of.datum, part.count) for part in walk(node) if isinstance(part, ViewAverage) and part.count is not None
    }
    after: dict[tuple[str, sympy.Expr], sympy.Expr] = {}
    for datum, size in sorted(counts, key=str):
        one = after.setdefault((datum, size.xreplace(dict(values))), size)
        if one != size:
            message = (
                f"{one} and {size} further views of {datum} are drawn separately, and would be the same where"
                " these numbers are equal; set the value on the expansion"
            )
            raise InputError(message)


def _views(node: Expression) -> frozenset[View]:
    return free_views(node) | set(node.over if isinstance(node, Average) else ())


def _among(datum: str, names: set[str]) -> bool:
    return any(name == datum or name.startswith(f"{datum}_") for name in names)


def _with_suffixes(node: Expression, suffixes: Mapping[tuple[str, sympy.Expr], str]) -> Expression:
    """The definition with other names for the views of some samples."""
    node = rebuilt(node, [_with_suffixes(part, suffixes) for part in children(node)])
    if not isinstance(node, Average) or node.count is None:
        return node
    suffix = suffixes.get((node.over[0].datum, node.count))
    if suffix is None:
        return node
    put = {view: _of_datum(view, view.datum + suffix) for view in node.over}
    return replace(node, body=with_views(node.body, put), over=tuple(put.values()))


def _of_datum(view: View, datum: str) -> View:
    """The same view of another datum: chi2_pos for chi_pos."""
    rest = view.name.removeprefix(view.datum)
    return view._replace(name=datum + (rest if rest != view.name else f"_{view.name}"), datum=datum)
