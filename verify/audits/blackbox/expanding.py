"""From a black box to its expansion: measured at several batch sizes, recognised, and interpolated in N."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import sympy

from derive import Expansion, Gaussian, InputError
from derive.algebra.alphabet import basis_of
from derive.algebra.ranges import Range, Ranges
from derive.algebra.words import Invariants
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.notation import TEXT, product_of_invariants
from verify.audits.blackbox.batch_sizes import too_large
from verify.audits.blackbox.coefficients import Measured, Method, measured
from verify.audits.blackbox.exact import Unit, units
from verify.audits.blackbox.expansions import Expanded
from verify.audits.blackbox.interpolating import N, function_of_size, function_of_width, recognised, together, vanishes
from verify.audits.blackbox.literals import literals
from verify.audits.blackbox.literals import units as units_in_code
from verify.truths.function import BlackBox

SIZES = 8
MORE_SIZES = 14
WIDTHS = (2, 3, 4, 5, 6, 7, 8)
# Batch sizes at which a formula found at small ones is tested, through order 4, while calls are fast; a loss whose
# calls take longer than this, in seconds, is tested at none of them.
FAR = (17, 64, 257)
# Widths at which a coefficient is measured in addition to the smallest two.
WIDE = (8, 64)
SLOW = 0.02
# How many errors off a measurement contradicts a formula.
FARTHER = 10.0
# How much rarer a coincidence has to be for units that the user did not name, of which there are dozens.
IN_CODE = 1e-2


def expanded(
    box: BlackBox,
    method: Method,
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
        method: how to measure.
        order: 2, 4 or 6.
        smallest: the smallest batch that the loss takes.
        only: the one batch size to measure at, None to find the dependence on N.
        named: constants that coefficients may be multiples of, see `verify.audits.blackbox.exact.constants`.
        values: of the names in these.
        tick: called with a word before each batch size.

    """
    terms: dict[Invariants, sympy.Expr] = {}
    numbers: dict[str, Mapping[int, Measured]] = {}
    notes: list[str] = []
    worst, sizes, without, width = 0.0, set[int](), set[int](), None
    found_in_code = literals(box.loss)
    tables = []
    for k in range(2, order + 1, 2):
        table = _Table(box, method, k, smallest, only, (units(named, k), units_in_code(found_in_code, k)), tick)
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
        without |= set(table.without_value)
    if without:
        notes.append(
            f"it has no finite value at N = {', '.join(map(str, sorted(without)))}, and nothing is said of it there"
        )
    sizes -= without
    expansion = Expansion.collect(
        terms,
        order,
        loss=box.name,
        constant=sympy.Symbol("L_0"),
        assumptions=(*Gaussian().assumptions, "independent draws"),
        source="measured",
        parameters=("N", *numbers),
        ranges=Ranges.collect({N: Range(sympy.Integer(smallest), sympy.oo, whole=True)}),
        encoders=method.encoders,
        basis="A0,Sigma" if method.encoders == 1 else basis_of(()),
    )
    in_code = [one.value for one in found_in_code]
    notes += [
        f"{name} = {value:g} is not a number of the code, as far as was seen"
        for name, value in values.items()
        if not any(np.isclose(value, [one, -one]).any() for one in in_code)
    ]
    used = {symbol.name for symbol in expansion.symbols}
    known = {one.name: one.value for one in found_in_code if one.name} | dict(values)
    constants = {name: value for name, value in known.items() if name in used - {"N", "d1", *numbers}}
    found = Expanded(expansion, tuple(sorted(sizes)), numbers, constants, width, None, (), worst, tuple(notes))
    return found if only else _beyond(found, tables, terms)


def _beyond(found: Expanded, tables: Sequence[_Table], terms: Mapping[Invariants, sympy.Expr]) -> Expanded:
    """The same, checked against new measurements at batches far larger than those it was found at.

    Code that limits the number of negatives, or changes its form with the batch, shows only there; and a coefficient
    that is left as a number may change its sign.
    """
    box, seen = tables[0].box, found.sizes[-1]
    numbers = {name: dict(at) for name, at in found.numbers.items()}
    # A coefficient without a formula is known only where it was measured.
    claimed = seen if numbers else None
    known = {"N", "d1", *found.constants, *numbers}
    tried: list[int] = []
    seconds, calls = 0.0, 0
    far = FAR if box.seen.seconds <= SLOW * box.seen.calls else ()
    for size in far if all(one.name in known for one in found.expansion.symbols) else ():
        if size <= seen:
            continue
        if tried and too_large(size, tried[-1], (box.seen.seconds - seconds) / max(1, box.seen.calls - calls)):
            break
        seconds, calls = box.seen.seconds, box.seen.calls
        there = _measured_at(found, tables, size)
        if there is None:
            note = f"it has no finite value at N = {size}"
            return replace(found, numbers=numbers, largest=tried[-1] if tried else seen, notes=(*found.notes, note))
        if not _right(found, there, size):
            low, high = tried[-1] if tried else seen, size
            while high - low > 1:
                middle = (low + high) // 2
                at = _measured_at(found, tables, middle)
                low, high = (middle, high) if at is not None and _right(found, at, middle) else (low, middle)
            note = f"at N = {high} a coefficient is not that of the formula, which holds through N = {low}"
            return replace(found, numbers=numbers, largest=low, tried=tuple(tried), notes=(*found.notes, note))
        for word, value in there.items():
            if str(terms[word]) in numbers:
                numbers[str(terms[word])][size] = value
        tried.append(size)
        claimed = size if claimed else None
    return replace(found, numbers=numbers, largest=claimed, tried=tuple(tried))


def _measured_at(found: Expanded, tables: Sequence[_Table], size: int) -> dict[Invariants, Measured] | None:
    """New measurements at a batch size; None where nothing can be measured."""
    all_words: dict[Invariants, Measured] = {}
    for table in tables:
        # Without symmetry among the data each of them is visited, and each pair at order 4.
        if table.order > (4 if table.method.exchangeable else 2):
            continue
        try:
            there = measured(table.box, size, table.order, table.method, width=found.width or table.least)
        except InputError:
            return None
        if not np.isfinite([value for value, _ in there.values()]).all():
            return None
        all_words |= there
    return all_words


def _right(found: Expanded, there: Mapping[Invariants, Measured], size: int) -> bool:
    """Whether the formulas give what was measured at a batch size; coefficients left as numbers do not count."""
    left = {sympy.Symbol(name) for name in found.numbers}
    formula = replace(
        found,
        numbers={},
        expansion=found.expansion.with_terms(
            (term.invariants, sympy.S.Zero if term.coefficient.free_symbols & left else term.coefficient)
            for term in found.expansion.terms
        ),
    )
    open_words = {term.invariants for term in found.expansion.terms if term.coefficient.free_symbols & left}
    said = {term.invariants: float(term.coefficient) for term in formula.at(size, found.width or 2).terms}
    return all(
        abs(value - said.get(word, 0.0)) <= FARTHER * error + 1e-9 * abs(value)
        for word, (value, error) in there.items()
        if word not in open_words
    )


class _Table:
    """The coefficients of the words of one order, measured at several batch sizes and widths as needed."""

    def __init__(
        self,
        box: BlackBox,
        method: Method,
        order: int,
        smallest: int,
        only: int | None,
        multiples: tuple[Sequence[Unit], Sequence[Unit]],
        tick: Callable[[str], None],
    ) -> None:
        self.box, self.method, self.order, self.smallest = box, method, order, only or smallest
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
            self.at[size, width] = measured(self.box, size, self.order, self.method, width=width)
        return self.at[size, width]

    def _depends_on_width(self, word: Invariants) -> bool:
        one, error = self.values(self.smallest, self.least)[word]
        others = (self.values(self.smallest, width)[word] for width in (self.least + 1, *WIDE))
        return any(abs(one - other) > 10 * (error + more) + 1e-9 * abs(one) for other, more in others)

    def numbers(self, word: Invariants) -> dict[int, Measured]:
        """Batch size → value and error."""
        return {
            size: values[word]
            for (size, width), values in sorted(self.at.items())
            if width == self.least and np.isfinite(values[word]).all()
        }

    @property
    def without_value(self) -> list[int]:
        """The batch sizes at which the loss has no finite value."""
        return sorted({n for (n, _), at in self.at.items() if not np.isfinite(list(at.values())).all()})

    def function(
        self, word: Invariants, width: int | None = None, scale: float = 1.0
    ) -> tuple[sympy.Expr | None, float]:
        """The coefficient times a scale, as a rational function of N times a unit, and its largest residual in errors.

        Rational numbers come first, then units that the user named, then those found in the code.
        """
        for count in (SIZES, MORE_SIZES):
            sizes = [self.only] if self.only else range(self.smallest, self.smallest + count)
            table = {
                n: (scale * value, scale * error)
                for n in sizes
                for value, error in [self.values(n, width or self.least)[word]]
                # Where the loss has no finite value there is no point to pass through.
                if np.isfinite([value, error]).all()
            }
            if len(table) < min(2, len(sizes)):
                return None, 0.0
            if vanishes(table):
                return sympy.S.Zero, max(abs(value) / error if error else 0.0 for value, error in table.values())
            for multiples, rarer in zip(self.multiples, (1.0, IN_CODE), strict=True):
                found = function_of_size(table, multiples, rarer)
                if found[0] is not None:
                    return found
            if self.only or recognised(table, self.multiples[0], 1.0) is None:
                break
        return (None, 0.0) if self.only else together(table, [*self.multiples[0], *self.multiples[1]])

    def in_width(self, word: Invariants) -> tuple[sympy.Expr | None, float]:
        """The coefficient as a rational function of N and d1, or that times √d1; None where it is not recognised."""
        for root in (0, 1):
            found = {width: self.function(word, width, width ** (root / 2)) for width in WIDTHS if width >= self.least}
            by_width = {width: value for width, (value, _) in found.items() if value is not None}
            if len(by_width) < len(found):
                continue
            total = function_of_width(by_width)
            if total is not None:
                total = sympy.factor(total) / sympy.sqrt(EMBEDDING_DIMENSION) ** root
                if self._holds_when_wide(word, total):
                    return total, max(residual for _, residual in found.values())
        return None, 0.0

    def _holds_when_wide(self, word: Invariants, formula: sympy.Expr) -> bool:
        """Whether a function of N and d1 gives what is measured at widths far beyond those that it was found at."""
        for width in WIDE:
            value, error = self.values(self.smallest, width)[word]
            said = formula.evalf(30, subs={N: self.smallest, EMBEDDING_DIMENSION: width})
            # A constant of the code is left; its value is the same at all widths, so the ratio to the smallest decides.
            if said.free_symbols:
                least = formula.evalf(30, subs={N: self.smallest, EMBEDDING_DIMENSION: self.least})
                at_least, _ = self.values(self.smallest, self.least)[word]
                said = sympy.cancel(said / least) * at_least if least != 0 else sympy.S.Zero
            if said.free_symbols or abs(float(said) - value) > FARTHER * error + 1e-9 * abs(value):
                return False
        return True
