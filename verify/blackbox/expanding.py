"""From a black box to its expansion: measured at several batch sizes, recognised, and interpolated in N."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import sympy

from derive import Expansion
from derive.notation import TEXT, product_of_invariants
from derive.series import EMBEDDING_DIMENSION
from derive.words import Invariants
from verify.blackbox.coefficients import Measured, Route, measured
from verify.blackbox.exact import COINCIDENCE, TOGETHER, rational_function, recognise, units
from verify.blackbox.function import BlackBox

N = sympy.Symbol("N")
SIZES = 8
MORE_SIZES = 14
WIDTHS = (2, 3, 4, 5, 6, 7)


@dataclass(frozen=True)
class Expanded:
    """What a black box expands to.

    Attributes:
        expansion: with N (and d1) symbolic; what was not recognised is a symbol of `numbers`.
        sizes: the batch sizes that were measured.
        numbers: symbol → batch size → (value, error) of coefficients that are left as numbers.
        residual: the largest |measured − recognised| / error.
        notes: what a reader should know.

    """

    expansion: Expansion
    sizes: tuple[int, ...]
    numbers: Mapping[str, Mapping[int, Measured]] = field(default_factory=dict)
    residual: float = 0.0
    notes: tuple[str, ...] = ()


def expanded(
    box: BlackBox,
    route: Route,
    *,
    order: int = 4,
    smallest: int = 2,
    named: Sequence[tuple[sympy.Expr, float]] = (),
    tick: Callable[[str], None] = lambda _: None,
) -> Expanded:
    """The expansion of a black box through an order, on Gaussian data with independent draws.

    Args:
        box: the loss.
        route: how to measure.
        order: 2, 4 or 6.
        smallest: the smallest batch that the loss takes.
        named: constants that coefficients may be multiples of, see `verify.blackbox.exact.constants`.
        tick: called with a word before each batch size.

    """
    terms: dict[Invariants, sympy.Expr] = {}
    numbers: dict[str, Mapping[int, Measured]] = {}
    notes: list[str] = []
    worst, sizes = 0.0, {smallest}
    for k in range(2, order + 1, 2):
        table = _Table(box, route, k, smallest, units(named, k), tick)
        for word in table.words:
            found, residual = table.function(word)
            if found is None:
                name = f"q{len(numbers) + 1}"
                found = sympy.Symbol(name)
                numbers[name] = table.numbers(word)
                written = product_of_invariants(word, TEXT)
                notes.append(f"{name}, the coefficient of {written}, is left as numbers: no exact form was recognised")
            elif word in table.wider:
                found = table.in_width(word)
                if found is None:
                    written = product_of_invariants(word, TEXT)
                    notes.append(
                        f"the coefficient of {written} depends on d1, in a way that was not recognised; d1 = 2"
                    )
                    found = table.function(word)[0]
            worst = max(worst, residual)
            terms[word] = found
        sizes |= table.sizes
    expansion = Expansion.collect(
        terms,
        order,
        loss=box.name,
        constant=sympy.Symbol("L_0"),
        assumptions=("zero mean", "Gaussian", "independent draws"),
        source="measured",
        parameters=("N", *numbers),
    )
    return Expanded(expansion, tuple(sorted(sizes)), numbers, worst, tuple(notes))


class _Table:
    """The words of one order, measured at several batch sizes and widths, as far as they are needed."""

    def __init__(
        self,
        box: BlackBox,
        route: Route,
        order: int,
        smallest: int,
        multiples: Sequence[tuple[sympy.Expr, float]],
        tick: Callable[[str], None],
    ) -> None:
        self.box, self.route, self.order, self.smallest = box, route, order, smallest
        self.multiples, self.tick = multiples, tick
        self.least = max(2, order // 2)
        self.at: dict[tuple[int, int], dict[Invariants, Measured]] = {}
        self.words = tuple(self.values(smallest, self.least))
        # Order 6 in four coordinates would take long: its dependence on d1 is not looked for.
        self.wider = {word for word in self.words if order <= 4 and self._depends_on_width(word)}

    @property
    def sizes(self) -> set[int]:
        """The batch sizes that were measured."""
        return {size for size, _ in self.at}

    def values(self, size: int, width: int) -> dict[Invariants, Measured]:
        """All words at one batch size and width."""
        if (size, width) not in self.at:
            self.tick(f"order {self.order}, N = {size}")
            self.at[size, width] = measured(self.box, size, self.order, self.route, width=width)
        return self.at[size, width]

    def _depends_on_width(self, word: Invariants) -> bool:
        (one, error), (other, more) = (
            self.values(self.smallest, width)[word] for width in (self.least, self.least + 1)
        )
        return abs(one - other) > 10 * (error + more) + 1e-9 * abs(one)

    def numbers(self, word: Invariants) -> dict[int, Measured]:
        """Batch size → value and error."""
        return {size: values[word] for (size, width), values in sorted(self.at.items()) if width == self.least}

    def function(self, word: Invariants, width: int | None = None) -> tuple[sympy.Expr | None, float]:
        """The coefficient as a rational function of N times a unit, and its largest residual in errors."""
        for count in (SIZES, MORE_SIZES):
            table = {n: self.values(n, width or self.least) for n in range(self.smallest, self.smallest + count)}
            found = _function(word, table, self.multiples)
            if found[0] is not None or _recognised(word, table, self.multiples) is None:
                break
        return found

    def in_width(self, word: Invariants) -> sympy.Expr | None:
        """The coefficient as a rational function of N and d1, None where it is not recognised."""
        by_width = {width: self.function(word, width)[0] for width in WIDTHS}
        if any(value is None for value in by_width.values()):
            return None
        parts = {width: sympy.fraction(sympy.cancel(sympy.together(value))) for width, value in by_width.items()}
        below = sympy.lcm_list([sympy.Poly(bottom, N).monic().as_expr() for _, bottom in parts.values()])
        above = {
            width: sympy.Poly(sympy.cancel(value * below), N) for width, value in by_width.items() if value is not None
        }
        total = sympy.S.Zero
        for power in range(1 + max(polynomial.degree() for polynomial in above.values())):
            points = {width: polynomial.coeff_monomial(N**power) for width, polynomial in above.items()}
            if not all(value.is_Rational for value in points.values()):
                return None
            found = rational_function({d: Fraction(int(v.p), int(v.q)) for d, v in points.items()}, EMBEDDING_DIMENSION)
            if found is None:
                return None
            total += found * N**power
        return sympy.factor(total / below)


def _recognised(
    word: Invariants, table: Mapping[int, Mapping[Invariants, Measured]], multiples: Sequence[tuple[sympy.Expr, float]]
) -> dict[sympy.Expr, dict[int, Fraction]] | None:
    """Batch size → rational, by unit; None where a size has none."""
    by_unit: dict[sympy.Expr, dict[int, Fraction]] = {}
    for unit in [sympy.S.One, *(unit for unit, _ in multiples)]:
        one = [pair for pair in multiples if pair[0] == unit]
        # One number at all sizes is one coincidence, different ones are several.
        values_at = [values[word] for values in table.values()]
        same = max(v for v, _ in values_at) - min(v for v, _ in values_at) <= sum(e for _, e in values_at)
        often = COINCIDENCE if same else TOGETHER
        found = {size: recognise(*values[word], units=one, coincidence=often) for size, values in table.items()}
        kept = {
            size: each.value
            for size, each in found.items()
            if each is not None and (each.unit == unit or each.value == 0)
        }
        if len(kept) == len(table):
            by_unit[unit] = kept
    return by_unit or None


def _function(
    word: Invariants, table: Mapping[int, Mapping[Invariants, Measured]], multiples: Sequence[tuple[sympy.Expr, float]]
) -> tuple[sympy.Expr | None, float]:
    """The coefficient as a rational function of N times a unit, and the largest residual in errors."""
    sizes_of = dict(multiples)
    best: tuple[int, sympy.Expr, float] | None = None
    for unit, points in (_recognised(word, table, multiples) or {}).items():
        found = rational_function(points, N)
        if found is None:
            continue
        size = sizes_of.get(unit, 1.0)
        residual = max(
            abs(table[n][word][0] - float(found.subs(N, n)) * size) / max(table[n][word][1], 1e-300) for n in table
        )
        candidate = (int(sympy.count_ops(found)) + len(str(found)), found * unit, residual)
        best = candidate if best is None or candidate[0] < best[0] else best
    return (None, 0.0) if best is None else best[1:]
