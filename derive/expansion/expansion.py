"""An expansion in W as a value: exact, immutable, equal by content."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive.algebra.alphabet import BASES, BIAS, LETTERS, NAMES, SLOTS, factors, matrix
from derive.algebra.letters import named
from derive.algebra.limits import at_infinity
from derive.algebra.ranges import Ranges, check_values
from derive.algebra.scalars import collected, normal_form
from derive.algebra.slots import slots, substituted
from derive.algebra.words import Invariant, Invariants, is_trace, letters, spelled, trace
from derive.definition import notation
from derive.definition.expression import as_scalar
from derive.definition.glyphs import PARAMETER, apart
from derive.definition.plain_text import plain
from derive.errors import InputError
from derive.latex import for_notebook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Term(NamedTuple):
    """coefficient × product of invariants.

    Attributes:
        order: the order in W.
        coefficient: an exact SymPy expression in the loss's parameters, in normal form.
        invariants: the trace words (or sums over coordinates) that it multiplies, see `derive.algebra.words`.

    """

    order: int
    coefficient: sympy.Expr
    invariants: Invariants


@dataclass(frozen=True)
class Expansion:
    """A loss in powers of W, f(x) = W x, through a given order.

    L(W) = constant + Σ coefficient × ∏ Tr[W X₁ Wᵀ W X₂ Wᵀ …] + O(W^(order + 2)), the letters X being d0×d0
    matrices: A0 = E[x x′ᵀ], Σ = E[x xᵀ], C = Σ − A0 and the identity I (weight decay alone brings it). Where views are
    seen in two ways, Σ₂ and A₂ stand for Σ and A0 of the second kind, A for the covariance between the two, and V
    carries the second kind where it has an encoder of its own (see `derive.algebra.alphabet`).
    With a bias, f(x) = W x + b, the powers are those of (W, b) jointly, and b bᵀ takes the place of one W X Wᵀ in some
    words: |b|², bᵀ W X Wᵀ b.

    Attributes:
        loss: the loss's name.
        order: the highest order in W.
        terms: by order, in canonical sequence; coefficients are not zero.
        constant: L(0).
        basis: "A0,Sigma" or "A0,C"; the matrices' names, as in "A,Sigma,Sigma2", where views are seen in two ways.
        assumptions: what was assumed of the data and of the sampling.
        source: where the loss was published.
        parameters: the names of the loss's parameters; some may have dropped out of the terms.
        arrays: what a kernel takes besides covariances, for data with a mean or classes; see `derive.Law`.
        bias: whether the model is f(x) = W x + b. Words of b may have cancelled nevertheless.
        encoders: 2 where there is g(y) = V y beside f(x) = W x; powers are then those of (W, V) jointly.
        ranges: the values that the parameters take.

    """

    loss: str
    order: int
    terms: tuple[Term, ...]
    constant: sympy.Expr = sympy.S.Zero
    basis: str = "A0,Sigma"
    assumptions: tuple[str, ...] = ()
    source: str = ""
    parameters: tuple[str, ...] = field(default=(), compare=False, metadata=PARAMETER)
    bias: bool = False
    arrays: tuple[str, ...] = ()
    ranges: Ranges = field(default=Ranges(), compare=False)
    encoders: int = 1

    @classmethod
    def collect(
        cls, coefficients: Mapping[Invariants, sympy.Expr], order: int, *, normal: bool = False, **other: object
    ) -> Expansion:
        """An expansion from a mapping; coefficients are put in normal form, unless they have it, and zeros dropped."""
        return cls(order=order, terms=_terms(coefficients.items(), normal=normal), **other)  # type: ignore[arg-type]

    # Reading.

    @property
    def rotation_invariant(self) -> bool:
        """Whether every rotation W → RW leaves the loss as it is: whether all terms are traces."""
        return all(is_trace(one) for term in self.terms for one in term.invariants)

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """The parameters left symbolic in the terms, by name."""
        free = set().union(*(term.coefficient.free_symbols for term in self.terms), set())
        return tuple(sorted(free, key=str))

    @property
    def B(self) -> dict[str, sympy.Expr]:
        """B in −Tr[W B Wᵀ], the terms of order 2, by letter A0, C (and I); the Hessian in W at 0 is −2B ⊗ I.

        Where views are seen in two ways, minus the coefficients of Tr[W A Wᵀ] or Tr[W A Vᵀ], and of other terms of
        order 2, by the name of the matrix. Data with a mean bring the letter mean, of μ μᵀ, and data of classes M2, of
        Σ_y π_y μ_y μ_yᵀ.

        >>> from derive import catalogue
        >>> catalogue("infonce").expand(order=2).B
        {'A0': 1, 'C': 0}
        """
        two_kinds = self.basis not in BASES
        by_letter = {} if two_kinds else {"A0": sympy.S.Zero, "C": sympy.S.Zero}
        for term in (self if two_kinds else self.in_basis("A0,C")).terms:
            letter = term.invariants[0][0][1]
            if term.order == 2 and "b" not in factors(letter):
                name = LETTERS[letter].name.removesuffix("^T")
                by_letter[name] = by_letter.get(name, sympy.S.Zero) - term.coefficient
        return by_letter

    @property
    def bias_curvature(self) -> sympy.Expr:
        """The q of −q |b|², the term of order 2 in b; the Hessian in b at 0 is −2q I.

        None mixes W and b there, unless the data have a mean.

        >>> from derive import catalogue
        >>> catalogue("spectral+bias").expand(order=2).bias_curvature
        2
        """
        return -sympy.Add(*(term.coefficient for term in self.terms if term.invariants == (trace(BIAS),)))

    @property
    def model(self) -> str:
        """The linear model: W x, W x + b, or W x, V y."""
        return "W x, V y" if self.encoders == 2 else "W x + b" if self.bias else "W x"

    @property
    def point(self) -> str:
        """What the powers are of: W, (W, b) or (W, V)."""
        return notation.point(self.encoders, bias=self.bias)

    def terms_of_order(self, order: int) -> tuple[Term, ...]:
        """The terms of one order in W."""
        return tuple(term for term in self.terms if term.order == order)

    def with_terms(self, coefficients: Iterable[tuple[Invariants, sympy.Expr]]) -> Expansion:
        """The same expansion with other terms; equal ones are summed and put in normal form."""
        return replace(self, terms=_terms(coefficients))

    def only(self, order: int) -> Expansion:
        """The terms of one order, as an expansion of its own."""
        return replace(self, terms=self.terms_of_order(order), constant=sympy.S.Zero)

    # Changing.

    def in_basis(self, basis: str) -> Expansion:
        """The same expansion in letters A0, Σ or in letters A0, C.

        Raises:
            InputError: another basis, or C where views are seen in two ways, which leaves A0 as it is there.

        """
        terms = in_letters(self.terms, self.basis, basis, self.loss)
        return self if terms is None else replace(self.with_terms(terms), basis=basis)

    def set(self, values: Mapping[str, object]) -> Expansion:
        """The expansion with exact values put for parameters, all at once; ``sympy.oo`` takes the limit, afterwards.

        Raises:
            InputError: a name that is not a parameter, a value outside of its range, or one at which the expansion is
                not finite.

        >>> from derive import catalogue
        >>> import sympy
        >>> catalogue("infonce-batch").expand(order=2).set({"N": sympy.oo}).B
        {'A0': 1, 'C': 0}

        """
        known = named({*self.symbols, *self.constant.free_symbols})
        # Every W has a dimension d1, whether the coefficients depend on it or not.
        unknown = sorted(set(values) - set(known) - {*self.parameters, "d1"})
        if unknown:
            listed = ", ".join(sorted({*known, *self.parameters})) or "none"
            message = f"the expansion of {self.loss} has no parameter {unknown[0]!r}; it has: {listed}"
            raise InputError(message)
        given = {known[name]: value for name, value in values.items() if name in known}
        check_values(given, self.ranges, self.loss)
        finite = {symbol: as_scalar(value) for symbol, value in given.items() if value is not sympy.oo}
        limits = [symbol for symbol, value in given.items() if value is sympy.oo]

        def put(coefficient: sympy.Expr) -> sympy.Expr:
            result = coefficient.xreplace(finite)
            for symbol in limits:
                result = at_infinity(normal_form(result), symbol)
            return result

        new = [(term.invariants, put(term.coefficient)) for term in self.terms]
        if any(value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo) for _, value in new):
            at = ", ".join(f"{symbol} = {value}" for symbol, value in given.items())
            message = f"the expansion of {self.loss} has no finite value at {at}"
            raise InputError(message)
        return replace(self.with_terms(new), constant=normal_form(put(self.constant)), ranges=self.ranges.put(given))

    def truncate(self, order: int) -> Expansion:
        """The terms through a lower order."""
        if order > self.order:
            message = f"truncate({order}): this expansion ends at order {self.order}; derive it to order {order}"
            raise InputError(message)
        return replace(self, order=order, terms=tuple(term for term in self.terms if term.order <= order))

    # Writing.

    def origin(self, style: notation.Style = notation.TEXT) -> str:
        """B as a sum of matrices, in plain text or LaTeX.

        >>> from derive import catalogue
        >>> catalogue("beta-infonce").expand(order=2).origin()
        'β A0 + (β - 1) C'
        """
        names = {one.name: style.matrix(one) for one in LETTERS.values()}

        def write(terms: tuple[tuple[sympy.Expr, str], ...]) -> str:
            return notation.signed_sum(terms, style)

        found = tuple((value, names[name]) for name, value in self.B.items() if value != 0)
        return apart(found, self._named, write, latex=style is notation.LATEX)

    def text(self) -> str:
        """One line of plain text."""
        return self._in(notation.TEXT)

    def latex(self) -> str:
        """LaTeX for math mode, without the constant."""
        return self._in(notation.LATEX)

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()

    def _repr_latex_(self) -> str:
        return for_notebook(self.latex())

    def to_json(self) -> dict[str, object]:
        """The expansion as plain JSON values.

        A term is coefficient × ∏ Tr[…] over ``traces``. Terms that are not traces also carry ``coordinate_sums``:
        each is a list of [i, [letters], j], the entries of W X₁ Wᵀ W X₂ Wᵀ … whose product is summed over the
        coordinates i, j. The letter "bias" stands for b bᵀ in place of W X Wᵀ, "mean" for μ μᵀ in the place of X.
        A term with ``classes`` is summed over these, with weights; "Sigma[y]" is Σ of class y, "mean[y]" is that of
        μ_y μ_yᵀ and "mean[y] mean^T" of μ_y μᵀ. Coefficients are read back by
        `derive.definition.plain_text.read`, whatever the parameters are called.
        """
        return {
            "loss": self.loss,
            "order": self.order,
            "basis": self.basis.split(","),
            "assumptions": list(self.assumptions),
            "source": self.source,
            **({"model": self.model} if self.model != "W x" else {}),
            "parameters": list(self.parameters),
            "constant": plain(self.constant),
            "terms": [_term_json(term) for term in self.terms],
        }

    def to_sympy(self) -> sympy.Expr:
        """The expansion, constant included, in SymPy's matrix expressions: W is d_1×d_0, b is d_1×1.

        For use outside alone: SymPy does not see that Tr[AB] = Tr[BA], and differentiates sums of traces wrongly.
        """
        total = self.constant
        for term in self.terms:
            total += term.coefficient * sympy.Mul(*map(_sympy_invariant, term.invariants))
        return total

    @property
    def known_parameters(self) -> frozenset[sympy.Symbol]:
        """The loss's parameters, those included that have dropped out of the terms: letters yield to their names."""
        found = {*self.symbols, *self.constant.free_symbols}
        return frozenset(found | {sympy.Symbol(name) for name in set(self.parameters) - {one.name for one in found}})

    @property
    def _named(self) -> frozenset[sympy.Symbol]:
        """Parameters that letters of words yield to: the bias stands where no number does, and yields to no b."""
        return frozenset(one for one in self.known_parameters if one.name != "b")

    def _in(self, style: notation.Style) -> str:
        def write(terms: tuple[Term, ...]) -> str:
            written = [(term.coefficient, notation.product_of_invariants(term.invariants, style)) for term in terms]
            return notation.signed_sum(written, style, style.remainder(self.point, self.order + 2))

        return apart(self.terms, self._named, write, latex=style is notation.LATEX)


def in_letters(terms: Iterable[Term], own: str, basis: str, of: str) -> list[tuple[Invariants, sympy.Expr]] | None:
    """Terms in the letters of a basis; None where they are in these already.

    Args:
        terms: in the letters of their own basis.
        own: that basis.
        basis: the other one.
        of: what they are terms of, for the message.

    Raises:
        InputError: an unknown basis, or C where views are seen in two ways.

    """
    if basis == own or (check_basis(basis) == "A0,Sigma" and own not in BASES):
        return None
    if own not in BASES:
        message = f"views of {of} are seen in two ways, with Σ and Σ₂: there is no one C; leave --basis out"
        raise InputError(message)
    return [
        (new, term.coefficient * weight)
        for term in terms
        for new, weight in substituted(term.invariants, BASES[basis]).items()
    ]


def check_basis(basis: str) -> str:
    """The basis, if it is one.

    Raises:
        InputError: otherwise, naming the bases.

    """
    if basis not in BASES:
        message = f"basis {basis!r} is unknown; the bases are {' and '.join(BASES)}"
        raise InputError(message)
    return basis


def _terms(coefficients: Iterable[tuple[Invariants, sympy.Expr]], *, normal: bool = False) -> tuple[Term, ...]:
    terms = (
        Term(2 * sum(map(letters, invariants)), value if normal else normal_form(value), invariants)
        for invariants, value in collected(coefficients).items()
    )
    # By order; within an order single traces first, then products, those with b after them, then sums over coordinates.
    return tuple(
        sorted(
            (term for term in terms if term.coefficient != 0),
            key=lambda term: (
                term.order,
                not all(map(is_trace, term.invariants)),
                bool(slots(term.invariants)),
                sum(bool(LETTERS[x].ends) for one in term.invariants for _, word, _ in one for x in word),
                len(term.invariants),
                term.invariants,
            ),
        )
    )


def _term_json(term: Term) -> dict[str, object]:
    traces = [word_names(one[0][1]) for one in term.invariants if is_trace(one)]
    result: dict[str, object] = {"order": term.order, "coefficient": plain(term.coefficient), "traces": traces}
    others = [[[i, word_names(word), j] for i, word, j in one] for one in term.invariants if not is_trace(one)]
    used = slots(term.invariants)
    summed = {"data" if used[0] >= SLOTS else "classes": [NAMES[slot] for slot in used]} if used else {}
    return result | ({"coordinate_sums": others} if others else {}) | summed


def word_names(word: str) -> list[str]:
    """The names of a word's letters, as JSON has them."""
    return [LETTERS[letter].name for letter in word]


def sympy_factors(word: str) -> list[sympy.MatrixExpr]:
    """The matrices whose product a word is, in SymPy's letters.

    >>> sympy_factors("AI")
    [W, A_0, W.T, W, W.T]
    """
    return list(map(_symbol, spelled(word)))


def _symbol(letter: str) -> sympy.MatrixExpr:
    one = matrix(letter)
    if one.turned:
        return _symbol(one.transpose).T
    # SymPy writes a Greek letter as LaTeX does, without the backslash.
    return sympy.MatrixSymbol(one.latex.removeprefix("\\"), sympy_size(one.rows), sympy_size(one.columns))


def sympy_size(name: str) -> sympy.Expr:
    """A dimension, d0 or d1, as SymPy's symbol; 1 is itself."""
    return sympy.S.One if name == "1" else sympy.Symbol(f"{name[0]}_{name[1:]}", integer=True, positive=True)


def _sympy_invariant(one: Invariant) -> sympy.Expr:
    if is_trace(one):
        return sympy.Trace(sympy.MatMul(*sympy_factors(one[0][1])).doit(deep=False))
    indices = sympy.symbols("i j k l m n o p", integer=True)
    product = sympy.Mul(*(sympy.MatMul(*sympy_factors(word))[indices[i], indices[j]] for i, word, j in one))
    ranges = ((indices[i], 0, sympy_size("d1") - 1) for i in sorted({i for i, _, j in one for i in (i, j)}))
    return sympy.Sum(product, *ranges)
