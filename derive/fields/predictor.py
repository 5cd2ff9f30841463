r"""A field with a linear predictor P before the live views, mode by mode: SimSiam and BYOL with squared distances.

Live views are seen through P W, stopped ones through W. With G = −∂L/∂(P W) and a decay η of both,

    dW/dt = Pᵀ G − η W,    dP/dt = ρ (G Wᵀ − η P),

ρ the rate of the predictor. Along the modes, W = diag(w), P = diag(p), each mode has a flow of its own where no trace
couples it to others: dw/dt = p g − η w and dp/dt = ρ (g w − η p). For ρ = 1 the difference of squares only decays,

    d(w² − p²)/dt = −2η (w² − p²),

whatever the loss: it is conserved without decay, and with decay all that lasts is w² = p². On w = p = u one number is
left, du/dt = u g − η u (`PredictorFlow.balanced`), and its stable zeros are the states that training can end in; u = 0,
collapse, is one of them where η > 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy

from derive.algebra.alphabet import LETTERS, factors
from derive.algebra.letters import Letter
from derive.algebra.words import is_trace
from derive.errors import InputError
from derive.fields.field import descent

if TYPE_CHECKING:
    from derive.losses.loss import Loss

# The weight and the predictor of a mode, both where they are equal; the eigenvalues of A0 and of Σ; decay and rate.
w, p = Letter("w", real=True), Letter("p", real=True)
u = Letter("u", positive=True)
a_i, s_i = Letter("a_i", nonnegative=True), Letter("s_i", positive=True)
eta, rho = Letter("eta", nonnegative=True), Letter("rho", positive=True)
_VALUES = {"A0": a_i, "Sigma": s_i, "Sigma2": s_i, "A": a_i, "A^T": a_i, "A2": a_i}


@dataclass(frozen=True)
class PredictorFlow:
    """The flow of one mode.

    Attributes:
        loss: its name.
        pull: g = −∂L/∂(p w), a polynomial in w and p with the eigenvalues a_i of A0 and s_i of Σ.
        order: the order in W and P W through which the loss was expanded; exact where it ends there.

    """

    loss: str
    pull: sympy.Expr
    order: int

    @property
    def weight(self) -> sympy.Expr:
        """dw/dt.

        >>> from derive import Loss, half_sq, views
        >>> from derive.fields.field import stop
        >>> x, x_pos = views("x, x_pos")
        >>> with_predictor(Loss(half_sq(x, stop(x_pos)))).weight
        -eta*w + p*(a_i*w - p*s_i*w)
        """
        return p * self.pull - eta * w

    @property
    def predictor(self) -> sympy.Expr:
        """dp/dt."""
        return rho * (self.pull * w - eta * p)

    @property
    def balanced(self) -> sympy.Expr:
        """du/dt on w = p = u, for ρ = 1."""
        return sympy.expand(self.weight.xreplace({w: u, p: u}))

    @property
    def states(self) -> tuple[sympy.Expr, ...]:
        """The positive u at which a balanced mode rests, as formulas; a state is stable where du/dt falls.

        >>> from derive import Loss, half_sq, views
        >>> from derive.fields.field import stop
        >>> x, x_pos = views("x, x_pos")
        >>> [str(one) for one in with_predictor(Loss(half_sq(x, stop(x_pos)))).states]
        ['(a_i - sqrt(a_i**2 - 4*eta*s_i))/(2*s_i)', '(a_i + sqrt(a_i**2 - 4*eta*s_i))/(2*s_i)']
        """
        found = sympy.roots(sympy.Poly(sympy.cancel(self.balanced / u), u))
        return tuple(sorted(map(sympy.simplify, found), key=str, reverse=True))

    @property
    def fold(self) -> sympy.Expr:
        """What is zero where two states meet and vanish: the discriminant of du/dt/u in u.

        For a quadratic it is positive where a mode can be kept.

        >>> from derive import Loss, half_sq, views
        >>> from derive.fields.field import stop
        >>> x, x_pos = views("x, x_pos")
        >>> with_predictor(Loss(half_sq(x, stop(x_pos)))).fold
        a_i**2 - 4*eta*s_i
        """
        return sympy.factor(sympy.discriminant(sympy.cancel(self.balanced / u), u))


def with_predictor(loss: Loss, order: int = 4) -> PredictorFlow:
    """The flow of one mode of a loss with stopped views, a linear predictor before its live ones.

    Args:
        loss: with some views stopped (`derive.fields.field.stop`), whose live views never meet each other in a trace of
            their own.
        order: in (P W, W) jointly, even.

    Raises:
        InputError: nothing is stopped, modes are coupled, or the loss is not of inner products.

    """
    if loss.encoders != 2:
        raise InputError(f"{loss.name} stops no view: write stop(x_pos) for the views that the predictor aims at")
    pull = sympy.S.Zero
    expansion = loss.expand(order)
    if any(len(term.invariants) != 1 or not is_trace(term.invariants[0]) for term in expansion.terms):
        message = f"the modes of {loss.name} are coupled by sums over modes; their flow is not one of each mode"
        raise InputError(message)
    for _, word, value in descent(expansion):
        pull += value * _along(word)
    return PredictorFlow(loss.name, sympy.expand(pull), order)


def _along(word: str) -> sympy.Expr:
    """The value of an open word along one mode: P W for the weights of live views, W for those of stopped ones."""
    size = {"W": p * w, "V": w}
    value = sympy.S.One
    for k, letter in enumerate(word):
        name, (left, right) = LETTERS[letter].name, factors(letter)
        value *= _VALUES[name] * size[left]
        if k < len(word) - 1:
            value *= size[right]
    return value
