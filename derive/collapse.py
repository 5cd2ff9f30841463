"""Which modes are zero at the minima of the landscape through order 4, as exact conditions.

With the powers g_i = |w_i|² of the modes and enough rows of W to keep their columns orthogonal (d1 ≥ d0, one more
with a bias), the landscape is the quadratic program

    minimise −Σ_i b_i g_i + Σ_i Q_ii g_i² + Σ_ij K_ij g_i g_j   over g ≥ 0,   K_ij = Σ_XY p_XY x_i y_j.

It is a convex function of G = WᵀW where Q_ij > 0 for all pairs and p is positive semi-definite. Every local minimum
in W is then global (with a spare row a minimum of W is one of G ⪰ 0, by its second-order condition), g is unique, and

    complete collapse      b_i ≤ 0 for all i, at g = 0;
    dimensional collapse   the solution with all modes kept has some g_i ≤ 0.

That solution needs no inverse of a d0×d0 matrix, since K has the rank of p: with T_X = Σ_j x_j g_j,
2 Q_ii g_i = b_i − 2 Σ_XY p_XY x_i T_Y, and the T solve a small linear system whose entries are sums over modes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import sympy

from derive.conditions import Condition, at_most_zero, q_j, total, written
from derive.errors import InputError
from derive.landscape import BIAS, MODE_I, MODE_J, Landscape, Values, a_i, a_j, landscapes, s_i, s_j
from derive.latex import for_notebook
from derive.leading import far
from derive.letters import Letter
from derive.off_diagonal import at_origin, without_lowest_rotation
from derive.scalars import normal_form
from derive.signs import sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive.expansion import Expansion

# The eigenvalues of a mode with that of Σ as a letter of its own.
_I: Values = {**MODE_I, "S": s_i, "C": s_i - a_i}
_J: Values = {**MODE_J, "S": s_j, "C": s_j - a_j}
Decide = Callable[[sympy.Expr], sympy.Basic]


@dataclass(frozen=True)
class Collapse:
    """When modes are zero at the minima; a_i > 0, c_i > 0, parameters positive, batches of 2 or more, d1 ≥ d0.

    Where no weight decay is in play A0 and C need not commute: take a_i = 1 − r_i and c_i = r_i, the r_i being the
    eigenvalues of Σ^(−1/2) C Σ^(−1/2).

    Attributes:
        dimensional: the condition under which some mode is zero at the minima, None where it is not determined.
        complete: the same for all modes.
        reason: why it is None.
        notes: what a reader should know beside.
        where: for which N the above holds; true where that is all of them.
        special: what holds at the other values of N.

    """

    dimensional: Condition | None
    complete: Condition | None
    reason: str = ""
    notes: tuple[str, ...] = ()
    where: sympy.Basic = sympy.true
    special: tuple[tuple[sympy.Rel, Collapse], ...] = ()

    def _repr_latex_(self) -> str | None:
        found = {"dimensional": self.dimensional, "complete": self.complete}
        said = [rf"\text{{{name} collapse: }} {one.latex()}" for name, one in found.items() if one is not None]
        return for_notebook(*said) if said else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: ``never``, ``always``, a condition, or null with the reason beside it."""
        found = {
            name: None if condition is None else condition.text()
            for name, condition in (("dimensional", self.dimensional), ("complete", self.complete))
        }
        return (
            found
            | ({"reason": self.reason} if self.reason else {})
            | ({"notes": list(self.notes)} if self.notes else {})
            | ({"where": str(self.where)} if self.special else {})
            | (
                {"special": [{**one.to_json(), "where": written(at)} for at, one in self.special]}
                if self.special
                else {}
            )
        )


def collapse(expansion: Expansion, *, limit: str | None = None) -> Collapse:
    """The collapse conditions of an expansion.

    Args:
        expansion: through order 4 at least.
        limit: a parameter that goes to infinity, such as the strength kappa of a norm penalty.

    >>> from derive import catalogue
    >>> print(collapse(catalogue("infonce").expand(order=4)).dimensional.text())
    never
    >>> print(collapse(catalogue("beta-infonce").expand(order=4)).dimensional.text())
    a_i*beta + beta*c_i - c_i <= 0 for some i

    With the norm fixed, the modes of the smallest ratios a_i/(a_i + c_i) can be lost:

    >>> print(collapse(catalogue("infonce+norm-penalty").expand(order=4), limit="kappa").dimensional.text())
    2*a_i*d0 + (a_i + c_i)*(3*c - 2*sum_j(a_j/(a_j + c_j))) <= 0 for some i

    A number of data at which the quartic part is another one is a case of its own, which each condition names:

    >>> from derive import Loss, Mean, exp, inner, log, symbols, views
    >>> N = symbols("N")
    >>> x, x_pos, chi = views("x, x_pos, chi")
    >>> negatives = (N - 1) * Mean(exp(inner(x, chi)), over=chi, count=N - 1)
    >>> print(collapse(Loss(-inner(x, x_pos) + log(negatives)).expand(order=4)).dimensional.text())
    never for N >= 3; not determined for N = 2

    """
    found = _collapse(expansion, limit)
    if found.dimensional is not None or (apart := cases(expansion)) is None:
        return found
    general = _collapse(apart.general, limit)
    special = tuple((at, _collapse(one, limit)) for at, one in apart.special)
    return replace(
        general,
        dimensional=_beside(general.dimensional, apart.where, [(at, one.dimensional) for at, one in special]),
        complete=_beside(general.complete, apart.where, [(at, one.complete) for at, one in special]),
        where=apart.where,
        special=special,
    )


def _beside(
    condition: Condition | None, where: sympy.Rel, others: list[tuple[sympy.Rel, Condition | None]]
) -> Condition | None:
    """A condition with what holds elsewhere, unless it is the same there."""
    if condition is None or all(one == condition for _, one in others):
        return condition
    return replace(condition, where=where, others=tuple(others))


def _collapse(expansion: Expansion, limit: str | None) -> Collapse:
    try:
        by_sign = [(case, _of_case(case, limit)) for case in landscapes(expansion)]
    except InputError as error:
        return Collapse(None, None, str(error))

    def joined(pick: Callable[[Collapse], Condition | None], quantifier: Literal["some", "all"]) -> Condition | None:
        found = [(case, pick(one)) for case, one in cases]
        if len({one for _, one in found}) == 1:
            return found[0][1]
        if any(one is None for _, one in found):
            return None
        # Each case has a Q_jj of its own: no one letter stands for both.
        parts = (
            sympy.And(sympy.Ge(case.where, 0, evaluate=False), pick(found).spelled_out()) for case, found in by_sign
        )
        return Condition(sympy.Or(*parts), quantifier)

    dimensional, complete = joined(lambda one: one.dimensional, "some"), joined(lambda one: one.complete, "all")
    if dimensional is None and limit is None and far(expansion.truncate(4)).verdict != "bounded":
        # That W = 0 is not the lowest point says nothing of where that is, if there is one.
        complete = None
    reasons = [(" and ".join(case.conditions()), one.reason) for case, one in by_sign if one.reason]
    return Collapse(
        dimensional,
        complete,
        "; ".join(dict.fromkeys(f"where {given}: {reason}" if given else reason for given, reason in reasons)),
        tuple(dict.fromkeys(note for _, one in cases for note in one.notes)),
    )


def _of_case(case: Landscape, limit: str | None) -> Collapse:
    if case.has_bias and _bias_stays_off(case):
        case = case.without_bias()
    if not (case.singles or case.products or case.has_bias) and sign(case.b(), ranges=case.ranges) == -1:
        # Nothing of order 4, and a loss that rises along every mode.
        return Collapse(Condition(sympy.true, "some"), Condition(sympy.true, "all"))
    unbounded = None if limit is None else sympy.Symbol(limit)

    def decided(value: sympy.Expr) -> sympy.Basic:
        return at_most_zero(value if unbounded is None else _leading(value, unbounded), case.ranges)

    found, reason = _convex(case, decided), case.why_not_lowest()
    if reason:
        dimensional, complete = without_lowest_rotation(case, decided)
        notes = () if case.rotation == "indefinite" or found.dimensional is None else found.notes
        if dimensional is None and case.rotation != "indefinite" and found.dimensional is not None:
            notes = (f"where d1 is a power of two, dimensional: {found.dimensional}", *found.notes)
        return Collapse(dimensional, complete, "" if dimensional is not None else reason, notes)
    if found.complete is None and case.coordinates:
        return replace(found, complete=at_origin(case, decided))
    return found


def _convex(case: Landscape, decided: Decide) -> Collapse:
    """The minimum of the quadratic program of the modes' powers."""
    reason = _not_convex(case)
    if reason:
        return Collapse(None, None, reason)
    notes = ("for A0 and C that commute",) if case.needs_commuting else ()
    if case.Q(MODE_I, MODE_I) == 0:
        found = _one_mode(case, decided)
        return replace(found, notes=(*found.notes, *notes))
    complete = Condition(_complete(case, decided), "all")
    letters = sorted({letter for pair in case.products for letter in pair} - {"D"})
    kept, bias = _solution(case, letters, with_bias=False)
    dimensional = decided(kept)
    if case.has_bias:
        # One more column: it is kept where the loss still falls along it once the other modes are in place.
        kept_beside, _ = _solution(case, letters, with_bias=True)
        off = decided(bias)
        beside = decided(kept_beside)
        dimensional = sympy.Or(sympy.And(off, dimensional), sympy.And(sympy.Not(off), beside))
    return Collapse(Condition(dimensional, "some", case.Q(MODE_J, MODE_J)), complete, notes=notes)


def _bias_stays_off(case: Landscape) -> bool:
    """Whether the loss falls along a bias nowhere: no term in b is negative."""
    terms = (-case.b(BIAS), case.Q(MODE_I, BIAS), case.Q(BIAS, BIAS), case.K(MODE_I, BIAS), case.K(BIAS, BIAS))
    return all(-1 not in signs(value, ranges=case.ranges) for value in terms)


def _not_convex(case: Landscape) -> str:
    """Why the landscape is not known to be a convex function of G = WᵀW, or nothing."""
    own, pair = case.sign(case.Q(MODE_I, MODE_I)), case.sign(case.Q(MODE_I, MODE_J))
    bias = [case.sign(case.Q(MODE_I, BIAS)), case.sign(case.Q(BIAS, BIAS))] if case.has_bias else []
    if any(known is None or known < 0 for known in (own, pair, *bias)):
        return "the quartic part is not positive for all parameters"
    matrix = _product_matrix(case, sorted({letter for letters in case.products for letter in letters}))
    # Positive semi-definite: no principal minor is negative.
    minors = (
        matrix.extract(rows, rows).det()
        for size in range(1, matrix.rows + 1)
        for rows in map(list, sympy.utilities.iterables.subsets(range(matrix.rows), size))
    )
    if any(case.sign(minor) not in (0, 1) for minor in minors):
        return "products of traces couple the modes in a way that may leave several minima"
    if case.has_bias and case.sign(case.Q(BIAS, BIAS) + case.K(BIAS, BIAS)) != 1:
        return "nothing of order 4 holds the bias back"
    if own == 0 and matrix.is_zero_matrix:
        return "nothing of order 4 holds the modes back"
    if own == 0 and (matrix.rank() != 1 or case.Q(BIAS, BIAS) != 0):
        return "no single trace of order 4 holds the modes back, and more than one product does"
    return ""


def _one_mode(case: Landscape, decided: Decide) -> Collapse:
    """Where k (Σ_i x_i g_i)² alone holds W back the modes of the largest b_i/x_i share it; it may be the bias."""
    letters = sorted({letter for pair in case.products for letter in pair})
    row = _product_matrix(case, letters).row(0)

    def held(mode: Values) -> sympy.Expr:
        return sympy.Add(*(weight * mode[letter] for letter, weight in zip(letters, row, strict=True)))

    complete = decided(case.b())
    if case.has_bias:
        off, ahead = decided(case.b(BIAS)), decided(case.b() * held(BIAS) - case.b(BIAS) * held(MODE_I))
        complete = sympy.Or(sympy.And(off, complete), sympy.And(sympy.Not(off), ahead))
    level = case.b(_I) * held(_J) - case.b(_J) * held(_I)
    if not case.has_bias and normal_form(level) == 0:
        reason = "nothing but Σ_i x_i |w_i|² of all modes together is fixed at the minima: any of them can be zero"
        return Collapse(None, Condition(complete, "all"), reason)
    note = "one mode alone is kept, that of the largest ratio b_i/x_i; modes of the same ratio share it"
    return Collapse(Condition(sympy.true, "some"), Condition(complete, "all"), notes=(note,))


def _product_matrix(case: Landscape, letters: Sequence[str]) -> sympy.Matrix:
    """p, symmetric, by letter."""

    def entry(x: str, y: str) -> sympy.Expr:
        both = case.products.get((x, y), sympy.S.Zero) + case.products.get((y, x), sympy.S.Zero)
        return both / 2

    return sympy.Matrix(len(letters), len(letters), lambda i, k: entry(letters[i], letters[k]))


def _complete(case: Landscape, decided: Decide) -> sympy.Basic:
    """Whether the loss falls along no mode at G = 0, where a bias alone is in place."""
    b = case.b()
    if not case.has_bias:
        return decided(b)
    curvature = case.Q(BIAS, BIAS) + case.K(BIAS, BIAS)
    power = case.b(BIAS) / (2 * curvature)
    beside = b - 2 * case.K(MODE_I, BIAS) * power
    off = decided(case.b(BIAS))
    return sympy.Or(sympy.And(off, decided(b)), sympy.And(sympy.Not(off), decided(beside)))


def _solution(case: Landscape, letters: Sequence[str], *, with_bias: bool) -> tuple[sympy.Expr, sympy.Expr]:
    """What has the sign of g_i when all modes are kept, and what has the sign of the loss's descent along the bias.

    The unknowns are T_X = Σ_j x_j g_j and, with the bias, its power t = |b|². Both answers are multiplied by the
    determinant of their linear system, which is positive where the landscape is strictly convex.
    """
    unknown = [sympy.Dummy(f"T_{letter}") for letter in letters] + ([sympy.Dummy("t")] if with_bias else [])
    t = unknown[-1] if with_bias else sympy.S.Zero
    spelled = [*letters, "D"]
    p = _product_matrix(case, spelled)
    traces = sympy.Matrix([*unknown[: len(letters)], t])

    # A short name for Q_jj, unless it is one product of eigenvalues and cancels.
    q = case.Q(_J, _J) if len(case.without_bias().singles) == 1 else q_j

    def descent(mode: Values) -> sympy.Expr:
        """b_i less the pull of what is in place."""
        pull = (p * traces).dot(sympy.Matrix([mode[letter] for letter in spelled]))
        return case.b(mode) - 2 * pull - (2 * case.Q(BIAS, BIAS) * t if mode is BIAS else 0)

    def summed(letter: str) -> sympy.Expr:
        # Linear in the unknowns, which stand outside of the sums.
        in_unknowns = sympy.Poly(sympy.expand(_J[letter] * descent(_J)), *unknown)
        return sympy.Add(
            *(
                sympy.prod(symbol**power for symbol, power in zip(unknown, powers, strict=True))
                * total(value / (2 * q))
                for powers, value in in_unknowns.terms()
            )
        )

    equations = [symbol - summed(letter) for symbol, letter in zip(unknown, letters, strict=False)]
    if with_bias:
        equations.append(-descent(BIAS))
    matrix, right = sympy.linear_eq_to_matrix(equations, unknown) if unknown else (sympy.eye(1), sympy.zeros(1, 1))
    determinant = matrix.det()
    solved = matrix.adjugate() * right

    def at_solution(value: sympy.Expr) -> sympy.Expr:
        constant = value.xreplace(dict.fromkeys(unknown, sympy.S.Zero))
        moved = (sympy.diff(value, symbol) * solved[k] for k, symbol in enumerate(unknown))
        return sympy.cancel(constant * determinant + sympy.Add(*moved))

    return at_solution(descent(_I)), at_solution(descent(BIAS)) if case.has_bias else sympy.S.Zero


def _named(case: Landscape, name: str) -> sympy.Symbol | None:
    return next((symbol for symbol in case.symbols if symbol.name == name and not isinstance(symbol, Letter)), None)


def _leading(value: sympy.Expr, unbounded: sympy.Symbol) -> sympy.Expr:
    """What decides the sign of an expression as a parameter goes to infinity."""
    top, bottom = sympy.fraction(sympy.together(value))
    result = sympy.S.One
    for part in (top, bottom):
        result *= sympy.Poly(sympy.expand(part), unbounded).LC()
    return sympy.together(result)
