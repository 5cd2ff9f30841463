"""How a mode appears: the order parameter's exponent and the relaxation rates where its descent b_i changes sign.

A single mode of amplitude w = |w_i| has the potential ℓ(w) = −ε w² + q w^(2n) + …, ε = b_i its descent at the origin
and q the first coefficient beyond that is not zero. Under gradient flow ẇ = −ℓ′(w).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy

from derive.algebra.letters import letters
from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign
from derive.algebra.words import is_trace
from derive.definition.glyphs import apart
from derive.definition.notation import TEXT
from derive.errors import InputError
from derive.landscape.correlations import OF_MODES, of_powers
from derive.landscape.landscape import MODE_I

if TYPE_CHECKING:
    from derive.expansion.expansion import Expansion

w, epsilon, q, time = letters("w epsilon q t", positive=True)


@dataclass(frozen=True)
class Transition:
    """A mode near the point where it collapses.

    Attributes:
        descent: ε = b_i in a_i, c_i and the parameters; the mode is kept where it is positive.
        coupling: q, the coefficient of w^(2n).
        n: the first order beyond w² that holds the mode back, 2 for a quartic.
        order_parameter: w at the minimum, to leading order in ε.
        exponent: the power of ε in the order parameter.
        rate_kept: how fast a small departure from the minimum decays where ε > 0, in ε.
        rate_collapsed: how fast a small w decays where ε < 0, in |ε|; both vanish at ε = 0.
        decay: w(t) at ε = 0 and late times, in q and t: a power of t, slower than any rate.

    """

    descent: sympy.Expr
    coupling: sympy.Expr
    n: int
    order_parameter: sympy.Expr
    exponent: sympy.Rational
    rate_kept: sympy.Expr
    rate_collapsed: sympy.Expr
    decay: sympy.Expr

    def text(self) -> str:
        """One line of plain text."""
        return apart(self, self.descent.free_symbols, Transition._text)

    def _text(self) -> str:
        return (
            f"ε = {self._descent()}: |w_i| ∝ ε^({self.exponent}); relaxation rate {_of(self.rate_kept)} above"
            f" and {_of(self.rate_collapsed)} below, t^({-self.exponent_in_time}) at ε = 0"
        )

    def _descent(self) -> str:
        """ε, the eigenvalue of B: that of Σ times a function of λ_i, where it depends on no more."""
        whitened = of_powers(self.descent)
        if whitened.free_symbols & OF_MODES or whitened == 1:
            return TEXT.scalar(self.descent)
        shown = TEXT.scalar(whitened)
        # A sign in front would read as a difference.
        apart = whitened.is_Add or shown[0] in "-−"
        return f"(a_i + c_i)({shown})" if apart else f"(a_i + c_i) {shown}"

    @property
    def exponent_in_time(self) -> sympy.Rational:
        """The power of 1/t in the decay at ε = 0."""
        return sympy.Rational(1, 2 * (self.n - 1))


def transition(expansion: Expansion) -> Transition:
    """The transition of a single mode, from an expansion.

    Coupling to other modes through products of traces shifts ε and q, not the exponent.

    Raises:
        InputError: where a mode is not held back by any term of the expansion, or only for some parameters; where there
            are no terms of order 2, or sums over coordinates remain.

    >>> from derive import catalogue
    >>> found = transition(catalogue("beta-infonce").expand(order=4))
    >>> found.exponent, found.rate_kept, found.rate_collapsed, found.decay
    (1/2, 4*epsilon, 2*epsilon, sqrt(2)/(4*sqrt(q)*sqrt(t)))

    """
    powers: dict[int, sympy.Expr] = {}
    for term in expansion.terms:
        if not all(is_trace(one) for one in term.invariants):
            message = (
                f"{expansion.loss} is not invariant under rotations of the embedding; see derive.landscape.landscape"
            )
            raise InputError(message)
        value = term.coefficient * sympy.prod(
            MODE_I[letter] for one in term.invariants for _, word, _ in one for letter in word
        )
        powers[term.order // 2] = powers.get(term.order // 2, sympy.S.Zero) + value
    powers = {k: normal_form(value) for k, value in powers.items()}
    beyond = [k for k in sorted(powers) if k > 1 and powers[k] != 0]
    if not beyond:
        message = f"nothing holds a mode of {expansion.loss} back through order {expansion.order}"
        raise InputError(message)
    n = beyond[0]
    held, descent = sign(powers[n], ranges=expansion.ranges), normal_form(-powers.get(1, sympy.S.Zero))
    if held == -1:
        message = f"{expansion.loss} falls further at order {2 * n}: its modes do not appear continuously"
        raise InputError(message)
    if held is None:
        message = f"whether order {2 * n} of {expansion.loss} holds a mode back depends on the sign of {powers[n]}"
        raise InputError(message)
    if descent == 0:
        message = f"{expansion.loss} has no terms of order 2: no mode appears at a point"
        raise InputError(message)
    potential = -epsilon * w**2 + q * w ** (2 * n)
    (minimum,) = (root for root in sympy.solve(sympy.diff(potential, w), w) if root != 0)
    curvature = sympy.diff(potential, w, 2)
    # Below, the descent is −ε.
    below = sympy.diff(-potential.subs(q, 0), w, 2)
    # ẇ = −2n q w^(2n − 1) has w^(2 − 2n) growing at a constant rate.
    level = -sympy.diff(potential.subs(epsilon, 0), w)
    speed = sympy.simplify(sympy.diff(w ** (2 - 2 * n), w) * level)
    return Transition(
        descent=descent,
        coupling=powers[n],
        n=n,
        order_parameter=sympy.powsimp(minimum),
        exponent=sympy.simplify(epsilon * sympy.diff(minimum, epsilon) / minimum),
        rate_kept=sympy.simplify(curvature.subs(w, minimum)),
        rate_collapsed=below,
        decay=sympy.powsimp((speed * time) ** sympy.Rational(1, 2 - 2 * n)),
    )


def _of(value: sympy.Expr) -> str:
    return str(value).replace("*", " ").replace("epsilon", "|ε|")
