r"""DINO with linear logits (Caron et al. 2021): a softmax head, two temperatures, a stopped and centred teacher.

The student's logits are W x, the teacher's W x′ − c with c their mean, and L = −E Σ_k t_k log s_k with
t = softmax((W x′ − c)/τ_t), which is stopped, and s = softmax(W x/τ_s). So −∂L/∂W = E[(t − s) xᵀ]/τ_s, and for Gaussian
data of mean zero Stein's lemma gives

    dW/dt = (1/τ_s) [ J(S/τ_t²) W A0/τ_t − J(S/τ_s²) W Σ/τ_s ],      S = W Σ Wᵀ,

with J = E[diag p − p pᵀ], p the softmax (`derive.fields.softmax`), to all orders. What follows at once:

- J = Π/K at S = 0: a mode grows from 0 at the rate (a_i/τ_t − s_i/τ_s)/(K τ_s), so where λ_i > τ_t/τ_s;
- 1ᵀ W does not move: what all logits have in common is not learned, and only weight decay takes it away;
- softmax(r z)·z rises with r, and Tr[J W A0 Wᵀ] ≤ Tr[J W Σ Wᵀ]: |W| falls for τ_t ≥ τ_s, from anywhere;
- at large W both softmaxes pick the largest logit, and |W| falls unless λ_i = 1: with every λ_i < 1 weights stay
  finite; a mode with λ_i = 1 sharpens without end.

What becomes of a mean of the data, and what centring is for, is in `derive.fields.centring`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import sympy

from derive.algebra.letters import Letter
from derive.definition.notation import TEXT, Style, signed_sum
from derive.errors import InputError
from derive.fields.softmax import Link, links

# Temperatures of student and teacher; the number of logits; the eigenvalues of A0 and of Σ.
tau_s, tau_t = Letter("tau_s", positive=True), Letter("tau_t", positive=True)
K = Letter("K", positive=True)
a_i, s_i = Letter("a_i", nonnegative=True), Letter("s_i", positive=True)
# The rate at which the teacher's weights follow the student's, and that at which a mode grows.
q, rate = Letter("q", positive=True), Letter("x")
# Below this the expansion of every head is by hand; each further order costs some ten times more.
_HIGHEST = 7


class LogitTerm(NamedTuple):
    """coefficient × Π link Π W X, where the link is made of the entries of S = Π W Σ Wᵀ Π.

    Attributes:
        order: the order in W.
        coefficient: in τ_s, τ_t and K.
        link: a matrix by its entries; of one that is not symmetric the symmetric part is meant.
        letter: X, "A0" or "Sigma".

    """

    order: int
    coefficient: sympy.Expr
    link: Link
    letter: str


@dataclass(frozen=True)
class LogitField:
    """dW/dt in powers of W, through an odd order."""

    order: int
    terms: tuple[LogitTerm, ...]

    @property
    def growth(self) -> dict[str, sympy.Expr]:
        """The linear part, by the matrix that stands right of W.

        >>> dino_field(1).growth
        {'A0': 1/(K*tau_s*tau_t), 'Sigma': -1/(K*tau_s**2)}
        """
        return {term.letter: term.coefficient for term in self.terms if term.order == 1}

    def text(self, style: Style = TEXT) -> str:
        """In plain text: W there is ΠW, each column less its mean.

        >>> print(dino_field(1).text())
        dW/dt = Π [1/(K τ_s τ_t) W A0 − 1/(K τ_s^2) W Σ] + O(W³)
        """
        matrices = {"A0": "A0", "Sigma": "Σ"}
        parts = [
            (term.coefficient, f"{'' if term.link.unit else f'{term.link} '}W {matrices[term.letter]}")
            for term in self.terms
        ]
        return f"dW/dt = Π [{signed_sum(parts, style)}] + {style.remainder('W', self.order + 2)}"

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()


def dino_field(order: int = 3) -> LogitField:
    """The field through an odd order in W, for centred logits, or data of mean zero.

    Raises:
        InputError: an order that is even, or beyond 7.

    >>> for term in dino_field(3).terms[2:5]:
    ...     print(term.coefficient, term.link, term.letter)
    1/(2*K*tau_s*tau_t**3) Diag(S_kk) A0
    -1/(2*K*tau_s*tau_t**3) Diag(mean_l S_ll) A0
    -1/(K**2*tau_s*tau_t**3) [S_kl] A0
    """
    if order not in range(1, _HIGHEST + 1, 2):
        raise InputError(f"order {order}: the field of DINO is expanded through orders 1, 3, 5 or 7 in W")
    terms = (
        LogitTerm(2 * power + 1, _coefficient(link, sympy.Rational(number), letter, power), link, letter)
        for power in range((order + 1) // 2)
        for letter in ("A0", "Sigma")
        for link, number in links(power).items()
    )
    return LogitField(order, tuple(terms))


def _coefficient(link: Link, number: sympy.Rational, letter: str, power: int) -> sympy.Expr:
    """The teacher's part rises with its own temperature's powers, the student's falls with its own."""
    own = 1 / tau_t ** (2 * power + 1) if letter == "A0" else -1 / tau_s ** (2 * power + 1)
    return number * own / tau_s / K ** (1 if link.diagonal else 2)


def threshold() -> sympy.Expr:
    """The view correlation above which a mode grows from small weights.

    >>> threshold()
    tau_t/tau_s
    """
    growth = dino_field(1).growth
    correlation = sympy.Symbol("lambda")
    (found,) = sympy.solve(growth["A0"] * correlation + growth["Sigma"], correlation)
    return found


def followed() -> sympy.Poly:
    """The characteristic polynomial of a small mode whose teacher follows the student at a rate q, dV/dt = q (W − V).

    Its last coefficient alone can be negative, and is where the mode grows without a momentum: momentum changes
    rates, and no threshold.

    >>> followed().all_coeffs()[-1].factor()
    -q*(a_i*tau_s - s_i*tau_t)/(K*tau_s**2*tau_t)
    """
    growth = dino_field(1).growth
    flow = sympy.Matrix([[growth["Sigma"] * s_i, growth["A0"] * a_i], [q, -q]])
    return flow.charpoly(rate).as_poly()


def onset() -> sympy.Expr:
    """The largest excess kurtosis of K numbers: where it is positive some modes do not saturate as they begin to grow.

    At λ_i = τ_t/τ_s the flow of a mode along w ∈ R^K descends κ₄(w)(1/τ_s² − 1/τ_t²)/(8 τ_s²), κ₄ the fourth cumulant
    of the K numbers w_k. For τ_t < τ_s it saturates where κ₄ < 0. The largest κ₄/κ₂² is that of one logit against all
    others: negative for K ≤ 4, and positive from K = 5 on. There modes jump to finite weights, and stay there down to
    some λ_i below τ_t/τ_s: hysteresis.

    >>> [onset().subs(K, k) for k in (2, 4, 5)]
    [-2, -2/3, 1/4]
    """
    share = 1 / K
    spread = share * (1 - share)
    return sympy.factor((1 - 6 * spread) / spread)
