"""A definition written out, in plain text or in LaTeX."""

from __future__ import annotations

import sympy

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
    Statistic,
    Sum,
    ViewAverage,
    free_indices,
)
from derive.definition.factors import split_off
from derive.definition.lengths import Cosine, Length, cosines_and_lengths
from derive.definition.notation import LATEX, Style
from derive.definition.views import Index


def definition(node: Expression, style: Style) -> str:
    """A definition written out."""
    return _Writer(style).sum(node)


class _Writer:
    """Writes a definition, with brackets only where precedence needs them."""

    def __init__(self, style: Style, row: Index | None = None, column: Index | None = None) -> None:
        self.style = style
        # The coordinates of a matrix that is written as one: f(u)_row f(v)_column is f(u) f(v)ᵀ there.
        self.row = row
        self.column = column

    def sum(self, node: Expression) -> str:
        if not isinstance(node, Sum):
            return self.term(node)
        written = ""
        for term in node.terms:
            text = self.term(term)
            if not written:
                written = text
            elif text.startswith(("-", self.style.minus)):
                written += f" {self.style.minus} {text[1:].strip()}"
            else:
                written += f" + {text}"
        return written

    def term(self, node: Expression) -> str:
        if isinstance(node, Scalar):
            return self.style.scalar(node.value)
        if not isinstance(node, Product):
            return self.factor(node)
        style = self.style
        number, rest = split_off(node.factors)
        if self.row is not None:
            rest.sort(key=lambda factor: (self.row not in free_indices(factor), self.column in free_indices(factor)))
        cosines, lengths, rest = cosines_and_lengths(rest)
        written = [*map(self.cosine, cosines), *map(self.length, lengths), *map(self.factor, rest)]
        if cosines or lengths:
            pass
        elif len(rest) == 1 and isinstance(rest[0], HalfSquare):
            # 2 · ½|…|² is |…|²; what is left of the number stands right before it.
            number, written = number / 2, [self.square(rest[0])]
            if abs(number) == sympy.Rational(1, 2):
                number, written = 2 * number, [style.half + written[0]]
        elif len(rest) == 1 and isinstance(rest[0], Average | ViewAverage) and self.terms(rest[0]) == number:
            # n times the mean over n draws is their sum.
            head = self.style.sample_sum(self.names(rest[0]), self.style.scalar(rest[0].count or number))
            number, written = sympy.S.One, [self.after(head, rest[0].body)]
        negative = number.could_extract_minus_sign()
        size = -number if negative else number
        shown = [] if size == 1 and written else [self.style.scalar(size)]
        if size.is_Add and written:
            shown = [self.style.parentheses(shown[0])]
        return (self.style.minus if negative else "") + self.style.times.join([*shown, *written])

    def cosine(self, one: Cosine) -> str:
        inside = self.style.parentheses(f"{self.style.embedded(one.left)}, {self.style.embedded(one.right)}")
        written = self.style.cosine + inside
        return written if one.power == 1 else self.style.power(written, str(one.power))

    def length(self, one: Length) -> str:
        of = self.style.embedded(one.view)
        if one.power.is_Integer:
            return self.style.norm(of, int(one.power))
        exponent = self.style.scalar(one.power) if self.style is LATEX else str(one.power)
        return self.style.power(self.style.norm(of, 1), exponent)

    def factor(self, node: Expression) -> str:
        style = self.style
        match node:
            case Inner(u, v):
                return style.inner(style.embedded(u), style.embedded(v))
            case HalfSquare():
                return style.half + self.square(node)
            case Coordinate(u, i) if i in (self.row, self.column):
                return style.embedded(u) + (style.transpose if i == self.column else "")
            case Coordinate(u, i):
                return style.coordinate(style.embedded(u), i.name)
            case Delta(i, j):
                return "I" if {i, j} == {self.row, self.column} else style.delta(i.name + j.name)
            case LogDet(entry, row, column):
                return style.determinant + style.parentheses(self.matrix(entry, row, column))
            case InverseEntry(entry, row, column, (i, j)):
                inverse = style.power(style.parentheses(self.matrix(entry, row, column)), "-1")
                return inverse if (i, j) == (self.row, self.column) else style.entry(inverse, i.name + j.name)
            case Power(Inner(u, v), _) if u == v:
                (length,) = cosines_and_lengths((node,))[1]
                return self.length(length)
            case Power(base, exponent) if exponent == sympy.Rational(1, 2):
                return style.root(self.sum(base))
            case Power(base, exponent):
                return style.power(self.atom(base), style.scalar(exponent) if style is LATEX else str(exponent))
            case Exp(argument):
                return style.exponential + style.parentheses(self.sum(argument))
            case Log(argument):
                inside = self.sum(argument)
                simple = isinstance(argument, Average)
                return style.logarithm + (f" {inside}" if simple else style.parentheses(inside))
            case Average(body, _, count) | ViewAverage(body, _, _, count):
                names, terms = self.names(node), self.terms(node)
                if count is None or terms is None:
                    return self.after(style.mean(names), body)
                return self.after(style.sample_mean(names, style.scalar(terms), style.scalar(count)), body)
            case Statistic():
                return self.statistic(node)
            case CoordinateSum() if (product := _product(node, self.row, self.column)) is not None:
                number, factors = product
                shown = "" if number == 1 else self.factor(Scalar(number)) + style.times
                written = style.times.join(self.matrix_factor(*factor) for factor in factors)
                return shown + (written if self.row is not None else style.trace(written))
            case CoordinateSum(body, index):
                return self.after(style.coordinate_sum(index.name), body)
            case Scalar(value):
                shown = style.scalar(value)
                return style.parentheses(shown) if value.is_Add or value.could_extract_minus_sign() else shown
        return style.parentheses(self.sum(node))

    def statistic(self, node: Statistic) -> str:
        arguments = [self.sum(one) for one in node.arguments]
        if node.kind == "Var":
            arguments = arguments[:1]
        elif node.kind == "Cum" and len({*arguments}) == 1:
            arguments = [arguments[0], str(len(arguments))]
        given = ", ".join(map(self.style.view, node.given))
        inside = ", ".join(arguments) + (f" {self.style.given.strip()} {given}" if given else "")
        return self.style.statistic(node.kind) + self.style.brackets(inside)

    def square(self, node: HalfSquare) -> str:
        return self.style.square(self.style.embedded(node.left), self.style.embedded(node.right))

    def names(self, node: Average | ViewAverage) -> str:
        groups: dict[str, list[str]] = {}
        for view in node.over:
            own = view.name if isinstance(node, ViewAverage) else view.datum
            groups.setdefault(own if node.count is not None else "", []).append(self.style.view(view))
        names = self.style.different.join(map(",".join, groups.values()))
        return names + self.style.given + self.style.view(node.of) if isinstance(node, ViewAverage) else names

    def terms(self, node: Average | ViewAverage) -> sympy.Expr | None:
        """How many summands a mean over a sample has."""
        if node.count is None:
            return None
        together = len(node.over) if isinstance(node, ViewAverage) else len({view.datum for view in node.over})
        return sympy.Mul(*(node.count - k for k in range(together)))

    def matrix(self, entry: Expression, row: Index, column: Index) -> str:
        """A matrix, given its entry: f(u)_i f(v)_j is written as f(u) f(v)ᵀ where each term is of this kind."""
        if _ends(entry, row, column) == frozenset((row, column)):
            return _Writer(self.style, row, column).sum(entry)
        return self.style.entry(_Writer(self.style).sum(entry), row.name + column.name)

    def matrix_factor(self, entry: Expression, row: Index, column: Index) -> str:
        """A matrix, given its entry, as a factor of a product."""
        if isinstance(entry, InverseEntry):
            own = (entry.row, entry.column) if entry.at == (row, column) else (entry.column, entry.row)
            return self.style.power(self.style.parentheses(self.matrix(entry.entry, *own)), "-1")
        written = self.matrix(entry, row, column)
        return self.style.parentheses(written) if isinstance(entry, Sum) else written

    def after(self, head: str, body: Expression) -> str:
        if isinstance(body, Exp | Inner | Coordinate | CoordinateSum):
            return f"{head.rstrip()} {self.factor(body)}"
        return head + self.style.brackets(self.sum(body))

    def atom(self, node: Expression) -> str:
        if isinstance(node, Inner | Coordinate):
            return self.factor(node)
        return self.style.parentheses(self.sum(node))


def _product(
    node: Expression, row: Index | None, column: Index | None
) -> tuple[sympy.Expr, list[tuple[Expression, Index, Index]]] | None:
    """A sum over coordinates as a number times a product of matrices, each by its entry, its row and its column.

    The product is from the row to the column, or the trace of one where there are none; None where it is neither.
    """
    summed: list[Index] = []
    while isinstance(node, CoordinateSum):
        summed.append(node.index)
        node = node.body
    factors = list(node.factors if isinstance(node, Product) else (node,))
    number, left = split_off(factors)
    if row is None and len(left) == 1 == len(summed) and isinstance(left[0], InverseEntry):
        return (number, [(left[0], *left[0].at)]) if {*left[0].at} == {*summed} else None
    start, end = (summed[0], summed[0]) if row is None or column is None else (row, column)
    if len({*summed}) < len(summed) or len(left) != len(summed) + (row is not None) or len(left) < 2:
        return None
    found: list[tuple[Expression, Index, Index]] = []
    while left:
        # The next matrix has the column of the last one for its row.
        after = [(factor, other) for factor in left for other in (_other_end(factor, start),) if other is not None]
        if not after or (start == end and found):
            return None
        factor, other = after[0]
        left.remove(factor)
        found.append((factor, start, other))
        start = other
    return (number, found) if start == end else None


def _other_end(factor: Expression, row: Index) -> Index | None:
    """The column of a matrix that has this row, given its entry."""
    free = free_indices(factor)
    if row not in free or len(free) != 2:
        return None
    (column,) = free - {row}
    return column if _ends(factor, row, column) == free else None


def _ends(node: Expression, row: Index, column: Index) -> frozenset[Index] | None:
    """Which of two coordinates a node is linear in, one factor each; None where it is in neither or another way."""
    own = frozenset((row, column))
    match node:
        case Coordinate(_, index):
            return frozenset((index,)) & own
        case Delta(i, j) | InverseEntry(_, _, _, (i, j)):
            return frozenset((i, j)) & own
        case Average(body, _, _) | ViewAverage(body, _, _, _) | CoordinateSum(body, _):
            return _ends(body, row, column)
        case Sum(terms):
            kinds = {_ends(term, row, column) for term in terms}
            return kinds.pop() if len(kinds) == 1 else None
        case Product(factors):
            found: frozenset[Index] = frozenset()
            for factor in factors:
                more = _ends(factor, row, column)
                if more is None or more & found:
                    return None
                found |= more
            return found
    return None if free_indices(node) & own else frozenset()
