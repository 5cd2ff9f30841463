"""Whether a loss is bounded below: what it does as W grows, or nears the end of where the loss is finite.

Each kind of loss has its own argument: a closed form, its modes one by one (`derive.mode_potential`); a polynomial, its
terms of highest order (`derive.leading`); logarithms of sums over a finite sample, their recession function
(`derive.logarithms`). What none of them decides is taken apart: with logarithms replaced by one of their exponents, and
what its structure bounds (`derive.structure`) by a constant, a polynomial remains that is never above the loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy
from sympy.core.function import AppliedUndef

from derive.exact import closed_form, degree_of, quadratic_form, summands
from derive.exact_modes import exact_modes, why_coupled
from derive.expression import Average, Exp, Expression, Log, Product, Scalar, Sum
from derive.landscape import a_i as a
from derive.landscape import c_i as c
from derive.letters import letters
from derive.loss import Loss
from derive.notation import TEXT, definition
from derive.ranges import Ranges
from derive.signs import sign, signs
from derive.views import View

Form = dict[tuple[View, View], sympy.Expr]

(rows,) = letters("d")
_HALF = sympy.Rational(1, 2)


@dataclass(frozen=True)
class Recession:
    """Whether a loss on Gaussian data is bounded below, for positive parameters, a_i and c_i.

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
        otherwise: what the loss is where that does not hold: "bounded", save where the two sides of the condition are
            equal if it is strict, or "undecided".

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

    def text(self) -> str:
        """Plain text, a line for each thing that is known."""
        lines = [f"{self.loss}: {self.verdict}; {self.reason}"]
        if self.form:
            lines.append(f"  L(tW)/t² → {self.form}")
        if self.bound is not None:
            lines.append(f"  L ≥ {TEXT.scalar(self.bound)}")
        if self.condition is not None and self.verdict == "depends":
            lines.append(f"  unbounded where {self.where()}")
        return "\n".join(lines)

    def where(self) -> str:
        """The condition in plain text.

        >>> from derive import catalogue
        >>> recession(catalogue("weighted-infonce").set({"alpha": 0, "N": 3})).where()
        'c_i/(a_i + c_i) - 1 + sqrt(3)/pi < 0 for some i'
        """
        return _where(self.condition)


def recession(loss: Loss) -> Recession:
    """Whether a loss is bounded below.

    >>> from derive import catalogue
    >>> print(recession(catalogue("weighted-infonce")).text())
    weighted-infonce: bounded; each logarithm is at least one of its exponents
      L(tW)/t² → E[½|f(x)−f(x′)|² + max(max_χ^(N - 1) −½|f(x)−f(χ)|², −½|f(x)−f(x′)|²)]
      L ≥ log(α)
    >>> recession(catalogue("weighted-infonce").set({"alpha": 0})).condition
    c_i/(a_i + c_i) - m(N - 1)/2 < 0
    """
    closed = closed_form(loss)
    degree = degree_of(loss.expression)
    if closed is not None:
        found = _of_closed_form(loss.name, closed)
    elif degree is not None and degree <= _DEGREE:
        found = _of_polynomial(loss.name, far(loss.expand(degree + degree % 2)))
    else:
        found = _of_logarithms(loss)
    if found.verdict in ("bounded", "unbounded") or found.otherwise == "bounded":
        return found
    whole = size(loss.expression)
    if whole.low is not None:
        reason = "it is a sum of terms none of which falls below a constant"
        return replace(found, verdict="bounded", reason=reason, bound=whole.low, condition=None)
    parts = by_parts(loss)
    if parts.verdict in ("bounded", "unbounded"):
        condition = sympy.true if parts.verdict == "unbounded" else None
        return replace(found, verdict=parts.verdict, reason=parts.reason, condition=condition)
    return found


def _of_closed_form(name: str, closed: ClosedForm) -> Recession:
    modes = exact_modes(closed)
    if modes is not None:
        return _of_modes(name, modes)
    if closed.finite:
        return _of_polynomial(name, far(closed.polynomial))
    end = end_of(one.mu for one in (*closed.log_determinants, *closed.resolvents))
    if end is None:
        return Recession(name, "undecided", "the sign of a parameter decides for which W the loss is finite")
    if end.is_infinite:
        # Log dets and resolvents grow like |W|² at most.
        return _beside(name, far(closed.polynomial), 2) or Recession(
            name, "undecided", f"{why_coupled(closed)}, and beside logarithms their growth is not analysed"
        )
    uncoupled = exact_modes(replace(closed, polynomial=closed.polynomial.with_terms(())))
    directions = {
        sign(leading) if order > 0 else None
        for one in (end.args if isinstance(end, sympy.Min) else (end,))
        for order, leading in (towards(uncoupled.slope, one, h),)
    }
    shown = f"an eigenvalue of W Σ Wᵀ nears {TEXT.scalar(end)}, beyond which a mean of exponentials is infinite"
    if directions == {-1}:
        return Recession(name, "unbounded", f"it falls to −∞ as {shown}", condition=sympy.true)
    if directions == {1} and not closed.polynomial.bias:
        return Recession(name, "bounded", f"it rises to +∞ as {shown}")
    return Recession(name, "undecided", f"its limit is not known as {shown}")


def _of_modes(name: str, modes: ExactModes) -> Recession:
    commuting = ", A0 and C commuting," if modes.commuting_only else ""
    each = f"in closed form each mode{commuting}"
    if modes.bounded is None:
        return Recession(name, "undecided", f"{each} is understood, but {modes.why_open}")
    if modes.end != sympy.oo:
        goes = {sympy.oo: "rises to +∞", -sympy.oo: "falls to −∞"}.get(modes.growth, "goes to ±∞")
        reason = f"{each} {goes} as h nears {TEXT.scalar(modes.end)}, beyond which a mean of exponentials is infinite"
    elif modes.growth.is_infinite:
        reason = f"{each} {'grows faster than h' if modes.growth == sympy.oo else 'falls faster than −h'}"
    elif modes.growth is sympy.nan:
        reason = f"{each} grows faster than h, in a direction that depends on the parameters"
    else:
        tail = f"; where that vanishes like ({TEXT.scalar(modes.edge)}) log h" if modes.edge != 0 else ""
        reason = f"{each} grows like ({TEXT.scalar(modes.growth)}) h{tail}"
    if modes.unbounded in (sympy.true, sympy.false):
        verdict = "unbounded" if modes.unbounded == sympy.true else "bounded"
        return Recession(name, verdict, reason, condition=sympy.true if verdict == "unbounded" else None)
    return Recession(name, "depends", reason, condition=modes.unbounded, otherwise="bounded")


def _of_polynomial(name: str, found: Far) -> Recession:
    condition = None if found.verdict == "bounded" else found.condition
    return Recession(name, found.verdict, found.reason, condition=condition, otherwise=found.otherwise)


def _beside(name: str, found: Far, degree: int) -> Recession | None:
    """A polynomial with terms beside it that grow like |W|^degree at most; None where they may decide."""
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
    form = _written(written, maxima)
    known = loss.domain
    weights = [weight for one in maxima for weight in (one.coefficient, *(peak.weight for peak in one.peaks))]
    if any(sign(weight, ranges=known) != 1 for weight in weights):
        return Recession(loss.name, "undecided", "a logarithm has a weight that may be negative", form)
    bound = _lower_bound(linear, maxima, constant, known)
    if bound is not None:
        return Recession(loss.name, "bounded", "each logarithm is at least one of its exponents", form, bound)
    if any(peak.over and peak.draws is None for one in maxima for peak in one.peaks):
        reason = "a population mean beside other terms under a logarithm, or one whose exponent is not bounded"
        return Recession(loss.name, "undecided", reason, form)
    return _along_one_row(Recession(loss.name, "undecided", "", form), linear, maxima, known)


def _along_one_row(found: Recession, linear: Form, maxima: list[_Maximum], ranges: Ranges) -> Recession:
    terms = [sympy.factor(_expected(linear)) * rows]
    for one in maxima:
        largest = _expected_maximum(one, ranges)
        if largest is None:
            return replace(found, reason="the mean of a maximum is not known, not even for one row")
        terms.append(one.coefficient * largest)
    total = sympy.Add(*terms)
    rate = total.subs(rows, 1)
    # Of d rows the nearest of several points is not known: there d does not occur in the maximum.
    several = total if all(term.has(rows) for term in terms if term != 0) else None
    found = replace(found, rate=rate, rate_of_rows=several)
    which = None if rate.atoms(AppliedUndef) else sign(sympy.cancel(rate), ranges=ranges)
    if which == -1:
        return replace(found, verdict="unbounded", reason="R < 0 for every W of one row", condition=sympy.true)
    if which in (0, 1):
        return replace(found, reason="R ≥ 0 for a W of one row; with more rows the maxima are not known")
    reason = "R may be negative for a W of one row, and exactly there if d1 = 1; more rows only add to it"
    return replace(found, verdict="depends", reason=reason, condition=sympy.Lt(rate, 0))


def _lower_bound(
    linear: Form, maxima: list[_Maximum], constant: sympy.Expr, ranges: Ranges
) -> sympy.Expr | None:
    """The best constant below the loss that one exponent for each logarithm gives."""
    best: sympy.Expr | None = None
    for choice in product(*(one.peaks for one in maxima)):
        total = dict(linear)
        bound = constant
        for one, peak in zip(maxima, choice, strict=True):
            for pair, weight in peak.form.items():
                total[pair] = total.get(pair, sympy.S.Zero) + one.coefficient * weight
            bound += one.coefficient * sympy.log(peak.weight)
        if -1 not in signs(sympy.cancel(_expected(total)), ranges=ranges):
            bound = sympy.simplify(bound)
            difference = sympy.S.Zero if best is None else sympy.simplify(bound - best)
            # Where it depends on the parameters which is higher, the shorter one is told.
            shorter = not difference.is_number and sympy.count_ops(bound) < sympy.count_ops(best)
            best = bound if best is None or difference.is_positive or shorter else best
    return best


def _expected(form: Form) -> sympy.Expr:
    """The mean of a quadratic form for one row with wᵀΣw = 1; its sign holds for any W, being linear in a_i and c_i."""
    total = sympy.S.Zero
    for (u, v), weight in form.items():
        if u == v:
            total += weight
        elif u.datum == v.datum:
            total += weight * a / (a + c)
    return total


def _expected_maximum(one: _Maximum, ranges: Ranges) -> sympy.Expr | None:
    """E max of the exponents for one row with wᵀΣw = 1; times d where they are of d rows."""
    if len(one.peaks) == 1 and not one.peaks[0].over:
        return _expected(one.peaks[0].form) * rows
    samples = {(peak.over[0].datum, peak.draws) for peak in one.peaks if len(peak.over) == 1}
    if len(samples) != 1 or any(len(peak.over) != 1 for peak in one.peaks):
        return None
    ((_, count),) = samples
    anchors, slopes = set(), set()
    for peak in one.peaks:
        (bound,) = peak.over
        mixed = {pair: weight for pair, weight in peak.form.items() if bound in pair and pair != (bound, bound)}
        if len(mixed) != 1:
            return None
        ((pair, slope),) = mixed.items()
        (anchor,) = set(pair) - {bound}
        away = {(anchor, anchor): -slope / 2, pair: slope, (bound, bound): -slope / 2}
        if peak.form == away and len(one.peaks) == 1 and sign(slope, ranges=ranges) == 1:
            return -slope * _nearest(count) / 2
        if peak.form != mixed:
            return None
        anchors.add(anchor)
        slopes.add(slope)
    views = len({peak.over for peak in one.peaks})
    if len(anchors) != 1 or len(slopes) != 1 or views != len(one.peaks) or views > 2:
        return None
    # Given f(x), ⟨f(x), f(χ)⟩ is normal with |f(x)| as its standard deviation, whatever the sign in front.
    length = sympy.sqrt(2) * sympy.gamma((rows + 1) / 2) / sympy.gamma(rows / 2)
    (slope,) = slopes
    known = sign(slope, ranges=ranges)
    return (sympy.Abs(slope) if known is None else known * slope) * length * _largest(count, views)


def _nearest(n: sympy.Expr) -> sympy.Expr:
    # min(u², v²) = ½(u² + v²) − ½|u² − v²| with u² − v² = (ξ2 − ξ1)(2ξ0 − ξ1 − ξ2), a product of two independent
    # normals of variances 2 and 6: its mean size is (2/π)√12.
    known = {1: sympy.Integer(2), 2: 2 * (1 - sympy.sqrt(3) / sympy.pi)}
    return known.get(n, sympy.Function("m")(n))


def _largest(n: sympy.Expr, views: int) -> sympy.Expr:
    # E max of two normals of correlation ρ is √((1 − ρ)/π).
    correlation = a / (a + c)
    if (n, views) == (1, 2):
        return sympy.sqrt(c / (a + c)) / sympy.sqrt(sympy.pi)
    known = {(1, 1): sympy.S.Zero, (2, 1): 1 / sympy.sqrt(sympy.pi)}
    return known.get((n, views), sympy.Function("M")(n, views, correlation if views > 1 else 0))


def _taken_apart(node: Expression) -> tuple[Form, list[tuple[sympy.Expr, Expression]], list[_Maximum], sympy.Expr]:
    """A definition as a quadratic form, what is written for it, logarithms of exponentials, and a constant."""
    linear: Form = {}
    written: list[tuple[sympy.Expr, Expression]] = []
    maxima: list[_Maximum] = []
    constant = sympy.S.Zero
    for coefficient, part in summands(node):
        inside = part
        while isinstance(inside, Average):
            inside = inside.body
        scaled, inside = _unscaled(inside)
        weight = coefficient * scaled
        if isinstance(inside, Log):
            maxima.append(_Maximum(weight, tuple(_peaks(inside.argument))))
            continue
        found = quadratic_form(inside)
        if found is None:
            degree = degree_of(inside)
            what = definition(inside, TEXT) if degree is None else f"a polynomial of degree {degree} in W"
            raise _UnknownError(f"the growth of {what} beside the rest is not analysed")
        for pair, value in found[0].items():
            linear[pair] = linear.get(pair, sympy.S.Zero) + weight * value
        constant += weight * found[1]
        if found[0]:
            written.append((weight, inside))
    return linear, written, maxima, constant


def _peaks(node: Expression) -> list[_Peak]:
    """The exponentials that a logarithm sums."""
    match node:
        case Scalar(value):
            return [_Peak(value, Scalar(sympy.S.Zero), {}, (), None)] if value != 0 else []
        case Sum(terms):
            return [peak for term in terms for peak in _peaks(term)]
        case Product():
            scalar, rest = _unscaled(node)
            if not isinstance(rest, Product):
                return [peak._replace(weight=scalar * peak.weight) for peak in _peaks(rest)] if scalar != 0 else []
        case Exp(argument):
            form = quadratic_form(argument)
            if form is not None:
                return [_Peak(sympy.exp(form[1]), argument, form[0], (), None)]
        case Average(body, over, count):
            inside = _peaks(body)
            if not any(peak.over for peak in inside):
                return [peak._replace(over=_used(over, peak.form), draws=count) for peak in inside]
    raise _UnknownError(f"under a logarithm the growth of {definition(node, TEXT)} is not analysed")


def _used(over: tuple[View, ...], form: Form) -> tuple[View, ...]:
    return tuple(view for view in over if any(view in pair for pair in form))


def _unscaled(node: Expression) -> tuple[sympy.Expr, Expression]:
    if not isinstance(node, Product):
        return sympy.S.One, node
    scalar = sympy.Mul(*(factor.value for factor in node.factors if isinstance(factor, Scalar)))
    rest = tuple(factor for factor in node.factors if not isinstance(factor, Scalar))
    return scalar, rest[0] if len(rest) == 1 else Product(rest) if rest else Scalar(sympy.S.One)


def _written(linear: list[tuple[sympy.Expr, Expression]], maxima: list[_Maximum]) -> str:
    """R(W) in plain text."""
    pieces = [definition(weight * node, TEXT) for weight, node in linear]
    for one in maxima:
        inside = []
        for peak in one.peaks:
            parts = [weight * part for weight, part in summands(peak.node) if not isinstance(part, Scalar)]
            shown = definition(sum(parts, start=Scalar(sympy.S.Zero)), TEXT)
            names = ",".join(TEXT.view(view) for view in peak.over)
            number = "" if peak.draws is None else f"^({TEXT.scalar(peak.draws)})"
            inside.append(f"{'sup' if peak.draws is None else 'max'}_{names}{number} {shown}" if names else shown)
        body = inside[0] if len(inside) == 1 else f"max({', '.join(inside)})"
        weight = TEXT.scalar(one.coefficient)
        weight = f"({weight}) " if one.coefficient.is_Add else f"{weight} "
        pieces.append(body if one.coefficient == 1 else weight + body)
    return "E[" + " + ".join(pieces).replace("+ −", "− ") + "]"
