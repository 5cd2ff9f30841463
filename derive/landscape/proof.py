"""The proof of the formula for stationary points, step by step in symbols that do not commute.

The statement, from `derive.landscape.stationary`: at a stationary point R Wᵀ∇L R⁻¹ vanishes, H and b commute, and
each common eigenvector has h = 0 or 2 q₁ h = b − 2 q₂ ρ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import sympy

from derive.algebra.words import gradient, trace
from derive.landscape.mode_potential import h
from derive.landscape.stationary import rho

if TYPE_CHECKING:
    from derive.landscape.landscape import Isotropic


@dataclass(frozen=True)
class Step:
    """One step of the proof: its statement, and the difference of its two sides."""

    statement: str
    residual: sympy.Expr

    @property
    def holds(self) -> bool:
        """Whether the difference is zero."""
        return bool(self.residual == 0)


def gradient_factor(one: Isotropic, G: sympy.Expr, X: sympy.Expr, B: sympy.Expr) -> sympy.Expr:
    """M in ∇L = W M, from the words of −Tr[W B Wᵀ] + q₁ Tr[(W X Wᵀ)²] + q₂ Tr[W X Wᵀ]², with C for B and S for X."""
    terms = ((("C",), -1), (("SS",), one.q1), (("S", "S"), one.q2))
    matrices = {"C": B, "S": X}
    parts = []
    for words, coefficient in terms:
        for (beside, word), number in gradient(tuple(map(trace, words))).items():
            # The open word "SS" is W X Wᵀ W X = W X G X.
            factor = reduce(lambda product, letter: product * G * matrices[letter], word[1:], matrices[word[0]])
            parts.append(coefficient * number * rho ** len(beside) * factor)
    return reduce(add, parts)


def proof(one: Isotropic) -> tuple[Step, ...]:
    """The steps from ∇L = 0 to the formula, in symbols that do not commute.

    >>> from derive import catalogue
    >>> from derive.landscape.landscape import landscapes
    >>> (found,) = landscapes(catalogue("infonce+norm-penalty").expand(order=4))
    >>> [step.holds for step in proof(found.isotropic())]
    [True, True, True]
    """
    R, H, b = sympy.symbols("R H b", commutative=False)
    G, X, B = R**-1 * H * R**-1, R * R, R * b * R
    whitened = sympy.expand(R * G * gradient_factor(one, G, X, B) * R**-1)
    claimed = -2 * H * b + 4 * one.q1 * H**2 + 4 * one.q2 * rho * H
    # H, b and R are symmetric, so the transpose reverses every product.
    transposed = sympy.expand(claimed).replace(
        lambda part: part.is_Mul, lambda part: sympy.Mul(*part.args_cnc()[0], *reversed(part.args_cnc()[1]))
    )
    value = b - 2 * one.q2 * rho
    return (
        Step("R Wᵀ∇L R⁻¹ = −2 H b + 4 q₁ H² + 4 q₂ ρ H", sympy.expand(whitened - claimed)),
        Step(
            "its transpose differs by −2 (H b − b H): where both vanish H and b commute",
            sympy.expand(claimed - transposed + 2 * (H * b - b * H)),
        ),
        Step(
            "on a common eigenvector h = 0 or 2 q₁ h = b − 2 q₂ ρ",
            sympy.expand(-2 * h * b + 4 * one.q1 * h**2 + 4 * one.q2 * rho * h + 2 * h * (value - 2 * one.q1 * h)),
        ),
    )
