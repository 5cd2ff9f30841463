"""What a definition contains: its parameters, its views and coordinates, its samples and the batch that they make.

A definition in which one of these makes no sense is refused here, whatever loss it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.algebra.graphs import AUGMENTATION, CLASSMATE, ENCODER, OF_ONE_KIND, PLAIN, STOPPED
from derive.algebra.letters import Letter
from derive.definition.clusters import Sample
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
    children,
    free_indices,
    free_views,
    labels,
    scalars,
    walk,
)
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.views import View
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


def parameters(expression: Expression) -> dict[str, sympy.Symbol]:
    """The symbols of a definition by name; d1, the embedding's dimension, is one where the definition needs it."""
    found = _symbols(expression)
    if any(isinstance(node, CoordinateSum | LogDet) for node in walk(expression)):
        found.add(EMBEDDING_DIMENSION)
    return {symbol.name: symbol for symbol in sorted(found, key=str)}


def samples(expression: Expression) -> tuple[Sample, ...]:
    """The finite samples that a definition draws.

    >>> from derive import Mean, half_sq, symbols, views
    >>> x, chi = views("x, chi")
    >>> samples(Mean(half_sq(x, chi), over=chi, count=symbols("N") - 1))
    (Sample(datum='chi', count=N - 1),)
    """
    drawn = {
        Sample(node.over[0].datum, node.count)
        for node in walk(expression)
        if isinstance(node, Average) and node.count is not None
    }
    return tuple(sorted(drawn, key=str))


def batch_size(expression: Expression, name: str) -> sympy.Expr | None:
    """The number of data in a batch, or None for a population loss; the name is that of the loss, for the message.

    Where a mean over a sample of n also looks at the datum that the loss is averaged over, the batch is that datum
    and the sample, n + 1; otherwise it is the sample.

    Raises:
        InputError: samples of different sizes.

    """
    drawn = samples(expression)
    if not drawn:
        return None
    if len({sample.count for sample in drawn}) > 1:
        message = f"{name} draws samples of different sizes; give the size of the batch, Loss(…, batch=N)"
        raise InputError(message)
    anchor = free_views(expression)
    beside = any(
        isinstance(node, Average) and node.count is not None and free_views(node.body) & anchor
        for node in walk(expression)
    )
    return drawn[0].count + (1 if beside else 0)


def roles(expression: Expression) -> frozenset[int]:
    """How the views of a definition are seen, see `derive.algebra.graphs`.

    >>> from derive import inner, views
    >>> (x,), (y,) = views("x"), views("x_text", encoder="g")
    >>> sorted(roles(inner(x, y)))
    [0, 1]
    """
    named = (label for node in walk(expression) for label in labels(node))
    return frozenset(label.role for label in named if isinstance(label, View))


def encoders(seen: frozenset[int]) -> int:
    """2 where some views are seen through a second encoder, g(y) = V y, else 1; by the roles of the views."""
    return 2 if ENCODER in seen else 1


def looks_at_coordinates(expression: Expression) -> bool:
    """Whether a definition contains coordinates of f, and not only inner products and distances.

    >>> from derive import catalogue
    >>> [looks_at_coordinates(catalogue(name).expression) for name in ("spectral", "vicreg")]
    [False, True]
    """
    return any(isinstance(node, Coordinate) for node in walk(expression))


def sees_differences(expression: Expression) -> bool:
    """Whether a definition is known to see nothing but differences of f at views, and white noise.

    >>> from derive import catalogue
    >>> [sees_differences(catalogue(name).expression) for name in ("infonce+weight-decay", "ntxent")]
    [True, False]
    """
    for node in walk(expression):
        if isinstance(node, Inner) and not (node.left.white and node.right.white):
            return False
        if isinstance(node, Coordinate) and not node.view.white:
            return False
    return True


def parity(expression: Expression) -> int | None:
    """How a definition changes under f → −f: 0 for not at all, 1 for a change of sign, None where neither is known.

    >>> from derive import catalogue, diagonal_sum, views
    >>> (x,) = views("x")
    >>> parity(catalogue("vicreg").expression), parity(diagonal_sum(lambda i: Coordinate(x, i) ** 3))
    (0, 1)
    """
    inside = [parity(part) for part in children(expression)]
    match expression:
        case Coordinate():
            return 1
        case Product():
            return None if None in inside else sum(one or 0 for one in inside) % 2
        case Power(_, exponent) if exponent.is_Integer and inside[0] is not None:
            return inside[0] * int(exponent) % 2
        case Sum() | Average() | ViewAverage() | CoordinateSum():
            return inside[0] if len(set(inside)) == 1 else None
    return 0 if set(inside) <= {0} else None


def depends_on_moments(expression: Expression) -> bool:
    """Whether a definition depends on the data through finitely many moments alone.

    Its means are then of polynomials in f; exp, log, roots and reciprocals are taken of such means.

    >>> from derive import catalogue
    >>> [depends_on_moments(catalogue(name).expression) for name in ("spectral", "vicreg", "infonce")]
    [True, True, False]
    """

    def of_one_datum(node: Expression) -> bool:
        match node:
            case Exp() | Log() | LogDet() | InverseEntry():
                return bool(free_views(node))
            case Power(_, exponent) if not (exponent.is_Integer and exponent >= 0):
                return bool(free_views(node))
        return False

    return not any(map(of_one_datum, walk(expression)))


def degree_of(node: Expression) -> int | None:
    """The degree in W of a polynomial in inner products and coordinates, None for anything else."""
    match node:
        case Scalar():
            return 0
        case Inner() | HalfSquare():
            return 2
        case Coordinate():
            return 1
        case Sum(terms):
            degrees = [degree_of(term) for term in terms]
            return None if None in degrees else max((d for d in degrees if d is not None), default=0)
        case Product(factors):
            degrees = [degree_of(factor) for factor in factors]
            return None if None in degrees else sum(d for d in degrees if d is not None)
        case Power(base, exponent):
            degree = degree_of(base)
            natural = exponent.is_Integer and exponent >= 0
            return degree * int(exponent) if degree is not None and natural else None
        case Average(body, _, _) | ViewAverage(body, _, _, _) | CoordinateSum(body, _):
            return degree_of(body)
    return None


def drawn_together(expression: Expression) -> Iterator[tuple[int, sympy.Expr]]:
    """How many different draws, or views of a datum, each mean over a count takes at a time, and of how many."""
    for node in walk(expression):
        match node:
            case Average(_, over, count) if count is not None:
                yield len({view.datum for view in over}), count
            case ViewAverage(_, over, _, count) if count is not None:
                yield len(over), count


def check_definition(expression: Expression, name: str, *, closed: bool = True) -> None:
    """Check that a definition makes sense, before anything is derived from it.

    Args:
        expression: the definition.
        name: the name of the loss, for messages.
        closed: whether views of one datum alone may be free, and no coordinate, as in a loss.

    Raises:
        InputError: views of two data are free; two symbols have one name, or one is a symbol of the theory; a name
            could not be written in a program; a sample has no draws, or fewer than are taken at a time.

    """
    if closed:
        check_closed(expression)
    _check_symbols(expression, name)
    named = {label.name for node in walk(expression) for label in labels(node)}
    for label in sorted({*parameters(expression), *named}):
        if not label.isidentifier():
            message = (
                f"{name}: {label!r} is not a name of a parameter, a view or a coordinate; use letters, digits"
                " and _, as in alpha or x_pos (Greek letters are written by name)"
            )
            raise InputError(message)
    _check_seen(expression, name)
    for sample in samples(expression):
        if sample.count.is_number and not (sample.count.is_Integer and sample.count >= 1):
            message = f"{name}: a sample cannot have {sample.count} draws; give a batch of 2 data or more"
            raise InputError(message)
    for drawn, number in drawn_together(expression):
        if number.is_number and not (number.is_Integer and number >= drawn):
            what = f"{drawn} different draws or views of {number}" if drawn > 1 else f"{number} views"
            message = f"{name}: a mean over {what} is not defined; give a larger number"
            raise InputError(message)


def _check_seen(expression: Expression, name: str) -> None:
    """Check that views are of two kinds at most, and each name stands for a view that is seen in one way."""
    if roles(expression) >= {ENCODER, AUGMENTATION}:
        message = (
            f"{name} has views through a second encoder and others under a second augmentation; A and Σ₂ are of one of"
            " these: leave one of them out"
        )
        raise InputError(message)
    if CLASSMATE in roles(expression) and roles(expression) - OF_ONE_KIND:
        message = f"{name} has views of one class beside views of a second kind; classes are derived with one kind"
        raise InputError(message)
    if STOPPED in roles(expression) and roles(expression) - {PLAIN, STOPPED}:
        message = f"{name} has stopped views beside views of a second kind; fields are derived with one encoder"
        raise InputError(message)
    by_name: dict[str, View] = {}
    for view in sorted({one for node in walk(expression) for one in labels(node) if isinstance(one, View)}):
        if by_name.setdefault(view.name, view).role != view.role and not view.white:
            if STOPPED in (view.role, by_name[view.name].role):
                message = f"{name}: {view.name} is stopped in one place and not in another; stop another view of it"
                raise InputError(message)
            message = (
                f"{name}: {view.name} names two views, seen in two ways; give the second a name of its own, as in"
                f" views('{view.name}_text', encoder='g') or views('{view.name}_strong', augmentation=2)"
            )
            raise InputError(message)


def _check_symbols(expression: Expression, name: str) -> None:
    """Check that each name stands for one symbol, and that no symbol is one of the theory's."""
    by_name: dict[str, sympy.Symbol] = {}
    for symbol in sorted(_symbols(expression), key=str):
        if isinstance(symbol, Letter):
            message = f"{name}: {symbol} is a symbol of the theory; make one of your own, derive.symbols('{symbol}')"
            raise InputError(message)
        if by_name.setdefault(symbol.name, symbol) != symbol:
            message = f"{name}: two symbols of different assumptions are called {symbol.name!r}; use one of them"
            raise InputError(message)


def _symbols(expression: Expression) -> set[sympy.Symbol]:
    """The symbols of a definition's scalars."""
    return set().union(*(value.free_symbols for value in scalars(expression)), set())


def check_closed(expression: Expression) -> None:
    """Refuse a definition that leaves views of two data, or a coordinate, unbound."""
    loose = sorted(index.name for index in free_indices(expression))
    if loose:
        message = f"coordinate {loose[0]} is free; sum over it with diagonal_sum or off_diagonal_sum"
        raise InputError(message)
    data: dict[str, list[str]] = {}
    for view in sorted(free_views(expression)):
        data.setdefault(view.datum, []).append(view.name)
    if len(data) > 1:
        listed = "; ".join(", ".join(names) for names in data.values())
        message = (
            f"views of {len(data)} data are free ({listed}); the loss is averaged over one datum and its views,"
            f" so bind the others with Mean(…, over=…){_pairing(list(data.values()))}"
        )
        raise InputError(message)


def _pairing(data: list[list[str]]) -> str:
    """A hint on how views pair, where no datum has two of them: names may have been meant to pair."""
    if any(len(names) > 1 for names in data):
        return ""
    first, second = sorted((names[0] for names in data), key=lambda name: (len(name), name))[:2]
    end = second.removeprefix(first).strip("_") or "pos"
    meant = f"{first}_{end if len(end) < len(second) else 'pos'}"
    return (
        ". Views pair by what stands before the first underscore, as x and x_pos do: if"
        f" {second} is a second view of {first}, call it {meant}"
    )
