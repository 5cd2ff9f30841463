r"""E log mean_k e^(z_k) of K Gaussian logits in powers of their covariance S: what a softmax makes of a linear map.

With z ~ N(0, S), the mean over z of any function is exp(½ Σ S_kl ∂_k ∂_l) of it at z = 0 (the heat equation), and the
derivatives of log mean_k e^(z_k) there are the joint cumulants of the unit vector e_k of a k that is drawn evenly. So

    F(S) = E log mean_k e^(z_k) = Σ_n (2ⁿ n!)⁻¹ Σ_π (−1)^(b−1) (b−1)! mean_k ∏ S_kl,

over the partitions π of 2n points, paired into n factors S_kl, into b blocks, each an index that is averaged over. No
index is singled out: F is symmetric under permutations of the logits, not under rotations. F depends on differences
of logits alone, so that S may be centred, ΠSΠ with Π = I − 11ᵀ/K; a block of one point is zero then.

Softmax itself is the gradient: E softmax(z + m) = ∂/∂m, and E[softmax(W x) xᵀ] = J W Σ with J = 2 ∂F/∂S.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import permutations
from math import factorial
from typing import TYPE_CHECKING

from sympy.utilities.iterables import multiset_partitions

from derive.definition.notation import TEXT, Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Factors S_kl as pairs of indices, which are numbered 0, 1, …
Edges = tuple[tuple[int, int], ...]
_INDICES = "klmnpqrs"


@dataclass(frozen=True, order=True)
class Link:
    """A matrix made of S entry by entry: ∏ S over the edges, averaged over every index but its ends.

    Attributes:
        edges: the factors.
        ends: the indices of its row and column; where both are one, it is diagonal.

    """

    edges: Edges
    ends: tuple[int, int]

    @property
    def diagonal(self) -> bool:
        """Whether it is a diagonal matrix."""
        return self.ends[0] == self.ends[1]

    @property
    def unit(self) -> bool:
        """Whether it is the unit matrix."""
        return self.diagonal and not self.edges

    def text(self, style: Style = TEXT) -> str:
        r"""By its entries, in plain text or in another style.

        >>> from derive.definition.notation import LATEX
        >>> print(Link(((0, 1), (0, 1), (1, 1)), (0, 0)).text(LATEX))
        \operatorname{Diag}(\operatorname{mean}_{l} S_{kl}^{2} S_{ll})
        """
        free = [index for index in _vertices(self.edges) if index not in self.ends]
        names = dict(zip((*dict.fromkeys(self.ends), *free), _INDICES, strict=False))
        over = "".join(names[index] for index in free)
        counted = [(f"{names[i]}{names[j]}", str(times)) for (i, j), times in Counter(self.edges).items()]
        if style is TEXT:
            mean, diagonal = f"mean_{over} ", "Diag"
            entries = [style.power(f"S_{both}", times) if times != "1" else f"S_{both}" for both, times in counted]
        else:
            mean, diagonal = rf"\operatorname{{mean}}_{{{over}}} ", r"\operatorname{Diag}"
            entries = [f"S_{{{both}}}" + (f"^{{{times}}}" if times != "1" else "") for both, times in counted]
        inside = (mean if free else "") + (" ".join(entries) or "1")
        return f"{diagonal}({inside})" if self.diagonal else f"[{inside}]"

    def __str__(self) -> str:
        """The same as `text`.

        >>> print(Link(((0, 1), (0, 1), (1, 1)), (0, 0)))
        Diag(mean_l S_kl² S_ll)
        """
        return self.text()


@lru_cache(maxsize=16)
def log_mean(power: int) -> Mapping[Edges, Fraction]:
    """The part of F(S) of a power of a centred S: for each product of entries, averaged over its indices, a number.

    >>> for edges, number in log_mean(2).items():
    ...     print(number, edges)
    -1/8 ((0, 0), (1, 1))
    -1/4 ((0, 1), (0, 1))
    1/8 ((0, 0), (0, 0))
    """
    found: dict[Edges, Fraction] = defaultdict(Fraction)
    for blocks in multiset_partitions(list(range(2 * power))):
        if min(map(len, blocks)) < 2:
            continue
        of = {point: index for index, block in enumerate(blocks) for point in block}
        edges = canonical((of[2 * i], of[2 * i + 1]) for i in range(power))
        found[edges] += Fraction((-1) ** (len(blocks) - 1) * factorial(len(blocks) - 1))
    scale = 2**power * factorial(power)
    return {edges: number / scale for edges, number in sorted(found.items(), key=_order) if number}


@lru_cache(maxsize=16)
def links(power: int) -> Mapping[Link, Fraction]:
    """J = 2 ∂F/∂S at a power of a centred S, times K for diagonal links and times K² for the others.

    J itself is centred besides, Π J Π.

    >>> for link, number in links(1).items():
    ...     print(number, link)
    1/2 Diag(S_kk)
    -1/2 Diag(mean_l S_ll)
    -1 [S_kl]
    """
    found: dict[Link, Fraction] = defaultdict(Fraction)
    for edges, number in log_mean(power + 1).items():
        for i, (one, other) in enumerate(edges):
            found[_open(edges[:i] + edges[i + 1 :], one, other)] += 2 * number
    return {link: number for link, number in sorted(found.items(), key=_link_order) if number}


def canonical(edges: Iterable[tuple[int, int]]) -> Edges:
    """The same product of entries whatever its indices are called.

    >>> canonical([(3, 1), (1, 1)])
    ((0, 0), (0, 1))
    """
    listed = list(edges)
    indices = sorted(_vertices(listed))
    return min(_renamed(listed, dict(zip(indices, order, strict=True))) for order in permutations(range(len(indices))))


def _open(edges: Edges, one: int, other: int) -> Link:
    """A link between two indices; transposed where that comes first, since J is symmetric."""
    ends = list(dict.fromkeys((one, other)))
    rest = [index for index in _vertices(edges) if index not in ends]
    ways = []
    for first in permutations(range(len(ends))):
        for order in permutations(range(len(ends), len(ends) + len(rest))):
            names = dict(zip((*ends, *rest), (*first, *order), strict=True))
            ways.append(_renamed(edges, names))
    return Link(min(ways), (0, len(ends) - 1))


def _renamed(edges: Iterable[tuple[int, int]], names: Mapping[int, int]) -> Edges:
    both = ((names[one], names[other]) for one, other in edges)
    return tuple(sorted((min(pair), max(pair)) for pair in both))


def _vertices(edges: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(index for pair in edges for index in pair))


def _order(item: tuple[Edges, Fraction]) -> tuple[int, Edges]:
    """Products of many means first."""
    return -len(_vertices(item[0])), item[0]


def _link_order(item: tuple[Link, Fraction]) -> tuple[bool, int, Link]:
    return not item[0].diagonal, -len(_vertices(item[0].edges)), item[0]
