r"""DINO's field: what a softmax head, two temperatures and a stopped teacher make of a linear map.

−∂L/∂W = E[(t − s) xᵀ]/τ_s, t and s the softmaxes of teacher and student, so that for Gaussian data of mean zero Stein's
lemma gives, to all orders in W,

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
from typing import Any, NamedTuple

import sympy

from derive.algebra.letters import Letter
from derive.definition.notation import TEXT, Style, signed_sum
from derive.errors import InputError
from derive.fields.dino import DINO, Dino, K, tau_s, tau_t
from derive.fields.softmax import Link, links

# The eigenvalues of A0 and of Σ.
a_i, s_i = Letter("a_i", nonnegative=True), Letter("s_i", positive=True)
# The rate at which the teacher's weights follow the student's, and that at which a mode grows.
q, rate = Letter("q", positive=True), Letter("x")
# Each further order costs some ten times more.
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
    """dW/dt in powers of W, through an odd order.

    Attributes:
        training: what is trained.
        order: the highest order in W.
        terms: by order.

    """

    training: Dino
    order: int
    terms: tuple[LogitTerm, ...]

    remark = ""

    @property
    def growth(self) -> dict[str, sympy.Expr]:
        """The linear part, by the matrix that stands right of W.

        >>> logit_field(order=1).growth
        {'A0': 1/(K*tau_s*tau_t), 'Sigma': -1/(K*tau_s**2)}
        """
        return {term.letter: term.coefficient for term in self.terms if term.order == 1}

    def lines(self, style: Style = TEXT) -> dict[str, str]:
        """The right-hand side by what stands on the left; W on the right is Π W, each column less its mean."""
        plain = style is TEXT
        matrices = {"A0": "A0", "Sigma": "Σ"} if plain else {"A0": "A_0", "Sigma": r"\Sigma"}
        parts = [
            (term.coefficient, f"{'' if term.link.unit else f'{term.link.text(style)} '}W {matrices[term.letter]}")
            for term in self.terms
        ]
        whole, end = style.brackets(signed_sum(parts, style)), style.remainder("W", self.order + 2)
        if plain:
            return {"dW/dt": f"Π {whole} + {end}", "S": "Π W Σ Wᵀ Π, Π = I − 11ᵀ/K"}
        centred = r"\Pi W \Sigma W^{\top} \Pi,\quad \Pi = I - \tfrac{1}{K} 1 1^{\top}"
        return {r"\dot{W}": rf"\Pi {whole} + {end}", "S": centred}

    def removed(self, _style: Style = TEXT) -> str:
        """What the stop takes away, which is not expanded."""
        return ""

    @property
    def flow(self) -> tuple[str, ...]:
        """The weights that move."""
        return ("W",)

    @property
    def stopped(self) -> tuple[LogitTerm, ...]:
        """What the stop takes away, which is not expanded."""
        return ()

    def text(self) -> str:
        """A line for the field, and one for its letters.

        >>> print(logit_field(DINO.set({"K": 2}), 1).text())
        dW/dt = Π [1/(2 τ_s τ_t) W A0 − 1/(2 τ_s^2) W Σ] + O(W³)
        S = Π W Σ Wᵀ Π, Π = I − 11ᵀ/K
        """
        return "\n".join(f"{left} = {right}" for left, right in self.lines().items())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: links by their entries, a product of S_kl averaged over all indices but its ends."""
        return {
            "loss": self.training.name,
            "order": self.order,
            "terms": [
                {
                    "order": term.order,
                    "coefficient": str(term.coefficient),
                    "link": {"edges": [list(pair) for pair in term.link.edges], "ends": list(term.link.ends)},
                    "letter": term.letter,
                }
                for term in self.terms
            ],
        }

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()


def logit_field(dino: Dino = DINO, order: int = 3) -> LogitField:
    """The field through an odd order in W, for centred logits, or data of mean zero.

    Raises:
        InputError: an order that is even, or beyond 7.

    >>> for term in logit_field().terms[2:5]:
    ...     print(term.coefficient, term.link, term.letter)
    1/(2*K*tau_s*tau_t**3) Diag(S_kk) A0
    -1/(2*K*tau_s*tau_t**3) Diag(mean_l S_ll) A0
    -1/(K**2*tau_s*tau_t**3) [S_kl] A0

    """
    if order not in range(1, _HIGHEST + 1, 2):
        raise InputError(f"order {order}: the field of {dino.name} is expanded through orders 1, 3, 5 or 7 in W")
    terms = (
        LogitTerm(2 * power + 1, dino.put(_coefficient(link, sympy.Rational(number), letter, power)), link, letter)
        for power in range((order + 1) // 2)
        for letter in ("A0", "Sigma")
        for link, number in links(power).items()
    )
    return LogitField(dino, order, tuple(terms))


def _coefficient(link: Link, number: sympy.Rational, letter: str, power: int) -> sympy.Expr:
    """The teacher's part rises with its own temperature's powers, the student's falls with its own."""
    own = 1 / tau_t ** (2 * power + 1) if letter == "A0" else -1 / tau_s ** (2 * power + 1)
    return number * own / tau_s / K ** (1 if link.diagonal else 2)


def threshold() -> sympy.Expr:
    """The view correlation above which a mode grows from small weights.

    >>> threshold()
    tau_t/tau_s
    """
    growth = logit_field(order=1).growth
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
    growth = logit_field(order=1).growth
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
