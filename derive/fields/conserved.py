r"""What a flow conserves, or lets decay, whatever the loss is: quadratic forms of the weights.

Only where U = P W and the copy come from is needed, not the loss: with G = −∂L/∂U left open,

    d(W Wᵀ)/dt = Pᵀ G Wᵀ + W Gᵀ P − 2η W Wᵀ,    d(Pᵀ P)/dt = ρ (W Gᵀ P + Pᵀ G Wᵀ − 2η Pᵀ P),

so that G drops out of ρ W Wᵀ − Pᵀ P. The stop is what makes it so: a loss that is differentiated in P W alone does not
change along (W, P) → (R W, P R⁻¹). All forms are tried, and those are kept from whose rate the loss drops out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import sympy

from derive.algebra.scalars import normal_form
from derive.definition.notation import TEXT, Style, signed_sum
from derive.fields.products import WEIGHTS, turned, written
from derive.fields.training import Linear, OfMoments, Training

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from derive.fields.products import Word

# The gradient that is left open.
_OPEN = "G"
_Sum = dict["Word", sympy.Expr]


@dataclass(frozen=True)
class Invariant:
    """A quadratic form of the weights from whose rate the loss drops out.

    Attributes:
        form: the words of W Wᵀ, Pᵀ P and so on, and their coefficients.
        change: those of its rate.

    """

    form: tuple[tuple[Word, sympy.Expr], ...]
    change: tuple[tuple[Word, sympy.Expr], ...]

    @property
    def decay(self) -> sympy.Expr | None:
        """κ where the form only decays, dQ/dt = −κ Q, 0 where it is conserved; None where its parts decay apart.

        >>> from derive.fields import FIELDS
        >>> invariants(FIELDS["simsiam"].set({"rho": 1}))[0].decay
        2*eta
        """
        rates = {normal_form(-dict(self.change).get(word, 0) / value) for word, value in self.form}
        return rates.pop() if len(rates) == 1 else None

    def text(self, style: Style = TEXT) -> str:
        """The form and what becomes of it, in a sentence without a full stop.

        >>> from derive.fields import FIELDS
        >>> print(invariants(FIELDS["simsiam"])[0].text())
        d(ρ W Wᵀ − Pᵀ P)/dt = −2 η ρ W Wᵀ + 2 η ρ Pᵀ P, whatever the loss
        """
        form, change = (self._sum(of, style) for of in (self.form, self.change))
        if self.decay == 0:
            return f"{form} is conserved, whatever the loss"
        right = change if self.decay is None else f"−{style.scalar(self.decay)} ({form})"
        return f"d({form})/dt = {right}, whatever the loss"

    def _sum(self, of: Iterable[tuple[Word, sympy.Expr]], style: Style) -> str:
        return signed_sum([(value, written(((), word), style)) for word, value in of], style)


def invariants(training: Training) -> tuple[Invariant, ...]:
    """The quadratic forms of the weights from whose rate the loss drops out.

    Args:
        training: what is trained; of its loss nothing is used.

    >>> from derive.fields import FIELDS
    >>> [one.text() for one in invariants(FIELDS["byol"].set({"eta": 0, "rho": 1}))]
    ['W Wᵀ − Pᵀ P is conserved, whatever the loss']
    >>> invariants(FIELDS["moco"])
    ()

    """
    if training.predictor is not None and isinstance(training.predictor, OfMoments):
        return ()
    rates = _rates(training)
    found = []
    for inner in (1, 0):
        forms = list(_forms(rates, inner))
        found += _without_loss(forms, rates)
    return tuple(found)


def _rates(training: Training) -> Mapping[str, _Sum]:
    """What each of the weights does, G left open."""
    eta = training.rates.get("eta", sympy.S.Zero)
    trained = isinstance(training.predictor, Linear)
    rates: dict[str, _Sum] = {"W": {("p" if trained else "") + _OPEN: sympy.S.One, "W": -eta}}
    if trained:
        rho = training.rates["rho"]
        rates["P"] = {_OPEN + "w": rho, "P": -rho * eta}
    if training.momentum:
        mu = training.rates["mu"]
        rates["M"] = {"W": mu, "M": -mu}
    return rates


def _forms(rates: Mapping[str, _Sum], outside: int) -> Iterator[_Sum]:
    """Symmetric forms of size d1: X Yᵀ + Y Xᵀ, or Xᵀ Y + Yᵀ X of square ones; with outside 0 those of size d0."""
    d1 = [one for one in rates if WEIGHTS[one].columns == "d1"]
    d0 = [one for one in rates if WEIGHTS[one].columns == "d0"]
    outer = [(one + other.lower()) for group in (d1, d0) for one, other in combinations_with_replacement(group, 2)]
    inner = [one.lower() + other for one, other in combinations_with_replacement(d1 if outside else d0, 2)]
    for word in (*outer, *inner) if outside else inner:
        yield dict.fromkeys(dict.fromkeys((word, turned(word))), sympy.S.One)


def _without_loss(forms: list[_Sum], rates: Mapping[str, _Sum]) -> list[Invariant]:
    changes = [_change(form, rates) for form in forms]
    with_loss = sorted({word for one in changes for word in one if _OPEN in word.upper()})
    matrix = sympy.Matrix([[one.get(word, 0) for one in changes] for word in with_loss] or [[0] * len(forms)])
    found = []
    for vector in matrix.nullspace():
        number = sympy.lcm([sympy.fraction(sympy.cancel(one))[1] for one in vector])
        scaled = [normal_form(one * number) for one in vector]
        # The form of W comes first, and is positive.
        sign = -1 if next(one for one in scaled if one != 0).could_extract_minus_sign() else 1
        parts = [sum((sign * value * of.get(word, 0) for value, of in zip(scaled, forms, strict=True)), sympy.S.Zero)
                 for word in _words(forms)]  # fmt: skip
        moves = [sum((sign * value * of.get(word, 0) for value, of in zip(scaled, changes, strict=True)), sympy.S.Zero)
                 for word in _words(changes)]  # fmt: skip
        form = tuple((word, value) for word, value in zip(_words(forms), parts, strict=True) if value != 0)
        change = tuple((word, normal_form(value)) for word, value in zip(_words(changes), moves, strict=True)
                       if normal_form(value) != 0)  # fmt: skip
        # The copy alone has forms that follow W; they say nothing of the loss.
        if any("M" in word.upper() for word, _ in form):
            continue
        found.append(Invariant(tuple(sorted(form, key=lambda one: one[0][0] != "W")), change))
    return found


def _words(sums: Iterable[_Sum]) -> list[Word]:
    return sorted({word for one in sums for word in one}, key=lambda word: (word.upper()[0] != "W", word))


def _change(form: _Sum, rates: Mapping[str, _Sum]) -> _Sum:
    """The rate of a form."""
    found: dict[Word, sympy.Expr] = defaultdict(lambda: sympy.S.Zero)
    for word, value in form.items():
        for place, one in enumerate(word):
            for new, factor in rates[one.upper()].items():
                put = new if one.isupper() else turned(new)
                found[word[:place] + put + word[place + 1 :]] += value * factor
    return dict(found)
