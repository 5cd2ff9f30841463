"""Conditions on the modes: never, always, or an inequality in the eigenvalues a_i, c_i and sums over all modes.

While a condition is worked out s_i = a_i + c_i, the eigenvalue of Σ, is a letter of its own; it is written out at the
end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import sympy

from derive.algebra.letters import Letter, by_name, sum_j, told_apart
from derive.algebra.ranges import Ranges
from derive.algebra.signs import sign, signs
from derive.definition.notation import TEXT
from derive.errors import InputError
from derive.landscape.correlations import OF_MODES, in_correlations, lam_i, lam_j
from derive.landscape.landscape import a_i, a_j, c_i, c_j, s_i, s_j
from derive.latex import for_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# The number of modes, which is the dimension of the input.
MODES = Letter("d0")
# Q_jj, where it has no short form.
q_j = Letter("q_j")
_SIGMA = {s_i: a_i + c_i, s_j: a_j + c_j}


def total(expression: sympy.Expr) -> sympy.Expr:
    """Σ_j of an expression in a_j, s_j and q_j: factors without them stand outside, constants are counted.

    >>> kappa = sympy.Symbol("kappa")
    >>> total((a_j + kappa * s_j) / s_j)
    d0*kappa + sum_j(a_j/s_j)
    """
    own = {a_j, s_j, q_j}
    # Exponentials and roots of parameters are letters to the polynomials below.
    hidden = {
        part: sympy.Dummy(str(part))
        for part in expression.atoms(sympy.exp, sympy.Pow)
        if not part.free_symbols & own and not (part.is_Pow and part.exp.is_Integer)
    }
    shown = {dummy: part for part, dummy in hidden.items()}
    top, bottom = sympy.fraction(sympy.cancel(expression.xreplace(hidden)))
    outside, denominator = sympy.factor(bottom).as_independent(*own, as_Add=False)
    gens = sorted(own & top.free_symbols, key=str)
    result = sympy.S.Zero
    for powers, weight in sympy.Poly(top, *gens).terms() if gens else [((), top)]:
        inside = sympy.prod(symbol**power for symbol, power in zip(gens, powers, strict=True)) / denominator
        number, inside = sympy.cancel(inside).as_independent(*own, as_Add=False)
        result += weight * number / outside * (MODES if inside == 1 else sum_j(inside))
    return result.xreplace(shown)


@dataclass(frozen=True)
class Condition:
    """A statement about the modes: `formula` holds for some mode i, or for all of them.

    Attributes:
        formula: a SymPy Boolean in a_i, c_i, the parameters, sums over modes `sum_j` and their number d0; true or
            false where nothing is left to say.
        quantifier: "some" or "all".
        q: what q_j stands for, in a_j and c_j, where it occurs.
        where: for which values of a number of data this holds; true where that is all of them.
        others: what holds at the other values; None for what is not determined.
        taken: the names of the loss's parameters, to which letters yield in print.

    """

    formula: sympy.Basic
    quantifier: Literal["some", "all"]
    q: sympy.Expr | None = None
    where: sympy.Basic = sympy.true
    others: tuple[tuple[sympy.Rel, Condition | None], ...] = ()
    taken: frozenset[str] = field(default=frozenset(), compare=False)

    def text(self, write: Callable[[sympy.Basic], str] = str) -> str:
        """``never``, ``always`` or the condition, as in ``a_i - gamma <= 0 for some i``; `write` writes formulas.

        >>> Condition(sympy.Le(a_i - 1, 0), "all").text()
        'a_i - 1 <= 0 for all i'
        """
        apart = self._told_apart()
        if self.formula in (sympy.true, sympy.false):
            said = "always" if self.formula is sympy.true else "never"
        else:
            tail = f" for {self.quantifier} i" if self.formula.has(a_i, c_i, lam_i) else ""
            q = "" if apart[1] is None or not self._has_q else f", q_j = {write(apart[1])}"
            said = _written(apart[0], write, " or ", " and ") + tail + q
        if not self.others:
            return said
        open_ = "not determined"
        elsewhere = (f"{open_ if one is None else one.text(write)} for {written(at)}" for at, one in self.others)
        return "; ".join([f"{said} for {written(self.where)}", *elsewhere])

    def said(self) -> str:
        """The same as it is printed: in the view correlations where it is about these alone, and with Greek letters.

        >>> Condition(sympy.Le(sympy.Symbol("beta") * (a_i + c_i) - c_i, 0, evaluate=False), "some").said()
        'β + λ_i - 1 <= 0 for some i'
        """
        return self.whitened().text(TEXT.scalar)

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()

    def whitened(self) -> Condition:
        """The same for print, in the view correlations where it is about these alone; see `in_correlations`.

        >>> print(Condition(sympy.Le(2 * c_i - a_i, 0, evaluate=False), "all").whitened())
        2 - 3*lambda_i <= 0 for all i
        """
        others = tuple((at, None if one is None else one.whitened()) for at, one in self.others)
        if self.q is None or not self._has_q:
            return replace(self, formula=in_correlations(self.formula), others=others)
        # Q_jj is of degree 2 in a_j and c_j, and is told in the same letters, or all is left as it is.
        formula = in_correlations(self.formula.xreplace({q_j: q_j * (a_j + c_j) ** 2}))
        q = in_correlations(self.q / (a_j + c_j) ** 2)
        told = not (formula.free_symbols | q.free_symbols) & OF_MODES
        return replace(self, formula=formula, q=q, others=others) if told else replace(self, others=others)

    def in_correlations(self) -> Condition | None:
        """The same in the view correlations λ_i; None where it is about more than these."""
        told = self.whitened()
        parts = [told, *(one for _, one in told.others if one is not None)]
        return None if any(one.spelled_out().free_symbols & OF_MODES for one in parts) else told

    def latex(self) -> str:
        """The same for math mode."""
        apart = self._told_apart()
        if self.formula in (sympy.true, sympy.false):
            said = rf"\text{{{'always' if self.formula is sympy.true else 'never'}}}"
        else:
            tail = rf" \quad\text{{for {self.quantifier} }} i" if self.formula.has(a_i, c_i, lam_i) else ""
            formula = _written(apart[0], sympy.latex, r" \text{ or } ", r" \text{ and } ")
            said = formula + tail + (rf",\quad q_j = {sympy.latex(apart[1])}" if self._has_q else "")
        if not self.others:
            return said
        open_ = r"\text{not determined}"
        elsewhere = (
            rf"{open_ if one is None else one.latex()} \text{{ for }} {sympy.latex(at)}" for at, one in self.others
        )
        return r";\quad ".join([rf"{said} \text{{ for }} {sympy.latex(self.where)}", *elsewhere])

    def _told_apart(self) -> tuple[sympy.Basic, sympy.Expr | None]:
        """The formula and q_j for print, with letters whose names no parameter has."""
        taken = self.taken.union(by_name(self.spelled_out()))
        return told_apart(self.formula, taken), None if self.q is None else told_apart(self.q, taken)

    def _repr_latex_(self) -> str:
        return for_notebook(self.whitened().latex())

    @property
    def _has_q(self) -> bool:
        return any(one.has(q_j) for one in self.formula.atoms(sum_j))

    def spelled_out(self) -> sympy.Basic:
        """The formula with q_j written out."""
        return self.formula if self.q is None else self.formula.subs({q_j: self.q})

    def holds(self, a: Sequence[Any], c: Sequence[Any], values: Mapping[str, Any] | None = None) -> bool:
        """Whether the condition holds for given eigenvalues of A0 and C, which λ_i follow from, and given parameters.

        >>> Condition(sympy.Le(a_i, sum_j(c_j)), "all").holds([1, 3], [1, 1])
        False
        """
        # By name: a symbol may be declared to be negative.
        known = values or {}
        for at, one in self.others:
            (symbol,) = at.free_symbols
            if symbol.name in known and at.rhs == known[symbol.name]:
                if one is None:
                    message = f"whether modes are zero at {written(at)} is not determined"
                    raise InputError(message)
                return one.holds(a, c, values)
        formula, modes = self.spelled_out(), [tuple(map(sympy.sympify, mode)) for mode in zip(a, c, strict=True)]
        put = {symbol: sympy.sympify(known[name]) for name, symbol in by_name(formula).items() if name in known}
        formula = formula.xreplace(put | {MODES: sympy.Integer(len(a))})
        sums = {
            one: sympy.Add(*(one.args[0].xreplace({a_j: x, c_j: y, lam_j: x / (x + y)}) for x, y in modes))
            for one in formula.atoms(sum_j)
        }
        formula = formula.xreplace(sums)
        each = [bool(formula.xreplace({a_i: x, c_i: y, lam_i: x / (x + y)})) for x, y in modes]
        return any(each) if self.quantifier == "some" else all(each)


def written(relation: sympy.Basic) -> str:
    """``N >= 3``, or ``N = 2``.

    >>> written(sympy.Eq(sympy.Symbol("N"), 2))
    'N = 2'
    """
    return str(relation) if not isinstance(relation, sympy.Eq) else f"{relation.lhs} = {relation.rhs}"


def at_most_zero(value: sympy.Expr, ranges: Ranges | None = None) -> sympy.Basic:
    """The Boolean value ≤ 0, decided where its sign is known for all symbols in their ranges."""
    possible = {found <= 0 for found in signs(value.subs(_SIGMA), ranges=ranges)}
    if len(possible) == 1:
        return sympy.true if possible.pop() else sympy.false
    return sympy.Le(_tidy(value, ranges), 0, evaluate=False)


def _tidy(value: sympy.Expr, ranges: Ranges | None) -> sympy.Expr:
    """What decides the sign of an expression, without positive factors, ordered by the eigenvalues of mode i."""
    top, bottom = sympy.fraction(sympy.together(value))
    if sign(bottom.subs(_SIGMA), ranges=ranges) != 1:
        # A product has the sign of the quotient.
        top = top * bottom
    # SymPy's factor_list stumbles over symbols with assumptions next to functions of them.
    plain = {symbol: sympy.Dummy(symbol.name) for symbol in top.free_symbols if symbol.is_real is not None}
    number, factors = sympy.factor_list(sympy.expand(top.xreplace(plain)))
    back = {dummy: symbol for symbol, dummy in plain.items()}
    factors = [(factor.xreplace(back), power) for factor, power in factors]
    kept = [factor**power for factor, power in factors if sign(factor.subs(_SIGMA), ranges=ranges) != 1]
    decides = sympy.expand(sympy.sign(number) * sympy.prod(kept))
    if not decides.has(sum_j):
        return sympy.expand(decides.subs(_SIGMA))
    return sympy.collect(decides, (a_i, s_i), sympy.factor).subs(_SIGMA)


def _written(formula: sympy.Basic, write: Callable[[sympy.Basic], str], either: str, both: str) -> str:
    if isinstance(formula, sympy.Or | sympy.And):
        parts = sorted(formula.args, key=lambda part: (part.has(a_i, c_i, lam_i), str(part)))
        nested = (sympy.Or, sympy.And)
        written = (_written(part, write, either, both) for part in parts)
        shown = [f"({text})" if isinstance(part, nested) else text for part, text in zip(parts, written, strict=True)]
        return (either if isinstance(formula, sympy.Or) else both).join(shown)
    if write is str:
        return f"{formula.lhs} {formula.rel_op} {formula.rhs}"
    return str(write(formula))
