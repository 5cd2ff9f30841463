"""Whether a polynomial landscape is bounded below, from its terms of highest order.

Along a ray tW they grow fastest. In words of one covariance X they are a function of the eigenvalues h ≥ 0 of
X^½ WᵀW X^½, at most r = min(d0, d1) of which are not zero. At k equal ones with sum 1 a word ∏ Tr[(W X Wᵀ)^n_j] of
order 2n is k^(number of traces − n), so that up to a positive factor the terms are

    e(k) = Σ coefficient · k^(number of traces − 1),     k = 1 … r.

Through order 6 they are positive in every direction exactly where e(k) > 0 for all these k: at order 4 since
q₁ Tr[H²] + q₂ Tr[H]² has Tr[H]²/r ≤ Tr[H²] ≤ Tr[H]²; at order 6 by the theorem on even symmetric sextics (Choi, Lam
and Reznick 1987). Where e vanishes at order 4 it does at k = 1 (q₁ < 0) or k = r (q₁ > 0), at multiples of projectors P
of that rank, and the loss is bounded exactly where −Tr[b P] ≥ 0 for all of them, b = X^(−½) B X^(−½): no departure
from them gains more than |b|²/4|q₁|.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from derive.algebra.alphabet import BASES
from derive.algebra.letters import Letter
from derive.algebra.scalars import normal_form
from derive.algebra.signs import over, relation, sign
from derive.algebra.signs import signs as signs_of
from derive.algebra.words import is_trace
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.notation import TEXT
from derive.errors import InputError
from derive.expansion.expansion import Expansion, Term
from derive.landscape.canonical_pairs import canonical_pairs
from derive.landscape.conditions import MODES
from derive.landscape.correlations import in_correlations, lam_i
from derive.landscape.landscape import MODE_I
from derive.landscape.mixed import one_row, positive

RANK = sympy.Min(MODES, EMBEDDING_DIMENSION)
# The order from which on e(k) > 0 for all k is not known to be enough.
_EXACT = 6


class Far(NamedTuple):
    """What the terms of highest order decide.

    Attributes:
        verdict: "bounded", "unbounded", "depends" (unbounded where the condition holds) or "undecided".
        reason: why.
        condition: where the landscape is unbounded below, for some mode i where it is one on modes; or None.
        otherwise: what it is where the condition does not hold, "bounded" or "undecided".
        edge: whether the verdict is open where the two sides of the condition are equal.
        order: the highest order in W.
        strict: whether the terms of this order alone decide: they grow in every direction, or fall in one.

    """

    verdict: str
    reason: str
    condition: sympy.Basic | None = None
    otherwise: str = "undecided"
    order: int = 0
    strict: bool = False
    edge: bool = False

    def where(self) -> str:
        """The condition in plain text, "" where there is none that depends on anything."""
        plain = self.condition in (None, sympy.true, sympy.false)
        return "" if plain else condition_text(in_correlations(self.condition))


def condition_text(condition: sympy.Basic) -> str:
    """A condition of boundedness in plain text; it is met where it is for some mode i.

    >>> condition_text(sympy.Ge(RANK, 3, evaluate=False)), condition_text(sympy.Lt(MODE_I["C"], 1))
    ('min(d0, d1) >= 3', 'c_i < 1 for some i')
    """
    if isinstance(condition, sympy.Or | sympy.And):
        joint = " or " if isinstance(condition, sympy.Or) else " and "
        return joint.join(condition_text(one) for one in sorted(condition.args, key=str))
    modes = " for some i" if condition.free_symbols & {MODE_I["A"], MODE_I["C"], lam_i} else ""
    return f"{_shown(condition.lhs)} {condition.rel_op} {_shown(condition.rhs)}{modes}"


def of_couplings(q1: sympy.Expr, q2: sympy.Expr, descent: int | None) -> Far:
    """The verdict for q₁ Tr[(W X Wᵀ)²] + q₂ Tr[W X Wᵀ]², order 2 falling along every mode (1), none (0, −1) or some.

    >>> of_couplings(sympy.Integer(1), sympy.Rational(-1, 3), 1).where()
    'min(d0, d1) >= 3'
    """
    k = sympy.Dummy("k", positive=True)
    found = _of_line(normal_form(q1 + q2 * k), k, 4, descent)
    return found or Far("undecided", "the signs of the couplings are not known", order=4)


def far(expansion: Expansion) -> Far:
    """Whether a polynomial in W is bounded below.

    >>> from derive import Loss, Mean, inner, views
    >>> x, x_pos, chi = views("x, x_pos, chi")
    >>> loss = Loss(Mean(inner(x, chi) ** 2, over=chi) - Mean(inner(x, x), over=x) ** 2 / 3 - inner(x, x_pos))
    >>> found = far(loss.expand(order=4))
    >>> found.verdict, found.condition, found.otherwise
    ('depends', Min(d0, d1) >= 3, 'bounded')
    """
    with over(expansion.ranges):
        return _far(expansion)


def _far(expansion: Expansion) -> Far:
    order = max((term.order for term in expansion.terms), default=0)
    if order == 0:
        return Far("bounded", "it is a constant", sympy.false, "bounded")
    if expansion.basis not in BASES:
        return _of_two_kinds(expansion, order)
    descents = _descents(expansion)
    if order == 2:
        return _of_order_2(descents)
    leading = expansion.terms_of_order(order)
    letter, terms = _one_letter(expansion, order)
    alone = sign(one_row(leading))
    if alone == -1:
        reason = f"the terms of order {order} fall to −∞ for a W of one row"
        return Far("unbounded", reason, sympy.true, order=order, strict=True)
    if letter:
        found = _of_ranks(terms, order, descents)
        if found is not None:
            return found
    elif order == 4 and positive(expansion):
        return _grows(order)
    on_bias = normal_form(sympy.Add(*(term.coefficient for term in leading if _words(term) <= {"D"})))
    rays = [("a W of one row", alone, descents[0]), ("a bias alone", sign(on_bias), *descents[1:])]
    for where, highest, *descent in rays:
        level = order == 4 and highest == 0 and descent and sign(descent[0]) == 1
        if highest == -1 or level:
            lower = ", and those of order 2 fall there" if level else ""
            reason = f"the terms of order {order} {'vanish' if level else 'fall to −∞'} for {where}{lower}"
            return Far("unbounded", reason, sympy.true, order=order, strict=highest == -1)
    along = [("a W of one row along a mode", one_row(leading)), ("a bias alone", on_bias)]
    falling = [(where, value) for where, value in along if -1 in signs_of(value)]
    if falling:
        places = " or for ".join(where for where, _ in falling)
        reason = f"the terms of order {order} may fall for {places}, which is enough; other W are not analysed"
        condition = sympy.Or(*(sympy.Lt(value, 0, evaluate=False) for _, value in falling))
        return Far("depends", reason, condition, order=order)
    return Far("undecided", f"with more than one row the sign of the terms of order {order} is not known", order=order)


def _of_two_kinds(expansion: Expansion, order: int) -> Far:
    """Where views are seen in two ways: of ⟨f(x), g(y)⟩ alone, through order 4."""
    if order > 4:
        reason = f"the terms of order {order} are not analysed where views are seen in two ways"
        return Far("undecided", reason, order=order)
    try:
        pairs = canonical_pairs(expansion)
    except InputError as error:
        return Far("undecided", str(error), order=order)
    if pairs.falls:
        reason = f"the terms of order {order} fall to −∞ for a WᵀV that joins two canonical pairs"
        return Far("unbounded", reason, sympy.true, order=order, strict=True)
    if pairs.convex:
        reason = f"the terms of order {order} grow in every direction of WᵀV"
        return Far("bounded", reason, sympy.false, "bounded", order, strict=True)
    return Far("undecided", f"the terms of order {order} may have either sign", order=order)


def _words(term: Term) -> set[str]:
    return {letter for one in term.invariants for _, word, _ in one for letter in word}


def _grows(order: int) -> Far:
    reason = f"the terms of order {order} grow in every direction"
    return Far("bounded", reason, sympy.false, "bounded", order, strict=True)


def _descents(expansion: Expansion) -> list[sympy.Expr]:
    """b_i of a mode, and of a bias where terms of order 2 hold one: the loss falls along it where it is positive."""
    on_bias = {"D": sympy.S.One}
    modes = sympy.S.Zero
    bias: list[sympy.Expr] = []
    for term in expansion.terms_of_order(2):
        word = term.invariants[0][0][1]
        if word in on_bias:
            bias.append(-term.coefficient)
        else:
            modes -= term.coefficient * MODE_I[word]
    return [normal_form(modes), *bias]


def _of_order_2(descents: list[sympy.Expr]) -> Far:
    known = [sign(value) for value in descents]
    reason = "it is quadratic in W"
    if 1 in known:
        return Far("unbounded", f"{reason} and falls along every mode", sympy.true, order=2, strict=True)
    if None not in known:
        return Far("bounded", f"{reason}, and falls nowhere", sympy.false, "bounded", 2, strict=0 not in known)
    open_ones = [relation(-value, sympy.Lt) for value, side in zip(descents, known, strict=True) if side is None]
    return Far("depends", reason, sympy.Or(*open_ones), "bounded", 2)


def _one_letter(expansion: Expansion, order: int) -> tuple[str, tuple[Term, ...]]:
    """The covariance that all terms of an order are words of, and those terms; "" where there are several."""
    for basis in BASES:
        terms = expansion.in_basis(basis).terms_of_order(order)
        used = set().union(*map(_words, terms))
        sums = [term for term in terms if not all(map(is_trace, term.invariants))]
        if len(used) == 1 and not used & {"D", "I"} and (not sums or (order == 4 and len(sums) == 1)):
            return used.pop(), terms
    return "", ()


def _of_ranks(terms: tuple[Term, ...], order: int, descents: list[sympy.Expr]) -> Far | None:
    """The verdict by e(k), k the number of equal eigenvalues."""
    k = sympy.Dummy("k", positive=True)
    at = sympy.S.Zero
    for term in terms:
        if all(map(is_trace, term.invariants)):
            at += term.coefficient * k ** (len(term.invariants) - 1)
            continue
        # δ Σ_i (W X Wᵀ)_ii² is at its lowest δ Tr[(W X Wᵀ)²] or δ Tr[W X Wᵀ]²/d1, see
        # `derive.landscape.landscape.landscapes`.
        side = sign(term.coefficient)
        if side is None:
            return None
        at += term.coefficient * (1 if side == -1 else k / EMBEDDING_DIMENSION)
    at = normal_form(at)
    if at == 0:
        # δ Σ_i (W X Wᵀ)_ii² takes away in one rotation what the traces are in all.
        lower = _of_order_2(descents)
        reason = (
            f"the terms of order {order} are never negative and vanish for some rotation; beside them {lower.reason}"
        )
        return lower._replace(reason=reason)
    if all(-1 not in signs_of(term.coefficient) for term in terms):
        return _grows(order)
    return _of_line(at, k, order, sign(descents[0]))


def _of_line(at: sympy.Expr, k: sympy.Symbol, order: int, descent: int | None) -> Far | None:
    """The verdict by e(k), a line at order 4; None beyond order 6, and for parameters at order 6."""
    one = sign(at.subs(k, 1))
    # k = 1, 2, …
    if one == 1 and sign(sympy.expand(at.subs(k, k + 1))) == 1 and order <= _EXACT:
        return _grows(order)
    if one == -1:
        reason = f"the terms of order {order} fall to −∞ for a W of one row"
        return Far("unbounded", reason, sympy.true, order=order, strict=True)
    if at.free_symbols <= {k}:
        return _of_numbers(sympy.Poly(at, k), order, descent)
    return _of_parameters(at, k, descent) if order == 4 else None


def _of_numbers(at: sympy.Poly, order: int, descent: int | None) -> Far | None:
    """The verdict where the coefficients are numbers, by the rank."""
    # Beyond its last root the polynomial keeps its sign.
    last = 2 + max((int(sympy.ceiling(abs(root))) for root in sympy.real_roots(at)), default=0)
    values = {number: sign(at.eval(number)) for number in range(1, last + 1)}
    if None in values.values():
        return None
    first = next((number for number, side in values.items() if side == -1), None)
    zeros = [number for number, side in values.items() if side == 0 and (first is None or number < first)]
    shown = f"with k equal eigenvalues the terms of order {order} have the sign of {_written(at)}"
    if zeros and order != 4:
        return None
    if zeros:
        # At order 4 there is one zero: k = 1 where e rises, and the highest rank below `first` where it falls.
        (zero,) = zeros
        where = "a W of one row" if zero == 1 else f"{zero} equal eigenvalues"
        shown += f", which vanishes for {where}, where those of order 2 decide"
        if descent == 1:
            first = zero
        elif descent is None:
            return Far("undecided", shown, order=order)
    if first is None and order > _EXACT:
        return None
    if first is None:
        return Far("bounded", shown, sympy.false, "bounded", order, strict=not zeros)
    if first == 1:
        return Far("unbounded", shown, sympy.true, order=order)
    otherwise = "bounded" if order <= _EXACT else "undecided"
    return Far("depends", shown, sympy.Ge(RANK, first, evaluate=False), otherwise, order)


def _of_parameters(at: sympy.Expr, k: sympy.Symbol, descent: int | None) -> Far:
    """The verdict at order 4: where e, a line, is negative at one of its ends."""
    ends = [normal_form(at.subs(k, 1)), normal_form(at.subs(k, RANK))]
    # A line that rises is lowest at k = 1; one that falls, at k = r.
    slope = sign(sympy.diff(at, k))
    ends = ends[:1] if slope in (0, 1) else ends[1:] if slope == -1 else ends
    signs = [sign(one) for one in ends]
    shown = "the terms of order 4 grow in every direction where "
    shown += " and ".join(f"{_shown(one)} > 0" for one, side in zip(ends, signs, strict=True) if side is None)
    if None not in signs:
        # Somewhere e is 0.
        shown = "the terms of order 4 vanish in some directions, where those of order 2 decide"
        verdict = {1: "unbounded", None: "undecided"}.get(descent, "bounded")
        return Far(verdict, shown, sympy.true if descent == 1 else None, order=4)
    if 0 in signs and descent not in (0, -1):
        return Far("undecided", f"{shown}, and vanish in some directions, where those of order 2 decide", order=4)
    kind = sympy.Le if descent == 1 else sympy.Lt
    condition = sympy.Or(*(kind(one, 0, evaluate=False) for one, side in zip(ends, signs, strict=True) if side is None))
    return Far("depends", shown, condition, "bounded", 4, edge=descent is None)


def _written(at: sympy.Poly) -> str:
    return _shown(at.as_expr().subs(at.gen, Letter("k")))


def _shown(value: sympy.Expr) -> str:
    return TEXT.scalar(value).replace("Min(", "min(")
