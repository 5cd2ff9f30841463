"""How logarithms of exponentials grow, from their recession function R(W) = lim L(tW)/t² as t → ∞.

An inner product grows like t², and a logarithm of exponentials like the largest exponent. With positive weights w_j
and W as large as it may be,

    max_j q_j + log min_j w_j  ≤  log Σ_j w_j e^(q_j)  ≤  max_j q_j + log Σ_j w_j.

So over a finite sample L(W) − R(W) is bounded, R is homogeneous, and L is bounded below exactly where R ≥ 0 for every
W. Two arguments decide:

- bounded: log Σ_j w_j e^(q_j) ≥ log w_k + q_k for any one k, and log mean e^q ≥ mean q. If one choice for each
  logarithm leaves something that is not negative for any covariances, L is bounded below by the logarithms' constants.
- unbounded: R < 0 for a W of one row, along a mode with eigenvalues a_i and c_i. With more rows there is more
  room: a maximum of sums is at most the sum of the maxima.

For standard normal ξ, m(n) = E min_{k ≤ n} (ξ0 − ξk)², and M(n, V, ρ) is the mean of the largest of n groups of V
normals, of correlation ρ within a group. `numeric.landscape.recession` has their values.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import sympy

from derive.algebra.letters import letters
from derive.algebra.signs import sign
from derive.definition.contents import degree_of
from derive.definition.expression import Average, Exp, Expression, Log, Product, Scalar, Sum
from derive.definition.factors import summands, unscaled
from derive.definition.notation import TEXT
from derive.definition.views import View
from derive.definition.written import definition
from derive.landscape.closed_form import quadratic_form
from derive.landscape.landscape import a_i as a
from derive.landscape.landscape import c_i as c
from derive.landscape.structure import in_the_mean, never_negative

Form = dict[tuple[View, View], sympy.Expr]

(rows,) = letters("d")
# m and M, see above.
NEAREST, LARGEST = sympy.Function("m"), sympy.Function("M")


class Peak(NamedTuple):
    """weight · e^form under a logarithm, averaged over views that are bound there."""

    weight: sympy.Expr
    node: Expression
    form: Form
    over: tuple[View, ...]
    draws: sympy.Expr | None


class Maximum(NamedTuple):
    """coefficient · log of a sum of peaks."""

    coefficient: sympy.Expr
    peaks: tuple[Peak, ...]


class UnknownError(Exception):
    """A part of a definition whose growth is not understood; the message says which."""


def lower_bound(linear: Form, maxima: list[Maximum], constant: sympy.Expr) -> sympy.Expr | None:
    """The best constant below the loss that one exponent for each logarithm gives."""
    best: sympy.Expr | None = None
    for choice in product(*(one.peaks for one in maxima)):
        total = dict(linear)
        bound = constant
        for one, peak in zip(maxima, choice, strict=True):
            for pair, weight in peak.form.items():
                total[pair] = total.get(pair, sympy.S.Zero) + one.coefficient * weight
            bound += one.coefficient * sympy.log(peak.weight)
        if never_negative(total):
            bound = sympy.simplify(bound)
            difference = sympy.S.Zero if best is None else sympy.simplify(bound - best)
            # Where the parameters decide which is higher, the shorter one is kept.
            shorter = not difference.is_number and sympy.count_ops(bound) < sympy.count_ops(best)
            best = bound if best is None or difference.is_positive or shorter else best
    return best


def expected_maximum(one: Maximum) -> sympy.Expr | None:
    """E max of the exponents for one row with wᵀΣw = 1; times d where they are of d rows."""
    if len(one.peaks) == 1 and not one.peaks[0].over:
        return in_the_mean(one.peaks[0].form) * rows
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
        if peak.form == away and len(one.peaks) == 1 and sign(slope) == 1:
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
    known = sign(slope)
    return (sympy.Abs(slope) if known is None else known * slope) * length * _largest(count, views)


def _nearest(n: sympy.Expr) -> sympy.Expr:
    # min(u², v²) = ½(u² + v²) − ½|u² − v²| with u² − v² = (ξ2 − ξ1)(2ξ0 − ξ1 − ξ2), a product of two independent
    # normals of variances 2 and 6: its mean size is (2/π)√12.
    known = {1: sympy.Integer(2), 2: 2 * (1 - sympy.sqrt(3) / sympy.pi)}
    return known.get(n, NEAREST(n))


def _largest(n: sympy.Expr, views: int) -> sympy.Expr:
    # E max of two normals of correlation ρ is √((1 − ρ)/π).
    correlation = a / (a + c)
    if (n, views) == (1, 2):
        return sympy.sqrt(c / (a + c)) / sympy.sqrt(sympy.pi)
    known = {(1, 1): sympy.S.Zero, (2, 1): 1 / sympy.sqrt(sympy.pi)}
    return known.get((n, views), LARGEST(n, views, correlation if views > 1 else 0))


def taken_apart(node: Expression) -> tuple[Form, list[tuple[sympy.Expr, Expression]], list[Maximum], sympy.Expr]:
    """A definition taken apart: its quadratic form, the summands of that, logarithms of exponentials, a constant."""
    linear: Form = {}
    written: list[tuple[sympy.Expr, Expression]] = []
    maxima: list[Maximum] = []
    constant = sympy.S.Zero
    for coefficient, part in summands(node):
        inside = part
        while isinstance(inside, Average):
            inside = inside.body
        scaled, inside = unscaled(inside)
        weight = coefficient * scaled
        if isinstance(inside, Log):
            maxima.append(Maximum(weight, tuple(peaks(inside.argument))))
            continue
        found = quadratic_form(inside)
        if found is None:
            degree = degree_of(inside)
            what = definition(inside, TEXT) if degree is None else f"a polynomial of degree {degree} in W"
            raise UnknownError(f"the growth of {what} beside the rest is not analysed")
        for pair, value in found[0].items():
            linear[pair] = linear.get(pair, sympy.S.Zero) + weight * value
        constant += weight * found[1]
        if found[0]:
            written.append((weight, inside))
    return linear, written, maxima, constant


def peaks(node: Expression) -> list[Peak]:
    """The exponentials that a logarithm sums."""
    match node:
        case Scalar(value):
            return [Peak(value, Scalar(sympy.S.Zero), {}, (), None)] if value != 0 else []
        case Sum(terms):
            return [peak for term in terms for peak in peaks(term)]
        case Product():
            scalar, rest = unscaled(node)
            if not isinstance(rest, Product):
                return [peak._replace(weight=scalar * peak.weight) for peak in peaks(rest)] if scalar != 0 else []
        case Exp(argument):
            form = quadratic_form(argument)
            if form is not None:
                return [Peak(sympy.exp(form[1]), argument, form[0], (), None)]
        case Average(body, over, count):
            inside = peaks(body)
            if not any(peak.over for peak in inside):
                return [peak._replace(over=_used(over, peak.form), draws=count) for peak in inside]
    raise UnknownError(f"under a logarithm the growth of {definition(node, TEXT)} is not analysed")


def _used(over: tuple[View, ...], form: Form) -> tuple[View, ...]:
    return tuple(view for view in over if any(view in pair for pair in form))


def written_out(linear: list[tuple[sympy.Expr, Expression]], maxima: list[Maximum]) -> str:
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
