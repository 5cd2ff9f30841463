"""A loss of cosines order by order in 1/τ, at any W and for any data that are as likely as their opposites.

Every cosine brings a factor 1/τ, as every inner product brings two powers of W around W = 0: the same series of
moments, of unit vectors in place of f. So the coefficients are those of the loss without its normalisation, and only
the means differ:

    L = const − (1/τ) E cos(x, x′) + (1/2τ²) E cos(x, χ)² + …        (InfoNCE)

For equal modes the series of log E exp(cos/τ) converges for 1/τ below the first zero of the Bessel function J_(r/2−1),
about r/2 for many kept modes r; at lower temperatures it diverges, and `numeric.sphere.shares` has the sum.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive.algebra.graphs import CLASSMATE
from derive.definition.expression import Expression, Inner, Product, Scalar, Sum, children, rebuilt, walk
from derive.definition.lengths import cosines_and_lengths
from derive.definition.notation import TEXT, signed_sum, superscript
from derive.errors import InputError

if TYPE_CHECKING:
    from derive.algebra.graphs import Graph, Vertex
    from derive.expansion.moments import Moment, MomentSeries
    from derive.losses.loss import Loss

# Names of data, in the order in which they occur in a mean.
_DATA = "xyzuvw"


class CosineTerm(NamedTuple):
    """coefficient × a product of means of products of cosines.

    Attributes:
        order: the number of cosines; where every cosine is divided by τ, the power of 1/τ.
        coefficient: exact.
        moment: the cosines as edges between views, a graph for each mean.

    """

    order: int
    coefficient: sympy.Expr
    moment: Moment


@dataclass(frozen=True)
class CosineSeries:
    """A loss of cosines in powers of 1/τ.

    Attributes:
        loss: its name.
        order: the highest power of 1/τ.
        constant: the term without cosines.
        terms: all others, by order.

    """

    loss: str
    order: int
    constant: sympy.Expr
    terms: tuple[CosineTerm, ...]

    def text(self) -> str:
        """In plain text, with a remainder.

        >>> from derive import catalogue
        >>> print(in_cosines(catalogue("infonce+normalised"), 2).text())
        −1/τ E[cos(x, x′)] + 1/(2 τ^2) E[cos(x, y)²] + O(cos³)
        """
        parts = [] if self.constant == 0 else [(self.constant, "")]
        parts += [(term.coefficient, " ".join(map(_mean, term.moment))) for term in self.terms]
        return signed_sum(parts, TEXT, f"O(cos{superscript(self.order + 1)})")

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()


def in_cosines(loss: Loss, order: int) -> CosineSeries:
    """The expansion of a loss in the number of cosines, each of which brings 1/τ.

    Args:
        loss: of cosines alone.
        order: the highest number of cosines.

    Raises:
        InputError: the loss sees more of f than cosines.

    >>> from derive import catalogue
    >>> print(in_cosines(catalogue("dcl+normalised"), 2))
    (log(N - 1) + log(2)) − 1/τ E[cos(x, x′)] + (2 N - 3)/(4 τ^2(N - 1)) E[cos(x, y)²] − 1/(4 τ^2(N - 1)) E[cos(x, y) \
cos(x′, y)] + O(cos³)

    """
    if CLASSMATE in loss.roles:
        raise InputError(
            f"{loss.name} has views of other data of a class; the series in 1/τ is for data without classes"
        )
    plain = _without_lengths(loss.expression)
    if any(isinstance(node, Inner) and node.left == node.right for node in walk(plain)):
        raise InputError(f"{loss.name} sees lengths of f; the series in 1/τ is for losses of cosines alone")
    series: MomentSeries = replace(loss, expression=plain).moments(2 * order)
    terms = []
    for moment, coefficient in series.terms:
        number = sum(map(len, moment))
        # x and −x are equally likely: a datum that occurs an odd number of times has no mean.
        legs = (Counter(end.group for edge in graph for end in edge) for graph in moment)
        if all(times % 2 == 0 for of_graph in legs for times in of_graph.values()):
            terms.append(CosineTerm(number, coefficient, moment))
    return CosineSeries(loss.name, order, series.constant, tuple(sorted(terms, key=lambda term: term.order)))


def _without_lengths(node: Expression) -> Expression:
    """Inner products in place of cosines."""
    cosines, lengths, others = cosines_and_lengths((node,))
    if cosines and not lengths:
        plain: Expression = Scalar(sympy.S.One)
        for u, v, power in cosines:
            for _ in range(power):
                plain = plain * Inner(u, v)
        for other in others:
            plain = plain * _without_lengths(other)
        return plain
    parts = [_without_lengths(part) for part in children(node)]
    return rebuilt(node, parts) if not isinstance(node, Sum | Product) else type(node)(tuple(parts))


def _mean(graph: Graph) -> str:
    """E[…] of a product of cosines, written out."""
    names: dict[int, str] = {}
    shown: dict[int, dict[int, int]] = {}

    def written(end: Vertex) -> str:
        letter = _DATA[len(names)] if len(names) < len(_DATA) else f"x{len(names)}"
        name, seen = names.setdefault(end.group, letter), shown.setdefault(end.group, {})
        return name + "′" * seen.setdefault(end.view, len(seen))

    factors = Counter(f"cos({written(u)}, {written(v)})" for u, v in graph)
    product = " ".join(one if times == 1 else one + superscript(times) for one, times in factors.items())
    return f"E[{product}]"
