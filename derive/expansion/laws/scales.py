"""Random scales s ≥ 0 with E[s²] = 1 whose moments are known exactly: x = s·g is elliptical, g being Gaussian."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Protocol

import sympy

from derive.definition.expression import as_scalar
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Scale(Hashable, Protocol):
    """A random scale."""

    @property
    def name(self) -> str:
        """The name of the law of x, as on the command line."""

    @property
    def arguments(self) -> Mapping[str, sympy.Expr]:
        """Its parameters by name."""

    @property
    def words(self) -> str:
        """The law of x in words."""

    @property
    def highest(self) -> float:
        """The highest whole power that has a finite mean."""

    def moment(self, power: int) -> sympy.Expr:
        """E[s^power], exact."""


@dataclass(frozen=True)
class StudentT:
    """s² = (ν − 2)/χ²_ν, so that x has the multivariate t distribution with ν degrees of freedom.

    Args:
        nu: ν > 2, exact. E[s^k] is finite for k < ν.

    >>> StudentT(10).moment(4), StudentT(10).moment(8)
    (4/3, 32/3)
    """

    nu: object

    name = "student-t"

    def __post_init__(self) -> None:
        """Check ν."""
        object.__setattr__(self, "nu", as_scalar(self.nu))
        if not (self._nu.is_number and self._nu > 2):
            message = f"student-t: nu = {self.nu}; the covariance is finite where nu is a number above 2"
            raise InputError(message)

    @property
    def _nu(self) -> sympy.Expr:
        return as_scalar(self.nu)

    @property
    def arguments(self) -> Mapping[str, sympy.Expr]:
        """ν."""
        return {"nu": self._nu}

    @property
    def words(self) -> str:
        """The law of x in words."""
        return f"Student's t with {self._nu} degrees of freedom"

    @property
    def highest(self) -> float:
        """The largest whole number below ν."""
        return int(sympy.ceiling(self._nu)) - 1

    def moment(self, power: int) -> sympy.Expr:
        """(ν/2 − 1)^(k/2) Γ((ν − k)/2)/Γ(ν/2).

        Raises:
            InputError: the moment is infinite.

        """
        if power > self.highest:
            message = (
                f"Student's t with nu = {self._nu} has no finite moment of order {power}, which this order takes;"
                f" lower --order, or take nu above {power}"
            )
            raise InputError(message)
        half = sympy.Rational(power, 2)
        if power % 2 == 0:
            return sympy.Mul(*((self._nu - 2) / (self._nu - 2 * i) for i in range(1, power // 2 + 1)))
        ratio = sympy.gamma(self._nu / 2 - half) / sympy.gamma(self._nu / 2)
        return sympy.gammasimp((self._nu / 2 - 1) ** half * ratio)


@dataclass(frozen=True)
class Laplace:
    """s² exponential with mean 1, so that x has the symmetric multivariate Laplace distribution.

    >>> Laplace().moment(4), Laplace().moment(6), Laplace().moment(1)
    (2, 6, sqrt(pi)/2)
    """

    name = "laplace"
    words = "multivariate Laplace"
    highest = inf

    @property
    def arguments(self) -> Mapping[str, sympy.Expr]:
        """It has none."""
        return {}

    def moment(self, power: int) -> sympy.Expr:
        """Γ(1 + k/2)."""
        return sympy.gamma(1 + sympy.Rational(power, 2))


@dataclass(frozen=True)
class Contaminated:
    """Two scales, the larger with a given share and larger by a factor: Tukey's contaminated normal.

    Args:
        share: the probability of the larger scale, between 0 and 1, exact.
        factor: its ratio to the other scale, positive, exact.

    >>> Contaminated(sympy.Rational(1, 10), 3).moment(4)
    25/9
    """

    share: object
    factor: object

    name = "contaminated"
    highest = inf

    def __post_init__(self) -> None:
        """Check both numbers."""
        for name in ("share", "factor"):
            object.__setattr__(self, name, as_scalar(getattr(self, name)))
        share, factor = self.arguments.values()
        if not (share.is_number and 0 < share < 1):
            message = f"contaminated: share = {share}; it is a number between 0 and 1"
            raise InputError(message)
        if not (factor.is_number and factor > 0):
            message = f"contaminated: factor = {factor}; it is a positive number"
            raise InputError(message)

    @property
    def arguments(self) -> Mapping[str, sympy.Expr]:
        """Share and factor."""
        return {"share": as_scalar(self.share), "factor": as_scalar(self.factor)}

    @property
    def words(self) -> str:
        """The law of x in words."""
        return f"contaminated normal, share {self.share}, factor {self.factor}"

    @property
    def values(self) -> tuple[tuple[sympy.Expr, sympy.Expr], ...]:
        """Both values of s with their probabilities; E[s²] = 1."""
        share, factor = self.arguments.values()
        unit = sympy.sqrt(1 - share + share * factor**2)
        return (1 / unit, 1 - share), (factor / unit, share)

    def moment(self, power: int) -> sympy.Expr:
        """The sum over both values."""
        return sympy.Add(*(chance * value**power for value, chance in self.values))
