r"""What is trained where some views are stopped: a loss, the predictor before its live views, a momentum copy of W.

Live views are seen through U, stopped ones through V. While the loss L(U, V) is differentiated V is held:

    U = P W or W,   V = Wₘ or W,   G = −∂L/∂U,
    dW/dt = Pᵀ G − η W,   dP/dt = ρ (G Wᵀ − η P),   dWₘ/dt = μ (W − Wₘ),

η the weight decay, ρ the rate of the predictor beside that of W, μ that of the momentum copy: a copy that keeps the
share m of itself at each step of size ε has μ = (1 − m)/ε. A predictor may also be set rather than trained, from the
eigenvalues σ of F = W Σ Wᵀ, the second moments of the embedding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import sympy

from derive.algebra.letters import Letter
from derive.algebra.ranges import check_values
from derive.definition.expression import as_scalar
from derive.definition.notation import LATEX, TEXT, Style
from derive.errors import InputError
from derive.losses.loss import Loss

if TYPE_CHECKING:
    from collections.abc import Mapping

# Weight decay, the rates of the predictor and of the momentum copy; an eigenvalue of F and the largest of them.
eta = Letter("eta", nonnegative=True)
rho, mu = Letter("rho", positive=True), Letter("mu", positive=True)
sigma, largest = Letter("sigma", positive=True), Letter("sigma_max", positive=True)
_RATES = {
    "eta": (eta, "the weight decay of W and P"),
    "rho": (rho, "the rate of the predictor beside that of W"),
    "mu": (mu, "the rate of the momentum copy"),
}


class Dynamics(ABC):
    """What training follows where it is the gradient of no loss: the catalogue `derive.fields.FIELDS` is of these.

    A command that is given one asks it for its definition and its field; what more can be said of a kind of dynamics
    is registered for its type (`verify.audits.field_modes.field_modes`, `verify.audits.field_audit.audit_field`).
    """

    encoders = 1

    @property
    @abstractmethod
    def name(self) -> str:
        """As on the command line."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Its usual name."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Where it was published, in one line."""

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """What a reader should know, in sentences."""

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, sympy.Symbol]:
        """The symbols that have no value, by name."""

    @abstractmethod
    def set(self, values: Mapping[str, object]) -> Dynamics:
        """The same with exact values put for parameters."""

    @abstractmethod
    def text(self) -> str:
        """The definition in plain text."""

    @abstractmethod
    def latex(self) -> str:
        """The definition in LaTeX, for math mode."""


@dataclass(frozen=True)
class Linear:
    """A matrix P that is trained with W."""


@dataclass(frozen=True)
class OfMoments:
    """A matrix P that is set: the function h of F = W Σ Wᵀ, with no gradient through it.

    Attributes:
        function: h(σ), in `sigma` and, for what is added in proportion to it, `largest`.

    """

    function: sympy.Expr

    @property
    def powers(self) -> dict[int, sympy.Expr] | None:
        """The coefficients of F⁰, F¹, … where h is a polynomial; None elsewhere.

        >>> OfMoments(sigma + 1).powers, OfMoments(sympy.sqrt(sigma)).powers
        ({0: 1, 1: 1}, None)
        """
        if self.function.has(largest) or not self.function.is_polynomial(sigma):
            return None
        found = sympy.Poly(self.function, sigma).as_dict()
        return {power: value for (power,), value in sorted(found.items())}

    def text(self, style: Style = TEXT) -> str:
        """What P is, a function of its eigenvalues."""
        plain = style is TEXT
        F, eigenvalues = ("W Σ Wᵀ", "σ") if plain else (r"W \Sigma W^{\top}", r"\sigma")
        return f"P = h({F}), h({eigenvalues}) = {style.scalar(self.function)}"


@dataclass(frozen=True)
class Training(Dynamics):
    """A loss with stopped views, and what is trained with it: what follows is a field, see `derive.fields.field`.

    Attributes:
        loss: the definition, with its name, source and notes; its live views are seen through the predictor.
        predictor: before live views; None where there is none.
        momentum: whether stopped views are seen through the momentum copy Wₘ rather than through W itself.
        decay: whether W and P have a weight decay.
        given: the values that were set, those of η, ρ and μ among them.

    """

    loss: Loss
    predictor: Linear | OfMoments | None = None
    momentum: bool = False
    decay: bool = True
    given: Mapping[str, sympy.Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a loss in which nothing is stopped, or with a parameter named as one of the rates."""
        if not self.loss.stopped:
            raise InputError(f"{self.loss.name} stops no view: write stop(x_pos) for the views that are held")
        if self.loss.bias:
            raise InputError(f"{self.loss.name} has a bias; fields are derived for f(x) = W x")
        clash = sorted(set(self.loss.parameters) & set(self.rates))
        if clash:
            what = _RATES[clash[0]][1]
            raise InputError(f"{self.loss.name} has a parameter {clash[0]}, which is {what} here; rename it")

    @property
    def name(self) -> str:
        """The name of the loss."""
        return self.loss.name

    @property
    def title(self) -> str:
        """Its usual name."""
        return self.loss.title or self.loss.name

    @property
    def source(self) -> str:
        """Where it was published."""
        return self.loss.source

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know."""
        return self.loss.notes

    @property
    def rates(self) -> dict[str, sympy.Expr]:
        """η, ρ and μ as far as they occur, by name: the symbol, or the value that was set."""
        there = {"eta": self.decay, "rho": isinstance(self.predictor, Linear), "mu": self.momentum}
        return {name: self.given.get(name, _RATES[name][0]) for name, here in there.items() if here}

    @property
    def parameters(self) -> dict[str, sympy.Symbol]:
        """The symbols that are left, by name: those of the loss, of the predictor, and the rates."""
        found = dict(self.loss.parameters)
        if isinstance(self.predictor, OfMoments):
            found |= {one.name: one for one in self.predictor.function.free_symbols - {sigma, largest}}
        return found | {name: value for name, value in self.rates.items() if value.is_Symbol}

    def set(self, values: Mapping[str, object]) -> Self:
        """The same with exact values put for parameters.

        Raises:
            InputError: a name that is no parameter, a negative decay, or a rate that is not positive.

        >>> from derive.fields import FIELDS
        >>> FIELDS["byol"].set({"eta": 0, "rho": 2}).rates
        {'eta': 0, 'rho': 2, 'mu': mu}

        """
        unknown = sorted(set(values) - set(self.parameters))
        if unknown:
            listed = ", ".join(self.parameters) or "none"
            raise InputError(f"{self.name} has no parameter {unknown[0]!r}; it has: {listed}")
        put = {name: as_scalar(value) for name, value in values.items()}
        rates = {name: value for name, value in put.items() if name in self.rates}
        for name, value in rates.items():
            if not value.is_finite or not (value.is_nonnegative if name == "eta" else value.is_positive):
                least = "not negative" if name == "eta" else "positive and finite"
                raise InputError(f"{name} = {value}: {_RATES[name][1]} is {least}")
        predictor = self.predictor
        if isinstance(predictor, OfMoments):
            here = {one: put[one.name] for one in predictor.function.free_symbols if one.name in put}
            check_values(here, self.loss.domain, self.name)
            predictor = OfMoments(predictor.function.xreplace(here))
        own = {name: value for name, value in put.items() if name in self.loss.parameters}
        return replace(self, loss=self.loss.set(own), predictor=predictor, given={**self.given, **put})

    def text(self) -> str:
        """The definition in plain text: sg stands before what is stopped."""
        return self._definition(TEXT)

    def latex(self) -> str:
        """The definition in LaTeX, for math mode."""
        return self._definition(LATEX)

    def _definition(self, style: Style) -> str:
        plain = style is TEXT
        live = "P f" if self.predictor else "f"
        held = ("sg fₘ" if plain else r"\operatorname{sg} f_m") if self.momentum else style.stopped
        of_loss = self.loss.written(replace(style, live=live, stopped=held))
        of_predictor = [self.predictor.text(style)] if isinstance(self.predictor, OfMoments) else []
        return (",  " if plain else r",\quad ").join([of_loss, *of_predictor])
