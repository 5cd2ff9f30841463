"""Which values the symbols of an expression take: what is declared, what a definition implies, positive otherwise.

A symbol is positive unless its SymPy assumptions say otherwise (``real=True`` alone stands for the whole real line),
and `Ranges` narrows that: ρ between 0 and 1, or N = 2, 3, … where N − 1 data are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy

from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Ends = tuple[object, object]


@dataclass(frozen=True)
class Range:
    """An open interval of real numbers, or the whole numbers from ``low`` on.

    Attributes:
        low: the lower end, −oo where there is none.
        high: the upper end, oo where there is none.
        whole: whether the values are whole numbers; ``low`` is then one of them, and there is no upper end.

    """

    low: sympy.Expr = sympy.S.Zero
    high: sympy.Expr = sympy.oo
    whole: bool = False

    def __str__(self) -> str:
        """In words.

        >>> str(Range(sympy.S.Zero, sympy.S.One)), str(Range(sympy.Integer(2), sympy.oo, whole=True))
        ('between 0 and 1', '2 or more')
        """
        if self.whole:
            return f"{self.low} or more"
        if self.high is sympy.oo:
            return "any number" if self.low is -sympy.oo else "positive" if self.low == 0 else f"above {self.low}"
        return f"below {self.high}" if self.low is -sympy.oo else f"between {self.low} and {self.high}"

    def __contains__(self, value: sympy.Expr) -> bool:
        """Whether a number lies in the range."""
        if self.whole:
            return bool(value.is_integer and value >= self.low)
        return bool(self.low < value) and bool(value < self.high)

    def within(self, other: Range) -> Range:
        """The intersection; whole numbers where either range has only these."""
        low, high = sympy.Max(self.low, other.low), sympy.Min(self.high, other.high)
        if not (self.whole or other.whole):
            return Range(low, high)
        # The least whole number above an open end, or at a closed one.
        least = max(
            sympy.ceiling(one.low) if one.whole or not one.low.is_Integer else one.low + 1
            for one in (self, other)
            if one.low.is_finite
        )
        return Range(least, sympy.oo, whole=True)

    @property
    def empty(self) -> bool:
        """Whether no number lies in it."""
        return not self.whole and not bool(self.low < self.high)


POSITIVE = Range()
REAL = Range(-sympy.oo, sympy.oo)


@dataclass(frozen=True)
class Ranges:
    """The ranges of symbols, and what else is positive.

    Attributes:
        of: pairs of a symbol and its range, sorted by name; a symbol that is not listed has the range that its SymPy
            assumptions give it.
        positive: expressions in several symbols that are positive.

    >>> N, rho = sympy.symbols("N rho")
    >>> of = {N: Range(sympy.Integer(2), sympy.oo, whole=True), rho: Range(sympy.S.Zero, sympy.S.One)}
    >>> known = Ranges.collect(of)
    >>> print(known)
    N: 2 or more, rho: between 0 and 1
    >>> str(known[rho]), str(known[sympy.Symbol("alpha")]), str(known[sympy.Symbol("r", real=True)])
    ('between 0 and 1', 'positive', 'any number')
    """

    of: tuple[tuple[sympy.Symbol, Range], ...] = ()
    positive: tuple[sympy.Expr, ...] = ()

    @classmethod
    def collect(cls, of: Mapping[sympy.Symbol, Range], positive: Iterable[sympy.Expr] = ()) -> Ranges:
        """From a mapping."""
        listed = sorted(of.items(), key=lambda pair: sympy.default_sort_key(pair[0]))
        return cls(tuple(listed), tuple(sorted(set(positive), key=sympy.default_sort_key)))

    def __str__(self) -> str:
        """What is listed, in words."""
        return ", ".join(
            [*(f"{symbol}: {one}" for symbol, one in self.of), *(f"{value} > 0" for value in self.positive)]
        )

    def __getitem__(self, symbol: sympy.Symbol) -> Range:
        """The range of a symbol."""
        return next((one for known, one in self.of if known == symbol), None) or assumed(symbol)

    def restricted(self, symbols: Iterable[sympy.Symbol]) -> Ranges:
        """What is known of only some symbols."""
        kept = set(symbols)
        return Ranges(
            tuple(pair for pair in self.of if pair[0] in kept),
            tuple(value for value in self.positive if value.free_symbols <= kept),
        )

    def with_(self, symbol: sympy.Symbol, one: Range) -> Ranges:
        """The same with another range for one symbol."""
        return Ranges.collect({**dict(self.of), symbol: one}, self.positive)

    def put(self, values: Mapping[sympy.Symbol, object]) -> Ranges:
        """What is known once values are put for symbols; a value that has symbols lies in the range too."""
        given: dict[sympy.Symbol, sympy.Expr] = {symbol: sympy.sympify(value) for symbol, value in values.items()}
        kept = {symbol: one for symbol, one in self.of if symbol not in given}
        # Nothing is known of what goes to infinity.
        gone = {symbol for symbol, value in given.items() if value is sympy.oo}
        positive = [value.xreplace(given) for value in self.positive if not value.free_symbols & gone]
        for symbol, one in self.of:
            value = given.get(symbol)
            if value is None or not value.free_symbols:
                continue
            if value.is_Symbol:
                kept[value] = one
                continue
            # A whole number is at least its least value.
            positive += [value - one.low + (1 if one.whole else 0)] if one.low.is_finite else []
            positive += [one.high - value] if one.high.is_finite else []
        return Ranges.collect(kept, (value for value in positive if value.free_symbols))


def assumed(symbol: sympy.Symbol) -> Range:
    """The range that SymPy's assumptions give a symbol: positive where they say nothing of its sign.

    >>> print(assumed(sympy.Symbol("x")), assumed(sympy.Symbol("x", negative=True)), sep=", ")
    positive, below 0
    """
    if symbol.is_extended_positive:
        return Range(sympy.S.One, sympy.oo, whole=True) if symbol.is_integer else POSITIVE
    if symbol.is_extended_negative:
        return Range(-sympy.oo, sympy.S.Zero)
    if symbol.is_extended_nonnegative and symbol.is_integer:
        return Range(sympy.S.Zero, sympy.oo, whole=True)
    return POSITIVE if symbol.is_extended_real is None and symbol.is_complex is None else REAL


def check_values(values: Mapping[sympy.Symbol, object], ranges: Ranges, loss: str) -> None:
    """Check that values lie in the ranges of their symbols; where these are whole numbers, values may lie between them.

    Raises:
        InputError: a value does not.

    """
    for symbol, value in values.items():
        one = dict(ranges.of).get(symbol)
        number = None if value is sympy.oo else sympy.sympify(value)
        if one is None or number is None or not number.is_number:
            continue
        if number not in one and not (one.whole and bool(number >= one.low)):
            message = f"{symbol} = {number}: {symbol} of {loss} is {one}"
            raise InputError(message)
