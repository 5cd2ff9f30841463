"""Which modes collapse, as far as the expansion through order 4 tells.

Where A0 and C commute and d1 ≥ d0, the loss through order 4 is a function of the eigenvalues λ_i ≥ 0 of WᵀW along
the common directions: −Σ b_i λ_i + Σ q_i λ_i² + (products of traces). Single traces couple no modes: with q_i > 0 a
mode is zero at the minimum exactly when b_i ≤ 0. Products of traces that add up to k (Σ b_i λ_i)² with k ≥ 0 change
none of that: they only shrink all b_i by the common factor 1 − 2k Σ b_j λ_j, which is positive at every minimum.
Anything else is left open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy

from derive.words import Invariants, is_trace

if TYPE_CHECKING:
    from derive.expansion import Expansion, Term

a, c = sympy.symbols("a_i c_i")
_OF_LETTER = {"A": a, "C": c, "S": a + c, "I": sympy.S.One}


@dataclass(frozen=True)
class Collapse:
    """Conditions on the eigenvalues a_i > 0 of A0 and c_i > 0 of C; parameters positive, batches of 2 or more.

    Attributes:
        dimensional: "never", "always", or the condition under which some mode is zero at the minima; None where the
            expansion's quartic part couples the modes in a way that is not analysed.
        complete: the same for all modes.
        reason: why it is None.

    """

    dimensional: str | None
    complete: str | None
    reason: str = ""

    def to_json(self) -> dict[str, str | None]:
        """Plain JSON values."""
        return {"dimensional": self.dimensional, "complete": self.complete} | (
            {"reason": self.reason} if self.reason else {}
        )


def collapse(expansion: Expansion) -> Collapse:
    """The collapse conditions that an expansion supports.

    >>> from derive import catalogue
    >>> collapse(catalogue("infonce").expand(order=4)).dimensional
    'never'
    >>> collapse(catalogue("beta-infonce").expand(order=4)).dimensional
    'a_i*beta + beta*c_i - c_i <= 0 for some i'
    """
    if expansion.order < 4:
        return Collapse(None, None, "an expansion to order 4 is needed")
    quadratic, quartic = expansion.terms_of_order(2), expansion.terms_of_order(4)
    if not all(is_trace(one) for term in (*quadratic, *quartic) for one in term.invariants):
        return Collapse(None, None, "the quartic part is not invariant under rotations of the embedding")
    b = _sum(-term.coefficient * _mode(term.invariants)[0] for term in quadratic)
    q = _sum(term.coefficient * _mode(term.invariants)[0] for term in quartic if len(term.invariants) == 1)
    pairs = [term for term in quartic if len(term.invariants) == 2]
    if not _coupling_follows_b(pairs, b):
        return Collapse(None, None, "products of traces couple the modes in a way that is not analysed")
    if _sign(q) != 1:
        return Collapse(None, None, "the quartic part is not positive for all parameters")
    sign = _sign(b)
    if sign == 1:
        return Collapse("never", "never")
    if sign == -1:
        return Collapse("always", "always")
    numerator = sympy.expand(sympy.fraction(sympy.together(b))[0])
    return Collapse(f"{numerator} <= 0 for some i", f"{numerator} <= 0 for all i")


def _mode(invariants: Invariants) -> list[sympy.Expr]:
    """What each trace contributes for one mode: the product of its letters' eigenvalues."""
    return [sympy.Mul(*(_OF_LETTER[letter] for letter in one[0][1])) for one in invariants]


def _coupling_follows_b(pairs: list[Term], b: sympy.Expr) -> bool:
    """Whether Σ coefficient · Tr[…] Tr[…] is k (Tr[W B Wᵀ])² with k ≥ 0."""
    if not pairs:
        return True
    a_j, c_j = sympy.symbols("a_j c_j")
    other = {a: a_j, c: c_j}
    total = sympy.S.Zero
    for term in pairs:
        one, two = _mode(term.invariants)
        total += term.coefficient * (one * two.subs(other) + two * one.subs(other)) / 2
    k = sympy.factor(sympy.cancel(total / (b * b.subs(other)))) if b != 0 else sympy.nan
    return not k.has(a, c, a_j, c_j, sympy.nan) and _sign(k) in (0, 1)


def _sign(value: sympy.Expr) -> int | None:
    """1, 0 or −1 where that holds for all positive a_i, c_i and parameters and N ≥ 2; None where it does not."""
    if value == 0:
        return 0
    N = sympy.Symbol("N")
    shifted = sympy.together(value.subs(N, N + 2))
    # Exponentials and roots of parameters are positive.
    hidden = {
        part: sympy.Dummy(positive=True)
        for part in shifted.atoms(sympy.exp) | shifted.atoms(sympy.Pow)
        if isinstance(part, sympy.exp) or not part.exp.is_Integer
    }
    numerator, denominator = sympy.fraction(sympy.together(shifted.subs(hidden)))
    signs = []
    for part in (numerator, denominator):
        expanded = sympy.expand(part)
        coefficients = [term.as_coeff_Mul()[0] for term in sympy.Add.make_args(expanded)]
        if all(number > 0 for number in coefficients):
            signs.append(1)
        elif all(number < 0 for number in coefficients):
            signs.append(-1)
        else:
            return None
    return signs[0] * signs[1]


def _sum(parts: object) -> sympy.Expr:
    return sympy.Add(*parts)  # type: ignore[misc]
