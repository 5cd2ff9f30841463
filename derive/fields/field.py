"""The field that training follows where views are stopped: dW/dt = −∂L/∂W with these views held.

A stopped view f(x′) counts as a constant while the loss is differentiated, and only then are its weights those of W.
So the views are given weights of their own, V; L is expanded in (U, V), differentiated in U alone, and only then are U
and V what they are (`derive.fields.training`):

    G = −∂L(U, V)/∂U at U = P W or W, V = Wₘ or W.

What the stop takes away is −∂L(U, V)/∂V there. What comes out need not be the gradient of any loss
(`derive.fields.curl`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy

from derive.algebra.graphs import ENCODER, STOPPED
from derive.algebra.scalars import normal_form
from derive.algebra.words import is_trace
from derive.definition.contents import degree_of
from derive.definition.expression import labels, walk
from derive.definition.notation import LATEX, TEXT, Style, signed_sum
from derive.definition.rewriting import relabelled
from derive.definition.views import View
from derive.errors import InputError
from derive.expansion.laws import Gaussian
from derive.fields.curl import potential
from derive.fields.products import (
    HELD,
    LIVE,
    WEIGHTS,
    closed,
    gradient,
    names,
    power,
    put,
    spelled_out,
    turned,
    written,
)
from derive.fields.section import aligned
from derive.fields.training import Linear, OfMoments, Training

if TYPE_CHECKING:
    from derive.expansion.expansion import Expansion
    from derive.expansion.laws import Law
    from derive.fields.products import Product, Traces, Word
    from derive.losses.loss import Loss


class FieldTerm(NamedTuple):
    """coefficient × ∏ traces × an open word of matrices.

    Attributes:
        order: the power of W, Wₘ counted with it.
        coefficient: exact, in the parameters.
        traces: the words beside it.
        word: the open word, spelled out (`derive.fields.products`).

    """

    order: int
    coefficient: sympy.Expr
    traces: Traces
    word: Word


@dataclass(frozen=True)
class Field:
    """What each of the weights does, in powers of W through a given order; powers of P are kept as they come.

    Attributes:
        training: what is trained; a loss in which nothing is stopped stands for itself.
        order: of W in dW/dt, odd; dP/dt is known through the order after it.
        flow: by the weights "W", "P", "W_m" that move: the terms, by order; coefficients are not zero.
        stopped: −∂L/∂V, what the stop takes away from dW/dt, or would add to the copy's; empty where nothing is.
        exact: whether there are no further orders.

    """

    training: Training | Loss
    order: int
    flow: Mapping[str, tuple[FieldTerm, ...]]
    stopped: tuple[FieldTerm, ...] = ()
    exact: bool = False

    remark = ""

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self.training.name

    @property
    def terms(self) -> tuple[FieldTerm, ...]:
        """Those of dW/dt."""
        return self.flow["W"]

    @property
    def growth(self) -> dict[str, sympy.Expr]:
        """The linear part of dW/dt without a predictor: the coefficients of W X, or of Wₘ X, by the name of X.

        Without a momentum copy a mode grows from 0 where their sum over its eigenvalues is positive.

        >>> from derive import Loss, half_sq, stop, views
        >>> x, x_pos = views("x, x_pos")
        >>> field(Loss(half_sq(x, stop(x_pos)))).growth
        {'A0': 1, 'Sigma': -1}
        """
        return {
            " ".join(names(term.word)[1:]) or "I": term.coefficient
            for term in self.terms
            if term.order == 1 and "P" not in term.word.upper()
        }

    @property
    def potential(self) -> Expansion | None:
        """The loss that the field descends, dW/dt = −∂U/∂W; None where there is none, or weights besides W move.

        >>> from derive import Loss, Mean, exp, inner, log, stop, views
        >>> x, x_pos, chi = views("x, x_pos, chi")
        >>> key = stop(chi)
        >>> keys = Loss(-inner(x, stop(x_pos)) + log(Mean(exp(inner(x, key)), over=key)))
        >>> print(field(keys).potential)
        −½ Tr[W A0 Wᵀ] + ¼ Tr[(W Σ Wᵀ)²] + O(W⁶)
        """
        return None if self.flow.keys() != {"W"} else potential(self)

    def lines(self, style: Style = TEXT) -> dict[str, str]:
        """The right-hand side of each d/dt, by what stands on the left."""
        return {
            _rate(name, style): self._sum(terms, style, self.order + (2 if name == "W" else 3), ends=name == "W_m")
            for name, terms in self.flow.items()
        }

    def removed(self, style: Style = TEXT) -> str:
        """What the stop takes away.

        >>> from derive import Loss, half_sq, stop, views
        >>> x, x_pos = views("x, x_pos")
        >>> print(field(Loss(half_sq(x, stop(x_pos)))).removed())
        W A0 − W Σ
        """
        return self._sum(self.stopped, style, self.order + 2)

    def _sum(self, terms: tuple[FieldTerm, ...], style: Style, beyond: int, *, ends: bool = False) -> str:
        parts = [(term.coefficient, written((term.traces, term.word), style)) for term in terms]
        return signed_sum(parts, style, "" if self.exact or ends else style.remainder("W", beyond))

    def text(self, style: Style = TEXT) -> str:
        """A line for each of the weights.

        >>> from derive.fields import FIELDS
        >>> print(field(FIELDS["byol"]))
        dW/dt = Pᵀ Wₘ A0 − Pᵀ P W Σ − η W
        dP/dt = ρ Wₘ A0 Wᵀ − ρ P W Σ Wᵀ − η ρ P
        dWₘ/dt = μ W − μ Wₘ
        """
        return "\n".join(f"{left} = {right}" for left, right in self.lines(style).items())

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()

    def latex(self) -> str:
        r"""The lines, aligned, for math mode.

        >>> from derive import Loss, half_sq, stop, views
        >>> x, x_pos = views("x, x_pos")
        >>> print(field(Loss(half_sq(x, stop(x_pos)))).latex())
        \begin{aligned}
        \dot W &= W A_0 - W \Sigma
        \end{aligned}
        """
        return aligned(self.lines(LATEX))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "field": self.loss,
            "order": self.order,
            "exact": self.exact,
            "flow": {name: list(map(_json, terms)) for name, terms in self.flow.items()},
            "stopped": list(map(_json, self.stopped)),
        }


def field(of: Loss | Training, order: int = 4, *, data: Law | None = None) -> Field:
    """The field of a loss with stopped views, f(x) = W x.

    Args:
        of: what is trained, or a definition in which some views are ``stop(view)``, which stands for training without a
            predictor, a momentum copy and decay; where nothing is stopped, the field is minus the gradient.
        order: even order in W of the loss, through which it is expanded; the field is known through the order below.
        data: the law of the views; `Gaussian` unless given. One kind of centred data.

    Raises:
        InputError: a bias, coordinates of f that do not drop out, or data with a mean, classes or two augmentations.

    >>> from derive import catalogue
    >>> print(field(catalogue("infonce")))
    dW/dt = 2 W A0 − 3 W Σ Wᵀ W Σ + O(W⁵)

    """
    training = of if isinstance(of, Training) else Training(of, decay=False) if of.stopped else None
    loss = of.loss if isinstance(of, Training) else of
    if loss.bias:
        raise InputError(f"{loss.name} has a bias; fields are derived for f(x) = W x")
    law = data or Gaussian()
    if law.arrays or law.defined(loss.expression) != loss.expression:
        message = f"fields are derived for centred data of one kind, not for those of the law {law.text}"
        raise InputError(f"{message}; leave --law out, or take an elliptical one")
    expansion = held_apart(loss).expand(order, data=law)
    degree = degree_of(loss.expression)
    exact = degree is not None and degree <= order
    pull, stopped = (_descent(expansion, by) for by in (LIVE, HELD))
    flow = _flows(pull, training)
    limit = {"W": order - 1, "P": order, "W_m": order}
    of_stop = _collected(_put(stopped, _views(training)), None if exact else order - 1)
    return Field(
        training or loss,
        order - 1,
        {name: _collected(one, None if exact else limit[name]) for name, one in flow.items()},
        of_stop,
        exact,
    )


def held_apart(loss: Loss) -> Loss:
    """The loss with weights V of their own for stopped views."""
    named = {view for node in walk(loss.expression) for view in labels(node) if isinstance(view, View)}
    second = {view: view._replace(role=ENCODER) for view in named if view.role == STOPPED}
    return replace(loss, expression=relabelled(loss.expression, second))


Products = Mapping["Product", sympy.Expr]


def _descent(expansion: Expansion, by: str) -> Products:
    """−∂L/∂U or −∂L/∂V."""
    found: dict[Product, sympy.Expr] = defaultdict(lambda: sympy.S.Zero)
    for term in expansion.terms:
        if not all(map(is_trace, term.invariants)):
            message = f"{expansion.loss} singles out coordinates of f; fields are derived for losses of inner products"
            raise InputError(message)
        for product, times in gradient(spelled_out(term.invariants), by).items():
            found[product] -= term.coefficient * times
    return found


def _views(training: Training | None) -> dict[str, dict[Word, sympy.Expr]]:
    """What U and V are."""
    one = sympy.S.One
    if training is None:
        return {LIVE: {"W": one}}
    held = {"M" if training.momentum else "W": one}
    return {LIVE: {word + "W": value for word, value in _predictor(training).items()}, HELD: held}


def _predictor(training: Training) -> dict[Word, sympy.Expr]:
    """P: a letter, a polynomial in W Σ Wᵀ, or nothing."""
    if training.predictor is None:
        return {"": sympy.S.One}
    known = training.predictor.powers if isinstance(training.predictor, OfMoments) else None
    return {"P": sympy.S.One} if known is None else {"WSw" * k: value for k, value in known.items()}


def _flows(pull: Products, training: Training | None) -> dict[str, Products]:
    """What each of the weights does, from G."""
    G = _put(pull, _views(training))
    if training is None:
        return {"W": G}
    decay = training.rates.get("eta", sympy.S.Zero)
    flow: dict[str, Products] = {}
    through: dict[Product, sympy.Expr] = defaultdict(lambda: sympy.S.Zero)
    for (traces, word), value in G.items():
        for before, factor in _predictor(training).items():
            through[traces, turned(before) + word] += factor * value
    through[(), "W"] -= decay
    flow["W"] = through
    if isinstance(training.predictor, Linear):
        rate = training.rates["rho"]
        of_predictor = {(traces, word + "w"): rate * value for (traces, word), value in G.items()}
        flow["P"] = {**of_predictor, ((), "P"): -rate * decay}
    if training.momentum:
        rate = training.rates["mu"]
        flow["W_m"] = {((), "W"): rate, ((), "M"): -rate}
    return flow


def _put(products: Products, sums: Mapping[str, Mapping[Word, sympy.Expr]]) -> Products:
    """Products with what U and V are put for them."""
    found: dict[Product, sympy.Expr] = defaultdict(lambda: sympy.S.Zero)
    for (traces, word), value in products.items():
        choices: list[tuple[sympy.Expr, tuple[Word, ...]]] = [(value, ())]
        for one in traces:
            choices = [
                (have * sympy.Mul(*factors), (*beside, new))
                for have, beside in choices
                for new, factors in put(one, sums)
            ]
        for have, beside in choices:
            for new, factors in put(word, sums):
                found[closed(beside), new] += have * sympy.Mul(*factors)
    return found


def _collected(products: Products, limit: int | None) -> tuple[FieldTerm, ...]:
    """The terms through an order, by order, in normal form."""
    terms = (
        FieldTerm(power(product), value, *product)
        for product, coefficient in products.items()
        if (limit is None or power(product) <= limit) and (value := normal_form(coefficient)) != 0
    )
    return tuple(sorted(terms, key=_place))


def _place(term: FieldTerm) -> tuple[object, ...]:
    """Decay comes last, and in each order what pulls before what pushes."""
    pushes = term.coefficient.could_extract_minus_sign()
    return term.word in WEIGHTS, term.order, pushes, len(term.word), term.traces, term.word


def _rate(name: str, style: Style) -> str:
    one = next(one for one in WEIGHTS.values() if one.name == name)
    return f"d{one.text}/dt" if style is TEXT else rf"\dot {style.matrix(one)}"


def _json(term: FieldTerm) -> dict[str, Any]:
    return {
        "order": term.order,
        "coefficient": str(term.coefficient),
        "traces": [names(word) for word in term.traces],
        "word": names(term.word),
    }
