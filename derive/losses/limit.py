"""The limit of infinitely many data: a loss over a batch of N as N → ∞, from its definition.

A mean over a sample that grows with N becomes the population mean, by the law of large numbers. Under a logarithm
the summands of the largest weight are kept and that weight is pulled out as a constant:

    log((N − 1) mean_χ e^q + α e^p)  =  log(N − 1) + log(mean_χ e^q + α/(N − 1) e^p)  →  const + log E_χ e^q.

The constant grows with N but not with W: it is dropped, and the notes of the loss say so. Fluctuations of a sample
are of relative order 1/N; a definition in which a factor that grows with N multiplies them is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy

from derive.algebra.graphs import PLAIN
from derive.algebra.limits import at_infinity
from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Delta,
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
    free_indices,
    free_views,
    labels,
    rebuilt,
    walk,
)
from derive.definition.factors import split_off
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.rewriting import with_views
from derive.definition.views import View
from derive.errors import InputError
from derive.losses.loss import Loss

ONE = Scalar(sympy.S.One)
INFINITE = (sympy.oo, -sympy.oo, sympy.zoo)


def population(loss: Loss, N: str = "N") -> Loss:
    """The limit of a loss as its parameter N, the size of the batch, grows without bound.

    Other parameters stay fixed and are taken to be positive. One that grows with N is put in beforehand, such as
    ``loss.set({"alpha": eta * N})``.

    Args:
        loss: the loss.
        N: the name of the parameter that grows.

    Returns:
        A loss without N. What the limit drops, a constant that grows with N, is in its notes.

    Raises:
        InputError: N is not a parameter of the loss, or a part that depends on W has no limit.

    >>> from derive import catalogue, closed_form
    >>> limit = population(catalogue("weighted-infonce"))
    >>> limit.text()
    'E_x[½|f(x)−f(x′)|² + log E_χ exp(−½|f(x)−f(χ)|²)]'
    >>> limit.notes[-1]
    'The limit N → ∞; the constant log(N - 1), which grows with N, is dropped.'
    >>> closed_form(limit).series(12).terms == closed_form(catalogue("infonce")).series(12).terms
    True

    """
    known = loss.parameters
    if N not in known:
        listed = ", ".join(known) or "none"
        message = f"population(…, N={N!r}): {loss.name} has no parameter {N!r}; it has: {listed}"
        raise InputError(message)
    dropped, expression = _Limit(known[N], loss.name).limit(loss.expression)
    constant = f"the constant {sympy.logcombine(dropped, force=True)}, which grows with {N}, is dropped"
    note = f"The limit {N} → ∞; " + (constant if dropped != 0 else "nothing is dropped") + "."
    batch = None if loss.batch is None or loss.batch.has(known[N]) else loss.batch
    return replace(
        loss,
        expression=expression,
        name=f"{loss.name}+population",
        title=f"{loss.title or loss.name}, {N} → ∞",
        notes=(*loss.notes, note),
        batch=batch,
    )


def large_batch(loss: Loss) -> Loss:
    """The limit in which each parameter that is a number of data, or of views of one, grows without bound.

    Raises:
        InputError: a part that depends on W has no limit.

    >>> from derive import catalogue
    >>> large_batch(catalogue("weighted-infonce")).text()
    'E_x[½|f(x)−f(x′)|² + log E_χ exp(−½|f(x)−f(χ)|²)]'
    """
    for name in sorted(counted_symbols(loss)):
        loss = population(loss, name) if name in loss.parameters else loss
    return loss


def counted_symbols(loss: Loss) -> set[str]:
    """The parameters in a count: the number of data, or of views of a datum."""
    counts = [sample.count for sample in loss.samples]
    counts += [node.count for node in walk(loss.expression) if isinstance(node, ViewAverage) and node.count is not None]
    return {symbol.name for count in counts for symbol in count.free_symbols}


@dataclass(frozen=True)
class _Part:
    """A summand weight × node: unchanged (raw) and with the limit taken below it."""

    weight: sympy.Expr
    raw: Expression
    node: Expression


class _Limit:
    """Leading behaviour in N, node by node."""

    def __init__(self, N: sympy.Symbol, name: str) -> None:
        self.N = N
        self.name = name

    def limit(self, node: Expression) -> tuple[sympy.Expr, Expression]:
        """What grows with N and depends on no view, and the limit of the rest."""
        diverging = sympy.S.Zero
        kept: Expression = as_expression(0)
        for part, weight in self._merged(node).items():
            limit = self._at_infinity(weight)
            if limit == 0:
                continue
            if not limit.has(*INFINITE):
                kept = kept + limit * part
            elif part == ONE:
                diverging += weight
            else:
                raise self._refused(f"{weight} multiplies a part that depends on W, and grows without bound")
        return diverging, kept

    def _leading(self, node: Expression) -> tuple[sympy.Expr, Expression]:
        """A weight w(N) and a node without N such that node/w tends to it; a weight of 0 if the node vanishes."""
        weights = {part: weight for part, weight in self._merged(node).items() if weight != 0}
        if not weights:
            return sympy.S.Zero, ONE
        largest = next(iter(weights.values()))
        for weight in weights.values():
            if self._at_infinity(weight / largest).has(*INFINITE):
                largest = weight
        total: Expression = as_expression(0)
        for part, weight in weights.items():
            share = self._at_infinity(weight / largest)
            total = total + share * part if share != 0 else total
        match total:
            case Scalar(value):
                return largest * value, ONE
            case Product((Scalar(value), *rest)):
                return largest * value, rest[0] if len(rest) == 1 else Product(tuple(rest))
        return largest, total

    def _merged(self, node: Expression) -> dict[Expression, sympy.Expr]:
        """The summands by their limits, with their weights."""
        raw: dict[Expression, tuple[sympy.Expr, Expression]] = {}
        for part in self._parts(node):
            before = raw.get(part.raw, (sympy.S.Zero, part.node))[0]
            raw[part.raw] = (before + part.weight, part.node)
        merged: dict[Expression, sympy.Expr] = {}
        single: dict[Expression, list[sympy.Expr]] = {}
        for weight, limit in raw.values():
            if weight == 0:
                continue
            merged[limit] = sympy.together(merged.get(limit, sympy.S.Zero) + weight)
            single.setdefault(limit, []).append(weight)
        for limit, weight in merged.items():
            # Two different parts with one limit whose weights cancel: what is left is their fluctuation.
            if limit != ONE and any(self._at_infinity(weight / one) == 0 for one in single[limit]):
                raise self._refused("leading terms cancel, and what is left depends on fluctuations of the sample")
        return merged

    def _parts(self, node: Expression) -> list[_Part]:
        match node:
            case Scalar(value):
                return [_Part(value, ONE, ONE)]
            case Inner() | HalfSquare() | Coordinate() | Delta():
                return [_Part(sympy.S.One, node, node)]
            case Sum(terms):
                return [part for term in terms for part in self._parts(term)]
            case Product(factors):
                return self._product(node, factors)
            case Power(base, exponent):
                if exponent.has(self.N):
                    raise self._refused(f"the exponent {exponent} depends on {self.N}")
                weight, limit = self._leading(base)
                return [_Part(weight**exponent, node, ONE if limit == ONE else Power(limit, exponent))]
            case Exp(argument):
                constant, limit = self.limit(argument)
                return [_Part(sympy.exp(constant), node, Exp(limit))]
            case Log(argument):
                weight, limit = self._leading(argument)
                if weight == 0:
                    raise self._refused("the argument of a logarithm vanishes")
                parts = [] if weight == 1 else [_Part(sympy.log(weight), ONE, ONE)]
                return parts if limit == ONE else [_Part(sympy.S.One, node, Log(limit)), *parts]
            case Average(body, over, count):
                inside = self._parts(body)
                return [self._averaged(part, over, count) for part in inside]
            case ViewAverage(body, _, _, count):
                return [self._over_views(node, part, count) for part in self._parts(body)]
            case LogDet(entry, _, _) | InverseEntry(entry, _, _, _):
                constant, limit = self.limit(entry)
                if constant != 0:
                    raise self._refused(f"entries of a matrix grow like {constant}")
                return [_Part(sympy.S.One, node, rebuilt(node, [limit]))]
            case CoordinateSum(body, index):
                return [
                    _Part(part.weight, CoordinateSum(part.raw, index), CoordinateSum(part.node, index))
                    if index in free_indices(part.node)
                    else replace(part, weight=part.weight * EMBEDDING_DIMENSION)
                    for part in self._parts(body)
                ]
        message = f"no limit is known for {type(node).__name__}; was a new node added to derive.definition.expression?"
        raise TypeError(message)

    def _product(self, node: Expression, factors: tuple[Expression, ...]) -> list[_Part]:
        scalar, rest = split_off(factors)
        if len(rest) == 1:
            return [replace(part, weight=scalar * part.weight) for part in self._parts(rest[0])]
        limit: Expression = ONE
        for factor in rest:
            weight, one = self._leading(factor)
            scalar, limit = scalar * weight, limit * one
        return [_Part(scalar, node, limit)]

    def _averaged(self, part: _Part, over: tuple[View, ...], count: sympy.Expr | None) -> _Part:
        raw = Average(part.raw, over, count)
        used = tuple(view for view in over if view in free_views(part.node))
        if not used:
            # A mean of what does not vary.
            return replace(part, raw=raw if part.raw != ONE else ONE)
        number = self._count(count)
        # A sample that stays finite is shared with other means.
        mean = _mean(part.node, used) if number is None else Average(part.node, over, number)
        return _Part(part.weight, raw, mean)

    def _over_views(self, node: ViewAverage, part: _Part, count: sympy.Expr | None) -> _Part:
        raw = replace(node, body=part.raw)
        if not free_views(part.node) & set(node.over):
            return replace(part, raw=raw if part.raw != ONE else ONE)
        return _Part(part.weight, raw, replace(node, body=part.node, count=self._count(count)))

    def _count(self, count: sympy.Expr | None) -> sympy.Expr | None:
        """How many draws there are in the limit; None where that is the population."""
        number = None if count is None else self._at_infinity(count)
        if number == sympy.oo:
            return None
        if number is not None and number.has(*INFINITE):
            raise self._refused(f"a sample of {count} draws has no limit")
        return number

    def _at_infinity(self, weight: sympy.Expr) -> sympy.Expr:
        try:
            return at_infinity(weight, self.N)
        except InputError:
            raise self._refused(f"the limit of {weight} is not known") from None

    def _refused(self, reason: str) -> InputError:
        return InputError(f"{self.name} has no known limit as {self.N} grows: {reason}")


def _mean(node: Expression, over: tuple[View, ...]) -> Expression:
    """The population mean; plain views of a datum are exchangeable: one that is alone takes the datum's own name."""
    names = {label.name for part in walk(node) for label in labels(part) if isinstance(label, View)}
    put: dict[View, View] = {}
    for view in over:
        plain = view._replace(name=view.datum)
        if view.role == PLAIN and sum(other.datum == view.datum for other in over) == 1 and plain.name not in names:
            put[view] = plain
    return Average(with_views(node, put) if put else node, tuple(sorted(put.get(view, view) for view in over)), None)
