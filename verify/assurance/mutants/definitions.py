"""Slips in a definition: the derivation then starts from another loss than the one whose name it bears.

One node of the tree is changed at a time, wherever it stands: the exponent of a power, the sign or factor of a number,
one view taken for another, a summand lost or counted twice, the number of draws of a mean, the mask of a double sum,
two independent replicas of a mean taken for one, E[q]² = E[q²]. In a definition with two kinds of views, one view is
seen in the other way, everywhere or at one place, or all are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import sympy

from derive import Expansion, InputError, Loss
from derive.algebra.graphs import CLASSMATE, PLAIN
from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    InverseEntry,
    Log,
    LogDet,
    Power,
    Product,
    Scalar,
    Sum,
    ViewAverage,
    as_expression,
    children,
    labels,
    rebuilt,
    walk,
)
from derive.definition.notation import TEXT
from derive.definition.rewriting import relabelled, with_indices, with_views
from derive.definition.views import View
from derive.definition.written import definition
from verify.assurance.mutants.mutant import Mutant

# What a node becomes: the kind of slip, what was done, and the new node.
Slip = tuple[str, str, Expression]


def slips(loss: Loss, order: int) -> Iterator[Mutant]:
    """What the engine derives from each slipped definition; those from which it derives nothing are left out."""
    named = {label for node in walk(loss.expression) for label in labels(node)}
    views = tuple(sorted(label for label in named if isinstance(label, View)))
    for kind, name, changed in (*_everywhere(loss.expression, views), *_seen(loss, views)):
        try:
            expansion = replace(loss, expression=changed).expand(order)
        except InputError:
            continue
        yield Mutant(kind, f"definition: {name}", _of(expansion, loss))


def _seen(loss: Loss, views: Sequence[View]) -> Iterator[Slip]:
    """Views seen in the other way."""
    if len(loss.roles) < 2:
        return
    other = dict(zip(sorted(loss.roles), sorted(loss.roles, reverse=True), strict=True))
    if CLASSMATE in loss.roles:
        # One datum for two of a class, and the other way round.
        other = {PLAIN: CLASSMATE, CLASSMATE: PLAIN}
    turned = {view: view._replace(role=other[view.role]) for view in views}
    for view, new in turned.items():
        yield "symbol exchanged", f"{view.name} seen in the other way", relabelled(loss.expression, {view: new})
    yield "symbol exchanged", "all views seen in the other way", relabelled(loss.expression, turned)
    for k, changed in enumerate(_at_one_place(loss.expression, turned)):
        yield "symbol exchanged", f"a view seen in the other way at place {k + 1} alone", changed


def _at_one_place(node: Expression, turned: Mapping[View, View]) -> Iterator[Expression]:
    """A further view of the datum, seen in the other way, at one of the places of a view that no mean binds."""
    match node:
        case Inner(u, v) | HalfSquare(u, v):
            for view in dict.fromkeys((u, v)):
                new = turned[view]._replace(name=f"{view.name}_turned")
                yield type(node)(*(new if one == view else one for one in (u, v)))
    for k, part in enumerate(children(node)):
        yield from (with_part(node, k, changed) for changed in _at_one_place(part, turned))


def _of(expansion: Expansion, loss: Loss) -> Expansion:
    """As an expansion of the loss itself; one with a parameter that the loss does not have is not one of it."""
    return replace(expansion, parameters=tuple(loss.parameters), constant=sympy.S.Zero)


def _everywhere(node: Expression, views: Sequence[View]) -> Iterator[Slip]:
    for kind, what, changed in _here(node, views):
        yield kind, f"{what} in {_short(node)}", changed
    for k, part in enumerate(children(node)):
        for kind, name, changed in _everywhere(part, views):
            yield kind, name, with_part(node, k, changed)


def _here(node: Expression, views: Sequence[View]) -> Iterator[Slip]:
    match node:
        case Scalar(value) if value != 0:
            yield "sign", "sign flipped", Scalar(-value)
            yield "coefficient", "doubled", Scalar(2 * value)
            yield "coefficient", "halved", Scalar(value / 2)
            for N in (one for one in value.free_symbols if one.name == "N"):
                yield "symbol exchanged", "N for N − 1", Scalar(value.subs(N, N + 1))
                yield "symbol exchanged", "N − 2 for N − 1", Scalar(value.subs(N, N - 1))
        case Inner(u, v):
            yield from _other_views(node, u, v, views)
        case HalfSquare(u, v):
            yield "coefficient", "½ lost", 2 * node
            yield "term dropped or doubled", "squares lost", -Inner(u, v)
            yield from _other_views(node, u, v, views)
        case Coordinate(u, index):
            for view in views:
                if view.datum == u.datum and view != u:
                    yield "symbol exchanged", f"{view.name} for {u.name}", Coordinate(view, index)
        case Sum(terms):
            for k, term in enumerate(terms):
                rest = terms[:k] + terms[k + 1 :]
                mask = isinstance(term, CoordinateSum) or any(isinstance(one, CoordinateSum) for one in children(term))
                kind = "wrong mask" if mask else "term dropped or doubled"
                yield kind, f"{_short(term)} dropped", rest[0] if len(rest) == 1 else Sum(rest)
                yield kind, f"{_short(term)} counted twice", Sum((*terms, term))
                yield "sign", f"sign of {_short(term)} flipped", Sum((*rest, -term))
        case Product(factors):
            yield from _joined(factors)
        case Power(base, exponent):
            for by in (exponent + 1, exponent - 1):
                yield "exponent", f"{by} for {exponent}", as_expression(1) if by == 0 else Power(base, by)
            if isinstance(base, Average) and exponent == 2:
                yield from _joined((base, base))
        case Exp(argument):
            yield "exponent", "1 + q for exp q", 1 + argument
            yield "sign", "exp(−q) for exp q", Exp(-argument)
        case Log(argument):
            if isinstance(argument, Average):
                inside = Log(argument.body)
                yield "wrong replicas", "the mean of a logarithm", Average(inside, argument.over, argument.count)
            yield "exponent", "q − 1 for log q", argument - 1
        case ViewAverage() | LogDet() | InverseEntry():
            yield from _further(node)
        case Average(body, over, count) if count is not None:
            for number, name in ((None, "infinitely many draws"), (sympy.S.One, "one draw")):
                yield "coincidence weights", name, Average(body, over, number)
            yield from _further(node)
            for number in (count + 1, count - 1):
                yield "coincidence weights", f"{number} draws", Average(body, over, number)
        case CoordinateSum(CoordinateSum(body, j), i):
            diagonal = CoordinateSum(with_indices(body, {j: i}), i)
            yield "wrong mask", "the diagonal for the whole", diagonal
            yield "wrong mask", "the whole less its diagonal for the whole", node - diagonal


def _further(node: Expression) -> Iterator[Slip]:
    """In means over pairs and over further views, and in functions of matrices."""
    match node:
        case Average(body, over, count) if count is not None and len({view.datum for view in over}) > 1:
            first = over[0].datum
            same = {view: view._replace(name=view.name_at(first), datum=first) for view in over}
            alone = Average(with_views(body, same), tuple(sorted({*same.values()})), count)
            # Of n² cases n(n − 1) are pairs and n the diagonal.
            yield "coincidence weights", "the diagonal counted", (1 - 1 / count) * node + alone / count
        case ViewAverage(body, over, of, count) if count is not None:
            for number, name in ((None, "infinitely many views"), (count + 1, f"{count + 1} views")):
                yield "coincidence weights", name, ViewAverage(body, over, of, number)
        case LogDet(entry, row, column):
            yield "exponent", "the trace for log det", CoordinateSum(with_indices(entry, {column: row}), row)
        case InverseEntry(entry, row, column, (i, j)):
            yield "exponent", "the matrix for its inverse", with_indices(entry, {row: i, column: j})


def _other_views(node: Inner | HalfSquare, u: View, v: View, views: Sequence[View]) -> Iterator[Slip]:
    for view in views:
        if view.white != u.white:
            continue
        for k, old in enumerate((u, v)):
            if view != old:
                pair = (view, v) if k == 0 else (u, view)
                yield "symbol exchanged", f"{view.name} for {old.name}", type(node)(*pair)


def _joined(factors: Sequence[Expression]) -> Iterator[Slip]:
    """Two means over replicas of the same views taken for one mean."""
    means = [k for k, one in enumerate(factors) if isinstance(one, Average)]
    for k, m in ((k, m) for at, k in enumerate(means) for m in means[at + 1 :]):
        one, other = factors[k], factors[m]
        assert isinstance(one, Average)  # noqa: S101 (told the type checker)
        assert isinstance(other, Average)  # noqa: S101 (told the type checker)
        over = tuple(sorted({*one.over, *other.over}))
        same_datum = {view.datum for view in one.over} == {view.datum for view in other.over}
        if same_datum and one.count == other.count:
            joined = Average(one.body * other.body, over, one.count)
            rest = [part for n, part in enumerate(factors) if n not in (k, m)]
            yield "wrong replicas", "one replica for two", Product((*rest, joined)) if rest else joined


def with_part(node: Expression, k: int, part: Expression) -> Expression:
    """A node with one of its parts exchanged."""
    parts = children(node)
    return rebuilt(node, [*parts[:k], part, *parts[k + 1 :]])


def _short(node: Expression) -> str:
    written = definition(node, TEXT)
    return written if len(written) <= 60 else written[:57] + "…"
