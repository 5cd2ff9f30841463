"""Closed forms to all orders, where the Gaussian average closes.

For z = W x with x ~ N(0, Σ), S = W Σ Wᵀ and quadratic forms with scalar weights,

    log E exp(½ Σ_vw K_vw z_v·z_w + Σ_v z_v·h_v) = −½ log det(I − K ⊗ S) + ½ hᵀ (S⁻¹ − K)⁻¹ h,

the views v being independent of one another. K is diagonalised (it has one row a view), so only functions of S
alone occur; h is linear in the views that the logarithm leaves free, and is averaged last. A definition closes
when it is a sum of such logarithms, of polynomials in inner products, and of what `closed_form_matrices` knows.

Where views are seen in two ways, S is that of the views inside the logarithm: W Σ Wᵀ, or V Σ₂ Vᵀ (W Σ₂ Wᵀ).

For the model f(x) = W x + b the logarithms have to be of forms in differences of views, which b drops out of; the
polynomials may be any.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sympy

from derive.algebra.alphabet import basis_of, is_centred
from derive.algebra.graphs import OF_ONE_KIND, PLAIN, VIEW, Vertex
from derive.algebra.scalars import normal_form
from derive.algebra.words import trace
from derive.definition import notation
from derive.definition.contents import degree_of, roles
from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    Log,
    Scalar,
    Sum,
    free_views,
    walk,
)
from derive.definition.factors import summands
from derive.expansion.expansion import Expansion
from derive.expansion.laws import Gaussian, Law
from derive.expansion.wick import covariance
from derive.landscape.closed_form_matrices import matrix_form
from derive.latex import for_notebook
from derive.losses.loss import Loss

if TYPE_CHECKING:
    from derive.definition.views import View


@dataclass(frozen=True)
class LogDeterminant:
    """coefficient · log det(I + μ S), S = W Σ Wᵀ or, where views are seen in two ways, what ``of`` is the letter of."""

    coefficient: sympy.Expr
    mu: sympy.Expr
    of: str = "S"


@dataclass(frozen=True)
class Resolvent:
    """coefficient · Tr[X S (I + μ S)⁻¹], X = W Σ Wᵀ for the letter "S", W A0 Wᵀ for "A"; S as in `LogDeterminant`."""

    coefficient: sympy.Expr
    letter: str
    mu: sympy.Expr
    of: str = "S"


@dataclass(frozen=True)
class ClosedForm:
    """A loss to all orders in W, for every W at which each I + μ S is positive definite.

    Attributes:
        polynomial: the polynomial part, an `Expansion` without remainder.
        log_determinants: the logarithms.
        resolvents: what completing the square leaves.

    """

    polynomial: Expansion
    log_determinants: tuple[LogDeterminant, ...]
    resolvents: tuple[Resolvent, ...]

    @property
    def mus(self) -> tuple[sympy.Expr, ...]:
        """μ of each I + μ S that has to be positive definite."""
        return tuple(one.mu for one in self.log_determinants) + tuple(one.mu for one in self.resolvents)

    @property
    def finite(self) -> bool:
        """Whether the loss is a polynomial, its own expansion."""
        return not self.log_determinants and not self.resolvents

    def series(self, order: int) -> Expansion:
        """The Taylor series through an order, from those of log(1 + μs) and s/(1 + μs) in the eigenvalues of S."""
        total = {term.invariants: term.coefficient for term in self.polynomial.terms if term.order <= order}

        def add(word: str, value: sympy.Expr) -> None:
            key = (trace(word),)
            total[key] = total.get(key, sympy.S.Zero) + value

        for logarithm in self.log_determinants:
            for k in range(1, order // 2 + 1):
                add(logarithm.of * k, -logarithm.coefficient * (-logarithm.mu) ** k / k)
        for resolvent in self.resolvents:
            for k in range(order // 2 - 1):
                add(resolvent.letter + resolvent.of * (k + 1), resolvent.coefficient * (-resolvent.mu) ** k)
        same = self.polynomial
        return Expansion.collect(
            total,
            order,
            loss=same.loss,
            constant=same.constant,
            assumptions=same.assumptions,
            source=same.source,
            bias=same.bias,
            ranges=same.ranges,
            encoders=same.encoders,
            basis=same.basis,
        )

    def text(self) -> str:
        """One line of plain text."""
        return self._in(notation.TEXT)

    def latex(self) -> str:
        """LaTeX for math mode."""
        return self._in(notation.LATEX)

    def _in(self, style: notation.Style) -> str:
        latex = style is notation.LATEX
        logarithm = r"\log\det({})" if latex else "log det({})"
        pieces = [(one.coefficient, logarithm.format(_shifted(one.mu, one.of, style))) for one in self.log_determinants]
        for one in self.resolvents:
            own = _named(one.of)
            head = (
                (f"{own}^2" if latex else f"{own}²") if one.letter == one.of else f"{style.sandwich(one.letter)} {own}"
            )
            shifted = _shifted(one.mu, one.of, style)
            inverse = rf"{head}\, ({shifted})^{{-1}}" if latex else f"{head} ({shifted})⁻¹"
            pieces.append((one.coefficient, style.trace(inverse)))
        aside = r",\quad " if latex else ",  "
        letters = sorted({one.of for one in self.log_determinants} | {one.of for one in self.resolvents})
        meant = (f"{aside}{_named(letter)} = {style.sandwich(letter)}" for letter in letters)
        return self._written(pieces, style) + "".join(meant)

    def _repr_latex_(self) -> str:
        return for_notebook(self.latex())

    def _written(self, pieces: list[tuple[sympy.Expr, str]], style: notation.Style) -> str:
        polynomial = [
            (term.coefficient, notation.product_of_invariants(term.invariants, style)) for term in self.polynomial.terms
        ]
        return notation.signed_sum(polynomial + pieces, style)


def closed_form(loss: Loss, law: Law | None = None) -> ClosedForm | None:
    """The loss to all orders, or None where the average does not close.

    It is None too where words of a mean or of classes remain, and where views are stopped.

    Args:
        loss: its definition.
        law: of the views; `Gaussian` unless given. A polynomial closes over any law that has its moments.

    >>> from derive import catalogue
    >>> print(closed_form(catalogue("infonce")).text())
    −Tr[W A0 Wᵀ] + ½ Tr[W Σ Wᵀ] − ½ log det(I + S) + ½ Tr[S² (I + S)⁻¹],  S = W Σ Wᵀ
    >>> print(closed_form(catalogue("spectral+bias")).text())
    −2 Tr[W A0 Wᵀ] − 2 |b|² + Tr[(W Σ Wᵀ)²] + 2 bᵀ W Σ Wᵀ b + |b|⁴
    """
    law = loss.seen(law or Gaussian())
    if loss.samples or loss.stopped:
        return None
    polynomial: list[Expression] = []
    remainders: list[Expression] = []
    logs: list[LogDeterminant] = []
    resolvents: list[Resolvent] = []
    for coefficient, node in summands(loss.expression):
        if degree_of(node) is not None:
            polynomial.append(coefficient * node)
            continue
        closed = _close(node, bias=loss.bias) if law.closes else None
        if closed is None:
            return None
        determinants, remainder, inverses = closed
        logs.extend(replace(d, coefficient=normal_form(coefficient * d.coefficient)) for d in determinants)
        resolvents.extend(replace(r, coefficient=normal_form(coefficient * r.coefficient)) for r in inverses)
        remainders.append(coefficient * remainder)
    # A resolvent with μ = 0 is Tr[X S]: it belongs to the polynomial part.
    ended = [one for one in resolvents if one.mu == 0]
    resolvents = [one for one in resolvents if one.mu != 0]
    rest, left = (Sum(tuple(part)) if part else Scalar(sympy.S.Zero) for part in (polynomial, remainders))
    degree = max(4 if ended else 2, degree_of(rest) or 0, degree_of(left) or 0)
    degree += degree % 2
    if degree > law.highest:
        return None
    ended_part = Loss(rest, name=loss.name, sources=loss.sources, where=loss.where, bias=loss.bias)
    ending = ended_part.expand(degree, data=law)
    if not all(
        is_centred(letter) for term in ending.terms for one in term.invariants for _, w, _ in one for letter in w
    ):
        return None
    # What is left of a logarithm is a piece of a form that does not see b: the piece alone would.
    beside = Loss(left).expand(degree)
    terms = [(term.invariants, term.coefficient) for term in (*ending.terms, *beside.terms)]
    terms += [((trace(one.letter + one.of),), one.coefficient) for one in ended]
    words = [word for invariants, _ in terms for one in invariants for _, word, _ in one]
    words += [letter for one in logs for letter in one.of] + [one.letter + one.of for one in resolvents]
    whole = replace(
        ending.with_terms(terms),
        constant=normal_form(ending.constant + beside.constant),
        ranges=loss.domain,
        encoders=loss.encoders,
        basis="A0,Sigma" if loss.roles <= OF_ONE_KIND else basis_of(words),
    )
    return ClosedForm(whole, tuple(logs), tuple(resolvents))


def _close(node: Expression, *, bias: bool) -> tuple[list[LogDeterminant], Expression, list[Resolvent]] | None:
    """One E_u log E_v exp(quadratic), as log dets, what is left of the quadratic form in u, and resolvents."""
    form = None if bias or roles(node) - {PLAIN} else matrix_form(node)
    if form is not None and form.letter:
        return [], form.remainder, [Resolvent(form.coefficient, form.letter, form.mu)]
    if form is not None:
        return [LogDeterminant(form.coefficient, form.mu)], form.remainder, []
    outside: list[tuple[View, ...]] = []
    while isinstance(node, Average):
        outside.append(node.over)
        node = node.body
    if not isinstance(node, Log):
        return None
    inside: Expression = node.argument
    bound: list[View] = []
    while isinstance(inside, Average):
        bound.extend(inside.over)
        inside = inside.body
    if not isinstance(inside, Exp) or not bound:
        return None
    quadratic = quadratic_form(inside.argument)
    free = sorted(free_views(inside.argument) - set(bound))
    data = [view.datum for view in bound]
    alone = len(set(data)) == len(data) and not {view.datum for view in free} & set(data)
    # One S for all of them.
    alone = alone and len({view.role for view in bound}) == 1
    if quadratic is None or not alone or any(view.white for view in (*bound, *free)):
        return None
    weights, constant = quadratic
    if bias and not _of_differences(weights):
        return None

    def entry(u: View, v: View) -> sympy.Expr:
        # The symmetric matrix K of the form ½ Σ K_uv z_u·z_v.
        return 2 * weights.get((u, u), 0) if u == v else weights.get((min(u, v), max(u, v)), sympy.S.Zero)

    matrix = sympy.Matrix([[entry(u, v) for v in bound] for u in bound])
    vectors, diagonal = _eigen(matrix)
    of = _letter(bound[0], bound[0])
    determinants, resolvents = [], []
    for k in range(len(bound)):
        eigenvalue = diagonal[k, k]
        if eigenvalue != 0:
            determinants.append(LogDeterminant(-sympy.Rational(1, 2), normal_form(-eigenvalue), of))
        into = {u: sum(entry(u, v) * vectors[i, k] for i, v in enumerate(bound)) for u in free}
        for u in free:
            for v in free:
                value = normal_form(sympy.expand(into[u] * into[v] / 2))
                # Different data are independent.
                if value != 0 and u.datum == v.datum and (letter := _letter(u, v)):
                    resolvents.append(Resolvent(value, letter, normal_form(-eigenvalue), of))
    left: list[Expression] = [Scalar(constant)]
    left += [Scalar(weights[pair]) * Inner(*pair) for pair in weights if set(pair) <= set(free)]
    remainder: Expression = Sum(tuple(left))
    for over in outside:
        remainder = Average(remainder, over, None)
    return determinants, remainder, resolvents


def _letter(u: View, v: View) -> str:
    """The letter of the covariance of two views of one datum; "" of two data of a class."""
    return covariance(Vertex(VIEW, 0, 0, u.role), Vertex(VIEW, 0, int(u != v), v.role))


def _of_differences(weights: dict[tuple[View, View], sympy.Expr]) -> bool:
    """Whether z → z + b leaves Σ w_uv z_u·z_v as it is: whether 2 w_uu + Σ_{v≠u} w_uv = 0 for every u."""
    pull: dict[View, sympy.Expr] = {}
    for (u, v), weight in weights.items():
        for end in (u, v):
            pull[end] = pull.get(end, sympy.S.Zero) + weight
    return all(normal_form(value) == 0 for value in pull.values())


def _eigen(matrix: sympy.Matrix) -> tuple[sympy.Matrix, sympy.Matrix]:
    """Orthonormal eigenvectors, as columns, and the diagonal matrix of eigenvalues."""
    if matrix.is_diagonal():
        return sympy.eye(matrix.rows), matrix
    columns, values = [], []
    for value, _, space in matrix.eigenvects():
        for vector in sympy.GramSchmidt([*space], orthonormal=True):
            columns.append(vector)
            values.append(value)
    return sympy.Matrix.hstack(*columns), sympy.diag(*values)


def quadratic_form(node: Expression) -> tuple[dict[tuple[View, View], sympy.Expr], sympy.Expr] | None:
    """The weights of the inner products in a quadratic form, and its constant."""
    weights: dict[tuple[View, View], sympy.Expr] = {}
    constant = sympy.S.Zero
    if any(isinstance(part, Average | CoordinateSum | Coordinate) for part in walk(node)):
        return None
    for scalar, part in summands(node):
        match part:
            case Scalar(value):
                constant += scalar * value
            case Inner(u, v):
                pair = (min(u, v), max(u, v))
                weights[pair] = weights.get(pair, sympy.S.Zero) + scalar
            case HalfSquare(u, v):
                for pair, weight in (((u, u), 1), ((min(u, v), max(u, v)), -2), ((v, v), 1)):
                    weights[pair] = weights.get(pair, sympy.S.Zero) + scalar * sympy.Rational(weight, 2)
            case _:
                return None
    return weights, constant


def _named(letter: str) -> str:
    """What W Σ Wᵀ, or V Σ₂ Vᵀ or W Σ₂ Wᵀ, is called."""
    return "S" if letter == "S" else "T"


def _shifted(mu: sympy.Expr, letter: str, style: notation.Style) -> str:
    """I + μ S."""
    sign, size = ("-" if style is notation.LATEX else "−", -mu) if mu.could_extract_minus_sign() else ("+", mu)
    shown = style.scalar(size)
    factor = "" if size == 1 else f"{style.parentheses(shown) if size.is_Add else shown} "
    return f"I {sign} {factor}{_named(letter)}"
