"""The expansion of a black box: a formula, its coefficients that are left as numbers, and where it is claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import sympy

from derive import Expansion, InputError
from verify.audits.blackbox.coefficients import Measured
from verify.audits.blackbox.interpolating import NONZERO


@dataclass(frozen=True)
class Expanded:
    """What a black box expands to.

    Attributes:
        expansion: the formula, with N (and d1) symbolic; unrecognised coefficients are symbols of `numbers`.
        sizes: the batch sizes that were measured.
        numbers: symbol → batch size → (value, error) of coefficients that are left as numbers.
        constants: name → value of the constants in the coefficients, named by the user or found in the code.
        width: the d1 that the formula is claimed for, None for all.
        largest: the largest N that the formula is claimed for, None for all.
        tried: further batch sizes, at which the formula was checked against new measurements.
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
            InputError: a coefficient is left as a number that was not measured there.

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
        # In floating point first: SymPy would expand an exponential of a long fraction as a polynomial.
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

        A landscape depends on the signs of coefficients, and assumes undeclared ones to be positive.
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
