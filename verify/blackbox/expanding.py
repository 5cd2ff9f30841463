"""From a black box to its expansion: measured at several batch sizes, recognised, and interpolated in N."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import sympy

from derive import Expansion, InputError
from derive.notation import TEXT, product_of_invariants
from derive.series import EMBEDDING_DIMENSION
from derive.words import Invariants
from verify.blackbox.coefficients import Measured, Route, measured
from verify.blackbox.exact import COINCIDENCE, TOGETHER, Unit, fitted, rational, rational_function, units
from verify.blackbox.function import BlackBox
from verify.blackbox.literals import literals
from verify.blackbox.literals import units as units_in_code

N = sympy.Symbol("N")
SIZES = 8
MORE_SIZES = 14
WIDTHS = (2, 3, 4, 5, 6, 7, 8)
# Batches at which a formula is tried that was found at small ones, through order 4; a loss whose calls take longer than
# this, in seconds, is tried at none of them.
FAR = (17, 64, 257)
SLOW = 0.02
# How many errors a number is from 0 that is not 0, and a measurement from a formula that is not its own.
NONZERO, FARTHER = 3.0, 10.0
# How much rarer a coincidence has to be with units that nobody named, of which there are dozens.
IN_CODE = 1e-2
# A relative error from which on a number is no longer double precision's.
COARSE = 1e-9


@dataclass(frozen=True)
class Expanded:
    """What a black box expands to.

    Attributes:
        expansion: with N (and d1) symbolic; what was not recognised is a symbol of `numbers`.
        sizes: the batch sizes that were measured.
        numbers: symbol → batch size → (value, error) of coefficients that are left as numbers.
        constants: name → value of the constants in the coefficients, named by the user or found in the code.
        width: the d1 that the formula is claimed for, None for every one.
        largest: the largest N that the formula is claimed for, None for every one.
        tried: batch sizes beyond those that were measured, at which the formula was held against new measurements.
        residual: the largest |measured − recognised| / error.
        notes: what a reader should know.

    """

    expansion: Expansion
    sizes: tuple[int, ...]
    numbers: Mapping[str, Mapping[int, Measured]] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    width: int | None = None
    largest: int | None = None
    tried: tuple[int, ...] = ()
    residual: float = 0.0
    notes: tuple[str, ...] = ()

    def at(self, size: int, width: int) -> Expansion:
        """The expansion in numbers, at one batch size and one d1.

        Raises:
            InputError: a coefficient is a number that was not measured there.

        """
        if self.width not in (None, width):
            message = f"the formula is that of d1 = {self.width}"
            raise InputError(message)
        values: dict[str, float] = {"N": size, "d1": width, **self.constants}
        for name, measured_at in self.numbers.items():
            if size not in measured_at:
                message = f"{name} is a number that was not measured at N = {size}"
                raise InputError(message)
            values[name] = measured_at[size][0]
        unknown = [symbol.name for symbol in self.expansion.symbols if symbol.name not in values]
        if unknown:
            message = f"{unknown[0]} has no value here; give it with --set {unknown[0]}=…"
            raise InputError(message)
        # In floating point first: SymPy would work out an exponential of a long fraction as a polynomial.
        put = {symbol: values[symbol.name] for symbol in self.expansion.symbols}
        return self.expansion.with_terms(
            (term.invariants, sympy.Rational(float(term.coefficient.evalf(30, subs=put))))
            for term in self.expansion.terms
        )

    def uncertain(self, size: int) -> float:
        """The largest error of a coefficient that is left as a number, at a batch size."""
        return max((measured_at[size][1] for measured_at in self.numbers.values() if size in measured_at), default=0.0)

    @property
    def with_signs(self) -> Expansion:
        """The same, its symbols declared to have the signs that were measured, or to be real where that is open.

        A landscape depends on the signs of coefficients, and takes what is not declared for positive.
        """
        signs = {name: np.sign(value) for name, value in self.constants.items()}
        for name, measured_at in self.numbers.items():
            seen = {np.sign(value) if abs(value) > NONZERO * error else 0.0 for value, error in measured_at.values()}
            signs[name] = seen.pop() if len(seen) == 1 else 0.0
        declared = {
            sympy.Symbol(name): sympy.Symbol(name, negative=True) if sign < 0 else sympy.Symbol(name, real=True)
            for name, sign in signs.items()
            if sign <= 0
        }
        return self.expansion.with_terms(
            (term.invariants, term.coefficient.xreplace(declared)) for term in self.expansion.terms
        )


def expanded(
    box: BlackBox,
    route: Route,
    *,
    order: int = 4,
    smallest: int = 2,
    only: int | None = None,
    named: Sequence[Unit] = (),
    values: Mapping[str, float] = MappingProxyType({}),
    tick: Callable[[str], None] = lambda _: None,
) -> Expanded:
    """The expansion of a black box through an order, on Gaussian data with independent draws.

    Args:
        box: the loss.
        route: how to measure.
        order: 2, 4 or 6.
        smallest: the smallest batch that the loss takes.
        only: the one batch size to measure at, None to find the dependence on N.
        named: constants that coefficients may be multiples of, see `verify.blackbox.exact.constants`.
        values: of the names in these.
        tick: called with a word before each batch size.

    """
    terms: dict[Invariants, sympy.Expr] = {}
    numbers: dict[str, Mapping[int, Measured]] = {}
    notes: list[str] = []
    worst, sizes, width = 0.0, set[int](), None
    found_in_code = literals(box.loss)
    tables = []
    for k in range(2, order + 1, 2):
        table = _Table(box, route, k, smallest, only, (units(named, k), units_in_code(found_in_code, k)), tick)
        tables.append(table)
        for word in table.words:
            found, residual = table.in_width(word) if word in table.wider else table.function(word)
            written = product_of_invariants(word, TEXT)
            if found is None:
                name = f"q{len(numbers) + 1}"
                found = sympy.Symbol(name)
                numbers[name] = table.numbers(word)
                notes.append(f"{name}, the coefficient of {written}, is left as numbers: no exact form was recognised")
                if word in table.wider:
                    width = table.least
                    notes.append(f"{name} depends on d1, in a way that was not recognised; d1 = {width} here")
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
    used = {symbol.name for symbol in expansion.symbols}
    known = {one.name: one.value for one in found_in_code if one.name} | dict(values)
    constants = {name: value for name, value in known.items() if name in used - {"N", "d1", *numbers}}
    found = Expanded(expansion, tuple(sorted(sizes)), numbers, constants, width, None, (), worst, tuple(notes))
    return found if only or numbers else _beyond(found, tables)


def _beyond(found: Expanded, tables: Sequence[_Table]) -> Expanded:
    """The same, held against new measurements at batches far larger than those it was made from.

    Code that uses so many negatives at most, or changes its form with the batch, shows only there.
    """
    box = tables[0].box
    known = {"N", "d1", *found.constants}
    if box.seen.seconds > SLOW * box.seen.calls or any(one.name not in known for one in found.expansion.symbols):
        return found
    seen = found.sizes[-1]
    tried: list[int] = []
    for size in FAR:
        if size <= seen:
            continue
        right = _right(found, tables, size)
        if right is None:
            return replace(found, largest=seen, notes=(*found.notes, f"it has no finite value at N = {size}"))
        if not right:
            low, high = tried[-1] if tried else seen, size
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _right(found, tables, middle) else (low, middle)
            note = f"at N = {high} a coefficient is not that of the formula, which holds through N = {low}"
            return replace(found, largest=low, tried=tuple(tried), notes=(*found.notes, note))
        tried.append(size)
    return replace(found, tried=tuple(tried))


def _right(found: Expanded, tables: Sequence[_Table], size: int) -> bool | None:
    """Whether the formula gives what is measured at a batch size; None where nothing can be measured."""
    for table in tables:
        # Where data cannot change places each of them is visited, and each pair at order 4.
        if table.order > (4 if table.route.exchangeable else 2):
            continue
        width = found.width or table.least
        try:
            said = {term.invariants: float(term.coefficient) for term in found.at(size, width).terms}
            measured_there = measured(table.box, size, table.order, table.route, width=width)
        except InputError:
            return None
        for word, (value, error) in measured_there.items():
            if not np.isfinite(value):
                return None
            if abs(value - said.get(word, 0.0)) > FARTHER * error + 1e-9 * abs(value):
                return False
    return True


class _Table:
    """The words of one order, measured at several batch sizes and widths, as far as they are needed."""

    def __init__(
        self,
        box: BlackBox,
        route: Route,
        order: int,
        smallest: int,
        only: int | None,
        multiples: tuple[Sequence[Unit], Sequence[Unit]],
        tick: Callable[[str], None],
    ) -> None:
        self.box, self.route, self.order, self.smallest = box, route, order, only or smallest
        self.only, self.multiples, self.tick = only, multiples, tick
        self.least = max(2, order // 2)
        self.at: dict[tuple[int, int], dict[Invariants, Measured]] = {}
        self.words = tuple(self.values(self.smallest, self.least))
        self.wider = {word for word in self.words if self._depends_on_width(word)}

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

    def function(
        self, word: Invariants, width: int | None = None, scale: float = 1.0
    ) -> tuple[sympy.Expr | None, float]:
        """The coefficient times a scale, as a rational function of N times a unit, and its largest residual in errors.

        Units that the user named come before those that were found in the code, and rational numbers before both.
        """
        for count in (SIZES, MORE_SIZES):
            sizes = [self.only] if self.only else range(self.smallest, self.smallest + count)
            table = {
                n: (scale * value, scale * error)
                for n in sizes
                for value, error in [self.values(n, width or self.least)[word]]
            }
            if _vanishes(table):
                return sympy.S.Zero, max(abs(value) / error if error else 0.0 for value, error in table.values())
            for multiples, rarer in zip(self.multiples, (1.0, IN_CODE), strict=True):
                found = _function(table, multiples, rarer)
                if found[0] is not None:
                    return found
            if self.only or _recognised(table, self.multiples[0], 1.0) is None:
                break
        return (None, 0.0) if self.only else _fitted(table, [*self.multiples[0], *self.multiples[1]])

    def in_width(self, word: Invariants) -> tuple[sympy.Expr | None, float]:
        """The coefficient as a rational function of N and d1, or that times √d1; None where it is not recognised."""
        for root in (0, 1):
            found = {width: self.function(word, width, width ** (root / 2)) for width in WIDTHS if width >= self.least}
            by_width = {width: value for width, (value, _) in found.items() if value is not None}
            if len(by_width) < len(found):
                continue
            total = _function_of_width(by_width)
            if total is not None:
                total = sympy.factor(total) / sympy.sqrt(EMBEDDING_DIMENSION) ** root
                return total, max(residual for _, residual in found.values())
        return None, 0.0


def _fitted(table: Mapping[int, Measured], multiples: Sequence[Unit]) -> tuple[sympy.Expr | None, float]:
    """The same of numbers too coarse to be recognised one by one."""
    if max(error / abs(value) if value else 0.0 for value, error in table.values()) < COARSE:
        return None, 0.0
    for unit, size in ((sympy.S.One, 1.0), *multiples):
        found = fitted({n: (value / size, error / abs(size)) for n, (value, error) in table.items()}, N)
        if found is not None:
            said = {n: float(found.subs(N, n)) * size for n in table}
            return found * unit, max(abs(value - said[n]) / error for n, (value, error) in table.items())
    return None, 0.0


def as_function(table: Mapping[int, Measured]) -> sympy.Expr | None:
    """What was measured at several batch sizes, as a rational function of N; None where it is not recognised."""
    if _vanishes(table):
        return sympy.S.Zero
    return _function(table, (), 1.0)[0]


def _vanishes(table: Mapping[int, Measured]) -> bool:
    """Whether a coefficient is 0 to rounding at all sizes: no rational function of small numbers."""
    return all(abs(value) <= NONZERO * error for value, error in table.values())


def _function_of_width(by_width: Mapping[int, sympy.Expr]) -> sympy.Expr | None:
    """Functions of N by d1, as one function of both."""
    parts = {width: sympy.fraction(sympy.cancel(sympy.together(value))) for width, value in by_width.items()}
    below = sympy.lcm_list([sympy.Poly(bottom, N).monic().as_expr() for _, bottom in parts.values()])
    above = {width: sympy.Poly(sympy.cancel(value * below), N) for width, value in by_width.items()}
    total = sympy.S.Zero
    for power in range(1 + max(polynomial.degree() for polynomial in above.values())):
        points = {width: polynomial.coeff_monomial(N**power) for width, polynomial in above.items()}
        if not all(value.is_Rational for value in points.values()):
            return None
        found = rational_function({d: Fraction(int(v.p), int(v.q)) for d, v in points.items()}, EMBEDDING_DIMENSION)
        if found is None:
            return None
        total += found * N**power
    return total / below


def _recognised(
    table: Mapping[int, Measured], multiples: Sequence[Unit], rarer: float
) -> dict[sympy.Expr, dict[int, Fraction]] | None:
    """Batch size → rational, by unit; None where a size has none."""
    by_unit: dict[sympy.Expr, dict[int, Fraction]] = {}
    # One number at all sizes is one coincidence, different ones are several.
    same = max(v for v, _ in table.values()) - min(v for v, _ in table.values()) <= sum(e for _, e in table.values())
    often = rarer * (COINCIDENCE if same else TOGETHER)
    for unit, size in ((sympy.S.One, 1.0), *multiples):
        found = {n: rational(value / size, error / abs(size), often) for n, (value, error) in table.items()}
        kept = {n: value for n, value in found.items() if value is not None}
        if len(kept) == len(table):
            by_unit[unit] = kept
    return by_unit or None


def _function(
    table: Mapping[int, Measured], multiples: Sequence[Unit], rarer: float
) -> tuple[sympy.Expr | None, float]:
    """The coefficient as a rational function of N times a unit, and the largest residual in errors."""
    sizes_of = dict(multiples)
    best: tuple[int, sympy.Expr, float] | None = None
    for unit, points in (_recognised(table, multiples, rarer) or {}).items():
        (first, *more) = points.values()
        found = rational_function(points, N) if more else sympy.Rational(first.numerator, first.denominator)
        if found is None:
            continue
        size = sizes_of.get(unit, 1.0)
        residual = max(
            abs(value - float(found.subs(N, n)) * size) / max(error, 1e-300) for n, (value, error) in table.items()
        )
        candidate = (int(sympy.count_ops(found)) + len(str(found)), found * unit, residual)
        best = candidate if best is None or candidate[0] < best[0] else best
    return (None, 0.0) if best is None else best[1:]
