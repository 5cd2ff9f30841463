"""A moment of f at views as a value: means, variances, covariances and cumulants of polynomials, as trace words.

Nothing is truncated: a moment of a polynomial is a polynomial in W. What is given, or left free, is held: words then
end in f(x) of a view, or at a coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import sympy

from derive.algebra.alphabet import ENDS, HELD, basis_of, matrix
from derive.algebra.effort import LIMIT, derived
from derive.algebra.graphs import ENCODER, OF_ONE_KIND
from derive.algebra.letters import named
from derive.algebra.scalars import collected, normal_form
from derive.algebra.words import Invariants, is_trace, letters
from derive.definition import notation
from derive.definition.contents import encoders, roles
from derive.definition.expression import Expression, as_scalar, free_indices, free_views, scalars
from derive.definition.moment_text import read_moment
from derive.definition.plain_text import plain
from derive.definition.statistics import check_polynomial, degree, lowered
from derive.definition.views import Index, View
from derive.definition.written import definition
from derive.errors import InputError
from derive.expansion.expansion import Expansion, Term, check_basis, in_letters, sympy_factors, sympy_size, word_names
from derive.expansion.laws import Gaussian, Law
from derive.expansion.laws.averaging import trace_polynomial
from derive.expansion.moments import held_series
from derive.latex import for_notebook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from derive.algebra.words import Invariant


@dataclass(frozen=True)
class Moment:
    """A moment, exact: constant + Σ coefficient × ∏ of trace words and of words that end in what is held.

    Attributes:
        expression: what it is a moment of, see `derive.definition.statistics`.
        terms: by order in W, in canonical sequence; coefficients are not zero.
        constant: the value at W = 0.
        held: views that are given and coordinates that are free; words end in them, numbered from HELD on down.
        basis: "A0,Sigma" or "A0,C"; the matrices' names where views are seen in two ways, as in `Expansion`.
        law: of the views.

    """

    expression: Expression = field(compare=False)
    terms: tuple[Term, ...]
    constant: sympy.Expr = sympy.S.Zero
    held: tuple[View | Index, ...] = ()
    basis: str = "A0,Sigma"
    law: Law = field(default=Gaussian(), compare=False)

    # Reading.

    @property
    def order(self) -> int:
        """The order in W."""
        return max((term.order for term in self.terms), default=0)

    @property
    def given(self) -> tuple[View, ...]:
        """The views that are given."""
        return tuple(label for label in reversed(self.held) if isinstance(label, View))

    @property
    def free(self) -> tuple[Index, ...]:
        """The coordinates that are free."""
        return tuple(label for label in reversed(self.held) if isinstance(label, Index))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed of the data."""
        return self.law.assumptions

    @property
    def parameters(self) -> dict[str, sympy.Symbol]:
        """The parameters by name, those of the law among them."""
        own = set().union(*(value.free_symbols for value in scalars(self.expression)), self.symbols)
        return {one.name: one for one in sorted(own, key=str)}

    @property
    def roles(self) -> frozenset[int]:
        """How its views are seen: PLAIN, and maybe under a second augmentation or through a second encoder."""
        return roles(self.expression)

    @property
    def encoders(self) -> int:
        """2 where some views are seen through a second encoder, g(y) = V y, else 1."""
        return encoders(self.roles)

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """The parameters left in the terms and the constant, by name."""
        free = set().union(*(term.coefficient.free_symbols for term in self.terms), self.constant.free_symbols)
        return tuple(sorted(free, key=str))

    @property
    def expansion(self) -> Expansion:
        """The same as an `Expansion`, for kernels and all else that takes one.

        Raises:
            InputError: something is held, or the order is odd.

        """
        if self.held:
            names = ", ".join(label.name for label in reversed(self.held))
            message = f"the moment is a function of {names}, which is held, and of W; numeric.moments evaluates it"
            raise InputError(message)
        return Expansion(
            loss=self._written(notation.TEXT),
            order=max(2, self.order),
            terms=self.terms,
            constant=self.constant,
            basis=self.basis,
            assumptions=self.assumptions,
            parameters=tuple(self.parameters),
            encoders=self.encoders,
        )

    # Changing.

    def in_basis(self, basis: str) -> Moment:
        """The same moment in letters A0, Σ or in letters A0, C.

        Raises:
            InputError: another basis, or C where views are seen in two ways.

        """
        terms = in_letters(self.terms, self.basis, basis, "the moment")
        return self if terms is None else replace(self.with_terms(terms), basis=basis)

    def with_terms(self, coefficients: Iterable[tuple[Invariants, sympy.Expr]]) -> Moment:
        """The same moment with other terms; equal ones are summed and put in normal form."""
        return replace(self, terms=_terms(coefficients, self.held))

    def set(self, values: Mapping[str, object]) -> Moment:
        """The moment with exact values put for parameters, all at once.

        Raises:
            InputError: a name that is no parameter, or a value at which the moment is not finite.

        >>> print(moment("E(Tr[Mean(f(u) f(u)^T, u, n)^2])").set({"n": 2}))
        3/2 Tr[(W Σ Wᵀ)²] + ½ Tr[W Σ Wᵀ]²

        """
        known = named(self.symbols)
        unknown = sorted(set(values) - set(known) - set(self.parameters))
        if unknown:
            message = f"the moment has no parameter {unknown[0]!r}; it has: {', '.join(self.parameters) or 'none'}"
            raise InputError(message)
        put = {known[name]: as_scalar(value) for name, value in values.items() if name in known}
        new = [(term.invariants, term.coefficient.xreplace(put)) for term in self.terms]
        constant = self.constant.xreplace(put)
        if any(value.has(sympy.zoo, sympy.nan, sympy.oo) for value in (constant, *(value for _, value in new))):
            message = f"the moment is not finite at {', '.join(f'{name} = {one}' for name, one in values.items())}"
            raise InputError(message)
        return replace(self.with_terms(new), constant=normal_form(constant))

    # Writing.

    def text(self) -> str:
        """The value in one line of plain text."""
        return self._in(notation.TEXT)

    def latex(self) -> str:
        """The value in LaTeX for math mode."""
        return self._in(notation.LATEX)

    def definition(self, style: notation.Style = notation.TEXT) -> str:
        """What it is a moment of."""
        return self._written(style)

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()

    def _repr_latex_(self) -> str:
        return for_notebook(f"{self.definition(notation.LATEX)} = {self.latex()}")

    def to_json(self) -> dict[str, object]:
        """The moment as plain JSON values, a term as that of an expansion (`Expansion.to_json`).

        In ``coordinate_sums`` an end of a word may also be text: "f(x)" of a view that is given, "i" of a coordinate
        that is free, "Wμ" of the mean of the data.
        """
        return {
            "moment": self.definition(),
            "order": self.order,
            "basis": self.basis.split(","),
            "assumptions": list(self.assumptions),
            **({"model": "W x, V y"} if self.encoders == 2 else {}),
            "given": [view.name for view in self.given],
            "free": [index.name for index in self.free],
            "parameters": list(self.parameters),
            "constant": plain(self.constant),
            "terms": [self._term_json(term) for term in self.terms],
        }

    def to_sympy(self) -> sympy.Expr:
        """The moment in SymPy's matrix expressions: W is d_1×d_0, a view that is given d_0×1 with its name."""
        total = self.constant
        for term in self.terms:
            total += term.coefficient * sympy.Mul(*map(self._sympy, term.invariants))
        return total

    def _written(self, style: notation.Style) -> str:
        return definition(self.expression, style)

    def _in(self, style: notation.Style) -> str:
        written = [
            (term.coefficient, notation.product_of_invariants(term.invariants, style, self.held)) for term in self.terms
        ]
        constant = [] if self.constant == 0 else [(self.constant, "")]
        return notation.signed_sum([*written, *constant], style)

    def _term_json(self, term: Term) -> dict[str, object]:
        traces = [word_names(one[0][1]) for one in term.invariants if is_trace(one)]
        found: dict[str, object] = {"order": term.order, "coefficient": plain(term.coefficient), "traces": traces}
        others = [
            [[self._end(i), word_names(word), self._end(j)] for i, word, j in one]
            for one in term.invariants
            if not is_trace(one)
        ]
        return found | ({"coordinate_sums": others} if others else {})

    def _end(self, end: int) -> int | str:
        if end >= 0:
            return end
        if end > HELD:
            return f"W{matrix(ENDS[end][-1]).text}"
        label = self.held[HELD - end]
        return f"f({label.name})" if isinstance(label, View) else label.name

    def _sympy(self, one: Invariant) -> sympy.Expr:
        if is_trace(one):
            return sympy.Trace(sympy.MatMul(*sympy_factors(one[0][1])).doit(deep=False))
        free = {HELD - k: label for k, label in enumerate(self.held)}
        own = {label.name for label in self.held}
        names = iter([name for name in "ijklmnopqrst" if name not in own])
        summed = {end: sympy.Symbol(next(names), integer=True)
                  for end in sorted({i for i, _, j in one for i in (i, j) if i >= 0})}  # fmt: skip

        def place(end: int) -> tuple[list[sympy.MatrixExpr], sympy.Expr]:
            """The vector that is multiplied on, and the row or column that is read off."""
            if HELD < end < 0:
                F, vector = sympy_factors("S")[0], matrix(ENDS[end][-1]).latex.removeprefix("\\")
                return [F, sympy.MatrixSymbol(vector, F.shape[1], 1)], sympy.S.Zero
            label = free.get(end)
            if isinstance(label, View):
                # V and its rows for a view through the second encoder.
                F = sympy_factors("T" if label.role == ENCODER else "S")[0]
                return [F, sympy.MatrixSymbol(label.name, F.shape[1], 1)], sympy.S.Zero
            return [], summed[end] if label is None else sympy.Symbol(label.name, integer=True)

        def entry(i: int, word: str, j: int) -> sympy.Expr:
            (left, row), (right, column) = place(i), place(j)
            turned = [factor.T for factor in reversed(left)]
            product = [*turned, *sympy_factors(word), *right]
            if not product:
                return sympy.KroneckerDelta(row, column)
            return sympy.MatMul(*product)[row, column]

        product = sympy.Mul(*(entry(*link) for link in one))
        ranges = ((index, 0, sympy_size("d1") - 1) for index in summed.values())
        return sympy.Sum(product, *ranges) if summed else product


def moment(of: object, *, law: Law | None = None, basis: str = "A0,Sigma", limit: float | None = LIMIT) -> Moment:
    """A moment of f(x) = W x at views, exact for every dimension.

    Args:
        of: text (`derive.definition.moment_text`), or an expression with means: views that no mean binds are given.
        law: of the views; `Gaussian` unless given.
        basis: the letters of the words, "A0,Sigma" or "A0,C".
        limit: the most steps that it may take, see `derive.algebra.effort`; None for no limit.

    Raises:
        InputError: text that cannot be read, with the place, or a definition that is no polynomial; as TooLargeError,
            a moment that takes too long.

    The variance of a squared distance, given one of its views and not:

    >>> print(moment("Var(|f(x) - f(chi)|^2 | x)"))
    4 f(x)ᵀ W Σ Wᵀ f(x) + 2 Tr[(W Σ Wᵀ)²]
    >>> print(moment("E(Var(|f(x) - f(chi)|^2 | x))"))
    6 Tr[(W Σ Wᵀ)²]
    >>> print(moment("Var(|f(x) - f(chi)|^2)"))
    8 Tr[(W Σ Wᵀ)²]

    Coordinates are free where no sum runs over them:

    >>> print(moment("E(f(x)_i f(x)_j f(x_pos)_k f(x_pos)_l)"))
    (W A0 Wᵀ)_ik (W A0 Wᵀ)_jl + (W A0 Wᵀ)_il (W A0 Wᵀ)_jk + (W Σ Wᵀ)_ij (W Σ Wᵀ)_kl

    Through two encoders, f(x) = W x and g(y) = V y:

    >>> print(moment("Var(<f(x), g(x_text)>)"))
    Tr[W Σ Wᵀ V Σ₂ Vᵀ] + Tr[(W A Vᵀ)²]

    """
    expression = read_moment(of) if isinstance(of, str) else of
    if not isinstance(expression, Expression):
        message = f"a moment is given as text or as an expression in views, not as {type(of).__name__}"
        raise InputError(message)
    check_polynomial(expression)
    highest = degree(expression)
    return derived(
        partial(_moment, expression, check_basis(basis), law or Gaussian()),
        max(2, highest + highest % 2),
        limit,
        "the moment",
    )


def _moment(stated: Expression, basis: str, law: Law, order: int) -> Moment:
    expression = law.defined(stated)
    # Last first: words then begin with the first.
    coordinates, given = sorted(free_indices(expression)), sorted(free_views(expression))
    held: tuple[View | Index, ...] = (*reversed(coordinates), *reversed(given))
    series = held_series(lowered(expression), held, order)
    polynomial = trace_polynomial(series, law, odd=True)
    terms = {invariants: series.scalars.to_sympy(value) for invariants, value in polynomial.items()}
    constant = normal_form(series.constant + terms.pop((), sympy.S.Zero))
    words = (word for invariants in terms for one in invariants for _, word, _ in one)
    own = "A0,Sigma" if roles(expression) <= OF_ONE_KIND else basis_of(words)
    return Moment(expression, _terms(terms.items(), held), constant, held, own, law).in_basis(basis)


def _terms(coefficients: Iterable[tuple[Invariants, sympy.Expr]], held: tuple[View | Index, ...]) -> tuple[Term, ...]:
    views = {HELD - k for k, label in enumerate(held) if isinstance(label, View)}

    def order(invariants: Invariants) -> int:
        return sum(
            2 * letters(one) + sum(end in views or HELD < end < 0 for i, _, j in one for end in (i, j))
            for one in invariants
        )

    def place(term: Term) -> tuple[object, ...]:
        # By order; within it words that end in what is held first, then single traces, their products, sums.
        vectors = sum(end < 0 for one in term.invariants for i, _, j in one for end in (i, j))
        sums = sum(not is_trace(one) and max(one[0][0], one[0][2]) >= 0 for one in term.invariants)
        return term.order, -vectors, sums, len(term.invariants), term.invariants

    found = (Term(order(key), normal_form(value), key) for key, value in collected(coefficients).items())
    return tuple(sorted((term for term in found if term.coefficient != 0), key=place))
