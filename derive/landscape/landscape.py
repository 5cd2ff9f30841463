"""The landscape that an expansion through order 4 describes: B, the quartic couplings, and how the modes meet.

Through order 4 a rotation-invariant loss is a function of the products W X Wᵀ:

    L(W) = Σ_X l_X Tr[W X Wᵀ] + Σ_XY s_XY Tr[W X Wᵀ W Y Wᵀ] + Σ_XY p_XY Tr[W X Wᵀ] Tr[W Y Wᵀ],

X and Y among A0, C (Σ = A0 + C), the identity (weight decay) and the bias. One that singles out coordinates of the
embedding has Σ_XY δ_XY Σ_r (W X Wᵀ)_rr (W Y Wᵀ)_rr besides, which is taken at its lowest rotation
(`derive.landscape.coordinates`) where there is one. In a basis in which A0 and C are both
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

from derive.algebra.alphabet import BASES
from derive.algebra.letters import letters, named
from derive.algebra.polynomial_signs import Signs, times
from derive.algebra.ranges import Ranges
from derive.algebra.scalars import normal_form
from derive.algebra.signs import over, sign, signs
from derive.algebra.size import check_landscape
from derive.algebra.subdivision import may_be_positive
from derive.algebra.words import is_trace
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.notation import LATEX, TEXT, Style, signed_sum
from derive.definition.plain_text import plain
from derive.errors import InputError
from derive.expansion.second_moments import in_second_moments
from derive.landscape.coordinates import Rotation, added, letters_of, of_form, square_root
from derive.latex import for_notebook

if TYPE_CHECKING:
    from derive.expansion.expansion import Expansion

Values = Mapping[str, sympy.Expr]
Pair = tuple[str, str]

# The eigenvalues of mode i and of another mode j.
a_i, c_i, a_j, c_j, s_i, s_j = letters("a_i c_i a_j c_j s_i s_j")
MODE_I: Values = {"A": a_i, "C": c_i, "S": a_i + c_i, "I": sympy.S.One, "D": sympy.S.Zero}
MODE_J: Values = {"A": a_j, "C": c_j, "S": a_j + c_j, "I": sympy.S.One, "D": sympy.S.Zero}
# A bias is the column of W that belongs to an input which is always 1: a mode of its own.
BIAS: Values = {letter: sympy.Integer(letter == "D") for letter in MODE_I}


@dataclass(frozen=True)
class Landscape:
    """A loss through order 4, as a polynomial in the traces of W X Wᵀ.

    Attributes:
        loss: the loss's name.
        linear: letter X → coefficient of Tr[W X Wᵀ]; −B.
        singles: pair XY → coefficient of Tr[W X Wᵀ W Y Wᵀ].
        products: pair X, Y → coefficient of Tr[W X Wᵀ] Tr[W Y Wᵀ].
        where: what has to be ≥ 0 for this to be the landscape; several cases remain where signs are open and the loss
            is not invariant under rotations.
        coordinates: pair X, Y → coefficient of Σ_r (W X Wᵀ)_rr (W Y Wᵀ)_rr.
        rotation: at which rotation of the embedding these sums have been put into the singles (one mode a row) or,
            over d1, into the products (constant diagonals); see `derive.landscape.coordinates`. With "indefinite" there
            is no lowest rotation, and the landscape is that of one mode a row.
        ranges: the values that the parameters take.
        parameters: of the loss, whether they are left in the coefficients or not.

    """

    loss: str
    linear: Mapping[str, sympy.Expr]
    singles: Mapping[Pair, sympy.Expr]
    products: Mapping[Pair, sympy.Expr]
    where: tuple[sympy.Expr, ...] = ()
    coordinates: Mapping[Pair, sympy.Expr] = field(default_factory=dict)
    rotation: Rotation = "any"
    ranges: Ranges = field(default=Ranges(), compare=False)
    parameters: frozenset[sympy.Symbol] = field(default=frozenset(), compare=False)

    def b(self, mode: Values = MODE_I) -> sympy.Expr:
        """The eigenvalue of B on a mode: the loss falls as −b_i |w_i|² to leading order."""
        return normal_form(-sympy.Add(*(value * mode[letter] for letter, value in self.linear.items())))

    def Q(self, one: Values = MODE_I, other: Values = MODE_J) -> sympy.Expr:
        """The coefficient of (w_i·w_j)², for two modes or for one with itself."""
        return normal_form(_symmetric(self.singles, one, other))

    def K(self, one: Values = MODE_I, other: Values = MODE_J) -> sympy.Expr:
        """The coefficient of |w_i|² |w_j|²."""
        return normal_form(_symmetric(self.products, one, other))

    def D(self, one: Values = MODE_I, other: Values = MODE_J) -> sympy.Expr:
        """The coefficient of Σ_r (w_i)_r² (w_j)_r², which is counted in Q or, over d1, in K."""
        return normal_form(_symmetric(self.coordinates, one, other))

    @property
    def off_diagonal(self) -> Mapping[Pair, sympy.Expr]:
        """The coefficients of Σ_{r≠s} (W X Wᵀ)_rs (W Y Wᵀ)_rs."""
        one_a_row = self.rotation in ("one mode a row", "indefinite")
        return added(self.singles, self.coordinates, -sympy.S.One) if one_a_row else self.singles

    @property
    def on_diagonal(self) -> Mapping[Pair, sympy.Expr]:
        """The coefficients of Σ_r (W X Wᵀ)_rr (W Y Wᵀ)_rr where off-diagonal entries are counted apart."""
        return added(self.off_diagonal, self.coordinates)

    def why_not_lowest(self, d1: int | None = None) -> str:
        """Why the minimum of this landscape over WᵀW need not be that of the loss, or nothing.

        Args:
            d1: the number of rows of W; None for any.

        """
        if self.rotation == "indefinite":
            return (
                "the sums over coordinates pull in different directions: no rotation of the embedding is lowest for"
                " all of them, and rows that hold several modes can be lower than one mode a row"
            )
        if self.rotation == "constant diagonals" and (d1 is None or d1 & (d1 - 1)):
            return (
                f"the sums over coordinates would be lowest with constant diagonals of {self._matrices()} at once,"
                " which some rotation gives where d1 is a power of two, and none in general"
            )
        return ""

    def sign(self, value: sympy.Expr) -> int | None:
        """The sign of an expression in this case, None where it is open."""
        found = self.signs(value)
        return next(iter(found)) if len(found) == 1 else None

    def signs(self, value: sympy.Expr) -> Signs:
        """All the signs that an expression may have in this case."""
        found = signs(value, ranges=self.ranges)
        for one in self.where:
            found &= signs(value, one, self.ranges)
        if len(found) == 1 or not self.where:
            return found
        factors = sympy.factor(value).as_ordered_factors()
        if len(factors) > 1:
            return found & times(*map(self.signs, factors))
        sides = ((side, one) for side in (1, -1) for one in self.where)
        known = next((side for side, one in sides if _rests_on(side * value, one, self.ranges)), None)
        return found if known is None else frozenset({known})

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether this is the case at some values of the parameters, by name."""
        put = {symbol: values[name] for one in self.where for name, symbol in named(one.free_symbols).items()}
        return all(float(one.subs(put)) >= 0 for one in self.where)

    def given(self, style: Style = TEXT) -> str:
        """Under which conditions, and at which rotation of the embedding, this is the landscape; or nothing."""
        aside = r",\quad " if style is LATEX else ", "
        return aside.join(filter(None, [*self.conditions(style), self._rotation(style)]))

    def conditions(self, style: Style = TEXT) -> list[str]:
        """What distinguishes this case from others, as inequalities."""
        above = r" \ge 0" if style is LATEX else " >= 0"
        return [f"{style.scalar(one)}{above}" for one in self.where]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: the case, the rotation, and the couplings of two modes."""
        found = {"b_i": self.b(), "Q_ij": self.Q(), "K_ij": self.K()} | ({"D_ij": self.D()} if self.coordinates else {})
        couplings = {name: plain(value) for name, value in found.items()}
        return {"where": [f"{plain(one)} >= 0" for one in self.where], "rotation": self.rotation, **couplings}

    def _rotation(self, style: Style) -> str:
        latex = style is LATEX
        if self.rotation == "any":
            return ""
        matrices = self._matrices(style)
        if self.rotation in ("one mode a row", "indefinite"):
            return rf"{matrices} \text{{ diagonal}}" if latex else f"one mode a row ({matrices} diagonal)"
        said = "with a constant diagonal" if self.rotation == "constant diagonal" else "with constant diagonals"
        return rf"{matrices} \text{{ {said}}}" if latex else f"{matrices} {said}"

    def _matrices(self, style: Style = TEXT) -> str:
        """The matrices W X Wᵀ whose diagonals the sums over coordinates see."""
        joint = r" \text{ and } " if style is LATEX else " and "
        square = square_root(self.coordinates)
        if square is None:
            return joint.join(map(style.sandwich, letters_of(self.coordinates)))
        return signed_sum([(value, style.sandwich(x)) for x, value in square[1].items() if value != 0], style)

    def _repr_latex_(self) -> str:
        named = (("b_i", self.b()), ("Q_{ij}", self.Q()), ("K_{ij}", self.K()))
        head = r"L = -\sum_i b_i |w_i|^2 + \sum_{ij} Q_{ij} (w_i \cdot w_j)^2 + \sum_{ij} K_{ij} |w_i|^2 |w_j|^2"
        return for_notebook(head, *(f"{name} = {sympy.latex(value)}" for name, value in named))

    @property
    def has_bias(self) -> bool:
        """Whether the model is f(x) = W x + b, with terms in b that do not cancel."""
        return any("D" in letters for part in self._parts for letters in part)

    def without_bias(self) -> Landscape:
        """The landscape at b = 0."""

        def kept(part: Mapping[Any, sympy.Expr]) -> dict[Any, sympy.Expr]:
            return {letters: value for letters, value in part.items() if "D" not in letters}

        linear, singles, products, coordinates = map(kept, self._parts)
        return replace(self, linear=linear, singles=singles, products=products, coordinates=coordinates)

    @property
    def needs_commuting(self) -> bool:
        """Whether A0 and C have to commute for the modes to be separate: where the identity occurs."""
        return any("I" in letters for part in self._parts for letters in part)

    @property
    def _parts(self) -> tuple[Mapping[Any, sympy.Expr], ...]:
        return self.linear, self.singles, self.products, self.coordinates

    @property
    def needed(self) -> frozenset[sympy.Symbol]:
        """The parameters in the coefficients but those of sums over coordinates, and in the conditions of the case."""
        values = (
            *self.where,
            *(value for part in (self.linear, self.singles, self.products) for value in part.values()),
        )
        return frozenset().union(*(value.free_symbols for value in values))

    @property
    def symbols(self) -> frozenset[sympy.Symbol]:
        """The parameters of the loss, those in the coefficients and in the conditions of the case among them."""
        return self.needed.union(self.parameters, *(value.free_symbols for value in self.coordinates.values()))

    def isotropic(self) -> Isotropic | None:
        """The quartic part as q₁ Tr[(W X Wᵀ)²] + q₂ Tr[W X Wᵀ]² of one covariance X, None where it is not.

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
    """−Tr[W B Wᵀ] + q₁ Tr[(W X Wᵀ)²] + q₂ Tr[W X Wᵀ]²: all modes are equivalent once X is made the identity.

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
        """b_i, the eigenvalue of X^(−1/2) B X^(−1/2) on a mode."""
        return sympy.cancel(self.landscape.b(mode) / mode[self.letter])


def landscapes(expansion: Expansion) -> tuple[Landscape, ...]:
    """The landscape of an expansion through order 4; several, distinguished by `Landscape.where`, where signs are open.

    Args:
        expansion: through order 4 at least. Its sums over coordinates are taken at the rotation of the embedding that
            is lowest for all of them together, see `derive.landscape.coordinates`. Data that are not centred enter
            through second moments, see `derive.expansion.second_moments`.

    Raises:
        InputError: an expansion that ends before order 4, sums over coordinates of another kind, or means and classes
            that do not enter through second moments alone.
        TooLargeError: coefficients that are too large to be worked with, see `derive.algebra.size`.

    >>> from derive import catalogue
    >>> for found in landscapes(catalogue("barlow-twins").expand(order=4)):
    ...     print(found.given())
    λ - 1 >= 0, one mode a row (W A0 Wᵀ diagonal)
    1 - λ >= 0, W A0 Wᵀ with a constant diagonal
    >>> print(landscapes(catalogue("weighted-infonce").expand(order=4))[0].b())
    a_i*(N - 1)/(N + alpha - 1)

    """
    if expansion.order < 4:
        message = "an expansion to order 4 is needed"
        raise InputError(message)
    if expansion.basis not in BASES:
        of_kinds = (
            "derive.landscape.canonical_pairs has that of two encoders"
            if expansion.encoders == 2
            else "it is not derived"
        )
        message = f"views of {expansion.loss} are seen in two ways: there is no landscape of common modes; {of_kinds}"
        raise InputError(message)
    known = frozenset(expansion.symbols)
    linear: dict[str, sympy.Expr] = {}
    singles: dict[Pair, sympy.Expr] = {}
    products: dict[Pair, sympy.Expr] = {}
    coordinates: dict[Pair, sympy.Expr] = {}
    for term in _fewest_letters(in_second_moments(expansion)).terms:
        if term.order > 4:
            continue
        words = [one[0][1] for one in term.invariants]
        if not all(is_trace(one) for one in term.invariants):
            coordinates[_diagonal_letters(term.invariants)] = term.coefficient
        elif term.order == 2:
            linear[words[0]] = term.coefficient
        elif len(words) == 1:
            singles[words[0][0], words[0][1]] = term.coefficient
        else:
            products[words[0], words[1]] = term.coefficient
    check_landscape([*linear.values(), *singles.values(), *products.values(), *coordinates.values()])
    if not coordinates:
        return (Landscape(expansion.loss, linear, singles, products, ranges=expansion.ranges, parameters=known),)
    with over(expansion.ranges):
        rotations = list(of_form(coordinates))
    found = []
    for rotation, where in rotations:
        one_a_row = rotation in ("one mode a row", "indefinite")
        of_one = added(singles, coordinates) if one_a_row else singles
        of_two = products if one_a_row else added(products, coordinates, 1 / EMBEDDING_DIMENSION)
        parts = (linear, of_one, of_two, where, coordinates, rotation)
        found.append(Landscape(expansion.loss, *parts, ranges=expansion.ranges, parameters=known))
    return tuple(found)


def _diagonal_letters(invariants: object) -> Pair:
    """X and Y of Σ_r (W X Wᵀ)_rr (W Y Wᵀ)_rr."""
    match invariants:
        case (((0, str(one), 0), (0, str(other), 0)),) if len(one) == len(other) == 1 and "D" not in one + other:
            return one, other
    message = "the quartic part is not invariant under rotations of the embedding, in a way that is not analysed"
    raise InputError(message)


def _fewest_letters(expansion: Expansion) -> Expansion:
    """The expansion in the basis in which its quartic part has the fewest terms."""
    return min((expansion.in_basis(basis) for basis in BASES), key=lambda one: len(one.terms_of_order(4)))


def _rests_on(value: sympy.Expr, given: sympy.Expr, ranges: Ranges) -> bool:
    """Whether a value is a positive one and a positive multiple of what is given, such as λ d1 − λ + 1 for 1 − λ."""
    top, bottom = sympy.fraction(sympy.together(value))
    top, given = sympy.expand(top), sympy.expand(given)
    multiples = {sympy.cancel(one / other) for one in top.as_ordered_terms() for other in given.as_ordered_terms()}
    parts = [(one, sympy.expand(top - one * given)) for one in multiples]
    return sign(bottom, ranges=ranges) == 1 and any(
        all(may_be_positive(part, ranges) for part in both) and all(sign(part, ranges=ranges) == 1 for part in both)
        for both in parts
    )


def _symmetric(couplings: Mapping[Pair, sympy.Expr], one: Values, other: Values) -> sympy.Expr:
    return sympy.Add(
        *(value * (one[x] * other[y] + one[y] * other[x]) / 2 for (x, y), value in couplings.items()),
    )
