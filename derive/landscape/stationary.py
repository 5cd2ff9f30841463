"""All stationary points of −Tr[W B Wᵀ] + q₁ Tr[(W X Wᵀ)²] + q₂ Tr[W X Wᵀ]², for every symmetric B and dimension.

X is one covariance, symmetric and positive definite, R = X^(1/2); B need not commute with it, nor be invertible. With
G = WᵀW, H = R G R and b = R⁻¹ B R⁻¹ the gradient is W M(G), and `derive.landscape.proof` checks each step in symbols
that do not commute:

    R Wᵀ∇L R⁻¹ = −2 H b + 4 q₁ H² + 4 q₂ ρ H,   ρ = Tr H.

Where it vanishes H b is symmetric, so H and b have common eigenvectors; on one with eigenvalues h_i of H and b_i of b
either h_i = 0 or 2 q₁ h_i = b_i − 2 q₂ ρ. (That Wᵀ∇L = 0 is enough: ∇L = W M, and |W M|² = Tr[Mᵀ Wᵀ (W M)] = 0.) This
is what Theorem 1 of Ziyin et al. (ICLR 2023) states; the proof that is printed there (Eqs. 33–35) needs B⁻¹ and has a
spare Σ.

Where X is Σ and B is made of A0 and Σ, b is diagonal with Σ^(−½) A0 Σ^(−½), and b_i is a function of its eigenvalue,
the view correlation λ_i.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import sympy

from derive.algebra.letters import by_name, letters
from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign
from derive.definition.glyphs import apart
from derive.definition.notation import LATEX, TEXT, Style, signed_sum
from derive.errors import InputError
from derive.expansion.expansion import Expansion
from derive.landscape.correlations import WHITENED_I, lam_i, lam_j
from derive.landscape.index import index, minima
from derive.landscape.landscape import BIAS, MODE_I, Isotropic, Landscape, a_i, c_i, landscapes
from derive.landscape.mode_potential import b, h
from derive.latex import for_notebook

# How many modes are kept, the sums of b_i and b_i² over them, and Tr[W X Wᵀ].
m, T1, T2, rho, theta, b_j = letters("m T_1 T_2 rho theta b_j")


@dataclass(frozen=True)
class StationaryPoints:
    """WᵀW = R⁻¹ U M diag(h) Uᵀ R⁻¹, U diag(b) Uᵀ = R⁻¹ B R⁻¹, one for every mask M of at most min(d0, d1) kept modes.

    Attributes:
        isotropic: the landscape, without what a bias adds.
        shift: θ, where h_i = (b_i − θ)/(2 q₁) for a kept mode, which has to be positive.
        trace: ρ = Tr[W X Wᵀ].
        loss: L at the point, less the constant; all in m, T₁ = Σ_M b_i and T₂ = Σ_M b_i².
        fixed: the strength of the penalty that went to infinity and fixes the norm, or None.
        bias: "off", "on", or "" where the model has none that matters.
        level: |b|² where the loss is level in b, as coefficients of 1 and of Tr[W X Wᵀ]; b is on where it is positive.
        descent: by how much the loss falls with |b|² where b is off, in the same form; with θ ("θ") at a fixed norm.
        curvature: the coefficient of |b|⁴.

    """

    isotropic: Isotropic
    shift: sympy.Expr
    trace: sympy.Expr
    loss: sympy.Expr
    fixed: sympy.Symbol | None = None
    bias: Literal["", "off", "on"] = ""
    level: tuple[tuple[sympy.Expr, str], ...] = ()
    descent: tuple[tuple[sympy.Expr, str], ...] = ()
    curvature: sympy.Expr = sympy.S.Zero

    @property
    def power(self) -> sympy.Expr:
        """h_i of a kept mode, in b_i, m and T₁."""
        return sympy.factor(sympy.cancel((b - self.shift) / (2 * self.isotropic.q1)))

    @property
    def level_in_correlations(self) -> sympy.Expr | None:
        """b_i in the view correlation λ_i; None where B or X is made of more than A0 and Σ."""
        linear = {x: value for x, value in self._linear().items() if value != 0}
        if (linear.keys() | {self.isotropic.letter}) & {"I", "D"}:
            return None
        level = -sympy.Add(*(value * WHITENED_I[x] for x, value in linear.items())) / WHITENED_I[self.isotropic.letter]
        return normal_form(level)

    @property
    def multiple(self) -> sympy.Expr | None:
        """k > 0 where b_i = k λ_i and all is told in λ_i, None elsewhere; k is 1 where θ, a level of b_i, occurs."""
        level = self.level_in_correlations
        if level is None or self.isotropic.letter != "S":
            return None
        k = normal_form(level / lam_i)
        known = k == 1 or (self.shift == 0 and sign(k, ranges=self.isotropic.landscape.ranges) == 1)
        return k if known and lam_i not in k.free_symbols else None

    def _repr_latex_(self) -> str:
        given = self.given(LATEX)
        return for_notebook(*([rf"{given}:"] if given else []), *(f"{a} = {b}" for a, b in self.lines(LATEX)))

    def lines(self, style: Style = TEXT) -> list[tuple[str, str]]:
        """Left and right sides of the formulas, in plain text or LaTeX."""
        return list(self._apart(lambda points: StationaryPoints._lines(points, style), latex=style is LATEX))

    def _apart(self, write: Callable[[StationaryPoints], Any], *, latex: bool = False) -> Any:  # noqa: ANN401 (text)
        """What ``write`` gives for the points, the theory's letters marked where parameters have the same names."""
        return apart(self, self.isotropic.landscape.symbols, write, latex=latex)

    def _lines(self, style: Style) -> list[tuple[str, str]]:
        level, k = self.level_in_correlations, self.multiple
        X, A0, name = style.letter(self.isotropic.letter), style.letter("A"), style.scalar(b if k is None else lam_i)
        B = signed_sum([(-value, style.letter(x)) for x, value in self._linear().items() if value != 0], style)
        if style is LATEX:
            root, kept, total = f"{X}^{{-1/2}}", r" > 0, \quad i \in M", r"\textstyle\sum_{j \in M}"
            power = (r"W^{\top} W", rf"{root}\, U M \operatorname{{diag}}(h)\, U^{{\top}} {root}")
            whitened = (r"U \Lambda U^{\top}", rf"{root}\, {A0}\, {root}")
            frame = (r"U \operatorname{diag}(b)\, U^{\top}", rf"{root} \bigl({B}\bigr) {root}")
        else:
            root, kept, total = f"{X}^(−½)", " > 0 for the kept modes i ∈ M", "Σ_M"
            power = ("WᵀW", f"{root} U M diag(h) Uᵀ {root}")
            whitened = ("U Λ Uᵀ", f"{root} {A0} {root}")
            frame = ("U diag(b) Uᵀ", f"{root} ({B}) {root}")
        if level is not None and self.isotropic.letter == "S" and lam_i in level.free_symbols:
            frame = whitened
        found = [power, frame]
        if level is not None and k is None:
            found.append((style.scalar(b), style.scalar(level)))
        factor, above = normal_form((1 if k is None else k) / (2 * self.isotropic.q1)), name
        shown = style.parentheses(style.scalar(factor)) if factor.is_Add else style.scalar(factor)
        weight = {1: "", -1: style.minus}.get(factor, f"{shown} ")
        if self.shift != 0:
            above = f"({name} {style.minus} {style.scalar(theta)})"
        found.append((style.scalar(h), weight + above + kept))
        if self.shift != 0:
            found.append((style.scalar(theta), style.scalar(self.shift)))
        return [*found, *self._loss(style, total), *self._rows(style)]

    def _loss(self, style: Style, total: str) -> list[tuple[str, str]]:
        """L: a sum over the kept modes, or with what T_k stands for in it."""
        weight, rest, k = sympy.diff(self.loss, T2), normal_form(self.loss.subs(T2, 0)), self.multiple
        other = b_j if k is None else lam_j
        if (weight.free_symbols | rest.free_symbols) & {m, T1, T2}:
            return [("L", style.scalar(self.loss)), ("T_k", f"{total} {style.scalar(other)}^k")]
        square = style.scalar(other**2)
        terms = [(normal_form(weight * (1 if k is None else k) ** 2), f"{total} {square}"), (rest, "")]
        return [("L", signed_sum([one for one in terms if one[0] != 0], style))]

    def _rows(self, style: Style) -> list[tuple[str, str]]:
        """What the index needs in addition where sums over coordinates have no lowest rotation."""
        landscape = self.isotropic.landscape
        if landscape.rotation != "indefinite":
            return []
        name = "D_{ij}" if style is LATEX else "D_ij"
        return [(name, style.scalar(landscape.D()))]

    def given(self, style: Style = TEXT) -> str:
        """Under which conditions these are the points, or nothing."""
        return str(self._apart(lambda points: StationaryPoints._given(points, style), latex=style is LATEX))

    def _given(self, style: Style) -> str:
        landscape, latex = self.isotropic.landscape, style is LATEX
        of_case = landscape.given(style)
        known = [of_case] if of_case else []
        if landscape.sign(self.isotropic.q1) is None:
            known.append(style.scalar(self.isotropic.q1) + (r" \ne 0" if latex else " ≠ 0"))
        if self.bias == "off":
            known.append("b = 0")
        elif self.bias == "on":
            known.append(("|b|^2" if latex else "|b|²") + f" = {self._level(style)} > 0")
        return (r",\quad " if latex else ", ").join(known)

    def _level(self, style: Style) -> str:
        return _written(self.level, style)

    def text(self) -> str:
        """The formulas, a line each."""
        head = f"{self.given()}:\n" if self.given() else ""
        return head + "\n".join(f"{left} = {right}" for left, right in self.lines())

    def along_bias(self, style: Style) -> str:
        """What is positive where the loss falls along a bias that is off."""
        return _written(
            self.level
            if self.level and sign(self.curvature, ranges=self.isotropic.landscape.ranges) == 1
            else self.descent,
            style,
        )

    def index(self) -> str:
        """The Hessian's number of negative directions, in words.

        >>> from derive import catalogue
        >>> stationary(catalogue("infonce").expand(order=4))[0].index()
        '(d1 − m)·#{i ∉ M: λ_i > 0} + #{k ∈ M, i ∉ M: λ_i > λ_k}'
        """
        return str(self._apart(index))

    def minima(self, lowest: str = "global") -> str:
        """Which of them are minima, in words; `lowest` is what the lowest point of all is called.

        Index 0 requires M to hold the largest b_i, and that either all rows are in use or no b_i outside exceeds θ. For
        q₁ > 0 and q₂ ≥ 0 only one m does: θ after one more mode is a mean of θ before and of that b with positive
        weights q₁ + m q₂ and q₂, so b_m > θ_m holds for the first few m and for no later one.

        >>> from derive import catalogue
        >>> stationary(catalogue("infonce").expand(order=4))[0].minima()
        'the m largest λ_i, all that are > 0 or as many of them as d1: global, rank m, no other point a minimum'
        """
        return str(self._apart(lambda points: minima(points, lowest)))

    def _linear(self) -> dict[str, sympy.Expr]:
        """The linear part without what only fixes the norm."""
        linear = dict(self.isotropic.landscape.linear)
        if self.fixed is not None:
            linear = {x: normal_form(value - self.fixed * sympy.diff(value, self.fixed)) for x, value in linear.items()}
        return linear


def stationary(given: Expansion | Landscape, *, limit: str | None = None) -> tuple[StationaryPoints, ...]:
    """All stationary points where the quartic part is made of one covariance: a formula for each branch.

    Args:
        given: an expansion through order 4, or its landscape.
        limit: the strength of a norm penalty that goes to infinity.

    Returns:
        One entry for each branch; two where a bias may be on or off.

    Raises:
        InputError: a quartic part of several covariances, whose points are found per mode (`numeric.landscape.modes`).

    >>> from derive import catalogue
    >>> print(stationary(catalogue("infonce").expand(order=4))[0].text())
    WᵀW = Σ^(−½) U M diag(h) Uᵀ Σ^(−½)
    U Λ Uᵀ = Σ^(−½) A0 Σ^(−½)
    h_i = ⅔ λ_i > 0 for the kept modes i ∈ M
    L = −⅓ Σ_M λ_j^2

    """
    cases = landscapes(given) if isinstance(given, Expansion) else (given,)
    return tuple(points for case in cases for points in _of_case(case, limit))


def _of_case(case: Landscape, limit: str | None) -> list[StationaryPoints]:
    """The points without a bias, and those with a bias at which the loss is level in it."""
    off = _solve(case.without_bias(), limit)
    if not case.has_bias:
        return [off]
    if sign(case.Q(MODE_I, BIAS), ranges=case.ranges) != 0:
        message = f"in {case.loss} the bias meets the rows of W through bᵀ W X Wᵀ b; its points are found in numbers"
        raise InputError(message)
    curvature = case.Q(BIAS, BIAS) + case.K(BIAS, BIAS)
    # −β t + k t² + 2 t Σ p_X T_X is level at t = (β − 2 Σ p_X T_X)/2k, where it is −(β − 2 Σ p_X T_X)²/4k.
    beta = case.b(BIAS)
    pull = {x: (case.products.get((x, "D"), 0) + case.products.get(("D", x), 0)) / 2 for x in MODE_I if x != "D"}
    pull = {x: p for x, p in pull.items() if p != 0}
    descent = [(beta, "")] if beta != 0 else []
    descent += [(normal_form(-2 * p), x) for x, p in pull.items()]
    off = replace(off, bias="off", descent=tuple(descent), curvature=curvature)
    if curvature == 0:
        return [off]
    strength = None if limit is None else by_name(curvature).get(limit)

    def settled(value: sympy.Expr) -> sympy.Expr:
        return normal_form(value if strength is None else sympy.limit(sympy.cancel(value), strength, sympy.oo))

    linear, products = dict(off.isotropic.landscape.linear), dict(off.isotropic.landscape.products)
    for x, p in pull.items():
        linear[x] = settled(linear.get(x, sympy.S.Zero) + beta * p / curvature)
        for y, other in pull.items():
            key = (x, y) if (y, x) not in products else (y, x)
            products[key] = settled(products.get(key, sympy.S.Zero) - p * other / curvature)
    constant = -(beta**2) / (4 * curvature)
    if strength is not None:
        # With the constant κ c² of the penalty κ(ρ − c)², β being 2κc and what does not grow with κ.
        constant += strength * (sympy.diff(beta, strength) / 2) ** 2
    level = ((settled(beta / (2 * curvature)), ""), *((settled(-p / curvature), x) for x, p in pull.items()))
    on = _solve(replace(off.isotropic.landscape, linear=linear, products=products), limit)
    on = replace(on, loss=normal_form(on.loss + settled(constant)), bias="on", level=level, curvature=curvature)
    return [replace(off, level=level) if off.fixed is None else _at_norm(off, off.fixed), on]


def _at_norm(off: StationaryPoints, strength: sympy.Symbol) -> StationaryPoints:
    """A bias that is off where an infinite κ fixes the norm: it costs θ = 2q₂ρ − 2κc, less what else is in q₂."""
    one = off.isotropic

    def finite(value: sympy.Expr) -> sympy.Expr:
        return normal_form(value - strength * sympy.diff(value, strength))

    descent = {letter: finite(value) for value, letter in off.descent}
    descent[one.letter] = normal_form(descent.get(one.letter, sympy.S.Zero) + 2 * finite(one.q2))
    descent["θ"] = -sympy.S.One
    return replace(off, descent=tuple((value, letter) for letter, value in descent.items() if value != 0))


def _solve(case: Landscape, limit: str | None) -> StationaryPoints:
    """Solve slope = 0 for h at fixed ρ, then ρ = Σ_M h for ρ."""
    one = case.isotropic()
    if one is None:
        message = (
            f"the quartic part of {case.loss} is not made of one covariance; its stationary points are found mode by"
            " mode in numbers (numeric.landscape)"
        )
        raise InputError(message)
    if one.q1 == 0:
        message = (
            f"{one.landscape.loss} has no single trace at order 4 (after the best rotation): one eigenvalue is kept,"
            " with Tr[W X Wᵀ] = b/(2 q₂), shared within its eigenspace in any way"
        )
        raise InputError(message)
    # Solved with letters for the couplings, which are put in at the end.
    p1, p2 = letters("q_1 q_2")
    slope = sympy.diff(-b * h + p1 * h**2, h) + sympy.diff(p2 * rho**2, rho)
    (power,) = sympy.solve(slope, h)
    per_mode = sympy.Poly(power, b)
    summed = per_mode.coeff_monomial(b) * T1 + per_mode.coeff_monomial(1) * m
    (trace,) = sympy.solve(summed - rho, rho)
    power = power.subs(rho, trace)
    # Sums over the mask: Σ 1 = m, Σ b = T₁, Σ b² = T₂.
    polynomial = sympy.Poly(sympy.expand(-b * power + p1 * power**2), b)
    loss = p2 * trace**2 + sum(polynomial.coeff_monomial(b**k) * s for k, s in enumerate((m, T1, T2)))
    values = tuple(sympy.cancel(value) for value in (power, trace, loss))
    fixed = None
    if limit is not None and limit in by_name(one.q2):
        fixed = by_name(one.q2)[limit]
        values = _infinite(one, fixed, tuple(value.subs({p1: one.q1, p2: one.q2}) for value in values))
    power, trace, loss = values
    shift = sympy.cancel(b - 2 * (p1 if fixed is None else one.q1) * power)
    put = {p1: one.q1, p2: one.q2}
    shift, trace, loss = (normal_form(sympy.factor(value).xreplace(put)) for value in (shift, trace, loss))
    return StationaryPoints(one, shift, trace, loss, fixed)


def _infinite(one: Isotropic, strength: sympy.Symbol, values: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
    """The limit of a penalty κ(ρ − c)², whose share 2κc of each b_i goes to infinity with it."""
    share = sympy.cancel(sympy.diff(one.eigenvalue(), strength)) * strength
    if share.free_symbols & {a_i, c_i}:
        message = f"{strength} → ∞ does not fix Tr[W X Wᵀ] of the covariance X that the quartic part is made of"
        raise InputError(message)
    put = {b: b + share, T1: T1 + m * share, T2: T2 + 2 * share * T1 + m * share**2}
    power, trace, loss = (value.subs(put, simultaneous=True) for value in values)
    # The loss is that of the penalised landscape with its constant κ c².
    target = share / (2 * strength)
    loss = loss + strength * target**2
    return tuple(sympy.limit(sympy.cancel(value), strength, sympy.oo) for value in (power, trace, loss))


def _written(coefficients: tuple[tuple[sympy.Expr, str], ...], style: Style) -> str:
    """A sum of multiples of 1, of Tr[W X Wᵀ] and of θ."""
    theta = r"\theta" if style is LATEX else "θ"
    words = {"": "", "θ": theta}
    shown = [
        (value, words[letter] if letter in words else style.trace(style.sandwich(letter)))
        for value, letter in coefficients
    ]
    return signed_sum(shown, style)
