"""The field that training follows when some views are stopped: dW/dt = −∂L/∂W with these views held.

A stopped view f(x′) counts as a constant while the loss is differentiated, and only then are its weights those of W.
So the views are given weights of their own, V; L is expanded in (W, V), differentiated in W alone, and V is set to W:

    dW/dt = −∂L(W, V)/∂W at V = W.

The last step changes the words: Σ₂ is Σ and A is A0. What comes out need not be the gradient of any loss; `potential`
finds that loss where there is one. Of a field of degree 2k − 1 it must be −Tr[Wᵀ dW/dt]/(2k), by Euler's theorem.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive.algebra.alphabet import LETTERS, factors
from derive.algebra.graphs import ENCODER
from derive.algebra.scalars import normal_form
from derive.algebra.words import Invariants, gradient, is_trace, spelled, substitute, trace
from derive.definition.notation import TEXT, Style, product_of_invariants, signed_sum
from derive.definition.views import View
from derive.errors import InputError
from derive.expansion.expansion import Expansion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from derive.losses.loss import Loss

# V is W, and what is seen through it is the same data: Σ₂ is Σ, A, Aᵀ and A₂ are A0.
_SAME = {"T": {"S": 1}, "X": {"A": 1}, "Y": {"A": 1}, "Z": {"A": 1}, "J": {"I": 1}}


class FieldTerm(NamedTuple):
    """coefficient × ∏ traces × an open word, W X₁ Wᵀ W X₂ for the letters X₁ X₂.

    Attributes:
        order: the order in W.
        coefficient: exact, in the loss's parameters.
        traces: the words beside it.
        word: the letters of the open word.

    """

    order: int
    coefficient: sympy.Expr
    traces: Invariants
    word: str


@dataclass(frozen=True)
class Field:
    """dW/dt in powers of W, through a given order.

    Attributes:
        loss: the name of the loss with stopped views.
        order: the highest order in W, odd.
        terms: by order; coefficients are not zero.
        parameters: the names of the loss's parameters.

    """

    loss: str
    order: int
    terms: tuple[FieldTerm, ...]
    parameters: tuple[str, ...] = ()

    @property
    def growth(self) -> dict[str, sympy.Expr]:
        """The linear part: the coefficients of W X by the name of X; a mode grows from 0 where their sum is positive.

        >>> from derive import Loss, half_sq, views
        >>> x, x_pos = views("x, x_pos")
        >>> field(Loss(half_sq(x, stop(x_pos)))).growth
        {'A0': 1, 'Sigma': -1}
        """
        return {LETTERS[term.word].name: term.coefficient for term in self.terms if term.order == 1}

    @property
    def potential(self) -> Expansion | None:
        """The loss that the field descends, dW/dt = −∂U/∂W; None where there is none.

        >>> from derive import Loss, Mean, exp, inner, log, views
        >>> x, x_pos, chi = views("x, x_pos, chi")
        >>> key = stop(chi)
        >>> keys = Loss(-inner(x, stop(x_pos)) + log(Mean(exp(inner(x, key)), over=key)))
        >>> print(field(keys).potential)
        −½ Tr[W A0 Wᵀ] + ¼ Tr[(W Σ Wᵀ)²] + O(W⁶)
        """
        found: dict[Invariants, sympy.Expr] = defaultdict(lambda: sympy.S.Zero)
        for term in self.terms:
            closed = tuple(sorted((*term.traces, trace(term.word))))
            found[closed] -= term.coefficient / (term.order + 1)
        whole = Expansion.collect(found, self.order + 1, loss=self.loss, parameters=self.parameters)
        back: dict[tuple[Invariants, str], sympy.Expr] = defaultdict(lambda: sympy.S.Zero)
        for one in whole.terms:
            for key, times in gradient(one.invariants).items():
                back[key] -= one.coefficient * times
        own = {(term.traces, term.word): term.coefficient for term in self.terms}
        same = all(normal_form(back[key] - own.get(key, sympy.S.Zero)) == 0 for key in {*back, *own})
        return whole if same else None

    def text(self, style: Style = TEXT) -> str:
        """In plain text, or in another style.

        >>> from derive import Loss, half_sq, views
        >>> x, x_pos = views("x, x_pos")
        >>> print(field(Loss(half_sq(x, stop(x_pos)))).text())
        dW/dt = W A0 − W Σ + O(W⁵)
        """
        parts = [(term.coefficient, _written(term, style)) for term in self.terms]
        return f"dW/dt = {signed_sum(parts, style, style.remainder('W', self.order + 2))}"

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()


def stop(view: object) -> View:
    """The view with its gradient stopped: f at it counts as a constant while the loss is differentiated.

    A mean over it names the stopped view: ``key = stop(chi)``, ``Mean(exp(inner(x, key)), over=key)``. A view is either
    stopped or not in one definition; another view of the datum can be the other way.
    """
    if isinstance(view, View) and not view.white:
        return view._replace(role=ENCODER)
    raise InputError(f"stop({view!r}): give a view, as views() makes them")


def field(loss: Loss, order: int = 4) -> Field:
    """The field of a loss of Gaussian data with stopped views, f(x) = W x.

    Args:
        loss: a definition in which some views are ``stop(view)``; without any, the field is minus the gradient.
        order: even order in W of the loss, through which it is expanded; the field is known through the order below.

    Raises:
        InputError: a bias, or coordinates of f that do not drop out.

    >>> from derive import catalogue
    >>> print(field(catalogue("infonce")))
    dW/dt = 2 W A0 − 3 W Σ Wᵀ W Σ + O(W⁵)

    """
    if loss.bias:
        raise InputError(f"{loss.name} has a bias; fields are derived for f(x) = W x")
    expansion = loss.expand(order)
    found: dict[tuple[Invariants, str], sympy.Expr] = defaultdict(lambda: sympy.S.Zero)
    for beside, word, value in descent(expansion):
        for key, number in _identified(beside, word):
            found[key] += value * number
    terms = (
        FieldTerm(2 * (sum(len(one[0][1]) for one in traces) + len(word)) - 1, value, traces, word)
        for (traces, word), coefficient in found.items()
        if (value := normal_form(coefficient)) != 0
    )
    ordered = tuple(sorted(terms, key=lambda term: (term.order, term.traces, term.word)))
    return Field(loss.name, order - 1, ordered, tuple(loss.parameters))


def descent(expansion: Expansion) -> Iterator[tuple[Invariants, str, sympy.Expr]]:
    """−∂L/∂W with the weights V of stopped views held: the traces, the open word and the coefficient of each part.

    Raises:
        InputError: the loss singles out coordinates of f.

    """
    for term in expansion.terms:
        if not all(map(is_trace, term.invariants)):
            message = f"{expansion.loss} singles out coordinates of f; fields are derived for losses of inner products"
            raise InputError(message)
        for (beside, word), times in gradient(term.invariants).items():
            # The factor that is dropped is W, not the weights of the stopped views.
            if factors(word[-1])[1] == "W":
                yield beside, word, -term.coefficient * times


def _identified(beside: Invariants, word: str) -> Iterator[tuple[tuple[Invariants, str], int]]:
    """The words with V = W."""
    plain = "".join(next(iter(_SAME.get(letter, {letter: 1}))) for letter in word)
    for traces, number in substitute(beside, _SAME).items() if beside else (((), 1),):
        yield (traces, plain), number


def _written(term: FieldTerm, style: Style) -> str:
    """The traces and the open word."""
    before = [product_of_invariants(term.traces, style)] if term.traces else []
    inside = [style.sandwich(letter) for letter in term.word[:-1]]
    return style.times.join([*before, *inside, style.product(spelled(term.word[-1])[:-1])])
