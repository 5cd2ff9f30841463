r"""Whether the states of a mode are stable in the joint flow of weight, predictor and momentum copy, and what μ does.

At rest v = w: a momentum copy adds no state and removes none. Whether a state is stable is read off the characteristic
polynomial of the joint flow there, λⁿ + c₁ λⁿ⁻¹ + … + c_n, by Hurwitz's determinants: all of c₁, c_n and, for n = 3,
c₁ c₂ − c₃ are positive. c_n is μ times that of the flow without the copy, so that no state changes through a zero
eigenvalue at another place than there; what is left to show is that c₁ c₂ − c₃ keeps its sign, which it need not do:
where the live views alone are unstable a slow copy makes the state swing.

A state is written by E = η ≥ 0, which is what keeps it, and F = −u r′(u) > 0, which says that it lies on the branch on
which r falls. Determinants that are polynomials in E, F, u and the rates with no negative coefficient are positive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import sympy

from derive.fields.mode_flow import ModeFlow, a_i, p, s_i, u, v, w
from derive.fields.training import eta, mu

E, F = sympy.Symbol("E", nonnegative=True), sympy.Symbol("F", positive=True)


@dataclass(frozen=True)
class Stability:
    """The stability of the states of a mode besides 0.

    Attributes:
        flow: of the mode.

    """

    flow: ModeFlow

    @cached_property
    def characteristic(self) -> tuple[sympy.Expr, ...]:
        """c₁, …, c_n at a state u, η written in u by r(u) = 0.

        >>> from derive.fields import FIELDS
        >>> from derive.fields.mode_flow import mode_flow
        >>> print(Stability(mode_flow(FIELDS["simsiam"])).characteristic[-1])
        -2*rho*u**2*(-a_i + s_i*u)*(-a_i + 2*s_i*u)
        """
        at = self.flow.jacobian().xreplace({eta: self._held})
        whole = at.charpoly(sympy.Symbol("lambda")).all_coeffs()[1:]
        return tuple(sympy.factor(sympy.expand(one)) for one in whole)

    @property
    def _held(self) -> sympy.Expr:
        """η at a state u."""
        rate = self.flow.rate
        if eta not in rate.free_symbols:
            return eta
        (value,) = sympy.solve(rate, eta)
        return value

    @cached_property
    def determinants(self) -> tuple[sympy.Expr, ...]:
        """Hurwitz's determinants but for those that follow: stable exactly where all are positive."""
        c = self.characteristic
        return (*c[:-1], c[-1], *([c[0] * c[1] - c[2]] if len(c) == 3 else []))

    @cached_property
    def proved(self) -> bool:
        """Whether every state on a branch on which r falls is stable, whatever the rates: shown by coefficients.

        Without a decay a predictor that is trained leaves a line of states, along which nothing falls; a state is
        stable there but for its place on the line.

        >>> from derive.fields import FIELDS
        >>> from derive.fields.mode_flow import mode_flow
        >>> [Stability(mode_flow(FIELDS[name])).proved for name in ("simsiam", "byol")]
        [True, True]
        """
        a = _solved(self._held - E, a_i)
        if a is None:
            return False
        slope = sympy.expand(-u * sympy.diff(self.flow.rate, u)).subs(a_i, a) - F
        forms = [{a_i: a}]
        forms += [
            {a_i: a.subs(one, found), one: found} for one in (s_i, u) if (found := _solved(slope, one)) is not None
        ]
        return any(all(map(_is_positive, self._put(form))) for form in forms)

    def _put(self, form: Mapping[sympy.Symbol, sympy.Expr]) -> Iterator[sympy.Expr]:
        return (sympy.expand(sympy.simplify(one.subs(form, simultaneous=True))) for one in self.determinants)

    def momentum(self) -> str | None:
        """What the momentum copy does, in a sentence without a full stop; None where there is none."""
        if not self.flow.training.momentum:
            return None
        same = "the copy is W at rest, so that states, folds and r(0) = 0 stay where they are without it"
        if self.proved:
            return f"{same}; each stable state is stable for every μ: momentum changes rates alone"
        if p not in self.flow.rates:
            alone = sympy.factor(sympy.diff(self.flow.weight, w).xreplace({w: u, v: u}).xreplace({eta: self._held}))
            if alone.is_nonpositive:
                return f"{same}; each stable state is stable for every μ: momentum changes rates alone"
            return f"{same}; a state is stable where r falls and μ > {alone}: below that it swings"
        return f"{same}; whether each stays stable depends on μ"

    @cached_property
    def growth(self) -> sympy.Expr:
        """How fast a mode grows from small weights with the momentum copy, without a predictor or with P at 1.

        The eigenvalue of largest real part of the flow of w and v near 0: of the sign of r(0), and slower.
        """
        rate = self.flow.growth
        if not self.flow.training.momentum:
            return rate
        linear = self.flow.weight.xreplace({p: sympy.S.Zero})
        own, of_copy = (sympy.diff(linear, one).xreplace({w: sympy.S.Zero, v: sympy.S.Zero}) for one in (w, v))
        return sympy.simplify((own - mu + sympy.sqrt((own + mu) ** 2 + 4 * mu * of_copy)) / 2)


def _solved(equation: sympy.Expr, unknown: sympy.Symbol) -> sympy.Expr | None:
    """The positive solution of b x^k = c in x; None for another equation."""
    shape = sympy.Poly(sympy.expand(equation), unknown)
    powers = [power for (power,) in shape.monoms() if power]
    if len(powers) != 1:
        return None
    return sympy.root(sympy.cancel(-shape.coeff_monomial(1) / shape.coeff_monomial(unknown ** powers[0])), powers[0])


def _is_positive(value: sympy.Expr) -> bool:
    """Whether all terms are positive, and not all vanish."""
    top, bottom = sympy.fraction(sympy.together(value))
    terms = sympy.Add.make_args(sympy.expand(top))
    return bool(bottom.is_positive) and value != 0 and all(one.is_nonnegative for one in terms)
