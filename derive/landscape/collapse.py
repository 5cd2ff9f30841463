"""Which modes are zero at the minima of the landscape through order 4, as exact conditions.

With the powers g_i = |w_i|² of the modes and enough rows of W to keep their columns orthogonal (d1 ≥ d0, one more
with a bias), the landscape is the quadratic program

    minimise −Σ_i b_i g_i + Σ_i Q_ii g_i² + Σ_ij K_ij g_i g_j   over g ≥ 0,   K_ij = Σ_XY p_XY x_i y_j.

It is a convex function of G = WᵀW where Q_ij > 0 for all pairs and p is positive semi-definite. Every local minimum
in W is then global (with a spare row a minimum of W is one of G ⪰ 0, by its second-order condition), g is unique, and

    complete collapse      b_i ≤ 0 for all i, at g = 0;
    dimensional collapse   the solution with all modes kept has some g_i ≤ 0.

The latter is `derive.landscape.quadratic_program`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import sympy

from derive.algebra.letters import Letter
from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign, signs
from derive.definition.glyphs import apart
from derive.errors import InputError
from derive.expansion.special_values import cases
from derive.landscape.canonical_pairs import canonical_pairs
from derive.landscape.conditions import Condition, at_most_zero, written
from derive.landscape.coordinates import as_matrix, letters_of, principal_minors
from derive.landscape.landscape import BIAS, MODE_I, MODE_J, Landscape, Values, landscapes
from derive.landscape.leading import far
from derive.landscape.off_diagonal import at_origin, without_lowest_rotation
from derive.landscape.quadratic_program import OF_I, OF_J, Decide, all_kept, at_origin_with_bias
from derive.latex import for_notebook

if TYPE_CHECKING:
    from collections.abc import Callable

    from derive.expansion.expansion import Expansion


@dataclass(frozen=True)
class Collapse:
    """When modes are zero at the minima; a_i > 0, c_i > 0, parameters positive, batches of 2 or more, d1 ≥ d0.

    Where no weight decay is in play A0 and C need not commute: take a_i = λ_i and c_i = 1 − λ_i, the view correlations
    λ_i being the eigenvalues of Σ^(−½) A0 Σ^(−½). In print the conditions are told in these.

    Attributes:
        dimensional: the condition under which some mode is zero at the minima, None where it is not determined.
        complete: the same for all modes.
        reason: why it is None.
        notes: what else a reader should know.
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
        known = {name: one.whitened() for name, one in found.items() if one is not None}
        said = [rf"\text{{{name} collapse: }} {one.latex()}" for name, one in known.items()]
        return for_notebook(*said) if said else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: ``never``, ``always``, a condition in a_i and c_i, or null with a reason."""
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

    A number of data at which the quartic part changes is a separate case, which each condition names:

    >>> from derive import Loss, Mean, exp, inner, log, symbols, views
    >>> N = symbols("N")
    >>> x, x_pos, chi = views("x, x_pos, chi")
    >>> negatives = (N - 1) * Mean(exp(inner(x, chi)), over=chi, count=N - 1)
    >>> print(collapse(Loss(-inner(x, x_pos) + log(negatives)).expand(order=4)).dimensional.text())
    never for N >= 3; not determined for N = 2

    """
    known = expansion.known_parameters
    named = None if limit is None else next((one for one in known if one.name == limit), sympy.Symbol(limit))

    def derived(given: tuple[Expansion, sympy.Symbol | None]) -> Collapse:
        shown, later = given
        return _collapsed(shown, None if later is None else later.name)

    return _with_names(apart((expansion, named), known, derived), frozenset(one.name for one in known))


def _with_names(found: Collapse, taken: frozenset[str]) -> Collapse:
    """The same with the names to which letters yield in print."""
    dimensional, complete = (
        None if one is None else replace(one, taken=taken) for one in (found.dimensional, found.complete)
    )
    return replace(found, dimensional=dimensional, complete=complete)


def _collapsed(expansion: Expansion, limit: str | None) -> Collapse:
    found = _collapse(expansion, limit)
    if expansion.encoders == 2 or found.dimensional is not None or (several := cases(expansion)) is None:
        return found
    general = _collapse(several.general, limit)
    special = tuple((at, _collapse(one, limit)) for at, one in several.special)
    return replace(
        general,
        dimensional=_beside(general.dimensional, several.where, [(at, one.dimensional) for at, one in special]),
        complete=_beside(general.complete, several.where, [(at, one.complete) for at, one in special]),
        where=several.where,
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
    if expansion.encoders == 2:
        return _of_pairs(expansion)
    try:
        by_sign = [(case, _of_case(case, limit)) for case in landscapes(expansion)]
    except InputError as error:
        return Collapse(None, None, str(error))

    def joined(pick: Callable[[Collapse], Condition | None], quantifier: Literal["some", "all"]) -> Condition | None:
        found = [(case, pick(one)) for case, one in by_sign]
        if len({one for _, one in found}) == 1:
            return found[0][1]
        if any(one is None for _, one in found):
            return None
        # Each case has a Q_jj of its own: no one letter stands for both.
        parts = (
            sympy.And(*(sympy.Ge(at_least, 0, evaluate=False) for at_least in case.where), one.spelled_out())
            for case, one in found
            if one is not None
        )
        return Condition(sympy.Or(*parts), quantifier)

    dimensional, complete = joined(lambda one: one.dimensional, "some"), joined(lambda one: one.complete, "all")
    if dimensional is None and limit is None and far(expansion.truncate(4)).verdict != "bounded":
        # That W = 0 is not the lowest point does not say where the lowest point is, if there is one.
        complete = None
    if complete is not None and complete.formula is sympy.true:
        # Where all modes are zero, some are.
        dimensional = Condition(sympy.true, "some")
    reasons = [(" and ".join(case.conditions()), one.reason) for case, one in by_sign if one.reason]
    return Collapse(
        dimensional,
        complete,
        ""
        if dimensional is not None and complete is not None
        else "; ".join(dict.fromkeys(f"where {given}: {reason}" if given else reason for given, reason in reasons)),
        tuple(dict.fromkeys(note for _, one in by_sign for note in one.notes)),
    )


def _of_pairs(expansion: Expansion) -> Collapse:
    """When canonical pairs with λ_i > 0 are zero at the minima; with weight decay in a_i, the singular values of A."""
    try:
        pairs = canonical_pairs(expansion)
    except InputError as error:
        return Collapse(None, None, str(error))
    side = sign(pairs.beta, ranges=pairs.ranges)
    if not pairs.convex:
        return Collapse(None, None, "the quartic part is not known to be convex in WᵀV for all parameters")
    if side == 0:
        return Collapse(Condition(sympy.true, "some"), Condition(sympy.true, "all"))
    if side is None:
        return Collapse(None, None, "whether the loss tells pairs from other data depends on the parameters")
    if pairs.gamma == 0:
        # A loss that pushes pairs apart keeps them too, with −V for V.
        return Collapse(Condition(sympy.false, "some"), Condition(sympy.false, "all"))
    held = at_most_zero(side * pairs.beta * MODE_I["A"] - 2 * pairs.gamma, pairs.ranges)
    meant = "a_i are the singular values of A, λ_i alone not deciding with weight decay"
    if pairs.p != 0:
        reason = "with weight decay and a product of traces the pairs that are lost depend on the scales of x and y too"
        return Collapse(None, Condition(held, "all"), reason, (meant,))
    common = "dimensional collapse for Σ, Σ₂ and A with common axes"
    return Collapse(Condition(held, "some"), Condition(held, "all"), notes=(meant, common))


def _of_case(case: Landscape, limit: str | None) -> Collapse:
    if case.has_bias and _bias_stays_off(case):
        case = case.without_bias()
    if not (case.singles or case.products or case.has_bias) and sign(case.b(), ranges=case.ranges) == -1:
        # Nothing of order 4, and a loss that rises along every mode.
        return Collapse(Condition(sympy.true, "some"), Condition(sympy.true, "all"))
    unbounded = None if limit is None else _named(case, limit)

    def decided(value: sympy.Expr) -> sympy.Basic:
        return at_most_zero(value if unbounded is None else _leading(value, unbounded), case.ranges)

    found, reason = _convex(case, decided), case.why_not_lowest()
    if reason:
        dimensional, complete = without_lowest_rotation(case, decided)
        notes = () if case.rotation == "indefinite" or found.dimensional is None else found.notes
        if dimensional is None and case.rotation != "indefinite" and found.dimensional is not None:
            notes = (f"where d1 is a power of two, dimensional: {found.dimensional.said()}", *found.notes)
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
    complete = Condition(at_origin_with_bias(case, decided), "all")
    letters = sorted({letter for pair in case.products for letter in pair} - {"D"})
    kept, bias = all_kept(case, letters, with_bias=False)
    dimensional = decided(kept)
    if case.has_bias:
        # One more column: it is kept where the loss still falls along it once the other modes are in place.
        kept_beside, _ = all_kept(case, letters, with_bias=True)
        off = decided(bias)
        beside = decided(kept_beside)
        dimensional = sympy.Or(sympy.And(off, dimensional), sympy.And(sympy.Not(off), beside))
    return Collapse(Condition(dimensional, "some", case.Q(MODE_J, MODE_J)), complete, notes=notes)


def _bias_stays_off(case: Landscape) -> bool:
    """Whether the loss falls nowhere along a bias: no term in b is negative."""
    terms = (-case.b(BIAS), case.Q(MODE_I, BIAS), case.Q(BIAS, BIAS), case.K(MODE_I, BIAS), case.K(BIAS, BIAS))
    return all(-1 not in signs(value, ranges=case.ranges) for value in terms)


def _not_convex(case: Landscape) -> str:
    """Why the landscape is not known to be a convex function of G = WᵀW, or nothing."""
    own, pair = case.sign(case.Q(MODE_I, MODE_I)), case.sign(case.Q(MODE_I, MODE_J))
    bias = [case.sign(case.Q(mode, BIAS)) for mode in (MODE_I, BIAS)] if case.has_bias else []
    if any(known is None or known < 0 for known in (own, pair, *bias)):
        return "the quartic part is not positive for all parameters"
    matrix = as_matrix(case.products)
    if any(-1 in case.signs(minor) for _, minor in principal_minors(matrix)):
        return "products of traces couple the modes in a way that may leave several minima"
    if case.has_bias and case.sign(case.Q(BIAS, BIAS) + case.K(BIAS, BIAS)) != 1:
        return "nothing of order 4 holds the bias back"
    if own == 0 and matrix.is_zero_matrix:
        return "nothing of order 4 holds the modes back"
    if own == 0 and (matrix.rank() != 1 or case.Q(BIAS, BIAS) != 0):
        return "no single trace of order 4 holds the modes back, and more than one product does"
    return ""


def _one_mode(case: Landscape, decided: Decide) -> Collapse:
    """Where k (Σ_i x_i g_i)² alone holds W back the modes of the largest b_i/x_i share it; it may be the bias.

    That asks for x_i of one sign. Of two signs, modes can grow together with Σ_i x_i g_i = 0, and nothing of order 4
    meets them.
    """
    letters = letters_of(case.products)
    row = as_matrix(case.products).row(0)

    def held(mode: Values) -> sympy.Expr:
        return sympy.Add(*(weight * mode[letter] for letter, weight in zip(letters, row, strict=True)))

    side = case.sign(held(MODE_I))
    if side not in (1, -1) or (case.has_bias and case.sign(held(BIAS)) != side):
        if all(case.sign(value) == -1 for value in (case.b(), *([case.b(BIAS)] if case.has_bias else []))):
            # The product is a square, and all else rises.
            return Collapse(Condition(sympy.true, "some"), Condition(sympy.true, "all"))
        reason = "the one product of traces of order 4 vanishes for some W, where nothing of order 4 holds modes back"
        return Collapse(None, None, reason)
    complete = decided(case.b())
    if case.has_bias:
        off, ahead = decided(case.b(BIAS)), decided(side * (case.b() * held(BIAS) - case.b(BIAS) * held(MODE_I)))
        complete = sympy.Or(sympy.And(off, complete), sympy.And(sympy.Not(off), ahead))
    level = case.b(OF_I) * held(OF_J) - case.b(OF_J) * held(OF_I)
    if not case.has_bias and normal_form(level) == 0:
        reason = "nothing but Σ_i x_i |w_i|² of all modes together is fixed at the minima: any of them can be zero"
        return Collapse(None, Condition(complete, "all"), reason)
    note = "one mode alone is kept, that of the largest ratio b_i/x_i; modes of the same ratio share it"
    return Collapse(Condition(sympy.true, "some"), Condition(complete, "all"), notes=(note,))


def _named(case: Landscape, name: str) -> sympy.Symbol | None:
    return next((symbol for symbol in case.symbols if symbol.name == name and not isinstance(symbol, Letter)), None)


def _leading(value: sympy.Expr, unbounded: sympy.Symbol) -> sympy.Expr:
    """What decides the sign of an expression as a parameter goes to infinity."""
    top, bottom = sympy.fraction(sympy.together(value))
    result = sympy.S.One
    for part in (top, bottom):
        result *= sympy.Poly(sympy.expand(part), unbounded).LC()
    return sympy.together(result)
