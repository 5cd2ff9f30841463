"""One mode of a landscape, ℓ(h) = −b h + φ(h): its stationary points, and whether it is bounded below."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import sympy

from derive.algebra.letters import letters
from derive.algebra.ranges import Ranges
from derive.algebra.signs import relation, sign
from derive.definition import notation
from derive.errors import InputError
from derive.landscape.domain import towards, within

# The eigenvalues of H = Σ^½ WᵀW Σ^½ and of Σ^(−½) B Σ^(−½), for one mode.
h, b = letters("h_i b_i")


@dataclass(frozen=True)
class ModePotential:
    """A landscape of independent modes, ℓ(h) = −b h + φ(h) with φ(0) = φ′(0) = 0.

    Attributes:
        level: b as a function of a_i, c_i and the loss's parameters.
        phi: φ(h_i).
        end: the upper end of h_i: ∞ where the loss is finite for every W; None where that is open.
        ranges: the values that the loss's parameters take.

    """

    level: sympy.Expr
    phi: sympy.Expr
    end: sympy.Expr | None = field(default=sympy.oo, kw_only=True)
    ranges: Ranges = field(default=Ranges(), kw_only=True, compare=False)

    @property
    def potential(self) -> sympy.Expr:
        """ℓ(h_i) in terms of a_i, c_i and the loss's parameters, the linear part collected."""
        parts = sympy.Add.make_args(self.phi)
        linear = sympy.Add(*(part for part in parts if not (part / h).has(h)))
        return sympy.factor(linear / h - self.level) * h + (self.phi - linear)

    @cached_property
    def slope(self) -> sympy.Expr:
        """φ′(h_i), one fraction."""
        return sympy.cancel(sympy.together(sympy.diff(self.phi, h)))

    @cached_property
    def convex(self) -> bool:
        """Whether φ″ > 0 for every h > 0 there is: then ℓ has one minimum, and no other stationary point with h > 0."""
        return self.end is not None and sign(within(sympy.diff(self.slope, h), self.end, h), ranges=self.ranges) == 1

    @cached_property
    def branch(self) -> sympy.Expr | None:
        """The stationary point that leaves the origin at b = 0, in b_i; None where φ′ = b is of degree 3 or more."""
        return next(iter(self._roots(b)), None)

    @cached_property
    def heights(self) -> tuple[sympy.Expr, ...]:
        """Candidates for stationary points h_i in terms of a_i and c_i, the branch from the origin first.

        Each is stationary where it is real, positive and below `end`; no others are. One where φ is convex;
        those that are nowhere real and positive are left out. None are given where φ′ = b is of degree 3 or more in h,
        for which see `numeric.landscape.exact_modes.stationary_modes`.
        """
        roots = self._roots(self.level)
        if self.real == sympy.false:
            return ()
        return tuple(one for one in (roots[:1] if self.convex else roots) if not self._negative(one))

    @property
    def none(self) -> bool:
        """Whether no h_i > 0 is stationary, for any a_i, c_i and parameters."""
        return bool(self._roots(self.level)) and not self.heights

    def _negative(self, height: sympy.Expr) -> bool:
        # The level itself may have either sign.
        return b not in height.free_symbols and sign(height, ranges=self.ranges) in (0, -1)

    @property
    def real(self) -> sympy.Basic | None:
        """When `heights` are real: true, false or a condition; None where none are given."""
        if (found := self._quadratic(self.level)) is None:
            return None
        square, linear, constant = found
        return relation(sympy.factor(linear**2 - 4 * square * constant), sympy.Ge, self.ranges)

    def _quadratic(self, level: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr] | None:
        """The coefficients of h², h and 1 in the numerator of φ′(h) − level."""
        polynomial = sympy.Poly(sympy.fraction(sympy.cancel(sympy.together(self.slope - level)))[0], h)
        if polynomial.degree() > 2:
            return None
        square, linear, constant = (polynomial.coeff_monomial(h**k) for k in (2, 1, 0))
        return square, linear, constant

    def _roots(self, level: sympy.Expr) -> tuple[sympy.Expr, ...]:
        found, at_origin = self._quadratic(level), self._quadratic(sympy.S.Zero)
        if found is None or at_origin is None:
            return ()
        square, linear, constant = found
        if square == 0:
            # Where ℓ is linear in h it has no stationary point.
            return () if linear == 0 else (sympy.factor(-constant / linear),)
        root = _root(linear**2 - 4 * square * constant, self.ranges)
        # At b = 0 the constant vanishes and the root is |linear|: with the sign of that, this is the root that is 0.
        upward = sign(at_origin[1], ranges=self.ranges)
        if upward not in (1, -1):
            return ()
        root = upward * root
        # In this form the root that vanishes with the constant, which is b up to a factor, needs no division by the
        # square's coefficient, and stays right where that vanishes.
        first = sympy.factor(-2 * constant) / (sympy.expand(linear) + root)
        return first, simplified(-(linear + root) / (2 * square))

    @cached_property
    def _fastest(self) -> list[tuple[int, sympy.Expr]]:
        """By which power ℓ′ grows towards each end that may be the first, and the coefficient."""
        if self.end is None:
            return []
        if not self.end.is_infinite:
            ends = self.end.args if isinstance(self.end, sympy.Min) else (self.end,)
            return [towards(self.slope, one, h) for one in ends]
        numerator, denominator = (sympy.Poly(part, h) for part in sympy.fraction(self.slope))
        return [(numerator.degree() - denominator.degree(), sympy.factor(numerator.LC() / denominator.LC()))]

    @cached_property
    def growth(self) -> sympy.Expr:
        """The limit of ℓ(h)/h as h → ∞, of ℓ(h) at a finite end; ±∞ where ℓ grows faster, nan where that is open."""
        directions = {sign(leading, ranges=self.ranges) if order > 0 else None for order, leading in self._fastest}
        if len(directions) == 1 and None not in directions:
            return directions.pop() * sympy.oo
        if self.end != sympy.oo or self._fastest[0][0] > 0:
            return sympy.nan
        ((order, leading),) = self._fastest
        return sympy.factor((leading if order == 0 else 0) - self.level)

    @cached_property
    def bounded(self) -> sympy.Basic | None:
        """Whether ℓ is bounded below: true, false, or a condition for it; None where that is open."""
        if self.growth is sympy.nan:
            return relation(self._fastest[0][1], sympy.Gt, self.ranges) if self._open_sign else None
        found = relation(self.growth, sympy.Gt, self.ranges)
        if found == sympy.true or self.growth.is_infinite:
            return found
        # Where the growth vanishes ℓ ≈ κ log h, or has a limit.
        edge = sign(self.edge, ranges=self.ranges)
        if edge in (0, 1):
            return relation(self.growth, sympy.Ge, self.ranges)
        return found if edge == -1 else None

    @property
    def unbounded(self) -> sympy.Basic | None:
        """Whether ℓ falls to −∞: true, false, or a condition for it; None where that is open.

        The contrary of `bounded`, except where the coefficient of what grows fastest may vanish.
        """
        if self.bounded is None:
            return None
        return relation(self._fastest[0][1], sympy.Lt, self.ranges) if self._open_sign else sympy.Not(self.bounded)

    @property
    def _open_sign(self) -> bool:
        return self.growth is sympy.nan and len(self._fastest) == 1 and self._fastest[0][0] > 0

    @property
    def edge(self) -> sympy.Expr:
        """κ where ℓ ≈ κ log h as h → ∞ at the edge growth = 0: below zero is a runaway there too."""
        if self.growth in (sympy.oo, -sympy.oo, sympy.nan):
            return sympy.S.Zero
        return sympy.factor(sympy.limit(h * (self.slope - self.growth - self.level), h, sympy.oo))

    @property
    def why_open(self) -> str:
        """Why `bounded` is None."""
        if self.end is None:
            return "the sign of a parameter decides for which W the loss is finite"
        if self.end.has(sympy.Min):
            return "parameters decide which of several exponentials is the first to have no mean"
        if not self.end.is_infinite:
            return f"at h = {notation.TEXT.scalar(self.end)} logarithms of means that are infinite cancel"
        return f"the sign of {notation.TEXT.scalar(self.edge)} is open"

    @property
    def collapse(self) -> sympy.Basic | None:
        """When h_i = 0 is the minimum: true, false or a condition; None where φ is neither convex nor 0.

        With φ convex ℓ is so too, and the minimum is at 0 exactly when ℓ′(0) = −b ≥ 0.
        """
        return relation(self.level, sympy.Le, self.ranges) if self.convex or self.phi == 0 else None

    def leaving(self, terms: int) -> list[sympy.Expr]:
        """The coefficients k_1, k_2, … of the branch h = k_1 b + k_2 b² + …, by reversion of φ′(h) = b.

        Raises:
            InputError: φ″(0) = 0, where h is not a power series in b.

        """
        taylor = [sympy.diff(self.slope, h, k).subs(h, 0) / sympy.factorial(k) for k in range(terms + 1)]
        if taylor[1] == 0:
            raise InputError("the quartic term vanishes, and the minimum does not leave the origin linearly")
        height = sympy.S.Zero
        for _ in range(terms):
            beyond = sympy.Add(*(taylor[k] * height**k for k in range(2, terms + 1)))
            whole = sympy.expand((b - beyond) / taylor[1])
            height = sympy.Add(*(whole.coeff(b, k) * b**k for k in range(1, terms + 1)))
        return [sympy.factor(height.coeff(b, k)) for k in range(1, terms + 1)]


def _root(square: sympy.Expr, ranges: Ranges) -> sympy.Expr:
    """The square root of a polynomial, with the squares of positive factors taken out."""
    number, factors = sympy.factor_list(square)
    outside, inside = sympy.S.One, [number]
    for factor, power in factors:
        even = power - power % 2 if sign(factor, ranges=ranges) == 1 else 0
        outside *= factor ** (even // 2)
        inside.append(factor ** (power - even))
    return outside * sympy.sqrt(sympy.Mul(*inside))


def simplified(value: sympy.Expr) -> sympy.Expr:
    """One fraction in lowest terms, roots being letters of their own."""
    roots = {
        one: sympy.Dummy() for one in value.atoms(sympy.Pow) if one.exp.is_Rational and one.exp.q == 2 and one.exp > 0
    }
    letters = {letter: one for one, letter in roots.items()}
    return sympy.factor(sympy.cancel(value.xreplace(roots))).xreplace(letters)
