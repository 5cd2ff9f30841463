"""DINO with linear logits (Caron et al. 2021): a softmax head, two temperatures, a stopped and centred teacher.

The student's logits are W x, the teacher's W x′ − c with c their mean, and L = −E Σ_k t_k log s_k with
t = softmax((W x′ − c)/τ_t), which is stopped, and s = softmax(W x/τ_s). The field is in `derive.fields.logit_field`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import sympy

from derive.algebra.letters import Letter
from derive.definition.expression import as_scalar
from derive.errors import InputError
from derive.fields.training import Dynamics
from derive.references import REFERENCES

if TYPE_CHECKING:
    from collections.abc import Mapping

# Temperatures of student and teacher; the number of logits.
tau_s, tau_t = Letter("tau_s", positive=True), Letter("tau_t", positive=True)
K = Letter("K", integer=True, positive=True)
_SYMBOLS = {"tau_s": tau_s, "tau_t": tau_t, "K": K}


@dataclass(frozen=True)
class Dino(Dynamics):
    """DINO with linear logits.

    Attributes:
        given: values of τ_s, τ_t and K that were set.

    """

    given: Mapping[str, sympy.Expr] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As on the command line."""
        return "dino"

    @property
    def title(self) -> str:
        """Its usual name."""
        return "DINO, linear logits"

    @property
    def source(self) -> str:
        """Where it was published."""
        return REFERENCES["caron2021"].short

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know."""
        return ("The published logits are a network's; a centre that follows at a rate is in derive.fields.centring.",)

    @property
    def parameters(self) -> dict[str, sympy.Symbol]:
        """The symbols that are left, by name."""
        return {name: symbol for name, symbol in _SYMBOLS.items() if name not in self.given}

    def set(self, values: Mapping[str, object]) -> Dino:
        """The same with exact values put for parameters.

        Raises:
            InputError: a name that is no parameter, a temperature that is not positive, or fewer than two logits.

        >>> DINO.set({"tau_s": sympy.Rational(1, 10)}).parameters
        {'tau_t': tau_t, 'K': K}

        """
        unknown = sorted(set(values) - set(self.parameters))
        if unknown:
            listed = ", ".join(self.parameters) or "none"
            raise InputError(f"{self.name} has no parameter {unknown[0]!r}; it has: {listed}")
        for name, value in values.items():
            if value in (sympy.oo, -sympy.oo):
                raise InputError(f"{name} = {value}: {self.name} has temperatures and logits that are finite")
        put = {name: as_scalar(value) for name, value in values.items()}
        for name, value in put.items():
            if name == "K":
                if not (value.is_Integer and value >= 2):
                    raise InputError(f"K = {value}: the number of logits is a whole number, 2 or more")
            elif not value.is_positive:
                raise InputError(f"{name} = {value}: a temperature is positive")
        return replace(self, given={**self.given, **put})

    def put(self, formula: sympy.Expr) -> sympy.Expr:
        """A formula in τ_s, τ_t and K with the values that were set."""
        return formula.xreplace({_SYMBOLS[name]: value for name, value in self.given.items()})

    def text(self) -> str:
        """The definition in plain text: sg stands before what is stopped."""
        return "−E_x,x′[Σ_k sg softmax((W x′ − c)/τ_t)_k log softmax(W x/τ_s)_k], c = E W x′"

    def latex(self) -> str:
        """The definition in LaTeX, for math mode."""
        target = r"\operatorname{sg}\operatorname{softmax}((W x' - c)/\tau_t)_k"
        own = r"\operatorname{softmax}(W x/\tau_s)_k"
        return rf"-\mathbb{{E}}_{{x,x'}}\bigl[\sum_k {target} \log {own}\bigr],\quad c = \mathbb{{E}}[W x']"


DINO = Dino()
