r"""A field mode by mode: the weight w, the predictor p and the momentum copy v of one mode, where it rests, and when.

Along the modes of A0 and Σ, with eigenvalues a_i and s_i, W = diag(w), P = diag(p), Wₘ = diag(v); where no trace
couples modes each has a flow of its own. At rest v = w, and a trained predictor with a decay has p² = w²
(`derive.fields.conserved`), so that one number u is left. With p = w = v = u, or p as it is set,

    du/dt = u r(u),

and the mode rests at u = 0, collapse, and where r(u) = 0; of these a state is stable where r falls. r(0) is how fast
the mode grows from small weights: where it changes sign a state leaves 0 (a pitchfork). Where two states meet, r has a
double root: they vanish in a saddle-node, at the `fold`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sympy

from derive.algebra.letters import Letter
from derive.errors import InputError
from derive.fields.field import field
from derive.fields.training import OfMoments, Training, sigma

if TYPE_CHECKING:
    from derive.fields.field import FieldTerm

# The weight, the predictor and the copy of a mode, and all of them where they are equal; the eigenvalues of A0 and Σ.
w, p, v = Letter("w", real=True), Letter("p", real=True), Letter("v", real=True)
u = Letter("u", positive=True)
a_i, s_i = Letter("a_i", nonnegative=True), Letter("s_i", positive=True)
_ALONG = {"W": w, "P": p, "M": v, "A": a_i, "S": s_i}
_NAMES = {"W": w, "P": p, "W_m": v}


@dataclass(frozen=True)
class ModeFlow:
    """The flow of one mode.

    Attributes:
        training: what is trained.
        rates: dw/dt, and dp/dt and dv/dt where P and Wₘ move, by the letters w, p and v.
        exact: whether this is the whole flow, not the first orders of it.

    """

    training: Training
    rates: dict[sympy.Symbol, sympy.Expr]
    exact: bool

    @property
    def weight(self) -> sympy.Expr:
        """dw/dt.

        >>> from derive.fields import FIELDS
        >>> flow = mode_flow(FIELDS["simsiam"])
        >>> flow.weight, flow.rates[p]
        (a_i*p*w - eta*w - p**2*s_i*w, a_i*rho*w**2 - eta*p*rho - p*rho*s_i*w**2)
        """
        return self.rates[w]

    @cached_property
    def set_predictor(self) -> sympy.Expr | None:
        """P along the mode where it is set, h(s w²); None where it is trained, or there is none."""
        of = self.training.predictor
        return of.function.xreplace({sigma: s_i * u**2}) if isinstance(of, OfMoments) else None

    @cached_property
    def rate(self) -> sympy.Expr:
        """r of du/dt = u r(u), at p = w = v = u or with p as it is set; the rate ρ is 1, and changes no zero of r.

        >>> from derive.fields import FIELDS
        >>> mode_flow(FIELDS["byol"]).rate
        a_i*u - eta - s_i*u**2
        """
        of_predictor = u if self.set_predictor is None else self.set_predictor
        return sympy.expand(sympy.cancel(self.weight.xreplace({w: u, v: u, p: of_predictor}) / u))

    @property
    def growth(self) -> sympy.Expr:
        """r(0), how fast the mode grows or decays from small weights, the momentum copy having caught up."""
        return sympy.limit(self.rate, u, 0) if self.rate.has(u) else self.rate

    @property
    def states(self) -> tuple[sympy.Expr, ...]:
        """The positive u at which a mode rests, as formulas, the larger one last; a state is stable where r falls.

        >>> from derive.fields import FIELDS
        >>> [str(one) for one in mode_flow(FIELDS["simsiam"]).states]
        ['(a_i - sqrt(a_i**2 - 4*eta*s_i))/(2*s_i)', '(a_i + sqrt(a_i**2 - 4*eta*s_i))/(2*s_i)']

        """
        if not self.rate.is_polynomial(u):
            return ()
        found = sympy.roots(sympy.Poly(self.rate, u))
        kept = (sympy.simplify(one) for one in found if not one.is_zero and not one.is_negative)
        return tuple(sorted((one for one in kept if not one.could_extract_minus_sign()), key=str, reverse=True))

    @property
    def fold(self) -> sympy.Expr | None:
        """What is zero where two states meet and vanish: the discriminant of r; None where they cannot.

        For a quadratic it is positive where a mode can be kept.

        >>> from derive.fields import FIELDS
        >>> mode_flow(FIELDS["simsiam"]).fold
        a_i**2 - 4*eta*s_i
        """
        if not self.rate.is_polynomial(u):
            return None
        shape = sympy.Poly(self.rate, u)
        if shape.degree() < 2 or (all(power % 2 == 0 for (power,) in shape.monoms()) and shape.degree() < 4):
            return None
        return sympy.factor(sympy.discriminant(self.rate, u))

    @property
    def survival(self) -> sympy.Expr | None:
        """What must be positive for a mode to be kept anywhere: the fold of a quadratic r, without positive factors.

        >>> from derive.fields import FIELDS
        >>> mode_flow(FIELDS["directpred"].set({"epsilon": 0})).survival
        a_i**2 - 4*eta*s_i
        """
        if self.fold is None or sympy.degree(self.rate, u) > 2:
            return None
        number, factors = sympy.factor_list(self.fold)
        return sympy.Mul(sympy.sign(number), *(one**power for one, power in factors if not one.is_positive))

    def jacobian(self) -> sympy.Matrix:
        """The derivatives of the rates of w, p and v at a state: rows and columns in this order.

        Where P is set it moves with w.
        """
        rates = [self.rates[one] for one in _NAMES.values() if one in self.rates]
        moving = [one for one in _NAMES.values() if one in self.rates]
        set_ = self.set_predictor
        if set_ is not None:
            rates = [one.xreplace({p: set_.xreplace({u: w})}) for one in rates]
        return sympy.Matrix(rates).jacobian(moving).xreplace(dict.fromkeys((w, p, v), u))


def mode_flow(training: Training, order: int = 4) -> ModeFlow:
    """The flow of one mode.

    Args:
        training: what is trained; no trace may couple its modes.
        order: of the loss, even.

    Raises:
        InputError: modes are coupled.

    """
    whole = field(training, order)
    if any(term.traces for terms in whole.flow.values() for term in terms):
        message = f"the modes of {training.name} are coupled by traces over all of them and have no flows of their own"
        raise InputError(message)
    rates = {_NAMES[name]: sympy.Add(*map(_along, terms)) for name, terms in whole.flow.items()}
    return ModeFlow(training, rates, whole.exact)


def _along(term: FieldTerm) -> sympy.Expr:
    """The value of a term along one mode."""
    return term.coefficient * sympy.Mul(*(_ALONG[one.upper()] for one in term.word))
