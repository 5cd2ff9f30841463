"""The landscape that an expansion through order 4 describes: B, the quartic couplings, and how the modes meet.

Through order 4 a rotation-invariant loss is a function of the products W X Wᵀ:

    L(W) = Σ_X l_X Tr[W X Wᵀ] + Σ_XY s_XY Tr[W X Wᵀ W Y Wᵀ] + Σ_XY p_XY Tr[W X Wᵀ] Tr[W Y Wᵀ],

X and Y among A0, C (Σ = A0 + C), the identity (weight decay) and the bias. In a basis in which A0 and C are both
diagonal, column i of W belongs to mode i, with the eigenvalues x_i of each X, and

    L = −Σ_i b_i |w_i|² + Σ_ij Q_ij (w_i·w_j)² + Σ_ij K_ij |w_i|² |w_j|².

Such a basis needs no commuting A0 and C: where Σ is positive definite they are diagonal together under a congruence
W → W T⁻¹ (TᵀΣT = I, TᵀCT diagonal), which changes no product W X Wᵀ. Only the identity of weight decay is not
carried along, so with it A0 and C have to commute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sympy

from derive.errors import InputError
from derive.latex import for_notebook
from derive.letters import letters
from derive.ranges import Ranges
from derive.scalars import normal_form
from derive.series import EMBEDDING_DIMENSION
from derive.signs import sign
from derive.words import is_trace

if TYPE_CHECKING:
    from derive.expansion import Expansion

Values = Mapping[str, sympy.Expr]
Pair = tuple[str, str]

# The eigenvalues of mode i and of another mode j.
a_i, c_i, a_j, c_j, s_i, s_j = letters("a_i c_i a_j c_j s_i s_j")
MODE_I: Values = {"A": a_i, "C": c_i, "S": a_i + c_i, "I": sympy.S.One, "D": sympy.S.Zero}
MODE_J: Values = {"A": a_j, "C": c_j, "S": a_j + c_j, "I": sympy.S.One, "D": sympy.S.Zero}
# A bias is the column of W that belongs to an input which is always 1: a mode of its own.
BIAS: Values = {letter: sympy.S.One if letter == "D" else sympy.S.Zero for letter in "ACSID"}


@dataclass(frozen=True)
class Landscape:
    """A loss through order 4, as a polynomial in the traces of W X Wᵀ.

    Attributes:
        loss: the loss's name.
        linear: letter X → coefficient of Tr[W X Wᵀ]; −B.
        singles: pair XY → coefficient of Tr[W X Wᵀ W Y Wᵀ].
        products: pair X, Y → coefficient of Tr[W X Wᵀ] Tr[W Y Wᵀ].
        where: what has to be ≥ 0 for this to be the landscape; two cases remain where the sign of a coefficient is
            open and the loss is not invariant under rotations.
        rotated: whether the embedding has been rotated to where the loss is lowest, see `landscapes`.
        ranges: the values that the parameters take.

    """

    loss: str
    linear: Mapping[str, sympy.Expr]
    singles: Mapping[Pair, sympy.Expr]
    products: Mapping[Pair, sympy.Expr]
    where: sympy.Expr = sympy.S.One
    rotated: bool = field(default=False)
    ranges: Ranges = field(default=Ranges(), compare=False)

    def b(self, mode: Values = MODE_I) -> sympy.Expr:
        """The eigenvalue of B on a mode: the loss falls as −b_i |w_i|² at first."""
        return normal_form(-sympy.Add(*(value * mode[letter] for letter, value in self.linear.items())))

    def Q(self, one: Values = MODE_I, other: Values = MODE_J) -> sympy.Expr:
        """The coefficient of (w_i·w_j)², for two modes or for one with itself."""
        return normal_form(_symmetric(self.singles, one, other))

    def K(self, one: Values = MODE_I, other: Values = MODE_J) -> sympy.Expr:
        """The coefficient of |w_i|² |w_j|²."""
        return normal_form(_symmetric(self.products, one, other))

    def _repr_latex_(self) -> str:
        named = (("b_i", self.b()), ("Q_{ij}", self.Q()), ("K_{ij}", self.K()))
        head = r"L = -\sum_i b_i |w_i|^2 + \sum_{ij} Q_{ij} (w_i \cdot w_j)^2 + \sum_{ij} K_{ij} |w_i|^2 |w_j|^2"
        return for_notebook(head, *(f"{name} = {sympy.latex(value)}" for name, value in named))

    @property
    def has_bias(self) -> bool:
        """Whether the model is f(x) = W x + b, with terms in b that do not cancel."""
        return any("D" in letters for part in (self.linear, self.singles, self.products) for letters in part)

    def without_bias(self) -> Landscape:
        """The landscape at b = 0."""

        def kept(part: Mapping[Any, sympy.Expr]) -> dict[Any, sympy.Expr]:
            return {letters: value for letters, value in part.items() if "D" not in letters}

        return replace(self, linear=kept(self.linear), singles=kept(self.singles), products=kept(self.products))

    @property
    def needs_commuting(self) -> bool:
        """Whether A0 and C have to commute for the modes to be separate: where the identity occurs."""
        return any("I" in letters for part in (self.linear, self.singles, self.products) for letters in part)

    @property
    def symbols(self) -> frozenset[sympy.Symbol]:
        """The parameters left in the coefficients."""
        parts = (self.linear, self.singles, self.products)
        return frozenset().union(*(value.free_symbols for part in parts for value in part.values()))

    def isotropic(self) -> Isotropic | None:
        """The quartic part as q₁ Tr[(W X Wᵀ)²] + q₂ Tr[W X Wᵀ]² of one covariance X, None where it is no such thing.

        >>> from derive import catalogue
        >>> found = landscapes(catalogue("infonce+norm-penalty").expand(order=4))[0].isotropic()
        >>> found.letter, found.q1, found.q2
        ('S', 3/4, kappa)
        """
        if self.has_bias:
            return None
        q, k = self.Q(), self.K()
        for letter in "SACI":
            both = MODE_I[letter] * MODE_J[letter]
            q1, q2 = (normal_form(sympy.cancel(value / both)) for value in (q, k))
            if not (q1.free_symbols | q2.free_symbols) & {a_i, c_i, a_j, c_j}:
                return Isotropic(self, letter, q1, q2)
        return None


@dataclass(frozen=True)
class Isotropic:
    """−Tr[W B Wᵀ] + q₁ Tr[(W X Wᵀ)²] + q₂ Tr[W X Wᵀ]²: all modes alike once X is made the identity.

    Attributes:
        landscape: where it comes from; its linear part is −B.
        letter: X, "S" for Σ, "A" for A0, "C" for C.
        q1: the coefficient of the single trace.
        q2: the coefficient of the product of traces.

    """

    landscape: Landscape
    letter: str
    q1: sympy.Expr
    q2: sympy.Expr

    def eigenvalue(self, mode: Values = MODE_I) -> sympy.Expr:
        """λ_i, the eigenvalue of X^(−1/2) B X^(−1/2) on a mode."""
        return sympy.cancel(self.landscape.b(mode) / mode[self.letter])


def landscapes(expansion: Expansion) -> tuple[Landscape, ...]:
    """The landscape of an expansion through order 4; two, told apart by `Landscape.where`, where a sign is open.

    A loss that singles out coordinates of the embedding contributes δ Σ_i (W X Wᵀ)_ii², the only part that sees a
    rotation W → RW. With P = W X Wᵀ, Σ_i P_ii² takes every value from Tr[P]²/d1 (equal diagonal) to Tr[P²] (P
    diagonal, by Schur and Horn) as R varies, and has no other local extremum over rotations: in the plane of two
    coordinates P_ii − P_jj is a cosine of twice the angle. At the minima over R it therefore is δ Tr[P²] where
    δ ≤ 0 and δ Tr[P]²/d1 where δ ≥ 0.

    Raises:
        InputError: an expansion that ends before order 4, or sums over coordinates of another kind.

    >>> from derive import catalogue
    >>> [found.where for found in landscapes(catalogue("barlow-twins").expand(order=4))]
    [lambda - 1, 1 - lambda]
    >>> print(landscapes(catalogue("weighted-infonce").expand(order=4))[0].b())
    a_i*(N - 1)/(N + alpha - 1)

    """
    if expansion.order < 4:
        message = "an expansion to order 4 is needed"
        raise InputError(message)
    linear: dict[str, sympy.Expr] = {}
    singles: dict[Pair, sympy.Expr] = {}
    products: dict[Pair, sympy.Expr] = {}
    diagonal: dict[str, sympy.Expr] = {}
    for term in _fewest_letters(expansion).terms:
        if term.order > 4:
            continue
        words = [one[0][1] for one in term.invariants]
        if not all(is_trace(one) for one in term.invariants):
            diagonal[_diagonal_letter(term.invariants)] = term.coefficient
        elif term.order == 2:
            linear[words[0]] = term.coefficient
        elif len(words) == 1:
            singles[words[0][0], words[0][1]] = term.coefficient
        else:
            products[words[0], words[1]] = term.coefficient
    found = [Landscape(expansion.loss, linear, singles, products, ranges=expansion.ranges)]
    for letter, delta in diagonal.items():
        found = [
            case
            for before in found
            for case in (_lowest_rotation(before, letter, delta, -1), _lowest_rotation(before, letter, delta, 1))
            if sign(case.where, ranges=case.ranges) != -1
        ]
    return tuple(found)


def _lowest_rotation(before: Landscape, letter: str, delta: sympy.Expr, side: int) -> Landscape:
    """δ Σ_i (W X Wᵀ)_ii² at its lowest over rotations, for one sign of δ."""
    pair, singles, products = (letter, letter), dict(before.singles), dict(before.products)
    part = singles if side < 0 else products
    part[pair] = normal_form(part.get(pair, sympy.S.Zero) + (delta if side < 0 else delta / EMBEDDING_DIMENSION))
    known = sign(delta, ranges=before.ranges)
    top, bottom = sympy.fraction(delta)
    where = sympy.Integer(side * known) if known is not None else side * (top if sign(bottom, ranges=before.ranges) == 1 else delta)
    return replace(before, singles=singles, products=products, where=sympy.expand(where), rotated=True)


def _diagonal_letter(invariants: object) -> str:
    """X of Σ_i (W X Wᵀ)_ii²."""
    match invariants:
        case (((0, str(one), 0), (0, str(other), 0)),) if one == other and len(one) == 1:
            return one
    message = "the quartic part is not invariant under rotations of the embedding, in a way that is not analysed"
    raise InputError(message)


def _fewest_letters(expansion: Expansion) -> Expansion:
    """The expansion in the basis in which its quartic part has the fewest terms."""
    return min(
        (expansion.in_basis(basis) for basis in ("A0,Sigma", "A0,C")), key=lambda one: len(one.terms_of_order(4))
    )


def _symmetric(couplings: Mapping[Pair, sympy.Expr], one: Values, other: Values) -> sympy.Expr:
    return sympy.Add(
        *(value * (one[x] * other[y] + one[y] * other[x]) / 2 for (x, y), value in couplings.items()),
    )
