"""Everything that is derived about a loss's landscape, together: what an audit and a LaTeX section show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import sympy

from derive.algebra.effort import TooLargeError
from derive.algebra.signs import sign
from derive.definition.contents import degree_of
from derive.definition.glyphs import PARAMETER, apart, hidden, length, told
from derive.definition.lines import Line
from derive.definition.notation import LATEX, TEXT, Style
from derive.definition.plain_text import plain
from derive.errors import InputError
from derive.expansion import second_moments, special_values
from derive.expansion.second_moments import in_second_moments
from derive.landscape import all_orders, one_eigenvalue, whitened
from derive.landscape.canonical_pairs import PairLandscape, canonical_pairs
from derive.landscape.closed_form import ClosedForm, closed_form
from derive.landscape.collapse import Collapse, collapse
from derive.landscape.conditions import Condition, written
from derive.landscape.coordinates import INDEFINITE, OF_MASKS, OF_ROWS
from derive.landscape.critical import Transition, transition
from derive.landscape.exact_modes import ExactModes, exact_modes, why_coupled
from derive.landscape.higher import Higher, higher
from derive.landscape.landscape import Isotropic, Landscape, landscapes
from derive.landscape.leading import Far, far
from derive.landscape.pulled_pairs import pulls
from derive.landscape.recession import Recession, recession
from derive.landscape.stationary import StationaryPoints, stationary
from derive.latex import for_notebook
from derive.losses.limit import population

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from derive.expansion.expansion import Expansion
    from derive.expansion.laws import Law
    from derive.losses.loss import Loss

Lines = list[tuple[str, str]]
# Two conditions shorter than this are put on one line.
_SHORT = 50


@dataclass(frozen=True)
class Described:
    """The landscape of one loss.

    Attributes:
        cases: the landscape through order 4, by the sign of what is open; empty where it is not understood.
        stationary: all stationary points, branch by branch; empty where there is no formula.
        why: why there is no formula.
        collapse: when modes are zero at the minima.
        transition: how a mode appears, None where it does not or that is not known.
        exact: the landscape to all orders by modes, None where neither the loss nor its limit N → ∞ closes.
        recession: whether the loss itself is bounded below, None where its definition is not known.
        limit: the penalty's strength that goes to infinity, or None.
        of_limit: the number of data that goes to infinity where `exact` is the landscape of that limit.
        quartic: whether the landscape through order 4, or through the order that decides in its place, is bounded
            below; None where the norm is fixed.
        higher: what decides where there are no terms of order 4, None where there are some.
        ends: whether the loss has no terms beyond order 4.
        special: the landscape at each value of N at which it differs; all else holds for the other values, which
            `Collapse.where` names.
        pairs: the landscape of two encoders through order 4, None for one encoder or where it is not known.
        pairs_of_limit: the same, to all orders, in the limit of `of_limit`; None where that is not known.
        pulled: whether the loss of two encoders keeps all canonical pairs to all orders, by its definition.
        parameters: those of the loss, to whose names letters of the theory yield in text.

    """

    cases: tuple[Landscape, ...]
    stationary: tuple[StationaryPoints, ...]
    why: str
    collapse: Collapse
    transition: Transition | None
    exact: ExactModes | None
    recession: Recession | None
    limit: str | None = field(default=None, metadata=PARAMETER)
    of_limit: str = field(default="", metadata=PARAMETER)
    quartic: Far | None = None
    higher: Higher | None = None
    ends: bool = False
    special: tuple[tuple[sympy.Rel, Described], ...] = ()
    pairs: PairLandscape | None = None
    pairs_of_limit: PairLandscape | None = None
    pulled: bool = False
    parameters: frozenset[sympy.Symbol] = field(default=frozenset(), compare=False)

    @cached_property
    def unnamed(self) -> Described:
        """The same, written where a parameter has the name of a letter: see `derive.definition.glyphs`."""
        return hidden(self, self.parameters)

    @property
    def to_all_orders(self) -> bool:
        """Whether the loss, to all orders, loses modes exactly where its landscape through order 4 does."""
        if self.ends or self.pulled:
            return True
        if self.exact is None or self.of_limit or self.collapse.dimensional is None:
            return False
        here, there = self.collapse.dimensional.formula, self.exact.collapse
        relational = sympy.core.relational.Relational
        if here == there or not isinstance(here, relational) or not isinstance(there, relational):
            return bool(here == there)
        same = here.rel_op == there.rel_op and here.rhs == there.rhs == 0
        return same and sign(sympy.cancel(there.lhs / here.lhs), ranges=self.exact.ranges) == 1

    @property
    def through(self) -> str:
        """The words "through order 4" where statements about minima are of that landscape, not of the loss, or ""."""
        return "" if self.ends or self.higher is not None else "through order 4"

    def minima(self, points: StationaryPoints | Isotropic | PairLandscape) -> str:
        """Which stationary points are minima: of the loss where it ends, of its landscape through order 4 elsewhere."""
        known = self.ends or self.recession is None or self.recession.verdict == "bounded"
        lowest = "global" if known else "lowest of all"
        said = one_eigenvalue.minima(points, lowest) if isinstance(points, Isotropic) else points.minima(lowest)
        return f"{self.through}, {said}" if self.through and said else said

    def lines(self, style: Style = TEXT) -> Lines:
        """The report in order: pairs of a label and a sentence or formula."""
        if style is TEXT:
            return [(one.label, one.text) for one in self.said()]
        return told(self.unnamed._formulas(style), self.parameters, latex=True)  # noqa: SLF001 (its own)

    def _formulas(self, style: Style) -> Lines:
        lines: Lines = [("", one) for points in self.stationary for one in _of_points(points, style)]
        if self.pairs is not None:
            lines += [("", f"{left} = {right}") for left, right in self.pairs.lines(style)]
        if self.higher is None and not self.stationary:
            lines += [("stationary", one) for case in self.cases for one in _of_case(case, style)]
        lines += [(name, condition.whitened().latex()) for name, condition in self._known()]
        if self.exact is not None:
            lines.append(("exact", self.exact.latex()))
        if self.recession is not None:
            lines.append(("below", self.recession.latex()))
        return lines + [
            (label, _at(where, line, style)) for where, one in self.special for label, line in one.lines(style)
        ]

    def said(self) -> list[Line]:
        """The same in text, each line with its formulas: λ_i and what else stands for a mode, then all about them."""
        return told(Described._said(self.unnamed), self.parameters)

    def _said(self) -> list[Line]:
        lines = self.findings()
        if self.pairs is not None:
            return lines
        letters = whitened.letters_of_modes(line.text for line in lines)
        return lines if letters is None else [letters, *lines]

    def findings(self) -> list[Line]:
        """Stationary points, minima, collapse and growth, in lines."""
        return told(Described._findings(self.unnamed), self.parameters)

    def _findings(self) -> list[Line]:
        lines = []
        for points in self.stationary:
            lines.append(Line("stationary", "; ".join(_of_points(points, TEXT)), _of_points(points, LATEX)))
            lines += [Line("index", points.index()), Line("minima", self.minima(points))]
        if self.higher is not None:
            lines += [Line(*one) for one in self.higher.lines()]
        elif not self.stationary:
            lines += [line for case in self.cases for line in self._by_mode(case)]
        if self.pairs is not None:
            lines += self._lines_of_pairs(self.pairs)
        lines += self._conditions()
        lines += [Line("", note) for note in self.collapse.notes]
        if self.transition is not None:
            lines.append(Line("transition", self.transition.text()))
        to_all_orders = all_orders.in_text(self.exact, self.of_limit, quartic=self.higher is None)
        formulas = () if self.exact is None else (self.exact.latex(),)
        lines += [Line("all orders", one, () if place else formulas) for place, one in enumerate(to_all_orders)]
        if self.recession is not None:
            lines.append(Line("from below", f"{self.recession.said()}; {self.recession.reason}"))
        return lines + [
            Line(line.label, _at(where, line.text, TEXT), tuple(_at(where, each, LATEX) for each in line.formulas))
            for where, one in self.special
            for line in one.findings()
        ]

    def _lines_of_pairs(self, pairs: PairLandscape) -> Iterator[Line]:
        """Stationary points, minima, the origin and the way from it, of two encoders."""
        formulas = tuple(f"{left} = {right}" for left, right in pairs.lines(LATEX))
        yield Line("stationary", "; ".join(f"{left} = {right}" for left, right in pairs.lines(TEXT)), formulas)
        if pairs.gamma != 0:
            yield Line("", pairs.decayed())
        yield Line("minima", self.minima(pairs))
        yield Line("origin", pairs.origin())
        yield Line("growth", pairs.growth())
        yield Line("symmetry", pairs.symmetry())
        if self.pulled and not self.ends:
            yield Line(
                "all orders", f"convex in WᵀV and pulled together everywhere; m_i = {pairs.leading()} as all λ_i → 0"
            )
        if self.pairs_of_limit is not None:
            power = TEXT.scalar(self.pairs_of_limit.power)
            yield Line("all orders", f"{self.of_limit} → ∞: order 4 is all there is, and m_i = {power}")

    def _by_mode(self, case: Landscape) -> Iterator[Line]:
        """The complementarity problem of the modes' powers."""
        for place, one in enumerate(_of_case(case, TEXT)):
            yield Line("stationary", one, () if place else _of_case(case, LATEX))
        if not self.limit and (alone := one_eigenvalue.of_one_trace(case)) is not None:
            told = (one_eigenvalue.points(alone), self.minima(alone))
            yield from (Line(*line) for line in zip(("stationary", "minima"), told, strict=True) if line[1])
        if case.rotation == "indefinite":
            yield Line("index", f"{OF_MASKS} + {OF_ROWS}")
            yield Line("minima", INDEFINITE)

    def _known(self) -> list[tuple[str, Condition]]:
        """The conditions of dimensional and of complete collapse, those that are known."""
        found = (("dimensional", self.collapse.dimensional), ("complete", self.collapse.complete))
        return [(name, condition) for name, condition in found if condition is not None]

    def _conditions(self) -> list[Line]:
        """When modes are lost."""
        known, why = self._known(), self.collapse.reason
        formulas = tuple(rf"\text{{{name}: }} {condition.whitened().latex()}" for name, condition in known)
        if why:
            said = [f"{name}: {condition.said()}" for name, condition in known]
            opened = f"not determined{f' for {written(self.collapse.where)}' if self.special else ''}"
            said.append(f"{'dimensional: ' if known else ''}{opened}: {why}")
            return [Line("collapse", one, () if place else formulas) for place, one in enumerate(said)]
        said = [f"{name}: {condition.said()}" for name, condition in known]
        short = sum(length(one, self.parameters) for one in said) < _SHORT
        if self.through and not self.to_all_orders:
            said[0] = f"{self.through}, {said[0]}"
        if short:
            return [Line("collapse", "   ".join(said), formulas)]
        each = [(one,) for one in formulas] if len(formulas) == len(said) else [formulas, ()]
        return [Line("collapse", *one) for one in zip(said, each, strict=True)]

    def _repr_latex_(self) -> str:
        named = {"dimensional": "dimensional collapse: ", "complete": "complete collapse: "}
        return for_notebook(
            *(rf"\text{{{named[label]}}} {line}" if label in named else line for label, line in self.lines(LATEX))
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return told(Described._to_json(self.unnamed), self.parameters)

    def _to_json(self) -> dict[str, Any]:
        return {
            "stationary": [
                {
                    "given": points.given(),
                    "formulas": dict(points.lines()),
                    "index": points.index(),
                    "minima": self.minima(points),
                }
                for points in self.stationary
            ],
            "modes": [case.to_json() for case in self.cases],
            **({"canonical_pairs": self.pairs.to_json()} if self.pairs is not None else {}),
            "reason": self.why or None,
            "higher": None if self.higher is None else self.higher.to_json(),
            "through_order": 4 if self.through else None,
            "transition": None
            if self.transition is None
            else {
                "descent": plain(self.transition.descent),
                "exponent": str(self.transition.exponent),
                "rate_kept": plain(self.transition.rate_kept),
                "rate_collapsed": plain(self.transition.rate_collapsed),
            },
            "exact": all_orders.in_json(self.exact, self.of_limit, quartic=self.higher is None),
            "bounded_below": None if self.recession is None else self.recession.to_json(),
            "correlations": whitened.in_json(self),
            "where": str(self.collapse.where) if self.special else None,
            "special": [{**one.to_json(), "where": written(at)} for at, one in self.special],
        }


def _at(where: sympy.Rel, line: str, style: Style) -> str:
    return f"{written(where)}: {line}" if style is TEXT else rf"{sympy.latex(where)}:\quad {line}"


def _of_points(points: StationaryPoints, style: Style) -> tuple[str, ...]:
    """Where they are, under the condition that they are given for."""
    given = points.given(style)
    said = tuple(f"{left} = {right}" for left, right in points.lines(style))
    return (given if style is TEXT else rf"{given}:", *said) if given else said


def _of_case(case: Landscape, style: Style) -> tuple[str, ...]:
    """What the modes' powers solve, and the couplings in it."""
    values = list(whitened.couplings(case).items())
    given = case.given(style)
    if style is LATEX:
        power = r"h_i = |W \Sigma^{1/2} u_i|^2 \ge 0"
        head = rf"{power},\quad 2 Q_{{ii}} h_i + 2 \textstyle\sum_j K_{{ij}} h_j = b_i \text{{ where }} h_i > 0"
        names = {name: f"{name[0]}_{{{name[2:]}}}" for name, _ in values} | {"b_i": "b_i"}
        return (*([rf"{given}:"] if given else []), head, *(f"{names[k]} = {style.scalar(v)}" for k, v in values))
    written = ", ".join(f"{name} = {style.scalar(value)}" for name, value in values)
    head = "2 Q_ii h_i + 2 Σ_j K_ij h_j = b_i on each mask of modes, h_i = |W Σ^½ u_i|² > 0"
    return ("; ".join(filter(None, (given, head, written))),)


def described(
    loss: Loss | None,
    expansion: Expansion,
    limit: str | None = None,
    expand: Callable[[int], Expansion] | None = None,
    law: Law | None = None,
) -> Described:
    """The landscape of a loss whose expansion through order 4 or more is given.

    Args:
        loss: its definition; None where that is not known, and the landscape is that of the expansion alone.
        expansion: of the loss.
        limit: the strength of a norm penalty that goes to infinity.
        expand: the expansion through a higher order, for a landscape without terms of order 4; the loss's own unless
            given.
        law: of the views; `Gaussian` unless given.

    >>> from derive import catalogue
    >>> loss = catalogue("infonce")
    >>> for label, line in described(loss, loss.expand(order=4)).lines()[-4:]:
    ...     print(f"{label:<12}{line}")
    collapse    dimensional: never   complete: never
    all orders  h_i = 4 λ_i/(-4 λ_i + sqrt(9 - 8 λ_i) + 3), the eigenvalues of Σ^½ WᵀW Σ^½
    all orders  order 4 over all orders: 1 - 8 b_i/9 + … as b_i = λ_i → 0; 4(1 - λ_i)/3 as λ_i → 1
    from below  bounded; in closed form each mode grows like (1 - λ_i) h; where that vanishes like (-½) log h
    """
    known = expansion.known_parameters | frozenset(() if loss is None else loss.parameters.values())
    further = None if expand is None else lambda order: hidden(expand(order), known)
    unnamed = hidden(known, known)
    named = None if limit is None else next((one for one in known if one.name == limit), sympy.Symbol(limit))

    def derived(given: tuple[Loss | None, Expansion, sympy.Symbol | None]) -> Described:
        here, shown, later = given
        found = _described(here, shown, None if later is None else later.name, further, law)
        special = tuple((at, replace(one, parameters=unnamed)) for at, one in found.special)
        return replace(found, parameters=unnamed, special=special)

    return apart((loss, expansion, named), known, derived)


def _described(
    loss: Loss | None,
    expansion: Expansion,
    limit: str | None,
    expand: Callable[[int], Expansion] | None,
    law: Law | None,
) -> Described:
    if expansion.encoders == 2:
        return _of_two_encoders(loss, expansion, limit, law)
    exact, of_limit = _exact(loss, law)
    below = recession(loss, law) if loss is not None else None
    degree = None if loss is None else degree_of(loss.expression)
    ends = degree is not None and degree <= 4
    note = second_moments.said(expansion)
    try:
        expansion = in_second_moments(expansion)
    except InputError as error:
        why = str(error)
        return Described((), (), why, Collapse(None, None, why), None, exact, below, limit, of_limit, ends=ends)
    if note:
        found = _described(loss, expansion, limit, _in_second_moments(expand), law)
        return replace(found, collapse=replace(found.collapse, notes=(note, *found.collapse.notes)))
    own = None if loss is None else _in_second_moments(partial(loss.expand, data=law))
    instead = None if limit else higher(loss, expansion, expand or own)
    if instead is not None:
        through = far(instead.expansion)
        found = Described((), (), "", instead.collapse, None, exact, below, None, of_limit, through, instead, ends)
        return replace(found, transition=_transition(found, instead.expansion))
    cases: tuple[Landscape, ...] = ()
    points: tuple[StationaryPoints, ...] = ()
    why = ""
    try:
        landscapes(expansion)
    except TooLargeError as error:
        left_out = Collapse(None, None, str(error))
        return Described(cases, points, str(error), left_out, None, exact, below, limit, of_limit, ends=ends)
    except InputError:
        # Some steps below do not need them.
        pass
    lost = collapse(expansion, limit=limit)
    special: tuple[tuple[sympy.Rel, Described], ...] = ()
    if lost.special and (several := special_values.cases(expansion)) is not None:
        expansion = several.general
        special = tuple((at, _of_value(loss, at, one, limit, expand, law)) for at, one in several.special)
    try:
        cases = landscapes(expansion)
        points = tuple(point for case in cases for point in stationary(case, limit=limit))
    except InputError as error:
        why = str(error)
    quartic = None if limit or expansion.order < 4 else far(expansion.truncate(4))
    found = Described(cases, points, why, lost, None, exact, below, limit, of_limit, quartic, None, ends, special)
    return found if limit else replace(found, transition=_transition(found, expansion))


def _of_two_encoders(loss: Loss | None, expansion: Expansion, limit: str | None, law: Law | None) -> Described:
    """The landscape of two encoders, in canonical pairs where the loss is a function of WᵀV."""
    below = None if loss is None else recession(loss, law)
    degree = None if loss is None else degree_of(loss.expression)
    closed, limiting = _closed_or_limit(loss, law)
    ends = (degree is not None and degree <= 4) or (not limiting and closed is not None and _quartic(closed))
    try:
        pairs, why = canonical_pairs(expansion), ""
    except InputError as error:
        pairs, why = None, str(error)
    lost = collapse(expansion)
    quartic = far(expansion.truncate(4)) if expansion.order >= 4 else None
    pulled = pairs is not None and pairs.gamma == 0 and loss is not None and pulls(loss)
    if pulled and lost.dimensional is None:
        never = (Condition(sympy.false, "some"), Condition(sympy.false, "all"))
        lost = Collapse(*never)
    found = Described((), (), why, lost, None, None, below, limit, limiting, quartic, None, ends, pairs=pairs)
    if pairs is None or pairs.gamma != 0 or not limiting or closed is None or not _quartic(closed):
        return replace(found, pulled=pulled)
    return replace(found, pulled=pulled, pairs_of_limit=canonical_pairs(closed.polynomial))


def _quartic(closed: ClosedForm) -> bool:
    """Whether a closed form is a polynomial of order 4."""
    return closed.finite and closed.polynomial.order <= 4


def _in_second_moments(expand: Callable[[int], Expansion] | None) -> Callable[[int], Expansion] | None:
    return expand and (lambda order: in_second_moments(expand(order)))


def _transition(found: Described, expansion: Expansion) -> Transition | None:
    """How a mode appears: where its descent may have both signs, and something holds it back."""
    if found.collapse.dimensional is not None and found.collapse.dimensional.formula in (sympy.true, sympy.false):
        return None
    falls = [one.verdict for one in (found.quartic, found.recession) if one is not None]
    if (found.quartic is not None and falls[0] != "bounded") or "unbounded" in falls:
        return None
    try:
        critical = transition(expansion)
    except InputError:
        return None
    return critical if sign(critical.descent, ranges=expansion.ranges) is None else None


def _of_value(
    loss: Loss | None,
    at: sympy.Rel,
    expansion: Expansion,
    limit: str | None,
    expand: Callable[[int], Expansion] | None,
    law: Law | None,
) -> Described:
    """The landscape at one value of N."""
    put = {at.lhs.name: at.rhs}
    further = None if expand is None else lambda order: expand(order).set(put)
    return _described(None if loss is None else loss.set(put), expansion, limit, further, law)


def _exact(loss: Loss | None, law: Law | None) -> tuple[ExactModes | None, str]:
    """The landscape to all orders, of the loss or else of its limit N → ∞."""
    closed, of_limit = _closed_or_limit(loss, law)
    if closed is None or why_coupled(closed):
        return None, ""
    return exact_modes(closed), of_limit


def _closed_or_limit(loss: Loss | None, law: Law | None) -> tuple[ClosedForm | None, str]:
    """The closed form of the loss, or else of its limit N → ∞, and the name of N."""
    if loss is None:
        return None, ""
    closed, of_limit = closed_form(loss, law), ""
    counted = {symbol.name for sample in loss.samples for symbol in sample.count.free_symbols}
    if closed is None and len(counted) == 1:
        try:
            (of_limit,) = counted
            closed = closed_form(population(loss, of_limit), law)
        except InputError:
            return None, ""
    return closed, of_limit
