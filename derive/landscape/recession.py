"""Whether a loss is bounded below: what it does as W grows, or nears the end of the range where the loss is finite.

Each kind of loss has its own argument: a closed form, its modes one by one (`derive.landscape.mode_potential`); a
polynomial, its terms of highest order (`derive.landscape.leading`); logarithms of sums over a finite sample, their
recession function (`derive.landscape.logarithms`). What none of them decides is taken apart: with logarithms replaced
by one of their exponents, and what its structure bounds (`derive.landscape.structure`) by a constant, a polynomial
remains that is never above the loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy
from sympy.core.function import AppliedUndef

from derive.algebra.graphs import PLAIN
from derive.algebra.signs import over, sign
from derive.definition.contents import degree_of
from derive.definition.glyphs import apart
from derive.definition.notation import LATEX, TEXT
from derive.definition.plain_text import plain
from derive.errors import InputError
from derive.expansion.laws import Gaussian, Law
from derive.expansion.second_moments import in_second_moments
from derive.landscape.closed_form import ClosedForm, closed_form
from derive.landscape.correlations import in_correlations
from derive.landscape.domain import end_of, towards
from derive.landscape.exact_modes import ExactModes, exact_modes, why_coupled
from derive.landscape.leading import Far, condition_text, far
from derive.landscape.logarithms import (
    Form,
    Maximum,
    UnknownError,
    expected_maximum,
    lower_bound,
    rows,
    taken_apart,
    written_out,
)
from derive.landscape.mode_potential import h
from derive.landscape.parts import by_parts
from derive.landscape.structure import in_the_mean, size
from derive.losses.loss import Loss

# A polynomial of a higher degree is not expanded for its growth alone.
_DEGREE = 8


@dataclass(frozen=True)
class Recession:
    """Whether a loss is bounded below, for positive parameters, a_i and c_i.

    Attributes:
        loss: the loss's name.
        verdict: "bounded", "unbounded", "depends" (unbounded under the condition) or "undecided".
        reason: why, in a sentence.
        form: R(W) in plain text, "" where it is not known.
        bound: a constant that the loss is never below, or None.
        rate: R for a W of one row w along a mode with wᵀΣw = 1, in a_i and c_i; None where it is not known.
        rate_of_rows: the same for d equal rows along d modes with the same a_i and c_i, in d; None where unknown.
        condition: where the loss is known to be unbounded below, for some mode i where it is one on modes; None where
            that is nowhere or not known.
        otherwise: what the loss is where that does not hold, "bounded" or "undecided".
        edge: whether the verdict is open where the two sides of the condition are equal.

    """

    loss: str
    verdict: str
    reason: str
    form: str = ""
    bound: sympy.Expr | None = None
    rate: sympy.Expr | None = None
    rate_of_rows: sympy.Expr | None = None
    condition: sympy.Basic | None = None
    otherwise: str = "undecided"
    edge: bool = False

    def text(self) -> str:
        """Plain text, a line for each thing that is known."""
        lines = [f"{self.loss}: {self.verdict}; {self.reason}"]
        if self.form:
            lines.append(f"  L(tW)/t² → {self.form}")
        if self.bound is not None:
            lines.append(f"  L ≥ {TEXT.scalar(self.bound)}")
        if self.condition is not None and self.verdict == "depends":
            lines.append(f"  unbounded where {self.whitened()}")
        return "\n".join(lines)

    def said(self) -> str:
        """The verdict in words.

        >>> from derive import catalogue
        >>> recession(catalogue("dcl").set({"N": 2, "tau": 1})).said().split(" where ")[0]
        'unbounded'
        """
        if self.verdict != "depends":
            return self.verdict
        elsewhere = f", bounded {self._beyond()}" if self.otherwise == "bounded" else ""
        return f"unbounded where {self.whitened()}{elsewhere}"

    def latex(self) -> str:
        """The verdict for math mode."""
        if self.verdict != "depends":
            return {"undecided": r"\text{not decided}"}.get(self.verdict, rf"\text{{{self.verdict}}}")
        elsewhere = rf",\quad \text{{bounded {self._beyond()}}}" if self.otherwise == "bounded" else ""
        return rf"\text{{unbounded where }} {LATEX.scalar(in_correlations(self.condition))}{elsewhere}"

    def _beyond(self) -> str:
        """Where it is bounded if it is so but for the condition: at the edge of that nothing may be known."""
        return "where the contrary holds strictly" if self.edge else "elsewhere"

    def to_json(self) -> dict[str, str | None]:
        """Plain JSON values; ``elsewhere`` names a restriction where the edge of the condition is open."""
        depends = self.verdict == "depends"
        strictly = f" {self._beyond()}" if self.edge and self.otherwise == "bounded" else ""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "unbounded_where": self.where() if depends else None,
            "elsewhere": f"{self.otherwise}{strictly}" if depends else None,
            "at_least": None if self.bound is None else plain(self.bound),
        }

    def where(self) -> str:
        """The condition in plain text.

        >>> from derive import catalogue
        >>> recession(catalogue("weighted-infonce").set({"alpha": 0, "N": 3})).where()
        'c_i/(a_i + c_i) - 1 + sqrt(3)/pi < 0 for some i'
        """
        return _in_text(self.condition)

    def whitened(self) -> str:
        """The same in the view correlations λ_i, where it is about these alone.

        >>> from derive import catalogue
        >>> recession(catalogue("weighted-infonce").set({"alpha": 0, "N": 3})).whitened()
        '-λ_i + sqrt(3)/pi < 0 for some i'
        """
        return "" if self.condition is None else _in_text(in_correlations(self.condition))


def _in_text(condition: sympy.Basic | None) -> str:
    return "" if condition in (None, sympy.true, sympy.false) else condition_text(condition)


def recession(loss: Loss, law: Law | None = None) -> Recession:
    """Whether a loss is bounded below.

    Args:
        loss: its definition.
        law: of the views; `Gaussian` unless given. For other laws the growth of logarithms is not analysed.

    >>> from derive import catalogue
    >>> print(recession(catalogue("weighted-infonce")).text())
    weighted-infonce: bounded; each logarithm is at least one of its exponents
      L(tW)/t² → E[½|f(x)−f(x′)|² + max(max_χ^(N - 1) −½|f(x)−f(χ)|², −½|f(x)−f(x′)|²)]
      L ≥ log(α)
    >>> recession(catalogue("weighted-infonce").set({"alpha": 0})).condition
    c_i/(a_i + c_i) - m(N - 1)/2 < 0
    """
    return apart(loss, loss.parameters.values(), lambda one: _in_domain(one, law or Gaussian()))


def _in_domain(loss: Loss, law: Law) -> Recession:
    with over(loss.domain):
        return _of(loss, loss.seen(law))


def _of(loss: Loss, law: Law) -> Recession:
    closed = closed_form(loss, law)
    degree = degree_of(loss.expression)
    if closed is not None:
        found = _of_closed_form(loss.name, closed)
    elif degree is not None and degree <= _DEGREE:
        try:
            found = _of_polynomial(loss.name, far(in_second_moments(loss.expand(degree + degree % 2, data=law))))
        except InputError as error:
            found = Recession(loss.name, "undecided", str(error))
    elif law.closes:
        found = _of_logarithms(loss)
    else:
        found = Recession(loss.name, "undecided", "how it grows with W is analysed for Gaussian data alone")
    if found.verdict in ("bounded", "unbounded") or found.otherwise == "bounded":
        return found
    whole = size(loss.expression)
    if whole.low is not None:
        reason = "it is a sum of terms none of which falls below a constant"
        return replace(found, verdict="bounded", reason=reason, bound=whole.low, condition=None)
    if not law.closes or loss.roles - {PLAIN}:
        return found
    parts = by_parts(loss)
    if parts.verdict in ("bounded", "unbounded"):
        condition = sympy.true if parts.verdict == "unbounded" else None
        return replace(found, verdict=parts.verdict, reason=parts.reason, condition=condition)
    return found


def _of_closed_form(name: str, closed: ClosedForm) -> Recession:
    modes = exact_modes(closed)
    found = None if modes is None else _of_modes(name, modes)
    if found is not None and (not closed.finite or (found.verdict != "undecided" and not found.edge)):
        return found
    if closed.finite:
        return _of_polynomial(name, far(closed.polynomial))
    end = end_of(closed.mus)
    if end is None:
        return Recession(name, "undecided", "the sign of a parameter decides for which W the loss is finite")
    if end.is_infinite:
        # Log dets and resolvents grow like |W|² at most.
        return _beside(name, far(closed.polynomial), 2) or Recession(
            name, "undecided", f"{why_coupled(closed)}, and beside logarithms their growth is not analysed"
        )
    directions = {
        sign(leading) if order > 0 else None
        for one in (end.args if isinstance(end, sympy.Min) else (end,))
        for order, leading in (towards(_slope(closed), one, h),)
    }
    shown = f"an eigenvalue of W Σ Wᵀ nears {TEXT.scalar(end)}, beyond which a mean of exponentials is infinite"
    if directions == {-1}:
        return Recession(name, "unbounded", f"it falls to −∞ as {shown}", condition=sympy.true)
    if directions == {1} and not closed.polynomial.bias:
        return Recession(name, "bounded", f"it rises to +∞ as {shown}")
    return Recession(name, "undecided", f"its limit is not known as {shown}")


def _slope(closed: ClosedForm) -> sympy.Expr:
    """ℓ′(h) of what is not a polynomial, which separates into modes."""
    modes = exact_modes(replace(closed, polynomial=closed.polynomial.with_terms(())))
    return sympy.S.Zero if modes is None else modes.slope


def _of_modes(name: str, modes: ExactModes) -> Recession:
    commuting = ", for A0 and C that commute," if modes.commuting_only else ""
    each = f"in closed form{commuting} each mode"
    if modes.bounded is None:
        return Recession(name, "undecided", f"{each} is understood, but {modes.why_open}")
    if modes.end != sympy.oo:
        goes = {sympy.oo: "rises to +∞", -sympy.oo: "falls to −∞"}.get(modes.growth, "goes to ±∞")
        reason = f"{each} {goes} as h nears {TEXT.scalar(modes.end)}, beyond which a mean of exponentials is infinite"
    elif modes.growth.is_infinite:
        reason = f"{each} {'grows faster than h' if modes.growth == sympy.oo else 'falls faster than −h'}"
    elif modes.growth is sympy.nan:
        reason = f"{each} grows faster than h, in a direction that depends on the parameters"
    elif modes.growth == 0:
        reason = f"{each} grows like ({TEXT.scalar(modes.edge)}) log h" if modes.edge != 0 else f"{each} has a limit"
    else:
        tail = f"; where that vanishes like ({TEXT.scalar(modes.edge)}) log h" if modes.edge != 0 else ""
        reason = f"{each} grows like ({TEXT.scalar(in_correlations(modes.growth))}) h{tail}"
    if modes.unbounded in (sympy.true, sympy.false):
        verdict = "unbounded" if modes.unbounded == sympy.true else "bounded"
        return Recession(name, verdict, reason, condition=sympy.true if verdict == "unbounded" else None)
    edge = modes.growth is sympy.nan
    return Recession(name, "depends", reason, condition=modes.unbounded, otherwise="bounded", edge=edge)


def _of_polynomial(name: str, found: Far) -> Recession:
    condition = None if found.verdict == "bounded" else found.condition
    return Recession(name, found.verdict, found.reason, condition=condition, otherwise=found.otherwise, edge=found.edge)


def _beside(name: str, found: Far, degree: int) -> Recession | None:
    """The verdict on a polynomial plus terms that grow like |W|^degree at most; None where these may decide."""
    if not found.strict or found.order <= degree:
        return None
    return _of_polynomial(name, found)


def _of_logarithms(loss: Loss) -> Recession:
    if loss.bias:
        return Recession(loss.name, "undecided", "the growth along a bias is not analysed")
    try:
        linear, written, maxima, constant = taken_apart(loss.expression)
    except UnknownError as unknown:
        return Recession(loss.name, "undecided", str(unknown))
    form = written_out(written, maxima)
    if any(sign(peak.weight) != 1 for one in maxima for peak in one.peaks):
        return Recession(loss.name, "undecided", "under a logarithm there is a weight that may be negative", form)
    rising = all(sign(one.coefficient) == 1 for one in maxima)
    bound = lower_bound(linear, maxima, constant) if rising else None
    if bound is not None:
        return Recession(loss.name, "bounded", "each logarithm is at least one of its exponents", form, bound)
    if any(peak.over and peak.draws is None for one in maxima for peak in one.peaks):
        reason = "a population mean beside other terms under a logarithm, or one whose exponent is not bounded"
        return Recession(loss.name, "undecided", reason, form)
    if loss.roles - {PLAIN}:
        reason = "no logarithm's bound is enough, and views that are seen in two ways are not analysed further"
        return Recession(loss.name, "undecided", reason, form)
    return _along_one_row(Recession(loss.name, "undecided", "", form), linear, maxima)


def _along_one_row(found: Recession, linear: Form, maxima: list[Maximum]) -> Recession:
    terms = [sympy.factor(in_the_mean(linear)) * rows]
    for one in maxima:
        largest = expected_maximum(one)
        if largest is None:
            return replace(found, reason="the mean of a maximum is not known, not even for one row")
        terms.append(one.coefficient * largest)
    total = sympy.Add(*terms)
    rate = total.subs(rows, 1)
    # Of d rows the nearest of several points is not known: there d does not occur in the maximum.
    several = total if all(term.has(rows) for term in terms if term != 0) else None
    found = replace(found, rate=rate, rate_of_rows=several)
    which = None if rate.atoms(AppliedUndef) else sign(sympy.cancel(rate))
    if which == -1:
        return replace(found, verdict="unbounded", reason="R < 0 for every W of one row", condition=sympy.true)
    if which in (0, 1):
        return replace(found, reason="R ≥ 0 for a W of one row; with more rows the maxima are not known")
    reason = "R may be negative for a W of one row, and exactly there if d1 = 1; more rows only add to it"
    return replace(found, verdict="depends", reason=reason, condition=sympy.Lt(rate, 0))
