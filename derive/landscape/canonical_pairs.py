"""The landscape of two encoders that meet in inner products ⟨f(x), g(y)⟩ alone, through order 4: in canonical pairs.

f(x) = W x and g(y) = V y enter as xᵀ WᵀV y, so that L is a function of

    M = Σ^½ WᵀV Σ₂^½,      with K = Σ^(−½) A Σ₂^(−½) = P Λ Qᵀ,   A = Cov(x, y),

Σ and Σ₂ being the covariances of x and y; Λ = diag(λ_i) holds the canonical correlations, in [0, 1]. Through order 4

    L = −β Tr[K Mᵀ] + q ‖M‖² + u Tr[(K Mᵀ)²] + p Tr[K Mᵀ]².

*Stationary points.* The law of whitened pairs does not change when a canonical x_i and its y_i change sign together,
which takes M_ij to −M_ij: what is stationary among M = P diag(m) Qᵀ is stationary. There L is the quadratic
−β ρ + Σ (q + u λ_i²) m_i² + p ρ², ρ = Σ λ_i m_i, and for a mask of kept pairs

    m_i = λ_i θ/(2 (q + u λ_i²)),    θ = β/(1 + S p/q),    L = −β θ S/4q,    S = Σ_kept λ_j²/(1 + λ_j² u/q).

It is the landscape of one encoder with V for W, Σ₂ for Σ and A for A0 but for one thing: m_i, unlike the power of a
mode, may have either sign. A loss that pushes pairs apart keeps them all the same, W x and −V y in their place.

*Minima.* With q > |u| and p ≥ 0 L is strictly convex in M, as M_ij and M_ji have the form q (M_ij² + M_ji²) +
2u λ_i λ_j M_ij M_ji. Its one minimum is diagonal. With d1 ≥ min(d0, d0′) rows every local minimum in (W, V) is there
(Laurent and von Brecht, ICML 2018, Theorem 1). L at a mask falls as S grows: of all masks of d1 pairs that of the
largest λ_i is lowest. Where u = 0 no M of that rank is lower: at a given ρ, ‖M‖² ≥ ρ²/Σ λ_i² over the d1 largest.

*Weight decay.* For a given WᵀV the smallest |W|² + |V|² is 2‖WᵀV‖_*, twice the sum of its singular values, with
W Wᵀ = V Vᵀ. The decay sees WᵀV and not M: not λ_i but the singular values a_i of A decide at the origin, where L falls
along pair i if |β| a_i > 2γ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sympy

from derive.algebra.alphabet import factors
from derive.algebra.letters import by_name, letters
from derive.algebra.ranges import Ranges
from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign, signs
from derive.algebra.words import is_trace
from derive.definition.notation import LATEX, TEXT, Style, signed_sum
from derive.errors import InputError
from derive.latex import for_notebook

if TYPE_CHECKING:
    from derive.expansion.expansion import Expansion

# λ_i of a pair, λ_j of a kept one, and the sum S over those.
lam, lam_j, S = letters("lambda_i lambda_j S")
_WORDS = {("X",): "beta", ("ST",): "q", ("XX",): "u", ("X", "X"): "p", ("I",): "first", ("J",): "second"}


@dataclass(frozen=True)
class PairLandscape:
    """A loss of ⟨f(x), g(y)⟩ through order 4.

    Attributes:
        loss: its name.
        beta: −1 times the coefficient of Tr[W A Vᵀ].
        q: the coefficient of Tr[W Σ Wᵀ V Σ₂ Vᵀ] = ‖M‖².
        u: that of Tr[(W A Vᵀ)²].
        p: that of Tr[W A Vᵀ]².
        gamma: γ of a weight decay that costs 2γ times the sum of the singular values of WᵀV; 0 without one.
        ranges: the values that the parameters take.

    >>> from derive import catalogue
    >>> found = canonical_pairs(catalogue("spectral").with_two_encoders().expand(order=4))
    >>> found.power, found.powers([0.9, 0.5, 0.2], d1=2)
    (lambda_i, [0.9, 0.5, 0])

    """

    loss: str
    beta: sympy.Expr
    q: sympy.Expr
    u: sympy.Expr = sympy.S.Zero
    p: sympy.Expr = sympy.S.Zero
    gamma: sympy.Expr = sympy.S.Zero
    ranges: Ranges = field(default=Ranges(), compare=False)

    @property
    def convex(self) -> bool:
        """Whether it is known to be strictly convex in WᵀV, for all parameters."""
        strict = (self.q - self.u, self.q + self.u)
        return all(self._sign(one) == 1 for one in strict) and self._sign(self.p) in (0, 1)

    @property
    def falls(self) -> bool:
        """Whether it is known to fall without end, for all parameters: for M_ij alone it is q M_ij²."""
        return self._sign(self.q) == -1

    @property
    def pulls(self) -> bool:
        """Whether β is known not to vanish."""
        return 0 not in signs(self.beta, ranges=self.ranges)

    @property
    def slope(self) -> sympy.Expr:
        """θ, in S."""
        return normal_form(self.beta / (1 + self.p / self.q * S))

    @property
    def power(self) -> sympy.Expr:
        """m_i of a kept pair without weight decay, in λ_i and S."""
        return normal_form(lam * self.slope / (2 * (self.q + self.u * lam**2)))

    @property
    def weight(self) -> sympy.Expr:
        """The term of S, in λ_j."""
        return normal_form(lam_j**2 / (1 + self.u / self.q * lam_j**2))

    def powers(
        self, correlations: Sequence[Any], values: Mapping[str, Any] | None = None, *, d1: int | None = None
    ) -> list[Any]:
        """m_i at the lowest point: 0 for the pairs beyond the d1 largest λ_i; negative where β is.

        Args:
            correlations: λ_i, in [0, 1].
            values: of the parameters.
            d1: the number of rows; None for enough.

        Raises:
            InputError: weight decay, which needs more than λ_i; a landscape that is not known to be convex.

        """
        if self.gamma != 0:
            message = f"what {self.loss} keeps depends on the scales of x and y beside λ_i, because of weight decay"
            raise InputError(message)
        if not self.convex:
            message = f"the landscape of {self.loss} through order 4 is not known to be convex in WᵀV"
            raise InputError(message)
        kept = sorted(range(len(correlations)), key=lambda k: -correlations[k])[:d1]
        numbers = [sympy.sympify(correlations[k], strict=True) for k in kept]
        put = {one: (values or {})[name] for name, one in by_name(sympy.Tuple(self.power, self.weight)).items()}
        weight, power = self.weight.subs(put), self.power.subs(put)
        total = sum((weight.subs(lam_j, one) for one in numbers), sympy.S.Zero)
        found: list[Any] = [0] * len(correlations)
        for k, one in zip(kept, numbers, strict=True):
            found[k] = power.subs({lam: one, S: total})
        return [float(one) if isinstance(one, sympy.Float) else one for one in found]

    def lines(self, style: Style = TEXT) -> list[tuple[str, str]]:
        """Left and right sides of the formulas for the stationary points."""
        shown = style.scalar
        coupled = self.slope.has(S)
        if style is LATEX:
            roots = (r"\Sigma^{1/2}", r"\Sigma_2^{1/2}", r"\Sigma^{-1/2}", r"\Sigma_2^{-1/2}")
            first = (rf"{roots[0]} W^{{\top}} V {roots[1]}", r"P \operatorname{diag}(m)\, Q^{\top}")
            second = (r"P \Lambda Q^{\top}", rf"{roots[2]} A\, {roots[3]}")
            kept, summed = r",\quad i \in M", r"\textstyle\sum_{j \in M}"
        else:
            first = ("Σ^½ WᵀV Σ₂^½", "P diag(m) Qᵀ")
            second = ("P Λ Qᵀ", "Σ^(−½) A Σ₂^(−½)")
            kept, summed = " for the kept pairs i ∈ M", "Σ_M"
        found = [first, second]
        if self.gamma != 0:
            return found
        found.append(("m_i", shown(self.power) + kept))
        lowest = normal_form(-self.beta * self.slope / (4 * self.q))
        if coupled or self.u != 0:
            found += [("S", f"{summed} {shown(self.weight)}"), ("L", shown(normal_form(lowest * S)))]
        else:
            found.append(("L", signed_sum([(lowest, f"{summed} {shown(lam_j**2)}")], style)))
        return found

    def _repr_latex_(self) -> str:
        return for_notebook(*(f"{left} = {right}" for left, right in self.lines(LATEX)))

    @property
    def symbols(self) -> frozenset[sympy.Symbol]:
        """The parameters left in the coefficients."""
        values = (self.beta, self.q, self.u, self.p, self.gamma)
        return frozenset().union(*(one.free_symbols for one in values))

    def leading(self) -> str:
        """m_i as all λ_i → 0, whatever the terms of higher order."""
        return TEXT.scalar(normal_form(lam * self.beta / (2 * self.q)))

    def decayed(self) -> str:
        """What weight decay does at stationary points."""
        gamma = TEXT.scalar(2 * self.gamma)
        cost = f"weight decay costs {gamma} times the sum of the singular values of WᵀV"
        return f"W Wᵀ = V Vᵀ at every stationary point, where {cost}"

    def origin(self) -> str:
        """What the origin is."""
        beta = TEXT.scalar(self._size)
        if self.beta == 0:
            value = "is 0" if self.gamma == 0 else f"is {TEXT.scalar(2 * self.gamma)} times the identity"
            return f"the Hessian at W = V = 0 {value}: the loss has no term of order 2 that joins W and V"
        if self.gamma == 0:
            head, eigenvalues = "a saddle: ", f"±{_times_a(beta)}"
        else:
            head, eigenvalues = "", f"{TEXT.scalar(2 * self.gamma)} ± {_times_a(beta)}"
        return f"{head}the Hessian at W = V = 0 has the eigenvalues {eigenvalues}, a_i the singular values of A"

    def growth(self) -> str:
        """How fast pairs grow from small weights."""
        decay = "" if self.gamma == 0 else f" − {TEXT.scalar(2 * self.gamma)}"
        if self.beta == 0:
            return "from small weights no pair grows at a rate: the loss has no term of order 2 that joins W and V"
        rates = f"{_times_a(TEXT.scalar(self._size))}{decay}"
        return f"from small weights W and V grow at the rates {rates}, along the largest a_i first, whatever their λ_i"

    @property
    def _size(self) -> sympy.Expr:
        """|β|: pairs that are pushed apart grow as well, W x and −V y in their place."""
        found = self._sign(self.beta)
        return sympy.Abs(self.beta) if found is None else found * self.beta

    def symmetry(self) -> str:
        """What leaves the loss as it is, and what gradient flow conserves."""
        if self.gamma == 0:
            return "W → T W, V → T^(−ᵀ) V changes nothing; gradient flow conserves W Wᵀ − V Vᵀ"
        rate = TEXT.scalar(4 * self.gamma)
        return f"W → R W, V → R V changes nothing, R a rotation; gradient flow has W Wᵀ − V Vᵀ decay like e^(−{rate} t)"

    def minima(self, lowest: str = "global") -> str:
        """Which stationary points are minima, in words.

        Args:
            lowest: what the lowest point of all is called.

        """
        if self.falls:
            return "none: the terms of order 4 fall without end"
        if not self.convex:
            return "not determined: the terms of order 4 are not known to be convex in WᵀV"
        if self.beta == 0:
            return f"{'WᵀV' if self.gamma == 0 else 'W and V'} = 0: {lowest}, no other minimum"
        if self.gamma != 0:
            return f"with d1 ≥ min(d0, d0′) one WᵀV: {lowest}, no other minimum"
        all_kept = f"with d1 ≥ min(d0, d0′) all pairs with λ_i > 0: {lowest}, no other minimum"
        fewer = "lowest of all" if self.u == 0 else "lowest of the points in canonical pairs"
        return f"{all_kept}; with fewer rows the d1 largest λ_i: {fewer}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "formulas": dict(self.lines()),
            "minima": self.minima(),
            "origin": self.origin(),
            "growth": self.growth(),
            "symmetry": self.symmetry(),
        }

    def _sign(self, value: sympy.Expr) -> int | None:
        return sign(value, ranges=self.ranges)


def canonical_pairs(expansion: Expansion) -> PairLandscape:
    """The landscape of two encoders, from an expansion through order 4.

    Raises:
        InputError: one encoder; an expansion that ends before order 4; a loss that also contains ⟨f, f⟩ or ⟨g, g⟩, or
            looks at coordinates or at two views of one kind.

    >>> from derive import catalogue
    >>> loss = catalogue("siglip").with_two_encoders().set({"b": 0})
    >>> for left, right in canonical_pairs(loss.expand(order=4)).lines()[2:]:
    ...     print(left, "=", right)
    m_i = 2 N λ_i/(t(N + S)(N + λ_i^2)) for the kept pairs i ∈ M
    S = Σ_M N λ_j^2/(N + λ_j^2)
    L = -S/(2(N + S))

    """
    if expansion.encoders != 2:
        message = f"{expansion.loss} has one encoder; canonical pairs are for two, f(x) = W x and g(y) = V y"
        raise InputError(message)
    if expansion.order < 4:
        message = "an expansion to order 4 is needed"
        raise InputError(message)
    found = dict.fromkeys(_WORDS.values(), sympy.S.Zero)
    for term in expansion.terms:
        if term.order > 4:
            continue
        words = tuple(sorted(one[0][1] for one in term.invariants))
        if words not in _WORDS or not all(map(is_trace, term.invariants)):
            raise InputError(_why_not(expansion, words))
        found[_WORDS[words]] += term.coefficient
    if normal_form(found["q"]) == 0:
        message = (
            f"{expansion.loss} has no term Tr[W Σ Wᵀ V Σ₂ Vᵀ], which holds WᵀV down through order 4; its minima are not"
            " derived"
        )
        raise InputError(message)
    first, second = found["first"], found["second"]
    # γ₁|W|² + γ₂|V|² is at least 2 √(γ₁ γ₂) ‖WᵀV‖_*.
    gamma = normal_form(first if first == second else sympy.sqrt(first * second))
    return PairLandscape(expansion.loss, -found["beta"], found["q"], found["u"], found["p"], gamma, expansion.ranges)


def _why_not(expansion: Expansion, words: tuple[str, ...]) -> str:
    """Why a product of words is no function of M and K."""
    if not expansion.rotation_invariant:
        why = "looks at coordinates of f and g: it is no function of WᵀV"
    elif all(map(_alternates, words)):
        why = "compares views of one kind, whose A0 and A₂ have other axes than the canonical pairs"
    else:
        why = "is no function of WᵀV: WᵀW and VᵀV enter too, as ⟨f, f⟩ and ⟨g, g⟩ bring them"
    return f"{expansion.loss} {why}; its minima are not derived"


def _alternates(word: str) -> bool:
    """Whether W stands next to V everywhere in Tr[F X Gᵀ F′ X′ …], closed to a ring."""
    carried = [factors(letter) for letter in word]
    joints = zip(carried, carried[1:] + carried[:1], strict=True)
    return all({one[1].upper(), other[0].upper()} == {"W", "V"} for one, other in joints)


def _times_a(shown: str) -> str:
    """A rate beside a_i."""
    bracketed = f"({shown})" if any(sign in shown for sign in "+−-/ ") else shown
    return "a_i" if shown == "1" else f"{bracketed} a_i"
