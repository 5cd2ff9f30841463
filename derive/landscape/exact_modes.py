"""The landscape to all orders, mode by mode, from a closed form.

Let L = −Tr[W B Wᵀ] + Tr φ(S) with S = W Σ Wᵀ and φ′(0) = 0 (so −2B ⊗ I is the Hessian at the origin). With
V = W Σ^½, H = VᵀV and B̃ = Σ^(−½) B Σ^(−½) this is L = −Tr[B̃ H] + Tr φ(H). A stationary point has V φ′(H) = V B̃, so
that H commutes with B̃: on each eigenvector of B̃, with eigenvalue b, the landscape is that of one number h ≥ 0,

    ℓ(h) = −b h + φ(h),        stationary at h = 0 and where φ′(h) = b,

whatever B is, commuting with Σ or not. Where A0 and C commute, h = (a + c) g with g the eigenvalue of WᵀW, and b is
that of B divided by a + c. Words and resolvents that mix A0 with Σ take the same form on the common eigenvectors
alone; there the result holds for commuting A0 and C. Where I + μ S stops being positive definite the closed form ends,
and roots of φ′(h) = b beyond are not stationary points of the loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from derive.algebra.alphabet import BASES, BIAS
from derive.algebra.words import is_trace
from derive.definition import notation
from derive.definition.glyphs import apart
from derive.errors import InputError
from derive.expansion.expansion import Expansion
from derive.landscape.closed_form import ClosedForm
from derive.landscape.correlations import in_correlations
from derive.landscape.domain import end_of
from derive.landscape.landscape import MODE_I
from derive.landscape.landscape import c_i as c
from derive.landscape.mode_potential import ModePotential, b, h, simplified
from derive.latex import for_notebook

_OF_LETTER = {letter: value / MODE_I["S"] for letter, value in MODE_I.items() if letter != BIAS}


@dataclass(frozen=True)
class ExactModes(ModePotential):
    """The landscape of a closed form, mode by mode: in a_i and c_i, and in print in λ_i where that is all it sees.

    Attributes:
        closed: the closed form.
        commuting_only: whether A0 and C are taken to commute. If not, b_i may be any eigenvalue of
            Σ^(−½) B Σ^(−½), and all stationary points are found; otherwise those on the common eigenvectors are.

    """

    closed: ClosedForm
    commuting_only: bool

    def truncated(self, order: int) -> ModePotential:
        """The same through an order in W, from the Taylor series.

        Raises:
            InputError: an order that is not even, or below 4.

        """
        if order < 4 or order % 2:
            message = f"truncated(order={order}): give an even order of 4 or more"
            raise InputError(message)
        return ModePotential(*_split(_potential(self.closed.series(order)), sympy.S.Zero), ranges=self.ranges)

    def ratio(self, order: int) -> sympy.Expr | None:
        """h of the truncated landscape over the exact one, in a_i and c_i; None where one has no closed form."""
        truncated, exact = self.truncated(order).heights, self.heights
        return simplified(truncated[0] / exact[0]) if truncated and exact else None

    def ratio_near_transition(self, order: int, terms: int = 2) -> sympy.Expr:
        """The same ratio as a series in b_i → 0, where modes are about to collapse."""
        exact, truncated = self.leaving(terms), self.truncated(order).leaving(terms)
        quotient: list[sympy.Expr] = []
        for k in range(terms):
            known = sympy.Add(*(quotient[j] * exact[k - j] for j in range(k)))
            quotient.append(sympy.factor((truncated[k] - known) / exact[0]))
        return sympy.Add(*(value * b**k for k, value in enumerate(quotient)))

    def ratio_without_augmentation(self, order: int) -> sympy.Expr | None:
        """The leading behaviour of the ratio as c_i → 0; None where there is no real one."""
        if (ratio := self.ratio(order)) is None:
            return None
        put = {symbol: sympy.Dummy(symbol.name, positive=True) for symbol in ratio.free_symbols}
        leading = ratio.xreplace(put).as_leading_term(put.get(c, c))
        back = {dummy: symbol for symbol, dummy in put.items()}
        return None if leading.has(sympy.I) else sympy.factor(leading.xreplace(back))

    def text(self) -> str:
        """Plain text, one line for each thing that is known."""
        return "\n".join(f"{name:<10}{what}" for name, what in self._told(notation.TEXT))

    def latex(self) -> str:
        """LaTeX for math mode, an aligned block."""
        rows = [rf"\text{{{name}}}\quad & {what}" for name, what in self._told(notation.LATEX)]
        return r"\begin{aligned}" + r" \\ ".join(rows) + r"\end{aligned}"

    def _repr_latex_(self) -> str:
        return for_notebook(self.latex())

    @property
    def symbols(self) -> frozenset[sympy.Symbol]:
        """The parameters, and the letters of a mode."""
        return frozenset(self.level.free_symbols | self.phi.free_symbols)

    def _told(self, style: notation.Style) -> list[tuple[str, str]]:
        return apart(self, self.symbols, lambda modes: ExactModes._lines(modes, style), latex=style is notation.LATEX)

    def _lines(self, style: notation.Style) -> list[tuple[str, str]]:
        text = style is notation.TEXT
        ell, like = ("ℓ", "~") if text else (r"\ell", r"\sim")

        def shown(value: sympy.Basic) -> str:
            return style.scalar(in_correlations(value))

        def said(condition: sympy.Basic, yes: str, no: str) -> str:
            word = {sympy.true: yes, sympy.false: no}.get(condition)
            return shown(condition) if word is None else word if text else rf"\text{{{word}}}"

        lines = [
            ("mode", f"{ell}({shown(h)}) = {shown(self.potential)}"),
            ("level", f"{shown(b)} = {shown(self.level)}"),
        ]
        if self.end != sympy.oo:
            lines.append(("domain", shown(h < self.end) if self.end is not None else self.why_open))
        if self.collapse is not None:
            lines.append(("collapse", said(self.collapse, "always", "never")))
        if self.none:
            lines.append(("stationary", f"{shown(h)} = 0" if text else rf"{shown(h)} = 0 \text{{ alone}}"))
        elif self.collapse != sympy.true and self.phi != 0:
            heights = [f"{shown(h)} = {shown(one)}" for one in self.heights] or [f"{shown(self.slope)} = {shown(b)}"]
            always = self.collapse == sympy.false and self.bounded == sympy.true
            ends = self.end is not None and not self.end.is_infinite
            inside = f"0 < {shown(h)} < {shown(self.end)}" if ends else shown(h > 0)
            positive = "" if always and self.convex else (" where " if text else r" \text{ where } ") + inside
            lines += [("minimum" if self.convex else "stationary", one + positive) for one in heights]
        if self.bounded is not None:
            lines.append(("bounded", said(self.bounded, "yes", "no")))
        if self.edge != 0:
            tail = sympy.factor(self.growth) * h + self.edge * sympy.log(h)
            lines.append(("far out", f"{ell}({shown(h)}) {like} {shown(tail)}"))
        return lines


def exact_modes(closed: ClosedForm) -> ExactModes | None:
    """The landscape of a closed form mode by mode, or None where the modes do not separate (see `why_coupled`).

    >>> from derive import catalogue, closed_form
    >>> modes = exact_modes(closed_form(catalogue("infonce")))
    >>> print(modes.text())
    mode      ℓ(h_i) = h_i(1 - λ_i) - h_i/(2(h_i + 1)) - log(h_i + 1)/2
    level     b_i = λ_i
    collapse  never
    minimum   h_i = 4 λ_i/(-4 λ_i + sqrt(9 - 8 λ_i) + 3)
    bounded   yes
    far out   ℓ(h_i) ~ h_i(1 - λ_i) - log(h_i)/2
    >>> modes.ratio_near_transition(order=4)
    1 - 8*b_i/9
    >>> modes.ratio_without_augmentation(order=4)
    4*c_i/(3*a_i)
    """
    if why_coupled(closed):
        return None
    rest = sympy.S.Zero
    linear = _potential(closed.polynomial)
    for logarithm in closed.log_determinants:
        rest += logarithm.coefficient * sympy.log(1 + logarithm.mu * h)
    for one in closed.resolvents:
        # h²/(1 + μh) = (h − h/(1 + μh))/μ
        weight = one.coefficient * _OF_LETTER[one.letter] / one.mu
        linear += weight * h
        rest -= weight * h / (1 + one.mu * h)
    words = {word for term in closed.polynomial.terms if term.order > 2 for _, word, _ in term.invariants[0]}
    mixed = any(set(word) != {"S"} for word in words) or any(one.letter != "S" for one in closed.resolvents)
    end = end_of(closed.mus, closed.polynomial.ranges)
    return ExactModes(*_split(linear, rest), closed, mixed, end=end, ranges=closed.polynomial.ranges)


def why_coupled(closed: ClosedForm) -> str:
    """Why the modes of a closed form do not separate; "" where they do.

    >>> from derive import catalogue, closed_form
    >>> why_coupled(closed_form(catalogue("infonce+norm-penalty")))
    'products of traces couple the modes'
    """
    invariants = [term.invariants for term in closed.polynomial.terms]
    if closed.polynomial.basis not in BASES:
        return "views are seen in two ways, and have no modes in common"
    if not all(is_trace(one) for term in invariants for one in term):
        return "the loss is not invariant under rotations of the embedding"
    if any(letter not in _OF_LETTER for term in invariants for one in term for _, word, _ in one for letter in word):
        return "a bias couples to the modes"
    if any(len(term) > 1 for term in invariants):
        return "products of traces couple the modes"
    return ""


def _potential(polynomial: Expansion) -> sympy.Expr:
    """Single traces, for one mode: each letter is its eigenvalue over that of Σ, times h."""
    total = sympy.S.Zero
    for term in polynomial.terms:
        word = term.invariants[0][0][1]
        total += term.coefficient * sympy.Mul(*(_OF_LETTER[letter] for letter in word)) * h ** len(word)
    return sympy.expand(total)


def _split(polynomial: sympy.Expr, rest: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """b and φ of ℓ = polynomial + rest."""
    polynomial = sympy.expand(polynomial)
    linear = polynomial.coeff(h, 1)
    at_zero = sympy.diff(rest, h).subs(h, 0)
    level = sympy.factor(sympy.together(-linear - at_zero))
    beyond = sympy.Add(*(sympy.factor(value) * h**k for (k,), value in sympy.Poly(polynomial, h).terms() if k > 1))
    return level, sympy.factor(-at_zero) * h + beyond + rest
